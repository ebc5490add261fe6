"""The plan of a Charge: every invoice with what will happen to it and why, kept before a person confirms it.

Reads the host page by page and holds little more than a page, asks for customers 80 at a time and once each, and
looks up its own rows batch by batch. Must never charge: that is ``runs.work``, and it does this plan only.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import case, delete, func, insert, select, update

from splynx_ippay.base import clock
from splynx_ippay.base.errors import BadInput
from splynx_ippay.runs.facts import look_up
from splynx_ippay.runs.filters import Filters, Payer
from splynx_ippay.runs.judging import Rules, chargeable
from splynx_ippay.runs.models import ItemState, Run, RunItem, RunState
from splynx_ippay.runs.reasons import REASONS

if TYPE_CHECKING:
    from typing import Any

    from sqlalchemy.orm import Session

    from splynx_ippay.payments.core import Core
    from splynx_ippay.splynx.resources import Host, Invoice

__all__ = ["REASONS", "Filters", "discard", "hash_of", "plan", "sweep"]

PAGE = 500
CUSTOMERS_A_CALL = 80
_ABANDONED_AFTER = timedelta(hours=2)
_HASHED = (RunItem.invoice_id, RunItem.customer_id, RunItem.partner_id, RunItem.method_id, RunItem.amount_cents,
           RunItem.currency, RunItem.reason)


def plan(core: Core, filters: Filters, created_by: str) -> Run:
    """Read the invoices of the filters and keep what a Charge would do with each. Money does not move.

    Raises ConfigError, HostUnavailable and HostRejected; then nothing is kept.
    """
    rules = Rules(core.settings)
    run = Run(state=RunState.PLANNING, created_by=created_by[:80], created_at=clock.now(), filters=filters.data(),
              currency=rules.currency)
    core.database.run(lambda session: session.add(run))
    planner = _Planner(core, core.host, filters, rules, run.id)
    try:
        for page in core.host.invoice_pages(filters.of_invoices(), rules.currency, PAGE):
            planner.take([invoice for invoice in page if filters.admits_invoice(invoice)])
        planner.finish()
        return core.database.run(planner.close)
    except BaseException:
        core.database.run(lambda session: _forget(session, run.id))
        raise


def hash_of(session: Session, run_id: int) -> str:
    """The hash over all items of a plan in order of invoice: what a person confirms is exactly this."""
    digest = hashlib.sha256()
    rows = session.execute(select(*_HASHED).where(RunItem.run_id == run_id).order_by(RunItem.invoice_id)
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


@dataclass
class _Planner:
    """Works through pages: invoices wait until 80 unknown customers fill a call, then go to the table in bulk."""

    core: Core
    host: Host
    filters: Filters
    rules: Rules
    run_id: int
    payers: dict[int, Payer | None] = field(default_factory=dict)
    waiting: list[Invoice] = field(default_factory=list)

    def take(self, page: list[Invoice]) -> None:
        """Plan a page as far as the customers are known at full calls."""
        self.waiting += page
        unknown = sorted({invoice.customer_id for invoice in self.waiting} - self.payers.keys())
        whole = len(unknown) - len(unknown) % CUSTOMERS_A_CALL
        self._ask(unknown[:whole])
        known = [invoice for invoice in self.waiting if invoice.customer_id in self.payers]
        self.waiting = [invoice for invoice in self.waiting if invoice.customer_id not in self.payers]
        self._keep(known)

    def finish(self) -> None:
        """Plan what still waits."""
        self._ask(sorted({invoice.customer_id for invoice in self.waiting} - self.payers.keys()))
        rest, self.waiting = self.waiting, []
        self._keep(rest)

    def close(self, session: Session) -> Run:
        """Count, hash and show the plan."""
        run = session.get_one(Run, self.run_id)
        ready = RunItem.state == ItemState.READY
        found = session.execute(select(
            func.count(), func.count(case((ready, 1))), func.coalesce(func.sum(case((ready, RunItem.amount_cents))), 0),
            func.coalesce(func.sum(RunItem.amount_cents), 0), func.coalesce(func.sum(RunItem.total_cents), 0),
        ).where(RunItem.run_id == self.run_id)).one()
        run.item_count, run.ready_count, run.ready_cents, run.due_cents, run.total_cents = map(int, found)
        run.plan_hash, run.state = hash_of(session, self.run_id), RunState.PREVIEWED
        return run

    def _ask(self, ids: list[int]) -> None:
        for start in range(0, len(ids), CUSTOMERS_A_CALL):
            part = ids[start:start + CUSTOMERS_A_CALL]
            found = self.host.customers(part)
            self.payers.update((i, Payer.of(found[i]) if i in found else None) for i in part)

    def _keep(self, invoices: list[Invoice]) -> None:
        wanted = [invoice for invoice in invoices if self._is_asked_for(self.payers[invoice.customer_id])]
        for start in range(0, len(wanted), PAGE):
            rows = self._rows(wanted[start:start + PAGE])
            if rows:
                self.core.database.run(lambda session, rows=rows: session.execute(insert(RunItem), rows))  # type: ignore[misc]  # a lambda's default cannot be typed

    def _is_asked_for(self, payer: Payer | None) -> bool:
        if payer is None:
            return not self.filters.partner_ids and self.filters.location_id is None
        return self.filters.admits_customer(payer.partner_id, payer.location_id)

    def _rows(self, batch: list[Invoice]) -> list[dict[str, Any]]:
        with self.core.database.read() as session:
            facts = look_up(session, [i.id for i in batch], {i.customer_id for i in batch})
        rows = []
        for invoice in batch:
            method = facts.methods.get(invoice.customer_id)
            if self.filters.admits_method(method.instrument if method else ""):
                payer = self.payers[invoice.customer_id]
                reason, detail = self.rules.objection(invoice, payer, facts)
                rows.append(self._row(invoice, payer, reason, detail) | ({} if reason else {
                    "amount_cents": chargeable(invoice, facts).cents}) | {
                    "method_id": method.id if method else None, "method_label": method.label[:40] if method else ""})
        return rows

    def _row(self, invoice: Invoice, payer: Payer | None, reason: str, detail: str) -> dict[str, Any]:
        return {
            "run_id": self.run_id, "invoice_id": invoice.id, "number": invoice.number[:40],
            "customer_id": invoice.customer_id, "customer_name": payer.name if payer else "",
            "partner_id": payer.partner_id if payer else 0, "total_cents": invoice.total.cents,
            "amount_cents": max(0, invoice.due.cents), "currency": invoice.due.currency,
            "state": ItemState.SKIP if reason else ItemState.READY, "reason": reason, "detail": detail[:200],
        }
