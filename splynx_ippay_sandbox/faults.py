"""Faults as data: which call of which server goes wrong, and how. Owns the list and the choice, never the damage.

The damage is done by ``interference.py`` (everything about the connection and the shape of an answer), by
``listener.py`` (refuse, tls_failure) and, for the kinds of ``IN_APP``, by the apps themselves:

    fault = faults.current(request.environ)
    if fault is not None and fault.kind == "lose_posting": ...      # answer 201, book nothing
    if fault is not None and fault.kind == "duplicate": ...         # book twice, answer as for one
    if fault is not None and fault.kind == "wrong_amount": ...      # book fault.wrong(amount_cents), answer as asked
    if fault is not None and fault.kind == "echo": ...              # gateway only: error 900 echoing the request
"""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ENVIRON_KEY = "sandbox.fault"
IN_APP = frozenset({"echo", "duplicate", "wrong_amount", "lose_posting"})
BEFORE = frozenset({"drop_before", "reset"})
AFTER = frozenset({"drop_after", "half_answer", "slow_drip", "delay"})
INSTEAD = frozenset({"http_status", "html", "garbage", "xml_bomb", "oversize"})
CONNECTION = frozenset({"refuse", "tls_failure"})
KINDS = IN_APP | BEFORE | AFTER | INSTEAD | CONNECTION
SERVERS = ("gateway", "host")
MATCH_KEYS = frozenset({"type", "method", "path", "terminal_id", "transaction_id", "order_number", "amount_cents"})
_ONE_SERVER_ONLY = {"echo": "gateway", "lose_posting": "host"}
# Where a fault looks when its match names no path.
_DEFAULT_PATH = {"gateway": "/ippay", "host": "/api/"}


class FaultError(ValueError):
    """A fault that makes no sense; the text says why."""


@dataclass
class Fault:
    """One armed fault; ``left`` is None while only the probability limits it."""

    id: int
    server: str
    kind: str
    match: dict[str, Any] = field(default_factory=dict)
    left: int | None = 1
    probability: float | None = None
    seed: int | None = None
    seconds: float = 0.0
    status: int = 500
    booked: bool = False
    json: bool = False  # http_status of the host: its own kind of refusal instead of a web page
    hits: int = 0
    random: Random = field(default_factory=Random, repr=False)

    def wrong(self, amount_cents: int) -> int:
        """The amount booked by ``wrong_amount``: a dollar more than asked, in cents."""
        return amount_cents + 100

    def as_json(self) -> dict[str, Any]:
        """The fault as the control blueprint lists it."""
        names = ("id", "server", "kind", "match", "left", "probability", "seed", "seconds", "status", "booked", "json", "hits")
        return {name: getattr(self, name) for name in names}

    def fits(self, facts: Mapping[str, Any]) -> bool:
        """Whether a call with these facts is meant; ``path`` is a substring, the rest compares without case."""
        path = str(facts.get("path", ""))
        if "path" in self.match:
            if str(self.match["path"]) not in path:
                return False
        elif not path.startswith(_DEFAULT_PATH[self.server]) or path.startswith("/ippayReport"):
            return False
        return all(
            str(facts.get(name, "")).upper() == str(wanted).upper()
            for name, wanted in self.match.items()
            if name != "path"
        )


def current(environ: Mapping[str, Any]) -> Fault | None:
    """The fault taken for this request, for the kinds an app does itself (``IN_APP``)."""
    fault = environ.get(ENVIRON_KEY)
    return fault if isinstance(fault, Fault) and fault.kind in IN_APP else None


