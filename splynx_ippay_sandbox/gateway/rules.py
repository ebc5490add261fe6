"""Which rule answers which transaction type, and the types that move no money: PING, TOKENIZE, ENQ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from splynx_ippay_sandbox.gateway import bank_rules, card_rules, codes
from splynx_ippay_sandbox.gateway.call import AnsweredError, Call, RefusedError
from splynx_ippay_sandbox.gateway.deals import OPENING, TokenMade
from splynx_ippay_sandbox.gateway.state import TERMINALS

if TYPE_CHECKING:
    from splynx_ippay_sandbox.faults import Fault
    from splynx_ippay_sandbox.gateway.state import GatewayState
    from splynx_ippay_sandbox.gateway.wire import Message

Rule = Callable[[Call], dict[str, str]]


def answer(state: GatewayState, message: Message, fault: Fault | None = None) -> dict[str, str]:
    """The reply's elements to one request, with everything it does already done."""
    try:
        rule = _admit(state, message)
        return rule(Call(state, message, fault))
    except AnsweredError as known:
        return known.reply
    except RefusedError as refused:
        return _refused(state, message, refused)


def _admit(state: GatewayState, message: Message) -> Rule:
    """The rule for a known terminal with its password; raises RefusedError."""
    terminal_id = message.get("TerminalID")
    if terminal_id not in TERMINALS:
        raise RefusedError("Invalid terminal ID.", "925")
    password = state.switches["passwords"].get(terminal_id, "")
    if password and message.get("Password") != password:
        raise RefusedError("Invalid password.", "926")
    if message.kind not in RULES:
        raise RefusedError(codes.INVALID_TYPE)
    return RULES[message.kind]


def _refused(state: GatewayState, message: Message, refused: RefusedError) -> dict[str, str]:
    given = message.get("TransactionID")
    state.refusals.append(
        {"transaction_id": given, "type": message.kind, "terminal_id": message.get("TerminalID"),
         "action_code": refused.code, "err_msg": refused.err_msg, "at": state.world.clock.now().isoformat()}
    )  # fmt: skip
    return {
        "TransactionID": given or state.make_transaction_id(),
        "ActionCode": refused.code,
        "ErrMsg": refused.err_msg,
    }


def ping(call: Call) -> dict[str, str]:
    """PING: is anybody there, and do you know my terminal."""
    return {"TransactionID": call.transaction_id, "ActionCode": "000", "ResponseText": "PING"}


def tokenize(call: Call) -> dict[str, str]:
    """TOKENIZE a card or an account, or give a card token a new expiry. Looks at the format only, not at the card."""
    message, vault = call.message, call.state.vault
    done = {"TransactionID": call.transaction_id, "ActionCode": "000", "ResponseText": "TOKENIZED"}
    token = message.get("Token")
    if token:
        month, year = call.expiry()
        card = vault.find(call.terminal_id, token)
        if card is None or card.kind != "card":
            raise RefusedError("Invalid token.")
        vault.redate(call.terminal_id, token, month, year)
        made = replace(card, exp_month=month, exp_year=year)
    else:
        bank = not message.get("CardNum") and (call.find_bank() or None)
        made = bank or call.get_card()
        token = vault.keep(call.terminal_id, made)
    trans_id = call.state.next_trans_id()
    vault.remember(call.terminal_id, trans_id, made)
    call.state.tokens.append(TokenMade(call.now, call.terminal_id, trans_id, token, made))
    if call.state.switches["ip_trans_id"]:
        done["ipTransID"] = f"{trans_id:023d}"
    return {**done, "Token": token}


def enquire(call: Call) -> dict[str, str]:
    """ENQ: the original's answer once more; it does not tell of a later VOID. 025 for nothing known."""
    if not call.state.switches["enq"]:
        raise RefusedError(codes.INVALID_TYPE)
    if (script := call.state.take_script("ENQ")) is not None:
        return {
            "TransactionID": call.transaction_id,
            "ActionCode": str(script["action_code"]),
            "ResponseText": str(script.get("response_text", "")),
            "ErrMsg": str(script.get("err_msg", "")),
        }
    known = [deal for deal in call.originals() if deal.type in OPENING]
    if not known:
        return {"TransactionID": call.transaction_id, "ActionCode": "025", "ResponseText": "DECLINED"}
    shown = {name: text for name, text in known[0].reply.items() if name != "Token"}
    if call.state.switches["enq_amount"]:
        shown["TotalAmount"] = str(known[0].amount_cents)
    return shown


RULES: dict[str, Rule] = {
    "PING": ping,
    "TOKENIZE": tokenize,
    "ENQ": enquire,
    "SALE": card_rules.sale,
    "AUTHONLY": card_rules.sale,
    "FORCE": card_rules.force,
    "CAPT": card_rules.capture,
    "VOID": card_rules.void,
    "CREDIT": card_rules.credit,
    "REVERSEAUTH": card_rules.reverse_auth,
    "INCREMENTAL": card_rules.adjust,
    "PARTIALREVERSAL": card_rules.adjust,
    "CHECK": bank_rules.check,
    "REVERSAL": bank_rules.check,
    "VOIDACH": bank_rules.void_ach,
}
