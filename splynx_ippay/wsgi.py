"""What a web server loads: ``splynx_ippay.wsgi:app``, and the settings gunicorn runs it with.

Owns nothing but the joint: the Core opens itself, the pages in app.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flask import Flask

    from splynx_ippay.base.settings import Deployment

THREADS = 8
# Above the gateway's own deadline of 75 s: a charge under way is never cut off by us.
TIMEOUT_SECONDS = 100


def gunicorn_settings(deployment: Deployment) -> dict[str, Any]:
    """One process with threads on the listen address: sessions, caches and the token to Splynx live once.

    No access log: addresses of pages carry the host's session hash (sash) and links to pay by.
    """
    return {
        "bind": [deployment.listen], "workers": 1, "worker_class": "gthread", "threads": THREADS,
        "timeout": TIMEOUT_SECONDS, "graceful_timeout": TIMEOUT_SECONDS, "keepalive": 5, "accesslog": None,
        "limit_request_line": 4094, "limit_request_fields": 60, "proc_name": "splynx-ippay",
        "loglevel": deployment.log_level.lower(), "control_socket_disable": True,
    }


def make_app(deployment: Deployment) -> Flask:
    """The web application of a deployment. Raises ConfigError."""
    from splynx_ippay.app import create_app
    from splynx_ippay.payments.core import Core

    return create_app(Core.open(deployment))


def serve(deployment: Deployment) -> None:
    """Serve until SIGTERM. Raises ConfigError before anything listens."""
    from gunicorn.app.base import BaseApplication

    from splynx_ippay.payments.core import Core

    # A look at everything in this process; the web process composes its own, for connections do not survive a fork.
    Core.open(deployment).database.engine.dispose()

    class Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
        """Gunicorn with our settings, no configuration file and no arguments of its own."""

        def load_config(self) -> None:
            for name, value in gunicorn_settings(deployment).items():
                # An older gunicorn has no control socket to switch off.
                if name in self.cfg.settings:
                    self.cfg.set(name, value)

        def load(self) -> Flask:
            return make_app(deployment)

    Server().run()


def __getattr__(name: str) -> Any:
    """``app``, composed when a web server asks for it: importing this module reads no file."""
    if name != "app":
        raise AttributeError(name)
    from splynx_ippay.base import logs
    from splynx_ippay.base.settings import Deployment

    deployment = Deployment.load()
    logs.configure(deployment.log_level, deployment.log_file)
    return make_app(deployment)
