"""Signed links: they open at once, may use what is saved, and die kindly."""

import io
from datetime import timedelta

import pytest
import zxingcpp
from babel.dates import format_date
from PIL import Image

from splynx_ippay import links
from splynx_ippay.base import clock


def today():
    """As an English page writes it."""
    return format_date(clock.now().astimezone().date(), "long", locale="en")


def test_a_signed_link_opens_at_once_and_pays_with_a_new_card(anybody, make_link, proforma, card, sandbox):
    page = anybody.get(make_link("proforma", proforma["id"]))
    assert page.says(proforma["number"], "$200.00")
    assert sandbox.sales() == []
    page = anybody.submit(page, "/ippay/l/", holding="number", **card)
    assert page.says("approved", proforma["number"])
    assert len(sandbox.sales()) == 1


def test_a_signed_link_uses_what_is_saved_at_one_press(anybody, browser_of, make_link, invoice, sandbox):
    owner = browser_of(2)
    owner.submit(owner.get("/ippay/credentials"), "/credentials/card", number="4111111111111111", expiry="12/30", holder="Owner Name")
    page = anybody.get(make_link("invoice", invoice["id"]))
    assert page.says("Visa •••• 1111")
    assert "Owner Name" not in page.text
    assert anybody.submit(page, source="method:1").says("approved")
    assert len(sandbox.sales()) == 1


def test_a_paid_link_shows_the_receipt_and_no_form(anybody, make_link, invoice, card):
    link = make_link("invoice", invoice["id"])
    anybody.submit(anybody.get(link), holding="number", **card)
    page = anybody.get(link)
    assert page.says(f"Invoice #{invoice['number']} is paid", f"for invoice {invoice['number']} was paid here on {today()}", "Receipt",
                     "There is nothing left to pay under this link")
    assert not page.says("Success")
    assert page.forms == []


def test_a_link_to_what_was_paid_elsewhere_says_thank_you(anybody, make_link, sandbox):
    paid = next(row for row in sandbox.ledger()["host"]["invoices"] if row["status"] == "paid")
    page = anybody.get(make_link("invoice", paid["id"]))
    assert page.says(f"Invoice #{paid['number']} is paid", "Our records show it as paid in full", "Thank you")
    assert page.forms == []


def test_a_link_with_one_letter_changed_opens_nothing(anybody, make_link, invoice):
    link = make_link("invoice", invoice["id"])
    for place in (-1, len("/ippay/l/") + 2):
        letter = "a" if link[place] != "a" else "b"
        changed = link[:place] + letter + (link[place + 1:] if place != -1 else "")
        page = anybody.get(changed)
        assert page.status_code == 404
        assert page.says("This link is not complete")
        assert invoice["number"] not in page.words


def test_an_old_link_says_so(anybody, make_link, invoice, sandbox):
    link = make_link("invoice", invoice["id"], valid_for=timedelta(days=1))
    assert anybody.get(link).status_code == 200
    sandbox.jump(days=2)
    page = anybody.get(link)
    assert page.status_code == 410
    assert page.says("This link is too old", "Nothing was charged")


def test_a_withdrawn_link_cannot_be_paid_even_from_an_open_page(*, anybody, make_link, invoice, card, core, sandbox):
    link = make_link("invoice", invoice["id"])
    page = anybody.get(link)
    core.database.run(lambda session: links.revoke(session, core.box, link.rpartition("/")[2], by="staff 1"))
    page = anybody.submit(page, holding="number", **card)
    assert page.status_code == 410
    assert page.says("This link was withdrawn")
    assert sandbox.sales() == []


def test_a_link_to_a_deleted_document_says_there_is_nothing_to_pay(anybody, make_link, sandbox):
    deleted = next(row for row in sandbox.ledger()["host"]["invoices"] if str(row["deleted"]) == "1")
    page = anybody.get(make_link("invoice", deleted["id"]))
    assert page.status_code == 410
    assert page.says("There is nothing to pay", "cancelled or replaced", "Nothing was charged")


@pytest.mark.parametrize("method", ["get", "head"])
def test_looking_at_a_signed_link_moves_no_money(*, method, anybody, browser_of, make_link, invoice, sandbox):
    owner = browser_of(2)
    owner.submit(owner.get("/ippay/credentials"), "/credentials/card", number="4111111111111111", expiry="12/30", holder="Owner")
    getattr(anybody.session, method)(anybody.base_url + make_link("invoice", invoice["id"]) + "?source=method:1")
    assert sandbox.sales() == []


