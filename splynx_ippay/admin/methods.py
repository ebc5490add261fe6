"""Staff choose a customer's default, or remove a saved method, at the customer's wish. Every change stands in the audit.

Adds none: a card or account number is never taken here, the customer saves one in the portal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import flash, redirect, render_template, url_for
from flask_babel import gettext as _

from splynx_ippay import audit, auth, credentials
from splynx_ippay.admin import access, bp, sheets
from splynx_ippay.admin.customers import get_customer
from splynx_ippay.base.errors import BadInput
from splynx_ippay.checkout import banks, removal, words
from splynx_ippay.checkout.pages import Checkout

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue
    from sqlalchemy.orm import Session

    from splynx_ippay.credentials import Method


@bp.post("/customers/<int:customer_id>/methods/<int:method_id>/default")
def method_default(customer_id: int, method_id: int) -> ResponseReturnValue:
    """Charge this one first from now on."""
    core = access.core()
    customer = get_customer(core, customer_id)

    def work(session: Session) -> Method:
        before = next((one.label for one in credentials.all_methods_of(session, customer_id) if one.is_default), "")
        method = credentials.make_default(session, method_id, customer_id)
        audit.record(session, sheets.asking(), "default", str(customer_id), partner_id=customer.partner_id, before=before,
                     after=method.label)
        return method

    try:
        method = core.database.run(work)
    except BadInput as error:
        flash(words.problem(error)[1], "error")
    else:
        flash(_("%(method)s is the default now.", method=banks.label_with_expiry(method)), "success")
    return _back(customer_id)


@bp.get("/customers/<int:customer_id>/methods/<int:method_id>/remove")
def method_removal(customer_id: int, method_id: int) -> ResponseReturnValue:
    """What stops when it is removed, in the words the customer reads; nothing is removed by looking."""
    core = access.core()
    customer = get_customer(core, customer_id)
    with core.database.read() as session:
        found = removal.what_stops(session, method_id, customer_id)
    if found is None:
        flash(_("This was removed already."), "error")
        return _back(customer_id)
    method, consequences = found
    return render_template("admin/remove_method.html", customer=customer, method=method, label=Checkout.label(method),
                           consequences=consequences)


@bp.post("/customers/<int:customer_id>/methods/<int:method_id>/remove")
def method_remove(customer_id: int, method_id: int) -> ResponseReturnValue:
    """Forget the token; what was agreed to is kept as evidence, with who ended it."""
    core = access.core()
    customer = get_customer(core, customer_id)

    def work(session: Session) -> Method:
        method = credentials.remove(session, method_id, customer_id, by=auth.staff().actor)
        audit.record(session, sheets.asking(), "method_removed", str(customer_id), partner_id=customer.partner_id, before=method.label)
        return method

    try:
        method = core.database.run(work)
    except BadInput:
        flash(_("This was removed already."), "error")
    else:
        flash(_("%(method)s was removed and will not be charged any more.", method=Checkout.label(method)), "success")
    return _back(customer_id)


def _back(customer_id: int) -> ResponseReturnValue:
    return redirect(url_for("admin.customer", customer_id=customer_id), 303)
