"""What a process remembers for a while, so that a neighbour is not asked for every page. Gone with the process.

Must never hold a session id or a secret as a key: callers give digests. Nothing is true because it stands here.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, TypeVar

from splynx_ippay.base import clock

if TYPE_CHECKING:
    from datetime import datetime, timedelta

T = TypeVar("T")

_MOST_REMEMBERED = 10_000


class Memory(Generic[T]):
    """Values by key, each for the same time."""

    def __init__(self, keep_for: timedelta) -> None:
        self._lock, self._keep_for = threading.Lock(), keep_for
        self._known: dict[str, tuple[datetime, T]] = {}

    def find(self, key: str) -> T | None:
        """What was kept, unless its time is over."""
        with self._lock:
            until, value = self._known.get(key, (None, None))
        return value if until is not None and until > clock.now() else None

    def keep(self, key: str, value: T) -> None:
        """Remember; when too many are remembered, the old ones go first."""
        now = clock.now()
        with self._lock:
            if len(self._known) >= _MOST_REMEMBERED:
                self._known = {key: value for key, value in self._known.items() if value[0] > now}
                for old in list(self._known)[:max(0, len(self._known) - _MOST_REMEMBERED // 2)]:
                    del self._known[old]
            self._known[key] = (now + self._keep_for, value)
