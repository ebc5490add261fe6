"""The bank transaction types, each by its row of the protocol's section 3. Accepted is not paid: see ``settlement``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from splynx_ippay_sandbox.gateway import codes
from splynx_ippay_sandbox.gateway.call import RefusedError

if TYPE_CHECKING:
    from splynx_ippay_sandbox.gateway.call import Call
    from splynx_ippay_sandbox.gateway.vault import Instrument

_KINDS = {"CHECKING", "SAVINGS", "BUSINESSCK"}
_SEC = {"PPD", "CCD", "WEB", "TEL"}
_ACCEPTED: dict[str, Any] = {"approval": "000000", "text": "CHECK ACCEPTED"}


def check(call: Call) -> dict[str, str]:
    """CHECK (a debit) and REVERSAL (a credit to the account, not a pull-back)."""
    account, amount = _account(call), call.amount()
    call.refuse_duplicate()
    if (scripted := call.scripted(account, amount)) is not None:
        return scripted
    hint = call.state.switches["additional_info"] if call.kind == "CHECK" else ""
    if hint:
        call.state.switches["additional_info"] = ""
    if hint and not call.state.switches["additional_info_books"]:
        answer = call.decline(account, amount, "000", text="CHECK ACCEPTED")
        answer.update(Approval="000000", AdditionalInfo=hint)
        return answer
    extras: dict[str, Any] = {"show": {"AdditionalInfo": hint}}
    if call.message.wants_token and call.message.ach.get("AccountNumber"):
        token = call.state.vault.keep(call.terminal_id, account)
        extras = {"show": {"AdditionalInfo": hint, "Token": token}, "token": token}
    return call.book(account, amount, **_ACCEPTED, **extras)


def void_ach(call: Call) -> dict[str, str]:
    """VOIDACH: withdrawn by the gateway; a switch brings the old days back."""
    if not call.state.switches["voidach"]:
        raise RefusedError(codes.VOIDACH_GONE)
    account, amount = _account(call), call.amount()
    booked = [deal for deal in call.originals() if deal.type == "CHECK" and deal.state == "booked"]
    if not booked or booked[-1].amount_cents != amount or not account.is_same(booked[-1].instrument or account):
        return call.decline(account, amount, "025")
    booked[-1].state = "void"
    return call.book(account, amount, **_ACCEPTED, token=booked[-1].token)


def _account(call: Call) -> Instrument:
    """The account of a bank transaction with everything that must stand beside it; raises RefusedError."""
    message, ach = call.message, call.message.ach
    account = call.find_bank()
    if account is None:
        raise RefusedError("Account number is required.")
    if not message.get("CardName"):
        raise RefusedError("Card name is required.")
    if not (ach.get("CheckNumber", "").isascii() and ach.get("CheckNumber", "").isdigit()):
        raise RefusedError("Check number is required.")
    if ach.get("Type", "CHECKING").upper() not in _KINDS:
        raise RefusedError("Invalid account type.")
    if ach.get("SEC", "PPD").upper() not in _SEC:
        raise RefusedError("Invalid SEC code.")
    return account
