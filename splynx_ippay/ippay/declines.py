"""The gateway's answers that are not yes: one row a code, with its class, words for staff and for the payer.

Owns the closed list of codes that are a definite no, and of the validation texts that make code 900 one. Must never
take an unlisted code or text for a no.
Codes and texts: JetPay code space as public clients document it, IPpay's additions from its reporting specification.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from splynx_ippay.base.marks import N_
from splynx_ippay.ippay.decline_words import (
    ACCOUNT,
    ADDRESS,
    AMOUNT,
    ASKING,
    BANK_LATER,
    BANK_NO,
    BUSY,
    CALL_BANK,
    CARD_TYPE,
    CVV,
    CVV_AMEX,
    EXPIRED,
    EXPIRY,
    FUNDS,
    LIMIT,
    NEW_CARD,
    NOT_ALLOWED,
    NUMBER,
    OUR_SIDE,
    PIN,
    ROUTING,
    TOO_LATE,
    TOO_OFTEN,
    UNUSABLE,
    ZIP,
)

Kind = Literal["soft", "contact", "data", "hard", "configuration", "fate", "state"]


@dataclass(frozen=True, slots=True)
class Decline:
    """What a code means. ``field`` names the form field to mend, "" for none; ``meaning`` and ``customer`` are msgids.

    ``kind``: soft, try later within the limits; contact, the payer calls the bank; data, mend a field and try once;
    hard, never again with this method; configuration, our set-up; fate, outcome unknown; state, a follow-up that
    does not fit.
    """

    code: str
    meaning: str
    kind: Kind
    customer: str
    field: str = ""


_ROWS: tuple[tuple[str, str, Kind, str, str], ...] = (
    ("001", N_("Refer to issuer"), "contact", CALL_BANK, ""),
    ("002", N_("Refer to issuer, special condition"), "contact", CALL_BANK, ""),
    ("003", N_("Invalid merchant or provider"), "configuration", OUR_SIDE, ""),
    ("004", N_("Pick up card"), "hard", NOT_ALLOWED, ""),
    ("005", N_("Do not honor"), "soft", NOT_ALLOWED, ""),
    ("006", N_("Error at the issuer"), "soft", BUSY, ""),
    ("007", N_("Pick up card, special condition"), "hard", NOT_ALLOWED, ""),
    ("008", N_("Honor with identification"), "hard", NOT_ALLOWED, ""),
    ("010", N_("Partial approval"), "fate", ASKING, ""),
    ("011", N_("VIP approval, meaning unclear"), "fate", ASKING, ""),
    ("012", N_("Invalid transaction"), "hard", UNUSABLE, ""),
    ("013", N_("Invalid amount, or over the programme's maximum"), "data", AMOUNT, "amount"),
    ("014", N_("Invalid account number"), "hard", NUMBER, "number"),
    ("015", N_("No such issuer"), "hard", NUMBER, "number"),
    ("019", N_("Re-enter transaction"), "soft", BUSY, ""),
    ("021", N_("No action taken, cannot back out"), "state", TOO_LATE, ""),
    ("025", N_("Transaction not found"), "state", TOO_LATE, ""),
    ("027", N_("File update edit error"), "configuration", OUR_SIDE, ""),
    ("028", N_("File temporarily unavailable"), "soft", BUSY, ""),
    ("030", N_("Format error"), "configuration", OUR_SIDE, ""),
    ("039", N_("No credit account"), "hard", UNUSABLE, ""),
    ("041", N_("Lost card"), "hard", NOT_ALLOWED, ""),
    ("043", N_("Stolen card"), "hard", NOT_ALLOWED, ""),
    ("046", N_("Closed account (Visa)"), "hard", UNUSABLE, ""),
    ("051", N_("Insufficient funds"), "soft", FUNDS, ""),
    ("052", N_("No checking account"), "hard", UNUSABLE, ""),
    ("053", N_("No savings account"), "hard", UNUSABLE, ""),
    ("054", N_("Expired card"), "data", EXPIRED, "expiry"),
    ("055", N_("Incorrect PIN"), "data", PIN, ""),
    ("057", N_("Not permitted to this cardholder"), "hard", UNUSABLE, ""),
    ("058", N_("Not allowed at this terminal"), "configuration", OUR_SIDE, ""),
    ("059", N_("Suspected fraud (Visa)"), "contact", NOT_ALLOWED, ""),
    ("061", N_("Over the withdrawal limit"), "soft", LIMIT, ""),
    ("062", N_("Restricted card"), "hard", UNUSABLE, ""),
    ("063", N_("Security violation"), "hard", NOT_ALLOWED, ""),
    ("065", N_("Over the activity count limit"), "soft", TOO_OFTEN, ""),
    ("068", N_("Response received too late"), "fate", ASKING, ""),
    ("070", N_("Contact issuer"), "contact", CALL_BANK, ""),
    ("071", N_("PIN not changed"), "data", PIN, ""),
    ("075", N_("PIN tries exceeded"), "contact", CALL_BANK, ""),
    ("076", N_("No match with the original"), "state", TOO_LATE, ""),
    ("077", N_("Inconsistent repeat"), "state", TOO_LATE, ""),
    ("078", N_("Blocked, or no account"), "hard", UNUSABLE, ""),
    ("079", N_("Key exchange error"), "configuration", OUR_SIDE, ""),
    ("080", N_("Issuer unavailable, or invalid date"), "soft", BUSY, ""),
    ("081", N_("PIN cryptography error"), "configuration", OUR_SIDE, ""),
    ("082", N_("Security code refused"), "data", CVV, "cvv"),
    ("084", N_("Invalid authorisation life cycle"), "state", TOO_LATE, ""),
    ("085", N_("No reason to decline (verification only)"), "fate", ASKING, ""),
    ("086", N_("PIN cannot be verified"), "configuration", OUR_SIDE, ""),
    ("087", N_("Cash back not allowed"), "configuration", OUR_SIDE, ""),
    ("089", N_("Issuer is down"), "fate", ASKING, ""),
    ("091", N_("Issuer is down"), "fate", ASKING, ""),
    ("092", N_("Unable to route"), "soft", BUSY, ""),
    ("093", N_("Violation of law"), "hard", UNUSABLE, ""),
    ("094", N_("Duplicate transmission"), "fate", ASKING, ""),
    ("096", N_("System error"), "fate", ASKING, ""),
    ("100", N_("Deny (American Express)"), "soft", NOT_ALLOWED, ""),
    ("101", N_("Expired card"), "data", EXPIRED, "expiry"),
    ("103", N_("Deny, four-digit code entered wrongly"), "data", CVV, "cvv"),
    ("104", N_("Deny, new card issued"), "data", NEW_CARD, "number"),
    ("105", N_("Deny, account cancelled"), "hard", UNUSABLE, ""),
    ("106", N_("PIN tries exceeded"), "contact", CALL_BANK, ""),
    ("107", N_("Please call issuer"), "contact", CALL_BANK, ""),
    ("109", N_("Invalid merchant"), "configuration", OUR_SIDE, ""),
    ("110", N_("Invalid amount"), "data", AMOUNT, "amount"),
    ("111", N_("Invalid account"), "hard", UNUSABLE, "number"),
    ("115", N_("Service not permitted"), "hard", UNUSABLE, ""),
    ("117", N_("Invalid PIN"), "data", PIN, ""),
    ("119", N_("Card member not enrolled"), "hard", UNUSABLE, ""),
    ("122", N_("Invalid card security code (CID)"), "data", CVV, "cvv"),
    ("125", N_("Invalid effective date"), "data", EXPIRY, "expiry"),
    ("181", N_("Format error"), "configuration", OUR_SIDE, ""),
    ("182", N_("Please wait"), "soft", BUSY, ""),
    ("183", N_("Invalid currency"), "configuration", OUR_SIDE, ""),
    ("187", N_("Deny, new card issued"), "data", NEW_CARD, "number"),
    ("188", N_("Expiry date required"), "data", EXPIRY, "expiry"),
    ("189", N_("Cancelled or closed merchant"), "configuration", OUR_SIDE, ""),
    ("200", N_("Deny, pick up card (American Express)"), "hard", NOT_ALLOWED, ""),
    ("400", N_("Reversal accepted"), "fate", ASKING, ""),
    ("601", N_("Chip card error"), "fate", ASKING, ""),
    ("602", N_("Refused by the fraud check"), "hard", NOT_ALLOWED, ""),
    ("603", N_("Communication error"), "fate", ASKING, ""),
    ("604", N_("Approved for less than asked"), "fate", ASKING, ""),
    ("750", N_("Velocity check failed"), "soft", TOO_OFTEN, ""),
    ("806", N_("Invalid security code (Visa issuer)"), "data", CVV, "cvv"),
    ("899", N_("Declined, no reason given"), "soft", NOT_ALLOWED, ""),
    ("900", N_("Refused by the gateway, see its message"), "fate", ASKING, ""),
    ("901", N_("Invalid merchant ID"), "configuration", OUR_SIDE, ""),
    ("903", N_("Debit cards not supported"), "configuration", OUR_SIDE, ""),
    ("904", N_("Private label cards not supported"), "configuration", OUR_SIDE, ""),
    ("905", N_("Invalid card type"), "data", CARD_TYPE, "number"),
    ("906", N_("Unit not active"), "configuration", OUR_SIDE, ""),
    ("908", N_("Manual card entry invalid"), "data", NUMBER, "number"),
    ("909", N_("Track data invalid"), "data", NUMBER, "number"),
    ("911", N_("Master merchant not found"), "configuration", OUR_SIDE, ""),
    ("912", N_("Invalid card number"), "data", NUMBER, "number"),
    ("913", N_("Invalid card type"), "data", CARD_TYPE, "number"),
    ("914", N_("Invalid card length"), "data", NUMBER, "number"),
    ("917", N_("Expired card"), "data", EXPIRED, "expiry"),
    ("919", N_("Invalid entry type"), "configuration", OUR_SIDE, ""),
    ("920", N_("Invalid amount in our message"), "configuration", OUR_SIDE, ""),
    ("921", N_("Invalid message format"), "configuration", OUR_SIDE, ""),
    ("923", N_("Invalid routing number"), "data", ROUTING, "routing"),
    ("924", N_("Invalid bank account number"), "data", ACCOUNT, "account"),
    ("925", N_("Invalid terminal ID"), "configuration", OUR_SIDE, ""),
    ("926", N_("Invalid password"), "configuration", OUR_SIDE, ""),
    ("930", N_("ZIP code refused"), "data", ZIP, "postal_code"),
    ("931", N_("Address refused"), "data", ADDRESS, "postal_code"),
    ("932", N_("Address and ZIP code refused"), "data", ADDRESS, "postal_code"),
    ("933", N_("Invalid security code"), "data", CVV, "cvv"),
    ("934", N_("Programme not allowed"), "configuration", OUR_SIDE, ""),
    ("935", N_("Device not allowed"), "configuration", OUR_SIDE, ""),
    ("940", N_("Record not found"), "state", TOO_LATE, ""),
    ("941", N_("Merchant ID error"), "configuration", OUR_SIDE, ""),
    ("942", N_("Refund not allowed"), "state", TOO_LATE, ""),
    ("943", N_("Refund denied"), "state", TOO_LATE, ""),
    ("955", N_("PIN block error"), "configuration", OUR_SIDE, ""),
    ("956", N_("Key serial number error"), "configuration", OUR_SIDE, ""),
    ("958", N_("Bad status"), "state", TOO_LATE, ""),
    ("959", N_("Seek limit reached"), "state", TOO_LATE, ""),
    ("960", N_("Key error"), "configuration", OUR_SIDE, ""),
    ("961", N_("Type needs a specific merchant category"), "configuration", OUR_SIDE, ""),
    ("962", N_("Key error"), "configuration", OUR_SIDE, ""),
    ("981", N_("Address check failed"), "data", ADDRESS, "postal_code"),
    ("987", N_("Issuer unavailable"), "fate", ASKING, ""),
    ("988", N_("System error"), "fate", ASKING, ""),
    ("989", N_("Database error"), "fate", ASKING, ""),
    ("992", N_("Transaction timed out"), "fate", ASKING, ""),
    ("996", N_("Bad terminal ID"), "configuration", OUR_SIDE, ""),
    ("997", N_("Rejected by the card association"), "hard", UNUSABLE, ""),
    ("999", N_("Communication failure"), "fate", ASKING, ""),
)

DECLINES: dict[str, Decline] = {row[0]: Decline(*row) for row in _ROWS}

# Code 900 is the gateway's own check of our message, before any bank saw it; only these texts prove that. The first
# three are seen (test results of public clients, reporting specification), the rest follow the same checks by field.
# Anything else under 900, "duplicate" above all, may stand for money that moved.
_VALIDATION: tuple[tuple[str, Kind, str, str], ...] = (
    (r"invalid card number", "data", NUMBER, "number"),
    (r"the transaction type is not a valid transaction type", "configuration", OUR_SIDE, ""),
    (r"(total ?amount:? )?value must be non-zero", "configuration", OUR_SIDE, ""),
    (r"(invalid|missing) (card )?(account|number|length)", "data", NUMBER, "number"),
    (r"card number is (required|invalid)", "data", NUMBER, "number"),
    (r"(invalid|missing) (card )?exp(iration|iry)?( (date|month|year))?", "data", EXPIRY, "expiry"),
    (r"(card (is )?expired|expired card)", "data", EXPIRED, "expiry"),
    (r"invalid (cvv2?|cid|security code)", "data", CVV, "cvv"),
    (r"invalid (zip|postal) ?code", "data", ZIP, "postal_code"),
    (r"invalid (aba|routing)( number)?", "data", ROUTING, "routing"),
    (r"invalid (bank )?account ?number", "data", ACCOUNT, "account"),
    (r"(invalid|unknown) token", "hard", UNUSABLE, ""),
    (r"invalid (total ?)?amount", "configuration", OUR_SIDE, ""),
    (r"(invalid|unknown) terminal( ?id)?", "configuration", OUR_SIDE, ""),
)
_VALIDATION_SHAPES = tuple((re.compile(row[0]), Decline("900", DECLINES["900"].meaning, *row[1:]))
                           for row in _VALIDATION)

_BANK_WORDS: dict[Kind, str] = {"soft": BANK_LATER, "contact": BANK_NO, "data": BANK_NO, "hard": BANK_NO}
_BANK_BRANDS = frozenset({"ach", "bank", "checking", "savings", "business_checking"})
_AMEX_BRANDS = frozenset({"amex", "american express", "american_express"})
_REFUSED_BY_BANK = frozenset({NOT_ALLOWED, FUNDS, LIMIT})


def find_validation(err_msg: str) -> Decline | None:
    """Return the row of a message of code 900 that proves a refusal before any bank was asked, None for any other text."""
    text = " ".join(err_msg.casefold().split()).rstrip(" .!")
    return next((row for shape, row in _VALIDATION_SHAPES if shape.fullmatch(text)), None)


def decline_for(code: str, brand: str = "", err_msg: str = "") -> Decline:
    """Return the row for a code; one not in the list is an unknown outcome, never a no.

    ``brand`` chooses the words (four digits on the front for American Express, bank words for a bank account),
    ``err_msg`` tells the cases of code 900 apart.
    """
    row = (find_validation(err_msg) if code == "900" else None) or DECLINES.get(code)
    if row is None:
        return Decline(code[:3], N_("Not in the list of known answers"), "fate", ASKING)
    if row.customer == CVV and brand.casefold() in _AMEX_BRANDS:
        return replace(row, customer=CVV_AMEX)
    if brand.casefold() in _BANK_BRANDS and row.field not in {"routing", "account"}:
        words = BANK_NO if row.customer in _REFUSED_BY_BANK else _BANK_WORDS.get(row.kind, row.customer)
        return replace(row, customer=words, field="")
    return row
