"""Recording an answer of our own (docs/ARCHITECTURE.md, step 6). Owns the rule that no answer is ever lost.

When the database will not take it, recording repeats for half a minute and then writes a spool file that
``reconcile`` reads. An answer that comes after the row has moved is an event; if it says yes, a person looks.
"""

from __future__ import annotations

import json
import logging
import os
import time
from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm.attributes import set_committed_value

from splynx_ippay.base import clock
from splynx_ippay.ippay.outcomes import Verdict, decline_for, judge, staff_words
from splynx_ippay.payments import breaker, events, states
from splynx_ippay.payments.models import Attempt, Booking, Event, State

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import Session

    from splynx_ippay.base.errors import OutcomeUnknown
    from splynx_ippay.ippay.outcomes import Reply
    from splynx_ippay.payments.core import Core

log = logging.getLogger(__name__)

FIRST_CHECK = timedelta(seconds=5)
_WIRE_KIND = {"sale": "SALE", "check": "CHECK"}


@dataclass(frozen=True)
class Answer:
    """What one answer of the gateway said, fit for rows, events and the spool: no token, no raw text."""

    verdict: str
    action_code: str
    approval: str
    response_text: str
    ip_trans_id: str
    avs: str
    cvv2: str
    words: str
    learned_from: str = "answer"

    @classmethod
    def of(cls, attempt: Attempt, reply: Reply, *, learned_from: str = "answer") -> Answer:
        """Judge the reply to an attempt's own request."""
        return cls(verdict=judge(_WIRE_KIND[attempt.kind], reply), action_code=reply.action_code,
                   approval=reply.approval, response_text=reply.err_msg or reply.response_text,
                   ip_trans_id=reply.ip_trans_id, avs=reply.avs, cvv2=reply.cvv2,
                   words=staff_words(reply, attempt.brand), learned_from=learned_from)


def reload(core: Core, attempt_id: int) -> Attempt:
    """The attempt as it stands, with its lines, detached."""
    with core.database.read() as session:
        return whole(session.scalars(select(Attempt).where(Attempt.id == attempt_id)).one())


def whole(attempt: Attempt) -> Attempt:
    """The attempt with lines that know it, also when the session is gone: SQLAlchemy does not load the way back."""
    for line in attempt.lines:
        set_committed_value(line, "attempt", attempt)
    return attempt


def record_reply(core: Core, attempt: Attempt, reply: Reply) -> None:
    """Record a direct answer, come what may: the database may be away, so nothing is read from it first."""
    answer = Answer.of(attempt, reply)
    _insist(core, lambda session: apply_answer(session, attempt.id, answer), attempt.id,
            lambda: spool(core, attempt.id, attempt.transaction_id, answer))


def record_unknown(core: Core, attempt_id: int, error: OutcomeUnknown) -> None:
    """Record that no clear answer came; reconciliation owns the attempt from now on."""
    symptom = str(getattr(error, "symptom", "no clear answer"))

    def _unknown(session: Session) -> None:
        attempt = states.get_attempt(session, attempt_id)
        if attempt.state != State.INTENDED:
            return
        states.move(session, attempt, State.UNKNOWN, reason=f"no clear answer ({symptom}): {error}",
                    event="no_answer", next_check_at=clock.now() + FIRST_CHECK)
        if symptom in {"http_status", "not_xml"}:
            breaker.count_failure(session, attempt.terminal_id, attempt.environment, symptom)

    # Nothing to spool here: an INTENDED row with sending_at becomes UNKNOWN at the next tick anyway.
    _insist(core, _unknown, attempt_id, None)


