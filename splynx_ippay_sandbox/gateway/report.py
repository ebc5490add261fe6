"""The reporting service: logins, windows, and one feed a kind of row, with the units and zones each is seen to have.

``Date`` is US Central, ``SettlementDate`` and ``CompletionDate`` are UTC; credit and ach say dollars with four places,
the bank's settlement and reject feeds dollars without them, the card settlement feed cents (protocol section 7).
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from splynx_ippay_sandbox.gateway import calendar, rows, wire
from splynx_ippay_sandbox.gateway.state import REPORT_LOGINS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from splynx_ippay_sandbox.gateway.state import GatewayState

Row = tuple[datetime, str, dict[str, str]]  # selected by this time, of this terminal, with these elements
PENDING = "getAccountUpdaterPendingActivity"


class ReportError(ValueError):
    """A report that is not given; the text goes into ErrMsg."""


def answer(state: GatewayState, body: bytes) -> bytes:
    """The reply to one report request."""
    try:
        return _answer(state, body)
    except (wire.UnreadableError, ReportError) as error:
        document = ET.Element("ippayReport")
        ET.SubElement(document, "ErrMsg").text = str(error)
        return wire.to_bytes(document)


def _answer(state: GatewayState, body: bytes) -> bytes:
    request = wire.parse(body)
    if request.tag not in {"ippayReport", "ippayResponse"}:
        raise ReportError("Unknown request.")
    login = REPORT_LOGINS.get(_text(request, "MerchantID"))
    if login is None or not secrets.compare_digest(str(login["password"]), _text(request, "Password")):
        raise ReportError("Invalid login.")
    wanted = _text(request, "TerminalID")
    terminals = {terminal for terminal in login["terminals"] if wanted in ("", terminal)}
    feed = _text(request, "TransactionRange/TransactionType")
    if feed not in FEEDS:
        raise ReportError("Unknown transaction type.")
    start, end = (_text(request, f"TransactionRange/Transaction{name}Time") for name in ("Start", "End"))
    first, last = _window(state, start, end)
    found = [row for at, terminal, row in FEEDS[feed](state) if terminal in terminals and first <= _second(at) <= last]
    return _document(feed, start, end, found, state.world.clock.now())


def _window(state: GatewayState, start: str, end: str) -> tuple[datetime, datetime]:
    try:
        first, last = calendar.read_central(start), calendar.read_central(end)
    except ValueError as error:
        raise ReportError("Invalid time.") from error
    if not first <= last <= first + timedelta(hours=state.switches["report_max_hours"]):
        raise ReportError("Invalid time range.")
    return first, last


def _document(feed: str, start: str, end: str, found: list[dict[str, str]], now: datetime) -> bytes:
    document = ET.Element("ippayReport")
    single = "PendingTransaction" if feed == PENDING else "Transaction"
    run = calendar.central_text(now)
    listed = ET.SubElement(
        document, f"{single}s", {"type": feed, "run": run, "start": start, "end": end, "records": str(len(found))}
    )
    if not found:
        listed.text = "No Results"
    for row in found:
        element = ET.SubElement(listed, single)
        for name, text in row.items():
            if name == "Customers":
                customer = ET.SubElement(ET.SubElement(element, name), "Customer")
                customer.attrib.update(CustomerID=text, CustomerKey=f"K{text}", PaymentKey=f"P{text}")
            else:
                ET.SubElement(element, name).text = text
    return wire.to_bytes(document)


def _text(request: ET.Element, path: str) -> str:
    return (request.findtext(path) or "").strip()


def _second(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)


def _cards(state: GatewayState) -> Iterable[Row]:
    return ((deal.at, deal.terminal_id, rows.card_row(deal)) for deal in state.deals if deal.is_card)


def _banks(state: GatewayState) -> Iterable[Row]:
    # An unclear answer (AdditionalInfo, nothing booked) leaves no row: it never became an entry.
    return (
        (deal.at, deal.terminal_id, rows.bank_row(deal))
        for deal in state.deals
        if not deal.is_card and not (deal.state == "declined" and deal.action_code == "000")
    )


def _card_settlement(state: GatewayState) -> Iterable[Row]:
    for number, row in enumerate(state.settlement.settled):
        if row.deal.is_card:
            yield row.at, row.deal.terminal_id, {
                **rows.card_row(row.deal, str(row.deal.amount_cents)),
                "Transaction_Type": "R" if row.deal.said.get("Origin") == "RECURRING" else "I",
                "ProcessorID": "SANDBOX",
                "SettlementAmount": str(row.deal.amount_cents),
                "SettlementID": str(900_000 + number),
                "SettlementDate": calendar.utc_text(row.at),
                "ApprovalStatus": "APPROVED",
                "CardType": rows.CARD_LETTERS.get(row.deal.instrument.brand if row.deal.instrument else "", "O"),
                "RetrievalReferenceNumber": f"{row.deal.ip_trans_id % 10**12:012d}",
                "ipTransID": str(row.deal.ip_trans_id),
            }  # fmt: skip


def _bank_settlement(state: GatewayState) -> Iterable[Row]:
    for row in state.settlement.settled:
        if not row.deal.is_card:
            amount = rows.plain_dollars(row.deal.amount_cents)
            yield row.at, row.deal.terminal_id, {
                **rows.bank_row(row.deal, amount),
                "ipTransID": str(row.deal.ip_trans_id),
                "SettlementDate": calendar.utc_text(row.at),
                "CompletionAmount": amount,
                "Invoice": f"0607812345{row.deal.ip_trans_id % 100_000:05d}",
            }  # fmt: skip


def _rejects(state: GatewayState) -> Iterable[Row]:
    for row in state.settlement.rejected:
        amount = rows.plain_dollars(row.deal.amount_cents)
        yield row.at, row.deal.terminal_id, {
            **rows.bank_row(row.deal, amount),
            "ipTransID": str(row.deal.ip_trans_id),
            "Status": row.code,
            "CompletionDate": calendar.utc_text(row.at),
            "CompletionAmount": amount,
        }  # fmt: skip


def _chargebacks(state: GatewayState) -> Iterable[Row]:
    for row in state.chargebacks:
        amount = f"{Decimal(row.deal.amount_cents) / 100:.2f}"
        card = row.deal.instrument
        yield row.at, row.deal.terminal_id, {
            "Merchant_ID": f"{row.deal.terminal_id}-MID",
            "ImportDate": calendar.central_text(row.at),
            "CaseNumber": row.case_number,
            "MerchantNumber": "8800112233",
            "CaseType": "First Chargeback",
            "TranCode": "05",
            "ReasonDesc": row.reason,
            "CaseAmount": amount,
            "CardBrand": {"visa": "1", "mastercard": "2"}.get(card.brand if card else "", "3"),
            "DateTransaction": row.deal.at.astimezone(calendar.CENTRAL).strftime("%m%d%Y"),
            "CardholderAccountNumber": rows.six_and_four(card.number) if card else "",
            "DBAName": "Sandbox ISP",
            "MerchAmount": amount,
            "MatchedTransactionID": str(row.deal.ip_trans_id),
            "MatchedDate": calendar.central_text(row.at),
            "DateUpdated": calendar.central_text(row.at),
        }  # fmt: skip


def _tokens(state: GatewayState) -> Iterable[Row]:
    return ((row.at, row.terminal_id, rows.token_row(row)) for row in state.tokens)


def _updates(state: GatewayState, *, pending: bool = False) -> Iterable[Row]:
    return ((row.at, row.terminal_id, rows.update_row(row)) for row in state.updates if row.pending is pending)


def _pending_updates(state: GatewayState) -> Iterable[Row]:
    return _updates(state, pending=True)


FEEDS: dict[str, Callable[[GatewayState], Iterable[Row]]] = {
    "credit": _cards,
    "ach": _banks,
    "ccsettlement": _card_settlement,
    "achsettlement": _bank_settlement,
    "achrejects": _rejects,
    "ccchargebacks": _chargebacks,
    "token": _tokens,
    "getAccountUpdaterActivity": _updates,
    PENDING: _pending_updates,
}
