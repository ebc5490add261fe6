"""Before anything is sent: validation, and the intent in the database (docs/ARCHITECTURE.md, steps 1 and 2).

Owns what must hold for an attempt to exist at all. No gateway call that moves money happens here.
"""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from splynx_ippay import credentials
from splynx_ippay.base import clock
from splynx_ippay.base.db import is_duplicate
from splynx_ippay.base.errors import BadInput, ConfigError
from splynx_ippay.ippay.messages import new_transaction_id
from splynx_ippay.payments import breaker, events, fees, limits, recording, saving
from splynx_ippay.payments.balance import find_any_holder
from splynx_ippay.payments.due import find_holder, target_of
from splynx_ippay.payments.models import FEE, Attempt, Booking, DebtKey, Line, State
from splynx_ippay.payments.orders import Item, NewBank, NewCard, Order, SavedMethod

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from splynx_ippay.base.money import Money
    from splynx_ippay.base.settings import TerminalSettings
    from splynx_ippay.credentials import Method
    from splynx_ippay.payments.core import Core
    from splynx_ippay.payments.fees import Fee

# How long an intent may wait for the host before it is proven unsent: nothing claims it for sending after that.
SEND_WITHIN = timedelta(seconds=120)


@dataclass(frozen=True)
class Instrument:
    """What is charged, ready to send, and the fee for it. The token and the CVV live here, in memory, and on no row in clear."""

    kind: str  # card or bank
    token: str = field(repr=False)
    brand: str = ""
    last_four: str = ""
    holder: str = ""
    postal_code: str = ""
    account_kind: str = ""
    cvv: str = field(default="", repr=False)
    method_id: int | None = None
    fee: Fee | None = None
    is_new: bool = False  # the token is kept, encrypted, on the attempt: for void and refund


def validate(core: Core, order: Order) -> TerminalSettings:
    """Check everything that needs neither gateway nor host. Raises BadInput, ConfigError, Stopped."""
    terminal = core.settings.terminal(order.partner_id)
    if terminal.environment == "production" and not core.settings.flag("other_chargers_off"):
        raise ConfigError("production is not released: confirm 'No other add-on charges through IPpay' in the settings")
    if terminal.environment == "test" and not core.settings.flag("sandbox_host"):
        raise ConfigError("the test environment takes payments only in a Splynx marked 'This Splynx is a sandbox'")
    if not re.fullmatch(r"[!-~]{1,64}", order.submission_key):
        raise BadInput("submission_key", "This page is out of date. Please open it again.")
    targets = [target_of(item.document, item.document_id, order.customer_id) for item in order.items]
    if not targets:
        raise BadInput("amount", "Choose what you want to pay.")
    if len(set(targets)) != len(targets):
        raise BadInput("amount", "One of the documents was chosen twice.")
    for item in order.items:
        if item.amount.currency != terminal.currency:
            raise BadInput("amount", "This document is in %(found)s, but payments here are taken in %(expected)s. "
                                     "Please contact us.", found=item.amount.currency, expected=terminal.currency)
        if item.amount.cents <= 0:
            raise BadInput("amount", "The amount must be more than zero.")
        if item.is_part:
            check_part(core, item)
    check_limits(core, order.amount)
    return terminal


def check_part(core: Core, item: Item) -> None:
    """Refuse to take a part of a document where that is not allowed, or too small a part. Raises BadInput.

    Only of invoices: the host keeps no "due" for a proforma, a payment of any amount shows it as paid.
    """
    if item.document != "invoice" or not core.settings.flag("part_payments"):
        raise BadInput("amount", "Only the whole amount can be paid here.")
    smallest = core.settings.money("part_minimum", item.amount.currency)
    if item.amount < smallest:
        raise BadInput("amount", "The smallest part that can be paid is %(amount)s.", amount=smallest)


