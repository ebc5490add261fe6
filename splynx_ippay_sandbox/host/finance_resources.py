"""Finance of the API: invoices, proformas, payments, transactions, statement records.

The rules are the documented ones; what moves money is in ``finance.py``.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from splynx_ippay_sandbox.host import finance, letters
from splynx_ippay_sandbox.host.errors import Invalid, invalid
from splynx_ippay_sandbox.host.fields import ZERO_DATE
from splynx_ippay_sandbox.host.resources import Body, Resource, require

if TYPE_CHECKING:
    from splynx_ippay_sandbox.host.table import Row

_DEFAULT_PARTNER = 1
_INVOICE_NUMBER = "{year}{partner:02d}{next:06d}"
_REQUEST_NUMBER = "{year}{next:06d}"


class _Documents(Resource):
    """What invoices and proformas share: a customer, items, a total, dates."""

    kind = ""
    pattern = ""
    module = ""  # where add-ons register its additional fields

    def check(self, values: Body, old: Row | None) -> None:  # noqa: ARG002 - one signature for every resource
        """The customer must exist."""
        problems: list[tuple[str, str]] = []
        require(self.state.customers, values, "customer_id", problems)
        if problems:
            raise Invalid(problems)

    def dated(self, values: Body) -> Body:
        """Fill in number, total and dates of a new document."""
        today = self.state.today()
        customer = self.state.customers.rows[values["customer_id"]]
        items = _numbered(values["items"])
        # A pattern without the partner counts for all partners together, or two customers would have one number.
        partner = customer["partner_id"] if "{partner" in self.pattern else _DEFAULT_PARTNER
        return {
            **values, "items": items, "total": finance.total_of(items), "real_create_datetime": self.state.stamp(),
            "number": values.get("number") or finance.next_number(self.state, self.kind, partner, self.pattern),
            "date_created": values.get("date_created", today), "date_updated": today,
            "additional_attributes": self.attributes(values, {}),
        }

    def attributes(self, values: Body, old: Body) -> Body:
        """Additional fields after a change: those sent are merged in, and what nobody has registered is ignored."""
        known = {field["name"] for field in self.state.registry.additional_fields.values() if field["main_module"] == self.module}
        return old | {name: str(value) for name, value in values.get("additional_attributes", {}).items() if name in known}

    def modify(self, row: Row, values: Body) -> None:
        """Change; additional fields not sent stay."""
        super().modify(row, {**values, "additional_attributes": self.attributes(values, row["additional_attributes"]),
                             "date_updated": self.state.today()})


class Invoices(_Documents):
    """Invoices: adding one lowers the balance; one with payments cannot be deleted."""

    kind = "invoice"
    pattern = _INVOICE_NUMBER
    module = letters.FIELD_MODULES["invoice"]

    def create(self, values: Body) -> Row:
        """Insert and charge the balance."""
        values = self.dated(values)
        row = self.table.insert({**values, "due": values["total"], "status": "not_paid"})
        finance.bill(self.state, row)
        return row

    def modify(self, row: Row, values: Body) -> None:
        """Change; new items change what is due by the difference."""
        values = dict(values)
        if "items" in values:
            values["items"] = _numbered(values["items"])
            values["total"] = finance.total_of(values["items"])
            values["due"] = max(0, row["due"] + values["total"] - row["total"])
            finance.move_balance(self.state, row["customer_id"], row["total"] - values["total"])
        if values.get("status") == "paid":
            values["due"] = 0
        if values.get("status") == "not_paid" and row["status"] == "paid":
            values |= {"due": values.get("total", row["total"]), "date_payment": ZERO_DATE, "payment_id": 0}
        super().modify(row, values)

    def delete(self, row: Row) -> None:
        """Delete unless payments hang on it."""
        if self.state.payments.where(invoice_id=row["id"], deleted="0"):
            raise invalid("id", "The invoice has payments; delete them first.")
        for transaction in self.state.transactions.where(invoice_id=row["id"], deleted="0"):
            finance.unbook(self.state, transaction)
        self.table.update(row, {"deleted": "1", "status": "deleted", "date_updated": self.state.today()})
        self.tell("delete", row)


class Requests(_Documents):
    """Proforma invoices: they ask for money and leave the balance alone."""

    kind = "request"
    pattern = _REQUEST_NUMBER
    module = letters.FIELD_MODULES["proforma"]

    def create(self, values: Body) -> Row:
        """Insert with number, total and dates."""
        return self.table.insert(self.dated(values))

    def modify(self, row: Row, values: Body) -> None:
        """Change; the total follows the items."""
        if "items" in values:
            values = {**values, "items": _numbered(values["items"]), "total": finance.total_of(values["items"])}
        super().modify(row, values)


class Payments(Resource):
    """Payments: each pays its document, the rest stays on the balance; deleting takes all of it back."""

    def check(self, values: Body, old: Row | None) -> None:
        """Customer, method and documents must exist and belong together."""
        problems: list[tuple[str, str]] = []
        require(self.state.customers, values, "customer_id", problems)
        require(self.state.methods, values, "payment_type", problems)
        for field, table in (("invoice_id", self.state.invoices), ("request_id", self.state.requests)):
            if values.get(field) and (old is None or old[field] != values[field]):
                document = require(table, values, field, problems)
                if document is not None and document["customer_id"] != values["customer_id"]:
                    problems.append((field, "The document belongs to another customer."))
        if values["amount"] == 0:
            problems.append(("amount", "Amount must not be 0."))
        if values["date"] == ZERO_DATE:
            problems.append(("date", "Date cannot be blank."))
        if problems:
            raise Invalid(problems)

    def create(self, values: Body) -> Row:
        """Insert and spread."""
        for field in ("invoice_id", "request_id", "credit_note_id"):
            values[field] = values.get(field) or None
        row = self.table.insert({**values, "real_create_datetime": self.state.stamp(), "updated_at": self.state.stamp()})
        finance.apply_payment(self.state, row)
        return row

    def modify(self, row: Row, values: Body) -> None:
        """Change; where money is concerned, take it back and spread it anew."""
        money = any(name in values and values[name] != row[name] for name in ("amount", "invoice_id", "request_id", "customer_id"))
        if money:
            finance.take_back(self.state, row)
        super().modify(row, {**values, "updated_at": self.state.stamp()})
        if money:
            finance.apply_payment(self.state, row)

    def delete(self, row: Row) -> None:
        """Take the payment back; the row stays, marked deleted. A second deletion changes nothing."""
        if row["deleted"] == "1":
            return
        self.table.update(row, {"deleted": "1", "updated_at": self.state.stamp()})
        finance.take_back(self.state, row)
        self.tell("delete", row)

    def tell(self, action: str, row: Row, changed: Body | None = None) -> None:
        """Payments are ``added``, not created."""
        super().tell("add" if action == "create" else action, row, changed)


class Transactions(Resource):
    """Transactions by hand: a debit lowers the balance, a credit raises it; what stands on an invoice or was made by a payment stays."""

    def check(self, values: Body, old: Row | None) -> None:  # noqa: ARG002 - one signature for every resource
        """Customer and category must exist."""
        problems: list[tuple[str, str]] = []
        require(self.state.customers, values, "customer_id", problems)
        require(self.state.categories, values, "category", problems)
        if problems:
            raise Invalid(problems)

    def create(self, values: Body) -> Row:
        """Book it."""
        if "total" in values:
            total = values["total"]
        else:  # what it costs with its tax, as on an invoice
            total = finance.total_of([{"price": Decimal(values.get("price", 0)) / 100, "quantity": values.get("quantity", 1),
                                       "tax": Decimal(values.get("tax_percent", 0)) / 100}])
        return finance.book(self.state, values["customer_id"], values["type"], total, values)

    def modify(self, row: Row, values: Body) -> None:
        """Change; the balance follows the total."""
        way = 1 if row["type"] == "credit" else -1
        finance.move_balance(self.state, row["customer_id"], way * (values.get("total", row["total"]) - row["total"]))
        super().modify(row, {**values, "updated_at": self.state.stamp()})

    def delete(self, row: Row) -> None:
        """Take it back, once."""
        if row["invoice_id"] or row["invoiced_by_id"]:
            raise invalid("id", "The transaction is invoiced; delete the invoice first.")
        if row["payment_id"]:
            raise invalid("id", "The transaction belongs to a payment; delete the payment.")
        if row["deleted"] == "0":
            finance.unbook(self.state, row)
            self.tell("delete", row)


class Statements(Resource):
    """Bank statements: titles under which records are grouped."""

    def create(self, values: Body) -> Row:
        """Insert with the time."""
        return self.table.insert({**values, "date_time": self.state.stamp()})

    def delete(self, row: Row) -> None:
        """Delete with all records."""
        for record in self.state.records.where(bank_statements_process_id=row["id"]):
            self.state.records.remove(record)
        super().delete(row)


class Records(Resource):
    """Records of bank statements: the journal of an add-on."""

    def check(self, values: Body, old: Row | None) -> None:  # noqa: ARG002 - one signature for every resource
        """The statement must exist, and so must what the record points to."""
        problems: list[tuple[str, str]] = []
        require(self.state.statements, values, "bank_statements_process_id", problems)
        for field, table in (("customer_id", self.state.customers), ("payment_id", self.state.payments)):
            if values.get(field) and table.find(values[field]) is None:
                problems.append((field, f"{field.replace('_', ' ').capitalize()} is invalid."))
        if problems:
            raise Invalid(problems)


def _numbered(items: list[Any]) -> list[Any]:
    """Give items their positions and the fields the host adds."""
    finance.total_of(items)
    base = {"quantity": 1, "unit": "", "tax": "0.0000", "tax_amount": 0.0, "period_from": ZERO_DATE, "period_to": ZERO_DATE,
            "transaction_id": 0, "categoryIdForTransaction": 1, "tax_id": 0, "sub_account_id": 0}
    return [{"id": place, "pos": place, "description": "", **base, **item} for place, item in enumerate(items, 1)]
