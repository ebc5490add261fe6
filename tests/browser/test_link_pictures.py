"""Every page of the link door and every page of what goes wrong, pictured and examined."""

import re
from datetime import timedelta

import pytest
from flask import abort
from sqlalchemy.exc import OperationalError

from splynx_ippay import error_pages, links
from splynx_ippay.app import create_app
from splynx_ippay.base.errors import ConfigError, HostUnavailable
from splynx_ippay.payments.models import State

WRONGS = {
    "host-away": lambda: HostUnavailable("gone", sent=False), "not-set-up": lambda: ConfigError("no terminal for partner 2"),
    "database-away": lambda: OperationalError("SELECT 1", {}, Exception("gone")), "our-fault": lambda: RuntimeError("a fault"),
}


@pytest.fixture
def app(registered_core):
    """The application with addresses at which things go wrong on purpose."""
    app = create_app(registered_core)

    def wrong(kind):
        if kind.isdigit():
            abort(int(kind))
        error = WRONGS[kind]()
        raise error

    app.add_url_rule("/ippay/wrong/<kind>", "wrong", wrong)
    return app


def press(page, words):
    page.locator("main button[type=submit]", has_text=re.compile(words, re.IGNORECASE)).first.click()
    page.wait_for_load_state()


def pay_by_new_card(page, number="4111111111111111"):
    page.locator("input[name=source][value=card]").check()
    for name, value in (("number", number), ("expiry", "12/30"), ("cvv", "123"), ("holder", "Pat Payer")):
        page.locator(f"#card-{name}").fill(value)
    press(page, "^Pay")


def test_every_page_of_signed_links(gallery, visit, town, sandbox):
    pictured, page = gallery("pay"), visit().page
    first, second = sandbox.unpaid_invoices(1)[:2]
    everything = sandbox.ledger()["host"]["invoices"]
    page.goto(town.link("invoice", first["id"]))
    pictured.shoot("link-new-card", page)
    press(page, "^Pay")
    pictured.shoot("link-problem", page)
    town.card()
    page.goto(town.link("invoice", first["id"]))
    pictured.shoot("link-saved-card", page)
    pay_by_new_card(page)
    assert page.context.request.get(page.locator("a[download]").get_attribute("href")).headers["content-type"] == "application/pdf"
    pictured.shoot("link-approved", page)
    page.goto(town.link("invoice", first["id"]))
    pictured.shoot("link-already-paid-by-it", page)
    page.goto(town.link("invoice", next(row["id"] for row in everything if row["status"] == "paid")))
    pictured.shoot("link-already-paid", page)
    town.fault("drop_after")
    page.goto(town.link("invoice", second["id"]))
    pay_by_new_card(page)
    pictured.shoot("link-unknown", page)
    page.goto(town.link("invoice", second["id"]))
    pictured.shoot("link-held", page)
    for state in (State.REVIEW, State.VOIDED):
        town.move(town.latest(), state)
        page.goto(town.ending_by_link(town.latest()))
        pictured.shoot(f"link-{state.value}", page)
    page.goto("/ippay/l/cut.short")
    pictured.shoot("link-cut-short", page)
    page.goto(town.link("invoice", second["id"], valid_for=timedelta(seconds=-1)))
    pictured.shoot("link-too-old", page)
    revoked = town.link("invoice", second["id"])
    town.core.database.run(lambda session: links.revoke(session, town.core.box, revoked.rsplit("/", 1)[-1], by="staff"))
    page.goto(revoked)
    pictured.shoot("link-withdrawn", page)
    page.goto(town.link("invoice", 99999))
    pictured.shoot("link-to-nothing", page)
    replaced = town.link("invoice", second["id"])
    for kind in ("png", "svg"):
        assert page.context.request.get(f"{town.link('invoice', second['id'])}/qr.{kind}").ok
    page.goto(replaced)
    pictured.shoot("link-replaced", page)


def test_a_link_with_a_fee_by_card_shows_its_totals(gallery, visit, town, sandbox, settings_of):
    pictured, page = gallery("pay"), visit().page
    sandbox.control("POST", "gateway", {"penny_triggers": False})
    settings_of(town.core, card_fee_percent="3")
    page.goto(town.link("invoice", sandbox.unpaid_invoices(1)[0]["id"]))
    pictured.shoot("link-with-fee", page)
    pay_by_new_card(page)
    pictured.shoot("link-approved-with-fee", page)


def test_every_page_of_unsigned_links(gallery, visit, town, sandbox, settings_of):
    pictured, page = gallery("pay"), visit().page
    invoice = sandbox.unpaid_invoices(1)[0]
    page.goto(f"/ippay/direct-pay-invoice?item_id={invoice['number']}")
    pictured.shoot("unsigned-continue", page)
    press(page, "Continue")
    pictured.shoot("unsigned-pay", page)
    page.goto("/ippay/direct-pay-invoice-by-id?item_id=99999")
    press(page, "Continue")
    pictured.shoot("unsigned-nothing", page)
    proforma = next(row for row in sandbox.ledger()["host"]["requests"] if int(row["customer_id"]) == 1)
    for path, item in (("direct-pay-proforma", proforma["number"]), ("direct-pay-proforma-by-id", proforma["id"])):
        page.goto(f"/ippay/{path}?item_id={item}")
        press(page, "Continue")
        pictured.shoot(f"unsigned-{path}", page, again=False)
    town.answer("051")
    pay_by_new_card(page)
    pictured.shoot("unsigned-declined", page)


def test_every_page_of_what_goes_wrong(gallery, visit):
    pictured, page = gallery("pay"), visit().page
    answer = page.context.request.post("/ippay/webhook", data="{}")
    assert (answer.status, answer.text()) == (403, "the signature does not fit")
    for kind in [*map(str, error_pages._PAGES), *WRONGS]:
        page.goto(f"/ippay/wrong/{kind}")
        pictured.shoot(f"error-{kind}", page)
    page.goto("/ippay/direct-pay-invoice?item_id=1")
    page.locator("input[name=csrf_token]").evaluate("field => field.value = 'old'")
    press(page, "Continue")
    pictured.shoot("error-form-too-old", page)


def test_the_page_that_leads_out_of_the_frame(gallery, customer, sandbox):
    pictured, window = gallery("pay"), customer()
    window.page.route("**/ippay.js*", lambda route: route.fulfill(body=""))  # with it the window leaves at once
    window.page.goto("/portal/add-on?point=ippay_credentials_point")
    window.context.request.get("/portal/logout")
    sandbox.jump(seconds=61)
    window.page.frames[1].goto("/ippay/credentials")
    window.frame().get_by_role("link", name="Log in").wait_for()
    pictured.shoot("error-login-in-the-frame", window.page, again=False)


def test_the_code_by_mail(gallery, visit, town, sandbox, settings_of):
    pictured, page = gallery("pay"), visit().page
    town.card()
    settings_of(town.core, smtp_host=sandbox.facts["smtp_host"], smtp_port=str(sandbox.facts["smtp_port"]), smtp_tls="none",
                smtp_from="billing@isp.example")
    page.goto(f"/ippay/direct-pay-invoice?item_id={sandbox.unpaid_invoices(1)[0]['number']}")
    press(page, "Continue")
    pictured.shoot("unsigned-pay-or-ask-for-a-code", page, again=False)
    press(page, "Send me a code")
    pictured.shoot("code", page, again=False)
    page.locator("#code").fill("000000")
    press(page, "Continue")
    pictured.shoot("code-problem", page)


def test_nothing_of_the_link_door_is_without_a_picture(gallery, nothing_missing):
    nothing_missing(gallery("pay"), "pay", "errors")
