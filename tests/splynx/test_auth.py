"""Tokens, nonces and signatures as the official client makes them."""

import hashlib
import hmac
import threading
import time

import pytest

from splynx_ippay.base.errors import HostRejected, HostUnavailable
from splynx_ippay.splynx.auth import Signer


def test_the_sign_in_proves_the_secret_without_sending_it(client, small):
    small.answers = [(200, [])]
    client.get_rows("x")
    (sign_in,) = small.sign_ins
    body = sign_in["body"]
    assert (sign_in["method"], body["auth_type"], body["key"]) == ("POST", "api_key", "key-of-tests")
    expected = hmac.new(b"secret-of-tests", f"{body['nonce']}key-of-tests".encode(), hashlib.sha256).hexdigest().upper()
    assert body["signature"] == expected
    assert abs(body["nonce"] / 100 - time.time()) < 60
    assert small.calls[0]["headers"]["Authorization"] == "Splynx-EA (access_token=token-1)"
    assert "secret-of-tests" not in str(small.sign_ins) + str(small.calls)


def test_one_token_serves_many_calls(client, small):
    small.answers = [(200, [])] * 3
    for _ in range(3):
        client.get_rows("x")
    assert len(small.sign_ins) == 1


def test_nonces_grow_across_threads_and_clients():
    found = []
    signers = [Signer("shared-key", "s"), Signer("shared-key", "s")]

    def sign(signer):
        for _ in range(200):
            found.append(signer.sign()[0])

    threads = [threading.Thread(target=sign, args=(signer,)) for signer in signers * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1600


def test_nonces_do_not_follow_a_clock_that_a_demo_moved(clock_file):
    clock_file.write_text("8640000", encoding="ascii")
    assert abs(Signer("key-of-the-moved-clock", "s").sign()[0] / 100 - time.time()) < 60


def test_a_token_is_renewed_before_its_end(client, small, clock_file):
    small.answers = [(200, [])] * 2
    small.expires_at = int(time.time()) + 1800
    client.get_rows("x")
    clock_file.write_text("1797", encoding="ascii")
    small.expires_at += 1800
    client.get_rows("x")
    assert [(s["method"], s["path"].rsplit("/", 1)[1]) for s in small.sign_ins] == [("POST", "tokens"), ("GET", "refresh-1")]
    assert small.sign_ins[1]["headers"]["Authorization"] == "Splynx-EA (access_token=token-1)"
    assert small.calls[1]["headers"]["Authorization"] == "Splynx-EA (access_token=token-2)"


def test_a_renewal_the_host_refuses_becomes_a_new_sign_in(client, small, clock_file):
    small.answers = [(200, [])] * 2
    small.expires_at = int(time.time()) + 1800
    client.get_rows("x")
    clock_file.write_text("1797", encoding="ascii")
    small.expires_at += 1800
    small.token_answers = [(404, {"message": "unknown"})]
    client.get_rows("x")
    assert [s["method"] for s in small.sign_ins] == ["POST", "GET", "POST"]


def test_without_a_refresh_token_one_signs_in_again(client, small, clock_file):
    expires = int(time.time()) + 1800
    small.token_answers = [(201, {"access_token": "only", "access_token_expiration": expires})]
    small.answers = [(200, [])] * 2
    client.get_rows("x")
    clock_file.write_text("1797", encoding="ascii")
    client.get_rows("x")
    assert [s["method"] for s in small.sign_ins] == ["POST", "POST"]
    assert client.permissions() == {"admin\\finance\\Payments": {"add": "allow"}}


def test_a_token_that_seems_over_on_arrival_is_used_until_the_host_refuses_it(client, small):
    small.expires_at = 1000  # the clocks of the two machines differ
    small.answers = [(200, [])] * 3
    for _ in range(3):
        client.get_rows("x")
    assert len(small.sign_ins) == 1


def test_a_refused_token_costs_one_new_sign_in_and_the_call_is_made_again(client, small):
    small.answers = [(401, {"message": "expired"}), (201, {"id": 9})]
    assert client.post("x", {"amount": "1.00"}) == {"id": 9}
    assert [c["headers"]["Authorization"][-8:-1] for c in small.calls] == ["token-1", "token-2"]
    assert [s["method"] for s in small.sign_ins] == ["POST", "POST"]


def test_a_second_401_is_the_hosts_no(client, small):
    small.answers = [(401, {"message": "expired"})] * 2
    with pytest.raises(HostRejected) as caught:
        client.get("x")
    assert caught.value.status == 401
    assert len(small.calls) == 2


def test_a_token_another_thread_replaced_is_not_thrown_away(client, small):
    small.answers = [(200, [])] * 2
    client.get_rows("x")
    client._tokens.forget("an older token")
    client.get_rows("x")
    assert len(small.sign_ins) == 1


def test_a_nonce_that_came_too_late_is_replaced_once(client, small):
    small.token_answers = [(401, {"message": "nonce"})]
    small.answers = [(200, [])]
    client.get_rows("x")
    first, second = (s["body"]["nonce"] for s in small.sign_ins)
    assert second > first


def test_a_wrong_key_is_the_hosts_no_and_nothing_was_asked(client, small):
    small.token_answers = [(401, {"error": {"message": "Incorrect API key"}})] * 2
    with pytest.raises(HostRejected) as caught:
        client.post("x", {})
    assert (caught.value.status, caught.value.problems) == (401, [("", "Incorrect API key")])
    assert not small.calls


@pytest.mark.parametrize("answer", [
    (500, {}), (200, {"access_token": "a"}), (201, {"access_token": ""}), (201, {}), (201, {"access_token": 5}),
    (201, {"access_token": "two\nlines"}), (201, {"access_token": "ñ"}), (201, b"<html>", {"Content-Type": "text/html"})])
def test_a_sign_in_that_fails_leaves_the_call_unsent(client, small, answer):
    small.token_answers = [answer]
    with pytest.raises(HostUnavailable, match="Signing in") as caught:
        client.post("x", {})
    assert not caught.value.sent
    assert not small.calls


def test_permissions_are_those_of_the_token(client, small):
    assert client.permissions() == {"admin\\finance\\Payments": {"add": "allow"}}
    assert len(small.sign_ins) == 1


def test_permissions_of_another_shape_are_none(client, small):
    small.token_answers = [(201, {"access_token": "a", "permissions": [], "access_token_expiration": True})]
    assert client.permissions() == {}
