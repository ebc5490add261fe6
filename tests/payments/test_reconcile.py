"""What became of an attempt: enquiries, reports, proof of absence, and when a person has to look."""

import pytest
from sqlalchemy import text, update

from splynx_ippay.base import clock
from splynx_ippay.base.errors import RowsFailed
from splynx_ippay.ippay import messages
from splynx_ippay.payments import charge, feeds, intent, reconcile, states
from splynx_ippay.payments.feed_models import FeedSlice
from splynx_ippay.payments.models import Attempt, Booking, DebtKey, State


@pytest.fixture
def no_enquiry(sandbox):
    """IPpay does not know ENQ here."""
    sandbox.control("POST", "gateway", {"enq": False})


def reports_are_down(sandbox, times=200):
    sandbox.fault(server="gateway", kind="html", match={"path": "/ippayReport/"}, times=times)


def test_an_enquiry_proves_an_approval_and_the_report_books_it(desk, sandbox):
    attempt = desk.lose_answer(desk.saved_card(), desk.invoice())
    desk.tick(seconds=6)
    attempt = desk.attempt(attempt.id)
    assert (attempt.state, attempt.learned_from) == (State.APPROVED, "enquiry")
    assert attempt.in_feed_at is not None
    assert attempt.lines[0].booking == Booking.POSTED
    assert desk.kinds(attempt)[2:5] == ["no_answer", "enquiry", "in_report"]
    assert attempt.next_check_at is None


def test_an_approval_by_enquiry_is_not_booked_before_the_report_shows_it(desk, sandbox):
    attempt = desk.lose_answer(desk.saved_card(), desk.invoice())
    reports_are_down(sandbox)
    desk.tick(seconds=6)
    assert desk.attempt(attempt.id).state == State.APPROVED
    assert desk.line(attempt).booking == Booking.NONE
    assert desk.line(attempt).keys[0].open_target
    desk.tick(seconds=60)
    assert desk.line(attempt).booking == Booking.NONE
    sandbox.clear_faults()
    desk.tick(seconds=600)
    assert desk.line(attempt).booking == Booking.POSTED


def test_an_approval_the_report_never_shows_goes_to_a_person(desk, sandbox):
    attempt = desk.lose_answer(desk.saved_card(), desk.invoice())
    reports_are_down(sandbox)
    desk.tick(seconds=6)
    desk.tick(seconds=86_500)
    assert desk.attempt(attempt.id).state == State.REVIEW
    assert "a day of reports and enquiries" in desk.attempt(attempt.id).reason


def test_a_found_check_is_accepted_never_approved(desk, sandbox):
    attempt = desk.lose_answer(desk.saved_bank(), desk.invoice())
    desk.tick(seconds=6)
    attempt = desk.attempt(attempt.id)
    assert (attempt.state, attempt.learned_from) == (State.ACCEPTED, "enquiry")
    assert attempt.in_feed_at is not None


def test_a_check_known_by_enquiry_alone_is_not_posted_on_acceptance(desk, sandbox, settings_of):
    settings_of(desk.core, bank_posting="on_acceptance")
    attempt = desk.lose_answer(desk.saved_bank(), desk.invoice())
    reports_are_down(sandbox)
    desk.tick(seconds=6)
    assert desk.attempt(attempt.id).state == State.ACCEPTED
    assert desk.line(attempt).booking == Booking.NONE
    sandbox.clear_faults()
    desk.tick(seconds=60)
    desk.tick(seconds=60)
    assert desk.line(attempt).booking == Booking.POSTED


def test_an_enquiry_that_shows_another_amount_proves_nothing(desk, sandbox):
    method, item = desk.saved_card(), desk.invoice()
    sandbox.fault(server="gateway", kind="http_status", match={"type": "SALE"})
    attempt = desk.pay(method, item)
    sandbox.control("POST", "answers", {"type": "SALE", "action_code": "000"})
    sandbox.fault(server="gateway", kind="wrong_amount", match={"type": "SALE"})
    reports_are_down(sandbox)
    desk.tick(seconds=6)
    assert desk.attempt(attempt.id).state == State.UNKNOWN


def test_another_amount_in_the_report_goes_to_a_person(desk, sandbox):
    method, item = desk.saved_card(), desk.invoice()
    sandbox.control("POST", "answers", {"type": "SALE", "action_code": "777", "booked": True, "amount_cents": 700})
    attempt = desk.pay(method, item)
    assert attempt.state == State.UNKNOWN
    desk.tick(seconds=6)
    assert desk.attempt(attempt.id).state == State.REVIEW
    assert "another amount" in desk.attempt(attempt.id).reason


