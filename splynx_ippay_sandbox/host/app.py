"""Puts the host together: state, API, portal, admin, proxy. The control room and the faults are added by the server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask, redirect, render_template

from splynx_ippay_sandbox.host import admin, api, config_pages, document_pages, fields, icons, portal, proxy
from splynx_ippay_sandbox.host.part import HostPart

if TYPE_CHECKING:
    from werkzeug.exceptions import HTTPException
    from werkzeug.wrappers import Response

    from splynx_ippay_sandbox.world import World

_PACKAGE = Path(__file__).resolve().parent.parent


def create_app(world: World) -> Flask:
    """Build the host of this world and let its state join it."""
    host = HostPart(world)
    world.join("host", host)
    app = Flask(__name__, template_folder=str(_PACKAGE / "templates"), static_folder=str(_PACKAGE / "static" / "host"),
                static_url_path="/host-static")
    app.config["MAX_CONTENT_LENGTH"] = 32 * 1024 * 1024
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    app.jinja_env.globals["icon"] = icons.icon
    app.jinja_env.filters["cents"] = fields.cents_text
    for pages in (api.blueprint(host), portal.blueprint(host), admin.blueprint(host), config_pages.blueprint(host),
                  document_pages.blueprint(host), proxy.blueprint(host)):
        app.register_blueprint(pages)

    @app.get("/")
    def root() -> Response:
        return redirect("/portal/")

    for code in (400, 403, 404, 405):
        app.register_error_handler(code, _error_page)
    return app


def _error_page(error: HTTPException) -> tuple[str, int]:
    code = error.code or 500
    return render_template("host/error.html", code=code, title=error.name, text=error.description), code
