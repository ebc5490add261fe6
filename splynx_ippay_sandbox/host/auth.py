"""Who calls the API, and what that caller may do.

Access tokens (2.0), signatures with a nonce (1.0, and 2.0 as documented), Basic where a key allows it.
Permission is per controller and action; a key of one partner and a customer see only their own rows.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from splynx_ippay_sandbox.host import tokens
from splynx_ippay_sandbox.host.errors import ApiError, invalid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from splynx_ippay_sandbox.host.registry import ApiKey
    from splynx_ippay_sandbox.host.state import HostState

_SCHEME = re.compile(r"Splynx-EA\s*\((?P<fields>[^()]*)\)\Z")
_CUSTOMER_READS = ("Customer", "CustomerBilling", "CustomerPaymentAccounts", "Invoices", "Requests", "Payments", "Transactions")


@dataclass(frozen=True, slots=True)
class Caller:
    """Someone the host knows: an API key, an administrator or a customer."""

    kind: str
    id: int
    key: ApiKey | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def allows(self, controller: str, action: str) -> bool:
        """Tell whether the action on the controller is permitted."""
        if self.kind == "customer":
            return action in ("index", "view") and controller.rsplit("\\", 1)[-1] in _CUSTOMER_READS
        return self.key is None or self.key.allows(controller, action)


def authenticate(state: HostState, version: str, authorization: str, address: str) -> Caller:
    """Return the caller of this Authorization header; raise ApiError 401 or 403."""
    if authorization.startswith("Basic "):
        return _basic(state, authorization.removeprefix("Basic "), address)
    match = _SCHEME.match(authorization.strip())
    if match is None:
        raise ApiError(401, "Your request was made with invalid credentials.", "authorization_missing")
    parts = {name: values[0] for name, values in parse_qs(match["fields"]).items()}
    if "access_token" in parts and version == "2.0":
        return _by_token(state, parts["access_token"], address)
    key = _signed_key(state, parts, address)
    return Caller("api_key", key.id, key, _sash_headers(state, parts.get("sash", "")) if version == "1.0" else {})


def log_in(state: HostState, body: Mapping[str, Any], address: str) -> dict[str, Any]:
    """Answer a token request of any ``auth_type``; raise ApiError 401 or Invalid."""
    kind = str(body.get("auth_type", ""))
    if kind == "api_key":
        key = _signed_key(state, body, address)
        return {**tokens.issue(state, "api_key", key.id), "permissions": permissions_of(key)}
    if kind in ("admin", "customer"):
        person = state.check_password(kind, str(body.get("login", "")), str(body.get("password", "")))
        if not person:
            raise ApiError(401, "Incorrect login or password.", "login_failed")
        return {**tokens.issue(state, kind, person), "permissions": {}}
    if kind == "session":
        return {**tokens.issue(state, *_person_of_session(state, str(body.get("session_id", "")))), "permissions": {}}
    raise invalid("auth_type", "is invalid, must be one of: api_key, admin, customer, session.")


def permissions_of(key: ApiKey) -> dict[str, dict[str, str]]:
    r"""Return the rules of a key as the token reply shows them, controllers without ``api\``."""
    shown: dict[str, dict[str, str]] = {}
    for (controller, action), rule in key.rules.items():
        shown.setdefault(controller, {})[action] = rule
    return shown


def _person_of_session(state: HostState, session_id: str) -> tuple[str, int]:
    session = state.sessions.get(session_id)
    if session is None or not session.last_login:
        raise ApiError(401, "Session is not active.", "session_failed")
    return session.last_login, session.admin_id if session.last_login == "admin" else session.customer_id


def _by_token(state: HostState, token: str, address: str) -> Caller:
    found = tokens.read(state, token)
    if found is None:
        raise ApiError(401, "Access token is expired or invalid.", "access_token_invalid")
    kind, person = found
    if kind != "api_key":
        return Caller(kind, person)
    key = state.registry.keys.get(person)
    if key is None:
        raise ApiError(401, "API key was deleted.", "key_unknown")
    _check_address(key, address)
    return Caller(kind, person, key)


def _signed_key(state: HostState, parts: Mapping[str, Any], address: str) -> ApiKey:
    key = state.registry.find_key(str(parts.get("key", "")))
    nonce, signature = str(parts.get("nonce", "")), str(parts.get("signature", ""))
    if key is None or not re.fullmatch(r"\d{1,18}", nonce, re.ASCII):
        raise ApiError(401, "Incorrect API key or nonce.", "signature_failed")
    if not hmac.compare_digest(tokens.sign_request(key.key, key.secret, nonce).encode(), signature.encode()):
        raise ApiError(401, "Incorrect signature.", "signature_failed")
    if not key.accept_nonce(int(nonce)):
        raise ApiError(401, "Nonce must be greater than the previous one.", "nonce_failed")
    _check_address(key, address)
    return key


def _basic(state: HostState, encoded: str, address: str) -> Caller:
    try:
        name, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise ApiError(401, "Incorrect Basic authorization.", "basic_failed") from None
    key = state.registry.find_key(name)
    if key is None or not key.unsecure or not hmac.compare_digest(key.secret.encode(), secret.encode()):
        raise ApiError(401, "Basic authorization is not enabled for this key.", "basic_failed")
    _check_address(key, address)
    return Caller("api_key", key.id, key)


def _check_address(key: ApiKey, address: str) -> None:
    if not key.accepts_address(address):
        raise ApiError(403, "Access from your IP address is not allowed.", "address_denied")


def _sash_headers(state: HostState, sash: str) -> dict[str, str]:
    """Say who the administrator of this session hash is; an unknown hash adds no header."""
    admin = state.administrators.find(state.admin_of_sash(sash)) if sash else None
    if admin is None:
        return {}
    return {
        "SpL-Administrator-Id": str(admin["id"]),
        "SpL-Administrator-Role": admin["role_name"],
        "SpL-Administrator-Partner": str(admin["partner_id"]),
    }
