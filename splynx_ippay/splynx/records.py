"""The host's records as values. Owns reading them as the host's documentation and dumps show them.

Must never fill a gap with a guess that could cost money: a record without its id, customer or amount raises
HostUnavailable. Amounts are Money where the caller knows the currency, else Decimal in the host's own unit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from splynx_ippay.base.money import Money
from splynx_ippay.splynx.values import read_date, read_decimal, read_flag, read_id, read_money, read_number, read_text

if TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal

    from splynx_ippay.splynx.answers import Record

NOT_PAID, PENDING, PAID, DELETED = "not_paid", "pending", "paid", "deleted"


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer. ``billing_email`` may hold several addresses."""

    id: int
    partner_id: int
    location_id: int
    name: str
    email: str
    billing_email: str

    @classmethod
    def read(cls, row: Record) -> Customer:
        """Read a row of customers/customer."""
        return cls(read_id(row, "id"), read_id(row, "partner_id"), read_number(row, "location_id"), read_text(row, "name"),
                   read_text(row, "email"), read_text(row, "billing_email"))


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice. ``due`` is what is still open; a part payment leaves status not_paid and due below total."""

    id: int
    customer_id: int
    number: str
    date_created: date | None
    date_till: date | None
    date_payment: date | None
    total: Money
    due: Money
    status: str
    payment_id: int | None
    type: str
    deleted: bool

    @classmethod
    def read(cls, row: Record, currency: str) -> Invoice:
        """Read a row of finance/invoices. An old server sends no ``due``: then all of it, unless it is paid."""
        total = read_money(row, "total", currency)
        status = read_text(row, "status")
        deleted = read_flag(row, "deleted") or status == DELETED
        if row.get("due") is None:
            due = total if status in {NOT_PAID, PENDING} and not deleted else Money.zero(currency)
        else:
            due = read_money(row, "due", currency)
        return cls(read_id(row, "id"), read_id(row, "customer_id"), read_text(row, "number"), read_date(row, "date_created"),
                   read_date(row, "date_till"), read_date(row, "date_payment"), total, due, status,
                   read_number(row, "payment_id") or None, read_text(row, "type"), deleted)


@dataclass(frozen=True, slots=True)
class Proforma:
    """A proforma invoice ("request" on the wire). The host keeps no ``due``: it is all or nothing."""

    id: int
    customer_id: int
    number: str
    date_created: date | None
    date_till: date | None
    date_payment: date | None
    total: Money
    due: Money
    status: str
    payment_id: int | None
    deleted: bool

    @classmethod
    def read(cls, row: Record, currency: str) -> Proforma:
        """Read a row of finance/requests."""
        total = read_money(row, "total", currency)
        status = read_text(row, "status")
        deleted = read_flag(row, "deleted") or status == DELETED
        due = total if status in {NOT_PAID, PENDING} and not deleted else Money.zero(currency)
        return cls(read_id(row, "id"), read_id(row, "customer_id"), read_text(row, "number"), read_date(row, "date_created"),
                   read_date(row, "date_till"), read_date(row, "date_payment"), total, due, status,
                   read_number(row, "payment_id") or None, deleted)


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment booked in the host. ``amount`` has no currency there; compare it with Money.decimal()."""

    id: int
    customer_id: int
    invoice_id: int | None
    request_id: int | None
    payment_type: int
    amount: Decimal
    date: date | None
    field_1: str
    field_2: str
    comment: str
    deleted: bool

    @classmethod
    def read(cls, row: Record) -> Payment:
        """Read a row of finance/payments."""
        return cls(read_id(row, "id"), read_id(row, "customer_id"), read_number(row, "invoice_id") or None,
                   read_number(row, "request_id") or None, read_number(row, "payment_type"), read_decimal(row, "amount"),
                   read_date(row, "date"), read_text(row, "field_1"), read_text(row, "field_2"), read_text(row, "comment"),
                   read_flag(row, "deleted"))


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentDraft:
    """A payment to be booked; without invoice_id and request_id it goes to the customer's account."""

    customer_id: int
    amount: Money
    date: date
    payment_type: int
    invoice_id: int | None = None
    request_id: int | None = None
    comment: str
    field_1: str
    field_2: str
    note: str = ""

    def body(self) -> Record:
        """Return it as the host takes it: the amount as decimal text, absent targets left out."""
        body: Record = {
            "customer_id": self.customer_id, "payment_type": self.payment_type, "date": self.date.isoformat(),
            "amount": str(self.amount.decimal()), "comment": self.comment, "note": self.note,
            "field_1": self.field_1, "field_2": self.field_2,
        }
        for name, value in (("invoice_id", self.invoice_id), ("request_id", self.request_id)):
            if value is not None:
                body[name] = value
        return body


@dataclass(frozen=True, slots=True)
class StatementRecord:
    """A row of a payment statement: the journal staff know. Status: new, processed, error, canceled, pending."""

    id: int
    statement_id: int
    customer_id: int
    amount: Decimal
    status: str
    payment_id: int | None
    payment_date: date | None
    comment: str

    @classmethod
    def read(cls, row: Record) -> StatementRecord:
        """Read a row of finance/bank-statements-records."""
        return cls(read_id(row, "id"), read_number(row, "bank_statements_process_id"), read_number(row, "customer_id"),
                   read_decimal(row, "amount"), read_text(row, "status"), read_number(row, "payment_id") or None,
                   read_date(row, "payment_date"), read_text(row, "comment"))


@dataclass(frozen=True, slots=True)
class Billing:
    """A customer's account. ``deposit`` is the balance, negative when the customer owes."""

    customer_id: int
    deposit: Decimal
    payment_method: int
    blocking_date: date | None

    @classmethod
    def read(cls, row: Record) -> Billing:
        """Read a row of customers/customer-billing."""
        return cls(read_id(row, "customer_id"), read_decimal(row, "deposit"), read_number(row, "payment_method"),
                   read_date(row, "blocking_date"))


@dataclass(frozen=True, slots=True)
class Named:
    """A partner, location or payment method: what a select shows. ``active`` is false when it should not be offered."""

    id: int
    name: str
    active: bool

    @classmethod
    def read(cls, row: Record) -> Named:
        """Read a row of administration/partners, administration/locations or finance/payment-methods."""
        active = not read_flag(row, "deleted") and (row.get("is_active") is None or read_flag(row, "is_active"))
        return cls(read_id(row, "id"), read_text(row, "name"), active)

    @property
    def own_name(self) -> str:
        """A partner's name as people know it; "" for "Default", as the host calls the only one of most installations."""
        name = " ".join(self.name.split())
        return "" if name.lower() in {"default", "main"} else name


def read_new_id(row: Record) -> int:
    """Return the id in the answer to a POST. Raises HostUnavailable when there is none: it may well exist."""
    return read_id(row, "id")
