"""Reading many invoices: the filter of a Charge run, and pages that neither miss nor repeat one while others are paid.

Must never hold more than a page, and never trust the host to have applied a filter.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from splynx_ippay.base.errors import HostUnavailable
from splynx_ippay.splynx.records import Invoice

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from decimal import Decimal

    from splynx_ippay.splynx.client import SplynxClient

_T = TypeVar("_T")

_COMPARE = {"=": operator.eq, ">": operator.gt, "<": operator.lt, ">=": operator.ge, "<=": operator.le}
_MAX_VALUES = 80
# A page shorter than asked by such a step may be the server's own limit, not the end.
_ROUND = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceFilter:
    """The filters of the host's Charge dialog. Empty and None: no condition.

    The period is on ``date_created``, both ends included. ``status`` holds stored ones (not_paid, pending, ...).
    The partner belongs to the customer: whoever reads the customers applies it. ``total`` is in the
    currency's main unit.
    """

    period_from: date | None = None
    period_to: date | None = None
    partner_ids: tuple[int, ...] = ()
    status: tuple[str, ...] = ()
    total_operator: str = ""
    total: Decimal | None = None
    customer_ids: tuple[int, ...] = ()
    numbers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.total is not None and self.total_operator not in _COMPARE:
            raise ValueError(f"not an operator for the total: {self.total_operator!r}")

    def conditions(self) -> dict[str, object]:
        """Return what the host is asked to filter by; the lists must be of a length for one call."""
        found: dict[str, object] = {}
        first, last = self.period_from, self.period_to
        if first and last:
            found["date_created"] = ["BETWEEN", first.isoformat(), last.isoformat()]
        elif first or last:
            found["date_created"] = [">=" if first else "<=", str(first or last)]
        if self.status:
            found["status"] = self.status[0] if len(self.status) == 1 else ["IN", list(self.status)]
        if self.total is not None:
            found["total"] = [self.total_operator, format(self.total, "f")]
        if self.customer_ids:
            found["customer_id"] = ["IN", list(self.customer_ids)]
        if self.numbers:
            found["number"] = ["IN", list(self.numbers)]
        return found

    def admits(self, invoice: Invoice) -> bool:
        """Tell whether the invoice meets every condition but the partner."""
        made = invoice.date_created
        return not (
            (self.period_from and (made is None or made < self.period_from))
            or (self.period_to and (made is None or made > self.period_to))
            or (self.status and invoice.status not in self.status)
            or (self.total is not None and not _COMPARE[self.total_operator](invoice.total.decimal(), self.total))
            or (self.customer_ids and invoice.customer_id not in self.customer_ids)
            or (self.numbers and invoice.number not in self.numbers))


def invoice_pages(client: SplynxClient, path: str, filters: InvoiceFilter, currency: str,
                  page_size: int) -> Iterator[list[Invoice]]:
    """Yield the invoices of a filter in order of id, at most ``page_size`` at a time, at one call a page.

    Long lists of customers or numbers are asked for in parts; the order then holds within a part.
    """
    for customer_ids in _parts(filters.customer_ids):
        for numbers in _parts(filters.numbers):
            part = replace(filters, customer_ids=customer_ids, numbers=numbers)
            for page in _read(client, path, part.conditions(), currency, page_size):
                kept = [invoice for invoice in page if part.admits(invoice)]
                if kept:
                    yield kept


def count_invoices(client: SplynxClient, path: str, filters: InvoiceFilter, currency: str, page_size: int = 500) -> int:
    """Count the invoices of a filter, one call: the rows themselves, or what the host says where they fill the page.

    A host that ignores the filter sends rows that do not fit; then only those that do are counted.
    """
    rows, total = client.get_page(path, {"main_attributes": filters.conditions(), "order": {"id": "ASC"}, "limit": page_size})
    fit = sum(filters.admits(Invoice.read(row, currency)) for row in rows)
    is_full = bool(rows) and (len(rows) >= page_size or len(rows) % _ROUND == 0)
    return max(fit, total or 0) if is_full and fit == len(rows) else fit


def _parts(values: tuple[_T, ...]) -> list[tuple[_T, ...]]:
    unique = tuple(dict.fromkeys(values))
    return [unique[start:start + _MAX_VALUES] for start in range(0, len(unique), _MAX_VALUES)] or [()]


def _read(client: SplynxClient, path: str, conditions: dict[str, object], currency: str,
          page_size: int) -> Iterator[list[Invoice]]:
    """Walk by id, not by offset: invoices paid meanwhile leave the filter and would shift the pages."""
    last, counts_all = 0, False
    while True:
        wanted = {**conditions, "id": [">", last]} if last else conditions
        rows, total = client.get_page(
            path, {"main_attributes": wanted, "order": {"id": "ASC"}, "limit": page_size})
        page = [Invoice.read(row, currency) for row in rows]
        for invoice in page:
            if invoice.id <= last:
                raise HostUnavailable("Splynx does not sort or filter invoices by id; nothing was left out silently.")
            last = invoice.id
        if page:
            yield page
        # X-total-count is believed once it has told more than a page holds; else it might count the page itself.
        counts_all = counts_all or (total is not None and total > len(page))
        if _is_last(len(page), page_size, total, counts_all=counts_all):
            return


def _is_last(count: int, page_size: int, total: int | None, *, counts_all: bool) -> bool:
    if not count:
        return True
    if total is None:
        return count < page_size and count % _ROUND != 0
    return total <= count and (counts_all or count < page_size)
