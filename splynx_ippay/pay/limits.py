"""How often links may be opened and paid. Owns the numbers and what is counted; the counts live in the database.

Nobody is logged in here, so what is counted is the link's target, the visitor's network and the whole installation:
the first against guessing at one document, the second against walking through numbers or testing cards, the third
against many networks at once.
"""

from __future__ import annotations

import hashlib
import ipaddress
from datetime import timedelta
from typing import TYPE_CHECKING

from flask import request
from werkzeug.exceptions import TooManyRequests

from splynx_ippay.payments import limits

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from splynx_ippay.payments.core import Core

WINDOW = timedelta(hours=1)
# (target, network, installation) in an hour. A household opens a link a few times; an office behind one address, more.
OPENINGS = (30, 60, 3000)
PAYMENTS = (8, 20, 600)
# A code in a million has five tries each: so few codes an hour keep guessing hopeless, and mailboxes quiet.
CODES = (3, 10, 200)
CODE_CHECKS = (15, 40, 1000)


def count_opening(core: Core, target: str) -> None:
    """Count a press of Continue. Raises TooManyRequests, and then counts nothing more."""
    _count(core, "open", target, OPENINGS)


def count_payment(core: Core, target: str) -> None:
    """Count a press of Pay. Raises TooManyRequests, and then counts nothing more."""
    _count(core, "pay", target, PAYMENTS)


def count_code(core: Core, target: str) -> None:
    """Count a code that is asked for. Raises TooManyRequests, and then counts nothing more."""
    _count(core, "code", target, CODES)


def count_code_check(core: Core, target: str) -> None:
    """Count a code that is typed. Raises TooManyRequests, and then counts nothing more."""
    _count(core, "check", target, CODE_CHECKS)


def network_of(address: str) -> str:
    """The visitor's network: /24 of IPv4, /64 of IPv6, as providers hand them out; "unknown" for anything else."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(known, ipaddress.IPv6Address) and known.ipv4_mapped is not None:
        known = known.ipv4_mapped
    return str(ipaddress.ip_network((known, 24 if known.version == 4 else 64), strict=False))  # noqa: PLR2004 - IP versions


def _count(core: Core, what: str, target: str, most: tuple[int, int, int]) -> None:
    digest = hashlib.sha256(target.encode()).hexdigest()[:40]
    buckets = (f"link:{what}:target:{digest}", f"link:{what}:net:{network_of(request.remote_addr or '')}", f"link:{what}:all")

    def _hit(session: Session) -> bool:
        if any(limits.count(session, bucket, WINDOW) >= limit for bucket, limit in zip(buckets, most, strict=True)):
            return False
        for bucket in buckets:
            limits.hit(session, bucket)
        return True

    if not core.database.run(_hit):
        raise TooManyRequests
