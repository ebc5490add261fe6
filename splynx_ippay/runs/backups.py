"""The second try of a Charge: when the default method was declined softly, the backup method that the plan names, once.

It is an item of its own, with an attempt of its own. Must never follow an outcome that was unknown, a refusal that more
tries make worse, or a second try.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert, select, update

from splynx_ippay.ippay.declines import DECLINES
from splynx_ippay.payments.models import Attempt, State
from splynx_ippay.runs.models import ItemState, RunItem

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

FIRST, SECOND = 1, 2
# No money there now, or the bank wants to be asked: another method may do. Details that do not fit (data), our own set-up,
# a card refused for good (hard: lost, stolen, fraud) say that somebody has to look first.
ALLOWS = tuple(code for code, decline in DECLINES.items() if decline.kind in {"soft", "contact"})
_OF_THE_TRY = frozenset({"id", "turn", "method_id", "method_label", "backup_method_id", "backup_label", "state", "reason",
                         "detail", "attempt_id", "lease_until", "lease_holder"})


def follow_items(session: Session, item_ids: Collection[int]) -> int:
    """Add the second try of these items where they were declined so that one is allowed; how many."""
    return _follow(session, RunItem.id.in_(item_ids)) if item_ids else 0


def follow_run(session: Session, run_id: int) -> int:
    """The same for a whole run: a worker may have died between the answer and its record."""
    return _follow(session, RunItem.run_id == run_id)


def _follow(session: Session, which: ColumnElement[bool]) -> int:
    declined = session.scalars(select(RunItem).join(Attempt, Attempt.id == RunItem.attempt_id).where(
        which, RunItem.state == ItemState.DONE, RunItem.turn == FIRST, RunItem.backup_method_id.is_not(None),
        Attempt.state == State.DECLINED, Attempt.learned_from == "answer", Attempt.action_code.in_(ALLOWS))).all()
    count = 0
    for item in declined:
        replaced = session.execute(update(RunItem).where(RunItem.id == item.id, RunItem.state == ItemState.DONE)
                                   .values(state=ItemState.REPLACED).execution_options(synchronize_session=False))
        if replaced.rowcount == 1:  # type: ignore[attr-defined]  # the result of an UPDATE has one
            same = {column.key: getattr(item, column.key) for column in RunItem.__table__.columns
                    if column.key not in _OF_THE_TRY}
            session.execute(insert(RunItem).values(**same, turn=SECOND, method_id=item.backup_method_id,
                                                   method_label=item.backup_label, state=ItemState.READY))
            count += 1
    return count
