"""What the host does with money: totals, payments spread over documents, balances, and taking it all back.

As documented: a payment makes one credit transaction and raises the balance; a named invoice takes at most what is due,
the rest stays on the balance; deleting the payment opens the invoice again. All amounts are integer cents.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from splynx_ippay_sandbox.host.errors import invalid
from splynx_ippay_sandbox.host.events import emit
from splynx_ippay_sandbox.host.fields import ZERO_DATE

if TYPE_CHECKING:
    from splynx_ippay_sandbox.host.state import HostState
    from splynx_ippay_sandbox.host.table import Row

PAYMENT_CATEGORY = 3
SERVICE_CATEGORY = 1


def total_of(items: list[Any]) -> int:
    """Return the cents an invoice's items come to, tax included; raise Invalid."""
    total = Decimal(0)
    for item in items:
        try:
            price, quantity = Decimal(str(item["price"])), Decimal(str(item.get("quantity", 1)))
            tax = Decimal(str(item.get("tax", 0) or 0))
        except (KeyError, TypeError, AttributeError, InvalidOperation):
            raise invalid("items", "must be objects with price and quantity.") from None
        total += price * quantity * (100 + tax) / 100
    return int((total * 100).quantize(Decimal(1), ROUND_HALF_UP))


def next_number(state: HostState, kind: str, partner_id: int, pattern: str) -> str:
    """Return the next number of a kind of document, as ``{year}{partner}{next}`` by the pattern given."""
    year = state.now().year
    counter = f"{kind}/{year}/{partner_id}"
    state.statement_numbers[counter] = state.statement_numbers.get(counter, 0) + 1
    return pattern.format(year=year, partner=partner_id, next=state.statement_numbers[counter])


def bill(state: HostState, invoice: Row) -> None:
    """Charge the balance for a new invoice: one debit transaction."""
    book(state, invoice["customer_id"], "debit", invoice["total"], {
        "category": SERVICE_CATEGORY, "description": f"Invoice {invoice['number']}", "invoice_id": invoice["id"],
        "source": "auto", "date": invoice["date_created"],
    })


def book(state: HostState, customer_id: int, way: str, cents: int, values: Row) -> Row:
    """Write a transaction and move the balance: a credit raises it, a debit lowers it."""
    row = state.transactions.insert({
        "date": state.today(), "price": cents, **values, "customer_id": customer_id, "type": way, "total": cents,
        "updated_at": state.stamp(),
    })
    move_balance(state, customer_id, cents if way == "credit" else -cents)
    return row


def unbook(state: HostState, transaction: Row) -> None:
    """Take a transaction back."""
    cents = transaction["total"]
    state.transactions.update(transaction, {"deleted": "1", "updated_at": state.stamp()})
    move_balance(state, transaction["customer_id"], -cents if transaction["type"] == "credit" else cents)


def move_balance(state: HostState, customer_id: int, cents: int) -> None:
    """Change what the customer has on account."""
    billing = state.billing.find(customer_id)
    if billing is not None:
        state.billing.update(billing, {"deposit": billing["deposit"] + cents})


def apply_payment(state: HostState, payment: Row) -> None:
    """Book a payment that is already a row: transaction, receipt number, documents."""
    method = state.methods.rows[payment["payment_type"]]
    transaction = book(state, payment["customer_id"], "credit", payment["amount"], {
        "category": PAYMENT_CATEGORY, "description": method["name"], "payment_id": payment["id"], "source": "auto",
        "date": payment["date"],
    })
    customer = state.customers.rows[payment["customer_id"]]
    receipt = payment["receipt_number"] or next_number(state, "receipt", customer["partner_id"], "{year}-{partner:02d}-{next:05d}")
    changes: Row = {"transaction_id": transaction["id"], "receipt_number": receipt, "remind_amount": payment["amount"]}
    invoice, request = state.invoices.find(payment["invoice_id"]), state.requests.find(payment["request_id"])
    shares = [] if invoice is None else [(invoice, max(0, min(payment["amount"], invoice["due"])))]
    if invoice is None and request is None and state.spreads_payments:
        shares = _spread(state, payment)
    state.allocations[payment["id"]] = [(document["id"], taken) for document, taken in shares]
    for document, taken in shares:
        changes["remind_amount"] -= taken
        _settle_invoice(state, document, payment, taken)
    state.payments.update(payment, changes)
    if request is not None:
        _settle_request(state, request)


def _spread(state: HostState, payment: Row) -> list[tuple[Row, int]]:
    """As documented for a payment that names no document: debits without an invoice first, then invoices, oldest first."""
    billing = state.billing.find(payment["customer_id"])
    invoices = [row for row in state.invoices.where(customer_id=payment["customer_id"], deleted="0")
                if row["status"] in {"not_paid", "pending"} and row["due"]]
    owed = 0 if billing is None else max(0, payment["amount"] - billing["deposit"])  # before this payment was booked
    left = payment["amount"] - max(0, owed - sum(row["due"] for row in invoices))
    shares = []
    for row in sorted(invoices, key=lambda row: (row["date_created"], row["id"])):
        taken = max(0, min(left, row["due"]))
        left -= taken
        shares.append((row, taken))
    return [(row, taken) for row, taken in shares if taken]


def take_back(state: HostState, payment: Row) -> None:
    """Undo a payment: its documents are open again and the balance is what it was."""
    transaction = state.transactions.find(payment["transaction_id"])
    if transaction is not None:
        unbook(state, transaction)
    for invoice_id, cents in state.allocations.pop(payment["id"], []):
        _reopen_invoice(state, state.invoices.rows[invoice_id], payment, cents)
    request = state.requests.find(payment["request_id"])
    if request is not None:
        _settle_request(state, request, without=payment["id"])


def _settle_invoice(state: HostState, invoice: Row, payment: Row, taken: int) -> None:
    due = invoice["due"] - taken
    if not taken:
        return
    changes: Row = {"due": due, "date_updated": state.today()}
    if due == 0:
        changes |= {"status": "paid", "date_payment": payment["date"], "payment_id": payment["id"]}
    elif invoice["status"] == "pending":
        changes["status"] = "not_paid"
    state.invoices.update(invoice, changes)
    emit(state, "invoice", "pay" if due == 0 else "edit", state.invoices.show(invoice), changes)


def _reopen_invoice(state: HostState, invoice: Row, payment: Row, cents: int) -> None:
    if not cents:
        return
    changes: Row = {"due": invoice["due"] + cents, "date_updated": state.today()}
    if invoice["status"] == "paid":
        changes |= {"status": "not_paid", "date_payment": ZERO_DATE, "payment_id": 0}
    state.invoices.update(invoice, changes)
    emit(state, "invoice", "edit", state.invoices.show(invoice), {"reopened_by_payment": payment["id"]})


def _settle_request(state: HostState, request: Row, without: int = 0) -> None:
    """A proforma is paid once its payments reach its total; the money itself stays on the balance."""
    rows = [row for row in state.payments.where(request_id=request["id"], deleted="0") if row["id"] != without]
    whole = sum(row["amount"] for row in rows) >= request["total"] and bool(rows)
    if whole == (request["status"] == "paid"):
        return
    changes: Row = {"status": "not_paid", "date_payment": ZERO_DATE, "payment_id": 0}
    if whole:
        changes = {"status": "paid", "date_payment": rows[-1]["date"], "payment_id": rows[-1]["id"]}
    state.requests.update(request, {**changes, "date_updated": state.today()})
    emit(state, "proforma", "pay" if whole else "edit", state.requests.show(request), changes)
