"""Everything the gateway knows: terminals, switches for unknown facts, the vault and the books.

The books are the oracle of every test: a sale, void, credit or check is booked exactly if it stands here as such.
Rules of the transaction types are in ``rules``, dates in ``settlement``, feeds in ``report``.
"""

from __future__ import annotations

import itertools
import secrets
from typing import TYPE_CHECKING, Any

from splynx_ippay_sandbox.gateway.deals import OPENING
from splynx_ippay_sandbox.gateway.settlement import Settlement
from splynx_ippay_sandbox.gateway.vault import Vault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from splynx_ippay_sandbox.gateway.deals import CardUpdate, Chargeback, Deal, TokenMade
    from splynx_ippay_sandbox.world import World

TERMINALS = {"TESTTERMINAL": "Default", "NORTHTERM01": "North"}
REPORT_LOGINS = {
    "TESTREPORT": {"password": "report-test-1", "terminals": ("TESTTERMINAL",)},
    "NORTHREPORT": {"password": "report-north-2", "terminals": ("NORTHTERM01",)},
}
# One switch for each fact nobody could look up (protocol section 18); the default is the safest assumption there.
SWITCHES: dict[str, Any] = {
    "duplicate": "900",  # a TransactionID used again: "900" error, "094" decline, "replay" the first answer
    "enq": True,  # whether ENQ is a valid transaction type
    "enq_amount": True,  # whether an ENQ answer shows TotalAmount
    "ip_trans_id": True,  # whether answers carry ipTransID
    "additional_info": "",  # put into the answer of the next CHECK, then forgotten
    "additional_info_books": False,  # whether such a CHECK is booked all the same
    "reverseauth": False,  # whether REVERSEAUTH is a valid transaction type
    "voidach": False,  # whether VOIDACH still is
    "hotel": False,  # whether INCREMENTAL and PARTIALREVERSAL are
    "penny_triggers": True,  # whether the cents of a SALE or AUTHONLY pick the answer
    "blocked": "",  # the caller's address is not on the whitelist: "403" or "reset"
    "settle_before_return": True,  # whether a debit that comes back was in the settlement feed first
    "passwords": {},  # pre-arranged passwords by terminal
    "report_max_hours": 25,  # the longest window a report takes (24 h and the autumn's extra hour)
}
_CHOICES = {"duplicate": ("900", "094", "replay"), "blocked": ("", "403", "reset")}
_SCRIPT_FIELDS = frozenset(
    {"type", "action_code", "response_text", "err_msg", "additional_info", "times", "booked", "amount_cents"}
)


