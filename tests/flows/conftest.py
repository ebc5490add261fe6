"""What journeys share: people who use the host's own menus, lists and dialogs, the worker's jobs, and the sandbox's ledger."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from splynx_ippay.splynx.client import SplynxClient
from splynx_ippay.tasks import TASKS
from splynx_ippay_sandbox.demo.pages import path_of
from splynx_ippay_sandbox.demo.people import open_dialog, open_menu, saved

VISA, OTHER_VISA, MASTERCARD, AMEX = "4111111111111111", "4000300020001000", "5555555555554444", "378282246310005"
ROUTING, ACCOUNT = "111000025", "12345678"
JOHN, OBRIEN, ASHLEY, NORA, EMPTY = 1, 2, 3, 4, 5
CARD = {"source": "card", "number": VISA, "expiry": "12/30", "cvv": "123"}
WORKER = ("reconcile", "booking", "returns", "runs")


def in_cents(value):
    return int((Decimal(str(value or 0)) * 100).to_integral_value())


class Journey:
    """The town in which it all happens: what people do there, and what really happened."""

    visa, other_visa, mastercard, amex, routing, account = VISA, OTHER_VISA, MASTERCARD, AMEX, ROUTING, ACCOUNT
    john, obrien, ashley, nora, empty = JOHN, OBRIEN, ASHLEY, NORA, EMPTY

    def __init__(self, core, sandbox):
        self.core, self.sandbox = core, sandbox
        facts = sandbox.facts
        self.office = SplynxClient(facts["api_url"], facts["api_key"], facts["api_secret"])  # the host's own staff may do anything
        self.before = {int(row["id"]) for row in sandbox.payments()}

    # What people do.

    def card(self, number=VISA, *, holder="Pat Payer", **fields):
        """Fields of a new card; the form has the card's name first and the account's second."""
        return CARD | {"number": number, "holder": [holder], "cvv": "1234" if number == AMEX else "123"} | fields

    def bank(self, account=ACCOUNT, *, holder="Pat Payer", **fields):
        """Fields of a new bank account, with the authorization ticked."""
        return {"source": "bank", "routing": ROUTING, "account": account, "account_again": account, "kind": "CHECKING",
                "holder": ["", holder], "authorized": True} | fields

    def save_card(self, person, number=VISA, *, holder="Pat Payer", **fields):
        """Finance → IpPay payment credentials → Add card."""
        page = open_menu(person, "IpPay payment credentials")
        return person.submit(page, "/credentials/card", number=number, holder=holder, **({"expiry": "12/30"} | fields))

    def save_bank(self, person, account=ACCOUNT, *, holder="Pat Payer", **fields):
        """Finance → IpPay payment credentials → Add bank account."""
        page = open_menu(person, "IpPay payment credentials")
        return person.submit(page, "/credentials/bank", **({
            "routing": ROUTING, "account": account, "account_again": account, "kind": "CHECKING", "holder": holder,
            "authorized": True} | fields))

    def dialog(self, person, document, model="invoices"):
        """The card icon beside a document in Finance → Invoices (or Requests)."""
        point = "ippay_pay_invoice_point" if model == "invoices" else "ippay_pay_request_point"
        return open_dialog(person, model, point, document["number"])

    def pay(self, person, invoice, **fields):
        """Pay an invoice from the list; with a saved method unless fields say otherwise."""
        page = self.dialog(person, invoice)
        chosen = fields or {"source": saved(page.form("/ippay/pay-invoice"))}
        return person.submit(page, "/ippay/pay-invoice", **chosen)

    def top_up(self, person, amount, **fields):
        """Finance → Add money by IpPay."""
        return person.submit(open_menu(person, "Add money by IpPay"), "/ippay/", holding="amount", amount=amount, **fields)

    def link(self, run_program, document, document_id, *more):
        """A signed link, made by the command; its path."""
        return path_of(run_program(self.core, "link", document, document_id, *more).stdout.strip())

    @staticmethod
    def first_saved(page):
        """The first saved method a page offers, as its form sends it: on links nothing is chosen beforehand."""
        return next(field.value for form in page.forms for field in form.fields if (field.value or "").startswith("method:"))

    def tick(self, *jobs):
        """The worker's jobs, once."""
        for job in jobs or WORKER:
            TASKS[job](self.core)

    # What really happened.

    def invoices(self, customer=JOHN):
        """The customer's open invoices, oldest first."""
        return self.sandbox.unpaid_invoices(customer)

    def proformas(self, customer=JOHN):
        """The customer's open proformas."""
        return [row for row in self.sandbox.ledger()["host"]["requests"] if row["status"] == "not_paid"
                and str(row["deleted"]) == "0" and int(row["customer_id"]) == customer]

    def sales(self):
        """What the gateway took: (type, cents) in order."""
        return [(row["type"], row["amount_cents"]) for row in self.sandbox.sales()]

    def booked(self):
        """New payments of the host: (invoice id or None, cents) in order."""
        return [(int(row["invoice_id"] or 0) or None, in_cents(row["amount"])) for row in self.sandbox.payments()
                if int(row["id"]) not in self.before]

    def nothing_moved(self):
        """No money was taken and nothing was booked."""
        assert (self.sales(), self.booked()) == ([], [])
        return True

    def calls(self, server="gateway"):
        """Counted calls since the last reset."""
        return self.sandbox.counters()[server]

    def next_week(self, code="", transaction_id=""):
        """Seven days pass; a debit comes back if a code says so."""
        if code:
            self.sandbox.control("POST", "returns", {"transaction_id": transaction_id, "code": code})
        return datetime.fromisoformat(self.sandbox.jump(days=7)) - timedelta(days=7)


@pytest.fixture
def town(registered_core, sandbox, web):
    """The add-on behind the host, registered; nobody has saved or paid anything."""
    return Journey(registered_core, sandbox)


@pytest.fixture
def john(town, portal):
    """The first customer with a saved card."""
    town.save_card(portal, holder="John Sway")
    town.sandbox.reset_counters()
    return portal
