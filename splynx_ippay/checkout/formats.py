"""How amounts, days and times are written for people. Owns the language of a page and the template filters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import flask_babel
from babel import Locale
from flask import current_app

from splynx_ippay.base import written
from splynx_ippay.base.settings import BY_KEY

if TYPE_CHECKING:
    from datetime import date, datetime

    from flask import Flask

    from splynx_ippay.base.money import Money

_LANGUAGES = tuple(name for name, _ in BY_KEY["language"].choices)


def init_app(app: Flask) -> None:
    """Give every template the filters ``money``, ``day``, ``moment`` and the function ``language``."""
    flask_babel.Babel(app, default_locale="en", locale_selector=_chosen_language)
    app.jinja_env.filters.update(money=money, day=day, moment=moment)
    app.jinja_env.globals["language"] = language


def money(amount: Money) -> str:
    """An amount with its currency, as the page's language writes it."""
    return written.money(amount, language())


def day(value: date | datetime) -> str:
    """A day, as the page's language writes it; of a time, the day where the server stands."""
    return written.day(value, language())


def moment(value: datetime) -> str:
    """Day and time with the zone where the server stands, which is where the provider is."""
    return written.moment(value, language())


def language() -> str:
    """The page's language for ``lang``: "en", "fr", "es"."""
    return str(_locale()).replace("_", "-")


def _locale() -> Locale:
    return flask_babel.get_locale() or Locale("en")


def _chosen_language() -> str:
    chosen = current_app.extensions["core"].settings.text("language")
    return chosen if chosen in _LANGUAGES else "en"
