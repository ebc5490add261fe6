"""Paying several documents in parts, a part of one, an authorization on paper: more states of pages the portal has."""

import re

import pytest


def press(page, words):
    page.locator("main button[type=submit]", has_text=re.compile(words, re.IGNORECASE)).first.click()
    page.wait_for_load_state()


@pytest.fixture
def three(sandbox, core):
    """The first customer's invoices, the dearest last."""
    return sorted(sandbox.unpaid_invoices(1), key=lambda row: float(row["due"]))


def test_paying_several_in_parts_is_pictured(gallery, customer, town, three, settings_of, core):
    pictured, page = gallery("portal"), customer().page
    town.card()
    settings_of(core, part_payments="1", part_minimum="5.00")
    page.goto("/ippay/pay")
    pictured.shoot("several-parts", page)
    boxes = page.locator("input[name=pick]")
    boxes.first.uncheck()
    dearest = three[-1]
    page.locator(f"#sum-invoice-{dearest['id']}").fill("7.5")
    shown = page.locator("dd[data-ticked]").inner_text()
    assert re.fullmatch(r"\$[\d,]+\.50", shown), shown
    page.locator(f"#sum-invoice-{dearest['id']}").fill("1e9")
    press(page, "Continue")
    pictured.shoot("several-problem", page)
    page.locator(f"#sum-invoice-{dearest['id']}").fill("7.5")
    press(page, "Continue")
    pictured.shoot("several-pay", page)
    page.goto("/ippay/pay/selected?lump=2000")
    pictured.shoot("several-pay-rest-kept", page)
    page.goto("/ippay/")
    page.get_by_role("link", name="Add $50.00").click()
    assert page.locator("#amount").input_value() == "50.00"
    pictured.shoot("topup-tapped", page, again=False)


def test_a_part_of_an_invoice_is_asked_for_in_one_field(gallery, customer, town, three, settings_of, core):
    pictured, page = gallery("portal"), customer().page
    town.card()
    settings_of(core, part_payments="1", part_minimum="5.00")
    page.goto(f"/ippay/pay-invoice?item_id={three[-1]['number']}")
    pictured.shoot("pay-a-part", page)
    page.locator("#amount").fill("2.00")
    press(page, "Pay")
    pictured.shoot("pay-a-part-problem", page)
    page.locator("#amount").fill("7.00")
    press(page, "Pay")
    settings_of(core, smtp_host=town.sandbox.facts["smtp_host"], smtp_port=town.sandbox.facts["smtp_port"], smtp_tls="none",
                smtp_from="pay@north.example")
    town.tick("mails")
    page.reload()
    pictured.shoot("paid-a-part", page, again=False)


def test_a_printed_authorization_and_a_withdrawn_one_are_pictured(gallery, customer, town):
    pictured, page = gallery("portal"), customer().page
    bank = town.bank()
    page.goto(f"/ippay/credentials/{bank.id}/authorization")
    page.emulate_media(media="print")
    pictured.shoot("authorization-printed", page, again=False)
    page.emulate_media(media="screen")
    press(page, "Withdraw this authorization")
    page.goto("/ippay/credentials")
    pictured.shoot("credentials-withdrawn", page, again=False)


def test_a_fee_for_paying_by_card_is_pictured_before_and_after(gallery, customer, town, three, settings_of, core, sandbox):
    pictured, page = gallery("portal"), customer().page
    town.card()
    town.bank()
    sandbox.control("POST", "gateway", {"penny_triggers": False})
    settings_of(core, card_fee_percent="3", card_fee_tax_percent="8.25", part_payments="1", part_minimum="5.00")
    page.goto(f"/ippay/pay-invoice?item_id={three[-1]['number']}")
    pictured.shoot("pay-with-fee", page)
    button = page.locator("main form[data-once] button[type=submit]")
    by_card = button.inner_text()
    page.locator("input[data-kind=bank]").first.check()
    assert button.inner_text() != by_card  # the button says what the chosen way is charged
    page.locator("#amount").fill("7.00")
    press(page, "Show the total")
    assert page.locator(".sums").inner_text().count("$7.00") == 2
    pictured.shoot("pay-a-part-with-fee", page, again=False)
    settings_of(core, card_fee_percent="2")
    page.locator("input[data-kind=card]").first.check()
    button.click()
    page.wait_for_load_state()
    pictured.shoot("pay-fee-changed", page, again=False)
    page.goto("/ippay/")
    pictured.shoot("topup-with-fee", page)
    page.get_by_role("link", name="Add $50.00").click()
    page.wait_for_load_state()
    pictured.shoot("topup-total-with-fee", page)
    page.goto("/ippay/pay")
    press(page, "Continue")
    pictured.shoot("several-pay-with-fee", page)
    page.locator("input[data-kind=card]").first.check()
    page.locator("main form[data-once] button[type=submit]").click()
    page.wait_for_url("**/payments/*")
    pictured.shoot("paid-with-fee", page)
