"""The book of asks: what was asked last, when it may be asked again, and writing an ask together with its mail."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from splynx_ippay import notifications
from splynx_ippay.asks.models import Ask
from splynx_ippay.base import clock
from splynx_ippay.base.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from sqlalchemy.orm import Session

    from splynx_ippay.credentials import Method
    from splynx_ippay.payments.core import Core

_T = TypeVar("_T")

PAUSE = timedelta(days=3)  # before the same thing may be asked again


def last_asks(session: Session, targets: Collection[str]) -> dict[str, Ask]:
    """The newest ask about each of these, one query."""
    return {ask.target: ask for ask in session.scalars(select(Ask).where(Ask.target.in_(targets)).order_by(Ask.id))}


def is_pausing(ask: Ask | None) -> bool:
    """Whether it was asked so lately that it must not be asked again yet."""
    return ask is not None and ask.asked_at > clock.now() - PAUSE


def next_stage(last: Ask | None) -> str:
    """The number after that of the newest ask."""
    return str(int(last.stage) + 1 if last is not None else 1)


def write(session: Session, ask: Ask, *, kind: str, values: dict[str, Any]) -> None:
    """Write an ask and owe its mail, in the caller's transaction. Raises IntegrityError where somebody just did."""
    session.add(ask)
    session.flush()
    notifications.enqueue(session, kind=kind, key=f"{ask.target}/{ask.stage}", customer_id=ask.customer_id,
                          attempt_id=ask.attempt_id, values=values)


def insist(core: Core, work: Callable[[Session], _T]) -> _T:
    """Run a transaction that writes asks; where another one was first, once more: now its rows are there to be read."""
    try:
        return core.database.run(work)
    except IntegrityError:
        return core.database.run(work)


def is_in_place(core: Core, method: Method) -> bool:
    """Whether a saved method belongs to the terminal that would charge it today."""
    try:
        terminal = core.settings.terminal(method.partner_id)
    except ConfigError:
        return False
    return (method.terminal_id, method.environment) == (terminal.terminal_id, terminal.environment)
