"""Ten times the invoices must not mean ten times the memory; nor more calls or queries than pages ask for."""

from __future__ import annotations

import gc
import math
import tracemalloc
from datetime import timedelta

import pytest
from sqlalchemy import update

from splynx_ippay.base import clock
from splynx_ippay.runs import plan as planning
from splynx_ippay.runs import work
from splynx_ippay.runs.filters import Filters
from splynx_ippay.runs.models import RunItem

MIB = 1024 * 1024


@pytest.fixture
def large(sandbox, core, wallet):
    sandbox.reset("large")
    wallet.cards_for(range(1, 4001))
    yield sandbox
    sandbox.reset("small")


def peak_of(action):
    gc.collect()
    tracemalloc.start()
    try:
        result = action()
        return tracemalloc.get_traced_memory()[1], result
    finally:
        tracemalloc.stop()


def test_a_plan_and_a_run_over_ten_thousand_need_no_more_memory_than_over_one_thousand(core, large, settings_of, counted_queries):
    settings_of(core, charges_in_flight=10)
    today = clock.now().date()
    few = Filters(period_from=today - timedelta(days=2), period_to=today)
    planning.plan(core, few, "warm-up")
    small, run_of_few = peak_of(lambda: planning.plan(core, few, "staff 1"))
    large.reset_counters()
    with counted_queries(core) as seen:
        big, run_of_many = peak_of(lambda: planning.plan(core, Filters(), "staff 1"))
    assert 800 < run_of_few.item_count < 1500
    assert run_of_many.item_count == 10_000
    assert big - small < 10 * MIB, f"{small / MIB:.1f} MiB for one, {big / MIB:.1f} MiB for the other"
    calls = large.counters()["host"]
    assert calls["GET admin/finance/invoices"] == math.ceil(10_000 / 500)
    assert calls["GET admin/customers/customer"] == math.ceil(4_000 / 80)
    assert len(seen) < 12 * math.ceil(10_000 / 500)

    # Without its method each of the ten thousand has its turn and leaves it at once; what the crew holds is the same as
    # with charges, for at most charges_in_flight of them are under way.
    def execute(run):
        work.start(core, run.id, run.plan_hash, "staff 1")
        core.database.run(lambda session: session.execute(
            update(RunItem).where(RunItem.run_id == run.id).values(method_id=None)))
        work.execute(core, run.id)

    small, _ = peak_of(lambda: execute(run_of_few))
    big, _ = peak_of(lambda: execute(run_of_many))
    assert big - small < 10 * MIB, f"{small / MIB:.1f} MiB for one, {big / MIB:.1f} MiB for the other"
    shown = work.progress(core, run_of_many.id)
    assert shown.run.state == "finished"
    assert shown.results["drifted"].count == run_of_many.ready_count > 8_000
