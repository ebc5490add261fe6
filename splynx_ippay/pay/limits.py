"""How often links may be opened and paid. Owns the numbers and what is counted; the counts live in the database.

Nobody is logged in here, so what is counted is the link's target, the visitor's network and the whole installation:
the first against guessing at one document, the second against walking through numbers, the third against many networks
at once. Behind one address of a mobile carrier, or of the provider itself, stand many people who pay: whoever pays gives
the opening back, mistakes in a form count for the document alone, and a signed link is never counted by network.
Declined cards are counted by network in ``payments.limits``.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING

from flask import request
from werkzeug.exceptions import TooManyRequests

from splynx_ippay.payments import limits
from splynx_ippay.payments.limits import network_of

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from splynx_ippay.payments.core import Core

WINDOW = timedelta(hours=1)
# (target, network, installation) in an hour.
OPENINGS = (30, 240, 3000)
# Of presses that led to nothing: declines and forms with mistakes; nobody guesses a signed link.
PAYMENTS = (8, None, 600)
PAYMENTS_SIGNED = (8, None, 3000)
# A code in a million has five tries each: so few codes an hour keep guessing hopeless, and mailboxes quiet.
CODES = (3, 30, 600)
MAILS = 5  # an hour to one customer, however many documents are asked about
CODE_CHECKS = (15, 120, 1000)


def count_opening(core: Core, target: str) -> None:
    """Count a press of Continue. Raises TooManyRequests, and then counts nothing more."""
    _count(core, "open", target, OPENINGS)


def count_payment(core: Core, target: str, *, guessable: bool) -> list[int]:
    """Count a press of Pay before it is made, and say what was counted. Raises TooManyRequests, and then counts nothing more.

    What strangers do on links that can be guessed never stops who holds a signed one.
    """
    if guessable:
        return _count(core, "pay", target, PAYMENTS, crowd="guessed")
    return _count(core, "pay", target, PAYMENTS_SIGNED, crowd="signed")


def forgive(core: Core, counted: list[int]) -> None:
    """Take back what was counted for a press that was no failure: an office behind one address pays many invoices."""
    core.database.run(lambda session: limits.take_back(session, counted))


def give_opening_back(core: Core) -> None:
    """Count an opening less for this visitor's network: somebody of it has paid."""
    core.database.run(lambda session: limits.take_back_newest(session, f"link:open:net:{_network()}"))


def count_code(core: Core, target: str) -> None:
    """Count a code that is asked for. Raises TooManyRequests, and then counts nothing more."""
    _count(core, "code", target, CODES)


def count_mail(core: Core, customer_id: int) -> bool:
    """Count a mail to a customer; False when there were enough of them."""
    bucket = f"link:mail:{customer_id}"

    def _hit(session: Session) -> bool:
        if limits.count(session, bucket, WINDOW) >= MAILS:
            return False
        limits.hit(session, bucket)
        return True

    return core.database.run(_hit)


def count_code_check(core: Core, target: str) -> None:
    """Count a code that is typed. Raises TooManyRequests, and then counts nothing more."""
    _count(core, "check", target, CODE_CHECKS)


def _network() -> str:
    return network_of(request.remote_addr or "")


def _count(core: Core, what: str, target: str, most: tuple[int, int | None, int], crowd: str = "all") -> list[int]:
    digest = hashlib.sha256(target.encode()).hexdigest()[:40]
    names = (f"link:{what}:target:{digest}", f"link:{what}:net:{_network()}", f"link:{what}:{crowd}")
    buckets = {name: limit for name, limit in zip(names, most, strict=True) if limit is not None}

    def _hit(session: Session) -> list[int]:
        if any(limits.count(session, bucket, WINDOW) >= limit for bucket, limit in buckets.items()):
            return []
        return [limits.hit(session, bucket) for bucket in buckets]

    counted = core.database.run(_hit)
    if not counted:
        raise TooManyRequests
    return counted
