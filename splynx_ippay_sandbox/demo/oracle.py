"""What really happened, from the sandbox's ledger: the only judge of the demo.

Never asks the product. Amounts are whole cents.
"""

from __future__ import annotations

import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import requests

if TYPE_CHECKING:
    from collections.abc import Callable

Record = dict[str, Any]


class Disagreement(AssertionError):
    """The ledger does not say what the step should have done."""


def cents(value: object) -> int:
    """Whole cents of an amount as the host shows it ("15.0000", 15.0)."""
    return int((Decimal(str(value or 0)) * 100).to_integral_value())


def dollars(amount: int) -> str:
    """Cents as people read them: "$15.00"."""
    return f"${amount // 100:,}.{amount % 100:02d}"


class Oracle:
    """The ledger, the counters, the faults and the clock of a running sandbox."""

    def __init__(self, host_url: str) -> None:
        self._address = f"{host_url}/_sandbox"
        self._session = requests.Session()
        self._session.trust_env = False
        self._seen_sales: set[str] = set()
        self._seen_payments: set[int] = set()
        self.mark()

    def _call(self, verb: str, path: str, body: Record | None = None) -> Any:
        answer = self._session.request(verb, f"{self._address}/{path}", json=body, timeout=30)
        if not answer.ok:
            raise Disagreement(f"the control room answered {answer.status_code} to {path}: {answer.text[:300]}")
        return answer.json()

    def ledger(self) -> dict[str, dict[str, list[Record]]]:
        """Everything booked, at both neighbours."""
        return dict(self._call("GET", "ledger"))

    def sales(self) -> list[Record]:
        """Every sale and bank debit that the gateway booked (declined ones are not booked)."""
        return [row for row in self.ledger()["gateway"]["transactions"]
                if row["type"] in {"SALE", "CHECK"} and row["state"] != "declined"]

    def declines(self) -> list[Record]:
        """Every sale the gateway declined."""
        return [row for row in self.ledger()["gateway"]["transactions"] if row["state"] == "declined"]

    def payments(self) -> list[Record]:
        """The host's payments that are not deleted."""
        return [row for row in self.ledger()["host"]["payments"] if not _deleted(row)]

    def invoice(self, invoice_id: int) -> Record:
        """One invoice of the host."""
        return _of(self.ledger()["host"]["invoices"], invoice_id)

    def proforma(self, proforma_id: int) -> Record:
        """One proforma of the host."""
        return _of(self.ledger()["host"]["requests"], proforma_id)

    def open_invoices(self, customer_id: int | None = None) -> list[Record]:
        """Unpaid invoices, oldest first."""
        return [row for row in self.ledger()["host"]["invoices"] if row["status"] == "not_paid" and not _deleted(row)
                and customer_id in (None, int(row["customer_id"]))]

    def open_proformas(self, customer_id: int) -> list[Record]:
        """Unpaid proformas of a customer."""
        return [row for row in self.ledger()["host"]["requests"] if row["status"] == "not_paid" and not _deleted(row)
                and int(row["customer_id"]) == customer_id]

    def mark(self) -> None:
        """From here on ``new_sales`` and ``new_payments`` count."""
        ledger = self.ledger()
        self._seen_sales = {_sale_key(place, row) for place, row in enumerate(ledger["gateway"]["transactions"])}
        self._seen_payments = {int(row["id"]) for row in ledger["host"]["payments"]}

    def new_sales(self) -> list[Record]:
        """Sales and debits booked since the mark."""
        return [row for place, row in enumerate(self.ledger()["gateway"]["transactions"])
                if row["type"] in {"SALE", "CHECK"} and row["state"] != "declined"
                and _sale_key(place, row) not in self._seen_sales]

    def new_payments(self) -> list[Record]:
        """Payments that the host got since the mark and still has."""
        return [row for row in self.payments() if int(row["id"]) not in self._seen_payments]

    def must_be(self, what: str, expected: object, found: object) -> None:
        """Raise Disagreement unless both are equal."""
        if expected != found:
            raise Disagreement(f"{what}: expected {expected}, the ledger has {found}")

    def exactly_one_sale(self, amount: int, kind: str = "SALE") -> Record:
        """Since the mark the gateway took this amount, once."""
        found = self.new_sales()
        self.must_be("money taken at the gateway", [(kind, dollars(amount))],
                     [(row["type"], dollars(int(row["amount_cents"]))) for row in found])
        return found[0]

    def exactly_one_payment(self, amount: int, sale: Record, *, seconds: float = 15.0) -> Record:
        """Since the mark the host got this payment, once, and it names the sale."""
        self.eventually(lambda: bool(self.new_payments()), f"the payment of {dollars(amount)} in the host", seconds)
        found = self.new_payments()
        self.must_be("payments in the host", [dollars(amount)], [dollars(cents(row["amount"])) for row in found])
        if not str(found[0]["field_1"]).upper().startswith(str(sale["transaction_id"]).upper()):
            raise Disagreement("the host's payment does not name the sale of the gateway")
        return found[0]

    def invoice_becomes(self, invoice_id: int, status: str, *, seconds: float = 15.0) -> None:
        """The host's invoice gets this status in time."""
        self.eventually(lambda: self.invoice(invoice_id)["status"] == status,
                        f"invoice {invoice_id} becoming {status}", seconds)

    def eventually(self, check: Callable[[], bool], what: str, seconds: float = 30.0) -> None:
        """Wait until the check is true; Disagreement naming what did not happen."""
        ends = time.monotonic() + seconds
        while not check():
            if time.monotonic() > ends:
                raise Disagreement(f"{what} did not happen within {seconds:g} s")
            time.sleep(0.1)

    def mails_about(self, reference: str) -> list[Record]:
        """The mails that quote a sale's TransactionID, oldest first."""
        return [mail for mail in self._call("GET", "mails")["mails"] if reference in mail["text"]]

    def fault(self, **wish: Any) -> None:
        """Arm a fault."""
        self._call("POST", "faults", wish)

    def jump(self, **distance: float) -> str:
        """Move every clock forward; returns the new time."""
        return str(self._call("POST", "clock", dict(distance))["now"])

    def order_return(self, transaction_id: str, code: str) -> None:
        """The payer's bank will send this debit back."""
        self._call("POST", "returns", {"transaction_id": transaction_id, "code": code})

    def set_addon(self, url: str) -> None:
        """Where the host finds the add-on."""
        self._call("POST", "addon", {"url": url})


def _sale_key(place: int, row: Record) -> str:
    # The place in the list tells two bookings of one TransactionID apart.
    return f"{place}:{row['transaction_id']}"


def _deleted(row: Record) -> bool:
    return str(row["deleted"]) == "1"


def _of(rows: list[Record], wanted: int) -> Record:
    for row in rows:
        if int(row["id"]) == wanted:
            return row
    raise Disagreement(f"the host has no document {wanted}")
