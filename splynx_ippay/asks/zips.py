"""Asking for the ZIP code of saved cards: one mail a customer, however many cards lack it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from splynx_ippay import credentials
from splynx_ippay.asks import book
from splynx_ippay.asks.debts import address_of
from splynx_ippay.asks.models import Ask
from splynx_ippay.base import clock

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy.orm import Session

    from splynx_ippay.credentials import Method
    from splynx_ippay.payments.core import Core
    from splynx_ippay.splynx.resources import Customer

KIND = "ask_zip"


@dataclass(frozen=True)
class ZipCandidate:
    """A customer with cards that lack the ZIP code, and why there is no mail (a key of WHY_NOT, "": there is)."""

    customer_id: int
    customer: Customer | None
    cards: tuple[Method, ...]
    why_not: str
    last: Ask | None

    @property
    def address(self) -> str:
        """Where the mail goes."""
        return address_of(self.customer) if self.customer else ""


def target_of(customer_id: int) -> str:
    """The question as asks name it: ``zip:12``."""
    return f"zip:{customer_id}"


def was_asked(session: Session, customer_id: int) -> bool:
    """Whether the customer was ever asked, so that the portal shows where to type it."""
    return target_of(customer_id) in book.last_asks(session, [target_of(customer_id)])


def examine(core: Core, customer_ids: Collection[int] | None, *, partner_id: int | None, most: int) -> list[ZipCandidate]:
    """Judge these customers, None: all on the list; at most so many.

    Raises HostUnavailable, HostRejected, ConfigError: then nobody can be asked.
    """
    with core.database.read() as session:
        cards = credentials.cards_without_postal_code(session, environment=core.settings.choice("environment"), partner_id=partner_id)
        by_customer = {customer_id: tuple(own) for customer_id, own in groupby(cards, key=lambda card: card.customer_id)}
        wanted = sorted(by_customer if customer_ids is None else customer_ids)[:most]
        last = book.last_asks(session, [target_of(customer_id) for customer_id in wanted])
    people = core.host.customers(wanted)
    return [_judge(customer_id, people.get(customer_id), by_customer.get(customer_id, ()), last.get(target_of(customer_id)))
            for customer_id in wanted]


def ask(core: Core, customer_ids: Collection[int], *, partner_id: int | None, by: str) -> list[ZipCandidate]:
    """Owe a mail to everybody who can be asked; returns those asked. Raises what ``examine`` raises."""
    ready = [one for one in examine(core, customer_ids, partner_id=partner_id, most=len(customer_ids)) if not one.why_not]

    def work(session: Session) -> list[ZipCandidate]:
        last = book.last_asks(session, [target_of(one.customer_id) for one in ready])
        asked = [one for one in ready if not book.is_pausing(last.get(target_of(one.customer_id)))]
        for one in asked:
            target = target_of(one.customer_id)
            book.write(session, Ask(target=target, stage=book.next_stage(last.get(target)), why="zip", asked_at=clock.now(),
                                    customer_id=one.customer_id, asked_by=by[:80]), kind=KIND, values=values_of(one))
        return asked

    return book.insist(core, work) if ready else []


def values_of(candidate: ZipCandidate) -> dict[str, object]:
    """What the mail says: the cards, as their owner knows them."""
    return {"cards": [{"id": card.id, "brand": card.brand, "last_four": card.last_four} for card in candidate.cards if not card.is_expired()]}


def _judge(customer_id: int, customer: Customer | None, cards: tuple[Method, ...], last: Ask | None) -> ZipCandidate:
    objections = (
        ("gone", customer is None), ("has_zip", not cards), ("expired", all(card.is_expired() for card in cards)),
        ("asked", book.is_pausing(last)), ("no_address", customer is not None and not address_of(customer)),
    )
    return ZipCandidate(customer_id, customer, cards, next((name for name, is_so in objections if is_so), ""), last)
