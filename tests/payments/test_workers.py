"""Two workers, or a person and a worker, at one row: whoever is second finds it moved, and nothing is done twice."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from sqlalchemy import text

from splynx_ippay.base.crypto import KeyBox
from splynx_ippay.base.errors import ConfigError, IllegalTransition
from splynx_ippay.payments import booking, charge, feeds, mark, reconcile, recording, returns, states
from splynx_ippay.payments.feed_models import FeedRow
from splynx_ippay.payments.models import Booking, State


@contextmanager
def another_worker(desk, moment, statement):
    """Somebody whose write always comes first: a trigger of the database."""
    desk.core.database.run(lambda session: session.execute(text(
        f"CREATE TRIGGER another {moment} BEGIN {statement}; END")))
    yield
    desk.core.database.run(lambda session: session.execute(text("DROP TRIGGER another")))


def test_a_return_that_comes_while_the_posting_is_under_way_is_undone_afterwards(desk, sandbox, settings_of):
    settings_of(desk.core, bank_posting="on_acceptance")
    method, item = desk.saved_bank(), desk.invoice()
    sandbox.fault(server="host", kind="delay", seconds=1.5, match={"method": "POST", "path": "admin/finance/payments"})
    join = desk.in_background(lambda: desk.pay(method, item))
    desk.wait_for_call("POST admin/finance/payments", "host")
    [attempt] = desk.attempts()
    sandbox.control("POST", "returns", {"transaction_id": attempt.transaction_id, "code": "R02", "days": 0})
    returns.tick(desk.core)
    assert desk.attempt(attempt.id).state == State.RETURNED
    assert not isinstance(join(), Exception)
    for _ in range(3):
        desk.tick(seconds=700)
    assert desk.line(attempt).booking == Booking.UNDONE
    assert desk.payments_of(attempt) == []


def test_a_report_row_whose_attempt_moves_meanwhile_is_applied_at_the_next_tick(desk, sandbox):
    attempt = desk.pay(desk.saved_bank(), desk.invoice())
    sandbox.jump(days=5)
    with another_worker(desk, "AFTER INSERT ON event", "UPDATE line SET booking_version = booking_version + 1"):
        returns.tick(desk.core)
    assert desk.attempt(attempt.id).state == State.ACCEPTED
    desk.tick()
    assert desk.attempt(attempt.id).state == State.APPROVED
    assert len(desk.payments_of(attempt)) == 1


def test_a_debit_that_moves_while_it_is_aged_is_looked_at_again(desk, sandbox, settings_of):
    attempt = desk.pay(desk.saved_bank(), desk.invoice())
    settings_of(desk.core, terminal_id="ANOTHERONE")
    sandbox.jump(days=14)
    with another_worker(desk, "BEFORE UPDATE OF state ON attempt", "SELECT RAISE(IGNORE)"):
        returns.tick(desk.core)
    assert desk.attempt(attempt.id).state == State.ACCEPTED
    returns.tick(desk.core)
    assert desk.attempt(attempt.id).state == State.REVIEW


def test_an_answer_for_an_attempt_the_worker_gave_up_is_an_event(desk, sandbox, settings_of):
    """The web process is slow; the worker takes the attempt for lost, and then the answer comes after all."""
    settings_of(desk.core, enq_trust="off", reporting_merchant_id="")
    method, item = desk.saved_card(), desk.invoice()
    sandbox.fault(server="gateway", kind="delay", match={"type": "SALE"}, seconds=1)
    join = desk.in_background(lambda: desk.pay(method, item))
    desk.wait_for_call("SALE")
    sandbox.jump(seconds=200)
    reconcile.tick(desk.core)
    assert desk.attempts()[0].state == State.UNKNOWN
    assert join().state == State.REVIEW
    assert "late_evidence" in desk.kinds(desk.attempts()[0])


def test_no_answer_for_an_attempt_the_worker_gave_up_changes_nothing(desk, sandbox, settings_of):
    settings_of(desk.core, enq_trust="off", reporting_merchant_id="")
    method, item = desk.saved_card(), desk.invoice()
    desk.core.answer_seconds = 1.5
    sandbox.fault(server="gateway", kind="delay", match={"type": "SALE"}, seconds=2)
    join = desk.in_background(lambda: desk.pay(method, item))
    desk.wait_for_call("SALE")
    sandbox.jump(seconds=200)
    reconcile.tick(desk.core)
    version = desk.attempts()[0].version
    assert join().state == State.UNKNOWN
    assert desk.attempts()[0].version == version


def test_an_unexpected_error_before_sending_gives_the_attempt_up_without_quoting_it(desk, sandbox):
    """A card's name the wire cannot carry, say: the error's own text may hold anything."""
    method = desk.saved_card()
    mark.guard(desk.core)
    desk.core.box = Broken(desk.core.box)
    with pytest.raises(RuntimeError):
        desk.pay(method, desk.invoice())
    [attempt] = desk.attempts()
    assert (attempt.state, attempt.reason) == (State.ABANDONED, "internal error: RuntimeError")
    assert sandbox.sales() == []


class Broken(KeyBox):
    """A key file that opens tokens and signs nothing."""

    def __init__(self, box):
        self.__dict__.update(box.__dict__)

    def sign(self, purpose, text):
        raise RuntimeError(f"{purpose} {text} 4111111111111111")


def test_another_constraint_of_the_database_is_no_open_payment(desk, sandbox):
    """Only a duplicate key of the debt is AlreadyOpen; anything else comes out as what it is."""
    from sqlalchemy.exc import IntegrityError

    method = desk.saved_card()
    desk.core.database.run(lambda session: session.execute(text(
        "CREATE TRIGGER no_lines BEFORE INSERT ON line BEGIN SELECT RAISE(ABORT, 'CHECK constraint failed: other'); END")))
    with pytest.raises(IntegrityError):
        desk.pay(method, desk.invoice())
    assert sandbox.sales() == []


def test_a_key_that_became_free_meanwhile_is_taken_at_the_second_try(desk, sandbox):
    """Two tabs: the first abandons its attempt just when the second is refused."""
    method, item = desk.saved_card(), desk.invoice()
    sandbox.fault(server="host", kind="delay", seconds=0.6, match={"method": "GET", "path": "admin/finance/invoices"})
    sandbox.fault(server="host", kind="html", match={"method": "GET", "path": "admin/finance/invoices"})
    sandbox.fault(server="gateway", kind="delay", seconds=0.3, match={"type": "TOKENIZE"})
    first = desk.in_background(lambda: desk.pay(method, item))
    second = desk.in_background(lambda: desk.take(desk.new_card(), item))
    outcomes = [first(), second()]
    assert len(sandbox.sales()) <= 1
    assert len([one for one in outcomes if getattr(one, "state", "") == State.APPROVED]) == len(sandbox.sales())


def test_the_run_hook_is_part_of_the_intent(desk, sandbox):
    def refuse(_session, _attempt_id):
        raise IllegalTransition("the item has an attempt already")

    with pytest.raises(IllegalTransition):
        desk.take(charge.SavedMethod(desk.saved_card().id), desk.invoice(), in_intent=refuse)
    assert desk.attempts() == []


def test_a_slice_another_worker_has_just_stored_is_no_error(desk, sandbox):
    from splynx_ippay.base import clock

    desk.pay(desk.saved_card(), desk.topup(1000))
    terminal = desk.core.settings.terminal(1)
    desk.core.database.run(lambda session: session.execute(text(
        "CREATE TRIGGER first AFTER INSERT ON feed_slice BEGIN SELECT RAISE(ABORT, 'UNIQUE constraint failed'); END")))
    assert not feeds.read_days(desk.core, terminal, "credit", clock.now(), clock.now())
    desk.core.database.run(lambda session: session.execute(text("DROP TRIGGER first")))
    with desk.core.database.read() as session:
        assert session.query(FeedRow).count() == 0
    assert feeds.read_days(desk.core, terminal, "credit", clock.now(), clock.now())


def test_the_first_charges_of_an_installation_may_start_together(desk):
    with ThreadPoolExecutor(12) as pool:
        for future in [pool.submit(mark.guard, desk.core) for _ in range(48)]:
            assert future.result(30) is None
    assert mark.why(desk.core) == ""


def test_evidence_that_nothing_was_taken_is_only_an_event(desk):
    attempt = desk.pay(desk.saved_card(), desk.topup(1005))
    desk.core.database.run(lambda session: states.late_evidence(
        session, states.get_attempt(session, attempt.id), reason="a no", says_taken=False))
    assert desk.attempt(attempt.id).state == State.DECLINED


def test_a_review_stays_a_review_whatever_comes_late(desk, sandbox):
    sandbox.control("POST", "answers", {"type": "SALE", "action_code": "010", "booked": True, "amount_cents": 500})
    attempt = desk.pay(desk.saved_card(), desk.invoice())
    desk.core.database.run(lambda session: states.late_evidence(
        session, states.get_attempt(session, attempt.id), reason="a yes", says_taken=True))
    assert desk.attempt(attempt.id).state == State.REVIEW


def test_production_gateways_are_ippays_own(desk, settings_of):
    import dataclasses

    core = dataclasses.replace(desk.core, deployment=dataclasses.replace(
        desk.core.deployment, gateway_url="", report_url="", ca_file=""))
    assert core.gateway("production") is not None
    assert core.gateway("test") is not None
    assert core.reports(core.settings.terminal(1)) is not None
    with pytest.raises(ConfigError):
        dataclasses.replace(desk.core, deployment=dataclasses.replace(
            desk.core.deployment, gateway_url="http://ippay.example/ippay")).gateway("test")


def test_an_undone_answer_names_its_attempt(desk):
    attempt = desk.pay(desk.saved_card(), desk.topup(1000))
    assert recording.reload(desk.core, attempt.id).lines[0].attempt.transaction_id == attempt.transaction_id
    assert booking.tick(desk.core) == 0
