"""Telling the host once: the lost answer of a POST, what is found instead, on account, and undoing."""

import pytest
from sqlalchemy import text, update

from splynx_ippay.base.errors import IllegalTransition, RowsFailed
from splynx_ippay.payments import booking, outbox, states
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


def taken_but_not_posted(desk, settings_of, *items, customer_id=1):
    """An approved payment that waits for the choice of a payment method: no POST was tried."""
    settings_of(desk.core, credit_card_payment_method="0")
    attempt = desk.pay(desk.saved_card(customer_id), *(items or [desk.invoice(customer_id)]), customer_id=customer_id)
    settings_of(desk.core, credit_card_payment_method="3")
    assert desk.line(attempt).post_started_at is None
    return attempt


def refuse(sandbox, status=422, times=1):
    sandbox.fault(server="host", kind="http_status", json=True, status=status, match=POST, times=times)


@pytest.mark.parametrize("status", [400, 404, 422])
def test_a_refusal_leaves_the_money_on_a_document_that_is_still_open(desk, sandbox, status):
    refuse(sandbox, status, times=6)
    attempt = desk.pay(desk.saved_card(), desk.invoice())
    for _ in range(5):
        desk.tick(seconds=660)
    line = desk.line(attempt)
    assert (line.booking, line.on_account) == (Booking.POSTING, False)
    assert "though the document is open" in line.booking_reason
    desk.tick(seconds=660)
    assert desk.line(attempt).booking == Booking.POSTED
    [payment] = desk.payments_of(attempt)
    assert int(payment["invoice_id"]) == line.document_id


def paid_elsewhere(desk, line):
    desk.pay_elsewhere(line, line.amount_cents)


def partly_paid_elsewhere(desk, line):
    desk.pay_elsewhere(line, 1)


def deleted(desk, line):
    desk.host_elsewhere("delete", f"admin/finance/invoices/{line.document_id}")


def unreadable(desk, line):
    path = f"admin/finance/invoices/{line.document_id}"
    desk.sandbox.fault(server="host", kind="http_status", json=True, status=404, match={"method": "GET", "path": path})


def of_somebody_else(desk, line):
    desk.core.database.run(lambda session: session.execute(update(Line).values(document_id=desk.invoice(2).document_id)))


@pytest.mark.parametrize("change", [paid_elsewhere, partly_paid_elsewhere, deleted, unreadable, of_somebody_else])
def test_a_document_that_is_gone_leaves_the_money_on_account(desk, sandbox, settings_of, change):
    attempt = taken_but_not_posted(desk, settings_of)
    change(desk, desk.line(attempt))
    refuse(sandbox)
    desk.tick(seconds=61)
    line = desk.line(attempt)
    assert (line.booking, line.on_account) == (Booking.POSTED, True)
    assert "on account" in line.booking_reason
    [payment] = desk.payments_of(attempt)
    assert not int(payment["invoice_id"] or 0)


def test_money_on_account_is_not_taken_again_for_the_document(desk, sandbox, settings_of):
    item = desk.invoice(2, 1)
    attempt = taken_but_not_posted(desk, settings_of, item, customer_id=2)
    desk.pay_elsewhere(item, 1, customer_id=2)
    refuse(sandbox)
    desk.tick(seconds=61)
    assert desk.line(attempt).on_account
    with pytest.raises(Exception, match=r"0\.00 USD is due"):
        desk.pay(desk.saved_card(2), item, customer_id=2)
    assert len(sandbox.sales()) == 1


def test_a_host_that_takes_the_money_neither_way_leaves_it_to_a_person_in_the_end(desk, sandbox, settings_of):
    attempt = taken_but_not_posted(desk, settings_of)
    partly_paid_elsewhere(desk, desk.line(attempt))
    refuse(sandbox, times=6)  # on the document, then five times on account
    desk.tick(seconds=61)
    for _ in range(3):
        desk.tick(seconds=660)
        assert desk.line(attempt).booking == Booking.POSTING
    desk.tick(seconds=660)
    assert desk.line(attempt).booking == Booking.REVIEW
    assert "does not take the payment on account" in desk.line(attempt).booking_reason


def test_a_top_up_refused_for_a_while_is_posted(desk, sandbox):
    refuse(sandbox, times=4)
    attempt = desk.pay(desk.saved_card(), desk.topup(1000))
    for _ in range(3):
        desk.tick(seconds=660)
        assert desk.line(attempt).booking == Booking.POSTING
    desk.tick(seconds=660)
    assert desk.line(attempt).booking == Booking.POSTED


def test_a_top_up_refused_again_and_again_goes_to_a_person(desk, sandbox):
    refuse(sandbox, times=5)
    attempt = desk.pay(desk.saved_card(), desk.topup(1000))
    for _ in range(4):
        assert desk.line(attempt).booking == Booking.POSTING
        desk.tick(seconds=660)
    assert desk.line(attempt).booking == Booking.REVIEW


def test_a_document_that_cannot_be_read_decides_nothing(desk, sandbox, settings_of):
    attempt = taken_but_not_posted(desk, settings_of)
    refuse(sandbox)
    sandbox.fault(server="host", kind="http_status", status=500, match={"method": "GET", "path": "admin/finance/invoices"}, times=9)
    desk.tick(seconds=61)
    line = desk.line(attempt)
    assert (line.booking, line.on_account, line.lease_until) == (Booking.POSTING, False, None)
    sandbox.clear_faults()
    desk.tick(seconds=61)
    assert (desk.line(attempt).booking, desk.line(attempt).on_account) == (Booking.POSTED, False)


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


