"""What an error of a charge means for the item and for the run: one table, read from the exception's class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from splynx_ippay.base.errors import (
    AlreadyOpen,
    AmountChanged,
    BadInput,
    HostRejected,
    IllegalTransition,
    NeverSent,
    Stopped,
)
from splynx_ippay.runs.models import ItemState
from splynx_ippay.runs.reasons import door_words

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from splynx_ippay.base.errors import AddOnError

# Answers of the host that are about this one invoice or customer; all others (permissions, overload) concern every item.
_OF_THE_INVOICE = frozenset({400, 404, 409, 422})
# Reasons of Stopped that are about one payer, each a key of REASONS; all others stop everybody.
_OF_THE_CUSTOMER = frozenset({"limit", "customer_stopped", "invoice_pending", "backup_off"})


@dataclass(frozen=True, slots=True)
class Ending:
    """How an item leaves its turn. READY: it was not charged and may be, unless it has an attempt by now.

    ``halt`` stops the run with these words; ``unsent`` counts towards stopping it.
    """

    state: ItemState = ItemState.DONE
    reason: str = ""
    detail: str = ""
    halt: str = ""
    unsent: bool = False


def ending_of(error: AddOnError) -> Ending:
    """The ending for what ``payments.charge.take`` raised."""
    return next((_ENDINGS[kind](error) for kind in type(error).__mro__ if kind in _ENDINGS), _everybody(error))


def _everybody(error: AddOnError) -> Ending:
    """ConfigError, HostUnavailable, the breaker, quarantine: none of the other items would fare better."""
    return Ending(ItemState.READY, "host_away", halt=str(error)[:200])


def _amount_changed(error: AmountChanged) -> Ending:
    if error.due:
        return Ending(ItemState.DRIFTED, "amount_changed", str(error.due))
    return Ending(ItemState.DRIFTED, "already_paid")


def _already_open(error: AlreadyOpen) -> Ending:
    return Ending(ItemState.DRIFTED, "opened_elsewhere", f"{error.since:%Y-%m-%d %H:%M} UTC, {door_words(error.door)}")


def _bad_input(error: BadInput) -> Ending:
    words = error.message % error.params if error.params else error.message
    return Ending(ItemState.DRIFTED, "settings_changed" if error.field == "amount" else "method_refused", words[:200])


def _stopped(error: Stopped) -> Ending:
    if error.reason in _OF_THE_CUSTOMER:
        return Ending(ItemState.DRIFTED, error.reason, str(error)[:200])
    return _everybody(error)


def _host_rejected(error: HostRejected) -> Ending:
    if error.status in _OF_THE_INVOICE:
        return Ending(ItemState.DRIFTED, "host_refused", str(error)[:200])
    return _everybody(error)


def _never_sent(_error: NeverSent) -> Ending:
    return Ending(ItemState.DONE, "never_sent", unsent=True)


def _taken(_error: IllegalTransition) -> Ending:
    """Somebody else took the item; its attempt tells the rest."""
    return Ending(ItemState.READY)


_ENDINGS: dict[type, Callable[[Any], Ending]] = {
    AmountChanged: _amount_changed, AlreadyOpen: _already_open, BadInput: _bad_input, Stopped: _stopped,
    HostRejected: _host_rejected, NeverSent: _never_sent, IllegalTransition: _taken,
}
