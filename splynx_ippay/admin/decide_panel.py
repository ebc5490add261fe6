"""The panel "Decide" on the page of a payment: what may be decided and by whom. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from splynx_ippay import auth
from splynx_ippay.payments import choices, proposals
from splynx_ippay.payments.decision_models import Asked
from splynx_ippay.payments.models import Booking, State
from splynx_ippay.payments.orders import new_submission_key

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from splynx_ippay.payments.decision_models import Decision
    from splynx_ippay.payments.models import Attempt, Line

_IN_DOUBT = frozenset({State.REVIEW, State.UNKNOWN})


@dataclass(frozen=True)
class Panel:
    """What the panel of one payment shows. ``lines``: those in review; ``mistakes`` by field of the form sent, ``of`` which it is."""

    ends: tuple[State, ...]
    lines: dict[Line, tuple[Booking, ...]]
    asked: Asked | None
    proposal: Decision | None
    is_own: bool
    seen: int
    submission_key: str
    of: int | None
    mistakes: dict[str, str]


def panel_of(session: Session, attempt: Attempt, *, of: int | None = None, mistakes: dict[str, str] | None = None) -> Panel | None:
    """The panel of a payment, None where nothing is to be decided or asked."""
    if attempt.state not in _IN_DOUBT and all(line.booking != Booking.REVIEW for line in attempt.lines):
        return None
    ends = choices.offered(attempt, choices.known_of(session, attempt))
    lines = {line: found for line in attempt.lines if (found := choices.offered_for_line(line))}
    proposal = proposals.find_open(session, attempt.id)
    return Panel(ends, lines, session.get(Asked, attempt.id), proposal, proposal is not None and proposal.person_id == auth.staff().id,
                 proposals.last_seq(session, attempt.id), new_submission_key(), of, mistakes or {})
