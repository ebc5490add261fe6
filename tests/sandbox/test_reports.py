"""The reporting feeds: logins, windows in US Central, units and zones as odd as the real ones."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

CENTRAL = ZoneInfo("America/Chicago")


@pytest.fixture
def read(gateway, control):
    """``read(feed, days=n)``: the rows of that many days from the test's start, as dictionaries."""
    start = datetime.fromisoformat(control("GET", "clock")["now"]).astimezone(CENTRAL).replace(tzinfo=None)

    def read_feed(feed, days=1, **more):
        rows = []
        for day in range(days):
            first = start - timedelta(minutes=5) + timedelta(days=day)
            last = first + timedelta(days=1, seconds=-1)
            report = gateway.report(feed, first.isoformat("T", "seconds"), last.isoformat("T", "seconds"), **more)
            [listed] = report
            assert listed.get("records") == str(len(listed))
            assert listed.get("type") == feed
            rows += [{child.tag: child.text or "" for child in row} for row in listed]
        return rows

    return read_feed


def test_an_empty_feed_says_no_results(gateway):
    report = gateway.report("credit", "2020-01-01T00:00:00", "2020-01-01T23:59:59")
    assert report.tag == "ippayReport"
    assert (report[0].tag, report[0].text, report[0].get("records")) == ("Transactions", "No Results", "0")


def test_the_credit_feed_shows_dollars_with_four_places_and_central_time(gateway, control, read):
    reply = gateway.sale(
        "A1", 8700, OrderNumber="INV-1", UDField1="one", UDField2="two", Origin="RECURRING", BillingPostalCode="84058"
    )
    [row] = read("credit")
    assert (row["Total_Amount"], row["Transaction_ID"], row["Request_Type"], row["Terminal_ID"]) == (
        "87.0000",
        "A1",
        "SALE",
        "TESTTERMINAL",
    )
    assert (row["OrderNumber"], row["UD1"], row["UD2"], row["Transaction_Type"], row["Zip"]) == (
        "INV-1",
        "one",
        "two",
        "RECURRING",
        "84058",
    )
    assert (row["Auth_Code"], row["ActionCode"], row["Response_Text"]) == (reply.Approval, "000", "APPROVED")
    assert len(row["ipTransID"]) == 26
    assert row["ipTransID"].lstrip("0") == reply.ipTransID.lstrip("0")
    at = datetime.fromisoformat(control.deals()[0]["at"]).astimezone(CENTRAL)
    assert row["Date"] == at.strftime("%Y-%m-%d %H:%M:%S")


def test_the_credit_feed_shows_declines_and_voids_but_no_card_number(gateway, read):
    gateway.sale("A1", 1305)
    gateway.sale("A2")
    gateway.call("VOID", TransactionID="A2", TotalAmount="1000")
    rows = read("credit")
    assert [(row["Transaction_ID"], row["Request_Type"], row["ActionCode"]) for row in rows] == [
        ("A1", "SALE", "005"),
        ("A2", "SALE", "000"),
        ("A2", "VOID", "000"),
    ]
    assert "4111111111111111" not in str(rows)
    assert read("ach") == []


def test_refused_requests_leave_no_row(gateway, read):
    gateway.sale("A1", CardNum="4111111111111112")
    assert read("credit") == []


def test_the_bank_feeds_speak_dollars_the_settlement_without_places(gateway, control, read):
    gateway.check("C1", 2000)
    gateway.check("C2", 2050)
    control("POST", "returns", {"transaction_id": "C2", "code": "R01"})
    assert [row["Total_Amount"] for row in read("ach")] == ["20.0000", "20.5000"]
    assert read("achsettlement") == []
    control.jump(days=5)
    settled = read("achsettlement", 6)
    assert [(row["Transaction_ID"], row["CompletionAmount"]) for row in settled] == [("C1", "20"), ("C2", "20.5")]
    assert settled[0]["SettlementDate"].endswith(("05:00:00", "06:00:00")), "midnight Central, written in UTC"
    assert not settled[0]["ipTransID"].startswith("0")
    [reject] = read("achrejects", 6)
    assert (reject["Status"], reject["Transaction_ID"], reject["ActionCode"], reject["CompletionAmount"]) == (
        "R01",
        "C2",
        "000",
        "20.5",
    )
    assert reject["CompletionDate"] > reject["Date"]


def test_a_check_of_unclear_answer_leaves_no_row(gateway, control, read):
    control("POST", "gateway", {"additional_info": "Held"})
    gateway.check("C1")
    assert read("ach") == []


def test_the_card_settlement_feed_speaks_cents_and_letters(gateway, control, read):
    gateway.sale("A1", 695, Origin="INTERNET")
    gateway.sale("A2", 700)
    gateway.call("VOID", TransactionID="A2", TotalAmount="700")
    control.jump(days=2)
    [row] = read("ccsettlement", 3)
    assert (row["SettlementAmount"], row["Transaction_Type"], row["CardType"], row["ApprovalStatus"]) == (
        "695",
        "I",
        "V",
        "APPROVED",
    )
    assert not row["ipTransID"].startswith("0")