class FaultEngine:
    """The armed faults. Thread safe; every taken fault is counted in ``hits``."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._ids = itertools.count(1)
        self._listeners: dict[str, Callable[[bool, float], None]] = {}

    def on_refuse(self, server: str, act: Callable[[bool, float], None]) -> None:
        """Register who closes the listening socket: called with (closed, seconds)."""
        self._listeners[server] = act

    def add(self, wish: Mapping[str, Any]) -> Fault:
        """Arm a fault described as in the control blueprint; raises FaultError for nonsense."""
        fault = _parse(wish, next(self._ids))
        with self._lock:
            if fault.kind == "refuse" and any(other.kind == "refuse" for other in self._faults):
                message = "one server is refusing already; were both closed, nobody could open them again"
                raise FaultError(message)
            self._faults.append(fault)
        if fault.kind == "refuse" and fault.server in self._listeners:
            self._listeners[fault.server](True, fault.seconds)
        return fault

    def take(self, server: str, facts: Mapping[str, Any]) -> Fault | None:
        """The fault that this call suffers, used up by one; None for an undisturbed call."""
        with self._lock:
            for fault in self._faults:
                if fault.server == server and fault.kind not in CONNECTION and fault.fits(facts) and _strikes(fault):
                    self._use(fault)
                    return fault
        return None

    def take_handshake(self, server: str) -> Fault | None:
        """The fault that spoils the TLS handshake of a new connection."""
        with self._lock:
            for fault in self._faults:
                if fault.server == server and fault.kind == "tls_failure" and _strikes(fault):
                    self._use(fault)
                    return fault
        return None

    def is_armed(self, server: str, kind: str) -> bool:
        """Whether a fault of this kind waits for this server."""
        with self._lock:
            return any(fault.server == server and fault.kind == kind for fault in self._faults)

    def listed(self) -> list[dict[str, Any]]:
        """Every armed fault as JSON values."""
        with self._lock:
            return [fault.as_json() for fault in self._faults]

    def clear(self, fault_id: int | None = None) -> int:
        """Disarm one fault or all; returns how many. A refusing listener opens again."""
        with self._lock:
            gone = [fault for fault in self._faults if fault_id in (None, fault.id)]
            self._faults = [fault for fault in self._faults if fault not in gone]
        for fault in gone:
            if fault.kind == "refuse" and fault.server in self._listeners:
                self._listeners[fault.server](False, 0.0)
        return len(gone)

    def refused_long_enough(self, server: str) -> None:
        """The listener opened again after its seconds: forget the fault."""
        with self._lock:
            self._faults = [fault for fault in self._faults if (fault.server, fault.kind) != (server, "refuse")]

    def _use(self, fault: Fault) -> None:
        fault.hits += 1
        if fault.left is not None:
            fault.left -= 1
            if fault.left <= 0:
                self._faults.remove(fault)


def _strikes(fault: Fault) -> bool:
    return fault.probability is None or fault.random.random() < fault.probability


def _parse(wish: Mapping[str, Any], fault_id: int) -> Fault:
    known = {"server", "kind", "match", "times", "probability", "seed", "seconds", "status", "booked", "json"}
    if unknown := set(wish) - known:
        message = f"unknown fields: {', '.join(sorted(unknown))}; known are {', '.join(sorted(known))}"
        raise FaultError(message)
    server, kind, match = wish.get("server"), wish.get("kind"), dict(wish.get("match") or {})
    if server not in SERVERS or kind not in KINDS:
        message = f"server is one of {', '.join(SERVERS)}; kind is one of {', '.join(sorted(KINDS))}"
        raise FaultError(message)
    if _ONE_SERVER_ONLY.get(kind, server) != server:
        message = f"{kind} exists for the {_ONE_SERVER_ONLY[kind]} only"
        raise FaultError(message)
    if set(match) - MATCH_KEYS or (match and kind in CONNECTION):
        message = f"match knows {', '.join(sorted(MATCH_KEYS))}, and nothing for {' and '.join(sorted(CONNECTION))}"
        raise FaultError(message)
    probability, times = wish.get("probability"), wish.get("times")
    seed = wish.get("seed")
    return Fault(
        id=fault_id,
        server=server,
        kind=kind,
        match=match,
        left=int(times) if times is not None else (None if probability is not None else 1),
        probability=float(probability) if probability is not None else None,
        seed=seed,
        seconds=float(wish.get("seconds", 0.0)),
        status=int(wish.get("status", 500)),
        booked=bool(wish.get("booked", False)),
        json=bool(wish.get("json", False)),
        # Not a secret: a seeded sequence that a test can repeat.
        random=Random(seed),
    )
