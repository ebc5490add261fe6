"""The client and the sandbox host, written apart from the same pages: what one sends the other understands."""

import re
import time
from datetime import date, timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest
import requests

from splynx_ippay.base import clock
from splynx_ippay.base.errors import HostRejected, HostUnavailable
from splynx_ippay.base.money import Money
from splynx_ippay.splynx.client import SplynxClient
from splynx_ippay.splynx.resources import Host, InvoiceFilter, PaymentDraft
from splynx_ippay.splynx.session import Staff, customer_of_session, staff_of_sash, staff_of_session
from splynx_ippay_sandbox.server import Sandbox


@pytest.fixture(scope="module")
def running():
    with Sandbox(seed="small") as box:
        yield box


@pytest.fixture
def box(running):
    """The sandbox, seeded anew, with the host as a key with every permission sees it."""
    url, ready = running.ready["host_url"], running.ready

    def control(method, path, body=None):
        return requests.request(method, f"{url}/_sandbox/{path}", json=body, timeout=10).json()

    control("DELETE", "faults")
    control("POST", "reset", {"seed": "small"})
    control("DELETE", "counters")
    client = SplynxClient(ready["host_url"], ready["api_key"], ready["api_secret"])
    return SimpleNamespace(url=url, ready=ready, control=control, client=client, host=Host(client), world=running.world,
                           calls=lambda: control("GET", "counters")["host"])


def log_in(box, side, person):
    """Log in as a browser does and return the session id."""
    browser = requests.Session()
    page = browser.get(f"{box.url}/{side}/login/", timeout=10).text
    csrf = re.search(r'name="_csrf" value="([^"]+)"', page)[1]
    answer = browser.post(f"{box.url}/{side}/login/", timeout=10, allow_redirects=False,
                          data={"login": person["login"], "password": person["password"], "_csrf": csrf})
    assert answer.status_code in {302, 303}
    return browser.cookies["PHPSESSID"]


def unpaid(box):
    return next(i for page in box.host.invoice_pages(InvoiceFilter(status=("not_paid",)), "USD") for i in page)


def draft_for(invoice, field_1, **changes):
    return PaymentDraft(**{"customer_id": invoice.customer_id, "amount": invoice.due, "date": clock.now().date(), "payment_type": 3,
                           "invoice_id": invoice.id, "comment": "IPpay", "field_1": field_1, "field_2": "123456", **changes})


def test_an_invoice_is_read_paid_found_and_opened_again(box):
    invoice = unpaid(box)
    payment_id = box.host.post_payment(draft_for(invoice, "AAAABBBBCCCCDDDDEE-1"))
    paid = box.host.get_invoice(invoice.id, "USD")
    assert (paid.status, paid.due) == ("paid", Money(0, "USD"))
    (found,) = box.host.find_payments(invoice.customer_id, "AAAABBBBCCCCDDDDEE-1")
    assert (found.id, found.amount, found.deleted) == (payment_id, invoice.due.decimal(), False)
    assert payment_id in [p.id for p in box.host.customer_payments(invoice.customer_id)]
    box.host.delete_payment(payment_id)
    assert box.host.get_invoice(invoice.id, "USD").due == invoice.due
    assert all(p.deleted for p in box.host.find_payments(invoice.customer_id, "AAAABBBBCCCCDDDDEE-1"))


def test_a_part_payment_leaves_the_rest_due(box):
    invoice = unpaid(box)
    box.host.post_payment(draft_for(invoice, "PART-1", amount=Money(100, "USD")))
    again = box.host.get_invoice(invoice.id, "USD")
    assert (again.due, again.status) == (invoice.due - Money(100, "USD"), "not_paid")


def test_every_question_is_one_call(box):
    invoice = unpaid(box)
    box.control("DELETE", "counters")
    box.host.get_invoice(invoice.id, "USD")
    box.host.find_payments(invoice.customer_id, "NONE-1")
    box.host.find_statement("IPpay 02/2024")
    assert box.calls() == {"GET admin/finance/invoices/{id}": 1, "GET admin/finance/payments": 1,
                           "GET admin/finance/bank-statements": 1}


