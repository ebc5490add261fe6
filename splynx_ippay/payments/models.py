"""Rows of the core: attempts, their lines, the keys of debts, events (rows of the reports: ``feed_models``).

How a double charge is prevented, in three constraints: ``DebtKey.open_target`` (one open attempt a debt),
``Attempt.submission_key`` (one attempt a pressed button, for ever), ``RunItem.attempt_id`` (one attempt a run item).
States change only in ``payments.states``.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Boolean, CheckConstraint, Date, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from splynx_ippay.base.db import Row, UtcDateTime, key_text
from splynx_ippay.base.money import Money

FEE = "fee"  # ``Line.document`` of a card fee: money taken with a debt, which is no debt of its own


class State(StrEnum):
    """What the gateway did (docs/ARCHITECTURE.md)."""

    INTENDED = "intended"
    APPROVED = "approved"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    UNKNOWN = "unknown"
    ABANDONED = "abandoned"
    VOIDED = "voided"
    RETURNED = "returned"
    REVIEW = "review"


class Booking(StrEnum):
    """What the host was told of one line (docs/ARCHITECTURE.md)."""

    NONE = "none"
    DUE = "due"
    POSTING = "posting"
    POSTED = "posted"
    UNDO_DUE = "undo_due"
    UNDOING = "undoing"
    UNDONE = "undone"
    REVIEW = "review"


class Door(StrEnum):
    """Where a payment starts."""

    PORTAL = "portal"
    LINK = "link"
    STAFF = "staff"
    RUN = "run"


class Attempt(Row):
    """One try to move money: one TransactionID. Amounts in cents of ``currency``."""

    __tablename__ = "attempt"
    __table_args__ = (
        CheckConstraint("amount_cents > 0", name="attempt_amount_positive"),
        CheckConstraint("fee_cents >= 0 AND fee_cents < amount_cents", name="attempt_fee_within_amount"),
        Index("attempt_by_state", "state", "next_check_at"),
        Index("attempt_by_customer", "customer_id", "created_at"),
        Index("attempt_by_payer", "customer_id", "brand", "last_four", "created_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    transaction_id: Mapped[str] = mapped_column(key_text(18), unique=True)
    submission_key: Mapped[str] = mapped_column(key_text(64), unique=True)
    kind: Mapped[str] = mapped_column(String(12))  # sale (card) or check (bank); later: void, credit, reversal
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("attempt.id"))  # refunds of later work
    door: Mapped[str] = mapped_column(String(8))
    actor: Mapped[str] = mapped_column(String(80))  # "customer 12", "staff 3 (anna)", "link", "run 7"
    address: Mapped[str] = mapped_column(String(45), default="")  # of the person's browser

    customer_id: Mapped[int]
    partner_id: Mapped[int]
    terminal_id: Mapped[str] = mapped_column(String(32))
    environment: Mapped[str] = mapped_column(String(12))  # production or test
    currency: Mapped[str] = mapped_column(String(3))
    amount_cents: Mapped[int]  # the sum of all lines, the fee's among them
    fee_cents: Mapped[int] = mapped_column(default=0)  # how much of it is the card fee
    instrument: Mapped[str] = mapped_column(String(4))  # card or bank
    method_id: Mapped[int | None]
    brand: Mapped[str] = mapped_column(String(20), default="")
    last_four: Mapped[str] = mapped_column(String(4), default="")
    # Only while the payer did not save the method: for void and refund, erased after the refund window.
    token_cipher: Mapped[str | None] = mapped_column(Text)

    state: Mapped[str] = mapped_column(String(12), default=State.INTENDED)
    version: Mapped[int] = mapped_column(default=1)
    dispute: Mapped[str] = mapped_column(String(5), default="none")  # none, open, won, lost
    reason: Mapped[str] = mapped_column(String(200), default="")  # staff words: why it is in this state
    excess: Mapped[bool] = mapped_column(Boolean, default=False)  # money taken beyond what was due

    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    send_by_at: Mapped[datetime] = mapped_column(UtcDateTime)
    sending_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    state_at: Mapped[datetime] = mapped_column(UtcDateTime)
    next_check_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    checks: Mapped[int] = mapped_column(default=0)

    action_code: Mapped[str] = mapped_column(String(3), default="")
    approval: Mapped[str] = mapped_column(String(16), default="")
    response_text: Mapped[str] = mapped_column(String(200), default="")
    ip_trans_id: Mapped[str] = mapped_column(String(32), default="")
    avs: Mapped[str] = mapped_column(String(8), default="")
    cvv2: Mapped[str] = mapped_column(String(8), default="")
    learned_from: Mapped[str] = mapped_column(String(12), default="")  # answer, enquiry, report, spool
    in_feed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    settled_on: Mapped[date | None] = mapped_column(Date)
    return_code: Mapped[str] = mapped_column(String(3), default="")

    lines: Mapped[list[Line]] = relationship(back_populates="attempt", order_by="Line.position", lazy="selectin")
    events: Mapped[list[Event]] = relationship(order_by="Event.seq", lazy="select", viewonly=True)

    @property
    def amount(self) -> Money:
        """What this attempt takes, over all its lines."""
        return Money(self.amount_cents, self.currency)

    @property
    def fee(self) -> Money:
        """How much of the amount is the card fee, its tax included; zero without one."""
        return Money(self.fee_cents, self.currency)

    @property
    def debts(self) -> list[Line]:
        """The lines that pay something the customer owes or adds: all but the fee's."""
        return [line for line in self.lines if not line.is_fee]

    @property
    def fee_line(self) -> Line | None:
        """The line of the card fee, where there is one."""
        return next((line for line in self.lines if line.is_fee), None)

    @property
    def reference(self) -> str:
        """What people are told to quote: the TransactionID."""
        return self.transaction_id


