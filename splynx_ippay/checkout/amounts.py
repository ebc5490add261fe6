"""Choosing the amount before the way to pay. Needed where cards pay a fee: nobody presses Pay below a total that was not shown.

Must never decide what is due or what the fee is: it takes what the sealed offer and ``payments.fees`` say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from splynx_ippay.base.errors import BadInput
from splynx_ippay.base.money import Money
from splynx_ippay.checkout import words
from splynx_ippay.checkout.cart import PartRules
from splynx_ippay.checkout.payment import LONGEST_AMOUNT, Pressed
from splynx_ippay.payments.fees import CardFee
from splynx_ippay.payments.intent import check_limits

if TYPE_CHECKING:
    from splynx_ippay.base.settings import TerminalSettings
    from splynx_ippay.checkout.offers import Offer
    from splynx_ippay.payments.core import Core

STEP = "amount"  # the form's button


def comes_first(core: Core, terminal: TerminalSettings) -> bool:
    """Whether the amount has to be known before ways to pay are shown. Raises ConfigError."""
    return CardFee.of(core.settings, terminal.currency).is_on and "card" in core.settings.instruments(terminal)


def of_topup(core: Core, offer: Offer, typed: str) -> tuple[Offer, Pressed | None]:
    """The offer to add exactly what was typed, or the old one with the mistake to show."""
    try:
        amount = Money.parse(typed[:LONGEST_AMOUNT], offer.currency)
        check_limits(core, amount)
    except BadInput as error:
        return offer, Pressed(problems=words.problems(error), status=400)
    return offer.again(pays=amount), None


def of_part(core: Core, offer: Offer, typed: str) -> tuple[Offer, Pressed | None]:
    """The offer to pay what was typed of an invoice, or the old one with the mistake to show.

    Where no part may be paid any more, all that is due: the page says so before anything is pressed.
    """
    rules = PartRules.of(core, offer.currency)
    if not rules.fit(offer.document, offer.due):
        return offer.again(pays=offer.due), None
    try:
        amount = rules.read(offer.due, typed[:LONGEST_AMOUNT])
    except BadInput as error:
        return offer.again(), Pressed(problems=words.problems(error), status=400)
    return offer.again(pays=amount), None
