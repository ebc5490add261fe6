"""The outbox of mails: one row a mail that is owed, written in the transaction that makes it owed.

Owns that no mail is owed twice: ``key`` is UNIQUE for ever, so rows are never deleted. Must never hold an address, a
subject, a body or a secret: who gets it is looked up, and what it says is written, when it goes out (``letters.sending``).
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, Index, String, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from splynx_ippay.base import clock
from splynx_ippay.base.db import Row, UtcDateTime, is_duplicate, key_text

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


class MailState(StrEnum):
    """What became of a mail that was owed."""

    DUE = "due"
    SENDING = "sending"  # the mail server may have it
    SENT = "sent"
    UNSURE = "unsure"  # the mail server may or may not have taken it; never sent again
    FAILED = "failed"
    SKIPPED = "skipped"  # it was not to go out: switched off, too old, overtaken


class OutboxMail(Row):
    """One mail that is owed, or was."""

    __tablename__ = "outbox_mail"
    __table_args__ = (
        Index("outbox_mail_by_state", "state", "next_at"),
        Index("outbox_mail_by_attempt", "attempt_id"),
        Index("outbox_mail_by_customer", "customer_id", "created_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(key_text(96), unique=True)
    kind: Mapped[str] = mapped_column(String(32))  # the folder of its templates
    customer_id: Mapped[int]
    attempt_id: Mapped[int | None]
    values: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    state: Mapped[str] = mapped_column(String(8), default=MailState.DUE)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    next_at: Mapped[datetime] = mapped_column(UtcDateTime)
    tries: Mapped[int] = mapped_column(default=0)
    sending_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    state_at: Mapped[datetime] = mapped_column(UtcDateTime)
    reason: Mapped[str] = mapped_column(String(32), default="")  # a key of letters.kinds.REASONS
    detail: Mapped[str] = mapped_column(String(80), default="")  # the kind of error, never a server's words
    sent_to: Mapped[str] = mapped_column(String(48), default="")  # masked: a***@m***.example


def enqueue(session: Session, *, kind: str, key: str, customer_id: int, attempt_id: int | None = None,
            values: dict[str, Any] | None = None) -> bool:
    """Owe a customer a mail, in the caller's transaction; False when this key was used before, whatever became of it.

    ``values`` go to the templates: JSON, no secrets, no addresses. Amounts as cents and currency, days as ISO texts.
    """
    now = clock.now()
    try:
        with session.begin_nested():
            session.add(OutboxMail(key=key, kind=kind, customer_id=customer_id, attempt_id=attempt_id, values=dict(values or {}),
                                   state=MailState.DUE, created_at=now, next_at=now, state_at=now))
            session.flush()
    except IntegrityError as error:
        if not is_duplicate(error, "key"):
            raise
        return False
    return True


def drop_owed(session: Session) -> None:
    """What is owed is not sent: after a backup was restored nobody knows which of it went out already."""
    session.execute(update(OutboxMail).where(OutboxMail.state == MailState.DUE)
                    .values(state=MailState.SKIPPED, state_at=clock.now(), reason="restored")
                    .execution_options(synchronize_session=False))
