"""A transaction as the gateway keeps it, and the request it came from. Values only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from splynx_ippay_sandbox.gateway.vault import Instrument

CARD_TYPES = frozenset(
    {"SALE", "AUTHONLY", "CAPT", "FORCE", "VOID", "CREDIT", "REVERSEAUTH", "INCREMENTAL", "PARTIALREVERSAL"}
)
BANK_TYPES = frozenset({"CHECK", "REVERSAL", "VOIDACH"})
# Types that open a TransactionID of their own; the others follow up on one.
OPENING = frozenset({"SALE", "AUTHONLY", "FORCE", "CREDIT", "CHECK", "REVERSAL"})
SETTLING = frozenset({"SALE", "CAPT", "FORCE", "CREDIT", "CHECK", "REVERSAL"})


@dataclass
class Deal:
    """One request that reached the books: booked, or declined and kept for the record."""

    transaction_id: str
    type: str
    terminal_id: str
    at: datetime
    amount_cents: int
    action_code: str
    state: str  # booked | declined | void | settled | returned
    ip_trans_id: int
    approval: str = ""
    response_text: str = ""
    err_msg: str = ""
    instrument: Instrument | None = field(default=None, repr=False)
    token: str = field(default="", repr=False)
    reply: dict[str, str] = field(default_factory=dict, repr=False)
    # What the request said, by element name, card number and CVV left out; the reports show it again.
    said: dict[str, str] = field(default_factory=dict, repr=False)
    ach: dict[str, str] = field(default_factory=dict, repr=False)
    captured: bool = False
    settled_at: datetime | None = None
    returned_at: datetime | None = None
    return_code: str = ""
    presented_at: datetime | None = None  # when it was presented again, if it was
    round: int = 0  # counts presentments, so that an old settlement date cannot settle a new presentment

    @property
    def is_card(self) -> bool:
        """Whether it belongs to the card feeds."""
        return self.type in CARD_TYPES

    @property
    def is_live(self) -> bool:
        """Booked and neither taken back nor declined."""
        return self.state in {"booked", "settled"}

    def as_json(self) -> dict[str, Any]:
        """As the ledger shows it; of card, account and token only the last four."""
        number = self.instrument.number if self.instrument else ""
        return {
            "transaction_id": self.transaction_id,
            "type": self.type,
            "terminal_id": self.terminal_id,
            "amount_cents": self.amount_cents,
            "action_code": self.action_code,
            "approval": self.approval,
            "ip_trans_id": str(self.ip_trans_id),
            "state": self.state,
            "at": self.at.isoformat(),
            "order_number": self.said.get("OrderNumber", ""),
            **{f"ud{place}": self.said.get(f"UDField{place}", "") for place in (1, 2, 3)},
            "token_last4": self.token[-4:] if self.token else "",
            "last4": number[-4:],
            "brand": self.instrument.brand if self.instrument else "",
            "origin": self.said.get("Origin", ""),
            "sec": self.ach.get("SEC", ""),
            "account_kind": self.ach.get("Type", ""),
            "check_number": self.ach.get("CheckNumber", ""),
            "captured": self.captured,
            "response_text": self.response_text,
            "return_code": self.return_code,
            "settled_at": self.settled_at.isoformat() if self.settled_at else None,
            "returned_at": self.returned_at.isoformat() if self.returned_at else None,
        }


@dataclass(frozen=True)
class TokenMade:
    """One row of the token feed."""

    at: datetime
    terminal_id: str
    ip_trans_id: int
    token: str = field(repr=False)
    instrument: Instrument = field(repr=False)


@dataclass(frozen=True)
class Settled:
    """One row of a settlement feed."""

    at: datetime
    deal: Deal


@dataclass(frozen=True)
class Rejected:
    """One row of the reject feed: a return (R-code) or a notification of change (C-code)."""

    at: datetime
    deal: Deal
    code: str


@dataclass(frozen=True)
class Chargeback:
    """One row of the chargeback feed."""

    at: datetime
    deal: Deal
    reason: str
    case_number: str


@dataclass(frozen=True)
class CardUpdate:
    """One row of the account updater, by the letters of Visa's: A new number, E new expiry, V valid, C closed, Q ask the cardholder."""

    at: datetime
    terminal_id: str
    response_code: str
    old: Instrument = field(repr=False)
    new: Instrument = field(repr=False)
    old_token: str = field(repr=False)
    new_token: str = field(repr=False)
    customer_id: str = ""
    pending: bool = False
