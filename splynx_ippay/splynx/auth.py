"""How we prove to the host who we are: signatures, nonces and tokens of API 2.0. Owns the secret of the API key.

Must never let key, secret or token into a log, an error or a repr. Tokens live in memory and are shared by threads.
"""

from __future__ import annotations

import hashlib
import hmac
import http
import logging
import threading
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from splynx_ippay.base import clock
from splynx_ippay.base.errors import HostRejected, HostUnavailable
from splynx_ippay.splynx.answers import read_record, require_success

if TYPE_CHECKING:
    from collections.abc import Callable

    from splynx_ippay.splynx.answers import Record
    from splynx_ippay.splynx.wire import Answer

    Ask = Callable[[str, str, Record | None, str, float], Answer]

_log = logging.getLogger(__name__)

TOKENS = "admin/auth/tokens"
# The official client renews a token five seconds before its end (SplynxApi.php).
_MARGIN_SECONDS = 5


class _Nonces:
    """Numbers that only grow, one row of them for each key of this process.

    Hundredths of a second, as the official clients count: a key must never see two units mixed. Real time, also where
    a demo moves the clock, because the host refuses a nonce that is lower than one it has seen.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: dict[str, int] = {}

    def next(self, key: str) -> int:
        """Return the next nonce of that key."""
        real = clock.now() - clock.offset()
        with self._lock:
            nonce = max(int(real.timestamp() * 100), self._last.get(key, 0) + 1)
            self._last[key] = nonce
            return nonce


_nonces = _Nonces()


class Signer:
    """Signs as an API key: upper-case hex HMAC-SHA256 of nonce and key (SplynxApi.php)."""

    def __init__(self, key: str, secret: str) -> None:
        self.key, self._secret = key, secret.encode()

    def sign(self) -> tuple[int, str]:
        """Return a new nonce and its signature."""
        nonce = _nonces.next(self.key)
        return nonce, hmac.new(self._secret, f"{nonce}{self.key}".encode(), hashlib.sha256).hexdigest().upper()

    def header(self, sash: str) -> str:
        """Return the Authorization of one call in the manner of API 1.0, in the name of an administrator's session."""
        nonce, signature = self.sign()
        return f"Splynx-EA (key={self.key}&nonce={nonce}&signature={signature}&sash={sash})"


class Tokens:
    """The access token of the API key: fetched when first needed, renewed before its end, replaced when refused."""

    def __init__(self, signer: Signer, ask: Ask) -> None:
        self._signer, self._ask = signer, ask
        self._lock = threading.Lock()
        self._access, self._refresh = "", ""
        self._access_until: float | None = None
        self._refresh_until = 0.0
        self._permissions: dict[str, Any] = {}

    def current(self, until: float) -> str:
        """Return a token that should be good, at the cost of one call where none is.

        Raises HostRejected when the key is refused and HostUnavailable(sent=False) when nobody answers: the call
        that needs the token has not been made.
        """
        with self._lock:
            try:
                if not self._access or self._is_over(self._access_until):
                    self._obtain(until)
            except HostUnavailable as error:
                raise HostUnavailable(f"Signing in to Splynx failed: {error}", sent=False) from None
            return self._access

    def permissions(self, until: float) -> dict[str, Any]:
        """Return what the key may do, as the host told with the token: controller -> action -> "allow" or "deny"."""
        self.current(until)
        return self._permissions

    def forget(self, refused: str) -> None:
        """Drop a token the host refused, unless another thread has replaced it already."""
        with self._lock:
            if self._access == refused:
                self._access = self._refresh = ""

    def _is_over(self, moment: float | None) -> bool:
        return moment is not None and clock.now().timestamp() + _MARGIN_SECONDS > moment

    def _obtain(self, until: float) -> None:
        if self._refresh and not self._is_over(self._refresh_until):
            try:
                answer = self._ask("GET", f"{TOKENS}/{self._refresh}", None, self._access, until)
                require_success(answer, "GET")
                self._keep(read_record(answer))
            except HostRejected as error:
                _log.info("Splynx did not renew the token (status %s); signing in again", error.status)
            else:
                return
        self._keep(self._sign_in(until))

    def _sign_in(self, until: float) -> Record:
        answer = self._ask("POST", TOKENS, self._proof(), "", until)
        if answer.status == http.HTTPStatus.UNAUTHORIZED:
            # Another process of ours may have used a later nonce first; a newer one settles it.
            answer = self._ask("POST", TOKENS, self._proof(), "", until)
        require_success(answer, "POST")
        return read_record(answer)

    def _proof(self) -> Record:
        nonce, signature = self._signer.sign()
        return {"auth_type": "api_key", "key": self._signer.key, "nonce": nonce, "signature": signature}

    def _keep(self, record: Record) -> None:
        self._access = access_token(record)
        self._refresh = record["refresh_token"] if isinstance(record.get("refresh_token"), str) else ""
        self._refresh_until = _moment(record, "refresh_token_expiration") or 0.0
        self._access_until = _moment(record, "access_token_expiration")
        if self._is_over(self._access_until):
            # Over when it arrives: the two machines' clocks differ. The host's 401 will tell when it really is.
            self._access_until = None
        permissions = record.get("permissions")
        self._permissions = permissions if isinstance(permissions, dict) else {}


def access_token(record: Record) -> str:
    """Return the access token in an answer. Raises HostUnavailable when there is none that fits a header."""
    token = record.get("access_token")
    if not isinstance(token, str) or not token or not token.isascii() or not token.isprintable():
        raise HostUnavailable("Splynx sent no access token.")
    return token


def _moment(record: Record, name: str) -> float | None:
    value = record.get(name)
    return float(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else None
