"""Finding out what became of an attempt. Owns every UNKNOWN until it is known.

Asks, never guesses: an enquiry may prove an approval and nothing else; absence counts only when the report covers
the attempt, is fresh, and half an hour has passed. What is not proven within a day goes to a person.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import or_, select

from splynx_ippay.base import clock
from splynx_ippay.base.errors import AddOnError, ConfigError, GatewayError
from splynx_ippay.ippay import messages
from splynx_ippay.ippay.messages import Identity
from splynx_ippay.ippay.outcomes import Reply, Verdict, decline_for, judge, shows_amount
from splynx_ippay.payments import booking, events, feeds, mark, recording, states
from splynx_ippay.payments.charge import ANSWER_WITHIN
from splynx_ippay.payments.models import FEE, Attempt, Booking, Line, State
from splynx_ippay.payments.tally import Tally

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from splynx_ippay.base.settings import TerminalSettings
    from splynx_ippay.ippay.report import Feed
    from splynx_ippay.payments.core import Core
    from splynx_ippay.payments.feed_models import FeedRow

log = logging.getLogger(__name__)

# When an unknown attempt is looked at, counted in checks: seconds after the last look.
SCHEDULE = (5, 30, 120, 600)
THEN_EVERY = timedelta(minutes=30)
ABSENCE_AFTER = timedelta(minutes=30)
GIVE_UP_AFTER = timedelta(hours=24)
FEED_OF: dict[str, Feed] = {"sale": "credit", "check": "ach"}
_TYPE_OF = {"sale": "SALE", "check": "CHECK"}
_BATCH = 100


def tick(core: Core) -> int:
    """Look at everything that is due to be looked at; returns how many attempts. Raises Stopped in quarantine, RowsFailed."""
    mark.guard(core)  # what an older copy of the database calls unsent may have been sent
    touched, tally = recording.read_spool(core), Tally("attempts")
    for attempt_id in _due(core):
        touched += 1
        with tally.each(f"attempt {attempt_id}"):  # one that cannot even be postponed stays due
            _look_or_postpone(core, attempt_id, tally)
    tally.end()
    return touched


def _look_or_postpone(core: Core, attempt_id: int, tally: Tally) -> None:
    """One look; what goes wrong with it is in the log, and the attempt has its next turn later, or a person."""
    try:
        look(core, attempt_id)
    except AddOnError as error:
        log.warning("attempt %s: %s", attempt_id, error)
        why = str(error)
    except Exception as error:  # a fault of ours about one attempt must not stop the others
        log.exception("attempt %s", attempt_id)
        tally.count()
        why = f"internal error ({type(error).__name__}), see the log"
    else:
        return
    core.database.run(partial(_give_up_or_wait, attempt_id=attempt_id, why=why))


def _due(core: Core) -> list[int]:
    now = clock.now()
    with core.database.read() as session:
        return list(session.scalars(select(Attempt.id).where(or_(
            (Attempt.state == State.INTENDED) & Attempt.sending_at.is_(None) & (Attempt.send_by_at < now),
            (Attempt.state == State.INTENDED) & (Attempt.sending_at < now - ANSWER_WITHIN),
            (Attempt.state == State.UNKNOWN) & (Attempt.next_check_at <= now),
            # Learned from an enquiry: booked only when the report shows it too.
            Attempt.state.in_([State.APPROVED, State.ACCEPTED]) & (Attempt.learned_from == "enquiry") & (Attempt.in_feed_at.is_(None))
            & (Attempt.next_check_at <= now),
        )).order_by(Attempt.id).limit(_BATCH)))


def look(core: Core, attempt_id: int) -> None:
    """One look at one attempt. Raises AddOnError, IllegalTransition among them when somebody else is faster."""
    attempt = recording.reload(core, attempt_id)
    if attempt.state == State.INTENDED:
        _close_intent(core, attempt)
        return
    terminal = terminal_of(core, attempt)
    if attempt.state == State.UNKNOWN:
        _enquire(core, attempt, terminal)
    if terminal.can_report:
        sent = attempt.sending_at or attempt.created_at
        # Tomorrow too: should the report's clock not be the one we assume, the row stands in a neighbouring day.
        feeds.read_days(core, terminal, FEED_OF[attempt.kind], sent - feeds.DAY, sent + feeds.DAY, every=feeds.SPACING)
        core.database.run(lambda session: _judge_feed(session, attempt_id))
    why = "reports and enquiries" if terminal.can_report else "enquiries (no reporting login)"
    core.database.run(partial(_give_up_or_wait, attempt_id=attempt_id, why=f"a day of {why} did not tell"))
    booking.settle_up(core, attempt_id)


def terminal_of(core: Core, attempt: Attempt) -> TerminalSettings:
    """The attempt's own terminal, never today's setting of the partner. Raises ConfigError when it is gone."""
    terminal = core.settings.terminals().get(attempt.terminal_id)
    if terminal is None or terminal.environment != attempt.environment:
        raise ConfigError(f"terminal {attempt.terminal_id} ({attempt.environment}) is not in the settings any more; "
                          f"attempt {attempt.transaction_id} cannot be followed until it is")
    return terminal


def _close_intent(core: Core, attempt: Attempt) -> None:
    """A process died (or was killed) between the intent and the answer; the position tells which it is."""
    def _close(session: Session) -> None:
        row = states.get_attempt(session, attempt.id)
        if row.state != State.INTENDED:
            return
        if row.sending_at is None:
            states.move(session, row, State.ABANDONED, reason="never sent: the process ended before sending")
        else:
            states.move(session, row, State.UNKNOWN, reason="the process ended before the answer was recorded",
                        next_check_at=clock.now())

    core.database.run(_close)


def _enquire(core: Core, attempt: Attempt, terminal: TerminalSettings) -> None:
    """Ask IPpay for the transaction. Proves an approval at most; every other answer proves nothing."""
    if core.settings.choice("enq_trust") == "off":
        return
    request = messages.enquiry(Identity(terminal.terminal_id, terminal.password), attempt.transaction_id)
    try:
        reply = core.gateway(attempt.environment).send(request)
    except GatewayError as error:
        log.info("attempt %s: the enquiry had no answer: %s", attempt.id, error)
        return
    verdict = judge("ENQ", reply)
    fits = (verdict == Verdict.APPROVED and attempt.kind == "sale") or (
        verdict == Verdict.ACCEPTED and attempt.kind == "check")
    if not fits or not shows_amount(reply, attempt.amount_cents):
        return

    def _found(session: Session) -> None:
        row = states.get_attempt(session, attempt.id)
        if row.state != State.UNKNOWN:
            # Somebody was faster. Only a no is contradicted: what was returned or voided had been taken, too.
            states.late_evidence(session, row, reason=f"an enquiry says approved, too late to decide: {reply.approval}",
                                 says_taken=row.state in {State.DECLINED, State.ABANDONED},
                                 action_code=reply.action_code, approval=reply.approval)
            return
        columns = {"approval": reply.approval, "action_code": reply.action_code, "ip_trans_id": reply.ip_trans_id,
                   "learned_from": "enquiry", "next_check_at": clock.now()}
        if not terminal.can_report:
            states.move(session, row, State.REVIEW, event="enquiry",
                        reason="an enquiry says approved; without a reporting login a person must confirm it at IPpay",
                        **columns)
            return
        to = State.APPROVED if row.kind == "sale" else State.ACCEPTED
        states.move(session, row, to, reason=f"found by enquiry: approval {reply.approval}", event="enquiry", **columns)

    core.database.run(_found)


def _judge_feed(session: Session, attempt_id: int) -> None:
    """What the report proves about one attempt: taken, voided, declined, or (under conditions) never there."""
    attempt = states.get_attempt(session, attempt_id)
    if attempt.state != State.UNKNOWN and not states.is_unconfirmed(attempt):
        return
    feed = FEED_OF[attempt.kind]
    rows = feeds.rows_of(session, attempt, feed)
    sales = [row for row in rows if row.request_type == _TYPE_OF[attempt.kind]]
    taken = [row for row in sales if row.action_code == "000"]
    if any(row.amount_cents != attempt.amount_cents for row in sales):
        _review(session, attempt, "the report shows this transaction with another amount")
    elif len(taken) > 1:
        _review(session, attempt, "the report shows this sale twice; give one back", excess=True)
        states.stop_automatic(session, attempt.customer_id, f"IPpay shows the sale {attempt.transaction_id} twice")
    elif any(row.request_type in {"VOID", "VOIDACH"} and row.action_code == "000" for row in rows):
        _voided(session, attempt)
    elif sales:
        _apply_row(session, attempt, (taken or sales)[0])
    elif attempt.state == State.UNKNOWN and _is_proven_absent(session, attempt, feed):
        states.move(session, attempt, State.ABANDONED, event="report",
                    reason="never arrived: the report covers it, is fresh, and does not show it")


def _review(session: Session, attempt: Attempt, reason: str, **columns: Any) -> None:
    states.move(session, attempt, State.REVIEW, reason=reason, event="report", next_check_at=None, **columns)


def _voided(session: Session, attempt: Attempt) -> None:
    if State.VOIDED in states.TRANSITIONS[State(attempt.state)]:
        states.move(session, attempt, State.VOIDED, reason="the report shows a void of this sale", event="report",
                    in_feed_at=clock.now())
    else:
        _review(session, attempt, "the report shows a void of this bank debit; ask IPpay")


def _apply_row(session: Session, attempt: Attempt, row: FeedRow) -> None:
    """One row about the sale itself, of the right amount: yes is yes; only a code of the closed list is no."""
    row.attempt_id, row.handled_at = attempt.id, clock.now()
    columns = {"in_feed_at": clock.now(), "action_code": row.action_code, "ip_trans_id": row.ip_trans_id}
    verdict = judge(row.request_type, Reply(action_code=row.action_code))
    meaning = f"the report shows: {row.action_code} {decline_for(row.action_code, attempt.brand).meaning}"
    if row.action_code == "000":
        if attempt.state == State.UNKNOWN:
            to = State.APPROVED if attempt.kind == "sale" else State.ACCEPTED
            states.move(session, attempt, to, reason="found in the report", event="report", learned_from="report",
                        approval=row.approval or attempt.approval, **columns)
        else:
            attempt.in_feed_at = clock.now()
            events.record(session, attempt.id, "in_report")
        if attempt.state == State.APPROVED:
            booking.make_due(session, attempt)
    elif verdict == Verdict.REVIEW or attempt.state != State.UNKNOWN:
        _review(session, attempt, meaning)
    elif verdict in {Verdict.DECLINED, Verdict.CONFIGURATION}:
        states.move(session, attempt, State.DECLINED, reason=meaning, event="report", learned_from="report", **columns)


def _is_proven_absent(session: Session, attempt: Attempt, feed: Feed) -> bool:
    """Coverage of ± a day read late enough, and proof of freshness: a row of ours that was sent later."""
    sent = attempt.sending_at
    if sent is None or clock.now() - sent < ABSENCE_AFTER:
        return False
    enough = sent + ABSENCE_AFTER
    if not feeds.covered_since(session, attempt.terminal_id, feed, first=sent - feeds.DAY, last=sent + feeds.DAY,
                               since=enough):
        return False
    newest = feeds.freshest(session, attempt.terminal_id, feed, enough)
    return newest is not None and newest > sent


def _give_up_or_wait(session: Session, attempt_id: int, why: str) -> None:
    """Look again later; after a day a person gets it, with the reason why nothing else told."""
    attempt = states.get_attempt(session, attempt_id)
    if attempt.state != State.UNKNOWN and not states.is_unconfirmed(attempt):
        attempt.next_check_at = None
        return
    if clock.now() - (attempt.sending_at or attempt.created_at) > GIVE_UP_AFTER:
        states.move(session, attempt, State.REVIEW, next_check_at=None,
                    reason=f"{why[:150]}; look it up at IPpay by its TransactionID")
        return
    attempt.next_check_at = clock.now() + _wait(attempt.checks)
    attempt.checks += 1


def _wait(checks: int) -> timedelta:
    return timedelta(seconds=SCHEDULE[checks]) if checks < len(SCHEDULE) else THEN_EVERY


def nobody_owns(session: Session) -> list[str]:
    """The nightly question: do keys and states agree? Returns sentences about rows where they do not (none: all is well)."""
    found = []
    for line in session.scalars(select(Line).join(Attempt).where(Line.document != FEE)):  # a fee is no debt
        held = any(key.open_target for key in line.keys)
        state = State(line.attempt.state)
        was_posted = line.booking == Booking.POSTED or (
            line.booking == Booking.REVIEW and line.splynx_payment_id is not None)  # deleted in the host later
        # Money on account, and money beyond what was due, pay no debt.
        pays_none = line.on_account or line.attempt.excess
        must = state in {State.INTENDED, State.UNKNOWN} or (
            state in {State.APPROVED, State.ACCEPTED} and not was_posted and not pays_none)
        must_not = state in states.FREES_KEYS or line.booking == Booking.POSTED
        if held and must_not:
            found.append(f"{line.field_1} is {state}, {line.booking}, and still holds its debt")
        elif must and not held:
            found.append(f"{line.field_1} is {state}, {line.booking}, and does not hold its debt")
    return found
