"""Why somebody is not asked, in staff words (msgids): one table, and the kinds that only one list knows."""

from __future__ import annotations

from splynx_ippay.base.marks import N_

WHY_NOT = {
    "gone": N_("The customer is not in Splynx any more."),
    "environment": N_("It was tried with the terminal of another environment."),
    "our_side": N_("The gateway refused our set-up; nothing is wrong with what the customer has saved."),
    "returned_hold": N_("The bank may be asked for this debit once more, so it must not be paid in another way yet."),
    "being_paid": N_("It is being paid right now."),
    "paid": N_("It was paid meanwhile, or is not due any more."),
    "mended": N_("The customer has changed what is charged since then. Charge it again."),
    "asked": N_("The customer was asked less than three days ago."),
    "stopped": N_("Charging on the terminal is stopped, so nobody could pay."),
    "no_address": N_("Splynx has no e-mail address of the customer that can be used."),
    "has_zip": N_("No saved card of the customer lacks the ZIP code any more."),
    "expired": N_("The card has expired: a new one is needed, not its ZIP code."),
}
