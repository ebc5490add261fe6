"""Rows of what was read from the gateway's reports: which slices, and every row of theirs once."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Date, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from splynx_ippay.base.db import Row, UtcDateTime, key_text


class FeedSlice(Row):
    """One slice of a report that was read whole: the proof of what was looked at, and when."""

    __tablename__ = "feed_slice"
    __table_args__ = (Index("feed_slice_by_time", "terminal_id", "feed", "start_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    feed: Mapped[str] = mapped_column(String(32))
    terminal_id: Mapped[str] = mapped_column(String(32))
    start_at: Mapped[datetime] = mapped_column(UtcDateTime)
    end_at: Mapped[datetime] = mapped_column(UtcDateTime)
    records: Mapped[int]
    newest_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # newest sale of ours it shows: freshness
    read_at: Mapped[datetime] = mapped_column(UtcDateTime)


class FeedRow(Row):
    """One row of a report, once. ``transaction_id`` is upper case; units are resolved to cents where they are known."""

    __tablename__ = "feed_row"
    __table_args__ = (
        UniqueConstraint("terminal_id", "feed", "fingerprint"),
        Index("feed_row_by_transaction", "transaction_id", "feed"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    feed: Mapped[str] = mapped_column(String(16))
    terminal_id: Mapped[str] = mapped_column(String(32))
    fingerprint: Mapped[str] = mapped_column(key_text(64))
    transaction_id: Mapped[str] = mapped_column(key_text(18))
    request_type: Mapped[str] = mapped_column(String(20))
    amount_cents: Mapped[int | None]
    fee_cents: Mapped[int] = mapped_column(default=0)  # of the amount
    action_code: Mapped[str] = mapped_column(String(3))
    approval: Mapped[str] = mapped_column(String(16), default="")
    status: Mapped[str] = mapped_column(String(10), default="")
    ip_trans_id: Mapped[str] = mapped_column(String(32), default="")
    order_number: Mapped[str] = mapped_column(String(40), default="")
    ud2: Mapped[str] = mapped_column(String(40), default="")  # of ours: installation and attempt
    at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    settlement_date: Mapped[date | None] = mapped_column(Date)
    read_at: Mapped[datetime] = mapped_column(UtcDateTime)
    handled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    attempt_id: Mapped[int | None] = mapped_column(ForeignKey("attempt.id"))
