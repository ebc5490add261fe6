"""No answer is ever lost: a database that is away, a spool file, an answer that comes late."""

import json

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from splynx_ippay.ippay import messages
from splynx_ippay.ippay.outcomes import Reply
from splynx_ippay.payments import reconcile, recording
from splynx_ippay.payments.models import Booking, State
from splynx_ippay.payments.recording import Answer


def answer(verdict="approved", code="000", **changes):
    return Answer(**{"verdict": verdict, "action_code": code, "approval": "TEST01" if code == "000" else "",
                     "response_text": "", "ip_trans_id": "1", "avs": "", "cvv2": "", "words": f"{code} from afar"} | changes)


def give_up_waiting(desk, attempt):
    """The worker takes the attempt for unknown, while the answer is still on its way."""
    desk.sandbox.jump(seconds=200)
    reconcile.tick(desk.core)
    assert desk.attempt(attempt.id).state == State.UNKNOWN


@pytest.fixture
def spooled(desk, sandbox):
    """A sale whose answer came while the database took no writes."""
    from datetime import timedelta

    desk.core.keep_trying = timedelta(seconds=0.6)
    method, item = desk.saved_card(), desk.invoice()
    sandbox.fault(server="gateway", kind="delay", match={"type": "SALE"}, seconds=0.5)
    join = desk.in_background(lambda: desk.pay(method, item))
    desk.wait_for_call("SALE")
    with desk.broken_database():
        attempt = join()
    assert attempt.state == State.INTENDED
    return attempt


def test_an_answer_the_database_would_not_take_is_spooled_and_applied_later(desk, sandbox, spooled):
    [file] = desk.core.spool.glob("*.json")
    words = file.read_text()
    assert json.loads(words)["attempt_id"] == spooled.id
    assert json.loads(words)["transaction_id"] == file.stem == spooled.transaction_id
    assert desk.core.box.decrypt(desk.method(spooled.method_id).token_cipher) not in words
    desk.tick()
    attempt = desk.attempt(spooled.id)
    assert (attempt.state, attempt.lines[0].booking) == (State.APPROVED, Booking.POSTED)
    assert list(desk.core.spool.glob("*.json")) == []
    assert desk.kinds(attempt)[2:4] == ["from_spool", "answer"]


def test_a_spool_file_read_twice_changes_nothing(desk, spooled):
    [file] = desk.core.spool.glob("*.json")
    content = file.read_text()
    desk.tick()
    file.write_text(content)
    desk.tick()
    assert desk.attempt(spooled.id).state == State.APPROVED


def test_a_spooled_approval_that_comes_after_the_attempt_was_given_up_goes_to_a_person(desk, spooled, settings_of):
    [file] = desk.core.spool.glob("*.json")
    away = file.rename(desk.core.deployment.ini_file.parent / "late.json")
    settings_of(desk.core, enq_trust="off", reporting_merchant_id="")
    give_up_waiting(desk, spooled)
    away.rename(file)
    reconcile.tick(desk.core)
    attempt = desk.attempt(spooled.id)
    assert attempt.state == State.REVIEW
    assert "arrived late" in attempt.reason
    assert not attempt.excess  # its debt was held all the time


def test_an_unknown_that_cannot_be_recorded_becomes_unknown_at_the_next_tick(desk, sandbox):
    from datetime import timedelta

    desk.core.keep_trying = timedelta(seconds=0.1)
    desk.core.answer_seconds = 0.5
    method, item = desk.saved_card(), desk.invoice()
    sandbox.fault(server="gateway", kind="delay", match={"type": "SALE"}, seconds=1)
    join = desk.in_background(lambda: desk.pay(method, item))
    desk.wait_for_call("SALE")
    with desk.broken_database():
        attempt = join()
    assert attempt.state == State.INTENDED
    assert list(desk.core.spool.glob("*.json")) == []
    desk.tick(seconds=200)
    desk.tick(seconds=6)
    assert desk.attempt(attempt.id).state == State.APPROVED


@pytest.mark.parametrize("content", ["", "{", "[]", '{"attempt_id": "x"}', '{"attempt_id": 1, "colour": "red"}', '"a"'])
def test_a_spool_file_that_cannot_be_read_stays_and_stops_nothing(desk, sandbox, content):
    desk.core.spool.mkdir()
    (desk.core.spool / "7.json").write_text(content)
    attempt = desk.lose_answer(desk.saved_card(), desk.invoice())
    desk.tick(seconds=6)
    assert desk.attempt(attempt.id).state == State.APPROVED
    assert (desk.core.spool / "7.json").exists()


def test_a_spool_file_of_an_attempt_this_database_does_not_know_stays(desk):
    transaction_id = messages.new_transaction_id()
    recording.spool(desk.core, 4711, transaction_id, answer())
    assert recording.read_spool(desk.core) == 0
    assert (desk.core.spool / f"{transaction_id}.json").exists()


