"""Bank debits after they were accepted: settlement, returns, posting policies, and undoing in the host."""

import pytest
from sqlalchemy import text, update

from splynx_ippay.base import clock
from splynx_ippay.base.errors import RowsFailed
from splynx_ippay.payments import calendar, returns, states
from splynx_ippay.payments.feed_models import FeedRow
from splynx_ippay.payments.models import Attempt, Booking, Line, State


def accepted(desk, item=None):
    """An accepted debit of the first invoice."""
    return desk.pay(desk.saved_bank(), item or desk.invoice())


def come_back(desk, attempt, code, days=2):
    desk.sandbox.control("POST", "returns", {"transaction_id": attempt.transaction_id, "code": code, "days": days})


def settled(desk):
    attempt = accepted(desk)
    desk.tick(days=5)
    attempt = desk.attempt(attempt.id)
    assert (attempt.state, attempt.lines[0].booking) == (State.APPROVED, Booking.POSTED)
    return attempt


# -- settlement and posting policies -----------------------------------------------------------------------------------

def test_a_settled_debit_is_posted(desk, sandbox):
    attempt = settled(desk)
    assert attempt.settled_on is not None
    assert len(desk.payments_of(attempt)) == 1
    assert desk.records(attempt) == ["processed"]
    assert sandbox.invoice(attempt.lines[0].document_id)["status"] == "paid"


def test_on_settlement_nothing_is_posted_before(desk, sandbox, settings_of):
    settings_of(desk.core, bank_posting="on_settlement")
    attempt = accepted(desk)
    desk.tick()
    assert desk.line(attempt).booking == Booking.NONE
    assert desk.records(attempt) == ["pending"]
    desk.tick(days=5)
    assert desk.line(attempt).booking == Booking.POSTED


def test_on_acceptance_it_is_posted_at_once_and_stays_accepted(desk, settings_of):
    settings_of(desk.core, bank_posting="on_acceptance")
    attempt = accepted(desk)
    assert (attempt.state, attempt.lines[0].booking) == (State.ACCEPTED, Booking.POSTED)
    desk.tick(days=5)
    assert desk.attempt(attempt.id).state == State.APPROVED
    assert len(desk.payments_of(attempt)) == 1


def test_after_some_banking_days_it_is_posted_without_a_report(desk, sandbox, settings_of):
    settings_of(desk.core, reporting_merchant_id="", bank_manual_routine="1", bank_posting_days="3")
    attempt = accepted(desk)
    day = clock.now().date()
    for _ in range(14):
        desk.tick(days=1)
        age = calendar.banking_days_between(day, clock.now().date())
        assert desk.line(attempt).booking == (Booking.POSTED if age >= 3 else Booking.NONE)
    assert desk.attempt(attempt.id).state == State.ACCEPTED


def test_a_debit_without_reports_that_waits_for_them_ends_with_a_person(desk, sandbox, settings_of):
    settings_of(desk.core, reporting_merchant_id="", bank_manual_routine="1", bank_posting="on_settlement")
    attempt = accepted(desk)
    desk.tick(days=14)
    assert desk.attempt(attempt.id).state == State.REVIEW


def test_a_policy_that_cannot_be_read_waits_for_the_settlement(desk, settings_of):
    attempt = accepted(desk)
    settings_of(desk.core, bank_posting="sometimes")
    desk.tick()
    assert desk.line(attempt).booking == Booking.NONE
    desk.tick(days=5)
    assert desk.line(attempt).booking == Booking.POSTED


def test_seven_silent_banking_days_end_with_a_person(desk, sandbox):
    attempt = desk.pay(desk.saved_bank(), desk.invoice())
    sandbox.fault(server="gateway", kind="html", match={"path": "/ippayReport/"}, times=2000)
    for _ in range(10):
        desk.tick(days=1)
        if calendar.banking_days_between(attempt.sending_at.date(), clock.now().date()) <= 7:
            assert desk.attempt(attempt.id).state == State.ACCEPTED
    desk.tick(days=4)
    attempt = desk.attempt(attempt.id)
    assert attempt.state == State.REVIEW
    assert "7 banking days" in attempt.reason


