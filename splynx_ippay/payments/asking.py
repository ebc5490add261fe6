"""Asking again about a payment in doubt: gateway, reports and host say what they know now. Owns how that is kept for people.

Must never move a payment that waits for a person; an unknown one is looked at by reconcile's own rules.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from splynx_ippay.base import clock
from splynx_ippay.base.db import get_or_add
from splynx_ippay.base.errors import AddOnError, ConfigError, GatewayError, HostError
from splynx_ippay.base.money import Money
from splynx_ippay.ippay import messages
from splynx_ippay.ippay.messages import Identity
from splynx_ippay.ippay.outcomes import Verdict, judge, shows_amount, staff_words
from splynx_ippay.payments import booking, due, feeds, line_decisions, reconcile, recording
from splynx_ippay.payments.decision_models import Asked
from splynx_ippay.payments.feed_models import FeedRow
from splynx_ippay.payments.models import State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session

    from splynx_ippay.base.settings import TerminalSettings
    from splynx_ippay.ippay.report import Feed
    from splynx_ippay.payments.core import Core
    from splynx_ippay.payments.models import Attempt, Line

log = logging.getLogger(__name__)

Fact = dict[str, Any]
# Where else a sale shows, and for how long after it.
_LATER: dict[str, tuple[tuple[Feed, ...], timedelta]] = {
    "sale": (("ccsettlement",), timedelta(days=14)), "check": (("achsettlement", "achrejects"), timedelta(days=65))}


def ask(core: Core, attempt_id: int, by: str) -> list[Fact]:
    """Ask gateway, reports and host about an attempt; keep and return what each said. Never raises for a neighbour's sake."""
    attempt = recording.reload(core, attempt_id)
    if attempt.state == State.UNKNOWN:
        try:
            reconcile.look(core, attempt_id)
        except AddOnError as error:
            log.info("attempt %s: %s", attempt_id, error)
        attempt = recording.reload(core, attempt_id)
    facts = [*_gateway(core, attempt), *_host(core, attempt)]

    def _keep(session: Session) -> None:
        row = get_or_add(session, Asked(attempt_id=attempt_id, at=clock.now(), by=by[:80], facts=facts), attempt_id)
        row.at, row.by, row.facts = clock.now(), by[:80], facts

    core.database.run(_keep)
    return facts


def _fact(source: str, what: str, **values: object) -> Fact:
    return {"source": source, "what": what, "values": {key: str(value) for key, value in values.items()}}


def _gateway(core: Core, attempt: Attempt) -> Iterator[Fact]:
    try:
        terminal = reconcile.terminal_of(core, attempt)
    except ConfigError:
        yield _fact("gateway", "no_terminal", terminal=attempt.terminal_id)
        return
    yield _enquiry(core, attempt, terminal)
    yield from _reports(core, attempt, terminal)


def _enquiry(core: Core, attempt: Attempt, terminal: TerminalSettings) -> Fact:
    if core.settings.choice("enq_trust") == "off":
        return _fact("gateway", "enquiry_off")
    request = messages.enquiry(Identity(terminal.terminal_id, terminal.password), attempt.transaction_id)
    try:
        reply = core.gateway(attempt.environment).send(request)
    except (GatewayError, ConfigError) as error:
        return _fact("gateway", "enquiry_silent", words=error)
    verdict = judge("ENQ", reply)
    if verdict != (Verdict.APPROVED if attempt.kind == "sale" else Verdict.ACCEPTED):
        return _fact("gateway", "enquiry_other", words=staff_words(reply, attempt.brand))
    what = "enquiry_yes" if shows_amount(reply, attempt.amount_cents) else "enquiry_amount"
    return _fact("gateway", what, approval=reply.approval, amount=reply.total_amount)


def _reports(core: Core, attempt: Attempt, terminal: TerminalSettings) -> Iterator[Fact]:
    """What the reports say: the day of the sale and its neighbours, and settlement and returns since."""
    if not terminal.can_report:
        yield _fact("report", "report_none")
        return
    sent, main = attempt.sending_at or attempt.created_at, reconcile.FEED_OF[attempt.kind]
    is_read = feeds.read_days(core, terminal, main, sent - feeds.DAY, sent + feeds.DAY, every=feeds.SPACING)
    later, follow_for = _LATER[attempt.kind]
    for feed in later:
        is_read &= feeds.read_days(core, terminal, feed, sent, min(clock.now(), sent + follow_for))
    with core.database.read() as session:
        rows = list(session.scalars(select(FeedRow).where(
            FeedRow.transaction_id == attempt.transaction_id, FeedRow.terminal_id == attempt.terminal_id).order_by(FeedRow.id)))
    for row in rows:
        yield _fact("report", f"row_{row.feed}", type=row.request_type, code=row.action_code or row.status or "?",
                    amount="?" if row.amount_cents is None else Money(row.amount_cents, attempt.currency),
                    day=row.settlement_date or (row.at.date() if row.at else "?"))
    if not is_read:
        yield _fact("report", "report_unread")
    elif not rows:
        yield _fact("report", "report_empty")


def _host(core: Core, attempt: Attempt) -> Iterator[Fact]:
    for line in attempt.lines:
        try:
            yield from _line(core, line)
        except (HostError, ConfigError) as error:
            yield _fact("host", "host_silent", line=line.position, words=error)


def _line(core: Core, line: Line) -> Iterator[Fact]:
    seen = line_decisions.look(core, line.id)
    for payment in seen.found:
        yield _fact("host", "host_deleted" if payment.deleted else "host_payment", line=line.position, id=payment.id,
                    amount=f"{payment.amount:.2f}", customer=payment.customer_id)
    if not seen.found:
        yield _fact("host", "host_nothing", line=line.position)
    if line.document in booking.OF_THE_ACCOUNT:
        return
    read = seen.document
    if read is None:
        yield _fact("host", "document_gone", line=line.position, number=line.number)
    else:
        yield _fact("host", f"document_{due.status_of(read)}", line=line.position, number=read.number, due=read.due)
