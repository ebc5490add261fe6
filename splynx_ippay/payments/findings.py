"""What the nightly looks found. Owns when a finding is open; the words and what they lead to are the finders'."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from splynx_ippay.base import clock
from splynx_ippay.payments.watch_models import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import Session

BOOKS, HISTORY, FOREIGN, LOST = "books", "history", "foreign", "lost"


def add(session: Session, kind: str, subject: str, words: str) -> bool:
    """Note one thing; False when it was noted before, acknowledged or not."""
    if session.scalars(select(Finding.id).where(Finding.kind == kind, Finding.subject == subject[:64])).first() is not None:
        return False
    session.add(Finding(kind=kind, subject=subject[:64], words=words[:300], found_at=clock.now(), handled_by=""))
    session.flush()
    return True


def replace(session: Session, kind: str, found: Mapping[str, str]) -> None:
    """Make the findings of a kind these (words by subject): what is not found any more is gone."""
    kept = {subject[:64] for subject in found}
    for row in session.scalars(select(Finding).where(Finding.kind == kind)):
        if row.subject not in kept:
            session.delete(row)
    session.flush()
    for subject, words in found.items():
        add(session, kind, subject, words)


def open_of(session: Session, *kinds: str) -> list[Finding]:
    """What of these kinds nobody has acknowledged, oldest first."""
    return list(session.scalars(select(Finding).where(Finding.kind.in_(kinds), Finding.handled_at.is_(None))
                                .order_by(Finding.id)))


def acknowledge(session: Session, subject: str, *, by: str, kinds: tuple[str, ...]) -> int:
    """A person has seen to it; returns how many open findings that closes."""
    rows = [row for row in open_of(session, *kinds) if row.subject == subject]
    for row in rows:
        row.handled_at, row.handled_by = clock.now(), by[:80]
    session.flush()
    return len(rows)
