"""The layer between the socket and an app where calls are counted, recorded and spoilt. The apps know nothing of it.

Works on the raw socket (``environ["werkzeug.socket"]``) for drops and resets. Never touches /_sandbox/.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import socket
import struct
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, NoReturn
from xml.sax.saxutils import escape

from splynx_ippay_sandbox.faults import AFTER, ENVIRON_KEY, INSTEAD, Fault

if TYPE_CHECKING:
    import threading

    from splynx_ippay_sandbox.world import World

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
WsgiApp = Callable[[Environ, StartResponse], Iterable[bytes]]
FactsOf = Callable[[Environ, bytes], dict[str, Any]]

CONTROL_PREFIX = "/_sandbox/"
MAX_BODY = 32 * 1024 * 1024
_ID_SEGMENT = re.compile(r"^(\d+|[0-9a-fA-F]{32})$")
_API = re.compile(r"^/api/[12]\.0/(.*)$")
_XML_FACTS = {
    "type": re.compile(rb"<TransactionType>\s*([A-Za-z]+)\s*<"),
    "terminal_id": re.compile(rb"<TerminalID>\s*([^<\s]+)\s*<"),
    "transaction_id": re.compile(rb"<TransactionID>\s*([^<\s]+)\s*<"),
    "order_number": re.compile(rb"<OrderNumber>\s*([^<]*?)\s*<"),
    "amount_cents": re.compile(rb"<TotalAmount>\s*(\d+)\s*<"),
}
_BOMB_LEVELS = 9


class DroppedError(ConnectionAbortedError):
    """The connection ends here without (the rest of) an answer."""


def gateway_facts(environ: Environ, body: bytes) -> dict[str, Any]:
    """What a fault can match on the gateway, read loosely: a fault must also hit a message that does not parse."""
    facts: dict[str, Any] = {"method": environ["REQUEST_METHOD"], "path": environ["PATH_INFO"]}
    for name, pattern in _XML_FACTS.items():
        if found := pattern.search(body):
            facts[name] = found.group(1).decode("utf-8", "replace")
    if facts["method"] == "POST":
        kind = str(facts.get("type", "?"))
        facts["counted"] = f"report:{kind}" if facts["path"].startswith("/ippayReport") else kind.upper()
    else:
        facts["counted"] = facts["method"]
    return facts


def host_facts(environ: Environ, body: bytes) -> dict[str, Any]:  # noqa: ARG001 - one signature for both servers
    """What a fault can match on the host; only API calls are counted, with ids replaced."""
    method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
    facts: dict[str, Any] = {"method": method, "path": path}
    if found := _API.match(path):
        segments = ["{id}" if _ID_SEGMENT.match(part) else part for part in found.group(1).strip("/").split("/")]
        facts["counted"] = f"{method} {'/'.join(segments)}"
    return facts


class Interference:
    """A WSGI app around one server's app."""

    def __init__(self, app: WsgiApp, world: World, server: str, stopping: threading.Event) -> None:
        self.app = app
        self.world = world
        self.server = server
        self.stopping = stopping
        self.facts_of: FactsOf = gateway_facts if server == "gateway" else host_facts

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request, disturbed if a fault fits."""
        if environ["PATH_INFO"].startswith(CONTROL_PREFIX):
            environ["wsgi.input"] = io.BytesIO(_read(environ, _length(environ)))
            return self.app(environ, start_response)
        fault, body = self._receive(environ)
        environ["wsgi.input"] = io.BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body))
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        if fault is None:
            return self.app(environ, start_response)
        environ[ENVIRON_KEY] = fault
        if fault.kind == "drop_before":
            raise DroppedError
        if fault.kind in INSTEAD:
            if fault.booked:
                _run(self.app, environ)
            return self._instead(fault, start_response)
        if fault.kind in AFTER:
            return self._after(fault, environ, start_response)
        return self.app(environ, start_response)

    def _receive(self, environ: Environ) -> tuple[Fault | None, bytes]:
        """Read the body (only half, if that is where the connection breaks), count and record it, choose the fault."""
        length = _length(environ)
        first = _read(environ, length // 2) if self.world.faults.is_armed(self.server, "reset") else b""
        facts = self.facts_of(environ, first)
        fault = self.world.faults.take(self.server, facts) if first and self._is_told(facts) else None
        if fault is not None and fault.kind == "reset":
            self._record(facts, first)
            reset_connection(environ["werkzeug.socket"])
        body = first + _read(environ, length - len(first))
        facts = self.facts_of(environ, body)
        if fault is None:
            fault = self.world.faults.take(self.server, facts)
        self._record(facts, body)
        if fault is not None and fault.kind == "reset":
            reset_connection(environ["werkzeug.socket"])
        return fault, body

    def _is_told(self, facts: dict[str, Any]) -> bool:
        """Whether half a body was enough to know the call."""
        return self.server == "host" or "type" in facts

    def _record(self, facts: dict[str, Any], body: bytes) -> None:
        if "counted" in facts:
            self.world.counters.count(self.server, facts["counted"])
        if self.server == "gateway" and body:
            with self.world.lock:
                self.world.capture.append(body)

    def _after(self, fault: Fault, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        status, headers, answer = _run(self.app, environ)
        if fault.kind == "drop_after":
            raise DroppedError
        if fault.kind == "delay":
            self.stopping.wait(fault.seconds)
        start_response(status, headers)
        if fault.kind == "half_answer":
            return _half(answer)
        if fault.kind == "slow_drip":
            return self._drip(answer, fault.seconds)
        return [answer]

    def _drip(self, answer: bytes, seconds: float) -> Iterator[bytes]:
        for place in range(len(answer)):
            yield answer[place : place + 1]
            if self.stopping.wait(seconds):
                raise DroppedError

    def _instead(self, fault: Fault, start_response: StartResponse) -> list[bytes]:
        status, kind, answer = _nonsense(fault, self.server)
        start_response(status, [("Content-Type", kind), ("Content-Length", str(len(answer)))])
        return [answer]


def _length(environ: Environ) -> int:
    text = str(environ.get("CONTENT_LENGTH") or "")
    return min(int(text), MAX_BODY) if text.isascii() and text.isdigit() else 0


def _read(environ: Environ, length: int) -> bytes:
    if environ.get("wsgi.input_terminated"):
        return bytes(environ["wsgi.input"].read())
    return bytes(environ["wsgi.input"].read(length)) if length > 0 else b""


def _run(app: WsgiApp, environ: Environ) -> tuple[str, list[tuple[str, str]], bytes]:
    """The app's whole answer, kept from the wire."""
    kept: dict[str, Any] = {}

    def start_response(status: str, headers: list[tuple[str, str]], _exc: object = None) -> None:
        kept.update(status=status, headers=headers)

    parts = app(environ, start_response)
    try:
        answer = b"".join(parts)
    finally:
        if close := getattr(parts, "close", None):
            close()
    return kept["status"], kept["headers"], answer


