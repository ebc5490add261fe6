"""Attempts the database has lost with a restored backup, built again from what IPpay and Splynx show of them.

Owns that a lost attempt is believed only where both neighbours tell the same; everything else is REVIEW and holds its debt.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select

from splynx_ippay.base import clock
from splynx_ippay.base.errors import ConfigError
from splynx_ippay.payments import balance, due, events, states, told
from splynx_ippay.payments.feed_models import FeedRow
from splynx_ippay.payments.models import FEE, Attempt, Booking, DebtKey, Door, Line, State

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from splynx_ippay.base.settings import TerminalSettings
    from splynx_ippay.payments.core import Core
    from splynx_ippay.splynx.records import Payment


@dataclass(frozen=True)
class Part:
    """One line of a lost attempt; ``splynx_payment_id`` where the host has its payment, and of a card fee its debit."""

    position: int
    document: str
    document_id: int | None
    number: str
    cents: int
    splynx_payment_id: int | None = None
    splynx_transaction_id: int | None = None


@dataclass(frozen=True)
class Trace:
    """What is known of a lost attempt. ``doubt`` says why a person must look; empty: both neighbours agree."""

    transaction_id: str
    customer_id: int
    partner_id: int
    terminal: TerminalSettings
    is_bank: bool
    cents: int
    at: datetime
    parts: tuple[Part, ...]
    doubt: str
    row_id: int | None = None
    approval: str = ""
    ip_trans_id: str = ""


def trace(core: Core, transaction_id: str, row: FeedRow | None, booked: list[Payment]) -> Trace | None:
    """Put together what a feed row and the host's payments tell of one attempt; None: nobody knows for whom it was.

    Raises HostError and ConfigError.
    """
    parts = _parts_of(core, booked)
    customer_id = booked[0].customer_id if booked else None
    if row is not None and customer_id is None:
        found = _document_of(core, row)
        if found is not None and row.amount_cents:
            document, document_id, customer_id = found
            number = row.order_number if document_id else ""
            parts = (Part(1, document, document_id, number, row.amount_cents - row.fee_cents),)
            parts += (Part(2, FEE, None, "", row.fee_cents),) if row.fee_cents else ()
    if customer_id is None:
        return None
    partner_id = core.host.get_customer(customer_id).partner_id
    terminal = core.settings.terminals().get(row.terminal_id) if row is not None else core.settings.terminal(partner_id)
    if terminal is None:
        raise ConfigError(f"terminal {row.terminal_id if row else ''} is not in the settings any more; enter it, then recover again")
    cents = sum(part.cents for part in parts)
    if row is None:
        bank = core.settings.integer("bank_account_payment_method")
        is_bank = any(payment.payment_type == bank for payment in booked)
        return Trace(transaction_id, customer_id, partner_id, terminal, is_bank, cents, _noon(booked[0]), parts,
                     "Splynx has the payment, IPpay's reports do not show the sale")
    doubt = ""
    if not booked:
        doubt = "IPpay took the money, Splynx has no payment"
    elif cents != row.amount_cents:
        doubt = f"IPpay and Splynx show different amounts ({foreign_cents(row)} and {cents} cents)"
    return Trace(transaction_id, customer_id, partner_id, terminal, row.request_type == "CHECK", row.amount_cents or cents,
                 row.at or _noon(*booked), parts, doubt, row.id, row.approval, row.ip_trans_id)


def foreign_cents(row: FeedRow) -> str:
    """The feed's amount for words."""
    return "unknown" if row.amount_cents is None else str(row.amount_cents)


def _noon(*booked: Payment) -> datetime:
    """The host keeps a day only; without one it was just now."""
    day = booked[0].date if booked else None
    return datetime.combine(day, time(12), tzinfo=UTC) if day else clock.now()