def test_a_debit_of_a_terminal_that_left_the_settings_ends_with_a_person(desk, settings_of):
    attempt = accepted(desk)
    settings_of(desk.core, terminal_id="ANOTHERONE")
    desk.tick(days=5)
    assert desk.attempt(attempt.id).state == State.ACCEPTED
    desk.tick(days=10)
    assert desk.attempt(attempt.id).state == State.REVIEW


def test_a_lost_answer_that_settles_was_accepted(desk, sandbox, settings_of):
    settings_of(desk.core, enq_trust="off")
    attempt = desk.lose_answer(desk.saved_bank(), desk.invoice())
    sandbox.jump(days=5)
    returns.tick(desk.core)
    attempt = desk.attempt(attempt.id)
    assert (attempt.state, attempt.learned_from) == (State.APPROVED, "report")
    assert desk.line(attempt).booking == Booking.POSTED


# -- returns -----------------------------------------------------------------------------------------------------------

def test_a_debit_returned_for_lack_of_funds_holds_the_debt_ten_days(desk, sandbox):
    method, item = desk.saved_bank(), desk.invoice()
    attempt = desk.pay(method, item)
    come_back(desk, attempt, "R01")
    desk.tick(days=5)
    attempt = desk.attempt(attempt.id)
    assert (attempt.state, attempt.return_code) == (State.RETURNED, "R01")
    assert attempt.lines[0].keys[0].open_target == f"invoice:{item.document_id}"
    assert sandbox.invoice(item.document_id)["status"] == "not_paid"
    assert desk.method(method.id).status == "active"
    assert "R01" in desk.note().reason
    assert desk.records(attempt) == ["error"]
    desk.tick(days=11)
    assert desk.line(attempt).keys[0].open_target is None
    assert "hold_ended" in desk.kinds(attempt)
    assert desk.pay(desk.saved_card(), item).state == State.APPROVED


@pytest.mark.parametrize("code", sorted(returns.DISABLES_METHOD))
def test_a_return_about_the_account_disables_the_method(desk, sandbox, code):
    method, item = desk.saved_bank(), desk.invoice()
    attempt = desk.pay(method, item)
    come_back(desk, attempt, code)
    desk.tick(days=5)
    assert desk.attempt(attempt.id).state == State.RETURNED
    assert desk.line(attempt).keys[0].open_target is None
    assert (desk.method(method.id).status, code in desk.method(method.id).reason) == ("disabled", True)


def test_a_return_of_details_that_were_not_saved_disables_nothing(desk):
    attempt = desk.take(desk.new_bank(), desk.invoice())
    come_back(desk, attempt, "R02")
    desk.tick(days=5)
    assert desk.attempt(attempt.id).state == State.RETURNED


def test_a_notice_of_change_corrects_and_the_payment_stands(desk):
    attempt = accepted(desk)
    come_back(desk, attempt, "C01")
    desk.tick(days=5)
    assert desk.attempt(attempt.id).state == State.APPROVED
    assert "correction" in desk.kinds(attempt)


@pytest.mark.parametrize("code", ["R61", "R99", "R38"])
def test_a_code_that_is_no_customers_return_goes_to_a_person(desk, sandbox, code):
    attempt = accepted(desk)
    come_back(desk, attempt, code)
    desk.tick(days=5)
    assert desk.attempt(attempt.id).state == State.REVIEW
    assert code in desk.attempt(attempt.id).reason


def test_a_return_before_any_settlement_is_a_return_too(desk, sandbox):
    sandbox.control("POST", "gateway", {"settle_before_return": False})
    attempt = accepted(desk)
    come_back(desk, attempt, "R03")
    desk.tick(days=5)
    assert (desk.attempt(attempt.id).state, desk.line(attempt).booking) == (State.RETURNED, Booking.NONE)
    assert desk.payments_of(attempt) == []


