"""The gateway's card transactions over real HTTP, each checked against its ledger."""

import pytest

DECLINING = {
    *range(1, 8),
    *range(12, 16),
    19,
    21,
    *range(28, 45),
    *range(51, 56),
    *range(57, 60),
    *range(61, 64),
    65,
    *range(75, 79),
    *range(80, 86),
    *range(90, 95),
    96,
}


def test_a_sale_by_card_is_booked_with_its_notes(gateway, control):
    reply = gateway.sale(
        "A1",
        4500,
        OrderNumber="INV-1",
        UDField2="inst/1",
        Origin="INTERNET",
        CVV2="123",
        BillingAddress="1 Street",
        BillingPostalCode="84058",
    )
    assert (reply.root, reply.TransactionID, reply.ActionCode, reply.ResponseText) == (
        "ippayResponse",
        "A1",
        "000",
        "APPROVED",
    )
    assert reply.Approval.startswith("TEST")
    assert len(reply.Approval) == 6
    assert (reply.CVV2, reply.AVS, reply.AddressMatch, reply.ZipMatch) == ("P", "Y", "Y", "Y")
    [row] = control.deals()
    assert (row["state"], row["amount_cents"], row["order_number"], row["ud2"]) == ("booked", 4500, "INV-1", "inst/1")
    assert (row["last4"], row["token_last4"], row["brand"]) == ("1111", "", "visa")


def test_a_minimal_sale_shows_no_address_and_no_cvv2(gateway):
    reply = gateway.sale("A1")
    assert not hasattr(reply, "AVS")
    assert not hasattr(reply, "CVV2")
    assert not hasattr(reply, "ErrMsg")


@pytest.mark.parametrize("cents", [100, 111, 125, 149, 199])
def test_approving_cents_approve(gateway, cents):
    assert gateway.sale("A1", cents).ActionCode == "000"


def test_exactly_the_published_cents_approve():
    from splynx_ippay_sandbox.gateway.codes import DECLINING_CENTS

    assert DECLINING_CENTS == DECLINING


@pytest.mark.parametrize(("cents", "code"), [(1305, "005"), (1051, "051"), (1001, "001"), (1083, "005"), (1096, "096")])
def test_declining_cents_pick_the_action_code(gateway, control, cents, code):
    reply = gateway.sale("A1", cents)
    assert (reply.ActionCode, reply.ResponseText) == (code, "DECLINED")
    assert not hasattr(reply, "Approval")
    assert [row["state"] for row in control.deals()] == ["declined"]


@pytest.mark.parametrize(("cents", "code"), [(1001, "100"), (1004, "200"), (1005, "005")])
def test_american_express_has_codes_of_its_own(gateway, cents, code):
    assert gateway.sale("A1", cents, CardNum="378282246310005").ActionCode == code


@pytest.mark.parametrize(
    "number", ["4111111111111112", "411111111111", "4111 1111 1111 1111", "４１１１１１１１１１１１１１１１"]
)
def test_a_bad_card_number_is_error_900_and_leaves_the_id_free(gateway, control, number):
    reply = gateway.sale("A1", CardNum=number)
    assert (reply.ActionCode, reply.ErrMsg, reply.TransactionID) == ("900", "Invalid card number.  ", "A1")
    assert not hasattr(reply, "ResponseText")
    assert control.deals() == []
    assert gateway.sale("A1").ActionCode == "000"


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("0", "Value must be non-zero."),
        ("49.95", "Invalid total amount."),
        ("-5", "Invalid total amount."),
        ("1e3", "Invalid total amount."),
        ("１００", "Invalid total amount."),
        ("", "Total amount is required."),
    ],
)
def test_an_impossible_amount_is_error_900(gateway, control, amount, words):
    reply = gateway.sale("A1", amount)
    assert (reply.ActionCode, reply.ErrMsg) == ("900", words)
    assert control.deals() == []


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"FeeAmount": "1.50"}, "Invalid FeeAmount."),
        ({"FeeAmount": "1001"}, "Invalid FeeAmount."),
        ({"TaxAmount": "x"}, "Invalid TaxAmount."),
    ],
)
def test_fee_and_tax_are_part_of_the_total(gateway, more, words):
    assert gateway.sale("A1", 1000, **more).ErrMsg == words
    assert gateway.sale("A1", 1000, FeeAmount="1000", TaxAmount="0").ActionCode == "000"


def test_a_transaction_id_is_at_most_18_letters_digits_and_dashes(gateway):
    assert gateway.sale("A" * 18).ActionCode == "000"
    assert gateway.sale("A" * 19).ErrMsg == "Invalid transaction ID."
    assert gateway.sale("A_1").ErrMsg == "Invalid transaction ID."


def test_without_an_id_the_gateway_makes_one(gateway):
    reply = gateway.call("SALE", CardNum="4111111111111111", CardExpMonth="12", CardExpYear="40", TotalAmount="1000")
    assert len(reply.TransactionID) == 18
    assert reply.TransactionID[0].isalpha()


