"""Payments and what follows: allocation, balances, transactions, receipts, deletion, and the validation before it."""

import pytest


def draft(**more):
    return {"customer_id": 1, "payment_type": 3, "date": "2026-03-04", "amount": "15.00", **more}


def unpaid(api, cents=1500, customer=1):
    rows = api.get("finance/invoices", **{"main_attributes[customer_id]": customer, "main_attributes[status]": "not_paid"})
    return next(row for row in rows if round(row["due"] * 100) == cents)


def deposit(api, customer=1):
    return api.get(f"customers/customer-billing/{customer}")["deposit"]


def test_paying_what_is_due_makes_the_invoice_paid(api):
    invoice, before = unpaid(api), deposit(api)
    answer = api.post("finance/payments", **draft(invoice_id=invoice["id"], field_1="ABC-1", comment="IPpay"))
    assert answer.status_code == 201
    payment = api.get(f"finance/payments/{answer.json()['id']}")
    after = api.get(f"finance/invoices/{invoice['id']}")
    assert (after["status"], after["due"], after["date_payment"], after["payment_id"]) == ("paid", 0.0, "2026-03-04", payment["id"])
    assert (payment["amount"], payment["remind_amount"], payment["deleted"], payment["field_1"]) == (15.0, "0.0000", "0", "ABC-1")
    assert payment["receipt_number"].count("-") == 2
    assert (before, deposit(api)) == ("-210.0000", "-195.0000")
    transaction = api.get(f"finance/transactions/{payment['transaction_id']}")
    assert (transaction["type"], transaction["category"], transaction["total"]) == ("credit", 3, "15.0000")
    assert (transaction["payment_id"], transaction["description"]) == (payment["id"], "Credit card")


def test_a_part_leaves_the_rest_due_and_the_last_part_pays(api):
    invoice = unpaid(api)
    api.post("finance/payments", **draft(invoice_id=invoice["id"], amount=5))
    partly = api.get(f"finance/invoices/{invoice['id']}")
    assert (partly["status"], partly["due"], partly["date_payment"]) == ("not_paid", 10.0, "0000-00-00")
    api.post("finance/payments", **draft(invoice_id=invoice["id"], amount=10.0))
    assert api.get(f"finance/invoices/{invoice['id']}")["status"] == "paid"


def test_what_is_more_than_due_stays_on_the_balance(api):
    invoice = unpaid(api)
    payment_id = api.post("finance/payments", **draft(invoice_id=invoice["id"], amount="40.00")).json()["id"]
    assert api.get(f"finance/payments/{payment_id}")["remind_amount"] == "25.0000"
    second = api.post("finance/payments", **draft(invoice_id=invoice["id"], amount="1.00")).json()["id"]
    assert api.get(f"finance/payments/{second}")["remind_amount"] == "1.0000"
    assert deposit(api) == "-169.0000"


def dues(api, customer=1):
    rows = api.get("finance/invoices", **{"main_attributes[customer_id]": customer})
    return [row["due"] for row in rows if row["status"] != "paid"]


def test_a_payment_without_a_document_pays_invoices_oldest_first_and_the_rest_is_on_account(api):
    payment_id = api.post("finance/payments", **draft(amount="50.00")).json()["id"]
    payment = api.get(f"finance/payments/{payment_id}")
    assert (payment["invoice_id"], payment["request_id"], payment["remind_amount"]) == (None, None, "0.0000")
    assert (dues(api), deposit(api)) == ([85.0, 75.0], "-160.0000")
    more = api.post("finance/payments", **draft(amount="200.00")).json()["id"]
    assert api.get(f"finance/payments/{more}")["remind_amount"] == "40.0000"
    assert (dues(api), deposit(api)) == ([], "40.0000")
    api.delete(f"finance/payments/{payment_id}")
    assert (dues(api), deposit(api)) == ([15.0, 35.0], "-10.0000")


def test_debits_without_an_invoice_are_paid_before_invoices(api):
    api.post("finance/transactions", customer_id=1, type="debit", category=1, total="90.00", description="Repair")
    assert deposit(api) == "-300.0000"
    api.post("finance/payments", **draft(amount="100.00"))
    assert (dues(api), deposit(api)) == ([5.0, 120.0, 75.0], "-200.0000")


