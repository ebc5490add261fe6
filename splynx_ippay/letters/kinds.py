"""The one table of mails that are owed through the outbox: one row a kind, named as the folder of its templates.

``REASONS`` are staff words (msgids) for why a mail did not go out; ``OutboxMail.reason`` holds a key of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from splynx_ippay.base.marks import N_
from splynx_ippay.letters import asking, receipts

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import Session

    from splynx_ippay.notifications import OutboxMail
    from splynx_ippay.payments.core import Core


def nowhere(_core: Core, _session: Session, _mail: OutboxMail) -> dict[str, str]:
    """A mail without a button."""
    return {}


@dataclass(frozen=True)
class Kind:
    """One kind of mail."""

    title: str  # for staff
    switch: str  # the setting (yes or no) without which it does not go out; "": what owes it has looked
    facts: Callable[[Session, OutboxMail], dict[str, Any]]  # for its templates; raises Overtaken
    addresses: Callable[[Core, Session, OutboxMail], dict[str, str]] = nowhere  # where it leads to
    worth: timedelta = timedelta(days=3)  # an older one is no news any more


KINDS: dict[str, Kind] = {
    "paid": Kind(N_("Receipt"), "mail_receipts", receipts.about("approved")),
    "debit_received": Kind(N_("Bank debit accepted"), "mail_receipts", receipts.about("accepted")),
    "debit_paid": Kind(N_("Bank debit settled"), "mail_receipts", receipts.about("settled")),
    "debit_returned": Kind(N_("Bank debit came back"), "mail_receipts", receipts.about("returned")),
    "cancelled": Kind(N_("Payment cancelled"), "mail_receipts", receipts.about("voided")),
    "not_taken": Kind(N_("Payment not taken"), "mail_receipts", receipts.about("declined", "refused", "abandoned")),
    "ask": Kind(N_("Asked for another card or account"), "", asking.debt, asking.debt_addresses),
    "ask_zip": Kind(N_("Asked for the ZIP code"), "", asking.zip_code, asking.portal),
    "expiry": Kind(N_("Card expires"), "", asking.expiry, asking.portal),
}

REASONS = {
    "restored": N_("A backup was restored; it may have been sent before"),
    "no_server": N_("No mail server was set"),
    "switched_off": N_("Mails of this kind were switched off"),
    "unknown_kind": N_("This version of the add-on does not know this kind of mail"),
    "too_old": N_("It could not be sent in time and would be old news by now"),
    "overtaken": N_("Something newer had happened to the payment"),
    "customer_gone": N_("The customer is not in Splynx any more"),
    "no_address": N_("The customer has no usable e-mail address in Splynx"),
    "refused": N_("The mail server refused the mailbox or the mail"),
    "not_taken": N_("The mail server could not be reached or did not take it"),
    "splynx_away": N_("Splynx did not tell whom to write to"),
    "our_fault": N_("The mail could not be written; the log says why"),
    "interrupted": N_("The worker ended, or the line broke, while the mail server had it; it is not sent twice"),
}
