"""A real Chromium for the browser tests: one program for all of them, a profile of its own for each person.

Nothing but this machine can be reached, and whoever opens a page records every address that was asked for.
"""

import os
import re
import shutil
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import sync_playwright
from sqlalchemy import select, update

from splynx_ippay import links
from splynx_ippay.ippay.messages import BankAccount, Card
from splynx_ippay.payments import saving, states
from splynx_ippay.payments.models import Attempt
from splynx_ippay.payments.orders import Consent
from splynx_ippay.tasks import TASKS
from tests.browser.gallery import WIDE, Gallery

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update",
         "--disable-sync", "--no-first-run", "--no-default-browser-check", "--disable-features=Translate,OptimizationHints",
         "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"]
LOOPBACK = {"127.0.0.1", "localhost"}


@pytest.fixture(scope="session")
def chromium():
    """The browser program."""
    program = shutil.which("chromium")
    if program is None:
        pytest.exit("Chromium is missing; install it with: apt-get install chromium", returncode=2)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


class Visitor:
    """A person at a window: pages, and what the browser asked for and complained about meanwhile."""

    def __init__(self, browser, origin, **options):
        self.origin = origin
        self.context = browser.new_context(base_url=origin, viewport=WIDE, locale="en-US", **options)
        self.context.set_default_timeout(20_000)
        self.requests, self.complaints = [], []
        self.roams = False  # a test that visits other origins says so, and looks for itself
        self.context.on("request", lambda request: self.requests.append(request.url))
        self.context.on("console", self._listen)
        self.context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        self.page = self.context.new_page()

    def _listen(self, message):
        # A page that answers 4xx on purpose is no complaint; a broken policy or script is.
        if message.type in {"error", "warning"} and "the server responded with a status of" not in message.text:
            self.complaints.append(message.text)

    def login(self, door, facts):
        """Log in at the host's own form."""
        self.page.goto(f"/{door}/login/")
        self.page.get_by_label("Login").fill(facts["login"])
        self.page.get_by_label("Password").fill(facts["password"])
        self.page.locator("button[type=submit]").click()
        self.page.wait_for_url(re.compile(f"/{door}/dashboard"))
        return self

    def frame(self):
        """The add-on's frame on a page of the host."""
        return self.page.frame_locator("iframe.addon-frame")

    def strangers(self):
        """Addresses asked for that are not of the host's origin."""
        return [url for url in self.requests if not url.startswith((self.origin + "/", "data:", "about:", "blob:"))
                or urlsplit(url).hostname not in LOOPBACK | {None}]

    def close(self):
        self.context.close()


@pytest.fixture
def visit(chromium, web):
    """``visit()`` opens a window of a new person at the host's address; ``visit(java_script_enabled=False)`` one without."""
    opened = []

    def open_window(origin=None, **options):
        opened.append(Visitor(chromium, origin or web, **options))
        return opened[-1]

    yield open_window
    for visitor in opened:
        visitor.close()
    for visitor in opened:
        if not visitor.roams:
            assert visitor.strangers() == []
            assert visitor.complaints == []


@pytest.fixture
def customer(visit, sandbox):
    """``customer()``: the first customer's window, logged in at the portal."""
    def log_in(position=1, **options):
        return visit(**options).login("portal", sandbox.facts["customers"][position - 1])

    return log_in


@pytest.fixture
def clerk(visit, sandbox):
    """``clerk()``: an administrator's window, known to the add-on by the sash of its page in the host."""
    def log_in(**options):
        window = visit(**options).login("admin", sandbox.facts["staff"])
        window.page.get_by_role("link", name="Charge by IpPay").click()
        window.frame().get_by_role("heading", name="Charge invoices").wait_for()
        return window

    return log_in


@pytest.fixture(scope="session")
def screens(tmp_path_factory):
    """Where pictures go: a folder to look at (``make screens``), or one that is thrown away."""
    folder = Path(os.environ.get("SPLYNX_IPPAY_SCREENS") or tmp_path_factory.mktemp("screens")).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def galleries(screens):
    """The pictures of this process, by door."""
    return {}


