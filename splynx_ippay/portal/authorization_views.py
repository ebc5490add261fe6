"""The customer's authorizations of bank debits: what was agreed to, when and from where; to print, and to withdraw.

Records stay readable after the account was removed. Withdrawing stops every further debit; it never undoes one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import current_app, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from sqlalchemy import select

from splynx_ippay import auth, credentials
from splynx_ippay.base.errors import BadInput
from splynx_ippay.checkout import endings
from splynx_ippay.checkout.merchant import merchant_name
from splynx_ippay.checkout.pages import Checkout
from splynx_ippay.credentials import Method
from splynx_ippay.payments.models import Attempt, Event
from splynx_ippay.portal import bp

if TYPE_CHECKING:
    from datetime import datetime

    from flask.typing import ResponseReturnValue
    from sqlalchemy.orm import Session

    from splynx_ippay.base.money import Money
    from splynx_ippay.payments.core import Core


@dataclass(frozen=True)
class Record:
    """One authorization as it is shown and printed. ``method_id`` is set while it can be withdrawn."""

    account: str
    holder: str
    version: str
    paragraphs: list[str]
    given_at: datetime | None
    address: str
    withdrawn_at: datetime | None = None
    method_id: int | None = None
    amount: Money | None = None  # of the one debit it was given for
    reference: str = ""


@bp.get("/credentials/authorizations")
def authorizations() -> ResponseReturnValue:
    """Every authorization that was given with a saved account, also of accounts removed since."""
    with _core().database.read() as session:
        found = credentials.authorizations_of(session, auth.customer().id)
    return render_template("portal/authorizations.html", methods=found, label_of=Checkout.label)


@bp.get("/credentials/<int:method_id>/authorization")
def authorization(method_id: int) -> ResponseReturnValue:
    """One of them, to print."""
    with _core().database.read() as session:
        method = session.get(Method, method_id)
    if method is None or method.customer_id != auth.customer().id or not method.consent_text:
        return _missing()
    return _show(_of_method(method))


@bp.post("/credentials/<int:method_id>/revoke")
def revoke(method_id: int) -> ResponseReturnValue:
    """Withdraw it: the account is not debited any more."""
    user = auth.customer()
    try:
        method = _core().database.run(lambda session: credentials.revoke(session, method_id, user.id, by=user.actor))
    except BadInput:
        flash(_("This authorization was withdrawn already."), "error")
    else:
        flash(_("The authorization for %(method)s is withdrawn. It is not debited any more.", method=Checkout.label(method)))
    return redirect(url_for("portal.authorizations"), 303)


@bp.get("/payments/<transaction_id>/authorization")
def payment_authorization(transaction_id: str) -> ResponseReturnValue:
    """The authorization that one bank debit was made under."""
    with _core().database.read() as session:
        attempt = session.scalars(select(Attempt).where(
            Attempt.transaction_id == transaction_id, Attempt.customer_id == auth.customer().id)).first()
        record = None if attempt is None else _of_payment(session, attempt)
    return _missing() if record is None else _show(record)


def _core() -> Core:
    core: Core = current_app.extensions["core"]
    return core


def _of_method(method: Method) -> Record:
    return Record(Checkout.label(method), method.holder, method.consent_version, method.consent_text.split("\n\n"),
                  method.consent_at, method.consent_address, method.revoked_at,
                  method.id if method.instrument == "bank" and method.status == "active" else None)


def _of_payment(session: Session, attempt: Attempt) -> Record | None:
    """What was agreed to when it was pressed, else what was agreed to when the account was saved."""
    event = session.scalars(select(Event).where(Event.attempt_id == attempt.id, Event.kind == "authorized")).first()
    if event is not None:
        return Record(endings.source_of(attempt), event.data["holder"], event.data["version"],
                      event.data["text"].split("\n\n"), event.at, event.data["address"], amount=attempt.amount,
                      reference=attempt.reference)
    method = session.get(Method, attempt.method_id or 0)
    return _of_method(method) if method is not None and method.instrument == "bank" and method.consent_text else None


def _show(record: Record) -> ResponseReturnValue:
    core, user = _core(), auth.customer()
    return render_template("portal/authorization.html", record=record, merchant=merchant_name(core, user.partner_id))


def _missing() -> ResponseReturnValue:
    flash(_("There is no such authorization."), "error")
    return redirect(url_for("portal.authorizations"), 303)