def test_a_duplicate_id_is_refused_whatever_its_case(gateway, control):
    gateway.sale("ab1")
    reply = gateway.sale("AB1", 2000)
    assert (reply.ActionCode, reply.ErrMsg) == ("900", "Duplicate transaction ID.")
    assert len(control.deals()) == 1


def test_a_duplicate_id_can_be_answered_094(gateway, control):
    control("POST", "gateway", {"duplicate": "094"})
    gateway.sale("A1")
    assert gateway.sale("A1").ActionCode == "094"
    assert len(control.deals()) == 1


def test_a_duplicate_id_can_be_answered_with_the_first_reply(gateway, control):
    control("POST", "gateway", {"duplicate": "replay"})
    first, second = gateway.sale("A1"), gateway.sale("A1")
    assert first == second
    assert len(control.deals()) == 1


def test_the_same_id_is_free_at_another_terminal(gateway):
    gateway.sale("A1")
    assert (
        gateway.call(
            "SALE",
            terminal="NORTHTERM01",
            TransactionID="A1",
            TotalAmount="1000",
            CardNum="4111111111111111",
            CardExpMonth="12",
            CardExpYear="40",
        ).ActionCode
        == "000"
    )


def test_an_unknown_terminal_is_925_and_a_wrong_password_926(gateway, control):
    assert gateway.call("PING", terminal="NOBODY").ActionCode == "925"
    control("POST", "gateway", {"passwords": {"NORTHTERM01": "x"}})
    assert gateway.call("PING", terminal="NORTHTERM01").ActionCode == "926"
    assert gateway.call("PING", terminal="NORTHTERM01", Password="x").ActionCode == "000"


def test_ping_answers_ping_and_echoes_the_id(gateway):
    reply = gateway.call("PING", TransactionID="P1")
    assert (reply.TransactionID, reply.ActionCode, reply.ResponseText) == ("P1", "000", "PING")


@pytest.mark.parametrize("kind", ["ACK", "REVERSEAUTH", "INCREMENTAL", "PARTIALREVERSAL", "NONSENSE", ""])
def test_types_the_gateway_does_not_know_are_error_900(gateway, kind):
    reply = gateway.sale("A1", kind=kind)
    assert (reply.ActionCode, reply.ErrMsg) == ("900", "The transaction type is not a valid transaction type.")


def test_an_expired_card_is_917_by_the_sandboxes_clock(gateway, control):
    month, year = control("GET", "clock")["now"][5:7], control("GET", "clock")["now"][2:4]
    assert gateway.sale("A1", CardExpMonth=month, CardExpYear=year).ActionCode == "000"
    control.jump(days=40)
    reply = gateway.sale("A2", CardExpMonth=month, CardExpYear=year)
    assert (reply.ActionCode, reply.ErrMsg) == ("917", "Expired card.")
    assert [row["state"] for row in control.deals(transaction_id="A2")] == ["declined"]


def test_a_month_13_or_a_missing_expiry_is_error_900(gateway):
    assert gateway.sale("A1", CardExpMonth="13").ErrMsg == "Invalid expiration date."
    assert gateway.sale("A1", CardExpYear="").ErrMsg == "Invalid expiration date."


def test_an_enquiry_tells_the_first_answer_again(gateway):
    gateway.sale("A1", 2000)
    gateway.call("VOID", TransactionID="A1", TotalAmount="2000")
    reply = gateway.call("ENQ", TransactionID="a1")
    assert (reply.ActionCode, reply.TransactionID, reply.TotalAmount) == ("000", "A1", "2000"), (
        "it does not tell of the void"
    )
    gateway.sale("A2", 1005)
    assert gateway.call("ENQ", TransactionID="A2").ActionCode == "005"
    assert gateway.call("ENQ", TransactionID="A3").ActionCode == "025"


def test_an_enquiry_can_be_unsupported_or_show_no_amount(gateway, control):
    gateway.sale("A1", 2000)
    control("POST", "gateway", {"enq_amount": False, "ip_trans_id": False})
    assert not hasattr(gateway.call("ENQ", TransactionID="A1"), "TotalAmount")
    assert not hasattr(gateway.sale("A2"), "ipTransID")
    control("POST", "gateway", {"enq": False})
    assert gateway.call("ENQ", TransactionID="A1").ErrMsg == "The transaction type is not a valid transaction type."


def test_a_scripted_answer_comes_once_and_books_only_if_told(gateway, control):
    control("POST", "answers", {"type": "SALE", "action_code": "096", "response_text": "SYSTEM ERROR", "booked": True})
    control("POST", "answers", {"type": "SALE", "action_code": "043"})
    assert gateway.sale("A1").ActionCode == "096"
    assert gateway.sale("A2").ActionCode == "043"
    assert gateway.sale("A3").ActionCode == "000"
    assert {row["transaction_id"]: row["state"] for row in control.deals()} == {
        "A1": "booked",
        "A2": "declined",
        "A3": "booked",
    }


def test_the_gateway_may_void_a_sale_by_itself(gateway, control):
    gateway.sale("A1", 2000)
    control("POST", "autovoid", {"transaction_id": "A1"})
    assert {row["type"]: row["state"] for row in control.deals()} == {"SALE": "void", "VOID": "booked"}
