"""The way out of REVIEW for a line: what the host is to show of it (docs/ARCHITECTURE.md), decided on a fresh look at the host.

One person is enough: no debt is freed by it. Must never post or delete anything: DUE and UNDO_DUE go to the outbox, which
searches once more before it acts.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from splynx_ippay.base.errors import BadInput
from splynx_ippay.base.marks import N_
from splynx_ippay.payments import booking, choices, due, fee_booking, mark, proposals, states
from splynx_ippay.payments.models import Attempt, Booking, Line

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from splynx_ippay.payments.core import Core
    from splynx_ippay.payments.decision_models import Decision
    from splynx_ippay.payments.proposals import Person, Proposal
    from splynx_ippay.splynx.records import Invoice, Payment, Proforma
    from splynx_ippay.splynx.transactions import Transaction

SEVERAL = N_("Splynx shows more than one payment for this charge. Delete the extra ones in Splynx, then decide again.")
NONE_THERE = N_("Splynx shows no payment for this charge. Have it posted again, or enter it in Splynx and give its ID here.")
NOT_THE_AMOUNT = N_("The payment in Splynx has another amount. Correct the amount there, then decide again.")
NOT_THE_CUSTOMER = N_("That payment belongs to another customer in Splynx.")
OF_ANOTHER = N_("That payment belongs to another charge.")
NO_FEE = N_("Splynx shows no transaction that charges this card fee, or more than one. Delete the payment of the fee in Splynx and "
            "the extra transactions, then have it posted again: the fee and its payment.")
FEE_THERE = N_("Splynx still charges this card fee. Delete its transaction in Splynx first, or have it taken back.")
STILL_THERE = N_("Splynx still shows a payment for this charge. Use that payment, or delete it in Splynx first.")


@dataclass(frozen=True)
class Look:
    """What the host shows of one line just now. ``version`` is the line's own at that moment; money on the account has no document."""

    version: int
    found: tuple[Payment, ...]
    document: Invoice | Proforma | None
    debits: tuple[Transaction, ...] = ()  # of a card fee: what charges it, without deleted ones

    @property
    def living(self) -> list[Payment]:
        """Payments that are not deleted."""
        return [payment for payment in self.found if not payment.deleted]


def look(core: Core, line_id: int, payment_id: int | None = None) -> Look:
    """Ask the host for every payment of a line: by its reference, by the id we know, by the id a person gives.

    Raises HostError.
    """
    with core.database.read() as session:
        line = session.get_one(Line, line_id)
    found = {payment.id: payment for payment in core.host.find_payments(line.attempt.customer_id, line.field_1)}
    for wanted in {line.splynx_payment_id, payment_id} - found.keys() - {None}:
        payment = core.host.find_payment(wanted) if wanted is not None else None
        if payment is not None:
            found[payment.id] = payment
    document = None if line.document in booking.OF_THE_ACCOUNT else due.read_document(
        core, line.document, currency=line.attempt.currency, document_id=line.document_id)
    debits = fee_booking.debits_of(core, line) if line.is_fee else []
    return Look(line.booking_version, tuple(found.values()), document, tuple(debits))


def decide(core: Core, person: Person, line_id: int, proposal: Proposal) -> Decision:
    """Decide what becomes of a line in review; a replay of the form returns what it did then.

    Raises BadInput, HostError (nothing is decided without a look at the host) and Stopped in quarantine.
    """
    with core.database.read() as session:
        replay = proposals.find_replay(session, proposal.submission_key)
    if replay is not None:
        return replay
    proposal.check()
    mark.guard(core)
    seen = look(core, line_id, proposal.payment_id)
    decision = core.database.run(partial(_decide, line_id=line_id, person=person, proposal=proposal, seen=seen))
    booking.settle_up(core, decision.attempt_id)
    return decision


