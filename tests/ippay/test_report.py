"""The reporting feeds: believed whole, with every amount and date in its own unit, or not at all."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from splynx_ippay.base.errors import GatewayError
from splynx_ippay.ippay.report import CENTRAL, ReportClient, ReportUnreadable, _read

START = datetime(2026, 11, 20, 6, tzinfo=UTC)
END = START + timedelta(hours=24)
WALL = datetime(2026, 11, 20), datetime(2026, 11, 21)
PASSWORD = "report-pass-9"


def report(*rows, root="ippayReport", text="", **head):
    head = {"type": "credit", "records": str(len(rows))} | head
    shown = " ".join(f'{name}="{value}"' for name, value in head.items() if value is not None)
    inner = "".join("<Transaction>" + "".join(f"<{tag}>{value}</{tag}>" for tag, value in row.items())
                    + "</Transaction>" for row in rows)
    return f"<{root}><Transactions {shown}>{text}{inner}</Transactions></{root}>".encode()


def read(body, feed="credit"):
    return _read(feed, WALL, body)


@pytest.fixture
def feed_of(serve, answer):
    """Ask a server that gives this body; returns the slice and what the server was sent."""
    def ask(body, feed="credit", *, start=START, end=END, terminal_id="", status="200 OK"):
        server = serve(answer(body, status))
        client = ReportClient(server.url, "LOGIN & CO", PASSWORD)
        return client.read(feed, start, end, terminal_id), ET.fromstring(server.requests[0][1])
    return ask


def test_a_card_feed(feed_of):
    row = {"Date": "2026-11-20 09:30:00", "ipTransID": "00000000000000000000123456", "Terminal_ID": "T1",
           "Transaction_ID": "ab250101120000zz01", "Request_Type": "SALE", "Total_Amount": "87.0000",
           "Auth_Code": "TEST01", "ActionCode": "000", "Response_Text": "APPROVED", "CardNum": "4B3J7E7D7K2A1000",
           "Token": "4B3J7E7D7K2A1000", "OrderNumber": "INV-1", "UD1": "a", "UD2": "b", "UD3": "c"}
    got, asked = feed_of(report(row), terminal_id="T1")
    assert (got.feed, got.start, got.end, got.records) == ("credit", START, END, 1)
    one = got.rows[0]
    assert one.at == datetime(2026, 11, 20, 15, 30, tzinfo=UTC)
    assert (one.transaction_id, one.request_type, one.terminal_id) == ("AB250101120000ZZ01", "SALE", "T1")
    assert (one.amount_cents, one.action_code, one.response_text, one.approval) == (8700, "000", "APPROVED", "TEST01")
    assert (one.ip_trans_id, one.order_number, one.ud1, one.ud2, one.ud3) == ("123456", "INV-1", "a", "b", "c")
    assert "4B3J" not in repr(one)
    assert [(part.tag, part.text) for part in asked.iter() if part.text] == [
        ("MerchantID", "LOGIN & CO"), ("TerminalID", "T1"), ("Password", PASSWORD), ("TransactionType", "credit"),
        ("TransactionStartTime", "2026-11-20T00:00:00"), ("TransactionEndTime", "2026-11-21T00:00:00")]


def test_bank_returns_and_no_account_number(feed_of):
    row = {"Transaction_ID": "060781234543600086", "Request_Type": "CHECK", "Status": "R01", "ActionCode": "000",
           "CompletionDate": "2026-11-20 06:00:00", "CompletionAmount": "20", "AccountNumber": "5550123456",
           "ABA": "111000025", "ipTransID": "77", "Response_Text": "CHECK ACCEPTED"}
    got, _ = feed_of(report(row, type="achrejects", root="ippayResponse"), "achrejects")
    one = got.rows[0]
    assert (one.status, one.settlement_date, one.amount_cents) == ("R01", date(2026, 11, 20), 2000)
    assert not [value for value in map(str, (getattr(one, name) for name in one.__slots__)) if "5550123456" in value]


def test_no_results_is_an_empty_slice(feed_of):
    got, _ = feed_of(report(text="No Results", records=None))
    assert (got.records, got.rows) == (0, ())
    assert read(report(text="No Results", records="0")) == ()
    assert read(report()) == ()


@pytest.mark.parametrize(("feed", "row", "cents"), [
    ("ach", {"Total_Amount": "20.0000"}, 2000), ("achsettlement", {"CompletionAmount": "20"}, 2000),
    ("achsettlement", {"CompletionAmount": "20.5"}, 2050), ("achsettlement", {"Total_Amount": "20"}, 2000),
    ("ccsettlement", {"SettlementAmount": "695"}, None), ("ccsettlement", {"SettlementAmount": "6.95"}, 695),
    ("ccchargebacks", {"CaseAmount": "45.00"}, 4500), ("ccchargebacks", {"CaseAmount": "45"}, None),
    ("credit", {"Total_Amount": "-5.0000"}, -500), ("credit", {"Total_Amount": "5.0050"}, None),
    ("credit", {"Total_Amount": "1e9"}, None), ("token", {"Total_Amount": "5.00"}, None)])
def test_every_feed_has_its_own_unit(feed, row, cents):
    assert read(report(row, type=feed), feed)[0].amount_cents == cents


def test_a_chargeback_names_the_sale_by_its_gateway_id():
    row = {"ImportDate": "11/20/2026", "CaseNumber": "C7", "ReasonDesc": "Not as 4000300020001000 described",
           "MatchedTransactionID": "00123", "CardholderAccountNumber": "400030XXXXXX1000"}
    one = read(report(row, type="ccchargebacks"), "ccchargebacks")[0]
    assert (one.case_number, one.ip_trans_id, one.response_text) == ("C7", "123", "Not as [...] described")
    assert one.at == datetime(2026, 11, 20, 6, tzinfo=UTC)


def test_the_account_updater_gives_new_tokens():
    row = {"OldToken": "4B3J1000", "NewToken": "4C3J2000", "NewExpMonth": "3", "NewExpYear": "2031", "Status": "2",
           "ResponseCode": "A", "Customers": ""}
    one = read(report(row, type="getAccountUpdaterActivity"), "getAccountUpdaterActivity")[0]
    assert (one.token, one.old_token, one.expiry, one.status) == ("4C3J2000", "4B3J1000", "03/31", "A")


@pytest.mark.parametrize("text", ["", "0000-00-00 00:00:00", "9999-12-31 23:59:59", "0001-01-01", "soon"])
def test_a_date_that_is_none_is_none(text):
    assert read(report({"Date": text}))[0].at is None


@pytest.mark.parametrize("text", ["2026-07-01T12:00:00.123", "2026-07-01 12:00:00Z", "07/01/2026 12:00:00"])
def test_dates_are_us_central_with_summer_time(text):
    assert read(report({"Date": text}))[0].at == datetime(2026, 7, 1, 17, tzinfo=UTC)


@pytest.mark.parametrize("body", [
    b"", b"<html>Forbidden</html>", b"<ippayReport/>", b"<ippayReport><ErrMsg>Invalid login</ErrMsg></ippayReport>",
    report(root="other"), report({"ActionCode": "000"}, records="2"), report({"ActionCode": "000"}, records="0"),
    report({"ActionCode": "000"}, records=None), report(records=None), report(records="x"), report(type="ach"),
    report({"ActionCode": "000"}, text="No Results"), report(records="99999999999999999999"),
    report(start="2026-11-20T08:00:00"), report(end="2026-11-20T22:00:00"),
    b"<ippayReport><PendingTransactions records='0'/></ippayReport>",
    b"<ippayReport><Transactions records='0'/><Transactions records='0'/></ippayReport>",
    b"<ippayReport><Transactions records='0'>No Results</Transactions>",
    b'<!DOCTYPE r [<!ENTITY a "b">]><ippayReport><Transactions records="0">&a;</Transactions></ippayReport>',
])
def test_anything_else_is_unreadable_and_never_an_empty_day(body, feed_of):
    with pytest.raises(ReportUnreadable):
        feed_of(body)


def test_the_whole_range_must_be_covered():
    assert read(report(start="2026-11-20T00:00:00", end="2026-11-21 00:00:00")) == ()


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_but_unreadable(body):
    with pytest.raises(ReportUnreadable):
        read(body)


def test_an_http_error_and_a_closed_port_are_unreadable(feed_of, free_gateway_port):
    with pytest.raises(ReportUnreadable, match="503"):
        feed_of(report(), status="503 Busy")
    with pytest.raises(ReportUnreadable) as caught:
        ReportClient(f"http://127.0.0.1:{free_gateway_port}/", "LOGIN", PASSWORD).read("ach", START, END)
    assert isinstance(caught.value, GatewayError)
    assert PASSWORD not in str(caught.value)


@pytest.fixture
def free_gateway_port(serve):
    server = serve(lambda _server, _connection: None)
    server.close()
    return server.port


@pytest.mark.parametrize(("start", "end"), [
    (START, START + timedelta(hours=24, seconds=1)), (START, START), (END, START),
    (START.replace(tzinfo=None), END.replace(tzinfo=None))])
def test_a_slice_is_aware_and_at_most_a_day(start, end):
    with pytest.raises(ValueError, match="24 hours"):
        ReportClient("http://127.0.0.1:9/", "LOGIN", PASSWORD).read("credit", start, end)


def central(hour, minute, fold):
    return datetime(2026, 11, 1, hour, minute, tzinfo=CENTRAL, fold=fold)


@pytest.mark.parametrize(("start", "end", "asked"), [
    # 1 November 2026: the hour from one to two comes twice, and the wire cannot say which one is meant.
    (central(1, 30, 0), central(1, 10, 1), ("00:59:59", "02:00:00")),
    (central(1, 30, 1), central(3, 0, 0), ("01:30:00", "03:00:00")),
    (central(0, 0, 0), central(1, 30, 0), ("00:00:00", "01:30:00")),
])
def test_the_hour_that_comes_twice_is_covered_whichever_way_it_is_read(feed_of, start, end, asked):
    _, sent = feed_of(report(), start=start.astimezone(UTC), end=end.astimezone(UTC))
    span = sent.find("TransactionRange")
    assert tuple(span.findtext(name)[11:] for name in ("TransactionStartTime", "TransactionEndTime")) == asked


def test_parts_of_a_second_widen_the_slice(feed_of):
    _, sent = feed_of(report(), start=START + timedelta(milliseconds=1), end=END - timedelta(milliseconds=1))
    span = sent.find("TransactionRange")
    assert span.findtext("TransactionStartTime") == "2026-11-20T00:00:00"
    assert span.findtext("TransactionEndTime") == "2026-11-21T00:00:00"
