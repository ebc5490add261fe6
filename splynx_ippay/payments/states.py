"""The one guarded setter of states. Owns both tables of transitions and who holds a debt's keys.

Every change is a compare-and-set on state and version; anything but one row raises IllegalTransition. Keys are freed
here, in the same transaction, and nowhere else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from splynx_ippay.base import clock
from splynx_ippay.base.db import get_or_add
from splynx_ippay.base.errors import IllegalTransition
from splynx_ippay.payments import events, told
from splynx_ippay.payments.models import Attempt, Booking, CustomerNote, DebtKey, Line, State

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import CursorResult
    from sqlalchemy.orm import Session

S, B = State, Booking

TRANSITIONS: dict[State, frozenset[State]] = {
    S.INTENDED: frozenset({S.APPROVED, S.ACCEPTED, S.DECLINED, S.UNKNOWN, S.ABANDONED}),
    S.UNKNOWN: frozenset({S.APPROVED, S.ACCEPTED, S.DECLINED, S.ABANDONED, S.VOIDED, S.REVIEW}),
    S.ACCEPTED: frozenset({S.APPROVED, S.RETURNED, S.REVIEW}),
    S.APPROVED: frozenset({S.VOIDED, S.RETURNED, S.REVIEW}),
    S.RETURNED: frozenset({S.ACCEPTED, S.REVIEW}),
    S.DECLINED: frozenset({S.REVIEW}),
    S.ABANDONED: frozenset({S.REVIEW}),
    S.VOIDED: frozenset({S.REVIEW}),
    S.REVIEW: frozenset(State) - {S.REVIEW, S.INTENDED},
}

BOOKINGS: dict[Booking, frozenset[Booking]] = {
    B.NONE: frozenset({B.DUE, B.REVIEW}),
    # A return or void may arrive before the posting is done: undo then searches first, as posting does.
    B.DUE: frozenset({B.POSTING, B.UNDO_DUE, B.REVIEW}),
    B.POSTING: frozenset({B.POSTED, B.UNDO_DUE, B.REVIEW}),
    B.POSTED: frozenset({B.UNDO_DUE, B.REVIEW}),
    B.UNDO_DUE: frozenset({B.UNDOING, B.REVIEW}),
    B.UNDOING: frozenset({B.UNDONE, B.REVIEW}),
    B.UNDONE: frozenset({B.REVIEW}),
    B.REVIEW: frozenset(Booking) - {B.REVIEW},
}

FREES_KEYS = frozenset({S.DECLINED, S.ABANDONED, S.VOIDED})
TAKES_MONEY_BACK = frozenset({S.RETURNED, S.VOIDED})
_MONEY_TAKEN = frozenset({S.APPROVED, S.ACCEPTED})


def move(session: Session, attempt: Attempt, to: State, *, reason: str, event: str = "state", **columns: Any) -> Attempt:
    """Set the attempt's state, with further columns, its event, its keys and what its lines now owe the host.

    ``reason`` is for staff. Raises IllegalTransition when the table forbids the step or the row has moved.
    """
    origin = State(attempt.state)
    if to not in TRANSITIONS[origin]:
        raise IllegalTransition(f"{attempt.transaction_id}: {origin} cannot become {to}")
    now = clock.now()
    changed: CursorResult[Any] = session.execute(  # type: ignore[assignment]
        update(Attempt)
        .where(Attempt.id == attempt.id, Attempt.state == origin, Attempt.version == attempt.version)
        .values(state=to, version=attempt.version + 1, state_at=now, reason=reason[:200], **columns)
        .execution_options(synchronize_session=False))
    if changed.rowcount != 1:
        raise IllegalTransition(f"{attempt.transaction_id} is not {origin} (version {attempt.version}) any more")
    session.refresh(attempt)
    events.record(session, attempt.id, event, origin=origin, to=to, reason=reason[:200])
    told.owe(session, attempt)
    for line in attempt.lines:
        line.statement_next_at = now
        # The money is not there, or not any more: whatever the host was told of it goes.
        if to in TAKES_MONEY_BACK | FREES_KEYS and line.booking in {B.DUE, B.POSTING, B.POSTED}:
            move_booking(session, line, Booking.UNDO_DUE, reason=reason)
    if to in FREES_KEYS:
        free_keys(session, attempt.lines)
    session.flush()
    return attempt


def late_evidence(session: Session, attempt: Attempt, *, reason: str, says_taken: bool, **data: Any) -> None:
    """Evidence that came after the attempt had ended: always an event; money taken means REVIEW with ``excess``.

    A late find never takes a key again; automatic charging of the customer stops until a person acts.
    """
    events.record(session, attempt.id, "late_evidence", reason=reason, says_taken=says_taken, **data)
    if not says_taken or attempt.state in _MONEY_TAKEN or attempt.state == S.REVIEW:
        return
    is_held = all(key.open_target for line in attempt.lines for key in line.keys)
    excess = attempt.excess or not is_held
    move(session, attempt, State.REVIEW, reason=reason, excess=excess)
    if excess:
        stop_automatic(session, attempt.customer_id, f"money may have been taken twice: {attempt.transaction_id}")


def move_booking(session: Session, line: Line, to: Booking, *, reason: str = "", **columns: Any) -> Line:
    """Set what the host was told of a line. Frees its keys on POSTED. Raises IllegalTransition."""
    origin = Booking(line.booking)
    if to not in BOOKINGS[origin]:
        raise IllegalTransition(f"line {line.id}: booking {origin} cannot become {to}")
    if to == B.POSTED:
        columns["statement_next_at"] = clock.now()
    values = {"booking_next_at": None, "booking_tries": 0, "lease_until": None, **columns}
    changed: CursorResult[Any] = session.execute(  # type: ignore[assignment]
        update(Line)
        .where(Line.id == line.id, Line.booking == origin, Line.booking_version == line.booking_version)
        .values(booking=to, booking_version=line.booking_version + 1, booking_reason=reason[:200], **values)
        .execution_options(synchronize_session=False))
    if changed.rowcount != 1:
        raise IllegalTransition(f"line {line.id} is not {origin} (version {line.booking_version}) any more")
    session.refresh(line)
    events.record(session, line.attempt_id, "booking", line=line.position, origin=origin, to=to, reason=reason[:200],
                  splynx_payment_id=line.splynx_payment_id,
                  **({"splynx_transaction_id": line.splynx_transaction_id} if line.is_fee else {}))
    if to == B.POSTED:
        free_keys(session, [line])
    return line


def free_keys(session: Session, lines: list[Line]) -> None:
    """Let the debts of these lines be paid by others again."""
    ids = [line.id for line in lines]
    session.execute(update(DebtKey).where(DebtKey.line_id.in_(ids)).values(open_target=None)
                    .execution_options(synchronize_session="fetch"))
    for line in lines:
        line.hold_until = None


def hold_keys(session: Session, line: Line, until: datetime | None) -> bool:
    """Keep (or take back, where they are free) the keys of a debt; False if another holds one, the others are held all the same.

    ``until`` ends the hold of a returned debt; None: until the line is posted.
    """
    has_all = True
    for key in line.keys:
        if key.open_target is not None:
            continue
        try:
            with session.begin_nested():
                key.open_target = key.target
                session.flush()
        except IntegrityError:
            session.refresh(key)
            has_all = False
    line.hold_until = until
    session.flush()
    return has_all


def stop_automatic(session: Session, customer_id: int, reason: str) -> None:
    """No run charges this customer until a person has looked."""
    note = get_or_add(session, CustomerNote(customer_id=customer_id, no_auto=True), customer_id)
    note.no_auto, note.reason, note.since = True, reason[:200], clock.now()
    session.flush()


def is_unconfirmed(attempt: Attempt) -> bool:
    """Known from an enquiry alone: nothing is booked on that before the report shows the sale."""
    return attempt.state in _MONEY_TAKEN and attempt.learned_from == "enquiry" and attempt.in_feed_at is None


def get_attempt(session: Session, attempt_id: int) -> Attempt:
    """The attempt, its row locked for this transaction."""
    return session.scalars(select(Attempt).where(Attempt.id == attempt_id).with_for_update()).one()
