"""Which changes of a payment owe its payer a mail: each once, none for what the page says anyway."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from splynx_ippay.notifications import OutboxMail
from splynx_ippay.payments import charge, reconcile, returns, states
from splynx_ippay.payments.models import Booking, Door, State


@pytest.fixture
def owed(core):
    """The mails that are owed, as (kind, attempt)."""
    def read():
        with core.database.read() as session:
            return [(mail.kind, mail.attempt_id) for mail in session.scalars(select(OutboxMail).order_by(OutboxMail.id))]

    return read


def decide(core, attempt, *path):
    """A person's decisions about a payment, one after the other."""
    for to in path:
        core.database.run(lambda session, to=to: states.move(session, states.get_attempt(session, attempt.id), to, reason="evidence"))


def test_a_card_payment_owes_one_receipt_and_a_replay_none(desk, owed):
    method = desk.saved_card()
    order = desk.order(charge.SavedMethod(method.id), desk.invoice())
    attempt = charge.take(desk.core, order)
    assert charge.take(desk.core, order).id == attempt.id
    assert owed() == [("paid", attempt.id)]


def test_a_decline_in_front_of_a_person_owes_nothing(desk, owed):
    attempt = desk.pay(desk.saved_card(), desk.topup(10005))
    assert attempt.state == State.DECLINED
    assert owed() == []


def test_a_payment_that_was_never_sent_owes_nothing(desk, owed, sandbox):
    sandbox.fault(server="gateway", kind="refuse", times=1)
    method = desk.saved_card
    with pytest.raises(Exception, match="reached"):
        method()
    assert owed() == []


def test_a_debit_owes_one_mail_when_accepted_and_one_when_settled_however_often_the_reports_are_read(desk, owed):
    attempt = desk.pay(desk.saved_bank(), desk.invoice())
    assert owed() == [("debit_received", attempt.id)]
    desk.sandbox.jump(days=3)
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda _: returns.tick(desk.core), range(20)))
    desk.tick(days=1)
    assert owed() == [("debit_received", attempt.id), ("debit_paid", attempt.id)]


def test_a_debit_that_comes_back_twice_is_told_twice(desk, owed):
    attempt = desk.pay(desk.saved_bank(), desk.invoice())
    decide(desk.core, attempt, State.RETURNED, State.ACCEPTED, State.RETURNED, State.REVIEW, State.RETURNED)
    assert owed() == [(kind, attempt.id) for kind in ("debit_received", "debit_returned", "debit_received", "debit_returned",
                                                      "debit_returned")]
    with desk.core.database.read() as session:
        assert [mail.values["again"] for mail in session.scalars(select(OutboxMail).order_by(OutboxMail.id))][:3] == [False, False, True]


def test_the_end_of_a_lost_answer_is_told_once(desk, owed, sandbox):
    attempt = desk.lose_answer(desk.saved_card(), desk.invoice())
    assert attempt.state == State.UNKNOWN
    assert owed() == []
    sandbox.jump(seconds=10)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: reconcile.tick(desk.core), range(8)))
    assert desk.attempt(attempt.id).state == State.APPROVED
    assert owed() == [("paid", attempt.id)]
    desk.tick(seconds=3600)
    assert owed() == [("paid", attempt.id)]


def test_a_lost_answer_that_proves_to_be_nothing_is_told_too(desk, owed):
    lost = desk.lose_answer(desk.saved_card(), desk.invoice(), kind="drop_before")
    decide(desk.core, lost, State.ABANDONED)
    assert owed() == [("not_taken", lost.id)]


def test_a_lost_answer_of_a_charge_promised_nobody_anything(desk, owed):
    method = desk.saved_card()
    desk.sandbox.fault(server="gateway", kind="drop_before", match={"type": "SALE"}, times=1)
    lost = desk.pay(method, desk.invoice(), door=Door.RUN, actor="run 1")
    decide(desk.core, lost, State.DECLINED)
    assert owed() == []


def test_who_had_a_receipt_learns_that_the_payment_was_cancelled(desk, owed, sandbox):
    attempt = desk.pay(desk.saved_card(), desk.invoice(), door=Door.RUN, actor="run 1")
    sandbox.control("POST", "autovoid", {"transaction_id": attempt.transaction_id})
    decide(desk.core, attempt, State.REVIEW, State.APPROVED, State.REVIEW, State.VOIDED)
    assert owed() == [("paid", attempt.id), ("cancelled", attempt.id)]
    assert desk.line(attempt).booking == Booking.UNDO_DUE


def test_who_had_a_receipt_of_a_charge_learns_that_nothing_was_taken_after_all(desk, owed, sandbox):
    attempt = desk.pay(desk.saved_card(), desk.invoice(), door=Door.RUN, actor="run 1")
    sandbox.control("POST", "autovoid", {"transaction_id": attempt.transaction_id})
    decide(desk.core, attempt, State.REVIEW, State.ABANDONED)
    assert owed() == [("paid", attempt.id), ("not_taken", attempt.id)]
    desk.excused.add("lost")


def test_a_part_payment_keeps_what_it_leaves_open(desk, settings_of):
    settings_of(desk.core, part_payments="1", part_minimum="1.00")
    whole = desk.invoice()
    part = charge.Item("invoice", whole.document_id, whole.number, whole.amount - desk.topup(200).amount, is_part=True)
    attempt = desk.pay(desk.saved_card(), part)
    assert attempt.lines[0].rest_cents == 200
    assert desk.pay(desk.saved_card(), desk.topup(5000)).lines[0].rest_cents is None
