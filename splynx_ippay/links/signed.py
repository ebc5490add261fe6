"""Signed links: making, finding, replacing and withdrawing them. A document has one link that counts.

A newer link replaces the one before; a change of the document does not, for the amount is read when the link is opened.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from splynx_ippay.base import clock
from splynx_ippay.base.db import get_or_add
from splynx_ippay.base.errors import LinkError
from splynx_ippay.links.models import CurrentLink, Link

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime, timedelta

    from sqlalchemy.orm import Session

    from splynx_ippay.base.crypto import KeyBox
    from splynx_ippay.base.settings import Settings

_PURPOSE = "payment link"


@dataclass(frozen=True, slots=True)
class Standing:
    """The link of a document as it stands: its token, and when it was last written into the host's document."""

    token: str
    written_at: datetime | None


def target_of(document: str, document_id: int) -> str:
    """The key of a document's current link: ``invoice:8812``."""
    return f"{document}:{document_id}"


def address_of(settings: Settings, token: str) -> str:
    """The whole address of a link, under the host's own."""
    return f"{settings.text('api_domain').strip().rstrip('/')}/ippay/l/{token}"


def create(session: Session, box: KeyBox, *, document: str, document_id: int, created_by: str,
           valid_for: timedelta | None) -> str:
    """Make a link and return its token; ``valid_for`` None never expires. The link before it counts as replaced."""
    now, target = clock.now(), target_of(document, document_id)
    current = get_or_add(session, CurrentLink(target=target, code=""), target)
    session.execute(update(Link).where(Link.code == current.code, Link.revoked_at.is_(None), Link.replaced_at.is_(None))
                    .values(replaced_at=now))
    link = _fresh(document, document_id, created_by=created_by, now=now, valid_for=valid_for)
    session.add(link)
    current.code, current.written_at = link.code, None
    return _token(box, link.code)


def ensure(session: Session, box: KeyBox, document: str, document_ids: Iterable[int], *, created_by: str,
           valid_for: timedelta | None) -> dict[int, Standing]:
    """The links of documents, made where there is none that opens; two queries for all that have one.

    A document whose link was withdrawn is left out: only a person makes a new one for it.
    """
    now, wanted = clock.now(), {target_of(document, document_id): document_id for document_id in document_ids}
    rows = session.execute(select(CurrentLink, Link).join(Link, CurrentLink.code == Link.code)
                           .where(CurrentLink.target.in_(wanted)).with_for_update()).tuples().all()
    found: dict[int, Standing] = {}
    for current, link in rows:
        document_id = wanted.pop(current.target)
        if link.revoked_at is not None:
            continue
        if link.expires_at is not None and link.expires_at <= now:
            link.replaced_at = now
            fresh = _fresh(document, document_id, created_by=created_by, now=now, valid_for=valid_for)
            session.add(fresh)
            current.code, current.written_at = fresh.code, None
        found[document_id] = Standing(_token(box, current.code), current.written_at)
    for target, document_id in wanted.items():
        fresh = _fresh(document, document_id, created_by=created_by, now=now, valid_for=valid_for)
        session.add_all([fresh, CurrentLink(target=target, code=fresh.code)])
        found[document_id] = Standing(_token(box, fresh.code), None)
    return found


def standing_of(session: Session, box: KeyBox, document: str, document_id: int) -> str | None:
    """The token of the link that opens a document now, None where there is none; makes nothing."""
    link = session.scalars(select(Link).join(CurrentLink, CurrentLink.code == Link.code).where(
        CurrentLink.target == target_of(document, document_id), Link.revoked_at.is_(None))).first()
    if link is None or (link.expires_at is not None and link.expires_at <= clock.now()):
        return None
    return _token(box, link.code)


def note_written(session: Session, document: str, document_ids: Iterable[int]) -> None:
    """Remember that the links stand in the host's documents now."""
    session.execute(update(CurrentLink).where(CurrentLink.target.in_([target_of(document, one) for one in document_ids]))
                    .values(written_at=clock.now()))


def find(session: Session, box: KeyBox, token: str) -> Link:
    """The link behind a token. Raises LinkError: invalid (forged or unknown), revoked, replaced, expired."""
    code, _, signature = token.rpartition(".")
    if not code or not box.is_signed(_PURPOSE, code, signature):
        raise LinkError("invalid")
    link = session.get(Link, code)
    if link is None:
        raise LinkError("invalid")
    if link.revoked_at is not None:
        raise LinkError("revoked")
    if link.replaced_at is not None:
        raise LinkError("replaced")
    if link.expires_at is not None and link.expires_at <= clock.now():
        raise LinkError("expired")
    return link


def revoke(session: Session, box: KeyBox, token: str, *, by: str) -> Link:
    """Make a link open nothing from now on, and return it. Raises LinkError as ``find`` does."""
    link = find(session, box, token)
    link.revoked_at, link.revoked_by = clock.now(), by
    return link


def _fresh(document: str, document_id: int, *, created_by: str, now: datetime, valid_for: timedelta | None) -> Link:
    return Link(code=secrets.token_urlsafe(12), document=document, document_id=document_id, created_by=created_by,
                created_at=now, expires_at=None if valid_for is None else now + valid_for)


def _token(box: KeyBox, code: str) -> str:
    return f"{code}.{box.sign(_PURPOSE, code)}"
