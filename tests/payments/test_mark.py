"""A restored backup: the database is older than what was sent, so nothing leaves until a person says so."""

import json
from dataclasses import replace
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import delete, update

from splynx_ippay.base.crypto import KeyBox
from splynx_ippay.base.errors import BadInput, ConfigError, Stopped
from splynx_ippay.payments import booking, mark, reconcile, recovery, returns
from splynx_ippay.payments.core import Core
from splynx_ippay.payments.models import Event, State
from splynx_ippay.payments.watch_models import Installation


@pytest.fixture
def old(desk, sandbox):
    """A database restored from before the last sale; the card is from before. Its method."""
    method = desk.saved_card()
    desk.pay(method, desk.topup(1100))
    copy = desk.backup()
    desk.pay(method, desk.invoice())
    desk.restore(copy)
    desk.excused.add("lost")
    sandbox.reset_counters()
    return method


def refused(work):
    """The words of the quarantine that ``work`` runs into."""
    with pytest.raises(Stopped) as stopped:
        work()
    assert stopped.value.reason == "quarantine"
    return str(stopped.value)


def row(core):
    with core.database.read() as session:
        return session.get(Installation, 1)


def written(core):
    return json.loads((core.spool / mark.FILE).read_text())


def test_from_an_older_copy_nothing_is_sent_and_nothing_posted(desk, sandbox, old):
    words = refused(lambda: desk.pay(old, desk.topup(1200)))
    assert "older than what was sent" in words
    assert "splynx-ippay recover" in words
    for tick in (booking.tick, reconcile.tick, returns.tick):
        refused(lambda tick=tick: tick(desk.core))
    assert sandbox.counters()["gateway"] == {}
    assert [call for call in sandbox.counters()["host"] if call.startswith("POST") and "auth" not in call] == []
    assert len(desk.attempts()) == 1


def test_the_first_process_that_sees_it_stops_every_machine(desk, old, tmp_path):
    refused(lambda: mark.guard(desk.core))
    elsewhere = replace(desk.core, deployment=replace(desk.core.deployment, spool_dir=tmp_path / "another machine"))
    assert "older than what was sent" in refused(lambda: mark.guard(elsewhere))
    assert row(desk.core).quarantined_at is not None


def test_a_copy_from_before_the_first_start_is_refused_too(desk):
    copy = desk.backup()
    desk.pay(desk.saved_card(), desk.invoice())
    desk.restore(copy)
    desk.excused.add("lost")
    assert "older than its last recovery" in refused(lambda: mark.guard(desk.core))
    assert row(desk.core).epoch == 0


def test_a_copy_that_went_on_by_itself_is_found_by_the_hash(desk, old):
    """Its event ids have passed the mark by now: the hash of the event at the mark is another one."""
    at = written(desk.core)["event_id"]
    with desk.core.database.read() as session:
        newest = session.get_one(Event, max(event.id for event in desk.events(1)))
        assert newest.id < at
    desk.core.database.run(lambda session: [session.add(Event(
        id=number, attempt_id=1, seq=1000 + number, at=newest.at, kind="state", data={}, hash=f"{number}"))
        for number in range(newest.id + 1, at + 5)])
    assert "older than what was sent" in refused(lambda: mark.guard(desk.core))
    desk.core.database.run(lambda session: session.execute(delete(Event).where(Event.seq > 1000)))


def test_the_mark_goes_up_before_a_sale_is_sent(desk, sandbox):
    method = desk.saved_card()
    sandbox.fault(server="gateway", kind="delay", match={"type": "SALE"}, seconds=1)
    join = desk.in_background(lambda: desk.pay(method, desk.topup(1300)))
    desk.wait_for_call("SALE")
    sending = next(event for event in desk.events(desk.attempts()[0].id) if event.kind == "sending")
    assert written(desk.core) | {"epoch": 1, "event_id": sending.id, "event_hash": sending.hash} == written(desk.core)
    assert join().state == State.APPROVED
    desk.tick()
    assert written(desk.core)["event_id"] > sending.id


