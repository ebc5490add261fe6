"""Executing a Charge: exactly the plan a person saw, item by item, with stop, and with resume after a crash.

An item gets at most one attempt, for ever: the transaction of the intent takes it. The rows are the queue. Must never
judge an answer of the gateway: ``payments.charge`` does, and an attempt without a clear answer belongs to
reconciliation.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from splynx_ippay.base import clock
from splynx_ippay.base.errors import BadInput, Stopped
from splynx_ippay.payments import foreign
from splynx_ippay.runs import claims, crew, plan
from splynx_ippay.runs.crew import Crew
from splynx_ippay.runs.models import Run, RunItem, RunState
from splynx_ippay.runs.progress import Progress, progress

if TYPE_CHECKING:
    from typing import Any

    from sqlalchemy.orm import Session

    from splynx_ippay.payments.core import Core

__all__ = ["Progress", "charge_item", "execute", "progress", "resume", "start", "stop", "tick"]

# Every charge under way is a thread that calls Splynx and IPpay and wants the database; no setting may ask for more.
MOST_IN_FLIGHT = 20


def start(core: Core, run_id: int, plan_hash: str, by: str) -> Run:
    """Confirm a preview: the worker charges exactly this plan from now on.

    Raises BadInput when it is not the plan the person saw (``plan_hash``), was started before, or charges nothing.
    """
    def work(session: Session) -> Run:
        _refuse_beside_others(session)
        run = session.get(Run, run_id, with_for_update=True)
        if run is None or run.state != RunState.PREVIEWED:
            raise BadInput("run", "This Charge was started or discarded meanwhile.")
        if not run.ready_count:
            raise BadInput("run", "There is nothing to charge in this preview.")
        if not plan_hash == run.plan_hash == plan.hash_of(session, run_id):
            raise BadInput("plan_hash", "The plan is not the one you have seen. Please make a new preview.")
        _move(session, run_id, RunState.PREVIEWED, state=RunState.RUNNING, started_by=by[:80], started_at=clock.now())
        return run

    return core.database.run(work)


def stop(core: Core, run_id: int, by: str) -> None:
    """Charge nothing more; what is under way ends. Raises BadInput when the run does not run."""
    core.database.run(lambda session: _move(session, run_id, RunState.RUNNING, state=RunState.STOPPED,
                                            stop_reason=f"stopped by {by}"[:200]))


def resume(core: Core, run_id: int, by: str) -> None:
    """Go on with a stopped run; an item that has an attempt is never charged again. Raises BadInput."""
    def work(session: Session) -> None:
        _refuse_beside_others(session)
        _move(session, run_id, RunState.STOPPED, state=RunState.RUNNING, stop_reason=f"resumed by {by}"[:200])

    core.database.run(work)


def halt_all(core: Core, words: str) -> int:
    """Stop every running run with these words for staff; returns how many. A person resumes each."""
    def work(session: Session) -> int:
        running = list(session.scalars(select(Run.id).where(Run.state == RunState.RUNNING)))
        for run_id in running:
            crew.halt(session, run_id, words)
        return len(running)

    return core.database.run(work)


def _refuse_beside_others(session: Session) -> None:
    """No run while somebody else may be charging the same invoices. Raises BadInput."""
    try:
        foreign.guard_runs(session)
    except Stopped:
        raise BadInput("run", "IPpay shows a sale on our terminal that this add-on did not make. No Charge runs until somebody "
                              "has looked into it; “Is all well?” names it.") from None


def tick(core: Core, stopping: threading.Event | None = None) -> None:
    """Work on every running run, one after the other, until none is left; for the worker. ``stopping`` ends it early."""
    stopping = stopping or threading.Event()
    plan.sweep(core)
    seen = 0
    while not stopping.is_set():
        with core.database.read() as session:
            run_id = session.scalar(select(Run.id).where(Run.state == RunState.RUNNING, Run.id > seen)
                                    .order_by(Run.id).limit(1))
        if run_id is None:
            return
        execute(core, run_id, stopping)
        seen = run_id


def execute(core: Core, run_id: int, stopping: threading.Event | None = None) -> None:
    """Charge what is free in one running run, a few at a time, and close it when nothing is left.

    Raises ConfigError when the settings do not say how many at a time.
    """
    holder = claims.new_holder(core)
    try:
        Crew(core, run_id, holder, _window(core), stopping or threading.Event()).work()
    finally:
        claims.retire(holder)


def _window(core: Core) -> int:
    """How many charges at a time: the setting, within reason."""
    return min(MOST_IN_FLIGHT, max(1, core.settings.integer("charges_in_flight")))


def charge_item(core: Core, item_id: int) -> bool:
    """Charge one item of a running run, if it is free; tells whether it had its turn. For a queue of ids.

    Stops the run for what concerns every item: the breaker, the settings, a host that gives no answer.
    """
    holder = claims.new_holder(core)
    try:
        item = core.database.run(lambda session: _claim_running(session, item_id, holder))
        if item is None:
            return False
        ending = crew.charge_leased(core, item)

        def close(session: Session) -> None:
            crew.record(session, {item.id: ending})
            if ending.halt:
                crew.halt(session, item.run_id, ending.halt)
            crew.finish(session, item.run_id)

        core.database.run(close)
        return True
    finally:
        claims.retire(holder)


def _claim_running(session: Session, item_id: int, holder: str) -> RunItem | None:
    running = session.scalar(select(RunItem.id).join(Run, Run.id == RunItem.run_id)
                             .where(RunItem.id == item_id, Run.state == RunState.RUNNING))
    return None if running is None else claims.claim_one(session, item_id, holder)


def _move(session: Session, run_id: int, expected: RunState, **values: Any) -> None:
    changed = session.execute(update(Run).where(Run.id == run_id, Run.state == expected).values(**values))
    if changed.rowcount != 1:  # type: ignore[attr-defined]  # the result of an UPDATE has one
        raise BadInput("run", "This Charge is in another state by now. Please look at it again.")
