"""The web application: composition root of the three doors, their guards and their error pages.

Owns what holds for every page: headers, cookie, CSRF, languages, words for what goes wrong. Knows everything, is known
by nobody but ``wsgi`` and ``cli``.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from flask import Blueprint, Flask, current_app, request
from flask.sessions import SecureCookieSessionInterface
from flask_wtf import CSRFProtect
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import IntegerConverter

from splynx_ippay import admin, auth, delivery, error_pages, pay, portal
from splynx_ippay.checkout import banks, branding, formats, merchant

if TYPE_CHECKING:
    from flask import Response
    from flask.typing import ResponseReturnValue
    from werkzeug.routing import Map

    from splynx_ippay.payments.core import Core

_log = logging.getLogger(__name__)

_LARGEST_FORM = 64 * 1024
_LARGEST_ID = 2**31 - 1
_FORM_OPEN_SECONDS = 2 * 60 * 60
# Our pages stand in frames of the host, which is the same origin, and in nobody else's. Bootstrap draws the arrows of
# selects from data: images.
_POLICY = ("default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; font-src 'self'; "
           "form-action 'self'; base-uri 'none'; frame-ancestors 'self'")


class _Id(IntegerConverter):
    """A number in an address that fits the key's column; a larger one is no address of ours."""

    def __init__(self, url_map: Map) -> None:
        super().__init__(url_map, max=_LARGEST_ID)


class _SessionCookie(SecureCookieSessionInterface):
    """Our cookie is marked Secure where the page came by https: the sandbox and a lone machine speak http."""

    def get_cookie_secure(self, app: Flask) -> bool:
        """Whether this request came by https (told by the host's proxy)."""
        del app
        return request.is_secure


def create_app(core: Core) -> Flask:
    """The application for one core; every page is under /ippay, where the host's proxy sends it."""
    app = Flask("splynx_ippay", static_url_path="/ippay/static")
    app.extensions["core"] = core
    app.url_map.converters["int"] = _Id
    app.session_interface = _SessionCookie()
    app.config.update(
        SECRET_KEY=core.box.secret("session"), SESSION_COOKIE_NAME="splynx_ippay_session", SESSION_COOKIE_PATH="/ippay",
        SESSION_COOKIE_HTTPONLY=True, SESSION_COOKIE_SAMESITE="Lax", MAX_CONTENT_LENGTH=_LARGEST_FORM,
        MAX_FORM_PARTS=200, WTF_CSRF_TIME_LIMIT=_FORM_OPEN_SECONDS, TRAP_HTTP_EXCEPTIONS=False)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1)  # type: ignore[method-assign]
    # The host signs what it sends to the webhook; it has no page of ours to take a token from.
    CSRFProtect(app).exempt("splynx_ippay.pay.webhook.receive")
    formats.init_app(app)
    merchant.init_app(app)
    branding.init_app(app)
    banks.init_app(app)
    auth.init_app(app)
    error_pages.init_app(app)
    # Bootstrap-Flask's own blueprint would stand at /bootstrap, which the host does not send to us.
    app.register_blueprint(Blueprint("bootstrap", "flask_bootstrap", static_folder="static/bootstrap5",
                                     static_url_path="/ippay/static/bootstrap", template_folder="templates"))
    for door in (portal.bp, pay.bp, admin.bp):
        app.register_blueprint(door)
    app.add_url_rule("/ippay/healthz", "healthz", _healthz)
    app.after_request(_set_headers)
    delivery.init_app(app)
    return app


def _set_headers(response: Response) -> Response:
    response.headers.setdefault("Content-Security-Policy", _POLICY)
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    return response


def _healthz() -> ResponseReturnValue:
    """Whether this process can look at its database; asks neither neighbour."""
    core: Core = current_app.extensions["core"]
    try:
        with core.database.read() as session:
            session.execute(text("SELECT 1"))
    except SQLAlchemyError as error:
        _log.error("the database cannot be read: %s", type(error).__name__)
        return {"status": "the database cannot be read"}, 503
    return {"status": "ok"}
