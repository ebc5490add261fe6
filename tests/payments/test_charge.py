"""The one function that takes money, undisturbed: what was sent, what was booked, what it costs in calls."""

import pytest

from splynx_ippay.base.errors import AmountChanged, BadInput
from splynx_ippay.payments import charge, view
from splynx_ippay.payments.models import Booking, Door, State


def test_a_saved_card_pays_an_invoice_once_in_both_books(desk, sandbox):
    method, item = desk.saved_card(), desk.invoice()
    attempt = desk.pay(method, item)
    assert (attempt.state, attempt.lines[0].booking) == (State.APPROVED, Booking.POSTED)
    assert [row["amount_cents"] for row in sandbox.sales()] == [item.amount.cents]
    ours = [row for row in sandbox.payments() if row["field_1"] == f"{attempt.transaction_id}-1"]
    assert len(ours) == 1
    assert sandbox.invoice(item.document_id)["status"] == "paid"


def test_a_charge_by_saved_method_is_one_gateway_call_and_at_most_five_host_calls(desk, sandbox):
    method = desk.saved_card()
    desk.pay(method, desk.topup(1000))  # signs in and opens the month's statement
    sandbox.reset_counters()
    desk.pay(method, desk.invoice())
    counters = sandbox.counters()
    assert counters["gateway"] == {"SALE": 1}
    assert sum(counters["host"].values()) <= 5, counters["host"]


def test_no_database_transaction_costs_a_query_a_line(desk, counted_queries):
    method = desk.saved_card()
    desk.pay(method, desk.topup(1000))
    with counted_queries(desk.core) as seen:
        desk.pay(method, desk.invoice())
    assert len(seen) <= 81  # one of them owes the receipt


def test_the_intent_is_on_disk_before_a_byte_is_sent(desk, sandbox):
    method, item = desk.saved_card(), desk.invoice()
    sandbox.fault(server="gateway", kind="delay", match={"type": "SALE"}, seconds=1)
    join = desk.in_background(lambda: desk.pay(method, item))
    desk.wait_for_call("SALE")
    [attempt] = desk.attempts()
    assert attempt.state == State.INTENDED
    assert attempt.sending_at is not None
    assert join().state == State.APPROVED


def test_an_approval_is_written_down_with_everything_staff_ask_for(desk):
    attempt = desk.pay(desk.saved_card(), desk.invoice(), door=Door.STAFF, actor="staff 1 (ada)")
    assert (attempt.door, attempt.actor, attempt.brand, attempt.last_four) == ("staff", "staff 1 (ada)", "Visa", "1111")
    assert (attempt.action_code, attempt.learned_from) == ("000", "answer")
    assert attempt.approval
    assert attempt.ip_trans_id
    assert (attempt.terminal_id, attempt.environment, attempt.currency) == ("TESTTERMINAL", "test", "USD")
    assert attempt.reference == attempt.transaction_id
    assert desk.kinds(attempt) == ["intended", "sending", "answer", "booking", "booking", "booking"]


def test_every_sale_carries_installation_attempt_and_invoice_number(desk, sandbox):
    item = desk.invoice()
    attempt = desk.pay(desk.saved_card(), item)
    [sale] = sandbox.sales()
    assert sale["order_number"] == item.number
    assert sale["ud2"] == f"{desk.core.installation}:{attempt.id}"


def test_a_proforma_is_paid_and_posted_to_the_proforma(desk):
    item = desk.proforma()
    attempt = desk.pay(desk.saved_card(), item)
    [payment] = desk.payments_of(attempt)
    assert int(payment["request_id"]) == item.document_id
    assert attempt.lines[0].booking == Booking.POSTED


def test_a_top_up_is_posted_to_the_account(desk):
    attempt = desk.pay(desk.saved_card(), desk.topup(2500))
    [payment] = desk.payments_of(attempt)
    assert not int(payment["invoice_id"] or 0)
    assert str(payment["amount"]).startswith("25")


def test_two_invoices_in_one_sale_are_two_payments(desk, sandbox):
    first, second = desk.invoice(), desk.invoice(position=1)
    attempt = desk.pay(desk.saved_card(), second, first)
    [sale] = sandbox.sales()
    assert sale["amount_cents"] == first.amount.cents + second.amount.cents
    assert {row["field_1"] for row in desk.payments_of(attempt)} == {f"{attempt.transaction_id}-1",
                                                                     f"{attempt.transaction_id}-2"}
    assert [line.booking for line in attempt.lines] == [Booking.POSTED] * 2


def test_a_bank_debit_is_accepted_and_not_yet_a_payment(desk, sandbox):
    attempt = desk.pay(desk.saved_bank(), desk.invoice())
    assert (attempt.state, attempt.lines[0].booking) == (State.ACCEPTED, Booking.NONE)
    assert attempt.brand == "bank"
    assert desk.payments_of(attempt) == []
    [ending] = [view.ending(attempt)]
    assert (ending.name, ending.is_final) == ("accepted", True)


