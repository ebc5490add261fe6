"""A part of an invoice by link: the next look at the same link asks for the rest."""

import pytest

from splynx_ippay.base.money import Money


@pytest.fixture
def parts(core, settings_of):
    settings_of(core, part_payments="1", part_minimum="5.00")


def test_a_part_is_paid_by_link_and_the_same_link_asks_for_the_rest(anybody, core, sandbox, parts, run_program):
    invoice = max(sandbox.unpaid_invoices(1), key=lambda row: float(row["due"]))
    path = "/ippay/" + run_program(core, "link", "invoice", invoice["id"]).stdout.strip().partition("/ippay/")[2]
    page = anybody.get(path)
    due = Money.from_host(invoice["due"], "USD")
    assert page.says("How much of it to pay now", "at least $5.00")
    card = {"source": "card", "number": "4111111111111111", "expiry": "12/30", "cvv": "123", "holder": "Jane Doe"}
    wrong = anybody.submit(page, "", holding="number", amount="4.00", **card)
    assert wrong.status_code == 400
    assert wrong.says("The smallest part that can be paid is $5.00.")
    paid = anybody.submit(wrong, "", holding="number", amount="20.00", **card)
    rest = Money(due.cents - 2000, "USD").decimal()
    assert paid.says("approved", f"$20.00 of ${due.decimal():,.2f}", "Still open after this payment", f"${rest:,.2f}")
    assert not paid.says("mailed"), "an address is not for whoever holds a link"
    assert anybody.get(path).says(f"${rest:,.2f}")
    assert Money.from_host(sandbox.invoice(invoice["id"])["due"], "USD") == Money(due.cents - 2000, "USD")
