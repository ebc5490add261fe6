"""Failed payments that are still open: the newest refusal or return of each debt that nothing of ours has paid since.

One query a page. Must never say that a debt is open or paid in Splynx: that is the host's to say (failed.py asks it).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import exists, func, select
from sqlalchemy.orm import aliased, lazyload

from splynx_ippay.payments.due import HOLDS_MONEY
from splynx_ippay.payments.models import Attempt, Line, State

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy import Select
    from sqlalchemy.orm import Session

PAGE = 50
FAILED = (State.DECLINED, State.RETURNED)


class Failure(NamedTuple):
    """The newest failed attempt of a debt, its line for it, and how often it was tried."""

    attempt: Attempt
    line: Line
    tries: int


def page_of(session: Session, *, since: datetime, partner_id: int | None, page: int = 1) -> tuple[list[Failure], bool]:
    """One page, newest first, and whether another follows."""
    found = session.execute(_select(since, partner_id).offset((page - 1) * PAGE).limit(PAGE + 1)).all()
    return [Failure(*row) for row in found[:PAGE]], len(found) > PAGE


def batches(session: Session, *, since: datetime, partner_id: int | None, size: int) -> Iterator[list[Failure]]:
    """All of them, ``size`` at a time."""
    for part in session.execute(_select(since, partner_id).execution_options(yield_per=size)).partitions(size):
        yield [Failure(*row) for row in part]


def _select(since: datetime, partner_id: int | None) -> Select[tuple[Attempt, Line, int]]:
    last = (select(Line.document, Line.document_id, func.max(Attempt.id).label("attempt_id"), func.count().label("tries"))
            .join(Attempt, Attempt.id == Line.attempt_id)
            .where(Attempt.state.in_(FAILED), Attempt.parent_id.is_(None), Line.document_id.is_not(None),
                   Attempt.created_at >= since, *([Attempt.partner_id == partner_id] if partner_id is not None else []))
            .group_by(Line.document, Line.document_id).subquery())
    other, paying = aliased(Line), aliased(Attempt)
    paid_since = exists(select(other.id).join(paying, paying.id == other.attempt_id).where(
        other.document == last.c.document, other.document_id == last.c.document_id, paying.state.in_(HOLDS_MONEY),
        paying.id > last.c.attempt_id))
    return (select(Attempt, Line, last.c.tries).join(last, last.c.attempt_id == Attempt.id)
            .join(Line, (Line.attempt_id == Attempt.id) & (Line.document == last.c.document)
                  & (Line.document_id == last.c.document_id))
            .where(~paid_since).order_by(Attempt.id.desc(), Line.position)
            .options(lazyload(Attempt.lines), lazyload(Line.attempt), lazyload(Line.keys)))
