"""Tokens, signatures, permissions: who may call the host's API, and what is answered to everybody else."""

import base64
import hashlib
import hmac
import json

import pytest


def claims_of(token):
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


def signed(api, nonce):
    return hmac.new(api.secret.encode(), f"{nonce}{api.key}".encode(), hashlib.sha256).hexdigest().upper()


def test_an_api_key_logs_in_with_201_and_two_tokens_of_documented_life(api):
    answer = api.log_in()
    body = answer.json()
    assert answer.status_code == 201
    assert body["refresh_token_expiration"] - body["access_token_expiration"] == 603_000
    assert claims_of(body["access_token"])["sub"] == "api_key"
    assert len(body["refresh_token"]) == 32


def test_the_token_request_may_be_a_form(api):
    nonce = next(api.nonces)
    body = {"auth_type": "api_key", "key": api.key, "nonce": nonce, "signature": signed(api, nonce)}
    assert api.session.post(f"{api.url}/api/2.0/admin/auth/tokens", data=body, timeout=20).status_code == 201


def test_a_wrong_signature_is_401(api):
    assert api.log_in(signature="0" * 64).status_code == 401


def test_a_nonce_that_is_not_higher_than_the_last_is_401(api):
    nonce = next(api.nonces)
    assert api.log_in(nonce).status_code == 201
    assert api.log_in(nonce).status_code == 401
    assert api.log_in(nonce - 1).status_code == 401
    assert api.log_in(nonce + 1).status_code == 201


def test_nonces_of_different_keys_do_not_meddle(api, key_with):
    api.log_in(5_000_000_000)
    other = key_with(Invoices=("index",))
    assert other.log_in(1).status_code == 201


def test_an_access_token_dies_after_thirty_minutes_and_the_refresh_token_renews_it_once(api, box):
    pair = api.log_in().json()
    box.world.clock.jump(seconds=30 * 60 + 1)
    assert api.call("GET", "finance/invoices").status_code == 401
    renewed = api.session.get(f"{api.url}/api/2.0/admin/auth/tokens/{pair['refresh_token']}", timeout=20)
    assert renewed.status_code == 200
    api.token = renewed.json()["access_token"]
    assert api.call("GET", "finance/invoices").status_code == 200
    again = api.session.get(f"{api.url}/api/2.0/admin/auth/tokens/{pair['refresh_token']}", timeout=20)
    assert again.status_code == 401


def test_a_refresh_token_dies_after_seven_days(api, box):
    pair = api.log_in().json()
    box.world.clock.jump(days=7, seconds=1)
    answer = api.session.get(f"{api.url}/api/2.0/admin/auth/tokens/{pair['refresh_token']}", timeout=20)
    assert answer.status_code == 401


def test_logging_out_is_204_and_ends_the_token(api):
    pair = api.log_in().json()
    path = f"{api.url}/api/2.0/admin/auth/tokens/{pair['refresh_token']}"
    answer = api.session.delete(path, timeout=20)
    assert (answer.status_code, answer.content) == (204, b"")
    assert api.call("GET", "finance/invoices").status_code == 401
    assert api.session.delete(path, timeout=20).status_code == 404


def test_a_forged_token_is_401(api):
    api.log_in()
    head, body, _ = api.token.split(".")
    other = base64.urlsafe_b64encode(json.dumps({**claims_of(api.token), "id": "999"}).encode()).rstrip(b"=").decode()
    for token in (f"{head}.{other}.{api.token.split('.')[2]}", f"{head}.{body}.AAAA", "x", "a.b"):
        api.token = token
        assert api.call("GET", "finance/invoices").status_code == 401


@pytest.mark.parametrize("header", ["", "Bearer x", "Splynx-EA", "Splynx-EA (access_token=)", "Splynx-EA (key=a&nonce=1&signature=b)"])
def test_any_other_authorization_is_401_with_the_error_body(api, header):
    answer = api.session.get(f"{api.url}/api/2.0/admin/finance/invoices", headers={"Authorization": header}, timeout=20)
    assert answer.status_code == 401
    assert answer.json()["error"]["message"]


def test_admins_and_customers_log_in_with_login_and_password(api, box):
    john, staff = box.ready["customers"][0], box.ready["staff"]
    assert claims_of(api.log_in(auth_type="customer", **pick(john)).json()["access_token"]) ["sub"] == "customer"
    assert claims_of(api.log_in(auth_type="admin", **pick(staff)).json()["access_token"])["id"] == str(staff["id"])
    assert api.log_in(auth_type="admin", login=staff["login"], password="wrong").status_code == 401
    assert api.log_in(auth_type="magic").status_code == 422


def pick(person):
    return {"login": person["login"], "password": person["password"]}


def test_a_customers_token_sees_that_customer_only_and_changes_nothing(api, box):
    john = box.ready["customers"][0]
    api.log_in(auth_type="customer", **pick(john))
    assert [row["id"] for row in api.get("customers/customer")] == [john["id"]]
    assert {row["customer_id"] for row in api.get("finance/invoices")} == {john["id"]}
    assert api.call("GET", "customers/customer/2").status_code == 404
    assert api.post("finance/payments", customer_id=1, amount=1, payment_type=1, date="2026-01-01").status_code == 403
    assert api.call("GET", "administration/partners").status_code == 403


