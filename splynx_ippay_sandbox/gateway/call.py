"""One request being answered: reads and checks what it needs, and writes the outcome into the books.

The rules of each type use it; it knows no type itself. Refused means error 900 or its like: nothing is booked and the
TransactionID stays free. Declined means an answer of the issuer or the host: kept in the books as declined.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from splynx_ippay_sandbox.gateway import codes
from splynx_ippay_sandbox.gateway.deals import OPENING, Deal
from splynx_ippay_sandbox.gateway.vault import Instrument

if TYPE_CHECKING:
    from splynx_ippay_sandbox.faults import Fault
    from splynx_ippay_sandbox.gateway.state import GatewayState
    from splynx_ippay_sandbox.gateway.wire import Message

_ID = re.compile(r"[A-Za-z0-9-]{1,18}")
_SECRET = frozenset({"CardNum", "CVV2", "Token", "AccountNumber", "ABA", "Password", "Track1", "Track2"})


class RefusedError(Exception):
    """An error reply: a code and an ErrMsg."""

    def __init__(self, err_msg: str, code: str = "900") -> None:
        super().__init__(err_msg)
        self.err_msg = err_msg
        self.code = code


class AnsweredError(Exception):
    """The answer is already known (a replayed one)."""

    def __init__(self, reply: dict[str, str]) -> None:
        super().__init__("replayed")
        self.reply = reply


class Call:
    """The context of one request."""

    def __init__(self, state: GatewayState, message: Message, fault: Fault | None = None) -> None:
        self.state = state
        self.message = message
        self.fault = fault
        self.kind = message.kind
        self.terminal_id = message.get("TerminalID")
        self.now = state.world.clock.now()
        given = message.get("TransactionID")
        if given and not _ID.fullmatch(given):
            raise RefusedError("Invalid transaction ID.")
        self.given_id = given
        self.transaction_id = given or state.make_transaction_id()

    def amount(self) -> int:
        """TotalAmount in cents; raises RefusedError."""
        text = self.message.get("TotalAmount")
        if not text:
            raise RefusedError("Total amount is required.")
        if not (text.isascii() and text.isdigit()) or len(text) > 10:
            raise RefusedError("Invalid total amount.")
        if int(text) == 0:
            raise RefusedError("Value must be non-zero.")
        for name in ("FeeAmount", "TaxAmount"):
            part = self.message.get(name) or "0"
            if not (part.isascii() and part.isdigit()) or int(part) > int(text):
                raise RefusedError(f"Invalid {name}.")  # both are included in the total
        return int(text)

    def needs_id(self) -> str:
        """The original's TransactionID; raises RefusedError if none is given."""
        if not self.given_id:
            raise RefusedError("Transaction ID is required.")
        return self.given_id

    def originals(self) -> list[Deal]:
        """Everything booked or declined under this id at this terminal."""
        return self.state.under(self.terminal_id, self.needs_id())

    def refuse_duplicate(self) -> None:
        """A TransactionID opens one transaction only; what a second one is answered is a switch."""
        earlier = [deal for deal in self.state.under(self.terminal_id, self.transaction_id) if deal.type in OPENING]
        if not earlier:
            return
        mode = self.state.switches["duplicate"]
        if mode == "replay":
            raise AnsweredError(earlier[0].reply)
        if mode == "094":
            raise AnsweredError(
                {"TransactionID": self.transaction_id, "ActionCode": "094", "ResponseText": "DUPLICATE TRANSMISSION"}
            )
        raise RefusedError("Duplicate transaction ID.")

    def find_card(self, *, dated: bool = True) -> Instrument | None:
        """The card by number, token or ipTransID, or nothing if none is given; raises RefusedError for a bad one.

        A follow-up names the card without needing its expiry (``dated`` false).
        """
        number = self.message.get("CardNum")
        if number:
            if not (number.isascii() and number.isdigit()) or not 13 <= len(number) <= 19:
                raise RefusedError("Invalid card number.  ")
            if not codes.passes_luhn(number):
                raise RefusedError("Invalid card number.  ")
            month, year = self.expiry() if dated else (0, 0)
            return Instrument("card", number, codes.brand_of(number), month, year)
        return self._known("card", self.message.get("Token"))

    def get_card(self) -> Instrument:
        """As find_card, but there must be one."""
        card = self.find_card()
        if card is None:
            raise RefusedError("Card number is required.")
        return card

    def find_bank(self) -> Instrument | None:
        """The account by number, token or ipTransID, wherever the message puts it; raises RefusedError."""
        ach, message = self.message.ach, self.message
        number = ach.get("AccountNumber") or message.get("AccountNumber")
        routing = ach.get("ABA") or message.get("ABA")
        if number or routing:
            if not (re.fullmatch(r"[0-9]{9}", routing or "") and codes.passes_aba(routing)):
                raise RefusedError("Invalid ABA.", "923")
            if not re.fullmatch(r"[0-9]{3,17}", number or ""):
                raise RefusedError("Invalid account number.", "924")
            return Instrument("bank", number, routing=routing)
        return self._known("bank", ach.get("Token") or message.get("Token"))

    def expiry(self) -> tuple[int, int]:
        """Month and four-digit year of the message; raises RefusedError."""
        month, year = self.message.get("CardExpMonth"), self.message.get("CardExpYear")
        if not re.fullmatch(r"0[1-9]|1[0-2]", month) or not re.fullmatch(r"[0-9]{2}", year):
            raise RefusedError("Invalid expiration date.")
        return int(month), 2000 + int(year)

    def _known(self, kind: str, token: str) -> Instrument | None:
        recalled = self.message.get("ipTransID", "ipTransId")
        if token:
            found = self.state.vault.find(self.terminal_id, token)
        elif recalled.isascii() and recalled.isdigit():
            found = self.state.vault.recall(self.terminal_id, int(recalled))
        else:
            return None
        if found is None or found.kind != kind:
            raise RefusedError("Invalid token.")
        return found

    def book(
        self, instrument: Instrument, amount_cents: int, *, approval: str, text: str, **more: Any
    ) -> dict[str, str]:
        """Write the transaction into the books (twice or wrongly, if a fault says so) and return the approval."""
        trans_id = self.state.next_trans_id()
        reply = {
            "TransactionID": self.transaction_id, "ActionCode": "000", "Approval": approval, "ResponseText": text,
            **more.pop("show", {}), **self._shown(trans_id),
        }  # fmt: skip
        fault = self.fault.kind if self.fault else ""
        booked = self.fault.wrong(amount_cents) if self.fault and fault == "wrong_amount" else amount_cents
        token = more.pop("token", "") or self.message.get("Token") or self.message.ach.get("Token", "")
        for trans in (trans_id, self.state.next_trans_id()) if fault == "duplicate" else (trans_id,):
            self._add(instrument, booked, trans, reply, state="booked", token=token)
        return reply

    def decline(
        self, instrument: Instrument | None, amount_cents: int, code: str, *, text: str = "DECLINED", err_msg: str = ""
    ) -> dict[str, str]:
        """Keep the transaction as declined and return the answer."""
        trans_id = self.state.next_trans_id()
        reply = {"TransactionID": self.transaction_id, "ActionCode": code, "ResponseText": text, "ErrMsg": err_msg,
                 **self._shown(trans_id)}  # fmt: skip
        token = self.message.get("Token") or self.message.ach.get("Token", "")
        self._add(instrument, amount_cents, trans_id, reply, state="declined", token=token)
        return reply

    def scripted(self, instrument: Instrument, amount_cents: int) -> dict[str, str] | None:
        """The answer a control call ordered for this type, booked or not as it says; nothing if none waits."""
        script = self.state.take_script(self.kind)
        if script is None:
            return None
        booked = int(script.get("amount_cents", amount_cents))
        trans_id = self.state.next_trans_id()
        reply = {
            "TransactionID": self.transaction_id,
            "ActionCode": str(script["action_code"]),
            "Approval": self.approval() if script["booked"] and script["action_code"] in {"000", "010"} else "",
            "ResponseText": str(script.get("response_text", "DECLINED")),
            "ErrMsg": str(script.get("err_msg", "")),
            "AdditionalInfo": str(script.get("additional_info", "")),
            **self._shown(trans_id),
        }
        state = "booked" if script["booked"] else "declined"
        token = self.message.get("Token") or self.message.ach.get("Token", "")
        self._add(instrument, booked, trans_id, reply, state=state, token=token)
        return reply

    def approval(self) -> str:
        """An approval as the test gateway gives them: TEST and two digits; a bank's is six zeros."""
        return "000000" if self.kind in {"CHECK", "REVERSAL"} else f"TEST{len(self.state.deals) % 100:02d}"

    def _shown(self, trans_id: int) -> dict[str, str]:
        return {"ipTransID": f"{trans_id:023d}"} if self.state.switches["ip_trans_id"] else {}

    def _add(
        self,
        instrument: Instrument | None,
        amount: int,
        trans_id: int,
        reply: dict[str, str],
        *,
        state: str,
        token: str,
    ) -> None:
        self.state.add(
            Deal(
                transaction_id=self.transaction_id, type=self.kind, terminal_id=self.terminal_id, at=self.now,
                amount_cents=amount, action_code=reply["ActionCode"], state=state, ip_trans_id=trans_id,
                approval=reply.get("Approval", ""), response_text=reply.get("ResponseText", ""),
                err_msg=reply.get("ErrMsg", ""), instrument=instrument, token=token.upper(), reply=reply,
                said={name: text for name, text in self.message.fields.items() if name not in _SECRET},
                ach={name: text for name, text in self.message.ach.items() if name not in _SECRET},
            )
        )
