"""After a backup was restored: what the neighbours know of the time that is missing. Owns the way out of QUARANTINE.

Reads IPpay's sale feeds and Splynx's payments since the database's last event; every sale of ours that the database does not
know gets an attempt again (``relive``), the rest is listed. Must never send or post anything.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, select, update

from splynx_ippay import notifications
from splynx_ippay.base import clock
from splynx_ippay.base.errors import BadInput, GatewayError
from splynx_ippay.payments import feeds, findings, foreign, mark, relive, seals, states
from splynx_ippay.payments.models import Attempt, Event, State
from splynx_ippay.payments.watch_models import THE_ONE, Installation

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from splynx_ippay.payments.core import Core
    from splynx_ippay.payments.feed_models import FeedRow
    from splynx_ippay.splynx.records import Payment

PADDING = timedelta(days=1)
# Without a single event nobody knows since when; as far back as a bank debit is usually still open.
WITHOUT_EVENTS = timedelta(days=35)
_OURS = re.compile(r"([A-Z0-9]{18})-(\d{1,3})")
_NEVER = timedelta(0)


@dataclass
class Report:
    """What ``recover`` read and found, in words for staff."""

    since: datetime
    whole: list[str] = field(default_factory=list)  # sales that are in the books again
    doubtful: list[str] = field(default_factory=list)  # in REVIEW: a person decides
    listed: list[str] = field(default_factory=list)  # no customer is known: only listed
    notes: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """The report, a sentence a line."""
        head = (f"read since {self.since:%Y-%m-%d %H:%M} UTC: {len(self.whole)} payment(s) in the books again, "
                f"{len(self.doubtful)} waiting for a decision, {len(self.listed)} only listed")
        return [head, *(f"again: {words}" for words in self.whole), *(f"review: {words}" for words in self.doubtful),
                *(f"listed: {words}" for words in self.listed), *(f"note: {words}" for words in self.notes)]


def recover(core: Core) -> Report:
    """Read everything since the database's last event and bring lost attempts back. May be repeated.

    Raises BadInput when the database is not in quarantine, GatewayError when a report could not be read, HostError.
    """
    reason = mark.why(core)
    if not reason:
        raise BadInput("recover", "The database is not in quarantine: there is nothing to recover.")
    core.database.run(lambda session: mark.quarantine(session, reason))
    with core.database.read() as session:
        last = session.scalar(select(func.max(Event.at)))
    report = Report((last - PADDING) if last else clock.now() - WITHOUT_EVENTS)
    core.database.run(lambda session: _doubt_intents(session, report))
    _read_feeds(core, report)
    _bring_back(core, report, _lost_payments(core, report.since))
    core.database.run(lambda session: session.execute(
        update(Installation).where(Installation.id == THE_ONE)
        .values(recovered_at=clock.now(), report="\n".join(report.lines()))))
    return report


def release(core: Core, *, by: str) -> None:
    """A person has looked at the report: charging may go on, in a new epoch. Raises BadInput."""
    mark.release(core, by=by, also=notifications.drop_owed)  # the old copy does not know which of them went out
    seals.put_away(core)  # they speak of events that this database never had


def _doubt_intents(session: Session, report: Report) -> None:
    """An intent of an old copy may have been sent after the copy was made: only the feed can tell."""
    for attempt_id in session.scalars(select(Attempt.id).where(Attempt.state == State.INTENDED)):
        attempt = states.get_attempt(session, attempt_id)
        states.move(session, attempt, State.UNKNOWN, reason="a backup was restored; it may have been sent after the backup",
                    sending_at=attempt.sending_at or attempt.created_at, next_check_at=clock.now())
        report.notes.append(f"{attempt.transaction_id} is followed up: it may have been sent after the backup")


def _read_feeds(core: Core, report: Report) -> None:
    terminals = core.settings.terminals().values()
    for terminal in terminals:
        if not terminal.can_report:
            report.notes.append(f"terminal {terminal.terminal_id} has no reporting login: compare its sales since then with "
                                "IPpay's own pages by hand")
            continue
        for feed in foreign.SALE_FEEDS:
            if not feeds.read_days(core, terminal, feed, report.since, clock.now(), every=_NEVER):
                raise GatewayError(f"the report {feed} of terminal {terminal.terminal_id} could not be read whole; try again")


def _lost_payments(core: Core, since: datetime) -> dict[str, list[Payment]]:
    """Splynx's payments under references of ours that the database does not know, by TransactionID."""
    found: dict[str, list[Payment]] = {}
    for payment in core.host.payments_since((since - PADDING).date()):
        ours = _OURS.fullmatch(payment.field_1)
        if ours and not payment.deleted:
            found.setdefault(ours[1], []).append(payment)
    with core.database.read() as session:
        known = {transaction_id for transaction_id in found if session.scalars(
            select(Attempt.id).where(Attempt.transaction_id == transaction_id)).first() is not None}
    return {transaction_id: payments for transaction_id, payments in found.items() if transaction_id not in known}


def _bring_back(core: Core, report: Report, payments: dict[str, list[Payment]]) -> None:
    names = foreign.own_names(core)
    with core.database.read() as session:
        rows = {row.transaction_id: row for row in foreign.unknown_sales(session) if foreign.is_own(row, names)}
    for transaction_id in sorted(rows.keys() | payments.keys()):
        row, booked = rows.get(transaction_id), payments.get(transaction_id, [])
        trace = relive.trace(core, transaction_id, row, booked)
        if trace is None:
            assert row is not None  # noqa: S101 - a payment of the host always has a customer
            words = foreign.words_of(row)
            report.listed.append(f"{words}; nobody knows for whom: look it up at IPpay")
            core.database.run(lambda session, row=row, words=words: _list(session, row, words))  # type: ignore[misc]
            continue
        core.database.run(lambda session, trace=trace: _revive(session, trace, report))  # type: ignore[misc]


def _list(session: Session, row: FeedRow, words: str) -> None:
    findings.add(session, findings.LOST, foreign.subject_of(row), words)
    session.merge(row).handled_at = clock.now()


def _revive(session: Session, trace: relive.Trace, report: Report) -> None:
    attempt = relive.insert(session, trace)
    words = f"{trace.transaction_id}: {attempt.amount} of customer {trace.customer_id}"
    if attempt.state == State.REVIEW:
        report.doubtful.append(f"{words}; {trace.doubt}")
        findings.add(session, findings.LOST, trace.transaction_id, f"{words}; {trace.doubt}")
    else:
        report.whole.append(words)
