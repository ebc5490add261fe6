"""Puts the sandbox together: two ports with an app each, one that catches mails, one world. Owns starting and stopping, and the ready line.

with Sandbox(seed="small") as box:
box.ready["gateway_url"]; box.world.clock.jump(days=5); box.set_addon("http://127.0.0.1:8000")
"""

from __future__ import annotations

import os
import shutil
import ssl
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from splynx_ippay_sandbox import control, gateway, host
from splynx_ippay_sandbox.interference import Interference
from splynx_ippay_sandbox.listener import Listener
from splynx_ippay_sandbox.mail import Catcher
from splynx_ippay_sandbox.world import World

if TYPE_CHECKING:
    from types import TracebackType

LOOPBACK = "127.0.0.1"
CERTIFICATE_NAMES = (LOOPBACK, "localhost", "gtwy.ippay.com", "testgtwy.ippay.com")


class Sandbox:
    """Host and gateway, running from ``start`` to ``stop`` (or inside ``with``)."""

    def __init__(
        self,
        *,
        seed: str = "small",
        tls: bool = False,
        addon_url: str | None = None,
        state_dir: str | Path | None = None,
        clock_file: str | Path | None = None,
        host_port: int = 0,
        gateway_port: int = 0,
        smtp_port: int = 0,
    ) -> None:
        self._own_dir = state_dir is None
        self.state_dir = Path(tempfile.mkdtemp(prefix="sandbox-")) if state_dir is None else Path(state_dir).absolute()
        self.state_dir.mkdir(parents=True, exist_ok=True)
        self.world = World(
            seed=seed, state_dir=self.state_dir, clock_file=None if clock_file is None else Path(clock_file)
        )
        self._tls = tls
        self._addon_url = addon_url
        self._ports = {"host": host_port, "gateway": gateway_port}
        self._smtp_port = smtp_port
        self._catcher: Catcher | None = None
        self._listeners: dict[str, Listener] = {}
        self._stopping = threading.Event()
        self.ready: dict[str, Any] = {}

    def start(self) -> dict[str, Any]:
        """Bind, build, seed and serve; returns the ready facts. Raises OSError for a port that is taken."""
        for name, port in self._ports.items():
            self._listeners[name] = Listener(LOOPBACK, port)
        self._catcher = Catcher(self.world, self._smtp_port)
        self.world.smtp = self._catcher.address
        ca_file = self._make_certificates() if self._tls else None
        self._catcher.start(self._listeners["gateway"].tls)
        self._name_urls()
        apps = {"gateway": gateway.create_app(self.world), "host": host.create_app(self.world)}
        for name, app in apps.items():
            app.register_blueprint(control.blueprint(self.world))
            self._serve(name, app)
        if self._addon_url is not None:
            self.set_addon(self._addon_url)
        facts = {key: value for part in self.world.parts.values() for key, value in part.ready().items()}
        self.ready = {**self.world.urls, **facts, "ca_file": ca_file, "state_dir": str(self.state_dir),
                      "routing_directory": str(Path(__file__).with_name("banks.txt")),
                      "smtp_host": self.world.smtp[0], "smtp_port": self.world.smtp[1], "pid": os.getpid()}
        return self.ready

    def stop(self) -> None:
        """Close both ports and remove the state directory if it was made here."""
        self._stopping.set()
        for listener in self._listeners.values():
            listener.stop()
        if self._catcher is not None:
            self._catcher.stop()
        if self._own_dir:
            shutil.rmtree(self.state_dir, ignore_errors=True)

    def set_addon(self, url: str | None) -> None:
        """Where the host's reverse proxy finds the add-on."""
        self.world.host.set_addon(url)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _serve(self, name: str, app: Any) -> None:
        listener = self._listeners[name]
        listener.app = Interference(app, self.world, name, self._stopping)
        faults = self.world.faults
        listener.spoils_handshake = lambda: faults.take_handshake(name) is not None

        def refuse(closed: bool, seconds: float) -> None:  # noqa: FBT001 - the engine's callback
            if closed:
                listener.close_port(seconds, lambda: faults.refused_long_enough(name))
            else:
                listener.open_port()

        faults.on_refuse(name, refuse)
        listener.open_port()

    def _name_urls(self) -> None:
        host_port = self._listeners["host"].address[1]
        gateway_port = self._listeners["gateway"].address[1]
        scheme = "https" if self._tls else "http"
        self.world.urls.update(
            host_url=f"http://{LOOPBACK}:{host_port}",
            api_url=f"http://{LOOPBACK}:{host_port}/",
            gateway_url=f"{scheme}://{LOOPBACK}:{gateway_port}/ippay",
            report_url=f"{scheme}://{LOOPBACK}:{gateway_port}/ippayReport/",
        )

    def _make_certificates(self) -> str:
        import trustme

        authority = trustme.CA()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        authority.issue_cert(*CERTIFICATE_NAMES).configure_cert(context)
        self._listeners["gateway"].tls = context
        ca_file = self.state_dir / "ca.pem"
        authority.cert_pem.write_to_path(str(ca_file))
        return str(ca_file)
