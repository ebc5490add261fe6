"""The card fee by link, signed or not: the total is on the page before anything is typed, and the part is chosen first."""

import pytest

from splynx_ippay.base.money import Money

CARD = {"source": "card", "number": "4111111111111111", "expiry": "12/30", "cvv": "123", "holder": "Jane Doe"}


@pytest.fixture
def fee(core, sandbox, settings_of):
    settings_of(core, card_fee_percent="3", part_payments="1", part_minimum="5.00")
    sandbox.control("POST", "gateway", {"penny_triggers": False})


@pytest.fixture
def invoice(sandbox):
    return max(sandbox.unpaid_invoices(1), key=lambda row: float(row["due"]))


def dollars(cents):
    return f"${cents / 100:,.2f}"


def test_a_signed_link_shows_the_total_of_each_way_and_takes_a_part(anybody, core, sandbox, fee, invoice, run_program):
    path = "/ippay/" + run_program(core, "link", "invoice", invoice["id"]).stdout.strip().partition("/ippay/")[2]
    due = Money.from_host(invoice["due"], "USD").cents
    page = anybody.get(path)
    assert page.says("Amount due", dollars(due), "Card fee", "Total by card", dollars(due + (due * 3 + 50) // 100))
    page = anybody.submit(page, "", holding="amount", amount="10.00")
    assert page.says("To pay now", "$10.00", "$0.30", "Total by card", "$10.30")
    page = anybody.submit(page, "", holding="number", **CARD)
    assert page.says("approved", "$10.30", "Card fee", "$0.30")
    assert [row["amount_cents"] for row in sandbox.sales()] == [10_30]


def test_an_unsigned_link_asks_for_the_part_first_and_counts_no_payment_for_it(anybody, sandbox, fee, invoice):
    path = f"/ippay/direct-pay-invoice-by-id?item_id={invoice['id']}"
    page = anybody.submit(anybody.get(path), "")
    for amount in ("3", *["10.00"] * 12):  # as often as one likes: nothing is asked of the gateway
        page = anybody.submit(page, "", holding="amount", amount=amount)
    assert page.says("Total by card", "$10.30")
    assert sandbox.counters()["gateway"] == {}
    assert anybody.submit(page, "", holding="number", **CARD).says("approved", "$10.30")


def test_a_fee_that_changed_while_a_link_was_open_is_shown_first(anybody, core, sandbox, fee, invoice, settings_of):
    page = anybody.submit(anybody.get(f"/ippay/direct-pay-invoice-by-id?item_id={invoice['id']}"), "")
    settings_of(core, card_fee_percent="1")
    page = anybody.submit(page, "", holding="number", **CARD)
    assert page.status_code == 409
    assert page.says("The card fee has changed while this page was open", "Nothing was charged")
    assert CARD["number"] not in page.text
    assert sandbox.sales() == []
