"""What IPpay's answers mean. Owns the reading of a reply and the verdict on it.

Must never keep, log or raise a raw reply: errors can echo the whole request, card number included. A reply is reduced
to known elements of known shape; everything that is not a clear yes or a clear no is unknown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

import defusedxml.ElementTree as SafeET
from defusedxml.common import DefusedXmlException

from splynx_ippay.base.errors import OutcomeUnknown
from splynx_ippay.ippay.declines import DECLINES, Decline, decline_for, find_validation

if TYPE_CHECKING:
    from collections.abc import Callable
    from xml.etree.ElementTree import Element  # the type only

    from splynx_ippay.ippay.messages import Request

__all__ = ["DECLINES", "MAX_REPLY_BYTES", "Decline", "Reply", "Symptom", "Unanswered", "Verdict", "decline_for",
           "judge", "read_reply", "scrub", "shows_amount", "staff_words"]

MAX_REPLY_BYTES = 64 * 1024
Symptom = Literal["http_status", "not_xml", "timeout", "reset", "mismatch", "interrupted"]
_CLIP = 200
# IPpayResponse answers TOKENIZE, JetPayResponse the old root; the case of the letters differs by transaction type.
_ROOTS = frozenset({"ippayresponse", "jetpayresponse"})
_ID_OPTIONAL = frozenset({"PING", "TOKENIZE"})  # public clients show both answered without an id; neither moves money

_DIGIT_RUN = re.compile(r"\d(?:[ -]?\d){7,}")
_CODE, _APPROVAL = re.compile(r"[0-9]{3}"), re.compile(r"[A-Za-z0-9]{1,10}")
_FLAG, _TOKEN = re.compile(r"[A-Za-z0-9]"), re.compile(r"[A-Za-z0-9]{4,32}")
_IP_TRANS_ID, _AMOUNT = re.compile(r"[0-9]{1,32}"), re.compile(r"[0-9]{1,10}(\.[0-9]{1,4})?")

_YES_TEXTS = frozenset({"approved", "accepted", "captures", "check accepted", "return accepted", "void processed",
                        "tokenized"})
_IN_DOUBT = re.compile(r"time[d ]?-?\s?out|duplicate|pending|in progress|no response|communication", re.IGNORECASE)
_CONTRARY = re.compile(r"declin|den(y|ied)|reject|error|fail", re.IGNORECASE)
_FOLLOW_UPS = frozenset({"VOID", "CREDIT", "REVERSAL"})
# A no to a follow-up: the original is not there, or not in a state to be changed. 076 and 077 speak of a repeat
# that may have been carried out the first time, so they are not in this list.
_STATE_NO = frozenset({"021", "025", "084", "940", "942", "943", "958", "959"})


class Unanswered(OutcomeUnknown):
    """An outcome unknown, with what was seen on the wire: the breaker counts http_status and not_xml in a row."""

    def __init__(self, message: str, symptom: Symptom) -> None:
        super().__init__(message)
        self.symptom: Symptom = symptom


class Verdict(StrEnum):
    """What one answer says about its own request."""

    APPROVED = "approved"
    ACCEPTED = "accepted"  # a bank debit taken in for sending, not paid
    DECLINED = "declined"
    UNKNOWN = "unknown"
    REVIEW = "review"
    CONFIGURATION = "configuration"  # a definite no about our set-up; the breaker opens, the payer is not declined


@dataclass(frozen=True, slots=True)
class Reply:
    """The known elements of an answer, each "" when absent or not of its documented shape."""

    transaction_id: str = ""
    action_code: str = ""
    approval: str = ""
    response_text: str = ""
    err_msg: str = ""
    token: str = field(default="", repr=False)
    ip_trans_id: str = ""
    avs: str = ""
    cvv2: str = ""
    address_match: str = ""
    zip_match: str = ""
    additional_info: str = ""
    total_amount: str = ""


def read_reply(request: Request, body: bytes) -> Reply:
    """Reduce a reply to its known elements. Raises Unanswered for anything that is not an answer to this request."""
    root = _parse(body)
    texts: dict[str, str] = {}
    for element in root:
        tag, text = str(element.tag), (element.text or "").strip()
        if tag in texts and texts[tag] != text:
            raise Unanswered("the reply says one thing twice, differently", "mismatch")
        texts[tag] = text
    _check_id(request, texts.get("TransactionID", ""))

    def shaped(tag: str, shape: re.Pattern[str]) -> str:
        text = texts.get(tag, "")
        return text if shape.fullmatch(text) else ""

    def words(tag: str) -> str:
        return scrub(texts.get(tag, ""), request.secrets)

    token = shaped("Token", _TOKEN)
    return Reply(
        transaction_id=request.transaction_id or "", action_code=shaped("ActionCode", _CODE),
        approval=shaped("Approval", _APPROVAL), response_text=words("ResponseText"), err_msg=words("ErrMsg"),
        # A "token" that is the very number we sent is an echo; keeping it would keep a card number.
        token="" if token.isdigit() and token in request.secrets else token,
        ip_trans_id=(shaped("ipTransID", _IP_TRANS_ID) or shaped("ipTransId", _IP_TRANS_ID)).lstrip("0"),
        avs=shaped("AVS", _FLAG), cvv2=shaped("CVV2", _FLAG), address_match=shaped("AddressMatch", _FLAG),
        zip_match=shaped("ZipMatch", _FLAG), additional_info=words("AdditionalInfo"),
        total_amount=shaped("TotalAmount", _AMOUNT))


def judge(request_kind: str, reply: Reply) -> Verdict:
    """Judge an answer to its own request: 000 with the type's own fields is yes, a closed list is no.

    Text may turn a no (or a contradictory yes) into unknown, never an unknown into anything.
    """
    if reply.action_code == "010":
        return Verdict.REVIEW
    if reply.action_code == "000":
        return _YES[request_kind](reply) if request_kind in _YES else Verdict.UNKNOWN
    if request_kind == "ENQ":  # an enquiry never proves the opposite
        return Verdict.UNKNOWN
    verdict = _no(request_kind, reply)
    said = " ".join(reply.response_text.casefold().split())
    if said in _YES_TEXTS or _IN_DOUBT.search(f"{said} {reply.err_msg}"):
        return Verdict.UNKNOWN
    return verdict


def shows_amount(reply: Reply, amount_cents: int) -> bool:
    """Whether the amount the reply shows, if any, is ours (cents, or dollars when it has a point)."""
    if not reply.total_amount:
        return True
    shown = Decimal(reply.total_amount) * (100 if "." in reply.total_amount else 1)
    return shown == amount_cents


def staff_words(reply: Reply, brand: str = "") -> str:
    """Tell staff about an answer: the code, its meaning, and the gateway's own words, scrubbed."""
    meaning = "Approved" if reply.action_code == "000" else decline_for(reply.action_code, brand, reply.err_msg).meaning
    said = reply.err_msg or reply.response_text
    extra = f" (the gateway said: {said})" if said else ""
    return f"{reply.action_code or 'no code'} {meaning}{extra}"


