"""Paying several documents at once: the list to pick from, the page with the sum, and the one sale for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import current_app, redirect, render_template, request, url_for

from splynx_ippay import auth
from splynx_ippay.base import clock
from splynx_ippay.base.errors import BadInput
from splynx_ippay.checkout import pages, words
from splynx_ippay.checkout.cart import ALL, MOST_AT_ONCE, Cart, PartRules, cart_of, key_of, payable, read_picks
from splynx_ippay.checkout.held import sentence_of
from splynx_ippay.checkout.merchant import merchant_name
from splynx_ippay.checkout.offers import StaleForm
from splynx_ippay.checkout.payment import Presser, Typed, press
from splynx_ippay.payments.due import open_debts, target_of
from splynx_ippay.payments.models import Attempt, Door
from splynx_ippay.portal import bp

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from splynx_ippay.base.errors import AlreadyOpen
    from splynx_ippay.checkout.payment import Pressed
    from splynx_ippay.payments.core import Core
    from splynx_ippay.payments.due import Debt

BACK = "/portal/finance/invoices"


@bp.get("/pay")
def several() -> ResponseReturnValue:
    """Everything that can be paid, oldest first, with a tick and a sum each."""
    core, user = _core(), auth.customer()
    debts = open_debts(core, user.id, core.settings.terminal(user.partner_id).currency)
    return _list(core, debts)


@bp.get("/pay/selected")
def selected() -> ResponseReturnValue:
    """What was picked, the sum, and how to pay it. The address holds the picks, so that "back" and "try again" work."""
    core, user = _core(), auth.customer()
    currency = core.settings.terminal(user.partner_id).currency
    debts = open_debts(core, user.id, currency)
    if not debts:
        return _list(core, debts)
    try:
        picks = read_picks(request.args, debts, PartRules.of(core, currency))
    except BadInput as error:
        return _list(core, debts, problems=words.problems(error)), 400
    cart = cart_of(picks, user.id, user.partner_id, currency)
    return _form(core, cart, typed=Typed(holder=user.name[:60]))


@bp.post("/pay/selected")
def pay_selected() -> ResponseReturnValue:
    """Pay the sum in one sale."""
    core, user = _core(), auth.customer()
    try:
        cart = Cart.of_form(core.box, request.form)
    except StaleForm:
        cart = None
    if cart is None or cart.customer_id != user.id:
        return render_template("errors/error.html", title=words.say(words.STALE_TITLE),
                               sentences=[words.say(words.STALE)], again=url_for("portal.several")), 400
    presser = Presser(Door.PORTAL, user.actor, request.remote_addr or "", merchant_name(core, user.partner_id))
    pressed = press(core, cart, request.form, presser)
    if pressed.attempt is not None and pressed.attempt.customer_id == user.id:
        return redirect(url_for("portal.ending", transaction_id=pressed.attempt.transaction_id), 303)
    if pressed.held is not None:
        return _held(core, cart, pressed.held)
    if pressed.due is not None:
        debts = open_debts(core, user.id, cart.currency)
        return _list(core, debts, notice=words.say(words.CHANGED_SEVERAL)), 409
    again = cart_of(cart.picks, cart.customer_id, cart.partner_id, cart.currency)
    return _form(core, again, typed=Typed.read(request.form), pressed=pressed)


def address_of(attempt: Attempt, source: str) -> str:
    """The page with the same picks again, for "try again" after a refusal."""
    picks = [line for line in attempt.debts if line.document != "topup"]
    sums: dict[str, Any] = {f"sum-{key_of(line.document, line.document_id)}": str(line.amount.decimal()) for line in picks}
    chosen: dict[str, Any] = {"source": source} if source else {}
    if len(picks) != len(attempt.debts):
        return url_for("portal.several")
    return url_for("portal.selected", pick=[key_of(line.document, line.document_id) for line in picks], **sums, **chosen)


def _core() -> Core:
    core: Core = current_app.extensions["core"]
    return core


def _list(core: Core, debts: list[Debt], *, problems: dict[str, str] | None = None, notice: str = "") -> str:
    free = payable(debts)
    rules = PartRules.of(core, debts[0].due.currency) if debts else None
    picked = request.args.getlist("pick") if request.args else None
    return render_template(
        "portal/several.html", debts=debts, key_of=key_of, sentence_of=sentence_of, today=clock.now().astimezone().date(),
        free={key_of(debt.document, debt.document_id) for debt in free}, rules=rules, most=MOST_AT_ONCE, all_ticked=picked is None or ALL in picked,
        too_many=len([debt for debt in debts if debt.held is None]) > len(free), picked=picked, back=BACK,
        problems=problems or {}, notice=notice,
        ids={f"sum-{name}": f"sum-{name}" for name in map(_key, free)} | {"pick": "documents"},
        total=sum((debt.due for debt in free[1:]), free[0].due) if free else None)


def _key(debt: Debt) -> str:
    return key_of(debt.document, debt.document_id)


def _form(core: Core, cart: Cart, *, typed: Typed, pressed: Pressed | None = None) -> ResponseReturnValue:
    checkout = pages.build(core, cart, merchant=merchant_name(core, cart.partner_id), action=url_for("portal.pay_selected"),
                           saved_allowed=True, can_save=True, show_details=True, chosen=request.args.get("source", ""),
                           typed=typed, pressed=pressed)
    return render_template("portal/pay_several.html", checkout=checkout, cart=cart), pressed.status if pressed else 200


def _held(core: Core, cart: Cart, held: AlreadyOpen) -> ResponseReturnValue:
    with core.database.read() as session:
        first = session.get(Attempt, held.attempt_id)
    pick = next((pick for pick in cart.picks
                 if target_of(pick.document, pick.document_id, cart.customer_id) == held.target), cart.picks[0])
    return render_template("portal/held.html", sentence=sentence_of(held.door, held.since, held.target), document=pick.document,
                           number=pick.number, transaction_id=first.transaction_id if first else "", back=BACK), 409
