"""What became of a run: counts and sums by result, in one grouped query. Reads only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import case, func, select

from splynx_ippay.base.money import Money
from splynx_ippay.payments.models import Attempt, State
from splynx_ippay.runs.models import ItemState, Run, RunItem
from splynx_ippay.runs.reasons import RESULTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from splynx_ippay.payments.core import Core

_OF_ATTEMPT = {State.INTENDED: "under_way", State.ABANDONED: "never_sent"}
# What does not move any more without the bank, reconciliation or a person.
_OPEN = frozenset({"waiting", "under_way"})
# Not the end of an invoice: left alone from the start, or counted where its backup method is.
_NO_END = frozenset({"skipped", "replaced"})


@dataclass(frozen=True, slots=True)
class Share:
    """How many items, and how much money."""

    count: int
    amount: Money


@dataclass(frozen=True, slots=True)
class Progress:
    """Of one run: results by key of RESULTS, in its order, those that occur only."""

    run: Run
    results: Mapping[str, Share] = field(default_factory=dict)

    @property
    def planned(self) -> int:
        """How many items the plan charges."""
        return self.run.ready_count

    @property
    def done(self) -> int:
        """How many of them had their turn."""
        return sum(share.count for key, share in self.results.items() if key not in _OPEN | _NO_END)

    @property
    def percent(self) -> int:
        """0 to 100, rounded down; a run with nothing to do is at 100."""
        return 100 if not self.planned else min(100, self.done * 100 // self.planned)

    def taken(self) -> Money:
        """What was approved or accepted."""
        zero = Money.zero(self.run.currency)
        return sum((self.results[key].amount for key in ("approved", "accepted") if key in self.results), zero)


def result_of(item_state: str, attempt_state: str | None) -> str:
    """The key of RESULTS for an item: its attempt tells, unless it was left alone or had drifted."""
    if item_state == ItemState.SKIP:
        return "skipped"
    if item_state in {ItemState.DRIFTED, ItemState.REPLACED}:
        return str(item_state)
    if attempt_state is None:
        return "waiting" if item_state == ItemState.READY else "never_sent"
    return _OF_ATTEMPT.get(State(attempt_state), attempt_state)


def result_column() -> ColumnElement[str]:
    """``result_of`` in SQL, over RunItem outer-joined with Attempt; checked against it by a test."""
    return case(
        (RunItem.state == ItemState.SKIP, "skipped"), (RunItem.state == ItemState.DRIFTED, "drifted"),
        (RunItem.state == ItemState.REPLACED, "replaced"),
        (Attempt.state.is_(None) & (RunItem.state == ItemState.READY), "waiting"), (Attempt.state.is_(None), "never_sent"),
        *((Attempt.state == state, key) for state, key in _OF_ATTEMPT.items()), else_=Attempt.state)


def progress(core: Core, run_id: int) -> Progress:
    """Counts and sums of a run by result. Raises NoResultFound for a run that does not exist."""
    with core.database.read() as session:
        run = session.get_one(Run, run_id)
        shares = shares_of(session, [run_id]).get(run_id, {})
    return Progress(run, {key: Share(count, Money(cents, run.currency)) for key, (count, cents) in shares.items()})


def shares_of(session: Session, run_ids: list[int]) -> dict[int, dict[str, tuple[int, int]]]:
    """Count and cents by result of several runs in one query; results in the order of RESULTS."""
    rows = session.execute(
        select(RunItem.run_id, RunItem.state, Attempt.state, func.count(), func.sum(RunItem.amount_cents))
        .outerjoin(Attempt, Attempt.id == RunItem.attempt_id)
        .where(RunItem.run_id.in_(run_ids)).group_by(RunItem.run_id, RunItem.state, Attempt.state))
    found: dict[int, dict[str, tuple[int, int]]] = {}
    for run_id, item_state, attempt_state, count, cents in rows:
        shares = found.setdefault(run_id, {})
        key = result_of(item_state, attempt_state)
        before = shares.get(key, (0, 0))
        shares[key] = (before[0] + count, before[1] + int(cents))
    return {run_id: {key: shares[key] for key in RESULTS if key in shares} for run_id, shares in found.items()}
