"""One HTTP exchange with the host: a request out, an answer in. Owns connections, time limits and size limits.

Must never follow a redirect, use a proxy or a cookie, keep a connection, repeat a request or log an address (the
address that renews a token holds a secret). Whether a request may have arrived is decided by position: the flag is
raised when the connection stands, immediately before the first byte of the request.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import ssl
import threading
import time
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import requests
import urllib3
from requests.adapters import HTTPAdapter

from splynx_ippay.base.errors import HostUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_ANSWER_BYTES = 8 * 1024 * 1024
_CHUNK_BYTES = 64 * 1024
_TOO_LONG = "it took too long altogether"

# urllib3 writes every path at DEBUG, and the path that renews a token ends in the refresh token.
logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)


class NoAnswer(HostUnavailable):
    """No whole answer came. ``timed_out`` tells a host that is slow from one that cannot be reached."""

    def __init__(self, message: str, *, sent: bool, timed_out: bool) -> None:
        super().__init__(message, sent=sent)
        self.timed_out = timed_out


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, unread. ``headers`` has lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class _Call:
    """The state of one exchange that its connection and its watchdog share."""

    def __init__(self) -> None:
        self.began, self.expired = False, False
        self._socket: socket.socket | None = None

    def begin(self, connected: socket.socket | None) -> None:
        """Remember the socket; from here on the request may arrive."""
        self._socket, self.began = connected, True

    def expire(self) -> None:
        """Break the connection, whatever it is doing: the whole call took too long."""
        self.expired = True
        if self._socket is not None:
            with contextlib.suppress(OSError):
                # The plain method even for TLS: SSLSocket.shutdown would unwrap it under the reading thread.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


_current: ContextVar[_Call] = ContextVar("splynx_call")


class _Connection(urllib3.connection.HTTPConnection):
    def connect(self) -> None:
        super().connect()
        _current.get().begin(self.sock)


class _TlsConnection(urllib3.connection.HTTPSConnection):
    def connect(self) -> None:
        super().connect()
        _current.get().begin(self.sock)


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class _Adapter(HTTPAdapter):
    """An adapter for one exchange, whose connections tell when they stand."""

    pools: ClassVar[dict[str, type[urllib3.HTTPConnectionPool]]] = {"http": _Pool, "https": _TlsPool}

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **options: object) -> None:  # noqa: FBT001, FBT002 -- the signature of requests
        super().init_poolmanager(connections, maxsize, block, **options)
        self.poolmanager.pool_classes_by_scheme = dict(self.pools)


class Wire:
    """Makes exchanges. ``ca_file`` replaces the machine's certificate authorities; limits are seconds."""

    def __init__(self, *, ca_file: str | None, connect_seconds: float, read_seconds: float) -> None:
        machine = ssl.get_default_verify_paths()
        self._authorities = ca_file or machine.cafile or machine.capath or True
        self._connect_seconds, self._read_seconds = connect_seconds, read_seconds

    def exchange(self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None, until: float) -> Answer:
        """Send one request and read its answer, all before ``until`` (monotonic seconds).

        Raises NoAnswer, with ``sent`` false only where no byte of the request can have left, and HostUnavailable when
        the answer is larger than MAX_ANSWER_BYTES.
        """
        remaining = until - time.monotonic()
        if remaining <= 0:
            raise NoAnswer("No time was left to ask Splynx.", sent=False, timed_out=True)
        call = _Call()
        token = _current.set(call)
        watchdog = threading.Timer(remaining, call.expire)
        watchdog.daemon = True
        watchdog.start()
        try:
            request = requests.Request(method, url, headers={**headers, "Connection": "close"}, data=body)
            answer = self._send(request.prepare(), remaining)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            reason, timed_out = _reason(error, call)
        else:
            if not call.expired:
                return answer
            # A connection cut amid the headers looks like an answer without a body.
            reason, timed_out = _TOO_LONG, True
        finally:
            watchdog.cancel()
            _current.reset(token)
        # Raised out here, so that the library's error, which holds the request and its key, is not its context.
        raise NoAnswer(f"No answer from Splynx: {reason}.", sent=call.began, timed_out=timed_out)

    def _send(self, prepared: requests.PreparedRequest, remaining: float) -> Answer:
        limits = (min(self._connect_seconds, remaining), min(self._read_seconds, remaining))
        with contextlib.closing(_Adapter(max_retries=0)) as adapter:
            response = adapter.send(prepared, stream=True, timeout=limits, verify=self._authorities, proxies={})
            with response:
                body = bytearray()
                for chunk in response.iter_content(_CHUNK_BYTES):
                    body += chunk
                    if len(body) > MAX_ANSWER_BYTES:
                        raise HostUnavailable("The answer of Splynx is too large.")
                headers = {name.lower(): value for name, value in response.headers.items()}
                return Answer(response.status_code, headers, bytes(body))


def _reason(error: Exception, call: _Call) -> tuple[str, bool]:
    """Say in words why no answer came, and whether it was for want of time."""
    if call.expired:
        return _TOO_LONG, True
    # A time-out amid the body comes wrapped in a ConnectionError.
    if isinstance(error, requests.Timeout) or any(isinstance(e, urllib3.exceptions.TimeoutError) for e in error.args):
        return ("it was too slow" if call.began else "connecting took too long"), True
    if isinstance(error, requests.exceptions.SSLError):
        return "its TLS certificate or protocol was not accepted", False
    if call.began:
        return "the connection broke", False
    return "the connection was not possible", False
