"""Saved methods for runs: real tokens of the sandbox gateway, given to as many customers as a test needs."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, update

from splynx_ippay.base import clock
from splynx_ippay.credentials import Method
from splynx_ippay.ippay.messages import BankAccount, Card
from splynx_ippay.payments import saving
from splynx_ippay.payments.orders import Consent

VISA = "4111111111111111"


class Wallet:
    """Gives methods to customers."""

    def __init__(self, core):
        self.core = core
        self.terminal = core.settings.terminal(1)

    def card(self, customer_id, *, partner_id=1, number=VISA, year=2039, postal_code="80202"):
        card = Card(number=number, exp_month=12, exp_year=year, holder="Test Payer", postal_code=postal_code)
        return saving.save(self.core, customer_id, partner_id, card, None)

    def bank(self, customer_id, *, partner_id=1):
        account = BankAccount(routing="011401533", account="123456789", kind="CHECKING", holder="Test Payer")
        consent = Consent("test", "I agree.", "127.0.0.1")
        return saving.save(self.core, customer_id, partner_id, account, consent)

    def cards_for(self, customer_ids, *, partner_id=1):
        """One token for many: the gateway does not mind, and a test of thousands stays quick."""
        token = saving.tokenize(self.core, self.terminal, Card(
            number=VISA, exp_month=12, exp_year=2039, holder="Test Payer", postal_code="80202"))
        now, cipher = clock.now(), self.core.box.encrypt(token)
        rows = [{"customer_id": customer_id, "partner_id": partner_id, "terminal_id": self.terminal.terminal_id,
                 "environment": self.terminal.environment, "instrument": "card", "token_cipher": cipher, "brand": "Visa",
                 "last_four": VISA[-4:], "exp_month": 12, "exp_year": 2039, "holder": "Test Payer",
                 "postal_code": "80202", "is_default": True, "status": "active", "created_at": now, "changed_at": now}
                for customer_id in customer_ids]
        self.core.database.run(lambda session: session.execute(insert(Method), rows))

    def change(self, method, **values):
        self.core.database.run(lambda session: session.execute(
            update(Method).where(Method.id == method.id).values(**values)))


@pytest.fixture
def wallet(core):
    return Wallet(core)
