"""The four addresses the host's users have put into their mails. Anybody can guess them.

GET gives the same bytes for every item_id: a button and nothing else, without a look at the host. After the press
(CSRF, limits) number, amount and currency are shown, or one sentence that is the same for missing, paid and deleted.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from flask import render_template, request

from splynx_ippay import auth
from splynx_ippay.checkout.held import sentence_of
from splynx_ippay.checkout.offers import Offer, StaleForm
from splynx_ippay.checkout.stale import kept_for
from splynx_ippay.pay import bp, codes, desk, limits
from splynx_ippay.payments.due import target_of

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from splynx_ippay.checkout.payment import Typed
    from splynx_ippay.payments.core import Core

# A document id of the host, and what its numbering patterns may hold.
_ID, _NUMBER = re.compile(r"[0-9]{1,10}", re.ASCII), re.compile(r"[^\x00-\x1f]{1,40}")
_NO_ID, _NO_NUMBER = 2_000_000_000, "-"
_PORTAL_PAGE = {"invoice": "/ippay/pay-invoice", "proforma": "/ippay/pay-request"}


@bp.get("/direct-pay-invoice-by-id")
@bp.get("/direct-pay-invoice")
@bp.get("/direct-pay-proforma-by-id")
@bp.get("/direct-pay-proforma")
def neutral() -> str:
    """One button, the same for every address: nothing is looked up."""
    return render_template("pay/continue.html")


@bp.post("/direct-pay-invoice-by-id")
def invoice_by_id() -> ResponseReturnValue:
    """Show or pay an invoice by its id."""
    return _answer("invoice", by_id=True)


@bp.post("/direct-pay-invoice")
def invoice_by_number() -> ResponseReturnValue:
    """Show or pay an invoice by its number."""
    return _answer("invoice", by_id=False)


@bp.post("/direct-pay-proforma-by-id")
def proforma_by_id() -> ResponseReturnValue:
    """Show or pay a proforma by its id."""
    return _answer("proforma", by_id=True)


@bp.post("/direct-pay-proforma")
def proforma_by_number() -> ResponseReturnValue:
    """Show or pay a proforma by its number."""
    return _answer("proforma", by_id=False)


def _answer(document: str, *, by_id: bool) -> ResponseReturnValue:
    core = desk.the_core()
    item = request.args.get("item_id", "").strip()[:60]
    if by_id and _ID.fullmatch(item):
        item = str(int(item))  # zeros in front make no other document of it, nor another one to count
    target = f"{document}:{'id' if by_id else 'number'}:{item}"
    policy = core.settings.choice("unsigned_saved_method")
    if "offer" in request.form:
        try:
            offer = Offer.of_form(core.box, request.form)
        except StaleForm:
            return desk.stale(request.full_path)
        if offer.document != document or item != (str(offer.document_id) if by_id else offer.number):
            return desk.stale(request.full_path)
        return _carry_on(core, offer, policy)
    limits.count_opening(core, target)
    wanted = _ID.fullmatch(item) if by_id else _NUMBER.fullmatch(item)
    # A text that can be no id is looked for like any other: the answer costs the same.
    debt = (desk.find(core, document, document_id=int(item) or _NO_ID if wanted else _NO_ID) if by_id
            else desk.find(core, document, number=item if wanted else _NO_NUMBER))
    if debt is None or debt.status in {"deleted", "paid"} or (debt.held is None and not debt.due):
        desk.cost_as_an_offer(core)
        return render_template("pay/nothing.html")
    if debt.held is not None:
        desk.cost_as_an_offer(core)
        return desk.held(document, debt.number, sentence_of(debt.held.who, debt.held.since, debt.held.target))
    return _form(core, desk.offer_of(core, document, debt), policy, typed=kept_for(request.full_path))


def _carry_on(core: Core, offer: Offer, policy: str) -> ResponseReturnValue:
    """After the form was shown: pay, or ask for a code, or show the form again with what the code has opened."""
    step, can_ask = request.form.get("step", ""), codes.can_ask(core, policy)
    if step == "ask" and can_ask:
        return codes.ask(core, offer)
    if step == "check" and can_ask:
        return _form(core, offer, policy) if codes.check(core, offer) else codes.again(core, offer)
    saved = _saved_allowed(offer, policy)
    # Counted by the debt: its id and its number are two addresses of one thing.
    return desk.pay(core, offer, target=target_of(offer.document, offer.document_id, offer.customer_id), saved_allowed=saved, can_save=False,
                    log_in="" if saved else _log_in(offer, policy), can_ask=can_ask and not saved)


def _form(core: Core, offer: Offer, policy: str, typed: Typed | None = None) -> ResponseReturnValue:
    saved = _saved_allowed(offer, policy)
    return desk.form(core, offer, saved_allowed=saved, can_save=False, log_in="" if saved else _log_in(offer, policy),
                     can_ask=codes.can_ask(core, policy) and not saved, typed=typed)


def _saved_allowed(offer: Offer, policy: str) -> bool:
    return policy == "open" or (policy == "proof" and codes.is_proved(offer.document, offer.document_id))


def _log_in(offer: Offer, policy: str) -> str:
    """Where the owner may pay with what is saved, after proving to be the owner."""
    if policy != "proof":
        return ""
    return auth.login_address("portal", f"{_PORTAL_PAGE[offer.document]}?{urlencode({'item_id': offer.number})}")
