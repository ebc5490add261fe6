"""The commands of the person who watches over the books, and what the health page shows of it."""

import shutil
import sqlite3
from pathlib import Path

import pytest

from splynx_ippay import tasks
from splynx_ippay.base.errors import BadInput, Stopped
from splynx_ippay.base.money import Money
from splynx_ippay.host.checks import Verdict, run_checks
from splynx_ippay.host.subject import Subject
from splynx_ippay.ippay.messages import Card
from splynx_ippay.payments import charge, findings, mark, saving, seals
from splynx_ippay.payments.models import Door, State
from splynx_ippay.runs import work
from splynx_ippay.runs.models import Run, RunState


@pytest.fixture
def method(core):
    return saving.save(core, 1, 1, Card("4111111111111111", 12, 2034, "Pat Doe", "84058", "123"), None)


def pay(core, method, cents):
    return charge.take(core, charge.Order(
        door=Door.PORTAL, customer_id=1, partner_id=1, items=(charge.Item("topup", None, "", Money(cents, "USD")),),
        source=charge.SavedMethod(method.id), submission_key=charge.new_submission_key(), actor="customer 1"))


def restored(core, method):
    """A backup, a payment after it, the backup restored: the payment."""
    pay(core, method, 1100)
    place, copy = Path(core.database.engine.url.database), core.deployment.ini_file.parent / "copy.sqlite3"
    with sqlite3.connect(place) as source, sqlite3.connect(copy) as target:
        source.backup(target)
    source.close()
    target.close()
    lost = pay(core, method, 1200)
    core.database.engine.dispose()
    for tail in ("-wal", "-shm"):
        place.with_name(place.name + tail).unlink(missing_ok=True)
    shutil.copyfile(copy, place)
    return lost


def wrong(core):
    """What the health page calls wrong of the books, by id, with its mend."""
    return {result.check.id: f"{result.wrong} {result.mend}" for result in run_checks(Subject.of(core))
            if result.verdict is Verdict.WRONG and result.check.id in {"quarantine", "foreign_sales", "books"}}


def add_run(core, state=RunState.RUNNING):
    from splynx_ippay.base import clock

    def add(session):
        row = Run(state=state, created_by="me", created_at=clock.now())
        session.add(row)
        session.flush()
        return row.id

    return core.database.run(add)


def run_of(core, run_id):
    with core.database.read() as session:
        return session.get_one(Run, run_id)


def test_a_restored_backup_from_the_first_refusal_to_the_release(core, method, run_program):
    lost = restored(core, method)
    run_id = add_run(core)
    with pytest.raises(Stopped, match="splynx-ippay recover"):
        pay(core, method, 1300)
    assert "splynx-ippay recover" in wrong(core)["quarantine"]
    refused = run_program(core, "recover", "--release", check=False)
    assert refused.returncode == 1
    assert "recover first" in refused.stderr
    said = run_program(core, "recover").stdout
    assert "quarantine: the database is older than what was sent" in said
    assert f"again: {lost.transaction_id}" in said
    assert "1 Charge(s) stopped" in said
    assert (run_of(core, run_id).state, run_of(core, run_id).stop_reason) == (
        RunState.STOPPED, "stopped: a backup of the database was restored")
    assert "released" in run_program(core, "recover", "--release").stdout
    assert pay(core, method, 1300).state == State.APPROVED
    assert wrong(core) == {}
    again = run_program(core, "recover", check=False)
    assert (again.returncode, "nothing to recover" in again.stderr) == (1, True)


def test_verify_names_the_first_broken_row(core, method, run_program):
    pay(core, method, 1100)
    said = run_program(core, "verify").stdout
    assert "no file of seals yet" in said
    assert "every chain of events holds" in said
    tasks.TASKS["seals"](core)
    from datetime import timedelta

    seals.write(core, settle=timedelta())
    assert run_program(core, "verify").stdout.startswith("every chain")
    with sqlite3.connect(core.database.engine.url.database) as connection:
        connection.execute("UPDATE event SET kind = 'answes' WHERE seq = 3")
    connection.close()
    done = run_program(core, "verify", check=False)
    assert done.returncode == 1
    assert "BROKEN  attempt 1: event 3 (answes" in done.stdout
    with pytest.raises(Exception, match="disagreement"):
        tasks.TASKS["nightly"](core)
    assert "event 3 (answes" in wrong(core)["books"]


def test_a_foreign_sale_is_shown_and_acknowledged_by_its_name(core, method, run_program):
    mark.guard(core)
    core.database.run(lambda session: [findings.add(session, findings.FOREIGN, f"FOREIGN{number}", f"FOREIGN{number}: SALE")
                                       for number in range(5)])
    words = wrong(core)["foreign_sales"]
    assert "FOREIGN0: SALE; FOREIGN1: SALE; FOREIGN2: SALE; and 2 more" in words
    assert words.endswith("acknowledge-foreign FOREIGN0")
    assert "4 more wait(s)" in run_program(core, "acknowledge-foreign", "FOREIGN0").stdout
    for number in range(1, 5):
        said = run_program(core, "acknowledge-foreign", f"FOREIGN{number}").stdout
    assert "Charges may be started" in said
    done = run_program(core, "acknowledge-foreign", "FOREIGN0", check=False)
    assert (done.returncode, "no sale FOREIGN0 waits" in done.stderr) == (1, True)
    assert wrong(core) == {}


def test_no_run_starts_or_goes_on_beside_a_foreign_sale(core):
    core.database.run(lambda session: findings.add(session, findings.FOREIGN, "X", "X: SALE"))
    run_id = add_run(core, RunState.STOPPED)
    for begin in (lambda: work.resume(core, run_id, "me"), lambda: work.start(core, run_id, "", "me")):
        with pytest.raises(BadInput, match="did not make"):
            begin()
    assert work.halt_all(core, "x") == 0
    core.database.run(lambda session: findings.acknowledge(session, "X", by="me", kinds=(findings.FOREIGN,)))
    work.resume(core, run_id, "me")
    assert run_of(core, run_id).state == RunState.RUNNING


@pytest.mark.parametrize("name", ["seals", "foreign", "settlement", "missing", "nightly", "cleanup"])
def test_every_watching_job_runs_on_a_sound_database(core, method, name):
    pay(core, method, 1100)
    tasks.TASKS[name](core)
    assert wrong(core) == {}