def test_an_enquiry_nobody_may_trust_is_not_made(desk, sandbox, settings_of):
    settings_of(desk.core, enq_trust="off")
    attempt = desk.lose_answer(desk.saved_card(), desk.invoice())
    desk.tick(seconds=6)
    attempt = desk.attempt(attempt.id)
    assert (attempt.state, attempt.learned_from) == (State.APPROVED, "report")
    assert attempt.approval
    assert attempt.lines[0].booking == Booking.POSTED
    assert "ENQ" not in sandbox.counters()["gateway"]


def test_an_enquiry_without_an_answer_leaves_it_to_the_report(desk, sandbox):
    attempt = desk.lose_answer(desk.saved_card(), desk.invoice())
    sandbox.fault(server="gateway", kind="drop_before", match={"type": "ENQ"})
    desk.tick(seconds=6)
    assert desk.attempt(attempt.id).learned_from == "report"


def test_a_bank_debit_is_found_in_the_report(desk, sandbox, no_enquiry):
    attempt = desk.lose_answer(desk.saved_bank(), desk.invoice())
    desk.tick(seconds=6)
    attempt = desk.attempt(attempt.id)
    assert (attempt.state, attempt.learned_from) == (State.ACCEPTED, "report")
    assert attempt.lines[0].booking == Booking.NONE


def test_a_decline_in_the_report_frees_the_debt(desk, sandbox):
    method, item = desk.saved_card(), desk.topup(1005)
    attempt = desk.lose_answer(method, item)
    desk.tick(seconds=6)
    attempt = desk.attempt(attempt.id)
    assert (attempt.state, attempt.action_code, attempt.learned_from) == (State.DECLINED, "005", "report")
    assert desk.pay(method, desk.topup(1000)).state == State.APPROVED


@pytest.mark.parametrize(("code", "state"), [("010", State.REVIEW), ("777", State.UNKNOWN), ("900", State.UNKNOWN)])
def test_a_code_in_the_report_that_is_no_clear_no_is_no_decline(desk, sandbox, no_enquiry, code, state):
    sandbox.control("POST", "answers", {"type": "SALE", "action_code": code, "booked": False})
    attempt = desk.lose_answer(desk.saved_card(), desk.topup(1000))
    desk.tick(seconds=6)
    assert desk.attempt(attempt.id).state == state
    assert desk.line(attempt).keys[0].open_target


def test_an_approval_the_report_contradicts_goes_to_a_person(desk, sandbox):
    attempt = desk.lose_answer(desk.saved_card(), desk.topup(1005))
    desk.core.database.run(lambda session: states.move(
        session, states.get_attempt(session, attempt.id), State.APPROVED, reason="found by enquiry",
        learned_from="enquiry", next_check_at=clock.now()))
    desk.tick()
    assert desk.attempt(attempt.id).state == State.REVIEW
    assert "005" in desk.attempt(attempt.id).reason


def test_a_void_seen_in_the_report_frees_the_debt_and_books_nothing(desk, sandbox):
    attempt = desk.lose_answer(desk.saved_card(), desk.invoice())
    sandbox.control("POST", "autovoid", {"transaction_id": attempt.transaction_id})
    desk.tick(seconds=6)
    attempt = desk.attempt(attempt.id)
    assert attempt.state == State.VOIDED
    assert attempt.lines[0].booking == Booking.NONE
    assert attempt.lines[0].keys[0].open_target is None


def test_a_withdrawn_bank_debit_goes_to_a_person(desk, sandbox):
    attempt = desk.lose_answer(desk.saved_bank(), desk.invoice())
    sandbox.control("POST", "gateway", {"voidach": True})
    token = desk.core.box.decrypt(desk.method(attempt.method_id).token_cipher)
    void = f"""<ippay><TransactionType>VOIDACH</TransactionType><TerminalID>TESTTERMINAL</TerminalID>
        <TransactionID>{attempt.transaction_id}</TransactionID><TotalAmount>{attempt.amount_cents}</TotalAmount>
        <CardName>Pat Doe</CardName><ACH Type="CHECKING" SEC="WEB"><Token>{token}</Token><CheckNumber>1</CheckNumber></ACH>
        </ippay>"""
    answer = sandbox.session.post(sandbox.facts["gateway_url"], data=void, timeout=20)
    assert "CHECK ACCEPTED" in answer.text
    desk.tick(seconds=6)
    assert desk.attempt(attempt.id).state == State.REVIEW
    assert "void" in desk.attempt(attempt.id).reason


