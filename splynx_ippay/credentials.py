"""Saved cards and bank accounts. Owns validation, brands, the default, consent; keeps token, brand, last four, expiry.

Must never keep a card number, a CVV or an account number: they live in the memory of one request.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Boolean, Index, String, Text, select, update
from sqlalchemy.orm import Mapped, mapped_column
from stdnum import luhn
from stdnum.us import rtn

from splynx_ippay.base import clock
from splynx_ippay.base.db import Row, UtcDateTime
from splynx_ippay.base.errors import BadInput
from splynx_ippay.ippay.messages import BankAccount, Card

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.orm import Session

# First digits and lengths of the brands, ISO/IEC 7812 ranges as the networks publish them; first match counts.
_BRANDS = (
    ("Visa", re.compile(r"4\d{12}(\d{3}){0,2}")),
    ("Mastercard", re.compile(r"(5[1-5]\d{14}|2(2[2-9]|[3-6]\d|7[01])\d{13}|2720\d{12}|222[1-9]\d{12})")),
    ("American Express", re.compile(r"3[47]\d{13}")),
    ("Discover", re.compile(r"6(011|5\d\d|4[4-9]\d)\d{12,15}")),
    ("Diners Club", re.compile(r"3(0[0-5]|[68]\d)\d{11,16}")),
    ("JCB", re.compile(r"35\d{14,17}")),
)
_CVV_LENGTH = {"American Express": 4}
_ACCOUNT_KINDS = ("CHECKING", "SAVINGS", "BUSINESS_CHECKING")
_MAX_YEARS_AHEAD = 20


class Method(Row):
    """A saved card or bank account of a customer, on one terminal."""

    __tablename__ = "method"
    __table_args__ = (Index("method_by_customer", "customer_id", "status"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int]
    partner_id: Mapped[int]
    terminal_id: Mapped[str] = mapped_column(String(32))
    environment: Mapped[str] = mapped_column(String(12))
    instrument: Mapped[str] = mapped_column(String(4))  # card or bank
    token_cipher: Mapped[str] = mapped_column(Text, default="")  # "" once removed
    brand: Mapped[str] = mapped_column(String(20), default="")
    last_four: Mapped[str] = mapped_column(String(4))
    exp_month: Mapped[int | None]
    exp_year: Mapped[int | None]
    holder: Mapped[str] = mapped_column(String(60))
    postal_code: Mapped[str] = mapped_column(String(12), default="")
    routing: Mapped[str] = mapped_column(String(9), default="")
    account_kind: Mapped[str] = mapped_column(String(20), default="")
    is_default: Mapped[bool] = mapped_column(Boolean, default=False)
    status: Mapped[str] = mapped_column(String(10), default="active")  # active, disabled, removed
    reason: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    consent_version: Mapped[str] = mapped_column(String(20), default="")
    consent_text: Mapped[str] = mapped_column(Text, default="")
    consent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    consent_address: Mapped[str] = mapped_column(String(45), default="")

    @property
    def label(self) -> str:
        """How people know it: "Visa •••• 4242" or "Bank account •••• 6789"."""
        return f"{self.brand or ('Card' if self.instrument == 'card' else 'Bank account')} •••• {self.last_four}"

    def is_expired(self) -> bool:
        """Whether the card's last month is over."""
        if self.exp_month is None or self.exp_year is None:
            return False
        today = clock.now()
        return (self.exp_year, self.exp_month) < (today.year, today.month)


def brand_of(number: str) -> str:
    """The brand of a card number, "" when it is none we know."""
    return next((brand for brand, pattern in _BRANDS if pattern.fullmatch(number)), "")


@dataclass(frozen=True)
class CardForm:
    """What was typed into a card form, as text. Never stored, never shown again."""

    number: str
    expiry: str
    holder: str
    cvv: str = ""
    postal_code: str = ""

    def __repr__(self) -> str:
        """Never what was typed."""
        return "CardForm(…)"

    def read(self, *, need_cvv: bool, need_postal_code: bool = False) -> Card:
        """Check every field; raises BadInput for the first that a person has to correct."""
        number = re.sub(r"[ -]", "", self.number)
        if not re.fullmatch(r"\d{13,19}", number, re.ASCII):
            raise BadInput("number", "Enter the card number, 13 to 19 digits.")
        if not luhn.is_valid(number):
            raise BadInput("number", "This card number has a typing error. Please check it against the card.")
        brand = brand_of(number)
        if not brand:
            raise BadInput("number", "This kind of card is not accepted. Please use another one.")
        month, year = _read_expiry(self.expiry)
        holder = _read_holder(self.holder)
        cvv = self.cvv.strip()
        digits = _CVV_LENGTH.get(brand, 3)
        if (cvv or need_cvv) and not re.fullmatch(rf"\d{{{digits}}}", cvv, re.ASCII):
            raise BadInput("cvv", "Enter the security code of the card, %(count)s digits.", count=digits)
        postal_code = self.postal_code.strip()
        if need_postal_code and not postal_code:
            raise BadInput("postal_code", "Enter the ZIP code of the card's billing address.")
        if postal_code and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 -]{1,10}", postal_code, re.ASCII):
            raise BadInput("postal_code", "Enter the ZIP code of the card's billing address.")
        return Card(number=number, exp_month=month, exp_year=year, holder=holder, postal_code=postal_code, cvv=cvv)


