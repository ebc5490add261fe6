"""Finding payments: what staff type, one page of the list, its sums, and all of it. Three queries a page, however many rows.

Must never add what was taken to what is on its way or came back: sums are by state and currency.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, or_, select
from sqlalchemy.orm import lazyload, selectinload

from splynx_ippay.base.money import Money
from splynx_ippay.payments.models import Attempt, Door, Line, State

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session
    from sqlalchemy.orm.interfaces import ORMOption

PAGE = 50
_LARGEST_ID = 2**31 - 1
_FOUR = 4
# What is taken first, then what may become or have become money, then what never was.
_ORDER = (State.APPROVED, State.ACCEPTED, State.UNKNOWN, State.INTENDED, State.REVIEW, State.RETURNED, State.VOIDED, State.DECLINED,
          State.ABANDONED)


@dataclass(frozen=True)
class Sum:
    """How many payments of one state and currency a search finds, and what they add up to."""

    state: State
    count: int
    amount: Money


@dataclass(frozen=True)
class Search:
    """One search; what does not fit a field is no condition."""

    text: str = ""
    state: str = ""
    door: str = ""
    first: date | None = None
    last: date | None = None
    page: int = 1
    customers: tuple[int, ...] = ()  # those whose name holds the text, as Splynx told

    @classmethod
    def read(cls, form: Mapping[str, str]) -> Search:
        """Read the address's query."""
        state, door, page = form.get("state", ""), form.get("door", ""), form.get("page", "1")
        return cls(text=form.get("q", "").strip()[:40], state=state if state in set(State) else "",
                   door=door if door in set(Door) else "", first=_day(form.get("from", "")), last=_day(form.get("to", "")),
                   page=min(int(page), 100_000) if re.fullmatch(r"[1-9][0-9]{0,5}", page) else 1)

    def address(self, page: int = 1, *, state: str | None = None) -> dict[str, str | int]:
        """The same search on another page, or of another state, for its link."""
        wanted = {"q": self.text, "state": self.state if state is None else state, "door": self.door, "from": self.first or "",
                  "to": self.last or ""}
        kept: dict[str, str | int] = {key: str(value) for key, value in wanted.items() if value}
        return kept | ({"page": page} if page > 1 else {})

    @property
    def name(self) -> str:
        """What may be a customer's name: words without a digit; empty for anything else."""
        words = " ".join(re.sub(r"[%_\\]", " ", self.text).split())
        return words if len(words) > 1 and not re.search(r"\d", words) else ""

    @property
    def is_narrow(self) -> bool:
        """Whether anything is asked for but the first page of all."""
        return bool(self.address(self.page))


def payments(session: Session, search: Search, partner_id: int | None) -> tuple[list[Attempt], bool]:
    """One page, newest first, and whether another follows."""
    found = session.scalars(
        select(Attempt).where(*_conditions(search, partner_id)).order_by(Attempt.id.desc())
        .offset((search.page - 1) * PAGE).limit(PAGE + 1).options(_lines_only())).all()
    return list(found[:PAGE]), len(found) > PAGE


def batches(session: Session, search: Search, partner_id: int | None, *, size: int) -> Iterator[list[Attempt]]:
    """All that the search finds, newest first, ``size`` at a time, whatever page it asks for."""
    wanted = select(Attempt).where(*_conditions(search, partner_id)).order_by(Attempt.id.desc()).options(_lines_only())
    for part in session.scalars(wanted.execution_options(yield_per=size)).partitions(size):
        yield list(part)


def sums(session: Session, search: Search, partner_id: int | None) -> list[Sum]:
    """The sums of all that the search finds, by state and currency. One query."""
    rows = session.execute(
        select(Attempt.state, Attempt.currency, func.count(), func.sum(Attempt.amount_cents))
        .where(*_conditions(search, partner_id), Attempt.parent_id.is_(None)).group_by(Attempt.state, Attempt.currency))
    found = [Sum(State(state), count, Money(int(cents), currency)) for state, currency, count, cents in rows]
    return sorted(found, key=lambda one: (one.amount.currency, _ORDER.index(one.state)))


def _lines_only() -> ORMOption:
    """The lines of all attempts in one query more, and nothing behind them."""
    return selectinload(Attempt.lines).options(lazyload(Line.keys), lazyload(Line.attempt))


def _conditions(search: Search, partner_id: int | None) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = []
    if partner_id is not None:
        wanted.append(Attempt.partner_id == partner_id)
    if search.text:
        wanted.append(or_(*_ways(search)))
    if search.state:
        wanted.append(Attempt.state == search.state)
    if search.door:
        wanted.append(Attempt.door == search.door)
    if search.first:
        wanted.append(Attempt.created_at >= _midnight(search.first))
    if search.last:
        wanted.append(Attempt.created_at < _midnight(search.last + timedelta(days=1)))
    return wanted


def _ways(search: Search) -> list[ColumnElement[bool]]:
    """All that the text may mean."""
    ways: list[ColumnElement[bool]] = [Attempt.transaction_id == search.text.upper(), Attempt.lines.any(Line.number == search.text)]
    if search.text.isascii() and search.text.isdigit() and int(search.text) <= _LARGEST_ID:
        ways.append(Attempt.customer_id == int(search.text))
        if len(search.text) == _FOUR:
            ways.append(Attempt.last_four == search.text)
    if (cents := _cents(search.text)) is not None:
        ways.append(Attempt.amount_cents == cents)
        ways.append(Attempt.amount_cents - Attempt.fee_cents == cents)
    if search.customers:
        ways.append(Attempt.customer_id.in_(search.customers))
    return ways


def _cents(text: str) -> int | None:
    """What is written with decimals, in cents; with or without a dollar sign and commas."""
    found = re.fullmatch(r"\$? ?([0-9]{1,3}(?:,[0-9]{3}){1,2}|[0-9]{1,7})[.,]([0-9]{2})", text, re.ASCII)
    return None if found is None else int(found[1].replace(",", "") + found[2])


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _midnight(day: date) -> datetime:
    """Where the server stands, as the pages show times."""
    return datetime.combine(day, time()).astimezone().astimezone(UTC)