def test_documents_are_found_by_number(box):
    invoice = unpaid(box)
    assert box.host.find_invoice_by_number(invoice.number, "USD") == invoice
    assert invoice in box.host.unpaid_invoices(invoice.customer_id, "USD")
    assert box.host.find_invoice_by_number("none", "USD") is None
    rows = box.control("GET", "ledger")["host"]["requests"]
    proforma = box.host.get_proforma(rows[0]["id"], "USD")
    assert box.host.find_proforma_by_number(proforma.number, "USD") == proforma
    with pytest.raises(HostRejected) as caught:
        box.host.get_invoice(999_999, "USD")
    assert caught.value.status == 404


def test_the_filters_of_a_run_reach_the_host(box):
    everything = [i for page in box.host.invoice_pages(InvoiceFilter(), "USD", page_size=3) for i in page]
    assert [i.id for i in everything] == sorted(i.id for i in everything)
    one = unpaid(box)
    for filters in (
        InvoiceFilter(status=("not_paid", "pending")), InvoiceFilter(customer_ids=(one.customer_id,)),
        InvoiceFilter(numbers=(one.number,)), InvoiceFilter(total_operator="=", total=one.total.decimal()),
        InvoiceFilter(total_operator=">", total=Decimal(9999999)),
        InvoiceFilter(period_from=one.date_created, period_to=one.date_created),
        InvoiceFilter(period_from=one.date_created), InvoiceFilter(period_to=one.date_created - timedelta(days=1)),
        InvoiceFilter(period_from=date(2000, 1, 1), period_to=date(2000, 1, 31)),
    ):
        found = [i for page in box.host.invoice_pages(filters, "USD") for i in page]
        assert found == [i for i in everything if filters.admits(i)]
        asked = box.client.get_rows("admin/finance/invoices", {"main_attributes": filters.conditions()})
        assert sorted(row["id"] for row in asked) == [i.id for i in found]  # the host itself filtered


def test_people_and_names_are_read(box):
    ids = [person["id"] for person in box.ready["customers"]]
    customers = box.host.customers([*ids, 999_999])
    assert sorted(customers) == sorted(ids)
    assert customers[ids[0]] == box.host.get_customer(ids[0])
    assert box.host.customer_billing(ids[0]).customer_id == ids[0]
    partners = {partner.id for partner in box.host.partners()}
    assert {customer.partner_id for customer in customers.values()} <= partners
    assert {customer.location_id for customer in customers.values()} <= {one.id for one in box.host.locations()}
    assert "Credit card" in [method.name for method in box.host.payment_methods()]


def test_the_field_filter_of_the_sandbox_is_proven(box):
    invoice = unpaid(box)
    box.host.post_payment(draft_for(invoice, "PROOF-1"))
    assert box.host.prove_field_filter() is True


def test_statements_and_records_are_written_and_found(box):
    invoice = unpaid(box)
    assert box.host.find_statement("IPpay 02/2024") is None
    statement = box.host.create_statement("IPpay 02/2024")
    assert box.host.find_statement("IPpay 02/2024") == statement
    facts = {"customer_id": invoice.customer_id, "amount": Money(100, "USD"), "payment_date": date(2024, 2, 29)}
    record = box.host.post_statement_record(statement, comment="IPpay", **facts)
    payment = box.host.post_payment(draft_for(invoice, "REC-1", amount=Money(100, "USD")))
    box.host.put_statement_record(record, status="processed", payment_id=payment, **facts)
    (found,) = box.host.find_statement_records(statement, invoice.customer_id)
    assert (found.id, found.status, found.payment_id, found.amount) == (record, "processed", payment, Decimal(1))


def test_a_payment_account_is_mirrored(box):
    account = int(box.control("POST", "cli", {"argv": ["add-or-get-payment-account", "--title=Ippay", "--fields=a,b"]})["stdout"])
    customer = box.ready["customers"][0]["id"]
    box.host.put_payment_account(customer, account, {"field_1": "x", "field_3": "1111"})
    kept = box.client.get(f"admin/customers/customer-payment-accounts/{customer}--{account}")
    assert (kept["field_1"], kept["field_3"]) == ("x", "1111")


def test_bad_values_come_back_by_field(box):
    invoice = unpaid(box)
    with pytest.raises(HostRejected) as caught:
        box.host.post_payment(draft_for(invoice, "BAD-1", payment_type=999))
    assert caught.value.status == 422
    assert "payment_type" in [field for field, _ in caught.value.problems]


