"""The way out of REVIEW for a line: only what a fresh look at the host allows, and never a second payment."""

from dataclasses import replace

import pytest
from sqlalchemy import select, update

from splynx_ippay.base.errors import AlreadyOpen, AmountChanged, BadInput, HostError
from splynx_ippay.base.money import Money
from splynx_ippay.payments import asking, choices, decisions, line_decisions, missing, proposals, states
from splynx_ippay.payments.models import Booking, DebtKey, Line, State

ANNA = proposals.Person(1, "staff 1", "administrator")


def decide(desk, attempt, target, **changes):
    return line_decisions.decide(desk.core, ANNA, desk.line(attempt).id, desk.wish(attempt, target, **changes))


def review(desk, attempt, reason="a person looks", **columns):
    desk.core.database.run(lambda session: states.move_booking(
        session, session.get_one(Line, attempt.lines[0].id), Booking.REVIEW, reason=reason, **columns))


def delete(desk, payment_id):
    desk.host_elsewhere("delete", f"admin/finance/payments/{payment_id}")


def enter(desk, attempt, **changes):
    """Staff enter a payment in Splynx by hand; its id."""
    line = desk.line(attempt)
    body = {"customer_id": attempt.customer_id, "invoice_id": line.document_id, "payment_type": 1, "date": "2026-11-22",
            "amount": str(line.amount.decimal()), "comment": "by hand", "field_1": "", "field_2": ""} | changes
    return int(desk.host_elsewhere("post", "admin/finance/payments", {key: value for key, value in body.items() if value is not None})["id"])


def deleted_in_host(desk):
    """Taken and posted; staff deleted the payment in Splynx."""
    attempt = desk.pay(desk.saved_card(), desk.invoice())
    delete(desk, desk.line(attempt).splynx_payment_id)
    assert missing.tick(desk.core) == 1
    return attempt


def refused(desk, attempt, target, words, **changes):
    before = desk.line(attempt)
    with pytest.raises(BadInput, match=words):
        decide(desk, attempt, target, **changes)
    assert (desk.line(attempt).booking, desk.line(attempt).booking_version) == (before.booking, before.booking_version)


def test_a_payment_deleted_in_splynx_is_posted_again_once(desk, sandbox):
    attempt = deleted_in_host(desk)
    form = desk.wish(attempt, Booking.DUE)
    line_id = desk.line(attempt).id
    first = line_decisions.decide(desk.core, ANNA, line_id, form)
    assert line_decisions.decide(desk.core, ANNA, line_id, form).id == first.id
    line = desk.line(attempt)
    assert (line.booking, line.on_account, len(desk.payments_of(attempt)), len(desk.payments_of(attempt, deleted=True))) == (
        Booking.POSTED, False, 1, 1)
    assert sandbox.invoice(line.document_id)["status"] == "paid"
    with desk.core.database.read() as session:
        assert session.scalars(select(DebtKey).where(DebtKey.open_target.is_not(None))).all() == []
    delete(desk, line.splynx_payment_id)  # and once more
    assert missing.tick(desk.core) == 1
    decide(desk, attempt, Booking.DUE)
    assert len(desk.payments_of(attempt)) == 1


def test_while_it_is_posted_again_nobody_else_takes_the_invoice(desk, sandbox):
    attempt = deleted_in_host(desk)
    sandbox.fault(server="host", kind="http_status", status=503, match={"method": "POST", "path": "admin/finance/payments"}, times=1)
    decide(desk, attempt, Booking.DUE)
    with pytest.raises((AlreadyOpen, AmountChanged)):
        desk.pay(desk.saved_card(), desk.invoice())
    for seconds in (61, 700, 700):
        desk.tick(seconds=seconds)
    assert (desk.line(attempt).booking, len(desk.payments_of(attempt))) == (Booking.POSTED, 1)


def test_a_payment_that_is_there_is_used_and_never_posted_a_second_time(desk):
    attempt = desk.pay(desk.saved_card(), desk.invoice())
    review(desk, attempt)
    refused(desk, attempt, Booking.DUE, "still shows")
    decide(desk, attempt, Booking.POSTED)
    assert (desk.line(attempt).booking, len(desk.payments_of(attempt))) == (Booking.POSTED, 1)


