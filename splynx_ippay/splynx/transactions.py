"""Transactions of the host: what is charged to a customer beside invoices. Owns their path and fields.

Must never be taken for a payment: a debit lowers the customer's balance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from splynx_ippay.base.errors import HostRejected
from splynx_ippay.splynx.records import Named, read_new_id
from splynx_ippay.splynx.values import read_date, read_decimal, read_flag, read_id, read_number, read_text, unreadable

if TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal

    from splynx_ippay.base.money import Money
    from splynx_ippay.splynx.answers import Record
    from splynx_ippay.splynx.client import SplynxClient

TRANSACTIONS = "admin/finance/transactions"
CATEGORIES = "admin/finance/transaction-categories"
_MANY, _NOT_FOUND = 500, 404


@dataclass(frozen=True, slots=True)
class Transaction:
    """A transaction of the host; ``total`` has its tax in it, ``invoice_id`` is the invoice it stands on, if any."""

    id: int
    customer_id: int
    type: str  # debit, credit
    total: Decimal
    date: date | None
    category: int
    comment: str
    invoice_id: int | None
    deleted: bool

    @classmethod
    def read(cls, row: Record) -> Transaction:
        """Read a row of finance/transactions. It is on an invoice by ``invoice_id`` or ``invoiced_by_id``."""
        invoice_id = read_number(row, "invoice_id") or read_number(row, "invoiced_by_id") or None
        return cls(read_id(row, "id"), read_id(row, "customer_id"), read_text(row, "type"), read_decimal(row, "total"),
                   read_date(row, "date"), read_number(row, "category"), read_text(row, "comment"), invoice_id,
                   read_flag(row, "deleted"))


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionDraft:
    """A debit to be charged to a customer's account; ``tax`` is the part of ``total`` that is tax."""

    customer_id: int
    total: Money
    tax: Money
    tax_percent: Decimal
    date: date
    category: int
    description: str
    comment: str

    def body(self) -> Record:
        """Return it as the host takes it. ``to_invoice`` 0: it is paid already and must stand on no later invoice."""
        return {"customer_id": self.customer_id, "type": "debit", "quantity": 1, "price": str((self.total - self.tax).decimal()),
                "tax_percent": f"{self.tax_percent:.4f}", "total": str(self.total.decimal()), "date": self.date.isoformat(),
                "category": self.category, "description": self.description, "comment": self.comment, "to_invoice": "0"}


class Transactions:
    """The host's transactions. Every method may raise HostUnavailable and HostRejected."""

    client: SplynxClient

    def find_transactions(self, customer_id: int, comment: str, *, since: date) -> list[Transaction]:
        """Find the customer's transactions of that day or later with exactly that comment, deleted ones included.

        All are read and compared here: a filter by comment is not trusted.
        """
        return [row for row in self.customer_transactions(customer_id, since=since) if row.comment == comment]

    def customer_transactions(self, customer_id: int, *, since: date) -> list[Transaction]:
        """Read the customer's transactions of that day or later, deleted ones too; one call a page, and an empty one."""
        found: list[Transaction] = []
        last = 0
        while True:
            rows = self.client.get_rows(TRANSACTIONS, {
                "main_attributes": {"customer_id": customer_id, "date": [">=", since.isoformat()], "id": [">", last]},
                "order": {"id": "ASC"}, "limit": _MANY})
            for row in map(Transaction.read, rows):
                if row.id <= last:
                    raise unreadable("id")  # not sorted, or the filter is ignored: something would be missed or never end
                last = row.id
                if row.customer_id == customer_id:
                    found.append(row)
            if not rows:
                return found

    def find_transaction(self, transaction_id: int) -> Transaction | None:
        """Read one transaction, None when the host says that there is none."""
        try:
            row = Transaction.read(self.client.get(f"{TRANSACTIONS}/{transaction_id:d}"))
        except HostRejected as error:
            if error.status != _NOT_FOUND:
                raise
            return None
        if row.id != transaction_id:
            raise unreadable("id")
        return row

    def post_transaction(self, draft: TransactionDraft) -> int:
        """Charge a debit and return its id. After HostUnavailable(sent=True) find before posting again."""
        return read_new_id(self.client.post(TRANSACTIONS, draft.body()))

    def delete_transaction(self, transaction_id: int) -> None:
        """Delete a transaction that stands on no invoice; the customer's balance is what it was."""
        self.client.delete(f"{TRANSACTIONS}/{transaction_id:d}")

    def transaction_categories(self) -> list[Named]:
        """Read the categories; their id is ``category`` of a transaction."""
        return [Named.read(row) for row in self.client.get_rows(CATEGORIES)]