def test_a_host_that_spreads_nothing_keeps_the_payment_on_account(api, box):
    answer = api.session.post(f"{box.ready['host_url']}/_sandbox/host", json={"spreads_payments": False}, timeout=20)
    assert answer.json() == {"spreads_payments": False}
    payment_id = api.post("finance/payments", **draft(amount="50.00")).json()["id"]
    assert api.get(f"finance/payments/{payment_id}")["remind_amount"] == "50.0000"
    assert (dues(api), deposit(api)) == ([15.0, 120.0, 75.0], "-160.0000")
    nonsense = api.session.post(f"{box.ready['host_url']}/_sandbox/host", json={"spreads_payments": 1}, timeout=20)
    assert nonsense.status_code == 422


def test_a_proforma_is_paid_once_its_total_is_reached_and_the_money_is_on_account(api):
    request = api.get("finance/requests", **{"main_attributes[customer_id]": 1})[0]
    assert request["total"] == 50.0
    assert "due" not in request
    first = api.post("finance/payments", **draft(request_id=request["id"], amount="20.00")).json()["id"]
    assert api.get(f"finance/requests/{request['id']}")["status"] == "not_paid"
    second = api.post("finance/payments", **draft(request_id=request["id"], amount="30.00")).json()["id"]
    paid = api.get(f"finance/requests/{request['id']}")
    assert (paid["status"], paid["payment_id"]) == ("paid", second)
    assert api.get(f"finance/payments/{second}")["remind_amount"] == "30.0000"
    assert api.delete(f"finance/payments/{first}").status_code == 204
    assert api.get(f"finance/requests/{request['id']}")["status"] == "not_paid"


def test_deleting_a_payment_opens_the_invoice_again_and_keeps_the_row(api):
    invoice = unpaid(api)
    payment_id = api.post("finance/payments", **draft(invoice_id=invoice["id"], amount="40.00", field_1="KEEP")).json()["id"]
    answer = api.delete(f"finance/payments/{payment_id}")
    assert (answer.status_code, answer.content) == (204, b"")
    after = api.get(f"finance/invoices/{invoice['id']}")
    assert (after["status"], after["due"], after["payment_id"], after["date_payment"]) == ("not_paid", 15.0, 0, "0000-00-00")
    assert deposit(api) == "-210.0000"
    rows = api.get("finance/payments", **{"main_attributes[customer_id]": 1, "main_attributes[field_1]": "KEEP"})
    assert [row["deleted"] for row in rows] == ["1"]
    assert api.get(f"finance/transactions/{rows[0]['transaction_id']}")["deleted"] == "1"
    assert api.delete(f"finance/payments/{payment_id}").status_code == 204
    assert deposit(api) == "-210.0000"


def test_deleting_one_of_two_parts_opens_only_that_part(api):
    invoice = unpaid(api)
    first = api.post("finance/payments", **draft(invoice_id=invoice["id"], amount="5.00")).json()["id"]
    api.post("finance/payments", **draft(invoice_id=invoice["id"], amount="10.00"))
    api.delete(f"finance/payments/{first}")
    after = api.get(f"finance/invoices/{invoice['id']}")
    assert (after["status"], after["due"]) == ("not_paid", 5.0)


def test_changing_a_payment_spreads_it_anew(api):
    invoice = unpaid(api)
    payment_id = api.post("finance/payments", **draft(invoice_id=invoice["id"])).json()["id"]
    assert api.put(f"finance/payments/{payment_id}", amount="4.00").status_code == 202
    assert api.get(f"finance/invoices/{invoice['id']}")["due"] == 11.0
    assert deposit(api) == "-206.0000"
    api.put(f"finance/payments/{payment_id}", comment="only words")
    assert (api.get(f"finance/payments/{payment_id}")["comment"], deposit(api)) == ("only words", "-206.0000")


