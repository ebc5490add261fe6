"""Telling the host once: the lost answer of a POST, what is found instead, on account, and undoing."""

import pytest
from sqlalchemy import update

from splynx_ippay.payments import booking, outbox
from splynx_ippay.payments.models import Booking, Line, State

POST = {"method": "POST", "path": "admin/finance/payments"}


def lost_posting(desk, kind="drop_before"):
    """An approved payment whose posting had no answer."""
    method, item = desk.saved_card(), desk.invoice()
    desk.sandbox.fault(server="host", kind=kind, match=POST)
    attempt = desk.pay(method, item)
    assert desk.line(attempt).booking == Booking.POSTING
    return attempt


def posts(sandbox):
    return sandbox.counters()["host"].get("POST admin/finance/payments", 0)


def searches(sandbox):
    return sandbox.counters()["host"].get("GET admin/finance/payments", 0)


def test_a_posting_that_arrived_is_found_and_not_posted_again(desk, sandbox):
    attempt = lost_posting(desk, "drop_after")
    desk.tick(seconds=61)
    assert desk.line(attempt).booking == Booking.POSTED
    assert posts(sandbox) == 1


def test_two_spaced_empty_searches_come_before_a_second_posting(desk, sandbox):
    attempt = lost_posting(desk)
    sandbox.reset_counters()
    booking.settle_up(desk.core, attempt.id)  # at once: it has to wait
    assert (searches(sandbox), posts(sandbox)) == (0, 0)
    desk.tick(seconds=61)
    assert (searches(sandbox), posts(sandbox)) == (1, 0)
    desk.tick(seconds=120)
    assert (searches(sandbox), posts(sandbox)) == (1, 0)
    assert "searching before posting again" in desk.line(attempt).booking_reason
    desk.tick(seconds=180)
    assert (searches(sandbox), posts(sandbox)) == (2, 1)
    assert desk.line(attempt).booking == Booking.POSTED


def test_the_wait_before_posting_again_is_a_setting(desk, sandbox, settings_of):
    settings_of(desk.core, post_search_minutes="30")
    attempt = lost_posting(desk)
    desk.tick(seconds=600)
    desk.tick(seconds=600)
    assert desk.line(attempt).booking == Booking.POSTING
    desk.tick(seconds=1200)
    assert desk.line(attempt).booking == Booking.POSTED


def test_the_first_search_after_the_wait_is_followed_by_another(desk, sandbox):
    attempt = lost_posting(desk)
    sandbox.reset_counters()
    desk.tick(seconds=3600)  # the worker was down
    assert (searches(sandbox), posts(sandbox)) == (1, 0)
    desk.tick(seconds=61)
    assert (searches(sandbox), posts(sandbox)) == (2, 1)
    assert desk.line(attempt).booking == Booking.POSTED


def test_a_posting_that_was_answered_but_not_done_is_not_noticed_here(desk, sandbox):
    """The host lied (201, nothing booked): that is found by comparing, not by posting again."""
    sandbox.fault(server="host", kind="lose_posting", match=POST)
    attempt = desk.pay(desk.saved_card(), desk.topup(1000))
    desk.excused.add("the gateway booked twice")
    assert desk.line(attempt).booking == Booking.POSTED
    assert desk.payments_of(attempt) == []


def test_a_payment_deleted_in_the_host_is_never_posted_again_by_itself(desk, sandbox):
    attempt = lost_posting(desk, "drop_after")
    desk.core.host.delete_payment(int(desk.payments_of(attempt)[0]["id"]))
    desk.tick(seconds=61)
    line = desk.line(attempt)
    assert line.booking == Booking.REVIEW
    assert "deleted in Splynx" in line.booking_reason
    assert posts(sandbox) == 1


def test_two_payments_under_one_reference_go_to_a_person(desk, sandbox):
    attempt = lost_posting(desk, "drop_after")
    desk.core.host.client.post("admin/finance/payments", {
        "customer_id": 1, "payment_type": 3, "date": "2026-11-22", "amount": str(attempt.amount.decimal()),
        "comment": "by hand", "field_1": attempt.lines[0].field_1, "field_2": ""})
    desk.tick(seconds=61)
    assert desk.line(attempt).booking == Booking.REVIEW
    assert "2 payments" in desk.line(attempt).booking_reason


def test_a_payment_of_another_amount_goes_to_a_person(desk, sandbox):
    attempt = lost_posting(desk)
    desk.core.host.client.post("admin/finance/payments", {
        "customer_id": 1, "payment_type": 3, "date": "2026-11-22", "amount": "1.00", "comment": "by hand",
        "field_1": attempt.lines[0].field_1, "field_2": ""})
    desk.tick(seconds=61)
    assert desk.line(attempt).booking == Booking.REVIEW
    assert "1.00" in desk.line(attempt).booking_reason


@pytest.mark.parametrize("status", [400, 404, 422])
def test_a_document_that_is_gone_leaves_the_money_on_account(desk, sandbox, status):
    sandbox.fault(server="host", kind="http_status", json=True, status=status, match=POST)
    attempt = desk.pay(desk.saved_card(), desk.invoice())
    line = desk.line(attempt)
    assert (line.booking, line.on_account) == (Booking.POSTED, True)
    assert "on account" in line.booking_reason
    [payment] = desk.payments_of(attempt)
    assert not int(payment["invoice_id"] or 0)


