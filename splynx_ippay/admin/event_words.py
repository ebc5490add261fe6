"""Words of a payment's history: one row per kind of event, of answer, of fact and of a mail's state. Texts are msgids."""

from __future__ import annotations

from splynx_ippay.base.marks import N_

# What is told of an event by its kind alone.
EVENTS = {
    "intended": N_("The payment was written down before anything was sent."),
    "authorized": N_("The payer authorized this bank debit."),
    "sending": N_("The request went to the gateway."), "answer": N_("The gateway answered."),
    "no_answer": N_("No clear answer came from the gateway, so it is being asked."), "silent": N_("No answer came in time."),
    "never_sent": N_("The gateway could not be reached; nothing was sent."),
    "abandoned": N_("It was given up before anything was sent."), "state": N_("What is known of it changed."),
    "enquiry": N_("The gateway was asked about it, and answered."), "report": N_("The gateway's report told about it."),
    "in_report": N_("The gateway's report shows it, too."), "from_spool": N_("An answer kept aside was read again."),
    "recovered": N_("Found again after a backup was restored."),
    "late_evidence": N_("Something about it was learned later."), "booking": N_("The record in Splynx changed."),
    "settled": N_("The bank debit settled: the money is there."), "settlement_row": N_("The settlement report shows it."),
    "returned": N_("The bank sent it back."), "correction": N_("The bank sent a correction of the account's data."),
    "hold_ended": N_("It can be paid again: the bank was given time enough to try once more."),
    "hold_refused": N_("The document could not be kept for the bank's next try: another payment has it."),
    "double_sale": N_("The gateway shows it more than once."),
    "proposed": N_("Somebody proposed what became of it; a second person must confirm."),
    "proposal_withdrawn": N_("The proposal was taken back."), "proposal_expired": N_("Nobody confirmed the proposal in time."),
    "proposal_stale": N_("Something new was learned, so the proposal ended."),
    "decision": N_("People decided."), "decided": N_("It changed as decided."),
}
ANSWERS = {
    "approved": N_("The gateway approved %(amount)s."),
    "accepted": N_("The gateway accepted the bank debit of %(amount)s. It is not paid yet."),
    "declined": N_("The gateway declined it: %(why)s."),
}
# What an event tells beside its sentence; everything else stays in the row.
FACTS = {
    "door": N_("Door"), "actor": N_("By"), "by": N_("By"), "second": N_("Second person"), "target": N_("Decision"),
    "evidence": N_("Evidence"), "reference": N_("Where to find it"), "action_code": N_("Code"), "approval": N_("Approval"),
    "symptom": N_("What happened"), "settled_on": N_("Day"), "rows": N_("Rows"), "splynx_payment_id": N_("Payment in Splynx"),
    "splynx_transaction_id": N_("Transaction in Splynx"), "line": N_("Line"), "code": N_("Code"), "version": N_("Version"),
    "address": N_("From"), "words": N_("Answer"), "reason": N_("Why"),
}
MAIL_STATES = {
    "due": N_("Waits to be sent"), "sending": N_("The mail server has it"), "sent": N_("Sent"),
    "unsure": N_("Perhaps sent; it is not sent again"), "failed": N_("Not sent"), "skipped": N_("Not sent"),
}
MAIL_SIGNS = {"due": "wait", "sending": "wait", "sent": "good", "unsure": "bad", "failed": "bad"}
