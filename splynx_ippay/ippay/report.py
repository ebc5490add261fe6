"""IPpay's reporting feeds: what the gateway itself says happened. Owns their dates, amounts and completeness.

A slice is believed whole or not at all: "no rows" is only ever the gateway's own statement. Must never keep a card or
bank account number (the bank feed carries clear ones), nor take an error page for an empty day.
Source: IPpay Reporting Service API 2.0, 18 April 2019.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET  # builds requests; answers are parsed with defusedxml
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import BytesIO
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

import defusedxml.ElementTree as SafeET
from defusedxml.common import DefusedXmlException

from splynx_ippay.base.errors import GatewayError
from splynx_ippay.ippay.outcomes import scrub
from splynx_ippay.ippay.transport import Endpoint

if TYPE_CHECKING:
    from collections.abc import Mapping

Feed = Literal["credit", "ccsettlement", "ccchargebacks", "ach", "achsettlement", "achrejects", "token",
               "getAccountUpdaterActivity"]

CENTRAL = ZoneInfo("America/Chicago")  # sample ids (UTC) and dates differ by 5 h in summer, 6 h in winter
MAX_SLICE = timedelta(hours=24)
MAX_REPORT_BYTES = 32 * 1024 * 1024
_WIRE_TIME = "%Y-%m-%dT%H:%M:%S"
_TIMES = (_WIRE_TIME, "%Y-%m-%d %H:%M:%S", "%Y-%m-%d", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y")
_ROOTS = frozenset({"ippayreport", "ippayresponse"})  # both are in the specification's own samples
_CLIP = 200
_AMOUNT = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,6})?")
_MASKED = re.compile(r"[0-9]{6}[^0-9]{3,9}[0-9]{4}")
_COUNT = re.compile(r"[0-9]{1,9}")
# Dollars in every feed here. ccsettlement shows "695" for an amount of unknown unit: believed only with a point.
_AMOUNTS: dict[str, tuple[str, ...]] = {
    "credit": ("Total_Amount",), "ach": ("Total_Amount",),
    "achsettlement": ("CompletionAmount", "Total_Amount"), "achrejects": ("CompletionAmount", "Total_Amount"),
    "ccsettlement": ("SettlementAmount", "Total_Amount"), "ccchargebacks": ("CaseAmount",)}
_POINT_NEEDED = frozenset({"ccsettlement", "ccchargebacks"})


class ReportUnreadable(GatewayError):
    """The reporting host gave no answer that can be believed; nothing follows from it, least of all absence."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a feed, every text "" when the feed does not have it.

    ``transaction_id`` is in upper case, ``ip_trans_id`` without leading zeros, so that feeds can be compared.
    ``status`` is the R- or C-code of a bank return, or the updater's answer (A new number, V no change).
    ``masked`` is the updater's new number, six and four digits. ``at`` is aware UTC; ``amount_cents`` None where the feed's unit is not certain.
    """

    transaction_id: str
    request_type: str
    terminal_id: str
    at: datetime | None
    amount_cents: int | None
    action_code: str
    response_text: str
    approval: str
    ip_trans_id: str
    status: str
    settlement_date: date | None
    order_number: str
    ud1: str
    ud2: str
    ud3: str
    case_number: str = ""
    fee_cents: int = 0
    token: str = field(default="", repr=False)
    old_token: str = field(default="", repr=False)
    masked: str = field(default="", repr=False)
    expiry: str = ""


@dataclass(frozen=True, slots=True)
class Slice:
    """A feed between two moments, complete: ``records`` is what the gateway says, and equals the rows."""

    feed: Feed
    start: datetime
    end: datetime
    records: int
    rows: tuple[Row, ...]


class ReportClient:
    """The reporting host at one address. Has a login of its own, which is not the terminal's."""

    def __init__(self, url: str, merchant_id: str, password: str, *, ca_file: str | None = None,
                 connect_seconds: float = 10.0, deadline_seconds: float = 120.0) -> None:
        """Take the address and the login; ConfigError for an address that cannot be used safely."""
        self._endpoint = Endpoint(url, ca_file=ca_file, connect_seconds=connect_seconds,
                                  deadline_seconds=deadline_seconds, max_bytes=MAX_REPORT_BYTES)
        self._merchant_id, self._password = merchant_id, password

    def read(self, feed: Feed, start: datetime, end: datetime, terminal_id: str = "") -> Slice:
        """Read one feed between two aware moments, at most 24 hours apart (ValueError otherwise).

        Raises ReportUnreadable for anything but a well-formed answer whose count equals its rows. Slices of 22 hours
        stay within the gateway's 24 even when the hour that comes twice widens them.
        """
        if not (start.tzinfo and end.tzinfo) or not timedelta() < end - start <= MAX_SLICE:
            raise ValueError("a slice lies between two aware moments at most 24 hours apart")
        asked = _central(start, widen=-1), _central(end, widen=1)
        body = self._body(feed, asked, terminal_id)
        try:
            answer = self._endpoint.exchange(body, bytes)
        except GatewayError as error:
            raise ReportUnreadable(f"report {feed}: {error}") from None
        rows = _read(feed, asked, answer)
        return Slice(feed, start, end, len(rows), rows)

    def _body(self, feed: Feed, asked: tuple[datetime, datetime], terminal_id: str) -> bytes:
        root = ET.Element("ippayReport")
        ET.SubElement(root, "MerchantID").text = self._merchant_id
        if terminal_id:
            ET.SubElement(root, "TerminalID").text = terminal_id
        ET.SubElement(root, "Password").text = self._password
        span = ET.SubElement(root, "TransactionRange")
        ET.SubElement(span, "TransactionType").text = feed
        ET.SubElement(span, "TransactionStartTime").text = asked[0].strftime(_WIRE_TIME)
        ET.SubElement(span, "TransactionEndTime").text = asked[1].strftime(_WIRE_TIME)
        text: bytes = ET.tostring(root, encoding="us-ascii", xml_declaration=False)
        return b'<?xml version="1.0" encoding="UTF-8"?>\n' + text


