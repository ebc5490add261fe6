"""Failed payments that are still open: the newest refusal or return of each debt that nothing of ours has paid since.

One query a page. Must never say that a debt is open or paid in Splynx: that is the host's to say (admin/failed.py and debts.py ask it).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import exists, func, select
from sqlalchemy.orm import aliased, lazyload

from splynx_ippay.payments.due import HOLDS_MONEY
from splynx_ippay.payments.models import Attempt, Door, Line, State
from splynx_ippay.runs.models import ItemState, Run, RunItem, RunState

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import datetime

    from sqlalchemy import Select
    from sqlalchemy.orm import Session

PAGE = 50
FAILED = (State.DECLINED, State.RETURNED)
DEBTS = ("invoice", "proforma", "balance")  # what somebody owes; money added is only offered


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


def named(session: Session, line_ids: Collection[int], *, since: datetime, partner_id: int | None) -> list[Failure]:
    """Those of the lines that are failures still; the others were paid, or have failed again since."""
    return [Failure(*row) for row in session.execute(_select(since, partner_id).where(Line.id.in_(line_ids)))]


def of_attempt(session: Session, attempt: Attempt) -> list[Line]:
    """The lines of a failed attempt that are failures still."""
    return [line for _, line, _ in session.execute(_select(attempt.created_at, None).where(Attempt.id == attempt.id))]


def of_runs(session: Session, *, since: datetime, limit: int) -> list[Failure]:
    """What a Charge tried and nobody saw fail, oldest first: a newer failure at a page takes its place.

    Without those whose backup method is about to have its turn.
    """
    second = aliased(RunItem)
    has_backup = exists(
        select(RunItem.id).join(Run, Run.id == RunItem.run_id)
        .join(second, (second.run_id == RunItem.run_id) & (second.document == RunItem.document)
              & (second.document_id == RunItem.document_id))
        .where(RunItem.attempt_id == Attempt.id, RunItem.state == ItemState.REPLACED, second.state == ItemState.READY,
               Run.state == RunState.RUNNING))
    wanted = (_select(since, None).where(Attempt.door == Door.RUN, Attempt.state == State.DECLINED, ~has_backup)
              .order_by(None).order_by(Attempt.id).limit(limit))
    return [Failure(*row) for row in session.execute(wanted)]


def _select(since: datetime, partner_id: int | None) -> Select[tuple[Attempt, Line, int]]:
    debt = func.coalesce(Line.document_id, -Attempt.customer_id)
    last = (select(Line.document, debt.label("debt"), func.max(Attempt.id).label("attempt_id"), func.count().label("tries"))
            .join(Attempt, Attempt.id == Line.attempt_id)
            .where(Attempt.state.in_(FAILED), Attempt.parent_id.is_(None), Line.document.in_(DEBTS),
                   Attempt.created_at >= since, *([Attempt.partner_id == partner_id] if partner_id is not None else []))
            .group_by(Line.document, debt).subquery())
    other, paying = aliased(Line), aliased(Attempt)
    since_then = select(other.id).join(paying, paying.id == other.attempt_id).where(
        paying.state.in_(HOLDS_MONEY), paying.id > Attempt.id)
    paid = exists(since_then.where(other.document == Line.document, other.document_id == Line.document_id))
    # Whatever is paid lowers a balance; what is left is for the next Charge.
    balance_paid = exists(since_then.where(Line.document_id.is_(None), paying.customer_id == Attempt.customer_id))
    return (select(Attempt, Line, last.c.tries).join(last, last.c.attempt_id == Attempt.id)
            .join(Line, (Line.attempt_id == Attempt.id) & (Line.document == last.c.document) & (debt == last.c.debt))
            .where(~paid, ~balance_paid).order_by(Attempt.id.desc(), Line.position)
            .options(lazyload(Attempt.lines), lazyload(Line.attempt), lazyload(Line.keys)))
