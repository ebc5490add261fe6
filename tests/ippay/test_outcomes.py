"""Reading an answer: a clear yes, a clear no, and everything else unknown."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from splynx_ippay.base.errors import OutcomeUnknown
from splynx_ippay.ippay import messages as m
from splynx_ippay.ippay.declines import DECLINES
from splynx_ippay.ippay.outcomes import Reply, Verdict, judge, read_reply, shows_amount, staff_words

ID = "AB250101120000ZZ01"
IDENTITY = m.Identity("TESTTERMINAL")
SALE = m.sale(IDENTITY, transaction_id=ID, token="4B3J7E7D7K2A1000", amount_cents=4500, origin="INTERNET", cvv="739")
TOKENIZE = m.tokenize_card(IDENTITY, m.Card("4000300020001000", 1, 30, ""), ID)
KINDS = ("PING", "SALE", "TOKENIZE", "CHECK", "REVERSAL", "VOID", "CREDIT", "ENQ")


def xml(root="ippayResponse", **elements):
    inner = "".join(f"<{name}>{text}</{name}>" for name, text in ({"TransactionID": ID} | elements).items() if text)
    return f"<{root}>{inner}</{root}>".encode()


def yes(**changes):
    return Reply(**({"action_code": "000", "approval": "TEST01", "response_text": "APPROVED"} | changes))


@pytest.mark.parametrize("root", ["ippayResponse", "IPPayResponse", "JetPayResponse", "JETPAYRESPONSE"])
def test_every_root_of_the_family_is_read(root):
    reply = read_reply(SALE, xml(root, ActionCode="000", Approval="TEST01", CVV2="P", ResponseText="APPROVED",
                                 AddressMatch="Y", ZipMatch="N", AVS="A", ipTransID="00000000000000000012345",
                                 TotalAmount="4500"))
    assert reply == Reply(ID, "000", "TEST01", "APPROVED", cvv2="P", address_match="Y", zip_match="N", avs="A",
                          ip_trans_id="12345", total_amount="4500")


def test_the_id_is_compared_without_regard_to_case():
    assert read_reply(SALE, xml(TransactionID=ID.lower(), ActionCode="000")).transaction_id == ID


@pytest.mark.parametrize("shown", ["", "AB250101120000ZZ02"])
def test_an_answer_without_our_id_is_a_mismatch(shown):
    with pytest.raises(OutcomeUnknown) as caught:
        read_reply(SALE, xml(TransactionID=shown, ActionCode="000", Approval="TEST01"))
    assert caught.value.symptom == "mismatch"


def test_ping_and_tokenize_may_be_answered_without_an_id():
    assert read_reply(m.ping(IDENTITY), xml(TransactionID="", ActionCode="000")).action_code == "000"
    assert read_reply(m.ping(IDENTITY), xml(ActionCode="000")).action_code == "000"
    assert read_reply(TOKENIZE, xml("IPPayResponse", TransactionID="", Token="4B3J")).token == "4B3J"
    with pytest.raises(OutcomeUnknown):
        read_reply(TOKENIZE, xml("IPPayResponse", TransactionID="X", Token="4B3J"))


def test_an_answer_that_says_two_things_is_a_mismatch():
    body = xml(ActionCode="000", Approval="TEST01").replace(b"</ippay", b"<ActionCode>051</ActionCode></ippay")
    with pytest.raises(OutcomeUnknown) as caught:
        read_reply(SALE, body)
    assert caught.value.symptom == "mismatch"


def test_elements_of_another_shape_are_not_kept():
    reply = read_reply(SALE, xml(ActionCode="0000", Approval="4000300020001000", AVS="YY", CVV2="739", Token="4<!-- -->",
                                 ipTransID="x1", TotalAmount="$45"))
    assert reply == Reply(transaction_id=ID)


def test_an_echo_of_the_number_is_no_token():
    assert read_reply(TOKENIZE, xml(Token="4000300020001000", ActionCode="000")).token == ""
    assert read_reply(TOKENIZE, xml(Token="4B3J7E7D7K2A1000", ActionCode="000")).token == "4B3J7E7D7K2A1000"


def test_words_are_scrubbed_and_clipped():
    reply = read_reply(SALE, xml(ErrMsg="no  739 4B3J7E7D7K2A1000 5550-1234 5678 &lt;CVV2&gt;1", AdditionalInfo="é" * 500,
                                 ResponseText="12345678"))
    assert reply.err_msg == "no [...] [...] [...]"
    assert reply.response_text == "[...]"
    assert len(reply.additional_info) == 200


def test_a_reply_above_the_cap_is_not_even_parsed():
    with pytest.raises(OutcomeUnknown, match="larger"):
        read_reply(SALE, xml(ActionCode="000", ErrMsg="x" * 65_536))


def test_a_token_is_not_printed():
    assert "4B3J" not in repr(Reply(token="4B3J"))


@given(st.one_of(st.binary(max_size=300), st.text(max_size=100).map(lambda text: xml(ErrMsg=text, ActionCode=text))))
@example(b'<?xml version="1.0" encoding="no-such"?><ippayResponse/>')
@example(b'<?xml version="1.0" encoding="utf-16"?><ippayResponse/>')
@example(b"<ippayResponse>" + b"<a>" * 20_000)
@example(b"\xff\xfe<\x00")
def test_no_bytes_raise_anything_but_unknown(body):
    try:
        reply = read_reply(SALE, body)
    except OutcomeUnknown:
        return
    for kind in KINDS:
        assert judge(kind, reply) in set(Verdict)


@pytest.mark.parametrize(("kind", "reply", "verdict"), [
    ("PING", Reply(action_code="000", response_text="PING"), Verdict.APPROVED),
    ("PING", Reply(action_code="000", response_text="PING FAILED"), Verdict.UNKNOWN),
    ("PING", Reply(), Verdict.UNKNOWN),
    ("PING", Reply(action_code="925"), Verdict.CONFIGURATION),
    ("SALE", yes(), Verdict.APPROVED),
    ("SALE", yes(response_text=""), Verdict.APPROVED),
    ("SALE", yes(approval=""), Verdict.UNKNOWN),
    ("SALE", yes(approval="000000"), Verdict.UNKNOWN),
    ("SALE", yes(approval="REJECT", response_text="ED"), Verdict.UNKNOWN),
    ("SALE", yes(response_text="DECLINED"), Verdict.UNKNOWN),
    ("SALE", yes(response_text="PENDING"), Verdict.UNKNOWN),
    ("SALE", Reply(response_text="APPROVED", approval="TEST01"), Verdict.UNKNOWN),
    ("SALE", yes(action_code="010"), Verdict.REVIEW),
    ("SALE", yes(action_code="011"), Verdict.UNKNOWN),
    ("SALE", yes(action_code="085"), Verdict.UNKNOWN),
    ("SALE", yes(action_code="400"), Verdict.UNKNOWN),
    ("SALE", yes(action_code="777"), Verdict.UNKNOWN),
    ("SALE", Reply(action_code="051", response_text="DECLINED"), Verdict.DECLINED),
    ("SALE", Reply(action_code="005"), Verdict.DECLINED),
    ("SALE", Reply(action_code="051", response_text="Approved"), Verdict.UNKNOWN),
    ("SALE", Reply(action_code="051", response_text="TIMED OUT"), Verdict.UNKNOWN),
    ("SALE", Reply(action_code="051", err_msg="Duplicate transaction"), Verdict.UNKNOWN),
    ("SALE", Reply(action_code="003", response_text="DECLINED"), Verdict.CONFIGURATION),
    ("SALE", Reply(action_code="921"), Verdict.CONFIGURATION),
    ("SALE", Reply(action_code="091"), Verdict.UNKNOWN),
    ("SALE", Reply(action_code="094"), Verdict.UNKNOWN),
    ("SALE", Reply(action_code="025"), Verdict.UNKNOWN),
    ("SALE", Reply(action_code="942"), Verdict.UNKNOWN),
    ("SALE", Reply(action_code="900", err_msg="Invalid card number.  "), Verdict.DECLINED),
    ("SALE", Reply(action_code="900", err_msg="Invalid card number. Please wait"), Verdict.UNKNOWN),
    ("SALE", Reply(action_code="900", err_msg="Duplicate TransactionID"), Verdict.UNKNOWN),
    ("SALE", Reply(action_code="900"), Verdict.UNKNOWN),
    ("SALE", Reply(action_code="900", err_msg="The transaction type is not a valid transaction type."),
     Verdict.CONFIGURATION),
    ("CREDIT", Reply(action_code="900", err_msg="The transaction type is not a valid transaction type."),
     Verdict.DECLINED),
    ("TOKENIZE", Reply(action_code="000", token="4B3J", response_text="TOKENIZED"), Verdict.APPROVED),
    ("TOKENIZE", Reply(action_code="000", response_text="TOKENIZED"), Verdict.UNKNOWN),
    ("TOKENIZE", Reply(action_code="900", err_msg="Invalid card number."), Verdict.DECLINED),
    ("CHECK", yes(approval="000000", response_text="CHECK ACCEPTED"), Verdict.ACCEPTED),
    ("CHECK", yes(approval="", response_text="CHECK ACCEPTED"), Verdict.ACCEPTED),
    ("CHECK", yes(approval="000000", response_text=""), Verdict.ACCEPTED),
    ("CHECK", yes(approval="TEST01", response_text="APPROVED"), Verdict.UNKNOWN),
    ("CHECK", yes(approval="000000", response_text="CHECK ACCEPTED", additional_info="HOLD"), Verdict.UNKNOWN),
    ("CHECK", Reply(action_code="923"), Verdict.DECLINED),
    ("REVERSAL", yes(approval="000000", response_text="CHECK ACCEPTED"), Verdict.ACCEPTED),
    ("VOID", yes(response_text="VOID PROCESSED"), Verdict.APPROVED),
    ("VOID", yes(response_text="VOID PROCESSED", approval=""), Verdict.UNKNOWN),
    ("VOID", yes(response_text="", approval="REJECT"), Verdict.UNKNOWN),
    ("VOID", Reply(action_code="025"), Verdict.DECLINED),
    ("VOID", Reply(action_code="940"), Verdict.DECLINED),
    ("VOID", Reply(action_code="077"), Verdict.UNKNOWN),
    ("VOID", Reply(action_code="996"), Verdict.CONFIGURATION),
    ("CREDIT", yes(approval="123456", response_text="RETURN ACCEPTED"), Verdict.APPROVED),
    ("CREDIT", Reply(action_code="943"), Verdict.DECLINED),
    ("ENQ", yes(), Verdict.APPROVED),
    ("ENQ", yes(approval="000000", response_text="CHECK ACCEPTED"), Verdict.ACCEPTED),
    ("ENQ", yes(response_text="VOID PROCESSED"), Verdict.UNKNOWN),
    ("ENQ", yes(approval=""), Verdict.UNKNOWN),
    ("ENQ", yes(action_code="010"), Verdict.REVIEW),
    ("ACK", yes(), Verdict.UNKNOWN),
])
def test_an_answer_is_judged_by_its_type_and_code(kind, reply, verdict):
    assert judge(kind, reply) is verdict


@pytest.mark.parametrize("code", [*DECLINES, "025", "777", ""])
def test_an_enquiry_never_proves_the_opposite(code):
    assert judge("ENQ", Reply(action_code=code)) in {Verdict.UNKNOWN, Verdict.REVIEW}


def test_a_code_that_is_not_listed_is_never_a_no():
    for code in {f"{number:03d}" for number in range(1, 1000)} - set(DECLINES):
        reply = Reply(action_code=code, response_text="DECLINED")
        assert {judge(kind, reply) for kind in KINDS} == {Verdict.UNKNOWN}


@given(st.builds(Reply, action_code=st.from_regex(r"[0-9]{3}", fullmatch=True), response_text=st.text(max_size=20)),
       st.sampled_from(KINDS))
def test_text_never_makes_an_unknown_anything_else(reply, kind):
    silent = judge(kind, Reply(action_code=reply.action_code))
    if silent is Verdict.UNKNOWN and reply.action_code != "000":
        assert judge(kind, reply) is Verdict.UNKNOWN


@pytest.mark.parametrize(("shown", "same"), [("", True), ("4500", True), ("45.00", True), ("45.0000", True),
                                             ("45", False), ("4501", False), ("45.01", False)])
def test_the_amount_of_an_enquiry_is_compared_where_shown(shown, same):
    assert shows_amount(Reply(total_amount=shown), 4500) is same


def test_staff_read_the_code_its_meaning_and_the_gateways_words():
    assert staff_words(Reply(action_code="051", response_text="DECLINED")) == (
        "051 Insufficient funds (the gateway said: DECLINED)")
    assert staff_words(Reply(action_code="000")) == "000 Approved"
    assert re.match(r"no code Not in the list", staff_words(Reply()))