def _central(moment: datetime, *, widen: Literal[-1, 1]) -> datetime:
    """US Central wall time. In the hour that comes twice in autumn the slice is widened, for the wire has no offset."""
    local = moment.astimezone(CENTRAL)
    wall = local.replace(tzinfo=None, microsecond=0, fold=0)
    if widen > 0 and local.microsecond:
        wall += timedelta(seconds=1)
    twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    if twice and widen < 0 and not local.fold:
        return wall.replace(hour=0, minute=59, second=59)
    if twice and widen > 0 and local.fold:
        return wall.replace(hour=2, minute=0, second=0)
    return wall


def _read(feed: Feed, asked: tuple[datetime, datetime], body: bytes) -> tuple[Row, ...]:
    """Read row by row, so that a large day does not stand in memory as a tree."""
    rows: list[Row] = []
    heads: list[dict[str, str]] = []
    path: list[str] = []
    said_none = False
    try:
        for event, element in SafeET.iterparse(BytesIO(body), events=("start", "end"), forbid_dtd=True):
            if event == "start":
                path.append(str(element.tag))
                if path[1:] == ["Transactions"]:
                    heads.append(dict(element.attrib))
                continue
            if path[1:] == ["Transactions", "Transaction"]:
                rows.append(_row(feed, {str(child.tag): (child.text or "").strip() for child in element}))
                element.clear()
            elif path[1:] == ["Transactions"]:
                said_none = "no results" in "".join(element.itertext()).casefold()
            path.pop()
            root = str(element.tag)
    except (SafeET.ParseError, DefusedXmlException, ValueError, LookupError):
        raise ReportUnreadable("not the XML of a report") from None
    if root.casefold() not in _ROOTS or len(heads) != 1:
        raise ReportUnreadable("the answer holds no list of transactions")
    _check_head(feed, asked, heads[0], len(rows), said_none=said_none)
    return tuple(rows)


def _check_head(feed: Feed, asked: tuple[datetime, datetime], head: Mapping[str, str], count: int, *,
                said_none: bool) -> None:
    if head.get("type", feed).casefold() != feed.casefold():
        raise ReportUnreadable("the answer is another report")
    stated = head.get("records", "0" if said_none else "").strip()
    if not _COUNT.fullmatch(stated) or int(stated) != count or (said_none and count):
        raise ReportUnreadable("the number of rows is not the number the report states")
    start, end = _time(head.get("start", "")), _time(head.get("end", ""))
    if (start and start > asked[0]) or (end and end < asked[1]):
        raise ReportUnreadable("the report covers less than was asked for")


def _row(feed: Feed, texts: dict[str, str]) -> Row:
    def text(*names: str) -> str:
        return next((texts[name] for name in names if texts.get(name)), "")[:_CLIP]

    at, settled = _time(text("Date", "AuthDateTime", "ImportDate")), _time(text("SettlementDate", "CompletionDate"))
    return Row(
        transaction_id=text("Transaction_ID").upper(), request_type=text("Request_Type").upper(),
        terminal_id=text("Terminal_ID"), at=_utc(at),
        amount_cents=_cents(text(*_AMOUNTS.get(feed, ())), point_needed=feed in _POINT_NEEDED),
        fee_cents=_cents(text("Fee_Amount"), point_needed=True) or 0,
        action_code=text("ActionCode"), response_text=scrub(text("Response_Text", "ReasonDesc")),
        approval=text("Auth_Code"), ip_trans_id=text("ipTransID", "MatchedTransactionID").lstrip("0"),
        status=text("Status", "ResponseCode") if feed != "getAccountUpdaterActivity" else text("ResponseCode"),
        settlement_date=settled.date() if settled else None, order_number=text("OrderNumber"),
        ud1=text("UD1"), ud2=text("UD2"), ud3=text("UD3"), case_number=text("CaseNumber"),
        token=text("NewToken", "Token"), old_token=text("OldToken"), masked=_masked(text("NewCCNum")),
        expiry=_expiry(text("NewExpMonth"), text("NewExpYear")))


def _time(text: str) -> datetime | None:
    """Read a date of a feed as the wall time it is; None when it is none of the shapes seen."""
    plain = re.sub(r"\.\d+$|Z$", "", text)
    for shape in _TIMES:
        try:
            return datetime.strptime(plain, shape)  # noqa: DTZ007 - US Central wall time, the caller knows
        except ValueError:
            continue
    return None


def _utc(wall: datetime | None) -> datetime | None:
    if wall is None or not 2000 <= wall.year <= 2999:  # noqa: PLR2004 - zero dates and rubbish are no date
        return None
    return wall.replace(tzinfo=CENTRAL).astimezone(UTC)


def _cents(text: str, *, point_needed: bool) -> int | None:
    if not _AMOUNT.fullmatch(text) or (point_needed and "." not in text):
        return None
    scaled = Decimal(text) * 100
    return int(scaled) if scaled == scaled.to_integral_value() else None


def _masked(text: str) -> str:
    """A card number as the updater shows it, "" for anything that shows more."""
    return text if _MASKED.fullmatch(text) else ""


def _expiry(month: str, year: str) -> str:
    """MM/YY; the updater sends months without their zero."""
    return f"{month.zfill(2)}/{year[-2:]}" if month and year else ""
