"""Customers, payment accounts, statements, methods and partners of the host's API; its seeds; its webhooks."""

import hashlib
import hmac
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest


def test_a_customer_can_be_added_changed_and_deleted(api):
    body = {"name": "New One", "login": "new.one", "partner_id": 2, "location_id": 1, "password": "open sesame"}
    customer_id = api.post("customers/customer", **body).json()["id"]
    row = api.get(f"customers/customer/{customer_id}")
    assert (row["status"], row["billing_type"], row["category"], row["password"]) == ("new", "recurring", "person", "")
    assert api.get(f"customers/customer-billing/{customer_id}")["deposit"] == "0.0000"
    assert api.log_in(auth_type="customer", login="new.one", password="open sesame").status_code == 201
    api.log_in()
    assert api.put(f"customers/customer/{customer_id}", status="active", additional_attributes={"token": "t"}).status_code == 202
    found = api.get("customers/customer", **{"additional_attributes[token]": "t"})
    assert [row["id"] for row in found] == [customer_id]
    assert api.delete(f"customers/customer/{customer_id}").status_code == 204
    assert api.call("GET", f"customers/customer/{customer_id}").status_code == 404


def test_a_customer_that_does_not_fit_is_422(api):
    answer = api.post("customers/customer", name="", login="000001", partner_id=9, location_id=1)
    assert {problem["field"] for problem in answer.json()} == {"name"}
    answer = api.post("customers/customer", name="X", login="000001", partner_id=9, location_id=1)
    assert {problem["field"] for problem in answer.json()} == {"partner_id", "login"}


def test_billing_has_the_balance_as_text_and_takes_a_payment_method(api):
    billing = api.get("customers/customer-billing/1")
    assert (billing["customer_id"], billing["deposit"], billing["payment_method"]) == (1, "-210.0000", "1")
    assert "id" not in billing
    assert api.put("customers/customer-billing/1", payment_method="3").status_code == 202
    assert api.get("customers/customer-billing/1")["payment_method"] == "3"
    assert api.put("customers/customer-billing/1", payment_method="88").status_code == 422
    assert api.post("customers/customer-billing", customer_id=1).status_code == 405
    assert api.delete("customers/customer-billing/1").status_code == 405


def test_payment_accounts_live_under_a_composite_id(api, cli):
    account = cli("add-or-get-payment-account", title="Ippay", fields="Token,Holder")
    path = f"customers/customer-payment-accounts/1--{account}"
    assert api.call("GET", path).status_code == 404
    assert api.put(path, field_1="tok", field_3="1111").status_code == 202
    row = api.get(path)
    assert (row["customer_id"], row["account_id"], row["field_1"], row["field_2"], row["field_10"]) == (1, int(account), "tok", "", "")
    assert "id" not in row
    assert api.put(path, field_2="Name").status_code == 202
    assert api.get("customers/customer-payment-accounts", customer_id=1, account_id=account)["field_1"] == "tok"
    assert api.call("PUT", "customers/customer-payment-accounts", params={"id": f"2--{account}"}, json={"field_1": "b"}).status_code == 202
    listed = api.get("customers/customer-payment-accounts", **{"main_attributes[account_id]": account})
    assert [row["customer_id"] for row in listed] == [1, 2]
    assert api.delete(path).status_code == 204
    assert api.call("GET", path).status_code == 404


def test_payment_accounts_of_nobody_or_of_no_kind_are_refused(api):
    assert api.put("customers/customer-payment-accounts/999--1", field_1="x").status_code == 422
    assert api.put("customers/customer-payment-accounts/1--99", field_1="x").status_code == 422
    assert api.put("customers/customer-payment-accounts/nonsense", field_1="x").status_code == 400
    assert api.post("customers/customer-payment-accounts", customer_id=1, account_id=1, field_1="x").status_code == 201


