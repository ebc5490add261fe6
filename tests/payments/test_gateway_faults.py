"""Everything that can go wrong on the way to the gateway: what the attempt then says, and that money moved at most once."""

import pytest

from splynx_ippay.base.errors import BadInput, GatewayRefused, NeverSent, OutcomeUnknown, Stopped
from splynx_ippay.payments import view
from splynx_ippay.payments.models import Booking, State

NOTHING_BOOKED = [{"kind": "drop_before"}, {"kind": "reset"}, {"kind": "html"}, {"kind": "garbage"},
                  {"kind": "http_status", "status": 500}, {"kind": "http_status", "status": 403}, {"kind": "xml_bomb"},
                  {"kind": "oversize"}]
BOOKED = [{"kind": "drop_after"}, {"kind": "half_answer"}, {"kind": "http_status", "booked": True},
          {"kind": "html", "booked": True}]


def names(wishes):
    return ["-".join(map(str, wish.values())) for wish in wishes]


@pytest.mark.parametrize("wish", NOTHING_BOOKED, ids=names(NOTHING_BOOKED))
def test_no_clear_answer_is_unknown_and_holds_the_debt(desk, sandbox, wish):
    method, item = desk.saved_card(), desk.invoice()
    sandbox.fault(server="gateway", match={"type": "SALE"}, **wish)
    attempt = desk.pay(method, item)
    assert attempt.state == State.UNKNOWN
    assert attempt.lines[0].keys[0].open_target == f"invoice:{item.document_id}"
    assert view.ending(attempt).name == "unknown"
    assert attempt.next_check_at is not None
    assert sandbox.sales() == []
    assert desk.payments_of(attempt) == []


@pytest.mark.parametrize("wish", BOOKED, ids=names(BOOKED))
def test_a_lost_approval_is_unknown_and_then_found(desk, sandbox, wish):
    method, item = desk.saved_card(), desk.invoice()
    sandbox.fault(server="gateway", match={"type": "SALE"}, **wish)
    attempt = desk.pay(method, item)
    assert attempt.state == State.UNKNOWN
    desk.tick(seconds=6)
    assert desk.attempt(attempt.id).state == State.APPROVED
    assert desk.line(attempt).booking == Booking.POSTED
    assert len(sandbox.sales()) == 1


@pytest.mark.parametrize("kind", ["delay", "slow_drip"])
def test_an_answer_after_the_deadline_is_unknown(desk, sandbox, kind):
    method, item = desk.saved_card(), desk.invoice()
    desk.core.answer_seconds = 0.6
    sandbox.fault(server="gateway", kind=kind, match={"type": "SALE"}, seconds=1)
    attempt = desk.pay(method, item)
    assert attempt.state == State.UNKNOWN
    assert "timeout" in attempt.reason


def test_an_answer_that_echoes_the_request_is_unknown_and_leaves_no_trace_of_it(desk, sandbox):
    sandbox.fault(server="gateway", kind="echo", match={"type": "SALE"})
    attempt = desk.take(desk.new_card(cvv="987"), desk.invoice())
    assert attempt.state == State.UNKNOWN
    texts = [attempt.reason, attempt.response_text, *(str(event.data) for event in desk.events(attempt.id))]
    token = desk.core.box.decrypt(attempt.token_cipher)
    assert not any(secret in text for text in texts for secret in ("987", token, "<"))


def test_a_refused_connection_was_never_sent_and_the_debt_is_free(desk, sandbox):
    method, item = desk.saved_card(), desk.invoice()
    sandbox.fault(server="gateway", kind="refuse")
    attempt = desk.pay(method, item)
    assert attempt.state == State.ABANDONED
    assert "never_sent" in desk.kinds(attempt)
    sandbox.clear_faults()
    assert desk.pay(method, item).state == State.APPROVED
    assert len(sandbox.sales()) == 1


def test_an_unknown_payment_keeps_the_new_method_that_was_to_be_saved(desk, sandbox):
    sandbox.fault(server="gateway", kind="drop_after", match={"type": "SALE"})
    attempt = desk.take(desk.new_card(save=True), desk.invoice())
    assert attempt.state == State.UNKNOWN
    assert desk.method(attempt.method_id).status == "active"


def test_a_part_approval_goes_to_a_person(desk, sandbox):
    method, item = desk.saved_card(), desk.invoice()
    sandbox.control("POST", "answers", {"type": "SALE", "action_code": "010", "response_text": "PARTIAL APPROVAL",
                                        "booked": True, "amount_cents": 500})
    attempt = desk.pay(method, item)
    assert attempt.state == State.REVIEW
    assert "part" in attempt.reason
    assert view.ending(attempt).name == "review"
    assert attempt.lines[0].keys[0].open_target


def test_a_code_nobody_knows_is_unknown(desk, sandbox):
    sandbox.control("POST", "answers", {"type": "SALE", "action_code": "777"})
    attempt = desk.pay(desk.saved_card(), desk.invoice())
    assert attempt.state == State.UNKNOWN
    assert attempt.answered_at is None


def test_a_check_with_a_hint_beside_its_acceptance_is_unknown(desk, sandbox):
    sandbox.control("POST", "gateway", {"additional_info": "Account on hold", "additional_info_books": True})
    assert desk.pay(desk.saved_bank(), desk.invoice()).state == State.UNKNOWN


# -- the exchange of new details for a token ---------------------------------------------------------------------------

@pytest.mark.parametrize("kind", ["drop_before", "html", "half_answer"])
def test_a_lost_token_moves_no_money_and_holds_nothing(desk, sandbox, kind):
    sandbox.fault(server="gateway", kind=kind, match={"type": "TOKENIZE"})
    with pytest.raises(OutcomeUnknown):
        desk.take(desk.new_card(), desk.invoice())
    assert desk.attempts() == []
    assert desk.take(desk.new_card(), desk.invoice()).state == State.APPROVED


def test_no_connection_for_the_token_is_never_sent(desk, sandbox):
    sandbox.fault(server="gateway", kind="refuse")
    with pytest.raises(NeverSent):
        desk.take(desk.new_card(), desk.invoice())
    assert desk.attempts() == []


def test_details_the_gateway_refuses_are_the_persons_to_mend(desk):
    with pytest.raises(BadInput) as caught:
        desk.take(desk.new_card(number="4111111111111112"), desk.invoice())
    assert caught.value.field == "number"
    assert caught.value.message


def test_a_bank_account_the_gateway_refuses_names_its_field(desk):
    with pytest.raises(BadInput) as caught:
        desk.take(desk.new_bank(routing="111000026"), desk.invoice())
    assert caught.value.field == "routing"


def test_a_token_refused_for_our_set_up_stops_the_terminal(desk, sandbox, settings_of):
    settings_of(desk.core, terminal_id="NOSUCHTERM")
    with pytest.raises(GatewayRefused):
        desk.saved_card()
    assert desk.terminal("NOSUCHTERM").stopped_at is not None
    with pytest.raises(Stopped) as caught:
        desk.saved_card()
    assert caught.value.reason == "breaker"


def test_an_unclear_answer_about_details_is_no_token(desk, sandbox):
    sandbox.fault(server="gateway", kind="echo", match={"type": "TOKENIZE"})
    with pytest.raises(OutcomeUnknown):
        desk.saved_card()
