"""What add-ons have registered: API keys, modules, entry points, payment account kinds, hooks, additional fields.

Nothing here names an add-on: what is not registered does not exist for the host's pages.
"""

from __future__ import annotations

import ipaddress
import secrets
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

ACTIONS = ("index", "view", "add", "update", "delete")


@dataclass(slots=True)
class ApiKey:
    """A key with its secret, the rules per controller and action, and the highest nonce seen."""

    id: int
    title: str
    key: str = field(default_factory=lambda: secrets.token_hex(16))
    secret: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)
    everything: bool = False
    unsecure: bool = False
    partner_id: int = 0
    addresses: tuple[str, ...] = ()
    rules: dict[tuple[str, str], str] = field(default_factory=dict)
    last_nonce: int = 0

    def allows(self, controller: str, action: str) -> bool:
        """Tell whether the key may do the action (controller with or without the ``api`` prefix)."""
        return self.everything or self.rules.get((bare_controller(controller), action)) == "allow"

    def accepts_address(self, address: str) -> bool:
        """Tell whether a call from this address is allowed; no list allows every address."""
        if not self.addresses:
            return True
        caller = ipaddress.ip_address(address)
        return any(caller in ipaddress.ip_network(allowed, strict=False) for allowed in self.addresses)

    def accept_nonce(self, nonce: int) -> bool:
        """Take a nonce if it is higher than every one before it."""
        if nonce <= self.last_nonce:
            return False
        self.last_nonce = nonce
        return True


def bare_controller(controller: str) -> str:
    r"""Return ``admin\finance\Payments`` for that with or without the ``api\`` prefix."""
    return controller.removeprefix("api\\")


@dataclass(slots=True)
class EntryPoint:
    """A place in the host's pages that an add-on fills."""

    module: str
    name: str
    title: str
    place: str = "portal"
    type: str = "menu_link"
    root: str = ""
    model: str = ""
    url: str = ""
    icon: str = "fa-credit-card"
    code: str = ""
    size: str = "lg"
    enabled: bool = True
    partners: tuple[int, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return every field, for lists and tests."""
        return asdict(self)


@dataclass(slots=True)
class Module:
    """An add-on as the Modules list shows it; ``folder`` is where its files are on this machine."""

    name: str
    title: str
    path: str
    folder: Path
    type: str = "add-on"
    root: str = ""
    portal_enabled: bool = True


@dataclass(slots=True)
class Hook:
    """A webhook an administrator has configured: all of ``events`` (``invoice/pay``), or every event if empty."""

    id: int
    title: str
    url: str
    secret: str = field(repr=False, default="")
    enabled: bool = True
    events: tuple[str, ...] = ()


class Registry:
    """Everything registered, with the rule for what a page may show."""

    def __init__(self) -> None:
        self.keys: dict[int, ApiKey] = {}
        self.modules: dict[str, Module] = {}
        self.points: dict[tuple[str, str], EntryPoint] = {}
        self.account_kinds: dict[int, dict[str, Any]] = {}
        self.additional_fields: dict[int, dict[str, Any]] = {}
        self.hooks: dict[int, Hook] = {}

    def add_key(self, title: str, **options: Any) -> ApiKey:
        """Create an API key; without ``everything`` it may do nothing yet."""
        key = ApiKey(id=max(self.keys, default=0) + 1, title=title, **options)
        self.keys[key.id] = key
        return key

    def find_key(self, name: str) -> ApiKey | None:
        """Return the key whose public half is ``name``."""
        return next((key for key in self.keys.values() if key.key == name), None)

    def add_hook(self, title: str, url: str, secret: str, events: tuple[str, ...] = ()) -> Hook:
        """Configure a webhook."""
        hook = Hook(id=max(self.hooks, default=0) + 1, title=title, url=url, secret=secret, events=events)
        self.hooks[hook.id] = hook
        return hook

    def shown(self, place: str, kind: str, partner_id: int = 0, model: str = "") -> list[EntryPoint]:
        """Return the entry points a page may show: registered, switched on, and for the portal not stopped by the module."""
        return [
            point for point in self.points.values()
            if point.place == place and point.type == kind and self.is_shown(point) and (not model or point.model == model)
            and (not point.partners or partner_id in point.partners)
        ]

    def find_shown(self, place: str, name: str, partner_id: int = 0, module: str = "") -> EntryPoint | None:
        """Return one shown entry point by name, whatever its type."""
        for point in self.points.values():
            wanted = point.name == name and point.place == place and module in ("", point.module)
            if wanted and point in self.shown(place, point.type, partner_id):
                return point
        return None

    def is_shown(self, point: EntryPoint) -> bool:
        """Tell whether the point is switched on, and its module exists and is not stopped for the portal."""
        module = self.modules.get(point.module)
        return point.enabled and module is not None and (point.place != "portal" or module.portal_enabled)
