"""Why a bank sent a debit back, in a payer's words (Nacha return reasons). Msgids; each ends the sentence it stands in."""

from __future__ import annotations

from splynx_ippay.base.marks import N_

OTHER = N_("your bank did not allow it.")
RETURNS = {
    "R01": N_("there was not enough money on the account."),
    "R02": N_("the account is closed."),
    "R03": N_("the bank knows no such account."),
    "R04": N_("the account number is not right."),
    "R05": N_("the debit was not authorized for this kind of account."),
    "R07": N_("the authorization was withdrawn."),
    "R08": N_("you asked your bank to stop it."),
    "R09": N_("the money on the account was not available yet."),
    "R10": N_("your bank was told that the debit was not authorized."),
    "R16": N_("the account is frozen."),
    "R20": N_("this account does not allow debits."),
    "R29": N_("your bank was told that the debit was not authorized."),
}


def why(return_code: str) -> str:
    """The words for an R-code; for one that tells a payer nothing, that the bank did not allow it."""
    return RETURNS.get(return_code, OTHER)
