"""Rows of charge runs. A run executes the plan that a person saw and nothing else."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from splynx_ippay.base.db import Row, UtcDateTime, key_text


class RunState(StrEnum):
    """planning → previewed → running ⇄ stopped → finished; a preview never started is discarded."""

    PLANNING = "planning"
    PREVIEWED = "previewed"
    RUNNING = "running"
    STOPPED = "stopped"
    FINISHED = "finished"
    DISCARDED = "discarded"


class ItemState(StrEnum):
    """What becomes of one planned invoice or balance."""

    SKIP = "skip"  # planned to be left alone; ``reason`` says why
    READY = "ready"
    DONE = "done"  # an attempt exists; its state tells the result
    REPLACED = "replaced"  # declined; an item of its own charges the backup method in its place
    DRIFTED = "drifted"  # not charged in the run because something had changed; ``reason`` says what


class Mode(StrEnum):
    """What a Charge takes: each open invoice, or of each customer all that is owed."""

    INVOICES = "invoices"
    BALANCES = "balances"


class Run(Row):
    """One Charge over many invoices, or over the balances of many customers."""

    __tablename__ = "run"

    id: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(String(10), default=RunState.PLANNING)
    mode: Mapped[str] = mapped_column(String(8), default=Mode.INVOICES)
    source: Mapped[str] = mapped_column(String(8), default="manual")  # manual or auto
    created_by: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    started_by: Mapped[str] = mapped_column(String(80), default="")
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    filters: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    plan_hash: Mapped[str] = mapped_column(String(64), default="")
    item_count: Mapped[int] = mapped_column(default=0)
    ready_count: Mapped[int] = mapped_column(default=0)
    ready_cents: Mapped[int] = mapped_column(BigInteger, default=0)
    due_cents: Mapped[int] = mapped_column(BigInteger, default=0)
    total_cents: Mapped[int] = mapped_column(BigInteger, default=0)  # of balances: what the host shows as owed
    open_cents: Mapped[int] = mapped_column(BigInteger, default=0)  # balances: what open invoices make up of it
    older_count: Mapped[int | None]  # open invoices from before the period, which this run leaves out; NULL: not asked
    currency: Mapped[str] = mapped_column(String(3), default="USD")
    stop_reason: Mapped[str] = mapped_column(String(200), default="")


class RunItem(Row):
    """One invoice of a run, or one customer's balance. At most one attempt, for ever."""

    __tablename__ = "run_item"
    __table_args__ = (
        UniqueConstraint("run_id", "document", "document_id", "turn"),
        Index("run_item_by_state", "run_id", "state", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"))
    document: Mapped[str] = mapped_column(key_text(8), default="invoice")  # invoice or balance
    document_id: Mapped[int]  # the invoice; of a balance the customer
    number: Mapped[str] = mapped_column(String(40), default="")
    customer_id: Mapped[int]
    customer_name: Mapped[str] = mapped_column(String(120), default="")
    partner_id: Mapped[int]
    method_id: Mapped[int | None]
    method_label: Mapped[str] = mapped_column(String(40), default="")
    turn: Mapped[int] = mapped_column(default=1)  # 2: the backup method, after a decline of the first
    backup_method_id: Mapped[int | None]  # charged once if ``method_id`` is declined softly
    backup_label: Mapped[str] = mapped_column(String(40), default="")
    total_cents: Mapped[int]  # of a balance: what the host showed as owed
    open_cents: Mapped[int] = mapped_column(default=0)  # balances: what the customer's open invoices made up of it
    amount_cents: Mapped[int]  # due when planned
    currency: Mapped[str] = mapped_column(String(3))
    state: Mapped[str] = mapped_column(String(8))
    reason: Mapped[str] = mapped_column(String(24), default="")  # a key of runs.plan.REASONS
    detail: Mapped[str] = mapped_column(String(200), default="")
    attempt_id: Mapped[int | None] = mapped_column(ForeignKey("attempt.id"), unique=True)
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    lease_holder: Mapped[str] = mapped_column(key_text(80), default="")