def test_a_sale_the_gateway_shows_twice_goes_to_a_person(desk, sandbox):
    desk.excused.add("the gateway booked twice")
    attempt = intended(desk)
    token = desk.core.box.decrypt(desk.method(attempt.method_id).token_cipher)
    sandbox.fault(server="gateway", kind="duplicate", match={"type": "SALE"})
    desk.core.gateway("test").send(messages.sale(  # and then the process died
        messages.Identity("TESTTERMINAL"), transaction_id=attempt.transaction_id, token=token,
        amount_cents=attempt.amount_cents, origin="INTERNET", cvv="", postal_code="", holder="Pat Doe",
        note=messages.Note()))
    desk.core.database.run(lambda session: session.execute(update(Attempt).values(sending_at=clock.now())))
    desk.tick(seconds=110)
    desk.tick()
    attempt = desk.attempt(attempt.id)
    assert (attempt.state, attempt.excess) == (State.REVIEW, True)
    assert "twice" in desk.note().reason


# -- absence -----------------------------------------------------------------------------------------------------------

def lost_before(desk):
    """A sale that never arrived, at a moment the clock can be moved from."""
    method = desk.saved_card()
    return method, desk.lose_answer(method, desk.invoice(), kind="drop_before")


def test_absence_is_proven_by_a_full_fresh_report_after_half_an_hour(desk, sandbox):
    method, attempt = lost_before(desk)
    sandbox.jump(seconds=60)
    desk.pay(method, desk.topup(1000))  # sent later: when the report shows it, the report is fresh
    desk.tick(seconds=1000)
    assert desk.attempt(attempt.id).state == State.UNKNOWN  # too early
    for _ in range(4):
        desk.tick(seconds=700)
    attempt = desk.attempt(attempt.id)
    assert attempt.state == State.ABANDONED
    assert "does not show it" in attempt.reason
    assert desk.pay(method, desk.invoice()).state == State.APPROVED
    assert len(sandbox.sales()) == 2


def test_without_a_later_sale_of_ours_the_report_may_be_stale(desk, sandbox):
    _, attempt = lost_before(desk)
    for _ in range(6):
        desk.tick(seconds=1900)
    assert desk.attempt(attempt.id).state == State.UNKNOWN


def test_a_report_that_cannot_be_read_proves_nothing(desk, sandbox):
    method, attempt = lost_before(desk)
    sandbox.jump(seconds=60)
    desk.pay(method, desk.topup(1000))
    reports_are_down(sandbox)
    for _ in range(6):
        desk.tick(seconds=1900)
    assert desk.attempt(attempt.id).state == State.UNKNOWN
    sandbox.clear_faults()
    desk.tick(seconds=1900)
    assert desk.attempt(attempt.id).state == State.ABANDONED


def test_one_unreadable_day_proves_nothing(desk, sandbox):
    method, attempt = lost_before(desk)
    sandbox.jump(seconds=60)
    desk.pay(method, desk.topup(1000))
    for _ in range(5):
        sandbox.fault(server="gateway", kind="garbage", match={"path": "/ippayReport/"})
        desk.tick(seconds=1900)
        sandbox.clear_faults()
        desk.core.database.run(lambda session: session.execute(text("DELETE FROM feed_slice WHERE 1=1")))
    assert desk.attempt(attempt.id).state == State.UNKNOWN


def test_after_a_day_a_person_looks(desk, sandbox):
    _, attempt = lost_before(desk)
    desk.tick(seconds=86_500)
    attempt = desk.attempt(attempt.id)
    assert attempt.state == State.REVIEW
    assert "TransactionID" in attempt.reason
    assert attempt.lines[0].keys[0].open_target


def test_without_a_reporting_login_nothing_is_ever_abandoned(desk, sandbox, settings_of):
    method, attempt = lost_before(desk)
    desk.pay(method, desk.topup(1000))
    settings_of(desk.core, reporting_merchant_id="")
    for _ in range(5):
        desk.tick(seconds=3600)
    assert desk.attempt(attempt.id).state == State.UNKNOWN
    desk.tick(seconds=86_400)
    assert desk.attempt(attempt.id).state == State.REVIEW
    assert "no reporting login" in desk.attempt(attempt.id).reason
    assert feeds.read_days(desk.core, desk.core.settings.terminal(1), "credit", clock.now(), clock.now()) is False


@pytest.mark.parametrize("kind", ["card", "bank"])
def test_without_a_reporting_login_a_found_payment_goes_to_a_person(desk, sandbox, settings_of, kind):
    method = desk.saved_card() if kind == "card" else desk.saved_bank()
    attempt = desk.lose_answer(method, desk.invoice())
    settings_of(desk.core, reporting_password="")
    desk.tick(seconds=6)
    assert desk.attempt(attempt.id).state == State.REVIEW
    assert "a person must confirm" in desk.attempt(attempt.id).reason