@dataclass(frozen=True)
class BankForm:
    """What was typed into a bank account form, as text. Never stored, never shown again."""

    routing: str
    account: str
    account_again: str
    kind: str
    holder: str
    authorized: bool

    def __repr__(self) -> str:
        """Never what was typed."""
        return "BankForm(…)"

    def read(self) -> BankAccount:
        """Check every field; raises BadInput for the first that a person has to correct."""
        routing = self.routing.strip()
        if not (re.fullmatch(r"\d{9}", routing, re.ASCII) and rtn.is_valid(routing)):
            raise BadInput("routing", "This routing number is not valid. It has 9 digits and is printed at the bottom "
                                      "left of a check.")
        account = re.sub(r"[ -]", "", self.account)
        if not re.fullmatch(r"\d{4,17}", account, re.ASCII):
            raise BadInput("account", "Enter the account number, 4 to 17 digits.")
        if account != re.sub(r"[ -]", "", self.account_again):
            raise BadInput("account_again", "The two account numbers differ. Please type the number again.")
        kind = next((known for known in _ACCOUNT_KINDS if known == self.kind), None)
        if kind is None:
            raise BadInput("kind", "Choose the type of the account.")
        holder = _read_holder(self.holder)
        if not self.authorized:
            raise BadInput("authorized", "To pay from your bank account, please tick the authorization.")
        return BankAccount(routing=routing, account=account, kind=kind, holder=holder)  # type: ignore[arg-type]


def _read_expiry(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{1,2}) ?[/-] ?(\d{2}|20\d{2})", text.strip(), re.ASCII)
    if not match or not 1 <= int(match[1]) <= 12:  # noqa: PLR2004 - months
        raise BadInput("expiry", "Enter the expiry date as on the card, month and year, for example 08/28.")
    month, year = int(match[1]), 2000 + int(match[2]) % 100
    today = clock.now()
    if (year, month) < (today.year, today.month):
        raise BadInput("expiry", "This card has expired. Please use another one.")
    if year > today.year + _MAX_YEARS_AHEAD:
        raise BadInput("expiry", "Enter the expiry date as on the card, month and year, for example 08/28.")
    return month, year


def _read_holder(text: str) -> str:
    holder = " ".join(text.split())
    if not holder:
        raise BadInput("holder", "Enter the name on the card or bank account.")
    if len(holder) > 60:  # noqa: PLR2004 - width of the column
        raise BadInput("holder", "The name is too long; 60 characters at most.")
    if any(character.isdigit() for character in holder):
        # A card number typed into the name field would be kept and shown.
        raise BadInput("holder", "The name holds digits. Please enter the name only.")
    return holder


def methods_of(session: Session, customer_id: int, *, terminal_id: str, environment: str) -> list[Method]:
    """The customer's usable methods on this terminal, default first, then newest."""
    return list(session.scalars(select(Method).where(
        Method.customer_id == customer_id, Method.status == "active", Method.terminal_id == terminal_id,
        Method.environment == environment).order_by(Method.is_default.desc(), Method.id.desc())))


def all_methods_of(session: Session, customer_id: int) -> list[Method]:
    """Everything not removed, disabled ones and those of other terminals included."""
    return list(session.scalars(select(Method).where(
        Method.customer_id == customer_id, Method.status != "removed").order_by(Method.is_default.desc(), Method.id.desc())))


def defaults_of(session: Session, customer_ids: Iterable[int], *, environment: str) -> dict[int, Method]:
    """The default active method of each customer in one query; customers without one are absent."""
    found = session.scalars(select(Method).where(
        Method.customer_id.in_(list(customer_ids)), Method.status == "active", Method.is_default.is_(True),
        Method.environment == environment))
    return {method.customer_id: method for method in found}


def get_own_method(session: Session, method_id: int, customer_id: int) -> Method:
    """The customer's own usable method; BadInput for a foreign, removed or disabled one (the same words for all)."""
    method = session.get(Method, method_id)
    if method is None or method.customer_id != customer_id or method.status != "active":
        raise BadInput("method", "This saved method cannot be used any more. Please choose another one.")
    return method


def save(session: Session, method: Method) -> Method:
    """Keep a new method; the first of a customer becomes the default, so does one saved as default."""
    others = session.scalars(select(Method).where(
        Method.customer_id == method.customer_id, Method.status == "active", Method.is_default.is_(True))).all()
    if not others:
        method.is_default = True
    elif method.is_default:
        for other in others:
            other.is_default = False
    session.add(method)
    session.flush()
    return method


def make_default(session: Session, method_id: int, customer_id: int) -> Method:
    """Charge this one from now on. Raises BadInput when it is not the customer's own."""
    method = get_own_method(session, method_id, customer_id)
    session.execute(update(Method).where(Method.customer_id == customer_id).values(is_default=False))
    method.is_default, method.changed_at = True, clock.now()
    session.flush()
    return method


def remove(session: Session, method_id: int, customer_id: int) -> Method:
    """Forget the token, keep the consent; the newest remaining method becomes the default."""
    method = session.get(Method, method_id)
    if method is None or method.customer_id != customer_id or method.status == "removed":
        raise BadInput("method", "This saved method cannot be used any more. Please choose another one.")
    was_default = method.is_default
    method.status, method.token_cipher, method.is_default, method.changed_at = "removed", "", False, clock.now()
    session.flush()
    if was_default:
        rest = session.scalars(select(Method).where(Method.customer_id == customer_id, Method.status == "active")
                               .order_by(Method.id.desc()).limit(1)).first()
        if rest is not None:
            rest.is_default = True
            session.flush()
    return method


def disable(session: Session, method_id: int, reason: str) -> None:
    """Stop using a method after the bank said so; it stays visible with its reason."""
    session.execute(update(Method).where(Method.id == method_id, Method.status == "active")
                    .values(status="disabled", reason=reason, changed_at=clock.now()))