@pytest.mark.parametrize(("cents", "code", "kind"), [(1005, "005", "soft"), (1051, "051", "soft"), (1041, "041", "hard")])
def test_a_decline_says_why_and_books_nothing(desk, sandbox, cents, code, kind):
    attempt = desk.pay(desk.saved_card(), desk.topup(cents))
    assert (attempt.state, attempt.action_code) == (State.DECLINED, code)
    ending = view.ending(attempt)
    assert (ending.name, ending.decline.kind) == ("declined", kind)
    assert ending.decline.customer
    assert attempt.reason.startswith(code)
    assert desk.payments_of(attempt) == []
    assert desk.records(attempt) == ["error"]


def test_after_a_decline_the_same_debt_may_be_paid_at_once(desk, sandbox):
    sandbox.control("POST", "answers", {"type": "SALE", "action_code": "051"})
    method, item = desk.saved_card(), desk.invoice()
    assert desk.pay(method, item).state == State.DECLINED
    assert desk.pay(method, item).state == State.APPROVED


def test_new_card_details_are_tokenized_and_sold_with_their_cvv(desk, sandbox):
    attempt = desk.take(desk.new_card(), desk.invoice())
    assert attempt.state == State.APPROVED
    assert sandbox.counters()["gateway"] == {"TOKENIZE": 1, "SALE": 1}
    tokenize, sale = sandbox.capture()[-2:]
    assert "<CVV2>" not in tokenize
    assert "<CVV2>123</CVV2>" in sale
    assert "4111111111111111" not in sale


def test_a_token_that_was_not_to_be_saved_stays_encrypted_on_the_attempt(desk):
    attempt = desk.take(desk.new_card(), desk.topup(1000))
    assert attempt.method_id is None
    token = desk.core.box.decrypt(attempt.token_cipher)
    assert token
    assert token not in attempt.token_cipher


def test_a_card_is_saved_only_when_asked(desk):
    attempt = desk.take(desk.new_card(save=True), desk.topup(1000))
    assert attempt.token_cipher is None
    method = desk.method(attempt.method_id)
    assert (method.last_four, method.brand, method.consent_version) == ("1111", "Visa", "2026-11")
    assert method.is_default
    assert desk.pay(method, desk.topup(1100)).state == State.APPROVED


def test_a_declined_card_is_not_saved(desk):
    attempt = desk.take(desk.new_card(save=True), desk.topup(1005))
    assert (attempt.state, attempt.method_id) == (State.DECLINED, None)


def test_a_new_bank_account_is_debited_and_saved_with_its_consent(desk):
    attempt = desk.take(desk.new_bank(save=True), desk.invoice())
    assert attempt.state == State.ACCEPTED
    method = desk.method(attempt.method_id)
    assert (method.instrument, method.last_four, method.consent_text) == ("bank", "4567", "I authorize the debit.")


def test_a_replayed_form_shows_the_first_attempt_and_sends_nothing(desk, sandbox):
    method = desk.saved_card()
    order = desk.order(charge.SavedMethod(method.id), desk.topup(2000))
    first, second = charge.take(desk.core, order), charge.take(desk.core, order)
    assert first.id == second.id
    assert len(sandbox.sales()) == 1


def test_a_form_replayed_by_another_customer_shows_nothing(desk):
    order = desk.order(charge.SavedMethod(desk.saved_card().id), desk.topup(2000))
    charge.take(desk.core, order)
    stranger = desk.order(charge.SavedMethod(desk.saved_card(2).id), desk.topup(2000), customer_id=2,
                          submission_key=order.submission_key)
    with pytest.raises(BadInput) as caught:
        charge.take(desk.core, stranger)
    assert caught.value.field == "submission_key"


def test_a_declined_form_that_is_sent_again_stays_declined(desk, sandbox):
    order = desk.order(charge.SavedMethod(desk.saved_card().id), desk.topup(1005))
    assert charge.take(desk.core, order).state == State.DECLINED
    assert charge.take(desk.core, order).state == State.DECLINED
    assert sandbox.counters()["gateway"]["SALE"] == 1


def test_the_amount_changed_in_the_host_meanwhile(desk, sandbox):
    method, item = desk.saved_card(), desk.invoice(position=1)
    desk.pay_elsewhere(item, 5000)
    with pytest.raises(AmountChanged) as caught:
        desk.pay(method, item)
    assert caught.value.due.cents == item.amount.cents - 5000
    [attempt] = desk.attempts()
    assert attempt.state == State.ABANDONED
    assert view.ending(attempt).name == "abandoned"
    assert "SALE" not in sandbox.counters()["gateway"]
    assert sandbox.sales() == []


def test_the_rest_of_a_part_paid_invoice_is_what_may_be_taken(desk, sandbox):
    method, item = desk.saved_card(2), desk.invoice(2, 1)
    assert item.amount.cents == 7000
    assert desk.pay(method, item, customer_id=2).state == State.APPROVED
    assert sandbox.invoice(item.document_id)["status"] == "paid"


def test_a_paid_invoice_is_not_paid_again(desk, sandbox):
    method, item = desk.saved_card(), desk.invoice()
    desk.pay(method, item)
    with pytest.raises(AmountChanged) as caught:
        desk.pay(method, item)
    assert not caught.value.due
    assert len(sandbox.sales()) == 1
