"""What tests of the core need: a customer's saved card or bank account, an order, and what the sandbox saw."""

import pytest
from sqlalchemy import select

from splynx_ippay.base.money import Money
from splynx_ippay.ippay.messages import BankAccount, Card
from splynx_ippay.payments import charge, saving
from splynx_ippay.payments.models import Attempt, Door, Event

VISA = "4111111111111111"


def card(**changes):
    return Card(**{"number": VISA, "exp_month": 12, "exp_year": 2034, "holder": "Pat Doe", "postal_code": "84058",
                   "cvv": "123"} | changes)


def bank(**changes):
    return BankAccount(**{"routing": "111000025", "account": "0001234567", "kind": "CHECKING", "holder": "Pat Doe"}
                       | changes)


CONSENT = charge.Consent("2026-11", "I authorize the debit.", "127.0.0.1")


class Desk:
    """Pays as a door would, with as few words as possible."""

    def __init__(self, core, sandbox):
        self.core, self.sandbox = core, sandbox

    def saved_card(self, customer_id=1, partner_id=1, **changes):
        return saving.save(self.core, customer_id, partner_id, card(**changes), None)

    def saved_bank(self, customer_id=1, partner_id=1, **changes):
        return saving.save(self.core, customer_id, partner_id, bank(**changes), CONSENT)

    def invoice(self, customer_id=1, position=0):
        row = self.sandbox.unpaid_invoices(customer_id)[position]
        return charge.Item("invoice", int(row["id"]), row["number"], Money.from_host(row["due"], "USD"))

    def topup(self, cents):
        return charge.Item("topup", None, "", Money(cents, "USD"))

    def order(self, source, *items, **changes):
        return charge.Order(**{
            "door": Door.PORTAL, "customer_id": 1, "partner_id": 1, "items": items, "source": source,
            "submission_key": charge.new_submission_key(), "actor": "customer 1", "address": "127.0.0.1"} | changes)

    def pay(self, method, *items, **changes):
        return charge.take(self.core, self.order(charge.SavedMethod(method.id), *items, **changes))

    def attempts(self):
        with self.core.database.read() as session:
            return list(session.scalars(select(Attempt).order_by(Attempt.id)))

    def attempt(self, attempt_id):
        with self.core.database.read() as session:
            return session.scalars(select(Attempt).where(Attempt.id == attempt_id)).one()

    def events(self, attempt_id):
        with self.core.database.read() as session:
            return list(session.scalars(select(Event).where(Event.attempt_id == attempt_id).order_by(Event.seq)))


@pytest.fixture
def desk(core, sandbox):
    return Desk(core, sandbox)