def test_a_spooled_answer_of_an_attempt_that_a_restored_backup_forgot_is_not_given_to_the_next_with_its_row_id(desk, caplog):
    attempt = desk.lose_answer(desk.saved_card(), desk.invoice(), kind="drop_before")
    forgotten = messages.new_transaction_id()
    recording.spool(desk.core, attempt.id, forgotten, answer())
    before = desk.kinds(attempt)
    assert recording.read_spool(desk.core) == 0
    assert desk.attempt(attempt.id).state == State.UNKNOWN
    assert desk.kinds(attempt) == before
    assert (desk.core.spool / f"{forgotten}.json").exists()
    assert f"{forgotten}.json is about attempt {attempt.id}" in caplog.text


def test_a_spool_file_that_cannot_be_applied_stays_and_the_next_is_read(desk, sandbox, spooled, caplog):
    [file] = desk.core.spool.glob("*.json")
    other = desk.lose_answer(desk.saved_card(), desk.topup(1500), kind="drop_before")
    recording.spool(desk.core, other.id, other.transaction_id, answer())
    stuck = (desk.core.spool / f"{other.transaction_id}.json").rename(desk.core.spool / "0.json")  # it is read first
    desk.core.database.run(lambda session: session.execute(text(
        f"CREATE TRIGGER stuck BEFORE UPDATE ON attempt WHEN OLD.id = {other.id} BEGIN SELECT RAISE(ABORT, 'stuck'); END")))
    assert recording.read_spool(desk.core) == 1
    assert not file.exists()
    assert stuck.exists()
    assert f"{stuck} could not be applied" in caplog.text
    assert desk.attempt(other.id).state == State.UNKNOWN


def test_no_spool_folder_is_no_spooled_answer(desk):
    assert recording.read_spool(desk.core) == 0


@pytest.mark.parametrize(("verdict", "code", "state"), [
    ("approved", "000", State.REVIEW), ("review", "010", State.REVIEW), ("declined", "005", State.UNKNOWN),
    ("unknown", "777", State.UNKNOWN)])
def test_a_late_answer_is_an_event_and_only_a_yes_goes_to_a_person(desk, settings_of, verdict, code, state):
    settings_of(desk.core, enq_trust="off")
    attempt = desk.lose_answer(desk.saved_card(), desk.invoice(), kind="drop_before")
    desk.core.database.run(lambda session: recording.apply_answer(session, attempt.id, answer(verdict, code)))
    assert desk.attempt(attempt.id).state == state
    assert "late_evidence" in desk.kinds(attempt)


def test_a_late_yes_to_an_abandoned_attempt_is_excess_and_stops_automatic_charging(desk, sandbox):
    method, item = desk.saved_card(), desk.invoice()
    sandbox.fault(server="gateway", kind="refuse")
    attempt = desk.pay(method, item)
    sandbox.clear_faults()
    desk.core.database.run(lambda session: recording.apply_answer(session, attempt.id, answer()))
    attempt = desk.attempt(attempt.id)
    assert (attempt.state, attempt.excess) == (State.REVIEW, True)
    assert attempt.lines[0].keys[0].open_target is None  # a late find never takes a key again
    assert desk.note().no_auto
    assert attempt.transaction_id in desk.note().reason


def test_another_answer_to_an_answered_attempt_is_evidence_and_the_same_one_is_nothing_new(desk, sandbox):
    desk.excused.add("lost")  # no host payment: a person must decide
    sandbox.control("POST", "answers", {"type": "SALE", "action_code": "051", "times": 1})
    attempt = desk.pay(desk.saved_card(), desk.invoice())
    assert attempt.state == State.DECLINED

    def again(*what):
        desk.core.database.run(lambda session: recording.apply_answer(session, attempt.id, answer(*what)))
        return desk.kinds(attempt).count("late_evidence")

    assert again("declined", "051") == 0
    assert again("declined", "005") == 1
    assert again("declined", "005") == 1
    assert desk.attempt(attempt.id).state == State.DECLINED
    assert again() == 2
    assert desk.attempt(attempt.id).state == State.REVIEW
    assert desk.attempt(attempt.id).excess


def test_an_answer_for_which_no_connection_is_free_is_spooled(desk):
    from datetime import timedelta

    attempt = desk.pay(desk.saved_card(), desk.invoice())
    desk.core.keep_trying = timedelta(seconds=0.1)
    wide = desk.core.database.engine
    narrow = create_engine(wide.url, pool_size=1, max_overflow=0, pool_timeout=0.05)
    desk.core.database.engine = narrow
    try:
        with narrow.connect():
            with pytest.raises(NoConnectionFree):
                desk.attempt(attempt.id)
            recording.record_reply(desk.core, attempt, Reply(action_code="000", approval="TEST99"))
    finally:
        narrow.dispose()
        desk.core.database.engine = wide
    assert recording.read_spool(desk.core) == 1
    assert desk.kinds(attempt)[-2:] == ["from_spool", "late_evidence"]
    assert desk.attempt(attempt.id).state == State.APPROVED


def test_a_second_yes_to_an_approved_attempt_is_only_an_event(desk):
    attempt = desk.lose_answer(desk.saved_card(), desk.invoice())
    desk.tick(seconds=6)
    desk.core.database.run(lambda session: recording.apply_answer(session, attempt.id, answer()))
    assert desk.attempt(attempt.id).state == State.APPROVED
    assert "late_evidence" in desk.kinds(attempt)
