"""The worker: the timetable, and the lease that lets two workers run each job once.

Owns when a job runs, never what it does. APScheduler (memory store) only wakes us; whether a job is due is decided by
its row in ``lease``, on the add-on's own clock, so that a second worker, a restart or a jump of the clock in a demo
neither doubles nor loses a job. A failing job is logged and kept in its row; it never stops the worker. A job that
failed, or whose worker was killed, is repeated after a wait that grows, long before the next night.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any, cast

from apscheduler.events import EVENT_SCHEDULER_STARTED
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers import SchedulerNotRunningError
from apscheduler.schedulers.blocking import BlockingScheduler
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from splynx_ippay.base import clock, logs
from splynx_ippay.base.errors import AddOnError, ConfigError
from splynx_ippay.payments.models import Lease
from splynx_ippay.tasks import TASKS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import CursorResult
    from sqlalchemy.orm import Session

    from splynx_ippay.payments.core import Core

_log = logging.getLogger(__name__)

# What looks at whole days runs once a day, in a demo too: there the clock jumps.
NIGHT = 24 * 3600
# Demo and tests only: every other job at most this many seconds apart.
TICK_VARIABLE = "SPLYNX_IPPAY_TICK_SECONDS"
LEASE_SECONDS = 60.0
_RENEW_PER_LEASE = 4
_POLLS_PER_INTERVAL = 4
_SLOWEST_POLL_SECONDS = 15.0
_PROBLEM_LENGTH = 200
# Of a job that did not end well: from its end to the next start, twice as long each time, never longer than its interval.
RETRY_AFTER = timedelta(minutes=10)
_MOST_DOUBLINGS = 12


@dataclass(frozen=True, slots=True)
class Job:
    """A job and how many seconds lie between two starts of it, over all workers."""

    name: str
    every: float
    task: Callable[[Core], None]


TIMETABLE: tuple[Job, ...] = (
    Job("booking", 20, TASKS["booking"]),
    Job("runs", 10, TASKS["runs"]),
    Job("reconcile", 60, TASKS["reconcile"]),
    Job("returns", 3600, TASKS["returns"]),
    Job("links", 600, TASKS["links"]),
    Job("mirror", 60, TASKS["mirror"]),
    Job("mails", 30, TASKS["mails"]),
    Job("declines", 300, TASKS["declines"]),
    Job("expiry", NIGHT, TASKS["expiry"]),
    Job("cleanup", 6 * 3600, TASKS["cleanup"]),
    Job("seals", 300, TASKS["seals"]),
    Job("foreign", 3600, TASKS["foreign"]),
    Job("settlement", NIGHT, TASKS["settlement"]),
    Job("updater", NIGHT, TASKS["updater"]),
    Job("missing", NIGHT, TASKS["missing"]),
    Job("nightly", NIGHT, TASKS["nightly"]),
)


def timetable(jobs: Sequence[Job] = TIMETABLE) -> tuple[Job, ...]:
    """The jobs with the intervals of this process. Raises ConfigError for a tick that is no number above zero."""
    text = os.environ.get(TICK_VARIABLE, "")
    if not text:
        return tuple(jobs)
    try:
        tick = float(text)
    except ValueError:
        tick = 0.0
    if not 0 < tick < float("inf"):
        raise ConfigError(f"{TICK_VARIABLE} must be a number of seconds above zero")
    return tuple(job if job.every >= NIGHT else Job(job.name, min(job.every, tick), job.task) for job in jobs)


class Worker:
    """Runs the timetable until told to stop. ``holder`` names it in the leases (default: machine and process)."""

    def __init__(self, core: Core, *, jobs: Sequence[Job] = TIMETABLE, holder: str = "") -> None:
        self._core, self._jobs = core, timetable(jobs)
        self._holder = (holder or core.holder)[:80]
        self._lease = timedelta(seconds=min(LEASE_SECONDS, max(5.0, 20 * min(job.every for job in self._jobs))))
        self._running: set[str] = set()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._scheduler = BlockingScheduler(
            timezone=UTC, executors={"default": ThreadPoolExecutor(len(self._jobs) + 1)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None})

    def run(self) -> None:
        """Work until ``stop``; returns when the jobs under way have ended. For one use."""
        # Its warnings that a job is still running are no news: a job is asked for often and runs when it is due.
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        for job in self._jobs:
            poll = min(job.every / _POLLS_PER_INTERVAL, _SLOWEST_POLL_SECONDS)
            self._scheduler.add_job(self._if_due, "interval", [job], seconds=poll, id=job.name,
                                    next_run_time=clock.now() - clock.offset())
        self._scheduler.add_job(self._renew, "interval", seconds=self._lease.total_seconds() / _RENEW_PER_LEASE)
        self._scheduler.add_listener(self._on_started, EVENT_SCHEDULER_STARTED)
        _log.info("worker %s started: %s", self._holder, ", ".join(f"{j.name} every {j.every:g} s" for j in self._jobs))
        self._scheduler.start()
        _log.info("worker %s ended", self._holder)

    def stop(self) -> None:
        """End after the jobs under way; may be called from any thread."""
        self._stopping.set()
        with contextlib.suppress(SchedulerNotRunningError):
            self._scheduler.shutdown(wait=True)

    def stop_on_signals(self) -> None:
        """SIGTERM and SIGINT end the worker. Only the main thread may call this."""
        def _stop(_number: int, _frame: object) -> None:
            # In a thread: the handler may have interrupted the scheduler with its locks held.
            threading.Thread(target=self.stop, name="stop").start()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _stop)

    def _on_started(self, _event: object) -> None:
        """A stop that came before the start must not be lost."""
        if self._stopping.is_set():
            threading.Thread(target=self.stop, name="stop").start()

    def _if_due(self, job: Job) -> None:
        try:
            if not claim(self._core, job, self._holder, self._lease):
                return
        except SQLAlchemyError:
            _log.exception("the lease of job %s could not be asked for", job.name)
            return
        with self._lock:
            self._running.add(job.name)
        problem = ""
        try:
            job.task(self._core)
        except Exception as error:  # noqa: BLE001 - whatever a job raises, the others must go on
            problem = _describe(error)
            _log.log(logging.WARNING if isinstance(error, AddOnError) else logging.ERROR, "job %s failed: %s", job.name,
                     problem, exc_info=not isinstance(error, AddOnError))
        finally:
            with self._lock:
                self._running.discard(job.name)
        self._give_back(job, problem)

    def _give_back(self, job: Job, problem: str) -> None:
        def work(session: Session) -> None:
            ended_well = {} if problem else {"tries": 0}
            session.execute(update(Lease).where(Lease.name == job.name, Lease.holder == self._holder)
                            .values(until=clock.now(), problem=problem, **ended_well))

        try:
            self._core.database.run(work)
        except SQLAlchemyError:
            _log.exception("the lease of job %s could not be given back; it ends by itself", job.name)

    def _renew(self) -> None:
        """Keep the leases of jobs that take long."""
        with self._lock:
            names = sorted(self._running)
        if not names:
            return

        def work(session: Session) -> None:
            session.execute(update(Lease).where(Lease.name.in_(names), Lease.holder == self._holder)
                            .values(until=clock.now() + self._lease))

        try:
            self._core.database.run(work)
        except SQLAlchemyError:
            _log.exception("the leases of %s could not be renewed", ", ".join(names))


def claim(core: Core, job: Job, holder: str, lease: timedelta) -> bool:
    """Take the job if it is due and nobody holds it; exactly one of all workers gets True.

    Due is what started an interval ago, or did not end well a while ago. A row from the future (the clock went back)
    counts as due and as free.
    """
    now = clock.now()
    with core.database.read() as session:
        row = session.scalar(select(Lease).where(Lease.name == job.name))
    if row is None:
        return _add(core, job, holder, lease)
    interval = timedelta(seconds=job.every)
    is_free = row.until <= now or row.until > now + 2 * lease
    is_due = row.ran_at is None or row.ran_at <= now - interval or row.ran_at > now
    is_to_repeat = row.tries > 0 and row.until <= now - _wait_after(row.tries, interval)
    if not (is_free and (is_due or is_to_repeat)):
        return False

    def take(session: Session) -> bool:
        taken = session.execute(update(Lease).where(
            Lease.name == job.name,
            Lease.until == row.until, Lease.ran_at.is_(None) if row.ran_at is None else Lease.ran_at == row.ran_at,
        ).values(holder=holder, until=now + lease, ran_at=now, tries=row.tries + 1))
        return cast("CursorResult[Any]", taken).rowcount == 1

    return core.database.run(take)


def _wait_after(tries: int, interval: timedelta) -> timedelta:
    """How long a job rests that did not end well, after so many starts in a row."""
    return min(interval, RETRY_AFTER * (1 << min(tries - 1, _MOST_DOUBLINGS)))


def _add(core: Core, job: Job, holder: str, lease: timedelta) -> bool:
    now = clock.now()
    try:
        core.database.run(lambda session: session.add(
            Lease(name=job.name, holder=holder, until=now + lease, ran_at=now, tries=1, problem="")))
    except IntegrityError:
        return False
    return True


def _describe(error: Exception) -> str:
    """What the health page shows of a failed job: our own errors in full, of others the kind."""
    text = str(error) if isinstance(error, AddOnError) else type(error).__name__
    return logs.redact(text)[:_PROBLEM_LENGTH]
