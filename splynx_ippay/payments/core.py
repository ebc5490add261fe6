"""What every use case of the core needs, built once by the composition root: database, settings, keys, both wires."""

from __future__ import annotations

import os
import socket
import threading
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from splynx_ippay.base import clock
from splynx_ippay.base.crypto import KeyBox
from splynx_ippay.base.db import Database
from splynx_ippay.base.errors import ConfigError
from splynx_ippay.base.settings import Settings
from splynx_ippay.credentials.banks import RoutingDirectory
from splynx_ippay.ippay.client import GatewayClient
from splynx_ippay.ippay.report import ReportClient
from splynx_ippay.notifications.mail import SECONDS
from splynx_ippay.payments import mark
from splynx_ippay.splynx.client import SplynxClient
from splynx_ippay.splynx.resources import Host

if TYPE_CHECKING:
    from pathlib import Path

    from splynx_ippay.base.settings import Deployment, TerminalSettings

# Hosts of the gateway as public clients name them (docs/WIRE.md).
_GATEWAY = {"production": "https://gtwy.ippay.com/ippay", "test": "https://testgtwy.ippay.com/ippay"}
_REPORTS = {"production": "https://rpt.ippay.com/ippayReport/", "test": "https://rpt-test.ippay.com/ippayReport/"}


@dataclass
class Core:
    """Everything the use cases work with. One per process; safe to share between threads."""

    deployment: Deployment
    settings: Settings
    database: Database
    box: KeyBox
    keep_trying: timedelta = timedelta(seconds=30)  # to record an answer, before it goes to the spool
    answer_seconds: float = 75.0  # how long IPpay may take for one answer, all in all
    host_seconds: float = 15.0  # how long Splynx may be silent
    mail_seconds: float = SECONDS  # how long the mail server may be silent
    holder: str = field(default_factory=lambda: f"{socket.gethostname()}:{os.getpid()}")
    banks: RoutingDirectory = field(init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _host: tuple[tuple[str, str, str], Host] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self.banks = RoutingDirectory(self.deployment.routing_directory)

    @classmethod
    def open(cls, deployment: Deployment) -> Core:
        """Everything of a deployment, after the checks without which no money may move. Raises ConfigError."""
        box = KeyBox.load(deployment.key_file)
        database = Database(deployment.database_url)
        database.check()
        core = cls(deployment=deployment, settings=Settings.of(deployment), database=database, box=box)
        mark.at_start(core)
        return core

    @property
    def host(self) -> Host:
        """Splynx, with the address and key of the settings as they are now. Raises ConfigError when they are missing."""
        wanted = tuple(self.settings.text(key).strip() for key in ("api_domain", "api_key", "api_secret"))
        if not all(wanted) or not wanted[0].startswith(("http://", "https://")):
            raise ConfigError("API domain, API key and API secret must be set in the add-on's settings in Splynx; "
                              "run: splynx-ippay register")
        address, key, secret = wanted
        with self._lock:
            if self._host is None or self._host[0] != (address, key, secret):
                client = SplynxClient(address, key, secret, ca_file=self.deployment.ca_file or None,
                                      read_seconds=self.host_seconds, deadline_seconds=2 * self.host_seconds)
                self._host = ((address, key, secret), Host(client))
            return self._host[1]

    def gateway(self, environment: str) -> GatewayClient:
        """IPpay, for an environment. Raises ConfigError when a moved clock would meet real money."""
        url = self.deployment.gateway_url or _GATEWAY[environment]
        if clock.is_moved() and environment == "production":
            raise ConfigError("the clock is moved by a file; with the production gateway that is refused")
        return GatewayClient(url, ca_file=self.deployment.ca_file or None, deadline_seconds=self.answer_seconds)

    def reports(self, terminal: TerminalSettings) -> ReportClient | None:
        """IPpay's reports for a terminal, None without a reporting login."""
        if not terminal.can_report:
            return None
        return ReportClient(self.deployment.report_url or _REPORTS[terminal.environment],
                            terminal.reporting_merchant_id, terminal.reporting_password,
                            ca_file=self.deployment.ca_file or None)

    @property
    def installation(self) -> str:
        """A short id of this installation, in every sale (UDField2); derived from the key file, not a secret."""
        return self.box.sign("installation", "id")[:8]

    @property
    def spool(self) -> Path:
        """Where an answer goes that the database would not take."""
        return self.deployment.spool_dir
