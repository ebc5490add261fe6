"""The host as a part of the sandbox's world: what the control room and the ready line ask of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from splynx_ippay_sandbox import seed as seeds
from splynx_ippay_sandbox.host import cli, letters, program
from splynx_ippay_sandbox.host.state import HostState

if TYPE_CHECKING:
    from splynx_ippay_sandbox.world import World


class HostPart:
    """The host's state with the doors the rest of the sandbox uses."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.state = HostState(world.clock.now, world.state_dir, world.urls["host_url"])
        self.addon_url: str | None = None
        self.state.addons_folder.mkdir(parents=True, exist_ok=True)
        program.install(self.state.folder, world.urls["host_url"])

    def reset(self, seed: str) -> None:
        """Forget customers and finance and fill again; what add-ons registered stays, and so do the add-on's address and keys."""
        with self.world.lock:
            seeds.seed_host(self.state, seed)

    def ledger(self) -> dict[str, Any]:
        """Return everything really booked."""
        return self.state.ledger()

    def tick(self) -> None:
        """Nothing of the host falls due by itself."""

    def ready(self) -> dict[str, Any]:
        """Return the host's keys of the ready line."""
        return self.state.ready()

    def set_addon(self, url: str | None) -> None:
        """Point the reverse proxy at the add-on."""
        self.addon_url = url.rstrip("/") if url else None

    def spread_payments(self, on: bool) -> None:  # noqa: FBT001 - the value of a switch
        """Whether a payment that names no document pays debits and invoices by itself."""
        self.state.spreads_payments = on

    def cli(self, argv: list[str]) -> dict[str, Any]:
        """Run the host's command for add-ons."""
        with self.world.lock:
            return cli.run(self.state, argv)

    def events(self) -> list[dict[str, Any]]:
        """Return the webhooks sent so far."""
        return self.state.events

    def send(self, kind: str, document_id: int) -> dict[str, Any]:
        """Mail an invoice or proforma to its customer. Raises ``letters.NotSent``, a ValueError."""
        return letters.send(self, kind, document_id)
