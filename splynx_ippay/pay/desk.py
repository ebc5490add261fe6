"""What signed and unsigned links share: the document, the form, the press, and the page of what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import abort, current_app, redirect, render_template, request, session, url_for
from sqlalchemy import select

from splynx_ippay.base.errors import HostRejected
from splynx_ippay.base.money import Money
from splynx_ippay.checkout import amounts, branding, endings, pages, receipts, words
from splynx_ippay.checkout.held import sentence_of
from splynx_ippay.checkout.merchant import merchant_name
from splynx_ippay.checkout.offers import Offer
from splynx_ippay.checkout.payment import Pressed, Presser, Typed, press
from splynx_ippay.pay import bp, limits
from splynx_ippay.payments.due import Debt, chargeable, find_debt, find_holder
from splynx_ippay.payments.models import Attempt, Door, Line, State
from splynx_ippay.payments.recording import whole

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from splynx_ippay.payments.core import Core

_PURPOSE = "ending"
_BACK = "back"  # in our session: where a payer came from, by transaction id
_MOST_REMEMBERED = 5
_LONGEST = 300  # of an address that is remembered: all of a session has to fit into one cookie
_NOBODY, _NOT_FOUND = 2_000_000_000, 404


def the_core() -> Core:
    """The core of this application."""
    core: Core = current_app.extensions["core"]
    return core


def find(core: Core, document: str, *, document_id: int | None = None, number: str | None = None) -> Debt | None:
    """The debt behind a link, one host call; the same queries whether it exists or not."""
    currency = core.settings.currency()
    debt = find_debt(core, document, currency=currency, document_id=document_id, number=number)
    if debt is None:
        nothing = Money.zero(currency)
        with core.database.read() as rows:
            find_holder(rows, f"{document}:0", 0)
            chargeable(rows, document, 0, host_due=nothing, total=nothing)
    return debt


def offer_of(core: Core, document: str, debt: Debt) -> Offer:
    """The offer for a debt; one more host call tells whose terminal takes the money."""
    partner_id = core.host.get_customer(debt.customer_id).partner_id
    currency = core.settings.terminal(partner_id).currency
    if currency != debt.due.currency:
        again = find_debt(core, document, currency=currency, document_id=debt.document_id)
        debt = again or debt
    return Offer.of_debt(debt, partner_id)


def cost_as_an_offer(core: Core) -> None:
    """What an offer costs, for an answer that offers nothing: who measures us learns nothing about a document."""
    try:
        core.host.get_customer(_NOBODY)
    except HostRejected as error:
        if error.status != _NOT_FOUND:
            raise
    merchant_name(core, _NOBODY)


def form(core: Core, offer: Offer, *, saved_allowed: bool, can_save: bool, log_in: str = "", can_ask: bool = False,
         typed: Typed | None = None, pressed: Pressed | None = None) -> ResponseReturnValue:
    """The page that shows number, amount and the ways to pay."""
    branding.show(offer.partner_id)
    checkout = pages.build(core, offer, merchant=merchant_name(core, offer.partner_id), action="",
                           saved_allowed=saved_allowed, can_save=can_save, preselect=False, chosen=request.args.get("source", ""),
                           typed=typed, pressed=pressed)
    return render_template("pay/pay.html", checkout=checkout, offer=offer, log_in=log_in, can_ask=can_ask), pressed.status if pressed else 200


def pay(core: Core, offer: Offer, *, target: str, saved_allowed: bool, can_save: bool, log_in: str = "",
        can_ask: bool = False) -> ResponseReturnValue:
    """Pay what was offered, or first choose how much of it. Raises TooManyRequests."""
    if request.form.get("step") == amounts.STEP:
        offer, mistake = amounts.of_part(core, offer, request.form.get("amount", ""))
        return form(core, offer, saved_allowed=saved_allowed, can_save=can_save, log_in=log_in, can_ask=can_ask,
                    typed=Typed(amount=Typed.read(request.form).amount), pressed=mistake)
    counted = limits.count_payment(core, target, guessable=not can_save)
    presser = Presser(Door.LINK, "link", request.remote_addr or "", merchant_name(core, offer.partner_id),
                      saved_allowed=saved_allowed, can_save=can_save)
    pressed = press(core, offer, request.form, presser)
    if not pressed.problems and (pressed.attempt is None or pressed.attempt.state != State.DECLINED):
        limits.forgive(core, counted)
        if pressed.attempt is not None and not can_save:
            limits.give_opening_back(core)
    if pressed.attempt is not None:
        _remember_way_back(pressed.attempt)
        return redirect(url_for("pay.ending", reference=reference_of(core, pressed.attempt)), 303)
    if pressed.held is not None:
        return held(offer.document, offer.number, sentence_of(pressed.held.door, pressed.held.since, pressed.held.target)), 409
    if pressed.due is not None and not pressed.due:
        return render_template("pay/nothing.html"), 409
    return form(core, offer.again(pressed.due, pressed.pays), saved_allowed=saved_allowed, can_save=can_save, log_in=log_in,
                can_ask=can_ask, typed=Typed.read(request.form), pressed=pressed)


def held(document: str, number: str, sentence: str) -> str:
    """Somebody pays it already."""
    return render_template("pay/held.html", document=document, number=number, sentence=sentence)


def stale(again: str) -> ResponseReturnValue:
    """The form was shown too long ago, or changed."""
    return render_template("errors/error.html", title=words.say(words.STALE_TITLE), sentences=[words.say(words.STALE)],
                           again=again), 400


def receipt_of(core: Core, document: str, document_id: int) -> Attempt | None:
    """The payment of ours that paid a document, for the link of a document that is paid."""
    with core.database.read() as rows:
        attempt = rows.scalars(select(Attempt).join(Line).where(
            Line.document == document, Line.document_id == document_id,
            Attempt.state.in_([State.APPROVED, State.ACCEPTED])).order_by(Attempt.id.desc()).limit(1)).first()
        return attempt and whole(attempt)


@bp.get("/paid/<reference>")
def ending(reference: str) -> ResponseReturnValue:
    """What became of a payment by link; the address carries its own proof."""
    core, attempt = the_core(), _proven(reference)
    branding.show(attempt.partner_id)
    back = session.get(_BACK, {}).get(attempt.transaction_id, "")

    def pay_again(source: str) -> str:
        return back + (("&" if "?" in back else "?") + "source=" + source if source else "")

    page = endings.page_of(attempt, pay_again if back else None)
    merchant = merchant_name(core, attempt.partner_id) if page.receipt else ""
    return render_template("pay/ending.html", page=page, attempt=attempt, source=endings.source_of(attempt), merchant=merchant,
                           pdf=receipts.offer(page, url_for("pay.receipt", reference=reference)))


@bp.get("/paid/<reference>/receipt.pdf")
def receipt(reference: str) -> ResponseReturnValue:
    """Its receipt as a file to keep, for whoever may see the page."""
    return receipts.answer(the_core(), _proven(reference))


def reference_of(core: Core, attempt: Attempt) -> str:
    """What stands in the address of a payment's page: its id and our proof."""
    return f"{attempt.transaction_id}.{core.box.sign(_PURPOSE, attempt.transaction_id)}"


def _proven(reference: str) -> Attempt:
    """The payment of a reference; 404 for one that is not ours."""
    core = the_core()
    transaction_id, _, signature = reference.rpartition(".")
    if not core.box.is_signed(_PURPOSE, transaction_id, signature):
        abort(404)
    with core.database.read() as rows:
        attempt = rows.scalars(select(Attempt).where(Attempt.transaction_id == transaction_id)).first()
        return whole(attempt) if attempt is not None else abort(404)


def _remember_way_back(attempt: Attempt) -> None:
    if len(request.full_path) > _LONGEST:
        return
    known = list(session.get(_BACK, {}).items())[-_MOST_REMEMBERED + 1:]
    session[_BACK] = dict([*known, (attempt.transaction_id, request.full_path.rstrip("?"))])
