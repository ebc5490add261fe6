"""What both servers of the sandbox share: the lock, the movable clock, the faults, the counters and the two states.

Never imports the product, Flask or a part: ``gateway`` and ``host`` build their own state and join the world.

How a part joins: ``host.create_app(world)`` (and ``gateway.create_app(world)``) build an object with the methods of
``Part``, hand it over with ``world.join("host", part)``, and return their Flask app. ``join`` calls
``part.reset(world.seed)``. Every change of a state happens under ``with world.lock:`` (reentrant).
Fault kinds that act on the connection are done before and after the app by ``interference.py``; the app itself asks
``faults.current(request.environ)`` only for the kinds named in ``faults.IN_APP``. Calls are counted for it too.
"""

from __future__ import annotations

import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from splynx_ippay_sandbox.faults import FaultEngine

if TYPE_CHECKING:
    from pathlib import Path

SEEDS = ("small", "month", "large")


class Part(Protocol):
    """What the world, the control blueprint and the ready line ask of a server's state."""

    def reset(self, seed: str) -> None:
        """Forget everything and fill again from the named seed."""

    def ledger(self) -> dict[str, Any]:
        """Everything really booked, as JSON values (see the control blueprint)."""

    def tick(self) -> None:
        """Do whatever has fallen due by ``world.clock.now()``."""

    def ready(self) -> dict[str, Any]:
        """The keys this part adds to the ready line."""


class HostPart(Part, Protocol):
    """What the control blueprint asks of the host besides."""

    def set_addon(self, url: str | None) -> None:
        """Point the reverse proxy under /ippay at the add-on (None: nothing there)."""

    def spread_payments(self, on: bool) -> None:  # noqa: FBT001 - the value of a switch
        """Whether a payment that names no document pays debits and invoices by itself."""

    def cli(self, argv: list[str]) -> dict[str, Any]:
        """Run the host's ``system/script/addon``: {"exit": int, "stdout": str, "stderr": str}."""

    def events(self) -> list[dict[str, Any]]:
        """The webhooks sent so far."""

    def send(self, kind: str, document_id: int) -> dict[str, Any]:
        """Mail an invoice or proforma to its customer; ValueError says why not."""


class Clock:
    """The sandbox's time: the machine's plus an offset that can be moved; the offset is mirrored to a file."""

    def __init__(self, clock_file: Path | None = None) -> None:
        self.clock_file = clock_file
        self._offset = 0
        if clock_file is not None and clock_file.exists():
            self._offset = int(clock_file.read_text(encoding="ascii").strip() or "0")
        self._write()

    def now(self) -> datetime:
        """The time in UTC, aware."""
        return datetime.now(UTC) + timedelta(seconds=self._offset)

    @property
    def offset_seconds(self) -> int:
        """How far the clock is moved, in seconds."""
        return self._offset

    def jump(self, *, days: float = 0, seconds: float = 0) -> datetime:
        """Move forward (or back) by whole seconds and return the new time."""
        self._offset += round(days * 86_400 + seconds)
        self._write()
        return self.now()

    def restart(self) -> None:
        """Back to the machine's own time."""
        self._offset = 0
        self._write()

    def _write(self) -> None:
        if self.clock_file is None:
            return
        self.clock_file.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.clock_file.with_name(self.clock_file.name + ".new")
        fresh.write_text(f"{self._offset}\n", encoding="ascii")
        fresh.replace(self.clock_file)  # readers in other processes never see half a number


class Counters:
    """How often each kind of call reached each server, faulted calls included."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[str, Counter[str]] = {"gateway": Counter(), "host": Counter()}

    def count(self, server: str, kind: str) -> None:
        """One more call of this kind."""
        with self._lock:
            self._counts[server][kind] += 1

    def snapshot(self) -> dict[str, dict[str, int]]:
        """The counts by server and kind."""
        with self._lock:
            return {server: dict(counts) for server, counts in self._counts.items()}

    def clear(self) -> None:
        """Back to zero."""
        with self._lock:
            for counts in self._counts.values():
                counts.clear()


class World:
    """The one object both servers hold.

    ``urls`` has ``host_url``, ``gateway_url`` and ``report_url`` and ``smtp`` its host and port before any app is built,
    because the sockets are bound first. ``state_dir`` exists. ``mails`` is what the catcher of mails keeps.
    """

    def __init__(self, *, seed: str, state_dir: Path, clock_file: Path | None = None) -> None:
        self.lock = threading.RLock()
        self.clock = Clock(clock_file)
        self.faults = FaultEngine()
        self.counters = Counters()
        self.seed = seed
        self.state_dir = state_dir
        self.urls: dict[str, str] = {}
        self.capture: list[bytes] = []
        self.mails: list[dict[str, Any]] = []
        self.mail_lock = threading.Lock()
        self.smtp = ("", 0)
        self._parts: dict[str, Any] = {}

    def join(self, name: str, part: Part) -> None:
        """A server's state enters the world under "gateway" or "host" and is filled from the seed."""
        self._parts[name] = part
        part.reset(self.seed)

    @property
    def gateway(self) -> Any:
        """The gateway's state (``gateway.state.GatewayState``)."""
        return self._parts["gateway"]

    @property
    def host(self) -> Any:
        """The host's state (a ``HostPart``)."""
        return self._parts["host"]

    @property
    def parts(self) -> dict[str, Any]:
        """The joined parts by name."""
        return dict(self._parts)

    def tick(self) -> None:
        """Let every part do what has fallen due."""
        with self.lock:
            for part in self._parts.values():
                part.tick()

    def reset(self, seed: str) -> None:
        """Start afresh: faults, counters, capture, clock, both states. Addresses and the add-on stay."""
        with self.lock:
            self.seed = seed
            self.faults.clear()
            self.counters.clear()
            self.capture.clear()
            with self.mail_lock:
                self.mails.clear()
            self.clock.restart()
            for part in self._parts.values():
                part.reset(seed)