def test_the_journal_of_bank_statements(api):
    statement = api.post("finance/bank-statements", title="IPpay 03/2026", status="success").json()["id"]
    assert [row["id"] for row in api.get("finance/bank-statements", **{"main_attributes[title]": "IPpay 03/2026"})] == [statement]
    record = {"bank_statements_process_id": statement, "amount": "15.00", "status": "new", "customer_id": 1, "payment_date": "2026-03-04", "comment": "IPpay"}
    record_id = api.post("finance/bank-statements-records", **record).json()["id"]
    payment_id = api.post("finance/payments", customer_id=1, payment_type=3, date="2026-03-04", amount="15.00").json()["id"]
    assert api.put(f"finance/bank-statements-records/{record_id}", status="processed", payment_id=payment_id).status_code == 202
    kept = api.get(f"finance/bank-statements-records/{record_id}")
    assert (kept["status"], kept["payment_id"], kept["amount"]) == ("processed", payment_id, 15.0)
    for status in ("error", "canceled", "pending"):
        assert api.put(f"finance/bank-statements-records/{record_id}", status=status).status_code == 202
    assert api.put(f"finance/bank-statements-records/{record_id}", status="lost").status_code == 422
    assert api.post("finance/bank-statements-records", **{**record, "bank_statements_process_id": 99}).status_code == 422
    assert api.post("finance/bank-statements-records", **{**record, "customer_id": 99}).status_code == 422
    assert api.delete(f"finance/bank-statements/{statement}").status_code == 204
    assert api.get("finance/bank-statements-records") == []


def test_methods_partners_locations_and_administrators_are_there(api):
    assert {row["name"] for row in api.get("finance/payment-methods")} >= {"Cash", "Bank transfer", "Credit card"}
    assert [(row["id"], row["name"]) for row in api.get("administration/partners")] == [(1, "Default"), (2, "North")]
    assert len(api.get("administration/locations")) == 2
    assert api.get("administration/administrators/1")["login"] == "admin"


def test_the_small_seed_has_one_of_everything(api):
    invoices = api.get("finance/invoices")
    assert {row["status"] for row in invoices} == {"paid", "not_paid", "deleted"}
    assert sum(row["status"] == "not_paid" for row in invoices) == 8
    assert any(0 < row["due"] < row["total"] for row in invoices)
    assert len(api.get("finance/requests")) == 2
    assert api.get("customers/customer/2")["name"] == "O'Brien & Søns <b>"
    assert api.get("customers/customer-payment-accounts") == []


def test_seeds_are_the_same_every_time(box):
    for seed, customers, invoices in (("month", 200, 300), ("large", 4000, 10000)):
        box.world.reset(seed)
        first = box.world.host.ledger()["invoices"]
        box.world.reset(seed)
        again = box.world.host.ledger()["invoices"]
        assert len(box.world.host.state.customers) == customers
        assert len(first) == invoices
        assert [(row["number"], row["total"]) for row in first] == [(row["number"], row["total"]) for row in again]


def test_a_reset_keeps_what_was_registered(box, cli, api):
    cli("add-or-get-module", name="some_addon", title="Some", path="/var/www/splynx/addons/some")
    key_id = cli("add-or-get-api-key", title="Some")
    box.world.reset("month")
    assert cli("add-or-get-api-key", title="Some") == key_id
    assert "some_addon" in box.world.host.state.registry.modules
    assert api.log_in().status_code == 201


@pytest.fixture
def receiver():
    """A webhook receiver."""
    got = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append((self.headers["X-Splynx-Signature"], body))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *arguments):
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield SimpleNamespace(url=f"http://127.0.0.1:{server.server_port}/", got=got)
    server.shutdown()
    server.server_close()
    thread.join(10)


def until(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_webhooks_are_signed_and_tell_what_happened(box, api, receiver):
    box.world.host.state.registry.add_hook("Test", receiver.url, "hush", ("invoice/pay", "payment/add", "payment/delete"))
    payment_id = api.post("finance/payments", customer_id=1, payment_type=3, date="2026-03-04", amount="15.00", invoice_id=2).json()["id"]
    api.delete(f"finance/payments/{payment_id}")
    until(lambda: len(receiver.got) == 3)
    bodies = [json.loads(body) for _, body in receiver.got]
    for (sent, body), event in zip(receiver.got, bodies, strict=True):
        assert sent == hmac.new(b"hush", body, hashlib.sha1).hexdigest()
        assert event["type"] == "event"
        assert event["data"]["result"] == "success"
    told = {(event["data"]["model"].rsplit("\\", 1)[-1], event["data"]["action"]) for event in bodies}
    assert told == {("Invoices", "pay"), ("Payments", "add"), ("Payments", "delete")}
    names = [event["event"] for event in box.world.host.events()]
    assert names == ["invoice/pay", "payment/add", "invoice/edit", "payment/delete"]


def test_a_receiver_that_is_away_spoils_nothing(box, api):
    box.world.host.state.registry.add_hook("Gone", "http://127.0.0.1:9/", "hush")
    assert api.post("finance/payments", customer_id=1, payment_type=3, date="2026-03-04", amount="15.00").status_code == 201
    until(lambda: len(box.world.host.events()[0]["deliveries"]) == 2)
    assert {sent["status"] for sent in box.world.host.events()[0]["deliveries"]} == {0}