def test_a_key_may_do_what_it_was_allowed_and_no_more(box):
    def cli(*argv):
        return box.control("POST", "cli", {"argv": list(argv)})["stdout"].strip()
    key_id = cli("add-or-get-api-key", "--title=Limited")
    key, secret = cli("get-api-key-and-secret", f"--id={key_id}").split(",")
    cli("set-api-key-permission", f"--id={key_id}", "--controller=api\\admin\\finance\\Invoices", "--action=index", "--rule=allow")
    client = SplynxClient(box.url, key, secret)
    assert client.get_rows("admin/finance/invoices", {"limit": 1})
    assert client.permissions()["admin\\finance\\Invoices"] == {"index": "allow"}
    for refused in (lambda: client.get_rows("admin/finance/payments"), lambda: client.delete("admin/finance/invoices/1")):
        with pytest.raises(HostRejected) as caught:
            refused()
        assert caught.value.status == 403


def test_a_wrong_secret_is_refused(box):
    with pytest.raises(HostRejected) as caught:
        SplynxClient(box.url, box.ready["api_key"], "wrong").get("admin/finance/invoices/1")
    assert caught.value.status == 401


def test_tokens_outlive_a_jump_of_the_hosts_clock(box):
    invoice = unpaid(box)
    box.control("POST", "clock", {"seconds": 1900})  # ours stays: the 401 tells
    assert box.host.get_invoice(invoice.id, "USD") == invoice


def test_who_is_logged_in_to_the_portal_and_to_the_admin(box):
    person, staff = box.ready["customers"][0], box.ready["staff"]
    portal, admin = log_in(box, "portal", person), log_in(box, "admin", staff)
    assert customer_of_session(box.client, portal) == person["id"]
    assert staff_of_session(box.client, admin) == Staff(staff["id"], "", None)
    assert customer_of_session(box.client, admin) is None
    assert staff_of_session(box.client, portal) is None
    assert customer_of_session(box.client, "0" * 26) is None
    sash = box.world.host.state.sessions[admin].sash
    found = staff_of_sash(box.client, sash)
    assert found.id == staff["id"]
    assert found.role
    assert found.partner_id is not None
    assert staff_of_sash(box.client, "0" * 32) is None


@pytest.mark.parametrize(("fault", "sent", "booked"), [
    ({"kind": "drop_before"}, True, 0), ({"kind": "drop_after"}, True, 1), ({"kind": "half_answer"}, True, 1),
    ({"kind": "html"}, True, None), ({"kind": "garbage"}, True, None), ({"kind": "oversize"}, True, None),
    ({"kind": "http_status", "status": 500}, True, None), ({"kind": "http_status", "status": 429}, False, 0),
    ({"kind": "delay", "seconds": 3}, True, None), ({"kind": "reset"}, True, 0)])
def test_a_disturbed_posting_is_sent_once_and_said_as_it_is(box, fault, sent, booked):
    invoice = unpaid(box)
    match = {"method": "POST", "path": "admin/finance/payments"}
    box.control("POST", "faults", {"server": "host", "match": match, "times": 1, **fault})
    field_1 = f"{fault['kind']}-{fault.get('status', 0)}-1"
    patience = {"read_seconds": 1.0} if fault["kind"] == "delay" else {}
    hasty = Host(SplynxClient(box.url, box.ready["api_key"], box.ready["api_secret"], **patience))
    with pytest.raises(HostUnavailable) as caught:
        hasty.post_payment(draft_for(invoice, field_1))
    assert caught.value.sent is sent
    found = box.host.find_payments(invoice.customer_id, field_1)
    assert len(found) <= 1
    assert booked is None or len(found) == booked


def test_a_closed_port_means_never_sent_and_a_get_is_served_afterwards(box):
    invoice = unpaid(box)
    gateway = box.ready["gateway_url"].removesuffix("/ippay")
    requests.post(f"{gateway}/_sandbox/faults", json={"server": "host", "kind": "refuse", "times": 99}, timeout=10)
    with pytest.raises(HostUnavailable) as caught:
        box.host.post_payment(draft_for(invoice, "REFUSED-1"))
    assert not caught.value.sent
    requests.delete(f"{gateway}/_sandbox/faults", timeout=10)
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            found = box.host.find_payments(invoice.customer_id, "REFUSED-1")
        except HostUnavailable:
            time.sleep(0.05)
        else:
            assert found == []
            return
    pytest.fail("the port did not open again")
