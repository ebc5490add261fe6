"""Browser sessions of the host's pages: the PHPSESSID cookie, logging in and out, CSRF of forms, one-time messages."""

from __future__ import annotations

import hmac
import secrets
from typing import TYPE_CHECKING, cast
from urllib.parse import quote

from flask import abort, g, redirect, request

from splynx_ippay_sandbox.host.state import WebSession

if TYPE_CHECKING:
    from flask import Blueprint, Response
    from werkzeug.wrappers import Response as WerkzeugResponse

    from splynx_ippay_sandbox.host.part import HostPart

COOKIE = "PHPSESSID"
OPEN = ("login", "login_post")


def guard(pages: Blueprint, host: HostPart, kind: str) -> None:
    """Give every page of the blueprint a session, and let only logged-in people of this kind past the login page."""

    @pages.before_request
    def open_session() -> WerkzeugResponse | None:
        with host.world.lock:
            kept = host.state.sessions.get(request.cookies.get(COOKIE, ""))
            g.host_session = kept or WebSession()
            host.state.sessions[g.host_session.id] = g.host_session
        if request.method == "POST" and not _csrf_fits():
            abort(400, "The form is too old or came from elsewhere. Go back, reload the page and try again.")
        if not person(kind) and (request.endpoint or "").rsplit(".", 1)[-1] not in OPEN:
            return redirect(f"/{kind_path(kind)}/login/?return={quote(request.full_path.rstrip('?'), safe='')}")
        return None

    @pages.after_request
    def send_cookie(response: Response) -> Response:
        if request.cookies.get(COOKIE) != g.host_session.id:
            response.set_cookie(COOKIE, g.host_session.id, httponly=True, samesite="Lax", path="/")
        response.headers["Cache-Control"] = "no-store"
        return response


def kind_path(kind: str) -> str:
    """Return the first part of the URLs of a kind of people."""
    return "portal" if kind == "customer" else "admin"


def session() -> WebSession:
    """Return the session of this request."""
    return cast("WebSession", g.host_session)


def person(kind: str) -> int:
    """Return the id of who is logged in as customer or admin, or 0."""
    return session().customer_id if kind == "customer" else session().admin_id


def log_in(host: HostPart, kind: str, person_id: int) -> None:
    """Log in under a new session id, so that an id planted before the login is worth nothing."""
    old = session()
    host.state.sessions.pop(old.id, None)
    fresh = WebSession(customer_id=old.customer_id, admin_id=old.admin_id, sash=old.sash, last_login=kind)
    if kind == "customer":
        fresh.customer_id = person_id
    else:
        fresh.admin_id, fresh.sash = person_id, secrets.token_hex(16)
    host.state.sessions[fresh.id] = fresh
    g.host_session = fresh


def log_out(kind: str) -> None:
    """Log out of one side; the other stays."""
    kept = session()
    if kind == "customer":
        kept.customer_id = 0
    else:
        kept.admin_id, kept.sash = 0, ""
    kept.last_login = "admin" if kept.admin_id else "customer" if kept.customer_id else ""


def local_target(default: str) -> str:
    """Return the ``return`` parameter if it stays on this host, else the default."""
    target = request.values.get("return", "")
    return target if target.startswith("/") and not target.startswith(("//", "/\\")) else default


def say(message: str) -> None:
    """Show this sentence on the next page."""
    session().message = message


def heard() -> str:
    """Return the waiting sentence, once."""
    message, session().message = session().message, ""
    return message


def _csrf_fits() -> bool:
    return hmac.compare_digest(session().csrf.encode(), request.form.get("_csrf", "").encode())
