"""The plan of a Charge: every invoice or balance with what will happen to it and why, kept before a person confirms it.

Which debts there are is found in ``by_invoice`` and ``by_balance``. Must never charge: that is ``runs.work``, and it
does this plan only.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import case, delete, func, select, update

from splynx_ippay.base import clock
from splynx_ippay.base.errors import BadInput
from splynx_ippay.runs.by_balance import BalancePlanner
from splynx_ippay.runs.by_invoice import PAGE, InvoicePlanner, count_older
from splynx_ippay.runs.filters import Filters
from splynx_ippay.runs.judging import Rules
from splynx_ippay.runs.models import ItemState, Mode, Run, RunItem, RunState
from splynx_ippay.runs.reasons import REASONS

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from splynx_ippay.payments.core import Core

__all__ = ["REASONS", "Filters", "discard", "hash_of", "plan", "sweep"]

_ABANDONED_AFTER = timedelta(hours=2)
_HASHED = (RunItem.document, RunItem.document_id, RunItem.customer_id, RunItem.partner_id, RunItem.method_id, RunItem.amount_cents,
           RunItem.currency, RunItem.reason, RunItem.backup_method_id)


def plan(core: Core, filters: Filters, created_by: str, mode: Mode = Mode.INVOICES) -> Run:
    """Read the invoices of the filters, or the balances of their customers, and keep what a Charge would do with each. Money does not move.

    Raises ConfigError, HostUnavailable and HostRejected; then nothing is kept.
    """
    rules = Rules(core.settings)
    run = Run(mode=mode, state=RunState.PLANNING, created_by=created_by[:80], created_at=clock.now(), filters=filters.data(),
              currency=rules.currency)
    core.database.run(lambda session: session.add(run))
    older = None
    try:
        if mode == Mode.BALANCES:
            BalancePlanner(core, core.host, filters, rules, run.id).work()
        else:
            InvoicePlanner(core, core.host, filters, rules, run.id).work()
            older = count_older(core.host, filters, rules.currency)
        return core.database.run(lambda session: _close(session, run.id, older))
    except BaseException:
        core.database.run(lambda session: _forget(session, run.id))
        raise


def hash_of(session: Session, run_id: int) -> str:
    """The hash over all items of a plan in order of document: what a person confirms is exactly this."""
    digest = hashlib.sha256()
    rows = session.execute(select(*_HASHED).where(RunItem.run_id == run_id).order_by(RunItem.document_id)
                           .execution_options(yield_per=PAGE))
    for row in rows:
        digest.update(("|".join(map(str, row)) + "\n").encode())
    return digest.hexdigest()


def discard(core: Core, run_id: int) -> None:
    """Drop a preview that is not wanted; its items go. Raises BadInput when it was started meanwhile."""
    def work(session: Session) -> None:
        changed = session.execute(update(Run).where(Run.id == run_id, Run.state == RunState.PREVIEWED)
                                  .values(state=RunState.DISCARDED, finished_at=clock.now()))
        if changed.rowcount != 1:  # type: ignore[attr-defined]  # the result of an UPDATE has one
            raise BadInput("run", "This Charge was started or discarded meanwhile.")
        session.execute(delete(RunItem).where(RunItem.run_id == run_id))

    core.database.run(work)


def sweep(core: Core) -> None:
    """Drop plans whose process died while making them."""
    def work(session: Session) -> None:
        for run_id in session.scalars(select(Run.id).where(
                Run.state == RunState.PLANNING, Run.created_at < clock.now() - _ABANDONED_AFTER)).all():
            _forget(session, run_id)

    core.database.run(work)


def _forget(session: Session, run_id: int) -> None:
    session.execute(delete(RunItem).where(RunItem.run_id == run_id))
    session.execute(delete(Run).where(Run.id == run_id))


def _close(session: Session, run_id: int, older_count: int | None) -> Run:
    """Count, hash and show the plan."""
    run = session.get_one(Run, run_id)
    ready = RunItem.state == ItemState.READY
    found = session.execute(select(
        func.count(), func.count(case((ready, 1))), func.coalesce(func.sum(case((ready, RunItem.amount_cents))), 0),
        func.coalesce(func.sum(RunItem.amount_cents), 0), func.coalesce(func.sum(RunItem.total_cents), 0),
        func.coalesce(func.sum(RunItem.open_cents), 0),
    ).where(RunItem.run_id == run_id)).one()
    run.item_count, run.ready_count, run.ready_cents, run.due_cents, run.total_cents, run.open_cents = map(int, found)
    run.plan_hash, run.state, run.older_count = hash_of(session, run_id), RunState.PREVIEWED, older_count
    return run
