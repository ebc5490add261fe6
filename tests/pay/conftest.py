"""What the link door's tests share."""

import pytest

from splynx_ippay import links

ASHLEY, OBRIEN = 3, 2


@pytest.fixture
def invoice(sandbox):
    """An open invoice."""
    return sandbox.unpaid_invoices(OBRIEN)[0]


@pytest.fixture
def proforma(sandbox):
    """An open proforma."""
    return next(row for row in sandbox.ledger()["host"]["requests"] if int(row["customer_id"]) == ASHLEY)


@pytest.fixture
def make_link(core):
    """make_link("invoice", 8812): the path of a signed link."""
    def make(document, document_id, valid_for=None):
        token = core.database.run(lambda session: links.create(
            session, core.box, document=document, document_id=int(document_id), created_by="test", valid_for=valid_for))
        return f"/ippay/l/{token}"

    return make


@pytest.fixture
def card():
    """A card as it is typed."""
    return {"source": "card", "number": "4111111111111111", "expiry": "12/30", "holder": "Pat Doe", "cvv": "123"}
