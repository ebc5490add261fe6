"""Bank debits after they were accepted: settlement, return, and when the host is told.

Reads the settlement and reject feeds from the first day. Owns which R-codes bring money back and what follows.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from splynx_ippay import credentials
from splynx_ippay.base import clock
from splynx_ippay.base.errors import ConfigError, IllegalTransition
from splynx_ippay.payments import booking, calendar, events, feeds, mark, states
from splynx_ippay.payments.feed_models import FeedRow
from splynx_ippay.payments.models import Attempt, Booking, Line, State
from splynx_ippay.payments.tally import Tally

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from splynx_ippay.base.settings import TerminalSettings
    from splynx_ippay.payments.core import Core

log = logging.getLogger(__name__)

# Nacha: a consumer may return an unauthorised debit for 60 days; five more for the report.
FOLLOW_FOR = timedelta(days=65)
# Returned by the customer's bank: the money went back (Nacha's return codes; docs/WIRE.md).
CUSTOMER_RETURNS = frozenset({f"R{number:02d}" for number in (*range(1, 12), 12, 13, 14, 15, 16, 17, 20, 23, 24, 29)})
DISABLES_METHOD = frozenset({"R02", "R03", "R04", "R05", "R07", "R08", "R10", "R11", "R16", "R20", "R29"})
# Nacha: R01 and R09 may be presented again; assume that the gateway does so by itself.
MAY_COME_AGAIN = frozenset({"R01", "R09"})
HOLD = timedelta(days=10)
REVIEW_AFTER_BANKING_DAYS = 7


def tick(core: Core) -> int:
    """Read the feeds where debits are under way, apply new rows, post what has waited long enough.

    Raises Stopped, and RowsFailed at the end when some made us fail: those stay as they were for the next tick.
    """
    mark.guard(core)
    tally = Tally("rows about bank debits")
    terminals = core.settings.terminals()
    for terminal_id, since in _under_way(core).items():
        terminal = terminals.get(terminal_id)
        if terminal is None or not terminal.can_report:
            continue
        for feed in ("achsettlement", "achrejects"):
            feeds.read_days(core, terminal, feed, since - feeds.DAY, clock.now())
    count = _apply_rows(core, tally)
    for attempt_id in _accepted(core):
        with tally.each(f"attempt {attempt_id}"):
            try:
                core.database.run(lambda session, i=attempt_id: grow_older(session, core, terminals, i))  # type: ignore[misc]
            except IllegalTransition:
                log.info("attempt %s was moved by somebody else", attempt_id)
    core.database.run(_end_holds)
    tally.end()
    return count


def _under_way(core: Core) -> dict[str, datetime]:
    """For each terminal the sending time of the oldest debit that may still settle or come back."""
    with core.database.read() as session:
        rows = session.execute(select(Attempt.terminal_id, func.min(Attempt.sending_at)).where(
            Attempt.kind == "check", Attempt.sending_at > clock.now() - FOLLOW_FOR,
            Attempt.state.in_([State.UNKNOWN, State.ACCEPTED, State.APPROVED, State.RETURNED])).group_by(Attempt.terminal_id))
        return {terminal_id: oldest for terminal_id, oldest in rows if oldest is not None}


def _apply_rows(core: Core, tally: Tally) -> int:
    with core.database.read() as session:
        ids = list(session.scalars(select(FeedRow.id).where(
            FeedRow.feed.in_(["achsettlement", "achrejects"]), FeedRow.handled_at.is_(None)).order_by(
                FeedRow.feed.desc(), FeedRow.id).limit(1000)))  # settlements before rejects
    count = 0
    for row_id in ids:
        attempt_id: int | None = None
        with tally.each(f"report row {row_id}"), suppress(IllegalTransition):  # at the next tick, as the row then stands
            attempt_id = core.database.run(lambda session, i=row_id: _apply_row(session, i))  # type: ignore[misc]
        if attempt_id is not None:
            count += 1
            booking.settle_up(core, attempt_id)
    return count


def _apply_row(session: Session, row_id: int) -> int | None:
    """Apply one report row once; None when it is not about an attempt of ours."""
    row = session.get_one(FeedRow, row_id)
    row.handled_at = clock.now()
    found = session.scalars(select(Attempt.id).where(
        Attempt.transaction_id == row.transaction_id, Attempt.terminal_id == row.terminal_id,
        Attempt.kind == "check")).first()
    if found is None:
        return None
    attempt = states.get_attempt(session, found)
    row.attempt_id = attempt.id
    if attempt.state == State.UNKNOWN:  # it has settled or come back, so it was taken in
        states.move(session, attempt, State.ACCEPTED, reason=f"found in the report {row.feed}", event="report",
                    learned_from="report", next_check_at=None)
    if row.amount_cents is not None and row.amount_cents != attempt.amount_cents:
        _review(session, attempt, f"the report {row.feed} shows another amount")
    elif row.feed == "achsettlement":
        _settled(session, attempt, row)
    else:
        _rejected(session, attempt, row.status.upper())
    return attempt.id


def _settled(session: Session, attempt: Attempt, row: FeedRow) -> None:
    if attempt.state == State.ACCEPTED:
        states.move(session, attempt, State.APPROVED, reason="the bank debit has settled", event="settled",
                    settled_on=row.settlement_date or clock.now().date(), in_feed_at=clock.now())
        booking.make_due(session, attempt)  # whatever the posting policy, settled money is posted
    else:
        is_news = attempt.state in states.FREES_KEYS or (
            attempt.state == State.RETURNED and _is_after_return(session, attempt, row))
        states.late_evidence(session, attempt, reason=f"a settlement arrived in state {attempt.state}; book it by hand",
                             says_taken=is_news)


def _is_after_return(session: Session, attempt: Attempt, row: FeedRow) -> bool:
    """Whether it settled after it came back: then it was presented again, and the money is there."""
    came_back = [reject.settlement_date for reject in feeds.rows_of(session, attempt, "achrejects")]
    return row.settlement_date is None or not all(day is not None and row.settlement_date <= day for day in came_back)


def _rejected(session: Session, attempt: Attempt, code: str) -> None:
    if code.startswith("C"):
        events.record(session, attempt.id, "correction", code=code,
                      reason="the bank asks to correct the account data; the payment stands")
        return
    if attempt.state not in {State.ACCEPTED, State.APPROVED}:
        states.late_evidence(session, attempt, reason=f"a return {code} arrived in state {attempt.state}", says_taken=False)
        return
    if code not in CUSTOMER_RETURNS:
        _review(session, attempt, f"the bank network answered {code or 'without a code'}; a person must look")
        return
    came_back(session, attempt, code, reason=f"the bank returned the debit: {code}", event="returned")


def came_back(session: Session, attempt: Attempt, code: str, *, reason: str, event: str, **columns: Any) -> None:
    """The debit was returned: what follows for its debts, its customer and its method. ``code`` may be "" where nobody knows.

    Raises IllegalTransition.
    """
    may_hold = code in MAY_COME_AGAIN and not attempt.excess  # what was beyond the debt never takes its key
    states.move(session, attempt, State.RETURNED, reason=reason, event=event, return_code=code[:3], **columns)
    for line in attempt.lines:
        if may_hold:
            if not states.hold_keys(session, line, clock.now() + HOLD):
                events.record(session, attempt.id, "hold_refused", line=line.position)
        else:
            states.free_keys(session, [line])
    states.stop_automatic(session, attempt.customer_id, f"bank debit {attempt.transaction_id} returned: {code or '?'}")
    if code in DISABLES_METHOD and attempt.method_id is not None:
        credentials.disable(session, attempt.method_id, f"the bank returned a debit: {code}")


def _review(session: Session, attempt: Attempt, reason: str) -> None:
    if State.REVIEW in states.TRANSITIONS[State(attempt.state)]:
        states.move(session, attempt, State.REVIEW, reason=reason, event="report")
    else:
        events.record(session, attempt.id, "report", reason=reason)


def _accepted(core: Core) -> list[int]:
    with core.database.read() as session:
        return list(session.scalars(select(Attempt.id).where(Attempt.state == State.ACCEPTED).order_by(Attempt.id)))


def grow_older(session: Session, core: Core, terminals: dict[str, TerminalSettings], attempt_id: int) -> None:
    """An accepted debit by the calendar: posted by policy, or given to a person when the feed stays silent."""
    attempt = states.get_attempt(session, attempt_id)
    if attempt.state != State.ACCEPTED:
        return
    terminal = terminals.get(attempt.terminal_id)
    sent = (attempt.sending_at or attempt.created_at).date()
    age = calendar.banking_days_between(sent, clock.now().date())
    policy, days = _policy(core, terminal)
    if not states.is_unconfirmed(attempt) and (
            policy == "on_acceptance" or (policy == "after_n_days" and age >= days)):
        booking.make_due(session, attempt)
    is_told = terminal is not None and terminal.can_report
    if attempt.learned_from == "person":  # who looked it up starts the wait anew
        age = calendar.banking_days_between(attempt.state_at.date(), clock.now().date())
    if (is_told or policy == "on_settlement") and age > REVIEW_AFTER_BANKING_DAYS:
        states.move(session, attempt, State.REVIEW, event="silent",
                    reason="no settlement and no return after 7 banking days; ask IPpay")


def _policy(core: Core, terminal: TerminalSettings | None) -> tuple[str, int]:
    """When to post; what cannot be read, or a terminal that is gone, waits for the settlement."""
    try:
        if terminal is not None:
            return core.settings.bank_posting_policy(terminal), core.settings.integer("bank_posting_days")
    except ConfigError as error:
        log.warning("%s", error)
    return "on_settlement", 0


def _end_holds(session: Session) -> None:
    for line in session.scalars(select(Line).join(Attempt).where(
            Attempt.state == State.RETURNED, Line.hold_until < clock.now(), Line.booking != Booking.REVIEW)):
        states.free_keys(session, [line])
        events.record(session, line.attempt_id, "hold_ended", line=line.position)
