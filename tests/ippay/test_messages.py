"""The bytes of every message, and what may never stand in one."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from splynx_ippay.ippay import messages as m

ID = "AB250101120000ZZ01"
IDENTITY = m.Identity("TESTTERMINAL")
SAFE = m.Identity("TESTTERMINAL", "pass-word-1")
CARD = m.Card("4000300020001000", 2, 2030, "Pat Doe", "84058", "739")
BANK = m.BankAccount("111000025", "5550123456", "CHECKING", "Pat Doe")
NOTE = m.Note("INV-1001", "Splynx", "inst-7", "x", "203.0.113.9", "pat@example.org")
DECLARED = '<?xml version="1.0" encoding="UTF-8"?>\n'


def shape(request):
    """The message without its declaration."""
    text = request.body.decode("ascii")
    assert text.startswith(DECLARED)
    return text[len(DECLARED):]


def bank_debit(make=m.check, **changes):
    values = {"transaction_id": ID, "token": "J6M2J4B1B8565", "amount_cents": 4500, "account_kind": "CHECKING",
              "holder": "Pat Doe", "check_number": 1002} | changes
    return make(IDENTITY, **values)


def test_a_ping_names_the_terminal_only():
    assert shape(m.ping(IDENTITY)) == ("<ippay><TransactionType>PING</TransactionType><TerminalID>TESTTERMINAL"
                                       "</TerminalID></ippay>")


def test_tokenize_a_card_without_its_security_code():
    assert shape(m.tokenize_card(SAFE, CARD, ID)) == (
        f"<ippay><TransactionType>TOKENIZE</TransactionType><TerminalID>TESTTERMINAL</TerminalID><TransactionID>{ID}"
        "</TransactionID><Password>pass-word-1</Password><CardNum>4000300020001000</CardNum>"
        "<CardExpMonth>02</CardExpMonth><CardExpYear>30</CardExpYear></ippay>")


def test_redate_a_token():
    assert shape(m.redate(IDENTITY, "4B3J7E7D7K2A1000", 11, 31, ID)).endswith(
        "<Token>4B3J7E7D7K2A1000</Token><CardExpMonth>11</CardExpMonth><CardExpYear>31</CardExpYear></ippay>")


def test_tokenize_a_bank_account_at_the_top_level():
    assert shape(m.tokenize_bank(IDENTITY, BANK, ID)).endswith(
        "<ABA>111000025</ABA><AccountNumber>5550123456</AccountNumber></ippay>")


def test_sale_in_document_order():
    request = m.sale(SAFE, transaction_id=ID, token="4B3J7E7D7K2A1000", amount_cents=4500, origin="INTERNET",
                     cvv="739", postal_code="84058", holder="Pat Doe", note=NOTE)
    assert shape(request) == (
        f"<ippay><TransactionType>SALE</TransactionType><TerminalID>TESTTERMINAL</TerminalID><TransactionID>{ID}"
        "</TransactionID><Origin>INTERNET</Origin><Password>pass-word-1</Password><OrderNumber>INV-1001</OrderNumber>"
        "<CVV2>739</CVV2><Token>4B3J7E7D7K2A1000</Token><CardName>Pat Doe</CardName><TotalAmount>4500</TotalAmount>"
        "<BillingPostalCode>84058</BillingPostalCode><Email>pat@example.org</Email>"
        "<UserIPAddress>203.0.113.9</UserIPAddress><UDField1>Splynx</UDField1><UDField2>inst-7</UDField2>"
        "<UDField3>x</UDField3></ippay>")
    assert (request.kind, request.transaction_id, request.amount_cents) == ("SALE", ID, 4500)


def test_a_recurring_sale_is_the_token_and_the_amount():
    request = m.sale(IDENTITY, transaction_id=ID, token="4B3J7E7D7K2A1000", amount_cents=1, origin="RECURRING")
    assert shape(request).endswith("<Origin>RECURRING</Origin><Token>4B3J7E7D7K2A1000</Token>"
                                   "<TotalAmount>1</TotalAmount></ippay>")


def test_check_carries_its_entry_class():
    assert shape(bank_debit(note=NOTE)).partition("</TransactionID>")[2] == (
        '<OrderNumber>INV-1001</OrderNumber><ACH Type="CHECKING" SEC="WEB"><Token>J6M2J4B1B8565</Token>'
        "<CheckNumber>1002</CheckNumber></ACH><CardName>Pat Doe</CardName><TotalAmount>4500</TotalAmount>"
        "<Email>pat@example.org</Email><UserIPAddress>203.0.113.9</UserIPAddress><UDField1>Splynx</UDField1>"
        "<UDField2>inst-7</UDField2><UDField3>x</UDField3></ippay>")


@pytest.mark.parametrize(("kind", "sec", "wire"), [
    ("CHECKING", None, 'Type="CHECKING" SEC="WEB"'), ("SAVINGS", None, 'Type="SAVINGS" SEC="WEB"'),
    ("SAVINGS", "PPD", 'Type="SAVINGS" SEC="PPD"'), ("CHECKING", "TEL", 'Type="CHECKING" SEC="TEL"'),
    ("BUSINESS_CHECKING", None, 'Type="CHECKING" SEC="CCD"'), ("BUSINESS_CHECKING", "CCD", 'Type="CHECKING" SEC="CCD"')])
def test_a_business_is_debited_under_ccd_and_a_person_never(kind, sec, wire):
    assert wire in shape(bank_debit(account_kind=kind, sec=sec))


@pytest.mark.parametrize(("kind", "sec"), [("BUSINESS_CHECKING", "WEB"), ("CHECKING", "CCD")])
def test_an_entry_class_that_does_not_fit_is_refused(kind, sec):
    with pytest.raises(ValueError, match="does not fit"):
        bank_debit(account_kind=kind, sec=sec)


def test_a_bank_debit_needs_the_holder():
    with pytest.raises(ValueError, match="holder"):
        bank_debit(holder=" \x00 ")


def test_money_back_names_what_it_takes_back():
    assert shape(m.void(IDENTITY, transaction_id=ID, amount_cents=4500, approval="TEST01", token="4B3J")) == (
        f"<ippay><TransactionType>VOID</TransactionType><TerminalID>TESTTERMINAL</TerminalID><TransactionID>{ID}"
        "</TransactionID><Approval>TEST01</Approval><Token>4B3J</Token><TotalAmount>4500</TotalAmount></ippay>")
    assert shape(m.credit(IDENTITY, transaction_id=ID, token="4B3J", amount_cents=99)).endswith(
        "<Token>4B3J</Token><TotalAmount>99</TotalAmount></ippay>")
    assert "<TransactionType>REVERSAL</TransactionType>" in shape(bank_debit(m.reversal))


def test_enquiry_repeats_the_id_and_nothing_else():
    assert shape(m.enquiry(IDENTITY, ID)).endswith(f"<TransactionID>{ID}</TransactionID></ippay>")


@pytest.mark.parametrize("amount", [0, -1, 45.0, "4500", True, None])
def test_an_amount_is_a_positive_whole_number_of_cents(amount):
    with pytest.raises(ValueError, match="cents"):
        m.credit(IDENTITY, transaction_id=ID, token="4B3J", amount_cents=amount)


@pytest.mark.parametrize("make", [
    lambda: m.tokenize_card(IDENTITY, m.Card("4000 3000 2000 1000", 1, 30, ""), ID),
    lambda: m.tokenize_card(IDENTITY, m.Card("40003000200010001234", 1, 30, ""), ID),
    lambda: m.tokenize_card(IDENTITY, m.Card("４000300020001000", 1, 30, ""), ID),
    lambda: m.tokenize_card(IDENTITY, m.Card("4000300020001000", 13, 30, ""), ID),
    lambda: m.tokenize_card(IDENTITY, m.Card("4000300020001000", 0, 30, ""), ID),
    lambda: m.tokenize_card(IDENTITY, m.Card("4000300020001000", 1, -1, ""), ID),
    lambda: m.tokenize_bank(IDENTITY, m.BankAccount("11100002", "5550123456", "SAVINGS", ""), ID),
    lambda: m.tokenize_bank(IDENTITY, m.BankAccount("111000025", "5550-123456", "SAVINGS", ""), ID),
    lambda: m.sale(IDENTITY, transaction_id=ID, token="4B<J", amount_cents=1, origin="INTERNET"),
    lambda: m.sale(IDENTITY, transaction_id=ID, token="", amount_cents=1, origin="INTERNET"),
    lambda: m.sale(IDENTITY, transaction_id=ID, token="4B3J", amount_cents=1, origin="INTERNET", cvv="73a9"),
    lambda: m.enquiry(IDENTITY, "AB250101120000ZZ011"),
    lambda: m.enquiry(IDENTITY, ""),
    lambda: m.enquiry(m.Identity(" "), ID),
    lambda: bank_debit(check_number="10a"),
])
def test_what_cannot_be_sent_is_refused_without_repeating_it(make):
    with pytest.raises(ValueError) as caught:
        make()
    assert not re.search(r"4000|5550|73a9|4B<", str(caught.value))


def test_long_texts_are_clipped_and_a_long_mail_address_is_left_out():
    note = m.Note("1" * 30, "a" * 120, "b" * 120, "c" * 120, "", "x" * 50 + "@example.org")
    root = ET.fromstring(m.sale(IDENTITY, transaction_id=ID, token="4B3J", amount_cents=1, origin="INTERNET",
                                holder="Maximilian " * 9, postal_code="84058-1234-99", note=note).body)
    assert root.findtext("OrderNumber") == "1" * 20
    assert [len(root.findtext(f"UDField{number}")) for number in (1, 2, 3)] == [100, 100, 100]
    assert len(root.findtext("CardName")) <= 50
    assert root.findtext("BillingPostalCode") == "84058-1234"
    assert root.find("Email") is None


@given(st.text(max_size=80))
def test_any_holder_name_survives_the_wire(name):
    request = m.sale(IDENTITY, transaction_id=ID, token="4B3J", amount_cents=1, origin="INTERNET", holder=name)
    request.body.decode("ascii")
    root = ET.fromstring(request.body)
    legal = re.sub("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", name)
    assert (root.findtext("CardName") or "") == " ".join(legal.split())[:50].strip()
    assert [child.tag for child in root if child.tag != "CardName"] == [
        "TransactionType", "TerminalID", "TransactionID", "Origin", "Token", "TotalAmount"]


@given(st.text(max_size=30), st.text(max_size=120))
def test_no_note_can_add_or_change_an_element(order, extra):
    root = ET.fromstring(m.credit(IDENTITY, transaction_id=ID, token="4B3J", amount_cents=77,
                                  note=m.Note(order_number=order, ud2=extra)).body)
    assert [child.text for child in root.iter("TotalAmount")] == ["77"]
    assert {child.tag for child in root} <= {"TransactionType", "TerminalID", "TransactionID", "OrderNumber", "Token",
                                             "TotalAmount", "UDField2"}


def test_new_ids_are_eighteen_upper_case_letters_and_digits_and_never_the_same():
    made = {m.new_transaction_id() for _ in range(500)}
    assert len(made) == 500
    assert all(re.fullmatch(r"[A-Z0-9]{18}", one) for one in made)


def test_nothing_prints_a_secret():
    request = m.sale(SAFE, transaction_id=ID, token="4B3J7E7D7K2A1000", amount_cents=1, origin="INTERNET", cvv="739")
    shown = " ".join(map(repr, (CARD, BANK, SAFE, request, m.tokenize_card(SAFE, CARD, ID),
                                m.BankAccount("111000025", "12345", "SAVINGS", "x"))))
    for secret in ("4000300020001000", "4B3J7E7D7K2A1000", "739", "5550123456", "12345", "pass-word-1", "111000025"):
        assert secret not in shown
    assert "...1000" in shown
    assert "...3456" in shown
    assert set(request.secrets) == {"739", "4B3J7E7D7K2A1000", "pass-word-1"}


def test_a_fee_stands_beside_the_total_it_is_a_part_of():
    values = {"transaction_id": ID, "token": "4B3J", "origin": "INTERNET"}
    assert shape(m.sale(IDENTITY, amount_cents=3090, fee_cents=90, postal_code="84058", **values)).endswith(
        "<TotalAmount>3090</TotalAmount><FeeAmount>90</FeeAmount><BillingPostalCode>84058</BillingPostalCode></ippay>")
    assert "FeeAmount" not in shape(m.sale(IDENTITY, amount_cents=3090, **values))
    for fee_cents in (-1, 3090, 4000):
        with pytest.raises(ValueError, match="a fee is a part of the amount"):
            m.sale(IDENTITY, amount_cents=3090, fee_cents=fee_cents, **values)
