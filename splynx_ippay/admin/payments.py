"""The list of payments, and one payment with everything that happened to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import abort, render_template, request
from sqlalchemy import select

from splynx_ippay.admin import access, bp, decision_words, timeline, words
from splynx_ippay.admin.decide_panel import panel_of
from splynx_ippay.admin.search import Search, payments
from splynx_ippay.base.errors import ConfigError, HostError
from splynx_ippay.base.money import Money
from splynx_ippay.checkout.endings import source_of
from splynx_ippay.ippay.declines import decline_for
from splynx_ippay.letters.history import mails_about
from splynx_ippay.payments import events
from splynx_ippay.payments.models import Attempt, CustomerNote
from splynx_ippay.runs.models import RunItem

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flask.typing import ResponseReturnValue

    from splynx_ippay.payments.core import Core


@bp.get("/")
def payment_list() -> ResponseReturnValue:
    """Payments, newest first, by customer, number, transaction, state, door and day."""
    core, search = access.core(), Search.read(request.args)
    with core.database.read() as session:
        found, more = payments(session, search, access.own_partner())
    names = customer_names(core, {attempt.customer_id for attempt in found})
    return render_template("admin/payments.html", found=found, more=more, search=search, names=names, words=words,
                           source_of=source_of)


@bp.get("/payments/<int:attempt_id>")
def payment(attempt_id: int) -> ResponseReturnValue:
    """One payment: what was asked, what came of it, what Splynx was told, what a person may decide, and every event."""
    return show(attempt_id)


def show(attempt_id: int, *, of: int | None = None, mistakes: dict[str, str] | None = None) -> str:
    """The page of one payment; ``mistakes`` by field stand in the form of that line, or of the payment itself (None)."""
    core = access.core()
    with core.database.read() as session:
        attempt = session.get(Attempt, attempt_id)
        if attempt is None or not access.may_see_partner(attempt.partner_id):
            abort(404)
        history = list(attempt.events)
        panel = panel_of(session, attempt, of=of, mistakes=mistakes)
        note = session.get(CustomerNote, attempt.customer_id) if panel is not None or attempt.excess else None
        entries = timeline.of(history, mails_about(session, attempt_id))
        run_id = session.scalar(select(RunItem.run_id).where(RunItem.attempt_id == attempt_id))
    meaning = decline_for(attempt.action_code, attempt.brand, attempt.response_text) if attempt.state == "declined" else None
    return render_template("admin/payment.html", attempt=attempt, timeline=entries, broken=events.first_broken(history),
                           names=customer_names(core, {attempt.customer_id}), meaning=meaning, words=words, run_id=run_id,
                           panel=panel, problem_words=(mistakes or {}).get("target") or (mistakes or {}).get("confirm"), decision_words=decision_words, is_stopped=note is not None and note.no_auto,
                           source_of=source_of, money_of=Money)


def customer_names(core: Core, ids: Iterable[int]) -> dict[int, str]:
    """Names for a page of at most 80 customers, one call; without an answer of the host, ids must do."""
    wanted = set(ids)
    try:
        return {customer.id: customer.name for customer in core.host.customers(wanted).values()} if wanted else {}
    except (HostError, ConfigError):
        return {}
