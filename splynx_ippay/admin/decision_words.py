"""Words of what people decide: each end with what it will do, evidence, and what the neighbours said. Texts are msgids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask_babel import gettext

from splynx_ippay.base.marks import N_
from splynx_ippay.base.money import Money
from splynx_ippay.checkout.formats import money

if TYPE_CHECKING:
    from splynx_ippay.payments.models import Attempt

# By state, of cards and of bank debits: what became of it, and what deciding so will do.
_AGAIN = N_("The invoice becomes payable again. What Splynx shows of this payment is taken back.")
_CARD = {
    "approved": (N_("The money was taken"), N_("The payment is recorded in Splynx and the invoice is paid.")),
    "voided": (N_("The money was taken and given back"), _AGAIN),
    "declined": (N_("The bank declined: the money was not taken"),
                 N_("The invoice becomes payable again. A second person must confirm.")),
    "abandoned": (N_("It never reached IPpay: the money was not taken"),
                  N_("The invoice becomes payable again. A second person must confirm.")),
    "unknown": (N_("Not clear yet: the add-on is to look once more"),
                N_("It asks IPpay and reads the reports by its own rules. If they do not tell, the payment comes back here.")),
}
_BANK = _CARD | {
    "approved": (N_("The debit has settled: the money is there"), N_("The payment is recorded in Splynx and the invoice is paid.")),
    "accepted": (N_("The debit is on its way"),
                 N_("The invoice stays locked until the debit settles or comes back. After seven banking days without news you are asked again.")),
    "returned": (N_("The customer's bank sent the debit back"),
                 N_("The invoice becomes payable again; after R01 and R09 only in ten days, because the bank may try once more. No Charge takes "
                    "anything from this customer until somebody lets it.")),
}
_BEYOND = N_("The payment is recorded on the customer's account, not on the invoice, which is not locked for it any more. Then "
             "decide about giving it back.")
LINE_ENDS = {
    "posted": (N_("Splynx shows the payment: use that one"),
               N_("Nothing is posted. Splynx must show exactly one payment of this amount for this charge. If somebody entered it by hand, "
                  "give its ID.")),
    "due": (N_("Splynx does not show it: have it posted again"),
            N_("It is posted once, on the invoice if it can still take it, otherwise on the customer's account. If Splynx shows a payment "
               "for this charge, nothing is posted.")),
    "undo_due": (N_("One payment is left in Splynx: have it taken back"), N_("The add-on deletes it, or says what you have to do.")),
    "undone": (N_("I have taken it back in Splynx"), N_("Splynx must show no payment for this charge any more.")),
}
LINE_STEPS = {
    True: N_("The money is there, so Splynx must show exactly one payment. If you see two, delete the extra one in Splynx. If the "
             "amount is wrong, correct it there. If the money was given back instead, answer the question below."),
    False: N_("The money is not there, so Splynx must show no payment. If you see two, delete the one you can spare in Splynx."),
}
EVIDENCE = {
    "console": N_("IPpay's own pages"), "statement": N_("Our bank statement"), "ticket": N_("A ticket of IPpay's support"),
    "report": N_("A row of IPpay's report"), "bank": N_("The customer's bank"), "host": N_("Splynx"),
}
SOURCES = {"gateway": N_("IPpay"), "report": N_("IPpay's reports"), "host": N_("Splynx")}
FACTS = {
    "no_terminal": N_("Terminal %(terminal)s is not in the settings any more, so IPpay could not be asked."),
    "enquiry_off": N_("Not asked: the settings say that enquiries prove nothing."),
    "enquiry_silent": N_("No answer: %(words)s"),
    "enquiry_yes": N_("Approved, with the approval %(approval)s. The money was taken."),
    "enquiry_amount": N_("Approved, but the amount is another one: %(amount)s."),
    "enquiry_other": N_("No approval: %(words)s. That alone does not prove that nothing was taken."),
    "report_none": N_("There is no reporting login, so there are no reports."),
    "report_unread": N_("Not every day could be read just now."),
    "report_empty": N_("The reports of those days do not show it."),
    "row_credit": N_("%(type)s of %(amount)s on %(day)s, code %(code)s."),
    "row_ach": N_("%(type)s of %(amount)s on %(day)s, code %(code)s."),
    "row_ccsettlement": N_("Settled on %(day)s."),
    "row_achsettlement": N_("Settled on %(day)s."),
    "row_achrejects": N_("Sent back on %(day)s, code %(code)s."),
    "host_silent": N_("No answer: %(words)s"),
    "host_payment": N_("Shows payment %(id)s of %(amount)s for this charge."),
    "host_deleted": N_("Shows payment %(id)s of %(amount)s for this charge as deleted."),
    "host_nothing": N_("Shows no payment for this charge."),
    "document_open": N_("%(number)s is open, %(due)s due."), "document_paid": N_("%(number)s is paid."),
    "document_pending": N_("%(number)s waits for a payment."), "document_deleted": N_("%(number)s is deleted."),
    "document_gone": N_("%(number)s is not there any more."),
}
KINDS = {
    "attempt": N_("What became of it?"), "line": N_("What is to stand in Splynx?"), "task": N_("To be done in Splynx"),
    "unknown": N_("The gateway is being asked"),
}


def end(attempt: Attempt, state: str) -> tuple[str, str]:
    """What became of the payment, and what deciding so will do."""
    title, effect = (_BANK if attempt.kind == "check" else _CARD)[state]
    if attempt.excess and state == "approved":
        effect = _BEYOND
    return str(gettext(title)), str(gettext(effect))


def fact(told: dict[str, Any]) -> str:
    """One fact as a sentence."""
    name, values = str(told["what"]), told["values"]
    if "due" in values:
        amount, currency = values["due"].split()
        values = values | {"due": money(Money.from_host(amount, currency))}
    return str(gettext(FACTS[name], **values)) if name in FACTS else name
