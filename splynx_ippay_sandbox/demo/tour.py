"""The order of the demo: who does what, and what is printed. Owns the steps' names and the way they fail.

Every step is played through a browser and then judged by the ledger. The chapters hold the steps themselves.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

from splynx_ippay_sandbox.demo import office, people
from splynx_ippay_sandbox.demo.browser import Browser

if TYPE_CHECKING:
    from collections.abc import Callable

    from splynx_ippay_sandbox.demo.oracle import Oracle
    from splynx_ippay_sandbox.demo.programs import Programs

# What the self-test breaks: which fault is armed before which step.
BREAKAGES: dict[str, tuple[str, dict[str, Any]]] = {
    "lose_posting": ("pay_invoice", {"server": "host", "kind": "lose_posting",
                                     "match": {"method": "POST", "path": "admin/finance/payments"}, "times": 1}),
    "duplicate": ("top_up", {"server": "gateway", "kind": "duplicate", "match": {"type": "SALE"}, "times": 1}),
    "wrong_amount": ("link_pays", {"server": "gateway", "kind": "wrong_amount", "match": {"type": "SALE"}, "times": 1}),
}


class StepFailedError(Exception):
    """A step did not do what it says; the text names the step."""


class Tour:
    """What the steps share: the programs, the people, the judge, and what has happened so far."""

    def __init__(self, programs: Programs, breakage: str | None = None) -> None:
        self.programs = programs
        self.breakage = breakage
        self.facts: dict[str, Any] = {}
        self.address = ""
        self.oracle: Oracle
        self.browsers: dict[str, Browser] = {}
        self.kept: dict[str, Any] = {}

    def say(self, text: str) -> None:
        """One line of what happened."""
        print(f"        {text}", flush=True)

    def progress(self, done: int, total: int) -> None:
        """A progress bar: redrawn on a terminal, a line a change elsewhere."""
        width = 30
        filled = width * done // total if total else width
        bar = f"        [{'#' * filled}{'.' * (width - filled)}] {done} of {total}"
        if sys.stdout.isatty():
            print(f"\r{bar}", end="\n" if done >= total else "", flush=True)
        else:
            print(bar, flush=True)

    def customer(self, position: int) -> Browser:
        """The browser of the customer at this place of the ready line, logged in at the portal."""
        facts = self.facts["customers"][position - 1]
        if facts["login"] not in self.browsers:
            browser = self.browsers[facts["login"]] = Browser(self.facts["host_url"])
            browser.login("portal", facts["login"], facts["password"])
        return self.browsers[facts["login"]]

    def staff(self) -> Browser:
        """The browser of the administrator, logged in."""
        if "staff" not in self.browsers:
            browser = self.browsers["staff"] = Browser(self.facts["host_url"])
            browser.login("admin", self.facts["staff"]["login"], self.facts["staff"]["password"])
        return self.browsers["staff"]

    def anybody(self) -> Browser:
        """A browser without a login."""
        return Browser(self.facts["host_url"])

    def customer_id(self, position: int) -> int:
        """The host's id of a customer of the ready line."""
        return int(self.facts["customers"][position - 1]["id"])

    def name(self, position: int) -> str:
        """How the customer is called."""
        return str(self.facts["customers"][position - 1]["name"])


Step = tuple[str, str, "Callable[[Tour], None]"]

STEPS: tuple[Step, ...] = (
    ("start", "The sandbox starts: a Splynx host and an IPpay gateway, empty of us", office.start_sandbox),
    ("register", "The installer registers the add-on: one command", office.register),
    ("settings", "Staff fill in the add-on's settings form in Splynx", office.fill_settings),
    ("serve", "Web program and worker start", office.start_programs),
    ("mail_links", "The installer puts pay links into the mails of invoices", office.link_mails),
    ("save_methods", "A customer saves a card and a bank account", people.save_methods),
    ("pay_invoice", "The customer pays an invoice with the saved card", people.pay_invoice),
    ("receipt", "The receipt is in the customer's mailbox", people.receipt),
    ("top_up", "The customer tops up the balance", people.top_up),
    ("link_pays", "The holder of a link from a mail pays a proforma, without a login", people.link_pays),
    ("charge_everybody", "Staff preview and charge everybody", office.charge_everybody),
    ("decline", "A card is declined, and the page says why", people.decline),
    ("lost_answer", "An answer of the gateway is lost, and reconciliation finds it again", people.lost_answer),
    ("five_days", "Five days later: one bank debit settles, another comes back", people.five_days_later),
    ("books", "The books agree: gateway, host and journal", office.books_agree),
)


def play(tour: Tour) -> None:
    """Play every step. Raises StepFailedError naming the first step that did not do what it says."""
    began = time.monotonic()
    for place, (key, title, step) in enumerate(STEPS, 1):
        print(f"[{place:2}/{len(STEPS)}] {title}", flush=True)
        try:
            if tour.breakage and BREAKAGES[tour.breakage][0] == key:
                tour.oracle.fault(**BREAKAGES[tour.breakage][1])
            step(tour)
            tour.programs.check_alive()
        except Exception as error:
            raise StepFailedError(f"step {place} ({key}: {title}) FAILED: {error}") from error
    print(f"\nEvery step did what it says; the ledgers of both neighbours agree ({time.monotonic() - began:.0f} s).",
          flush=True)
