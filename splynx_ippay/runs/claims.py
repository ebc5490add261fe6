"""Who works on an item of a run: leases on the database's clock. Owns claiming, giving back and taking over.

Must never hand out an item that has an attempt: such an item is never charged again, whatever became of its worker.
"""

from __future__ import annotations

import os
import secrets
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, or_, select, update

from splynx_ippay.runs.models import ItemState, RunItem

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.orm import Session

    from splynx_ippay.payments.core import Core

# A charge may take 75 seconds at the gateway and some more at Splynx.
LEASE = timedelta(minutes=10)
# Holders of this process that are at work now; any other lease in its name is of a dead life with the same number.
_AT_WORK: set[str] = set()


def new_holder(core: Core) -> str:
    """A name for one execution: machine, process, and something unique."""
    holder = f"{core.holder[:60]}:{secrets.token_hex(6)}"
    _AT_WORK.add(holder)
    return holder


def retire(holder: str) -> None:
    """The execution is over."""
    _AT_WORK.discard(holder)


def database_now(session: Session) -> datetime:
    """The time by the database's clock, which all workers share; a moved clock of a demo does not count here."""
    if session.get_bind().dialect.name == "sqlite":
        text = session.scalar(select(func.strftime("%Y-%m-%d %H:%M:%f", "now")))
        return datetime.fromisoformat(str(text)).replace(tzinfo=UTC)
    moment: datetime = session.execute(select(func.utc_timestamp(6))).scalar_one()
    return moment.replace(tzinfo=UTC)


def claim(session: Session, run_id: int, holder: str, count: int) -> list[RunItem]:
    """Take up to ``count`` free items of a run, in order."""
    free = (RunItem.run_id == run_id,)
    return _lease(session, free, holder, count)


def claim_one(session: Session, item_id: int, holder: str) -> RunItem | None:
    """Take this item if it is free."""
    return next(iter(_lease(session, (RunItem.id == item_id,), holder, 1)), None)


def _lease(session: Session, where: tuple[object, ...], holder: str, count: int) -> list[RunItem]:
    now = database_now(session)
    items = list(session.scalars(
        select(RunItem).where(*where, RunItem.state == ItemState.READY, RunItem.attempt_id.is_(None),  # type: ignore[arg-type]  # conditions, whatever their column
                              or_(RunItem.lease_until.is_(None), RunItem.lease_until < now))
        .order_by(RunItem.id).limit(count).with_for_update(skip_locked=True)))
    if items:
        session.execute(update(RunItem).where(RunItem.id.in_([item.id for item in items]))
                        .values(lease_until=now + LEASE, lease_holder=holder)
                        .execution_options(synchronize_session=False))
    session.expunge_all()
    return items


def free(session: Session, item_ids: Iterable[int]) -> None:
    """Give items back that were not charged."""
    session.execute(update(RunItem).where(RunItem.id.in_(list(item_ids))).values(lease_until=None, lease_holder="")
                    .execution_options(synchronize_session=False))


def take_over(session: Session, run_id: int, core: Core) -> None:
    """Free the leases of dead processes of this machine, and close items whose worker died after the intent."""
    holders = session.scalars(select(RunItem.lease_holder).where(
        RunItem.run_id == run_id, RunItem.state == ItemState.READY, RunItem.lease_holder != "").distinct())
    if dead := [holder for holder in holders if _is_dead(holder, core)]:
        session.execute(update(RunItem).where(
            RunItem.run_id == run_id, RunItem.state == ItemState.READY, RunItem.lease_holder.in_(dead))
            .values(lease_until=None, lease_holder=""))
    adopt(session, run_id)


def adopt(session: Session, run_id: int) -> None:
    """Items with an attempt and no worker are done: the attempt has its own owner, reconciliation."""
    session.execute(update(RunItem).where(
        RunItem.run_id == run_id, RunItem.state == ItemState.READY, RunItem.attempt_id.is_not(None),
        or_(RunItem.lease_until.is_(None), RunItem.lease_until < database_now(session)))
        .values(state=ItemState.DONE, lease_until=None, lease_holder=""))


def _is_dead(holder: str, core: Core) -> bool:
    """Whether the holder is of this machine and no longer alive. Wrong only costs time: the intent takes an item once."""
    process, _, _ = holder.rpartition(":")
    machine, _, number = process.rpartition(":")
    if machine != core.holder.rpartition(":")[0][:60] or not number.isdigit():
        return False
    if int(number) == os.getpid():
        return holder not in _AT_WORK
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
