"""The gateway's answers that are not yes: one row a code, with its class, words for staff and for the payer.

Owns the closed list of codes that are a definite no, and of the validation texts that make code 900 one. Must never
take an unlisted code or text for a no.
Codes and texts: JetPay code space as public clients document it, IPpay's additions from its reporting specification.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

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
    """What a code means. ``field`` names the form field to mend, "" for none; ``customer`` is a msgid.

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
    ("001", "Refer to issuer", "contact", CALL_BANK, ""),
    ("002", "Refer to issuer, special condition", "contact", CALL_BANK, ""),
    ("003", "Invalid merchant or provider", "configuration", OUR_SIDE, ""),
    ("004", "Pick up card", "hard", NOT_ALLOWED, ""),
    ("005", "Do not honor", "soft", NOT_ALLOWED, ""),
    ("006", "Error at the issuer", "soft", BUSY, ""),
    ("007", "Pick up card, special condition", "hard", NOT_ALLOWED, ""),
    ("008", "Honor with identification", "hard", NOT_ALLOWED, ""),
    ("010", "Partial approval", "fate", ASKING, ""),
    ("011", "VIP approval, meaning unclear", "fate", ASKING, ""),
    ("012", "Invalid transaction", "hard", UNUSABLE, ""),
    ("013", "Invalid amount, or over the programme's maximum", "data", AMOUNT, "amount"),
    ("014", "Invalid account number", "hard", NUMBER, "number"),
    ("015", "No such issuer", "hard", NUMBER, "number"),
    ("019", "Re-enter transaction", "soft", BUSY, ""),
    ("021", "No action taken, cannot back out", "state", TOO_LATE, ""),
    ("025", "Transaction not found", "state", TOO_LATE, ""),
    ("027", "File update edit error", "configuration", OUR_SIDE, ""),
    ("028", "File temporarily unavailable", "soft", BUSY, ""),
    ("030", "Format error", "configuration", OUR_SIDE, ""),
    ("039", "No credit account", "hard", UNUSABLE, ""),
    ("041", "Lost card", "hard", NOT_ALLOWED, ""),
    ("043", "Stolen card", "hard", NOT_ALLOWED, ""),
    ("046", "Closed account (Visa)", "hard", UNUSABLE, ""),
    ("051", "Insufficient funds", "soft", FUNDS, ""),
    ("052", "No checking account", "hard", UNUSABLE, ""),
    ("053", "No savings account", "hard", UNUSABLE, ""),
    ("054", "Expired card", "data", EXPIRED, "expiry"),
    ("055", "Incorrect PIN", "data", PIN, ""),
    ("057", "Not permitted to this cardholder", "hard", UNUSABLE, ""),
    ("058", "Not allowed at this terminal", "configuration", OUR_SIDE, ""),
    ("059", "Suspected fraud (Visa)", "contact", NOT_ALLOWED, ""),
    ("061", "Over the withdrawal limit", "soft", LIMIT, ""),
    ("062", "Restricted card", "hard", UNUSABLE, ""),
    ("063", "Security violation", "hard", NOT_ALLOWED, ""),
    ("065", "Over the activity count limit", "soft", TOO_OFTEN, ""),
    ("068", "Response received too late", "fate", ASKING, ""),
    ("070", "Contact issuer", "contact", CALL_BANK, ""),
    ("071", "PIN not changed", "data", PIN, ""),
    ("075", "PIN tries exceeded", "contact", CALL_BANK, ""),
    ("076", "No match with the original", "state", TOO_LATE, ""),
    ("077", "Inconsistent repeat", "state", TOO_LATE, ""),
    ("078", "Blocked, or no account", "hard", UNUSABLE, ""),
    ("079", "Key exchange error", "configuration", OUR_SIDE, ""),
    ("080", "Issuer unavailable, or invalid date", "soft", BUSY, ""),
    ("081", "PIN cryptography error", "configuration", OUR_SIDE, ""),
    ("082", "Security code refused", "data", CVV, "cvv"),
    ("084", "Invalid authorisation life cycle", "state", TOO_LATE, ""),
    ("085", "No reason to decline (verification only)", "fate", ASKING, ""),
    ("086", "PIN cannot be verified", "configuration", OUR_SIDE, ""),
    ("087", "Cash back not allowed", "configuration", OUR_SIDE, ""),
    ("089", "Issuer is down", "fate", ASKING, ""),
    ("091", "Issuer is down", "fate", ASKING, ""),
    ("092", "Unable to route", "soft", BUSY, ""),
    ("093", "Violation of law", "hard", UNUSABLE, ""),
    ("094", "Duplicate transmission", "fate", ASKING, ""),
    ("096", "System error", "fate", ASKING, ""),
    ("100", "Deny (American Express)", "soft", NOT_ALLOWED, ""),
    ("101", "Expired card", "data", EXPIRED, "expiry"),
    ("103", "Deny, four-digit code entered wrongly", "data", CVV, "cvv"),
    ("104", "Deny, new card issued", "data", NEW_CARD, "number"),
    ("105", "Deny, account cancelled", "hard", UNUSABLE, ""),
    ("106", "PIN tries exceeded", "contact", CALL_BANK, ""),
    ("107", "Please call issuer", "contact", CALL_BANK, ""),
    ("109", "Invalid merchant", "configuration", OUR_SIDE, ""),
    ("110", "Invalid amount", "data", AMOUNT, "amount"),
    ("111", "Invalid account", "hard", UNUSABLE, "number"),
    ("115", "Service not permitted", "hard", UNUSABLE, ""),
    ("117", "Invalid PIN", "data", PIN, ""),
    ("119", "Card member not enrolled", "hard", UNUSABLE, ""),
    ("122", "Invalid card security code (CID)", "data", CVV, "cvv"),
    ("125", "Invalid effective date", "data", EXPIRY, "expiry"),
    ("181", "Format error", "configuration", OUR_SIDE, ""),
    ("182", "Please wait", "soft", BUSY, ""),
    ("183", "Invalid currency", "configuration", OUR_SIDE, ""),
    ("187", "Deny, new card issued", "data", NEW_CARD, "number"),
    ("188", "Expiry date required", "data", EXPIRY, "expiry"),
    ("189", "Cancelled or closed merchant", "configuration", OUR_SIDE, ""),
    ("200", "Deny, pick up card (American Express)", "hard", NOT_ALLOWED, ""),
    ("400", "Reversal accepted", "fate", ASKING, ""),
    ("601", "Chip card error", "fate", ASKING, ""),
    ("602", "Refused by the fraud check", "hard", NOT_ALLOWED, ""),
    ("603", "Communication error", "fate", ASKING, ""),
    ("604", "Approved for less than asked", "fate", ASKING, ""),
    ("750", "Velocity check failed", "soft", TOO_OFTEN, ""),
    ("806", "Invalid security code (Visa issuer)", "data", CVV, "cvv"),
    ("899", "Declined, no reason given", "soft", NOT_ALLOWED, ""),
    ("900", "Refused by the gateway, see its message", "fate", ASKING, ""),
    ("901", "Invalid merchant ID", "configuration", OUR_SIDE, ""),
    ("903", "Debit cards not supported", "configuration", OUR_SIDE, ""),
    ("904", "Private label cards not supported", "configuration", OUR_SIDE, ""),
    ("905", "Invalid card type", "data", CARD_TYPE, "number"),
    ("906", "Unit not active", "configuration", OUR_SIDE, ""),
    ("908", "Manual card entry invalid", "data", NUMBER, "number"),
    ("909", "Track data invalid", "data", NUMBER, "number"),
    ("911", "Master merchant not found", "configuration", OUR_SIDE, ""),
    ("912", "Invalid card number", "data", NUMBER, "number"),
    ("913", "Invalid card type", "data", CARD_TYPE, "number"),
    ("914", "Invalid card length", "data", NUMBER, "number"),
    ("917", "Expired card", "data", EXPIRED, "expiry"),
    ("919", "Invalid entry type", "configuration", OUR_SIDE, ""),
    ("920", "Invalid amount in our message", "configuration", OUR_SIDE, ""),
    ("921", "Invalid message format", "configuration", OUR_SIDE, ""),
    ("923", "Invalid routing number", "data", ROUTING, "routing"),
    ("924", "Invalid bank account number", "data", ACCOUNT, "account"),
    ("925", "Invalid terminal ID", "configuration", OUR_SIDE, ""),
    ("926", "Invalid password", "configuration", OUR_SIDE, ""),
    ("930", "ZIP code refused", "data", ZIP, "postal_code"),
    ("931", "Address refused", "data", ADDRESS, "postal_code"),
    ("932", "Address and ZIP code refused", "data", ADDRESS, "postal_code"),
    ("933", "Invalid security code", "data", CVV, "cvv"),
    ("934", "Programme not allowed", "configuration", OUR_SIDE, ""),
    ("935", "Device not allowed", "configuration", OUR_SIDE, ""),
    ("940", "Record not found", "state", TOO_LATE, ""),
    ("941", "Merchant ID error", "configuration", OUR_SIDE, ""),
    ("942", "Refund not allowed", "state", TOO_LATE, ""),
    ("943", "Refund denied", "state", TOO_LATE, ""),
    ("955", "PIN block error", "configuration", OUR_SIDE, ""),
    ("956", "Key serial number error", "configuration", OUR_SIDE, ""),
    ("958", "Bad status", "state", TOO_LATE, ""),
    ("959", "Seek limit reached", "state", TOO_LATE, ""),
    ("960", "Key error", "configuration", OUR_SIDE, ""),
    ("961", "Type needs a specific merchant category", "configuration", OUR_SIDE, ""),
    ("962", "Key error", "configuration", OUR_SIDE, ""),
    ("981", "Address check failed", "data", ADDRESS, "postal_code"),
    ("987", "Issuer unavailable", "fate", ASKING, ""),
    ("988", "System error", "fate", ASKING, ""),
    ("989", "Database error", "fate", ASKING, ""),
    ("992", "Transaction timed out", "fate", ASKING, ""),
    ("996", "Bad terminal ID", "configuration", OUR_SIDE, ""),
    ("997", "Rejected by the card association", "hard", UNUSABLE, ""),
    ("999", "Communication failure", "fate", ASKING, ""),
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
        return Decline(code[:3], "Not in the list of known answers", "fate", ASKING)
    if row.customer == CVV and brand.casefold() in _AMEX_BRANDS:
        return replace(row, customer=CVV_AMEX)
    if brand.casefold() in _BANK_BRANDS and row.field not in {"routing", "account"}:
        words = BANK_NO if row.customer in _REFUSED_BY_BANK else _BANK_WORDS.get(row.kind, row.customer)
        return replace(row, customer=words, field="")
    return row
