"""Staff put money on a customer's account with a saved method, at the customer's wish. Off until the setting is on.

Never takes a card or account number, and no card fee: what staff charge carries none (decision 0021).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import render_template, request, url_for

from splynx_ippay.admin import access, bp, pay
from splynx_ippay.admin.customers import get_customer
from splynx_ippay.checkout.offers import Offer, StaleForm

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue


@bp.get("/customers/<int:customer_id>/topup")
def topup(customer_id: int) -> ResponseReturnValue:
    """An amount, and the customer's saved methods."""
    core = access.core()
    customer = get_customer(core, customer_id)
    if not core.settings.flag("staff_topup"):
        return _off()
    currency = core.settings.terminal(customer.partner_id).currency
    return pay.form(core, Offer.of_topup(customer.id, customer.partner_id, currency), name=customer.name)


@bp.post("/customers/<int:customer_id>/topup")
def topup_now(customer_id: int) -> ResponseReturnValue:
    """Charge it and put it on the account."""
    core = access.core()
    customer = get_customer(core, customer_id)  # another partner's is not even told that this is off
    if not core.settings.flag("staff_topup"):
        return _off()
    try:
        offer = Offer.of_form(core.box, request.form)
    except StaleForm:
        offer = None
    if offer is None or offer.document != "topup" or offer.customer_id != customer_id or not access.may_see_partner(offer.partner_id):
        return pay.stale(url_for("admin.topup", customer_id=customer_id))
    outcome = pay.charge(core, offer)
    return pay.answer(core, offer, outcome, name=customer.name)


def _off() -> ResponseReturnValue:
    return render_template("admin/nothing.html", document="topup", state="topup_off"), 403
