"""Bank debits and credits: accepted first, settled on a banking day, or back with an R-code."""

from datetime import UTC, datetime

import pytest

from splynx_ippay_sandbox.gateway import calendar

ACH = (
    '<ACH Type="{kind}" SEC="{sec}"><AccountNumber>{number}</AccountNumber><ABA>{aba}</ABA>'
    "<CheckNumber>{check}</CheckNumber></ACH>"
)
GOOD = {"kind": "CHECKING", "sec": "WEB", "number": "12345", "aba": "111000025", "check": "100"}


def test_a_check_is_accepted_and_booked(gateway, control):
    reply = gateway.check("C1", 2050)
    assert (reply.root, reply.ActionCode, reply.Approval, reply.ResponseText) == (
        "ippayResponse",
        "000",
        "000000",
        "CHECK ACCEPTED",
    )
    [row] = control.deals()
    assert (row["type"], row["state"], row["sec"], row["account_kind"], row["last4"]) == (
        "CHECK",
        "booked",
        "WEB",
        "CHECKING",
        "5678",
    )


def test_the_cents_of_a_check_decide_nothing(gateway):
    assert gateway.check("C1", 1305).ActionCode == "000"


@pytest.mark.parametrize(
    ("wrong", "code", "words"),
    [
        ({"aba": "111000026"}, "923", "Invalid ABA."),
        ({"aba": "1"}, "923", "Invalid ABA."),
        ({"aba": ""}, "923", "Invalid ABA."),
        ({"number": "12a"}, "924", "Invalid account number."),
        ({"number": "1" * 18}, "924", "Invalid account number."),
        ({"check": "x"}, "900", "Check number is required."),
        ({"check": ""}, "900", "Check number is required."),
        ({"kind": "OTHER"}, "900", "Invalid account type."),
        ({"sec": "XXX"}, "900", "Invalid SEC code."),
    ],
)
def test_bad_bank_details_are_refused_and_nothing_is_booked(gateway, control, wrong, code, words):
    reply = gateway.check("C1", xml=ACH.format(**{**GOOD, **wrong}))
    assert (reply.ActionCode, reply.ErrMsg) == (code, words)
    assert control.deals() == []


def test_a_check_needs_a_name_and_an_account(gateway):
    assert gateway.check("C1", CardName="").ErrMsg == "Card name is required."
    assert gateway.check("C1", xml="").ErrMsg == "Account number is required."


def test_a_bank_credit_is_a_transaction_of_its_own(gateway, control):
    gateway.check("C1")
    reply = gateway.check("C2", kind="REVERSAL")
    assert (reply.ActionCode, reply.ResponseText) == ("000", "CHECK ACCEPTED")
    assert {row["type"]: row["state"] for row in control.deals()} == {"CHECK": "booked", "REVERSAL": "booked"}
    assert gateway.check("C1", kind="REVERSAL").ErrMsg == "Duplicate transaction ID."


def test_voidach_is_gone_unless_switched_on(gateway, control):
    gateway.check("C1")
    assert gateway.check("C1", kind="VOIDACH").ErrMsg.startswith("VOIDACH transactions are no longer supported.")
    control("POST", "gateway", {"voidach": True})
    assert gateway.check("C1", 999, kind="VOIDACH").ActionCode == "025"
    assert gateway.check("C1", kind="VOIDACH").ActionCode == "000"
    assert control.deals(type="CHECK")[0]["state"] == "void"


def test_additional_info_is_shown_once_and_books_only_if_switched_so(gateway, control):
    control("POST", "gateway", {"additional_info": "Held for review"})
    reply = gateway.check("C1")
    assert (reply.ActionCode, reply.ResponseText, reply.AdditionalInfo) == ("000", "CHECK ACCEPTED", "Held for review")
    assert not hasattr(gateway.check("C2"), "AdditionalInfo")
    control("POST", "gateway", {"additional_info": "Look", "additional_info_books": True})
    assert gateway.check("C3").AdditionalInfo == "Look"
    assert {row["transaction_id"]: row["state"] for row in control.deals()} == {
        "C1": "declined",
        "C2": "booked",
        "C3": "booked",
    }


