"""The outbox towards the host: leases, waits and ends of one line's posting or undoing. Decides nothing about money."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import or_, update

from splynx_ippay.base import clock
from splynx_ippay.payments import states
from splynx_ippay.payments.models import Booking, Line

if TYPE_CHECKING:
    from sqlalchemy import CursorResult
    from sqlalchemy.orm import Session

    from splynx_ippay.payments.core import Core

LEASE = timedelta(minutes=3)  # longer than any call to the host may take
SOON, LATER = timedelta(minutes=1), timedelta(minutes=10)


def claim(core: Core, line: Line, *, to: Booking) -> Line | None:
    """Take the line for one worker: DUE → POSTING or UNDO_DUE → UNDOING, or a lease that has run out. None: not ours."""
    def _claim(session: Session) -> Line | None:
        now = clock.now()
        if line.booking != to:
            row = session.get_one(Line, line.id)
            if row.booking != line.booking or row.booking_version != line.booking_version:
                return None
            return states.move_booking(session, row, to, lease_until=now + LEASE)
        changed: CursorResult[Any] = session.execute(  # type: ignore[assignment]
            update(Line)
            .where(Line.id == line.id, Line.booking == to, Line.booking_version == line.booking_version,
                   or_(Line.lease_until.is_(None), Line.lease_until < now))
            .values(lease_until=now + LEASE, booking_version=line.booking_version + 1)
            .execution_options(synchronize_session=False))
        return session.get_one(Line, line.id, populate_existing=True) if changed.rowcount == 1 else None

    return core.database.run(_claim)


def retry_later(core: Core, line_id: int, wait: timedelta, reason: str) -> None:
    """Give the lease back and look again after the wait; ``reason`` is for staff."""
    core.database.run(lambda session: session.execute(
        update(Line).where(Line.id == line_id)
        .values(lease_until=None, booking_next_at=clock.now() + wait, booking_reason=reason[:200],
                booking_tries=Line.booking_tries + 1)))


def finish(core: Core, line: Line, to: Booking, *, reason: str = "", **columns: Any) -> None:
    """Record the end of a step. On account keeps its reason, so that staff see why."""
    def _finish(session: Session) -> None:
        row = session.get_one(Line, line.id)
        states.move_booking(session, row, to, reason=reason or (row.booking_reason if row.on_account else ""), **columns)

    core.database.run(_finish)
