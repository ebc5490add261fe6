"""What happens to booked transactions with time: settlement, returns, chargebacks, updates, by the sandbox's clock.

Cards settle at the next midnight US Central, bank debits at the midnight that starts the next banking day; a return is
shown two banking days after acceptance unless ordered otherwise.
"""

from __future__ import annotations

import heapq
import itertools
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from splynx_ippay_sandbox.gateway import calendar, codes
from splynx_ippay_sandbox.gateway.deals import (
    BANK_TYPES,
    SETTLING,
    CardUpdate,
    Chargeback,
    Deal,
    Rejected,
    Settled,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from splynx_ippay_sandbox.gateway.state import GatewayState
    from splynx_ippay_sandbox.gateway.vault import Instrument


class Settlement:
    """The gateway's calendar of things to come."""

    def __init__(self, state: GatewayState) -> None:
        self._state = state
        self.settled: list[Settled] = []
        self.rejected: list[Rejected] = []
        self._due: list[tuple[datetime, int, str, Deal, Any]] = []
        self._order = itertools.count()
        self._cases = itertools.count(7_000_001)

    def expect(self, deal: Deal) -> None:
        """Note when a booked transaction will settle."""
        if deal.type in SETTLING:
            bank = deal.type in BANK_TYPES
            start = deal.presented_at or deal.at
            due = calendar.after_banking_days(start, 1) if bank else calendar.next_day(start)
            self._push(due, "settle", deal, deal.round)

    def tick(self) -> None:
        """Do everything that is due by now, in the order of its time."""
        now = self._state.world.clock.now()
        while self._due and self._due[0][0] <= now:
            due, _, what, deal, detail = heapq.heappop(self._due)
            if what == "settle":
                self._settle(deal, due, detail)
            else:
                self._return(deal, due, detail)

    def order_return(self, deal: Deal, code: str, days: int) -> dict[str, Any]:
        """Let a bank debit come back; due at once if its day has passed. Raises ValueError if it cannot."""
        if deal.type not in BANK_TYPES or not deal.is_live:
            raise ValueError("only a booked or settled bank transaction can come back")
        now = self._state.world.clock.now()
        due = max(calendar.after_banking_days(deal.presented_at or deal.at, days), now) if days > 0 else now
        if not self._state.switches["settle_before_return"] and code.startswith("R"):
            deal.round += 1  # the settlement that was noted no longer counts
        self._push(due, "return", deal, code)
        self.tick()
        return {"transaction_id": deal.transaction_id, "code": code, "due": due.isoformat()}

    def represent(self, deal: Deal) -> dict[str, Any]:
        """Present a returned debit once more; raises ValueError if it has not come back."""
        if deal.state != "returned":
            raise ValueError("only a returned debit can be presented again")
        deal.state, deal.return_code, deal.returned_at, deal.settled_at = "booked", "", None, None
        deal.presented_at = self._state.world.clock.now()
        deal.round += 1
        self.expect(deal)
        return {"transaction_id": deal.transaction_id, "state": deal.state}

    def charge_back(self, deal: Deal, reason: str) -> dict[str, Any]:
        """A dispute of a card sale arrives now; raises ValueError for anything but a live card sale."""
        if not deal.is_card or not deal.is_live:
            raise ValueError("only a booked or settled card sale can be disputed")
        row = Chargeback(self._state.world.clock.now(), deal, reason, str(next(self._cases)))
        self._state.chargebacks.append(row)
        return {"transaction_id": deal.transaction_id, "case_number": row.case_number}

    def auto_void(self, deal: Deal) -> dict[str, Any]:
        """The gateway voids a card sale by itself; raises ValueError if there is nothing to void."""
        if not deal.is_card or deal.state != "booked":
            raise ValueError("only a booked card sale can be voided")
        deal.state = "void"
        state = self._state
        state.add(
            replace(deal, type="VOID", at=state.world.clock.now(), state="booked", response_text="VOID PROCESSED",
                    ip_trans_id=state.next_trans_id())
        )
        return {"transaction_id": deal.transaction_id, "state": deal.state}

    def expire(self, last4: str) -> dict[str, Any]:
        """Date matching card tokens back to last month; raises LookupError if there is none."""
        now = self._state.world.clock.now()
        month, year = (now.month - 1, now.year) if now.month > 1 else (12, now.year - 1)
        vault = self._state.vault
        cards = [key for key in vault.tokens_ending(last4) if (found := vault.find(*key)) and found.kind == "card"]
        if not cards:
            raise LookupError(f"no card token ends in {last4}")
        for terminal_id, token in cards:
            vault.redate(terminal_id, token, month, year)
        return {"expired": len(cards)}

    def update_card(self, wish: Mapping[str, Any]) -> dict[str, Any]:
        """Add an account updater row for each matching token; raises LookupError or ValueError.

        A is a new number, E a new expiry, V valid without change, C closed, Q contact the cardholder. A card token stands
        for number and expiry, so A and E make a new one unless ``same_token`` is wished; the new expiry is three years
        later unless ``exp`` ("01/30") says another; ``days_ago`` dates the row back.
        """
        state = self._state
        keys = state.vault.tokens_ending(str(wish["token_last4"]))
        if not keys:
            raise LookupError("no such token")
        code, number = str(wish.get("response_code", "A")), str(wish.get("new_number", ""))
        if code not in {"A", "E", "V", "C", "Q"} or (code == "A") != bool(number):
            raise ValueError("response_code A needs new_number; E, V, C and Q take none")
        at = state.world.clock.now() - timedelta(days=int(wish.get("days_ago", 0)))
        made = []
        for terminal_id, token in keys:
            old = state.vault.find(terminal_id, token)
            if old is None or old.kind != "card":
                continue
            new, new_token = _renewed(old, code, number, str(wish.get("exp", ""))), token
            if code in {"A", "E"}:
                if wish.get("same_token"):
                    state.vault.redate(terminal_id, token, new.exp_month, new.exp_year)
                else:
                    new_token = state.vault.keep(terminal_id, new)
            state.updates.append(CardUpdate(at, terminal_id, code, old, new, token, new_token,
                                            str(wish.get("customer_id", "")), bool(wish.get("pending", False))))  # fmt: skip
            made.append({"terminal_id": terminal_id, "new_token_last4": new_token[-4:]})
        return {"updates": made}

    def _push(self, due: datetime, what: str, deal: Deal, detail: object) -> None:
        heapq.heappush(self._due, (due, next(self._order), what, deal, detail))

    def _settle(self, deal: Deal, due: datetime, presentment: object) -> None:
        if deal.state == "booked" and deal.round == presentment:
            deal.state, deal.settled_at = "settled", due
            self.settled.append(Settled(due, deal))

    def _return(self, deal: Deal, due: datetime, code: str) -> None:
        if not deal.is_live:
            return
        self.rejected.append(Rejected(due, deal, code))
        deal.return_code = code
        if code.startswith("R"):
            deal.state, deal.returned_at = "returned", due


def _renewed(old: Instrument, code: str, number: str, exp: str) -> Instrument:
    """The card as its bank has it now; raises ValueError for an expiry that is none."""
    if code not in {"A", "E"}:
        return old
    month, year = map(int, exp.split("/")) if exp else (old.exp_month, old.exp_year + 3)
    if not 1 <= month <= 12:
        raise ValueError("exp is MM/YY")
    return replace(old, number=number or old.number, brand=codes.brand_of(number) if number else old.brand, exp_month=month,
                   exp_year=year if year > 99 else 2000 + year)
