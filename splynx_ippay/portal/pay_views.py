"""Paying in the portal: an invoice, a proforma, a top-up, and the page of what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import current_app, redirect, render_template, request, url_for
from sqlalchemy import select

from splynx_ippay import auth
from splynx_ippay.checkout import amounts, endings, pages, receipts, words
from splynx_ippay.checkout.held import sentence_of
from splynx_ippay.checkout.merchant import merchant_name
from splynx_ippay.checkout.offers import Offer, StaleForm
from splynx_ippay.checkout.payment import LONGEST_AMOUNT, Pressed, Presser, Typed, press
from splynx_ippay.checkout.stale import kept_for
from splynx_ippay.letters.history import confirmed_to
from splynx_ippay.payments.due import find_debt
from splynx_ippay.payments.models import Attempt, Door, State
from splynx_ippay.payments.recording import whole
from splynx_ippay.portal import bp
from splynx_ippay.portal.cart_views import address_of

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from splynx_ippay.auth import CustomerUser
    from splynx_ippay.base.errors import AlreadyOpen
    from splynx_ippay.payments.core import Core

_PAGES = {"invoice": "portal.pay_invoice", "proforma": "portal.pay_request"}
_BACK = {"invoice": "/portal/finance/invoices", "proforma": "/portal/finance/requests",
         "topup": "/portal/finance/payments/list"}


@bp.get("/pay-invoice")
def pay_invoice() -> ResponseReturnValue:
    """The invoice whose number the host hands over, and how to pay it."""
    return _show("invoice")


@bp.post("/pay-invoice")
def pay_invoice_now() -> ResponseReturnValue:
    """Pay it."""
    return _press("invoice")


@bp.get("/pay-request")
def pay_request() -> ResponseReturnValue:
    """The proforma whose number the host hands over, and how to pay it."""
    return _show("proforma")


@bp.post("/pay-request")
def pay_request_now() -> ResponseReturnValue:
    """Pay it."""
    return _press("proforma")


@bp.get("/")
@bp.get("/index")
def topup() -> ResponseReturnValue:
    """Add money: account type, amount, Add."""
    core, user = _core(), auth.customer()
    terminal = core.settings.terminal(user.partner_id)
    tapped = Typed(holder=user.name, amount=request.args.get("amount", "")[:LONGEST_AMOUNT])
    offer, typed, mistake = Offer.of_topup(user.id, user.partner_id, terminal.currency), kept_for(request.path) or tapped, None
    if typed.amount and amounts.comes_first(core, terminal):
        offer, mistake = amounts.of_topup(core, offer, typed.amount)
    return _form(core, user, offer, typed=typed, pressed=mistake)


@bp.post("/")
@bp.post("/index")
def topup_now() -> ResponseReturnValue:
    """Add it."""
    return _press("topup")


@bp.get("/payments/<transaction_id>")
def ending(transaction_id: str) -> ResponseReturnValue:
    """What became of a payment; looks again by itself while that is not known."""
    core, attempt = _core(), _own(transaction_id)
    if attempt is None:
        return _nothing("invoice")
    line = attempt.lines[0]

    def pay_again(source: str) -> str:
        if len(attempt.debts) > 1:
            return address_of(attempt, source)
        chosen: dict[str, Any] = {"source": source} if source else {}
        if line.document in _PAGES:
            return url_for(_PAGES[line.document], item_id=line.number, **chosen)
        # A balance that staff tried to take: what is open is paid document by document.
        return url_for("portal.topup" if line.document == "topup" else "portal.several", **chosen)

    page = endings.page_of(attempt, pay_again)
    with core.database.read() as session:
        mailed_to = confirmed_to(session, attempt.id, page.kind)
    return render_template("portal/ending.html", page=page, attempt=attempt, source=endings.source_of(attempt), mailed_to=mailed_to,
                           payer=auth.customer().name, merchant=merchant_name(core, attempt.partner_id) if page.receipt else "",
                           pdf=receipts.offer(page, url_for("portal.receipt", transaction_id=transaction_id)),
                           back=_BACK.get(line.document, _BACK["topup"]))


@bp.get("/payments/<transaction_id>/receipt.pdf")
def receipt(transaction_id: str) -> ResponseReturnValue:
    """The receipt of a payment of one's own as a file to keep."""
    attempt = _own(transaction_id)
    return _nothing("invoice") if attempt is None else receipts.answer(_core(), attempt, payer=auth.customer().name)


