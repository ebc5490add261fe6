"""The elements of one report row of each kind, named as the reporting service names them. Values only."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from splynx_ippay_sandbox.gateway import calendar

if TYPE_CHECKING:
    from splynx_ippay_sandbox.gateway.deals import CardUpdate, Deal, TokenMade

CARD_LETTERS = {"visa": "V", "mastercard": "M", "amex": "A", "discover": "D"}
# Report element from request element (reporting specification, appendices A and B).
_SAID = {
    "Transaction_Type": "Origin", "CardHolderName": "CardName", "Address": "BillingAddress", "City": "BillingCity",
    "State": "BillingStateProv", "Zip": "BillingPostalCode", "Country": "BillingCountry", "Phone": "BillingPhone",
    "Email": "Email", "UserIPAddr": "UserIPAddress", "UserHost": "UserHost", "OrderNumber": "OrderNumber",
    "UD1": "UDField1", "UD2": "UDField2", "UD3": "UDField3", "CustomerPO": "ShippingInfo.CustomerPO",
    "ShippingMethod": "ShippingInfo.ShippingMethod", "ShippingName": "ShippingInfo.ShippingName",
    "ShippingAddr": "ShippingInfo.ShippingAddr",
}  # fmt: skip


def four_places(cents: int) -> str:
    """Dollars as the credit and ach feeds write them: 87.0000."""
    return f"{Decimal(cents) / 100:.4f}"


def plain_dollars(cents: int) -> str:
    """Dollars as the bank's settlement feeds write them: 20, 20.5, 20.05."""
    text = f"{Decimal(cents) / 100:.2f}"
    return text.rstrip("0").rstrip(".")


def six_and_four(number: str) -> str:
    """A card number as the chargeback and updater feeds show it."""
    return f"{number[:6]}{'X' * (len(number) - 10)}{number[-4:]}"


def _head(deal: Deal, amount: str) -> dict[str, str]:
    said = {name: deal.said[key] for name, key in _SAID.items() if deal.said.get(key)}
    head = {
        "Date": calendar.central_text(deal.at),
        "ipTransID": f"{deal.ip_trans_id:026d}",
        "Merchant_Name": "Sandbox ISP",
        "Merchant_ID": f"{deal.terminal_id}-MID",
        "Terminal_ID": deal.terminal_id,
        "Transaction_ID": deal.transaction_id,
        "Request_Type": deal.type,
        "Total_Amount": amount,
        "Fee_Amount": four_places(int(deal.said.get("FeeAmount") or 0)),
    }
    return {**head, **said}


def card_row(deal: Deal, amount: str = "") -> dict[str, str]:
    """A row of ``credit``; CardNum shows the token, as the field map says."""
    auth = deal.at.astimezone(calendar.CENTRAL)
    reply = deal.reply
    return {
        **_head(deal, amount or four_places(deal.amount_cents)),
        "Auth_Code": deal.approval,
        "ActionCode": deal.action_code,
        "Response_Text": deal.response_text,
        "CardNum": deal.token,
        "Token": deal.token,
        "AVS_Response": reply.get("AVS", ""),
        "AddressMatch": reply.get("AddressMatch", ""),
        "ZipMatch": reply.get("ZipMatch", ""),
        "CVV2": reply.get("CVV2", ""),
        "alProcessorID": "",
        "altTerminalID": "",
        "altMerchantID": "",
        "FNA_AuthDate": auth.strftime("%m%d%Y"),
        "FNA_AuthTime": deal.at.astimezone(calendar.EASTERN).strftime("%H%M%S"),
        "FNA_TransactionID": str(deal.ip_trans_id),
        "FNA_ResponseCode": deal.action_code[-2:],
        "FNA_RetRefNum": f"{deal.ip_trans_id % 10**12:012d}",
        "CCProcessor": "SANDBOX",
    }


def bank_row(deal: Deal, amount: str = "") -> dict[str, str]:
    """A row of ``ach``; AccountNumber is shown in clear, as it may be, so that a reader must drop it."""
    account = deal.instrument
    return {
        **_head(deal, amount or four_places(deal.amount_cents)),
        "Auth_Code": deal.approval or ("000000" if deal.action_code == "000" else ""),
        "ActionCode": deal.action_code,
        "Response_Text": deal.response_text,
        "ACHProcessor": "SANDBOX",
        "AccountNumber": account.number if account else "",
        "ABA": account.routing if account else "",
        "CheckNumber": deal.ach.get("CheckNumber", ""),
        "Token": deal.token,
    }


def token_row(row: TokenMade) -> dict[str, str]:
    """A row of ``token``: Request_Type CREATE and an empty Transaction_ID."""
    return {
        "Date": calendar.central_text(row.at),
        "ipTransID": f"{row.ip_trans_id:023d}",
        "Merchant_Name": "Sandbox ISP",
        "Merchant_ID": f"{row.terminal_id}-MID",
        "Terminal_ID": row.terminal_id,
        "Transaction_ID": "",
        "Request_Type": "CREATE",
        "Token": row.token,
    }


def update_row(row: CardUpdate) -> dict[str, str]:
    """A row of the account updater; months are not padded."""
    shown = {
        "Date": calendar.central_text(row.at),
        "Terminal_ID": row.terminal_id,
        "OldCCNum": six_and_four(row.old.number),
        "OldToken": row.old_token,
        "OldExpMonth": str(row.old.exp_month),
        "OldExpYear": f"{row.old.exp_year % 100:02d}",
        "Status": "0" if row.response_code == "V" else "2",
        "ResponseCode": row.response_code,
        "Customers": row.customer_id,
    }
    if row.pending or row.response_code in {"C", "Q"}:
        return shown
    return {
        **shown,
        "NewCCNum": six_and_four(row.new.number),
        "NewToken": row.new_token,
        "NewExpMonth": str(row.new.exp_month),
        "NewExpYear": f"{row.new.exp_year % 100:02d}",
    }
