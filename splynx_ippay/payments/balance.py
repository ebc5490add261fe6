"""What a customer's account may be charged: the balance, beside the rule for documents in ``due``.

The host knows a balance only as one sum, so whoever charges it must be alone with the customer: no document and no
top-up of the customer may be under way, and none may start until the charge has ended. Must never take a balance on
a sum that was read before that was certain.
"""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import ROUND_DOWN, Decimal
from typing import TYPE_CHECKING

from sqlalchemy import func, or_, select

from splynx_ippay.base.errors import AmountChanged, Stopped
from splynx_ippay.base.money import Money, minor_units
from splynx_ippay.payments.due import HOLDS_MONEY, Held, find_holder, target_of
from splynx_ippay.payments.models import FEE, Attempt, Booking, DebtKey, Line

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy.orm import Session

    from splynx_ippay.payments.core import Core
    from splynx_ippay.payments.orders import Order

DOCUMENT = "balance"
IN_COMMENT = ", balance"  # how the comment of its payment in the host ends: without reports a recovery knows it by that alone
_ORDER = re.compile(r"balance-([1-9][0-9]{0,8})", re.ASCII)


def order_number(customer_id: int) -> str:
    """What the gateway is told a balance is for, where a document has its number: reports then name the customer."""
    return f"balance-{customer_id}"


def customer_of(number: str) -> int | None:
    """The customer of such an order number, None for any other."""
    found = _ORDER.fullmatch(number)
    return int(found[1]) if found else None


def owed_of(deposit: Decimal, currency: str) -> Money:
    """What a balance of the host says is owed: its negative, parts of a cent left out, zero for a credit."""
    cents = (-deposit).scaleb(minor_units(currency)).quantize(Decimal(1), rounding=ROUND_DOWN)
    return Money(max(0, int(cents)), currency)


def read_owed(core: Core, customer_id: int, currency: str) -> Money:
    """What the host shows as owed by the customer now, one call. Raises HostUnavailable and HostRejected."""
    return owed_of(core.host.customer_billing(customer_id).deposit, currency)


def rest_of(owed: Money, hidden: int) -> Money:
    """What may be taken: what the host shows as owed, less the cents we took or may have taken and it does not show."""
    return Money(max(0, owed.cents - hidden), owed.currency)


def hidden_by_customer(session: Session, customer_ids: Collection[int], besides: int = 0) -> dict[int, int]:
    """Cents we took or may have taken and the host has no payment for, on whatever document; one query.

    Money on account that is posted is in the balance already. A card fee that is being taken back is in it too, as a debt
    that nobody owes, until its debit is gone. ``besides`` leaves one attempt out (the one that asks).
    """
    is_hidden = Attempt.state.in_(HOLDS_MONEY) & (Line.booking != Booking.POSTED)
    is_fee_going_back = (Line.document == FEE) & Line.booking.in_([Booking.UNDO_DUE, Booking.UNDOING, Booking.REVIEW])
    rows = session.execute(
        select(Attempt.customer_id, func.sum(Line.amount_cents)).join(Line, Line.attempt_id == Attempt.id)
        .where(Attempt.customer_id.in_(customer_ids), Attempt.id != besides, or_(is_hidden, is_fee_going_back))
        .group_by(Attempt.customer_id))
    return {customer_id: int(cents) for customer_id, cents in rows}


def find_any_holder(session: Session, customer_id: int, besides: int = 0) -> Held | None:
    """A payment of the customer that holds a debt, whichever debt it is; the oldest of several."""
    row = session.execute(
        select(DebtKey.open_target, Attempt.door, Attempt.created_at, Attempt.id, Attempt.transaction_id, Attempt.state)
        .join(Line, Line.id == DebtKey.line_id).join(Attempt, Attempt.id == Line.attempt_id)
        .where(Attempt.customer_id == customer_id, Attempt.id != besides, DebtKey.open_target.is_not(None))
        .order_by(Attempt.id).limit(1)).first()
    return None if row is None else Held(*row)


def with_keys(core: Core, order: Order) -> Order:
    """The order with every key a balance is known by: those of the customer's open invoices and proformas. Two host calls.

    An order without a balance stays as it is, at no call. Raises Stopped while the host shows an invoice of the
    customer as pending: that money is on its way by other hands. Raises HostError.
    """
    if order.items[0].document != DOCUMENT:
        return order
    item, customer_id = order.items[0], order.customer_id
    invoices = core.host.open_invoices(customer_id, item.amount.currency)
    if waiting := [invoice.number for invoice in invoices if invoice.status == "pending"]:
        raise Stopped("invoice_pending", f"invoice {waiting[0]} is pending in Splynx")
    proformas = core.host.unpaid_proformas(customer_id, item.amount.currency)
    also = (*(target_of("invoice", invoice.id, customer_id) for invoice in invoices),
            *(target_of("proforma", proforma.id, customer_id) for proforma in proformas))
    return replace(order, items=(replace(item, also=also),))


def refuse_beside(core: Core, attempt: Attempt) -> None:
    """With our keys committed: is another payment of the customer under way that may be the same debt? Raises AlreadyOpen.

    A document made after a balance took its keys has one that it does not hold, so keys alone do not keep the two
    apart. Both sides look once they have committed; whoever commits last sees the other.
    """
    with core.database.read() as session:
        held = (find_any_holder(session, attempt.customer_id, besides=attempt.id) if is_balance(attempt)
                else find_holder(session, "", attempt.customer_id))
    if held is not None:
        raise held.refusal()


def is_balance(attempt: Attempt) -> bool:
    """Whether the attempt takes a balance, the only debt it takes then."""
    return any(line.document == DOCUMENT for line in attempt.lines)


def confirm(core: Core, attempt: Attempt) -> None:
    """Read the balance anew, with everything of the customer held. Raises AmountChanged when it is not the amount.

    What the host may not show is added up first: a payment posted in between is then counted twice, never not at all.
    """
    with core.database.read() as session:
        hidden = hidden_by_customer(session, [attempt.customer_id], besides=attempt.id).get(attempt.customer_id, 0)
    open_now = rest_of(read_owed(core, attempt.customer_id, attempt.currency), hidden)
    agreed = Money(sum(line.amount_cents for line in attempt.lines if line.document == DOCUMENT), attempt.currency)
    if agreed != open_now:
        raise AmountChanged(open_now, reason=f"balance: {open_now} is owed, not {agreed}")
