"""How an attempt reads to people: its ending, and the debit's expected dates. Formats nothing, translates nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from splynx_ippay.ippay.outcomes import Decline, decline_for
from splynx_ippay.payments import calendar
from splynx_ippay.payments.models import Attempt, State

if TYPE_CHECKING:
    from datetime import date

_CONFIGURATION = "configuration"


@dataclass(frozen=True)
class Ending:
    """``name``: approved, settled, accepted, declined, refused (our side), unknown, abandoned, returned, voided, review.

    ``decline`` is set for declined and refused; ``final_on`` is when an accepted bank debit is expected to be final.
    """

    name: str
    is_final: bool
    decline: Decline | None = None
    final_on: date | None = None


def ending(attempt: Attempt) -> Ending:
    """The ending of an attempt as it stands now."""
    state = State(attempt.state)
    match state:
        case State.INTENDED | State.UNKNOWN:
            return Ending("unknown", is_final=False)
        case State.APPROVED:
            return Ending("settled" if attempt.instrument == "bank" else "approved", is_final=True)
        case State.ACCEPTED:
            sent = (attempt.sending_at or attempt.created_at).date()
            return Ending("accepted", is_final=True, final_on=calendar.add_banking_days(sent, 5))
        case State.DECLINED:
            words = decline_for(attempt.action_code, attempt.brand, attempt.response_text)
            return Ending("refused" if words.kind == _CONFIGURATION else "declined", is_final=True, decline=words)
        case _:
            return Ending(state.value, is_final=True)
