"""The way out of REVIEW: a person decides what became of a payment.

Not taken (declined, abandoned) needs a second, different person; every other end is applied at once. Owns what each end
does to debts, excess and what the host is told. Must never post or send: the host is told by the outbox, find first.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import select

from splynx_ippay.base import clock
from splynx_ippay.base.errors import BadInput
from splynx_ippay.base.marks import N_
from splynx_ippay.payments import booking, choices, mark, proposals, returns, states
from splynx_ippay.payments.decision_models import Decision, Standing
from splynx_ippay.payments.models import Booking, State

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from splynx_ippay.payments.core import Core
    from splynx_ippay.payments.models import Attempt, Line
    from splynx_ippay.payments.proposals import Person, Proposal

_TAKEN_BACK = frozenset({Booking.UNDO_DUE, Booking.UNDOING, Booking.UNDONE})
NOT_YOURSELF = N_("Nobody confirms a proposal of their own: another administrator has to look and confirm.")
ENDED = N_("This proposal has ended. Please look again.")


def decide(core: Core, person: Person, attempt_id: int, proposal: Proposal) -> Decision:
    """Decide about an attempt, or propose what needs a second person; a replay of the form returns what it did then.

    Raises BadInput, and Stopped in quarantine: an old copy of the database is recovered first.
    """
    with core.database.read() as session:
        replay = proposals.find_replay(session, proposal.submission_key)
    if replay is not None:
        return replay
    proposal.check()
    mark.guard(core)
    decision = core.database.run(partial(_decide, attempt_id=attempt_id, person=person, proposal=proposal))
    if decision.standing == Standing.APPLIED:
        booking.settle_up(core, attempt_id)
    return decision


def _decide(session: Session, attempt_id: int, person: Person, proposal: Proposal) -> Decision:
    attempt = states.get_attempt(session, attempt_id)
    replay = proposals.find_replay(session, proposal.submission_key)
    if replay is not None:  # the same form, pressed twice at once
        return replay
    proposals.make_room(session, attempt, proposal)
    to = _target(session, attempt, proposal.target)
    needs_second = to in choices.NEEDS_SECOND
    decision = proposals.add(session, attempt, person, proposal, is_open=needs_second)
    if not needs_second:
        _apply(session, attempt, to, decision)
    return decision


def confirm(core: Core, person: Person, decision_id: int) -> Decision:
    """The second person's yes; pressed again it shows what was done. Raises BadInput, Stopped."""
    mark.guard(core)
    decision = core.database.run(partial(_confirm, person=person, decision_id=decision_id))
    if decision.standing != Standing.APPLIED:
        raise BadInput("confirm", proposals.SOMETHING_NEW if decision.standing == Standing.STALE else ENDED)
    booking.settle_up(core, decision.attempt_id)
    return decision


def _confirm(session: Session, person: Person, decision_id: int) -> Decision:
    decision, attempt = _locked(session, decision_id)
    if decision.standing != Standing.OPEN:
        return decision
    if person.id == decision.person_id:
        raise BadInput("confirm", NOT_YOURSELF)
    ending = proposals.ending_of(session, decision)
    if ending is not None:
        proposals.end(session, decision, ending)
        return decision
    # Reports that were read since are no event; they may have made it impossible.
    to = _target(session, attempt, decision.target)
    proposals.end(session, decision, Standing.APPLIED, person)
    _apply(session, attempt, to, decision)
    return decision


def withdraw(core: Core, person: Person, decision_id: int) -> Decision:
    """Take a proposal back; whoever may decide may, and the history says who. What has ended stays as it is."""
    def _withdraw(session: Session) -> Decision:
        decision, _attempt = _locked(session, decision_id)
        if decision.standing == Standing.OPEN:
            proposals.end(session, decision, Standing.WITHDRAWN, person)
        return decision

    return core.database.run(_withdraw)


def _locked(session: Session, decision_id: int) -> tuple[Decision, Attempt]:
    """The decision and its attempt; the attempt's lock comes first, as everywhere. Raises BadInput."""
    found = session.get(Decision, decision_id)
    if found is None:
        raise BadInput("confirm", ENDED)
    attempt = states.get_attempt(session, found.attempt_id)
    return session.scalars(select(Decision).where(Decision.id == decision_id).with_for_update()
                           .execution_options(populate_existing=True)).one(), attempt


def _target(session: Session, attempt: Attempt, wish: str) -> State:
    """The wished end, if it makes sense now. Raises BadInput."""
    offered = choices.offered(attempt, choices.known_of(session, attempt))
    if wish not in offered:
        raise BadInput("target", proposals.NOT_OFFERED)
    return State(wish)


def _apply(session: Session, attempt: Attempt, to: State, decision: Decision) -> None:
    """Do what was decided: the state, the keys, what the host is to be told."""
    by = f"{decision.person} and {decision.second}" if decision.second else decision.person
    reason = f"decided by {by}: {decision.reason}"
    if attempt.state != State.REVIEW:  # the host lost the payment and the money went back: through REVIEW, where people decide
        states.move(session, attempt, State.REVIEW, reason=reason)
    if to == State.UNKNOWN:
        states.move(session, attempt, to, reason=reason, event="decided", next_check_at=clock.now(), checks=0)
        return
    if to in choices.MONEY_THERE:
        states.move(session, attempt, to, reason=reason, event="decided", learned_from="person", next_check_at=None)
        for line in attempt.lines:
            _book(session, line, to)
        return
    if to == State.RETURNED:
        returns.came_back(session, attempt, decision.return_code, reason=reason, event="decided", learned_from="person",
                          next_check_at=None, excess=False)
    else:
        states.move(session, attempt, to, reason=reason, event="decided", learned_from="person", next_check_at=None,
                    excess=False)
    for line in attempt.lines:
        if line.booking == Booking.REVIEW:  # the outbox looks what the host shows, and takes it back or finds it gone
            states.move_booking(session, line, Booking.UNDO_DUE, reason="decided: the money is not there")


def _book(session: Session, line: Line, to: State) -> None:
    """The money is there. A debt that is not held any more is another's: then the money goes on account, never its key back."""
    if line.booking == Booking.NONE:
        line.on_account = line.document not in booking.OF_THE_ACCOUNT and not choices.holds(line)
        if to == State.APPROVED:
            states.move_booking(session, line, Booking.DUE, reason="beyond what was due" if line.on_account else "")
    elif line.booking in _TAKEN_BACK:
        states.move_booking(session, line, Booking.REVIEW, reason="the money is there after all, but the payment was taken back in "
                            "Splynx: look, then have it posted again")
