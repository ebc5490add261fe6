"""What we send to IPpay. Owns every byte of a request; must never print, log or raise a card or account number.

Messages are built with ``xml.etree`` (never by string formatting), in the element order of the specification, as
ASCII: anything else leaves as a numeric character reference, because the gateway's own charset is not documented.
"""

from __future__ import annotations

import re
import secrets
import string
import xml.etree.ElementTree as ET  # builds messages; answers are parsed with defusedxml
from dataclasses import dataclass, field
from typing import Literal

AccountKind = Literal["CHECKING", "SAVINGS", "BUSINESS_CHECKING"]
Sec = Literal["WEB", "CCD", "PPD", "TEL"]
Origin = Literal["INTERNET", "RECURRING"]

_ID_ALPHABET, _ID_LENGTH = string.ascii_uppercase + string.digits, 18  # IPpay Reporting Service API 2.0
_ID_SHAPE = re.compile(r"[A-Za-z0-9-]{1,18}", re.ASCII)
# These lengths are inferred, none is documented: a longer text is clipped rather than risked (docs/WIRE.md).
_LENGTHS = {"CardName": 50, "OrderNumber": 20, "UDField1": 100, "UDField2": 100, "UDField3": 100,
            "BillingPostalCode": 10, "Email": 50, "UserIPAddress": 45}
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# The elements whose text must not come back in anything we keep: answers can echo the whole request.
_SECRET = frozenset({"CardNum", "CVV2", "Token", "AccountNumber", "Password"})


@dataclass(frozen=True, slots=True, repr=False)
class Card:
    """New card details, in memory for one request only. ``exp_year`` may have two or four digits."""

    number: str
    exp_month: int
    exp_year: int
    holder: str
    postal_code: str = ""
    cvv: str = ""

    def __repr__(self) -> str:
        """Show the last four digits at most."""
        return f"Card(...{self.number[-4:]})"


@dataclass(frozen=True, slots=True, repr=False)
class BankAccount:
    """New bank details, in memory for one request only."""

    routing: str
    account: str
    kind: AccountKind
    holder: str

    def __repr__(self) -> str:
        """Show the last four digits at most; nothing of a number that has no more."""
        return f"BankAccount({self.kind} ...{self.account[4:][-4:]})"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who we are at the gateway: the terminal and, where IPpay arranged one, its password."""

    terminal_id: str
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Note:
    """What travels with a sale for people and reports. OrderNumber may be printed on the payer's card statement.

    ``ud1`` must not begin with digits and "#": the gateway would print them as the merchant's phone number.
    """

    order_number: str = ""
    ud1: str = ""
    ud2: str = ""
    ud3: str = ""
    user_ip: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """One message ready to send. ``secrets`` are the texts the reader of the answer blanks out."""

    kind: str
    transaction_id: str | None
    body: bytes = field(repr=False)
    amount_cents: int | None = None
    secrets: tuple[str, ...] = field(default=(), repr=False)


def new_transaction_id() -> str:
    """Make a new 18-character id, unguessable, upper case only: IPpay compares ids without regard to case."""
    return "".join(secrets.choice(_ID_ALPHABET) for _ in range(_ID_LENGTH))


def sec_for(kind: AccountKind) -> Sec:
    """Name the Nacha entry class of a debit authorised on a web page: CCD for a business account, WEB for a person's."""
    return "CCD" if kind == "BUSINESS_CHECKING" else "WEB"


def ping(identity: Identity) -> Request:
    """Ask whether the gateway knows our terminal; moves no money."""
    return _request("PING", identity, None, [("Password", identity.password)])


def tokenize_card(identity: Identity, card: Card, transaction_id: str) -> Request:
    """Exchange a card number and expiry for a token. The security code stays here: only the sale needs it."""
    number = _digits("card number", card.number, 13, 19)
    return _request("TOKENIZE", identity, transaction_id, [
        ("Password", identity.password), ("CardNum", number), *_expiry(card.exp_month, card.exp_year)])


