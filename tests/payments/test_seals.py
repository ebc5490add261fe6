"""A changed past is seen: one byte flipped anywhere in the history, the attempt's row or the file of seals."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import event as database_event
from sqlalchemy import text

from splynx_ippay.base.errors import AddOnError
from splynx_ippay.payments import findings, nightly, seals

AT_ONCE = timedelta()


@pytest.fixture
def sealed(desk):
    """Two payments with their seals; the file of seals."""
    method = desk.saved_card()
    desk.pay(method, desk.invoice())
    seals.write(desk.core, settle=AT_ONCE)
    desk.pay(method, desk.topup(1200))
    seals.write(desk.core, settle=AT_ONCE)
    assert seals.verify(desk.core) == {}
    desk.excused.add("tampered")
    return seals.path(desk.core)


def change(desk, statement):
    desk.core.database.run(lambda session: session.execute(text(statement)))


def lines_of(file):
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_every_seal_holds_the_heads_that_are_new(desk, sealed):
    first, second = lines_of(sealed)
    assert [head[0] for head in first["heads"]] == [1]
    assert [head[0] for head in second["heads"]] == [2]
    assert second["previous"] == first["signature"]
    assert second["heads"][0][1:] == [desk.events(2)[-1].seq, desk.events(2)[-1].hash]
    assert seals.write(desk.core, settle=AT_ONCE) == 0


def test_the_newest_two_minutes_are_left_for_the_next_time(desk, sandbox):
    desk.pay(desk.saved_card(), desk.invoice())
    assert seals.write(desk.core) == 0
    assert seals.verify(desk.core) == {}
    sandbox.jump(seconds=130)
    assert seals.write(desk.core) == 1


def test_many_heads_take_several_lines(desk, sandbox):
    from splynx_ippay.payments.models import Event

    desk.pay(desk.saved_card(), desk.invoice())
    attempt = desk.attempts()[0]
    columns = {column.name: getattr(attempt, column.name) for column in attempt.__table__.columns}

    def many(session):
        for number in range(2, 503):
            session.execute(attempt.__table__.insert().values(columns | {
                "id": number, "transaction_id": f"X{number}", "submission_key": f"k{number}", "state": "intended"}))
            session.execute(Event.__table__.insert().values(
                id=1000 + number, attempt_id=number, seq=1, at=attempt.created_at, kind="intended", data={}, previous_hash="",
                hash=f"{number}"))

    desk.core.database.run(many)
    assert seals.write(desk.core, settle=AT_ONCE) == 502
    first, second = lines_of(seals.path(desk.core))
    assert [len(first["heads"]), len(second["heads"])] == [500, 2]
    assert [first["upto"], second["upto"]] == [0, 1502]
    assert len([key for key in seals.verify(desk.core) if key.startswith("seal")]) == 0
    change(desk, "DELETE FROM event WHERE attempt_id > 1")
    change(desk, "DELETE FROM attempt WHERE id > 1")


@pytest.mark.parametrize(("statement", "place", "words"), [
    ("UPDATE event SET kind = 'answes' WHERE attempt_id = 1 AND seq = 3", "attempt 1", "event 3 (answes"),
    ("UPDATE event SET data = replace(data, 'portal', 'portam') WHERE attempt_id = 1 AND seq = 1", "attempt 1", "event 1 (intended"),
    ("UPDATE event SET hash = 'f' || substr(hash, 2) WHERE attempt_id = 2 AND seq = 2 AND hash NOT LIKE 'f%'", "attempt 2", "event 2"),
    ("DELETE FROM event WHERE attempt_id = 1 AND seq = 1", "attempt 1", "event 2"),
    ("DELETE FROM event WHERE attempt_id = 1 AND seq = (SELECT max(seq) FROM event WHERE attempt_id = 1)", "seal 1", "missing"),
    ("UPDATE attempt SET state = 'declined' WHERE id = 2", "row 2", "attempt 2 is declined"),
    ("UPDATE attempt SET amount_cents = amount_cents + 1 WHERE id = 2", "row 2", "attempt 2 is approved with 1201 cents"),
])
def test_a_changed_row_is_named(desk, sealed, statement, place, words):
    desk.excused.add("lost")
    change(desk, statement)
    found = seals.verify(desk.core)
    assert words in found[place]
    change(desk, "UPDATE attempt SET state = 'approved' WHERE state = 'declined'")


def test_the_whole_chain_made_anew_does_not_fit_its_seal(desk, sealed):
    """Whoever can write the database can compute hashes; the signed head tells."""
    from splynx_ippay.payments import events

    def forge(session):
        previous = ""
        for event in session.query(events.Event).filter_by(attempt_id=1).order_by(events.Event.seq):
            event.data = event.data | {"by": "somebody else"}
            event.previous_hash = previous
            event.hash = previous = events.digest(event)

    desk.core.database.run(forge)
    [(place, words)] = seals.verify(desk.core).items()
    assert place == "seal 1"
    assert "was sealed" in words


@pytest.mark.parametrize("number", [1, 2])
def test_one_flipped_byte_of_the_file_is_found_wherever_it_is(desk, sealed, number):
    lines = sealed.read_bytes().splitlines(keepends=True)
    original = lines[number - 1]
    for position in range(0, len(original) - 1, 7):
        flipped = bytearray(original)
        flipped[position] ^= 1
        sealed.write_bytes(b"".join([*lines[:number - 1], bytes(flipped), *lines[number:]]))
        [place] = seals.verify(desk.core)
        # A byte that became the end of a line moves the second half to the next one.
        assert place in {f"seal {number}", f"seal {number + 1}"}, position


def test_a_line_taken_out_of_the_middle_is_found(desk, sealed):
    sealed.write_text(sealed.read_text().splitlines(keepends=True)[1])
    assert list(seals.verify(desk.core)) == ["seal 1"]


def test_a_fragment_a_power_cut_left_is_cut_off(desk, sealed):
    whole = sealed.read_text()
    sealed.write_text(whole + '{"at":"2026')
    assert seals.verify(desk.core) == {}
    seals.write(desk.core, settle=AT_ONCE)
    assert sealed.read_text() == whole
    sealed.write_text('{"at":"2026')
    assert seals.write(desk.core, settle=AT_ONCE) == 2
    assert seals.verify(desk.core) == {}


def test_after_a_broken_last_line_sealing_goes_on_and_verify_still_tells(desk, sealed):
    sealed.write_text(sealed.read_text() + "[]\n")
    assert seals.write(desk.core, settle=AT_ONCE) == 2
    assert list(seals.verify(desk.core)) == ["seal 3"]


def test_without_a_file_there_is_nothing_to_put_away(desk):
    seals.put_away(desk.core)
    assert seals.verify(desk.core) == {}


def test_the_night_looks_at_the_books_without_keeping_anybody_from_writing(desk, sealed):
    read_only = []

    def note(connection, _cursor, statement, _parameters, _context, _many):
        if "FROM line" in statement:
            read_only.append(connection.get_execution_options().get("read_only", False))

    database_event.listen(desk.core.database.engine, "before_cursor_execute", note)
    nightly.tick(desk.core)
    database_event.remove(desk.core.database.engine, "before_cursor_execute", note)
    assert read_only
    assert all(read_only)


def test_the_night_shows_what_disagrees_until_it_is_gone(desk, sealed):
    assert nightly.tick(desk.core) == 0
    change(desk, "UPDATE attempt SET state = 'declined' WHERE id = 2")
    change(desk, "UPDATE debt_key SET open_target = target WHERE id = 1")
    with pytest.raises(AddOnError, match="disagreement"):
        nightly.tick(desk.core)
    with pytest.raises(AddOnError, match=r"2 disagreement\(s\)"):
        nightly.tick(desk.core)
    with desk.core.database.read() as session:
        kinds = {row.kind for row in findings.open_of(session, findings.BOOKS, findings.HISTORY)}
    assert kinds == {"books", "history"}
    change(desk, "UPDATE attempt SET state = 'approved' WHERE id = 2")
    change(desk, "UPDATE debt_key SET open_target = NULL WHERE id = 1")
    assert nightly.tick(desk.core) == 0
