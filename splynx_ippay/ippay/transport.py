"""One POST over a connection of its own. Owns "never sent is decided by position" and the total deadline.

No keep-alive, no proxy from the environment, no redirect, no retry. Must never put what was sent or received into an
error: a reply may echo the request. The standard library's client is used because it can connect and send in two
steps, so that the line between them is exact.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Self, TypeVar
from urllib.parse import urlsplit

from splynx_ippay.base.errors import ConfigError, GatewayError, NeverSent
from splynx_ippay.ippay.outcomes import Symptom, Unanswered

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

_T = TypeVar("_T")
_OK = 200


class Deadline:
    """Ends a call after so many seconds in all: shuts the connection down, so that no drip of bytes can prolong it.

    Works on a duplicate of the socket, because a TLS socket must not be touched by a second thread.
    """

    def __init__(self, seconds: float) -> None:
        self.passed = False
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(seconds, self._pass)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        """Start counting."""
        self._timer.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        """Stop counting and let the connection go."""
        self._timer.cancel()
        with self._lock:
            if self._socket is not None:
                self._socket.close()
                self._socket = None

    def guard(self, connection: socket.socket) -> None:
        """Take the connection that has to end in time; TimeoutError when it is too late already."""
        with self._lock:
            if self.passed:
                raise TimeoutError
            self._socket = connection.dup()

    def _pass(self) -> None:
        with self._lock:
            self.passed = True
            if self._socket is not None:
                with suppress(OSError):  # the peer was quicker
                    self._socket.shutdown(socket.SHUT_RDWR)


class Exchange:
    """The position of one call: ``sent`` goes up right before the first byte of the request and never comes down."""

    def __init__(self, deadline: Deadline) -> None:
        self.sent = False
        self._deadline = deadline

    def ended_by(self, error: BaseException) -> GatewayError:
        """Choose the error the caller gets by position; what happened only chooses the symptom."""
        if not self.sent:
            return NeverSent(f"the gateway could not be reached ({type(error).__name__}); nothing was sent")
        if isinstance(error, Unanswered) and not self._deadline.passed:
            return error
        return Unanswered(f"the request may have arrived, a clear answer did not ({type(error).__name__})",
                          self._symptom(error))

    def _symptom(self, error: BaseException) -> Symptom:
        if self._deadline.passed or isinstance(error, TimeoutError):
            return "timeout"
        if isinstance(error, (OSError, http.client.IncompleteRead)):
            return "reset"
        return "not_xml" if isinstance(error, http.client.HTTPException) else "interrupted"


class Endpoint:
    """An address that takes XML by POST. Holds no state of a call, so all threads may share it."""

    def __init__(self, url: str, *, ca_file: str | None, connect_seconds: float, deadline_seconds: float,
                 max_bytes: int) -> None:
        """ConfigError when the address is not https (http on this machine only) or the CA file cannot be read."""
        parts = urlsplit(url)
        self._host, self._netloc = parts.hostname or "", parts.netloc
        self._path = parts.path or "/"
        if parts.scheme not in {"https", "http"} or not self._host or parts.username or parts.query:
            raise ConfigError("the gateway address must be https://host/path")
        if parts.scheme == "http" and not _is_loopback(self._host):
            raise ConfigError(f"the gateway address must be https: card numbers never cross a network in clear ({self._host})")
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._tls = _context(ca_file) if parts.scheme == "https" else None
        self._connect_seconds, self._deadline_seconds = min(connect_seconds, deadline_seconds), deadline_seconds
        self._max_bytes = max_bytes

    def exchange(self, body: bytes, read: Callable[[bytes], _T]) -> _T:
        """Send the body once and read the answer with ``read``. Raises NeverSent or Unanswered, nothing else.

        An interruption of any kind after the first byte, KeyboardInterrupt included, is an outcome unknown: the
        caller's record of the attempt matters more than the interruption.
        """
        deadline = Deadline(self._deadline_seconds)
        position = Exchange(deadline)
        try:
            with deadline:
                return read(self._post(body, position, deadline))
        except BaseException as error:  # noqa: BLE001 - see the docstring
            raise position.ended_by(error) from None  # the cause may quote the reply

    def _post(self, body: bytes, position: Exchange, deadline: Deadline) -> bytes:
        with closing(http.client.HTTPConnection(self._host, self._port)) as connection:
            connection.auto_open = 0  # never a second connection behind our back
            connection.sock = self._connect(deadline)
            connection.putrequest("POST", self._path, skip_host=True, skip_accept_encoding=True)
            for name, value in (("Host", self._netloc), ("Content-Type", "text/xml; charset=utf-8"),
                                ("Content-Length", str(len(body))), ("Connection", "close")):
                connection.putheader(name, value)
            position.sent = True
            connection.endheaders(body)
            with connection.getresponse() as response:
                if response.status != _OK:
                    raise Unanswered(f"the gateway answered with HTTP status {response.status}", "http_status")
                answer: bytes = response.read(self._max_bytes + 1)
            if len(answer) > self._max_bytes:
                raise Unanswered("the reply is larger than any answer of the gateway", "not_xml")
            return answer

    def _connect(self, deadline: Deadline) -> socket.socket:
        """Open a fresh connection. Single waits are bounded by the connect time, the whole by the deadline."""
        connection = socket.create_connection((self._host, self._port), timeout=self._connect_seconds)
        try:
            deadline.guard(connection)
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_hostname=self._host,
                                                   do_handshake_on_connect=False)
                connection.do_handshake()
            connection.settimeout(self._deadline_seconds)
        except BaseException:
            connection.close()
            raise
        return connection


def _context(ca_file: str | None) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except OSError:  # ssl.SSLError is one
        raise ConfigError(f"the CA file {ca_file} cannot be read or holds no certificate") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # PCI DSS 4.2.1
    return context


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
