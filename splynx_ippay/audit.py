"""Who did what, when and from where: settings, exports, releases, customers' methods. Insert-only.

Payments have a history of their own (payments/events.py) and are not repeated here. Must never hold a secret: of a secret
setting only whether there was one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Index, String, Text, event, select
from sqlalchemy.orm import Mapped, mapped_column

from splynx_ippay.base import clock
from splynx_ippay.base.db import Row, UtcDateTime

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy.orm import Session

HIDDEN = "***"
_LONGEST = 2000


class Entry(Row):
    """One thing somebody did."""

    __tablename__ = "audit"
    __table_args__ = (Index("audit_by_time", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor: Mapped[str] = mapped_column(String(80))  # "staff 3", "command line (root)"
    address: Mapped[str] = mapped_column(String(45), default="")
    action: Mapped[str] = mapped_column(String(16))  # setting, picture, export, release, automatic, ask, default, method_removed
    key: Mapped[str] = mapped_column(String(64))  # of a setting; of an export the file; of a customer the id
    partner_id: Mapped[int | None]
    before: Mapped[str] = mapped_column(Text, default="")
    after: Mapped[str] = mapped_column(Text, default="")


@event.listens_for(Entry, "before_update")
@event.listens_for(Entry, "before_delete")
def _refuse(_mapper: object, _connection: object, _entry: Entry) -> None:
    raise TypeError("an entry of the audit is never changed or deleted")


@dataclass(frozen=True, slots=True)
class Person:
    """Who acts, and from where."""

    actor: str
    address: str = ""


def record(session: Session, who: Person, action: str, key: str, *, partner_id: int | None = None, before: str = "",
           after: str = "") -> None:
    """Write an entry, in the caller's transaction. Secrets are masked by the caller with HIDDEN."""
    session.add(Entry(at=clock.now(), actor=who.actor[:80], address=who.address[:45], action=action, key=key[:64],
                      partner_id=partner_id, before=before[:_LONGEST], after=after[:_LONGEST]))


def page_of(session: Session, *, text: str = "", actions: Collection[str] = (), offset: int = 0, limit: int = 50) -> list[Entry]:
    """Entries newest first, by a part of actor, address or key, and by action. One query."""
    wanted = select(Entry).order_by(Entry.id.desc()).offset(offset).limit(limit)
    if text:
        wanted = wanted.where(Entry.actor.contains(text, autoescape=True) | Entry.key.contains(text, autoescape=True)
                              | Entry.address.contains(text, autoescape=True))
    if actions:
        wanted = wanted.where(Entry.action.in_(actions))
    return list(session.scalars(wanted))


def about(session: Session, key: str, actions: Collection[str], *, limit: int) -> list[Entry]:
    """The newest entries of these actions about one key, such as a customer's id. One query."""
    return list(session.scalars(select(Entry).where(Entry.key == key, Entry.action.in_(actions)).order_by(Entry.id.desc()).limit(limit)))
