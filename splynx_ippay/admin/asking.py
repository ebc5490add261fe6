"""Asking many customers at once by mail: who would get it and who not, the text, and then the press that sends.

What is shown before is what is asked for: the press names the rows, and each is judged once more. Must never send
anything to somebody whom the staff's page did not show.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from splynx_ippay import audit, auth, notifications
from splynx_ippay.admin import access, bp, sheets, words
from splynx_ippay.asks import PAUSE, debts, failures, zips
from splynx_ippay.asks.reasons import WHY_NOT
from splynx_ippay.base import clock
from splynx_ippay.base.errors import ConfigError, HostError
from splynx_ippay.checkout.merchant import own_name
from splynx_ippay.links import signed

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from splynx_ippay.asks.failures import Failure
    from splynx_ippay.notifications import Mail
    from splynx_ippay.payments.core import Core

MOST = 500  # at one press
_LONGEST_AGO = timedelta(days=366)


@bp.get("/failed/ask")
def ask_failed() -> ResponseReturnValue:
    """Who of the chosen failed payments would be asked for another card or account, who not and why, and the mail."""
    core = access.core()
    chosen = _failures(core)
    try:
        found = debts.examine(core, chosen)
    except (HostError, ConfigError):
        return _away(url_for("admin.failed"))
    ready = [one for one in found if not one.why_not]
    sample = _debt_mail(core, ready[0]) if ready else None
    return render_template("admin/ask_failed.html", ready=ready, others=[one for one in found if one.why_not], sample=sample,
                           **_shared(core, "failed", is_cut=len(chosen) == MOST))


@bp.post("/failed/ask")
def ask_failed_now() -> ResponseReturnValue:
    """Ask those who were shown."""
    core = access.core()
    if not notifications.can_send(core.settings):
        return redirect(url_for("admin.failed"), 303)
    wanted = _ids("line")
    with core.database.read() as session:
        chosen = failures.named(session, wanted, since=clock.now() - _LONGEST_AGO, partner_id=access.own_partner())
    try:
        asked = debts.ask(core, chosen, by=auth.staff().actor)
    except (HostError, ConfigError):
        return _away(url_for("admin.failed"))
    return _done(core, "failed", len(asked), len(wanted), url_for("admin.failed", days=_days()))


@bp.get("/missing-zip/ask")
def ask_zip() -> ResponseReturnValue:
    """Who of the chosen customers would be asked for the ZIP code, who not and why, and the mail."""
    core = access.core()
    wanted = None if request.args.get("whom") == "all" else _ids("customer")
    try:
        found = zips.examine(core, wanted, partner_id=access.own_partner(), most=MOST)
    except (HostError, ConfigError):
        return _away(url_for("admin.missing_zip"))
    ready = [one for one in found if not one.why_not]
    sample = _zip_mail(core, ready[0]) if ready else None
    return render_template("admin/ask_zip.html", ready=ready, others=[one for one in found if one.why_not], sample=sample,
                           **_shared(core, "missing_zip", is_cut=len(found) == MOST))


@bp.post("/missing-zip/ask")
def ask_zip_now() -> ResponseReturnValue:
    """Ask those who were shown."""
    core = access.core()
    if not notifications.can_send(core.settings):
        return redirect(url_for("admin.missing_zip"), 303)
    wanted = _ids("customer")
    try:
        asked = zips.ask(core, wanted, partner_id=access.own_partner(), by=auth.staff().actor)
    except (HostError, ConfigError):
        return _away(url_for("admin.missing_zip"))
    return _done(core, "missing-zip", len(asked), len(wanted), url_for("admin.missing_zip"))


def _failures(core: Core) -> list[Failure]:
    """What was chosen: the rows that were ticked, all of the page that was shown, or all of that many days."""
    since, partner_id, whom = clock.now() - timedelta(days=_days()), access.own_partner(), request.args.get("whom", "")
    with core.database.read() as session:
        if whom == "all":
            return next(failures.batches(session, since=since, partner_id=partner_id, size=MOST), [])
        if whom == "page":
            page = next(iter(_ids("page")), 1)
            return failures.page_of(session, since=since, partner_id=partner_id, page=page)[0]
        return failures.named(session, _ids("line"), since=since, partner_id=partner_id)


def _ids(name: str) -> list[int]:
    """The numbers of a field, each once; what is none is left out."""
    texts = request.values.getlist(name)[:MOST]
    return [int(text) for text in dict.fromkeys(texts) if re.fullmatch(r"[1-9][0-9]{0,8}", text, re.ASCII)]


def _days() -> int:
    return min(next(iter(_ids("days")), 90), 365)


def _shared(core: Core, tab: str, *, is_cut: bool) -> dict[str, Any]:
    return {"tab": tab, "can_send": notifications.can_send(core.settings), "why_not": WHY_NOT, "words": words, "days": _days(),
            "pause": PAUSE.days, "most": MOST, "is_cut": is_cut}


def _away(back: str) -> ResponseReturnValue:
    """Without Splynx nobody knows who has paid meanwhile, nor where to write to."""
    flash(_("Splynx does not answer, so nobody was asked. Please try again in a few minutes."), "error")
    return redirect(back, 303)


def _done(core: Core, name: str, asked: int, wanted: int, back: str) -> ResponseReturnValue:
    if asked:
        core.database.run(lambda session: audit.record(
            session, sheets.asking(), "ask", name, partner_id=access.own_partner(), after=str(asked)))
        flash(ngettext("%(num)s customer is asked by mail now.", "%(num)s mails to customers go out now.", asked), "success")
    if wanted > asked:
        flash(ngettext("%(num)s was left out: paid, asked or changed meanwhile.",
                       "%(num)s were left out: paid, asked or changed meanwhile.", wanted - asked), "success")
    return redirect(back, 303)


def _debt_mail(core: Core, candidate: debts.Candidate) -> Mail:
    """The mail to the first of them, with a link that opens nothing."""
    return notifications.render(debts.KIND, candidate.address, core.settings.text("language"), **debts.values_of(candidate),
                                **_about(core, candidate.customer.name if candidate.customer else "",
                                         candidate.failure.attempt.partner_id), link=signed.address_of(core.settings, "…"))


def _zip_mail(core: Core, candidate: zips.ZipCandidate) -> Mail:
    return notifications.render(zips.KIND, candidate.address, core.settings.text("language"), **zips.values_of(candidate),
                                **_about(core, candidate.customer.name if candidate.customer else "", candidate.cards[0].partner_id))


def _about(core: Core, name: str, partner_id: int) -> dict[str, str]:
    return {"name": name, "contact": core.settings.text("mail_contact", partner_id), "merchant": own_name(core, partner_id),
            "portal": urljoin(core.settings.text("api_domain").strip(), url_for("portal.credentials"))}
