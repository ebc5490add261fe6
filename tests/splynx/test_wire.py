"""Was it sent? The host's wire under every kind of broken connection, over real sockets."""

import socket
import ssl
import threading
import time

import pytest
import trustme

from splynx_ippay.base.errors import ConfigError, HostRejected, HostUnavailable
from splynx_ippay.splynx import wire
from splynx_ippay.splynx.client import SplynxClient

PAYMENTS = "admin/finance/payments"


def drop(handler):
    handler.connection.shutdown(socket.SHUT_RDWR)
    handler.close_connection = True


def half(handler):
    handler.send_response(201)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"id": 1')
    handler.close_connection = True


def drip(start):
    def answer(handler):
        handler.wfile.write(start)
        while True:
            handler.wfile.write(b" ")
            handler.wfile.flush()
            time.sleep(0.05)
    return answer


def stall(start=b""):
    def answer(handler):
        handler.wfile.write(start)
        handler.wfile.flush()
        handler.connection.settimeout(5)
        handler.rfile.read(1)  # until the client gives up
        handler.close_connection = True
    return answer


def test_a_refused_connection_was_not_sent():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(HostUnavailable) as caught:
        SplynxClient(f"http://127.0.0.1:{port}", "k", "s").post(PAYMENTS, {"amount": "1.00"})
    assert not caught.value.sent
    assert "not possible" in str(caught.value)