def test_the_form_of_one_link_does_not_pay_another(*, anybody, make_link, invoice, proforma, card, sandbox):
    values = dict(anybody.get(make_link("invoice", invoice["id"])).form(holding="number").values(card))
    page = anybody.post(make_link("proforma", proforma["id"]), values)
    assert page.status_code == 400
    assert sandbox.sales() == []


def test_details_that_could_not_be_checked_are_asked_for_again(anybody, make_link, card, sandbox):
    invoice = sandbox.unpaid_invoices(2)[0]
    link = make_link("invoice", invoice["id"])
    sandbox.fault(server="gateway", kind="http_status", status=500, match={"type": "TOKENIZE"}, times=1)
    page = anybody.submit(anybody.get(link), holding="number", **card)
    assert page.says("nothing was charged")
    page = anybody.submit(page, holding="number", **card)
    assert page.says("approved")


def test_a_partner_with_another_currency_is_asked_in_its_own(anybody, make_link, sandbox, settings_of, core):
    nora = sandbox.unpaid_invoices(4)[0]
    settings_of(core, partner_id=2, currency="CAD", terminal_id=core.settings.text("terminal_id"))
    page = anybody.get(make_link("invoice", nora["id"]))
    assert page.says("CA$65.00")


# -- the link as a QR code ---------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("kind", ["png", "svg"])
def test_the_qr_code_of_a_link_is_the_link_and_nothing_else(*, kind, anybody, make_link, invoice, core, sandbox, counted_queries):
    link = make_link("invoice", invoice["id"])
    sandbox.reset_counters()
    with counted_queries(core) as queries:
        answer = anybody.get(f"{link}/qr.{kind}").response
    assert (len(queries), sandbox.counters()["host"]) == (1, {})
    assert answer.headers["Cache-Control"] == "private, max-age=86400"
    assert "Set-Cookie" not in answer.headers
    if kind == "png":
        assert answer.headers["Content-Type"] == "image/png"
        found, = zxingcpp.read_barcodes(Image.open(io.BytesIO(answer.content)).convert("L"))
        assert found.text == core.settings.text("api_domain").rstrip("/") + link
    else:
        assert answer.headers["Content-Type"].startswith("image/svg+xml")
        assert b"<script" not in answer.content
        assert invoice["number"] not in answer.text


def test_the_picture_of_a_link_that_opens_nothing_is_refused_as_the_link_is(anybody, make_link, invoice, sandbox):
    link = make_link("invoice", invoice["id"], valid_for=timedelta(days=1))
    sandbox.jump(days=2)
    for address in (link, link[:-2] + "xx"):
        refused, picture = anybody.get(address), anybody.get(address + "/qr.png")
        assert (picture.status_code, picture.words) == (refused.status_code, refused.words)
        assert picture.response.headers["Cache-Control"] == "no-store"
    assert anybody.get(make_link("invoice", invoice["id"]) + "/qr.gif").status_code == 404


def test_staff_see_the_link_of_a_document_with_its_code_and_nobody_else_does(anybody, staff, portal, browser_of, make_link, invoice, core):
    where = f"/ippay/admin/pay-invoice?item_id={invoice['number']}"
    assert "/qr." not in staff.get(where).text  # no link yet, and looking makes none
    link = make_link("invoice", invoice["id"])
    page = staff.get(where)
    assert page.says("Payment link for the customer", core.settings.text("api_domain").rstrip("/") + link)
    assert f'src="{link}/qr.svg"' in page.text
    assert staff.get(f"{link}/qr.svg").status_code == 200
    pages = [anybody.get(link), browser_of(2).get(f"/ippay/pay-invoice?item_id={invoice['number']}"), staff.get("/ippay/admin/links")]
    assert ["/qr." in other.text.replace("additional_attributes.ippay_link }}/qr.png", "") for other in pages] == [False] * 3
    core.database.run(lambda session: links.revoke(session, core.box, link.rpartition("/")[2], by="staff 1"))
    assert "/qr." not in staff.get(where).text
