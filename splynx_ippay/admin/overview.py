"""The overview: money in by day, declines by reason, and a run as a picture. Grouped queries, however many payments.

Sums are by currency and never added across currencies: the pictures show the currency with the most payments.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from flask import render_template, request
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import String, cast, func, select

from splynx_ippay.admin import access, bp, pictures, words
from splynx_ippay.admin.pictures import Part
from splynx_ippay.base import clock
from splynx_ippay.base.money import Money
from splynx_ippay.checkout.formats import money
from splynx_ippay.ippay.declines import DECLINES, decline_for
from splynx_ippay.payments.models import Attempt, State
from splynx_ippay.runs.models import ItemState, RunItem
from splynx_ippay.runs.reasons import RESULTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask.typing import ResponseReturnValue
    from markupsafe import Markup
    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from splynx_ippay.runs.progress import Share

DAYS = (14, 30, 90)
_TAKEN = (State.APPROVED, State.ACCEPTED)


@dataclass(frozen=True)
class Day:
    """What one day brought in, where the server stands; accepted bank debits count, since they are on their way."""

    day: date
    count: int
    amount: Money


@dataclass(frozen=True)
class Reason:
    """Why so many were declined."""

    code: str
    meaning: str
    count: int


@bp.get("/overview")
def overview() -> ResponseReturnValue:
    """Two pictures with their tables: money in by day, declines by reason. Three queries."""
    core, days = access.core(), _days()
    with core.database.read() as session:
        currency, others = _currency(session, _window(days), core.settings.currency())
        taken = _by_day(session, days, currency)
        reasons = _reasons(session, _window(days))
    whole = sum((day.amount for day in taken), Money.zero(currency))
    count, declined = sum(day.count for day in taken), sum(reason.count for reason in reasons)
    return render_template(
        "admin/overview.html", tab="overview", days=days, choices=DAYS, taken=taken, reasons=reasons, whole=whole, count=count,
        declined=declined, others=others,
        money_picture=pictures.columns(
            "money", _("Money in by day"), ngettext("%(amount)s in %(num)s payment", "%(amount)s in %(num)s payments", count, amount=money(whole)),
            [Part(f"{day.day:%m-%d}", day.amount.cents, f"{money(day.amount)} ({day.count})") for day in taken]),
        decline_picture=pictures.bars(
            "declines", _("Declines by reason"), ngettext("%(num)s decline", "%(num)s declines", declined),
            [Part(f"{reason.code} {_(reason.meaning)}", reason.count, str(reason.count), "bad") for reason in reasons]))


def run_picture(results: Mapping[str, Share], declines: list[Reason]) -> Markup:
    """A run as bars: charged, declined by reason, left alone; each debt once, where it ended."""
    parts = []
    for key, share in results.items():
        if key == "replaced":
            continue
        if key == "declined" and declines:
            parts += [Part(f"{words.say(RESULTS, key)}: {reason.code} {_(reason.meaning)}", reason.count, str(reason.count), "bad")
                      for reason in declines]
        elif share.count:
            parts.append(Part(words.say(RESULTS, key), share.count, str(share.count), words.RESULT_SIGNS.get(key, "off")))
    text = ", ".join(f"{part.label}: {part.words}" for part in parts)
    return pictures.bars("run", _("The Charge as a picture"), text, parts)


def declines_of_run(session: Session, run_id: int) -> list[Reason]:
    """Declines of a run by reason, without those after which the backup method had its turn. One query."""
    return _reasons(session, [Attempt.id.in_(
        select(RunItem.attempt_id).where(RunItem.run_id == run_id, RunItem.state != ItemState.REPLACED))])


def _window(days: int) -> list[ColumnElement[bool]]:
    since = datetime.combine(clock.now().astimezone().date() - timedelta(days=days - 1), time()).astimezone()
    own = access.own_partner()
    return [Attempt.created_at >= since, Attempt.parent_id.is_(None), *([Attempt.partner_id == own] if own is not None else [])]


def _currency(session: Session, window: list[ColumnElement[bool]], usual: str) -> tuple[str, list[str]]:
    """The currency with the most payments, and the others there are."""
    found = session.execute(select(Attempt.currency, func.count()).where(*window, Attempt.state.in_(_TAKEN))
                            .group_by(Attempt.currency).order_by(func.count().desc())).all()
    names = [currency for currency, _count in found]
    return (names[0], names[1:]) if names else (usual, [])


def _by_day(session: Session, days: int, currency: str) -> list[Day]:
    """Grouped by ten minutes in the database, which knows no zone of ours (some zones are at half hours), and by our day here."""
    ten_minutes = func.substr(cast(Attempt.created_at, String(26)), 1, 15)
    rows = session.execute(select(func.min(Attempt.created_at), func.sum(Attempt.amount_cents), func.count()).where(
        *_window(days), Attempt.currency == currency, Attempt.state.in_(_TAKEN)).group_by(ten_minutes))
    cents: Counter[date] = Counter()
    counts: Counter[date] = Counter()
    for at, amount, count in rows:
        day = at.astimezone().date()
        cents[day] += int(amount)
        counts[day] += count
    today = clock.now().astimezone().date()
    return [Day(day, counts[day], Money(cents[day], currency)) for day in (today - timedelta(days=back) for back in range(days - 1, -1, -1))]


def _reasons(session: Session, conditions: list[ColumnElement[bool]]) -> list[Reason]:
    """Most frequent first; one row a code, also for codes of one meaning."""
    rows = session.execute(select(Attempt.action_code, func.count()).where(*conditions, Attempt.state == State.DECLINED)
                           .group_by(Attempt.action_code).order_by(func.count().desc(), Attempt.action_code))
    return [Reason(code or "-", DECLINES[code].meaning if code in DECLINES else decline_for(code).meaning, count) for code, count in rows]


def _days() -> int:
    text = request.args.get("days", "")
    return int(text) if text in set(map(str, DAYS)) else DAYS[1]
