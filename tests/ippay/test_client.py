"""What is never sent, what is unknown, and what is an answer, on connections that break in every place."""

from __future__ import annotations

import os
import signal
import socket
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor

import pytest
import trustme

from splynx_ippay.base.errors import ConfigError, NeverSent, OutcomeUnknown
from splynx_ippay.ippay import messages
from splynx_ippay.ippay.client import GatewayClient
from splynx_ippay.ippay.outcomes import Verdict, judge
from splynx_ippay.ippay.transport import Deadline

SECRETS = ("4000300020001000", "4B3J7E7D7K2A1000", "739", "pass-word-1", "000300020001")


def unknown(url, request, **options):
    """Send, expect an outcome unknown, return its symptom; nothing secret may be in its traceback."""
    with pytest.raises(OutcomeUnknown) as caught:
        GatewayClient(url, **options).send(request)
    text = "".join(traceback.format_exception(caught.value))
    assert not [secret for secret in SECRETS if secret in text]
    return caught.value.symptom


def test_an_approved_sale_is_read(serve, answer, approved, sale):
    server = serve(answer(approved))
    reply = GatewayClient(server.url).send(sale)
    assert judge("SALE", reply) is Verdict.APPROVED
    assert reply.transaction_id == sale.transaction_id
    head, body = server.requests[0]
    assert body == sale.body
    assert head.split(b"\r\n") == [
        b"POST /ippay HTTP/1.1", b"Host: 127.0.0.1:%d" % server.port, b"Content-Type: text/xml; charset=utf-8",
        b"Content-Length: %d" % len(body), b"Connection: close"]


def test_a_refused_connection_was_never_sent(sale):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(NeverSent, match="nothing was sent"):
        GatewayClient(f"http://127.0.0.1:{port}/ippay").send(sale)


def test_an_untrusted_certificate_was_never_sent(serve, approving, sale, tls, ca_file):
    server = serve(approving, tls(signer=trustme.CA()))
    with pytest.raises(NeverSent):
        GatewayClient(server.url, ca_file=ca_file).send(sale)
    with pytest.raises(NeverSent):
        GatewayClient(server.url).send(sale)  # nor is it among the system's own
    assert server.requests == []


def test_a_certificate_of_another_host_was_never_sent(serve, approving, sale, tls, ca_file):
    server = serve(approving, tls("gateway.example.org"))
    with pytest.raises(NeverSent):
        GatewayClient(server.url, ca_file=ca_file).send(sale)
    assert server.requests == []


def test_a_trusted_certificate_carries_the_sale(serve, approving, sale, tls, ca_file):
    server = serve(approving, tls())
    assert GatewayClient(server.url, ca_file=ca_file).send(sale).approval == "TEST01"


def test_a_handshake_that_never_ends_is_never_sent_at_the_deadline(serve, sale):
    def stall(server, connection):
        while connection.recv(4096):
            pass
    server = serve(stall)
    with pytest.raises(NeverSent):
        GatewayClient(server.url.replace("http:", "https:"), deadline_seconds=0.3).send(sale)