def test_a_browser_session_is_exchanged_for_its_person(api, box, portal, admin):
    session_id = portal.session.cookies["PHPSESSID"]
    token = api.log_in(auth_type="session", session_id=session_id).json()["access_token"]
    assert (claims_of(token)["sub"], claims_of(token)["id"]) == ("customer", "1")
    token = api.log_in(auth_type="session", session_id=admin.session.cookies["PHPSESSID"]).json()["access_token"]
    assert claims_of(token)["sub"] == "admin"
    portal.get("/portal/logout")
    assert api.log_in(auth_type="session", session_id=session_id).status_code == 401
    assert api.log_in(auth_type="session", session_id="").status_code == 401
    assert api.log_in(auth_type="session", session_id="guessed").status_code == 401


def test_a_sash_tells_the_administrator_on_api_1_only(api, box, admin):
    sash = next(session.sash for session in box.world.host.state.sessions.values() if session.admin_id)
    answer = api.signed("1.0", "customers/customer/1", sash=sash)
    assert answer.status_code == 200
    assert answer.headers["SpL-Administrator-Id"] == str(box.ready["staff"]["id"])
    assert answer.headers["SpL-Administrator-Role"] == "super-administrator"
    assert answer.headers["SpL-Administrator-Partner"] == "0"
    assert "SpL-Administrator-Id" not in api.signed("2.0", "customers/customer/1", sash=sash).headers
    assert "SpL-Administrator-Id" not in api.signed("1.0", "customers/customer/1", sash="guess").headers
    admin.get("/admin/logout")
    assert "SpL-Administrator-Id" not in api.signed("1.0", "customers/customer/1", sash=sash).headers


def test_a_signed_request_needs_a_fresh_nonce_each_time(api):
    nonce = next(api.nonces)
    assert api.signed("1.0", "customers/customer/1", nonce=nonce).status_code == 200
    assert api.signed("1.0", "customers/customer/1", nonce=nonce).status_code == 401


def test_api_1_has_no_tokens(api):
    assert api.session.post(f"{api.url}/api/1.0/admin/auth/tokens", json={}, timeout=20).status_code == 404
    api.log_in()
    answer = api.session.get(
        f"{api.url}/api/1.0/admin/finance/invoices", headers={"Authorization": f"Splynx-EA (access_token={api.token})"}, timeout=20
    )
    assert answer.status_code == 401


def test_basic_works_only_for_a_key_with_unsecure_access(api, box):
    header = "Basic " + base64.b64encode(f"{api.key}:{api.secret}".encode()).decode()
    url = f"{api.url}/api/2.0/admin/administration/partners"
    assert api.session.get(url, headers={"Authorization": header}, timeout=20).status_code == 401
    root = box.world.host.state.root_key
    root.unsecure = True
    try:
        assert api.session.get(url, headers={"Authorization": header}, timeout=20).status_code == 200
        assert api.session.get(url, headers={"Authorization": "Basic %%%"}, timeout=20).status_code == 401
    finally:
        root.unsecure = False


def test_a_key_may_do_what_was_allowed_and_nothing_else(key_with):
    limited = key_with(Invoices=("index",), Payments=("add",))
    assert limited.log_in().json()["permissions"] == {
        "admin\\finance\\Invoices": {"index": "allow"}, "admin\\finance\\Payments": {"add": "allow"},
    }
    assert limited.call("GET", "finance/invoices").status_code == 200
    assert limited.call("HEAD", "finance/invoices").status_code == 204
    assert limited.call("GET", "finance/invoices/1").status_code == 403
    assert limited.put("finance/invoices/1", status="pending").status_code == 403
    assert limited.call("GET", "finance/payments").status_code == 403
    assert limited.delete("finance/payments/1").status_code == 403
    assert limited.call("GET", "customers/customer").status_code == 403


def test_a_key_of_a_partner_sees_that_partners_customers_only(box, key_with):
    limited = key_with(Invoices=("index", "view"), Customer=("index", "view"))
    key = box.world.host.state.registry.find_key(limited.key)
    key.partner_id = 2
    assert {row["partner_id"] for row in limited.get("customers/customer")} == {2}
    assert {row["customer_id"] for row in limited.get("finance/invoices")} == {4}
    assert limited.call("GET", "customers/customer/1").status_code == 404


def test_a_white_list_keeps_other_addresses_out(box, key_with):
    limited = key_with(Invoices=("index",))
    key = box.world.host.state.registry.find_key(limited.key)
    key.addresses = ("10.0.0.0/8",)
    assert limited.log_in().status_code == 403
    key.addresses = ("127.0.0.1",)
    assert limited.log_in().status_code == 201


def test_verbs_that_make_no_sense_are_405_and_unknown_paths_404(api):
    assert api.call("PATCH", "finance/invoices").status_code == 405
    assert api.call("POST", "finance/invoices/1", json={}).status_code == 405
    assert api.call("DELETE", "finance/invoices").status_code == 405
    assert api.call("GET", "finance/nothing").status_code == 404
    assert api.call("GET", "finance/invoices/99999").status_code == 404
    assert api.call("GET", "finance/invoices/abc").status_code == 404
    assert api.session.get(f"{api.url}/api/3.0/admin/finance/invoices", timeout=20).status_code == 404
