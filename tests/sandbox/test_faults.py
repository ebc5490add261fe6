"""Every kind of fault, seen from a client: what it gets and what was booked. And which calls a fault picks."""

import socket
import threading
import time

import pytest
import requests

API = "/api/2.0/admin/customers/customer"
LOST = requests.exceptions.RequestException


def booked(control):
    return [row["transaction_id"] for row in control.deals(state="booked")]


@pytest.mark.parametrize(
    ("kind", "is_booked"), [("drop_before", False), ("drop_after", True), ("reset", False), ("half_answer", True)]
)
def test_a_lost_answer_is_booked_or_not_as_its_kind_says(gateway, control, kind, is_booked):
    control.fault(kind)
    with pytest.raises(LOST):
        gateway.sale("A1")
    assert booked(control) == (["A1"] if is_booked else [])
    assert gateway.sale("A2").ActionCode == "000", "the fault is used up"


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "reset", "half_answer"])
def test_the_same_through_tls(tls_gateway, tls_control, kind):
    tls_control.fault(kind)
    with pytest.raises(LOST):
        tls_gateway.sale("A1")
    assert tls_gateway.sale("A2").ActionCode == "000"


def test_a_reset_reads_half_of_a_long_request_and_books_nothing(box, control):
    control.fault("reset")
    body = b"<ippay><TransactionType>SALE</TransactionType>" + b" " * 40_000 + b"</ippay>"
    port = int(box.ready["gateway_url"].split(":")[2].split("/")[0])
    with socket.create_connection(("127.0.0.1", port), timeout=20) as sock:
        sock.sendall(b"POST /ippay HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body[:25_000])
        with pytest.raises(ConnectionResetError):
            sock.recv(1)
    assert control("GET", "counters")["gateway"] == {"SALE": 1}


@pytest.mark.parametrize(
    "expected",
    [
        ("http_status", {}, 500, b"sandbox fault"),
        ("http_status", {"status": 422}, 422, b"sandbox fault"),
        ("html", {}, 200, b"Back soon"),
        ("garbage", {}, 200, b"\xff\xfe"),
        ("xml_bomb", {}, 200, b"<!ENTITY"),
        ("oversize", {}, 200, b"x" * 100_000),
    ],
)
@pytest.mark.parametrize("is_booked", [False, True])
def test_nonsense_instead_of_an_answer_books_only_if_told(gateway, control, expected, is_booked):
    kind, more, status, content = expected
    control.fault(kind, booked=is_booked, **more)
    answer = gateway.post(
        "<ippay><TransactionType>SALE</TransactionType><TerminalID>TESTTERMINAL</TerminalID>"
        "<TransactionID>A1</TransactionID>"
        "<CardNum>4111111111111111</CardNum><CardExpMonth>12</CardExpMonth><CardExpYear>40</CardExpYear>"
        "<TotalAmount>1000</TotalAmount></ippay>"
    )
    assert answer.status_code == status
    assert content in answer.content
    assert booked(control) == (["A1"] if is_booked else [])


def test_an_echo_shows_the_whole_request_card_number_and_all(gateway, control):
    control.fault("echo")
    reply = gateway.sale("A1", CVV2="123")
    assert (reply.ActionCode, reply.TransactionID, reply.CardNum, reply.CVV2) == (
        "900",
        "A1",
        "4111111111111111",
        "123",
    )
    assert "4111111111111111" in reply.ErrMsg
    assert booked(control) == []


def test_a_duplicate_books_twice_and_a_wrong_amount_books_another(gateway, control):
    control.fault("duplicate")
    assert gateway.sale("A1").ActionCode == "000"
    assert booked(control) == ["A1", "A1"]
    control.fault("wrong_amount")
    gateway.sale("A2", 2000)
    assert control.deals(transaction_id="A2")[0]["amount_cents"] == 2100


def test_a_delay_books_first_and_answers_late(gateway, control):
    control.fault("delay", seconds=0.3)
    done = []
    caller = threading.Thread(target=lambda: done.append(gateway.sale("A1").ActionCode))
    caller.start()
    ends = time.monotonic() + 10
    while not booked(control) and time.monotonic() < ends:
        time.sleep(0.01)
    assert booked(control) == ["A1"]
    assert done == [], "booked, not yet answered"
    caller.join(10)
    assert done == ["000"]


def test_a_slow_drip_comes_byte_by_byte(gateway, control):
    control.fault("slow_drip", seconds=0.002)
    assert gateway.sale("A1").ActionCode == "000"
    control.fault("slow_drip", seconds=30)
    with pytest.raises(LOST):
        gateway.session.post(gateway.ready["gateway_url"], data=b"<ippay/>", timeout=0.2)


def test_refuse_closes_the_port_until_it_is_cleared_through_the_other_server(gateway, control):
    fault_id = control.fault("refuse")
    with pytest.raises(requests.exceptions.ConnectionError, match="refused"):
        gateway.sale("A1")
    with pytest.raises(requests.exceptions.ConnectionError, match="refused"):
        control("GET", "clock", through="gateway")
    control("DELETE", f"faults/{fault_id}")
    assert gateway.sale("A1").ActionCode == "000"


def test_refuse_of_the_host_answers_its_own_order_first(control):
    control.fault("refuse", server="host")
    with pytest.raises(requests.exceptions.ConnectionError, match="refused"):
        control("GET", "clock")
    assert control("POST", "faults", {"server": "gateway", "kind": "refuse"}, status=422, through="gateway")["error"]
    control("DELETE", "faults", through="gateway")
    assert control("GET", "clock")["now"]


def test_refuse_ends_by_itself_after_its_seconds(gateway, control):
    control.fault("refuse", seconds=0.3)
    with pytest.raises(requests.exceptions.ConnectionError, match="refused"):
        gateway.sale("A1")
    ends = time.monotonic() + 10
    while control("GET", "faults")["faults"] and time.monotonic() < ends:
        time.sleep(0.02)
    assert gateway.sale("A1").ActionCode == "000"


def test_a_refused_gateway_with_tls_comes_back_with_tls(tls_gateway, tls_control):
    tls_control.fault("refuse")
    with pytest.raises(requests.exceptions.ConnectionError, match="refused"):
        tls_gateway.sale("A1")
    tls_control("DELETE", "faults")
    assert tls_gateway.sale("A1").ActionCode == "000"


def test_a_tls_failure_spoils_the_handshake_of_the_next_connections(tls_gateway, tls_control):
    tls_control.fault("tls_failure", times=2)
    for _ in range(2):
        with pytest.raises(requests.exceptions.SSLError, match="HANDSHAKE_FAILURE"):
            tls_gateway.sale("A1")
    assert tls_gateway.sale("A1").ActionCode == "000"


def test_a_fault_picks_calls_by_type_id_amount_and_order(gateway, control):
    for match in (
        {"type": "check"},
        {"transaction_id": "A9"},
        {"amount_cents": 7},
        {"order_number": "INV-9"},
        {"terminal_id": "NORTHTERM01"},
    ):
        control.fault("html", match=match)
    assert gateway.sale("A1").ActionCode == "000"
    control.fault("drop_before", match={"type": "SALE", "order_number": "INV-2"})
    assert gateway.sale("A2", OrderNumber="INV-1").ActionCode == "000"
    with pytest.raises(LOST):
        gateway.sale("A3", OrderNumber="INV-2")


def test_a_fault_strikes_the_next_n_calls(gateway, control):
    control.fault("http_status", times=3)
    statuses = [gateway.post(b"<ippay/>").status_code for _ in range(4)]
    assert statuses == [500, 500, 500, 200]


def test_a_probability_with_a_seed_strikes_the_same_calls_again(gateway, control):
    def pattern():
        fault_id = control.fault("http_status", probability=0.5, seed=7)
        statuses = [gateway.post(b"<ippay/>").status_code for _ in range(20)]
        control("DELETE", f"faults/{fault_id}")
        return statuses

    first = pattern()
    assert set(first) == {200, 500}
    assert pattern() == first


def test_reports_are_spoilt_only_when_their_path_is_named(gateway, control):
    control.fault("html")
    assert gateway.report("ach", "2026-01-01T00:00:00", "2026-01-01T01:00:00").find("Transactions") is not None
    control("DELETE", "faults")
    control.fault("html", match={"path": "/ippayReport/"})
    assert gateway.sale("A1").ActionCode == "000"
    answer = gateway.session.post(gateway.ready["report_url"], data=b"<ippayReport/>")
    assert b"Back soon" in answer.content


@pytest.mark.parametrize(
    ("kind", "more"),
    [("http_status", {"status": 503}), ("html", {}), ("garbage", {}), ("oversize", {}), ("xml_bomb", {})],
)
def test_the_host_suffers_the_same_kinds(box, control, kind, more):
    url = box.ready["host_url"] + API
    before = control.session.get(url, timeout=20)
    control.fault(kind, server="host", **more)
    assert control.session.get(url, timeout=20).content != before.content
    assert control.session.get(url, timeout=20).content == before.content


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "reset", "half_answer"])
def test_the_host_loses_answers_of_the_path_and_method_named(box, control, kind):
    control.fault(kind, server="host", match={"method": "GET", "path": "customers"})
    assert control.session.post(box.ready["host_url"] + API, json={}, timeout=20).status_code >= 400
    with pytest.raises(LOST):
        control.session.get(box.ready["host_url"] + API, timeout=20)


