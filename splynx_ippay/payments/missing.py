"""Payments and card fees we posted that the host no longer shows. Owns the nightly look; a missing one goes to a person.

Must never charge or post again by itself: the money was taken. What may be charged on the document counts it (payments/due.py).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select

from splynx_ippay.base import clock
from splynx_ippay.payments import states
from splynx_ippay.payments.models import Attempt, Booking, Line

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from splynx_ippay.payments.core import Core
    from splynx_ippay.splynx.records import Payment
    from splynx_ippay.splynx.transactions import Transaction

LOOK_BACK = timedelta(days=35)  # the accounting period that may still be open, and some days
_A_DAY = timedelta(days=1)
# One call to the host a customer; where there are more customers, each has its turn every second, third … night.
CUSTOMERS_A_NIGHT = 500


def tick(core: Core, *, customers_a_night: int = CUSTOMERS_A_NIGHT) -> int:
    """Compare tonight's customers with the host; returns how many payments are missing. Raises HostError: to be repeated."""
    gone = 0
    for customer_id, lines in _tonight(core, customers_a_night).items():
        shown = {payment.id: payment for payment in core.host.customer_payments(customer_id)}
        for line_id, payment_id, _fee in lines:
            # The list may be cut off, or of a moment ago: the payment itself is asked for before anybody is alarmed.
            if _is_gone(shown.get(payment_id)) and _is_gone(core.host.find_payment(payment_id)):
                gone += _to_review(core, line_id, payment_id, f"payment {payment_id} was deleted in Splynx, but the money was "
                                   "taken and not given back: enter the payment again, or give the money back")
        gone += _fees_gone(core, customer_id, [(line_id, payment_id, fee) for line_id, payment_id, fee in lines if fee])
    return gone


def _fees_gone(core: Core, customer_id: int, lines: list[tuple[int, int, int]]) -> int:
    """Card fees whose debit was deleted: then their payment stands on the account as if it were the customer's money."""
    if not lines:
        return 0
    shown = {row.id: row for row in core.host.customer_transactions(customer_id, since=(clock.now() - LOOK_BACK).date() - _A_DAY)}
    gone = 0
    for line_id, payment_id, fee in lines:
        if _is_gone(shown.get(fee)) and _is_gone(core.host.find_transaction(fee)):
            gone += _to_review(core, line_id, payment_id, f"transaction {fee}, a card fee, was deleted in Splynx: delete payment "
                               f"{payment_id} there too and have both posted again, or give the fee back")
    return gone


def _tonight(core: Core, limit: int) -> dict[int, list[tuple[int, int, int]]]:
    """Posted lines (id, payment, and of a card fee its transaction in the host, else 0) of the customers whose turn it is."""
    found: dict[int, list[tuple[int, int, int]]] = {}
    with core.database.read() as session:
        rows = session.execute(
            select(Attempt.customer_id, Line.id, Line.splynx_payment_id, Line.splynx_transaction_id).join(Attempt, Line.attempt_id == Attempt.id)
            .where(Line.booking == Booking.POSTED, Line.splynx_payment_id.is_not(None),
                   Attempt.created_at > clock.now() - LOOK_BACK).order_by(Attempt.customer_id, Line.id))
        for customer_id, line_id, payment_id, fee in rows:
            found.setdefault(customer_id, []).append((line_id, payment_id, fee or 0))
    nights = max(1, -(-len(found) // limit))
    tonight = clock.now().date().toordinal() % nights
    return {customer_id: found[customer_id] for turn, customer_id in enumerate(sorted(found)) if turn % nights == tonight}


def _is_gone(row: Payment | Transaction | None) -> bool:
    return row is None or row.deleted


def _to_review(core: Core, line_id: int, payment_id: int, reason: str) -> bool:
    def _move(session: Session) -> bool:
        line = session.get_one(Line, line_id, with_for_update=True)
        if line.booking != Booking.POSTED or line.splynx_payment_id != payment_id:
            return False
        states.move_booking(session, line, Booking.REVIEW, reason=reason)
        return True

    return core.database.run(_move)