def test_a_payment_entered_by_hand_is_taken_for_ours_by_its_id(desk):
    attempt = deleted_in_host(desk)
    refused(desk, attempt, Booking.POSTED, "shows no payment")
    refused(desk, attempt, Booking.POSTED, "shows no payment", payment_id=999_999)
    payment_id = enter(desk, attempt)
    decide(desk, attempt, Booking.POSTED, payment_id=payment_id)
    line = desk.line(attempt)
    assert (line.booking, line.splynx_payment_id, line.on_account) == (Booking.POSTED, payment_id, False)
    desk.excused.add("lost")  # it bears no reference of ours
    assert missing.tick(desk.core) == 0


def test_a_payment_entered_on_account_lowers_no_invoice(desk):
    attempt, invoice = deleted_in_host(desk), desk.invoice()
    assert invoice.document_id == attempt.lines[0].document_id
    decide(desk, attempt, Booking.POSTED, payment_id=enter(desk, attempt, invoice_id=None))
    assert desk.line(attempt).on_account
    desk.excused.add("lost")
    with pytest.raises(AmountChanged):
        desk.pay(desk.saved_card(), invoice)


def test_a_top_up_has_no_document_to_look_at(desk):
    attempt = desk.pay(desk.saved_card(), desk.topup(1500))
    review(desk, attempt)
    decide(desk, attempt, Booking.POSTED)
    assert (desk.line(attempt).booking, desk.line(attempt).on_account) == (Booking.POSTED, False)
    delete(desk, desk.line(attempt).splynx_payment_id)
    missing.tick(desk.core)
    decide(desk, attempt, Booking.DUE)
    assert len(desk.payments_of(attempt)) == 1


def test_of_two_payments_for_one_charge_staff_delete_one_first(desk):
    attempt = desk.pay(desk.saved_card(), desk.invoice())
    extra = enter(desk, attempt, field_1=attempt.lines[0].field_1, invoice_id=None)
    review(desk, attempt, "Splynx shows 2 payments for one charge")
    refused(desk, attempt, Booking.POSTED, "more than one payment")
    delete(desk, extra)
    decide(desk, attempt, Booking.POSTED)
    assert desk.line(attempt).booking == Booking.POSTED


def test_another_amount_another_customer_and_another_charge_are_no_payment_of_this_line(desk):
    attempt, other = deleted_in_host(desk), desk.pay(desk.saved_card(2), desk.topup(1500), customer_id=2)
    wrong = enter(desk, attempt, amount="1.00", invoice_id=None)
    refused(desk, attempt, Booking.POSTED, "another amount", payment_id=wrong)
    foreign = enter(desk, attempt, customer_id=2, invoice_id=None)
    refused(desk, attempt, Booking.POSTED, "another customer", payment_id=foreign)
    mine = desk.pay(desk.saved_card(), desk.topup(attempt.amount_cents))
    refused(desk, attempt, Booking.POSTED, "another charge", payment_id=desk.line(mine).splynx_payment_id)
    not_yet_noted = enter(desk, attempt, invoice_id=None, field_1=f"{other.transaction_id}-1")
    refused(desk, attempt, Booking.POSTED, "another charge", payment_id=not_yet_noted)
    strange = enter(desk, attempt, field_1="SOMEBODY-1")
    desk.excused.add("lost")
    decide(desk, attempt, Booking.POSTED, payment_id=strange)
    delete(desk, not_yet_noted)


def test_where_the_invoice_was_paid_otherwise_the_money_goes_on_account(desk, sandbox):
    attempt = deleted_in_host(desk)
    desk.pay_elsewhere(desk.invoice(), attempt.amount_cents)
    decide(desk, attempt, Booking.DUE)
    assert (desk.line(attempt).booking, desk.line(attempt).on_account) == (Booking.POSTED, True)
    assert not int(desk.payments_of(attempt)[0]["invoice_id"] or 0)


def test_where_another_payment_has_the_debt_by_now_the_money_goes_on_account(desk, core):
    attempt = deleted_in_host(desk)
    other = desk.lose_answer(desk.saved_card(), desk.topup(1500), kind="drop_before")
    target = f"invoice:{attempt.lines[0].document_id}"
    core.database.run(lambda session: session.execute(update(DebtKey).where(DebtKey.line_id == other.lines[0].id).values(
        open_target=target)))
    decide(desk, attempt, Booking.DUE)
    assert desk.line(attempt).on_account