@pytest.mark.parametrize(
    "wish",
    [
        {},
        {"server": "gateway"},
        {"server": "gateway", "kind": "nonsense"},
        {"server": "nowhere", "kind": "html"},
        {"server": "host", "kind": "echo"},
        {"server": "gateway", "kind": "lose_posting"},
        {"server": "gateway", "kind": "html", "typo": 1},
        {"server": "gateway", "kind": "html", "match": {"colour": "red"}},
        {"server": "gateway", "kind": "tls_failure", "match": {"type": "SALE"}},
    ],
)
def test_a_fault_that_makes_no_sense_is_refused_with_a_reason(control, wish):
    assert control("POST", "faults", wish, status=422)["error"]
    assert control("GET", "faults")["faults"] == []


def test_faults_are_listed_and_cleared(control):
    first, second = control.fault("html", times=5), control.fault("delay", server="host", seconds=2)
    listed = control("GET", "faults")["faults"]
    assert [(row["id"], row["server"], row["kind"], row["left"]) for row in listed] == [
        (first, "gateway", "html", 5),
        (second, "host", "delay", 1),
    ]
    assert control("DELETE", f"faults/{first}") == {"cleared": 1}
    assert control("DELETE", f"faults/{first}", status=404) == {"cleared": 0}
    assert control("DELETE", "faults") == {"cleared": 1}


def test_the_control_room_itself_is_never_faulted_nor_counted(control):
    control.fault("http_status", server="host", match={"path": "/"}, times=100)
    assert control("GET", "clock")["now"]
    assert control("GET", "counters") == {"gateway": {}, "host": {}}