def test_amounts_are_exact_to_the_cent(api):
    for amount in (0.1, 0.2, 19.99, "1.15", "8.3300"):
        assert api.post("finance/payments", **draft(amount=amount)).status_code == 201
    assert deposit(api) == "-180.2300"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"customer_id": 999}, "customer_id"), ({"customer_id": None}, "customer_id"), ({"payment_type": 77}, "payment_type"),
        ({"amount": ""}, "amount"), ({"amount": 0}, "amount"), ({"amount": "1e3"}, "amount"), ({"amount": "1.005"}, "amount"),
        ({"amount": "\uff11"}, "amount"), ({"amount": True}, "amount"), ({"amount": [1]}, "amount"), ({"date": "04.03.2026"}, "date"),
        ({"date": "0000-00-00"}, "date"), ({"invoice_id": 999}, "invoice_id"), ({"invoice_id": 5}, "invoice_id"),
        ({"request_id": 2}, "request_id"), ({"field_1": "x" * 300}, "field_1"), ({"is_sent": "maybe"}, "is_sent"),
        ({"payment_type": "1.5"}, "payment_type"), ({"comment": {"a": 1}}, "comment"), ({"additional_attributes": "x"}, "additional_attributes"),
    ],
)
def test_what_does_not_fit_is_422_naming_the_field_and_books_nothing(api, change, field):
    count = len(api.get("finance/payments"))
    answer = api.post("finance/payments", **{**draft(), **change})
    assert answer.status_code == 422
    assert field in [problem["field"] for problem in answer.json()]
    assert all(problem["message"] for problem in answer.json())
    assert len(api.get("finance/payments")) == count
    assert deposit(api) == "-210.0000"


def test_every_missing_field_is_named_at_once(api):
    answer = api.post("finance/payments")
    assert {problem["field"] for problem in answer.json()} == {"customer_id", "payment_type", "date", "amount"}


def test_a_body_that_is_no_json_is_400(api):
    assert api.call("POST", "finance/payments", data=b"{", headers={"Content-Type": "application/json"}).status_code == 400
    assert api.call("POST", "finance/payments", json=[1]).status_code == 400


def test_a_payment_may_come_as_multipart(api):
    answer = api.call("POST", "finance/payments", files={name: (None, str(value)) for name, value in draft().items()})
    assert answer.status_code == 201


def test_a_deleted_invoice_takes_no_payment_and_one_with_payments_is_not_deleted(api):
    invoice = unpaid(api)
    payment_id = api.post("finance/payments", **draft(invoice_id=invoice["id"])).json()["id"]
    assert api.delete(f"finance/invoices/{invoice['id']}").status_code == 422
    api.delete(f"finance/payments/{payment_id}")
    assert api.delete(f"finance/invoices/{invoice['id']}").status_code == 204
    gone = api.get(f"finance/invoices/{invoice['id']}")
    assert (gone["status"], gone["deleted"]) == ("deleted", "1")
    assert deposit(api) == "-195.0000"
    assert api.post("finance/payments", **draft(invoice_id=invoice["id"])).status_code == 422


def test_a_new_invoice_gets_a_number_and_lowers_the_balance(api):
    answer = api.post("finance/invoices", customer_id=4, items=[{"description": "Line", "price": "64516.1290", "quantity": 1, "tax": "7.5"}])
    assert answer.status_code == 201
    row = api.get(f"finance/invoices/{answer.json()['id']}")
    assert (row["total"], row["due"], row["status"]) == (69354.84, 69354.84, "not_paid")
    assert len(row["number"]) == 12
    assert row["number"][4:6] == "02"
    assert deposit(api, 4) == "-69419.8400"
    assert api.post("finance/invoices", customer_id=4, items=[{"price": "x"}]).status_code == 422
    assert api.post("finance/invoices", customer_id=4, items="x").status_code == 422


def test_an_invoice_becomes_pending_and_a_part_payment_reopens_it(api):
    invoice = unpaid(api)
    answer = api.put(f"finance/invoices/{invoice['id']}", status="pending")
    assert (answer.status_code, answer.content) == (202, b"")
    assert api.get(f"finance/invoices/{invoice['id']}")["status"] == "pending"
    api.post("finance/payments", **draft(invoice_id=invoice["id"], amount="5.00"))
    assert api.get(f"finance/invoices/{invoice['id']}")["status"] == "not_paid"
    assert api.put(f"finance/invoices/{invoice['id']}", status="bogus").status_code == 422
    assert api.put(f"finance/invoices/{invoice['id']}", status="paid").status_code == 202
    assert api.put(f"finance/invoices/{invoice['id']}", status="not_paid").status_code == 202
    assert api.get(f"finance/invoices/{invoice['id']}")["due"] == 15.0


