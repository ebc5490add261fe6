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
