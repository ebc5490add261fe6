"""Reading the gateway's reports into rows. Owns which slices were looked at whole, and when; judges nothing.

A slice is a UTC day; it is read again while it may still change. A report that cannot be believed leaves no trace.
"""

from __future__ import annotations

import hashlib
import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from splynx_ippay.base import clock
from splynx_ippay.base.errors import GatewayError
from splynx_ippay.payments.feed_models import FeedRow, FeedSlice
from splynx_ippay.payments.models import Attempt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy.orm import Session

    from splynx_ippay.base.settings import TerminalSettings
    from splynx_ippay.ippay.report import Feed, ReportClient, Row, Slice
    from splynx_ippay.payments.core import Core

log = logging.getLogger(__name__)

DAY = timedelta(days=1)
# No public limit is known; the same slice is not asked for twice within a minute (docs/WIRE.md "Rate limits").
SPACING = timedelta(seconds=60)
OVERLAP = timedelta(days=7)  # a day is final when it was read a week after its end
REREAD = timedelta(hours=1)


def day_start(moment: datetime) -> datetime:
    """Midnight UTC of that moment's day."""
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def read_days(core: Core, terminal: TerminalSettings, feed: Feed, first: datetime, last: datetime, *,
              every: timedelta = REREAD) -> bool:
    """Read every day from ``first`` to ``last`` that is not final and was not read within ``every``.

    Returns whether all of them are read now; False when there is no reporting login or a report was unreadable.
    """
    reports = core.reports(terminal)
    if reports is None:
        return False
    complete = True
    day = day_start(first)
    while day <= last:
        complete &= read_day(core, reports, terminal, feed, day=day, every=max(every, SPACING))
        day += DAY
    return complete


def read_day(core: Core, reports: ReportClient, terminal: TerminalSettings, feed: Feed, *, day: datetime,
             every: timedelta, keep: Callable[[Session, str, Slice], None] | None = None) -> bool:
    """Read one day unless it is final or was read within ``every``; whether it is read now.

    ``keep`` stores what was found in place of ``store`` and must note the slice; it may be called again after a deadlock.
    """
    with core.database.read() as session:
        read_at = last_read(session, terminal.terminal_id, feed, day)
    now = clock.now()
    if read_at is not None and (read_at > day + DAY + OVERLAP or now - read_at < every):
        return True
    try:
        found = reports.read(feed, day, day + DAY, terminal.terminal_id)
    except GatewayError as error:
        log.warning("report %s of %s: %s", feed, day.date(), error)
        return False
    try:
        core.database.run(lambda session: (keep or store)(session, terminal.terminal_id, found))
    except IntegrityError:
        log.info("report %s of %s: another worker has just stored its rows", feed, day.date())
        return False
    return True


def last_read(session: Session, terminal_id: str, feed: str, day: datetime) -> datetime | None:
    """When this day of the feed was read whole for the last time."""
    return session.scalar(select(func.max(FeedSlice.read_at)).where(
        FeedSlice.terminal_id == terminal_id, FeedSlice.feed == feed, FeedSlice.start_at == day))


def covered_since(session: Session, terminal_id: str, feed: str, *, first: datetime, last: datetime,
                  since: datetime) -> bool:
    """Whether every day from ``first`` to ``last`` was read whole at or after ``since``."""
    day = day_start(first)
    while day <= last:
        read_at = last_read(session, terminal_id, feed, day)
        if read_at is None or read_at < since:
            return False
        day += DAY
    return True


def store(session: Session, terminal_id: str, found: Slice) -> None:
    """Keep the rows that are new and the fact that the slice was read."""
    now = clock.now()
    prints = {fingerprint(row): row for row in found.rows}
    known = set(_known(session, terminal_id, found.feed, prints))
    for key, row in prints.items():
        if key not in known:
            session.add(FeedRow(
                feed=found.feed, terminal_id=terminal_id, fingerprint=key, transaction_id=row.transaction_id[:18],
                request_type=row.request_type[:20], amount_cents=row.amount_cents, fee_cents=row.fee_cents, action_code=row.action_code[:3],
                approval=row.approval[:16], status=row.status[:10], ip_trans_id=row.ip_trans_id[:32], at=row.at,
                order_number=row.order_number[:40], ud2=row.ud2[:40],
                settlement_date=row.settlement_date, read_at=now))
    note_slice(session, terminal_id, found)


def note_slice(session: Session, terminal_id: str, found: Slice) -> None:
    """Keep the fact that the slice was read whole, and how fresh it shows the feed to be."""
    session.add(FeedSlice(feed=found.feed, terminal_id=terminal_id, start_at=found.start, end_at=found.end,
                          records=found.records, read_at=clock.now(),
                          newest_at=_newest_of_ours(session, terminal_id, found.rows)))


def fingerprint(row: Row) -> str:
    """What makes a row the same row when a slice is read again."""
    parts = (row.transaction_id, row.request_type, row.ip_trans_id, str(row.at), str(row.amount_cents), row.action_code,
             row.status, str(row.settlement_date))
    return hashlib.sha256("|".join(parts).encode()).hexdigest()


def _known(session: Session, terminal_id: str, feed: str, prints: Iterable[str]) -> Iterable[str]:
    wanted = list(prints)
    for start in range(0, len(wanted), 500):
        yield from session.scalars(select(FeedRow.fingerprint).where(
            FeedRow.terminal_id == terminal_id, FeedRow.feed == feed,
            FeedRow.fingerprint.in_(wanted[start:start + 500])))


def _newest_of_ours(session: Session, terminal_id: str, rows: Iterable[Row]) -> datetime | None:
    """When we sent the newest attempt that the slice shows: by our own clock, never by the report's."""
    ids = [row.transaction_id for row in rows]
    newest = None
    for start in range(0, len(ids), 500):
        moment = session.scalar(select(func.max(Attempt.sending_at)).where(
            Attempt.terminal_id == terminal_id, Attempt.transaction_id.in_(ids[start:start + 500])))
        newest = max(filter(None, (newest, moment)), default=None)
    return newest


def freshest(session: Session, terminal_id: str, feed: str, since: datetime) -> datetime | None:
    """The sending time of our newest attempt shown by any slice read at or after ``since``."""
    return session.scalar(select(func.max(FeedSlice.newest_at)).where(
        FeedSlice.terminal_id == terminal_id, FeedSlice.feed == feed, FeedSlice.read_at >= since))


def rows_of(session: Session, attempt: Attempt, feed: str) -> list[FeedRow]:
    """What a feed says under an attempt's id, oldest first."""
    return list(session.scalars(select(FeedRow).where(
        FeedRow.transaction_id == attempt.transaction_id, FeedRow.feed == feed,
        FeedRow.terminal_id == attempt.terminal_id).order_by(FeedRow.id)))
