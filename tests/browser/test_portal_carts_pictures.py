"""Paying several documents, a part of one, authorizations: pictured before test_portal_pictures counts what is missing."""

import re

import pytest


def press(page, words):
    page.locator("main button[type=submit]", has_text=re.compile(words, re.IGNORECASE)).first.click()
    page.wait_for_load_state()


@pytest.fixture
def three(sandbox, core):
    """The first customer's invoices, the dearest last."""
    return sorted(sandbox.unpaid_invoices(1), key=lambda row: float(row["due"]))


def test_every_page_of_paying_several_at_once(gallery, customer, town, three, settings_of, core):
    pictured, page = gallery("portal"), customer().page
    town.card()
    page.goto("/ippay/pay")
    pictured.shoot("several", page)
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
    page.goto("/ippay/pay/selected?pick=all")
    press(page, "Pay")
    assert page.locator("[data-ending]").get_attribute("data-ending") in {"approved", "declined"}
    pictured.shoot("several-receipt", page)
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


def test_every_page_of_authorizations_and_zip_codes(gallery, customer, town, settings_of, core):
    pictured, page = gallery("portal"), customer().page
    page.goto("/ippay/credentials/authorizations")
    pictured.shoot("authorizations-none", page)
    bank = town.bank()
    town.card(postal_code="")
    settings_of(core, zip_code_option="1")
    page.goto("/ippay/credentials")
    press(page, "Save ZIP code")
    pictured.shoot("zip-problem", page, again=False)
    page.goto(f"/ippay/credentials/{bank.id}/authorization")
    pictured.shoot("authorization", page)
    page.emulate_media(media="print")
    pictured.shoot("authorization-printed", page, again=False)
    page.emulate_media(media="screen")
    press(page, "Withdraw this authorization")
    pictured.shoot("authorizations-withdrawn", page, again=False)
    page.goto("/ippay/credentials")
    pictured.shoot("credentials-withdrawn", page, again=False)


def test_the_list_of_cards_without_a_zip_code(gallery, clerk, town):
    pictured = gallery("admin")
    town.card(postal_code="")
    page = clerk().page
    page.goto("/ippay/admin/missing-zip")
    pictured.shoot("missing-zip", page)
