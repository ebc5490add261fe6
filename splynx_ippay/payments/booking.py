"""Telling the host: posting a payment, and undoing it. One outbox, one find-first rule.

Owns that no line is posted twice: a POST without a clear answer is followed by searches, not by another POST, until
the wait of the settings has passed and two spaced searches found nothing.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import or_, select, update

from splynx_ippay.base import clock
from splynx_ippay.base.errors import ConfigError, HostRejected, HostUnavailable, IllegalTransition
from splynx_ippay.payments import balance, due, fee_booking, mark, outbox, statements, states, undo
from splynx_ippay.payments.models import FEE, Attempt, Booking, Line
from splynx_ippay.payments.tally import Tally
from splynx_ippay.splynx.records import PaymentDraft

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from splynx_ippay.payments.core import Core
    from splynx_ippay.splynx.records import Invoice, Payment, Proforma

log = logging.getLogger(__name__)

_BATCH = 200
_OPEN = (Booking.DUE, Booking.POSTING, Booking.UNDO_DUE, Booking.UNDOING)
OF_THE_ACCOUNT = frozenset({"topup", "balance", FEE})  # posted without a document from the start
_REFUSALS_OPEN = 12  # of a document that is open, two hours of them


def tick(core: Core) -> int:
    """Post, undo and journal whatever is due; returns how many lines were touched. Raises Stopped in quarantine, RowsFailed."""
    mark.advance(core)
    now = clock.now()
    with core.database.read() as session:
        ids = list(session.scalars(
            select(Line.id).where(or_(
                Line.booking.in_(_OPEN) & or_(Line.booking_next_at.is_(None), Line.booking_next_at <= now),
                Line.statement_next_at <= now)).order_by(Line.id).limit(_BATCH)))
    _settle(core, ids).end()
    return len(ids)


def settle_up(core: Core, attempt_id: int) -> None:
    """Do at once what an attempt's lines owe the host. Never raises for that: the money is taken, and the worker goes on."""
    with core.database.read() as session:
        ids = list(session.scalars(select(Line.id).where(Line.attempt_id == attempt_id).order_by(Line.position)))
    _settle(core, ids)


def _settle(core: Core, line_ids: list[int]) -> Tally:
    """Each line by itself; one that makes us fail is postponed, so that it does not come first again."""
    tally = Tally("lines")
    for line_id in line_ids:
        with tally.each(f"line {line_id}"):
            try:
                settle_line(core, line_id)
            except Exception:
                core.database.run(partial(_postpone, line_id=line_id))
                raise
    return tally


def _postpone(session: Session, line_id: int) -> None:
    """A later turn, for posting and journal: what was begun stays as it is, so that it is searched for before it is repeated."""
    later = clock.now() + outbox.LATER
    session.execute(update(Line).where(Line.id == line_id, Line.booking.in_(_OPEN)).values(booking_next_at=later))
    session.execute(update(Line).where(Line.id == line_id, Line.statement_next_at.is_not(None)).values(statement_next_at=later))


def settle_line(core: Core, line_id: int) -> None:
    """One step of one line: post it or undo it when due, then the journal."""
    with core.database.read() as session:
        line = session.get_one(Line, line_id)
    waits = line.booking_next_at is not None and line.booking_next_at > clock.now()
    try:
        with outbox.leased(core, line):
            if line.booking in {Booking.DUE, Booking.POSTING} and not waits:
                post(core, line)
            elif line.booking in {Booking.UNDO_DUE, Booking.UNDOING} and not waits:
                undo.undo(core, line)
    except IllegalTransition:
        log.info("line %s was moved by somebody else", line_id)
    with core.database.read() as session:
        is_due = session.get_one(Line, line_id).statement_next_at is not None
    if is_due:
        statements.close(core, line_id)


def post(core: Core, line: Line) -> None:
    """Find the payment in the host or post it; a host without an answer leaves the line to be tried again.

    Raises IllegalTransition when somebody else moved the line.
    """
    if line.attempt.environment == "test" and not core.settings.flag("sandbox_host"):
        outbox.retry_later(core, line, outbox.LATER, "a test payment is posted only to a Splynx marked as a sandbox")
        return
    claimed = outbox.claim(core, line, to=Booking.POSTING)
    if claimed is None:
        return
    with outbox.leased(core, claimed):
        if claimed.is_fee:  # its debit first: a fee that is not charged would be the customer's money
            claimed = fee_booking.debit(core, claimed)
            if claimed is None:
                return
        found = [payment for payment in core.host.find_payments(claimed.attempt.customer_id, claimed.field_1)
                 if not payment.deleted or payment.id > (claimed.seen_deleted_id or 0)]
        if found:
            _adopt(core, claimed, found)
        elif claimed.post_started_at is None or outbox.may_post_again(core, claimed):
            _post(core, claimed)