def test_new_items_change_what_is_due(api):
    invoice = unpaid(api)
    api.put(f"finance/invoices/{invoice['id']}", items=[{"price": "20.00"}])
    assert api.get(f"finance/invoices/{invoice['id']}")["due"] == 20.0
    assert deposit(api) == "-215.0000"
    request_id = api.post("finance/requests", customer_id=1, items=[{"price": 3}]).json()["id"]
    api.put(f"finance/requests/{request_id}", items=[{"price": 4, "quantity": 2}])
    assert api.get(f"finance/requests/{request_id}")["total"] == 8.0


def test_transactions_by_hand_move_the_balance(api):
    body = {"customer_id": 1, "type": "debit", "category": 5, "price": "2.50", "total": "2.50", "description": "Returned item fee"}
    transaction_id = api.post("finance/transactions", **body).json()["id"]
    assert deposit(api) == "-212.5000"
    api.put(f"finance/transactions/{transaction_id}", total="3.50")
    assert deposit(api) == "-213.5000"
    assert api.delete(f"finance/transactions/{transaction_id}").status_code == 204
    assert deposit(api) == "-210.0000"
    assert api.post("finance/transactions", **{**body, "category": 99}).status_code == 422
    names = {row["id"]: row["name"] for row in api.get("finance/transaction-categories")}
    assert names == {1: "Service", 2: "Discount", 3: "Payment", 4: "Refund", 5: "Correction"}


def test_a_negative_payment_is_a_refund(api):
    api.post("finance/payments", **draft(amount="-5.00"))
    assert deposit(api) == "-215.0000"


def test_the_balance_is_always_the_sum_of_the_transactions(api):
    for customer in (1, 2, 3, 4, 5):
        rows = api.get("finance/transactions", **{"main_attributes[customer_id]": customer, "main_attributes[deleted]": "0"})
        total = sum((1 if row["type"] == "credit" else -1) * round(float(row["total"]) * 100) for row in rows)
        assert round(float(deposit(api, customer)) * 100) == total


def test_faults_lose_double_or_falsify_a_posting(api, box):
    match = {"method": "POST", "path": "admin/finance/payments"}
    box.world.faults.add({"server": "host", "kind": "lose_posting", "match": match})
    answer = api.post("finance/payments", **draft())
    assert answer.status_code == 201
    assert api.call("GET", f"finance/payments/{answer.json()['id']}").status_code == 404
    box.world.faults.add({"server": "host", "kind": "duplicate", "match": match})
    before = len(api.get("finance/payments"))
    api.post("finance/payments", **draft())
    assert len(api.get("finance/payments")) == before + 2
    box.world.faults.add({"server": "host", "kind": "wrong_amount", "match": match})
    payment_id = api.post("finance/payments", **draft()).json()["id"]
    assert api.get(f"finance/payments/{payment_id}")["amount"] == 16.0


def test_a_transaction_costs_what_its_price_and_tax_say_unless_a_total_is_given(api):
    def total_of(**body):
        made = api.post("finance/transactions", customer_id=2, type="debit", category=5, **body).json()["id"]
        return api.get(f"finance/transactions/{made}")["total"]

    assert total_of(price="0.90", tax_percent="8.25") == "0.9700"
    assert total_of(price="2.00", quantity=3) == "6.0000"
    assert total_of(price="0.90", tax_percent="8.25", total="0.98") == "0.9800"


def test_a_transaction_on_an_invoice_or_of_a_payment_cannot_be_deleted(api):
    made = api.post("finance/transactions", customer_id=2, type="debit", category=5, total="0.90").json()["id"]
    api.put(f"finance/transactions/{made}", invoiced_by_id=7)
    refused = api.delete(f"finance/transactions/{made}")
    assert refused.status_code == 422
    assert "invoiced" in refused.text
    paid = api.post("finance/payments", **draft()).json()["id"]
    mine = api.get(f"finance/payments/{paid}")["transaction_id"]
    assert api.delete(f"finance/transactions/{mine}").status_code == 422