def _parts_of(core: Core, booked: list[Payment]) -> tuple[Part, ...]:
    parts = []
    for payment in booked:
        position = int(payment.field_1.rpartition("-")[2])
        document = "invoice" if payment.invoice_id else "proforma" if payment.request_id else "topup"
        debit = _debit_of(core, payment) if document == "topup" and position > 1 else None  # a fee is never the first line
        parts.append(Part(position, FEE if debit else document, payment.invoice_id or payment.request_id, "",
                          int(payment.amount * 100), payment.id, debit))
    return tuple({part.position: part for part in parts}.values())


def _debit_of(core: Core, payment: Payment) -> int | None:
    """The card fee that was charged under the payment's reference."""
    since = _noon(payment).date() - timedelta(days=1)
    found = core.host.find_transactions(payment.customer_id, payment.field_1, since=since)
    return next((row.id for row in found if row.type == "debit" and not row.deleted), None)


def _document_of(core: Core, row: FeedRow) -> tuple[str, int | None, int] | None:
    """The document whose number the sale bears: kind, id, customer; a balance has no id."""
    terminal = core.settings.terminals().get(row.terminal_id)
    if terminal is None or not row.order_number:
        return None
    if customer_id := balance.customer_of(row.order_number):
        return balance.DOCUMENT, None, customer_id
    for document in ("invoice", "proforma"):
        found = due.read_document(core, document, currency=terminal.currency, number=row.order_number)
        if found is not None:
            return document, found.id, found.customer_id
    return None


def insert(session: Session, trace: Trace) -> Attempt:
    """Write the attempt with its lines: in REVIEW with its debts held, or as both neighbours say."""
    now = clock.now()
    kind, instrument = ("check", "bank") if trace.is_bank else ("sale", "card")
    fee_cents = sum(part.cents for part in trace.parts if part.document == FEE)
    attempt = Attempt(
        transaction_id=trace.transaction_id, submission_key=f"recovered-{trace.transaction_id}", kind=kind, door=Door.STAFF,
        actor=told.RECOVERED, customer_id=trace.customer_id, partner_id=trace.partner_id, terminal_id=trace.terminal.terminal_id,
        environment=trace.terminal.environment, currency=trace.terminal.currency, amount_cents=trace.cents,
        fee_cents=fee_cents if fee_cents < trace.cents else 0,  # all that the host has may be the fee's payment
        instrument=instrument, brand=instrument, state=State.REVIEW, version=1, created_at=trace.at, send_by_at=trace.at,
        sending_at=trace.at, state_at=now, approval=trace.approval, ip_trans_id=trace.ip_trans_id, learned_from="report",
        in_feed_at=now if trace.row_id else None, reason=f"found after a backup was restored; {trace.doubt}"[:200])
    for part in trace.parts:
        attempt.lines.append(_line(session, trace, part))
    session.add(attempt)
    session.flush()
    events.record(session, attempt.id, "recovered", to=State.REVIEW, reason=attempt.reason, amount_cents=trace.cents)
    if trace.row_id is not None:
        row = session.get_one(FeedRow, trace.row_id)
        row.attempt_id, row.handled_at = attempt.id, now
    if not trace.doubt:
        states.move(session, attempt, State.ACCEPTED if trace.is_bank else State.APPROVED,
                    reason="found after a backup was restored: IPpay's report and Splynx agree")
    return attempt


def _line(session: Session, trace: Trace, part: Part) -> Line:
    """A line the host has is posted and free; any other holds its debt, unless another attempt does by now."""
    is_posted = part.splynx_payment_id is not None
    line = Line(position=part.position, document=part.document, document_id=part.document_id, number=part.number[:40],
                amount_cents=part.cents, booking=Booking.POSTED if is_posted else Booking.NONE, booking_version=1,
                splynx_payment_id=part.splynx_payment_id, splynx_transaction_id=part.splynx_transaction_id)
    if line.is_fee:
        return line
    target = due.target_of(part.document, part.document_id, trace.customer_id)
    is_free = session.scalars(select(DebtKey.id).where(DebtKey.open_target == target)).first() is None
    line.keys = [DebtKey(target=target, open_target=target if is_free and not is_posted else None)]
    return line