class Line(Row):
    """One debt paid by an attempt, or its card fee, and what the host was told about it."""

    __tablename__ = "line"
    __table_args__ = (
        UniqueConstraint("attempt_id", "position"),
        CheckConstraint("amount_cents > 0", name="line_amount_positive"),
        Index("line_by_booking", "booking", "booking_next_at"),
        Index("line_by_statement", "statement_next_at"),
        Index("line_by_document", "document", "document_id"),
        Index("line_by_number", "number"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    attempt_id: Mapped[int] = mapped_column(ForeignKey("attempt.id"))
    position: Mapped[int]
    document: Mapped[str] = mapped_column(String(8))  # invoice, proforma, topup, balance, fee
    document_id: Mapped[int | None]  # the host's id; NULL for a top-up, a balance and a fee
    number: Mapped[str] = mapped_column(String(40), default="")
    amount_cents: Mapped[int]
    rest_cents: Mapped[int | None]  # of a part payment: what it leaves open, as Splynx told just before sending
    terms: Mapped[dict[str, Any] | None] = mapped_column(JSON)  # of a fee, as agreed: name, tax_percent, tax_cents

    booking: Mapped[str] = mapped_column(String(8), default=Booking.NONE)
    booking_version: Mapped[int] = mapped_column(default=1)
    booking_reason: Mapped[str] = mapped_column(String(200), default="")
    booking_next_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    booking_tries: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    post_started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    empty_searches: Mapped[int] = mapped_column(default=0)  # after a POST without a clear answer
    on_account: Mapped[bool] = mapped_column(Boolean, default=False)  # posted without the document
    splynx_payment_id: Mapped[int | None]
    seen_deleted_id: Mapped[int | None]  # our payments deleted in the host up to this id: a person had it posted again
    splynx_transaction_id: Mapped[int | None]  # a fee's debit in the host; while NULL, post_started_at is about posting it
    statement_record_id: Mapped[int | None]
    statement_status: Mapped[str] = mapped_column(String(10), default="")  # what the host shows: new, pending, processed, …
    statement_next_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # when to tell it again; NULL: it is true
    host_row: Mapped[dict[str, Any] | None] = mapped_column(JSON)  # the host's payment, journalled before an undo
    hold_until: Mapped[datetime | None] = mapped_column(UtcDateTime)  # keys stay taken after R01/R09

    attempt: Mapped[Attempt] = relationship(back_populates="lines", lazy="selectin")
    keys: Mapped[list[DebtKey]] = relationship(back_populates="line", lazy="selectin")

    @property
    def amount(self) -> Money:
        """The share of this debt."""
        return Money(self.amount_cents, self.attempt.currency)

    @property
    def rest(self) -> Money:
        """What a part payment left open of this debt when it was sent; zero where all of it was paid."""
        return Money(self.rest_cents or 0, self.attempt.currency)

    @property
    def is_fee(self) -> bool:
        """Whether this is the card fee: no debt, so it holds no key."""
        return self.document == FEE

    @property
    def fee_name(self) -> str:
        """What the fee was called when it was agreed to; empty for "Card fee" in the reader's language."""
        return str((self.terms or {}).get("name", ""))

    @property
    def fee_tax(self) -> Money:
        """How much of the fee is tax."""
        return Money(int((self.terms or {}).get("tax_cents", 0)), self.attempt.currency)

    @property
    def field_1(self) -> str:
        """What finds our payment in the host: ``<TransactionID>-<line>``."""
        return f"{self.attempt.transaction_id}-{self.position}"


class DebtKey(Row):
    """A key a debt is known by. ``open_target`` is UNIQUE while held and NULL when free."""

    __tablename__ = "debt_key"
    __table_args__ = (Index("debt_key_by_target", "target"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    line_id: Mapped[int] = mapped_column(ForeignKey("line.id"))
    target: Mapped[str] = mapped_column(key_text(64))
    open_target: Mapped[str | None] = mapped_column(key_text(64), unique=True)

    line: Mapped[Line] = relationship(back_populates="keys", lazy="selectin")


class Event(Row):
    """One thing that happened to an attempt. Insert-only; each names the hash of the one before."""

    __tablename__ = "event"
    __table_args__ = (UniqueConstraint("attempt_id", "seq"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    attempt_id: Mapped[int] = mapped_column(ForeignKey("attempt.id"))
    seq: Mapped[int]
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    kind: Mapped[str] = mapped_column(String(24))
    data: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    previous_hash: Mapped[str] = mapped_column(String(64), default="")
    hash: Mapped[str] = mapped_column(String(64))


class Terminal(Row):
    """The breaker of one terminal: when it is stopped no door charges on it."""

    __tablename__ = "terminal"

    terminal_id: Mapped[str] = mapped_column(key_text(32), primary_key=True)
    environment: Mapped[str] = mapped_column(String(12), primary_key=True)
    failures: Mapped[int] = mapped_column(default=0)  # non-200 or non-XML replies in a row
    stopped_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reason: Mapped[str] = mapped_column(String(200), default="")
    released_by: Mapped[str] = mapped_column(String(80), default="")
    released_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Lease(Row):
    """Who runs a job now: two workers, one job."""

    __tablename__ = "lease"

    name: Mapped[str] = mapped_column(key_text(64), primary_key=True)
    holder: Mapped[str] = mapped_column(String(80))
    until: Mapped[datetime] = mapped_column(UtcDateTime)
    ran_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    tries: Mapped[int] = mapped_column(default=0)  # starts since it last ended well
    problem: Mapped[str] = mapped_column(String(200), default="")


class CustomerNote(Row):
    """What automatic charging must know of a customer: stopped after a return or an excess, until a person acts."""

    __tablename__ = "customer_note"

    customer_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    no_auto: Mapped[bool] = mapped_column(Boolean, default=False)
    reason: Mapped[str] = mapped_column(String(200), default="")
    since: Mapped[datetime | None] = mapped_column(UtcDateTime)