def _decide(session: Session, line_id: int, person: Person, proposal: Proposal, seen: Look) -> Decision:
    attempt = states.get_attempt(session, session.get_one(Line, line_id).attempt_id)
    replay = proposals.find_replay(session, proposal.submission_key)
    if replay is not None:
        return replay
    line = session.scalars(select(Line).where(Line.id == line_id).with_for_update().execution_options(populate_existing=True)).one()
    proposals.make_room(session, attempt, proposal)
    if line.booking_version != seen.version:
        raise BadInput("target", proposals.SOMETHING_NEW)
    if proposal.target not in choices.offered_for_line(line):
        raise BadInput("target", proposals.NOT_OFFERED)
    to = Booking(proposal.target)
    columns = _columns(session, line, to, seen)
    decision = proposals.add(session, attempt, person, proposal, is_open=False, line=line)
    states.move_booking(session, line, to, reason=f"decided by {person.name}: {proposal.reason.strip()}", **columns)
    return decision


def _columns(session: Session, line: Line, to: Booking, seen: Look) -> dict[str, Any]:
    """What the line is to say beside its booking. Raises BadInput where the host does not show what the end needs."""
    is_of_account = line.document in booking.OF_THE_ACCOUNT
    if to == Booking.POSTED:
        payment = _the_payment(session, line, seen)
        if line.is_fee and len(seen.debits) != 1:
            raise BadInput("target", NO_FEE)
        wanted = {"invoice": payment.invoice_id, "proforma": payment.request_id}.get(line.document)
        return {"splynx_payment_id": payment.id, "on_account": not is_of_account and wanted != line.document_id,
                **({"splynx_transaction_id": seen.debits[0].id} if line.is_fee else {})}
    if to == Booking.UNDO_DUE:
        if len(seen.living) > 1:
            raise BadInput("target", SEVERAL)
        return {}
    if seen.living:
        raise BadInput("target", STILL_THERE)
    if to == Booking.UNDONE:
        if seen.debits:
            raise BadInput("target", FEE_THERE)
        return {}
    if line.is_fee:  # what charges it is searched for again, and deleted ones count no more
        return {"splynx_transaction_id": None, "splynx_payment_id": None, "post_started_at": None, "empty_searches": 0,
                "seen_deleted_id": max((payment.id for payment in seen.found), default=0)}
    on_account = not is_of_account and (line.on_account or not booking.fits(line, seen.document))
    if not on_account and not states.hold_keys(session, line, None):
        on_account = True  # another payment has the debt by now
    return {"on_account": on_account, "splynx_payment_id": None, "post_started_at": None, "empty_searches": 0,
            "seen_deleted_id": max((payment.id for payment in seen.found), default=line.seen_deleted_id)}


def _the_payment(session: Session, line: Line, seen: Look) -> Payment:
    """The one living payment of this line: of its amount and customer, and of no other charge. Raises BadInput."""
    if not seen.living:
        raise BadInput("target", NONE_THERE)
    if len(seen.living) > 1:
        raise BadInput("target", SEVERAL)
    [payment] = seen.living
    if payment.customer_id != line.attempt.customer_id:
        raise BadInput("payment_id", NOT_THE_CUSTOMER)
    others = session.scalars(select(Line.id).where(Line.splynx_payment_id == payment.id, Line.id != line.id)).first()
    if others is not None or _is_of_another(session, line, payment):
        raise BadInput("payment_id", OF_ANOTHER)
    if payment.amount != line.amount.decimal():
        raise BadInput("target", NOT_THE_AMOUNT)
    return payment


def _is_of_another(session: Session, line: Line, payment: Payment) -> bool:
    """Whether the reference on the payment is that of another attempt or line of ours, though it may not be posted yet."""
    transaction_id, _dash, position = payment.field_1.rpartition("-")
    if payment.field_1 == line.field_1 or not position.isdigit():
        return False
    return session.scalars(select(Attempt.id).where(Attempt.transaction_id == transaction_id)).first() is not None
