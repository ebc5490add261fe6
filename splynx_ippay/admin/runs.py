"""Charge: filters, preview, confirmation, progress, stop, resume, history, result."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from flask import abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select

from splynx_ippay import auth, notifications
from splynx_ippay.admin import access, bp, sheets, words
from splynx_ippay.admin.charge_form import first_form, mode_of, read_filters
from splynx_ippay.admin.overview import declines_of_run, run_picture
from splynx_ippay.admin.results import PAGE, Choice, as_csv, page_of, reasons_of
from splynx_ippay.base.errors import BadInput, HostError
from splynx_ippay.base.money import Money
from splynx_ippay.checkout.words import say
from splynx_ippay.payments.models import Terminal
from splynx_ippay.runs import plan, work
from splynx_ippay.runs.filters import PAYMENT_TYPES, STATUSES, TOTAL_OPERATORS
from splynx_ippay.runs.models import Mode, Run
from splynx_ippay.runs.progress import Share, shares_of
from splynx_ippay.runs.reasons import REASONS, RESULTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flask.typing import ResponseReturnValue

    from splynx_ippay.payments.core import Core

_HISTORY_PAGE = 50


@bp.get("/charge")
def charge() -> ResponseReturnValue:
    """What to charge, open invoices or outstanding balances, and the filters of the host's own dialog."""
    mode = mode_of(request.args.get("what"))
    return _charge_page(mode, first_form(mode), {})


@bp.post("/charge")
def preview() -> ResponseReturnValue:
    """Make the plan; nothing is charged."""
    core, mode = access.core(), mode_of(request.form.get("what"))
    filters, problems = read_filters(request.form, mode, core.settings.text("currency"), access.own_partner())
    if filters is None:
        return _charge_page(mode, request.form, problems, 400)
    try:
        run = plan.plan(core, filters, auth.staff().actor, mode)
    except HostError as error:
        return _charge_page(mode, request.form, {"": _("Splynx gave no answer, so there is no preview: %(words)s", words=str(error))}, 503)
    return redirect(url_for("admin.run", run_id=run.id), 303)


def _charge_page(mode: Mode, form: Mapping[str, str], problems: dict[str, str], status: int = 200) -> ResponseReturnValue:
    core, own = access.core(), access.own_partner()
    try:
        partners = [partner for partner in core.host.partners() if partner.active and own in {None, partner.id}]
        locations = [location for location in core.host.locations() if location.active]
    except HostError:
        partners, locations = [], []
    currency = core.settings.currency() or "USD"
    return render_template(
        "admin/charge.html", mode=mode, form=form, problems={name: say(text) for name, text in problems.items()}, partners=partners,
        locations=locations, chosen_partners=getattr(form, "getlist", lambda _name: [])("partner_ids"),
        payment_types=PAYMENT_TYPES, statuses=STATUSES, operators=TOTAL_OPERATORS, own_partner=own, tab="charge",
        few=Money.from_host(10, currency), many=Money.from_host(100, currency)), status


@bp.get("/runs/")
def history() -> ResponseReturnValue:
    """All Charges: who, when, with which filters, counts and sums."""
    core, own, page = access.core(), access.own_partner(), _page()
    wanted = select(Run).order_by(Run.id.desc()).offset((page - 1) * _HISTORY_PAGE).limit(_HISTORY_PAGE + 1)
    if own is not None:
        wanted = wanted.where(Run.filters["partner_ids", 0].as_integer() == own)
    with core.database.read() as session:
        found = list(session.scalars(wanted))
        shares = shares_of(session, [run.id for run in found])
    shown = [run for run in found[:_HISTORY_PAGE] if access.may_see_run(run)]
    results = {run.id: {key: Share(count, Money(cents, run.currency)) for key, (count, cents) in
                        shares.get(run.id, {}).items() if key != "skipped"} for run in shown}
    return render_template("admin/history.html", runs=shown, narrowed={run.id: _narrowing(run) for run in shown}, results=results, more=len(found) > _HISTORY_PAGE, page=page,
                           words=words, names=RESULTS, money_of=Money, tab="history")


@bp.get("/runs/<int:run_id>")
def run(run_id: int) -> ResponseReturnValue:
    """One Charge: the preview to confirm, or its progress and result."""
    core, found = access.core(), _get_run(run_id)
    shown = work.progress(core, run_id)
    choice = _choice()
    with core.database.read() as session:
        rows, more = page_of(session, run_id, choice)
        reasons = reasons_of(session, run_id)
        stopped = list(session.scalars(select(Terminal).where(Terminal.stopped_at.is_not(None))))
        declines = declines_of_run(session, run_id) if "declined" in shown.results else []
    return render_template(
        "admin/run.html", run=found, progress=shown, rows=rows, more=more, choice=choice, reasons=reasons, words=words,
        picture=run_picture(shown.results, declines) if found.started_at else "",
        reason_names=REASONS, result_names=RESULTS, money_of=Money, stopped=stopped, page_size=PAGE,
        mails_declines=core.settings.flag("mail_declines") and notifications.can_send(core.settings), described=_describe(found), tab="history" if found.started_at else "charge")


