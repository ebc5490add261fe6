"""What the checks look at: one deployment, each part opened when it is first asked for.

A part that cannot be opened raises when it is used, so that the check of that part says so and the others go on.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from splynx_ippay.base.crypto import KeyBox
from splynx_ippay.base.db import Database
from splynx_ippay.base.settings import Settings
from splynx_ippay.payments.core import Core
from splynx_ippay.splynx.client import SplynxClient
from splynx_ippay.splynx.resources import Host

if TYPE_CHECKING:
    from splynx_ippay.base.settings import Deployment


class Subject:
    """A deployment under examination. ``Subject.of(core)`` examines a running one."""

    def __init__(self, deployment: Deployment, settings: Settings | None = None) -> None:
        """Reads nothing yet."""
        self.deployment = deployment
        self.settings = settings or Settings.of(deployment)

    @classmethod
    def of(cls, core: Core) -> Subject:
        """The deployment of a running process, with its own database connections."""
        subject = cls(core.deployment, core.settings)
        subject.__dict__.update(core=core, database=core.database, box=core.box)
        return subject

    @cached_property
    def box(self) -> KeyBox:
        """The keys. Raises ConfigError."""
        return KeyBox.load(self.deployment.key_file)

    @cached_property
    def database(self) -> Database:
        """The database, not looked at. Raises ConfigError."""
        return Database(self.deployment.database_url)

    @cached_property
    def core(self) -> Core:
        """A Core without the checks a serving process makes. Raises ConfigError."""
        return Core(deployment=self.deployment, settings=self.settings, database=self.database, box=self.box)

    @cached_property
    def client(self) -> SplynxClient:
        """Splynx, signed in anew: an older token would tell of older permissions. Raises ConfigError."""
        address, key, secret = (self.settings.text(name).strip() for name in ("api_domain", "api_key", "api_secret"))
        return SplynxClient(address, key, secret, ca_file=self.deployment.ca_file or None)

    @cached_property
    def host(self) -> Host:
        """The same, as the core uses it. Raises ConfigError."""
        return Host(self.client)