def redate(identity: Identity, token: str, exp_month: int, exp_year: int, transaction_id: str) -> Request:
    """Give a card token a new expiry."""
    return _request("TOKENIZE", identity, transaction_id, [
        ("Password", identity.password), ("Token", _token(token)), *_expiry(exp_month, exp_year)])


def tokenize_bank(identity: Identity, account: BankAccount, transaction_id: str) -> Request:
    """Exchange bank details for a token; ABA and AccountNumber stand at the top level here, unlike in CHECK."""
    return _request("TOKENIZE", identity, transaction_id, [
        ("Password", identity.password), ("ABA", _digits("routing number", account.routing, 9, 9)),
        ("AccountNumber", _digits("account number", account.account, 3, 17))])


def sale(identity: Identity, *, transaction_id: str, token: str, amount_cents: int, origin: Origin, fee_cents: int = 0,
         cvv: str = "", postal_code: str = "", holder: str = "", note: Note | None = None) -> Request:
    """Charge a card by its token. Origin is INTERNET while the payer is present, RECURRING otherwise.

    ``fee_cents`` is the part of the amount that is a fee (FeeAmount is included in TotalAmount). ValueError when it is all of it.
    """
    note = note or Note()
    if not 0 <= fee_cents < amount_cents:
        raise ValueError("a fee is a part of the amount")
    return _request("SALE", identity, transaction_id, [
        ("Origin", origin), ("Password", identity.password), ("OrderNumber", note.order_number),
        ("CVV2", _digits("security code", cvv, 3, 4) if cvv else ""), ("Token", _token(token)), ("CardName", holder),
        ("TotalAmount", _cents(amount_cents)), ("FeeAmount", _cents(fee_cents) if fee_cents else ""),
        ("BillingPostalCode", postal_code), *_about(note)], amount_cents)


def check(identity: Identity, *, transaction_id: str, token: str, amount_cents: int, account_kind: AccountKind,
          holder: str, check_number: int | str, sec: Sec | None = None, note: Note | None = None) -> Request:
    """Debit a bank account by its token (ACH). ValueError when the entry class does not fit the account."""
    return _ach("CHECK", identity, transaction_id=transaction_id, token=token, amount_cents=amount_cents,
                account_kind=account_kind, holder=holder, check_number=check_number, sec=sec, note=note)


def reversal(identity: Identity, *, transaction_id: str, token: str, amount_cents: int, account_kind: AccountKind,
             holder: str, check_number: int | str, sec: Sec | None = None, note: Note | None = None) -> Request:
    """Credit a bank account by its token: new money to the account, not a pull-back of the debit."""
    return _ach("REVERSAL", identity, transaction_id=transaction_id, token=token, amount_cents=amount_cents,
                account_kind=account_kind, holder=holder, check_number=check_number, sec=sec, note=note)


def enquiry(identity: Identity, transaction_id: str) -> Request:
    """Ask what became of a transaction; carries the original's id."""
    return _request("ENQ", identity, transaction_id, [("Password", identity.password)])


def void(identity: Identity, *, transaction_id: str, amount_cents: int, approval: str, token: str) -> Request:
    """Take a sale out before settlement: the whole amount, under the original's id and Approval."""
    return _request("VOID", identity, transaction_id, [
        ("Approval", approval), ("Password", identity.password), ("Token", _token(token)),
        ("TotalAmount", _cents(amount_cents))], amount_cents)


def credit(identity: Identity, *, transaction_id: str, token: str, amount_cents: int,
           note: Note | None = None) -> Request:
    """Give money back to a card under an id of its own."""
    note = note or Note()
    return _request("CREDIT", identity, transaction_id, [
        ("Password", identity.password), ("OrderNumber", note.order_number), ("Token", _token(token)),
        ("TotalAmount", _cents(amount_cents)), *_about(note)], amount_cents)