def _adopt(core: Core, line: Line, found: list[Payment]) -> None:
    """The host has payments under our reference: exactly one, undeleted and of our amount, is ours."""
    live = [payment for payment in found if not payment.deleted]
    if len(live) == 1 and live[0].amount == line.amount.decimal():
        outbox.finish(core, line, Booking.POSTED, splynx_payment_id=live[0].id)
    elif not live:
        outbox.finish(core, line, Booking.REVIEW, reason="the payment was deleted in Splynx; a person must decide")
    elif len(live) > 1:
        outbox.finish(core, line, Booking.REVIEW, reason=f"Splynx shows {len(live)} payments for one charge; delete the extra ones")
    else:
        outbox.finish(core, line, Booking.REVIEW, splynx_payment_id=live[0].id,
                      reason=f"Splynx shows {live[0].amount:.2f}, the charge was {line.amount}")


def _post(core: Core, line: Line) -> None:
    """POST once, if the line is still ours; what cannot be told stays POSTING and is searched for."""
    draft = _draft(core, line)
    outbox.write(core, line, post_started_at=clock.now(), empty_searches=0)
    try:
        payment_id = core.host.post_payment(draft)
    except HostUnavailable as error:
        not_sent = {} if error.sent else {"post_started_at": None}
        outbox.retry_later(core, line, outbox.SOON, str(error), **not_sent)
    except HostRejected as error:
        _refused(core, line, error)
    else:
        outbox.finish(core, line, Booking.POSTED, splynx_payment_id=payment_id)


def _draft(core: Core, line: Line) -> PaymentDraft:
    attempt = line.attempt
    bank = attempt.instrument == "bank"
    method = core.settings.integer("bank_account_payment_method" if bank else "credit_card_payment_method")
    on_document = not line.on_account
    if not method:
        raise ConfigError("choose the payment method for " + ("bank accounts" if bank else "credit cards")
                          + " in the add-on's settings; until then payments wait to be posted")
    name = f"{'bank account' if bank else attempt.brand} ****{attempt.last_four}"
    kind = {FEE: ", card fee", balance.DOCUMENT: balance.IN_COMMENT}.get(line.document, "")
    return PaymentDraft(
        customer_id=attempt.customer_id, amount=line.amount, date=(attempt.sending_at or clock.now()).date(),
        payment_type=method, invoice_id=line.document_id if on_document and line.document == "invoice" else None,
        request_id=line.document_id if on_document and line.document == "proforma" else None,
        comment=f"IPpay {attempt.transaction_id}, {name}{kind}", field_1=line.field_1, field_2=attempt.approval)


def _refused(core: Core, line: Line, error: HostRejected) -> None:
    """The host said no: on account if the document is gone, else later; a person if it takes no money on account either."""
    outbox.write(core, line, post_started_at=None)
    if error.status not in outbox.FOR_GOOD or line.on_account or line.document in OF_THE_ACCOUNT:
        outbox.refused(core, line, error, f"Splynx does not take the payment{' on account' if line.on_account else ''}: {error}")
    elif fits(line, due.read_document(core, line.document, currency=line.attempt.currency, document_id=line.document_id)):
        reason = f"Splynx refused the payment, though the document is open: {error}"
        if (tries := line.booking_tries + 1) < _REFUSALS_OPEN:
            outbox.retry_later(core, line, outbox.LATER, reason, booking_tries=tries)
        else:
            outbox.finish(core, line, Booking.REVIEW, reason=reason)
    else:
        outbox.retry_later(core, line, timedelta(), f"booked on account, without the document: {error}",
                           on_account=True, booking_tries=0)
        with core.database.read() as session:
            again = session.get_one(Line, line.id)
        post(core, again)


def fits(line: Line, read: Invoice | Proforma | None) -> bool:
    """Whether the line's document, as just read, can take the line: a refusal alone proves nothing about it."""
    return (read is not None and read.customer_id == line.attempt.customer_id
            and due.status_of(read) not in {"deleted", "paid"} and read.due >= line.amount)


def make_due(session: Session, attempt: Attempt) -> None:
    """The money is sure enough to tell the host: NONE → DUE for every line."""
    for line in attempt.lines:
        if line.booking == Booking.NONE:
            states.move_booking(session, line, Booking.DUE)
