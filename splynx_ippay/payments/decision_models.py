"""Rows of what people decide: one decision or proposal each, and what the neighbours said when somebody asked them.

Rows say who, when and on what evidence; the same is in the attempt's chain of events, which nobody can change unseen.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from splynx_ippay.base.db import Row, UtcDateTime, key_text


class Evidence(StrEnum):
    """Where the person has looked."""

    CONSOLE = "console"  # the gateway's own pages
    STATEMENT = "statement"  # of the ISP's bank
    TICKET = "ticket"  # of IPpay's support
    REPORT = "report"  # a row of IPpay's reports
    BANK = "bank"  # of the customer
    HOST = "host"  # Splynx itself: about what it shows, never about what IPpay took


class Standing(StrEnum):
    """What became of a proposal. APPLIED, at once or by a second person, is what a decision is."""

    OPEN = "open"
    APPLIED = "applied"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    STALE = "stale"  # something new was learned about the payment meanwhile


class Decision(Row):
    """One proposal or decision: about an attempt's state, or about one of its lines."""

    __tablename__ = "decision"
    __table_args__ = (Index("decision_by_attempt", "attempt_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    attempt_id: Mapped[int] = mapped_column(ForeignKey("attempt.id"))
    line_id: Mapped[int | None] = mapped_column(ForeignKey("line.id"))
    open_for: Mapped[int | None] = mapped_column(unique=True)  # the attempt while OPEN: one open proposal an attempt
    submission_key: Mapped[str] = mapped_column(key_text(64), unique=True)
    target: Mapped[str] = mapped_column(String(12))  # a State, or of a line a Booking
    evidence: Mapped[str] = mapped_column(String(12))
    reference: Mapped[str] = mapped_column(String(80))
    reason: Mapped[str] = mapped_column(String(500))
    return_code: Mapped[str] = mapped_column(String(3), default="")
    facts: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)  # what the neighbours had last said
    basis_seq: Mapped[int]  # the attempt's last event it was decided on
    standing: Mapped[str] = mapped_column(String(10))
    person_id: Mapped[int]
    person: Mapped[str] = mapped_column(String(80))
    role: Mapped[str] = mapped_column(String(64), default="")
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    second: Mapped[str] = mapped_column(String(80), default="")  # who confirmed it, or ended it
    second_role: Mapped[str] = mapped_column(String(64), default="")
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Asked(Row):
    """What gateway, report and host said about an attempt when somebody last asked them."""

    __tablename__ = "asked"

    attempt_id: Mapped[int] = mapped_column(ForeignKey("attempt.id"), primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    by: Mapped[str] = mapped_column(String(80))
    facts: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
