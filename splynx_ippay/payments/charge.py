"""The one function that takes money. Owns the fixed order of a charge (docs/ARCHITECTURE.md); every door goes through ``take``.

No database transaction is open during a call to the gateway or to the host. What is sent is sent once: after the
first byte the answer is a clear one or UNKNOWN, and UNKNOWN belongs to reconciliation.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import update

from splynx_ippay.base import clock
from splynx_ippay.base.errors import AddOnError, AmountChanged, NeverSent, OutcomeUnknown
from splynx_ippay.base.money import Money
from splynx_ippay.ippay import messages
from splynx_ippay.ippay.messages import Identity, Note
from splynx_ippay.payments import (
    balance,
    booking,
    due,
    events,
    foreign,
    intent,
    mark,
    recording,
    returns,
    saving,
    statements,
    states,
)
from splynx_ippay.payments.models import Attempt, Door, Line, State
from splynx_ippay.payments.orders import Consent, Item, NewBank, NewCard, Order, SavedMethod, new_submission_key

if TYPE_CHECKING:
    from sqlalchemy import CursorResult
    from sqlalchemy.orm import Session

    from splynx_ippay.base.settings import TerminalSettings
    from splynx_ippay.ippay.client import GatewayClient
    from splynx_ippay.ippay.messages import Request
    from splynx_ippay.payments.core import Core
    from splynx_ippay.payments.intent import Instrument

__all__ = ["Consent", "Item", "NewBank", "NewCard", "Order", "SavedMethod", "new_submission_key", "take"]

_WORTH_KEEPING = frozenset({State.APPROVED, State.ACCEPTED, State.UNKNOWN})
# How long the answer may take at most (client deadline) before the worker may call it unknown.
ANSWER_WITHIN = timedelta(seconds=105)


def take(core: Core, order: Order) -> Attempt:
    """Take money once, tell the host, and return the attempt as it then stands.

    That is APPROVED, ACCEPTED, DECLINED, UNKNOWN, or ABANDONED when nothing was sent. A submission key used before
    returns its first attempt, whatever became of it. Raises, with nothing sent:
    BadInput, ConfigError, Stopped, AlreadyOpen, AmountChanged, FeeChanged, HostUnavailable, HostRejected, and for new details
    what ``saving.tokenize`` raises.
    """
    if intent.find_submission(core, order.submission_key) is not None:
        return intent.get_submission(core, order)
    _guard(core, order)
    terminal = intent.validate(core, order)
    _refuse_held(core, order)
    order = balance.with_keys(core, order)
    instrument = intent.prepare(core, order, terminal)
    attempt, is_new = intent.commit(core, order, terminal, instrument)
    if not is_new:
        return attempt
    try:
        rests = _confirm_due(core, attempt, order)
        statements.open_records(core, attempt)
        request = _request(core, attempt, order, terminal, instrument)
        gateway = core.gateway(attempt.environment)
    except Exception as error:
        abandon(core, attempt.id, reason=_words(error))
        raise
    if not _claim_sending(core, attempt, rests):
        return abandon(core, attempt.id, reason="not sent in time")
    _raise_mark(core, attempt)
    _send(core, gateway, attempt, request)
    attempt = recording.reload(core, attempt.id)
    if attempt.state == State.ACCEPTED:
        terminals = {terminal.terminal_id: terminal}
        core.database.run(lambda session: returns.grow_older(session, core, terminals, attempt.id))
    if attempt.state in _WORTH_KEEPING:
        _keep_method(core, attempt, order, terminal, instrument)
    booking.settle_up(core, attempt.id)
    return recording.reload(core, attempt.id)


def _keep_method(core: Core, attempt: Attempt, order: Order, terminal: TerminalSettings, instrument: Instrument) -> None:
    """Save the method the payer asked to save, now that it was not declined; the attempt's own copy of the token goes."""
    source = order.source
    if isinstance(source, SavedMethod) or not source.save:
        return
    details = source.card if isinstance(source, NewCard) else source.account
    method = saving.keep(core, terminal, details, instrument.token, customer_id=order.customer_id,
                         partner_id=order.partner_id, consent=source.consent)
    core.database.run(lambda session: session.execute(
        update(Attempt).where(Attempt.id == attempt.id).values(method_id=method.id, token_cipher=None)))


def _guard(core: Core, order: Order) -> None:
    """Nothing is sent from an older copy of the database, and no run while a foreign sale waits. Raises Stopped."""
    mark.guard(core)
    if order.door == Door.RUN:
        with core.database.read() as session:
            foreign.guard_runs(session)


def _raise_mark(core: Core, attempt: Attempt) -> None:
    """Between the claim and the send: a database that does not know of this sale is refused from now on."""
    try:
        mark.advance(core)
    except Exception as error:
        abandon(core, attempt.id, reason=_words(error))
        raise


def _refuse_held(core: Core, order: Order) -> None:
    """Before card details travel: is somebody else paying this? The intent's unique key decides; this saves a call."""
    intent.raise_already_open(core, order)


