"""The four documented addresses: anybody can guess them, so they tell nothing and spend nothing that is saved."""

import re

import pytest

from splynx_ippay.base import clock
from splynx_ippay.base.money import Money
from splynx_ippay.pay.limits import OPENINGS, PAYMENTS, network_of
from splynx_ippay.splynx.resources import PaymentDraft

DOORS = ("direct-pay-invoice-by-id", "direct-pay-invoice", "direct-pay-proforma-by-id", "direct-pay-proforma")
NOTHING = "There is nothing to pay under this link."


def bare(page):
    """The bytes without the visitor's own token."""
    return re.sub(r'name="csrf_token" value="[^"]+"', "", page.text)


def address(door, invoice, proforma):
    document = invoice if "invoice" in door else proforma
    return f"/ippay/{door}?item_id={document['id' if door.endswith('by-id') else 'number']}"


@pytest.mark.parametrize("door", DOORS)
def test_each_documented_address_opens_and_pays(*, door, anybody, invoice, proforma, card, sandbox):
    page = anybody.get(address(door, invoice, proforma))
    assert sandbox.counters()["host"] == {}
    page = anybody.submit(page, f"/ippay/{door}")
    number = invoice["number"] if "invoice" in door else proforma["number"]
    assert page.says(number, "Amount due", "Credit card", "Bank account")
    page = anybody.submit(page, f"/ippay/{door}", **card)
    assert "/ippay/paid/" in page.url
    assert page.says("approved", number, "•••• 1111")
    [sale] = sandbox.sales()
    assert sale["ud2"]
    assert sandbox.payments()[-1]["field_1"].startswith(sale["transaction_id"])


def test_opening_an_address_gives_the_same_bytes_for_every_id_and_asks_nobody(anybody, invoice, sandbox, counted_queries, core):
    with counted_queries(core) as seen:
        pages = {bare(anybody.get(f"/ippay/direct-pay-invoice-by-id?item_id={item}")) for item in (invoice["id"], 1, 999999, "x", "")}
    assert len(pages) == 1
    assert "999999" not in pages.pop()
    assert len(seen) == 0
    assert sandbox.counters()["host"] == {}


@pytest.mark.parametrize("method", ["get", "head"])
@pytest.mark.parametrize("door", DOORS)
def test_get_and_head_never_move_money(*, door, method, anybody, invoice, proforma, sandbox, core):
    getattr(anybody.session, method)(anybody.base_url + address(door, invoice, proforma) + "&source=card&offer=x&amount_cents=1")
    assert sandbox.sales() == []
    assert sandbox.counters()["host"] == {}


def test_missing_paid_and_deleted_are_one_sentence_at_one_price(anybody, sandbox, counted_queries, core):
    rows = sandbox.ledger()["host"]["invoices"]
    paid = next(row for row in rows if row["status"] == "paid")
    deleted = next(row for row in rows if str(row["deleted"]) == "1")
    anybody.submit(anybody.get("/ippay/direct-pay-invoice?item_id=0"))  # the API token and the like are there now
    seen = set()
    for item in (paid["number"], deleted["number"], "209901999999"):
        page = anybody.get(f"/ippay/direct-pay-invoice?item_id={item}")
        sandbox.reset_counters()
        with counted_queries(core) as queries:
            page = anybody.submit(page)
        calls = tuple(re.sub(r"\d+", "", key) for key in sandbox.counters()["host"])
        seen.add((page.status_code, bare(page), calls, len(queries), len(page.response.content)))
        assert page.says(NOTHING)
    assert len(seen) == 1, seen


def test_missing_paid_and_deleted_cost_the_same_by_id_too(anybody, sandbox, counted_queries, core):
    rows = sandbox.ledger()["host"]["invoices"]
    paid = next(row for row in rows if row["status"] == "paid")
    deleted = next(row for row in rows if str(row["deleted"]) == "1")
    anybody.submit(anybody.get("/ippay/direct-pay-invoice-by-id?item_id=999998"))
    seen = set()
    for item in (paid["id"], deleted["id"], 99):
        page = anybody.get(f"/ippay/direct-pay-invoice-by-id?item_id={item}")
        sandbox.reset_counters()
        with counted_queries(core) as queries:
            page = anybody.submit(page)
        seen.add((bare(page), sum(sandbox.counters()["host"].values()), len(queries)))
    assert len(seen) == 1, seen


def test_a_press_without_its_token_shows_nothing(anybody, invoice, sandbox):
    page = anybody.post(f"/ippay/direct-pay-invoice?item_id={invoice['number']}")
    assert page.status_code == 400
    assert page.says("This page was open too long")
    assert invoice["number"] not in page.words
    assert sandbox.counters()["host"] == {}


def test_a_saved_method_needs_a_login(anybody, browser_of, invoice, sandbox):
    owner = browser_of(2)
    owner.submit(owner.get("/ippay/credentials"), "/credentials/card", number="4111111111111111", expiry="12/30", holder="Owner")
    page = anybody.submit(anybody.get(f"/ippay/direct-pay-invoice?item_id={invoice['number']}"))
    assert "1111" not in page.words
    assert "Owner" not in page.text
    form = page.form(holding="number")
    assert not any(field.value.startswith("method:") for field in form.fields)
    values = dict(form.values({})) | {"source": "method:1"}
    refused = anybody.post(page.url, values)
    assert refused.says("Choose how you want to pay.")
    assert sandbox.sales() == []
    login = page.link("Log in to use your saved card")
    assert "/portal/login/?return=%2Fippay%2Fpay-invoice%3Fitem_id%3D" in login.href
    assert owner.get(login.href).status_code == 200


