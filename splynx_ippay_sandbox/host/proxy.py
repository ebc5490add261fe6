"""The reverse proxy under /ippay, as nginx does it in production: one origin for host and add-on.

Bodies are streamed both ways, redirects and cookies pass unchanged. It takes no lock: the add-on calls the host meanwhile.
"""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Blueprint, Response, render_template, request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from splynx_ippay_sandbox.host.part import HostPart

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_HOP_BY_HOP = frozenset({
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding", "upgrade",
})
_REPLACED = frozenset({"host", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "content-length"})
_PIECE = 64 * 1024
_SECONDS = 120


def blueprint(host: HostPart) -> Blueprint:
    """Return the blueprint that owns /ippay."""
    proxy = Blueprint("host_proxy", __name__)

    def forward(path: str = "") -> Response:  # noqa: ARG001 - the raw path is passed on, not the decoded one
        return _forward(host.addon_url)

    for number, rule in enumerate(("/ippay", "/ippay/", "/ippay/<path:path>")):
        proxy.add_url_rule(rule, f"forward{number}", forward, methods=_METHODS, provide_automatic_options=False, strict_slashes=False)
    return proxy


def _forward(addon_url: str | None) -> Response:
    if not addon_url:
        return _away("No add-on is connected to this sandbox.")
    target = urlsplit(addon_url)
    connection = http.client.HTTPConnection(target.hostname or "", target.port or 80, timeout=_SECONDS)
    try:
        _send(connection, target.path)
        answer = connection.getresponse()
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        return _away(f"The add-on at {addon_url} does not answer ({type(error).__name__}).")
    response = Response(_pieces(answer), status=answer.status)
    response.call_on_close(answer.close)
    response.call_on_close(connection.close)
    response.headers.clear()
    for name, value in answer.getheaders():
        if name.lower() not in _HOP_BY_HOP:
            response.headers.add(name, value)
    return response


def _send(connection: http.client.HTTPConnection, prefix: str) -> None:
    raw_path = request.environ.get("REQUEST_URI") or request.full_path.rstrip("?")
    connection.putrequest(request.method, prefix + raw_path, skip_host=True, skip_accept_encoding=True)
    for name, value in request.headers:
        if name.lower() not in _HOP_BY_HOP | _REPLACED:
            connection.putheader(name, value)
    connection.putheader("Host", request.host)
    connection.putheader("X-Forwarded-Host", request.host)
    connection.putheader("X-Forwarded-Proto", request.scheme)
    connection.putheader("X-Forwarded-For", request.remote_addr or "")
    length = request.content_length
    chunked = length is None and request.headers.get("Transfer-Encoding", "").lower() == "chunked"
    if length is not None:
        connection.putheader("Content-Length", str(length))
    if chunked:
        connection.putheader("Transfer-Encoding", "chunked")
    connection.endheaders()
    while (length or chunked) and (piece := request.stream.read(_PIECE)):
        connection.send(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
    if chunked:
        connection.send(b"0\r\n\r\n")


def _pieces(answer: http.client.HTTPResponse) -> Iterator[bytes]:
    while piece := answer.read1(_PIECE):
        yield piece


def _away(reason: str) -> Response:
    return Response(render_template("host/away.html", reason=reason), status=502)
