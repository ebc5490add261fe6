"""The card transaction types, each by its row of the protocol's section 3."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from splynx_ippay_sandbox.gateway import codes
from splynx_ippay_sandbox.gateway.call import RefusedError

if TYPE_CHECKING:
    from splynx_ippay_sandbox.gateway.call import Call
    from splynx_ippay_sandbox.gateway.deals import Deal
    from splynx_ippay_sandbox.gateway.vault import Instrument

_ORIGINS = {"INTERNET", "RECURRING", "POS", "PHONEORDER", "MAILORDER"}
_TAKEN = {"SALE", "FORCE", "CAPT"}


def sale(call: Call) -> dict[str, str]:
    """SALE and AUTHONLY: the cents may decline, an expired card does, by the sandbox's clock."""
    card, amount = call.get_card(), call.amount()
    origin = call.message.get("Origin").upper().replace(" ", "")
    if origin and origin not in _ORIGINS:
        raise RefusedError("Invalid origin.")
    call.refuse_duplicate()
    if (scripted := call.scripted(card, amount)) is not None:
        return scripted
    if card.is_expired(call.now.year, call.now.month):
        return call.decline(card, amount, "917", text="", err_msg="Expired card.")
    code = codes.penny_code(amount, card.brand) if call.state.switches["penny_triggers"] else "000"
    if code != "000":
        return call.decline(card, amount, code)
    return call.book(card, amount, approval=call.approval(), text="APPROVED", **_extras(call, card))


def force(call: Call) -> dict[str, str]:
    """FORCE: a sale on an approval given by voice."""
    card, amount = call.get_card(), call.amount()
    approval = call.message.get("Approval")
    if len(approval) != 6 or not approval.isalnum():
        raise RefusedError("Approval is required.")
    call.refuse_duplicate()
    if card.is_expired(call.now.year, call.now.month):
        return call.decline(card, amount, "917", text="", err_msg="Expired card.")
    return call.book(card, amount, approval=approval, text="APPROVED", **_extras(call, card))


def capture(call: Call) -> dict[str, str]:
    """CAPT: takes an authorisation once, in full or less; 025 if there is none to take."""
    free = _held(call)
    amount = call.amount() if call.message.get("TotalAmount") else (free[-1].amount_cents if free else 0)
    if not free or not _fits(call, free[-1]) or amount > free[-1].amount_cents:
        return _not_found(call, amount)
    free[-1].captured = True
    return call.book(_card_of(free[-1]), amount, approval=free[-1].approval, text="APPROVED", token=free[-1].token)


def void(call: Call) -> dict[str, str]:
    """VOID: the whole amount of something not yet settled; 025 otherwise."""
    amount, originals = call.amount(), call.originals()
    live = [deal for deal in originals if deal.type in {*_TAKEN, "AUTHONLY", "CREDIT"} and deal.state == "booked"]
    target = next((deal for deal in reversed(live) if deal.type == "CAPT"), live[-1] if live else None)
    if target is None or not _fits(call, target) or amount != target.amount_cents:
        return _not_found(call, amount)
    target.state = "void"
    for deal in live:
        if target.type == "CAPT" and deal.type == "AUTHONLY":
            deal.state = "void"
    return call.book(_card_of(target), amount, approval=target.approval, text="VOID PROCESSED", token=target.token)


def credit(call: Call) -> dict[str, str]:
    """CREDIT: linked by the id of a sale (never above what is left of it), or a new one to any card; no triggers."""
    amount = call.amount()
    under = call.state.under(call.terminal_id, call.given_id) if call.given_id else []
    taken = [deal for deal in under if deal.type in _TAKEN]
    if not taken:
        card = call.get_card()
        call.refuse_duplicate()
        if (scripted := call.scripted(card, amount)) is not None:
            return scripted
        return call.book(card, amount, approval=f"{secrets.randbelow(1_000_000):06d}", text="RETURN ACCEPTED",
                         **_extras(call, card))  # fmt: skip
    sold = [deal for deal in taken if deal.is_live]
    back = sum(deal.amount_cents for deal in under if deal.type == "CREDIT" and deal.is_live)
    if not sold or not _fits(call, sold[-1]):
        return _not_found(call, amount)
    if back + amount > sum(deal.amount_cents for deal in sold):
        return call.decline(sold[-1].instrument, amount, "942", text="REFUND NOT ALLOWED")
    return call.book(_card_of(sold[-1]), amount, approval=f"{secrets.randbelow(1_000_000):06d}",
                     text="RETURN ACCEPTED", token=sold[-1].token)  # fmt: skip


def reverse_auth(call: Call) -> dict[str, str]:
    """REVERSEAUTH: releases a hold; the test gateway does not know it, so a switch decides."""
    if not call.state.switches["reverseauth"]:
        raise RefusedError(codes.INVALID_TYPE)
    amount = call.amount()
    held = _held(call)
    if not held or not _fits(call, held[-1]) or amount != held[-1].amount_cents:
        return _not_found(call, amount)
    held[-1].state = "void"
    return call.book(_card_of(held[-1]), amount, approval=held[-1].approval, text="APPROVED", token=held[-1].token)


def adjust(call: Call) -> dict[str, str]:
    """INCREMENTAL and PARTIALREVERSAL: raise or lower a hold; for hotels, so a switch decides."""
    if not call.state.switches["hotel"]:
        raise RefusedError(codes.INVALID_TYPE)
    amount = call.amount()
    held = _held(call)
    if not held or not _fits(call, held[-1]):
        return _not_found(call, amount)
    change = amount if call.kind == "INCREMENTAL" else -amount
    if held[-1].amount_cents + change <= 0:
        return _not_found(call, amount)
    held[-1].amount_cents += change
    return call.book(_card_of(held[-1]), amount, approval=held[-1].approval, text="APPROVED", token=held[-1].token)


def _held(call: Call) -> list[Deal]:
    """Authorisations under this id that still hold their money."""
    return [
        deal
        for deal in call.originals()
        if deal.type == "AUTHONLY" and deal.state == "booked" and not deal.captured
    ]


def _fits(call: Call, original: Deal) -> bool:
    """What a follow-up names of the original must be right; it need not name it."""
    approval, card = call.message.get("Approval"), call.find_card(dated=False)
    if approval and approval.upper() != original.approval.upper():
        return False
    return card is None or _card_of(original).is_same(card)


def _card_of(deal: Deal) -> Instrument:
    if deal.instrument is None:
        raise RefusedError("System error.")
    return deal.instrument


def _not_found(call: Call, amount: int) -> dict[str, str]:
    if call.message.is_jetpay:
        # The ancestor split its word over two fields [AM].
        return {**call.decline(None, amount, "025", text="ED"), "Approval": "REJECT"}
    return call.decline(None, amount, "025")


def _extras(call: Call, card: Instrument) -> dict[str, Any]:
    """What an approval shows besides: address and CVV2 checks, and a token where one was asked for."""
    message = call.message
    show = {
        **codes.cvv2_check(message.get("CVV2")),
        **codes.address_check(message.get("BillingPostalCode"), message.get("BillingAddress")),
    }
    if not message.wants_token or not message.get("CardNum"):
        return {"show": show}
    token = call.state.vault.keep(call.terminal_id, card)
    return {"show": {**show, "Token": token}, "token": token}
