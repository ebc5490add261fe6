"""The breaker of a terminal. Owns when charging stops for all doors, and how it starts again.

Stops on a set-up code of the gateway, or three replies in a row that are no answer. No customer is told "declined".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from splynx_ippay.base import clock
from splynx_ippay.base.db import get_or_add
from splynx_ippay.base.errors import GatewayError, Stopped
from splynx_ippay.ippay import messages
from splynx_ippay.payments.models import Terminal

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from splynx_ippay.base.settings import TerminalSettings
    from splynx_ippay.payments.core import Core

FAILURES_IN_A_ROW = 3


def guard(session: Session, terminal_id: str, environment: str) -> None:
    """Raise Stopped when the terminal is stopped."""
    row = session.get(Terminal, (terminal_id, environment))
    if row is not None and row.stopped_at is not None:
        raise Stopped("breaker", f"charging on terminal {terminal_id} is stopped since "
                                 f"{row.stopped_at:%Y-%m-%d %H:%M} UTC: {row.reason}")


def _row(session: Session, terminal_id: str, environment: str) -> Terminal:
    fresh = Terminal(terminal_id=terminal_id, environment=environment, failures=0, reason="", released_by="")
    return get_or_add(session, fresh, (terminal_id, environment))


def stop(session: Session, terminal_id: str, environment: str, reason: str) -> None:
    """Stop charging on this terminal; the first reason stays."""
    row = _row(session, terminal_id, environment)
    if row.stopped_at is None:
        row.stopped_at, row.reason = clock.now(), reason[:200]
    session.flush()


def count_failure(session: Session, terminal_id: str, environment: str, symptom: str) -> None:
    """One more reply that was no answer; the third in a row stops the terminal."""
    row = _row(session, terminal_id, environment)
    row.failures += 1
    if row.failures >= FAILURES_IN_A_ROW:
        stop(session, terminal_id, environment, f"{row.failures} replies in a row were no answer of IPpay ({symptom}); "
             "is this server's address on IPpay's allow-list?")
    session.flush()


def count_success(session: Session, terminal_id: str, environment: str) -> None:
    """An answer came; the count starts anew."""
    row = session.get(Terminal, (terminal_id, environment))
    if row is not None and row.failures:
        row.failures = 0
        session.flush()


def release(core: Core, terminal: TerminalSettings, *, by: str) -> None:
    """Start charging again after a PING that succeeded. Raises GatewayError when IPpay does not answer it well."""
    identity = messages.Identity(terminal.terminal_id, terminal.password)
    reply = core.gateway(terminal.environment).send(messages.ping(identity))
    if reply.action_code != "000":
        raise GatewayError(f"IPpay answered the PING with code {reply.action_code}; charging stays stopped")

    def _release(session: Session) -> None:
        row = _row(session, terminal.terminal_id, terminal.environment)
        row.stopped_at, row.reason, row.failures = None, "", 0
        row.released_by, row.released_at = by[:80], clock.now()

    core.database.run(_release)
