"""What is due. Owns the rule of what may still be charged on a debt, for showing it and for taking it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import and_, case, func, or_, select

from splynx_ippay.base.errors import AlreadyOpen, HostRejected
from splynx_ippay.base.money import Money
from splynx_ippay.payments.models import Attempt, Booking, DebtKey, Line, State

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from splynx_ippay.payments.core import Core
    from splynx_ippay.splynx.records import Invoice, Proforma

HOLDS_MONEY = (State.INTENDED, State.UNKNOWN, State.ACCEPTED, State.APPROVED, State.REVIEW)
_NOT_FOUND = 404


class Taken(NamedTuple):
    """Cents we took or may have taken on one document, and how many of them the host does not show on it.

    ``by_balance``: a charge of the customer's whole balance took it, on account; the host decides what that pays.
    """

    cents: int = 0
    hidden: int = 0
    by_balance: bool = False


NOTHING = Taken()


@dataclass(frozen=True)
class Held:
    """Who pays this debt already."""

    target: str
    door: str
    since: datetime
    attempt_id: int
    transaction_id: str
    state: str

    @property
    def who(self) -> str:
        """What holds it: the door, or "returned" while the bank may present a returned debit again."""
        return "returned" if self.state == State.RETURNED else self.door

    def refusal(self) -> AlreadyOpen:
        """What whoever wants to pay the debt now is told."""
        return AlreadyOpen(self.target, door=self.who, since=self.since, attempt_id=self.attempt_id)


@dataclass(frozen=True)
class Debt:
    """One invoice or proforma as a person sees it. ``due`` is what may be charged now, ``host_due`` what Splynx shows."""

    document: str
    document_id: int
    number: str
    customer_id: int
    total: Money
    due: Money
    host_due: Money
    status: str  # open, paid, pending, deleted
    held: Held | None
    dated: date | None = None
    due_on: date | None = None


def target_of(document: str, document_id: int | None, customer_id: int) -> str:
    """The key a debt is known by: ``invoice:8812``, ``proforma:31``, ``topup:<customer>``, a balance ``customer:<id>``."""
    if document == "balance":
        return f"customer:{customer_id}"
    return f"{document}:{customer_id if document == 'topup' else document_id}"


def find_debt(core: Core, document: str, *, currency: str, document_id: int | None = None, number: str | None = None,
              customer_id: int | None = None) -> Debt | None:
    """The debt by id or by number, one host call; None when it is missing or not this customer's.

    Raises HostUnavailable and HostRejected (but not for 404).
    """
    read = read_document(core, document, currency=currency, document_id=document_id, number=number, customer_id=customer_id)
    if read is None or (customer_id is not None and read.customer_id != customer_id):
        return None
    with core.database.read() as session:
        held = find_holder(session, target_of(document, read.id, read.customer_id), read.customer_id)
        due = chargeable(session, document, read.id, host_due=read.due, total=read.total)
    return Debt(document, read.id, read.number, read.customer_id, read.total, due, read.due, status_of(read), held,
                read.date_created, read.date_till)


def open_debts(core: Core, customer_id: int, currency: str) -> list[Debt]:
    """Everything the customer can pay, oldest first: two host calls and three queries, however many there are.

    A debt that somebody pays already is in the list, with ``held``. Raises HostUnavailable and HostRejected.
    """
    read: list[tuple[str, Invoice | Proforma]] = [("invoice", one) for one in core.host.unpaid_invoices(customer_id, currency)]
    read += [("proforma", one) for one in core.host.unpaid_proformas(customer_id, currency)]
    read.sort(key=lambda pair: (pair[1].date_created or date.min, pair[0], pair[1].id))
    with core.database.read() as session:
        held = _holders(session, customer_id)
        taken = taken_by_document(session, Attempt.customer_id == customer_id)
        covered = taken_by_balance(session, [target_of(document, one.id, customer_id) for document, one in read])
    account = held.get(target_of("balance", None, customer_id))
    whole = account if account is not None and account.state != State.RETURNED else None
    found = []
    for document, one in read:
        target = target_of(document, one.id, customer_id)
        ours = taken.get((document, one.id), NOTHING)._replace(by_balance=target in covered)
        due = rest_of(ours, host_due=one.due, total=one.total)
        holder = held.get(target) or whole
        if due or holder:
            found.append(Debt(document, one.id, one.number, customer_id, one.total, due, one.due, status_of(one), holder,
                              one.date_created, one.date_till))
    return found


def read_document(core: Core, document: str, *, currency: str, document_id: int | None = None,
                  number: str | None = None, customer_id: int | None = None) -> Invoice | Proforma | None:
    """The host's document, None when there is none; a number is looked for among the customer's, if one is named."""
    host, is_invoice = core.host, document == "invoice"
    try:
        if document_id is not None:
            return host.get_invoice(document_id, currency) if is_invoice else host.get_proforma(document_id, currency)
        if not number:
            return None
        return (host.find_invoice_by_number(number, currency, customer_id) if is_invoice
                else host.find_proforma_by_number(number, currency, customer_id))
    except HostRejected as error:
        if error.status != _NOT_FOUND:
            raise
        return None


def status_of(read: Invoice | Proforma) -> str:
    """open, paid, pending or deleted; whatever else the host says, only what is due and not_paid is open."""
    if read.deleted:
        return "deleted"
    if read.status == "pending":
        return "pending"
    return "open" if read.status == "not_paid" and read.due else "paid"


def chargeable(session: Session, document: str, document_id: int, *, host_due: Money, total: Money,
               besides: int | None = None) -> Money:
    """What may be taken on one document now; ``besides`` leaves the lines of one attempt out (the one that asks)."""
    taken = taken_by_document(session, Line.document == document, Line.document_id == document_id,
                              Attempt.id != (besides or 0)).get((document, document_id), NOTHING)
    by_balance = bool(taken_by_balance(session, [f"{document}:{document_id}"]))
    return rest_of(taken._replace(by_balance=by_balance), host_due=host_due, total=total)


def rest_of(taken: Taken, *, host_due: Money, total: Money) -> Money:
    """What the host shows as due, less what we took or may have taken and it does not show.

    And never more than the total less all we took: that bound holds even when a payment of ours went missing in the
    host; then a person must look before anything is charged again. Money booked on account does not lower the
    document's due, so it counts as not shown. What a charge of the balance took is left to people while the host shows
    it as due: whether and how such a payment is spread over invoices is the host's doing.
    """
    if taken.by_balance:
        return Money.zero(total.currency)
    return Money(max(0, min(host_due.cents - taken.hidden, total.cents - taken.cents)), total.currency)


def taken_by_document(session: Session, *of: ColumnElement[bool]) -> dict[tuple[str, int], Taken]:
    """What we took or may have taken, by (document, id), in one query; ``of`` narrows lines and attempts."""
    is_hidden = (Line.booking != Booking.POSTED) | Line.on_account.is_(True)
    rows = session.execute(
        select(Line.document, Line.document_id, func.sum(Line.amount_cents),
               func.sum(case((is_hidden, Line.amount_cents), else_=0))).join(Attempt)
        .where(Attempt.state.in_(HOLDS_MONEY), Line.document_id.is_not(None), *of)
        .group_by(Line.document, Line.document_id))
    return {(document, document_id): Taken(int(cents), int(hidden))
            for document, document_id, cents, hidden in rows if document_id is not None}


def taken_by_balance(session: Session, targets: Collection[str]) -> set[str]:
    """Which of these invoices a charge of their customer's balance took or may have taken: it held their keys. One query.

    Proformas are held beside a balance, but are no part of it.
    """
    return set(session.scalars(
        select(DebtKey.target).join(Line, Line.id == DebtKey.line_id).join(Attempt, Attempt.id == Line.attempt_id)
        .where(DebtKey.target.in_([target for target in targets if target.startswith("invoice:")]),
               Line.document == "balance", Attempt.state.in_(HOLDS_MONEY))))


def _holders(session: Session, customer_id: int) -> dict[str, Held]:
    """Every key of a customer that is held."""
    rows = session.execute(
        select(DebtKey.open_target, Attempt.id, Attempt.transaction_id, Attempt.door, Attempt.created_at, Attempt.state)
        .join(Line, Line.attempt_id == Attempt.id).join(DebtKey, DebtKey.line_id == Line.id)
        .where(Attempt.customer_id == customer_id, DebtKey.open_target.is_not(None)))
    return {row.open_target: Held(row.open_target, row.door, row.created_at, row.id, row.transaction_id, row.state)
            for row in rows}


def find_holder(session: Session, target: str, customer_id: int) -> Held | None:
    """Who holds the key of a debt of the customer, None when it is free; a charge that takes the whole balance holds all.

    A balance that came back keeps only what it knew to hold: what was billed since may be paid.
    """
    row = session.execute(
        select(DebtKey.open_target, Attempt.door, Attempt.created_at, Attempt.id, Attempt.transaction_id, Attempt.state)
        .join(Line, Line.attempt_id == Attempt.id).join(DebtKey, DebtKey.line_id == Line.id)
        .where(or_(DebtKey.open_target == target,
                   and_(DebtKey.open_target == target_of("balance", None, customer_id), Attempt.state != State.RETURNED)))
        .limit(1)).first()
    return None if row is None else Held(*row)
