"""Undoing a posting in the host after a return or a void (house 4.4 "Undo in the host"). Find first, as posting does.

DELETE is used only for the whole payment and while the accounting period is open (setting "Delete returned payments
up to"); everything else is a task for staff with exact steps, and stays due until the host shows it done.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import update

from splynx_ippay.base import clock
from splynx_ippay.base.errors import HostRejected
from splynx_ippay.payments import outbox
from splynx_ippay.payments.models import Booking, Line

if TYPE_CHECKING:
    from splynx_ippay.payments.core import Core
    from splynx_ippay.splynx.records import Payment

_GONE = 404


def undo(core: Core, line: Line) -> None:
    """Take the payment back in the host, or tell staff how. Raises HostError with the line left to be tried again."""
    claimed = outbox.claim(core, line, to=Booking.UNDOING)
    if claimed is None:
        return
    found = core.host.find_payments(claimed.attempt.customer_id, claimed.field_1)
    live = [payment for payment in found if not payment.deleted]
    if not live:
        if claimed.post_started_at is not None and claimed.splynx_payment_id is None and claimed.empty_searches < 1:
            # A posting of ours may still be on its way: a second, spaced search decides.
            core.database.run(lambda session: session.execute(
                update(Line).where(Line.id == line.id).values(empty_searches=Line.empty_searches + 1)))
            outbox.retry_later(core, line.id, outbox.LATER, "a posting without an answer; searching once more")
            return
        outbox.finish(core, claimed, Booking.UNDONE, reason="no payment of ours is left in Splynx")
    elif len(live) > 1:
        outbox.finish(core, claimed, Booking.REVIEW, reason=f"Splynx shows {len(live)} payments for one charge")
    else:
        _delete(core, claimed, live[0])


def _delete(core: Core, line: Line, payment: Payment) -> None:
    journalled = {key: str(value) if value is not None else None for key, value in asdict(payment).items()}
    _set(core, line, host_row=journalled, splynx_payment_id=payment.id)
    age = (clock.now().date() - (payment.date or clock.now().date())).days
    if age > core.settings.integer("undo_days") or payment.amount != line.amount.decimal():
        outbox.retry_later(core, line.id, outbox.LATER, f"For staff: the payment {payment.id} of {line.amount} came back "
                           "from the bank. Book a negative payment or a correction in Splynx, then delete or void it there.")
        return
    try:
        core.host.delete_payment(payment.id)
    except HostRejected as error:
        if error.status != _GONE:
            outbox.retry_later(core, line.id, outbox.LATER,
                               f"For staff: Splynx does not let us delete payment {payment.id} ({error}); delete it by hand")
            return
    outbox.finish(core, line, Booking.UNDONE, reason=f"payment {payment.id} deleted in Splynx")


def _set(core: Core, line: Line, **columns: Any) -> None:
    core.database.run(lambda session: session.execute(update(Line).where(Line.id == line.id).values(**columns)))
