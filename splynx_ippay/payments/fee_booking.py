"""The host's side of a card fee: the debit that is posted before its payment, and taken back after it.

Without the debit the fee's payment would stand on the customer's account as money of the customer's. Owns that no
debit is posted twice: found by our reference first, and after a POST without a clear answer two spaced searches.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from splynx_ippay.base import clock
from splynx_ippay.base.errors import ConfigError, HostRejected, HostUnavailable
from splynx_ippay.payments import outbox
from splynx_ippay.payments.models import Booking, Line
from splynx_ippay.splynx.transactions import TransactionDraft

if TYPE_CHECKING:
    from datetime import date

    from splynx_ippay.payments.core import Core
    from splynx_ippay.splynx.transactions import Transaction

_NAME = "Card fee"
_GONE = 404
_A_DAY = timedelta(days=1)


def debit(core: Core, line: Line) -> Line | None:
    """Find the debit in the host or post it; the line with the debit's id, or None: it waits, or a person has it.

    Raises HostError, ConfigError, and IllegalTransition when somebody else moved the line.
    """
    if line.splynx_transaction_id is not None:
        return line
    found = core.host.find_transactions(line.attempt.customer_id, line.field_1, since=_day(line) - _A_DAY)
    live = [row for row in found if not row.deleted]
    if len(live) == 1 and live[0].type == "debit" and live[0].total == line.amount.decimal():
        return _has_debit(core, line, live[0].id)
    if live or (found and line.seen_deleted_id is None):  # else a person has seen those, and had it posted again
        outbox.finish(core, line, Booking.REVIEW, reason=_doubt(line, live))
        return None
    if line.post_started_at is not None and not outbox.may_post_again(core, line):
        return None
    return _post(core, line)


def _doubt(line: Line, live: list[Transaction]) -> str:
    if not live:
        return "the card fee's transaction was deleted in Splynx; a person must decide"
    if len(live) > 1:
        return f"Splynx shows {len(live)} transactions for one card fee; delete the extra ones"
    return f"Splynx shows a {live[0].type} of {live[0].total:.2f}, the card fee was {line.amount}"


def _post(core: Core, line: Line) -> Line | None:
    """POST once, if the line is still ours; what cannot be told stays POSTING and is searched for."""
    draft = _draft(core, line)
    outbox.write(core, line, post_started_at=clock.now(), empty_searches=0)
    try:
        transaction_id = core.host.post_transaction(draft)
    except HostUnavailable as error:
        not_sent = {} if error.sent else {"post_started_at": None}
        outbox.retry_later(core, line, outbox.SOON, str(error), **not_sent)
    except HostRejected as error:
        outbox.write(core, line, post_started_at=None)
        outbox.refused(core, line, error, f"Splynx does not take the card fee's transaction: {error}")
    else:
        return _has_debit(core, line, transaction_id)
    return None


def _has_debit(core: Core, line: Line, transaction_id: int) -> Line:
    """From here on the columns of a posting are about the payment; the lease begins anew for it."""
    outbox.write(core, line, splynx_transaction_id=transaction_id, post_started_at=None, empty_searches=0, booking_tries=0,
                 lease_until=clock.now() + outbox.LEASE)
    with core.database.read() as session:
        return session.get_one(Line, line.id)


def _draft(core: Core, line: Line) -> TransactionDraft:
    category = core.settings.integer("card_fee_category")
    if not category:
        raise ConfigError("choose the transaction category of the card fee in the add-on's settings; until then it waits")
    return TransactionDraft(
        customer_id=line.attempt.customer_id, total=line.amount, tax=line.fee_tax,
        tax_percent=Decimal(str((line.terms or {}).get("tax_percent", "0"))), date=_day(line), category=category,
        description=line.fee_name or _NAME, comment=line.field_1)


def _day(line: Line) -> date:
    return (line.attempt.sending_at or line.attempt.created_at).date()


def take_back(core: Core, line: Line, reason: str) -> None:
    """After the fee's payment is gone: delete the debit, or tell staff how. ``reason`` says what became of the payment.

    Raises HostError, and IllegalTransition when somebody else moved the line.
    """
    live = debits_of(core, line)
    if not live:
        outbox.finish(core, line, Booking.UNDONE, reason=f"{reason}; no card fee of it is left")
    elif len(live) > 1:
        outbox.finish(core, line, Booking.REVIEW, reason=f"Splynx shows {len(live)} transactions for one card fee")
    elif live[0].customer_id != line.attempt.customer_id:
        outbox.finish(core, line, Booking.REVIEW, reason=f"transaction {live[0].id} belongs to another customer in Splynx now")
    else:
        _delete(core, line, live[0], reason)


def debits_of(core: Core, line: Line) -> list[Transaction]:
    """What charges this fee in the host, without deleted ones. One whose id we know is asked for by it too.

    Staff can edit the comment. Raises HostError.
    """
    found = core.host.find_transactions(line.attempt.customer_id, line.field_1, since=_day(line) - _A_DAY)
    known_id = line.splynx_transaction_id
    if known_id is not None and known_id not in {row.id for row in found}:
        known = core.host.find_transaction(known_id)
        found += [known] if known else []
    return [row for row in found if not row.deleted]


def _delete(core: Core, line: Line, row: Transaction, reason: str) -> None:
    if row.invoice_id is not None:
        outbox.ask_staff(core, line, f"transaction {row.id} (card fee {line.amount}) stands on invoice {row.invoice_id} in Splynx. "
                   "Take it off that invoice and delete it; this task then ends by itself")
        return
    if (clock.now().date() - (row.date or _day(line))).days > core.settings.integer("undo_days"):
        outbox.ask_staff(core, line, f"its money went back, and it is too old for us to delete. Delete transaction {row.id} (card fee {line.amount}) in "
                   "Splynx, or book a correction and delete it; this task then ends by itself")
        return
    journalled = {key: None if value is None else str(value) for key, value in asdict(row).items()}
    with core.database.read() as session:  # the payment's own row was written just now
        before = session.get_one(Line, line.id).host_row or {}
    outbox.write(core, line, host_row=before | {"card_fee": journalled}, splynx_transaction_id=row.id)
    try:
        core.host.delete_transaction(row.id)
    except HostRejected as error:
        if error.status != _GONE:
            outbox.ask_staff(core, line, f"Splynx does not let us delete transaction {row.id} ({error}); delete it by hand")
            return
    outbox.finish(core, line, Booking.UNDONE, reason=f"{reason}; its card fee, transaction {row.id}, too")
