"""What is looked at by itself: foreign sales, card settlement, payments deleted in the host, tokens nobody needs."""

from datetime import timedelta

import pytest
from sqlalchemy import text, update

from splynx_ippay.base.errors import HostError, RowsFailed, Stopped
from splynx_ippay.ippay import messages
from splynx_ippay.payments import charge, findings, foreign, forget, mark, missing, settlement, states
from splynx_ippay.payments.feed_models import FeedRow
from splynx_ippay.payments.models import Attempt, Booking, Door, Line, State
from splynx_ippay.payments.watch_models import Installation

# -- foreign sales -----------------------------------------------------------------------------------------------------


def sell(desk, method, *, ud2="another add-on", cents=2500):
    """Somebody else charges on our terminal; the TransactionID."""
    transaction_id = messages.new_transaction_id()
    token = desk.core.box.decrypt(method.token_cipher)
    reply = desk.core.gateway("test").send(messages.sale(
        messages.Identity("TESTTERMINAL"), transaction_id=transaction_id, token=token, amount_cents=cents,
        origin="INTERNET", note=messages.Note(ud2=ud2)))
    assert reply.action_code == "000"
    desk.excused.add("lost")
    return transaction_id


def open_foreign(core):
    with core.database.read() as session:
        return findings.open_of(session, findings.FOREIGN, findings.LOST)


def test_a_sale_that_is_not_ours_is_noted_once_and_stops_runs_until_a_person_knows(desk, sandbox):
    method = desk.saved_card()
    mark.guard(desk.core)
    transaction_id = sell(desk, method)
    sandbox.jump(seconds=3600)
    assert foreign.tick(desk.core) == 1
    assert foreign.tick(desk.core) == 0
    [finding] = open_foreign(desk.core)
    assert finding.subject == transaction_id
    assert "SALE of 25.00 on terminal TESTTERMINAL" in finding.words
    with pytest.raises(Stopped, match=f"acknowledge-foreign {transaction_id}") as stopped:
        desk.pay(method, desk.invoice(), door=Door.RUN)
    assert stopped.value.reason == "foreign"
    assert desk.pay(method, desk.invoice()).state == State.APPROVED  # a person at a door sees what is due
    assert foreign.acknowledge(desk.core, transaction_id, by="anna") == 0
    assert desk.pay(method, desk.invoice(), door=Door.RUN).state == State.APPROVED
    sandbox.jump(seconds=3600)
    assert foreign.tick(desk.core) == 0
    with pytest.raises(LookupError):
        foreign.acknowledge(desk.core, transaction_id, by="anna")


def test_our_own_sales_declines_and_earlier_ones_of_others_are_no_foreign_sales(desk, sandbox):
    method = desk.saved_card()
    sell(desk, method)
    sandbox.jump(seconds=3700)
    desk.pay(method, desk.invoice())
    sandbox.control("POST", "answers", {"type": "SALE", "action_code": "051", "times": 1})
    desk.pay(method, desk.topup(1200))
    sandbox.jump(seconds=3600)
    assert foreign.tick(desk.core) == 0
    assert open_foreign(desk.core) == []
    assert foreign.tick(desk.core) == 0


def test_without_a_reporting_login_nobody_can_look(desk, settings_of, sandbox):
    settings_of(desk.core, reporting_merchant_id="")
    mark.guard(desk.core)
    sell(desk, desk.saved_card())
    assert foreign.tick(desk.core) == 0
    assert "report:credit" not in sandbox.counters()["gateway"]


def test_a_sale_with_our_name_that_the_database_does_not_know_means_that_it_is_an_old_copy(desk, sandbox):
    """The mark was restored with the database, say: the report still tells."""
    method = desk.saved_card()
    desk.pay(method, desk.invoice())
    sell(desk, method, ud2=f"{desk.core.installation}:77")
    assert foreign.tick(desk.core) == 0
    with pytest.raises(Stopped, match="of this installation"):
        desk.pay(method, desk.topup(1200))
    assert foreign.tick(desk.core) == 0  # the first reason stays


@pytest.mark.parametrize("state", [State.DECLINED, State.ABANDONED])
def test_a_sale_we_took_for_not_made_that_the_report_shows_as_taken_goes_to_a_person(desk, sandbox, state):
    attempt = desk.pay(desk.saved_card(), desk.topup(1300))

    def deny(session):
        session.execute(update(Attempt).values(state=state))
        session.execute(update(Line).values(booking=Booking.NONE))

    desk.core.database.run(deny)
    foreign.tick(desk.core)
    attempt = desk.attempt(attempt.id)
    assert (attempt.state, attempt.excess) == (State.REVIEW, True)
    assert "shows this sale as taken" in attempt.reason
    assert desk.note().no_auto
    foreign.tick(desk.core)
    assert desk.kinds(attempt).count("late_evidence") == 1