def _own(transaction_id: str) -> Attempt | None:
    with _core().database.read() as session:
        attempt = session.scalars(select(Attempt).where(
            Attempt.transaction_id == transaction_id, Attempt.customer_id == auth.customer().id)).first()
        return attempt and whole(attempt)


def _core() -> Core:
    core: Core = current_app.extensions["core"]
    return core


def _show(document: str) -> ResponseReturnValue:
    core, user = _core(), auth.customer()
    number = request.args.get("item_id", "").strip()[:40]
    currency = core.settings.terminal(user.partner_id).currency
    debt = find_debt(core, document, currency=currency, number=number, customer_id=user.id) if number else None
    if debt is None or debt.status == "deleted":
        return _nothing(document)
    if debt.held is not None and debt.held.state == State.RETURNED:
        # Nobody is paying it: the bank sent a debit back and may be asked once more. Its own page says so, and until when.
        return redirect(url_for("portal.ending", transaction_id=debt.held.transaction_id), 303)
    if debt.held is not None:
        return render_template("portal/held.html", sentence=sentence_of(debt.held.who, debt.held.since, debt.held.target), document=document,
                               number=debt.number, transaction_id=debt.held.transaction_id, back=_BACK[document])
    if debt.status != "open" or not debt.due:
        return render_template("portal/paid.html", debt=debt, back=_BACK[document])
    return _form(core, user, Offer.of_debt(debt, user.partner_id), typed=kept_for(request.full_path))


def _press(document: str) -> ResponseReturnValue:
    core, user = _core(), auth.customer()
    try:
        offer = Offer.of_form(core.box, request.form)
    except StaleForm:
        return _stale(document)
    number = request.args.get("item_id", "").strip()[:40]
    if offer.customer_id != user.id or offer.document != document or (document != "topup" and offer.number != number):
        return _stale(document)
    if request.form.get("step") == amounts.STEP:
        offer, mistake = amounts.of_part(core, offer, request.form.get("amount", ""))
        return _form(core, user, offer, typed=Typed(holder=user.name[:60], amount=Typed.read(request.form).amount), pressed=mistake)
    return _pay(core, user, offer)


def _pay(core: Core, user: CustomerUser, offer: Offer) -> ResponseReturnValue:
    presser = Presser(Door.PORTAL, user.actor, request.remote_addr or "", merchant_name(core, user.partner_id))
    pressed = press(core, offer, request.form, presser)
    if pressed.attempt is not None and pressed.attempt.customer_id == user.id:
        return redirect(url_for("portal.ending", transaction_id=pressed.attempt.transaction_id), 303)
    if pressed.held is not None:
        return _held(core, pressed.held, offer)
    if pressed.due is not None and not pressed.due:
        return render_template("portal/paid.html", debt=offer, back=_BACK[offer.document]), 409
    return _form(core, user, offer.again(pressed.due, pressed.pays), typed=Typed.read(request.form), pressed=pressed)


def _form(core: Core, user: CustomerUser, offer: Offer, *, typed: Typed | None = None,
          pressed: Pressed | None = None) -> ResponseReturnValue:
    action = url_for("portal.topup") if offer.document == "topup" else url_for(_PAGES[offer.document], item_id=offer.number)
    checkout = pages.build(core, offer, merchant=merchant_name(core, user.partner_id), action=action, saved_allowed=True,
                           can_save=True, show_details=True, chosen=request.args.get("source", ""), typed=typed or Typed(holder=user.name[:60]),
                           pressed=pressed)
    template = "portal/topup.html" if offer.document == "topup" else "portal/pay.html"
    return render_template(template, checkout=checkout, offer=offer, back=_BACK[offer.document]), pressed.status if pressed else 200


def _held(core: Core, held: AlreadyOpen, offer: Offer) -> ResponseReturnValue:
    with core.database.read() as session:
        first = session.get(Attempt, held.attempt_id)
    return render_template("portal/held.html", sentence=sentence_of(held.door, held.since, held.target), document=offer.document,
                           number=offer.number, transaction_id=first.transaction_id if first else "",
                           back=_BACK[offer.document]), 409


def _nothing(document: str) -> ResponseReturnValue:
    return render_template("portal/nothing.html", document=document, back=_BACK[document]), 404


def _stale(document: str) -> ResponseReturnValue:
    again = url_for("portal.topup") if document == "topup" else url_for(_PAGES[document], item_id=request.args.get("item_id", ""))
    return render_template("errors/error.html", title=words.say(words.STALE_TITLE), sentences=[words.say(words.STALE)],
                           again=again), 400
