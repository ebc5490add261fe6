"""Telling the host: posting a payment, and undoing it. One outbox, one find-first rule (house 4.2, 4.4).

Owns that no line is posted twice: a POST without a clear answer is followed by searches, not by another POST, until
the wait of the settings has passed and two spaced searches found nothing.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import or_, select, update

from splynx_ippay.base import clock
from splynx_ippay.base.errors import AddOnError, ConfigError, HostRejected, HostUnavailable, IllegalTransition
from splynx_ippay.payments import mark, outbox, statements, states, undo
from splynx_ippay.payments.models import Attempt, Booking, Line
from splynx_ippay.splynx.records import PaymentDraft

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from splynx_ippay.payments.core import Core
    from splynx_ippay.splynx.records import Payment

log = logging.getLogger(__name__)

_BATCH = 200
_OPEN = (Booking.DUE, Booking.POSTING, Booking.UNDO_DUE, Booking.UNDOING)
# Refused because of the document: the money goes on the customer's account instead.
_ABOUT_THE_DOCUMENT = frozenset({400, 404, 422})


def tick(core: Core) -> int:
    """Post, undo and journal whatever is due; returns how many lines were touched. Raises Stopped in quarantine."""
    mark.advance(core)
    now = clock.now()
    with core.database.read() as session:
        ids = list(session.scalars(
            select(Line.id).where(or_(
                Line.booking.in_(_OPEN) & or_(Line.booking_next_at.is_(None), Line.booking_next_at <= now),
                Line.statement_next_at <= now)).order_by(Line.id).limit(_BATCH)))
    for line_id in ids:
        settle_line(core, line_id)
    return len(ids)


def settle_up(core: Core, attempt_id: int) -> None:
    """Do at once what an attempt's lines owe the host. Never raises for the host's sake: the worker goes on."""
    with core.database.read() as session:
        ids = list(session.scalars(select(Line.id).where(Line.attempt_id == attempt_id).order_by(Line.position)))
    for line_id in ids:
        settle_line(core, line_id)


def settle_line(core: Core, line_id: int) -> None:
    """One step of one line: post it or undo it when due, then the journal."""
    with core.database.read() as session:
        line = session.get_one(Line, line_id)
    waits = line.booking_next_at is not None and line.booking_next_at > clock.now()
    try:
        if line.booking in {Booking.DUE, Booking.POSTING} and not waits:
            post(core, line)
        elif line.booking in {Booking.UNDO_DUE, Booking.UNDOING} and not waits:
            undo.undo(core, line)
    except IllegalTransition:
        log.info("line %s was moved by somebody else", line_id)
    except AddOnError as error:
        log.warning("line %s: %s", line_id, error)
        outbox.retry_later(core, line_id, outbox.SOON, str(error))
    with core.database.read() as session:
        is_due = session.get_one(Line, line_id).statement_next_at is not None
    if is_due:
        statements.close(core, line_id)


def post(core: Core, line: Line) -> None:
    """Find the payment in the host or post it. Raises HostError and ConfigError with the line left to be tried again."""
    if line.attempt.environment == "test" and not core.settings.flag("sandbox_host"):
        outbox.retry_later(core, line.id, outbox.LATER, "a test payment is posted only to a Splynx marked as a sandbox")
        return
    claimed = outbox.claim(core, line, to=Booking.POSTING)
    if claimed is None:
        return
    found = core.host.find_payments(claimed.attempt.customer_id, claimed.field_1)
    if found:
        _adopt(core, claimed, found)
    elif claimed.post_started_at is None or _may_post_again(core, claimed):
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


def _may_post_again(core: Core, line: Line) -> bool:
    """After a POST without a clear answer: the wait has passed and this is the second spaced search that found nothing."""
    started = line.post_started_at
    wait = timedelta(minutes=core.settings.integer("post_search_minutes"))
    waited = started is not None and clock.now() - started >= wait
    if waited and line.empty_searches >= 1:
        return True
    searches = line.empty_searches + 1
    core.database.run(lambda session: session.execute(
        update(Line).where(Line.id == line.id).values(empty_searches=searches)))
    left = outbox.SOON if waited or started is None else max(outbox.SOON, started + wait - clock.now())
    outbox.retry_later(core, line.id, left, "the posting had no clear answer; searching before posting again")
    return False


def _post(core: Core, line: Line) -> None:
    """POST once; what cannot be told stays POSTING and is searched for."""
    draft = _draft(core, line)
    core.database.run(lambda session: session.execute(
        update(Line).where(Line.id == line.id).values(post_started_at=clock.now(), empty_searches=0)))
    try:
        payment_id = core.host.post_payment(draft)
    except HostUnavailable as error:
        if not error.sent:
            core.database.run(lambda session: session.execute(
                update(Line).where(Line.id == line.id).values(post_started_at=None)))
        outbox.retry_later(core, line.id, outbox.SOON, str(error))
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
    return PaymentDraft(
        customer_id=attempt.customer_id, amount=line.amount, date=(attempt.sending_at or clock.now()).date(),
        payment_type=method, invoice_id=line.document_id if on_document and line.document == "invoice" else None,
        request_id=line.document_id if on_document and line.document == "proforma" else None,
        comment=f"IPpay {attempt.transaction_id}, {name}", field_1=line.field_1, field_2=attempt.approval)


def _refused(core: Core, line: Line, error: HostRejected) -> None:
    """The host said no: on account if it is about the document, later if about our rights, else a person."""
    core.database.run(lambda session: session.execute(
        update(Line).where(Line.id == line.id).values(post_started_at=None)))
    if error.status not in _ABOUT_THE_DOCUMENT:
        outbox.retry_later(core, line.id, outbox.LATER, str(error))
    elif line.on_account or line.document == "topup":
        outbox.finish(core, line, Booking.REVIEW, reason=f"Splynx does not take the payment: {error}")
    else:
        core.database.run(lambda session: session.execute(
            update(Line).where(Line.id == line.id).values(on_account=True)))
        outbox.retry_later(core, line.id, timedelta(), f"booked on account, without the document: {error}")
        with core.database.read() as session:
            again = session.get_one(Line, line.id)
        post(core, again)


def make_due(session: Session, attempt: Attempt) -> None:
    """The money is sure enough to tell the host: NONE → DUE for every line."""
    for line in attempt.lines:
        if line.booking == Booking.NONE:
            states.move_booking(session, line, Booking.DUE)
