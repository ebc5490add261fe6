"""The statement records staff know. Owns when and what the journal is told.

The journal is for people: a failure here never stops money from being recorded, and never moves any.
"""

from __future__ import annotations

import logging
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, update
from sqlalchemy.orm import Mapped, mapped_column

from splynx_ippay.base import clock
from splynx_ippay.base.db import Row, get_or_add, key_text
from splynx_ippay.base.errors import HostError, HostRejected, HostUnavailable
from splynx_ippay.payments.models import Attempt, Booking, Line, State

if TYPE_CHECKING:
    from datetime import datetime

    from splynx_ippay.payments.core import Core

log = logging.getLogger(__name__)

_AGAIN = timedelta(minutes=10)
_LOST = "lost"  # a record was sent and the answer never came
_LOOK_FOR = timedelta(hours=1)
_GONE = frozenset({400, 404, 422})  # the record was deleted or closed by staff
_one_at_a_time = threading.Lock()
_BY_STATE = {
    State.INTENDED: "new", State.UNKNOWN: "pending", State.ACCEPTED: "pending", State.APPROVED: "pending",
    State.REVIEW: "pending", State.DECLINED: "error", State.RETURNED: "error", State.ABANDONED: "canceled",
    State.VOIDED: "canceled",
}


class StatementGroup(Row):
    """A payment statement of the host (its journal by month or day) and its id there."""

    __tablename__ = "statement_group"

    title: Mapped[str] = mapped_column(key_text(64), primary_key=True)
    splynx_id: Mapped[int]


def wanted_status(line: Line) -> str:
    """What the host's record should say now: new, pending, processed, error or canceled."""
    if line.booking == Booking.POSTED:
        return "processed"
    return _BY_STATE[State(line.attempt.state)]


def group_title(core: Core) -> str:
    """The statement of today: "IPpay 11/2026" or "IPpay 22/11/2026", by the setting."""
    return clock.now().strftime("IPpay %m/%Y" if core.settings.choice("payment_statement_grouping") == "month"
                                else "IPpay %d/%m/%Y")


def _group_id(core: Core) -> int:
    title = group_title(core)
    with core.database.read() as session:
        known = session.get(StatementGroup, title)
    if known is not None:
        return known.splynx_id
    with _one_at_a_time:  # the first charges of a month start together, and one statement is enough
        found = core.host.find_statement(title)
        if found is None:
            found = core.host.create_statement(title)
    row = core.database.run(lambda session: get_or_add(session, StatementGroup(title=title, splynx_id=found), title))
    return row.splynx_id


def open_records(core: Core, attempt: Attempt) -> None:
    """Before sending: one record of status new for each line.

    Raises HostUnavailable (nothing was sent, so the attempt is given up); a refusal is noted and the payment goes on.
    A record whose answer was lost is looked for when the journal is closed, so that none stays "new" for ever.
    """
    for line in attempt.lines:
        try:
            record_id = core.host.post_statement_record(
                _group_id(core), customer_id=attempt.customer_id, amount=line.amount,
                payment_date=clock.now().date(), comment=_comment(line))
        except HostRejected as error:
            log.warning("attempt %s: the statement record was refused: %s", attempt.id, error)
            _set(core, line.id, statement_status="refused")
            # Staff may have deleted the statement: the next attempt looks for it again.
            core.database.run(lambda session: session.execute(delete(StatementGroup)))
            continue
        except HostUnavailable as error:
            if error.sent:
                _set(core, line.id, statement_status=_LOST)
            raise
        _set(core, line.id, statement_record_id=record_id, statement_status="new")


def _set(core: Core, line_id: int, **columns: Any) -> None:
    core.database.run(lambda session: session.execute(update(Line).where(Line.id == line_id).values(**columns)))


def close(core: Core, line_id: int) -> None:
    """Make the host's record say what is true now, if it does not; a failure is tried again later."""
    with core.database.read() as session:
        line = session.get_one(Line, line_id)
    seen, status = line.statement_next_at, wanted_status(line)
    again = None
    if line.statement_status == _LOST:
        again, status = _find_lost(core, line)
    elif line.statement_record_id is not None and status != line.statement_status:
        try:
            core.host.put_statement_record(
                line.statement_record_id, customer_id=line.attempt.customer_id, amount=line.amount,
                payment_date=clock.now().date(), status=status,
                payment_id=line.splynx_payment_id if status == "processed" else None)
        except HostError as error:
            log.warning("line %s: the statement record could not be changed: %s", line_id, error)
            if isinstance(error, HostRejected) and error.status in _GONE:
                status = "refused"
            else:
                again, status = clock.now() + _AGAIN, line.statement_status
    core.database.run(lambda session: session.execute(
        update(Line).where(Line.id == line_id, Line.statement_next_at == seen)
        .values(statement_next_at=again, statement_status=status)))


def _find_lost(core: Core, line: Line) -> tuple[datetime | None, str]:
    """Look for the record whose answer was lost, and keep its id: when to go on with it, and what it shows till then."""
    try:
        found = [record.id for record in core.host.find_statement_records(_group_id(core), line.attempt.customer_id)
                 if record.comment == _comment(line)]
    except HostError as error:
        log.warning("line %s: its statement record could not be looked for: %s", line.id, error)
        return clock.now() + _AGAIN, _LOST
    if found:
        _set(core, line.id, statement_record_id=min(found))
        return clock.now(), "new"
    # It may still be on its way.
    return (clock.now() + _AGAIN, _LOST) if clock.now() < line.attempt.created_at + _LOOK_FOR else (None, "refused")


def _comment(line: Line) -> str:
    """What staff see beside a record, and what finds it again."""
    return f"IPpay {line.field_1}"
