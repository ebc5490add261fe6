"""What the pay form shows. Owns which ways to pay are offered, which is chosen, and what stands on the button."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from flask_babel import gettext as _

from splynx_ippay import credentials
from splynx_ippay.base.errors import BadInput
from splynx_ippay.base.money import Money
from splynx_ippay.checkout import amounts, banks
from splynx_ippay.checkout.cart import Cart, PartRules
from splynx_ippay.checkout.consent import bank_paragraphs, bank_version, card_text
from splynx_ippay.checkout.formats import money
from splynx_ippay.checkout.payment import Pressed, Typed
from splynx_ippay.payments.fees import CardFee
from splynx_ippay.payments.intent import check_limits

if TYPE_CHECKING:
    from splynx_ippay.checkout.offers import Offer
    from splynx_ippay.credentials import Method
    from splynx_ippay.payments.core import Core
    from splynx_ippay.payments.fees import Fee


@dataclass
class Checkout:
    """Everything the form of a pay page needs."""

    offer: Offer | Cart
    sealed: str
    action: str
    merchant: str
    button: str
    instruments: tuple[str, ...]
    methods: list[Method] = field(default_factory=list)
    zip_code: bool = False
    can_save: bool = False
    show_details: bool = False  # of saved methods: holder and routing number are for their owner only
    chosen: str = ""
    typed: Typed = field(default_factory=Typed)
    problems: dict[str, str] = field(default_factory=dict)
    notice: str = ""
    mandate: list[str] = field(default_factory=list)
    mandate_version: str = ""
    card_consent: str = ""
    part_minimum: Money | None = None  # set where a part may be paid: the smallest
    asks_first: bool = False  # the amount is, or was, chosen before the way to pay, because cards pay a fee on it
    fee: Fee | None = None  # what a card pays on top; None: no word about a fee
    taps: list[Money] = field(default_factory=list)  # amounts to tap on the page to add money

    @property
    def ids(self) -> dict[str, str]:
        """Where the summary's links lead: the ids of the fields of the chosen way."""
        names = {"number", "expiry", "cvv", "holder", "postal_code", "routing", "account", "account_again", "kind", "authorized"}
        return {name: f"{self.chosen}-{name}" for name in names}

    @property
    def fee_name(self) -> str:
        """What the fee is called."""
        return (self.fee.name if self.fee else "") or _("Card fee")

    def charged(self, instrument: str) -> Money:
        """What is taken when it is paid in that way."""
        return self.offer.pays + self.fee.amount if self.fee and instrument == "card" else self.offer.pays

    @property
    def buttons(self) -> dict[str, str]:
        """What the button says while a card, an account or nothing is chosen, where that is not the same."""
        if self.fee is None:
            return {}
        by = {instrument: _("Pay %(amount)s", amount=money(self.charged(instrument))) for instrument in self.instruments}
        return by | {"none": _("Pay")} if len(by) > 1 else {}

    @staticmethod
    def label(method: Method) -> str:
        """How people know a method, in their language."""
        return banks.label(method)

    def choice(self, method: Method) -> str:
        """How a method is told from the others; its expiry is not for who may have guessed the address, and so saves nothing."""
        return banks.label_with_expiry(method) if self.show_details or self.can_save else banks.label(method)


def build(core: Core, offer: Offer | Cart, *, merchant: str, action: str, saved_allowed: bool, can_save: bool, show_details: bool = False,
          preselect: bool = True, chosen: str = "", typed: Typed | None = None, pressed: Pressed | None = None) -> Checkout:
    """The form for an offer. One query; raises ConfigError when the partner has no terminal.

    Without ``preselect`` a saved method has to be chosen by hand: a machine that sends the form as it stands pays nothing.
    """
    terminal = core.settings.terminal(offer.partner_id)
    instruments = core.settings.instruments(terminal)
    methods: list[Method] = []
    if saved_allowed:
        with core.database.read() as session:
            methods = [method for method in credentials.methods_of(
                session, offer.customer_id, terminal_id=terminal.terminal_id, environment=terminal.environment)
                if method.instrument in instruments]
    typed = typed or Typed()
    rules = PartRules.of(core, terminal.currency)
    part_minimum = rules.minimum if not isinstance(offer, Cart) and rules.fit(offer.document, offer.due) else None
    has_fee = amounts.comes_first(core, terminal)
    asks_first = has_fee or (not isinstance(offer, Cart) and bool(offer.amount_cents))
    fee = CardFee.of(core.settings, terminal.currency).on(offer.pays) if has_fee else None
    offer = replace(offer, card_fee_cents=fee.amount.cents if fee else 0)
    return Checkout(
        offer=offer, sealed=offer.seal(core.box), action=action, merchant=merchant, button=_button(offer, fee, None if asks_first else part_minimum), instruments=instruments,
        methods=methods, zip_code=core.settings.flag("zip_code_option"), can_save=can_save and bool(instruments),
        show_details=show_details, part_minimum=part_minimum, asks_first=asks_first, fee=fee, taps=_taps(core, terminal.currency) if offer.document == "topup" else [],
        chosen=_chosen(typed.source or chosen, methods, instruments, preselect=preselect), typed=typed,
        problems=pressed.problems if pressed else {}, notice=pressed.notice if pressed else "",
        mandate=bank_paragraphs(merchant, pays=True) if "bank" in instruments else [],
        mandate_version=bank_version(merchant, pays=True) if "bank" in instruments else "",
        card_consent=card_text(merchant) if can_save else "")


def _button(offer: Offer | Cart, fee: Fee | None, part_minimum: Money | None) -> str:
    """What the button says; with a fee and only cards, what the card is charged."""
    if fee is not None:
        return _("Pay %(amount)s", amount=money(offer.pays + fee.amount))
    if offer.document == "topup":
        return _("Add")
    return _("Pay") if part_minimum else _("Pay %(amount)s", amount=money(offer.pays))


def _taps(core: Core, currency: str) -> list[Money]:
    """The amounts of the setting that may be paid, smallest first; what is no amount is left out."""
    found = set()
    for typed in core.settings.text("topup_amounts").split(","):
        with suppress(BadInput):
            amount = Money.parse(typed, currency)
            check_limits(core, amount)
            found.add(amount)
    return sorted(found)


def _chosen(wanted: str, methods: list[Method], instruments: tuple[str, ...], *, preselect: bool) -> str:
    """The wanted way if it is offered, else the default method (unless it has expired), else the first new one."""
    usable = [f"method:{method.id}" for method in methods if not method.is_expired()]
    offered = [*(f"method:{method.id}" for method in methods), *instruments]
    if wanted in offered:
        return wanted
    if usable and not preselect:
        return ""
    return next(iter([*usable, *instruments]), "")
