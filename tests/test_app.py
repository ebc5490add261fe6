"""What holds for every page: headers, cookie, CSRF, and plain words for what goes wrong."""

import re
import shutil
from pathlib import Path

import pytest

import splynx_ippay
from splynx_ippay.app import create_app

PAGES = ("/ippay/direct-pay-invoice?item_id=1", "/ippay/credentials", "/ippay/", "/ippay/nothing-here", "/ippay/l/x")


@pytest.mark.parametrize("path", PAGES)
def test_every_page_carries_the_guards(portal, path):
    headers = portal.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "frame-ancestors 'self'" in policy
    assert "'unsafe" not in policy
    assert headers["X-Frame-Options"] == "SAMEORIGIN"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", PAGES)
def test_no_page_has_anything_inline_or_from_elsewhere(portal, path):
    text = portal.get(path).text
    assert not re.search(r"<style|style=|\son[a-z]+=|<script(?![^>]*src=)|javascript:", text)
    assert all(address.startswith("/ippay/") for address in re.findall(r'<(?:link|script|img)[^>]+(?:href|src)="([^"]+)"', text))


def test_styles_and_scripts_come_from_us_and_may_be_kept(anybody):
    page = anybody.get("/ippay/direct-pay-invoice?item_id=1")
    addresses = re.findall(r'<(?:link|script)[^>]+(?:href|src)="([^"]+)"', page.text)
    assert len(addresses) == 4
    for address in addresses:
        answer = anybody.get(address)
        assert answer.status_code == 200
        assert "no-store" not in answer.headers["Cache-Control"]


def test_our_cookie_is_for_us_alone(anybody):
    cookie = anybody.get("/ippay/direct-pay-invoice?item_id=1").headers["Set-Cookie"]
    assert cookie.startswith("splynx_ippay_session=")
    assert {"HttpOnly", "Path=/ippay", "SameSite=Lax"} <= set(cookie.split("; "))
    assert "Secure" not in cookie


def test_behind_https_our_cookie_is_secure(app, serving):
    import requests

    with serving(app) as address:
        answer = requests.get(address + "/ippay/direct-pay-invoice?item_id=1", headers={"X-Forwarded-Proto": "https"}, timeout=30)
    assert "Secure" in answer.headers["Set-Cookie"]


@pytest.mark.parametrize("path", [
    "/ippay/", "/ippay/pay-invoice?item_id=202601000002", "/ippay/credentials/card", "/ippay/credentials/bank",
    "/ippay/credentials/1/default", "/ippay/credentials/1/remove", "/ippay/direct-pay-invoice?item_id=1", "/ippay/l/x",
])
@pytest.mark.parametrize("token", [None, "", "forged"])
def test_a_form_without_its_token_does_nothing_and_says_why(portal, sandbox, path, token):
    data = {"source": "method:1", "amount": "5.00"} | ({} if token is None else {"csrf_token": token})
    page = portal.post(path, data)
    assert page.status_code == 400
    assert page.says("This page was open too long", "Nothing was charged", "Open the page again")
    assert sandbox.sales() == []


def test_what_was_typed_into_a_stale_form_waits_on_the_fresh_page(portal):
    page = portal.post("/ippay/", {"source": "card", "amount": "37.50", "holder": "Jane Roe", "number": "4111111111111111", "cvv": "123"})
    fresh = portal.click(page, "/ippay/")
    assert 'value="37.50"' in fresh.text
    assert 'value="Jane Roe"' in fresh.text
    assert "4111111111111111" not in fresh.text
    assert 'value="37.50"' not in portal.get("/ippay/").text  # once


def test_a_page_that_is_not_there_is_said_plainly(anybody):
    page = anybody.get("/ippay/wp-login.php")
    assert page.status_code == 404
    assert page.says("There is nothing here", "Nothing was charged")


def test_an_address_that_takes_only_forms_is_said_plainly(portal):
    page = portal.get("/ippay/credentials/card")
    assert page.status_code == 405
    assert page.says("cannot be used in this way")


def test_an_oversized_form_is_refused_before_it_is_read(portal):
    page = portal.post("/ippay/", {"source": "x" * 70_000})
    assert page.status_code == 413
    assert page.says("larger than we accept", "Nothing was charged")


def test_a_missing_setting_is_said_without_its_details(portal, settings_of, core):
    settings_of(core, terminal_id="")
    page = portal.get("/ippay/credentials")
    assert page.status_code == 503
    assert page.says("Payments are not ready here yet")


def test_a_host_that_is_away_is_said_plainly(portal, sandbox, app):
    sandbox.fault(server="host", kind="http_status", status=503, match={"path": "admin/finance/invoices"}, times=5)
    page = portal.get("/ippay/pay-invoice?item_id=202601000002")
    assert page.status_code == 503
    assert page.says("The billing system does not answer", "Open the page again")


def test_a_database_that_is_away_is_said_and_paying_twice_is_not_suggested(portal, core, sandbox):
    page = portal.get("/ippay/")
    path = core.database.engine.url.database
    core.database.engine.dispose()
    shutil.move(path, path + ".away")
    Path(path).write_text("this is no database, and long enough to be read as one" * 40)
    answer = portal.submit(page, "/ippay/", amount="25.00", source="card", number="4111111111111111", expiry="12/30", cvv="123", holder="Jo")
    assert answer.status_code == 503
    assert answer.says("We cannot look at your payments at the moment", "Nothing is ever taken twice")
    assert portal.get("/ippay/healthz").status_code == 503
    core.database.engine.dispose()
    shutil.move(path + ".away", path)
    assert sandbox.sales() == []
    assert portal.get("/ippay/").status_code == 200


def test_a_fault_of_our_own_is_a_page_with_a_number_and_no_details(core, serving, caplog):
    import requests

    app = create_app(core)

    @app.get("/ippay/breaks")
    def breaks():
        raise RuntimeError("card " + "4111" * 4)

    with serving(app) as address:
        answer = requests.get(address + "/ippay/breaks", timeout=30)
    assert answer.status_code == 500
    assert "Something went wrong on our side" in answer.text
    assert "4111" * 4 not in answer.text + caplog.text
    reference = re.search(r"mention this number: ([0-9a-f]{8})", answer.text)[1]
    assert reference in caplog.text
    assert "in breaks" in caplog.text


def test_health_asks_neither_neighbour(anybody, sandbox):
    answer = anybody.get("/ippay/healthz")
    assert (answer.status_code, answer.response.json()) == (200, {"status": "ok"})
    assert sandbox.counters() == {"gateway": {}, "host": {}}


def test_every_page_of_ours_stands_under_ippay(app):
    assert [rule.rule for rule in app.url_map.iter_rules() if not rule.rule.startswith("/ippay/")] == []


def test_every_text_of_the_pages_can_be_translated():
    """Words between tags that no gettext call made would stay English for ever."""
    root = Path(splynx_ippay.__file__).parent
    for path in [*root.glob("templates/**/*.html"), *root.glob("portal/templates/**/*.html"), *root.glob("pay/templates/**/*.html")]:
        text = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        words = re.findall(r">([^<>]*[A-Za-z]{3,}[^<>]*)<", text)
        assert [word.strip() for word in words if word.strip() != "IPpay"] == [], path
