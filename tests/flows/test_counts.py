"""Speed, counted: calls to the gateway and to the host, and queries, never more than the issue allows."""

import math

import pytest
from sqlalchemy import insert

from splynx_ippay.base import clock
from splynx_ippay.credentials import Method
from splynx_ippay_sandbox.demo.people import open_dialog


def business(calls):
    """Host calls without the login, which happens once in a token's life."""
    return {kind: count for kind, count in calls.items() if "auth/tokens" not in kind}


def asked(calls):
    """Host calls of a page: everything but the renewal of our own token, once in half an hour for all pages."""
    return sum(count for kind, count in calls.items() if not kind.startswith("GET admin/auth/tokens"))


def test_a_charge_by_saved_method_is_one_gateway_call_and_at_most_five_of_the_host(town, john):
    for invoice in town.invoices()[:2]:  # the first of a month opens the statement too
        form = town.dialog(john, invoice)
        town.sandbox.reset_counters()
        assert john.submit(form, "/ippay/pay-invoice").says("approved")
    calls = business(town.calls("host"))
    print("a charge by saved method:", calls)
    assert town.calls() == {"SALE": 1}
    assert sum(calls.values()) <= 5, calls


def test_no_page_of_the_portal_asks_the_host_more_than_twice(town, john, capsys):
    paid = town.pay(john, town.invoices()[0])
    invoice, proforma = town.invoices()[0], town.proformas()[0]
    table = {}
    for name, path in {
        "saved cards and accounts": "/ippay/credentials", "remove?": "/ippay/credentials/1/remove", "add money": "/ippay/", "add money (index)": "/ippay/index",
        "pay an invoice": f"/ippay/pay-invoice?item_id={invoice['number']}",
        "pay a proforma": f"/ippay/pay-request?item_id={proforma['number']}", "an ending": paid.url,
        "an unknown invoice": "/ippay/pay-invoice?item_id=999", "a wrong address": "/ippay/nonsense",
    }.items():
        for later in (0, 61, 660):  # at once; after the identity's minute; after the record's ten minutes as well
            if later:
                town.sandbox.jump(seconds=later)
            town.sandbox.reset_counters()
            john.get(path)
            table[name, later] = asked(town.calls("host"))
            assert town.calls() == {}
    with capsys.disabled():
        print("\n  host calls of portal pages: at once / after a minute / after ten")
        for name in dict.fromkeys(name for name, _ in table):
            print(f"  {name:<28}{table[name, 0]:>3} /{table[name, 61]:>2} /{table[name, 660]:>2}")
    # Once a minute the host is asked whose session it is; the record of the customer is kept for ten.
    assert max(count for (_, later), count in table.items() if later < 600) <= 2
    assert max(table.values()) <= 3


@pytest.mark.parametrize("path", ["direct-pay-invoice", "direct-pay-invoice-by-id"])
def test_a_link_costs_nothing_before_the_press_and_at_most_two_calls_after(path, town, anybody):
    row = town.invoices(town.ashley)[0]
    anybody.submit(anybody.get(f"/ippay/{path}?item_id=999"))  # names of partners are asked once a day
    town.sandbox.reset_counters()
    page = anybody.get(f"/ippay/{path}?item_id={row['number' if path.endswith('invoice') else 'id']}")
    assert business(town.calls("host")) == {}
    anybody.submit(page)
    assert sum(business(town.calls("host")).values()) <= 3


@pytest.fixture
def month(town):
    """The month seed: 200 customers, 300 invoices; everybody has a card by the same token."""
    town.sandbox.reset("month")
    now, facts = clock.now(), town.sandbox.facts
    rows = [{"customer_id": number, "partner_id": 1, "terminal_id": facts["terminal_id"], "environment": "test", "instrument": "card",
             "token_cipher": town.core.box.encrypt("ABCDEF0123456789"), "brand": "Visa", "last_four": "1111", "exp_month": 12,
             "exp_year": 2039, "holder": "P", "is_default": True, "status": "active", "created_at": now, "changed_at": now}
            for number in range(1, 201)]
    town.core.database.run(lambda session: session.execute(insert(Method), rows))
    yield town
    town.sandbox.reset("small")


def test_a_preview_reads_pages_of_invoices_and_eighty_customers_at_a_time(month, staff):
    town = month
    page = staff.enter_frame(staff.click(staff.get("/admin/finance/invoices"), "Charge by IpPay"))
    town.sandbox.reset_counters()
    page = staff.submit(page, "/ippay/admin/charge", period_from="", period_to="")
    calls = business(town.calls("host"))
    count = len(town.invoices(None))
    print(f"a preview of {count} invoices:", calls)
    assert page.says("Preview of Charge", str(count))
    assert calls["GET admin/finance/invoices"] <= math.ceil(count / 500) + 1
    assert calls["GET admin/customers/customer"] == math.ceil(200 / 80)
    assert town.calls() == {}


def test_pages_ask_the_database_equally_often_for_five_rows_and_for_fifty(town, month, staff, counted_queries):
    seen = {}
    for count in (5, 50):
        ids = ",".join(map(str, range(101, 101 + count)))
        form = staff.enter_frame(staff.click(staff.get("/admin/finance/invoices"), "Charge by IpPay"))
        with counted_queries(town.core) as planning:
            page = staff.submit(form, "/ippay/admin/charge", period_from="", period_to="", customer_ids=ids)
        for what, path in (("run", page.url), ("csv", page.url.split("?")[0] + "/result.csv"), ("history", "/ippay/admin/runs/"),
                           ("list", "/ippay/admin/")):
            with counted_queries(town.core) as asked:
                assert staff.get(path).status_code == 200
            seen.setdefault(what, []).append(len(asked))
        seen.setdefault("plan", []).append(len(planning))
    print("queries for five and for fifty rows:", seen)
    assert all(first == second for first, second in seen.values()), seen


def test_the_portals_pages_ask_equally_often_for_one_saved_card_and_for_many(town, john, counted_queries):
    def count():
        asked = []
        for path in ("/ippay/credentials", f"/ippay/pay-invoice?item_id={town.invoices()[0]['number']}", "/ippay/"):
            with counted_queries(town.core) as seen:
                assert john.get(path).status_code == 200
            asked.append(len(seen))
        return asked

    one = count()
    for number in (town.mastercard, town.amex, town.other_visa, town.visa, town.visa):
        town.save_card(john, number)
    john.get("/ippay/credentials")
    assert count() == one


def test_a_dialog_of_the_host_opens_in_one_look(town, john):
    town.sandbox.reset_counters()
    open_dialog(john, "invoices", "ippay_pay_invoice_point", town.invoices()[0]["number"])
    assert sum(business(town.calls("host")).values()) <= 2
