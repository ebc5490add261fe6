"""Where a person decides: the list of what waits, asking the neighbours again, deciding, confirming. Moves nothing itself.

Takes the right to give money back: who frees an invoice or calls money taken does as much.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from splynx_ippay import auth
from splynx_ippay.admin import access, bp, decision_words, payments, words
from splynx_ippay.base import clock
from splynx_ippay.base.errors import BadInput, HostError, Stopped
from splynx_ippay.base.marks import N_
from splynx_ippay.payments import asking, decisions, line_decisions, proposals, waiting
from splynx_ippay.payments.decision_models import Decision, Standing
from splynx_ippay.payments.models import Attempt
from splynx_ippay.payments.orders import new_submission_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.typing import ResponseReturnValue

_AWAY = N_("Splynx does not answer just now, so nothing was decided. Please try again in a moment.")
_QUARANTINE = N_("The database is an older copy: nothing is decided before splynx-ippay recover has been run.")


@bp.get("/review")
def review() -> ResponseReturnValue:
    """Everything that waits for a person, the oldest first."""
    core = access.core()
    with core.database.read() as session:
        found = waiting.everything(session, access.own_partner())
    names = payments.customer_names(core, sorted({one.attempt.customer_id for one in found})[:80])
    return render_template("admin/review.html", found=found, names=names, words=words, kinds=decision_words.KINDS, now=clock.now(),
                           overdue_after=waiting.OVERDUE_AFTER, tab="review")


@bp.post("/payments/<int:attempt_id>/ask")
def payment_ask(attempt_id: int) -> ResponseReturnValue:
    """Ask gateway, reports and Splynx about it now; what they say stands beside the form."""
    _visible(attempt_id)
    asking.ask(access.core(), attempt_id, auth.staff().actor)
    return _back(attempt_id)


@bp.post("/payments/<int:attempt_id>/decide")
def payment_decide(attempt_id: int) -> ResponseReturnValue:
    """Decide what became of a payment, or propose what needs a second person."""
    _visible(attempt_id)
    return _answer(attempt_id, None, lambda: decisions.decide(access.core(), _person(), attempt_id, _proposal()))


@bp.post("/payments/<int:attempt_id>/lines/<int:line_id>/decide")
def line_decide(attempt_id: int, line_id: int) -> ResponseReturnValue:
    """Decide what Splynx is to show of one line."""
    if line_id not in {line.id for line in _visible(attempt_id).lines}:
        abort(404)
    return _answer(attempt_id, line_id, lambda: line_decisions.decide(access.core(), _person(), line_id, _proposal()))


@bp.post("/decisions/<int:decision_id>/confirm")
def decision_confirm(decision_id: int) -> ResponseReturnValue:
    """The second person's yes."""
    attempt_id = _attempt_of(decision_id)
    return _answer(attempt_id, None, lambda: decisions.confirm(access.core(), _person(), decision_id))


@bp.post("/decisions/<int:decision_id>/withdraw")
def decision_withdraw(decision_id: int) -> ResponseReturnValue:
    """Take a proposal back."""
    attempt_id = _attempt_of(decision_id)
    return _answer(attempt_id, None, lambda: decisions.withdraw(access.core(), _person(), decision_id))


def _answer(attempt_id: int, of: int | None, work: Callable[[], Decision]) -> ResponseReturnValue:
    """Do it and go back to the payment; what cannot be done stands beside its field."""
    try:
        decision = work()
    except BadInput as error:
        mistakes = {one.field: _(one.message, **one.params) for one in getattr(error, "all", (error,))}
    except HostError:
        mistakes = {"target": _(_AWAY)}
    except Stopped:
        mistakes = {"target": _(_QUARANTINE)}
    else:
        flash({Standing.OPEN: _("Proposed. A second person must confirm it; until then nothing changes."),
               Standing.APPLIED: _("Decided. It is done, and stands in the history below."),
               }.get(Standing(decision.standing), _("The proposal was taken back.")), "success")
        return _back(attempt_id)
    return payments.show(attempt_id, of=of, mistakes=mistakes), 400


def _person() -> proposals.Person:
    asking_now = auth.staff()
    return proposals.Person(asking_now.id, asking_now.actor, asking_now.role)


def _proposal() -> proposals.Proposal:
    form = request.form
    seen, payment_id = form.get("seen", ""), form.get("payment_id", "").strip()
    if payment_id and not _is_whole(payment_id):
        raise BadInput("payment_id", N_("The ID of a payment is a whole number."))
    return proposals.Proposal(
        target=form.get("target", ""), evidence=form.get("evidence", ""), reference=form.get("reference", ""),
        reason=form.get("reason", ""), submission_key=form.get("submission_key", "")[:64] or new_submission_key(),
        seen=int(seen) if _is_whole(seen) else 0, return_code=form.get("return_code", "").strip().upper(),
        payment_id=int(payment_id) if payment_id else None)


def _is_whole(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10  # noqa: PLR2004 - what a database's number holds


def _visible(attempt_id: int) -> Attempt:
    with access.core().database.read() as session:
        attempt = session.get(Attempt, attempt_id)
    if attempt is None or not access.may_see_partner(attempt.partner_id):
        abort(404)
    return attempt


def _attempt_of(decision_id: int) -> int:
    with access.core().database.read() as session:
        decision = session.get(Decision, decision_id)
    if decision is None:
        abort(404)
    return _visible(decision.attempt_id).id


def _back(attempt_id: int) -> ResponseReturnValue:
    return redirect(url_for("admin.payment", attempt_id=attempt_id), 303)
