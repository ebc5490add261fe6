"""Rows of those who watch over the books: whose database this is and whether it may send, and what was found."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from splynx_ippay.base.db import Row, UtcDateTime, key_text

THE_ONE = 1


class Installation(Row):
    """The life of this database, in one row. ``epoch`` grows with each recovery from a backup."""

    __tablename__ = "installation"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    epoch: Mapped[int]
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    quarantined_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # nothing is sent or posted while this is set
    reason: Mapped[str] = mapped_column(String(300), default="")
    recovered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # when ``recover`` had read everything
    report: Mapped[str] = mapped_column(Text, default="")  # what it found, as staff read it
    released_by: Mapped[str] = mapped_column(String(80), default="")
    released_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Finding(Row):
    """One thing that is not as it should be, once; open until it is gone or a person has acknowledged it."""

    __tablename__ = "finding"
    __table_args__ = (UniqueConstraint("kind", "subject"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(8))  # books, history, foreign, lost
    subject: Mapped[str] = mapped_column(key_text(64))
    words: Mapped[str] = mapped_column(String(300))
    found_at: Mapped[datetime] = mapped_column(UtcDateTime)
    handled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    handled_by: Mapped[str] = mapped_column(String(80), default="")
