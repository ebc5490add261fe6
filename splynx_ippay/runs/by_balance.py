"""Planning a Charge of outstanding balances: whom to look up, what they owe, and how much of it open invoices are.

The host shows balances one customer a call, so only customers with a saved method are looked up, or those the person
named; a few at a time. Must never charge.
"""

from __future__ import annotations

import operator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import insert, select

from splynx_ippay.base.errors import HostRejected
from splynx_ippay.credentials import Method
from splynx_ippay.payments import balance
from splynx_ippay.runs.facts import look_up_accounts
from splynx_ippay.runs.filters import Payer
from splynx_ippay.runs.judging import Account, chargeable_balance
from splynx_ippay.runs.models import ItemState, RunItem
from splynx_ippay.splynx.resources import NOT_PAID, PENDING, InvoiceFilter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from splynx_ippay.base.money import Money
    from splynx_ippay.payments.core import Core
    from splynx_ippay.runs.facts import Facts
    from splynx_ippay.runs.filters import Filters
    from splynx_ippay.runs.judging import Rules
    from splynx_ippay.splynx.resources import Host, Invoice

CUSTOMERS_A_CALL = 80
ACCOUNTS_AT_ONCE = 8
_NOT_FOUND = 404
_COMPARE = {">": operator.gt, "<": operator.lt, "=": operator.eq}


@dataclass
class BalancePlanner:
    """Works through customers 80 at a time: for each 80 two calls and a few pages of invoices, for each customer one."""

    core: Core
    host: Host
    filters: Filters
    rules: Rules
    run_id: int

    def work(self) -> None:
        """Plan every customer of the filters. Raises HostUnavailable and HostRejected."""
        with ThreadPoolExecutor(ACCOUNTS_AT_ONCE, thread_name_prefix="accounts") as pool:
            for ids in self._customers():
                self._plan(ids, pool)

    def _customers(self) -> Iterator[list[int]]:
        """Those the person named, else whoever has saved a method; in order of id."""
        if self.filters.customer_ids:
            named = sorted(set(self.filters.customer_ids))
            yield from (named[start:start + CUSTOMERS_A_CALL] for start in range(0, len(named), CUSTOMERS_A_CALL))
            return
        last = 0
        while True:
            with self.core.database.read() as session:
                ids = list(session.scalars(
                    select(Method.customer_id).where(Method.customer_id > last, Method.status != "removed")
                    .distinct().order_by(Method.customer_id).limit(CUSTOMERS_A_CALL)))
            if not ids:
                return
            yield ids
            last = ids[-1]

    def _plan(self, ids: list[int], pool: ThreadPoolExecutor) -> None:
        with self.core.database.read() as session:
            facts = look_up_accounts(session, ids)
        payers = self._payers([i for i in ids if self._pays_as_asked(i, facts)])
        living = [i for i, payer in payers.items() if payer is not None]
        # Only now: what was taken off the balance as not shown yet may be shown by then, never the other way round.
        owed = dict(zip(living, pool.map(self._read_owed, living), strict=True))
        invoices = self._open_invoices(living)
        rows = []
        for customer_id, payer in payers.items():
            debt = owed.get(customer_id)
            account = None if debt is None else Account.of(customer_id, debt, invoices.get(customer_id, []))
            if self._is_of_that_size(account):
                rows.append(self._row(customer_id, payer, account, facts))
        if rows:
            self.core.database.run(lambda session: session.execute(insert(RunItem), rows))

    def _pays_as_asked(self, customer_id: int, facts: Facts) -> bool:
        method = facts.methods.get(customer_id)
        return self.filters.admits_method(method.instrument if method else "")

    def _payers(self, ids: list[int]) -> dict[int, Payer | None]:
        """Those the filters ask for, in order; None: the host does not know the customer any more."""
        found = self.host.customers(ids)
        payers = {i: Payer.of(found[i]) if i in found else None for i in ids}
        return {i: payer for i, payer in payers.items() if self.filters.admits_payer(payer)}

    def _read_owed(self, customer_id: int) -> Money | None:
        """What the host shows as owed; None when the customer went meanwhile."""
        try:
            return balance.read_owed(self.core, customer_id, self.rules.currency)
        except HostRejected as error:
            if error.status != _NOT_FOUND:
                raise
            return None

    def _open_invoices(self, ids: list[int]) -> dict[int, list[Invoice]]:
        found: dict[int, list[Invoice]] = {}
        if ids:
            wanted = InvoiceFilter(status=(NOT_PAID, PENDING), customer_ids=tuple(ids))
            for page in self.host.invoice_pages(wanted, self.rules.currency):
                for invoice in page:
                    if invoice.due and not invoice.deleted:
                        found.setdefault(invoice.customer_id, []).append(invoice)
        return found

    def _is_of_that_size(self, account: Account | None) -> bool:
        total = self.filters.total
        return total is None or (account is not None and _COMPARE[self.filters.total_operator](account.owed.decimal(), total))

    def _row(self, customer_id: int, payer: Payer | None, account: Account | None, facts: Facts) -> dict[str, Any]:
        reason, detail = self.rules.objection_to_balance(account, payer, facts)
        owed = account.owed.cents if account else 0
        amount = chargeable_balance(account, facts).cents if account and not reason else owed
        return {
            "run_id": self.run_id, "document": balance.DOCUMENT, "document_id": customer_id, "number": "",
            "customer_id": customer_id, "customer_name": payer.name if payer else "",
            "partner_id": payer.partner_id if payer else 0, "total_cents": owed,
            "open_cents": account.open_due.cents if account else 0, "amount_cents": amount, "currency": self.rules.currency,
            "state": ItemState.SKIP if reason else ItemState.READY, "reason": reason, "detail": detail[:200],
            **self.rules.methods_of(customer_id, payer, facts, is_charged=not reason),
        }
