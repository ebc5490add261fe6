"""Undoing a posting in the host after a return or a void. Find first, as posting does.

DELETE is used only for the whole payment and while the accounting period is open (setting "Delete returned payments
up to"); everything else is a task for staff with exact steps, and stays due until the host shows it done.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from splynx_ippay.base import clock
from splynx_ippay.base.errors import HostRejected
from splynx_ippay.payments import fee_booking, outbox
from splynx_ippay.payments.models import Booking

if TYPE_CHECKING:
    from splynx_ippay.payments.core import Core
    from splynx_ippay.payments.models import Line
    from splynx_ippay.splynx.records import Payment

_GONE = 404


def undo(core: Core, line: Line) -> None:
    """Take the payment back in the host, or tell staff how; a host without an answer leaves the line to be tried again.

    Raises IllegalTransition when somebody else moved the line.
    """
    claimed = outbox.claim(core, line, to=Booking.UNDOING)
    if claimed is None:
        return
    with outbox.leased(core, claimed):
        _undo(core, claimed)


def _undo(core: Core, line: Line) -> None:
    live = _find(core, line)
    if not live:
        if line.post_started_at is not None and line.splynx_payment_id is None and line.empty_searches < 1:
            # A posting of ours may still be on its way: a second, spaced search decides.
            outbox.retry_later(core, line, outbox.LATER, "a posting without an answer; searching once more",
                               empty_searches=line.empty_searches + 1)
            return
        _done(core, line, "no payment of ours is left in Splynx")
    elif len(live) > 1:
        outbox.finish(core, line, Booking.REVIEW, reason=f"Splynx shows {len(live)} payments for one charge")
    elif live[0].customer_id != line.attempt.customer_id:
        outbox.finish(core, line, Booking.REVIEW, reason=f"payment {live[0].id} belongs to another customer in Splynx now")
    else:
        _delete(core, line, live[0])


def _find(core: Core, line: Line) -> list[Payment]:
    """Our undeleted payments. One whose id we know is asked for by it too: staff can edit the field of the search."""
    found = core.host.find_payments(line.attempt.customer_id, line.field_1)
    if line.splynx_payment_id is not None and line.splynx_payment_id not in {payment.id for payment in found}:
        known = core.host.find_payment(line.splynx_payment_id)
        found += [known] if known else []
    return [payment for payment in found if not payment.deleted]


def _delete(core: Core, line: Line, payment: Payment) -> None:
    journalled = {key: str(value) if value is not None else None for key, value in asdict(payment).items()}
    outbox.write(core, line, host_row=journalled, splynx_payment_id=payment.id)
    age = (clock.now().date() - (payment.date or clock.now().date())).days
    if age > core.settings.integer("undo_days") or payment.amount != line.amount.decimal():
        outbox.ask_staff(core, line, f"the money of payment {payment.id}, {line.amount}, went back. "
                         "Book a negative payment or a correction in Splynx, then delete or void it there.")
        return
    try:
        core.host.delete_payment(payment.id)
    except HostRejected as error:
        if error.status != _GONE:
            outbox.ask_staff(core, line, f"Splynx does not let us delete payment {payment.id} ({error}); delete it by hand")
            return
    _done(core, line, f"payment {payment.id} deleted in Splynx")


def _done(core: Core, line: Line, reason: str) -> None:
    """The payment is gone; of a card fee its debit goes too."""
    if line.is_fee:
        fee_booking.take_back(core, line, reason)
    else:
        outbox.finish(core, line, Booking.UNDONE, reason=reason)