def test_a_debt_that_is_still_held_stays_held_after_its_debit_came_back(desk, sandbox):
    sandbox.control("POST", "gateway", {"settle_before_return": False})
    attempt = accepted(desk)
    come_back(desk, attempt, "R09")
    desk.tick(days=5)
    assert (desk.attempt(attempt.id).state, desk.line(attempt).hold_until is not None) == (State.RETURNED, True)
    assert desk.line(attempt).keys[0].open_target


def test_a_lost_answer_that_came_back_was_accepted_and_returned(desk, sandbox, settings_of):
    settings_of(desk.core, enq_trust="off")
    sandbox.control("POST", "gateway", {"settle_before_return": False})
    attempt = desk.lose_answer(desk.saved_bank(), desk.invoice())
    come_back(desk, attempt, "R04")
    sandbox.jump(days=5)
    returns.tick(desk.core)
    assert desk.attempt(attempt.id).state == State.RETURNED


def test_a_second_return_of_the_same_debit_is_only_an_event(desk, sandbox):
    attempt = accepted(desk)
    come_back(desk, attempt, "R02")
    desk.tick(days=5)
    row = forged(desk, attempt, "achrejects", status="R03")
    desk.tick()
    assert desk.attempt(attempt.id).return_code == "R02"
    assert row not in unhandled(desk)


# -- undoing in the host -----------------------------------------------------------------------------------------------

def test_a_return_after_the_posting_deletes_the_payment_in_the_host(desk, sandbox):
    attempt = settled(desk)
    come_back(desk, attempt, "R01", days=0)
    desk.tick(seconds=3700)
    attempt, line = desk.attempt(attempt.id), desk.line(attempt)
    assert (attempt.state, line.booking) == (State.RETURNED, Booking.UNDONE)
    assert desk.payments_of(attempt) == []
    assert len(desk.payments_of(attempt, deleted=True)) == 1
    assert line.host_row["field_1"] == line.field_1
    assert sandbox.invoice(line.document_id)["status"] == "not_paid"
    assert line.keys[0].open_target  # held again: the gateway may present it again


def test_a_debt_that_somebody_else_is_paying_is_not_taken_away_from_them(desk, sandbox, settings_of):
    settings_of(desk.core, bank_posting="on_acceptance")
    bank, card = desk.saved_bank(), desk.saved_card()
    attempt = desk.pay(bank, desk.topup(3000))
    other = desk.lose_answer(card, desk.topup(1000))
    come_back(desk, attempt, "R01", days=0)
    sandbox.jump(seconds=3700)
    returns.tick(desk.core)
    assert desk.attempt(attempt.id).state == State.RETURNED
    assert "hold_refused" in desk.kinds(attempt)
    assert desk.line(other).keys[0].open_target


def test_after_undo_days_staff_are_told_the_steps_until_the_host_shows_them_done(desk, sandbox, settings_of):
    settings_of(desk.core, undo_days="3")
    attempt = settled(desk)
    come_back(desk, attempt, "R10", days=0)
    desk.tick(seconds=3700)
    line = desk.line(attempt)
    assert line.booking == Booking.UNDOING
    assert line.booking_reason.startswith("For staff:")
    assert str(line.splynx_payment_id) in line.booking_reason
    desk.core.host.delete_payment(line.splynx_payment_id)
    desk.tick(seconds=660)
    assert desk.line(attempt).booking == Booking.UNDONE


@pytest.mark.parametrize(("trouble", "after"), [
    ({"kind": "http_status", "status": 404, "json": True}, Booking.UNDONE),
    ({"kind": "http_status", "status": 403, "json": True}, Booking.UNDOING),
    ({"kind": "drop_before"}, Booking.UNDOING), ({"kind": "drop_after"}, Booking.UNDOING)])
