"""Inside the host's frame: everything works there, a session that ends leads the whole window to the login and back to the
same form, and a page of somebody else can neither frame, post nor read.
"""

import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest


def fill(frame, **fields):
    for name, value in fields.items():
        frame.locator(f"#card-{name}").fill(value)


def forget_session(window, sandbox, door="portal"):
    """The host ends the session, and the minute for which we believe it is over."""
    window.context.request.get(f"/{door}/logout")
    sandbox.jump(seconds=61)


def log_in_again(window, facts):
    window.page.wait_for_url(re.compile(r"/(portal|admin)/login/"))
    assert window.page.frames == [window.page.main_frame]
    window.page.get_by_label("Login").fill(facts["login"])
    window.page.get_by_label("Password").fill(facts["password"])
    window.page.locator("button[type=submit]").click()


def kept_anywhere(window, town, secret):
    """Whether the browser still holds it: in its cookies, its storages, or on the page."""
    page = window.page
    stored = page.evaluate("() => JSON.stringify([{...localStorage}, {...sessionStorage}])")
    typed = [frame.evaluate("() => [...document.querySelectorAll('input')].map(field => field.value).join(' ')") for frame in page.frames]
    return secret in " ".join([stored, *typed, str(window.context.cookies()), *(frame.content() for frame in page.frames)])


def test_saving_paying_and_removing_work_inside_the_frames(customer, town, sandbox):
    window = customer()
    page, frame = window.page, window.frame()
    page.goto("/portal/dashboard")
    page.get_by_role("link", name="IpPay payment credentials").click()
    fill(frame, number=town.visa, expiry="12/30", holder="John Sway")
    frame.get_by_role("button", name="Add card").click()
    frame.get_by_text("The card was saved. Nothing was charged.").wait_for()
    page.get_by_role("link", name="Invoices", exact=True).click()
    page.locator("a[data-name=ippay_pay_invoice_point]").first.click()
    frame.get_by_role("button", name=re.compile("^Pay")).click()
    frame.get_by_role("heading", name="Success! Your payment was approved").wait_for()
    assert [sale["type"] for sale in sandbox.sales()] == ["SALE"]
    frame.get_by_role("link", name="Back to portal").click()
    page.wait_for_url(re.compile("/portal/finance/invoices$"))
    assert page.frames == [page.main_frame]
    page.get_by_role("link", name="IpPay payment credentials").click()
    frame.get_by_role("link", name="Remove: Visa").click()
    frame.get_by_role("button", name="Remove card").click()
    frame.get_by_text("was removed and will not be charged any more").wait_for()


def test_staff_charge_inside_the_frames(clerk, town, sandbox):
    town.card()
    window = clerk()
    page, frame = window.page, window.frame()
    frame.get_by_role("button", name="Preview").click()
    frame.get_by_role("heading", name=re.compile("Preview of Charge")).wait_for()
    frame.get_by_label(re.compile("Confirm charge")).check()
    frame.get_by_role("button", name="Charge", exact=True).click()
    frame.get_by_text("The Charge has started.").wait_for()
    town.tick("runs")
    frame.get_by_text("Finished").first.wait_for()  # the page follows by itself
    assert len(sandbox.sales()) == 3
    assert not any("sash" in frame.url for frame in page.frames)


def test_a_session_that_ends_while_a_card_is_typed_leads_to_the_login_and_back_to_the_same_form(customer, town, sandbox):
    window = customer()
    page, frame = window.page, window.frame()
    page.goto("/portal/add-on?point=ippay_credentials_point")
    fill(frame, number=town.visa, expiry="12/30", holder="John Sway")
    forget_session(window, sandbox)
    frame.get_by_role("button", name="Add card").click()
    log_in_again(window, sandbox.facts["customers"][0])
    page.wait_for_url(re.compile("/portal/add-on"))
    frame.get_by_role("button", name="Add card").wait_for()
    assert frame.locator("#card-number").input_value() == ""
    assert not kept_anywhere(window, town, town.visa)


def test_a_session_that_ends_in_a_dialog_leads_back_to_that_invoice_and_nothing_was_paid(customer, town, sandbox):
    window = customer()
    page, frame = window.page, window.frame()
    number = sandbox.unpaid_invoices(1)[-1]["number"]
    page.goto("/portal/finance/invoices")
    page.locator("a[data-name=ippay_pay_invoice_point]").first.click()
    fill(frame, number=town.visa, expiry="12/30", cvv="123", holder="John Sway")
    forget_session(window, sandbox)
    frame.get_by_role("button", name=re.compile("^Pay")).click()
    log_in_again(window, sandbox.facts["customers"][0])
    page.wait_for_url(re.compile(f"/ippay/pay-invoice.*item_id={number}"))
    page.get_by_role("heading", name=f"Invoice #{number}").wait_for()
    assert not kept_anywhere(window, town, town.visa)
    assert sandbox.sales() == []


