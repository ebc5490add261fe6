"""Tables of payment links, of the host's events about documents, and of one-time codes. Holds no rule."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from splynx_ippay.base.db import Row, UtcDateTime, key_text


class Link(Row):
    """A signed link to one document."""

    __tablename__ = "link"

    code: Mapped[str] = mapped_column(key_text(24), primary_key=True)
    document: Mapped[str] = mapped_column(String(8))  # invoice or proforma
    document_id: Mapped[int]
    created_by: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_by: Mapped[str] = mapped_column(String(80), default="")
    replaced_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class CurrentLink(Row):
    """The one link of a document that counts, and when it was written into the host's document."""

    __tablename__ = "current_link"

    target: Mapped[str] = mapped_column(key_text(24), primary_key=True)  # invoice:8812
    code: Mapped[str] = mapped_column(key_text(24), default="")
    written_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class HookEvent(Row):
    """One event the host told us of, by the digest of its body, so that a repeated delivery does nothing twice."""

    __tablename__ = "hook_event"
    __table_args__ = (Index("hook_event_by_time", "received_at"),)

    digest: Mapped[str] = mapped_column(key_text(64), primary_key=True)
    target: Mapped[str] = mapped_column(key_text(24))
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class OneTimeCode(Row):
    """A code that was asked for; the code itself is not kept, only its keyed digest."""

    __tablename__ = "one_time_code"
    __table_args__ = (Index("one_time_code_by_end", "expires_at"),)

    ticket: Mapped[str] = mapped_column(key_text(24), primary_key=True)
    target: Mapped[str] = mapped_column(key_text(24))
    digest: Mapped[str] = mapped_column(String(32))
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    tries: Mapped[int] = mapped_column(default=0)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