def test_a_deletion_that_did_not_work_is_tried_again(desk, sandbox, trouble, after):
    attempt = settled(desk)
    come_back(desk, attempt, "R02", days=0)
    sandbox.fault(server="host", match={"method": "DELETE", "path": "admin/finance/payments"}, **trouble)
    desk.tick(seconds=3700)
    assert desk.line(attempt).booking == after
    if after == Booking.UNDOING:
        desk.tick(seconds=660)
        assert desk.line(attempt).booking == Booking.UNDONE
        assert desk.payments_of(attempt) == []


def test_two_payments_under_one_reference_are_not_deleted_by_us(desk, sandbox):
    attempt = settled(desk)
    desk.core.host.client.post("admin/finance/payments", {
        "customer_id": 1, "payment_type": 3, "date": "2026-11-22", "amount": "15.00", "comment": "by hand",
        "field_1": attempt.lines[0].field_1, "field_2": ""})
    come_back(desk, attempt, "R02", days=0)
    desk.tick(seconds=3700)
    assert desk.line(attempt).booking == Booking.REVIEW
    assert len(desk.payments_of(attempt)) == 2


def hidden_from_the_search(desk, attempt, **changes):
    """Staff edit what our search goes by."""
    payment_id = desk.line(attempt).splynx_payment_id
    desk.host_elsewhere("put", f"admin/finance/payments/{payment_id}", {"field_1": "edited"} | changes)
    return payment_id


def host_payment(desk, payment_id):
    return next(row for row in desk.sandbox.ledger()["host"]["payments"] if int(row["id"]) == payment_id)


def test_a_payment_whose_reference_was_edited_is_undone_by_its_id(desk):
    attempt = settled(desk)
    payment_id = hidden_from_the_search(desk, attempt)
    come_back(desk, attempt, "R02", days=0)
    desk.tick(seconds=3700)
    assert desk.line(attempt).booking == Booking.UNDONE
    assert host_payment(desk, payment_id)["deleted"] == "1"


def test_a_payment_hidden_from_the_search_and_deleted_is_undone(desk):
    attempt = settled(desk)
    payment_id = hidden_from_the_search(desk, attempt)
    desk.core.host.delete_payment(payment_id)
    come_back(desk, attempt, "R02", days=0)
    desk.tick(seconds=3700)
    assert desk.line(attempt).booking == Booking.UNDONE


def test_a_payment_the_host_knows_nothing_of_is_undone(desk):
    attempt = settled(desk)
    hidden_from_the_search(desk, attempt)
    desk.core.database.run(lambda session: session.execute(update(Line).values(splynx_payment_id=999999)))
    come_back(desk, attempt, "R02", days=0)
    desk.tick(seconds=3700)
    assert desk.line(attempt).booking == Booking.UNDONE


def test_a_payment_that_is_another_customers_now_goes_to_a_person(desk):
    attempt = settled(desk)
    payment_id = int(desk.core.host.client.post("admin/finance/payments", {
        "customer_id": 2, "payment_type": 3, "date": "2026-11-22", "amount": "15.00", "comment": "by hand",
        "field_1": "", "field_2": ""})["id"])
    hidden_from_the_search(desk, attempt)
    desk.core.database.run(lambda session: session.execute(update(Line).values(splynx_payment_id=payment_id)))
    come_back(desk, attempt, "R02", days=0)
    desk.tick(seconds=3700)
    assert desk.line(attempt).booking == Booking.REVIEW
    assert "another customer" in desk.line(attempt).booking_reason
    assert host_payment(desk, payment_id)["deleted"] == "0"


def test_a_return_while_the_posting_has_no_answer_searches_twice_before_it_is_undone(desk, sandbox, settings_of):
    settings_of(desk.core, bank_posting="on_acceptance")
    sandbox.fault(server="host", kind="drop_before", match={"method": "POST", "path": "admin/finance/payments"})
    attempt = accepted(desk)
    assert desk.line(attempt).booking == Booking.POSTING
    come_back(desk, attempt, "R02", days=0)
    sandbox.jump(seconds=300)
    returns.tick(desk.core)
    assert (desk.attempt(attempt.id).state, desk.line(attempt).booking) == (State.RETURNED, Booking.UNDOING)
    desk.tick(seconds=660)
    assert desk.line(attempt).booking == Booking.UNDONE
    assert sandbox.counters()["host"]["POST admin/finance/payments"] == 1


