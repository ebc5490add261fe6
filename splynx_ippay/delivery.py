"""How pages and files travel. Owns addresses of static files that never go stale, their caching, and compression.

A static file's address carries the digest of its content, so a browser may keep it for a year and an update is seen at
once. Must never let a page be kept: pages show money and are never stored.
"""

from __future__ import annotations

import gzip
import hashlib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import current_app, g, request
from werkzeug.security import safe_join

if TYPE_CHECKING:
    from flask import Flask, Response

STATIC = frozenset({"static", "bootstrap.static"})
VERSIONED = frozenset({"brand.style", "brand.picture"})  # these say themselves which version was asked for
# A picture of a link does not change while the link opens; the link is its holder's secret, so no proxy keeps it.
KEPT = {"pay.qr_code": "private, max-age=86400"}
_FOR_EVER = "public, max-age=31536000, immutable"
_BRIEFLY = "public, max-age=3600"
_TEXTS = frozenset({"text/html", "text/css", "text/javascript", "application/javascript", "application/json", "image/svg+xml"})
_WORTH_IT = 500  # smaller answers fit one packet anyway


def init_app(app: Flask) -> None:
    """Stamp the addresses of static files, and compress and label what is sent."""
    app.url_defaults(_stamp)
    app.after_request(_deliver)


def _stamp(endpoint: str, values: dict[str, Any]) -> None:
    if endpoint in STATIC and (version := _version(endpoint, values.get("filename", ""))):
        values.setdefault("v", version)


def _version(endpoint: str, filename: str) -> str:
    """The digest of a static file, "" where there is none."""
    owner = current_app if endpoint == "static" else current_app.blueprints["bootstrap"]
    path = safe_join(str(owner.static_folder), filename)
    try:
        return _digest(str(path), Path(str(path)).stat().st_mtime_ns) if path else ""
    except OSError:
        return ""


@lru_cache(maxsize=256)
def _digest(path: str, _changed_at: int) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:12]


def _deliver(response: Response) -> Response:
    is_static = request.endpoint in STATIC
    if request.endpoint in VERSIONED and response.status_code == 200:  # noqa: PLR2004 - found
        response.headers["Cache-Control"] = _FOR_EVER if g.get("asked_for_this_version") else _BRIEFLY
    elif request.endpoint in KEPT and response.status_code == 200:  # noqa: PLR2004 - found
        response.headers["Cache-Control"] = KEPT[request.endpoint]
    elif not is_static:
        response.headers["Cache-Control"] = "no-store"
    elif response.status_code in {200, 304}:
        asked = request.args.get("v")
        is_this = asked is not None and asked == _version(request.endpoint or "", (request.view_args or {}).get("filename", ""))
        response.headers["Cache-Control"] = _FOR_EVER if is_this else _BRIEFLY
    if response.mimetype in _TEXTS:
        response.vary.add("Accept-Encoding")
        if response.status_code != 206 and request.accept_encodings.quality("gzip") and "Content-Encoding" not in response.headers:  # noqa: PLR2004 - a part of a file
            _compress(response, is_static=is_static)
    return response


def _compress(response: Response, *, is_static: bool) -> None:
    """Gzip the body, unless it is made while it is sent."""
    # A page's secrets stay safe from guessing by length (BREACH): our cookie is SameSite=Lax, so another site cannot
    # make a browser fetch our pages with it, and a CSRF token is signed anew for every page.
    if response.is_streamed and not is_static:
        return
    response.direct_passthrough = False
    body = response.get_data()
    if len(body) < _WORTH_IT:
        return
    response.set_data(_packed(body) if is_static else gzip.compress(body, 6, mtime=0))
    response.headers["Content-Encoding"] = "gzip"
    etag, _ = response.get_etag()
    if etag:
        response.set_etag(etag, weak=True)


@lru_cache(maxsize=32)
def _packed(body: bytes) -> bytes:
    return gzip.compress(body, 9, mtime=0)
