"""A process killed at every commit of a charge, before and after it, and while the answer is on its way.

Whatever the moment: one sale at most, and after the worker's next rounds the host shows exactly what was taken.
"""

import dataclasses
import os
import signal
import time
import traceback

import pytest
from sqlalchemy import event

from splynx_ippay.base.db import Database
from splynx_ippay.base.money import Money
from splynx_ippay.ippay.messages import BankAccount, Card
from splynx_ippay.payments import booking, charge, decisions, proposals, reconcile, recording, returns, saving, states
from splynx_ippay.payments.models import Booking, Door, State

VISA = Card(number="4111111111111111", exp_month=12, exp_year=2034, holder="Pat Doe", postal_code="84058", cvv="123")
ACCOUNT = BankAccount(routing="111000025", account="0001234567", kind="CHECKING", holder="Pat Doe")
CONSENT = charge.Consent("2026-11", "I authorize the debit.", "127.0.0.1")
KILLED = -signal.SIGKILL
MOST_COMMITS = 40
# Some of the conditions a death may leave: state, whether sending, booking, sales at the gateway.
SEEN = {
    "before": {(None, 0), ((State.INTENDED, False, Booking.NONE), 0), ((State.INTENDED, True, Booking.NONE), 1),
               ((State.APPROVED, True, Booking.DUE), 1), ((State.APPROVED, True, Booking.POSTING), 1)},
    "after": {((State.INTENDED, False, Booking.NONE), 0), ((State.INTENDED, True, Booking.NONE), 0),
              ((State.APPROVED, True, Booking.DUE), 1), ((State.APPROVED, True, Booking.POSTING), 1),
              ((State.APPROVED, True, Booking.POSTED), 1)},
}


def order_of(method, cents, customer_id=1, fee=None):
    item = charge.Item("topup", None, "", Money(cents, "USD"))
    return charge.Order(door=Door.PORTAL, customer_id=customer_id, partner_id=1, items=(item,),
                        source=charge.SavedMethod(method.id), submission_key=charge.new_submission_key(), actor="test",
                        card_fee=fee)


def die_at_commit(database, count, moment):
    """Kill this process at its n-th commit: before it reaches the disk, or right after."""
    seen = []

    @event.listens_for(database.engine, "commit")
    def _before(_connection):
        seen.append(None)
        if moment == "before" and len(seen) == count:
            os.kill(os.getpid(), signal.SIGKILL)

    @event.listens_for(database.engine, "checkin")
    def _after(_connection, _record):
        if moment == "after" and len(seen) == count:
            os.kill(os.getpid(), signal.SIGKILL)


def in_child(core, work, *, kill_at=None):
    """Run in a process of its own, perhaps killed at a commit; returns its exit code (or minus the signal)."""
    pid = start_child(core, work, kill_at=kill_at)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def start_child(core, work, *, kill_at=None):
    core.database.engine.dispose()
    pid = os.fork()
    if pid:
        return pid
    try:
        database = Database(core.database.url)
        if kill_at:
            die_at_commit(database, *kill_at)
        work(dataclasses.replace(core, database=database))
        os._exit(0)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(3)


def tick(core, sandbox, seconds):
    sandbox.jump(seconds=seconds)
    reconcile.tick(core)
    returns.tick(core)
    booking.tick(core)


def newest(core, submission_key):
    from splynx_ippay.payments.intent import find_submission

    return find_submission(core, submission_key)


def sales_of(sandbox, attempt):
    return [row for row in sandbox.sales() if attempt and row["transaction_id"] == attempt.transaction_id]


def payments_of(sandbox, attempt):
    return [row for row in sandbox.payments() if attempt and str(row["field_1"]).startswith(attempt.transaction_id)]


def follow_up(core, sandbox, witness, round_number):
    """The worker's rounds after a crash, with a later sale of somebody else that proves the report fresh."""
    tick(core, sandbox, 200)
    charge.take(core, order_of(witness, 500_00 + 100 * round_number, customer_id=2))
    for seconds in (10, 700, 1300, 1900):
        tick(core, sandbox, seconds)


@pytest.fixture
def people(core):
    card = saving.save(core, 1, 1, VISA, None)
    return card, saving.save(core, 2, 1, VISA, None)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_charge_killed_at_any_commit_ends_as_the_table_says(core, sandbox, people, moment):
    card, witness = people
    charge.take(core, order_of(card, 100_00))  # signs in, opens the month's statement
    seen = set()
    for count in range(1, MOST_COMMITS):
        order = order_of(card, 100 * (count + 9))
        code = in_child(core, lambda fresh, mine=order: charge.take(fresh, mine), kill_at=(count, moment))
        assert code in (KILLED, 0), f"commit {count}: the child ended with {code}"
        attempt = newest(core, order.submission_key)
        at_death = (attempt and (attempt.state, attempt.sending_at is not None, attempt.lines[0].booking),
                    len(sales_of(sandbox, attempt)))
        seen.add(at_death)
        if code == 0:
            break
        follow_up(core, sandbox, witness, count)
        check_ending(core, sandbox, order, at_death)
    assert code == 0, "the charge was never killed late enough to finish"
    assert SEEN[moment] <= seen  # the deaths of the table were really died
    with core.database.read() as session:
        assert reconcile.nobody_owns(session) == []


