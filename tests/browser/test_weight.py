"""What a page costs: bytes on the wire, calls of the host, addresses asked for."""

import gzip
import re

import pytest
import requests

from splynx_ippay.delivery import STATIC

FIRST, LATER = 150_000, 30_000
PORTAL = {"credentials": "/ippay/credentials", "pay an invoice": "/ippay/pay-invoice?item_id={invoice}",
          "pay a proforma": "/ippay/pay-request?item_id={proforma}", "add money": "/ippay/"}
LINKS = {"old link": "/ippay/direct-pay-invoice?item_id={invoice}", "signed link": "{link}", "no such link": "/ippay/l/x"}
STAFF = {"payments": "/ippay/admin/", "charge": "/ippay/admin/charge", "history": "/ippay/admin/runs/",
         "pay for a customer": "/ippay/admin/pay-invoice?item_id={invoice}"}
HOST_CALLS = {"portal": 2, "link": 2, "staff": 3}


@pytest.fixture
def places(sandbox, town):
    """What the addresses above speak of."""
    invoice = sandbox.unpaid_invoices(1)[0]
    proforma = next(row for row in sandbox.ledger()["host"]["requests"] if int(row["customer_id"]) == 1)
    return {"invoice": invoice["number"], "proforma": proforma["number"], "link": town.link("invoice", invoice["id"])}


def bytes_of(window, path):
    """Bytes that came over the wire for a page with everything it loads; nothing for what the browser had kept."""
    session = window.context.new_cdp_session(window.page)
    session.send("Network.enable")
    received = []
    session.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    window.page.goto(path, wait_until="load")
    window.page.evaluate("() => new Promise(done => setTimeout(done, 50))")  # the icon comes after the page
    session.detach()
    return sum(received)


def business_calls(sandbox):
    return sum(count for call, count in sandbox.counters()["host"].items() if "auth/tokens" not in call)


@pytest.mark.parametrize("door", ["portal", "link", "staff"])
def test_a_first_visit_and_later_ones_are_light(door, customer, clerk, visit, town, places, sandbox, record_property):
    town.card()
    town.bank()
    pages, enter = {"portal": (PORTAL, customer), "link": (LINKS, visit), "staff": (STAFF, clerk)}[door]
    window = enter()
    rows = []
    for name, path in pages.items():
        path = path.format(**places)
        newcomer = window.context.browser.new_context(base_url=window.origin, storage_state=window.context.storage_state())
        first = bytes_of(type("Window", (), {"context": newcomer, "page": newcomer.new_page()}), path)
        newcomer.close()
        bytes_of(window, path)
        sandbox.reset_counters()
        later, calls = bytes_of(window, path), business_calls(sandbox)
        rows.append(f"{door:7}{name:20}{first:10,} bytes first{later:10,} later{calls:4} host calls")
        assert 0 < later < LATER, rows[-1]
        assert later <= first < FIRST, rows[-1]
        assert calls <= HOST_CALLS[door], rows[-1]
    record_property("numbers", "\n".join(rows))


def test_a_list_of_fifty_payments_is_light(clerk, town, registered_core):
    method = town.card()
    from splynx_ippay.base.money import Money
    from splynx_ippay.payments.charge import Item, Order, SavedMethod, new_submission_key, take
    from splynx_ippay.payments.models import Door

    for _ in range(50):
        take(registered_core, Order(door=Door.PORTAL, customer_id=1, partner_id=1, source=SavedMethod(method.id),
                                    items=(Item("topup", None, "", Money(1500, "USD")),), submission_key=new_submission_key(),
                                    actor="customer 1"))
    window = clerk()
    bytes_of(window, "/ippay/admin/")
    assert bytes_of(window, "/ippay/admin/") < LATER


