"""What people type into card and account forms: reading it, every mistake at once; brands of cards.

Must never keep or show again what was typed into a card or account field: it lives in the memory of one request.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar, get_args

from stdnum import luhn
from stdnum.us import rtn

from splynx_ippay.base import clock
from splynx_ippay.base.errors import BadInput, BadInputs
from splynx_ippay.ippay.messages import AccountKind, BankAccount, Card

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar("_T")

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
_MAX_YEARS_AHEAD = 20


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
        """Check every field; raises BadInputs with all that a person has to correct, in the order of the form."""
        mistakes = _Mistakes()
        number = mistakes.of(lambda: _read_number(self.number))
        expiry = mistakes.of(lambda: _read_expiry(self.expiry))
        cvv = mistakes.of(lambda: _read_cvv(self.cvv, brand_of(number or ""), is_needed=need_cvv))
        holder = mistakes.of(lambda: _read_holder(self.holder))
        postal_code = mistakes.of(lambda: read_postal_code(self.postal_code, is_needed=need_postal_code))
        mistakes.refuse()
        month, year = expiry or (0, 0)
        return Card(number=number or "", exp_month=month, exp_year=year, holder=holder or "", postal_code=postal_code or "",
                    cvv=cvv or "")


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

    def read(self, *, pays: bool) -> BankAccount:
        """Check every field; raises BadInputs with all that a person has to correct, in the order of the form.

        ``pays``: an amount is paid from it now, else the account is only saved.
        """
        mistakes = _Mistakes()
        routing = mistakes.of(lambda: _read_routing(self.routing))
        account = mistakes.of(lambda: _read_account(self.account, self.account_again))
        holder = mistakes.of(lambda: _read_holder(self.holder))
        kind = mistakes.of(lambda: _read_kind(self.kind))
        if not self.authorized:
            mistakes.add(BadInput("authorized", "To pay from your bank account, please tick the authorization.") if pays else
                         BadInput("authorized", "Please tick the authorization to save this bank account."))
        mistakes.refuse()
        return BankAccount(routing=routing or "", account=account or "", kind=kind or "CHECKING", holder=holder or "")


class _Mistakes:
    """Collects what is wrong with a form."""

    def __init__(self) -> None:
        self._found: list[BadInput] = []

    def of(self, read: Callable[[], _T]) -> _T | None:
        """What was read, None when it was a mistake."""
        try:
            return read()
        except BadInput as error:
            self._found.append(error)
            return None

    def add(self, mistake: BadInput) -> None:
        """One more mistake."""
        self._found.append(mistake)

    def refuse(self) -> None:
        """Raise BadInputs if there was a mistake."""
        if self._found:
            raise BadInputs(self._found)


def _read_number(typed: str) -> str:
    number = re.sub(r"[ -]", "", typed)
    if not re.fullmatch(r"\d{13,19}", number, re.ASCII):
        raise BadInput("number", "Enter the card number, 13 to 19 digits.")
    if not luhn.is_valid(number):
        raise BadInput("number", "This card number has a typing error. Please check it against the card.")
    if not brand_of(number):
        raise BadInput("number", "This kind of card is not accepted. Please use another one.")
    return number


def _read_cvv(typed: str, brand: str, *, is_needed: bool) -> str:
    cvv, digits = typed.strip(), _CVV_LENGTH.get(brand, 3)
    lengths = f"{{{digits}}}" if brand else "{3,4}"  # while the brand is not known, either length may be right
    if (cvv or is_needed) and not re.fullmatch(rf"\d{lengths}", cvv, re.ASCII):
        raise BadInput("cvv", "Enter the security code of the card, %(count)s digits.", count=digits)
    return cvv


def read_postal_code(typed: str, *, is_needed: bool) -> str:
    """A ZIP or postal code, "" where none was typed. Raises BadInput."""
    postal_code = typed.strip()
    if (postal_code or is_needed) and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 -]{1,10}", postal_code, re.ASCII):
        raise BadInput("postal_code", "Enter the ZIP code of the card's billing address.")
    return postal_code


def _read_routing(typed: str) -> str:
    routing = typed.strip()
    if not (re.fullmatch(r"\d{9}", routing, re.ASCII) and rtn.is_valid(routing)):
        raise BadInput("routing", "This routing number is not valid. It has 9 digits and is printed at the bottom "
                                  "left of a check.")
    return routing


def _read_account(typed: str, again: str) -> str:
    account = re.sub(r"[ -]", "", typed)
    if not re.fullmatch(r"\d{4,17}", account, re.ASCII):
        raise BadInput("account", "Enter the account number, 4 to 17 digits.")
    if account != re.sub(r"[ -]", "", again):
        raise BadInput("account_again", "The two account numbers differ. Please type the number again.")
    return account


def _read_kind(typed: str) -> AccountKind:
    for known in get_args(AccountKind):
        if typed == known:
            return known  # type: ignore[no-any-return]  # get_args tells no types
    raise BadInput("kind", "Choose the type of the account.")


def _read_expiry(text: str) -> tuple[int, int]:
    # Without a separator too: the keypad of a telephone has none.
    match = re.fullmatch(r"(\d{2}(?=\d)|\d{1,2}(?=\D)) ?[/. -]? ?(\d{2}|20\d{2})", text.strip(), re.ASCII)
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


