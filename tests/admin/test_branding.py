"""How the partner looks who is paid: name, colour, titles, logo and icon, for all and for one partner."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from splynx_ippay import audit
from splynx_ippay.checkout import branding

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 100
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
GREEN = "#008831"


def upload(staff, content, kind="logo", partner="", **more):
    """Press "Use this picture" on the settings page, as a browser sends it."""
    page = staff.get(f"/ippay/admin/settings?partner={partner}")
    token = dict(page.form("/settings/picture").values({}))["csrf_token"]
    return staff.session.post(f"{staff.base_url}/ippay/admin/settings/picture", timeout=30,
                              data={"csrf_token": token, "partner": partner, "kind": kind} | more,
                              files={"picture": ("x.png", content, "image/png")})


def save(staff, partner="", **fields):
    return staff.submit(staff.get(f"/ippay/admin/settings?partner={partner}"), "/ippay/admin/settings", holding="brand_name", **fields)


def fetch(person, address):
    return person.session.get(person.base_url + address, timeout=30)


@pytest.mark.parametrize(("color", "ratio"), [("#000000", 21.0), ("#ffffff", 1.0), ("#767676", 4.54), ("#777777", 4.48)])
def test_the_contrast_is_that_of_the_wcag(color, ratio):
    assert round(branding.contrast(color), 2) == ratio


@pytest.mark.parametrize(("color", "words"), [
    ("#ffcc00", "the contrast is 1.5 to 1, and 4.5 to 1 is needed"), ("#777777", "the contrast is 4.5 to 1"),
    ("red", "Enter the colour as #"), ("#fff", "Enter the colour as #"), ("#12345g", "Enter the colour as #"),
])
def test_a_colour_on_which_white_words_cannot_be_read_is_refused_with_words(staff, core, color, words):
    page = save(staff, brand_color=color)
    assert page.status_code == 400
    assert page.says(words)
    assert core.settings.text("brand_color") == ""


def test_name_colour_and_title_are_on_the_customers_pages_and_not_on_those_of_staff(staff, portal, core):
    save(staff, brand_name="Northwind Fiber", brand_color="#7a1f5c", brand_title_en="Pay Northwind")
    page = portal.get("/ippay/credentials")
    assert "· Pay Northwind</title>" in page.text
    assert '<header class="site">Northwind Fiber</header>' in page.text
    style = page.text.split('href="/ippay/brand/')[1].split('"')[0]
    answer = fetch(portal, f"/ippay/brand/{style.replace('&amp;', '&')}")
    assert "background: #7a1f5c" in answer.text
    assert (answer.headers["Content-Type"], answer.headers["Cache-Control"]) == (
        "text/css; charset=utf-8", "public, max-age=31536000, immutable")
    assert "style=" not in page.text
    assert "Northwind" not in staff.get("/ippay/admin/").text


def test_receipts_and_the_authorization_name_the_brand(staff, portal, core, sandbox, give_bank):
    save(staff, brand_name="Northwind Fiber")
    number = sandbox.unpaid_invoices(1)[0]["number"]
    page = portal.get(f"/ippay/pay-invoice?item_id={number}")
    assert page.says("I authorize Northwind Fiber to debit the bank account")
    give_bank(1)
    page = portal.get(f"/ippay/pay-invoice?item_id={number}")
    assert portal.submit(page, "pay-invoice").says("Paid to", "Northwind Fiber")


def test_the_title_is_that_of_the_pages_language(staff, portal, core, settings_of):
    save(staff, brand_title_en="Pay us", brand_title_es="Páguenos")
    settings_of(core, language="es")
    assert "· Páguenos</title>" in portal.get("/ippay/credentials").text
    settings_of(core, language="fr")
    assert "· P" not in portal.get("/ippay/credentials").text.split("</title>")[0]


def test_each_partner_has_its_own_look(staff, browser_of, core):
    save(staff, brand_name="Everywhere Net")
    save(staff, partner="2", brand_name="North Net", brand_color="#123456")
    upload(staff, PNG, partner="2")
    north = next(person for person in map(browser_of, range(1, 6)) if "Nora" in person.facts["name"])
    page = north.get("/ippay/credentials").text
    assert '<img src="/ippay/brand/2/logo?v=' in page
    assert 'alt="North Net"' in page
    assert "/ippay/brand/2.css" in page
    everywhere = browser_of(1).get("/ippay/credentials").text
    assert "Everywhere Net" in everywhere
    assert "/ippay/brand/" not in everywhere


def test_a_link_shows_the_look_of_the_documents_partner_and_before_that_the_look_of_all(staff, anybody, core, sandbox, run_program):
    save(staff, brand_name="Everywhere Net")
    save(staff, partner="2", brand_name="North Net")
    invoice = sandbox.unpaid_invoices(4)[0]
    link = run_program(core, "link", "invoice", invoice["id"]).stdout.strip()
    assert anybody.get("/ippay/l/" + link.rsplit("/", 1)[1]).says("North Net")
    unsigned = anybody.get(f"/ippay/direct-pay-invoice?item_id={invoice['number']}")
    assert unsigned.says("Everywhere Net")
    assert not unsigned.says("North Net")


def test_a_logo_is_kept_shown_and_removed_and_each_step_is_in_the_audit(staff, portal, core):
    assert "Saved." in upload(staff, PNG).text
    page = portal.get("/ippay/credentials").text
    address = page.split('<img src="')[1].split('"')[0]
    answer = fetch(portal, address)
    assert (answer.content, answer.headers["Content-Type"]) == (PNG, "image/png")
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert fetch(portal, address.split("?")[0]).headers["Cache-Control"] == "public, max-age=3600"
    upload(staff, b"", remove="1")
    assert fetch(portal, address).status_code == 404
    assert "<img src=" not in portal.get("/ippay/credentials").text
    with core.database.read() as session:
        found = list(session.scalars(select(audit.Entry).where(audit.Entry.action == "picture").order_by(audit.Entry.id)))
    assert [(entry.key, bool(entry.before), bool(entry.after)) for entry in found] == [("logo", False, True), ("logo", True, False)]


def test_an_icon_stands_in_the_tab(staff, portal):
    upload(staff, PNG, kind="icon")
    assert '<link rel="icon" href="/ippay/brand/0/icon?v=' in portal.get("/ippay/credentials").text


@pytest.mark.parametrize(("content", "words"), [
    (SVG, "This is no picture that can be shown."), (b"", "This is no picture that can be shown."),
    (b"GIF89a" + b"\0" * 50, "This is no picture"), (PNG + b"\0" * 40_000, "too large; 40 kB at most"),
])
def test_what_is_no_picture_or_too_large_is_refused(staff, portal, core, content, words):
    answer = upload(staff, content)
    assert answer.status_code == 400
    assert words in answer.text
    assert fetch(portal, "/ippay/brand/0/logo").status_code == 404


def test_a_picture_of_an_unknown_kind_is_refused(staff):
    assert upload(staff, PNG, kind="../../keys").status_code == 400


def test_a_colour_written_past_our_page_is_not_used_when_it_cannot_be_read(portal, core, settings_of):
    for value in ("#ffff00", "red; } body { display: none", "url(x)"):
        settings_of(core, brand_color=value)
        assert "/ippay/brand/" not in portal.get("/ippay/credentials").text
        assert fetch(portal, "/ippay/brand/1.css").text == ""


def test_markup_in_the_name_is_shown_as_text(portal, core, settings_of):
    settings_of(core, brand_name="<script>alert(1)</script>")
    page = portal.get("/ippay/credentials").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
