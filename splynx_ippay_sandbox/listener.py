"""One listening socket and its threads: TLS per connection, a proper end of each, and a port that can really close.

Knows nothing of faults beyond two questions it asks its owner. Prints no request log.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import sys
import threading
import traceback
from http.client import responses
from typing import TYPE_CHECKING, Any

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

HANDSHAKE_SECONDS = 10.0
IDLE_SECONDS = 120.0
GOODBYE_SECONDS = 1.0
# TLS record: alert, TLS 1.2, two bytes, fatal, handshake_failure (RFC 5246, 7.2).
_HANDSHAKE_FAILURE = bytes([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x28])


class _Handler(WSGIRequestHandler):
    """One request a connection, Content-Length or the end of the connection, never chunked (HTTP/1.0 clients)."""

    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS

    def log(self, _type: str, _message: str, *_args: object) -> None:
        """Say nothing: a request line may hold what no log may hold."""

    def run_wsgi(self) -> None:
        """Run the app once; a connection that breaks, by the peer or by a fault, is nobody's error."""
        self.close_connection = True
        if self.headers.get("Expect", "").strip().lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._is_head_sent = False
        with contextlib.suppress(ConnectionError, TimeoutError, ssl.SSLError):
            try:
                self._answer()
            except (ConnectionError, TimeoutError, ssl.SSLError):
                raise
            except Exception:  # noqa: BLE001 - the sandbox must not die with one request, and must say what broke
                traceback.print_exc(file=sys.stderr)
                if not self._is_head_sent:
                    self.send_error(500)

    def _answer(self) -> None:
        kept: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], _exc: object = None) -> Callable[..., object]:
            kept[:] = [status, headers]
            return self.wfile.write

        parts: Iterable[bytes] = self.server.app(self.make_environ(), start_response)
        try:
            for part in parts:
                # One write for head and first part: two small ones would wait for each other's ACK.
                self.wfile.write(part if self._is_head_sent else self._head(*kept) + part)
                self._is_head_sent = True
            if not self._is_head_sent:
                self.wfile.write(self._head(*kept))
        finally:
            if close := getattr(parts, "close", None):
                close()

    def _head(self, status: str, headers: list[tuple[str, str]]) -> bytes:
        code, _, reason = status.partition(" ")
        named = {name.lower() for name, _ in headers}
        lines = [f"{self.protocol_version} {code} {reason or responses.get(int(code), '')}"]
        lines += [f"{name}: {value}" for name, value in headers if name.lower() != "connection"]
        lines += [] if "date" in named else [f"Date: {self.date_time_string()}"]
        return "\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1")


class _Server(ThreadedWSGIServer):
    """Accepts; each connection is wrapped, served and closed in its own thread."""

    daemon_threads = True

    def __init__(self, listener: Listener, sock: socket.socket) -> None:
        super().__init__(listener.address[0], listener.address[1], listener.app, _Handler, fd=sock.fileno())
        self.ssl_context = listener.tls  # only so that wsgi.url_scheme is right; the wrapping is ours
        self._listener = listener

    def log(self, _type: str, _message: str, *_args: object) -> None:
        """Say nothing."""

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve one connection and end it well."""
        with contextlib.suppress(OSError):
            connection = self._secured(request)
            if connection is None:
                return
            try:
                self.RequestHandlerClass(connection, client_address, self)
            except (ConnectionError, TimeoutError, ssl.SSLError):
                return
            finally:
                _end(connection)

    def _secured(self, request: socket.socket) -> socket.socket | None:
        if self._listener.spoils_handshake():
            with contextlib.suppress(OSError):
                request.settimeout(GOODBYE_SECONDS)
                request.recv(65_536)
                request.sendall(_HANDSHAKE_FAILURE)
            request.close()
            return None
        if self._listener.tls is None:
            return request
        request.settimeout(HANDSHAKE_SECONDS)
        request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            return self._listener.tls.wrap_socket(request, server_side=True)
        except OSError:
            request.close()
            return None


def _end(connection: socket.socket) -> None:
    """Send close_notify (Net::SSLeay drops the whole reply without it), then FIN, and wait briefly for the peer."""
    with contextlib.suppress(OSError, ValueError):
        if isinstance(connection, ssl.SSLSocket):
            connection.settimeout(GOODBYE_SECONDS)
            connection = connection.unwrap()
        connection.shutdown(socket.SHUT_WR)
    connection.close()


class Listener:
    """A bound port. ``close_port`` refuses connections while keeping the number, ``open_port`` takes them again."""

    def __init__(self, host: str, port: int) -> None:
        self.tls: ssl.SSLContext | None = None
        self.app: Callable[..., Any] = _no_app
        self.spoils_handshake: Callable[[], bool] = _never
        self._socket = _bound(host, port)
        self.address: tuple[str, int] = self._socket.getsockname()[:2]
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.RLock()
        self._timer: threading.Timer | None = None

    @property
    def is_open(self) -> bool:
        """Whether connections are taken."""
        return self._server is not None

    def open_port(self) -> None:
        """Listen and serve; nothing if it does already."""
        with self._lock:
            self._cancel_timer()
            if self._server is not None:
                return
            self._socket.listen(128)
            self._server = _Server(self, self._socket)
            self._thread = threading.Thread(
                target=self._server.serve_forever, name=f"sandbox-{self.address[1]}", daemon=True
            )
            self._thread.start()

    def close_port(self, seconds: float = 0.0, then: Callable[[], None] | None = None) -> None:
        """Refuse connections, for ever or for some seconds; running requests end as usual."""
        with self._lock:
            self._cancel_timer()
            self._stop_serving()
            self._socket.close()
            # Bound but not listening: the number stays ours and every connect is refused.
            self._socket = _bound(*self.address)
            if seconds > 0:
                self._timer = threading.Timer(seconds, self._reopen, [then])
                self._timer.daemon = True
                self._timer.start()

    def stop(self) -> None:
        """Give the port back."""
        with self._lock:
            self._cancel_timer()
            self._stop_serving()
            self._socket.close()

    def _reopen(self, then: Callable[[], None] | None) -> None:
        self.open_port()
        if then is not None:
            then()

    def _stop_serving(self) -> None:
        if self._server is None:
            return
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes the selector, so that shutdown() need not wait for its poll
        self._server.shutdown()
        self._server.server_close()
        self._server = None

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _bound(host: str, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock


def _never() -> bool:
    return False


def _no_app(_environ: object, start_response: Callable[..., Any]) -> list[bytes]:
    start_response("503 Service Unavailable", [("Content-Length", "0")])
    return [b""]