# -- workers that sleep too long ---------------------------------------------------------------------------------------

def asleep_in_the_search(desk, attempt):
    """A worker that has claimed the line and waits for the answer of its search; call what is returned to let it end."""
    desk.sandbox.fault(server="host", kind="delay", match={"method": "GET", "path": "admin/finance/payments"}, seconds=3)
    desk.sandbox.reset_counters()
    join = desk.in_background(lambda: booking.settle_line(desk.core, attempt.lines[0].id))
    desk.wait_for_call("GET admin/finance/payments", "host")
    return join


def test_a_worker_that_slept_past_its_lease_does_not_post_what_another_has_posted(desk, sandbox, settings_of):
    attempt = taken_but_not_posted(desk, settings_of)
    sandbox.jump(seconds=61)
    join = asleep_in_the_search(desk, attempt)
    sandbox.jump(seconds=outbox.LEASE.total_seconds() + 1)
    booking.settle_line(desk.core, attempt.lines[0].id)
    assert desk.line(attempt).booking == Booking.POSTED
    assert join() is None
    assert posts(sandbox) == 1


def test_a_worker_whose_debit_came_back_meanwhile_posts_nothing(desk, sandbox, settings_of):
    attempt = taken_but_not_posted(desk, settings_of)
    sandbox.jump(seconds=61)
    join = asleep_in_the_search(desk, attempt)
    desk.core.database.run(lambda session: states.move(
        session, states.get_attempt(session, attempt.id), State.RETURNED, reason="R02"))
    booking.settle_line(desk.core, attempt.lines[0].id)
    assert desk.line(attempt).booking == Booking.UNDONE
    assert join() is None
    assert posts(sandbox) == 0
    assert desk.line(attempt).booking == Booking.UNDONE


def test_only_the_worker_that_has_the_line_gives_its_lease_back(desk):
    attempt = lost_posting(desk)
    old = desk.line(attempt)
    assert outbox.claim(desk.core, old, to=Booking.POSTING) is not None
    with pytest.raises(IllegalTransition):
        outbox.retry_later(desk.core, old, outbox.SOON, "an old worker woke up")
    line = desk.line(attempt)
    assert line.lease_until is not None
    assert "old worker" not in line.booking_reason


def test_settings_that_cannot_be_read_leave_the_line_for_later(desk, sandbox, settings_of):
    attempt = lost_posting(desk)
    settings_of(desk.core, post_search_minutes="soon")
    desk.tick(seconds=61)
    line = desk.line(attempt)
    assert (line.booking, line.lease_until) == (Booking.POSTING, None)
    assert "must be a whole number" in line.booking_reason


def stuck(core, line_id, of=""):
    """The database refuses one line's change, as a full or broken one may."""
    core.database.run(lambda session: session.execute(text(
        f"CREATE TRIGGER stuck BEFORE UPDATE {of} ON line WHEN OLD.id = {line_id} BEGIN SELECT RAISE(ABORT, 'stuck'); END")))


def unstuck(core):
    core.database.run(lambda session: session.execute(text("DROP TRIGGER stuck")))


def test_a_line_that_makes_us_fail_is_postponed_stops_no_other_and_fails_the_job(desk, sandbox, settings_of, caplog):
    settings_of(desk.core, credit_card_payment_method="0")  # nothing is posted yet
    method = desk.saved_card()
    bad, good = (desk.pay(method, desk.invoice(position=position)).lines[0] for position in (0, 1))
    settings_of(desk.core, credit_card_payment_method="3")
    stuck(desk.core, bad.id, of="OF post_started_at")
    sandbox.jump(seconds=700)
    with pytest.raises(RowsFailed, match="1 of 2 lines failed unexpectedly"):
        booking.tick(desk.core)
    assert f"lines: line {bad.id} failed unexpectedly" in caplog.text
    assert [line.booking for line in (desk.line(desk.attempt(bad.attempt_id)), desk.line(desk.attempt(good.attempt_id)))] == [
        Booking.POSTING, Booking.POSTED]
    assert booking.tick(desk.core) == 0, "it has its turn later"
    unstuck(desk.core)
    sandbox.jump(seconds=700)
    booking.tick(desk.core)
    assert desk.line(desk.attempt(bad.attempt_id)).booking == Booking.POSTED


def test_a_payment_is_shown_as_taken_though_its_booking_makes_us_fail(desk, sandbox):
    stuck(desk.core, 1, of="OF post_started_at")
    attempt = desk.pay(desk.saved_card(), desk.invoice())
    assert attempt.state == State.APPROVED
    unstuck(desk.core)
    desk.tick(seconds=700)
    assert desk.line(attempt).booking == Booking.POSTED


def test_a_line_that_cannot_even_be_postponed_stops_no_other(desk, sandbox, settings_of):
    settings_of(desk.core, credit_card_payment_method="0")
    method = desk.saved_card()
    bad, good = (desk.pay(method, desk.invoice(position=position)).lines[0] for position in (0, 1))
    settings_of(desk.core, credit_card_payment_method="3")
    stuck(desk.core, bad.id)
    sandbox.jump(seconds=700)
    for _ in range(2):
        with pytest.raises(RowsFailed):
            booking.tick(desk.core)
    assert desk.line(desk.attempt(good.attempt_id)).booking == Booking.POSTED
    unstuck(desk.core)
    desk.tick(seconds=700)
    assert desk.line(desk.attempt(bad.attempt_id)).booking == Booking.POSTED
