"""Is all well: the table of checks in plain words, and the breakers with the way to release them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select

from splynx_ippay import audit, auth
from splynx_ippay.admin import access, bp, sheets
from splynx_ippay.admin.rights import Right, may
from splynx_ippay.base.errors import GatewayError
from splynx_ippay.host.checks import run_checks
from splynx_ippay.host.subject import Subject
from splynx_ippay.payments import breaker
from splynx_ippay.payments.models import Terminal

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue


@bp.get("/health")
def health() -> ResponseReturnValue:
    """Every check with its mend; stopped terminals first."""
    core = access.core()
    with core.database.read() as session:
        stopped = list(session.scalars(select(Terminal).where(Terminal.stopped_at.is_not(None))))
    return render_template("admin/health.html", results=run_checks(Subject.of(core)), stopped=stopped,
                           may_release=access.own_partner() is None and may(Right.CONFIGURE),
                           contact=core.settings.text("gateway_contact"), tab="health")


@bp.post("/health/release")
def release() -> ResponseReturnValue:
    """Charge on a terminal again, after a PING that IPpay answered well."""
    access.only_for_all_partners()
    core = access.core()
    terminal = core.settings.terminals().get(request.form.get("terminal_id", ""))
    if terminal is None or terminal.environment != request.form.get("environment"):
        flash(_("This terminal is not in the settings any more."), "error")
        return redirect(url_for("admin.health"), 303)
    try:
        breaker.release(core, terminal, by=auth.staff().actor)
    except GatewayError as error:
        flash(_("Charging stays stopped: %(words)s", words=str(error)), "error")
    else:
        core.database.run(lambda session: audit.record(session, sheets.asking(), "release", terminal.terminal_id))
        flash(_("IPpay answered; charging goes on. Stopped Charges have to be resumed one by one."), "success")
    return redirect(url_for("admin.health"), 303)