def test_an_undo_another_worker_has_is_left_alone(desk, sandbox):
    from splynx_ippay.payments import outbox, undo

    attempt = settled(desk)
    come_back(desk, attempt, "R02", days=0)
    sandbox.fault(server="host", kind="drop_before", match={"method": "DELETE", "path": "admin/finance/payments"})
    desk.tick(seconds=3700)
    line = desk.line(attempt)
    assert outbox.claim(desk.core, line, to=Booking.UNDOING) is not None
    undo.undo(desk.core, desk.line(attempt))
    assert len(desk.payments_of(attempt)) == 1
    desk.tick(seconds=660)
    assert desk.line(attempt).booking == Booking.UNDONE


# -- rows that do not fit ----------------------------------------------------------------------------------------------

def forged(desk, attempt, feed, **changes):
    """A report row as the gateway might send it one day."""
    row = FeedRow(**{
        "feed": feed, "terminal_id": attempt.terminal_id, "fingerprint": f"{feed}{changes}", "request_type": "CHECK",
        "transaction_id": attempt.transaction_id, "amount_cents": attempt.amount_cents, "action_code": "000",
        "settlement_date": clock.now().date(), "read_at": clock.now()} | changes)
    desk.core.database.run(lambda session: session.add(row) or session.flush())
    return row.id


def unhandled(desk):
    with desk.core.database.read() as session:
        return [row.id for row in session.query(FeedRow).filter(FeedRow.handled_at.is_(None),
                                                                 FeedRow.feed.like("ach%"))]


def test_a_row_that_is_of_no_attempt_of_ours_is_passed_over(desk):
    attempt = accepted(desk)
    row = forged(desk, attempt, "achsettlement", transaction_id="SOMEBODYELSE")
    desk.tick()
    assert row not in unhandled(desk)
    assert desk.attempt(attempt.id).state == State.ACCEPTED


@pytest.mark.parametrize("feed", ["achsettlement", "achrejects"])
def test_a_row_of_another_amount_goes_to_a_person(desk, feed):
    attempt = accepted(desk)
    forged(desk, attempt, feed, amount_cents=1, status="R01")
    desk.tick()
    assert desk.attempt(attempt.id).state == State.REVIEW
    forged(desk, attempt, feed, amount_cents=2, status="R01")
    desk.tick()
    assert desk.attempt(attempt.id).state == State.REVIEW
    assert desk.kinds(attempt)[-1] == "report"


def test_a_row_without_an_amount_is_believed(desk):
    attempt = accepted(desk)
    forged(desk, attempt, "achsettlement", amount_cents=None)
    desk.tick()
    assert desk.attempt(attempt.id).state == State.APPROVED


def test_a_settlement_of_a_debit_we_called_declined_goes_to_a_person(desk, sandbox):
    sandbox.control("POST", "answers", {"type": "CHECK", "action_code": "005"})
    attempt = accepted(desk)
    assert attempt.state == State.DECLINED
    forged(desk, attempt, "achsettlement")
    desk.tick()
    attempt = desk.attempt(attempt.id)
    assert (attempt.state, attempt.excess) == (State.REVIEW, True)
    assert desk.note().no_auto


def test_a_debit_presented_again_that_settles_goes_to_a_person(desk, sandbox):
    attempt = settled(desk)
    come_back(desk, attempt, "R01", days=0)
    desk.tick(seconds=3700)
    assert desk.attempt(attempt.id).state == State.RETURNED
    desk.tick(days=3)
    sandbox.control("POST", "representments", {"transaction_id": attempt.transaction_id})
    desk.tick(days=4)
    attempt = desk.attempt(attempt.id)
    assert attempt.state == State.REVIEW
    assert "book it by hand" in attempt.reason
    assert attempt.lines[0].keys[0].open_target  # and nobody else takes money for it meanwhile


