"""Asking for another card or account after a failed payment: who gets the mail, who does not and why, what it says.

Looking (``examine``) and asking (``ask``) judge by the same rules, and both ask Splynx what is due now. Must never name
what the bank suspects: the words are those of the payer's own page (ippay.decline_words).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from splynx_ippay import notifications
from splynx_ippay.asks import book
from splynx_ippay.asks.models import Ask
from splynx_ippay.base import clock
from splynx_ippay.base.money import Money
from splynx_ippay.credentials import Method
from splynx_ippay.ippay import return_words
from splynx_ippay.ippay.declines import decline_for
from splynx_ippay.links import fields, signed
from splynx_ippay.payments import balance, due
from splynx_ippay.payments.models import DebtKey, Line, State, Terminal
from splynx_ippay.splynx.resources import InvoiceFilter

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from splynx_ippay.asks.failures import Failure
    from splynx_ippay.payments.core import Core
    from splynx_ippay.payments.due import Taken
    from splynx_ippay.splynx.resources import Customer, Invoice, Proforma

KIND = "ask"  # of the mail
_CALL = 80  # customers and invoices at one call of the host


@dataclass(frozen=True)
class Candidate:
    """One failed debt: whom it concerns, what is due now, and why it is not asked for (a key of WHY_NOT, "": it is)."""

    failure: Failure
    customer: Customer | None
    due: Money
    why_not: str
    last: Ask | None

    @property
    def address(self) -> str:
        """Where the mail goes."""
        return address_of(self.customer) if self.customer else ""


@dataclass(frozen=True)
class _Facts:
    """What our own rows know of a batch, at a few queries however large it is."""

    asked: Mapping[str, Ask]
    held: set[str | None]
    taken: Mapping[str, Taken]  # by target
    changed: Mapping[int, datetime]  # by customer: when what is charged first was last changed
    stopped: Collection[tuple[str, str]]
    environment: str


def address_of(customer: Customer) -> str:
    """The address mails of this customer go to, "" when Splynx has none that can be used."""
    return notifications.address_in(customer.billing_email, customer.email)


def target_of(failure: Failure) -> str:
    """The debt as asks name it: ``debt:invoice:8812``, ``debt:balance:12``."""
    line = failure.line
    return f"debt:{line.document}:{line.document_id or failure.attempt.customer_id}"


def why_of(failure: Failure) -> str:
    """The kind of the refusal: soft, contact, data, hard, configuration; or returned."""
    attempt = failure.attempt
    if attempt.state == State.RETURNED:
        return "returned"
    return decline_for(attempt.action_code, attempt.brand, attempt.response_text).kind


def examine(core: Core, failures: Sequence[Failure]) -> list[Candidate]:
    """Judge each of them as it stands now. Raises HostUnavailable, HostRejected, ConfigError: then nobody can be asked."""
    found: list[Candidate] = []
    for start in range(0, len(failures), _CALL):
        found += _examine(core, failures[start:start + _CALL])
    return found


def ask(core: Core, failures: Sequence[Failure], *, by: str) -> list[Candidate]:
    """Owe a mail to everybody who can be asked; returns those asked. Raises what ``examine`` raises."""
    ready = [candidate for candidate in examine(core, failures) if not candidate.why_not]
    period = fields.valid_for(core)

    def work(session: Session) -> list[Candidate]:
        last = book.last_asks(session, [target_of(candidate.failure) for candidate in ready])
        asked = [one for one in ready if not book.is_pausing(last.get(target_of(one.failure)))]
        for document in ("invoice", "proforma"):
            ids = [one.failure.line.document_id for one in asked if one.failure.line.document == document]
            signed.ensure(session, core.box, document, filter(None, ids), created_by="ask", valid_for=period)
        for one in asked:
            book.write(session, _row(one, last.get(target_of(one.failure)), by), kind=KIND, values=values_of(one))
        return asked

    return book.insist(core, work) if ready else []


def values_of(candidate: Candidate) -> dict[str, Any]:
    """What the mail says beside the link, which is looked up when it goes out: no address, no token."""
    attempt, line = candidate.failure.attempt, candidate.failure.line
    is_returned = attempt.state == State.RETURNED
    return {
        "document": line.document, "document_id": line.document_id, "number": line.number, "is_returned": is_returned,
        "cents": candidate.due.cents, "currency": candidate.due.currency, "instrument": attempt.instrument,
        "brand": attempt.brand, "last_four": attempt.last_four,
        "reason": return_words.why(attempt.return_code) if is_returned
        else decline_for(attempt.action_code, attempt.brand, attempt.response_text).customer}


def _row(candidate: Candidate, last: Ask | None, by: str) -> Ask:
    failure = candidate.failure
    return Ask(target=target_of(failure), stage=book.next_stage(last), why=why_of(failure), attempt_id=failure.attempt.id,
               customer_id=failure.attempt.customer_id, asked_at=clock.now(), asked_by=by[:80])


def _examine(core: Core, failures: Sequence[Failure]) -> list[Candidate]:
    currency = core.settings.currency()
    customers = core.host.customers({failure.attempt.customer_id for failure in failures})
    read = _documents(core, failures, currency)
    with core.database.read() as session:
        facts = _look_up(core, session, failures)
    return [_judge(failure, customers.get(failure.attempt.customer_id), read.get(target_of(failure)), facts, currency)
            for failure in failures]


def _judge(failure: Failure, customer: Customer | None, read: Invoice | Proforma | Money | None, facts: _Facts,
           currency: str) -> Candidate:
    open_now = _open_now(read, facts.taken.get(target_of(failure), due.NOTHING), currency)
    last = facts.asked.get(target_of(failure))
    return Candidate(failure, customer, open_now, _why_not(failure, customer, open_now, last, facts), last)


def _why_not(failure: Failure, customer: Customer | None, open_now: Money, last: Ask | None, facts: _Facts) -> str:
    """The first reason not to ask; the order is that of what a person would rather know."""
    attempt, line = failure.attempt, failure.line
    is_returned = attempt.state == State.RETURNED
    reasons = (
        ("gone", customer is None),
        ("environment", attempt.environment != facts.environment),
        ("our_side", why_of(failure) == "configuration"),
        ("returned_hold", is_returned and line.hold_until is not None and line.hold_until > clock.now()),
        ("being_paid", not facts.held.isdisjoint({due.target_of(line.document, line.document_id, attempt.customer_id),
                                                  due.target_of("balance", None, attempt.customer_id)})),
        ("paid", not open_now),
        ("mended", facts.changed.get(attempt.customer_id, attempt.created_at) > attempt.created_at),
        ("asked", book.is_pausing(last)),
        ("stopped", (attempt.terminal_id, attempt.environment) in facts.stopped),
        ("no_address", customer is not None and not address_of(customer)),
    )
    return next((name for name, is_so in reasons if is_so), "")


def _open_now(read: Invoice | Proforma | Money | None, taken: Taken, currency: str) -> Money:
    """What may be paid now, by the one rule of ``payments.due``; of a balance what the host shows as owed."""
    if isinstance(read, Money):
        return balance.rest_of(read, taken.hidden)
    if read is None or due.status_of(read) != "open":
        return Money.zero(currency)
    return due.rest_of(taken, host_due=read.due, total=read.total)


def _documents(core: Core, failures: Sequence[Failure], currency: str) -> dict[str, Invoice | Proforma | Money]:
    """What the host shows, by target: all invoices at one call; one each for proformas and balances, which are rare."""
    found: dict[str, Invoice | Proforma | Money] = {}
    numbers = tuple(failure.line.number for failure in failures if failure.line.document == "invoice")
    for page in core.host.invoice_pages(InvoiceFilter(numbers=numbers), currency) if numbers else ():
        found.update((f"debt:invoice:{invoice.id}", invoice) for invoice in page)
    for failure in failures:
        line, customer_id = failure.line, failure.attempt.customer_id
        if line.document == balance.DOCUMENT:
            found[target_of(failure)] = balance.read_owed(core, customer_id, currency)
        elif line.document == "proforma":
            proforma = due.read_document(core, "proforma", currency=currency, document_id=line.document_id)
            if proforma is not None:
                found[target_of(failure)] = proforma
    return found


def _look_up(core: Core, session: Session, failures: Sequence[Failure]) -> _Facts:
    customer_ids = {failure.attempt.customer_id for failure in failures}
    keys = {due.target_of(failure.line.document, failure.line.document_id, failure.attempt.customer_id) for failure in failures}
    keys |= {due.target_of("balance", None, customer_id) for customer_id in customer_ids}  # it holds every debt of the customer
    methods = session.scalars(select(Method).where(Method.customer_id.in_(customer_ids), Method.status == "active",
                                                   Method.is_default.is_(True)))
    return _Facts(
        asked=book.last_asks(session, [target_of(failure) for failure in failures]),
        held=set(session.scalars(select(DebtKey.open_target).where(DebtKey.open_target.in_(keys)))), taken=_taken(session, failures),
        changed={method.customer_id: method.changed_at for method in methods
                 if not method.is_expired() and book.is_in_place(core, method)},
        stopped={(row.terminal_id, row.environment) for row in session.scalars(select(Terminal).where(Terminal.stopped_at.is_not(None)))},
        environment=core.settings.choice("environment"))


def _taken(session: Session, failures: Sequence[Failure]) -> dict[str, Taken]:
    """What we took or may have taken and the host may not show yet, by target."""
    found: dict[str, Taken] = {}
    for document in ("invoice", "proforma"):
        ids = [failure.line.document_id for failure in failures if failure.line.document == document]
        ours = due.taken_by_document(session, Line.document == document, Line.document_id.in_(ids))
        covered = due.taken_by_balance(session, [f"{document}:{one}" for one in ids])
        found |= {f"debt:{document}:{one}": ours.get((document, one or 0), due.NOTHING)._replace(
            by_balance=f"{document}:{one}" in covered) for one in ids}
    owing = {failure.attempt.customer_id for failure in failures if failure.line.document == balance.DOCUMENT}
    hidden = balance.hidden_by_customer(session, owing)
    return found | {f"debt:{balance.DOCUMENT}:{one}": due.NOTHING._replace(hidden=hidden.get(one, 0)) for one in owing}
