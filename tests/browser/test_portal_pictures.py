"""Every page of the customer's door, in every state the code knows, pictured and examined."""

import re

from splynx_ippay import credentials
from splynx_ippay.base import clock
from splynx_ippay.payments import breaker, updater
from splynx_ippay.payments.models import Attempt, State
from splynx_ippay.payments.view import ending


def fill_card(page, number, *, expiry="12/30", cvv="123", holder="John Sway", prefix="card-"):
    page.locator(f"#{prefix}number").fill(number)
    page.locator(f"#{prefix}expiry").fill(expiry)
    if page.locator(f"#{prefix}cvv").count():
        page.locator(f"#{prefix}cvv").fill(cvv)
    page.locator(f"#{prefix}holder").fill(holder)


def press(page, words):
    page.locator("main button[type=submit]", has_text=re.compile(words, re.IGNORECASE)).first.click()
    page.wait_for_load_state()


def top_up(page, amount):
    page.goto("/ippay/")
    page.locator("#amount").fill(amount)
    press(page, "^Add$")
    return page.url.rsplit("/", 1)[-1]


def every_ending():
    """The names that payments.view gives, asked for every state, instrument and kind of answer."""
    rows = [Attempt(state=state, instrument=instrument, action_code=code, brand="Visa", response_text="")
            for state in State if state is not State.ACCEPTED for instrument in ("card", "bank") for code in ("051", "906")]
    return {ending(row).name for row in rows} | {"accepted"}


def test_every_page_of_saved_methods(gallery, customer, town, settings_of):
    pictured, page = gallery("portal"), customer().page
    page.goto("/ippay/credentials")
    pictured.shoot("credentials-empty", page)
    fill_card(page, "4111111111111112")
    press(page, "Add card")
    pictured.shoot("credentials-card-problem", page)
    page.locator("#bank-routing").fill("111000026")
    press(page, "Add bank account")
    pictured.shoot("credentials-bank-problem", page)
    fill_card(page, town.visa)
    press(page, "Add card")
    assert page.get_by_role("status").inner_text() == "The card was saved. Nothing was charged."
    pictured.shoot("credentials-saved", page, again=False)
    bank, second = town.bank(), town.card(number=town.amex, postal_code="")
    old, other, stopped = town.card(number=town.mastercard), town.card(number=town.other_visa), town.bank(holder="Sway Ltd")
    town.change(old, exp_year=2024)
    town.change(other, terminal_id="OTHER")
    town.change(stopped, status="disabled")
    settings_of(town.core, zip_code_option="1")
    page.goto("/ippay/credentials")
    pictured.shoot("credentials-every-state", page)
    settings_of(town.core, zip_code_option="0")
    town.change(second, exp_month=clock.now().month, exp_year=clock.now().year)
    town.core.database.run(lambda session: credentials.make_default(session, old.id, 1))
    page.goto("/ippay/credentials?add=card")
    pictured.shoot("credentials-expired-default", page)
    press(page, "instead")
    pictured.shoot("credentials-new-default", page, again=False)
    for method in (bank, second):
        page.goto(f"/ippay/credentials/{method.id}/remove")
        pictured.shoot(f"remove-{method.instrument}", page)
    press(page, "Remove card")
    pictured.shoot("credentials-removed", page, again=False)


def test_a_backup_method_and_news_of_a_card(gallery, customer, town, settings_of, sandbox):
    pictured, page = gallery("portal"), customer().page
    settings_of(town.core, backup_method="1")
    town.card()
    town.bank()
    sandbox.control("POST", "updates", {"token_last4": "1111", "response_code": "E", "exp": "01/38"})
    sandbox.jump(seconds=3600)
    assert updater.tick(town.core)
    page.goto("/ippay/credentials")
    press(page, "Use as backup")
    pictured.shoot("credentials-backup", page, again=False)


def test_every_page_of_authorizations(gallery, customer, town, settings_of):
    pictured, page = gallery("portal"), customer().page
    page.goto("/ippay/credentials/authorizations")
    pictured.shoot("authorizations-none", page)
    town.card(postal_code="")
    bank = town.bank()
    settings_of(town.core, zip_code_option="1")
    page.goto("/ippay/credentials")
    press(page, "Save ZIP code")
    pictured.shoot("credentials-zip-problem", page)
    page.locator("input[id^=zip-]").fill("80202")
    press(page, "Save ZIP code")
    pictured.shoot("credentials-zip-saved", page, again=False)
    town.change(bank, is_default=True)
    page.goto("/ippay/")
    page.locator(f"input[value='method:{bank.id}']").check()
    page.locator("#amount").fill("20.00")
    press(page, "^Add$")
    page.goto(f"/ippay/payments/{town.latest().transaction_id}/authorization")
    pictured.shoot("authorization-of-a-payment", page, again=False)
    page.goto(f"/ippay/credentials/{bank.id}/authorization")
    pictured.shoot("authorization", page)
    press(page, "Withdraw")
    pictured.shoot("authorizations", page)


def test_every_page_of_paying_several(gallery, customer, town, settings_of):
    pictured, page = gallery("portal"), customer().page
    settings_of(town.core, part_payments="1")
    page.goto("/ippay/pay")
    pictured.shoot("several", page)
    page.locator("input[name^=sum-]").first.fill("1e3")
    press(page, "^Continue$")
    pictured.shoot("several-problem", page)
    town.card()
    page.goto("/ippay/pay")
    press(page, "^Continue$")
    pictured.shoot("several-confirm", page)
    press(page, "^Pay")
    pictured.shoot("ending-of-several", page)
    page.goto("/ippay/pay")
    pictured.shoot("several-none", page, again=False)


