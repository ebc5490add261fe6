"""Why an invoice or a balance of a Charge is left alone, or was not charged: one table, in staff words (msgids).

``RunItem.reason`` holds a key, ``RunItem.detail`` what is particular to the item: a date, a code, an amount.
"""

from __future__ import annotations

from splynx_ippay.base.marks import N_

# Known when the preview is made: the item is SKIP.
SKIP_REASONS = {
    "nothing_due": N_("Nothing is due any more"),
    "nothing_owed": N_("The customer owes nothing: the balance is even or in credit"),
    "invoice_pending": N_("Splynx shows an invoice of the customer as pending: a payment is on its way"),
    "host_pending": N_("Splynx shows it as pending: a payment is on its way"),
    "customer_gone": N_("The customer is not in Splynx any more"),
    "no_terminal": N_("The customer's partner has no Terminal ID in the settings"),
    "other_currency": N_("The terminal of the partner takes another currency"),
    "debit_pending": N_("A bank debit for it is pending; it settles or comes back by itself"),
    "being_paid": N_("It is being paid right now"),
    "in_review": N_("An earlier payment of it waits for a person's decision"),
    "returned_hold": N_("A bank debit for it came back and may be presented again"),
    "taken_already": N_("A payment of ours covers it, but Splynx does not show it; a person has to look"),
    "in_other_run": N_("Another Charge that is not finished holds it"),
    "customer_stopped": N_("Automatic charging of this customer is stopped"),
    "proforma_pending": N_("A proforma of the customer is being paid; this invoice may be the same debt"),
    "no_method": N_("The customer has no saved card or bank account"),
    "method_disabled": N_("The customer's saved method must not be used any more"),
    "method_expired": N_("The customer's card has expired"),
    "other_terminal": N_("The saved method belongs to another terminal; the customer has to enter it again"),
    "instrument_off": N_("The settings do not allow this kind of payment"),
    "hard_declined": N_("The bank refused this method for good; the customer has to enter another one"),
    "no_zip": N_("The ZIP code of the card's billing address is missing"),
    "over_maximum": N_("The amount is above the largest payment allowed"),
    "under_minimum": N_("The amount is below the smallest payment allowed"),
}

# Known only when its turn came: the item is DRIFTED, or DONE without money having moved.
DRIFT_REASONS = {
    "amount_changed": N_("The amount due is not the one of the preview any more"),
    "already_paid": N_("It was paid or withdrawn after the preview"),
    "opened_elsewhere": N_("It was being paid through another door"),
    "method_refused": N_("The saved method could not be used any more"),
    "settings_changed": N_("The settings do not allow this amount any more"),
    "limit": N_("The payer has reached a limit and must wait"),
    "backup_off": N_("The backup method is not to be charged any more"),
    "host_refused": N_("Splynx refused to show what is due"),
    "never_sent": N_("The gateway could not be reached; nothing was sent"),
    "host_away": N_("Splynx gave no answer; nothing was sent"),
}

REASONS = {**SKIP_REASONS, **DRIFT_REASONS}

# What became of an item, for progress, history and the result file; the order is that of the pages.
RESULTS = {
    "approved": N_("Approved"),
    "accepted": N_("Bank debit accepted, not settled yet"),
    "declined": N_("Declined"),
    "replaced": N_("Declined, so the backup method had its turn"),
    "unknown": N_("Outcome unknown, the gateway is being asked"),
    "review": N_("Waits for a person's decision"),
    "returned": N_("Came back from the bank"),
    "voided": N_("Voided"),
    "never_sent": N_("Not sent"),
    "drifted": N_("Changed since the preview, not charged"),
    "under_way": N_("Under way"),
    "waiting": N_("Waiting"),
    "skipped": N_("Left alone by the plan"),
}

_DOORS = {"portal": "portal", "link": "payment link", "staff": "staff", "run": "Charge", "returned": "returned debit"}


def door_words(door: str) -> str:
    """A door as staff name it, in details of a plan (English, as all stored texts)."""
    return _DOORS.get(door, door)