def check_ending(core, sandbox, order, at_death):
    """What must be true in the end after a death in this condition."""
    state, sale_count = at_death
    attempt = newest(core, order.submission_key)
    sales, payments = sales_of(sandbox, attempt), payments_of(sandbox, attempt)
    assert len(sales) == sale_count <= 1  # nothing is sent after the death
    assert len(payments) == len(sales), at_death
    if state is None:
        assert attempt is None
        return
    if not sales:
        assert attempt.state == State.ABANDONED, at_death
        return
    assert (attempt.state, attempt.lines[0].booking) == (State.APPROVED, Booking.POSTED), at_death
    assert payments[0]["field_1"] == attempt.lines[0].field_1


def test_a_death_while_the_answer_is_on_its_way_is_found_out(core, sandbox, people):
    card, witness = people
    for kind in ("delay", "drop_before"):
        order = order_of(card, 2000)
        sandbox.reset_counters()
        sandbox.fault(server="gateway", kind="delay", seconds=1, match={"type": "SALE"})
        if kind == "drop_before":
            sandbox.clear_faults()
            sandbox.fault(server="gateway", kind="drop_before", match={"type": "SALE"})
        pid = start_child(core, lambda fresh, mine=order: charge.take(fresh, mine))
        ends = time.monotonic() + 20
        while not sandbox.counters()["gateway"].get("SALE") and time.monotonic() < ends:
            time.sleep(0.01)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        attempt = newest(core, order.submission_key)
        assert attempt.state in (State.INTENDED, State.UNKNOWN)
        follow_up(core, sandbox, witness, 1)
        attempt = newest(core, order.submission_key)
        assert attempt.state == (State.APPROVED if kind == "delay" else State.ABANDONED)
        assert len(sales_of(sandbox, attempt)) == len(payments_of(sandbox, attempt)) == (1 if kind == "delay" else 0)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_an_undo_killed_at_any_commit_is_finished_once(core, sandbox, settings_of, moment):
    settings_of(core, bank_posting="on_acceptance")
    bank = saving.save(core, 1, 1, ACCOUNT, CONSENT)
    for count in range(1, MOST_COMMITS):
        attempt = charge.take(core, order_of(bank, 100 * (count + 9)))
        assert attempt.lines[0].booking == Booking.POSTED
        sandbox.control("POST", "returns", {"transaction_id": attempt.transaction_id, "code": "R23", "days": 0})
        sandbox.jump(seconds=3700)
        # The row of the report is applied here; what it makes due is done, or not, in the child.
        code = in_child(core, returns.tick, kill_at=(count, moment))
        assert code in (KILLED, 0)
        for seconds in (3700, 200, 700):
            tick(core, sandbox, seconds)
        attempt = recording.reload(core, attempt.id)
        assert (attempt.state, attempt.lines[0].booking) == (State.RETURNED, Booking.UNDONE)
        assert payments_of(sandbox, attempt) == []
        if code == 0:
            break
    assert code == 0


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_reconciliation_killed_at_any_commit_books_once(core, sandbox, people, moment):
    card, _witness = people
    for count in range(1, MOST_COMMITS):
        sandbox.fault(server="gateway", kind="drop_after", match={"type": "SALE"})
        attempt = charge.take(core, order_of(card, 100 * (count + 9)))
        sandbox.jump(seconds=6)
        code = in_child(core, reconcile.tick, kill_at=(count, moment))
        assert code in (KILLED, 0)
        for seconds in (200, 700, 700):
            tick(core, sandbox, seconds)
        attempt = recording.reload(core, attempt.id)
        assert (attempt.state, attempt.lines[0].booking) == (State.APPROVED, Booking.POSTED)
        assert len(sales_of(sandbox, attempt)) == len(payments_of(sandbox, attempt)) == 1
        if code == 0:
            break
    assert code == 0


def wish(core, attempt, target):
    with core.database.read() as session:
        seen = proposals.last_seq(session, attempt.id)
    return proposals.Proposal(target, "console", "page 7", "seen in IPpay's own pages", charge.new_submission_key(), seen)


def lost(core, sandbox, card, count, kind):
    """A payment without a clear answer that waits for a person."""
    sandbox.fault(server="gateway", kind=kind, match={"type": "SALE"}, times=1)
    attempt = charge.take(core, order_of(card, 100 * (count + 9)))
    core.database.run(lambda session: states.move(
        session, states.get_attempt(session, attempt.id), State.REVIEW, reason="a person looks", next_check_at=None))
    return attempt


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_decision_killed_at_any_commit_is_made_whole_or_not_at_all_and_booked_once(core, sandbox, people, moment):
    card, _witness = people
    person = proposals.Person(1, "staff 1", "administrator")
    for count in range(1, MOST_COMMITS):
        attempt = lost(core, sandbox, card, count, "drop_after")
        form = wish(core, attempt, "approved")
        code = in_child(core, lambda fresh, mine=form, one=attempt: decisions.decide(fresh, person, one.id, mine), kill_at=(count, moment))
        assert code in (KILLED, 0)
        decisions.decide(core, person, attempt.id, form)  # pressed again: what was done stays, what was not is done
        for seconds in (200, 700, 700):
            tick(core, sandbox, seconds)
        attempt = recording.reload(core, attempt.id)
        assert (attempt.state, attempt.lines[0].booking) == (State.APPROVED, Booking.POSTED)
        assert len(sales_of(sandbox, attempt)) == len(payments_of(sandbox, attempt)) == 1
        assert [event.kind for event in history(core, attempt)].count("decision") == 1
        if code == 0:
            break
    assert code == 0


