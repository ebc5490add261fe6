"""What our own rows know of a batch of invoices or of customers whose balance is to be charged: saved methods, open payments, stopped customers, final refusals.

Nine queries a batch however large it is, never one a row. Must never change a row.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import or_, select

from splynx_ippay.credentials import Method
from splynx_ippay.ippay.declines import DECLINES
from splynx_ippay.payments import refusals
from splynx_ippay.payments.balance import hidden_by_customer
from splynx_ippay.payments.due import NOTHING, taken_by_balance, taken_by_document, target_of
from splynx_ippay.payments.models import Attempt, CustomerNote, DebtKey, Line, State
from splynx_ippay.runs.models import ItemState, Run, RunItem, RunState
from splynx_ippay.runs.reasons import door_words

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from sqlalchemy import ColumnElement
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
    backups: Mapping[int, Method] = field(default_factory=dict)  # by customer: what they chose for when the default is declined
    fallen: Mapping[int, str] = field(default_factory=dict)  # by customer without one: why the last was disabled
    held: Mapping[str, Held] = field(default_factory=dict)  # by key of the debt
    taken: Mapping[tuple[str, int], Taken] = field(default_factory=dict)  # by document: what we took or may have taken
    hidden: Mapping[int, int] = field(default_factory=dict)  # by customer: cents we took that the host does not show
    elsewhere: Mapping[str, int] = field(default_factory=dict)  # by key of the debt: an unfinished run that will charge it
    stopped: Mapping[int, str] = field(default_factory=dict)  # by customer: why, since when
    proformas: Mapping[int, str] = field(default_factory=dict)  # by customer: number of a proforma that is being paid
    refused: Mapping[int, str] = field(default_factory=dict)  # by method: code and words of a refusal for good


def look_up(session: Session, invoice_ids: Collection[int], customer_ids: Collection[int]) -> Facts:
    """Read all facts of a batch of invoices."""
    return replace(
        _of_customers(session, customer_ids), held=_held(session, invoice_ids, customer_ids), taken=_taken(session, invoice_ids),
        elsewhere=_elsewhere(session, or_(
            (RunItem.document == "invoice") & RunItem.document_id.in_(invoice_ids),
            (RunItem.document == "balance") & RunItem.document_id.in_(customer_ids))),
        proformas=_proformas(session, customer_ids))


def look_up_accounts(session: Session, customer_ids: Collection[int]) -> Facts:
    """Read all facts of a batch of customers whose balance is to be charged: whatever of them is held, holds it."""
    elsewhere = _elsewhere(session, RunItem.customer_id.in_(customer_ids), by_customer=True)
    return replace(_of_customers(session, customer_ids), held=_held_customers(session, customer_ids), elsewhere=elsewhere,
                   hidden=hidden_by_customer(session, customer_ids))


def _of_customers(session: Session, customer_ids: Collection[int]) -> Facts:
    methods, backups, fallen = _methods(session, customer_ids)
    return Facts(methods=methods, backups=backups, fallen=fallen, stopped=_stopped(session, customer_ids),
                 refused=_refused(session, customer_ids, [method.id for one in (methods, backups) for method in one.values()]))


def _taken(session: Session, invoice_ids: Collection[int]) -> dict[tuple[str, int], Taken]:
    found = taken_by_document(session, Line.document == "invoice", Line.document_id.in_(invoice_ids))
    by_target = {f"invoice:{invoice_id}": invoice_id for invoice_id in invoice_ids}
    for target in taken_by_balance(session, by_target):
        document = "invoice", by_target[target]
        found[document] = found.get(document, NOTHING)._replace(by_balance=True)
    return found


def _methods(session: Session, customer_ids: Collection[int]) -> tuple[dict[int, Method], dict[int, Method], dict[int, str]]:
    found = session.scalars(select(Method).where(
        Method.customer_id.in_(customer_ids), Method.status != "removed").order_by(Method.id))
    chosen: dict[int, Method] = {}
    backups: dict[int, Method] = {}
    fallen: dict[int, str] = {}
    for method in found:
        if method.is_default:
            chosen[method.customer_id] = method
        elif method.backup_at is not None:
            backups[method.customer_id] = method
        if method.status == "disabled":
            fallen[method.customer_id] = method.reason
    return chosen, backups, fallen


def _held(session: Session, invoice_ids: Collection[int], customer_ids: Collection[int]) -> dict[str, Held]:
    targets = {f"invoice:{invoice_id}" for invoice_id in invoice_ids}
    accounts = {f"customer:{customer_id}" for customer_id in customer_ids}
    rows = session.execute(
        select(DebtKey.open_target, Attempt.state, Attempt.door, Attempt.created_at)
        .join(Line, Line.id == DebtKey.line_id).join(Attempt, Attempt.id == Line.attempt_id)
        .where(or_(DebtKey.open_target.in_(targets),
                   DebtKey.open_target.in_(accounts) & (Attempt.state != State.RETURNED))))
    return {target: Held(_HELD_AS.get(State(state), "being_paid"), _since(since, door))
            for target, state, door, since in rows if target is not None}


def _held_customers(session: Session, customer_ids: Collection[int]) -> dict[str, Held]:
    """The newest open payment of each customer, with what it is for."""
    rows = session.execute(
        select(Attempt.customer_id, Attempt.state, Attempt.door, Attempt.created_at, Line.document, Line.number)
        .join(Line, Line.attempt_id == Attempt.id).join(DebtKey, DebtKey.line_id == Line.id)
        .where(Attempt.customer_id.in_(customer_ids), DebtKey.open_target.is_not(None)).order_by(Attempt.id))
    return {f"customer:{customer_id}": Held(_HELD_AS.get(State(state), "being_paid"),
                                            f"{document} {number}".strip() + f", {_since(since, door)}")
            for customer_id, state, door, since, document, number in rows}


def _since(since: datetime, door: str) -> str:
    return f"{since:%Y-%m-%d %H:%M} UTC, {door_words(door)}"


def _elsewhere(session: Session, of: ColumnElement[bool], *, by_customer: bool = False) -> dict[str, int]:
    """Unfinished runs, by key of what they will charge, or by the customer of whom they will charge anything."""
    rows = session.execute(
        select(RunItem.document, RunItem.document_id, RunItem.customer_id, Run.id).join(Run, Run.id == RunItem.run_id)
        .where(Run.state.in_([RunState.RUNNING, RunState.STOPPED]), of,
               RunItem.state == ItemState.READY, RunItem.attempt_id.is_(None)))
    return {target_of("balance" if by_customer else document, document_id, customer_id): run_id
            for document, document_id, customer_id, run_id in rows}


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
