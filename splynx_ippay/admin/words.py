"""Words of the staff's pages: states, doors, bookings and return codes, one row each. Texts are msgids."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from flask_babel import gettext

from splynx_ippay.base.marks import N_
from splynx_ippay.ippay.declines import decline_for
from splynx_ippay.payments.models import State

if TYPE_CHECKING:
    from splynx_ippay.payments.models import Attempt

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
    "R05": N_("A consumer's account was debited as a company's"), "R06": N_("The bank was asked to send it back"),
    "R11": N_("The payer says it was not as authorized"), "R12": N_("The account moved to another bank"),
    "R13": N_("Invalid routing number"), "R14": N_("The account holder cannot act any more"),
    "R15": N_("The account holder has died"), "R17": N_("Details of the account do not fit"),
    "R23": N_("The payer refused it"), "R24": N_("The bank says it came twice"),
    "R16": N_("Account frozen"), "R20": N_("The account does not allow debits"), "R29": N_("The payer says it was not authorized"),
}
_RETURN_CODE = re.compile(r"\breturned.*\b(?P<code>R[0-9]{2})\b")
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


def why(attempt: Attempt) -> str:
    """Why it stands as it does, for staff: a code with its meaning where there is one; of what went well nothing."""
    if attempt.state == State.DECLINED:
        meaning = gettext(decline_for(attempt.action_code, attempt.brand, attempt.response_text).meaning)
        return f"{attempt.action_code} {meaning}".strip()
    if attempt.state == State.RETURNED and attempt.return_code:
        return returned(attempt.return_code)
    return "" if attempt.state in {State.APPROVED, State.ACCEPTED} else attempt.reason


def told(reason: str) -> str:
    """A reason as it was written down, where it names a bank's return code in the words of that code."""
    code = _RETURN_CODE.search(reason)
    return reason if code is None else gettext("The bank sent the debit back: %(why)s", why=returned(code["code"]))


def returned(code: str) -> str:
    """A bank's return code with its meaning."""
    return f"{code} {say(RETURNS, code)}" if code in RETURNS else code


def say(table: dict[str, str], key: str) -> str:
    """The translated words of a table's row; a key it does not hold stays as it is."""
    return str(gettext(table[key])) if key in table else key
