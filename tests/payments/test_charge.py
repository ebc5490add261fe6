"""The one function that takes money, against the sandbox: what was sent, what was booked, what people are told."""

from splynx_ippay.payments.models import Booking, State


def test_a_saved_card_pays_an_invoice_once_in_both_books(desk, sandbox):
    method, item = desk.saved_card(), desk.invoice()
    attempt = desk.pay(method, item)
    assert (attempt.state, attempt.lines[0].booking) == (State.APPROVED, Booking.POSTED)
    assert [row["amount_cents"] for row in sandbox.sales()] == [item.amount.cents]
    ours = [row for row in sandbox.payments() if row["field_1"] == f"{attempt.transaction_id}-1"]
    assert len(ours) == 1
    assert sandbox.invoice(item.document_id)["status"] == "paid"
