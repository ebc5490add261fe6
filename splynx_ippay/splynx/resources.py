"""What the add-on asks of the host, one method a question and one call a method unless its text says otherwise.

Owns paths and filters. Rows are compared on our side too, because a server that does not know a filter ignores it and
sends everything. Must never decide what an answer means for money: that is ``payments``.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, TypeVar

from splynx_ippay.base.errors import HostRejected, HostUnavailable
from splynx_ippay.splynx.attributes import INVOICES, PROFORMAS, Attributes
from splynx_ippay.splynx.invoices import InvoiceFilter, count_invoices, invoice_pages
from splynx_ippay.splynx.records import (
    DELETED,
    NOT_PAID,
    PAID,
    PENDING,
    Billing,
    Customer,
    Invoice,
    Named,
    Payment,
    PaymentDraft,
    Proforma,
    StatementRecord,
    read_new_id,
)
from splynx_ippay.splynx.statements import Statements
from splynx_ippay.splynx.transactions import Transactions
from splynx_ippay.splynx.values import unreadable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date

    from splynx_ippay.splynx.answers import Record

__all__ = [
    "DELETED", "NOT_PAID", "PAID", "PENDING", "Billing", "Customer", "Host", "Invoice", "InvoiceFilter", "Named",
    "Payment", "PaymentDraft", "Proforma", "StatementRecord",
]

CUSTOMERS = "admin/customers/customer"
BILLING = "admin/customers/customer-billing"
PAYMENT_ACCOUNTS = "admin/customers/customer-payment-accounts"
PAYMENTS = "admin/finance/payments"
PAYMENT_METHODS = "admin/finance/payment-methods"
PARTNERS = "admin/administration/partners"
LOCATIONS = "admin/administration/locations"

# A list of ids in a query: longer ones pass the URL length of common web servers.
MAX_IDS = 80
_MANY = 500
_FEW = 20
_IMPOSSIBLE = "splynx-ippay-proof-that-nothing-has-this-value"


class Host(Statements, Attributes, Transactions):
    """The host's records. Every method may raise HostUnavailable and HostRejected; get_x: 404 when there is none."""

    # -- people ----------------------------------------------------------------------------------------------------

    def get_customer(self, customer_id: int) -> Customer:
        """Read one customer."""
        return Customer.read(self._one(CUSTOMERS, customer_id))

    def customers(self, ids: Iterable[int]) -> dict[int, Customer]:
        """Read many customers, by id, at one call per 80; an id the host does not know is not in the result."""
        wanted = sorted(set(ids))
        found: dict[int, Customer] = {}
        for start in range(0, len(wanted), MAX_IDS):
            part = wanted[start:start + MAX_IDS]
            rows = self.client.get_rows(CUSTOMERS, {"main_attributes": {"id": ["IN", part]}, "limit": len(part)})
            asked = set(part)
            found.update((c.id, c) for c in map(Customer.read, rows) if c.id in asked)
        return found

    def customers_named(self, name: str, limit: int) -> list[Customer]:
        """Find at most ``limit`` customers whose name holds that text, the newest first, without regard to case and accents."""
        rows = self.client.get_rows(CUSTOMERS, {
            "main_attributes": {"name": ["LIKE", f"%{name}%"]}, "order": {"id": "DESC"}, "limit": limit})
        return [customer for customer in map(Customer.read, rows) if _plain(name) in _plain(customer.name)]

    def customer_billing(self, customer_id: int) -> Billing:
        """Read the customer's account: its balance and payment method."""
        billing = Billing.read(self.client.get(f"{BILLING}/{customer_id:d}"))
        if billing.customer_id != customer_id:
            raise unreadable("customer_id")
        return billing

    def partners(self) -> list[Named]:
        """Read all partners."""
        return self._named(PARTNERS)

    def locations(self) -> list[Named]:
        """Read all locations."""
        return self._named(LOCATIONS)

    def payment_methods(self) -> list[Named]:
        """Read the payment methods; their id is ``payment_type`` of a payment."""
        return self._named(PAYMENT_METHODS)

    # -- debts -----------------------------------------------------------------------------------------------------

    def get_invoice(self, invoice_id: int, currency: str) -> Invoice:
        """Read one invoice."""
        return Invoice.read(self._one(INVOICES, invoice_id), currency)

    def find_invoice_by_number(self, number: str, currency: str, customer_id: int | None = None) -> Invoice | None:
        """Find an invoice by its exact number, see ``_the_one``."""
        return _the_one([Invoice.read(row, currency) for row in self._by_number(INVOICES, number, customer_id)], customer_id)

    def unpaid_invoices(self, customer_id: int, currency: str) -> list[Invoice]:
        """List the customer's invoices of status not_paid with something due, oldest first."""
        found = [Invoice.read(row, currency) for row in self._unpaid(INVOICES, customer_id)]
        return [i for i in found if i.customer_id == customer_id and i.status == NOT_PAID and i.due and not i.deleted]

    def open_invoices(self, customer_id: int, currency: str) -> list[Invoice]:
        """List the customer's invoices that are not paid, those with a payment on its way (pending) too, oldest first."""
        open_ones = (NOT_PAID, PENDING)
        rows = self.client.get_rows(INVOICES, {
            "main_attributes": {"customer_id": customer_id, "status": ["IN", list(open_ones)]}, "order": {"id": "ASC"}, "limit": _MANY})
        found = [Invoice.read(row, currency) for row in rows]
        return [i for i in found if i.customer_id == customer_id and i.status in open_ones and i.due and not i.deleted]

    def invoice_pages(self, filters: InvoiceFilter, currency: str, page_size: int = _MANY) -> Iterator[list[Invoice]]:
        """Read all invoices of a filter page by page, at one call a page, in order of id."""
        return invoice_pages(self.client, INVOICES, filters, currency, page_size)

    def count_invoices(self, filters: InvoiceFilter, currency: str) -> int:
        """Count the invoices of a filter that has at most 80 customers and numbers, one call; at least a page is exact."""
        return count_invoices(self.client, INVOICES, filters, currency)

    def get_proforma(self, proforma_id: int, currency: str) -> Proforma:
        """Read one proforma invoice."""
        return Proforma.read(self._one(PROFORMAS, proforma_id), currency)

    def find_proforma_by_number(self, number: str, currency: str, customer_id: int | None = None) -> Proforma | None:
        """Find a proforma by its exact number, see ``_the_one``."""
        return _the_one([Proforma.read(row, currency) for row in self._by_number(PROFORMAS, number, customer_id)], customer_id)

    def unpaid_proformas(self, customer_id: int, currency: str) -> list[Proforma]:
        """List the customer's proformas of status not_paid, oldest first."""
        found = [Proforma.read(row, currency) for row in self._unpaid(PROFORMAS, customer_id)]
        return [p for p in found if p.customer_id == customer_id and p.status == NOT_PAID and p.due and not p.deleted]

    # -- payments --------------------------------------------------------------------------------------------------

    def find_payments(self, customer_id: int, field_1: str) -> list[Payment]:
        """Find the payments of a customer with exactly that ``field_1``, deleted ones included.

        Any other row in the answer: HostUnavailable. What was asked for may lie beyond the newest rows then.
        """
        found = self._payments_under(customer_id, field_1)
        if found is None:
            raise HostUnavailable("Splynx ignores the search by field_1; nothing is posted", sent=False)
        return found

    def customer_payments(self, customer_id: int) -> list[Payment]:
        """List the customer's newest 500 payments, newest first, deleted ones included where the host shows them."""
        rows = self.client.get_rows(
            PAYMENTS, {"main_attributes": {"customer_id": customer_id}, "order": {"id": "DESC"}, "limit": _MANY})
        return [p for p in map(Payment.read, rows) if p.customer_id == customer_id]

    def payments_since(self, first: date) -> Iterator[Payment]:
        """Read every payment dated on that day or later, deleted ones too, in order of id, at one call a page."""
        last = 0
        while True:
            rows = self.client.get_rows(PAYMENTS, {"main_attributes": {"date": [">=", first.isoformat()], "id": [">", last]},
                                                   "order": {"id": "ASC"}, "limit": _MANY})
            for payment in map(Payment.read, rows):
                if payment.id <= last:
                    raise unreadable("id")  # not sorted, or the filter is ignored: something would be missed or never end
                last = payment.id
                if payment.date is None or payment.date >= first:
                    yield payment
            if not rows:
                return

    def get_payment(self, payment_id: int) -> Payment:
        """Read one payment."""
        return Payment.read(self._one(PAYMENTS, payment_id))

    def find_payment(self, payment_id: int) -> Payment | None:
        """Read one payment, None when the host says that there is none."""
        try:
            return self.get_payment(payment_id)
        except HostRejected as error:
            if error.status != _NOT_FOUND:
                raise
            return None

    def post_payment(self, draft: PaymentDraft) -> int:
        """Book a payment and return its id. After HostUnavailable(sent=True) find before posting again."""
        return read_new_id(self.client.post(PAYMENTS, draft.body()))

    def delete_payment(self, payment_id: int) -> None:
        """Delete a payment; the host opens the invoice again."""
        self.client.delete(f"{PAYMENTS}/{payment_id:d}")

    def prove_field_filter(self) -> bool | None:
        """Tell whether the host's filter by ``field_1`` works, at two or three calls; None: nothing to prove it with.

        It must find nothing for an impossible value, while there are payments, and find a payment that has one.
        """
        order = {"id": "DESC"}
        if self.client.get_rows(PAYMENTS, {"main_attributes": {"field_1": _IMPOSSIBLE}, "order": order, "limit": 1}):
            return False
        sample = [Payment.read(row) for row in self.client.get_rows(PAYMENTS, {"order": order, "limit": _FEW})]
        if not sample:
            return None
        marked = next((p for p in sample if p.field_1 and not p.deleted), None)
        found = [] if marked is None else self._payments_under(marked.customer_id, marked.field_1) or []
        return marked is None or any(p.id == marked.id for p in found)

    # -- payment accounts ------------------------------------------------------------------------------------------

    def put_payment_account(self, customer_id: int, account_id: int, fields: Mapping[str, str]) -> None:
        """Write the fields (field_1 to field_10) staff see under the customer's payment accounts."""
        self.client.put(f"{PAYMENT_ACCOUNTS}/{customer_id:d}--{account_id:d}", dict(fields))

    # -- within ----------------------------------------------------------------------------------------------------

    def _payments_under(self, customer_id: int, field_1: str) -> list[Payment] | None:
        """What the host finds; None where it sends a payment of another customer or reference."""
        wanted = {"customer_id": customer_id, "field_1": field_1}
        rows = self.client.get_rows(PAYMENTS, {"main_attributes": wanted, "order": {"id": "DESC"}, "limit": _MANY})
        found = [Payment.read(row) for row in rows]
        return found if all(p.customer_id == customer_id and p.field_1 == field_1 for p in found) else None

    def _one(self, path: str, record_id: int) -> Record:
        row = self.client.get(f"{path}/{record_id:d}")
        if read_new_id(row) != record_id:
            raise unreadable("id")
        return row

    def _named(self, path: str) -> list[Named]:
        return [Named.read(row) for row in self.client.get_rows(path)]

    def _by_number(self, path: str, number: str, customer_id: int | None) -> list[Record]:
        wanted: dict[str, str | int] = {"number": number} if customer_id is None else {"number": number, "customer_id": customer_id}
        rows = self.client.get_rows(path, {"main_attributes": wanted, "order": {"id": "DESC"}, "limit": _FEW})
        return [row for row in rows if str(row.get("number")) == number]

    def _unpaid(self, path: str, customer_id: int) -> list[Record]:
        return self.client.get_rows(path, {
            "main_attributes": {"customer_id": customer_id, "status": NOT_PAID}, "order": {"id": "ASC"}, "limit": _MANY})


_Document = TypeVar("_Document", Invoice, Proforma)


def _the_one(found: list[_Document], customer_id: int | None) -> _Document | None:
    """Of several with one number the newest that is not deleted; none if living ones belong to different customers.

    Then the number names nobody's debt: guessing would charge one customer for another.
    """
    found = [document for document in found if customer_id in {None, document.customer_id}]
    living = [document for document in found if not document.deleted]
    if len({document.customer_id for document in living}) > 1:
        return None
    return max(living or found, key=lambda document: document.id, default=None)


def _plain(text: str) -> str:
    """As databases compare names: neither case nor accents count."""
    return "".join(letter for letter in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(letter))


_NOT_FOUND = 404
