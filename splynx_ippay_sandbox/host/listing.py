"""What the admin's lists show: filters, pages of rows, and one line for each document."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from splynx_ippay_sandbox.host import points
from splynx_ippay_sandbox.host.fields import ZERO_DATE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from splynx_ippay_sandbox.host.state import HostState
    from splynx_ippay_sandbox.host.table import Row

PAGE = 100
_PERIOD = re.compile(r"(\d{4}-\d\d-\d\d) - (\d{4}-\d\d-\d\d)\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of rows, with the addresses of its neighbours."""

    rows: list[Row]
    total: int
    number: int
    pages: int
    earlier: str
    later: str


def page_of(rows: Sequence[Row], args: Mapping[str, str]) -> Page:
    """Cut the asked page (``page=1`` is the first) of 100 rows."""
    pages = max(1, -(-len(rows) // PAGE))
    asked = args.get("page", "1")
    number = min(max(int(asked), 1), pages) if asked.isascii() and asked.isdigit() else 1

    def address(other: int) -> str:
        return f"?{urlencode({**args, 'page': other})}" if 1 <= other <= pages else ""

    first = (number - 1) * PAGE
    return Page(list(rows[first:first + PAGE]), len(rows), number, pages, address(number - 1), address(number + 1))


@dataclass(frozen=True, slots=True)
class InvoiceFilter:
    """The filters above Finance / Invoices."""

    number: str = ""
    start: str = ""
    end: str = ""
    partner: str = ""
    status: str = ""

    @classmethod
    def of(cls, args: Mapping[str, str]) -> InvoiceFilter:
        """Read them from the query string; what is malformed filters nothing."""
        period = _PERIOD.match(args.get("period", ""))
        return cls(
            number=args.get("number", "").strip(), start=period[1] if period else "", end=period[2] if period else "",
            partner=args.get("partner", ""), status=args.get("status", ""),
        )

    @property
    def period(self) -> str:
        """The period as the page writes it."""
        return f"{self.start} - {self.end}" if self.start else ""

    @property
    def address(self) -> str:
        """The filters as a query string."""
        pairs = {"number": self.number, "period": self.period, "partner": self.partner, "status": self.status}
        return urlencode({name: value for name, value in pairs.items() if value})

    def matching(self, state: HostState) -> list[Row]:
        """Return the invoices these filters accept, newest first."""
        rows = state.invoices.where(status=self.status) if self.status else state.invoices.where(deleted="0")
        return [row for row in reversed(rows) if self._accepts(state, row)]

    def _accepts(self, state: HostState, row: Row) -> bool:
        in_period = not self.start or self.start <= str(row["date_created"]) <= self.end
        of_partner = not self.partner or str(state.customers.rows[row["customer_id"]]["partner_id"]) == self.partner
        return in_period and of_partner and self.number in row["number"]


def status_of(row: Row, today: str) -> str:
    """Return the state a person reads: the stored one, refined by what is due and when."""
    if row["status"] != "not_paid":
        return {"paid": "Paid", "pending": "Pending", "deleted": "Deleted"}[row["status"]]
    due = row["due"] if "due" in row else row["total"]
    if 0 < due < row["total"]:
        return "Partially paid"
    return "Overdue" if ZERO_DATE < row["date_till"] < today else "Unpaid"


def invoice_line(state: HostState, row: Row) -> dict[str, Any]:
    """Return an invoice as a line of a list, with the icons of add-ons."""
    customer = state.customers.rows[row["customer_id"]]
    payment = state.payments.find(row["payment_id"])
    return {
        "row": row, "customer": customer, "kind": "Recurring invoice" if row["type"] == "recurring" else "One-time invoice",
        "status": status_of(row, state.today()), "paid_by": state.methods.rows[payment["payment_type"]]["name"] if payment else "",
        "links": points.action_links(state, "admin", "Invoices", row["number"], customer["partner_id"]), "due": row["due"],
    }


def request_line(state: HostState, row: Row) -> dict[str, Any]:
    """Return a proforma as a line of a list."""
    customer = state.customers.rows[row["customer_id"]]
    return {
        "row": row, "customer": customer, "kind": "Proforma invoice", "status": status_of(row, state.today()), "paid_by": "",
        "links": points.action_links(state, "admin", "Requests", row["number"], customer["partner_id"]), "due": None,
    }


def documents_of(state: HostState, customer: Row) -> list[dict[str, Any]]:
    """Return a customer's finance documents, newest first."""
    lines = [invoice_line(state, row) for row in state.invoices.where(customer_id=customer["id"])]
    lines += [request_line(state, row) for row in state.requests.where(customer_id=customer["id"], deleted="0")]
    return sorted(lines, key=lambda line: (line["row"]["date_created"], line["row"]["id"]), reverse=True)


def statement_line(state: HostState, row: Row) -> dict[str, Any]:
    """Return a bank statement with the counts of its records."""
    records = state.records.where(bank_statements_process_id=row["id"])
    return {
        "row": row, "records": len(records), "processed": sum(record["status"] == "processed" for record in records),
        "errors": sum(record["status"] == "error" for record in records),
    }


def record_line(state: HostState, record: Row) -> dict[str, Any]:
    """Return a statement record with its customer and invoice, from the record or from its payment."""
    payment = state.payments.find(record["payment_id"])
    invoice_id = record["invoice_id"] or (payment["invoice_id"] if payment else None)
    return {
        "row": record, "payment": payment, "invoice": state.invoices.find(invoice_id),
        "customer": state.customers.find(record["customer_id"]),
    }
