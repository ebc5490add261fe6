"""Cards and bank accounts the gateway knows, by token and by ipTransID. In memory only, as the whole sandbox."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace

_LETTERS = "ABCDEFGHJKLM"  # A to M without I, as in the report samples
_DIGITS = "0123456789"
_KEPT = 4


@dataclass(frozen=True)
class Instrument:
    """A card or a bank account; the repr shows neither."""

    kind: str  # "card" or "bank"
    number: str = field(repr=False)
    brand: str = ""
    exp_month: int = 0
    exp_year: int = 0
    routing: str = field(default="", repr=False)

    def is_expired(self, year: int, month: int) -> bool:
        """Whether a card ended before this month."""
        return self.kind == "card" and (self.exp_year, self.exp_month) < (year, month)

    def is_same(self, other: Instrument) -> bool:
        """The same card or account, whatever the expiry."""
        return (self.kind, self.number, self.routing) == (other.kind, other.number, other.routing)


class Vault:
    """Tokens of all terminals; a token is good at its own terminal only."""

    def __init__(self) -> None:
        self._by_token: dict[tuple[str, str], Instrument] = {}
        self._by_trans: dict[tuple[str, int], Instrument] = {}

    def find(self, terminal_id: str, token: str) -> Instrument | None:
        """What a token stands for at this terminal."""
        return self._by_token.get((terminal_id, token.upper()))

    def keep(self, terminal_id: str, instrument: Instrument) -> str:
        """A fresh token: length, first digit and last four of the number kept, letters and digits between."""
        for extra in (0, 0, 0, 0, 0, 0, 0, 0, 2, 4, 8):
            token = _shape(instrument.number, extra)
            if token != instrument.number and (terminal_id, token) not in self._by_token:
                break
        self._by_token[terminal_id, token] = instrument
        return token

    def redate(self, terminal_id: str, token: str, month: int, year: int) -> bool:
        """Give the card behind a token a new expiry; False for an unknown token."""
        card = self.find(terminal_id, token)
        if card is None:
            return False
        self._by_token[terminal_id, token.upper()] = replace(card, exp_month=month, exp_year=year)
        return True

    def recall(self, terminal_id: str, ip_trans_id: int) -> Instrument | None:
        """The instrument of an earlier transaction of this terminal."""
        return self._by_trans.get((terminal_id, ip_trans_id))

    def remember(self, terminal_id: str, ip_trans_id: int, instrument: Instrument) -> None:
        """Make a transaction's instrument usable through its ipTransID."""
        self._by_trans[terminal_id, ip_trans_id] = instrument

    def tokens_ending(self, last4: str) -> list[tuple[str, str]]:
        """Terminal and token of every token with these last four."""
        return [key for key in self._by_token if key[1].endswith(last4)]


def _shape(number: str, extra: int) -> str:
    """``4000300020001000`` becomes e.g. ``4B3J7E7D7K2A1000``; a short account leaves little room, so it may grow."""
    middle = max(len(number) - _KEPT - 1, 0) + extra
    between = "".join(secrets.choice(_DIGITS if place % 2 else _LETTERS) for place in range(middle))
    return (number[:1] if len(number) > _KEPT else "") + between + number[-_KEPT:]