def test_without_its_file_a_database_is_not_believed_but_only_here(desk):
    desk.pay(desk.saved_card(), desk.invoice())
    (desk.core.spool / mark.FILE).unlink()
    assert "is missing" in refused(lambda: mark.guard(desk.core))
    assert row(desk.core).quarantined_at is None  # another machine still has its own


@pytest.mark.parametrize("content", ["", "{", "[]", '{"epoch": 1}', "\x00" * 40])
def test_a_damaged_file_is_not_believed(desk, content):
    desk.pay(desk.saved_card(), desk.invoice())
    (desk.core.spool / mark.FILE).write_text(content)
    assert "damaged" in refused(lambda: mark.guard(desk.core))


def test_a_mark_of_another_key_file_is_not_believed_but_a_rotated_key_is(desk, tmp_path):
    desk.pay(desk.saved_card(), desk.invoice())
    KeyBox.create(tmp_path / "newer")
    newer, own = ((tmp_path / name).read_text() for name in ("newer", "keys"))
    rotated = tmp_path / "both"
    rotated.write_text(newer + own)
    rotated.chmod(0o600)
    mark.guard(replace(desk.core, box=KeyBox.load(rotated)))
    assert "another key file" in refused(lambda: mark.guard(replace(desk.core, box=KeyBox.load(tmp_path / "newer"))))


def test_a_mark_that_cannot_be_written_stops_the_sale_before_it_is_sent(desk, sandbox):
    method = desk.saved_card()
    mark.guard(desk.core)
    lock = desk.core.spool / "high-water.lock"
    lock.unlink()
    lock.mkdir()
    with pytest.raises(ConfigError, match="cannot be written"):
        desk.pay(method, desk.invoice())
    assert [(attempt.state, attempt.sending_at is None) for attempt in desk.attempts()] == [(State.ABANDONED, False)]
    assert sandbox.sales() == []


def test_a_process_starts_in_quarantine_and_says_so(desk, old, caplog):
    core = Core.open(desk.core.deployment)
    assert "older than what was sent" in caplog.text
    refused(lambda: mark.advance(core))
    core.database.engine.dispose()


def test_the_mark_never_goes_down(desk):
    desk.pay(desk.saved_card(), desk.invoice())
    mark.advance(desk.core)
    before = written(desk.core)
    mark._write(desk.core, mark.Mark("x", 1, 1, ""))
    assert written(desk.core) == before


def test_a_start_that_was_cut_off_is_gone_on_with(desk):
    mark.guard(desk.core)
    desk.core.database.run(lambda session: session.execute(delete(Installation)))
    assert mark.why(desk.core) == ""
    mark.guard(desk.core)
    assert row(desk.core).epoch == 1


def test_an_older_epoch_in_the_file_is_no_fault(desk):
    """Another machine was used to recover; its mark is further than ours."""
    desk.pay(desk.saved_card(), desk.invoice())
    desk.core.database.run(lambda session: session.execute(update(Installation).values(epoch=5)))
    mark.advance(desk.core)
    assert written(desk.core)["epoch"] == 5


def test_many_processes_at_once_leave_the_furthest_mark(desk):
    desk.pay(desk.saved_card(), desk.invoice())
    gate = Barrier(4)

    def climb():
        gate.wait(10)
        for _ in range(5):
            mark.advance(desk.core)
        return "done"

    joins = [desk.in_background(climb) for _ in range(4)]
    assert [join() for join in joins] == ["done"] * 4
    assert written(desk.core)["event_id"] == max(event.id for event in desk.events(1))
    assert sorted(path.name for path in Path(desk.core.spool).iterdir()) == ["high-water", "high-water.lock"]


def test_nothing_is_released_that_is_not_in_quarantine_or_was_not_looked_at(desk, old):
    with pytest.raises(BadInput, match="not in quarantine"):
        recovery.release(desk.core, by="me")
    refused(lambda: mark.guard(desk.core))
    with pytest.raises(BadInput, match="recover first"):
        recovery.release(desk.core, by="me")
