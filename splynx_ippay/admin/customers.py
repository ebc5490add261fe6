"""One customer as the bookkeeper sees them: saved methods, payments, whether a Charge takes anything, and the balance.

Takes no card or account number: the customer saves one in the portal. What staff changed stands on the page.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import abort, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import lazyload, selectinload

from splynx_ippay import audit, credentials
from splynx_ippay.admin import access, bp, sheets, words
from splynx_ippay.base.errors import HostRejected
from splynx_ippay.base.marks import N_
from splynx_ippay.base.money import Money
from splynx_ippay.checkout.endings import source_of
from splynx_ippay.payments import balance
from splynx_ippay.payments.models import Attempt, CustomerNote, Line
from splynx_ippay.runs.facts import look_up, look_up_accounts
from splynx_ippay.runs.filters import Payer
from splynx_ippay.runs.judging import Account, Rules, chargeable, chargeable_balance
from splynx_ippay.runs.reasons import REASONS

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue
    from sqlalchemy.orm import Session

    from splynx_ippay.payments.core import Core
    from splynx_ippay.splynx.resources import Customer, Invoice

_PAYMENTS = 30
_CHANGES = 20
# What staff may change about a customer, as the audit calls it.
CHANGES = {"default": N_("Default method chosen"), "method_removed": N_("Saved method removed"),
           "automatic": N_("Automatic charging")}
_NOT_FOUND = 404


@dataclass(frozen=True)
class NextCharge:
    """What a Charge over everything would do with one invoice, or (None) with the balance, were it made now."""

    invoice: Invoice | None
    amount: Money
    reason: str
    detail: str


@bp.get("/customers/<int:customer_id>")
def customer(customer_id: int) -> ResponseReturnValue:
    """Methods, payments, and what a Charge of invoices and one of balances would take now. Three host calls."""
    core = access.core()
    found = get_customer(core, customer_id)
    rules = Rules(core.settings)
    invoices = core.host.open_invoices(customer_id, rules.currency)
    deposit = core.host.customer_billing(customer_id).deposit
    account = Account.of(customer_id, balance.owed_of(deposit, rules.currency), invoices)
    with core.database.read() as session:
        charges = _next_charges(session, rules, found, invoices)
        whole = _next_balance(session, rules, found, account)
        note = session.get(CustomerNote, customer_id)
        methods, updates = credentials.all_methods_of(session, customer_id), credentials.updates_of(session, customer_id)
        attempts, changes = _attempts(session, customer_id), audit.about(session, str(customer_id), CHANGES.keys(), limit=_CHANGES)
    taken = sum((charge.amount for charge in charges if not charge.reason), Money.zero(rules.currency))
    return render_template(
        "admin/customer.html", customer=found, charges=charges, taken=taken, account=account, whole=whole,
        credit=balance.owed_of(-deposit, rules.currency), methods=methods, updates=updates,
        attempts=attempts, changes=changes, change_names=CHANGES, can_add=core.settings.flag("staff_topup"),
        note=note if note is not None and note.no_auto else None, reason_names=REASONS, words=words, source_of=source_of)


@bp.post("/customers/<int:customer_id>/automatic")
def customer_automatic(customer_id: int) -> ResponseReturnValue:
    """Let Charges take from this customer again."""
    core = access.core()
    get_customer(core, customer_id)

    def work(session: Session) -> bool:
        note = session.get(CustomerNote, customer_id, with_for_update=True)
        if note is None or not note.no_auto:
            return False
        note.no_auto = False
        audit.record(session, sheets.asking(), "automatic", str(customer_id), before=note.reason, after=_("goes on"))
        return True

    if core.database.run(work):
        flash(_("Automatic charging of this customer goes on with the next Charge."), "success")
    else:
        flash(_("Automatic charging of this customer was not stopped."), "success")
    return redirect(url_for("admin.customer", customer_id=customer_id), 303)


def get_customer(core: Core, customer_id: int) -> Customer:
    """The host's customer, as far as the administrator asking may see them; 404 for all others."""
    try:
        found = core.host.get_customer(customer_id)
    except HostRejected as error:
        if error.status != _NOT_FOUND:
            raise
        abort(404)
    if not access.may_see_partner(found.partner_id):
        abort(404)
    return found


def _next_charges(session: Session, rules: Rules, found: Customer, invoices: list[Invoice]) -> list[NextCharge]:
    facts, payer = look_up(session, [invoice.id for invoice in invoices], [found.id]), Payer.of(found)
    charges = []
    for invoice in invoices:
        reason, detail = rules.objection(invoice, payer, facts)
        charges.append(NextCharge(invoice, invoice.due if reason else chargeable(invoice, facts), reason, detail))
    return charges


def _next_balance(session: Session, rules: Rules, found: Customer, account: Account) -> NextCharge:
    facts = look_up_accounts(session, [found.id])
    reason, detail = rules.objection_to_balance(account, Payer.of(found), facts)
    return NextCharge(None, chargeable_balance(account, facts), reason, detail)


def _attempts(session: Session, customer_id: int) -> list[Attempt]:
    return list(session.scalars(
        select(Attempt).where(Attempt.customer_id == customer_id).order_by(Attempt.id.desc()).limit(_PAYMENTS)
        .options(selectinload(Attempt.lines).options(lazyload(Line.keys), lazyload(Line.attempt)))))