def scrub(text: str, secrets: tuple[str, ...] = ()) -> str:
    """Keep words for people only: no echo of the request, no digit run of 8 or more, 200 characters."""
    text = text.partition("<")[0]
    for secret in secrets:
        text = text.replace(secret, "[...]")
    return _DIGIT_RUN.sub("[...]", " ".join(text.split()))[:_CLIP]


def _parse(body: bytes) -> Element:
    if len(body) > MAX_REPLY_BYTES:
        raise Unanswered("the reply is larger than any answer of the gateway", "not_xml")
    try:
        root: Element = SafeET.fromstring(body, forbid_dtd=True)
    except (SafeET.ParseError, DefusedXmlException, ValueError, LookupError):
        raise Unanswered("the reply is not the XML of an answer", "not_xml") from None
    if str(root.tag).casefold() not in _ROOTS:
        raise Unanswered("the reply is XML, but not an answer of the gateway", "not_xml")
    return root


def _check_id(request: Request, shown: str) -> None:
    """IPpay compares ids without regard to case; an answer to another id is nobody's answer."""
    asked = request.transaction_id or ""
    if request.kind in _ID_OPTIONAL and not (asked and shown):
        return
    if asked.casefold() != shown.casefold():
        raise Unanswered("the reply carries another TransactionID, or none", "mismatch")


def _no(request_kind: str, reply: Reply) -> Verdict:
    row = find_validation(reply.err_msg) if reply.action_code == "900" else DECLINES.get(reply.action_code)
    if row is None or row.kind == "fate":
        return Verdict.UNKNOWN
    if row.kind == "state":
        known = request_kind in _FOLLOW_UPS and row.code in _STATE_NO
        return Verdict.DECLINED if known else Verdict.UNKNOWN
    if row.kind == "configuration":
        # A refund type the terminal may not use is no reason to stop its sales.
        refund = row.code == "900" and request_kind in _FOLLOW_UPS
        return Verdict.DECLINED if refund else Verdict.CONFIGURATION
    return Verdict.DECLINED


def _contrary(reply: Reply) -> bool:
    return bool(_CONTRARY.search(reply.response_text) or _IN_DOUBT.search(reply.response_text))


def _is_bank(reply: Reply) -> bool:
    return reply.approval == "000000" or reply.response_text.casefold() == "check accepted"


def _yes_card(reply: Reply) -> Verdict:
    return Verdict.APPROVED if _real_approval(reply) and not _contrary(reply) else Verdict.UNKNOWN


def _yes_back(reply: Reply) -> Verdict:
    """VOID repeats the sale's Approval, CREDIT has one of its own; no meaning of zeros is known for either."""
    shown = bool(reply.approval) and reply.approval.upper() != "REJECT"
    return Verdict.APPROVED if shown and not _contrary(reply) else Verdict.UNKNOWN


def _real_approval(reply: Reply) -> bool:
    # JetPay spread a "REJECTED" over Approval and ResponseText.
    return bool(reply.approval.strip("0")) and reply.approval.upper() != "REJECT"


def _yes_bank(reply: Reply) -> Verdict:
    """AdditionalInfo beside CHECK ACCEPTED means not accepted (public Odoo client): nobody knows, so unknown."""
    accepted = _is_bank(reply) and not reply.additional_info and not _contrary(reply)
    return Verdict.ACCEPTED if accepted else Verdict.UNKNOWN


def _yes_token(reply: Reply) -> Verdict:
    return Verdict.APPROVED if reply.token and not _contrary(reply) else Verdict.UNKNOWN


def _yes_ping(reply: Reply) -> Verdict:
    return Verdict.UNKNOWN if _contrary(reply) else Verdict.APPROVED


def _yes_enquiry(reply: Reply) -> Verdict:
    """Ask for the sale's own answer: a void or refund under the same id is not proof of money taken."""
    if reply.response_text.casefold() in {"void processed", "return accepted"}:
        return Verdict.UNKNOWN
    return _yes_bank(reply) if _is_bank(reply) else _yes_card(reply)


_YES: dict[str, Callable[[Reply], Verdict]] = {
    "PING": _yes_ping, "SALE": _yes_card, "TOKENIZE": _yes_token, "CHECK": _yes_bank, "REVERSAL": _yes_bank,
    "VOID": _yes_back, "CREDIT": _yes_back, "ENQ": _yes_enquiry}
