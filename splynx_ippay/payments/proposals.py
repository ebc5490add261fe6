"""What a person puts forward about a payment in doubt, and the rows of it. Owns what a proposal must say and when it ends.

Must never move a state: what a decision does is decisions.py and line_decisions.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from splynx_ippay.base import clock
from splynx_ippay.base.errors import BadInput, BadInputs
from splynx_ippay.base.marks import N_
from splynx_ippay.payments import events
from splynx_ippay.payments.decision_models import Asked, Decision, Evidence, Standing
from splynx_ippay.payments.models import Event

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from splynx_ippay.payments.models import Attempt, Line

LASTS = timedelta(days=7)
SHORTEST_REASON = 10
_LONGEST = {"reference": 80, "reason": 500}
_RETURN_CODE = re.compile(r"(R[0-9]{2})?")
NOT_OFFERED = N_("This cannot be decided about this payment as it stands now. Please look again.")
SOMETHING_NEW = N_("Something new was learned about this payment. Please look again, then decide.")
ALREADY = N_("A proposal waits for its second person. Confirm it, or take it back, before you propose something else.")


@dataclass(frozen=True)
class Person:
    """Who decides: the host's administrator. Two sessions of one administrator are one person."""

    id: int
    name: str
    role: str


@dataclass(frozen=True)
class Proposal:
    """One filled-in form. ``seen`` is the last event the person was shown; ``submission_key`` is used once, for ever."""

    target: str
    evidence: str
    reference: str
    reason: str
    submission_key: str
    seen: int
    return_code: str = ""
    payment_id: int | None = None

    def check(self) -> None:
        """Raise BadInputs for everything that is not as it must be."""
        wrong: list[BadInput] = []
        if not self.target:
            wrong.append(BadInput("target", N_("Choose one of the answers.")))
        if self.evidence not in {kind.value for kind in Evidence}:
            wrong.append(BadInput("evidence", N_("Say where you have looked.")))
        if len(self.reference.strip()) < 2:  # noqa: PLR2004 - a date has two figures
            wrong.append(BadInput("reference", N_("Enter where others can find it: a date, the number of a ticket or row, a page.")))
        if len(self.reason.strip()) < SHORTEST_REASON:
            wrong.append(BadInput("reason", N_("Write in a few words what you have seen.")))
        wrong += [BadInput(name, N_("That is too long.")) for name, most in _LONGEST.items() if len(getattr(self, name)) > most]
        if not _RETURN_CODE.fullmatch(self.return_code):
            wrong.append(BadInput("return_code", N_("A return code is an R and two figures, for example R01.")))
        if wrong:
            raise BadInputs(wrong)


def last_seq(session: Session, attempt_id: int) -> int:
    """The number of the attempt's last event."""
    return session.scalar(select(func.max(Event.seq)).where(Event.attempt_id == attempt_id)) or 0


def find_replay(session: Session, submission_key: str) -> Decision | None:
    """The decision this form has made already."""
    return session.scalars(select(Decision).where(Decision.submission_key == submission_key)).first()


def find_open(session: Session, attempt_id: int) -> Decision | None:
    """The proposal that waits for its second person and still may be confirmed."""
    found = session.scalars(select(Decision).where(Decision.open_for == attempt_id)).first()
    return found if found is not None and not ending_of(session, found) else None


def ending_of(session: Session, decision: Decision) -> Standing | None:
    """Why an open proposal cannot be confirmed any more, None: it can."""
    if decision.expires_at <= clock.now():
        return Standing.EXPIRED
    return None if last_seq(session, decision.attempt_id) == decision.basis_seq else Standing.STALE


def make_room(session: Session, attempt: Attempt, proposal: Proposal) -> None:
    """Before something new is proposed: end what cannot be confirmed any more. Raises BadInput."""
    if last_seq(session, attempt.id) != proposal.seen:
        raise BadInput("target", SOMETHING_NEW)
    found = session.scalars(select(Decision).where(Decision.open_for == attempt.id).with_for_update()).first()
    if found is None:
        return
    ending = ending_of(session, found)
    if ending is None:
        raise BadInput("target", ALREADY)
    end(session, found, ending)


def add(session: Session, attempt: Attempt, person: Person, proposal: Proposal, *, is_open: bool,
        line: Line | None = None) -> Decision:
    """Write the decision's row and its event; an open one is bound to that event: whatever comes after makes it stale."""
    asked = session.get(Asked, attempt.id)
    facts: list[dict[str, Any]] = asked.facts if asked is not None else []
    said = {"target": proposal.target, "evidence": proposal.evidence, "reference": proposal.reference.strip(),
            "reason": proposal.reason.strip(), "by": person.name, "role": person.role}
    event = events.record(session, attempt.id, "proposed" if is_open else "decision", **said, facts=facts,
                          **({"line": line.position} if line is not None else {}))
    decision = Decision(
        attempt_id=attempt.id, line_id=line.id if line is not None else None, open_for=attempt.id if is_open else None,
        submission_key=proposal.submission_key, target=proposal.target, evidence=proposal.evidence,
        reference=proposal.reference.strip(), reason=proposal.reason.strip(), return_code=proposal.return_code, facts=facts,
        basis_seq=event.seq, standing=Standing.OPEN if is_open else Standing.APPLIED, person_id=person.id, person=person.name[:80],
        role=person.role[:64], at=clock.now(), expires_at=clock.now() + LASTS, second="", second_role="",
        ended_at=None if is_open else clock.now())
    session.add(decision)
    session.flush()
    return decision


def end(session: Session, decision: Decision, standing: Standing, person: Person | None = None) -> None:
    """An open proposal ends: applied, withdrawn, expired or stale; with its event."""
    decision.standing, decision.open_for, decision.ended_at = standing, None, clock.now()
    if person is not None:
        decision.second, decision.second_role = person.name[:80], person.role[:64]
    events.record(session, decision.attempt_id, "decision" if standing == Standing.APPLIED else f"proposal_{standing}",
                  target=decision.target, evidence=decision.evidence, reference=decision.reference, reason=decision.reason,
                  by=decision.person, role=decision.role, **({"second": person.name, "second_role": person.role} if person else {}))
    session.flush()