def check_limits(core: Core, amount: Money) -> None:
    """Refuse amounts below the smallest or above the largest payment of the settings. Raises BadInput."""
    smallest = core.settings.money("minimum_amount", amount.currency)
    if amount < smallest:
        raise BadInput("amount", "The smallest payment here is %(amount)s.", amount=smallest)
    _check_largest(core, amount)


def _check_largest(core: Core, amount: Money) -> None:
    """The largest payment bounds all that is taken at once, a fee among it; the smallest one is about the debt."""
    largest = core.settings.money("maximum_amount", amount.currency)
    if largest and largest < amount:
        raise BadInput("amount", "The largest payment here is %(amount)s. Please contact us to pay more.", amount=largest)


def prepare(core: Core, order: Order, terminal: TerminalSettings) -> Instrument:
    """Decrypt the saved method, or exchange new details for a token, once the fee for it is the one that was shown.

    Raises BadInput, Stopped, FeeChanged, ConfigError, and what TOKENIZE raises.
    """
    source = order.source
    kind = "bank" if isinstance(source, NewBank) else "card"
    if isinstance(source, SavedMethod):
        with core.database.read() as session:
            method = credentials.get_own_method(session, source.method_id, order.customer_id)
            _guard(session, order, terminal, payer=method.brand or method.instrument, last_four=method.last_four)
        _allowed(core, terminal, method.instrument)
        return _saved(core, method, terminal, _fee(core, order, method.instrument))
    _allowed(core, terminal, kind)
    fee = _fee(core, order, kind)
    if isinstance(source, NewCard):
        brand, last_four = credentials.brand_of(source.card.number), source.card.number[-4:]
    else:
        brand, last_four = "", source.account.account[-4:]
    with core.database.read() as session:
        _guard(session, order, terminal, payer=brand or kind, last_four=last_four)
    details = source.card if isinstance(source, NewCard) else source.account
    token = saving.tokenize(core, terminal, details)
    return Instrument(kind=kind, token=token, brand=brand, last_four=last_four, holder=details.holder,
                      postal_code=getattr(details, "postal_code", ""), account_kind=getattr(details, "kind", ""),
                      cvv=getattr(details, "cvv", ""), fee=fee, is_new=True)


def _fee(core: Core, order: Order, instrument: str) -> Fee | None:
    fee = fees.agreed(core.settings, order, instrument, order.amount)
    if fee is not None:
        _check_largest(core, order.amount + fee.amount)
    return fee


def _allowed(core: Core, terminal: TerminalSettings, kind: str) -> None:
    if kind not in core.settings.instruments(terminal):
        raise BadInput("source", saving.NOT_ACCEPTED[kind])


def _guard(session: Session, order: Order, terminal: TerminalSettings, *, payer: str, last_four: str) -> None:
    breaker.guard(session, terminal.terminal_id, terminal.environment)
    limits.guard_payer(session, customer_id=order.customer_id, brand=payer, last_four=last_four, door=order.door)


def _saved(core: Core, method: Method, terminal: TerminalSettings, fee: Fee | None) -> Instrument:
    if (method.terminal_id, method.environment) != (terminal.terminal_id, terminal.environment):
        raise BadInput("method", "This saved method belongs to another account of ours. Please add it again.")
    if method.is_expired():
        raise BadInput("method", "This card has expired. Please use another one.")
    return Instrument(kind=method.instrument, token=core.box.decrypt(method.token_cipher), brand=method.brand,
                      last_four=method.last_four, holder=method.holder, postal_code=method.postal_code,
                      account_kind=method.account_kind, method_id=method.id, fee=fee)


def commit(core: Core, order: Order, terminal: TerminalSettings, instrument: Instrument) -> tuple[Attempt, bool]:
    """Write the intent; returns it and whether it is new (False: this submission key was used before).

    Raises AlreadyOpen when another attempt holds one of the debts.
    """
    while True:
        try:
            return core.database.run(lambda session: _insert(session, core, order, terminal, instrument)), True
        except IntegrityError as error:
            if is_duplicate(error, "submission_key"):
                return get_submission(core, order), False
            if not is_duplicate(error, "open_target"):
                raise
        raise_already_open(core, order)  # and where nobody holds it any more: once again


