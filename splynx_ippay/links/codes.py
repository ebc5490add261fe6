"""One-time codes: proof that the holder of an unsigned link reads the mail of the person it is about.

Six digits, ten minutes, five tries. Only a keyed digest is kept. A code is made in the same way whether or not there is
an address to send it to, so that nothing can be learned from asking.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import delete, select, update

from splynx_ippay.base import clock
from splynx_ippay.links.models import OneTimeCode

if TYPE_CHECKING:
    from sqlalchemy import CursorResult
    from sqlalchemy.orm import Session

    from splynx_ippay.base.crypto import KeyBox

VALID_FOR = timedelta(minutes=10)
TRIES = 5
DIGITS = 6
_PURPOSE = "one-time code"
_KEEP = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Issued:
    """A new code and the ticket under which it is checked."""

    ticket: str
    code: str = field(repr=False)


def issue(session: Session, box: KeyBox, target: str) -> Issued:
    """Make a code for a document (``invoice:8812``); one statement."""
    ticket, code = secrets.token_urlsafe(12), f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}"
    session.add(OneTimeCode(ticket=ticket, target=target, digest=box.sign(_PURPOSE, f"{ticket} {code}"),
                            expires_at=clock.now() + VALID_FOR, tries=0))
    return Issued(ticket, code)


def check(session: Session, box: KeyBox, ticket: str, target: str, typed: str) -> bool:
    """Whether the code fits; counts the try first, and a code that fitted fits never again."""
    mine = (OneTimeCode.ticket == ticket[:24], OneTimeCode.target == target)
    counted = session.execute(update(OneTimeCode).where(
        *mine, OneTimeCode.tries < TRIES, OneTimeCode.used_at.is_(None), OneTimeCode.expires_at > clock.now()
    ).values(tries=OneTimeCode.tries + 1))
    if cast("CursorResult[Any]", counted).rowcount != 1:
        return False
    digest = session.scalar(select(OneTimeCode.digest).where(*mine)) or ""
    code = "".join(typed.split())
    if not box.is_signed(_PURPOSE, f"{ticket} {code}", digest):
        return False
    session.execute(update(OneTimeCode).where(*mine).values(used_at=clock.now()))
    return True


def forget_old(session: Session) -> None:
    """Drop codes that have long ended."""
    session.execute(delete(OneTimeCode).where(OneTimeCode.expires_at < clock.now() - _KEEP))
