"""The worker: whose turn it is, what a failing job does, and how it ends. Against a real database."""

import os
import signal
import subprocess
import sys
import threading
from datetime import timedelta
from itertools import pairwise

import pytest

from splynx_ippay.base import clock
from splynx_ippay.base.errors import ConfigError, HostUnavailable
from splynx_ippay.payments.models import Lease
from splynx_ippay.scheduler import TICK_VARIABLE, TIMETABLE, Job, Worker, claim, timetable
from splynx_ippay.tasks import TASKS

LEASE = timedelta(seconds=60)


def idle(_core):
    """A job with nothing to do."""


def row(core, name="job"):
    with core.database.read() as session:
        return session.get(Lease, name)


def change(core, name="job", **columns):
    def work(session):
        for key, value in columns.items():
            setattr(session.get(Lease, name), key, value)

    core.database.run(work)


class Working:
    """Workers in threads, ended at the end of the test."""

    def __init__(self, core):
        self.core, self.started = core, []

    def start(self, *jobs, holder="w1"):
        worker = Worker(self.core, jobs=jobs, holder=holder)
        thread = threading.Thread(target=worker.run)
        thread.start()
        self.started.append((worker, thread))
        return worker

    def end(self):
        for worker, thread in self.started:
            worker.stop()
            thread.join(20)
            assert not thread.is_alive()


@pytest.fixture
def working(lonely_core):
    made = Working(lonely_core)
    yield made
    made.end()


@pytest.fixture
def lonely_core(database, tmp_path):
    """A core that reaches nothing: the scheduler asks the database only."""
    from splynx_ippay.base.crypto import KeyBox
    from splynx_ippay.base.settings import Deployment, Settings
    from splynx_ippay.payments.core import Core

    KeyBox.create(tmp_path / "keys")
    deployment = Deployment(database_url=database.url, key_file=tmp_path / "keys", spool_dir=tmp_path,
                            addon_dir=tmp_path / "addon", ini_file=tmp_path / "splynx-ippay.ini")
    deployment.ini_file.write_text(f"[splynx-ippay]\ndatabase_url = {database.url}\nkey_file = {tmp_path}/keys\n"
                                   f"spool_dir = {tmp_path}\naddon_dir = {tmp_path}/addon\n")
    return Core(deployment=deployment, settings=Settings.of(deployment), database=database,
                box=KeyBox.load(deployment.key_file))


def test_every_task_has_its_place_in_the_timetable():
    assert {job.name: job.task for job in TIMETABLE} == TASKS
    assert {job.name: job.every for job in TIMETABLE} == {
        "booking": 20, "runs": 10, "reconcile": 60, "returns": 3600, "links": 600, "mirror": 60, "mails": 30, "cleanup": 21600,
        "seals": 300, "foreign": 3600, "declines": 300, "expiry": 86400, "settlement": 86400, "updater": 86400, "missing": 86400, "nightly": 86400}


def test_a_job_is_taken_once_an_interval_by_one_worker(lonely_core):
    job = Job("job", 60, idle)
    assert claim(lonely_core, job, "w1", LEASE) is True
    assert claim(lonely_core, job, "w2", LEASE) is False
    change(lonely_core, until=clock.now() - timedelta(seconds=1))
    assert claim(lonely_core, job, "w2", LEASE) is False, "it ran less than an interval ago"
    change(lonely_core, ran_at=clock.now() - timedelta(seconds=61))
    assert claim(lonely_core, job, "w2", LEASE) is True
    assert row(lonely_core).holder == "w2"


def test_a_night_job_that_failed_is_repeated_after_a_wait_that_grows_and_not_at_once(lonely_core, tmp_path, monkeypatch):
    file = tmp_path / "clock"
    monkeypatch.setenv(clock.CLOCK_FILE_VARIABLE, str(file))
    job, passed = Job("job", 86400, idle), 0

    def later(minutes):
        nonlocal passed
        passed += minutes * 60
        file.write_text(str(passed))
        return claim(lonely_core, job, "w1", LEASE)

    assert later(0)
    for wait in (10, 20, 40):
        change(lonely_core, until=clock.now())  # it ended, and not well
        assert not later(wait - 1)
        assert later(2)
    change(lonely_core, until=clock.now(), tries=0)  # it ended well
    assert not later(23 * 60)
    assert later(60)


def test_a_night_job_whose_worker_was_killed_is_repeated_before_the_next_night(lonely_core, tmp_path, monkeypatch):
    file = tmp_path / "clock"
    monkeypatch.setenv(clock.CLOCK_FILE_VARIABLE, str(file))
    job = Job("job", 86400, idle)
    assert claim(lonely_core, job, "killed", LEASE)
    file.write_text("300")
    assert not claim(lonely_core, job, "w2", LEASE)
    file.write_text("720")
    assert claim(lonely_core, job, "w2", LEASE)


def test_a_job_that_fails_for_ever_rests_no_longer_than_its_interval(lonely_core):
    job = Job("job", 60, idle)
    assert claim(lonely_core, job, "w1", LEASE)
    change(lonely_core, tries=10_000, until=clock.now() - timedelta(seconds=61), ran_at=clock.now() - timedelta(seconds=61))
    assert claim(lonely_core, job, "w1", LEASE)


def test_a_job_that_takes_long_stays_with_its_worker(lonely_core):
    job = Job("job", 1, idle)
    assert claim(lonely_core, job, "w1", LEASE)
    change(lonely_core, ran_at=clock.now() - timedelta(seconds=50))
    assert claim(lonely_core, job, "w2", LEASE) is False