def test_without_an_answer_of_splynx_nothing_is_decided(desk, sandbox):
    attempt = deleted_in_host(desk)
    sandbox.fault(server="host", kind="http_status", status=500, match={"method": "GET", "path": "admin/finance/payments"})
    with pytest.raises(HostError):
        decide(desk, attempt, Booking.DUE)
    assert desk.line(attempt).booking == Booking.REVIEW


def test_a_line_that_moved_between_the_look_and_the_decision_is_left_alone(desk, core):
    attempt = deleted_in_host(desk)
    form, line = desk.wish(attempt, Booking.DUE), desk.line(attempt)
    seen = replace(line_decisions.look(core, line.id), version=1)
    with pytest.raises(BadInput, match="Something new"):
        core.database.run(lambda session: line_decisions._decide(session, line.id, ANNA, form, seen))
    decision = line_decisions.decide(core, ANNA, line.id, form)
    again = core.database.run(lambda session: line_decisions._decide(session, line.id, ANNA, form, seen))
    assert again.id == decision.id


def test_a_line_whose_payment_is_itself_in_review_waits_for_that(desk, core):
    attempt = deleted_in_host(desk)
    core.database.run(lambda session: states.move(
        session, states.get_attempt(session, attempt.id), State.REVIEW, reason="not in the settlement"))
    refused(desk, attempt, Booking.DUE, "cannot be decided")
    decisions.decide(core, ANNA, attempt.id, desk.wish(attempt, State.APPROVED, evidence="console"))
    decide(desk, attempt, Booking.DUE)
    assert desk.line(attempt).booking == Booking.POSTED


def test_a_line_that_is_posted_has_nothing_to_decide(desk):
    attempt = desk.pay(desk.saved_card(), desk.invoice())
    assert choices.offered_for_line(desk.line(attempt)) == ()


def test_money_given_back_instead_of_entering_the_payment_again_ends_both(desk, sandbox):
    attempt = deleted_in_host(desk)
    sandbox.control("POST", "autovoid", {"transaction_id": attempt.transaction_id})
    decisions.decide(desk.core, ANNA, attempt.id, desk.wish(attempt, State.VOIDED, evidence="console"))
    assert (desk.attempt(attempt.id).state, desk.line(attempt).booking) == (State.VOIDED, Booking.UNDONE)
    assert desk.pay(desk.saved_card(), desk.invoice()).state == State.APPROVED


def taken_back_with_two_payments(desk, sandbox):
    """Voided, while Splynx shows two payments: the undoing stopped."""
    attempt = desk.pay(desk.saved_card(), desk.invoice())
    extra = enter(desk, attempt, field_1=attempt.lines[0].field_1, invoice_id=None)
    sandbox.control("POST", "autovoid", {"transaction_id": attempt.transaction_id})
    desk.core.database.run(lambda session: states.move(
        session, states.get_attempt(session, attempt.id), State.VOIDED, reason="a test"))
    desk.tick()
    assert desk.line(attempt).booking == Booking.REVIEW
    return attempt, extra


def test_the_taking_back_goes_on_when_staff_have_left_one_payment(desk, sandbox):
    attempt, extra = taken_back_with_two_payments(desk, sandbox)
    refused(desk, attempt, Booking.UNDO_DUE, "more than one")
    refused(desk, attempt, Booking.UNDONE, "still shows")
    refused(desk, attempt, Booking.DUE, "cannot be decided")
    delete(desk, extra)
    decide(desk, attempt, Booking.UNDO_DUE)
    assert (desk.line(attempt).booking, desk.payments_of(attempt)) == (Booking.UNDONE, [])


def test_what_staff_have_taken_back_by_hand_is_undone(desk, sandbox):
    attempt, extra = taken_back_with_two_payments(desk, sandbox)
    delete(desk, extra)
    delete(desk, desk.line(attempt).splynx_payment_id)
    decide(desk, attempt, Booking.UNDONE)
    assert desk.line(attempt).booking == Booking.UNDONE


