"""Gateway tokens nobody needs any more. Owns how long the token of a method that was not saved is kept."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from splynx_ippay.base import clock
from splynx_ippay.payments.models import Attempt, State

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

# Our choice: card networks let a cardholder dispute a sale for up to 120 days (processor guides, docs/WIRE.md); 60 more
# for staff to give the money back. A bank debit can come back for 60 days.
REFUND_WINDOW = timedelta(days=180)
# Nobody knows yet what became of these; a person may still have to give the money back.
_UNDECIDED = (State.INTENDED, State.UNKNOWN, State.REVIEW)
_BATCH = 1000


def old_tokens(session: Session) -> int:
    """Erase tokens of unsaved methods that are older than the refund window; returns how many, at most a batch."""
    ids = list(session.scalars(select(Attempt.id).where(
        Attempt.token_cipher.is_not(None), Attempt.created_at < clock.now() - REFUND_WINDOW,
        Attempt.state.not_in(_UNDECIDED), Attempt.dispute != "open").limit(_BATCH)))
    session.execute(update(Attempt).where(Attempt.id.in_(ids)).values(token_cipher=None))
    return len(ids)
