"""Sends one message to IPpay and returns its answer. Owns no state: one client serves all threads.

Must never send anything twice; what an error means is decided by position (transport.py).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from splynx_ippay.ippay.outcomes import MAX_REPLY_BYTES, read_reply
from splynx_ippay.ippay.transport import Endpoint

if TYPE_CHECKING:
    from splynx_ippay.ippay.messages import Request
    from splynx_ippay.ippay.outcomes import Reply


class GatewayClient:
    """The gateway at one address."""

    def __init__(self, url: str, *, ca_file: str | None = None, connect_seconds: float = 10.0,
                 deadline_seconds: float = 75.0) -> None:
        """``ca_file`` replaces the system's certificates. Raises ConfigError for an address it cannot use safely."""
        self._endpoint = Endpoint(url, ca_file=ca_file, connect_seconds=connect_seconds,
                                  deadline_seconds=deadline_seconds, max_bytes=MAX_REPLY_BYTES)

    def send(self, request: Request) -> Reply:
        """Send once. Raises NeverSent (no byte left) or OutcomeUnknown with ``symptom`` (it may have arrived)."""
        return self._endpoint.exchange(request.body, partial(read_reply, request))
