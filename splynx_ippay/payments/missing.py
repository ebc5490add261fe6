"""Payments we posted that the host no longer shows. Owns the nightly look; a missing one goes to a person.

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

LOOK_BACK = timedelta(days=35)  # the accounting period that may still be open, and some days
# One call to the host a customer; where there are more customers, each has its turn every second, third … night.
CUSTOMERS_A_NIGHT = 500


def tick(core: Core, *, customers_a_night: int = CUSTOMERS_A_NIGHT) -> int:
    """Compare tonight's customers with the host; returns how many payments are missing. Raises HostError: to be repeated."""
    gone = 0
    for customer_id, lines in _tonight(core, customers_a_night).items():
        shown = {payment.id: payment for payment in core.host.customer_payments(customer_id)}
        for line_id, payment_id in lines:
            payment = shown.get(payment_id)
            if payment is None or payment.deleted:
                # The list may be cut off, or of a moment ago: the payment itself is asked for before anybody is alarmed.
                gone += _is_gone(core.host.find_payment(payment_id)) and _to_review(core, line_id, payment_id)
    return gone


def _tonight(core: Core, limit: int) -> dict[int, list[tuple[int, int]]]:
    """Posted lines (id, payment in the host) of the customers whose turn it is."""
    found: dict[int, list[tuple[int, int]]] = {}
    with core.database.read() as session:
        rows = session.execute(
            select(Attempt.customer_id, Line.id, Line.splynx_payment_id).join(Attempt, Line.attempt_id == Attempt.id)
            .where(Line.booking == Booking.POSTED, Line.splynx_payment_id.is_not(None),
                   Attempt.created_at > clock.now() - LOOK_BACK).order_by(Attempt.customer_id, Line.id))
        for customer_id, line_id, payment_id in rows:
            found.setdefault(customer_id, []).append((line_id, payment_id))
    nights = max(1, -(-len(found) // limit))
    tonight = clock.now().date().toordinal() % nights
    return {customer_id: found[customer_id] for turn, customer_id in enumerate(sorted(found)) if turn % nights == tonight}


def _is_gone(payment: Payment | None) -> bool:
    return payment is None or payment.deleted


def _to_review(core: Core, line_id: int, payment_id: int) -> bool:
    def _move(session: Session) -> bool:
        line = session.get_one(Line, line_id, with_for_update=True)
        if line.booking != Booking.POSTED or line.splynx_payment_id != payment_id:
            return False
        states.move_booking(session, line, Booking.REVIEW,
                            reason=f"payment {payment_id} was deleted in Splynx, but the money was taken and not given back: "
                                   "enter the payment again, or give the money back")
        return True

    return core.database.run(_move)
