"""How the check of the mails looks: whether what customers are owed goes out. Reads only."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from splynx_ippay.base import clock
from splynx_ippay.letters import history
from splynx_ippay.letters.kinds import REASONS

if TYPE_CHECKING:
    from splynx_ippay.host.examine import Found
    from splynx_ippay.host.subject import Subject

_LATELY = timedelta(hours=24)


def mails(subject: Subject) -> Found:
    """No mail of the last day failed, or waits, for a reason that is ours to mend."""
    with subject.database.read() as session:
        counts = history.troubles(session, clock.now() - _LATELY)
    if not counts:
        return None
    return {"detail": "; ".join(f"{count}x {REASONS.get(reason, reason)}" for reason, count in sorted(counts.items()))}
