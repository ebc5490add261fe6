"""The gateway's wire as third-party clients need it: HTTP/1.0, roots, odd placements, hostile XML, TLS."""

import re
import socket
import ssl
import threading
from xml.etree import ElementTree as ET

import pytest
import requests

SALE = (
    "<TransactionType>SALE</TransactionType><TransactionID>{id}</TransactionID><CardNum>4111111111111111</CardNum>"
    "<CardExpMonth>12</CardExpMonth><CardExpYear>40</CardExpYear><TotalAmount>1000</TotalAmount>{more}"
)
REQUEST = b"<ippay><TransactionType>PING</TransactionType><TerminalID>TESTTERMINAL</TerminalID></ippay>"


def raw_exchange(address, request, context=None):
    """Send bytes, read to the end; the whole answer and whether TLS was closed properly."""
    with socket.create_connection(address, timeout=20) as plain:
        sock = context.wrap_socket(plain, server_hostname="127.0.0.1", suppress_ragged_eofs=False) if context else plain
        sock.sendall(request)
        answer = b""
        while part := sock.recv(65536):
            answer += part
        sock.close()
    return answer


def address_of(url):
    host, port = re.match(r"https?://([\d.]+):(\d+)", url).groups()
    return host, int(port)


def test_a_get_gives_a_new_transaction_id_and_nothing_else(gateway):
    answers = [gateway.session.get(gateway.ready["gateway_url"] + "?dummy=1").text for _ in range(20)]
    assert len(set(answers)) == 20
    assert all(re.fullmatch(r"[ABDEFG]\d{17}", text) for text in answers)


@pytest.mark.parametrize("path", ["", "/"])
def test_the_path_may_end_in_a_slash(gateway, path):
    answer = gateway.session.post(gateway.ready["gateway_url"] + path, data=REQUEST, allow_redirects=False)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "kind", ["text/xml", "application/xml; charset=utf-8", "application/x-www-form-urlencoded", ""]
)
def test_any_content_type_is_taken(gateway, kind):
    headers = {"Content-Type": kind} if kind else {}
    assert gateway.read(gateway.post(REQUEST, **headers).content).ActionCode == "000"


def test_an_http_1_0_client_gets_a_length_and_a_closed_connection(gateway):
    head = b"POST /ippay HTTP/1.0\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(REQUEST)
    answer = raw_exchange(address_of(gateway.ready["gateway_url"]), head + REQUEST)
    lines, _, body = answer.partition(b"\r\n\r\n")
    headers = lines.lower().split(b"\r\n")
    assert b"connection: close" in headers
    assert b"content-length: %d" % len(body) in headers
    assert not any(line.startswith(b"transfer-encoding") for line in headers)


def test_tls_ends_with_close_notify(tls_gateway):
    context = ssl.create_default_context(cafile=tls_gateway.ready["ca_file"])
    head = b"POST /ippay HTTP/1.0\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(REQUEST)
    answer = raw_exchange(address_of(tls_gateway.ready["gateway_url"]), head + REQUEST, context)
    assert answer.endswith(b"</ippayResponse>")


def test_tls_is_by_a_local_authority_and_at_least_1_2(tls_gateway):
    with pytest.raises(requests.exceptions.SSLError):
        tls_gateway.session.post(tls_gateway.ready["gateway_url"], data=REQUEST, verify=True)
    context = ssl.create_default_context(cafile=tls_gateway.ready["ca_file"])
    with (
        socket.create_connection(address_of(tls_gateway.ready["gateway_url"])) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as sock,
    ):
        assert sock.version() in {"TLSv1.2", "TLSv1.3"}
    assert tls_gateway.call("PING").ActionCode == "000"


@pytest.mark.parametrize(
    ("root", "kind", "expected"),
    [
        ("ippay", "PING", "ippayResponse"),
        ("ippay", "TOKENIZE", "IPPayResponse"),
        ("JetPay", "PING", "JetPayResponse"),
        ("JetPay", "TOKENIZE", "JetPayResponse"),
    ],
)
def test_the_reply_root_answers_in_kind(gateway, root, kind, expected):
    assert gateway.call(kind, root=root).root == expected


@pytest.mark.parametrize(
    "body",
    [
        "\n  <ippay>{end}",
        "<?xml version='1.0' encoding='us-ascii'?>\n<ippay>{end}",
        "\r\n<?xml version='1.0' encoding='UTF-8'?><ippay>{end}",
    ],
)
def test_white_space_and_declarations_are_taken(gateway, body):
    end = "<TransactionType>PING</TransactionType><TerminalID>TESTTERMINAL</TerminalID></ippay>"
    assert gateway.read(gateway.post(body.format(end=end)).content).ActionCode == "000"