def test_a_terminal_that_left_the_settings_ends_with_a_person(desk, sandbox, settings_of):
    _, attempt = lost_before(desk)
    settings_of(desk.core, terminal_id="ANOTHERONE")
    desk.tick(seconds=6)
    assert desk.attempt(attempt.id).state == State.UNKNOWN
    desk.tick(seconds=86_500)
    assert desk.attempt(attempt.id).state == State.REVIEW
    assert "TESTTERMINAL" in desk.attempt(attempt.id).reason


def test_a_feed_day_is_not_read_twice_within_a_minute(desk, sandbox):
    lost_before(desk)
    desk.tick(seconds=6)
    first = sandbox.counters()["gateway"]["report:credit"]
    desk.tick(seconds=6)
    assert sandbox.counters()["gateway"]["report:credit"] == first


def test_many_rows_are_kept_once(desk, sandbox):
    terminal = desk.core.settings.terminal(1)
    desk.pay(desk.saved_card(), desk.topup(1000))
    for _ in range(2):
        sandbox.jump(seconds=3700)
        assert feeds.read_days(desk.core, terminal, "credit", clock.now() - feeds.DAY, clock.now())
    with desk.core.database.read() as session:
        assert session.execute(text("SELECT count(*) FROM feed_row")).scalar_one() == 1
        slices = session.query(FeedSlice).all()
    assert {part.records for part in slices} == {0, 1}


# -- intents of processes that died ------------------------------------------------------------------------------------

def intended(desk):
    """An intent whose process died before it sent anything."""
    order = desk.order(charge.SavedMethod(desk.saved_card().id), desk.invoice())
    terminal = intent.validate(desk.core, order)
    attempt, is_new = intent.commit(desk.core, order, terminal, intent.prepare(desk.core, order, terminal))
    assert is_new
    again, is_new = intent.commit(desk.core, order, terminal, intent.prepare(desk.core, order, terminal))
    assert (again.id, is_new) == (attempt.id, False)
    return attempt


def test_an_intent_that_was_never_sent_is_abandoned_when_nobody_can_send_it_any_more(desk, sandbox):
    attempt = intended(desk)
    desk.tick(seconds=60)
    assert desk.attempt(attempt.id).state == State.INTENDED
    desk.tick(seconds=61)
    assert desk.attempt(attempt.id).state == State.ABANDONED


def test_an_intent_found_too_old_to_send_is_not_sent(desk, sandbox):
    method, item = desk.saved_card(), desk.invoice()
    sandbox.fault(server="host", kind="delay", seconds=0.7, match={"method": "GET", "path": "admin/finance/invoices"})
    join = desk.in_background(lambda: desk.pay(method, item))
    desk.wait_for_call("GET admin/finance/invoices/{id}", "host")
    sandbox.jump(seconds=200)
    attempt = join()
    assert attempt.state == State.ABANDONED
    assert sandbox.sales() == []


def test_an_intent_that_may_have_been_sent_is_followed_up(desk, sandbox):
    attempt = intended(desk)
    desk.core.database.run(lambda session: session.execute(update(Attempt).values(sending_at=clock.now())))
    desk.tick(seconds=100)
    assert desk.attempt(attempt.id).state == State.INTENDED
    desk.tick(seconds=10)
    assert desk.attempt(attempt.id).state == State.UNKNOWN


def test_a_look_at_an_attempt_that_has_moved_is_no_error(desk, sandbox):
    attempt = intended(desk)
    old = desk.attempt(attempt.id)
    charge.abandon(desk.core, attempt.id, reason="by hand")
    reconcile._close_intent(desk.core, old)
    assert desk.attempt(attempt.id).state == State.ABANDONED
    assert charge.abandon(desk.core, attempt.id, reason="again").reason == "by hand"
    reconcile.look(desk.core, attempt.id)


def test_an_attempt_moved_by_another_worker_meanwhile_is_no_error(desk, sandbox):
    attempt = desk.lose_answer(desk.saved_card(), desk.invoice())
    sandbox.fault(server="gateway", kind="delay", match={"type": "ENQ"}, seconds=0.7)
    sandbox.jump(seconds=6)
    join = desk.in_background(lambda: reconcile.tick(desk.core))
    desk.wait_for_call("ENQ")
    desk.core.database.run(lambda session: states.move(
        session, states.get_attempt(session, attempt.id), State.APPROVED, reason="by the first worker",
        learned_from="enquiry", next_check_at=clock.now()))
    assert join() == 1
    desk.tick()
    assert desk.attempt(attempt.id).state == State.APPROVED


