"""Limits that live in the database: tries of one payer, and whatever a door counts. Owns their numbers and sources."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select

from splynx_ippay.base import clock
from splynx_ippay.base.errors import Stopped
from splynx_ippay.ippay.outcomes import decline_for
from splynx_ippay.payments.models import Attempt, Door, LimitHit, State

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

# Visa allows 15 tries in 30 days for a card, Mastercard 35 (processor guides, reference list in docs/WIRE.md);
# the gateway does not hand on the networks' advice codes, so we stay well below.
TRIES_BY_PERSON = 10
TRIES_BY_RUN = 4
TRIES_WINDOW = timedelta(days=30)
KEEP_HITS = timedelta(days=2)


def guard_payer(session: Session, *, customer_id: int, brand: str, last_four: str, door: Door) -> None:
    """Raise Stopped when this payer's card or account has had its tries; counts every door, unfinished results too."""
    rows = session.execute(select(Attempt.state, Attempt.action_code, Attempt.response_text).where(
        Attempt.customer_id == customer_id, Attempt.brand == brand, Attempt.last_four == last_four,
        Attempt.created_at > clock.now() - TRIES_WINDOW, Attempt.sending_at.is_not(None),
        Attempt.state.in_([State.DECLINED, State.UNKNOWN, State.REVIEW]))).all()
    # A refusal of our own set-up is no try of the payer's (house 4.4 "Breaker").
    tries = sum(state != State.DECLINED or decline_for(code, brand, said).kind != "configuration"
                for state, code, said in rows)
    if tries >= (TRIES_BY_RUN if door == Door.RUN else TRIES_BY_PERSON):
        raise Stopped("limit", f"{tries} tries in 30 days with the same card or account did not succeed")


def hit(session: Session, bucket: str) -> None:
    """Count one thing now."""
    session.add(LimitHit(bucket=bucket[:96], at=clock.now()))
    session.flush()


def count(session: Session, bucket: str, window: timedelta) -> int:
    """How many things of this bucket were counted within the window."""
    return session.scalar(select(func.count()).select_from(LimitHit).where(
        LimitHit.bucket == bucket[:96], LimitHit.at > clock.now() - window)) or 0


def forget_old(session: Session) -> None:
    """Drop hits that no window reaches any more."""
    session.execute(delete(LimitHit).where(LimitHit.at < clock.now() - KEEP_HITS))
