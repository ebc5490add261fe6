"""Kinds of fields the host knows, read from JSON or forms and shown as a newer Splynx shows them.

Amounts are kept as integer cents and become numbers or decimal strings only on the wire.
It must never decide about money; that is ``finance.py``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

ZERO_DATE = "0000-00-00"
ZERO_TIME = "0000-00-00 00:00:00"
_AMOUNT = re.compile(r"^(-?)(\d{1,12})(?:\.(\d{1,4}))?$", re.ASCII)
_TEXT_LIMIT = 65_000


@dataclass(frozen=True, slots=True)
class Field:
    """One column: its kind, what a new row gets, and whether a client may write it."""

    kind: str
    default: Any = ""
    required: bool = False
    writable: bool = True
    choices: tuple[str, ...] = ()
    limit: int = _TEXT_LIMIT


def read(field: Field, value: Any) -> Any:
    """Read a value of the wire into the host's own form; raise ValueError with a sentence for the client."""
    if field.kind in _READERS:
        value = _READERS[field.kind](value)
    if field.choices and value not in field.choices:
        raise ValueError(f"is invalid, must be one of: {', '.join(field.choices)}.")
    if isinstance(value, str) and len(value) > field.limit:
        raise ValueError(f"should contain at most {field.limit} characters.")
    return value


def show(field: Field, value: Any) -> Any:
    """Show a kept value as the host sends it."""
    if field.kind == "money":
        return value / 100
    if field.kind == "decimal":
        return decimal_text(value)
    return value


def decimal_text(cents: int) -> str:
    """Write cents with the four decimals of the host's database."""
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100}.{abs(cents) % 100:02d}00"


def cents_text(cents: int) -> str:
    """Write cents with two decimals, for pages."""
    return decimal_text(cents)[:-2]


def read_cents(value: Any) -> int:
    """Read an amount (number or decimal text) into cents; raise ValueError for anything but at most two decimals."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("must be a number.")  # noqa: TRY004 - a ValueError becomes the 422 of the field
    match = _AMOUNT.match(str(value).strip())
    if match is None:
        raise ValueError("must be a number.")
    sign, whole, decimals = match.groups()
    decimals = (decimals or "").ljust(4, "0")
    if decimals[2:] != "00":
        raise ValueError("must have at most two decimals.")
    cents = int(whole) * 100 + int(decimals[:2])
    return -cents if sign else cents


def _read_int(value: Any) -> int:
    if isinstance(value, bool) or not re.fullmatch(r"-?\d{1,15}", str(value), re.ASCII):
        raise ValueError("must be an integer.")
    return int(value)


def _read_optional_int(value: Any) -> int | None:
    return None if value in (None, "", "null") else _read_int(value)


def _read_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("must be a string.")  # noqa: TRY004 - as above
    return str(value)


def _read_flag(value: Any) -> str:
    if value in (True, 1, "1", "true"):
        return "1"
    if value in (False, 0, "0", "false", "", None):
        return "0"
    raise ValueError("must be either 1 or 0.")


def _read_date(value: Any) -> str:
    if value in (None, "", ZERO_DATE):
        return ZERO_DATE
    try:
        return date.fromisoformat(str(value)).isoformat()
    except ValueError:
        raise ValueError("is not a valid date (YYYY-MM-DD).") from None


def _read_time(value: Any) -> str:
    if value in (None, "", ZERO_TIME):
        return ZERO_TIME
    try:
        return datetime.fromisoformat(str(value)).strftime("%Y-%m-%d %H:%M:%S")
    except ValueError:
        raise ValueError("is not a valid date and time (YYYY-MM-DD HH:MM:SS).") from None


def _read_list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError("must be an array.")  # noqa: TRY004 - as above
    return value


def _read_object(value: Any) -> dict[str, Any]:
    if value in ([], None):
        return {}
    if not isinstance(value, dict):
        raise ValueError("must be an object.")  # noqa: TRY004 - as above
    return value


_READERS = {
    "int": _read_int, "optional_int": _read_optional_int, "money": read_cents, "decimal": read_cents,
    "text": _read_text, "flag": _read_flag, "date": _read_date, "time": _read_time,
    "list": _read_list, "object": _read_object,
}
