"""The guarded setter: the full square of states, the full square of bookings, versions, and keys."""

import re
from pathlib import Path

import pytest
from sqlalchemy import update

from splynx_ippay.base import clock
from splynx_ippay.base.errors import IllegalTransition
from splynx_ippay.payments import states
from splynx_ippay.payments.models import Attempt, Booking, DebtKey, Line, State

# House 4.1 and 4.2, written down a second time on purpose: a change has to be made in both places.
MAY_BECOME = {
    "intended": "approved accepted declined unknown abandoned",
    "unknown": "approved accepted declined abandoned voided review",
    "accepted": "approved returned review",
    "approved": "voided returned review",
    "returned": "accepted review",
    "declined": "review", "abandoned": "review", "voided": "review",
    "review": "approved accepted declined unknown abandoned voided returned",
}
MAY_BE_BOOKED = {
    "none": "due review", "due": "posting undo_due review", "posting": "posted undo_due review",
    "posted": "undo_due review", "undo_due": "undoing review", "undoing": "undone review", "undone": "review",
    "review": "none due posting posted undo_due undoing undone",
}


def in_state(database, state, booking=Booking.NONE, *, held=True):
    """An attempt in any state, put there behind the setter's back."""
    def insert(session):
        now = clock.now()
        attempt = Attempt(
            transaction_id=f"T{state}{booking}"[:18].upper(), submission_key=f"{state}{booking}", kind="sale",
            door="portal", actor="test", customer_id=1, partner_id=1, terminal_id="T", environment="test",
            currency="USD", amount_cents=100, instrument="card", state=state, version=1, state_at=now, created_at=now,
            send_by_at=now)
        attempt.lines.append(Line(position=1, document="invoice", document_id=7, number="7", amount_cents=100,
                                  booking=booking, booking_version=1,
                                  keys=[DebtKey(target="invoice:7", open_target="invoice:7" if held else None)]))
        session.add(attempt)
        session.flush()
        return attempt.id

    return database.run(insert)


@pytest.mark.parametrize("origin", list(State))
@pytest.mark.parametrize("to", list(State))
def test_every_step_between_states_is_allowed_or_refused_as_the_house_says(database, origin, to):
    attempt_id = in_state(database, origin)

    def step(session):
        return states.move(session, states.get_attempt(session, attempt_id), to, reason="a test")

    if to.value not in MAY_BECOME[origin.value].split():
        with pytest.raises(IllegalTransition):
            database.run(step)
        return
    attempt = database.run(step)
    assert (attempt.state, attempt.version) == (to, 2)
    is_held = attempt.lines[0].keys[0].open_target is not None
    assert is_held is (to not in (State.DECLINED, State.ABANDONED, State.VOIDED))


@pytest.mark.parametrize("origin", list(Booking))
@pytest.mark.parametrize("to", list(Booking))
def test_every_step_between_bookings_is_allowed_or_refused_as_the_house_says(database, origin, to):
    attempt_id = in_state(database, State.APPROVED, origin)

    def step(session):
        return states.move_booking(session, states.get_attempt(session, attempt_id).lines[0], to)

    if to.value not in MAY_BE_BOOKED[origin.value].split():
        with pytest.raises(IllegalTransition):
            database.run(step)
        return
    line = database.run(step)
    assert (line.booking, line.booking_version) == (to, 2)
    assert (line.keys[0].open_target is None) is (to == Booking.POSTED)


def test_the_tables_are_those_written_down_here():
    assert {origin.value: sorted(to) for origin, to in states.TRANSITIONS.items()} == {
        origin: sorted(to.split()) for origin, to in MAY_BECOME.items()}
    assert {origin.value: sorted(to) for origin, to in states.BOOKINGS.items()} == {
        origin: sorted(to.split()) for origin, to in MAY_BE_BOOKED.items()}


@pytest.mark.parametrize(("to", "booking", "after"), [
    (State.RETURNED, Booking.POSTED, Booking.UNDO_DUE), (State.VOIDED, Booking.POSTING, Booking.UNDO_DUE),
    (State.RETURNED, Booking.DUE, Booking.UNDO_DUE), (State.RETURNED, Booking.NONE, Booking.NONE),
    (State.VOIDED, Booking.REVIEW, Booking.REVIEW), (State.REVIEW, Booking.POSTED, Booking.POSTED)])
def test_money_that_went_back_is_undone_in_the_same_transaction(database, to, booking, after):
    attempt_id = in_state(database, State.APPROVED, booking, held=False)
    attempt = database.run(lambda session: states.move(
        session, states.get_attempt(session, attempt_id), to, reason="a test"))
    assert attempt.lines[0].booking == after


def test_a_state_that_another_worker_moved_is_not_moved(database):
    attempt_id = in_state(database, State.UNKNOWN)

    def late(session):
        attempt = states.get_attempt(session, attempt_id)
        session.execute(update(Attempt).values(version=9).execution_options(synchronize_session=False))
        states.move(session, attempt, State.REVIEW, reason="late")

    with pytest.raises(IllegalTransition, match="any more"):
        database.run(late)


def test_a_booking_that_another_worker_moved_is_not_moved(database):
    attempt_id = in_state(database, State.APPROVED, Booking.DUE)

    def late(session):
        line = states.get_attempt(session, attempt_id).lines[0]
        session.execute(update(Line).values(booking_version=9).execution_options(synchronize_session=False))
        states.move_booking(session, line, Booking.POSTING)

    with pytest.raises(IllegalTransition, match="any more"):
        database.run(late)


def test_a_note_about_a_customer_is_renewed(database):
    for reason in ("first", "second"):
        database.run(lambda session, words=reason: states.stop_automatic(session, 5, words))
    with database.read() as session:
        from splynx_ippay.payments.models import CustomerNote

        assert session.get(CustomerNote, 5).reason == "second"


def test_nothing_sets_a_state_but_the_setter():
    package = Path(states.__file__).parents[1]
    found = [f"{path.relative_to(package)}: {line.strip()}" for path in package.rglob("*.py") if path.name != "states.py"
             for line in path.read_text().splitlines()
             if re.search(r"\b(attempt|row|line)\.(state|booking) = |values\((?:.*\W)?(state|booking)=(State|Booking)\.", line)]
    assert found == []
