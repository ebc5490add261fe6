"""The card fee in the portal: shown before pressing for every way to pay, charged as shown, never charged as not shown."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from splynx_ippay.base.money import Money
from splynx_ippay.payments.models import Attempt
from splynx_ippay.payments.recording import whole

NEW_CARD = {"source": "card", "number": "4111111111111111", "expiry": "12/30", "cvv": "123", "holder": ["Jane Doe"]}


def attempts(core):
    with core.database.read() as session:
        return [whole(attempt) for attempt in session.scalars(select(Attempt).order_by(Attempt.id))]


def balance(core):
    return Money.from_host(core.host.customer_billing(1).deposit, "USD").cents


@pytest.fixture
def fee(core, sandbox, settings_of):
    """Cards pay three percent, and the gateway takes every amount. ``fee(percent="2")`` changes it."""
    sandbox.control("POST", "gateway", {"penny_triggers": False})

    def set_fee(percent="3", **more):
        settings_of(core, card_fee_percent=percent, **more)

    set_fee()
    return set_fee


@pytest.fixture
def parts(core, settings_of):
    settings_of(core, part_payments="1", part_minimum="5.00")


def test_the_page_shows_what_each_way_is_charged_and_the_card_is_charged_that(john, add_bank, pay_page, invoice, fee, sandbox, core):
    add_bank(john)
    page = john.get(pay_page)
    assert page.says("Total amount", "$15.00", "Card fee", "$0.45", "Total by card", "$15.45", "By bank account, no fee",
                     "$15.45 with the fee", "$15.00, no fee", "Pay $15.45", "Pay $15.00")
    before = balance(core)
    page = john.submit(page, "/ippay/pay-invoice")
    assert page.says("approved", "You paid $15.45 for invoice", "Receipt", f"{invoice['number']}: $15.00", "Card fee", "$0.45")
    assert [row["amount_cents"] for row in sandbox.sales()] == [15_45]
    assert "<FeeAmount>45</FeeAmount>" in sandbox.capture()[-1]
    assert sandbox.invoice(invoice["id"])["status"] == "paid"
    assert balance(core) == before + 15_00


def test_a_bank_account_pays_no_fee_and_its_receipt_shows_no_line_of_it(portal, add_bank, pay_page, fee, sandbox):
    add_bank(portal)
    page = portal.submit(portal.get(pay_page), "/ippay/pay-invoice")
    assert page.says("accepted", "$15.00")
    assert not page.says("Card fee")
    assert [row["amount_cents"] for row in sandbox.sales()] == [15_00]


def test_without_a_fee_no_page_says_a_word_of_it(john, pay_page, core):
    for path in (pay_page, "/ippay/", "/ippay/pay"):
        assert " fee" not in john.get(path).words
    assert not john.submit(john.get(pay_page), "/ippay/pay-invoice").says("fee")
    assert attempts(core)[0].fee_line is None


def test_where_only_cards_pay_the_button_says_the_whole_sum(john, pay_page, fee, core, settings_of):
    settings_of(core, payment_type="card")
    page = john.get(pay_page)
    assert page.says("Pay $15.45")
    assert not page.says("By bank account")


def test_where_no_card_can_pay_nothing_is_said_of_a_fee(portal, add_bank, pay_page, fee, core, settings_of):
    settings_of(core, payment_type="bank")
    add_bank(portal)
    page = portal.get(pay_page)
    assert page.says("Pay $15.00")
    assert not page.says("fee")


def test_a_fee_that_comes_to_nothing_is_no_line_of_zero(john, fee, core, settings_of):
    settings_of(core, minimum_amount="0.01")
    page = john.get("/ippay/?amount=0.10")
    assert not page.says("Card fee")
    assert not page.says("$0.00")
    assert john.submit(page, "/ippay/").says("approved", "$0.10")


@pytest.mark.parametrize(("percent", "total"), [("2", "$15.30"), ("0", "$15.00")])
def test_a_fee_that_changed_meanwhile_is_shown_and_nothing_is_charged(john, pay_page, fee, sandbox, core, percent, total):
    page = john.get(pay_page)
    fee(percent)
    page = john.submit(page, "/ippay/pay-invoice")
    assert page.status_code == 409
    assert page.says("The card fee has changed while this page was open", f"paying by card is now {total}", "Nothing was charged")
    assert (sandbox.sales(), attempts(core)) == ([], [])
    assert john.submit(page, "/ippay/pay-invoice").says("approved", total)


def test_a_fee_switched_on_meanwhile_never_charges_a_total_that_was_not_shown(portal, pay_page, core, sandbox, settings_of):
    sandbox.control("POST", "gateway", {"penny_triggers": False})
    page = portal.get(pay_page)
    settings_of(core, card_fee_percent="3")
    page = portal.submit(page, "/ippay/pay-invoice", holding="number", **NEW_CARD)
    assert page.status_code == 409
    assert page.says("paying by card is now $15.45")
    assert NEW_CARD["number"] not in page.text
    assert sandbox.counters()["gateway"] == {}
    assert portal.submit(page, "/ippay/pay-invoice", holding="number", **NEW_CARD).says("approved", "$15.45")


def test_a_top_up_asks_for_the_amount_first_then_shows_the_total(john, fee, sandbox, core):
    page = john.get("/ippay/")
    assert page.says("Paying by card costs a fee", "Continue")
    assert [form.method.lower() for form in page.forms if "amount" in form.names()] == ["get"]
    page = john.submit(page, "/ippay/", holding="amount", amount="30")
    assert page.says("Added to your account", "$30.00", "Card fee", "$0.90", "Total by card", "$30.90", "Choose another amount")
    assert sandbox.sales() == []
    before = balance(core)
    assert john.submit(page, "/ippay/", holding="source").says("approved", "$30.90", "Money added to your account", "$30.00", "$0.90")
    assert [row["amount_cents"] for row in sandbox.sales()] == [30_90]
    assert balance(core) == before + 30_00


def test_an_amount_to_tap_leads_straight_to_its_total(john, fee):
    tap = next(link for link in john.get("/ippay/").sight.links if "amount=50" in link.href)
    assert "data-amount" not in tap.attributes
    assert john.get(tap.href).says("Total by card", "$51.50")


@pytest.mark.parametrize(("typed", "words"), [("abc", "Enter the amount in digits"), ("0.10", "The smallest payment here is"),
                                              ("99999", "The largest payment here is")])
def test_an_impossible_amount_is_refused_before_the_way_to_pay_is_asked(john, fee, sandbox, typed, words):
    page = john.submit(john.get("/ippay/"), "/ippay/", holding="amount", amount=typed)
    assert page.status_code == 400
    assert page.says(words)
    assert page.form("/ippay/", holding="amount").method.lower() == "get"


def test_a_top_up_typed_before_the_fee_was_switched_on_comes_back_with_its_total(john, core, sandbox, settings_of):
    sandbox.control("POST", "gateway", {"penny_triggers": False})
    page = john.get("/ippay/")
    settings_of(core, card_fee_percent="3")
    page = john.submit(page, "/ippay/", holding="amount", amount="30.00")
    assert page.status_code == 409
    assert page.says("paying by card is now $30.90", "Total by card")
    assert "amount" not in page.form("/ippay/", holding="source").names()
    assert john.submit(page, "/ippay/", holding="source").says("approved", "$30.90")
    assert [row["amount_cents"] for row in sandbox.sales()] == [30_90]


def test_a_top_up_whose_fee_was_switched_off_keeps_the_amount_that_was_chosen(john, fee, sandbox):
    page = john.get("/ippay/?amount=30")
    fee("0")
    page = john.submit(page, "/ippay/", holding="source")
    assert page.says("paying by card is now $30.00")
    assert "amount" not in page.form("/ippay/", holding="source").names()  # what is sealed cannot be typed over
    assert john.submit(page, "/ippay/", holding="source").says("approved", "$30.00")


def test_a_card_that_would_go_beyond_the_largest_payment_is_refused_and_an_account_is_not(john, add_bank, fee, core, settings_of, sandbox):
    settings_of(core, maximum_amount="30.50")
    page = john.submit(john.get("/ippay/?amount=30"), "/ippay/", holding="source")
    assert page.status_code == 400
    assert page.says("The largest payment here is $30.50")
    add_bank(john)
    page = john.get("/ippay/?amount=30")
    _card, bank = [field.value for field in page.form("/ippay/", holding="source").fields if field.value.startswith("method:")]
    assert john.submit(page, "/ippay/", holding="source", source=bank).says("accepted")
    assert [row["amount_cents"] for row in sandbox.sales()] == [30_00]


def test_a_part_of_an_invoice_is_chosen_first_and_its_total_shown(john, pay_page, invoice, fee, parts, sandbox):
    page = john.get(pay_page)
    assert page.says("Total by card", "$15.45", "Show the total")
    page = john.submit(page, "/ippay/pay-invoice", holding="amount", amount="4")
    assert page.status_code == 400
    assert page.says("The smallest part that can be paid is $5.00.")
    page = john.submit(page, "/ippay/pay-invoice", holding="amount", amount="10")
    assert page.says("To pay now", "$10.00", "$0.30", "Total by card", "$10.30")
    assert sandbox.sales() == []
    assert john.submit(page, "/ippay/pay-invoice", holding="source").says("approved", "$10.30")
    assert Money.from_host(sandbox.invoice(invoice["id"])["due"], "USD").cents == 5_00


def test_a_part_typed_before_the_fee_was_switched_on_comes_back_with_its_total(john, pay_page, parts, core, sandbox, settings_of):
    sandbox.control("POST", "gateway", {"penny_triggers": False})
    page = john.get(pay_page)
    settings_of(core, card_fee_percent="3")
    page = john.submit(page, "/ippay/pay-invoice", holding="source", amount="10")
    assert page.says("paying by card is now $10.30")
    assert john.submit(page, "/ippay/pay-invoice", holding="source").says("approved", "$10.30")


def test_where_parts_were_switched_off_meanwhile_all_that_is_due_is_shown(john, pay_page, fee, parts, core, settings_of):
    page = john.submit(john.get(pay_page), "/ippay/pay-invoice", holding="amount", amount="10")
    settings_of(core, part_payments="0")
    assert john.submit(page, "/ippay/pay-invoice", holding="amount", amount="12").says("Total by card", "$15.45")
    refused = john.submit(page, "/ippay/pay-invoice", holding="source")
    assert refused.status_code == 400
    assert refused.says("Only the whole amount can be paid here.")


def test_an_amount_that_changed_forgets_the_part_and_shows_the_new_total(john, pay_page, invoice, fee, parts, core):
    page = john.submit(john.get(pay_page), "/ippay/pay-invoice", holding="amount", amount="10")
    core.host.client.post("admin/finance/payments", {
        "customer_id": 1, "invoice_id": int(invoice["id"]), "payment_type": 1, "date": "2026-11-22", "amount": "7.00",
        "comment": "cash", "field_1": "", "field_2": ""})
    page = john.submit(page, "/ippay/pay-invoice", holding="source")
    assert page.says("The amount due has changed to $8.00", "Total by card", "$8.24")


def test_several_documents_pay_one_fee_on_their_sum(john, fee, sandbox, core):
    rows = sandbox.unpaid_invoices(1)
    total = sum(Money.from_host(row["due"], "USD").cents for row in rows)
    charge = (total * 3 + 50) // 100
    path = "/ippay/pay/selected?" + "&".join(f"pick=invoice-{row['id']}" for row in rows)
    page = john.get(path)
    assert page.says("Card fee", "Total by card", f"${(total + charge) / 100:,.2f}")
    fee("2")
    page = john.submit(page, "/pay/selected")
    assert page.says("The card fee has changed while this page was open")
    fee("3")
    page = john.submit(john.get(path), "/pay/selected")
    assert page.says("approved", f"${(total + charge) / 100:,.2f}", "Card fee")
    [attempt] = attempts(core)
    assert (attempt.amount_cents, attempt.fee_cents, len(attempt.debts)) == (total + charge, charge, len(rows))


def test_a_declined_payment_with_a_fee_offers_the_same_document_again(john, fee, sandbox, pay_page, invoice):
    sandbox.control("POST", "gateway", {"penny_triggers": True})  # 15.05 is declined there
    fee("0.33")
    page = john.submit(john.get(pay_page), "/ippay/pay-invoice")
    assert page.says("declined")
    again = next(link for link in page.sight.links if "Use another" in link.words)
    assert f"item_id={invoice['number']}" in again.href


def test_twenty_presses_at_once_with_a_fee_are_one_sale_and_one_fee(john, pay_page, fee, sandbox, core):
    page = john.get(pay_page)
    form = page.form("/ippay/pay-invoice")
    values = form.values({})
    before = balance(core)

    def press(_):
        return john.session.post(form.action, data=values, timeout=60).status_code

    with ThreadPoolExecutor(20) as many:
        assert set(many.map(press, range(20))) <= {200, 409}
    assert [row["amount_cents"] for row in sandbox.sales()] == [15_45]
    [attempt] = attempts(core)
    debits = [row for row in sandbox.ledger()["host"]["transactions"] if row["comment"] == attempt.fee_line.field_1]
    assert len(debits) == 1
    assert balance(core) == before + 15_00


def test_the_name_and_the_tax_of_the_fee_stand_on_page_and_receipt(john, pay_page, fee, sandbox):
    fee(card_fee_name="Convenience fee", card_fee_tax_percent="10", card_fee_fixed="0.50", card_fee_maximum="0.80")
    page = john.get(pay_page)
    assert page.says("Convenience fee", "$0.08 of it tax", "$0.88", "$15.88")
    assert john.submit(page, "/ippay/pay-invoice").says("approved", "Convenience fee", "$0.88 ($0.08 of it tax)")


def test_a_fee_above_what_the_networks_allow_takes_no_payment(john, pay_page, fee, sandbox):
    page = john.get(pay_page)
    fee("3.5")
    answer = john.submit(page, "/ippay/pay-invoice")
    assert answer.status_code >= 400
    assert sandbox.sales() == []


def test_a_sum_smuggled_into_the_form_is_shown_with_its_own_fee_first(john, pay_page, fee, parts, sandbox):
    form = john.get(pay_page).form("/ippay/pay-invoice", holding="source")
    answer = john.session.post(form.action, data=[*form.values({}), ("amount", "10.00")], timeout=60)
    assert answer.status_code == 409
    assert "paying by card is now $10.30" in answer.text
    assert sandbox.sales() == []
