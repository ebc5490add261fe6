"""Which change of an attempt its payer is told by mail. Owed in the transaction of the change, once a change.

What the mail says, to whom and whether it goes out at all is ``letters``'. Must never owe a mail for what the payer reads
on the page anyway: a decline is told where it happens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from splynx_ippay import notifications
from splynx_ippay.payments.models import Attempt, Door, Event, State

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

# The kind of mail by the state that was reached and by what was charged.
_KINDS: dict[tuple[State, str], str] = {
    (State.APPROVED, "card"): "paid",
    (State.APPROVED, "bank"): "debit_paid",
    (State.ACCEPTED, "bank"): "debit_received",
    (State.RETURNED, "bank"): "debit_returned",
    (State.VOIDED, "card"): "cancelled",
    (State.VOIDED, "bank"): "cancelled",
}
_NOTHING_TAKEN = frozenset({State.DECLINED, State.ABANDONED})
_TOLD_OTHERWISE = frozenset({State.APPROVED, State.ACCEPTED})
# What a restored backup had lost: nobody knows which mails went out then.
RECOVERED = "recover"


def owe(session: Session, attempt: Attempt) -> None:
    """Owe the mail of the state the attempt has just reached, if there is one."""
    if attempt.actor == RECOVERED:
        return
    state = State(attempt.state)
    kind = _KINDS.get((state, attempt.instrument), "")
    if state in _NOTHING_TAKEN and _awaits_an_end(attempt, _history(session, attempt)):
        kind = "not_taken"
    if not kind:
        return
    # A debit may be presented again after it came back: then it is accepted, settles or comes back a second time.
    again = _history(session, attempt).count(State.RETURNED) if attempt.instrument == "bank" else 0
    notifications.enqueue(session, kind=kind, key=f"{kind}:{attempt.transaction_id}:{again}", customer_id=attempt.customer_id,
                          attempt_id=attempt.id, values={"again": kind == "debit_received" and again > 0})


def _history(session: Session, attempt: Attempt) -> list[str]:
    """Every state it has reached, the one of now included (and what its lines have, which have other names)."""
    return [data.get("to", "") for data in session.scalars(select(Event.data).where(Event.attempt_id == attempt.id))]


def _awaits_an_end(attempt: Attempt, history: list[str]) -> bool:
    """Whether a page promised to find out, or a mail has said that the money was taken."""
    return (State.UNKNOWN in history and attempt.door != Door.RUN) or not _TOLD_OTHERWISE.isdisjoint(history)
