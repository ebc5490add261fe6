"""Words of the staff's pages: states, doors, bookings and events, one row each. Texts are msgids."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from flask_babel import gettext

from splynx_ippay.admin.decision_words import EVIDENCE
from splynx_ippay.checkout.marks import N_

if TYPE_CHECKING:
    from collections.abc import Iterator

    from splynx_ippay.payments.models import Event

STATES = {
    "intended": N_("Under way"), "approved": N_("Approved"), "accepted": N_("Accepted, not settled yet"),
    "declined": N_("Declined"), "unknown": N_("Unknown, the gateway is being asked"), "abandoned": N_("Not sent"),
    "voided": N_("Voided"), "returned": N_("Came back from the bank"), "review": N_("Waits for a decision"),
}
# Colour of the badge; the words carry the meaning.
SIGNS = {"approved": "good", "accepted": "wait", "intended": "wait", "unknown": "wait", "review": "wait",
         "declined": "bad", "returned": "bad", "voided": "off", "abandoned": "off"}
RESULT_SIGNS = {"approved": "good", "accepted": "wait", "under_way": "wait", "unknown": "wait", "review": "wait",
                "declined": "bad", "returned": "bad", "drifted": "bad", "replaced": "off"}
DOORS = {"portal": N_("Portal"), "link": N_("Payment link"), "staff": N_("Staff"), "run": N_("Charge")}
RETURNS = {  # Nacha return reasons, short
    "R01": N_("Insufficient funds"), "R02": N_("Account closed"), "R03": N_("The bank knows no such account"),
    "R04": N_("Invalid account number"), "R07": N_("Authorization withdrawn"), "R08": N_("The payer stopped it"),
    "R09": N_("The money was not available yet"), "R10": N_("The payer says it was not authorized"),
    "R16": N_("Account frozen"), "R20": N_("The account does not allow debits"), "R29": N_("The payer says it was not authorized"),
}
DOCUMENTS = {"invoice": N_("Invoice"), "proforma": N_("Proforma invoice"), "topup": N_("Money added"),
             "balance": N_("Outstanding balance"), "fee": N_("Card fee")}
BOOKINGS = {
    "none": N_("Nothing to tell Splynx"), "due": N_("Splynx is to be told"), "posting": N_("Splynx is being told"),
    "posted": N_("Recorded in Splynx"), "undo_due": N_("The payment in Splynx is to be taken back"),
    "undoing": N_("The payment in Splynx is being taken back"), "undone": N_("The payment in Splynx was taken back"),
    "review": N_("A person has to look at the record in Splynx"),
}
ENVIRONMENTS = {"test": N_("test"), "production": N_("production")}
DISPUTES = {"open": N_("Open"), "won": N_("Won"), "lost": N_("Lost")}
MODES = {"invoices": N_("Open invoices"), "balances": N_("Outstanding balances")}
RUN_STATES = {
    "planning": N_("Preview is being made"), "previewed": N_("Preview, not started"), "running": N_("Running"),
    "stopped": N_("Stopped"), "finished": N_("Finished"), "discarded": N_("Discarded"),
}
# The page after a charge: title and sentence by ending (payments.view).
ENDINGS = {
    "approved": (N_("Success!"), N_("Your transaction has been successfully processed.")),
    "settled": (N_("Success!"), N_("The bank debit has settled.")),
    "accepted": (N_("The bank debit was accepted"), N_("It is not paid yet: it settles in a few banking days, or comes "
                 "back. The invoice follows by itself; do not charge it again.")),
    "declined": (N_("The payment was declined"), N_("Nothing was charged.")),
    "refused": (N_("The gateway refused our set-up"), N_("Nothing was charged, and there is nothing wrong with the "
                "customer's method. See the page Is all well?")),
    "unknown": (N_("The outcome is not known yet"), N_("The gateway is being asked. Do not charge again; this page looks "
                "again every few seconds.")),
    "abandoned": (N_("Nothing was charged"), N_("It was given up before anything was sent, so it can be tried again.")),
    "returned": (N_("Came back from the bank"), N_("The amount is open again.")),
    "voided": (N_("Voided"), N_("The money is not taken, or goes back.")),
    "review": (N_("Waits for a decision"), N_("The gateway gave no clear answer. Do not charge again before it is decided.")),
}
# What staff can do about a refusal, by the kind of its code (ippay.declines).
NEXT_STEPS = {
    "soft": N_("The bank did not allow it this time. Another method may work, or the same one later."),
    "contact": N_("The customer has to call the bank, or use another method."),
    "data": N_("The saved details do not fit any more. The customer has to enter them again in the portal."),
    "hard": N_("The bank refuses this method for good. The customer has to enter another one in the portal."),
}
EVENTS = {
    "intended": N_("The payment was written down before anything was sent"),
    "sending": N_("The request went to the gateway"), "answer": N_("The gateway answered"),
    "no_answer": N_("No clear answer came from the gateway"), "silent": N_("No answer came in time"),
    "never_sent": N_("The gateway could not be reached; nothing was sent"),
    "abandoned": N_("It was given up before anything was sent"), "state": N_("The state changed"),
    "enquiry": N_("The gateway was asked about it"), "report": N_("The gateway's report told about it"),
    "in_report": N_("The gateway's report shows it"), "from_spool": N_("An answer kept aside was read again"),
    "recovered": N_("Found again after a backup was restored"),
    "late_evidence": N_("Something about it was learned later"), "booking": N_("The record in Splynx"),
    "settled": N_("The bank debit settled"), "settlement_row": N_("The settlement report shows it"),
    "returned": N_("The bank sent it back"), "correction": N_("The bank sent a correction"),
    "hold_ended": N_("The invoice is free to be paid again"),
    "hold_refused": N_("The invoice could not be held: another payment has it"),
    "proposed": N_("Somebody proposed what became of it; a second person must confirm"),
    "proposal_withdrawn": N_("The proposal was taken back"), "proposal_expired": N_("Nobody confirmed the proposal in time"),
    "proposal_stale": N_("Something new was learned, so the proposal ended"),
    "decision": N_("People decided"), "decided": N_("The state changed, as decided"),
    "double_sale": N_("The gateway shows it more than once"),
}
# What an event may tell beside its kind; everything else stays in the row.
_FACTS = {
    "door": N_("Door"), "actor": N_("By"), "documents": N_("For"), "reason": N_("Why"), "words": N_("Answer"),
    "action_code": N_("Code"), "code": N_("Code"), "approval": N_("Approval"), "symptom": N_("What happened"),
    "line": N_("Line"), "rows": N_("Rows"), "splynx_payment_id": N_("Payment in Splynx"), "by": N_("By"), "second": N_("Second person"),
    "splynx_transaction_id": N_("Transaction in Splynx"), "target": N_("Decision"), "evidence": N_("Evidence"),
    "reference": N_("Where to find it"),
}


def who(actor: str) -> str:
    """How people call who did something: administrators by the name they had then, customers by their number."""
    if actor in DOORS:
        return say(DOORS, actor)
    known = re.fullmatch(r"(staff|customer) ([0-9]+)(?: \((.+)\))?", actor)
    if known is None:
        return actor
    kind, number, name = known.groups()
    if name:
        return str(name)
    return str(gettext("Administrator %(number)s", number=number) if kind == "staff" else gettext("Customer %(number)s", number=number))

_PEOPLE = frozenset({"actor", "by", "second"})
_TABLES = {"door": DOORS, "evidence": EVIDENCE, "target": STATES | {key: words for key, words in BOOKINGS.items() if key not in STATES}}


def say(table: dict[str, str], key: str) -> str:
    """The translated words of a table's row; a key it does not hold stays as it is."""
    return str(gettext(table[key])) if key in table else key


def facts_of(event: Event) -> Iterator[tuple[str, str]]:
    """What the event tells, as label and value."""
    data: dict[str, Any] = event.data
    if data.get("origin") and data.get("to"):
        table = BOOKINGS if event.kind == "booking" else STATES
        yield gettext("From"), say(table, str(data["origin"]))
        yield gettext("To"), say(table, str(data["to"]))
    for key, label in _FACTS.items():
        if data.get(key) not in (None, "", []):
            value = data[key]
            shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            yield gettext(label), who(shown) if key in _PEOPLE else say(_TABLES.get(key, {}), shown)
