"""Staff pay one invoice or proforma with what the customer has saved. Never takes a card or account number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import abort, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict

from splynx_ippay import auth, credentials
from splynx_ippay.admin import access, bp
from splynx_ippay.checkout import endings, words
from splynx_ippay.checkout.held import sentence_of
from splynx_ippay.checkout.offers import Offer, StaleForm
from splynx_ippay.checkout.payment import Pressed, Presser, press
from splynx_ippay.payments.due import find_debt
from splynx_ippay.payments.models import Attempt, Door

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from splynx_ippay.payments.core import Core

_PAGES = {"invoice": "admin.pay_invoice", "proforma": "admin.pay_request"}


@bp.get("/pay-invoice")
def pay_invoice() -> ResponseReturnValue:
    """The invoice whose number the host hands over, with the customer's saved methods."""
    return _show("invoice")


@bp.post("/pay-invoice")
def pay_invoice_now() -> ResponseReturnValue:
    """Charge it."""
    return _press("invoice")


@bp.get("/pay-request")
def pay_request() -> ResponseReturnValue:
    """The proforma whose number the host hands over, with the customer's saved methods."""
    return _show("proforma")


@bp.post("/pay-request")
def pay_request_now() -> ResponseReturnValue:
    """Charge it."""
    return _press("proforma")


@bp.get("/paid/<int:attempt_id>")
def paid(attempt_id: int) -> ResponseReturnValue:
    """What came of it; looks again by itself while that is not known."""
    core = access.core()
    with core.database.read() as session:
        attempt = session.get(Attempt, attempt_id)
    if attempt is None or not access.may_see_partner(attempt.partner_id):
        abort(404)
    line = attempt.lines[0]
    again = None if line.document not in _PAGES else lambda _source: url_for(_PAGES[line.document], item_id=line.number)
    page = endings.page_of(attempt, again)
    # One way back is enough: which method is chosen there.
    page.steps = page.steps[:1]
    return render_template("admin/paid.html", page=page, attempt=attempt)


def _show(document: str) -> ResponseReturnValue:
    core = access.core()
    number = request.args.get("item_id", "").strip()[:40]
    currency = core.settings.text("currency").strip().upper()
    debt = find_debt(core, document, currency=currency, number=number) if number else None
    customer = core.host.get_customer(debt.customer_id) if debt is not None else None
    if debt is None or customer is None or debt.status == "deleted" or not access.may_see_partner(customer.partner_id):
        return render_template("admin/nothing.html", document=document, state="missing", number=number), 404
    if debt.held is not None:
        return render_template("admin/nothing.html", document=document, state="held", number=debt.number,
                               sentence=sentence_of(debt.held.door, debt.held.since), attempt_id=debt.held.attempt_id)
    if debt.status != "open" or not debt.due:
        return render_template("admin/nothing.html", document=document, state=debt.status, number=debt.number)
    return _form(core, Offer.of_debt(debt, customer.partner_id), customer.name)


def _press(document: str) -> ResponseReturnValue:
    core = access.core()
    number = request.args.get("item_id", "").strip()[:40]
    try:
        offer = Offer.open(core.box, request.form.get("offer", ""))
    except StaleForm:
        offer = None
    if offer is None or offer.document != document or offer.number != number or not access.may_see_partner(offer.partner_id):
        return render_template("errors/error.html", title=words.say(words.STALE_TITLE), sentences=[words.say(words.STALE)],
                               again=url_for(_PAGES[document], item_id=number)), 400
    presser = Presser(Door.STAFF, auth.staff().actor, request.remote_addr or "", "")
    pressed = press(core, offer, _saved_method_only(), presser)
    if pressed.attempt is not None:
        return redirect(url_for("admin.paid", attempt_id=pressed.attempt.id), 303)
    if pressed.held is not None:
        return render_template("admin/nothing.html", document=document, state="held", number=offer.number,
                               sentence=sentence_of(pressed.held.door, pressed.held.since),
                               attempt_id=pressed.held.attempt_id), 409
    if pressed.due is not None and not pressed.due:
        return render_template("admin/nothing.html", document=document, state="paid", number=offer.number), 409
    return _form(core, offer.again(pressed.due), "", pressed)


def _saved_method_only() -> MultiDict[str, str]:
    """Of what was sent, the chosen saved method and the amount seen; a card number sent here is not even looked at."""
    source = request.form.get("source", "")
    return MultiDict({"source": source if source.startswith("method:") else "",
                      "amount_cents": request.form.get("amount_cents", "")})


def _form(core: Core, offer: Offer, name: str, pressed: Pressed | None = None) -> ResponseReturnValue:
    terminal = core.settings.terminal(offer.partner_id)
    instruments = core.settings.instruments(terminal)
    with core.database.read() as session:
        methods = [method for method in credentials.methods_of(
            session, offer.customer_id, terminal_id=terminal.terminal_id, environment=terminal.environment)
            if method.instrument in instruments]
    return render_template(
        "admin/pay.html", offer=offer, sealed=offer.seal(core.box), methods=methods, name=name,
        problems=[*pressed.problems.values(), *filter(None, [pressed.notice])] if pressed else [],
        action=url_for(_PAGES[offer.document], item_id=offer.number)), pressed.status if pressed else 200
