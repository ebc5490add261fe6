"""Sales on our terminal that are not ours. Owns the alert, and that runs wait for a person.

Reads the sale feeds of the last two days. A sale that bears this installation's name and is not in the database is worse:
then the database is an older copy, and nothing is sent any more. A sale of ours that we hold for declined or never sent is
late evidence.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import exists, select

from splynx_ippay.base import clock
from splynx_ippay.base.errors import Stopped
from splynx_ippay.payments import feeds, findings, mark, states
from splynx_ippay.payments.feed_models import FeedRow
from splynx_ippay.payments.models import Attempt, State
from splynx_ippay.payments.watch_models import THE_ONE, Installation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Select
    from sqlalchemy.orm import Session

    from splynx_ippay.ippay.report import Feed
    from splynx_ippay.payments.core import Core

log = logging.getLogger(__name__)

SALE_FEEDS: tuple[Feed, ...] = ("credit", "ach")
SALES = ("SALE", "CHECK")
LOOK_BACK = timedelta(days=1)
_REPORTED_WITHIN = timedelta(days=3)
_TAKEN = "000"


def tick(core: Core) -> int:
    """Read what was sold on our terminals and note what is not ours; returns how many new ones."""
    now = clock.now()
    for terminal in core.settings.terminals().values():
        if terminal.can_report:
            for feed in SALE_FEEDS:
                feeds.read_days(core, terminal, feed, now - LOOK_BACK, now)
    for row_id in _denied(core):
        core.database.run(lambda session, i=row_id: _contradict(session, i))  # type: ignore[misc]
    return core.database.run(lambda session: _note(session, own_names(core)))


def _denied(core: Core) -> list[int]:
    """Sales the feeds show as taken while we say declined or never sent."""
    with core.database.read() as session:
        return list(session.scalars(
            _taken_rows().join(Attempt, Attempt.transaction_id == FeedRow.transaction_id).with_only_columns(FeedRow.id)
            .where(Attempt.state.in_([State.DECLINED, State.ABANDONED]))))


def _contradict(session: Session, row_id: int) -> None:
    row = session.get_one(FeedRow, row_id)
    attempt = states.get_attempt(session, session.scalars(
        select(Attempt.id).where(Attempt.transaction_id == row.transaction_id)).one())
    row.attempt_id, row.handled_at = attempt.id, clock.now()
    states.late_evidence(session, attempt, reason=f"the report shows this sale as taken; we say {attempt.state}", says_taken=True)


def own_names(core: Core) -> frozenset[str]:
    """What this installation calls itself in UDField2, under every key of the key file."""
    return frozenset(name[:8] for name in core.box.signatures("installation", "id"))


def is_own(row: FeedRow, names: Iterable[str]) -> bool:
    """Whether the sale bears this installation's name."""
    return row.ud2.partition(":")[0] in names


def unknown_sales(session: Session, *, read_since: timedelta | None = None) -> list[FeedRow]:
    """Sales that were taken on our terminals, have no attempt, and no finding yet."""
    wanted = _taken_rows().where(~exists().where(Attempt.transaction_id == FeedRow.transaction_id)).order_by(FeedRow.id)
    if read_since is not None:
        wanted = wanted.where(FeedRow.read_at > clock.now() - read_since)
    return list(session.scalars(wanted))


def _taken_rows() -> Select[tuple[FeedRow]]:
    return select(FeedRow).where(
        FeedRow.feed.in_(SALE_FEEDS), FeedRow.request_type.in_(SALES), FeedRow.action_code == _TAKEN,
        FeedRow.handled_at.is_(None), FeedRow.attempt_id.is_(None))


def _note(session: Session, names: frozenset[str]) -> int:
    started = session.scalar(select(Installation.started_at).where(Installation.id == THE_ONE))
    count = 0
    for row in unknown_sales(session, read_since=_REPORTED_WITHIN):
        if is_own(row, names):
            mark.quarantine(session, f"IPpay shows the sale {row.transaction_id} of this installation, and the database does "
                                     "not know it. Was a backup restored?")
            continue  # ``recover`` sees to the row itself
        row.handled_at = clock.now()
        if started is not None and row.at is not None and row.at < started.replace(microsecond=0):
            continue  # somebody charged here before us
        if findings.add(session, findings.FOREIGN, subject_of(row), words_of(row)):
            log.error("a foreign sale on terminal %s: %s", row.terminal_id, row.transaction_id)
            count += 1
    return count


def subject_of(row: FeedRow) -> str:
    """What staff name the sale by."""
    return row.transaction_id or row.ip_trans_id or row.fingerprint[:16]


def words_of(row: FeedRow) -> str:
    """The sale in a few words for staff."""
    cents = "an unknown amount" if row.amount_cents is None else f"{row.amount_cents // 100}.{row.amount_cents % 100:02d}"
    day = f"{row.at:%Y-%m-%d %H:%M} UTC" if row.at else "an unknown time"
    return f"{subject_of(row)}: {row.request_type} of {cents} on terminal {row.terminal_id}, {day}"


def guard_runs(session: Session) -> None:
    """Raise Stopped("foreign") while a sale that is not ours, or was lost in a restore, waits for a person."""
    found = findings.open_of(session, findings.FOREIGN, findings.LOST)
    if found:
        raise Stopped("foreign", f"no Charge runs while {len(found)} sale(s) on our terminal that the add-on did not make wait "
                                 f"for a person, the first is {found[0].words}. "
                                 f"Run: splynx-ippay acknowledge-foreign {found[0].subject}")


def acknowledge(core: Core, subject: str, *, by: str) -> int:
    """A person knows of the sale; returns how many others still wait. Raises LookupError when none of that name waits."""
    def _acknowledge(session: Session) -> int:
        if not findings.acknowledge(session, subject, by=by, kinds=(findings.FOREIGN, findings.LOST)):
            raise LookupError(subject)
        return len(findings.open_of(session, findings.FOREIGN, findings.LOST))

    return core.database.run(_acknowledge)
