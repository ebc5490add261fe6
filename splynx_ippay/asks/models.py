"""The rows of asks: who was asked for what, when and by whom. Holds no rule."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from splynx_ippay.base.db import Row, UtcDateTime, key_text


class Ask(Row):
    """One mail that asks a customer for something, by what it is about and its stage; the two together are its key."""

    __tablename__ = "ask"
    __table_args__ = (UniqueConstraint("target", "stage"), Index("ask_by_customer", "customer_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    target: Mapped[str] = mapped_column(key_text(48))  # debt:invoice:8812, zip:12 (a customer), expiry:7 (a method)
    stage: Mapped[str] = mapped_column(key_text(16))  # 1, 2, 3 …; of an expiry 2026-11-07
    why: Mapped[str] = mapped_column(String(16))  # of a debt the kind of the refusal
    customer_id: Mapped[int]
    attempt_id: Mapped[int | None]
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    asked_by: Mapped[str] = mapped_column(String(80), default="")  # "staff 1"; empty: by itself
