"""One value of a host's record, read leniently: versions of Splynx send ids, flags and prices as text or number.

Must never turn the unreadable into a default: every reader raises HostUnavailable, naming the field.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from splynx_ippay.base.errors import HostUnavailable
from splynx_ippay.base.money import Money

if TYPE_CHECKING:
    from splynx_ippay.splynx.answers import Record

_TOO_MUCH = Decimal(10) ** 15


def read_number(row: Record, name: str) -> int:
    """Return a number that is not negative; 0 where it is absent, null or empty."""
    value = row.get(name)
    if value is None or value == "":
        return 0
    try:
        number = int(value) if isinstance(value, str) else value
    except ValueError:
        raise unreadable(name) from None
    if not isinstance(number, int) or isinstance(number, bool) or number < 0:
        raise unreadable(name)
    return number


def read_id(row: Record, name: str) -> int:
    """Return a number above zero."""
    number = read_number(row, name)
    if not number:
        raise unreadable(name)
    return number


def read_text(row: Record, name: str) -> str:
    """Return the text; empty where it is absent or null."""
    value = row.get(name)
    return "" if value is None else str(value)


def read_flag(row: Record, name: str) -> bool:
    """Tell whether it is set: "1", 1 or true."""
    return read_text(row, name).lower() in {"1", "true"}


def read_date(row: Record, name: str) -> date | None:
    """Return the day; None where it is absent or the host's zero date."""
    text = read_text(row, name)[:10]
    if not text or text == "0000-00-00":
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise unreadable(name) from None


def read_decimal(row: Record, name: str) -> Decimal:
    """Return a finite number of a size that money can have."""
    try:
        value = Decimal(read_text(row, name))
    except InvalidOperation:
        raise unreadable(name) from None
    if not value.is_finite() or abs(value) >= _TOO_MUCH:
        raise unreadable(name)
    return value


def read_money(row: Record, name: str, currency: str) -> Money:
    """Return an amount in that currency."""
    return Money.from_host(read_decimal(row, name), currency)


def unreadable(name: str) -> HostUnavailable:
    """Return the error for a field that is missing or senseless; its value is not told."""
    return HostUnavailable(f"Splynx sent a record whose {name} cannot be read.")