def test_the_terminal_may_come_last_and_names_may_hold_references(gateway, control):
    more = "<CardName>Ren&#xE9; O&apos;Brien &amp; S&#248;ns</CardName><TerminalID>TESTTERMINAL</TerminalID>"
    reply = gateway.read(gateway.post(f"<ippay>{SALE.format(id='A1', more=more)}</ippay>").content)
    assert reply.ActionCode == "000"
    day = control("GET", "clock")["now"][:10]
    report = gateway.report("credit", f"{day}T00:00:00", f"{day}T23:59:59")
    rows = report.findall(".//CardHolderName") or gateway.report("credit", *_yesterday(day)).findall(
        ".//CardHolderName"
    )
    assert [row.text for row in rows] == ["René O'Brien & Søns"]


def _yesterday(day):
    from datetime import date, timedelta

    before = date.fromisoformat(day) - timedelta(days=1)
    return f"{before}T00:00:00", f"{before}T23:59:59"


@pytest.mark.parametrize(
    "industry", ['<IndustryInfo Type="ECOMMERCE"/>', "<IndustryInfo><Type>ECOMMERCE</Type></IndustryInfo>"]
)
@pytest.mark.parametrize("origin", ["INTERNET", "RECURRING", "PHONE ORDER", "PHONEORDER", "MAIL ORDER", "POS"])
def test_both_spellings_and_placements_are_taken(gateway, industry, origin):
    more = f"<TerminalID>TESTTERMINAL</TerminalID><Origin>{origin}</Origin>{industry}"
    assert gateway.read(gateway.post(f"<ippay>{SALE.format(id='A1', more=more)}</ippay>").content).ActionCode == "000"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not xml",
        b"<ippay>",
        b"<other/>",
        b"<!DOCTYPE ippay [<!ENTITY a 'b'>]><ippay>&a;</ippay>",
        b"\xff\xfe<ippay/>",
        b"<?xml version='1.0' encoding='nonsense'?><ippay/>",
        b"<ippay>" + b"x" * 70_000 + b"</ippay>",
        b"<ippay a='1' a='2'/>",
    ],
)
def test_what_is_no_message_is_error_921(gateway, control, body):
    reply = gateway.read(gateway.post(body).content)
    assert (reply.root, reply.ActionCode) == ("ippayResponse", "921")
    assert reply.ErrMsg
    assert control.deals() == []


def test_replies_hold_no_empty_element_and_only_ascii(gateway):
    answer = gateway.post(f"<ippay>{SALE.format(id='A1', more='<TerminalID>TESTTERMINAL</TerminalID>')}</ippay>")
    assert all((child.text or "").strip() for child in ET.fromstring(answer.content))
    answer.content.decode("ascii")


def test_a_caller_off_the_whitelist_is_forbidden_or_reset(gateway, control):
    control("POST", "gateway", {"blocked": "403"})
    assert gateway.post(REQUEST).status_code == 403
    control("POST", "gateway", {"blocked": "reset"})
    with pytest.raises(requests.exceptions.ConnectionError):
        gateway.post(REQUEST)


def test_a_length_that_is_no_number_is_an_empty_message(gateway):
    head = b"POST /ippay HTTP/1.0\r\nContent-Length: many\r\n\r\n"
    answer = raw_exchange(address_of(gateway.ready["gateway_url"]), head)
    assert b"<ActionCode>921</ActionCode>" in answer


def test_many_callers_at_once_are_each_booked_once(gateway, control):
    callers = [
        threading.Thread(target=lambda place=place: [gateway.sale(f"T{place}-{n}") for n in range(10)])
        for place in range(8)
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(30)
    ids = [row["transaction_id"] for row in control.deals(state="booked")]
    assert len(ids) == len(set(ids)) == 80


def test_every_inbound_body_is_kept_for_the_scanner(gateway, control):
    gateway.sale("A1")
    gateway.post(b"not xml \xff")
    bodies = control("GET", "capture")["bodies"]
    assert "4111111111111111" in bodies[0]
    assert bodies[1].startswith("not xml")


def test_nothing_is_written_about_requests(gateway, capfd):
    gateway.sale("A1", OrderNumber="INV-LOUD")
    gateway.session.get(gateway.ready["gateway_url"] + "?dummy=1")
    assert capfd.readouterr() == ("", "")
