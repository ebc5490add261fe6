"""What our own rows know of a batch of invoices: saved methods, open payments, stopped customers, final refusals.

Eight queries a batch however large it is, never one a row. Must never change a row.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import select

from splynx_ippay.credentials import Method
from splynx_ippay.ippay.declines import DECLINES
from splynx_ippay.payments import refusals
from splynx_ippay.payments.due import NOTHING, taken_by_balance, taken_by_document
from splynx_ippay.payments.models import Attempt, CustomerNote, DebtKey, Line, State
from splynx_ippay.runs.models import ItemState, Run, RunItem, RunState
from splynx_ippay.runs.reasons import door_words

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sqlalchemy.orm import Session

    from splynx_ippay.payments.due import Taken

_HELD_AS = {State.ACCEPTED: "debit_pending", State.REVIEW: "in_review", State.RETURNED: "returned_hold"}


class Held(NamedTuple):
    """An open payment of a debt: a key of REASONS, and since when through which door."""

    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Facts:
    """All that was looked up for one batch."""

    methods: Mapping[int, Method] = field(default_factory=dict)  # by customer: the default, usable or not
    fallen: Mapping[int, str] = field(default_factory=dict)  # by customer without one: why the last was disabled
    held: Mapping[int, Held] = field(default_factory=dict)  # by invoice
    taken: Mapping[tuple[str, int], Taken] = field(default_factory=dict)  # by document: what we took or may have taken
    elsewhere: Mapping[int, int] = field(default_factory=dict)  # by invoice: an unfinished run that holds it
    stopped: Mapping[int, str] = field(default_factory=dict)  # by customer: why, since when
    proformas: Mapping[int, str] = field(default_factory=dict)  # by customer: number of a proforma that is being paid
    refused: Mapping[int, str] = field(default_factory=dict)  # by method: code and words of a refusal for good


def look_up(session: Session, invoice_ids: Collection[int], customer_ids: Collection[int]) -> Facts:
    """Read all facts of a batch."""
    methods, fallen = _methods(session, customer_ids)
    return Facts(methods=methods, fallen=fallen, held=_held(session, invoice_ids), taken=_taken(session, invoice_ids),
                 elsewhere=_elsewhere(session, invoice_ids), stopped=_stopped(session, customer_ids),
                 proformas=_proformas(session, customer_ids),
                 refused=_refused(session, customer_ids, [method.id for method in methods.values()]))


def _taken(session: Session, invoice_ids: Collection[int]) -> dict[tuple[str, int], Taken]:
    found = taken_by_document(session, Line.document == "invoice", Line.document_id.in_(invoice_ids))
    by_target = {f"invoice:{invoice_id}": invoice_id for invoice_id in invoice_ids}
    for target in taken_by_balance(session, by_target):
        document = "invoice", by_target[target]
        found[document] = found.get(document, NOTHING)._replace(by_balance=True)
    return found


def _methods(session: Session, customer_ids: Collection[int]) -> tuple[dict[int, Method], dict[int, str]]:
    found = session.scalars(select(Method).where(
        Method.customer_id.in_(customer_ids), Method.status != "removed").order_by(Method.id))
    chosen: dict[int, Method] = {}
    fallen: dict[int, str] = {}
    for method in found:
        if method.is_default:
            chosen[method.customer_id] = method
        if method.status == "disabled":
            fallen[method.customer_id] = method.reason
    return chosen, fallen


def _held(session: Session, invoice_ids: Collection[int]) -> dict[int, Held]:
    targets = {f"invoice:{invoice_id}": invoice_id for invoice_id in invoice_ids}
    rows = session.execute(
        select(DebtKey.open_target, Attempt.state, Attempt.door, Attempt.created_at)
        .join(Line, Line.id == DebtKey.line_id).join(Attempt, Attempt.id == Line.attempt_id)
        .where(DebtKey.open_target.in_(targets)))
    return {targets[target]: Held(_HELD_AS.get(State(state), "being_paid"), f"{since:%Y-%m-%d %H:%M} UTC, {door_words(door)}")
            for target, state, door, since in rows if target is not None}


def _elsewhere(session: Session, invoice_ids: Collection[int]) -> dict[int, int]:
    rows = session.execute(
        select(RunItem.invoice_id, Run.id).join(Run, Run.id == RunItem.run_id)
        .where(Run.state.in_([RunState.RUNNING, RunState.STOPPED]), RunItem.invoice_id.in_(invoice_ids),
               RunItem.state == ItemState.READY, RunItem.attempt_id.is_(None)))
    return {invoice_id: run_id for invoice_id, run_id in rows}  # noqa: C416 - rows are no pairs to mypy


def _stopped(session: Session, customer_ids: Collection[int]) -> dict[int, str]:
    notes = session.execute(
        select(CustomerNote.customer_id, CustomerNote.reason, CustomerNote.since)
        .where(CustomerNote.customer_id.in_(customer_ids), CustomerNote.no_auto.is_(True)))
    return {customer_id: f"{reason} ({since:%Y-%m-%d})" if since else reason for customer_id, reason, since in notes}


def _proformas(session: Session, customer_ids: Collection[int]) -> dict[int, str]:
    """Splynx does not show which invoice a proforma became, so while one is being paid a new invoice may be that debt."""
    rows = session.execute(
        select(Attempt.customer_id, Line.number).join(Line, Line.attempt_id == Attempt.id)
        .join(DebtKey, DebtKey.line_id == Line.id)
        .where(Attempt.customer_id.in_(customer_ids), Line.document == "proforma", DebtKey.open_target.is_not(None)))
    return {customer_id: number for customer_id, number in rows}  # noqa: C416 - rows are no pairs to mypy


def _refused(session: Session, customer_ids: Collection[int], method_ids: Collection[int]) -> dict[int, str]:
    return {method_id: f"{code} {DECLINES[code].meaning} ({at:%Y-%m-%d})"
            for method_id, (code, at) in refusals.refused_for_good(session, customer_ids, method_ids).items()}
