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
# Nacha: an administrative return comes within two banking days, and a consumer may object for 60 days.
_SETTLES_BANKING_DAYS = 1
_SURE_BANKING_DAYS = 5


@dataclass(frozen=True)
class DebitDays:
    """When a bank debit was sent, when the money is expected to leave the account, until when it may well come back."""

    sent_on: date
    leaves_on: date
    final_on: date


@dataclass(frozen=True)
class Ending:
    """``name``: approved, settled, accepted, declined, refused (our side), unknown, abandoned, returned, voided, review.

    ``decline`` is set for declined and refused.
    """

    name: str
    is_final: bool
    decline: Decline | None = None


def ending(attempt: Attempt) -> Ending:
    """The ending of an attempt as it stands now."""
    state = State(attempt.state)
    match state:
        case State.INTENDED | State.UNKNOWN:
            return Ending("unknown", is_final=False)
        case State.APPROVED:
            return Ending("settled" if attempt.instrument == "bank" else "approved", is_final=True)
        case State.ACCEPTED:
            return Ending("accepted", is_final=True)
        case State.DECLINED:
            words = decline_for(attempt.action_code, attempt.brand, attempt.response_text)
            return Ending("refused" if words.kind == _CONFIGURATION else "declined", is_final=True, decline=words)
        case _:
            return Ending(state.value, is_final=True)


def debit_days(attempt: Attempt) -> DebitDays:
    """The expected days of a bank debit, in the calendar of the place where the server stands."""
    sent = (attempt.sending_at or attempt.created_at).astimezone().date()
    return DebitDays(sent, calendar.add_banking_days(sent, _SETTLES_BANKING_DAYS), calendar.add_banking_days(sent, _SURE_BANKING_DAYS))