def _half(answer: bytes) -> Iterator[bytes]:
    yield answer[: len(answer) // 2]
    raise DroppedError


def reset_connection(sock: socket.socket) -> NoReturn:
    """Close so that the peer gets RST, not FIN."""
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    descriptor = sock.detach()
    if descriptor >= 0:
        socket.close(descriptor)
    raise DroppedError


def _nonsense(fault: Fault, server: str) -> tuple[str, str, bytes]:
    """Status line, content type and body of an answer that is none."""
    if fault.kind == "http_status":
        problems = json.dumps([{"field": "sandbox", "message": "refused by a fault"}]).encode()
        kind, body = (("application/json", problems) if fault.json
                      else ("text/html; charset=utf-8", b"<html><body>sandbox fault</body></html>"))
        return f"{fault.status} Sandbox Fault", kind, body
    if fault.kind == "html":
        page = b"<!DOCTYPE html><html><head><title>Maintenance</title></head><body><h1>Back soon</h1></body></html>"
        return "200 OK", "text/html; charset=utf-8", page
    if fault.kind == "garbage":
        return "200 OK", "text/xml" if server == "gateway" else "application/json", bytes(range(255, 0, -1)) * 4
    if fault.kind == "xml_bomb":
        return "200 OK", "text/xml", _bomb()
    if server == "gateway":
        return "200 OK", "text/xml", b"<ippayResponse><ErrMsg>" + b"x" * 1_000_000 + b"</ErrMsg></ippayResponse>"
    return "200 OK", "application/json", json.dumps([{"id": 1, "note": "x" * 9_500_000}]).encode()


def _bomb() -> bytes:
    entities = ['<!ENTITY a0 "boom">']
    entities += [f'<!ENTITY a{level} "{f"&a{level - 1};" * 10}">' for level in range(1, _BOMB_LEVELS + 1)]
    doctype = f"<!DOCTYPE ippayResponse [{''.join(entities)}]>"
    text = escape("APPROVED")
    return (
        f"<?xml version='1.0'?>{doctype}<ippayResponse><ActionCode>000</ActionCode><ResponseText>{text}</ResponseText>"
        f"<ErrMsg>&a{_BOMB_LEVELS};</ErrMsg></ippayResponse>"
    ).encode()
