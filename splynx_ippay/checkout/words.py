"""What a person reads when something was refused. Owns one sentence per refusal, each true about the money."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from flask_babel import gettext

from splynx_ippay.base.errors import (
    AddOnError,
    AmountChanged,
    BadInput,
    BadInputs,
    FeeChanged,
    HostError,
    NeverSent,
    OutcomeUnknown,
    Stopped,
)
from splynx_ippay.base.marks import N_
from splynx_ippay.base.money import Money
from splynx_ippay.checkout.formats import money

if TYPE_CHECKING:
    from collections.abc import Mapping

_log = logging.getLogger(__name__)

OUR_SIDE = N_("We cannot take payments at the moment because of a problem on our side. Nothing was charged, and there is "
              "nothing wrong with your card or account. Please try again later.")
HOST_AWAY = N_("The billing system does not answer at the moment. Nothing was charged. Please try again in a few minutes.")
NEVER_SENT = N_("The payment company could not be reached. Nothing was charged. Please try again in a few minutes.")
NOT_SAVED = N_("The payment company gave no clear answer about these details. They were not saved and nothing was charged. "
               "Please try again in a few minutes.")
TOO_MANY_TRIES = N_("There were too many tries with this card or account that did not succeed. Nothing was charged. Please "
                    "use another card or account, or contact us.")
TOO_MANY_HERE = N_("Many payments that were tried here within the last hour did not succeed, perhaps those of other people in your "
                   "network. Nothing was charged. Please try again in an hour, use a card or account that is saved in the "
                   "customer portal, or contact us.")
CHANGED = N_("The amount due has changed to %(due)s while this page was open. Nothing was charged. Please check the amount "
             "and press the button again.")
FEE_CHANGED = N_("The card fee has changed while this page was open: paying by card is now %(total)s. Nothing was charged. "
                 "Please check the total and press the button again.")
CHANGED_SEVERAL = N_("What is due has changed while this page was open. Nothing was charged. Please check the amounts and "
                     "press the button again.")
STALE_TITLE = N_("This page was open too long")
STALE = N_("It may also have been changed on the way. Nothing was charged and nothing was changed. Please open the page "
           "again, check it, and press the button once more.")

# Field names of the codes' table to those of our forms.
_FIELDS = {"exp_month": "expiry", "exp_year": "expiry", "method": "source", "documents": "amount"}


def problem(error: BadInput) -> tuple[str, str]:
    """The form field to mend and the sentence that stands next to it, in the person's language."""
    params = {key: money(value) if isinstance(value, Money) else value for key, value in error.params.items()}
    return _FIELDS.get(error.field, error.field), say(error.message, params)


def problems(error: BadInput) -> dict[str, str]:
    """Every field to mend with its sentence, in the order of the form."""
    return dict(reversed([problem(one) for one in reversed(error.all if isinstance(error, BadInputs) else (error,))]))


def say(msgid: str, params: Mapping[str, object] | None = None) -> str:
    """Translate a msgid that came as a value."""
    return str(gettext(msgid, **dict(params or {})))


def refusal(error: AddOnError) -> tuple[str, int]:
    """The sentence and the HTTP status for a refusal before any money was asked for; what staff must mend is logged."""
    if isinstance(error, AmountChanged):
        return gettext(CHANGED, due=money(error.due)), 409
    if isinstance(error, FeeChanged):
        return gettext(FEE_CHANGED, total=money(error.total)), 409
    if isinstance(error, Stopped) and error.reason == "limit":
        return gettext(TOO_MANY_TRIES), 429
    if isinstance(error, Stopped) and error.reason == "crowd":
        return gettext(TOO_MANY_HERE), 429
    for kind, sentence in _PASSING.items():
        if isinstance(error, kind):
            _log.warning("a payment could not be started: %s: %s", type(error).__name__, error)
            return gettext(sentence), 503
    _log.error("a payment could not be started: %s: %s", type(error).__name__, error)
    return gettext(OUR_SIDE), 503


# What passes by itself; everything else waits for somebody on our side.
_PASSING: dict[type[AddOnError], str] = {NeverSent: NEVER_SENT, OutcomeUnknown: NOT_SAVED, HostError: HOST_AWAY}
