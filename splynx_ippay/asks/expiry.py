"""Notices about cards that expire: in the card's last month on the days of the setting, and once when it has expired.

Only who will be charged gets one: a default card that works, of a customer whom a Charge took from (or tried to) in the
last 100 days or is about to, and whose automatic charging is not stopped. That is read from our own rows; Splynx is not
asked. The card is never removed. A stage whose day was missed goes out at the next run, the latest one only.
"""

from __future__ import annotations

import calendar
from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import exists, or_, select, tuple_

from splynx_ippay import notifications
from splynx_ippay.asks import book
from splynx_ippay.asks.models import Ask
from splynx_ippay.base import clock
from splynx_ippay.credentials import Method
from splynx_ippay.payments.models import Attempt, CustomerNote, Door
from splynx_ippay.runs.models import ItemState, Run, RunItem, RunState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from sqlalchemy.orm import Session

    from splynx_ippay.payments.core import Core

KIND = "expiry"
CHARGED_WITHIN = timedelta(days=100)
_UNFINISHED = (RunState.PREVIEWED, RunState.RUNNING, RunState.STOPPED)


class Stage(NamedTuple):
    """The day a notice belongs to, and whether the card has expired by then."""

    day: date
    is_over: bool


def stage_of(method: Method, days: Sequence[int], today: date) -> Stage | None:
    """The newest notice that is due for a card, None where none is (yet). A day beyond the month's end is its last."""
    year, month = method.exp_year or 0, method.exp_month or 0
    last = last_day(year, month)
    stages = [Stage(date(year, month, min(day, last.day)), is_over=False) for day in days]
    stages.append(Stage(last + timedelta(days=1), is_over=True))
    due = [stage for stage in stages if stage.day <= today and stage.day > method.created_at.date()]
    return max(due, default=None)


def last_day(year: int, month: int) -> date:
    """The last day a card can be used."""
    return date(year, month, calendar.monthrange(year, month)[1])


def tick(core: Core) -> int:
    """Owe every notice that is due and was not given; returns how many. Raises ConfigError for days that are none."""
    days = core.settings.days("expiry_notice_days")
    if not days or not notifications.can_send(core.settings):
        return 0

    def work(session: Session) -> int:
        due = {method: stage for method in _expiring(core, session)
               if (stage := stage_of(method, days, clock.now().date())) is not None}
        last = book.last_asks(session, [_target(method) for method in due])
        fresh = [(method, stage) for method, stage in due.items() if _is_news(last.get(_target(method)), stage)]
        for method, stage in fresh:
            book.write(session, Ask(
                target=_target(method), stage=stage.day.isoformat(), why="expired" if stage.is_over else "expiring",
                customer_id=method.customer_id, asked_at=clock.now()), kind=KIND, values=values_of(method, stage))
        return len(fresh)

    return book.insist(core, work)


def values_of(method: Method, stage: Stage) -> dict[str, Any]:
    """What the mail says; ``method_id`` lets it be dropped when the card is replaced before it goes out."""
    return {"method_id": method.id, "brand": method.brand, "last_four": method.last_four, "is_over": stage.is_over,
            "last_day": last_day(method.exp_year or 0, method.exp_month or 0).isoformat()}


def _target(method: Method) -> str:
    return f"expiry:{method.id}"


def _is_news(last: Ask | None, stage: Stage) -> bool:
    """Whether nothing was said about the card since that day, by days that were changed meanwhile neither."""
    return last is None or last.stage < stage.day.isoformat()


def _expiring(core: Core, session: Session) -> list[Method]:
    """Default cards in their last month, or just over it, of customers who will be charged. One query."""
    today = clock.now().date()
    before = today.replace(day=1) - timedelta(days=1)
    months = [(today.year, today.month), (before.year, before.month)]
    stopped = exists().where(CustomerNote.customer_id == Method.customer_id, CustomerNote.no_auto.is_(True))
    charged = exists().where(Attempt.customer_id == Method.customer_id, Attempt.door == Door.RUN,
                             Attempt.created_at >= clock.now() - CHARGED_WITHIN)
    planned = exists().where(RunItem.customer_id == Method.customer_id, RunItem.state == ItemState.READY, Run.id == RunItem.run_id,
                             Run.state.in_(_UNFINISHED))
    cards = session.scalars(select(Method).where(
        Method.instrument == "card", Method.status == "active", Method.is_default.is_(True),
        Method.environment == core.settings.choice("environment"),
        tuple_(Method.exp_year, Method.exp_month).in_(months), ~stopped, or_(charged, planned)).order_by(Method.id))
    return [card for card in cards if book.is_in_place(core, card)]
