"""Card sales after they were approved: whether they settle.

Reads the card settlement feed. Its unit of money is not certain, so rows are matched by TransactionID alone. Must never
take a late feed for a missing sale: the feed has to show sales of ours that were sent later.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import or_, select

from splynx_ippay.base import clock
from splynx_ippay.payments import calendar, events, feeds, states
from splynx_ippay.payments.models import Attempt, State
from splynx_ippay.payments.tally import Tally

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from splynx_ippay.base.settings import TerminalSettings
    from splynx_ippay.ippay.report import Feed
    from splynx_ippay.payments.core import Core
    from splynx_ippay.payments.feed_models import FeedRow

FEED: Feed = "ccsettlement"
MISSING_AFTER_BANKING_DAYS = 3
FOLLOW_FOR = timedelta(days=14)
# The night job asks each day of the feed once a night.
_EVERY = timedelta(hours=12)


def tick(core: Core) -> int:
    """Read the feed where approved sales wait for it, note what settled, ask a person about what did not; how many.

    Raises RowsFailed at the end when some could not be noted: they have their turn again before the next night.
    """
    count, tally = 0, Tally("settlements")
    for terminal in core.settings.terminals().values():
        waiting = _waiting(core, terminal)
        if not waiting or not terminal.can_report:
            continue
        since = min(sent for _, sent in waiting)
        feeds.read_days(core, terminal, FEED, since - feeds.DAY, clock.now(), every=_EVERY)
        for attempt_id, _sent in waiting:
            with tally.each(f"attempt {attempt_id}"):
                count += core.database.run(partial(_look, attempt_id=attempt_id))
    tally.end()
    return count


def _waiting(core: Core, terminal: TerminalSettings) -> list[tuple[int, datetime]]:
    """Card sales of the last days that no settlement was seen of, with their sending time: approved, or given back as people say."""
    with core.database.read() as session:
        rows = session.execute(select(Attempt.id, Attempt.sending_at).where(
            Attempt.kind == "sale", Attempt.settled_on.is_(None),
            or_(Attempt.state == State.APPROVED, (Attempt.state == State.VOIDED) & (Attempt.learned_from == "person")),
            Attempt.terminal_id == terminal.terminal_id, Attempt.environment == terminal.environment,
            Attempt.sending_at > clock.now() - FOLLOW_FOR).order_by(Attempt.id))
        return [(attempt_id, sent) for attempt_id, sent in rows if sent is not None]


def _look(session: Session, attempt_id: int) -> bool:
    attempt = states.get_attempt(session, attempt_id)
    sent = attempt.sending_at
    rows = feeds.rows_of(session, attempt, FEED)
    if attempt.state == State.VOIDED:
        return _not_given_back(session, attempt, rows)
    if attempt.state != State.APPROVED or sent is None:
        return False
    if rows:
        row = rows[-1]
        row.attempt_id, row.handled_at = attempt.id, clock.now()
        attempt.settled_on = row.settlement_date or clock.now().date()
        events.record(session, attempt.id, "settlement_row", settled_on=attempt.settled_on.isoformat())
        return True
    if attempt.learned_from == "person" or not _is_missing(session, attempt, sent):
        return False  # what a person has looked up is not asked again
    states.move(session, attempt, State.REVIEW, event="report",
                reason=f"approved, but not in IPpay's settlement after {MISSING_AFTER_BANKING_DAYS} banking days, though later "
                       "sales are; was it voided? Look it up at IPpay by its TransactionID")
    return True


def _not_given_back(session: Session, attempt: Attempt, rows: list[FeedRow]) -> bool:
    """A person said that it was given back, and it settled that day or later: it seems that it was not, a person must look again."""
    if not any(row.settlement_date is not None and row.settlement_date >= attempt.state_at.date() for row in rows):
        return False
    attempt.settled_on = rows[-1].settlement_date
    states.late_evidence(session, attempt, says_taken=True,
                         reason="it settled after it was said to be given back; give it back at IPpay, or have it recorded")
    return True


def _is_missing(session: Session, attempt: Attempt, sent: datetime) -> bool:
    """Three banking days have passed, every day since was read after that, and a sale sent later has settled."""
    if calendar.banking_days_between(sent.date(), clock.now().date()) <= MISSING_AFTER_BANKING_DAYS:
        return False
    settled_by = calendar.add_banking_days(sent.date(), MISSING_AFTER_BANKING_DAYS)
    enough = feeds.day_start(sent) + (settled_by - sent.date()) + feeds.DAY
    if not feeds.covered_since(session, attempt.terminal_id, FEED, first=sent - feeds.DAY, last=enough - feeds.DAY, since=enough):
        return False
    newest = feeds.freshest(session, attempt.terminal_id, FEED, sent)
    return newest is not None and newest > sent