def test_a_debit_presented_again_after_its_hold_counts_as_excess(desk, sandbox):
    attempt = settled(desk)
    come_back(desk, attempt, "R01", days=0)
    desk.tick(seconds=3700)
    desk.tick(days=11)
    sandbox.control("POST", "representments", {"transaction_id": attempt.transaction_id})
    desk.tick(days=4)
    assert (desk.attempt(attempt.id).state, desk.attempt(attempt.id).excess) == (State.REVIEW, True)


def test_an_old_settlement_that_is_read_after_the_return_changes_nothing(desk):
    attempt = accepted(desk)
    come_back(desk, attempt, "R02")
    desk.tick(days=5)
    forged(desk, attempt, "achsettlement", settlement_date=attempt.sending_at.date())
    desk.tick()
    assert desk.attempt(attempt.id).state == State.RETURNED


def test_a_settled_debit_that_settles_again_is_only_an_event(desk):
    attempt = settled(desk)
    forged(desk, attempt, "achsettlement", fingerprint="again")
    desk.tick()
    assert desk.attempt(attempt.id).state == State.APPROVED
    assert "late_evidence" in desk.kinds(attempt)


def test_a_debit_moved_by_another_worker_is_looked_at_later(desk, sandbox):
    """Two workers read the same row: the second finds the state moved, and no money is booked twice."""
    attempt = accepted(desk)
    forged(desk, attempt, "achsettlement")
    joins = [desk.in_background(lambda: returns.tick(desk.core)) for _ in range(2)]
    assert not any(isinstance(join(), Exception) for join in joins)
    assert desk.attempt(attempt.id).state == State.APPROVED
    assert len(desk.payments_of(attempt)) == 1


def test_a_grown_up_attempt_is_left_alone(desk):
    attempt = settled(desk)
    desk.core.database.run(lambda session: returns.grow_older(session, desk.core, {}, attempt.id))
    assert desk.attempt(attempt.id).state == State.APPROVED


def test_holds_of_debts_in_review_are_not_ended(desk, sandbox):
    attempt = accepted(desk)
    come_back(desk, attempt, "R01")
    desk.tick(days=5)
    line = desk.line(attempt)
    desk.core.database.run(lambda session: states.move_booking(
        session, session.get_one(Line, line.id), Booking.REVIEW, reason="by hand"))
    desk.core.database.run(lambda session: session.execute(update(Attempt).values(reason="held")))
    desk.tick(days=11)
    assert desk.line(attempt).keys[0].open_target


def test_a_report_row_and_a_debit_that_make_us_fail_stop_no_other(desk, sandbox, caplog):
    method, other = desk.saved_bank(), desk.saved_bank(customer_id=2)
    bad, good = desk.pay(method, desk.invoice()), desk.pay(other, desk.topup(2500), customer_id=2)
    desk.core.database.run(lambda session: session.execute(text(
        f"CREATE TRIGGER stuck BEFORE UPDATE OF state ON attempt WHEN OLD.id = {bad.id} BEGIN SELECT RAISE(ABORT, 'stuck'); END")))
    sandbox.jump(days=15)  # old enough to settle, and to be given to a person where no row came
    with pytest.raises(RowsFailed, match=r"2 of [0-9]+ rows about bank debits failed unexpectedly"):
        returns.tick(desk.core)
    assert desk.attempt(good.id).state == State.APPROVED
    assert "rows about bank debits: report row" in caplog.text
    assert f"rows about bank debits: attempt {bad.id}" in caplog.text
    assert desk.attempt(bad.id).state == State.ACCEPTED
    desk.core.database.run(lambda session: session.execute(text("DROP TRIGGER stuck")))
    returns.tick(desk.core)
    assert desk.attempt(bad.id).state == State.APPROVED
    desk.tick()