@pytest.fixture
def deaf():
    """An address that never finishes a connection: the system's queue before it is full."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(server.getsockname())
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        for one in waiting:
            one.close()


@pytest.mark.parametrize(("connect", "altogether"), [(0.2, 5), (5, 0.2)])
def test_a_connection_that_is_never_made_was_not_sent_and_is_not_tried_again(deaf, connect, altogether):
    maker = wire.Wire(ca_file=None, connect_seconds=connect, read_seconds=1)
    with pytest.raises(wire.NoAnswer) as caught:
        maker.exchange("GET", deaf, headers={}, body=None, until=time.monotonic() + altogether)
    assert not caught.value.sent
    assert caught.value.timed_out


def test_a_post_whose_answer_is_lost_may_have_been_carried_out_and_is_not_repeated(client, small):
    small.answers = [drop, (201, {"id": 1})]
    with pytest.raises(HostUnavailable) as caught:
        client.post(PAYMENTS, {"amount": "1.00"})
    assert caught.value.sent
    assert len(small.calls) == 1


@pytest.mark.parametrize("call", [lambda c: c.put("x/1", {"a": "b"}), lambda c: c.delete("x/1")])
def test_neither_a_put_nor_a_delete_is_repeated(client, small, call):
    small.answers = [drop, (204,)]
    with pytest.raises(HostUnavailable) as caught:
        call(client)
    assert caught.value.sent
    assert len(small.calls) == 1


def test_a_get_is_repeated_once(client, small):
    small.answers = [drop, (200, {"id": 5})]
    assert client.get("x/5") == {"id": 5}
    small.answers = [drop, drop, (200, {"id": 5})]
    with pytest.raises(HostUnavailable):
        client.get("x/5")
    assert len(small.calls) == 4


def test_half_an_answer_to_a_post_is_no_answer(client, small):
    small.answers = [half]
    with pytest.raises(HostUnavailable) as caught:
        client.post(PAYMENTS, {})
    assert caught.value.sent


@pytest.mark.parametrize("answer", [stall(), stall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[")])
def test_a_silent_host_costs_one_time_out_and_no_second_try(small, answer):
    small.answers = [answer, (200, [])]
    with pytest.raises(HostUnavailable, match="too slow") as caught:
        small.client(read_seconds=0.2).get_rows("x")
    assert caught.value.sent
    assert len(small.calls) == 1


@pytest.mark.parametrize("start", [b"HTTP/1.1 200 OK\r\nX-Slow: ", b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n["])
def test_a_host_that_drips_is_cut_off_at_the_deadline(small, start):
    small.answers = [drip(start), (200, [])]
    with pytest.raises(HostUnavailable, match="altogether") as caught:
        small.client(deadline_seconds=1.5).get_rows("x")
    assert caught.value.sent
    assert len(small.calls) == 1


def test_without_time_left_nothing_is_sent(small):
    with pytest.raises(HostUnavailable, match="No time") as caught:
        small.client(deadline_seconds=0.0).get_rows("x")
    assert not caught.value.sent
    assert not small.sign_ins


def test_an_oversized_answer_is_refused(client, small):
    small.answers = [(200, b"[" + b" " * wire.MAX_ANSWER_BYTES + b"]")]
    with pytest.raises(HostUnavailable, match="too large"):
        client.get_rows("x")
    assert len(small.calls) == 1


def test_a_redirect_is_not_followed(client, small):
    small.answers = [(302, b"", {"Location": small.url + "elsewhere"})]
    with pytest.raises(HostUnavailable, match="302"):
        client.get_rows("x")
    assert len(small.calls) == 1


def test_proxies_and_cookies_of_the_environment_are_not_used(client, small, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    small.answers = [(200, [], {"Set-Cookie": "a=b"}), (200, [])]
    client.get_rows("x")
    client.get_rows("x")
    assert "Cookie" not in small.calls[1]["headers"]
    assert small.calls[1]["headers"]["Connection"] == "close"


def test_tls_is_verified_with_the_authority_given_and_with_no_other(make_small, tmp_path):
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    small = make_small(context)
    small.answers = [(200, [{"id": 1}])]
    assert small.client(ca_file=str(tmp_path / "ca.pem")).get_rows("x") == [{"id": 1}]
    with pytest.raises(HostUnavailable, match="TLS") as caught:
        small.client().post(PAYMENTS, {})
    assert not caught.value.sent
    assert len(small.calls) == 1


def test_a_drip_through_tls_is_cut_off_too(make_small, tmp_path):
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    small = make_small(context)
    small.answers = [drip(b"HTTP/1.1 200 OK\r\nX-Slow: ")]
    with pytest.raises(HostUnavailable, match="altogether"):
        small.client(ca_file=str(tmp_path / "ca.pem"), deadline_seconds=1.5).get_rows("x")


@pytest.mark.parametrize("address", ["", "host.example", "ftp://host/", "http://", "http://host:99999/", "http://[::1",
                                     "http://host/?a=b", "http://key:secret@host/", "https://host:0/"])
def test_an_address_that_cannot_be_used_is_a_matter_of_settings(address):
    with pytest.raises(ConfigError, match="API domain"):
        SplynxClient(address, "k", "s")


def test_an_address_that_only_looks_right_is_not_reachable():
    with pytest.raises(HostUnavailable) as caught:
        SplynxClient("http://.example/", "k", "s").get("x")
    assert not caught.value.sent


def test_no_error_holds_the_key_or_a_token(client, small):
    small.answers = [drop, drop]
    with pytest.raises(HostUnavailable) as caught:
        client.get("x")
    assert caught.value.__context__ is None or "token-1" not in repr(caught.value.__context__.__dict__)
    assert "secret" not in repr(client)
    assert "body" not in repr(wire.Answer(200, {}, b"secret"))


def test_paths_follow_an_address_with_or_without_a_last_slash(small):
    small.answers = [(200, []), (200, [])]
    for address in (small.url, small.url.rstrip("/")):
        SplynxClient(address, "k", "s").get_rows("admin/x")
    assert [call["path"] for call in small.calls] == ["/api/2.0/admin/x"] * 2


def test_many_threads_at_once_get_their_own_answers(client, small):
    small.answers = [lambda h: h.reply(200, {"id": int(h.path.rsplit("/", 1)[1])})] * 16
    found = []
    threads = [threading.Thread(target=lambda n=n: found.append((n, client.get(f"x/{n}")["id"]))) for n in range(1, 17)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(asked == got for asked, got in found)
    assert len(found) == 16
    assert len(small.sign_ins) == 1


def test_a_refusal_is_not_taken_for_a_lost_answer(client, small):
    small.answers = [(422, [{"field": "amount", "message": "must be a number."}])]
    with pytest.raises(HostRejected) as caught:
        client.post(PAYMENTS, {})
    assert caught.value.problems == [("amount", "must be a number.")]
