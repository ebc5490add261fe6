"""The list of payments, and one payment with everything that happened to it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from flask import abort, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select

from splynx_ippay.admin import access, bp, decision_words, search, sheets, timeline, words
from splynx_ippay.admin.decide_panel import panel_of
from splynx_ippay.admin.search import Search
from splynx_ippay.base.errors import ConfigError, HostError
from splynx_ippay.base.money import Money
from splynx_ippay.checkout.endings import source_of
from splynx_ippay.letters.history import mails_about
from splynx_ippay.payments import events
from splynx_ippay.payments.models import Attempt, Booking, CustomerNote, State
from splynx_ippay.payments.view import ending
from splynx_ippay.runs.models import RunItem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flask.typing import ResponseReturnValue

    from splynx_ippay.payments.core import Core

_CALL = 80  # names the host tells at one call
_NAMED = 20  # customers of one name a search takes


@bp.get("/")
def payment_list() -> ResponseReturnValue:
    """Payments, newest first, by customer, number, transaction, state, door and day, with the sums of all that is found."""
    core = access.core()
    asked, problem = _with_names(core, Search.read(request.args))
    with core.database.read() as session:
        found, more = search.payments(session, asked, access.own_partner())
        sums = search.sums(session, asked, access.own_partner())
    names = customer_names(core, {attempt.customer_id for attempt in found})
    return render_template("admin/payments.html", found=found, more=more, search=asked, sums=sums, names=names, words=words,
                           source_of=source_of, problem=problem)


@bp.get("/payments.csv")
def payments_csv() -> ResponseReturnValue:
    """Exactly what the search finds, all of it, for a spreadsheet."""
    core = access.core()
    asked, problem = _with_names(core, Search.read(request.args))
    if problem:  # the list says why the file would not be whole
        kept: dict[str, Any] = asked.address()
        return redirect(url_for("admin.payment_list", **kept), 303)
    return sheets.answer("payments.csv", _rows(core, asked, access.own_partner()))


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
        entries = timeline.of(attempt, history, mails_about(session, attempt_id))
        run_id = session.scalar(select(RunItem.run_id).where(RunItem.attempt_id == attempt_id))
    return render_template(
        "admin/payment.html", attempt=attempt, entries=entries, broken=events.first_broken(history),
        names=customer_names(core, {attempt.customer_id}), words=words, run_id=run_id, panel=panel,
        **_summary(of, mistakes or {}), decision_words=decision_words,
        is_stopped=note is not None and note.no_auto, source_of=source_of, money_of=Money,
        contact=core.settings.text("gateway_contact") if _is_troubled(attempt) else "")


def _summary(of: int | None, mistakes: dict[str, str]) -> dict[str, Any]:
    """What stands above the page after a mistake: each beside the way to its field, and what no field can mend."""
    form = "payment" if of is None else f"line-{of}"
    whole = {"confirm"} | ({"target"} if request.form.get("target") else set())
    return {"problems": {name: text for name, text in mistakes.items() if name not in whole},
            "notice": " ".join(text for name, text in mistakes.items() if name in whole),
            "ids": {"return_code": "return_code", "payment_id": f"payment-{of}"}
            | {name: f"{name}-{form}" for name in ("target", "evidence", "reference", "reason")}}


def _is_troubled(attempt: Attempt) -> bool:
    """Whether somebody may have to ask IPpay about it."""
    is_refused = attempt.state == State.DECLINED and ending(attempt).name == "refused"
    return is_refused or attempt.excess or attempt.state in {State.UNKNOWN, State.REVIEW, State.RETURNED} or any(
        line.booking == Booking.REVIEW for line in attempt.lines)


def _with_names(core: Core, asked: Search) -> tuple[Search, str]:
    """The search with the customers of that name, one host call; and what keeps it from being whole, in words."""
    if not asked.name:
        return asked, ""
    try:
        found = core.host.customers_named(asked.name, _NAMED + 1)
    except (HostError, ConfigError):
        return asked, _("Splynx does not answer just now, so no customer's name was searched.")
    more = _("More than 20 customers have such a name; the payments of 20 of them are searched. Type more of the name.")
    return replace(asked, customers=tuple(customer.id for customer in found[:_NAMED])), more if len(found) > _NAMED else ""


def _rows(core: Core, asked: Search, partner_id: int | None) -> Iterator[str]:
    yield sheets.BOM + sheets.line([
        _("Time"), _("Customer ID"), _("Customer"), _("For"), _("Amount"), _("Card fee"), _("Currency"), _("Method"), _("Door"), _("Who"), _("Status"),
        _("Reason"), _("Transaction ID"), _("Approval"), _("Settled"), _("Payment in Splynx")])
    with core.database.read() as session:
        for batch in search.batches(session, asked, partner_id, size=_CALL):
            names = customer_names(core, {attempt.customer_id for attempt in batch})
            for attempt in batch:
                yield sheets.line(_cells(attempt, names))
            session.expunge_all()


def _cells(attempt: Attempt, names: dict[int, str]) -> list[str]:
    return [f"{attempt.created_at.astimezone():%Y-%m-%d %H:%M}", str(attempt.customer_id), names.get(attempt.customer_id, ""),
            ", ".join(f"{words.say(words.DOCUMENTS, line.document)} {line.number}".strip() for line in attempt.lines),
            str(attempt.amount.decimal()), str(attempt.fee.decimal()) if attempt.fee_cents else "", attempt.currency, source_of(attempt), words.say(words.DOORS, attempt.door),
            words.who(attempt.actor), words.say(words.STATES, attempt.state), words.why(attempt), attempt.transaction_id,
            attempt.approval, str(attempt.settled_on or ""),
            ", ".join(str(line.splynx_payment_id) for line in attempt.lines if line.splynx_payment_id)]


def customer_names(core: Core, ids: Iterable[int]) -> dict[int, str]:
    """Names for a page of at most 80 customers, one call; without an answer of the host, ids must do."""
    wanted = set(ids)
    try:
        return {customer.id: customer.name for customer in core.host.customers(wanted).values()} if wanted else {}
    except (HostError, ConfigError):
        return {}
