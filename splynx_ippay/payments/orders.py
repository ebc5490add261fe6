"""What a door asks the core to do: an order, and how it is to be paid. Values only; nothing here acts."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import Session

    from splynx_ippay.base.money import Money
    from splynx_ippay.ippay.messages import BankAccount, Card
    from splynx_ippay.payments.models import Door

Document = Literal["invoice", "proforma", "topup", "balance"]


@dataclass(frozen=True)
class Item:
    """One debt and the amount the person agreed to pay on it: all that is due, or with ``is_part`` knowingly less.

    ``also`` are further keys the debt is known by; the core finds them itself.
    """

    document: Document
    document_id: int | None
    number: str
    amount: Money
    is_part: bool = False
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class Consent:
    """What the payer agreed to when saving a method or authorising a debit, and from where."""

    version: str
    text: str
    address: str


@dataclass(frozen=True)
class SavedMethod:
    """Pay with a saved card or bank account."""

    method_id: int


@dataclass(frozen=True)
class NewCard:
    """Pay with card details just typed; ``save`` keeps them, with the consent given."""

    card: Card = field(repr=False)
    save: bool = False
    consent: Consent | None = None


@dataclass(frozen=True)
class NewBank:
    """Pay with bank details just typed; the authorisation is always needed."""

    account: BankAccount = field(repr=False)
    consent: Consent
    save: bool = False


Source = SavedMethod | NewCard | NewBank


@dataclass(frozen=True)
class Order:
    """One wish to move money. ``submission_key`` is used once, for ever; a replay shows the first attempt.

    ``in_intent`` runs inside the transaction that commits the intent, with the attempt's id; raising there rolls
    everything back (a run takes its item with it).
    """

    door: Door
    customer_id: int
    partner_id: int
    items: tuple[Item, ...]
    source: Source
    submission_key: str
    actor: str
    address: str = ""
    # What the payer was shown as the fee if it is a card that pays; a bank debit never carries one (payments/fees.py).
    card_fee: Money | None = None
    origin: Literal["INTERNET", "RECURRING"] = "INTERNET"
    in_intent: Callable[[Session, int], None] | None = None

    def __post_init__(self) -> None:
        """A balance is charged alone: every other debt of the customer may be part of it."""
        if len(self.items) > 1 and any(item.document == "balance" for item in self.items):
            raise ValueError("a balance is charged alone")


    @property
    def amount(self) -> Money:
        """The sum of the items, without a fee. ValueError when there are none or currencies differ."""
        first, *others = (item.amount for item in self.items)
        return sum(others, first)


def new_submission_key() -> str:
    """A key for one money form."""
    return secrets.token_urlsafe(24)
