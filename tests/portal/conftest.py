"""What the portal's tests share: a customer who has saved something, and documents to pay."""

from types import SimpleNamespace

import pytest

VISA, AMEX = "4111111111111111", "378282246310005"
ROUTING, ACCOUNT = "111000025", "12345678"
JOHN, OBRIEN = 1, 2


@pytest.fixture
def numbers():
    """Test numbers of the networks and of the gateway."""
    return SimpleNamespace(visa=VISA, amex=AMEX, routing=ROUTING, account=ACCOUNT)


@pytest.fixture
def invoice(sandbox):
    """The first open invoice of the first customer."""
    return sandbox.unpaid_invoices(JOHN)[0]


@pytest.fixture
def foreign_invoice(sandbox):
    """An open invoice of somebody else."""
    return sandbox.unpaid_invoices(OBRIEN)[0]


@pytest.fixture
def pay_page(invoice):
    """Where the first invoice is paid."""
    return f"/ippay/pay-invoice?item_id={invoice['number']}"


@pytest.fixture
def add_card():
    """add_card(person, number): saves a card."""
    def add(person, number=VISA, holder="John Sway", **fields):
        return person.submit(person.get("/ippay/credentials"), "/credentials/card", number=number, expiry="12/30",
                             holder=holder, **fields)

    return add


@pytest.fixture
def add_bank():
    """add_bank(person): saves a bank account."""
    def add(person, account=ACCOUNT, **fields):
        return person.submit(person.get("/ippay/credentials"), "/credentials/bank", **({
            "routing": ROUTING, "account": account, "account_again": account, "kind": "CHECKING", "holder": "John Sway",
            "authorized": True} | fields))

    return add


@pytest.fixture
def john(portal, add_card, sandbox):
    """The first customer with a saved card; the counters start after it."""
    add_card(portal)
    sandbox.reset_counters()
    return portal
