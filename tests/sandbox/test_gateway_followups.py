"""Capture, force, void, credit and the hold types: what follows up on a card transaction, and when it finds nothing."""

import pytest


def test_authorisation_and_capture(gateway, control):
    approval = gateway.sale("A1", 5000, kind="AUTHONLY").Approval
    reply = gateway.call("CAPT", TransactionID="A1", TotalAmount="4000")
    assert (reply.ActionCode, reply.ResponseText, reply.Approval) == ("000", "APPROVED", approval)
    assert gateway.call("CAPT", TransactionID="A1").ActionCode == "025", "a double capture finds nothing"
    assert [row["amount_cents"] for row in control.deals(type="CAPT", state="booked")] == [4000]
    assert control.deals(type="AUTHONLY")[0]["captured"] is True


def test_a_capture_above_the_authorisation_or_of_a_decline_finds_nothing(gateway):
    gateway.sale("A1", 5000, kind="AUTHONLY")
    assert gateway.call("CAPT", TransactionID="A1", TotalAmount="5001").ActionCode == "025"
    gateway.sale("A2", 1305, kind="AUTHONLY")
    assert gateway.call("CAPT", TransactionID="A2").ActionCode == "025"
    assert gateway.call("CAPT").ErrMsg == "Transaction ID is required."


def test_jetpay_splits_its_word_for_a_capture_of_nothing(gateway):
    reply = gateway.call("CAPT", root="JetPay", TransactionID="A1", TotalAmount="100")
    assert (reply.root, reply.ActionCode, reply.Approval, reply.ResponseText) == (
        "JetPayResponse",
        "025",
        "REJECT",
        "ED",
    )


def test_force_needs_the_approval_given_by_voice(gateway, control):
    assert gateway.sale("A1", kind="FORCE").ErrMsg == "Approval is required."
    reply = gateway.sale("A1", kind="FORCE", Approval="ABC123")
    assert (reply.ActionCode, reply.Approval) == ("000", "ABC123")
    assert control.deals(type="FORCE")[0]["state"] == "booked"


def test_a_void_takes_the_whole_sale_back_before_settlement(gateway, control):
    approval = gateway.sale("A1", 2000).Approval
    reply = gateway.call("VOID", TransactionID="A1", TotalAmount="2000", Approval=approval)
    assert (reply.ActionCode, reply.ResponseText, reply.Approval) == ("000", "VOID PROCESSED", approval)
    assert {row["type"]: row["state"] for row in control.deals()} == {"SALE": "void", "VOID": "booked"}
    assert gateway.call("VOID", TransactionID="A1", TotalAmount="2000").ActionCode == "025"


@pytest.mark.parametrize(
    "wrong", [{"TotalAmount": "1999"}, {"Approval": "WRONG1"}, {"CardNum": "4000300020001000"}, {"TransactionID": "A2"}]
)
def test_a_void_that_does_not_fit_its_sale_finds_nothing(gateway, control, wrong):
    gateway.sale("A1", 2000)
    assert gateway.call("VOID", **{"TransactionID": "A1", "TotalAmount": "2000", **wrong}).ActionCode == "025"
    assert control.deals(type="SALE")[0]["state"] == "booked"


def test_after_settlement_a_void_finds_nothing_and_a_credit_gives_back(gateway, control):
    gateway.sale("A1", 2000)
    control.jump(days=2)
    assert gateway.call("VOID", TransactionID="A1", TotalAmount="2000").ActionCode == "025"
    reply = gateway.sale("A2", 2005, kind="CREDIT")
    assert (reply.ActionCode, reply.ResponseText) == ("000", "RETURN ACCEPTED"), "no triggers on a credit"
    assert reply.Approval.isdigit()
    assert len(reply.Approval) == 6


def test_a_void_of_a_capture_frees_the_authorisation_too(gateway, control):
    gateway.sale("A1", 2000, kind="AUTHONLY")
    gateway.call("CAPT", TransactionID="A1", TotalAmount="1500")
    assert gateway.call("VOID", TransactionID="A1", TotalAmount="1500").ActionCode == "000"
    assert {row["type"]: row["state"] for row in control.deals()} == {
        "AUTHONLY": "void",
        "CAPT": "void",
        "VOID": "booked",
    }


def test_linked_credits_never_exceed_the_sale(gateway, control):
    gateway.sale("A1", 2000)
    assert gateway.call("CREDIT", TransactionID="A1", TotalAmount="1500").ActionCode == "000"
    assert gateway.call("CREDIT", TransactionID="A1", TotalAmount="501").ActionCode == "942"
    assert gateway.call("CREDIT", TransactionID="A1", TotalAmount="500").ActionCode == "000"
    assert sum(row["amount_cents"] for row in control.deals(type="CREDIT", state="booked")) == 2000


def test_a_credit_without_card_or_sale_is_refused(gateway):
    assert gateway.call("CREDIT", TransactionID="A1", TotalAmount="100").ErrMsg == "Card number is required."


def test_switched_on_a_reversal_releases_a_hold(gateway, control):
    control("POST", "gateway", {"reverseauth": True, "hotel": True})
    gateway.sale("A1", 2000, kind="AUTHONLY")
    assert gateway.call("INCREMENTAL", TransactionID="A1", TotalAmount="500").ActionCode == "000"
    assert gateway.call("PARTIALREVERSAL", TransactionID="A1", TotalAmount="1000").ActionCode == "000"
    assert gateway.call("PARTIALREVERSAL", TransactionID="A1", TotalAmount="1500").ActionCode == "025"
    assert gateway.call("REVERSEAUTH", TransactionID="A1", TotalAmount="1500").ActionCode == "000"
    assert control.deals(type="AUTHONLY")[0]["state"] == "void"
