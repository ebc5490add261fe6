"""What staff choose in the Charge page: the filters of the host's own dialog. Owns their meaning and how a run keeps them.

Must never let a filter widen what may be charged: pending and paid invoices are listed at most, never charged.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from splynx_ippay.base import clock
from splynx_ippay.base.marks import N_
from splynx_ippay.splynx.resources import NOT_PAID, PENDING, InvoiceFilter

if TYPE_CHECKING:
    from splynx_ippay.splynx.resources import Customer, Invoice

# What the page offers; the words are msgids.
PAYMENT_TYPES = {"any": N_("Any"), "card": N_("Credit Card"), "bank": N_("Bank Account")}
STATUSES = {"unpaid": N_("Unpaid"), "overdue": N_("Overdue"), "partial": N_("Partially paid"),
            "open": N_("Unpaid and pending")}
TOTAL_OPERATORS = (">", "<", "=")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Empty and None: no condition. The period is on the document's date, both ends included."""

    period_from: date | None = None
    period_to: date | None = None
    partner_ids: tuple[int, ...] = ()
    location_id: int | None = None
    payment_type: str = "any"
    status: str = "unpaid"
    total_operator: str = ">"
    total: Decimal | None = None
    customer_ids: tuple[int, ...] = ()
    numbers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if (self.payment_type not in PAYMENT_TYPES or self.status not in STATUSES
                or self.total_operator not in TOTAL_OPERATORS):
            raise ValueError("not a filter of the Charge page")

    def data(self) -> dict[str, Any]:
        """As the run keeps it, in JSON."""
        return {key: value if isinstance(value, int) else [*value] if isinstance(value, tuple) else str(value)
                for key, value in asdict(self).items() if value not in (None, ())}

    @classmethod
    def read(cls, data: dict[str, Any]) -> Filters:
        """Back from what a run keeps."""
        values = dict(data)
        for key in ("period_from", "period_to"):
            if key in values:
                values[key] = date.fromisoformat(values[key])
        if "total" in values:
            values["total"] = Decimal(values["total"])
        for key in ("partner_ids", "customer_ids", "numbers"):
            values[key] = tuple(values.get(key, ()))
        return cls(**values)

    def of_invoices(self) -> InvoiceFilter:
        """The part that the host filters by."""
        return InvoiceFilter(
            period_from=self.period_from, period_to=self.period_to,
            status=(NOT_PAID, PENDING) if self.status == "open" else (NOT_PAID,),
            total_operator=self.total_operator if self.total is not None else "", total=self.total,
            customer_ids=self.customer_ids, numbers=self.numbers)

    def admits_invoice(self, invoice: Invoice) -> bool:
        """Whether an invoice is overdue or paid in part, where that was asked for. Days are those of UTC."""
        if self.status == "overdue":
            return invoice.date_till is not None and invoice.date_till < clock.now().date()
        if self.status == "partial":
            return 0 < invoice.due.cents < invoice.total.cents
        return True

    def admits_customer(self, partner_id: int, location_id: int) -> bool:
        """Whether the customer is of a partner and the location asked for."""
        return ((not self.partner_ids or partner_id in self.partner_ids)
                and self.location_id in {None, location_id})

    def admits_payer(self, payer: Payer | None) -> bool:
        """The same for a customer who may be gone: then nobody knows of which partner."""
        if payer is None:
            return not self.partner_ids and self.location_id is None
        return self.admits_customer(payer.partner_id, payer.location_id)

    def admits_method(self, instrument: str) -> bool:
        """Whether the customer pays as asked for; ``instrument`` is that of the default method, "" without one."""
        return self.payment_type in {"any", instrument}


@dataclass(frozen=True, slots=True)
class Payer:
    """What a plan remembers of a customer: little, since there may be many."""

    partner_id: int
    location_id: int
    name: str

    @classmethod
    def of(cls, customer: Customer) -> Payer:
        """Take it from the host's record."""
        return cls(customer.partner_id, customer.location_id, customer.name[:120])
