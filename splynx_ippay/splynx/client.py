"""Calls to the host's API by verb and path. Owns addresses, query strings, the token header and what may be repeated.

Must never repeat a POST, PUT or DELETE that may have arrived: the caller searches first. The one exception is a 401,
which says that nothing was done: after signing in anew the call is made once more.
"""

from __future__ import annotations

import http
import json
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from splynx_ippay.base.errors import ConfigError
from splynx_ippay.splynx.answers import read_record, read_rows, require_success
from splynx_ippay.splynx.auth import TOKENS, Signer, Tokens, access_token
from splynx_ippay.splynx.wire import NoAnswer, Wire

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from splynx_ippay.splynx.answers import Record
    from splynx_ippay.splynx.wire import Answer


class SplynxClient:
    """The host's API 2.0 with an API key. Safe to share between threads; connections are never kept, so forks are too.

    ``base_url`` is the address of Splynx with or without a last slash; limits are seconds, ``deadline_seconds`` for a
    call with its sign-in and its repetition. Raises ConfigError when the address cannot be used.
    """

    def __init__(self, base_url: str, key: str, secret: str, *, ca_file: str | None = None,
                 connect_seconds: float = 5.0, read_seconds: float = 15.0, deadline_seconds: float = 30.0) -> None:
        if not _is_address(base_url):
            raise ConfigError("The address of Splynx (API domain) must look like https://splynx.example.com/.")
        self._base = base_url.rstrip("/")
        self._wire = Wire(ca_file=ca_file, connect_seconds=connect_seconds, read_seconds=read_seconds)
        self._deadline_seconds = deadline_seconds
        self._signer = Signer(key, secret)
        self._tokens = Tokens(self._signer, self._ask)

    def __repr__(self) -> str:
        return f"SplynxClient({self._base!r})"

    def get(self, path: str, params: Mapping[str, object] | None = None) -> Record:
        """Read one record. Raises HostRejected (404: there is none) and HostUnavailable."""
        return read_record(self._call("GET", path, params))

    def get_rows(self, path: str, params: Mapping[str, object] | None = None) -> list[Record]:
        """Read a list of records. Raises HostRejected and HostUnavailable."""
        return read_rows(self._call("GET", path, params))

    def get_page(self, path: str, params: Mapping[str, object]) -> tuple[list[Record], int | None]:
        """Read a list of records and, where the host tells it, how many there are in all (header X-total-count)."""
        answer = self._call("GET", path, params)
        return read_rows(answer), _total(answer)

    def post(self, path: str, body: Record) -> Record:
        """Create; the answer holds at least the new id. After HostUnavailable(sent=True) search before repeating."""
        return read_record(self._call("POST", path, body=body))

    def put(self, path: str, body: Record) -> None:
        """Change a record. The answer's body is not read: 202 is the whole answer."""
        self._call("PUT", path, body=body)

    def delete(self, path: str) -> None:
        """Remove a record."""
        self._call("DELETE", path)

    def permissions(self) -> dict[str, Any]:
        """Return what the API key may do, as told when it signed in: controller -> action -> "allow" or "deny"."""
        return self._tokens.permissions(self._until())

    def sign_in_with_session(self, session_id: str) -> str:
        """Exchange a session of the host for that person's access token. Raises HostRejected when it is none."""
        answer = self._ask("POST", TOKENS, {"auth_type": "session", "session_id": session_id}, "", self._until())
        require_success(answer, "POST")
        return access_token(read_record(answer))

    def headers_for_sash(self, path: str, params: Mapping[str, object], sash: str) -> Mapping[str, str]:
        """Return the headers (lower-case names) of a GET that API 1.0 answers in the name of the sash's administrator.

        Signed by call, because only 1.0 is known to honour ``sash`` (SplynxApi.php). Raises HostRejected.
        """
        until = self._until()
        url = self._url(path, params, version="1.0")
        answer = self._exchange("GET", url, None, self._signer.header(sash), until)
        if answer.status == http.HTTPStatus.UNAUTHORIZED:
            # Another process of ours may have used a later nonce first.
            answer = self._exchange("GET", url, None, self._signer.header(sash), until)
        require_success(answer, "GET")
        read_rows(answer)
        return answer.headers

    def _until(self) -> float:
        return time.monotonic() + self._deadline_seconds

    def _url(self, path: str, params: Mapping[str, object] | None = None, version: str = "2.0") -> str:
        query = f"?{urlencode(list(_flat(params)))}" if params else ""
        return f"{self._base}/api/{version}/{path}{query}"

    def _call(self, method: str, path: str, params: Mapping[str, object] | None = None,
              body: Record | None = None) -> Answer:
        until = self._until()
        url = self._url(path, params)
        token = self._tokens.current(until)
        answer = self._exchange(method, url, body, _bearer(token), until)
        if answer.status == http.HTTPStatus.UNAUTHORIZED:
            self._tokens.forget(token)
            answer = self._exchange(method, url, body, _bearer(self._tokens.current(until)), until)
        require_success(answer, method)
        return answer

    def _ask(self, method: str, path: str, body: Record | None, token: str, until: float) -> Answer:
        return self._exchange(method, self._url(path), body, _bearer(token) if token else "", until)

    def _exchange(self, method: str, url: str, body: Record | None, authorization: str, until: float) -> Answer:
        headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "splynx-ippay"}
        if authorization:
            headers["Authorization"] = authorization
        content = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = json.dumps(body).encode()
        try:
            return self._wire.exchange(method, url, headers=headers, body=content, until=until)
        except NoAnswer as error:
            if method != "GET" or error.timed_out:
                raise
        return self._wire.exchange(method, url, headers=headers, body=content, until=until)


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        sound = parts.port != 0 and parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        return False
    return sound and not (parts.query or parts.fragment or parts.username)


def _bearer(token: str) -> str:
    return f"Splynx-EA (access_token={token})"


def _total(answer: Answer) -> int | None:
    text = answer.headers.get("x-total-count", "")
    return int(text) if text.isascii() and text.isdigit() else None


def _flat(params: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Names and values as PHP's http_build_query writes them: a[b][0]=c."""
    for name, value in params.items():
        yield from _flat_value(name, value)


def _flat_value(name: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _flat_value(f"{name}[{key}]", item)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _flat_value(f"{name}[{index}]", item)
    else:
        yield name, str(value)