def _insert(session: Session, core: Core, order: Order, terminal: TerminalSettings, instrument: Instrument) -> Attempt:
    now, fee = clock.now(), instrument.fee
    fee_cents = fee.amount.cents if fee else 0
    attempt = Attempt(
        transaction_id=new_transaction_id(), submission_key=order.submission_key,
        kind="check" if instrument.kind == "bank" else "sale", door=order.door, actor=order.actor[:80],
        address=order.address[:45], customer_id=order.customer_id, partner_id=order.partner_id,
        terminal_id=terminal.terminal_id, environment=terminal.environment, currency=terminal.currency,
        amount_cents=order.amount.cents + fee_cents, fee_cents=fee_cents, instrument=instrument.kind,
        method_id=instrument.method_id, brand=instrument.brand or instrument.kind, last_four=instrument.last_four,
        token_cipher=core.box.encrypt(instrument.token) if instrument.is_new else None,
        state=State.INTENDED, version=1, state_at=now, created_at=now, send_by_at=now + SEND_WITHIN)
    # Keys are taken in one order everywhere, so that two carts never wait for each other; positions are the person's.
    targets = [(target_of(item.document, item.document_id, order.customer_id), position, item)
               for position, item in enumerate(order.items, start=1)]
    for target, position, item in sorted(targets, key=operator.itemgetter(0)):
        attempt.lines.append(Line(
            position=position, document=item.document, document_id=item.document_id, number=item.number[:40],
            amount_cents=item.amount.cents, booking=Booking.NONE, booking_version=1,
            keys=[DebtKey(target=key, open_target=key) for key in sorted((target, *item.also))]))
    if fee is not None:  # last, and without a key: it is no debt that others could pay
        attempt.lines.append(Line(position=len(order.items) + 1, document=FEE, amount_cents=fee_cents, terms=fee.terms(),
                                  booking=Booking.NONE, booking_version=1))
    session.add(attempt)
    session.flush()
    if order.in_intent is not None:
        order.in_intent(session, attempt.id)
    events.record(session, attempt.id, "intended", door=order.door, actor=order.actor, amount_cents=attempt.amount_cents,
                  currency=attempt.currency, documents=[line.document + " " + (line.number or "") for line in attempt.lines])
    if isinstance(order.source, NewBank):  # the evidence of a one-off debit; a saved account has its own
        given = order.source.consent
        events.record(session, attempt.id, "authorized", version=given.version, text=given.text, address=given.address[:45],
                      holder=instrument.holder)
    return attempt


def get_submission(core: Core, order: Order) -> Attempt:
    """The attempt that used the order's key. Raises BadInput when it was another customer's."""
    with core.database.read() as session:
        found = session.scalars(select(Attempt).where(Attempt.submission_key == order.submission_key)).one()
        earlier = recording.whole(found)
    if earlier.customer_id != order.customer_id:
        raise BadInput("submission_key", "This page is out of date. Please open it again.")
    return earlier


def find_submission(core: Core, submission_key: str) -> Attempt | None:
    """The attempt that used this key, if any."""
    with core.database.read() as session:
        found = session.scalars(select(Attempt).where(Attempt.submission_key == submission_key)).first()
        return None if found is None else recording.whole(found)


def raise_already_open(core: Core, order: Order) -> None:
    """Tell who holds one of the order's debts; when it has become free meanwhile, the person may simply try again."""
    with core.database.read() as session:
        for item in order.items:
            keys = (target_of(item.document, item.document_id, order.customer_id), *item.also)
            held = next(filter(None, (find_holder(session, key, order.customer_id) for key in keys)), None)
            if held is None and item.document == "balance":
                held = find_any_holder(session, order.customer_id)
            if held is not None:
                raise held.refusal()
