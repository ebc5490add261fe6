"""What stops when a saved method is removed, in the words its customer reads; staff read the same. Reads only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import func, select

from splynx_ippay import credentials
from splynx_ippay.checkout.pages import Checkout
from splynx_ippay.payments.models import Attempt, State
from splynx_ippay.runs.planned import count_planned

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from splynx_ippay.credentials import Method

_UNDER_WAY = (State.INTENDED, State.UNKNOWN, State.ACCEPTED)


def what_stops(session: Session, method_id: int, customer_id: int) -> tuple[Method, list[str]] | None:
    """The customer's own method and a sentence for each thing that removing it changes; None when it is gone already."""
    own = credentials.all_methods_of(session, customer_id)
    method = next((one for one in own if one.id == method_id), None)
    if method is None:
        return None
    under_way = session.scalar(select(func.count()).select_from(Attempt).where(
        Attempt.method_id == method_id, Attempt.customer_id == customer_id, Attempt.state.in_(_UNDER_WAY)))
    return method, _sentences(method, own, under_way=bool(under_way), planned=count_planned(session, method_id))


def _sentences(method: Method, own: list[Method], *, under_way: bool, planned: int) -> list[str]:
    following = credentials.next_default(method, own)
    lines = []
    if method.is_default and following:
        lines.append(_("It is your default. From now on %(method)s is charged instead.", method=Checkout.label(following)))
    elif not following:
        lines.append(_("It is the only one you have saved. Invoices are then not charged automatically any more: please "
                       "pay them yourself, so that your service is not interrupted."))
    else:
        lines.append(_("It is not charged any more. Your default stays as it is."))
    if planned:
        lines.append(ngettext("An automatic charge of %(num)s invoice is prepared with it. That invoice is not charged then: "
                              "please pay it yourself.",
                              "Automatic charges of %(num)s invoices are prepared with it. Those invoices are not charged "
                              "then: please pay them yourself.", planned))
    if method.instrument == "bank":
        lines.append(_("Your authorization to debit this account ends."))
    if under_way:
        lines.append(_("A payment from it is already on its way. Removing it does not stop that payment."))
    lines.append(_("Payments already made stay as they are."))
    return lines