def test_without_a_script_the_frame_says_so_and_its_link_leads_the_whole_window(customer, sandbox):
    window = customer(java_script_enabled=False)
    page, frame = window.page, window.frame()
    page.goto("/portal/add-on?point=ippay_credentials_point")
    forget_session(window, sandbox)
    page.frames[1].goto("/ippay/credentials")
    frame.get_by_text("You are not logged in any more. Nothing was paid or changed.").wait_for()
    frame.get_by_role("link", name="Log in").click()
    log_in_again(window, sandbox.facts["customers"][0])
    page.wait_for_url(re.compile("/(portal/add-on|ippay/credentials)"))


def test_staff_whose_session_ends_come_back_to_the_charge_page(clerk, sandbox):
    window = clerk()
    page, frame = window.page, window.frame()
    frame.get_by_role("button", name="Preview").wait_for()
    window.context.request.get("/admin/logout")
    sandbox.jump(seconds=31 * 60)
    frame.get_by_role("button", name="Preview").click()
    log_in_again(window, sandbox.facts["staff"])
    page.wait_for_url(re.compile("/admin/add-on"))
    frame.get_by_role("button", name="Preview").wait_for()


@pytest.fixture
def hostile():
    """hostile(html) serves a page from another origin: the name localhost instead of 127.0.0.1, and a port of its own."""
    pages = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            body = pages.get(self.path, "").encode()
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments):
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()

    def put(html, name="localhost"):
        pages[f"/{len(pages)}"] = f"<!doctype html><title>hostile</title>{html}"
        return f"http://{name}:{server.server_port}/{len(pages) - 1}"

    yield put
    server.shutdown()
    server.server_close()
    thread.join(10)


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_another_origin_cannot_frame_a_page(name, customer, web, hostile, wait_until):
    window = customer()
    window.roams = True
    for path in ("/ippay/credentials", "/ippay/", "/ippay/direct-pay-invoice?item_id=1", "/ippay/admin/charge", "/ippay/l/x"):
        page = window.context.new_page()
        page.goto(hostile(f'<iframe src="{web}{path}"></iframe>', name))
        wait_until(lambda page=page: page.wait_for_timeout(20) or (page.frames[1:] and page.frames[1].url), what="an answer in the frame")
        assert [frame.url for frame in page.frames[1:]] == ["chrome-error://chromewebdata/"], path
        page.close()


def test_another_origin_cannot_post(customer, web, hostile, town, sandbox):
    """The hostile page even knows a whole form of its victim's, but for the token and the cookie's site."""
    window = customer()
    window.roams = True
    method = town.card()
    page = window.page
    page.goto("/ippay/")
    offer = page.locator("input[name=offer]").input_value()
    key = page.locator("input[name=submission_key]").input_value()
    fields = {"offer": offer, "submission_key": key, "source": f"method:{method.id}", "amount": "20.00"}
    inputs = "".join(f'<input name="{name}" value="{value}">' for name, value in fields.items())
    for action in ("/ippay/", f"/ippay/credentials/{method.id}/remove", f"/ippay/credentials/{method.id}/default"):
        page.goto(hostile(f'<form method="post" action="{web}{action}">{inputs}<button>go</button></form>'))
        with page.expect_navigation():
            page.get_by_role("button").click()
        assert urlsplit(page.url).path != "/ippay/credentials"
        assert page.get_by_text(re.compile("Nothing was (charged|paid)|Log in|password", re.IGNORECASE)).count()
    assert sandbox.sales() == []
    page.goto("/ippay/credentials")
    assert page.get_by_text("•••• 1111").count()


def test_another_origin_cannot_read(customer, web, hostile, sandbox):
    window = customer()
    window.roams = True
    page = window.page
    page.goto(hostile("waiting"))
    read = page.evaluate("""async (addresses) => {
      const seen = [];
      for (const address of addresses) {
        for (const mode of ['cors', 'no-cors']) {
          try { const answer = await fetch(address, { credentials: 'include', mode }); seen.push(await answer.text()); }
          catch (error) { seen.push(''); }
        }
        for (const [tag, attribute] of [['script', 'src'], ['link', 'href'], ['img', 'src']]) {
          const element = document.createElement(tag); element.setAttribute(attribute, address); document.head.append(element);
        }
      }
      const other = window.open(addresses[0]);
      try { seen.push(other.document.body.innerText); } catch (error) { seen.push(''); }
      return seen;
    }""", [f"{web}/ippay/credentials", f"{web}/ippay/admin/", f"{web}/ippay/healthz"])
    assert set(read) == {""}
    answer = window.context.request.get(f"{web}/ippay/credentials", headers={"Origin": hostile("x")})
    assert not [name for name in answer.headers if name.startswith("access-control")]
