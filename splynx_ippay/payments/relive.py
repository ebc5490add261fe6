"""Attempts the database has lost with a restored backup, built again from what IPpay and Splynx show of them.

Owns that a lost attempt is believed only where both neighbours tell the same; everything else is REVIEW and holds its debt.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select

from splynx_ippay.base import clock
from splynx_ippay.base.errors import ConfigError
from splynx_ippay.payments import balance, due, events, states, told
from splynx_ippay.payments.feed_models import FeedRow
from splynx_ippay.payments.models import FEE, Attempt, Booking, DebtKey, Door, Line, State

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy.orm import Session

    from splynx_ippay.base.settings import TerminalSettings
    from splynx_ippay.payments.core import Core
    from splynx_ippay.splynx.records import Payment


@dataclass(frozen=True)
class Part:
    """One line of a lost attempt; ``splynx_payment_id`` where the host has its payment, and of a card fee its debit.

    ``also``: further keys, of a balance those of the invoices it may have paid.
    """

    position: int
    document: str
    document_id: int | None
    number: str
    cents: int
    splynx_payment_id: int | None = None
    splynx_transaction_id: int | None = None
    also: tuple[str, ...] = ()


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
    parts = _parts_of(core, booked, row)
    customer_id = booked[0].customer_id if booked else None
    if row is not None:
        parts, customer_id = _completed(core, row, parts, customer_id)
    if customer_id is None:
        return None
    partner_id = core.host.get_customer(customer_id).partner_id
    terminal = core.settings.terminals().get(row.terminal_id) if row is not None else core.settings.terminal(partner_id)
    if terminal is None:
        raise ConfigError(f"terminal {row.terminal_id if row else ''} is not in the settings any more; enter it, then recover again")
    if parts[0].document == balance.DOCUMENT:
        at = row.at if row is not None and row.at is not None else _noon(*booked)
        parts = (replace(parts[0], also=_invoices_of(core, customer_id, terminal.currency, at.astimezone().date())),)
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
    elif any(part.splynx_payment_id is None for part in parts):
        doubt = "IPpay took the money, Splynx has only a part of its payments"
    return Trace(transaction_id, customer_id, partner_id, terminal, row.request_type == "CHECK", row.amount_cents or cents,
                 row.at or _noon(*booked), parts, doubt, row.id, row.approval, row.ip_trans_id)


def _completed(core: Core, row: FeedRow, parts: tuple[Part, ...], customer_id: int | None) -> tuple[tuple[Part, ...], int | None]:
    """With what the sale tells of lines the host has no payment of: the one document it names, and its card fee."""
    if not row.amount_cents:
        return parts, customer_id
    found = _document_of(core, row) if all(part.document == FEE for part in parts) else None
    if found is not None and customer_id in {None, found[2]}:
        document, document_id, customer_id = found
        number = row.order_number if document_id else ""
        parts = (Part(1, document, document_id, number, row.amount_cents - row.fee_cents), *parts)
    missing = row.amount_cents - sum(part.cents for part in parts)
    if parts and missing and missing == row.fee_cents and parts[-1].document != FEE:
        parts = (*parts, Part(parts[-1].position + 1, FEE, None, "", missing))
    return parts, customer_id


def foreign_cents(row: FeedRow) -> str:
    """The feed's amount for words."""
    return "unknown" if row.amount_cents is None else str(row.amount_cents)


def _noon(*booked: Payment) -> datetime:
    """The host keeps a day only; without one it was just now."""
    day = booked[0].date if booked else None
    return datetime.combine(day, time(12), tzinfo=UTC) if day else clock.now()


def _parts_of(core: Core, booked: list[Payment], row: FeedRow | None) -> tuple[Part, ...]:
    payer = balance.customer_of(row.order_number) if row is not None else None
    parts = []
    for payment in booked:
        position = int(payment.field_1.rpartition("-")[2])
        document = "invoice" if payment.invoice_id else "proforma" if payment.request_id else "topup"
        if document == "topup" and (payer == payment.customer_id or payment.comment.endswith(balance.IN_COMMENT)):
            document = balance.DOCUMENT
        debit = _debit_of(core, payment) if document == "topup" and position > 1 else None  # a fee is never the first line
        parts.append(Part(position, FEE if debit else document, payment.invoice_id or payment.request_id, "",
                          int(payment.amount * 100), payment.id, debit))
    return tuple(part for _position, part in sorted({part.position: part for part in parts}.items()))


def _debit_of(core: Core, payment: Payment) -> int | None:
    """The card fee that was charged under the payment's reference."""
    since = _noon(payment).date() - timedelta(days=1)
    found = core.host.find_transactions(payment.customer_id, payment.field_1, since=since)
    return next((row.id for row in found if row.type == "debit" and not row.deleted), None)


def _invoices_of(core: Core, customer_id: int, currency: str, last: date) -> tuple[str, ...]:
    """Keys of the invoices that were open when a balance was taken and are so still: the host may not have spread it yet."""
    return tuple(due.target_of("invoice", invoice.id, customer_id) for invoice in core.host.open_invoices(customer_id, currency)
                 if invoice.date_created is None or invoice.date_created <= last)


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
    targets = sorted({due.target_of(part.document, part.document_id, trace.customer_id), *part.also})
    held = set(session.scalars(select(DebtKey.open_target).where(DebtKey.open_target.in_(targets))))
    line.keys = [DebtKey(target=target, open_target=None if is_posted or target in held else target) for target in targets]
    return line
