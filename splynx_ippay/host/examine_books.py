"""How the checks of the books look: quarantine, disagreements found at night, foreign sales, what waits for people, the card fee.

Reads only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from splynx_ippay.payments import findings, mark, waiting
from splynx_ippay.payments.fees import CardFee

if TYPE_CHECKING:
    from splynx_ippay.host.examine import Found
    from splynx_ippay.host.subject import Subject

_SHOWN = 3


def quarantine(subject: Subject) -> Found:
    """The database is not an older copy."""
    reason = mark.why(subject.core)
    return {"detail": reason} if reason else None


def books(subject: Subject) -> Found:
    """The nightly look found keys, states and history to agree."""
    return _open(subject, findings.BOOKS, findings.HISTORY)


def decisions(subject: Subject) -> Found:
    """Nothing has waited for a person for more than a day (N-1: unknown for more than 24 hours = 0)."""
    with subject.database.read() as session:
        rows = waiting.overdue(session)
    if not rows:
        return None
    words = "; ".join(f"{one.attempt.transaction_id} ({(one.line or one.attempt).amount}): {one.why}" for one in rows[:_SHOWN])
    return {"detail": words + (f"; and {len(rows) - _SHOWN} more" if len(rows) > _SHOWN else "")}


def foreign_sales(subject: Subject) -> Found:
    """Nothing but the add-on sells on our terminals."""
    return _open(subject, findings.FOREIGN, findings.LOST)


def _open(subject: Subject, *kinds: str) -> Found:
    with subject.database.read() as session:
        rows = findings.open_of(session, *kinds)
    if not rows:
        return None
    words = "; ".join(row.words for row in rows[:_SHOWN])
    more = f"; and {len(rows) - _SHOWN} more" if len(rows) > _SHOWN else ""
    return {"detail": words + more, "subject": rows[0].subject}


def card_fee(subject: Subject) -> Found:
    """While a fee is taken its rule can be read and its category is one of the host's."""
    settings = subject.settings
    if not CardFee.of(settings, "USD").is_on:
        return None
    category = settings.integer("card_fee_category")
    known = {found.id for found in subject.host.transaction_categories()}
    return None if category in known else {"detail": f"Splynx has no transaction category {category}"}