def _ach(kind: str, identity: Identity, *, transaction_id: str, token: str, amount_cents: int, account_kind: AccountKind,
         holder: str, check_number: int | str, sec: Sec | None, note: Note | None) -> Request:
    """CHECK and REVERSAL share one form. A person's account debited under CCD comes back as R05 for 60 days."""
    note, business = note or Note(), account_kind == "BUSINESS_CHECKING"
    entry_class = sec or sec_for(account_kind)
    if (entry_class == "CCD") != business:
        raise ValueError(f"entry class {entry_class} does not fit a {account_kind} account")
    if not _clean(holder):
        raise ValueError("a bank debit needs the account holder's name")
    ach = ET.Element("ACH", {"Type": "CHECKING" if business else account_kind, "SEC": entry_class})
    ET.SubElement(ach, "Token").text = _token(token)
    ET.SubElement(ach, "CheckNumber").text = _digits("check number", str(check_number), 1, 15)
    return _request(kind, identity, transaction_id, [
        ("Password", identity.password), ("OrderNumber", note.order_number), ach, ("CardName", holder),
        ("TotalAmount", _cents(amount_cents)), *_about(note)], amount_cents)


def _request(kind: str, identity: Identity, transaction_id: str | None, parts: list[tuple[str, str] | ET.Element],
             amount_cents: int | None = None) -> Request:
    if not _clean(identity.terminal_id):
        raise ValueError("the TerminalID is empty")
    if transaction_id is not None and not _ID_SHAPE.fullmatch(transaction_id):
        raise ValueError("a TransactionID has 1 to 18 letters, digits or hyphens")
    root = ET.Element("ippay")
    head = [("TransactionType", kind), ("TerminalID", identity.terminal_id), ("TransactionID", transaction_id or "")]
    for part in [*head, *parts]:
        if isinstance(part, ET.Element):
            root.append(part)
        elif text := _clean(part[1])[:_LENGTHS.get(part[0])].strip():
            ET.SubElement(root, part[0]).text = text
    hidden = tuple(element.text for element in root.iter() if element.tag in _SECRET and element.text)
    body = b'<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="us-ascii", xml_declaration=False)
    return Request(kind, transaction_id, body, amount_cents, hidden)


def _about(note: Note) -> list[tuple[str, str]]:
    # A clipped mail address would be somebody else's: it is sent whole or not at all.
    email = note.email if len(note.email) <= _LENGTHS["Email"] else ""
    return [("Email", email), ("UserIPAddress", note.user_ip),
            ("UDField1", note.ud1), ("UDField2", note.ud2), ("UDField3", note.ud3)]


def _clean(text: str) -> str:
    """Drop what XML 1.0 cannot carry even as a reference; white space becomes single blanks."""
    return " ".join(_NOT_XML.sub("", text).split())


def _cents(amount: int) -> str:
    """TotalAmount: digits only, in cents, never zero (IPpay Reporting Service API 2.0)."""
    if not isinstance(amount, int) or isinstance(amount, bool) or amount <= 0:
        raise ValueError("an amount is a positive whole number of cents")
    return str(amount)


def _digits(what: str, text: str, least: int, most: int) -> str:
    if not (text.isascii() and text.isdigit() and least <= len(text) <= most):
        raise ValueError(f"a {what} has {least} to {most} digits")
    return text


def _token(token: str) -> str:
    if not (token.isascii() and token.isalnum()):
        raise ValueError("a token has letters and digits only")
    return token


def _expiry(month: int, year: int) -> list[tuple[str, str]]:
    if not 1 <= month <= 12 or year < 0:  # noqa: PLR2004 - months
        raise ValueError("an expiry is a month from 1 to 12 and a year")
    return [("CardExpMonth", f"{month:02d}"), ("CardExpYear", f"{year % 100:02d}")]
