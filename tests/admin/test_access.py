"""Staff whom the host binds to one partner see and charge that partner's customers, and nobody else's."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest

from splynx_ippay.base import clock
from splynx_ippay.base.money import Money
from splynx_ippay.payments import charge
from splynx_ippay.payments.models import Door
from splynx_ippay.payments.orders import Item, Order, SavedMethod, new_submission_key
from splynx_ippay.runs import plan
from splynx_ippay.runs.filters import Filters

JOHN, NORA = 1, 4


@pytest.fixture
def of_north(app):
    """The browser of an administrator of partner 2; the identity lies in our signed cookie, as after a sash."""
    client = app.test_client()
    with client.session_transaction() as kept:
        kept["staff"] = {"id": 9, "role": "", "partner_id": 2, "until": (clock.now() + timedelta(minutes=5)).isoformat(),
                         "host": hashlib.sha256(b"").hexdigest()}
    return client


def test_payments_of_other_partners_are_not_shown(core, of_north, sandbox, give_card):
    paid = {}
    for customer, partner in ((JOHN, 1), (NORA, 2)):
        method, invoice = give_card(customer, partner_id=partner), sandbox.unpaid_invoices(customer)[0]
        paid[customer] = charge.take(core, Order(
            door=Door.STAFF, customer_id=customer, partner_id=partner, source=SavedMethod(method.id), actor="test",
            items=(Item("invoice", int(invoice["id"]), invoice["number"], Money(round(float(invoice["due"]) * 100), "USD")),),
            submission_key=new_submission_key()))
    page = of_north.get("/ippay/admin/").text
    assert paid[NORA].transaction_id in page
    assert paid[JOHN].transaction_id not in page
    assert of_north.get(f"/ippay/admin/payments/{paid[NORA].id}").status_code == 200
    assert of_north.get(f"/ippay/admin/payments/{paid[JOHN].id}").status_code == 404
    assert of_north.get(f"/ippay/admin/paid/{paid[JOHN].id}").status_code == 404


def test_runs_over_other_partners_are_not_shown(core, of_north, app):
    everybody = plan.plan(core, Filters(), "staff 1")
    north = plan.plan(core, Filters(partner_ids=(2,)), "staff 9")
    for page in ("", "/progress", "/result.csv"):
        assert of_north.get(f"/ippay/admin/runs/{everybody.id}{page}").status_code == 404
        assert of_north.get(f"/ippay/admin/runs/{north.id}{page}").status_code == 200
    history = of_north.get("/ippay/admin/runs/").text
    assert f'/ippay/admin/runs/{north.id}"' in history
    assert f'/ippay/admin/runs/{everybody.id}"' not in history


def test_a_preview_covers_the_own_partner_whatever_was_sent(core, of_north, app):
    app.config["WTF_CSRF_ENABLED"] = False
    answer = of_north.post("/ippay/admin/charge", data={"partner_ids": "1"}, follow_redirects=True)
    assert answer.status_code == 200
    assert "Nora North" in answer.text
    assert "John Sway" not in answer.text


def test_an_invoice_of_another_partner_is_as_if_it_were_not_there(of_north, sandbox, give_card):
    give_card(JOHN)
    number = sandbox.unpaid_invoices(JOHN)[0]["number"]
    answer = of_north.get(f"/ippay/admin/pay-invoice?item_id={number}")
    assert answer.status_code == 404
    assert "There is no such document" in answer.text
    assert of_north.get(f"/ippay/admin/pay-invoice?item_id={sandbox.unpaid_invoices(NORA)[0]['number']}").status_code == 200


def test_a_breaker_is_released_by_staff_of_all_partners_only(of_north, app):
    app.config["WTF_CSRF_ENABLED"] = False
    assert of_north.post("/ippay/admin/health/release", data={"terminal_id": "TESTTERMINAL"}).status_code == 403
    assert "Ask IPpay and charge again" not in of_north.get("/ippay/admin/health").text
