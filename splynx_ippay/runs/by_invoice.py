"""Planning a Charge of open invoices: reads the host page by page and holds little more than a page.

Asks for customers 80 at a time and once each, looks up our own rows batch by batch. Must never charge.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import insert

from splynx_ippay.runs.facts import look_up
from splynx_ippay.runs.filters import Payer
from splynx_ippay.runs.judging import chargeable
from splynx_ippay.runs.models import ItemState, RunItem

if TYPE_CHECKING:
    from typing import Any

    from splynx_ippay.payments.core import Core
    from splynx_ippay.runs.filters import Filters
    from splynx_ippay.runs.judging import Rules
    from splynx_ippay.splynx.resources import Host, Invoice

PAGE = 500
CUSTOMERS_A_CALL = 80


def count_older(host: Host, filters: Filters, currency: str) -> int | None:
    """How many open invoices from before the period the filters leave out, at one call at most; None: not asked.

    Not asked where the answer would need more: partner, location and method are the customer's.
    """
    if (filters.period_from is None or filters.partner_ids or filters.location_id is not None or filters.numbers
            or filters.payment_type != "any" or filters.status == "partial" or len(filters.customer_ids) > CUSTOMERS_A_CALL):
        return None
    older = replace(filters, period_from=None, period_to=filters.period_from - timedelta(days=1))
    return host.count_invoices(older.of_invoices(), currency)


@dataclass
class InvoicePlanner:
    """Works through pages: invoices wait until 80 unknown customers fill a call, then go to the table in bulk."""

    core: Core
    host: Host
    filters: Filters
    rules: Rules
    run_id: int
    payers: dict[int, Payer | None] = field(default_factory=dict)
    waiting: list[Invoice] = field(default_factory=list)

    def work(self) -> None:
        """Plan every invoice of the filters. Raises HostUnavailable and HostRejected."""
        for page in self.host.invoice_pages(self.filters.of_invoices(), self.rules.currency, PAGE):
            self.take([invoice for invoice in page if self.filters.admits_invoice(invoice)])
        self.finish()

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

    def _ask(self, ids: list[int]) -> None:
        for start in range(0, len(ids), CUSTOMERS_A_CALL):
            part = ids[start:start + CUSTOMERS_A_CALL]
            found = self.host.customers(part)
            self.payers.update((i, Payer.of(found[i]) if i in found else None) for i in part)

    def _keep(self, invoices: list[Invoice]) -> None:
        wanted = [invoice for invoice in invoices if self.filters.admits_payer(self.payers[invoice.customer_id])]
        for start in range(0, len(wanted), PAGE):
            rows = self._rows(wanted[start:start + PAGE])
            if rows:
                self.core.database.run(lambda session, rows=rows: session.execute(insert(RunItem), rows))  # type: ignore[misc]  # a lambda's default cannot be typed

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
                    "amount_cents": chargeable(invoice, facts).cents})
                    | self.rules.methods_of(invoice.customer_id, payer, facts, is_charged=not reason))
        return rows

    def _row(self, invoice: Invoice, payer: Payer | None, reason: str, detail: str) -> dict[str, Any]:
        return {
            "run_id": self.run_id, "document": "invoice", "document_id": invoice.id, "number": invoice.number[:40],
            "customer_id": invoice.customer_id, "customer_name": payer.name if payer else "",
            "partner_id": payer.partner_id if payer else 0, "total_cents": invoice.total.cents,
            "amount_cents": max(0, invoice.due.cents), "currency": invoice.due.currency,
            "state": ItemState.SKIP if reason else ItemState.READY, "reason": reason, "detail": detail[:200],
        }