def history(core, attempt):
    with core.database.read() as session:
        return list(session.get_one(type(attempt), attempt.id).events)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_confirmation_killed_at_any_commit_frees_the_debt_or_leaves_the_proposal(core, sandbox, people, moment):
    card, _witness = people
    anna, ben = proposals.Person(1, "staff 1", ""), proposals.Person(2, "staff 2", "")
    for count in range(1, MOST_COMMITS):
        attempt = lost(core, sandbox, card, count, "drop_before")
        decision = decisions.decide(core, anna, attempt.id, wish(core, attempt, "abandoned"))
        code = in_child(core, lambda fresh, one=decision: decisions.confirm(fresh, ben, one.id), kill_at=(count, moment))
        assert code in (KILLED, 0)
        attempt = recording.reload(core, attempt.id)
        held = [key.open_target for line in attempt.lines for key in line.keys if key.open_target]
        assert (attempt.state, bool(held)) in {(State.REVIEW, True), (State.ABANDONED, False)}
        decisions.confirm(core, ben, decision.id)
        attempt = recording.reload(core, attempt.id)
        assert attempt.state == State.ABANDONED
        kinds = [event.kind for event in history(core, attempt)]
        assert (kinds.count("decided"), kinds.count("decision")) == (1, 1)
        if code == 0:
            break
    assert code == 0


def debits_of(sandbox, attempt):
    """What the customer was charged as a card fee of the attempt."""
    return [row for row in sandbox.ledger()["host"]["transactions"] if attempt and str(row["deleted"]) == "0"
            and row["comment"] == f"{attempt.transaction_id}-2"]


@pytest.fixture
def fee_of(core, sandbox, settings_of):
    """Cards pay three percent. ``fee_of(cents)`` is what the payer was shown."""
    settings_of(core, card_fee_percent="3")
    sandbox.control("POST", "gateway", {"penny_triggers": False})
    return lambda cents: Money(cents * 3 // 100, "USD")


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_fee_killed_at_any_commit_is_charged_and_paid_once(core, sandbox, people, fee_of, moment):
    card, _ = people
    for count in range(1, MOST_COMMITS):
        cents = 100 * (count + 9)
        sandbox.fault(server="host", kind="http_status", status=500, match={"method": "POST", "path": "admin/finance/payments"})
        sandbox.fault(server="host", kind="http_status", status=500, match={"method": "GET", "path": "admin/finance/transactions"}, times=3)
        attempt = charge.take(core, order_of(card, cents, fee=fee_of(cents)))
        sandbox.clear_faults()
        assert attempt.state == State.APPROVED
        sandbox.jump(seconds=700)
        code = in_child(core, lambda fresh, mine=attempt.id: booking.settle_up(fresh, mine), kill_at=(count, moment))
        assert code in (KILLED, 0)
        for seconds in (200, 700, 400):
            tick(core, sandbox, seconds)
        attempt = recording.reload(core, attempt.id)
        assert [line.booking for line in attempt.lines] == [Booking.POSTED, Booking.POSTED]
        assert (len(debits_of(sandbox, attempt)), len(payments_of(sandbox, attempt))) == (1, 2)
        if code == 0:
            break
    assert code == 0
    assert count > 6  # claims, starts and ends of a debit and of two payments


@pytest.mark.parametrize("moment", ["before", "after"])
def test_an_undo_of_a_fee_killed_at_any_commit_is_finished_once(core, sandbox, people, fee_of, moment):
    card, _ = people
    before = core.host.customer_billing(1).deposit
    for count in range(1, MOST_COMMITS):
        cents = 100 * (count + 9)
        attempt = charge.take(core, order_of(card, cents, fee=fee_of(cents)))
        sandbox.control("POST", "autovoid", {"transaction_id": attempt.transaction_id})
        core.database.run(lambda session, mine=attempt.id: states.move(
            session, states.get_attempt(session, mine), State.VOIDED, reason="void"))
        code = in_child(core, lambda fresh, mine=attempt.id: booking.settle_up(fresh, mine), kill_at=(count, moment))
        assert code in (KILLED, 0)
        for seconds in (200, 700):
            tick(core, sandbox, seconds)
        attempt = recording.reload(core, attempt.id)
        assert [line.booking for line in attempt.lines] == [Booking.UNDONE, Booking.UNDONE]
        assert (debits_of(sandbox, attempt), payments_of(sandbox, attempt)) == ([], [])
        assert core.host.customer_billing(1).deposit == before
        if code == 0:
            break
    assert code == 0