def test_every_page_of_paying(gallery, customer, town, sandbox):
    pictured, page = gallery("portal"), customer().page
    first, second, third = sandbox.unpaid_invoices(1)
    proforma = next(row for row in sandbox.ledger()["host"]["requests"] if int(row["customer_id"]) == 1)
    page.goto(f"/ippay/pay-invoice?item_id={first['number']}")
    pictured.shoot("pay-invoice-new-card", page)
    page.get_by_label("Bank account", exact=True).check()
    pictured.shoot("pay-invoice-new-bank", page, again=False)
    page.get_by_label("Credit card", exact=True).check()
    press(page, "Pay")
    pictured.shoot("pay-invoice-problem", page)
    town.card()
    town.bank()
    page.goto(f"/ippay/pay-request?item_id={proforma['number']}")
    pictured.shoot("pay-request-saved-methods", page)
    press(page, "Pay")
    pictured.shoot("ending-of-a-proforma", page)
    page.goto(f"/ippay/pay-request?item_id={proforma['number']}")
    pictured.shoot("pay-request-paid", page)
    page.goto("/ippay/")
    pictured.shoot("topup", page)
    page.locator("#amount").fill("1e3")
    press(page, "^Add$")
    pictured.shoot("topup-problem", page)
    page.goto("/ippay/pay-invoice?item_id=999")
    pictured.shoot("pay-invoice-not-found", page)
    page.goto(f"/ippay/pay-invoice?item_id={second['number']}")
    town.core.host.client.post("admin/finance/payments", {
        "customer_id": 1, "invoice_id": int(second["id"]), "payment_type": 1, "amount": "5.00",
        "date": sandbox.control("GET", "clock")["now"][:10]})
    press(page, "Pay")
    pictured.shoot("pay-invoice-amount-changed", page)
    page.goto(f"/ippay/pay-invoice?item_id={third['number']}")
    page.locator("input[name=offer]").evaluate("field => field.value = 'old'")
    press(page, "Pay")
    pictured.shoot("pay-invoice-too-late", page)
    town.fault("drop_after")
    page.goto(f"/ippay/pay-invoice?item_id={third['number']}")
    press(page, "Pay")
    page.goto(f"/ippay/pay-invoice?item_id={third['number']}")
    pictured.shoot("pay-invoice-held", page)


def test_every_ending_is_pictured(gallery, customer, town, sandbox):
    pictured, page = gallery("portal"), customer().page
    card, bank = town.card(), town.bank()
    shown = set()

    def show(name, transaction_id):
        page.goto(f"/ippay/payments/{transaction_id}")
        shown.add(page.locator("[data-ending]").get_attribute("data-ending"))
        if page.locator("a[download]").count():
            assert page.context.request.get(page.locator("a[download]").get_attribute("href")).headers["content-type"] == "application/pdf"
        pictured.shoot(f"ending-{name}", page)

    for name, amount in (("approved", "20.00"), ("declined-for-now", "20.51"), ("declined-for-good", "20.04"),
                         ("declined-for-its-data", "20.82")):
        show(name, top_up(page, amount))
    for name, state in (("voided", State.VOIDED), ("review", State.REVIEW)):
        transaction_id = top_up(page, "21.00")
        town.move(town.attempt(transaction_id), state)
        show(name, transaction_id)
    sandbox.fault(server="gateway", kind="refuse", seconds=60)
    show("abandoned", top_up(page, "21.00"))
    sandbox.control("DELETE", "faults", server="host")
    town.change(bank, is_default=True)
    town.change(card, is_default=False)
    sent = top_up(page, "30.00")
    show("accepted", sent)
    town.move(town.attempt(sent), State.RETURNED, return_code="R01")
    show("returned", sent)
    page.goto(f"/ippay/pay-invoice?item_id={sandbox.unpaid_invoices(1)[0]['number']}")
    press(page, "Pay")
    sent = page.url.rsplit("/", 1)[-1]
    town.move(town.attempt(sent), State.APPROVED)
    show("settled", sent)
    town.change(card, is_default=True)
    town.change(bank, is_default=False)
    town.answer("906")
    page.goto(f"/ippay/pay-invoice?item_id={sandbox.unpaid_invoices(1)[1]['number']}")
    press(page, "Pay")
    show("refused", page.url.rsplit("/", 1)[-1])
    page.goto(f"/ippay/pay-invoice?item_id={sandbox.unpaid_invoices(1)[1]['number']}")
    press(page, "Pay")
    pictured.shoot("pay-invoice-stopped", page)
    breaker.release(town.core, town.core.settings.terminal(1), by="a test")
    town.fault("drop_after")
    page.goto(f"/ippay/pay-invoice?item_id={sandbox.unpaid_invoices(1)[1]['number']}")
    press(page, "Pay")
    show("unknown", page.url.rsplit("/", 1)[-1])
    assert shown == every_ending()


def test_in_the_hosts_frame(gallery, customer, town, sandbox):
    pictured, window = gallery("portal"), customer()
    page = window.page
    pictured.shoot("host-dashboard", page, again=False, check=False)
    page.goto("/portal/finance/invoices")
    pictured.shoot("host-invoices", page, again=False, check=False)
    page.goto("/portal/add-on?point=ippay_credentials_point")
    window.frame().get_by_role("heading", name="Credit Card").wait_for()
    pictured.shoot("host-frame-credentials", page, again=False)
    town.card()
    page.goto("/portal/finance/invoices")
    page.locator("a[data-name=ippay_pay_invoice_point]").first.click()
    window.frame().get_by_role("button", name=re.compile("Pay")).wait_for()
    pictured.shoot("host-dialog-pay", page, again=False)


def test_nothing_of_the_portal_is_without_a_picture(gallery, nothing_missing):
    nothing_missing(gallery("portal"), "portal")
