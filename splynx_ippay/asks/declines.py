"""Mails after a Charge: whoever could not be charged is asked for another card or account, by itself.

Once for each debt and kind of refusal, never for a retry of the same kind. Nobody gets one who saw the refusal on a page
(that failure is the newest then), nor for a fault of our set-up.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select

from splynx_ippay import notifications
from splynx_ippay.asks import book, debts, failures
from splynx_ippay.asks.models import Ask
from splynx_ippay.base import clock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from splynx_ippay.asks.failures import Failure
    from splynx_ippay.payments.core import Core

_NEWS = timedelta(days=2)  # shorter than the pause: what was left out because somebody just asked is not asked later
_MOST = 500  # at one tick


def tick(core: Core) -> int:
    """Owe the mails; returns how many. Raises HostUnavailable, HostRejected, ConfigError: then the next tick does."""
    if not core.settings.flag("mail_declines") or not notifications.can_send(core.settings):
        return 0
    with core.database.read() as session:
        found = failures.of_runs(session, since=clock.now() - _NEWS, limit=_MOST)
        fresh = _not_asked_for(session, found)
    return len(debts.ask(core, fresh, by=""))


def _not_asked_for(session: Session, found: Sequence[Failure]) -> list[Failure]:
    """Without debts asked for because of the same kind of refusal, those asked for a moment ago, and faults of ours."""
    targets = [debts.target_of(failure) for failure in found]
    asked = set(session.execute(select(Ask.target, Ask.why).where(Ask.target.in_(targets))).tuples())
    last = book.last_asks(session, targets)
    return [failure for failure, target in zip(found, targets, strict=True)
            if (why := debts.why_of(failure)) != "configuration" and (target, why) not in asked
            and not book.is_pausing(last.get(target))]