@pytest.mark.parametrize(("policy", "offered", "login"), [("open", True, False), ("off", False, False), ("proof", False, True)])
def test_the_setting_decides_about_saved_methods(*, policy, offered, login, anybody, browser_of, invoice, settings_of, core, sandbox):
    owner = browser_of(2)
    owner.submit(owner.get("/ippay/credentials"), "/credentials/card", number="4111111111111111", expiry="12/30", holder="Owner Name")
    settings_of(core, unsigned_saved_method=policy)
    page = anybody.submit(anybody.get(f"/ippay/direct-pay-invoice?item_id={invoice['number']}"))
    assert any(field.value.startswith("method:") for field in page.form(holding="number").fields) == offered
    assert page.says("Log in to use your saved card") == login
    assert "Owner Name" not in page.text
    assert "2030" not in page.text  # nor the expiry, which the owner sees
    if offered:
        assert anybody.submit(page, source="method:1").says("approved")
        assert len(sandbox.sales()) == 1


def test_walking_through_numbers_is_stopped_and_the_page_says_to_wait(anybody, sandbox):
    pages = [anybody.submit(anybody.get(f"/ippay/direct-pay-invoice-by-id?item_id={item}")) for item in range(900, 900 + OPENINGS[1])]
    assert {page.status_code for page in pages} == {200}
    sandbox.reset_counters()
    page = anybody.submit(anybody.get("/ippay/direct-pay-invoice-by-id?item_id=5"))
    assert page.status_code == 429
    assert page.says("Please wait a little", "Nothing was charged")
    assert sandbox.counters()["host"] == {}
    sandbox.jump(seconds=3601)
    assert anybody.submit(anybody.get("/ippay/direct-pay-invoice-by-id?item_id=5")).status_code == 200


def test_cards_cannot_be_tested_on_a_link(anybody, invoice, card, sandbox):
    page = anybody.submit(anybody.get(f"/ippay/direct-pay-invoice?item_id={invoice['number']}"))
    for _ in range(PAYMENTS[0]):
        page = anybody.submit(page, **(card | {"number": "4111111111111112"}))
        assert page.says("This card number has a typing error")
    page = anybody.submit(page, **card)
    assert page.status_code == 429
    assert sandbox.sales() == []


def test_a_gateway_out_of_reach_took_nothing(anybody, invoice, card, sandbox):
    page = anybody.submit(anybody.get(f"/ippay/direct-pay-invoice?item_id={invoice['number']}"))
    sandbox.fault(server="gateway", kind="refuse", seconds=30)
    page = anybody.submit(page, **card)
    sandbox.control("DELETE", "faults", server="host")  # the gateway itself hears nothing
    assert page.says("The payment company could not be reached", "Nothing was charged")
    assert anybody.submit(page, **card).says("approved")
    assert len(sandbox.sales()) == 1


def test_a_decline_says_why_and_leads_back_to_the_same_address(anybody, invoice, card, sandbox, core):
    core.host.post_payment(PaymentDraft(customer_id=2, amount=Money(7948, "USD"), date=clock.now().date(), payment_type=1,
                                        invoice_id=int(invoice["id"]), comment="cash", field_1="", field_2=""))
    address = f"/ippay/direct-pay-invoice?item_id={invoice['number']}"
    page = anybody.submit(anybody.get(address))
    assert page.says("$20.51")  # the test gateway declines by the cents
    page = anybody.submit(page, **card)
    assert page.says("The payment was declined", "not enough money", "Nothing was charged")
    back = anybody.click(page, "source=card")
    assert back.url.endswith(f"{address}&source=card")
    assert anybody.submit(back).says("$20.51")
    assert sandbox.sales() == []


def test_a_lost_answer_on_a_link_says_do_not_pay_again(anybody, invoice, card, sandbox):
    page = anybody.submit(anybody.get(f"/ippay/direct-pay-invoice?item_id={invoice['number']}"))
    sandbox.fault(server="gateway", kind="drop_after", match={"type": "SALE"}, times=1)
    page = anybody.submit(page, **card)
    assert page.says("We are asking your bank", "do not pay again")
    assert page.sight.refresh == page.url
    again = anybody.submit(anybody.get(f"/ippay/direct-pay-invoice?item_id={invoice['number']}"))
    assert again.says("already being paid through a payment link")
    assert len(sandbox.sales()) == 1


def test_an_ending_opens_only_with_its_own_signature(anybody, invoice, card):
    page = anybody.submit(anybody.get(f"/ippay/direct-pay-invoice?item_id={invoice['number']}"))
    page = anybody.submit(page, **card)
    reference = page.url.rpartition("/")[2]
    assert anybody.get(page.url).says("approved")
    forged = reference[:-1] + ("0" if reference[-1] != "0" else "1")
    assert anybody.get(f"/ippay/paid/{forged}").status_code == 404
    assert anybody.get(f"/ippay/paid/{reference.partition('.')[0]}").status_code == 404


@pytest.mark.parametrize(("address", "network"), [
    ("192.0.2.77", "192.0.2.0/24"), ("2001:db8:1:2:3::4", "2001:db8:1::/56"), ("::ffff:192.0.2.7", "192.0.2.0/24"), ("", "unknown"),
])
def test_a_network_is_what_a_provider_hands_out(address, network):
    assert network_of(address) == network