def test_before_the_first_start_is_noted_every_unknown_sale_counts(desk, sandbox):
    transaction_id = sell(desk, desk.saved_card())
    with desk.core.database.read() as session:
        assert session.get(Installation, 1) is None
    assert foreign.tick(desk.core) == 1
    assert [row.subject for row in open_foreign(desk.core)] == [transaction_id]
    with desk.core.database.read() as session:
        assert foreign.unknown_sales(session, read_since=timedelta(days=3)) == []


def test_a_sale_the_report_tells_twice_is_one_finding(desk, sandbox):
    sell(desk, desk.saved_card())
    assert foreign.tick(desk.core) == 1

    def again(session):
        [row] = session.query(FeedRow).all()
        columns = {column.name: getattr(row, column.name) for column in FeedRow.__table__.columns if column.name != "id"}
        session.add(FeedRow(**columns | {"fingerprint": "another", "handled_at": None}))

    desk.core.database.run(again)
    assert foreign.tick(desk.core) == 0
    assert len(open_foreign(desk.core)) == 1


# -- card settlement ---------------------------------------------------------------------------------------------------

def test_a_card_sale_that_settles_is_noted(desk, sandbox):
    attempt = desk.pay(desk.saved_card(), desk.invoice())
    assert settlement.tick(desk.core) == 0
    sandbox.jump(days=2)
    assert settlement.tick(desk.core) == 1
    attempt = desk.attempt(attempt.id)
    assert attempt.state == State.APPROVED
    assert attempt.settled_on is not None
    assert desk.kinds(attempt)[-1] == "settlement_row"
    calls = sandbox.counters()["gateway"]["report:ccsettlement"]
    sandbox.jump(days=1)
    assert settlement.tick(desk.core) == 0  # nothing waits for it any more: not asked again
    assert sandbox.counters()["gateway"]["report:ccsettlement"] == calls


def voided_sale(desk, sandbox):
    """An approved sale that will never settle."""
    attempt = desk.pay(desk.saved_card(), desk.invoice())
    sandbox.control("POST", "autovoid", {"transaction_id": attempt.transaction_id})
    return attempt


def test_a_sale_missing_from_settlement_while_later_ones_are_there_goes_to_a_person(desk, sandbox):
    attempt = voided_sale(desk, sandbox)
    sandbox.jump(days=1)
    later = desk.pay(desk.saved_card(), desk.topup(1500))
    sandbox.jump(days=1)
    settlement.tick(desk.core)
    assert desk.attempt(attempt.id).state == State.APPROVED  # not yet three banking days
    sandbox.jump(days=6)
    assert settlement.tick(desk.core) == 1
    attempt = desk.attempt(attempt.id)
    assert attempt.state == State.REVIEW
    assert "not in IPpay's settlement after 3 banking days" in attempt.reason
    assert desk.attempt(later.id).state == State.APPROVED
    assert settlement.tick(desk.core) == 0


def test_a_late_feed_alarms_nobody(desk, sandbox):
    attempt = voided_sale(desk, sandbox)
    sandbox.jump(days=8)
    assert settlement.tick(desk.core) == 0
    assert desk.attempt(attempt.id).state == State.APPROVED


def test_a_day_that_cannot_be_read_proves_nothing_missing(desk, sandbox):
    attempt = voided_sale(desk, sandbox)
    sandbox.jump(days=1)
    desk.pay(desk.saved_card(), desk.topup(1500))
    sandbox.jump(days=6)
    sandbox.fault(server="gateway", kind="http_status", status=500, match={"path": "/ippayReport/"}, times=1)
    settlement.tick(desk.core)
    assert desk.attempt(attempt.id).state == State.APPROVED


def test_without_a_reporting_login_settlement_is_not_watched(desk, sandbox, settings_of):
    settings_of(desk.core, reporting_merchant_id="")
    attempt = voided_sale(desk, sandbox)
    sandbox.jump(days=8)
    assert settlement.tick(desk.core) == 0
    assert desk.attempt(attempt.id).state == State.APPROVED


def test_a_settlement_that_cannot_be_noted_stops_no_other(desk, sandbox, caplog):
    method = desk.saved_card()
    bad, good = desk.pay(method, desk.invoice()), desk.pay(method, desk.topup(1500))
    desk.core.database.run(lambda session: session.execute(text(
        f"CREATE TRIGGER stuck BEFORE UPDATE ON attempt WHEN OLD.id = {bad.id} BEGIN SELECT RAISE(ABORT, 'stuck'); END")))
    sandbox.jump(days=2)
    with pytest.raises(RowsFailed, match="1 of 2 settlements failed unexpectedly"):
        settlement.tick(desk.core)
    assert desk.attempt(good.id).settled_on is not None
    assert f"settlements: attempt {bad.id} failed unexpectedly" in caplog.text
    desk.core.database.run(lambda session: session.execute(text("DROP TRIGGER stuck")))
    assert settlement.tick(desk.core) == 1


