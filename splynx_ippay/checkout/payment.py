"""One press of a Pay button, for every door. Owns the way from a form to the core's order and back to words.

Must never decide about money: it hands an order to ``payments.charge`` and shows what came of it. What was typed into
card and account fields is dropped with the request.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from splynx_ippay.base.errors import AddOnError, AlreadyOpen, AmountChanged, BadInput, BadInputs, FeeChanged
from splynx_ippay.base.marks import N_
from splynx_ippay.base.money import Money
from splynx_ippay.checkout import words
from splynx_ippay.checkout.cart import Cart, PartRules
from splynx_ippay.checkout.consent import bank_consent, card_consent
from splynx_ippay.credentials import BankForm, CardForm
from splynx_ippay.payments import limits
from splynx_ippay.payments.charge import take
from splynx_ippay.payments.intent import check_limits, find_submission
from splynx_ippay.payments.models import State
from splynx_ippay.payments.orders import Item, NewBank, NewCard, Order, SavedMethod, Source

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.datastructures import MultiDict

    from splynx_ippay.checkout.offers import Offer
    from splynx_ippay.payments.core import Core
    from splynx_ippay.payments.models import Attempt, Door

_METHOD = "method:"
_LONGEST = 80
_ISSUER_DIGITS = 8  # ISO/IEC 7812-1:2017
_LONGEST_ZIP, LONGEST_AMOUNT = 10, 11  # a card number has 13 digits at least


@dataclass(frozen=True)
class Typed:
    """What may be shown again after an error: nothing of a card or an account."""

    source: str = ""
    holder: str = ""
    postal_code: str = ""
    kind: str = ""
    amount: str = ""
    save: bool = False

    @classmethod
    def read(cls, form: MultiDict[str, str]) -> Typed:
        """Take the harmless fields of a form; what could be a card number in the wrong field is dropped."""
        source = form.get("source", "")[:_LONGEST]
        holder, postal_code, amount = holder_of(form, source)[:_LONGEST], form.get("postal_code", ""), form.get("amount", "")
        return cls(source=source, holder="" if any(map(str.isdigit, holder)) else holder,
                   postal_code=postal_code if len(postal_code) <= _LONGEST_ZIP else "",
                   kind=form.get("kind", "")[:20], amount=amount if len(amount) <= LONGEST_AMOUNT else "",
                   save=bool(form.get("save")))


@dataclass
class Pressed:
    """What came of a press: an attempt to show the ending of, or the form again with the reasons."""

    attempt: Attempt | None = None
    problems: dict[str, str] = field(default_factory=dict)
    notice: str = ""
    status: int = 200
    due: Money | None = None  # the new amount, where it has changed
    pays: Money | None = None  # what the person wanted to pay, where the card fee on it has changed
    held: AlreadyOpen | None = None


@dataclass(frozen=True)
class Presser:
    """Who presses, from where, and what the door allows."""

    door: Door
    actor: str
    address: str
    merchant: str
    saved_allowed: bool = True
    can_save: bool = True


def holder_of(form: MultiDict[str, str], source: str) -> str:
    """The name typed for the chosen source: a page with both forms sends the card's first and the bank's last."""
    names = form.getlist("holder")
    return (names[-1] if source == "bank" else names[0]) if names else ""


def press(core: Core, offer: Offer | Cart, form: MultiDict[str, str], presser: Presser) -> Pressed:
    """Pay what was offered with what the form says; a repeated form leads to what came of it the first time."""
    earlier = find_submission(core, offer.submission_key)
    if earlier is not None and earlier.customer_id == offer.customer_id:
        return Pressed(attempt=earlier)
    try:
        items, source = _both(lambda: items_of(core, offer, form), lambda: _source(core, form, presser))
        order = Order(door=presser.door, customer_id=offer.customer_id, partner_id=offer.partner_id,
                      items=items, source=source, card_fee=offer.card_fee,
                      submission_key=offer.submission_key, actor=presser.actor, address=presser.address)
        return Pressed(attempt=_take(core, order, presser))
    except BadInput as error:
        return Pressed(problems=words.problems(error), status=400)
    except AlreadyOpen as error:
        # A second press of the same form, while the first was on its way in, meets its own attempt.
        ours = find_submission(core, offer.submission_key)
        return Pressed(held=error, status=409) if ours is None else Pressed(attempt=ours)
    except AddOnError as error:
        return _refused(core, offer, error)


def _take(core: Core, order: Order, presser: Presser) -> Attempt:
    """Charge; of new cards and accounts declines are counted by network, issuer and door. Raises what ``take`` raises."""
    if isinstance(order.source, SavedMethod):
        return take(core, order)
    issuer = core.box.sign("card issuer", order.source.card.number[:_ISSUER_DIGITS]) if isinstance(order.source, NewCard) else ""
    # Who is logged in or holds a signed link may save; what strangers do on links they guess must not stop them.
    crowd = limits.Crowd(f"{presser.door}{'' if presser.can_save else ':guessed'}", limits.network_of(presser.address), issuer,
                         proven=presser.can_save)
    with core.database.read() as session:
        limits.guard_crowd(session, crowd)
    attempt = take(core, order)
    if attempt.state == State.DECLINED:
        core.database.run(lambda session: limits.note_decline(session, crowd))
    return attempt


def _refused(core: Core, offer: Offer | Cart, error: AddOnError) -> Pressed:
    """Nothing was taken, unless the intent says otherwise: then its own page tells."""
    notice, status = words.refusal(error)
    if isinstance(error, AmountChanged):
        return Pressed(notice=notice, status=status, due=error.due)
    if isinstance(error, FeeChanged):
        return Pressed(notice=notice, status=status, pays=error.amount)
    begun = find_submission(core, offer.submission_key)
    if begun is not None and begun.sending_at is not None:
        return Pressed(attempt=begun)
    return Pressed(notice=notice, status=status)


def _both(read_items: Callable[[], tuple[Item, ...]], read_source: Callable[[], Source]) -> tuple[tuple[Item, ...], Source]:
    """What is paid and with what, so that a mistake in the one does not hide a mistake in the other."""
    mistakes: list[BadInput] = []
    items: tuple[Item, ...] = ()
    try:
        items = read_items()
    except BadInput as error:
        mistakes.append(error)
    try:
        source = read_source()
    except BadInput as error:
        mistakes += error.all if isinstance(error, BadInputs) else [error]
    if mistakes:
        raise BadInputs(mistakes)
    return items, source


def items_of(core: Core, offer: Offer | Cart, form: MultiDict[str, str]) -> tuple[Item, ...]:
    """What a form asks to pay: all that is due, a part where the settings allow it, or what is added. Raises BadInput."""
    if isinstance(offer, Cart):
        return offer.items()
    if offer.document == "topup":
        amount = offer.pays if offer.amount_cents else Money.parse(form.get("amount", ""), offer.currency)
        check_limits(core, amount)
        return (offer.item(amount),)
    if offer.amount_cents:  # chosen on the page before; the core looks at the rules of parts again
        return (replace(offer.item(offer.pays), is_part=offer.pays != offer.due),)
    rules, typed = PartRules.of(core, offer.currency), form.get("amount", "").strip()
    if not typed or not rules.fit(offer.document, offer.due):
        return (offer.item(offer.due),)
    amount = rules.read(offer.due, typed)
    return (replace(offer.item(amount), is_part=amount != offer.due),)


def _source(core: Core, form: MultiDict[str, str], presser: Presser) -> Source:
    chosen = form.get("source", "")
    if chosen == "card":
        typed = CardForm(number=form.get("number", ""), expiry=form.get("expiry", ""), holder=holder_of(form, "card"),
                         cvv=form.get("cvv", ""), postal_code=form.get("postal_code", ""))
        card = typed.read(need_cvv=True, need_postal_code=core.settings.flag("zip_code_option"))
        save = bool(form.get("save")) and presser.can_save
        return NewCard(card, save=save, consent=card_consent(presser.merchant, presser.address) if save else None)
    if chosen == "bank":
        account = read_bank(form).read(pays=True)
        return NewBank(account, consent=bank_consent(form, presser.merchant, presser.address, pays=True),
                       save=bool(form.get("save")) and presser.can_save)
    number = chosen.removeprefix(_METHOD)
    if chosen.startswith(_METHOD) and presser.saved_allowed and number.isascii() and number.isdigit() and len(number) < 10:  # noqa: PLR2004 - fits the key's column
        return SavedMethod(int(number))
    raise BadInput("source", N_("Choose how you want to pay."))


def read_bank(form: MultiDict[str, str]) -> BankForm:
    """The bank fields of a form, unchecked."""
    return BankForm(routing=form.get("routing", ""), account=form.get("account", ""),
                    account_again=form.get("account_again", ""), kind=form.get("kind", ""),
                    holder=holder_of(form, "bank"), authorized=bool(form.get("authorized")))