def apply_answer(session: Session, attempt_id: int, answer: Answer) -> None:
    """Move the attempt as the answer says; a late answer becomes evidence, never a lost line."""
    attempt = states.get_attempt(session, attempt_id)
    says_taken = answer.verdict in {Verdict.APPROVED, Verdict.ACCEPTED, Verdict.REVIEW}
    if attempt.state != State.INTENDED:
        if attempt.answered_at is None or not _is_known(session, attempt, answer):
            attempt.answered_at = clock.now()
            states.late_evidence(session, attempt, reason=f"an answer arrived late: {answer.words}",
                                 says_taken=says_taken, action_code=answer.action_code, approval=answer.approval)
        return
    breaker.count_success(session, attempt.terminal_id, attempt.environment)
    columns = {"action_code": answer.action_code, "approval": answer.approval, "response_text": answer.response_text,
               "ip_trans_id": answer.ip_trans_id, "avs": answer.avs, "cvv2": answer.cvv2,
               "answered_at": clock.now(), "learned_from": answer.learned_from}
    match Verdict(answer.verdict):
        case Verdict.APPROVED:
            states.move(session, attempt, State.APPROVED, reason=answer.words, event="answer", **columns)
            for line in attempt.lines:
                states.move_booking(session, line, Booking.DUE)
        case Verdict.ACCEPTED:
            states.move(session, attempt, State.ACCEPTED, reason=answer.words, event="answer", **columns)
        case Verdict.DECLINED:
            states.move(session, attempt, State.DECLINED, reason=answer.words, event="answer", **columns)
        case Verdict.CONFIGURATION:
            meaning = decline_for(answer.action_code, attempt.brand, answer.response_text).meaning
            breaker.stop(session, attempt.terminal_id, attempt.environment, f"code {answer.action_code}: {meaning}")
            states.move(session, attempt, State.DECLINED, reason=answer.words, event="answer", **columns)
        case Verdict.REVIEW:
            states.move(session, attempt, State.UNKNOWN, reason=answer.words, event="answer", **columns)
            states.move(session, attempt, State.REVIEW, reason="the bank approved only a part; a person must decide")
        case _:  # unknown
            columns["answered_at"] = None
            states.move(session, attempt, State.UNKNOWN, reason=answer.words, event="answer",
                        next_check_at=clock.now() + FIRST_CHECK, **columns)


def _is_known(session: Session, attempt: Attempt, answer: Answer) -> bool:
    """Whether an attempt that has an answer has this one: the spool may bring what the row or its history already says."""
    said = (answer.action_code, answer.approval)
    late = session.scalars(select(Event.data).where(Event.attempt_id == attempt.id, Event.kind == "late_evidence"))
    return said == (attempt.action_code, attempt.approval) or any(
        said == (data.get("action_code"), data.get("approval")) for data in late)


def _insist(core: Core, work: Callable[[Session], None], attempt_id: int, keep: Callable[[], None] | None) -> None:
    """Repeat for half a minute while the database is away or busy, then spool."""
    until = time.monotonic() + core.keep_trying.total_seconds()
    while True:
        try:
            core.database.run(work, tries=1)
        except SQLAlchemyError:  # a pool without a free connection too, which is no error of the driver
            if time.monotonic() < until:
                time.sleep(0.5)
                continue
            if keep is not None:
                keep()
            log.exception("attempt %s: the database did not take the answer", attempt_id)
        return


def spool(core: Core, attempt_id: int, transaction_id: str, answer: Answer) -> None:
    """Write the answer to a file that survives a power cut; ``reconcile`` applies it.

    Named and known by the TransactionID: after a restored backup another attempt may get the same row id.
    """
    core.spool.mkdir(parents=True, exist_ok=True)
    path = core.spool / f"{transaction_id}.json"
    draft = path.with_suffix(".part")
    with draft.open("w", encoding="ascii") as file:
        json.dump({"attempt_id": attempt_id, "transaction_id": transaction_id, **asdict(answer)}, file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    directory = os.open(core.spool, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def read_spool(core: Core) -> int:
    """Apply every spooled answer; returns how many. A file is removed only after its answer is committed.

    A file that cannot be applied stays, and the log names it: it stands for money.
    """
    if not core.spool.is_dir():
        return 0
    count = 0
    for path in sorted(core.spool.glob("*.json")):
        try:
            fields = json.loads(path.read_text(encoding="ascii"))
            attempt_id, transaction_id = int(fields.pop("attempt_id")), str(fields.pop("transaction_id"))
            answer = Answer(**fields)
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            log.error("the spool file %s cannot be read; look up its attempt at IPpay by hand", path)  # noqa: TRY400
            continue
        try:
            is_applied = core.database.run(
                partial(_from_spool, attempt_id=attempt_id, transaction_id=transaction_id, answer=answer))
        except Exception:
            log.exception("the spool file %s could not be applied; it stays", path)
            continue
        if is_applied:
            path.unlink(missing_ok=True)
            count += 1
        else:
            log.error("the spool file %s is about attempt %s, which is not in this database with that TransactionID; "
                      "look it up at IPpay by hand", path, attempt_id)
    return count


def _from_spool(session: Session, attempt_id: int, transaction_id: str, answer: Answer) -> bool:
    attempt = session.get(Attempt, attempt_id)
    if attempt is None or attempt.transaction_id != transaction_id:
        return False
    events.record(session, attempt_id, "from_spool", words=answer.words)
    apply_answer(session, attempt_id, answer)
    return True