def test_an_attempt_somebody_else_moved_is_left_alone(desk, sandbox):
    attempt = voided_sale(desk, sandbox)
    desk.core.database.run(lambda session: states.move(
        session, states.get_attempt(session, attempt.id), State.REVIEW, reason="a person looks"))
    assert desk.core.database.run(lambda session: settlement._look(session, attempt.id)) is False


# -- payments deleted in the host --------------------------------------------------------------------------------------

def delete_in_host(desk, attempt):
    desk.core.host.client.delete(f"admin/finance/payments/{desk.line(attempt).splynx_payment_id}")


def test_a_payment_deleted_in_splynx_goes_to_a_person_and_is_never_taken_or_posted_again(desk, sandbox):
    method, invoice = desk.saved_card(), desk.invoice()
    attempt = desk.pay(method, invoice)
    assert missing.tick(desk.core) == 0
    delete_in_host(desk, attempt)
    assert missing.tick(desk.core) == 1
    line = desk.line(attempt)
    assert line.booking == Booking.REVIEW
    assert "was deleted in Splynx" in line.booking_reason
    assert sandbox.invoice(invoice.document_id)["status"] == "not_paid"
    desk.tick()
    assert desk.payments_of(attempt) == []
    with pytest.raises(charge.AmountChanged):
        desk.pay(method, invoice)
    assert missing.tick(desk.core) == 0


def test_one_call_a_customer_and_every_customer_has_a_turn(desk, sandbox):
    first, second = desk.saved_card(), desk.saved_card(customer_id=2)
    desk.pay(first, desk.invoice())
    desk.pay(first, desk.topup(1400))
    other = desk.pay(second, desk.topup(1500), customer_id=2)
    desk.excused.add("lost")
    for attempt in [*desk.attempts()[:2], other]:
        delete_in_host(desk, attempt)
    sandbox.reset_counters()
    tonight = missing.tick(desk.core, customers_a_night=1)
    lists = sandbox.counters()["host"]["GET admin/finance/payments"]
    assert lists == 1
    sandbox.jump(days=1)
    assert tonight + missing.tick(desk.core, customers_a_night=1) == 3
    assert {tonight} <= {1, 2}


def test_a_payment_the_list_does_not_show_is_asked_for_before_anybody_is_alarmed(desk, sandbox):
    attempt = desk.pay(desk.saved_card(), desk.invoice())
    payment_id = desk.line(attempt).splynx_payment_id
    assert missing._is_gone(desk.core.host.find_payment(payment_id)) is False
    assert missing._is_gone(desk.core.host.find_payment(999_999)) is True


def test_old_payments_are_not_asked_for_and_a_host_that_is_away_is_asked_again(desk, sandbox):
    attempt = desk.pay(desk.saved_card(), desk.invoice())
    sandbox.fault(server="host", kind="http_status", status=500, match={"method": "GET", "path": "admin/finance/payments"})
    with pytest.raises(HostError):
        missing.tick(desk.core)
    sandbox.clear_faults()
    delete_in_host(desk, attempt)
    desk.excused.add("lost")
    sandbox.jump(days=36)
    assert missing.tick(desk.core) == 0


def test_a_line_that_moved_meanwhile_is_left_alone(desk, sandbox):
    attempt = desk.pay(desk.saved_card(), desk.invoice())
    line = desk.line(attempt)
    assert missing._to_review(desk.core, line.id, line.splynx_payment_id + 1, "gone") is False
    desk.core.database.run(lambda session: states.move_booking(
        session, session.get_one(Line, line.id), Booking.REVIEW, reason="a person looks"))
    assert missing._to_review(desk.core, line.id, line.splynx_payment_id, "gone") is False


# -- tokens ------------------------------------------------------------------------------------------------------------

def test_the_token_of_an_unsaved_card_is_erased_after_the_refund_window(desk, sandbox):
    attempt = desk.take(desk.new_card(), desk.invoice())
    assert attempt.token_cipher
    assert desk.core.database.run(forget.old_tokens) == 0
    sandbox.jump(days=181)
    desk.core.database.run(lambda session: session.execute(update(Attempt).values(dispute="open")))
    assert desk.core.database.run(forget.old_tokens) == 0  # a person may still have to give it back
    desk.core.database.run(lambda session: session.execute(update(Attempt).values(dispute="none")))
    assert desk.core.database.run(forget.old_tokens) == 1
    assert desk.attempt(attempt.id).token_cipher is None