class GatewayState:
    """The gateway's part of the world; call everything under ``world.lock``."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.reset(world.seed)

    def reset(self, seed: str) -> None:  # noqa: ARG002 - the gateway starts empty whatever the host holds
        """Forget every transaction, token, switch and script."""
        self.switches: dict[str, Any] = {**SWITCHES, "passwords": {}}
        self.vault = Vault()
        self.deals: list[Deal] = []
        self.refusals: list[dict[str, Any]] = []
        self.tokens: list[TokenMade] = []
        self.chargebacks: list[Chargeback] = []
        self.updates: list[CardUpdate] = []
        self.settlement = Settlement(self)
        self._scripts: list[dict[str, Any]] = []
        self._by_id: dict[tuple[str, str], list[Deal]] = {}
        self._trans_ids = itertools.count(20_150_000_000 + secrets.randbelow(1_000_000))
        self._last_made_id = ""

    def ready(self) -> dict[str, Any]:
        """Terminals and reporting logins for the ready line."""
        terminals = [
            {"terminal_id": terminal, "report_login": login, "report_password": row["password"]}
            for login, row in REPORT_LOGINS.items()
            for terminal in row["terminals"]
        ]
        return {**terminals[0], "terminals": terminals}

    def tick(self) -> None:
        """Settle and return what is due."""
        self.settlement.tick()

    def ledger(self) -> dict[str, Any]:
        """The books as JSON values."""
        return {
            "transactions": [deal.as_json() for deal in self.deals],
            "refusals": list(self.refusals),
            "tokens": [
                {"token_last4": row.token[-4:], "kind": row.instrument.kind, "terminal_id": row.terminal_id,
                 "ip_trans_id": str(row.ip_trans_id), "at": row.at.isoformat()}
                for row in self.tokens
            ],
            "rejects": [
                {"transaction_id": row.deal.transaction_id, "code": row.code, "at": row.at.isoformat()}
                for row in self.settlement.rejected
            ],
            "chargebacks": [
                {"transaction_id": row.deal.transaction_id, "reason": row.reason, "at": row.at.isoformat()}
                for row in self.chargebacks
            ],
        }  # fmt: skip

    def add(self, deal: Deal) -> None:
        """Write a transaction into the books."""
        self.deals.append(deal)
        self._by_id.setdefault((deal.terminal_id, deal.transaction_id.upper()), []).append(deal)
        if deal.instrument is not None:
            self.vault.remember(deal.terminal_id, deal.ip_trans_id, deal.instrument)
        if deal.state == "booked":
            self.settlement.expect(deal)

    def under(self, terminal_id: str, transaction_id: str) -> list[Deal]:
        """Every transaction of a terminal under this id, oldest first; ids do not differ by case."""
        return self._by_id.get((terminal_id, transaction_id.upper()), [])

    def get_deal(self, transaction_id: str) -> Deal:
        """The newest opening transaction with this id on any terminal; raises LookupError."""
        wanted = transaction_id.upper()
        for deal in reversed(self.deals):
            if deal.transaction_id.upper() == wanted and deal.type in OPENING:
                return deal
        raise LookupError(f"no transaction {transaction_id}")

    def next_trans_id(self) -> int:
        """A fresh ipTransID."""
        return next(self._trans_ids)

    def make_transaction_id(self) -> str:
        """A TransactionID as the gateway makes them: a letter for the node and 17 digits of UTC time."""
        while True:
            stamp = self.world.clock.now().strftime("%Y%m%d%H%M%S%f")[:17]
            fresh = secrets.choice("ABDEFG") + stamp
            if fresh > self._last_made_id or stamp != self._last_made_id[1:]:
                self._last_made_id = fresh
                return fresh

    def script_answer(self, wish: Mapping[str, Any]) -> dict[str, Any]:
        """Say what the next calls of a type are answered, booked or not; raises ValueError for unknown fields."""
        if not wish.get("action_code") or set(wish) - _SCRIPT_FIELDS:
            raise ValueError(f"action_code is needed; known are {', '.join(sorted(_SCRIPT_FIELDS))}")
        script = {"type": "SALE", "times": 1, "booked": wish["action_code"] == "000", **wish}
        self._scripts.append(script)
        return dict(script)

    def take_script(self, kind: str) -> dict[str, Any] | None:
        """The scripted answer for a call of this type, used up by one."""
        for script in self._scripts:
            if script["type"] == kind:
                script["times"] -= 1
                if script["times"] <= 0:
                    self._scripts.remove(script)
                return script
        return None

    def set_switches(self, wish: Mapping[str, Any]) -> dict[str, Any]:
        """Turn switches and tell all; raises ValueError for an unknown one or a value of another kind."""
        for name, value in wish.items():
            if name not in SWITCHES or not isinstance(value, type(SWITCHES[name])):
                raise ValueError(f"{name} is no switch, or its value is not a {type(SWITCHES.get(name)).__name__}")
            if name in _CHOICES and value not in _CHOICES[name]:
                raise ValueError(f"{name} is one of {', '.join(map(repr, _CHOICES[name]))}")
        self.switches.update(wish)
        return dict(self.switches)

    def order_return(self, wish: Mapping[str, Any]) -> dict[str, Any]:
        """Order a bank return: {"transaction_id", "code", "days": banking days after acceptance, default 2}."""
        return self.settlement.order_return(
            self.get_deal(str(wish["transaction_id"])), str(wish.get("code", "R01")), int(wish.get("days", 2))
        )

    def order_representment(self, wish: Mapping[str, Any]) -> dict[str, Any]:
        """Present a returned debit again: {"transaction_id"}."""
        return self.settlement.represent(self.get_deal(str(wish["transaction_id"])))

    def order_chargeback(self, wish: Mapping[str, Any]) -> dict[str, Any]:
        """A cardholder disputes a sale now: {"transaction_id", "reason"}."""
        return self.settlement.charge_back(
            self.get_deal(str(wish["transaction_id"])), str(wish.get("reason", "Fraud - card absent"))
        )

    def auto_void(self, wish: Mapping[str, Any]) -> dict[str, Any]:
        """Void a sale by itself, as it may after a network error [ZAP]: {"transaction_id"}."""
        return self.settlement.auto_void(self.get_deal(str(wish["transaction_id"])))

    def expire(self, wish: Mapping[str, Any]) -> dict[str, Any]:
        """Let every card token with these last four expire last month: {"token_last4"}."""
        return self.settlement.expire(str(wish["token_last4"]))

    def order_update(self, wish: Mapping[str, Any]) -> dict[str, Any]:
        """An account updater row: {"token_last4", "response_code": "A" | "E" | "V" | "C" | "Q", "new_number", "exp", "days_ago", …}."""
        return self.settlement.update_card(wish)
