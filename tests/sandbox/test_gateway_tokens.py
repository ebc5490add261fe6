"""Tokens and ipTransIDs: three ways to get one, what it looks like, where it is good."""

import re

CARD = {"CardNum": "4000300020001000", "CardExpMonth": "12", "CardExpYear": "40"}


def test_a_card_token_keeps_length_first_digit_and_last_four(gateway, control):
    reply = gateway.call("TOKENIZE", **CARD)
    assert (reply.root, reply.ActionCode, reply.ResponseText) == ("IPPayResponse", "000", "TOKENIZED")
    assert re.fullmatch(r"4([A-HJ-M]\d){5}[A-HJ-M]1000", reply.Token)
    assert gateway.token(**CARD) != reply.Token, "not a constant of the number"
    assert control.deals() == [], "no money moves"


def test_a_sale_by_token_needs_no_expiry(gateway, control):
    token = gateway.token(**CARD)
    assert gateway.call("SALE", TransactionID="A1", Token=token, TotalAmount="1000").ActionCode == "000"
    [row] = control.deals()
    assert row["token_last4"] == "1000"
    assert token not in str(control("GET", "ledger"))


def test_a_token_is_good_at_its_own_terminal_only(gateway):
    token = gateway.token(**CARD)
    reply = gateway.call("SALE", terminal="NORTHTERM01", TransactionID="A1", Token=token, TotalAmount="1000")
    assert (reply.ActionCode, reply.ErrMsg) == ("900", "Invalid token.")


def test_a_sale_and_a_check_hand_out_a_token_on_request(gateway):
    card = (
        '<CardNum Tokenize="true">4111111111111111</CardNum><CardExpMonth>12</CardExpMonth>'
        "<CardExpYear>40</CardExpYear>"
    )
    reply = gateway.call("SALE", card, TransactionID="A1", TotalAmount="1000")
    assert gateway.call("SALE", TransactionID="A2", Token=reply.Token, TotalAmount="1000").ActionCode == "000"
    for attributes, number in (("Tokenize='true'", ""), ("", " Tokenize='true'")):
        ach = (
            f"<ACH Type='SAVINGS' SEC='PPD' {attributes}><AccountNumber{number}>12345678</AccountNumber>"
            "<ABA>111000025</ABA><CheckNumber>1</CheckNumber></ACH>"
        )
        reply = gateway.check(f"C{len(number)}", xml=ach)
        assert reply.Token.endswith("5678")
        assert len(reply.Token) == 8


def test_a_bank_token_comes_from_top_level_elements_and_pays_from_either_place(gateway):
    reply = gateway.call("TOKENIZE", ABA="111000025", AccountNumber="123456789")
    assert reply.root == "IPPayResponse"
    inside = f'<ACH Type="CHECKING" SEC="WEB"><Token>{reply.Token}</Token><CheckNumber>1</CheckNumber></ACH>'
    beside = f'<Token>{reply.Token}</Token><ACH Type="CHECKING" SEC="WEB"><CheckNumber>1</CheckNumber></ACH>'
    assert gateway.check("C1", xml=inside).ActionCode == "000"
    assert gateway.check("C2", xml=beside).ActionCode == "000"
    assert gateway.call("SALE", TransactionID="A1", Token=reply.Token, TotalAmount="1000").ErrMsg == "Invalid token."


def test_the_shortest_accounts_get_distinct_tokens(gateway):
    tokens = {gateway.token(ABA="111000025", AccountNumber="1234") for _ in range(5)}
    assert len(tokens) == 5
    assert all(token.endswith("1234") and token != "1234" for token in tokens)


def test_a_token_takes_a_new_expiry(gateway, control):
    token = gateway.token(**CARD)
    control("POST", "expire", {"token_last4": "1000"})
    assert gateway.call("SALE", TransactionID="A1", Token=token, TotalAmount="1000").ActionCode == "917"
    reply = gateway.call("TOKENIZE", Token=token, CardExpMonth="01", CardExpYear="45")
    assert (reply.ActionCode, reply.Token) == ("000", token)
    assert gateway.call("SALE", TransactionID="A2", Token=token, TotalAmount="1000").ActionCode == "000"


def test_tokenising_looks_at_the_format_only(gateway):
    assert gateway.call("TOKENIZE", **{**CARD, "CardNum": "4000300020001001"}).ErrMsg == "Invalid card number.  "
    assert gateway.call("TOKENIZE", **{**CARD, "CardExpYear": "01"}).ActionCode == "000"
    assert gateway.call("TOKENIZE", ABA="111000026", AccountNumber="1234").ActionCode == "923"
    assert gateway.call("TOKENIZE", ABA="111000025", AccountNumber="12x4").ActionCode == "924"
    assert gateway.call("TOKENIZE").ErrMsg == "Card number is required."


def test_an_ip_trans_id_recalls_the_card_in_both_spellings(gateway):
    first = gateway.sale("A1")
    assert len(first.ipTransID) == 23
    assert gateway.call("SALE", TransactionID="A2", ipTransID=first.ipTransID, TotalAmount="1000").ActionCode == "000"
    assert (
        gateway.call("SALE", TransactionID="A3", ipTransId=first.ipTransID.lstrip("0"), TotalAmount="1000").ActionCode
        == "000"
    )
    assert gateway.call("SALE", TransactionID="A4", ipTransID="7", TotalAmount="1000").ErrMsg == "Invalid token."