def test_plain_text_where_tls_was_due_was_never_sent(serve, answer, approved, sale):
    server = serve(lambda _server, connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
    with pytest.raises(NeverSent):
        GatewayClient(server.url.replace("http:", "https:")).send(sale)


def test_a_reset_before_reading_is_unknown(serve, reset, sale):
    server = serve(lambda _server, connection: (connection.recv(1), reset(connection)))
    assert unknown(server.url, sale) == "reset"


def test_a_reset_after_reading_is_unknown(serve, reset, sale):
    server = serve(lambda server, connection: (server.read(connection), reset(connection)))
    assert unknown(server.url, sale) == "reset"
    assert server.connections == 1


def test_a_close_without_an_answer_is_unknown(serve, sale):
    server = serve(lambda server, connection: server.read(connection))
    assert unknown(server.url, sale) == "reset"


@pytest.mark.parametrize("head", [b"Content-Length: 400\r\n", b""])
def test_half_an_answer_is_unknown(serve, sale, approved, head):
    def talk(server, connection):
        server.read(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n" + approved[:90])
    assert unknown(serve(talk).url, sale) == "not_xml"


def test_half_a_chunked_answer_is_unknown(serve, sale):
    def talk(server, connection):
        server.read(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n<ippayResponse>")
    assert unknown(serve(talk).url, sale) == "reset"


@pytest.mark.parametrize("first", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"])
def test_a_drip_of_bytes_ends_at_the_deadline(serve, sale, first):
    ended = threading.Event()

    def talk(server, connection):
        server.read(connection)
        connection.sendall(first or b"HTTP/1.1 200 OK\r\n")
        try:
            while not server.over.wait(0.05):
                connection.sendall(b"x")
        except OSError:
            ended.set()
    server = serve(talk)
    assert unknown(server.url, sale, deadline_seconds=0.5) == "timeout"
    assert ended.wait(30)


def test_a_drip_over_tls_ends_at_the_deadline(serve, sale, tls, ca_file):
    def talk(server, connection):
        server.read(connection)
        while not server.over.wait(0.05):
            connection.sendall(b"H")
    assert unknown(serve(talk, tls()).url, sale, ca_file=ca_file, deadline_seconds=0.7) == "timeout"


def test_silence_ends_at_the_deadline(serve, sale):
    def talk(server, connection):
        server.read(connection)
        server.over.wait(60)
    assert unknown(serve(talk).url, sale, deadline_seconds=0.3) == "timeout"


def test_a_request_that_nobody_reads_ends_at_the_deadline(serve, sale):
    def talk(server, connection):
        server.over.wait(60)
    endless = messages.Request("SALE", sale.transaction_id, b"x" * 30_000_000)
    assert unknown(serve(talk).url, endless, deadline_seconds=0.5) == "timeout"


@pytest.mark.parametrize("status", ["500 Oops", "403 Forbidden", "204 No Content", "422 No"])
def test_another_http_status_is_unknown_even_with_an_approval_in_it(serve, answer, approved, sale, status):
    assert unknown(serve(answer(approved, status)).url, sale) == "http_status"


def test_a_redirect_is_not_followed(serve, answer, approved, sale):
    second = serve(answer(approved))
    first = serve(answer(approved, "307 Moved", b"Location: " + second.url.encode() + b"\r\n"))
    assert unknown(first.url, sale) == "http_status"
    assert (first.connections, second.connections) == (1, 0)


@pytest.mark.parametrize("body", [
    b"<html><body>Maintenance</body></html>", b"<!DOCTYPE html><title>x</title>", b"", b"\x00\xff\xfe garbage",
    b"<ippayResponse><TransactionID>{id}</TransactionID><ActionCode>000", b"<other/>",
    b'<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><ippayResponse><ActionCode>&b;</ActionCode></ippayResponse>',
    b'<!DOCTYPE r [<!ENTITY a SYSTEM "file:///etc/passwd">]><ippayResponse><ErrMsg>&a;</ErrMsg></ippayResponse>',
    b"<ippayResponse>" + b"<x/>" * 20_000 + b"</ippayResponse>",
])
def test_what_is_no_answer_of_the_gateway_is_unknown(serve, answer, sale, body):
    assert unknown(serve(answer(body)).url, sale) == "not_xml"


def test_what_is_no_http_is_unknown(serve, sale):
    def talk(server, connection):
        server.read(connection)
        connection.sendall(b"4000300020001000 is no status line\r\n\r\n")
    assert unknown(serve(talk).url, sale) == "not_xml"


def test_an_endless_answer_is_cut_at_the_cap(serve, sale):
    def talk(server, connection):
        server.read(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n<ippayResponse>")
        while not server.over.is_set():
            connection.sendall(b"<!-- more -->" * 100)
    assert unknown(serve(talk).url, sale) == "not_xml"


def test_an_answer_to_another_transaction_is_unknown(serve, answer, approved, sale):
    assert unknown(serve(answer(approved.replace(b"{id}", b"E20120626154059457"))).url, sale) == "mismatch"


def test_an_error_that_echoes_the_request_leaves_no_secret(serve, tokenize):
    def talk(server, connection):
        body = server.read(connection)
        inner = body.partition(b"?>")[2]
        escaped = inner.replace(b"<", b"&lt;")
        shown = inner.partition(b"<TransactionID>")[2].partition(b"<")[0]
        text = (b"<IPPayResponse><TransactionID>" + shown + b"</TransactionID><ActionCode>900</ActionCode><ErrMsg>Bad "
                b"4000-3000-2000-1000 " + escaped + b"</ErrMsg>" + inner + b"<CardNum>4000300020001000</CardNum>"
                b"</IPPayResponse>")
        connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + text)
    reply = GatewayClient(serve(talk).url).send(tokenize)
    assert reply.err_msg == "Bad [...]"
    assert "4000300020001000" not in repr(reply) + str([getattr(reply, name) for name in reply.__slots__])
    assert judge("TOKENIZE", reply) is Verdict.UNKNOWN


def test_a_connection_is_never_used_twice(serve, approved, sale):
    def talk(server, connection):
        for _ in range(2):
            server.read(connection)
            text = approved.replace(b"{id}", sale.transaction_id.encode())
            connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: %d\r\n\r\n" % len(text) + text)
    server = serve(talk)
    client = GatewayClient(server.url)
    client.send(sale)
    client.send(sale)
    assert server.connections == 2


def test_a_proxy_of_the_environment_is_not_used(serve, answer, approved, sale, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    assert GatewayClient(serve(answer(approved)).url).send(sale).action_code == "000"


def test_many_threads_share_one_client(serve, answer, approved):
    client = GatewayClient(serve(answer(approved)).url)
    requests = [messages.sale(messages.Identity("T1"), transaction_id=messages.new_transaction_id(), token="4A1B",
                              amount_cents=100 + number, origin="RECURRING") for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(client.send, requests))
    assert [reply.transaction_id for reply in replies] == [request.transaction_id for request in requests]


class Cancelled(BaseException):
    """What a worker's time limit or a stop raises in the middle of anything."""


@pytest.fixture
def cancel():
    """Interrupt the main thread from the server's."""
    def handler(_number, _frame):
        raise Cancelled
    before = signal.signal(signal.SIGUSR1, handler)
    yield lambda: os.kill(os.getpid(), signal.SIGUSR1)
    signal.signal(signal.SIGUSR1, before)


def test_an_interruption_after_the_first_byte_is_unknown(serve, sale, cancel):
    def talk(server, connection):
        server.read(connection)
        cancel()
        server.over.wait(60)
    assert unknown(serve(talk).url, sale) == "interrupted"


def test_an_interruption_before_the_first_byte_was_never_sent(serve, sale, cancel):
    def talk(server, connection):
        connection.recv(10)
        cancel()
        server.over.wait(60)
    with pytest.raises(NeverSent):
        GatewayClient(serve(talk).url.replace("http:", "https:")).send(sale)


def test_a_deadline_that_passed_while_connecting_takes_no_connection():
    with socket.socket() as unconnected, Deadline(0) as deadline:
        while not deadline.passed:
            threading.Event().wait(0.01)
        with pytest.raises(TimeoutError):
            deadline.guard(unconnected)


def test_a_deadline_bears_a_connection_that_is_gone():
    with socket.socket() as unconnected, Deadline(0.2) as deadline:
        deadline.guard(unconnected)
        while not deadline.passed:
            threading.Event().wait(0.01)


@pytest.mark.parametrize("url", [
    "http://gtwy.ippay.com/ippay", "ftp://gtwy.ippay.com/ippay", "gtwy.ippay.com/ippay", "https:///ippay", "",
    "https://user:secret@gtwy.ippay.com/ippay", "https://gtwy.ippay.com/ippay?dummy=1", "http://10.0.0.1/ippay"])
def test_an_address_that_is_not_safe_is_refused(url):
    with pytest.raises(ConfigError) as caught:
        GatewayClient(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["https://gtwy.ippay.com/ippay", "http://localhost:1/ippay", "http://[::1]:1", "http://127.0.0.1"])
def test_https_and_this_machine_are_accepted(url):
    GatewayClient(url)


def test_a_missing_ca_file_is_a_configuration_error(tmp_path):
    with pytest.raises(ConfigError, match="CA file"):
        GatewayClient("https://gtwy.ippay.com/ippay", ca_file=str(tmp_path / "none.pem"))
    (tmp_path / "empty.pem").write_text("nothing")
    with pytest.raises(ConfigError, match="CA file"):
        GatewayClient("https://gtwy.ippay.com/ippay", ca_file=str(tmp_path / "empty.pem"))
