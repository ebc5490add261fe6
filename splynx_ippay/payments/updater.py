"""IPpay's account updater, read once a day: what the banks of saved cards told. Owns which days are read.

What changes is decided by credentials. Rows are applied in the transaction that notes the day as read, and never kept:
they hold tokens. Only the feed of answers is read; the other one ("pending") lists questions that have none yet.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from splynx_ippay import credentials
from splynx_ippay.base import clock
from splynx_ippay.credentials import Method
from splynx_ippay.payments import feeds
from splynx_ippay.payments.feed_models import FeedSlice

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from splynx_ippay.base.settings import TerminalSettings
    from splynx_ippay.ippay.report import Feed, Row, Slice
    from splynx_ippay.payments.core import Core

log = logging.getLogger(__name__)

FEED: Feed = "getAccountUpdaterActivity"
FIRST_LOOK = timedelta(days=30)
# A worker that stood still for longer than this asks for no more than it.
LONGEST_LOOK = timedelta(days=90)
_EVERY = timedelta(hours=12)


def tick(core: Core) -> int:
    """Read the days that may hold news for every terminal with saved cards; how many cards were changed."""
    return sum(_read(core, terminal) for terminal in core.settings.terminals().values())


def _read(core: Core, terminal: TerminalSettings) -> int:
    with core.database.read() as session:
        has_cards = session.scalar(select(Method.id).where(
            Method.terminal_id == terminal.terminal_id, Method.environment == terminal.environment,
            Method.instrument == "card", Method.status == "active").limit(1))
        day = feeds.day_start(_since(session, terminal.terminal_id))
    reports = core.reports(terminal)
    if not has_cards or reports is None:
        return 0
    changed: dict[datetime, int] = {}  # by day: a transaction that is repeated counts once
    while day <= clock.now():
        if not feeds.read_day(core, reports, terminal, FEED, day=day, every=_EVERY,
                              keep=partial(_keep, core=core, terminal=terminal, changed=changed)):
            break  # a terminal without this service answers no day of it
        day += feeds.DAY
    count = sum(changed.values())
    if count:
        log.info("terminal %s: %s saved card(s) changed by the account updater", terminal.terminal_id, count)
    return count


def _since(session: Session, terminal_id: str) -> datetime:
    """From where to read: days overlap, since a report may still grow, and none is left out after a pause."""
    now = clock.now()
    newest = session.scalar(select(func.max(FeedSlice.start_at)).where(
        FeedSlice.terminal_id == terminal_id, FeedSlice.feed == FEED))
    return now - FIRST_LOOK if newest is None else max(now - LONGEST_LOOK, min(newest, now) - feeds.OVERLAP)


def _keep(session: Session, _terminal_id: str, found: Slice, *, core: Core, terminal: TerminalSettings,
          changed: dict[datetime, int]) -> None:
    """Note the day and apply its rows, oldest first, again while one made way for another."""
    feeds.note_slice(session, terminal.terminal_id, found)
    news = sorted((_news(row, terminal, found) for row in found.rows
                   if row.old_token and row.terminal_id in {"", terminal.terminal_id}), key=lambda one: one.at)
    count = 0
    while step := sum(credentials.apply(session, core.box, one) for one in news):
        count += step
    changed[found.start] = count


def _news(row: Row, terminal: TerminalSettings, found: Slice) -> credentials.News:
    """A row as news; without a date of its own it counts as told at the end of its day."""
    return credentials.News(
        terminal_id=terminal.terminal_id, environment=terminal.environment, code=row.status.upper(), at=row.at or found.end,
        old_token=row.old_token, new_token=row.token, masked=row.masked, expiry=row.expiry)
