"""Payment links. Owns the signed ones: who may open what, until when, revoked or not.

The four documented URLs (by id and by number) carry no signature and are told apart in ``pay``. A link never moves
money by being opened.
"""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from splynx_ippay.base import clock
from splynx_ippay.base.db import Row, UtcDateTime, key_text
from splynx_ippay.base.errors import LinkError

if TYPE_CHECKING:
    from datetime import timedelta

    from sqlalchemy.orm import Session

    from splynx_ippay.base.crypto import KeyBox

_PURPOSE = "payment link"


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


def create(session: Session, box: KeyBox, *, document: str, document_id: int, created_by: str,
           valid_for: timedelta | None) -> str:
    """Make a link and return its token for the URL ``/ippay/l/<token>``; ``valid_for`` None never expires."""
    now = clock.now()
    code = secrets.token_urlsafe(12)
    session.add(Link(code=code, document=document, document_id=document_id, created_by=created_by, created_at=now,
                     expires_at=None if valid_for is None else now + valid_for))
    return f"{code}.{box.sign(_PURPOSE, code)}"


def find(session: Session, box: KeyBox, token: str) -> Link:
    """The link behind a token. Raises LinkError: invalid (forged or unknown), expired, revoked."""
    code, _, signature = token.rpartition(".")
    if not code or not box.is_signed(_PURPOSE, code, signature):
        raise LinkError("invalid")
    link = session.get(Link, code)
    if link is None:
        raise LinkError("invalid")
    if link.revoked_at is not None:
        raise LinkError("revoked")
    if link.expires_at is not None and link.expires_at <= clock.now():
        raise LinkError("expired")
    return link


def revoke(session: Session, box: KeyBox, token: str, *, by: str) -> None:
    """Make a link open nothing from now on. Raises LinkError as ``find`` does."""
    link = find(session, box, token)
    link.revoked_at, link.revoked_by = clock.now(), by
