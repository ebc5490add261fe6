"""What a person may decide about an attempt, from all that is known of it. Reads rows; moves and asks nothing.

Owns which ends make sense. What IPpay itself calls taken is never "not taken", and what it took in another amount is
never booked as if it were ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from splynx_ippay.payments.decision_models import Asked
from splynx_ippay.payments.feed_models import FeedRow
from splynx_ippay.payments.models import Booking, Event, State

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from splynx_ippay.payments.models import Attempt, Line

NEEDS_SECOND = frozenset({State.ABANDONED, State.DECLINED})
MONEY_THERE = frozenset({State.APPROVED, State.ACCEPTED})
MONEY_GONE = frozenset({State.DECLINED, State.ABANDONED, State.VOIDED, State.RETURNED})
_SALES = frozenset({"SALE", "CHECK"})
_PARTIAL = "010"


@dataclass(frozen=True)
class Known:
    """What counts for a decision. ``is_taken``: IPpay said so; ``is_other_amount``: but not the amount we asked for."""

    is_taken: bool
    is_other_amount: bool


def known_of(session: Session, attempt: Attempt) -> Known:
    """Put together what answers, reports and enquiries have said. Three queries."""
    rows = [row for row in session.scalars(select(FeedRow).where(
        FeedRow.transaction_id == attempt.transaction_id, FeedRow.terminal_id == attempt.terminal_id,
        FeedRow.feed.in_(["credit", "ach"]))) if row.request_type in _SALES]
    is_partial = attempt.action_code == _PARTIAL or any(row.action_code == _PARTIAL for row in rows)
    asked = session.get(Asked, attempt.id)
    told = {fact["what"] for fact in asked.facts} if asked is not None else set()
    late = session.scalars(select(Event.data).where(Event.attempt_id == attempt.id, Event.kind == "late_evidence"))
    return Known(
        is_taken=is_partial or attempt.action_code == "000" or any(row.action_code == "000" for row in rows)
        or bool(told & {"enquiry_yes", "enquiry_amount"}) or any(data.get("says_taken") for data in late),
        is_other_amount=is_partial or "enquiry_amount" in told or any(row.amount_cents not in {None, attempt.amount_cents} for row in rows))


def holds(line: Line) -> bool:
    """Whether a line has every key of its debt."""
    return all(key.open_target for key in line.keys)


def offered(attempt: Attempt, known: Known) -> tuple[State, ...]:
    """Where an attempt may go by a person's decision, in the order people are shown; empty: nothing is to be decided."""
    is_bank = attempt.kind == "check"
    back = (State.VOIDED, State.RETURNED) if is_bank else (State.VOIDED,)
    if attempt.state in MONEY_THERE and any(line.booking == Booking.REVIEW for line in attempt.lines):
        return back  # the host lost the payment, and the money was given back instead of entering it again
    if attempt.state != State.REVIEW:
        return ()
    ends: list[State] = []
    if not known.is_other_amount:
        ends.append(State.APPROVED)
        if is_bank and attempt.settled_on is None:
            ends.append(State.ACCEPTED)
    ends += back
    if not known.is_taken:
        ends += [State.DECLINED, State.ABANDONED]
    if not known.is_other_amount and not attempt.excess and all(
            line.booking == Booking.NONE and holds(line) for line in attempt.lines):
        ends.append(State.UNKNOWN)
    return tuple(ends)


def offered_for_line(line: Line) -> tuple[Booking, ...]:
    """What may be decided about a line in review; the look at the host decides which of them is possible."""
    if line.booking != Booking.REVIEW:
        return ()
    if line.attempt.state in MONEY_THERE:
        return (Booking.POSTED, Booking.DUE)
    return (Booking.UNDO_DUE, Booking.UNDONE) if line.attempt.state in MONEY_GONE else ()
