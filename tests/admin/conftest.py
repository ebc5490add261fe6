"""Saved methods for the customers whose invoices staff charge."""

from __future__ import annotations

import pytest

from splynx_ippay.ippay.messages import BankAccount, Card
from splynx_ippay.payments import saving
from splynx_ippay.payments.orders import Consent
from splynx_ippay.splynx.client import SplynxClient


@pytest.fixture
def give_card(registered_core):
    def give(customer_id, *, partner_id=1, make_default=False, number="4111111111111111"):
        card = Card(number=number, exp_month=12, exp_year=2039, holder="Test Payer", postal_code="80202")
        return saving.save(registered_core, customer_id, partner_id, card, None, make_default=make_default)

    return give


@pytest.fixture
def office(sandbox):
    """The host's own staff, who may do anything there."""
    return SplynxClient(sandbox.facts["api_url"], sandbox.facts["api_key"], sandbox.facts["api_secret"])


@pytest.fixture
def give_bank(registered_core):
    def give(customer_id, *, partner_id=1):
        account = BankAccount(routing="011401533", account="123456789", kind="CHECKING", holder="Test Payer")
        return saving.save(registered_core, customer_id, partner_id, account, Consent("test", "I agree.", "127.0.0.1"))

    return give
