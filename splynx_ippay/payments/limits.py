"""Limits that live in the database: tries of one payer, and whatever a door counts. Owns their numbers and sources."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Index, Integer, delete, func, select
from sqlalchemy.orm import Mapped, mapped_column

from splynx_ippay.base import clock
from splynx_ippay.base.db import Row, UtcDateTime, key_text
from splynx_ippay.base.errors import Stopped
from splynx_ippay.ippay.outcomes import decline_for
from splynx_ippay.payments.models import Attempt, Door, State

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

# Visa allows 15 tries in 30 days for a card, Mastercard 35 (guides of processors);
# the gateway does not hand on the networks' advice codes, so we stay well below.
TRIES_BY_PERSON = 10
TRIES_BY_RUN = 4
TRIES_WINDOW = timedelta(days=30)
# Against testing stolen cards: one customer with many cards, one network, everybody at one door. Who is logged in or holds
# a signed link is known, and shares a network with the provider's other customers, so five times as many are allowed there.
CARDS_BY_CUSTOMER = 12
CARDS_WINDOW = timedelta(days=1)
DECLINES_BY_NETWORK = 20
DECLINES_BY_CROWD = 300
DECLINES_BY_ISSUER = 30  # testers make up numbers of one issuer; from however many networks they come
PROVEN = 5
DECLINES_WINDOW = timedelta(hours=1)
SAVES_BY_CUSTOMER = 30
KEEP_HITS = timedelta(days=2)


@dataclass(frozen=True)
class Crowd:
    """Those whose new cards and accounts are counted together; ``issuer`` is a digest of a card number's first digits."""

    door: str
    network: str
    issuer: str = ""
    proven: bool = False

    @property
    def most(self) -> dict[str, int]:
        """How many declines an hour each bucket may have."""
        found = {f"declined:{self.door}:net:{self.network}": DECLINES_BY_NETWORK, f"declined:{self.door}": DECLINES_BY_CROWD}
        if self.issuer:
            found[f"declined:{self.door}:issuer:{self.issuer}"] = DECLINES_BY_ISSUER
        return {bucket: limit * (PROVEN if self.proven else 1) for bucket, limit in found.items()}


class LimitHit(Row):
    """One counted thing (a decline, an opened link), for limits that survive restarts and many machines."""

    __tablename__ = "limit_hit"
    __table_args__ = (Index("limit_hit_by_key", "bucket", "at"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    bucket: Mapped[str] = mapped_column(key_text(96))
    at: Mapped[datetime] = mapped_column(UtcDateTime)


def guard_payer(session: Session, *, customer_id: int, brand: str, last_four: str, door: Door) -> None:
    """Raise Stopped when this payer's card or account has had its tries; counts every door, unfinished results too."""
    rows = session.execute(select(Attempt.state, Attempt.action_code, Attempt.response_text).where(
        Attempt.customer_id == customer_id, Attempt.brand == brand, Attempt.last_four == last_four,
        Attempt.created_at > clock.now() - TRIES_WINDOW, Attempt.sending_at.is_not(None),
        Attempt.state.in_([State.DECLINED, State.UNKNOWN, State.REVIEW]))).all()
    # A refusal of our own set-up is no try of the payer's.
    tries = sum(state != State.DECLINED or decline_for(code, brand, said).kind != "configuration"
                for state, code, said in rows)
    if tries >= (TRIES_BY_RUN if door == Door.RUN else TRIES_BY_PERSON):
        raise Stopped("limit", f"{tries} tries in 30 days with the same card or account did not succeed")
    if door == Door.PORTAL:
        _guard_many_cards(session, customer_id)


def _guard_many_cards(session: Session, customer_id: int) -> None:
    """Of the portal alone: what a stranger does on a link does not stop the customer who is logged in."""
    declined = session.scalar(select(func.count()).select_from(Attempt).where(
        Attempt.customer_id == customer_id, Attempt.created_at > clock.now() - CARDS_WINDOW, Attempt.door == Door.PORTAL,
        Attempt.state == State.DECLINED)) or 0
    if declined >= CARDS_BY_CUSTOMER:
        raise Stopped("limit", f"{declined} payments of this customer were declined within a day")


def guard_saving(session: Session, customer_id: int) -> None:
    """Count a card or account that is saved; raise Stopped when there were too many within an hour."""
    bucket = f"save:{customer_id}"
    if count(session, bucket, DECLINES_WINDOW) >= SAVES_BY_CUSTOMER:
        raise Stopped("limit", f"{SAVES_BY_CUSTOMER} cards or accounts were given within an hour")
    hit(session, bucket)


def hit(session: Session, bucket: str) -> int:
    """Count one thing now; what ``take_back`` wants."""
    counted = LimitHit(bucket=bucket[:96], at=clock.now())
    session.add(counted)
    session.flush()
    return counted.id


def take_back(session: Session, counted: list[int]) -> None:
    """Count things no more that turned out to be harmless."""
    session.execute(delete(LimitHit).where(LimitHit.id.in_(counted)))


def take_back_newest(session: Session, bucket: str) -> None:
    """Count one thing of the bucket less, if there is one."""
    newest = select(func.max(LimitHit.id)).where(LimitHit.bucket == bucket[:96])
    if (found := session.scalar(newest)) is not None:
        take_back(session, [found])


def guard_crowd(session: Session, crowd: Crowd) -> None:
    """Raise Stopped when new cards and accounts were declined too often for a door, for one network or one issuer at it."""
    for bucket, most in crowd.most.items():
        if count(session, bucket, DECLINES_WINDOW) >= most:
            raise Stopped("crowd", f"{most} new cards or accounts were declined within an hour ({bucket})")


def note_decline(session: Session, crowd: Crowd) -> None:
    """Count a decline of a new card or account."""
    for bucket in crowd.most:
        hit(session, bucket)


def network_of(address: str) -> str:
    """The visitor's network: /24 of IPv4, /56 of IPv6; "unknown" for anything else.

    A household or a small site is handed a /56 (RIPE-690, section 4.2), of which it can use every /64 as it likes.
    """
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(known, ipaddress.IPv6Address) and known.ipv4_mapped is not None:
        known = known.ipv4_mapped
    return str(ipaddress.ip_network((known, 24 if known.version == 4 else 56), strict=False))  # noqa: PLR2004 - IP versions


def count(session: Session, bucket: str, window: timedelta) -> int:
    """How many things of this bucket were counted within the window."""
    return session.scalar(select(func.count()).select_from(LimitHit).where(
        LimitHit.bucket == bucket[:96], LimitHit.at > clock.now() - window)) or 0


def forget_old(session: Session) -> None:
    """Drop hits that no window reaches any more."""
    session.execute(delete(LimitHit).where(LimitHit.at < clock.now() - KEEP_HITS))
