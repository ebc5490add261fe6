"""Is all well: one line, the table of checks in plain words with the way to mend each, and the release of stopped terminals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select

from splynx_ippay import audit, auth
from splynx_ippay.admin import access, bp, sheets
from splynx_ippay.admin.rights import Right, may
from splynx_ippay.base import clock
from splynx_ippay.base.errors import GatewayError
from splynx_ippay.host.checks import Verdict, run_checks
from splynx_ippay.host.subject import Subject
from splynx_ippay.payments import breaker
from splynx_ippay.payments.models import Terminal

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

# Checks that are mended in the settings, by the field; what is mended elsewhere leads to the log, which says more.
MENDED_IN_SETTINGS = {
    "api_settings": "api_domain", "splynx": "api_domain", "settings": "", "payment_methods": "credit_card_payment_method",
    "payment_account": "payment_account", "terminal": "terminal_id", "gateway": "terminal_id",
    "reporting_login": "reporting_merchant_id", "reporting": "reporting_merchant_id", "bank_returns": "bank_manual_routine",
    "other_chargers": "other_chargers_off", "test_payments": "sandbox_host",
}


@bp.get("/health")
def health() -> ResponseReturnValue:
    """One line that says whether all is well, or what is not; every check with its mend and the way there."""
    core = access.core()
    with core.database.read() as session:
        stopped = list(session.scalars(select(Terminal).where(Terminal.stopped_at.is_not(None))))
    results = run_checks(Subject.of(core))
    return render_template("admin/health.html", results=results, stopped=stopped, now=clock.now(), way_to=_way_to,
                           wrong=[result for result in results if result.verdict is Verdict.WRONG],
                           advice=[result for result in results if result.verdict is Verdict.ADVICE],
                           may_release=access.own_partner() is None and may(Right.CONFIGURE),
                           contact=core.settings.text("gateway_contact"), tab="health")


def _way_to(check_id: str) -> tuple[str, str] | None:
    """Address and name of the page where a check is mended; None for whoever may not open it."""
    if check_id == "breaker":
        return "#stopped", _("Charge again, on this page")
    if not may(Right.CONFIGURE):
        return None
    if check_id in MENDED_IN_SETTINGS:
        return url_for("admin.settings", _anchor=MENDED_IN_SETTINGS[check_id] or None), _("Open the setting")
    return url_for("admin.log", level="WARNING"), _("Open the log")


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