@pytest.fixture
def gallery(app, web, screens, galleries, registered_core, settings_of):
    """``gallery("portal")``: the pictures of a door; every test of its file adds some, and fails for a fault in its own."""
    opened = []

    def open_gallery(door):
        pictured = galleries.setdefault(door, Gallery(screens, door))
        opened.append(pictured.attend(app, lambda language: settings_of(registered_core, language=language)))
        return pictured

    yield open_gallery
    for pictured in opened:
        found, pictured.faults = pictured.faults, []
        pictured.fault_count += len(found)
        assert found == []


@pytest.fixture
def nothing_missing(record_property):
    """``nothing_missing(gallery, "portal")``: the door's routes and the folders' templates are pictured."""
    def examine(pictured, *folders):
        record_property("numbers", pictured.finish())
        assert pictured.missing_routes() == []
        assert pictured.missing_templates(*folders) == []

    return examine


class Town:
    """What happens behind the pages: saved methods, links, the worker, and states that take days to come about."""

    visa, other_visa, amex, mastercard = "4111111111111111", "4000300020001000", "378282246310005", "5555555555554444"
    routing, account = "111000025", "12345678"

    def __init__(self, core, sandbox):
        self.core, self.sandbox = core, sandbox

    def card(self, customer_id=1, number=visa, *, holder="John Sway", month=12, year=2030, **more):
        """Save a card."""
        card = Card(number=number, exp_month=month, exp_year=year, holder=holder, postal_code=more.pop("postal_code", "80202"))
        return saving.save(self.core, customer_id, more.pop("partner_id", 1), card, None, **more)

    def bank(self, customer_id=1, *, holder="John Sway", **more):
        """Save a bank account."""
        account = BankAccount(routing=self.routing, account=self.account, kind="CHECKING", holder=holder)
        return saving.save(self.core, customer_id, 1, account, Consent("test", "I agree.", "127.0.0.1"), **more)

    def change(self, row, **values):
        """Set columns of a row, as time or staff would."""
        with self.core.database.engine.begin() as connection:
            connection.execute(update(type(row)).where(type(row).id == row.id).values(**values))

    def attempt(self, transaction_id):
        """A payment as it stands."""
        with self.core.database.read() as session:
            return session.scalars(select(Attempt).where(Attempt.transaction_id == transaction_id)).one()

    def latest(self):
        """The newest payment."""
        with self.core.database.read() as session:
            return session.scalars(select(Attempt).order_by(Attempt.id.desc()).limit(1)).one()

    def move(self, attempt, to, **columns):
        """What the reports say days later, through the core's own setter."""
        self.core.database.run(lambda session: states.move(session, states.get_attempt(session, attempt.id), to,
                                                           reason=columns.pop("reason", "the report says so"), **columns))

    def link(self, document, document_id, valid_for=None):
        """A signed link's path."""
        return "/ippay/l/" + self.core.database.run(lambda session: links.create(
            session, self.core.box, document=document, document_id=int(document_id), created_by="test", valid_for=valid_for))

    def ending_by_link(self, attempt):
        """The ending page of the link door."""
        return f"/ippay/paid/{attempt.transaction_id}.{self.core.box.sign('ending', attempt.transaction_id)}"

    def tick(self, *jobs):
        """The worker's jobs, once."""
        for job in jobs or ("reconcile", "booking", "returns", "runs"):
            TASKS[job](self.core)

    def fault(self, kind, wire="SALE", **more):
        """The next gateway call goes wrong."""
        self.sandbox.fault(server="gateway", kind=kind, match={"type": wire}, **({"times": 1} | more))

    def answer(self, code, wire="SALE"):
        """The next gateway call is refused with this code."""
        self.sandbox.control("POST", "answers", {"type": wire, "action_code": code})


@pytest.fixture
def town(registered_core, sandbox, web):
    """The add-on behind the host, registered; nobody has saved or paid anything."""
    return Town(registered_core, sandbox)
