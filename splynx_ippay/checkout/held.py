"""Who pays a debt already. Owns the sentence for a second door: who, and since when."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - read by people, not only by the type checker
from typing import TYPE_CHECKING

from flask_babel import gettext as _

from splynx_ippay.checkout.formats import moment

if TYPE_CHECKING:
    from collections.abc import Callable

_WORDS: dict[str, Callable[[str], str]] = {
    "portal": lambda since: _("It is already being paid in the portal, since %(since)s.", since=since),
    "link": lambda since: _("It is already being paid through a payment link, since %(since)s.", since=since),
    "staff": lambda since: _("It is already being paid by our staff, since %(since)s.", since=since),
    "run": lambda since: _("It is already being paid by the automatic charge, since %(since)s.", since=since),
    "returned": lambda since: _("The bank sent a debit of %(since)s for it back and may be asked once more within ten "
                                "days. Please wait for that, or contact us to pay another way.", since=since),
}


def sentence_of(door: str, since: datetime, target: str) -> str:
    """Whole sentences by door, so that every language can order its words; ``target`` is the key that is held.

    Who holds the whole account holds every document, also one that is newer.
    """
    if target.startswith("customer:") and door == "run":
        return _("All that is owed on the account is being paid by the automatic charge, since %(since)s. Until that has ended "
                 "nothing else can be paid here.", since=moment(since))
    words = _WORDS.get(door)
    return words(moment(since)) if words else _("It is already being paid, since %(since)s.", since=moment(since))
