"""The settings in our own pages, and who changed what. The values live in the host; saving writes them there.

For staff of all partners who may set up. Must never show a secret, nor write one to the audit.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from flask import abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from splynx_ippay import audit
from splynx_ippay.admin import access, bp, settings_form, sheets
from splynx_ippay.admin.customers import CHANGES
from splynx_ippay.base.errors import BadInput, ConfigError, HostError
from splynx_ippay.base.marks import N_
from splynx_ippay.checkout import branding
from splynx_ippay.host import settings_writer
from splynx_ippay.host.host_cli import CommandFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask.typing import ResponseReturnValue

    from splynx_ippay.admin.settings_form import Change
    from splynx_ippay.payments.core import Core

_METHODS = frozenset({"credit_card_payment_method", "bank_account_payment_method"})
ACTIONS = {"setting": N_("Setting"), "picture": N_("Picture"), "export": N_("File taken out"),
           "release": N_("Terminal released"), "ask": N_("Customers asked by mail")} | CHANGES
_AUDIT_PAGE = 50


@bp.get("/settings")
def settings() -> ResponseReturnValue:
    """Every setting, or those of one partner."""
    return _page(access.core(), _partner(request.args))


@bp.post("/settings")
def settings_save() -> ResponseReturnValue:
    """Write what was changed to the host, one entry of the audit a value."""
    core, partner_id = access.core(), _partner(request.form)
    changes, problems = settings_form.read(core.settings, partner_id, request.form)
    if problems:
        return _page(core, partner_id, request.form, problems), 400
    written = 0
    for change in changes:
        try:
            _write(core, change, partner_id)
        except CommandFailed as error:
            flash(str(error), "error")
            break
        written += 1
    if written:
        flash(_("Saved. It counts from now on, without a restart."), "success")
    elif not changes:
        flash(_("Nothing was different, so nothing was saved."), "success")
    return redirect(url_for("admin.settings", partner=partner_id or None), 303)


@bp.post("/settings/picture")
def settings_picture() -> ResponseReturnValue:
    """Keep a logo or an icon of the customers' pages, or remove it."""
    core, partner_id, kind = access.core(), _partner(request.form), request.form.get("kind", "")
    if kind not in branding.PICTURES:
        abort(400)
    sent, before = request.files.get("picture"), branding.version_of(core.deployment, partner_id or 0, kind)
    try:
        if request.form.get("remove"):
            branding.drop_picture(core.deployment, partner_id or 0, kind)
            after = ""
        else:
            after = branding.keep_picture(core.deployment, partner_id or 0, kind, sent.read() if sent is not None else b"")
    except BadInput as error:
        return _page(core, partner_id, problems={kind: error}), 400
    except OSError as error:
        flash(_("The picture could not be kept (%(kind)s).", kind=type(error).__name__), "error")
        return redirect(url_for("admin.settings", partner=partner_id), 303)
    core.database.run(lambda session: audit.record(session, sheets.asking(), "picture", kind, partner_id=partner_id,
                                                   before=before, after=after))
    flash(_("Saved. It counts from now on, without a restart."), "success")
    return redirect(url_for("admin.settings", partner=partner_id), 303)


@bp.get("/audit")
def audit_page() -> ResponseReturnValue:
    """Who changed which setting, took out which file, released what; newest first."""
    text, action, page = request.args.get("q", "").strip()[:40], request.args.get("action", ""), _number(request.args.get("page", "")) or 1
    with access.core().database.read() as session:
        found = audit.page_of(session, text=text, actions=[action] if action in ACTIONS else [],
                              offset=(page - 1) * _AUDIT_PAGE, limit=_AUDIT_PAGE + 1)
    return render_template("admin/audit.html", entries=found[:_AUDIT_PAGE], more=len(found) > _AUDIT_PAGE, page=page, text=text,
                           action=action, actions=ACTIONS, tab="audit")


def _page(core: Core, partner_id: int | None, typed: Mapping[str, str] | None = None,
          problems: dict[str, BadInput] | None = None) -> str:
    said = {key: _(error.message, **error.params) for key, error in (problems or {}).items()}
    return render_template(
        "admin/settings.html", blocks=settings_form.fields(core.settings, partner_id, typed, said), partner_id=partner_id,
        partners=_partners(core), lists=_lists(core), problems=said, tab="settings",
        contact=core.settings.text("gateway_contact"), ini_file=core.deployment.ini_file,
        can_write=settings_writer.can_write(core.deployment), pictures={
            kind: branding.version_of(core.deployment, partner_id or 0, kind) for kind in branding.PICTURES})


def _write(core: Core, change: Change, partner_id: int | None) -> None:
    """Note it, then do it: a change without its entry cannot be. Raises CommandFailed, which is noted too."""
    def note(before: str, after: str) -> None:
        core.database.run(lambda session: audit.record(session, sheets.asking(), "setting", change.setting.key,
                                                       partner_id=partner_id, before=before, after=after))

    note(change.before, change.after)
    try:
        settings_writer.write(core.deployment, core.settings, change.setting.key, change.value, partner_id)
    except CommandFailed:
        note(change.after, change.before)
        raise


def _partners(core: Core) -> list[tuple[int, str]]:
    try:
        return [(partner.id, partner.name) for partner in core.host.partners() if partner.active]
    except (HostError, ConfigError):
        return []


def _lists(core: Core) -> dict[str, list[tuple[str, str]]]:
    """What the host lets one choose, by setting; without an answer the numbers must do."""
    try:
        methods = [(str(method.id), method.name) for method in core.host.payment_methods()]
        categories = [(str(category.id), category.name) for category in core.host.transaction_categories()]
    except (HostError, ConfigError):
        return {}
    return dict.fromkeys(_METHODS, methods) | {"card_fee_category": categories}


def _partner(values: Mapping[str, str]) -> int | None:
    text = values.get("partner", "")
    if not text:
        return None
    return _number(text) or abort(404)


def _number(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[1-9][0-9]{0,8}", text, re.ASCII) else None
