"""Saved cards and bank accounts of the customer: list, add, default, remove after a confirmation that says what stops."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from splynx_ippay import auth, credentials
from splynx_ippay.asks import zips
from splynx_ippay.base.errors import AddOnError, BadInput
from splynx_ippay.checkout import banks, removal, words
from splynx_ippay.checkout.consent import bank_consent, bank_paragraphs, bank_version, card_consent, card_text
from splynx_ippay.checkout.merchant import merchant_name
from splynx_ippay.checkout.payment import Typed, read_bank
from splynx_ippay.checkout.stale import kept_for
from splynx_ippay.credentials import CardForm
from splynx_ippay.payments import saving
from splynx_ippay.portal import bp, standing

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from splynx_ippay.ippay.messages import BankAccount, Card
    from splynx_ippay.payments.core import Core
    from splynx_ippay.payments.orders import Consent


@bp.get("/credentials", endpoint="credentials")
def show() -> ResponseReturnValue:
    """Every saved card and bank account, and forms for more."""
    return _list(typed=kept_for(url_for("portal.add_card")) or kept_for(url_for("portal.add_bank")))


@bp.post("/credentials/card")
def add_card() -> ResponseReturnValue:
    """Save a card: its number is exchanged for a token, no money moves."""
    core, user = _core(), auth.customer()
    try:
        typed = CardForm(number=request.form.get("number", ""), expiry=request.form.get("expiry", ""),
                         holder=request.form.get("holder", ""), postal_code=request.form.get("postal_code", ""))
        card = typed.read(need_cvv=False, need_postal_code=core.settings.flag("zip_code_option"))
        consent = card_consent(merchant_name(core, user.partner_id), request.remote_addr or "")
        return _save(core, card, consent, _("The card was saved. Nothing was charged."))
    except AddOnError as error:
        return _refused("card", error)


@bp.post("/credentials/bank")
def add_bank() -> ResponseReturnValue:
    """Save a bank account with the authorization to debit it; no money moves."""
    core, user = _core(), auth.customer()
    try:
        account = read_bank(request.form).read(pays=False)
        consent = bank_consent(request.form, merchant_name(core, user.partner_id), request.remote_addr or "", pays=False)
        return _save(core, account, consent, banks.saved(account.routing))
    except AddOnError as error:
        return _refused("bank", error)


@bp.post("/credentials/<int:method_id>/default")
def make_default(method_id: int) -> ResponseReturnValue:
    """Charge this one first from now on."""
    try:
        method = _core().database.run(lambda session: credentials.make_default(session, method_id, auth.customer().id))
    except BadInput as error:
        flash(words.problem(error)[1], "error")
    else:
        flash(_("%(method)s is the default now.", method=banks.label_with_expiry(method)))
    return redirect(url_for("portal.credentials"), 303)


@bp.post("/credentials/<int:method_id>/backup")
def set_backup(method_id: int) -> ResponseReturnValue:
    """Charge this one once where the default is declined in a Charge, or not any more."""
    core = _core()
    wanted = request.form.get("backup") == "1" and core.settings.flag("backup_method")
    try:
        method = core.database.run(lambda session: credentials.set_backup(session, method_id, auth.customer().id, wanted=wanted))
    except BadInput as error:
        flash(words.problem(error)[1], "error")
    else:
        flash(_("%(method)s is the backup now.", method=banks.label_with_expiry(method)) if wanted else
              _("%(method)s is not the backup any more.", method=banks.label_with_expiry(method)))
    return redirect(url_for("portal.credentials"), 303)


@bp.post("/credentials/<int:method_id>/zip")
def add_postal_code(method_id: int) -> ResponseReturnValue:
    """Add the ZIP code that a saved card lacks."""
    typed = request.form.get("postal_code", "")
    try:
        method = _core().database.run(
            lambda session: credentials.set_postal_code(session, method_id, auth.customer().id, typed))
    except BadInput as error:
        name, sentence = words.problem(error)
        field = f"zip-{method_id}" if name == "postal_code" else name
        return _list(problems={field: sentence}, ids_more={field: field}), 400
    flash(_("The ZIP code of %(method)s was saved.", method=banks.label(method)))
    return redirect(url_for("portal.credentials"), 303)


@bp.get("/credentials/<int:method_id>/remove")
def confirm_removal(method_id: int) -> ResponseReturnValue:
    """What stops when it is removed; nothing is removed by looking."""
    with _core().database.read() as session:
        found = removal.what_stops(session, method_id, auth.customer().id)
    if found is None:
        flash(_("This was removed already."), "error")
        return redirect(url_for("portal.credentials"), 303)
    method, consequences = found
    return render_template("portal/remove.html", method=method, consequences=consequences)


@bp.post("/credentials/<int:method_id>/remove")
def remove(method_id: int) -> ResponseReturnValue:
    """Forget the token; what was agreed to is kept as evidence."""
    try:
        user = auth.customer()
        method = _core().database.run(lambda session: credentials.remove(session, method_id, user.id, by=user.actor))
    except BadInput:
        flash(_("This was removed already."), "error")
    else:
        flash(_("%(method)s was removed and will not be charged any more.", method=banks.label(method)))
    return redirect(url_for("portal.credentials"), 303)


def _core() -> Core:
    core: Core = current_app.extensions["core"]
    return core


def _save(core: Core, details: Card | BankAccount, consent: Consent, done: str) -> ResponseReturnValue:
    user = auth.customer()
    with core.database.read() as session:
        is_first = not credentials.all_methods_of(session, user.id)
    method = saving.save(core, user.id, user.partner_id, details, consent, make_default=bool(request.form.get("make_default")))
    flash(done)
    if method.is_default and not is_first:
        flash(_("%(method)s is the default now.", method=banks.label_with_expiry(method)))
    return redirect(url_for("portal.credentials"), 303)


def _refused(kind: str, error: AddOnError) -> ResponseReturnValue:
    typed = Typed.read(request.form)
    if isinstance(error, BadInput):
        return _list(chosen=kind, typed=typed, problems=words.problems(error)), 400
    notice, status = words.refusal(error)
    return _list(chosen=kind, typed=typed, notice=notice), status


def _list(*, chosen: str = "", typed: Typed | None = None, problems: dict[str, str] | None = None,
          notice: str = "", ids_more: dict[str, str] | None = None) -> str:
    core, user = _core(), auth.customer()
    terminal = core.settings.terminal(user.partner_id)
    merchant = merchant_name(core, user.partner_id)
    zip_code = core.settings.flag("zip_code_option")
    with core.database.read() as session:
        methods = credentials.all_methods_of(session, user.id)
        stands = standing.standings(session, methods, terminal, asks_zip=zip_code or zips.was_asked(session, user.id))
        told = {update.method_id: update for update in reversed(credentials.updates_of(session, user.id)) if update.after}
    return render_template(
        "portal/credentials.html", told=told, label_of=banks.label_with_expiry,
        instruments=core.settings.instruments(terminal),
        chosen=chosen or {"card": "card", "bank": "bank"}.get(request.args.get("add", ""), ""),
        typed=typed or Typed(holder=user.name[:60]), problems=problems or {}, notice=notice,
        cards=[method for method in methods if method.instrument == "card"],
        banks=[method for method in methods if method.instrument == "bank"],
        stands=stands, wants_another=standing.WANTS_ANOTHER, instead=standing.replacement(methods, stands),
        first=bool(request.form.get("make_default")) if chosen else standing.default_wants_another(methods, stands),
        zip_code=zip_code, has_backups=core.settings.flag("backup_method"), card_consent=card_text(merchant),
        mandate=bank_paragraphs(merchant, pays=False), mandate_version=bank_version(merchant, pays=False),
        ids={name: f"{chosen}-{name}" for name in ("number", "expiry", "holder", "postal_code", "routing", "account",
                                                   "account_again", "kind", "authorized")} | (ids_more or {}))
