"""Staff charge what the customer has saved: for one invoice or a part of it, for a proforma, or to add money (admin/topup.py).

Never takes a card or account number. How much may be paid is the customers' rule (checkout) and the core's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flask import abort, redirect, render_template, request, url_for
from flask_babel import gettext as _

from splynx_ippay import auth, credentials, links
from splynx_ippay.admin import access, bp
from splynx_ippay.admin import words as staff_words
from splynx_ippay.base.errors import AddOnError, AlreadyOpen, AmountChanged, BadInput
from splynx_ippay.base.marks import N_
from splynx_ippay.checkout import endings, words
from splynx_ippay.checkout.cart import PartRules
from splynx_ippay.checkout.held import sentence_of
from splynx_ippay.checkout.offers import Offer, StaleForm
from splynx_ippay.checkout.payment import LONGEST_AMOUNT, items_of
from splynx_ippay.payments.charge import take
from splynx_ippay.payments.due import find_debt
from splynx_ippay.payments.intent import find_submission
from splynx_ippay.payments.models import Attempt, Door
from splynx_ippay.payments.orders import Order, SavedMethod
from splynx_ippay.payments.view import ending

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from splynx_ippay.base.money import Money
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
    back = page_of(line.document, line.number, attempt.customer_id)
    return render_template("admin/paid.html", ending=ending(attempt), attempt=attempt, back=back,
                           said=staff_words, refresh=endings.REFRESH_SECONDS, source=endings.source_of(attempt))


def page_of(document: str, number: str, customer_id: int) -> str:
    """The address of the page a document is paid on, "" where there is none."""
    if document == "topup":
        return url_for("admin.topup", customer_id=customer_id)
    return url_for(_PAGES[document], item_id=number) if document in _PAGES else ""


def _show(document: str) -> ResponseReturnValue:
    core = access.core()
    number = request.args.get("item_id", "").strip()[:40]
    currency = core.settings.currency()
    debt = find_debt(core, document, currency=currency, number=number) if number else None
    customer = core.host.get_customer(debt.customer_id) if debt is not None else None
    if debt is None or customer is None or debt.status == "deleted" or not access.may_see_partner(customer.partner_id):
        return render_template("admin/nothing.html", document=document, state="missing", number=number), 404
    if debt.held is not None:
        return render_template("admin/nothing.html", document=document, state="held", number=debt.number,
                               sentence=sentence_of(debt.held.who, debt.held.since, debt.held.target), attempt_id=debt.held.attempt_id)
    if debt.status != "open" or not debt.due:
        return render_template("admin/nothing.html", document=document, state=debt.status, number=debt.number)
    return form(core, Offer.of_debt(debt, customer.partner_id), name=customer.name)


def _press(document: str) -> ResponseReturnValue:
    core = access.core()
    number = request.args.get("item_id", "").strip()[:40]
    try:
        offer = Offer.of_form(core.box, request.form)
    except StaleForm:
        offer = None
    if offer is None or offer.document != document or offer.number != number or not access.may_see_partner(offer.partner_id):
        return stale(url_for(_PAGES[document], item_id=number))
    return answer(core, offer, charge(core, offer))


def stale(again: str) -> ResponseReturnValue:
    """The form is none of ours any more: nothing was charged, and where to begin again."""
    return render_template("errors/error.html", title=words.say(words.STALE_TITLE), sentences=[words.say(words.STALE)], again=again), 400


@dataclass
class Outcome:
    """What came of a press: an attempt to show, or why there is none. ``problems`` by field of the form."""

    attempt: Attempt | None = None
    held: AlreadyOpen | None = None
    due: Money | None = None  # the new amount, where it has changed
    problem: str = ""
    problems: dict[str, str] = field(default_factory=dict)
    status: int = 200


def _order(core: Core, offer: Offer) -> Order:
    """What the form asks for: a saved method and nothing else, for what is due or for the amount typed. Raises BadInput."""
    chosen = re.fullmatch(r"method:([1-9][0-9]{0,8})", request.form.get("source", ""), re.ASCII)
    if chosen is None:
        raise BadInput("source", N_("Choose one of the saved methods. Nothing was charged."))
    return Order(
        door=Door.STAFF, customer_id=offer.customer_id, partner_id=offer.partner_id, items=items_of(core, offer, request.form),
        source=SavedMethod(int(chosen[1])), submission_key=offer.submission_key, actor=auth.staff().actor,
        address=request.remote_addr or "")


def charge(core: Core, offer: Offer) -> Outcome:
    """Charge the chosen saved method; a repeated form leads to what came of it the first time."""
    try:
        return Outcome(attempt=take(core, _order(core, offer)))
    except BadInput as error:
        name, sentence = words.problem(error)
        return Outcome(problems={name: sentence}, status=400) if name == "amount" else Outcome(problem=sentence, status=400)
    except AlreadyOpen as error:
        return Outcome(held=error, status=409)
    except AmountChanged as error:
        return Outcome(due=error.due, problem=words.refusal(error)[0], status=409)
    except AddOnError as error:
        begun = find_submission(core, offer.submission_key)
        if begun is not None and begun.sending_at is not None:
            return Outcome(attempt=begun)  # something went wrong after the request went out: its own page tells
        # Staff can mend it, and the text says what: a stopped terminal, a missing setting, Splynx away.
        return Outcome(problem=_("Nothing was charged: %(words)s", words=str(error)), status=503)


def answer(core: Core, offer: Offer, outcome: Outcome, *, name: str = "") -> ResponseReturnValue:
    """The page of what came of it, or the form again with the reason."""
    number = offer.number or _("The account")
    if outcome.attempt is not None:
        return redirect(url_for("admin.paid", attempt_id=outcome.attempt.id), 303)
    if outcome.held is not None:
        return render_template("admin/nothing.html", document=offer.document, state="held", number=number,
                               sentence=sentence_of(outcome.held.door, outcome.held.since, outcome.held.target),
                               attempt_id=outcome.held.attempt_id), outcome.status
    if outcome.due is not None and not outcome.due:
        return render_template("admin/nothing.html", document=offer.document, state="paid", number=number), outcome.status
    return form(core, offer.again(outcome.due), name=name, outcome=outcome)


def form(core: Core, offer: Offer, *, name: str = "", outcome: Outcome | None = None) -> ResponseReturnValue:
    """The form of a document or of money to add: the methods that can be charged, and an amount where there is a choice."""
    terminal = core.settings.terminal(offer.partner_id)
    instruments = core.settings.instruments(terminal)
    with core.database.read() as session:
        methods = [method for method in credentials.methods_of(
            session, offer.customer_id, terminal_id=terminal.terminal_id, environment=terminal.environment)
            if method.instrument in instruments]
        token = links.standing_of(session, core.box, offer.document, offer.document_id or 0)
    outcome, rules = outcome or Outcome(), PartRules.of(core, offer.currency)
    return render_template(
        "admin/topup.html" if offer.document == "topup" else "admin/pay.html", offer=offer, token=token,
        link=links.address_of(core.settings, token) if token else "", sealed=offer.seal(core.box), methods=methods, name=name,
        problem=outcome.problem, problems=outcome.problems, chosen=request.form.get("source", ""),
        typed=request.form.get("amount", "")[:LONGEST_AMOUNT], part_minimum=rules.minimum if rules.fit(offer.document, offer.due) else None,
        action=page_of(offer.document, offer.number, offer.customer_id)), outcome.status
