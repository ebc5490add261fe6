"""A worker that is killed in the middle of a run: the next one finishes it, and nothing is charged twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections import Counter

import pytest
from sqlalchemy import func, select

from splynx_ippay.payments.models import Attempt
from splynx_ippay.runs import plan as planning
from splynx_ippay.runs import work
from splynx_ippay.runs.filters import Filters
from splynx_ippay.runs.models import Mode, RunItem

APPROVING = {0, *range(8, 12), *range(16, 19), 20, *range(22, 28), *range(45, 51), 56, 60, 64, *range(66, 75), 79,
             *range(86, 90), 95, *range(97, 100)}

CHILD = textwrap.dedent("""
    import sys
    from splynx_ippay.base.crypto import KeyBox
    from splynx_ippay.base.db import Database
    from splynx_ippay.base.settings import Deployment, Settings
    from splynx_ippay.payments.core import Core
    from splynx_ippay.runs import work

    deployment = Deployment.load()
    core = Core(deployment=deployment, settings=Settings.of(deployment), database=Database(deployment.database_url),
                box=KeyBox.load(deployment.key_file))
    print("working", flush=True)
    work.tick(core)
""")


def worker(core):
    environment = os.environ | {"SPLYNX_IPPAY_INI": str(core.deployment.ini_file)}
    process = subprocess.Popen([sys.executable, "-c", CHILD], env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "working\n"
    return process


def usable(mode, rows):
    """Cents of the test terminal that approve, or decline for want of money; others would stop the terminal."""
    if mode == Mode.INVOICES:
        fit = [row["number"] for row in rows if round(float(row["due"]) * 100) % 100 in APPROVING | {51}]
        return Filters(numbers=tuple(fit[:40]))
    owed = Counter()
    for row in rows:
        owed[int(row["customer_id"])] += round(float(row["due"]) * 100)
    return Filters(customer_ids=tuple([customer for customer, cents in owed.items() if cents % 100 in APPROVING | {51}][:40]))


@pytest.mark.parametrize("mode", list(Mode))
def test_a_killed_run_is_finished_by_the_next_worker_and_nothing_is_charged_twice(mode, core, sandbox, wallet, wait_until):
    sandbox.reset("month")
    sandbox.is_dirty = True
    wallet.cards_for(range(1, 201))
    run = planning.plan(core, usable(mode, sandbox.unpaid_invoices()), "staff 1", mode)
    assert run.ready_count == 40
    work.start(core, run.id, run.plan_hash, "staff 1")

    def taken():
        with core.database.read() as session:
            return session.scalar(select(func.count()).select_from(RunItem).where(
                RunItem.run_id == run.id, RunItem.attempt_id.is_not(None)))

    for enough in (5, 10):
        process = worker(core)
        try:
            wait_until(lambda enough=enough: taken() >= enough, what=f"{enough} attempts")
        finally:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            process.stdout.close()
    assert taken() < run.ready_count
    process = worker(core)
    assert process.wait(120) == 0
    process.stdout.close()

    shown = work.progress(core, run.id)
    assert shown.run.state == "finished", shown.run.stop_reason
    assert sum(share.count for key, share in shown.results.items() if key != "skipped") == run.ready_count
    with core.database.read() as session:
        planned = set(session.scalars(select(RunItem.document_id).where(RunItem.run_id == run.id, RunItem.state != "skip")))
        attempts = session.execute(select(Attempt.transaction_id, Attempt.state)).all()
        debts = dict(session.execute(select(Attempt.transaction_id, RunItem.document_id)
                                     .join(RunItem, RunItem.attempt_id == Attempt.id)).tuples().all())
    sales = Counter(debts[sale["transaction_id"]] for sale in sandbox.sales())
    assert set(sales.values()) <= {1}
    assert sales.keys() <= planned
    # Whoever was cut off in the middle left an attempt that says so; it is asked about, never sent again.
    sent = {row["transaction_id"] for row in sandbox.ledger()["gateway"]["transactions"] if row["type"] == "SALE"}
    assert sent <= {transaction_id for transaction_id, _ in attempts}
    assert len(attempts) == run.ready_count
