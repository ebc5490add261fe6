"""The history of an attempt. Owns the chain of events; rows are inserted, never changed."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from splynx_ippay.base import clock
from splynx_ippay.payments.models import Attempt, Event

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session


def record(session: Session, attempt_id: int, kind: str, **data: Any) -> Event:
    """Append one event; ``data`` holds JSON values and never a secret. Takes the attempt's row lock."""
    session.execute(select(Attempt.id).where(Attempt.id == attempt_id).with_for_update())
    last = session.scalars(select(Event).where(Event.attempt_id == attempt_id).order_by(Event.seq.desc()).limit(1)).first()
    event = Event(attempt_id=attempt_id, seq=last.seq + 1 if last else 1, at=clock.now(), kind=kind, data=data,
                  previous_hash=last.hash if last else "")
    event.hash = digest(event)
    session.add(event)
    session.flush()
    return event


def digest(event: Event) -> str:
    """SHA-256 over everything the event says and the hash of the one before."""
    body = json.dumps([event.attempt_id, event.seq, event.at.isoformat(), event.kind, event.data, event.previous_hash],
                      sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(body.encode()).hexdigest()


def first_broken(events: Sequence[Event]) -> Event | None:
    """The first event whose chain does not hold, None when all is well; ``events`` in order of ``seq``."""
    before = ""
    for seq, event in enumerate(events, start=1):
        if event.seq != seq or event.previous_hash != before or event.hash != digest(event):
            return event
        before = event.hash
    return None
