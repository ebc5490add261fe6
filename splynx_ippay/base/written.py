"""How amounts, days and times are written in a language. Pure: the language is given, nobody is asked for it."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time
from babel.numbers import format_currency

if TYPE_CHECKING:
    from splynx_ippay.base.money import Money

# Who reads Spanish here pays with US money from the Americas: the decimal point and the 12-hour clock are theirs, while
# CLDR's plain "es" writes as Spain does. Its bare "$" is also the sign of other currencies there, so it is spelled out.
_REGIONS = {"es": Locale("es", "US")}
_SIGNS = {("es", "USD"): ("$", "US$")}


def money(amount: Money, language: str) -> str:
    """An amount with its currency: "$1,045.00", "1 045,00 $US", "US$1,045.00"."""
    locale = locale_of(language)
    sign, spelled = _SIGNS.get((locale.language, amount.currency), ("", ""))
    return str(format_currency(amount.decimal(), amount.currency, locale=locale).replace(sign, spelled, 1))


def day(value: date | datetime, language: str) -> str:
    """A day; of a time, the day where the server stands."""
    if isinstance(value, datetime):
        value = value.astimezone().date()
    return str(format_date(value, "long", locale=locale_of(language)))


def moment(value: datetime, language: str) -> str:
    """Day and time with the zone where the server stands, which is where the provider is.

    The thin space before AM is a whole one here: many fonts have none and show "5:27AM" or a box.
    """
    local = value.astimezone()
    clock = format_time(local, "short", tzinfo=local.tzinfo, locale=locale_of(language)).replace("\u202f", "\u00a0")
    return f"{day(local.date(), language)}, {clock} {local.tzname()}"


def locale_of(language: str) -> Locale:
    """Where the readers of the language are; English for one that nobody knows."""
    try:
        locale = Locale.parse(language.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        return Locale("en")
    return _REGIONS.get(locale.language, locale)
