"""Who opened the page: only the host's own answer counts."""

import base64
import json

import pytest

from splynx_ippay.base.errors import HostRejected, HostUnavailable
from splynx_ippay.splynx.session import Staff, customer_of_session, staff_of_sash, staff_of_session

SESSION = "k3o5v1n2c8r7a9b4d6e0f1g2h3"


def jwt(claims):
    return f"e30.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.signature"


def token_of(sub, who):
    return 201, {"access_token": jwt({"sub": sub, "id": who})}


@pytest.mark.parametrize("who", ["42", 42])
def test_a_portal_session_is_its_customer(client, small, who):
    small.token_answers = [token_of("customer", who)]
    assert customer_of_session(client, SESSION) == 42
    (call,) = small.sign_ins
    assert call["body"] == {"auth_type": "session", "session_id": SESSION}
    assert "Authorization" not in call["headers"]
    assert not small.calls


def test_an_admin_session_is_no_customer_and_the_other_way_round(client, small):
    small.token_answers = [token_of("admin", "3"), token_of("customer", "3"), token_of("api_key", "3"), token_of("admin", "3")]
    assert customer_of_session(client, SESSION) is None
    assert staff_of_session(client, SESSION) is None
    assert staff_of_session(client, SESSION) is None
    assert staff_of_session(client, SESSION) == Staff(3, "", None)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_a_session_that_is_over_is_nobody(client, small, status):
    small.token_answers = [(status, {"message": "no"})]
    assert customer_of_session(client, SESSION) is None
    assert len(small.sign_ins) == 1


@pytest.mark.parametrize("text", ["", "short", "a b c d e f g", "x" * 257, 'abcdefgh")', "abcdefgh\n", "١٢٣٤٥٦٧٨٩"])
def test_what_cannot_be_a_session_or_sash_is_not_even_asked(client, small, text):
    assert customer_of_session(client, text) is None
    assert staff_of_session(client, text) is None
    assert staff_of_sash(client, text) is None
    assert not small.sign_ins + small.calls


@pytest.mark.parametrize("claims", [{}, {"sub": "customer"}, {"sub": "customer", "id": "0"}, {"sub": "customer", "id": "1 or 2"},
                                    {"sub": "customer", "id": -5}, {"sub": "customer", "id": "9" * 19}])
def test_a_token_without_a_person_is_nobody(client, small, claims):
    small.token_answers = [(201, {"access_token": jwt(claims)})]
    assert customer_of_session(client, SESSION) is None


@pytest.mark.parametrize("token", ["opaque", "a.b.c", "a.!!!.c", jwt([1]), jwt("text"), "a.bm90IGpzb24.c"])
def test_a_token_that_does_not_say_whose_it_is_is_no_answer(client, small, token):
    small.token_answers = [(201, {"access_token": token})]
    with pytest.raises(HostUnavailable, match="whose"):
        customer_of_session(client, SESSION)


def test_a_host_that_is_away_is_not_a_person_logged_out(client, small):
    small.token_answers = [(500, {}), (405, {"message": "no"})]
    with pytest.raises(HostUnavailable):
        customer_of_session(client, SESSION)
    with pytest.raises(HostRejected):
        customer_of_session(client, SESSION)


STAFF = {"SpL-Administrator-Id": "7", "SpL-Administrator-Role": "super-administrator", "SpL-Administrator-Partner": "0"}


def test_a_sash_is_its_administrator(client, small):
    small.answers = [(200, [], STAFF)]
    assert staff_of_sash(client, "0a1b2c3d4e5f") == Staff(7, "super-administrator", 0)
    (call,) = small.calls
    assert call["path"] == "/api/1.0/admin/administration/partners"
    assert call["headers"]["Authorization"].startswith("Splynx-EA (key=key-of-tests&nonce=")
    assert call["headers"]["Authorization"].endswith("&sash=0a1b2c3d4e5f)")
    assert not small.sign_ins


@pytest.mark.parametrize("headers", [{}, {"SpL-Administrator-Id": "x"}, {"SpL-Administrator-Id": "0"}])
def test_a_sash_the_host_says_nothing_about_is_nobody(client, small, headers):
    small.answers = [(200, [], headers)]
    assert staff_of_sash(client, "0a1b2c3d4e5f") is None


def test_a_sash_is_asked_with_a_new_nonce_after_a_401_and_then_nobody(client, small):
    small.answers = [(401, {"message": "nonce"}), (200, [], STAFF), (401, {"message": "n"}), (401, {"message": "n"})]
    assert staff_of_sash(client, "0a1b2c3d4e5f").id == 7
    assert staff_of_sash(client, "0a1b2c3d4e5f") is None
    nonces = [int(c["headers"]["Authorization"].split("nonce=")[1].split("&")[0]) for c in small.calls]
    assert nonces == sorted(set(nonces))


def test_a_key_without_permission_is_said_and_not_hidden(client, small):
    small.answers = [(403, {"error": {"message": "Forbidden"}})]
    with pytest.raises(HostRejected):
        staff_of_sash(client, "0a1b2c3d4e5f")