@pytest.mark.parametrize(("path", "ends"), [
    ([State.ACCEPTED, State.RETURNED], State.RETURNED), ([State.REVIEW], State.REVIEW),
    ([State.DECLINED], State.REVIEW), ([State.ABANDONED], State.REVIEW)])
def test_an_enquiry_that_comes_too_late_revives_nothing_but_contradicts_a_no(desk, sandbox, path, ends):
    attempt = desk.lose_answer(desk.saved_bank(), desk.invoice())
    sandbox.fault(server="gateway", kind="delay", match={"type": "ENQ"}, seconds=0.7)
    sandbox.jump(seconds=6)
    join = desk.in_background(lambda: reconcile.tick(desk.core))
    desk.wait_for_call("ENQ")
    for state in path:
        desk.core.database.run(lambda session, state=state: states.move(
            session, states.get_attempt(session, attempt.id), state, reason="by the first worker"))
    assert join() == 1
    assert "late_evidence" in desk.kinds(attempt)
    attempt = desk.attempt(attempt.id)
    assert attempt.state == ends
    assert attempt.excess == (path[-1] in {State.DECLINED, State.ABANDONED})
    assert attempt.learned_from == ""


def two_unknown(desk):
    method, other = desk.saved_card(), desk.saved_card(customer_id=2)
    bad = desk.lose_answer(method, desk.invoice(), kind="drop_before")
    desk.sandbox.fault(server="gateway", kind="drop_after", match={"type": "SALE"}, times=1)
    return bad, desk.pay(other, desk.topup(1500), customer_id=2)


def test_an_attempt_that_makes_us_fail_is_postponed_goes_to_a_person_and_stops_no_other(desk, sandbox, caplog):
    bad, good = two_unknown(desk)
    desk.core.database.run(lambda session: session.execute(
        update(Attempt).where(Attempt.id == bad.id).values(kind="novel")))
    sandbox.jump(seconds=6)
    with pytest.raises(RowsFailed, match="1 of 2 attempts failed unexpectedly"):
        reconcile.tick(desk.core)
    assert desk.attempt(good.id).state == State.APPROVED
    assert "KeyError" in caplog.text
    assert desk.attempt(bad.id).next_check_at > clock.now()
    sandbox.jump(seconds=86_500)
    with pytest.raises(RowsFailed):
        reconcile.tick(desk.core)
    assert desk.attempt(bad.id).state == State.REVIEW
    assert desk.attempt(bad.id).reason.startswith("internal error (KeyError)")


def test_an_attempt_that_cannot_even_be_postponed_stops_no_other(desk, sandbox, caplog):
    bad, good = two_unknown(desk)
    desk.core.database.run(lambda session: session.execute(text(
        f"CREATE TRIGGER stuck BEFORE UPDATE ON attempt WHEN OLD.id = {bad.id} BEGIN SELECT RAISE(ABORT, 'stuck'); END")))
    sandbox.jump(seconds=6)
    with pytest.raises(RowsFailed, match="of 2 attempts"):
        reconcile.tick(desk.core)
    assert desk.attempt(good.id).state == State.APPROVED
    assert f"attempts: attempt {bad.id} failed unexpectedly" in caplog.text
    with pytest.raises(RowsFailed, match="of 1 attempts"):
        reconcile.tick(desk.core)


def test_the_nightly_question_names_keys_that_contradict_their_states(desk, sandbox):
    method = desk.saved_card()
    paid, lost = desk.pay(method, desk.invoice()), desk.lose_answer(method, desk.invoice())
    with desk.core.database.read() as session:
        assert reconcile.nobody_owns(session) == []

    def exchange(session):
        session.execute(update(DebtKey).where(DebtKey.line_id == lost.lines[0].id).values(open_target=None))
        session.flush()
        session.execute(update(DebtKey).where(DebtKey.line_id == paid.lines[0].id).values(open_target="invoice:1"))

    desk.core.database.run(exchange)
    with desk.core.database.read() as session:
        first, second = reconcile.nobody_owns(session)
    assert "still holds" in first
    assert "does not hold" in second
    desk.core.database.run(lambda session: session.execute(update(DebtKey).values(open_target=None)))
    desk.core.database.run(lambda session: session.execute(update(DebtKey).where(
        DebtKey.line_id == lost.lines[0].id).values(open_target=DebtKey.target)))