def test_money_on_account_is_not_taken_again_for_the_document(desk, sandbox):
    sandbox.fault(server="host", kind="http_status", json=True, status=422, match=POST)
    method, item = desk.saved_card(2), desk.invoice(2, 1)
    desk.pay(method, item, customer_id=2)
    with pytest.raises(Exception, match=r"0\.00 USD is due"):
        desk.pay(method, item, customer_id=2)
    assert len(sandbox.sales()) == 1


def test_a_host_that_takes_the_money_neither_way_leaves_it_to_a_person(desk, sandbox):
    sandbox.fault(server="host", kind="http_status", json=True, status=422, match=POST, times=2)
    attempt = desk.pay(desk.saved_card(), desk.invoice())
    assert desk.line(attempt).booking == Booking.REVIEW
    assert "does not take the payment" in desk.line(attempt).booking_reason


def test_a_refused_top_up_goes_to_a_person(desk, sandbox):
    sandbox.fault(server="host", kind="http_status", json=True, status=422, match=POST)
    attempt = desk.pay(desk.saved_card(), desk.topup(1000))
    assert desk.line(attempt).booking == Booking.REVIEW


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_without_the_right_waits_until_it_has_it(desk, sandbox, status):
    sandbox.fault(server="host", kind="http_status", json=True, status=status, match=POST, times=3)
    attempt = desk.pay(desk.saved_card(), desk.invoice())
    assert desk.line(attempt).booking == Booking.POSTING
    sandbox.clear_faults()
    desk.tick(seconds=660)
    line = desk.line(attempt)
    assert (line.booking, line.on_account) == (Booking.POSTED, False)


def test_payments_wait_until_a_payment_method_is_chosen(desk, sandbox, settings_of):
    settings_of(desk.core, credit_card_payment_method="0")
    attempt = desk.pay(desk.saved_card(), desk.invoice())
    assert "payment method for credit cards" in desk.line(attempt).booking_reason
    settings_of(desk.core, credit_card_payment_method="4")
    desk.tick(seconds=240)
    assert [row["payment_type"] for row in desk.payments_of(attempt)] in (["4"], [4])


def test_cards_and_bank_accounts_are_posted_with_their_own_method(desk, settings_of):
    settings_of(desk.core, credit_card_payment_method="5", bank_account_payment_method="1", bank_posting="on_acceptance")
    card = desk.pay(desk.saved_card(), desk.invoice())
    bank = desk.pay(desk.saved_bank(), desk.invoice())
    assert [int(desk.payments_of(attempt)[0]["payment_type"]) for attempt in (card, bank)] == [5, 1]
    assert "bank account ****4567" in desk.payments_of(bank)[0]["comment"]
    assert "Visa ****1111" in desk.payments_of(card)[0]["comment"]


def test_a_test_payment_waits_for_a_splynx_marked_as_a_sandbox(desk, sandbox, settings_of):
    sandbox.fault(server="host", kind="drop_before", match=POST)
    attempt = desk.pay(desk.saved_card(), desk.invoice())
    settings_of(desk.core, sandbox_host="0")
    desk.tick(seconds=600)
    assert "marked as a sandbox" in desk.line(attempt).booking_reason
    settings_of(desk.core, sandbox_host="1")
    desk.tick(seconds=660)
    desk.tick(seconds=660)
    assert desk.line(attempt).booking == Booking.POSTED


def test_a_line_another_worker_has_is_left_alone(desk, sandbox):
    attempt = lost_posting(desk)
    line = desk.line(attempt)
    assert outbox.claim(desk.core, line, to=Booking.POSTING) is not None
    sandbox.jump(seconds=120)
    booking.settle_line(desk.core, line.id)  # leased to the first
    assert searches(sandbox) == 1
    assert outbox.claim(desk.core, line, to=Booking.POSTING) is None  # its version is old
    due = desk.line(attempt)
    due.booking = Booking.DUE  # as another worker read it before
    assert outbox.claim(desk.core, due, to=Booking.POSTING) is None


def test_a_line_moved_by_another_worker_is_no_error(desk, sandbox):
    attempt = lost_posting(desk)
    sandbox.fault(server="host", kind="delay", match={"method": "GET", "path": "admin/finance/payments"}, seconds=1)
    sandbox.jump(seconds=400)
    sandbox.reset_counters()
    join = desk.in_background(lambda: booking.settle_line(desk.core, attempt.lines[0].id))
    desk.wait_for_call("GET admin/finance/payments", "host")
    client = desk.core.host.client
    client.post("admin/finance/payments", {
        "customer_id": 1, "payment_type": 3, "date": "2026-11-22", "amount": str(attempt.amount.decimal()),
        "comment": "by hand", "field_1": attempt.lines[0].field_1, "field_2": ""})
    desk.core.database.run(lambda session: session.execute(update(Line).values(booking=Booking.REVIEW)))
    assert not isinstance(join(), Exception)
    assert desk.line(attempt).booking == Booking.REVIEW
    assert desk.attempt(attempt.id).state == State.APPROVED