def test_a_payment_refused_while_its_invoice_is_open_goes_to_a_person_in_the_end(desk, sandbox):
    sandbox.fault(server="host", kind="http_status", json=True, status=422, match={"method": "POST", "path": "admin/finance/payments"},
                  times=12)
    attempt = desk.pay(desk.saved_card(), desk.invoice())
    for _ in range(11):
        assert desk.line(attempt).booking == Booking.POSTING
        desk.tick(seconds=660)
    assert desk.line(attempt).booking == Booking.REVIEW
    assert "though the document is open" in desk.line(attempt).booking_reason
    sandbox.clear_faults()
    decide(desk, attempt, Booking.DUE)
    assert len(desk.payments_of(attempt)) == 1


# A card fee: a payment and what charges it, which belong together.

@pytest.fixture
def fee(desk, sandbox, settings_of):
    """A payment with a fee, whose debit staff deleted in Splynx: the worker found that at night."""
    settings_of(desk.core, card_fee_percent="3")
    sandbox.control("POST", "gateway", {"penny_triggers": False})
    attempt = desk.pay(desk.saved_card(), desk.topup(3000), card_fee=Money(90, "USD"))
    desk.host_elsewhere("delete", f"admin/finance/transactions/{attempt.fee_line.splynx_transaction_id}")
    assert missing.tick(desk.core) == 1
    return attempt


def decide_fee(desk, attempt, target, **changes):
    return line_decisions.decide(desk.core, ANNA, desk.line(attempt, 2).id, desk.wish(attempt, target, **changes))


def balance(desk):
    return desk.core.host.customer_billing(1).deposit


def test_a_fee_without_its_debit_is_not_called_posted_but_posted_again_whole(desk, sandbox, fee):
    with pytest.raises(BadInput, match="no transaction that charges this card fee"):
        decide_fee(desk, fee, Booking.POSTED)
    with pytest.raises(BadInput, match="still shows a payment"):
        decide_fee(desk, fee, Booking.DUE)
    delete(desk, desk.line(fee, 2).splynx_payment_id)
    before = balance(desk)
    decide_fee(desk, fee, Booking.DUE)
    line = desk.line(fee, 2)
    assert (line.booking, line.on_account) == (Booking.POSTED, False)
    assert line.splynx_transaction_id != fee.fee_line.splynx_transaction_id
    assert balance(desk) == before  # the debit and its payment
    assert missing.tick(desk.core) == 0


def test_a_fee_whose_debit_was_entered_again_by_hand_is_posted_with_that(desk, fee):
    made = desk.host_elsewhere("post", "admin/finance/transactions", {
        "customer_id": 1, "type": "debit", "category": 5, "total": "0.90", "comment": fee.fee_line.field_1, "date": "2099-01-01"})
    decide_fee(desk, fee, Booking.POSTED)
    assert (desk.line(fee, 2).booking, desk.line(fee, 2).splynx_transaction_id) == (Booking.POSTED, made["id"])
    assert missing.tick(desk.core) == 0


def test_a_fee_that_still_stands_in_splynx_is_not_called_taken_back(desk, sandbox, settings_of):
    settings_of(desk.core, card_fee_percent="3")
    sandbox.control("POST", "gateway", {"penny_triggers": False})
    attempt = desk.pay(desk.saved_card(), desk.topup(3000), card_fee=Money(90, "USD"))
    desk.core.database.run(lambda session: states.move_booking(
        session, session.get_one(Line, attempt.fee_line.id), Booking.REVIEW, reason="a person looks"))
    sandbox.control("POST", "autovoid", {"transaction_id": attempt.transaction_id})
    desk.core.database.run(lambda session: states.move(session, states.get_attempt(session, attempt.id), State.VOIDED, reason="void"))
    delete(desk, attempt.fee_line.splynx_payment_id)
    with pytest.raises(BadInput, match="still charges this card fee"):
        decide_fee(desk, attempt, Booking.UNDONE)
    decide_fee(desk, attempt, Booking.UNDO_DUE)
    assert desk.line(attempt, 2).booking == Booking.UNDONE


def test_what_is_asked_about_a_fee_knows_no_document(desk, fee):
    facts = [fact for fact in asking.ask(desk.core, fee.id, ANNA.name) if str(fact["values"].get("line")) == "2"]
    assert [fact["what"] for fact in facts] == ["host_payment"]