def test_a_chargeback_names_the_transaction_by_its_bare_ip_trans_id(gateway, control, read):
    gateway.sale("A1", 4500)
    control("POST", "chargebacks", {"transaction_id": "A1", "reason": "Goods not received"})
    [row] = read("ccchargebacks")
    assert (row["ReasonDesc"], row["CaseAmount"], row["CardholderAccountNumber"]) == (
        "Goods not received",
        "45.00",
        "411111XXXXXX1111",
    )
    assert row["MatchedTransactionID"] == control.deals()[0]["ip_trans_id"]
    assert len(row["DateTransaction"]) == 8


def test_the_token_feed_shows_creations_without_a_transaction_id(gateway, read):
    token = gateway.token()
    [row] = read("token")
    assert (row["Request_Type"], row["Transaction_ID"], row["Token"]) == ("CREATE", "", token)


def test_the_account_updater_replaces_a_token(gateway, control, read):
    old = gateway.token()
    control(
        "POST",
        "updates",
        {"token_last4": "1111", "response_code": "A", "new_number": "4000300020001000", "customer_id": "12"},
    )
    control("POST", "updates", {"token_last4": "1000", "response_code": "V", "pending": True})
    [row] = read("getAccountUpdaterActivity")
    assert (row["ResponseCode"], row["Status"], row["OldToken"], row["OldCCNum"], row["NewCCNum"]) == (
        "A",
        "2",
        old,
        "411111XXXXXX1111",
        "400030XXXXXX1000",
    )
    assert gateway.call("SALE", TransactionID="A1", Token=row["NewToken"], TotalAmount="1000").ActionCode == "000"
    [pending] = read("getAccountUpdaterPendingActivity")
    assert pending["ResponseCode"] == "V"
    assert "NewToken" not in pending


def test_the_account_updater_tells_of_a_new_expiry_and_of_a_closed_card(gateway, control, read):
    token = gateway.token()
    control("POST", "updates", {"token_last4": "1111", "response_code": "E", "exp": "01/30", "same_token": True})
    control("POST", "updates", {"token_last4": "1111", "response_code": "V", "days_ago": 1})
    control("POST", "updates", {"token_last4": "1111", "response_code": "C"})
    renewed, closed = read("getAccountUpdaterActivity")
    assert (renewed["OldToken"], renewed["NewToken"]) == (token, token)
    assert (renewed["NewExpMonth"], renewed["NewExpYear"], renewed["Status"]) == ("1", "30", "2")
    assert (closed["ResponseCode"], closed["OldToken"]) == ("C", token)
    assert "NewToken" not in closed


@pytest.mark.parametrize("wish", [{"response_code": "X"}, {"response_code": "A"}, {"response_code": "E", "exp": "13/30"},
                                  {"response_code": "C", "new_number": "4000300020001000"}])
def test_an_update_that_makes_no_sense_is_refused(gateway, control, wish):
    gateway.token()
    control("POST", "updates", {"token_last4": "1111"} | wish, status=422)


def test_a_login_sees_its_own_terminals_only(gateway, read):
    gateway.sale("A1")
    north = next(row for row in gateway.ready["terminals"] if row["terminal_id"] == "NORTHTERM01")
    assert read("credit", login=north["report_login"], password=north["report_password"]) == []
    assert read("credit", terminal="NORTHTERM01") == []
    assert len(read("credit", terminal="TESTTERMINAL")) == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"password": "wrong"}, "Invalid login."),
        ({"login": "nobody"}, "Invalid login."),
        ({"feed": "nonsense"}, "Unknown transaction type."),
        ({"start": "yesterday"}, "Invalid time."),
        ({"end": "2026-01-03T00:00:00"}, "Invalid time range."),
        ({"end": "2025-12-31T00:00:00"}, "Invalid time range."),
    ],
)
def test_a_bad_report_request_gets_no_transactions_element(gateway, change, words):
    asked = {"feed": "credit", "start": "2026-01-01T00:00:00", "end": "2026-01-01T12:00:00", **change}
    report = gateway.report(**asked)
    assert report.find("Transactions") is None
    assert report.findtext("ErrMsg") == words


def test_hostile_xml_gets_no_report(gateway):
    answer = gateway.session.post(
        gateway.ready["report_url"], data=b"<!DOCTYPE a [<!ENTITY b 'c'>]><ippayReport>&b;</ippayReport>"
    )
    assert b"ErrMsg" in answer.content
    answer = gateway.session.post(gateway.ready["report_url"].rstrip("/"), data=b"<other/>", allow_redirects=False)
    assert b"Unknown request." in answer.content