def _confirm_due(core: Core, attempt: Attempt, order: Order) -> dict[int, int]:
    """Step 3: with the debts locked, read what is due from the host. Raises AmountChanged when it is not what was agreed.

    A part that was agreed to as a part may be less than what is due, never more, and must leave a rest that can be paid.
    Raises AlreadyOpen when a balance and another payment of the customer have met. Returns the cents each part leaves open,
    by line.
    """
    rests: dict[int, int] = {}
    balance.refuse_beside(core, attempt)
    if balance.is_balance(attempt):
        balance.confirm(core, attempt)
        return rests
    smallest = core.settings.money("minimum_amount", attempt.currency)
    parts = {(item.document, item.document_id) for item in order.items if item.is_part}
    for line in attempt.lines:
        if line.document_id is None:  # money added, and the fee
            continue
        read = due.read_document(core, line.document, currency=attempt.currency, document_id=line.document_id)
        if read is None or read.customer_id != attempt.customer_id or due.status_of(read) != "open":
            raise AmountChanged(Money.zero(attempt.currency), reason=f"{line.document} {line.number} is not open any more")
        with core.database.read() as session:
            open_now = due.chargeable(session, line.document, read.id, host_due=read.due, total=read.total,
                                      besides=attempt.id)
        is_part = (line.document, line.document_id) in parts and line.amount < open_now
        if line.amount != open_now and not is_part:
            raise AmountChanged(open_now, reason=f"{line.document} {line.number}: {open_now} is due, not {line.amount}")
        if is_part and open_now - line.amount < smallest:
            raise AmountChanged(open_now, reason=f"{line.document} {line.number}: of {open_now} only {open_now - line.amount} would be "
                                                 f"left, less than the smallest payment ({smallest})")
        if is_part:
            rests[line.id] = (open_now - line.amount).cents
    return rests


def _request(core: Core, attempt: Attempt, order: Order, terminal: TerminalSettings, instrument: Instrument) -> Request:
    identity = Identity(terminal.terminal_id, terminal.password)
    numbers = ([balance.order_number(attempt.customer_id)] if balance.is_balance(attempt)
               else [line.number for line in attempt.lines if line.number])
    note = Note(order_number=numbers[0] if len(numbers) == 1 else "", ud2=f"{core.installation}:{attempt.id}",
                user_ip=order.address)
    if instrument.kind == "bank":
        return messages.check(
            identity, transaction_id=attempt.transaction_id, token=instrument.token, amount_cents=attempt.amount_cents,
            account_kind=instrument.account_kind,  # type: ignore[arg-type]  # checked when it was saved
            holder=instrument.holder, check_number=attempt.id, note=note)
    return messages.sale(
        identity, transaction_id=attempt.transaction_id, token=instrument.token, amount_cents=attempt.amount_cents,
        fee_cents=attempt.fee_cents, origin=order.origin, cvv=instrument.cvv, postal_code=instrument.postal_code, holder=instrument.holder, note=note)


def _claim_sending(core: Core, attempt: Attempt, rests: dict[int, int]) -> bool:
    """Step 4: the one claim to send, by compare-and-set; False when it is too late or no longer ours."""
    def _claim(session: Session) -> bool:
        now = clock.now()
        changed: CursorResult[Any] = session.execute(  # type: ignore[assignment]
            update(Attempt)
            .where(Attempt.id == attempt.id, Attempt.state == State.INTENDED, Attempt.sending_at.is_(None),
                   Attempt.version == attempt.version, Attempt.send_by_at > now)
            .values(sending_at=now, version=attempt.version + 1).execution_options(synchronize_session=False))
        if changed.rowcount != 1:
            return False
        events.record(session, attempt.id, "sending")
        for line_id, cents in rests.items():
            session.execute(update(Line).where(Line.id == line_id).values(rest_cents=cents))
        return True

    return core.database.run(_claim)


def _send(core: Core, gateway: GatewayClient, attempt: Attempt, request: Request) -> None:
    """Steps 5 and 6: send once, record what is known."""
    try:
        reply = gateway.send(request)
    except NeverSent as error:
        abandon(core, attempt.id, reason=f"the gateway could not be reached: {error}", event="never_sent")
    except OutcomeUnknown as error:
        recording.record_unknown(core, attempt.id, error)
    else:
        recording.record_reply(core, attempt, reply)


def abandon(core: Core, attempt_id: int, *, reason: str, event: str = "abandoned") -> Attempt:
    """Close an intent of which no byte was sent; its keys are free at once. A row that has moved on is left alone."""
    def _abandon(session: Session) -> None:
        attempt = states.get_attempt(session, attempt_id)
        if attempt.state == State.INTENDED:
            states.move(session, attempt, State.ABANDONED, reason=reason, event=event)

    core.database.run(_abandon)
    return recording.reload(core, attempt_id)


def _words(error: Exception) -> str:
    """A reason for staff; unexpected errors are named, not quoted, for their text may hold anything."""
    if isinstance(error, AddOnError):
        return str(error)[:200]
    return f"internal error: {type(error).__name__}"