def test_static_files_are_kept_for_ever_under_an_address_that_changes_with_them(web, app):
    with requests.Session() as session:
        session.trust_env = False
        page = session.get(f"{web}/ippay/direct-pay-invoice?item_id=1", timeout=30)
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["Content-Encoding"] == "gzip"
        addresses = re.findall(r'(?:href|src)="(/ippay/static/[^"]+)"', page.text)
        assert len(addresses) == 4
        for address in addresses:
            assert "?v=" in address
            kept = session.get(web + address, timeout=30)
            assert kept.headers["Cache-Control"] == "public, max-age=31536000, immutable"
            for stale in (address.partition("?")[0], address.partition("?")[0] + "?v=old"):
                assert session.get(web + stale, timeout=30).headers["Cache-Control"] == "public, max-age=3600"
            again = session.get(web + address, headers={"If-None-Match": kept.headers["ETag"]}, timeout=30)
            assert (again.status_code, again.content) == (304, b"")
        sheet = next(address for address in addresses if "bootstrap" in address)
        packed = session.get(web + sheet, timeout=30)
        plain = session.get(web + sheet, headers={"Accept-Encoding": "identity"}, timeout=30)
        assert "Content-Encoding" not in plain.headers
        assert packed.content == plain.content
        assert "Accept-Encoding" in plain.headers["Vary"]
        part = session.get(web + sheet, headers={"Range": "bytes=0-9"}, timeout=30)
        assert (part.status_code, part.content) == (206, plain.content[:10])
        raw = session.get(web + sheet, timeout=30, stream=True).raw.read(decode_content=False)
        assert gzip.decompress(raw) == plain.content
        assert session.get(f"{web}/ippay/static/nothing.css?v=1", timeout=30).status_code == 404
        assert session.get(f"{web}/ippay/static/%2e%2e/app.py", timeout=30).status_code == 404
    with app.test_request_context():
        assert {rule.endpoint for rule in app.url_map.iter_rules() if rule.endpoint.endswith("static")} == STATIC
        assert "?" not in app.url_for("static", filename="nothing.css")
        assert "?" not in app.url_for("static", filename="../app.py")


def test_the_browser_asks_nobody_but_the_host_and_no_policy_is_broken(customer, clerk, visit, town, places):
    """The fixture examines every request and every complaint of every window; here is the widest walk."""
    town.card()
    for enter, pages in ((customer, PORTAL), (clerk, STAFF), (visit, LINKS)):
        window = enter()
        for path in pages.values():
            window.page.goto(path.format(**places))
        assert len(window.requests) > len(pages)
        inline = window.page.evaluate("() => document.querySelectorAll('style, [style], script:not([src])').length")
        assert inline == 0
        assert window.strangers() == []


def test_the_policy_is_in_force(visit):
    """Positive control: what the policy forbids is really refused and noticed."""
    window = visit()
    window.roams = True
    window.page.goto("/ippay/direct-pay-invoice?item_id=1")
    window.page.evaluate("""() => {
      const script = document.createElement('script'); script.textContent = 'window.broken = true'; document.head.append(script);
      const style = document.createElement('style'); style.textContent = 'body { color: red }'; document.head.append(style);
      return fetch('http://127.0.0.1:9/').catch(() => null);
    }""")
    assert window.page.evaluate("() => window.broken") is None
    assert len([one for one in window.complaints if "Content Security Policy" in one]) >= 3


def test_axe_and_the_width_check_find_what_is_wrong(gallery, visit):
    """Positive control of the pictures' examination."""
    pictured, page = gallery("control"), visit().page
    page.goto("/ippay/direct-pay-invoice?item_id=1")
    page.evaluate("""() => {
      const main = document.querySelector('main');
      const field = document.createElement('input'), wide = document.createElement('div');
      wide.style.width = '900px'; wide.textContent = 'wide'; main.append(field, wide);
    }""")
    pictured.shoot("broken", page, again=False)
    found, pictured.faults = pictured.faults, []
    assert any(fault.startswith("axe: broken (en): label") for fault in found)
    assert any(fault.startswith("wider than the window") for fault in found)
