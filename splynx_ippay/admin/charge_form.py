"""What staff type into the Charge page, read into filters. Every field that cannot be read gets its own sentence."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import TYPE_CHECKING

from splynx_ippay.base import clock
from splynx_ippay.base.errors import BadInput
from splynx_ippay.base.marks import N_
from splynx_ippay.base.money import Money
from splynx_ippay.runs.filters import PAYMENT_TYPES, STATUSES, TOTAL_OPERATORS, Filters
from splynx_ippay.runs.models import Mode

if TYPE_CHECKING:
    from werkzeug.datastructures import MultiDict

_MOST = 2000
_OF_INVOICES = frozenset({"period_from", "period_to", "status", "numbers"})
_LONGEST = 20_000


def mode_of(text: str | None) -> Mode:
    """What is to be charged: open invoices, unless balances were asked for."""
    return Mode.BALANCES if text == Mode.BALANCES else Mode.INVOICES


def first_form(mode: Mode) -> dict[str, str]:
    """The page as it opens: from the first day of last month until today, as the host's list; balances have no period."""
    if mode == Mode.BALANCES:
        return {"payment_type": "any", "total_operator": ">", "total": "", "customer_ids": "", "location_id": ""}
    today = clock.now().astimezone().date()
    last_month = (today.replace(day=1) - timedelta(days=1)).replace(day=1)
    return {"period_from": last_month.isoformat(), "period_to": today.isoformat(), "payment_type": "any",
            "status": "unpaid", "total_operator": ">", "total": "", "customer_ids": "", "numbers": "", "location_id": ""}


def read_filters(form: MultiDict[str, str], mode: Mode, currency: str,
                 own_partner: int | None) -> tuple[Filters | None, dict[str, str]]:
    """The filters, or the problems by field (msgids). Who is bound to one partner charges that one.

    A balance has neither date nor number nor status: those fields are not read for it.
    """
    problems: dict[str, str] = {}
    values: dict[str, object] = {}
    for name, read in (
            ("period_from", lambda: _day(form, "period_from")), ("period_to", lambda: _day(form, "period_to")),
            ("partner_ids", lambda: (own_partner,) if own_partner else _ids(form.getlist("partner_ids"), "partner_ids")),
            ("location_id", lambda: _location(form)),
            ("payment_type", lambda: _choice(form, "payment_type", PAYMENT_TYPES)),
            ("status", lambda: _choice(form, "status", STATUSES)),
            ("total_operator", lambda: _choice(form, "total_operator", TOTAL_OPERATORS)),
            ("total", lambda: Money.parse(form["total"], currency, field="total").decimal() if form.get("total", "").strip() else None),
            ("customer_ids", lambda: _ids(_parts(form, "customer_ids"), "customer_ids")),
            ("numbers", lambda: tuple(_parts(form, "numbers")))):
        if mode == Mode.BALANCES and name in _OF_INVOICES:
            continue
        try:
            values[name] = read()
        except BadInput as error:
            problems[name] = error.message
    first, last = values.get("period_from"), values.get("period_to")
    if isinstance(first, date) and isinstance(last, date) and last < first:
        problems["period_to"] = N_("The period ends before it begins.")
    return (None if problems else Filters(**values)), problems  # type: ignore[arg-type]  # each reader returns its field's type


def _day(form: MultiDict[str, str], name: str) -> date | None:
    text = form.get(name, "").strip()
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise BadInput(name, N_("Enter the day as year, month, day, for example 2026-01-31.")) from None


def _choice(form: MultiDict[str, str], name: str, allowed: dict[str, str] | tuple[str, ...]) -> str:
    value = form.get(name) or next(iter(allowed))
    if value not in allowed:
        raise BadInput(name, N_("Choose one of the list."))
    return value


def _location(form: MultiDict[str, str]) -> int | None:
    chosen = _ids([text] if (text := form.get("location_id", "").strip()) else [], "location_id")
    return chosen[0] if chosen else None


def _ids(texts: list[str], name: str) -> tuple[int, ...]:
    if not all(re.fullmatch(r"[1-9][0-9]{0,8}", text, re.ASCII) for text in texts):
        raise BadInput(name, N_("Enter IDs in digits, separated by comma."))
    return tuple(dict.fromkeys(map(int, texts)))


def _parts(form: MultiDict[str, str], name: str) -> list[str]:
    parts = [part for part in re.split(r"[,\s]+", form.get(name, "")[:_LONGEST]) if part]
    if len(parts) > _MOST or any(len(part) > 40 for part in parts):  # noqa: PLR2004 - width of the column
        raise BadInput(name, N_("That is too much at once."))
    return list(dict.fromkeys(parts))
