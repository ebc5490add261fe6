"""Access tokens of API 2.0: signed JWTs that live 30 minutes, refresh tokens that live 7 days.

Lifetimes are those of the sample reply in the host's documentation; time is the host's clock.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from typing import TYPE_CHECKING, Any

from splynx_ippay_sandbox.host.state import Refresh

if TYPE_CHECKING:
    from splynx_ippay_sandbox.host.state import HostState

ACCESS_SECONDS = 30 * 60
REFRESH_SECONDS = 7 * 24 * 3600


def sign_request(key: str, secret: str, nonce: str) -> str:
    """Return the signature a client must send: upper-case HMAC-SHA256 of nonce and key under the secret."""
    return hmac.new(secret.encode(), f"{nonce}{key}".encode(), hashlib.sha256).hexdigest().upper()


def issue(state: HostState, subject: str, person: int) -> dict[str, Any]:
    """Make a new pair of tokens for an ``api_key``, ``admin`` or ``customer``."""
    now = int(state.now().timestamp())
    refresh_token = secrets.token_hex(16)
    state.refreshes[refresh_token] = Refresh(subject, person, now + REFRESH_SECONDS)
    claims = {"sub": subject, "id": str(person), "exp": now + ACCESS_SECONDS, "jti": refresh_token[:16], "mobileAccess": True}
    return {
        "access_token": _encode(claims, state.jwt_secret),
        "refresh_token": refresh_token,
        "access_token_expiration": now + ACCESS_SECONDS,
        "refresh_token_expiration": now + REFRESH_SECONDS,
    }


def read(state: HostState, token: str) -> tuple[str, int] | None:
    """Return whose token it is (subject, id), or None if it is forged, expired or withdrawn."""
    parts = token.split(".")
    if len(parts) != 3 or not hmac.compare_digest(_mac(f"{parts[0]}.{parts[1]}", state.jwt_secret), parts[2]):
        return None
    claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    if claims["jti"] in state.withdrawn or claims["exp"] <= state.now().timestamp():
        return None
    return claims["sub"], int(claims["id"])


def renew(state: HostState, refresh_token: str) -> dict[str, Any] | None:
    """Exchange a refresh token for a new pair, or None if it is unknown or too old; it works once."""
    kept = state.refreshes.pop(refresh_token, None)
    if kept is None or kept.expires_at <= state.now().timestamp():
        return None
    return issue(state, kept.subject, kept.person)


def withdraw(state: HostState, refresh_token: str) -> bool:
    """Log out: the pair works no more."""
    state.withdrawn.add(refresh_token[:16])
    return state.refreshes.pop(refresh_token, None) is not None


def _encode(claims: dict[str, Any], secret: bytes) -> str:
    head = _base64(json.dumps({"typ": "JWT", "alg": "HS256"}, separators=(",", ":")).encode())
    body = _base64(json.dumps(claims, separators=(",", ":")).encode())
    return f"{head}.{body}.{_mac(f'{head}.{body}', secret)}"


def _mac(text: str, secret: bytes) -> str:
    return _base64(hmac.new(secret, text.encode(), hashlib.sha256).digest())


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