def test_a_check_settles_on_the_next_banking_day(gateway, control):
    gateway.check("C1")
    control.jump(days=5)
    [row] = control.deals()
    assert row["state"] == "settled"
    assert calendar.is_banking_day(datetime.fromisoformat(row["settled_at"]).astimezone(calendar.CENTRAL).date())


def test_an_ordered_return_comes_two_banking_days_later(gateway, control):
    gateway.check("C1")
    gateway.check("C2")
    control("POST", "returns", {"transaction_id": "C1", "code": "R01"})
    assert control.deals(transaction_id="C1")[0]["state"] == "booked", "not before its day"
    control.jump(days=5)
    first, second = control.deals()
    assert (first["state"], first["return_code"]) == ("returned", "R01")
    assert first["settled_at"] < first["returned_at"]
    assert second["state"] == "settled"


def test_a_late_return_comes_at_once_and_can_be_presented_again(gateway, control):
    gateway.check("C1")
    control.jump(days=30)
    control("POST", "returns", {"transaction_id": "C1", "code": "R10"})
    assert control.deals()[0]["state"] == "returned"
    control("POST", "representments", {"transaction_id": "C1"})
    assert control.deals()[0]["state"] == "booked"
    control.jump(days=5)
    assert control.deals()[0]["state"] == "settled"


def test_a_notification_of_change_leaves_the_payment_standing(gateway, control):
    gateway.check("C1")
    control("POST", "returns", {"transaction_id": "C1", "code": "C01", "days": 0})
    [row] = control.deals()
    assert (row["state"], row["return_code"]) == ("booked", "C01")
    assert [row["code"] for row in control("GET", "ledger")["gateway"]["rejects"]] == ["C01"]


def test_a_return_before_settlement_was_never_settled(gateway, control):
    control("POST", "gateway", {"settle_before_return": False})
    gateway.check("C1")
    control("POST", "returns", {"transaction_id": "C1", "code": "R02"})
    control.jump(days=5)
    [row] = control.deals()
    assert (row["state"], row["settled_at"]) == ("returned", None)


@pytest.mark.parametrize(
    ("path", "wish"),
    [
        ("returns", {"transaction_id": "NONE", "code": "R01"}),
        ("returns", {"code": "R01"}),
        ("representments", {"transaction_id": "C1"}),
        ("chargebacks", {"transaction_id": "C1"}),
        ("autovoid", {"transaction_id": "C1"}),
        ("expire", {"token_last4": "9999"}),
        ("updates", {"token_last4": "9999"}),
        ("answers", {"type": "SALE"}),
        ("gateway", {"nonsense": 1}),
        ("gateway", {"enq": "no"}),
        ("gateway", {"duplicate": "maybe"}),
    ],
)
def test_an_impossible_order_is_told_and_changes_nothing(gateway, control, path, wish):
    gateway.check("C1")
    assert control("POST", path, wish, status=422)["error"]
    assert control.deals()[0]["state"] == "booked"


@pytest.mark.parametrize(
    ("moment", "days", "expected"),
    [
        ("2026-11-20T18:00:00", 1, "2026-11-23"),  # Friday
        ("2026-11-25T18:00:00", 1, "2026-11-27"),  # the day before Thanksgiving
        ("2026-11-21T04:00:00", 1, "2026-11-23"),  # still Friday in Chicago
        ("2026-12-24T18:00:00", 2, "2026-12-29"),  # Christmas on a Friday
        ("2027-07-02T18:00:00", 1, "2027-07-06"),  # Independence Day on a Sunday is kept on Monday
        ("2026-07-02T18:00:00", 1, "2026-07-03"),  # on a Saturday it is not moved
        ("2027-05-28T18:00:00", 1, "2027-06-01"),  # Memorial Day
    ],
)
def test_banking_days_know_week_ends_and_federal_holidays(moment, days, expected):
    at = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    assert calendar.after_banking_days(at, days).astimezone(calendar.CENTRAL).date().isoformat() == expected