def test_a_job_of_a_dead_worker_is_taken_over_when_its_lease_ends(lonely_core):
    job = Job("job", 1, idle)
    assert claim(lonely_core, job, "dead", LEASE)
    change(lonely_core, ran_at=clock.now() - timedelta(seconds=61), until=clock.now() - timedelta(seconds=1))
    assert claim(lonely_core, job, "w2", LEASE) is True


def test_of_many_workers_at_the_same_moment_exactly_one_gets_the_job(lonely_core):
    job = Job("job", 60, idle)
    for _ in range(3):
        gate, results = threading.Barrier(8), []

        def ask(number, gate=gate, results=results):
            gate.wait()
            results.append(claim(lonely_core, job, f"w{number}", LEASE))

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(results) == [False] * 7 + [True]
        change(lonely_core, until=clock.now() - timedelta(seconds=1), ran_at=clock.now() - timedelta(seconds=61))


def test_after_a_jump_of_the_clock_everything_is_due_and_after_a_jump_back_too(lonely_core, tmp_path, monkeypatch):
    file = tmp_path / "clock"
    monkeypatch.setenv(clock.CLOCK_FILE_VARIABLE, str(file))
    job = Job("job", 3600, idle)
    assert claim(lonely_core, job, "w1", LEASE)
    assert not claim(lonely_core, job, "w1", LEASE)
    file.write_text(str(5 * 86400))
    assert claim(lonely_core, job, "w1", LEASE)
    file.write_text("0")
    assert claim(lonely_core, job, "w1", LEASE)


def test_a_failing_job_is_kept_in_its_row_and_the_others_go_on(lonely_core, working, wait_until):
    ran = threading.Event()

    def fails(_core):
        raise HostUnavailable("Splynx does not answer; key 4111 1111 1111 1111")

    def breaks(_core):
        raise ZeroDivisionError("4111111111111111")

    working.start(Job("fails", 0.2, fails), Job("breaks", 0.2, breaks), Job("works", 0.2, lambda _core: ran.set()))
    wait_until(lambda: row(lonely_core, "fails") and row(lonely_core, "fails").problem, what="the note of the failure")
    wait_until(lambda: row(lonely_core, "breaks") and row(lonely_core, "breaks").problem, what="the second note")
    assert ran.wait(20)
    assert row(lonely_core, "fails").problem == "Splynx does not answer; key ***1111"
    assert row(lonely_core, "breaks").problem == "ZeroDivisionError"
    assert row(lonely_core, "breaks").tries >= 1


def test_a_job_that_mends_itself_clears_its_note(lonely_core, working, wait_until):
    trouble = [HostUnavailable("once")]

    def job(_core):
        if trouble:
            raise trouble.pop()

    working.start(Job("job", 0.1, job))
    wait_until(lambda: not trouble and row(lonely_core) and not row(lonely_core).problem
               and row(lonely_core).tries == 0, what="the cleared note")


def test_two_workers_share_the_timetable(lonely_core, working, wait_until):
    taken, lock = [], threading.Lock()

    def job(core):
        with lock:
            taken.append((row(core).ran_at, row(core).holder))

    working.start(Job("job", 0.5, job), holder="w1")
    working.start(Job("job", 0.5, job), holder="w2")
    wait_until(lambda: len(taken) >= 5, what="five runs")
    gaps = [later - earlier for (earlier, _), (later, _) in pairwise(sorted(taken))]
    assert min(gaps) >= timedelta(seconds=0.5), "no job was taken twice within its interval"


def test_stopping_waits_for_the_job_under_way(lonely_core, working):
    begun, finished, go_on = threading.Event(), [], threading.Event()

    def job(_core):
        begun.set()
        assert go_on.wait(20)
        finished.append(True)

    worker = working.start(Job("job", 0.2, job))
    assert begun.wait(20)
    stopping = threading.Thread(target=worker.stop)
    stopping.start()
    go_on.set()
    stopping.join(20)
    assert finished == [True]


def test_a_stop_before_the_start_is_not_lost(lonely_core):
    worker = Worker(lonely_core, jobs=[Job("job", 60, idle)], holder="w1")
    worker.stop()
    thread = threading.Thread(target=worker.run)
    thread.start()
    thread.join(20)
    assert not thread.is_alive()


def test_the_tick_shortens_every_interval_but_the_nightly_ones_and_lengthens_none(monkeypatch):
    monkeypatch.setenv(TICK_VARIABLE, "15")
    assert {job.name: job.every for job in timetable()} == {
        "booking": 15, "runs": 10, "reconcile": 15, "returns": 15, "links": 15, "mirror": 15, "mails": 15, "cleanup": 15,
        "seals": 15, "foreign": 15, "declines": 15, "expiry": 86400, "settlement": 86400, "updater": 86400, "missing": 86400, "nightly": 86400}


@pytest.mark.parametrize("text", ["0", "-1", "soon", "nan", "inf"])
def test_a_tick_that_is_no_number_of_seconds_is_refused(text, monkeypatch):
    monkeypatch.setenv(TICK_VARIABLE, text)
    with pytest.raises(ConfigError, match="number of seconds above zero"):
        timetable()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_worker_program_runs_its_jobs_and_ends_cleanly_on_a_signal(number, lonely_core, wait_until):
    environment = os.environ | {"SPLYNX_IPPAY_INI": str(lonely_core.deployment.ini_file), TICK_VARIABLE: "1"}
    process = subprocess.Popen([sys.executable, "-m", "splynx_ippay", "worker"], env=environment, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        wait_until(lambda: row(lonely_core, "cleanup") and row(lonely_core, "cleanup").ran_at, what="the first cleanup")
        process.send_signal(number)
        _, log = process.communicate(timeout=60)
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
    assert process.returncode == 0, log
    assert "worker" in log
    assert "ended" in log
    assert row(lonely_core, "cleanup").problem == ""
