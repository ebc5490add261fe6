"""What staff type into the settings page, read and checked against the one table of settings.

Must never show a secret: of one the page says only whether it is set.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from splynx_ippay.audit import HIDDEN
from splynx_ippay.base.errors import BadInput
from splynx_ippay.base.marks import N_
from splynx_ippay.base.money import Money
from splynx_ippay.base.setting_table import BLOCKS, SETTINGS
from splynx_ippay.checkout import branding
from splynx_ippay.host import settings_writer
from splynx_ippay.payments import fees

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from splynx_ippay.base.setting_table import Setting
    from splynx_ippay.base.settings import Settings


@dataclass(frozen=True)
class Field:
    """One setting as the page shows it. ``value`` is empty for a secret, ``is_set`` tells whether there is one."""

    setting: Setting
    value: str
    seen: str  # what the page shows before anything is typed
    is_set: bool
    is_own: bool  # of a partner: it differs from, or stands beside, that of all
    shared: str
    overridden: bool
    problem: str = ""


@dataclass(frozen=True)
class Change:
    """One value to write. ``before`` and ``after`` are as the audit may keep them."""

    setting: Setting
    value: str
    before: str
    after: str


def fields(settings: Settings, partner_id: int | None, typed: Mapping[str, str] | None = None,
           problems: Mapping[str, str] | None = None) -> dict[str, list[Field]]:
    """The page's fields by title of their block; for a partner those that may differ by partner."""
    shown: dict[str, list[Field]] = {}
    for setting in SETTINGS:
        if partner_id and not setting.per_partner:
            continue
        own = settings.own_text(setting.key, partner_id)
        value, shared = _shown(settings, setting, partner_id), settings.text(setting.key)
        shown.setdefault(BLOCKS[setting.block], []).append(Field(
            setting, "" if setting.secret else _retyped(setting, typed, value), "" if setting.secret else value, bool(settings.text(setting.key, partner_id)),
            bool(partner_id) and own is not None, "" if setting.secret else shared, settings.is_overridden(setting.key),
            (problems or {}).get(setting.key, "")))
    return shown


def read(settings: Settings, partner_id: int | None, form: Mapping[str, str]) -> tuple[list[Change], dict[str, BadInput]]:
    """What is to be written, and the problems by key. What the person left as the page showed it stays."""
    changes: list[Change] = []
    problems: dict[str, BadInput] = {}
    for setting in SETTINGS:
        if settings.is_overridden(setting.key) or (partner_id and not setting.per_partner):
            continue
        value = _typed(setting, form)
        if value is None:
            continue
        try:
            settings_writer.check_text(setting.key, value)
            _check(setting, value)
        except BadInput as error:
            problems[setting.key] = error
            continue
        before = settings.own_text(setting.key, partner_id) or ""
        if value != before or settings.own_text(setting.key, partner_id) is None:
            changes.append(Change(setting, value, _masked(setting, before), _masked(setting, value)))
    return changes, problems


def _shown(settings: Settings, setting: Setting, partner_id: int | None) -> str:
    """As a partner inherits it; a flag as 1 or 0."""
    if setting.kind == "boolean":
        return "1" if settings.text(setting.key, partner_id).strip().lower() in {"1", "true", "yes", "on"} else "0"
    return settings.text(setting.key, partner_id)


def _retyped(setting: Setting, typed: Mapping[str, str] | None, value: str) -> str:
    """What was typed, so that a person mends one field and not all."""
    if typed is None or f"was-{setting.key}" not in typed:
        return value
    return typed.get(setting.key, "")


def _typed(setting: Setting, form: Mapping[str, str]) -> str | None:
    """The value asked for; None: leave it as it is."""
    if setting.secret:
        return "" if form.get(f"clear-{setting.key}") else form.get(setting.key, "").strip() or None
    seen = form.get(f"was-{setting.key}")
    if seen is None:
        return None
    value = ("1" if form.get(setting.key) else "0") if setting.kind == "boolean" else form.get(setting.key, "").strip()
    return None if value == seen else value


def _check(setting: Setting, value: str) -> None:
    """Raises BadInput for a value that the add-on could not use."""
    if setting.choices and value not in {name for name, _ in setting.choices}:
        raise BadInput(setting.key, N_("Choose one of the list."))
    if setting.kind == "integer" and not re.fullmatch(r"[0-9]{1,9}", value, re.ASCII):
        raise BadInput(setting.key, N_("Enter a whole number."))
    if setting.kind == "decimal":
        try:
            fits = Money.from_host(value, "USD").cents >= 0 and re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,2})?", value, re.ASCII)
        except ValueError:
            fits = None
        if not fits:
            raise BadInput(setting.key, N_("Enter an amount in digits, for example 25.00."))
    if setting.kind == "days" and not re.fullmatch(_DAYS, value, re.ASCII):
        raise BadInput(setting.key, N_("Enter days of the month from 1 to 31, separated by commas, for example 7, 21."))
    if setting.key in _CHECKS:
        _CHECKS[setting.key](setting.key, value)


_DAY = r"(0?[1-9]|[12][0-9]|3[01])"
_DAYS = rf"({_DAY}( *, *{_DAY})*)?"


def _currency(key: str, value: str) -> None:
    if not re.fullmatch(r"[A-Za-z]{3}", value, re.ASCII):
        raise BadInput(key, N_("Enter three letters, for example USD."))


def _percentage(most: int) -> Callable[[str, str], None]:
    def check(key: str, value: str) -> None:
        if Decimal(value) > most:
            raise BadInput(key, N_("Enter a percentage from 0 to %(most)s. Above that card networks, or the law, do not allow it."), most=most)

    return check


def _address(key: str, value: str) -> None:
    if not re.fullmatch(r"https?://[^\s/]+(/[^\s]*)?/", value):
        raise BadInput(key, N_("Enter the address of Splynx with http:// or https:// and the last slash."))


def _no_digits_in_a_row(key: str, value: str) -> None:
    if re.search(r"(?:\d[ -]?){13,}", value):
        raise BadInput(key, N_("This looks like a card number. Card numbers are never entered here."))


_CHECKS: dict[str, Callable[[str, str], None]] = {
    "currency": _currency, "api_domain": _address, "gateway_contact": _no_digits_in_a_row, "brand_name": _no_digits_in_a_row,
    "brand_color": branding.check_color, "card_fee_name": _no_digits_in_a_row,
    "card_fee_percent": _percentage(fees.MOST_PERCENT), "card_fee_tax_percent": _percentage(fees.MOST_TAX_PERCENT),
}


def _masked(setting: Setting, value: str) -> str:
    return (HIDDEN if value else "") if setting.secret else value
