"""The outbox towards the host: leases, waits and ends of one line's posting or undoing. Decides nothing about money."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import or_, update

from splynx_ippay.base import clock
from splynx_ippay.base.errors import AddOnError, IllegalTransition
from splynx_ippay.payments import states
from splynx_ippay.payments.models import Booking, Line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import CursorResult
    from sqlalchemy.orm import Session

    from splynx_ippay.base.errors import HostRejected
    from splynx_ippay.payments.core import Core

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=3)  # longer than any call to the host may take
SOON, LATER = timedelta(minutes=1), timedelta(minutes=10)
# Refusals that may be about what was sent. Of a document that is gone the money goes on the customer's account instead.
FOR_GOOD = frozenset({400, 404, 422})
TASK = "For staff:"  # how the reason begins while a person has to do something in the host
_REFUSALS = 5  # of what needs no document, before a person must look


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


@contextmanager
def leased(core: Core, line: Line) -> Iterator[None]:
    """While the worker has the line: an error gives the lease back, to try again soon. IllegalTransition goes on its way."""
    try:
        yield
    except IllegalTransition:
        raise
    except AddOnError as error:
        log.warning("line %s: %s", line.id, error)
        retry_later(core, line, SOON, str(error))


def write(core: Core, line: Line, **columns: Any) -> None:
    """Write columns of a line that is still as this worker claimed it, else raise IllegalTransition.

    A worker that slept past its lease, or whose line a return moved meanwhile, must neither post nor free the lease.
    """
    def _write(session: Session) -> None:
        changed: CursorResult[Any] = session.execute(  # type: ignore[assignment]
            update(Line)
            .where(Line.id == line.id, Line.booking == line.booking, Line.booking_version == line.booking_version)
            .values(**columns).execution_options(synchronize_session=False))
        if changed.rowcount != 1:
            raise IllegalTransition(f"line {line.id} is not {line.booking} (version {line.booking_version}) any more")

    core.database.run(_write)


def retry_later(core: Core, line: Line, wait: timedelta, reason: str, **columns: Any) -> None:
    """Give the lease back and look again after the wait; ``reason`` is for staff. Raises IllegalTransition, see ``write``."""
    write(core, line, lease_until=None, booking_next_at=clock.now() + wait, booking_reason=reason[:200], **columns)


def ask_staff(core: Core, line: Line, what: str) -> None:
    """Leave the step to staff, who are told what to do, and look again later. Raises IllegalTransition, see ``write``."""
    retry_later(core, line, LATER, f"{TASK} {what}")


def finish(core: Core, line: Line, to: Booking, *, reason: str = "", **columns: Any) -> None:
    """Record the end of a step. On account keeps its reason, so that staff see why."""
    def _finish(session: Session) -> None:
        row = session.get_one(Line, line.id)
        states.move_booking(session, row, to, reason=reason or (row.booking_reason if row.on_account else ""), **columns)

    core.database.run(_finish)


def may_post_again(core: Core, line: Line) -> bool:
    """After a POST without a clear answer: the wait has passed and this is the second spaced search that found nothing.

    Raises IllegalTransition, see ``write``.
    """
    started = line.post_started_at
    wait = timedelta(minutes=core.settings.integer("post_search_minutes"))
    waited = started is not None and clock.now() - started >= wait
    if waited and line.empty_searches >= 1:
        return True
    left = SOON if waited or started is None else max(SOON, started + wait - clock.now())
    retry_later(core, line, left, "the posting had no clear answer; searching before posting again",
                empty_searches=line.empty_searches + 1)
    return False


def refused(core: Core, line: Line, error: HostRejected, reason: str) -> None:
    """The host said no to what needs no document: later again; refused time after time for its own sake, a person.

    Raises IllegalTransition, see ``write``.
    """
    if error.status not in FOR_GOOD:
        retry_later(core, line, LATER, str(error))
        return
    tries = line.booking_tries + 1  # counts these refusals alone: an hour without a host is no refusal
    if tries < _REFUSALS:
        retry_later(core, line, LATER, reason, booking_tries=tries)
    else:
        finish(core, line, Booking.REVIEW, reason=reason)
