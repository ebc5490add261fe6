"""What waits for a person: payments and lines in review, what is unknown for long, payments staff must take back by hand.

Reads only. One row a payment or line, the oldest first.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, or_, select

from splynx_ippay.base import clock
from splynx_ippay.payments import outbox
from splynx_ippay.payments.decision_models import Decision, Standing
from splynx_ippay.payments.models import Attempt, Booking, Event, Line, State

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy.orm import Session

UNKNOWN_AFTER = timedelta(hours=1)
OVERDUE_AFTER = timedelta(hours=24)
_MOST = 500


@dataclass(frozen=True)
class Waiting:
    """One thing that waits. ``kind``: attempt, line, task (of staff in the host), unknown."""

    kind: str
    attempt: Attempt
    line: Line | None
    since: datetime
    why: str
    held: tuple[str, ...]
    proposal: Decision | None


def everything(session: Session, partner_id: int | None = None) -> list[Waiting]:
    """Everything that waits for a person, of one partner or of all. Five queries."""
    own = [] if partner_id is None else [Attempt.partner_id == partner_id]
    attempts = list(session.scalars(select(Attempt).where(*own, or_(
        Attempt.state == State.REVIEW, (Attempt.state == State.UNKNOWN) & (Attempt.created_at < clock.now() - UNKNOWN_AFTER),
    )).order_by(Attempt.state_at, Attempt.id).limit(_MOST)))
    lines = list(session.scalars(select(Line).join(Attempt).where(*own, Attempt.state != State.REVIEW, or_(
        Line.booking == Booking.REVIEW,
        Line.booking.in_([Booking.UNDO_DUE, Booking.UNDOING]) & Line.booking_reason.startswith(outbox.TASK))).order_by(Line.id).limit(_MOST)))
    newest = select(func.max(Event.seq)).where(Event.attempt_id == Decision.attempt_id).scalar_subquery()
    proposals = {row.attempt_id: row for row in session.scalars(select(Decision).where(
        Decision.standing == Standing.OPEN, Decision.expires_at > clock.now(), Decision.basis_seq == newest))}
    since = _last_booking(session, {line.attempt_id for line in lines})
    found = [Waiting("attempt" if one.state == State.REVIEW else "unknown", one, None,
                     one.state_at if one.state == State.REVIEW else one.sending_at or one.created_at, one.reason,
                     _held(one.lines), proposals.get(one.id)) for one in attempts]
    found += [Waiting("line" if line.booking == Booking.REVIEW else "task", line.attempt, line,
                      since.get(line.attempt_id, line.attempt.state_at), line.booking_reason, _held([line]), None)
              for line in lines]
    return sorted(found, key=lambda one: (one.since, one.attempt.id))


def overdue(session: Session) -> list[Waiting]:
    """What has waited for more than a day."""
    return [one for one in everything(session) if one.since < clock.now() - OVERDUE_AFTER]


def _held(lines: Iterable[Line]) -> tuple[str, ...]:
    return tuple(key.open_target for line in lines for key in line.keys if key.open_target)


def _last_booking(session: Session, attempt_ids: set[int]) -> dict[int, datetime]:
    """When the record in the host of these attempts last changed."""
    rows = session.execute(select(Event.attempt_id, func.max(Event.at)).where(
        Event.attempt_id.in_(attempt_ids), Event.kind == "booking").group_by(Event.attempt_id))
    return dict(rows.tuples().all())
