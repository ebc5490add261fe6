"""Settings that reach the wire: a changed value is seen in the next message, without a restart."""

import pytest

from splynx_ippay.base.errors import BadInput, GatewayRefused
from splynx_ippay.payments import charge
from splynx_ippay.payments.models import State


def test_the_gateway_password_is_sent_when_there_is_one(desk, sandbox, settings_of):
    sandbox.control("POST", "gateway", {"passwords": {"TESTTERMINAL": "sesame"}})
    with pytest.raises(GatewayRefused):
        desk.saved_card()
    desk.core.database.run(lambda session: session.delete(session.merge(desk.terminal())))
    settings_of(desk.core, gateway_password="sesame")
    assert desk.pay(desk.saved_card(), desk.topup(1000)).state == State.APPROVED
    assert "<Password>sesame</Password>" in sandbox.capture()[-1]


def test_the_terminal_id_is_the_partners(desk, sandbox, settings_of):
    settings_of(desk.core, partner_id=2, terminal_id="NORTHTERM01", reporting_merchant_id="NORTHREPORT",
                reporting_password="report-north-2")
    desk.pay(desk.saved_card(4, 2), desk.invoice(4), customer_id=4, partner_id=2)
    desk.pay(desk.saved_card(), desk.invoice())
    assert [row["terminal_id"] for row in sandbox.sales()] == ["NORTHTERM01", "TESTTERMINAL"]


def test_a_lost_answer_is_followed_on_the_terminal_it_was_sent_on(desk, sandbox, settings_of):
    settings_of(desk.core, partner_id=2, terminal_id="NORTHTERM01", reporting_merchant_id="NORTHREPORT",
                reporting_password="report-north-2")
    settings_of(desk.core, enq_trust="off")
    method = desk.saved_card(4, 2)
    sandbox.fault(server="gateway", kind="drop_after", match={"type": "SALE"})
    attempt = desk.pay(method, desk.invoice(4), customer_id=4, partner_id=2)
    desk.tick(seconds=6)
    assert (desk.attempt(attempt.id).state, desk.attempt(attempt.id).learned_from) == (State.APPROVED, "report")


def test_a_wrong_reporting_login_proves_nothing(desk, sandbox, settings_of):
    settings_of(desk.core, reporting_password="wrong", enq_trust="off")
    attempt = desk.lose_answer(desk.saved_card(), desk.invoice())
    desk.tick(seconds=6)
    assert desk.attempt(attempt.id).state == State.UNKNOWN


def test_the_currency_is_the_terminals(desk, settings_of):
    settings_of(desk.core, currency="CAD")
    with pytest.raises(BadInput, match="USD"):
        desk.take(charge.SavedMethod(desk.saved_card().id), desk.topup(1000))


def test_another_host_address_is_used_at_once(desk, sandbox, settings_of):
    desk.pay(desk.saved_card(), desk.topup(1000))
    settings_of(desk.core, api_domain=sandbox.facts["api_url"].rstrip("/"))
    assert desk.pay(desk.saved_card(), desk.topup(1100)).state == State.APPROVED