@bp.get("/runs/<int:run_id>/progress")
def run_progress(run_id: int) -> ResponseReturnValue:
    """The part of the page that changes while it runs."""
    found = _get_run(run_id)
    return render_template("admin/_progress.html", run=found, progress=work.progress(access.core(), run_id), words=words,
                           result_names=RESULTS, alone=True)


@bp.post("/runs/<int:run_id>/start")
def run_start(run_id: int) -> ResponseReturnValue:
    """Confirm: charge exactly what the preview says."""
    if not request.form.get("confirm"):
        flash(_("Please tick that you want to charge. Nothing was charged."), "error")
        return redirect(url_for("admin.run", run_id=run_id), 303)
    return _act(run_id, lambda core: work.start(core, run_id, request.form.get("plan_hash", ""), auth.staff().actor),
                _("The Charge has started."))


@bp.post("/runs/<int:run_id>/stop")
def run_stop(run_id: int) -> ResponseReturnValue:
    """Charge nothing more; what is under way ends."""
    return _act(run_id, lambda core: work.stop(core, run_id, auth.staff().actor),
                _("The Charge is stopped. What was already on its way ends by itself."))


@bp.post("/runs/<int:run_id>/resume")
def run_resume(run_id: int) -> ResponseReturnValue:
    """Go on with what is left."""
    return _act(run_id, lambda core: work.resume(core, run_id, auth.staff().actor), _("The Charge goes on."))


@bp.post("/runs/<int:run_id>/discard")
def run_discard(run_id: int) -> ResponseReturnValue:
    """Drop a preview."""
    _get_run(run_id)
    try:
        plan.discard(access.core(), run_id)
    except BadInput as error:
        flash(say(error.message), "error")
        return redirect(url_for("admin.run", run_id=run_id), 303)
    flash(_("The preview was discarded. Nothing was charged."), "success")
    return redirect(url_for("admin.charge"), 303)


@bp.get("/runs/<int:run_id>/result.csv")
def run_csv(run_id: int) -> ResponseReturnValue:
    """The result for a spreadsheet."""
    _get_run(run_id)
    return sheets.answer(f"charge-{run_id}.csv", as_csv(access.core(), run_id))


def _act(run_id: int, action: Callable[[Core], object], done: str) -> ResponseReturnValue:
    _get_run(run_id)
    try:
        action(access.core())
    except BadInput as error:
        flash(say(error.message), "error")
    else:
        flash(done, "success")
    return redirect(url_for("admin.run", run_id=run_id), 303)


def _get_run(run_id: int) -> Run:
    with access.core().database.read() as session:
        found = session.get(Run, run_id)
    if found is None or not access.may_see_run(found):
        abort(404)
    return found


def _choice() -> Choice:
    """Which items the address asks for; "ready" stands for those without a reason."""
    reason, result = request.args.get("reason", ""), request.args.get("result")
    return Choice(reason={"ready": ""}.get(reason, reason if reason in REASONS else None),
                  result=result if result in RESULTS else None, page=_page())


def _page() -> int:
    text = request.args.get("page", "")
    return int(text) if re.fullmatch(r"[1-9][0-9]{0,4}", text, re.ASCII) else 1


def _describe(run: Run) -> list[tuple[str, str]]:
    """The filters of a run in words."""
    kept = run.filters
    shown = [(_("What is charged"), words.say(words.MODES, run.mode)),
             (_("Partners"), ", ".join(map(str, kept.get("partner_ids", []))) or _("All")),
             (_("Location"), str(kept.get("location_id", "")) or _("All")),
             (_("Customer payment type"), say(PAYMENT_TYPES[kept.get("payment_type", "any")]))]
    if run.mode == Mode.INVOICES:
        shown[1:1] = [(_("Period"), f"{kept.get('period_from', '…')} - {kept.get('period_to', '…')}")]
        shown.append((_("Status"), say(STATUSES[kept.get("status", "unpaid")])))
    if "total" in kept:
        label = _("Total") if run.mode == Mode.INVOICES else _("Owed")
        shown.append((label, f"{kept.get('total_operator', '>')} {kept['total']}"))
    for key, label in (("customer_ids", _("Customer ID")), ("numbers", _("Invoice number"))):
        if kept.get(key):
            shown.append((label, ", ".join(map(str, kept[key]))))
    return shown


def _narrowing(run: Run) -> list[tuple[str, str]]:
    """Those filters of a run that leave something out."""
    everything = {_("All"), say(PAYMENT_TYPES["any"]), say(STATUSES["unpaid"]), "… - …"}
    return [(label, value) for label, value in _describe(run)[1:] if value not in everything]
