"""How amounts, days and times are written for people. Owns the language of a page and the template filters."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

import flask_babel
from babel import Locale
from babel.dates import format_date, format_time
from babel.numbers import format_currency
from flask import current_app

from splynx_ippay.base.settings import BY_KEY

if TYPE_CHECKING:
    from flask import Flask

    from splynx_ippay.base.money import Money

_LANGUAGES = tuple(name for name, _ in BY_KEY["language"].choices)
# Who reads Spanish here pays with US money from the Americas: the decimal point and the 12-hour clock are theirs, while
# CLDR's plain "es" writes as Spain does. Its bare "$" is also the sign of other currencies there, so it is spelled out.
_REGIONS = {"es": Locale("es", "US")}
_SIGNS = {("es", "USD"): ("$", "US$")}


def init_app(app: Flask) -> None:
    """Give every template the filters ``money``, ``day``, ``moment`` and the function ``language``."""
    flask_babel.Babel(app, default_locale="en", locale_selector=_chosen_language)
    app.jinja_env.filters.update(money=money, day=day, moment=moment)
    app.jinja_env.globals["language"] = language


def money(amount: Money) -> str:
    """An amount with its currency, as the language writes it: "$1,045.00", "1 045,00 $US", "US$1,045.00"."""
    sign, spelled = _SIGNS.get((_locale().language, amount.currency), ("", ""))
    return str(format_currency(amount.decimal(), amount.currency, locale=_region()).replace(sign, spelled, 1))


def day(value: date | datetime) -> str:
    """A day, as the language writes it; of a time, the day where the server stands."""
    if isinstance(value, datetime):
        value = value.astimezone().date()
    return str(format_date(value, "long", locale=_region()))


def moment(value: datetime) -> str:
    """Day and time with the zone where the server stands, which is where the provider is."""
    local = value.astimezone()
    clock = format_time(local, "short", tzinfo=local.tzinfo, locale=_region())
    return f"{format_date(local.date(), 'long', locale=_region())}, {clock} {local.tzname()}"


def language() -> str:
    """The page's language for ``lang``: "en", "fr", "es"."""
    return str(_locale()).replace("_", "-")


def _locale() -> Locale:
    return flask_babel.get_locale() or Locale("en")


def _region() -> Locale:
    """Where the readers of the language are, for numbers, days and times."""
    return _REGIONS.get(_locale().language, _locale())


def _chosen_language() -> str:
    chosen = current_app.extensions["core"].settings.text("language")
    return chosen if chosen in _LANGUAGES else "en"
