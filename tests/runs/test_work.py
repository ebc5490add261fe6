"""A run does exactly its plan, once, through stops and crashes of others."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import select, update

from splynx_ippay.base.errors import BadInput
from splynx_ippay.payments import states
from splynx_ippay.payments.models import Attempt, CustomerNote
from splynx_ippay.runs import claims, work
from splynx_ippay.runs import plan as planning
from splynx_ippay.runs.filters import Filters
from splynx_ippay.runs.models import ItemState, Run, RunItem, RunState
from splynx_ippay.runs.progress import RESULTS, result_column, result_of

JOHN, OBRIEN, ASHLEY = 1, 2, 3


def make(core, **filters):
    return planning.plan(core, Filters(**filters), "staff 1")


def started(core, **filters):
    run = make(core, **filters)
    return work.start(core, run.id, run.plan_hash, "staff 1")


def items_of(core, run):
    with core.database.read() as session:
        return list(session.scalars(select(RunItem).where(RunItem.run_id == run.id).order_by(RunItem.document_id)))


def row_of(core, run):
    with core.database.read() as session:
        return session.get_one(Run, run.id)


def results(core, run):
    return {key: (share.count, share.amount.cents) for key, share in work.progress(core, run.id).results.items()}


def test_a_run_charges_what_the_preview_said_and_nothing_else(core, sandbox, wallet):
    wallet.card(JOHN)
    wallet.bank(OBRIEN)
    before = {int(row["id"]): row for row in sandbox.unpaid_invoices()}
    run = started(core)
    planned = {item.number: item.amount_cents for item in items_of(core, run) if item.state == ItemState.READY}
    work.tick(core)
    sales = sandbox.sales()
    assert {sale["order_number"]: sale["amount_cents"] for sale in sales} == planned
    assert len(sales) == len(planned) == 5
    assert row_of(core, run).state == RunState.FINISHED
    assert results(core, run) == {
        "approved": (3, 21000), "accepted": (2, 16999),
        "skipped": (3, run.due_cents - run.ready_cents)}
    paid = [row for row in before if sandbox.invoice(row)["status"] == "paid"]
    assert len(paid) == 3


def test_nothing_is_charged_before_a_person_has_started_the_run(core, sandbox, wallet):
    wallet.card(JOHN)
    run = make(core)
    work.tick(core)
    item = items_of(core, run)[0]
    assert work.charge_item(core, item.id) is False
    assert not sandbox.sales()


def test_a_plan_other_than_the_one_seen_is_not_started(core, wallet):
    wallet.card(JOHN)
    run = make(core)
    with pytest.raises(BadInput) as wrong:
        work.start(core, run.id, "0" * 64, "staff 1")
    assert wrong.value.field == "plan_hash"
    core.database.run(lambda session: session.execute(
        update(RunItem).where(RunItem.run_id == run.id, RunItem.state == "ready").values(amount_cents=1)))
    with pytest.raises(BadInput, match="new preview"):
        work.start(core, run.id, run.plan_hash, "staff 1")
    assert row_of(core, run).state == RunState.PREVIEWED


def test_a_run_is_started_once_and_never_without_anything_to_charge(core, wallet):
    empty = make(core)
    with pytest.raises(BadInput, match="nothing to charge"):
        work.start(core, empty.id, empty.plan_hash, "staff 1")
    wallet.card(JOHN)
    run = started(core)
    with pytest.raises(BadInput, match="meanwhile"):
        work.start(core, run.id, run.plan_hash, "staff 2")
    with pytest.raises(BadInput):
        work.start(core, 999, run.plan_hash, "staff 2")


def test_an_invoice_paid_in_cash_after_the_preview_is_left_alone_and_listed(core, sandbox, wallet):
    wallet.card(JOHN)
    run = started(core, customer_ids=(JOHN,))
    gone, changed, kept = items_of(core, run)
    for item, cents in ((gone, gone.amount_cents), (changed, 1000)):
        core.host.client.post("admin/finance/payments", {
            "customer_id": JOHN, "invoice_id": item.document_id, "payment_type": 1, "date": "2026-01-01",
            "amount": f"{cents / 100:.2f}", "comment": "cash"})
    work.tick(core)
    after = {item.id: item for item in items_of(core, run)}
    assert (after[gone.id].state, after[gone.id].reason) == ("drifted", "already_paid")
    assert (after[changed.id].state, after[changed.id].reason) == ("drifted", "amount_changed")
    assert after[changed.id].detail == "110.00 USD"
    assert results(core, run).keys() == {"approved", "drifted"}
    assert [sale["order_number"] for sale in sandbox.sales()] == [kept.number]
    assert row_of(core, run).state == RunState.FINISHED


def test_a_method_removed_after_the_preview_is_named_and_the_run_goes_on(core, sandbox, wallet):
    method = wallet.card(JOHN)
    wallet.card(ASHLEY)
    run = started(core)
    wallet.change(method, status="removed", token_cipher="")
    work.tick(core)
    found = {(item.customer_id, item.state, item.reason) for item in items_of(core, run) if item.state != "skip"}
    assert found == {(JOHN, "drifted", "method_refused"), (ASHLEY, "done", "")}


def test_a_customer_whose_automatic_charging_was_stopped_after_the_preview_is_left_alone(core, sandbox, wallet):
    wallet.card(JOHN)
    wallet.card(ASHLEY)
    run = started(core)
    core.database.run(lambda session: states.stop_automatic(session, JOHN, "R01 came back"))
    core.database.run(lambda session: session.add(CustomerNote(customer_id=ASHLEY, no_auto=False)))
    work.tick(core)
    found = {(item.customer_id, item.state, item.reason, item.detail, item.attempt_id is None)
             for item in items_of(core, run) if item.state != "skip"}
    assert found == {(JOHN, "drifted", "customer_stopped", "R01 came back", True), (ASHLEY, "done", "", "", False)}
    assert len(sandbox.sales()) == 1
    assert row_of(core, run).state == RunState.FINISHED


@pytest.mark.parametrize(("setting", "window"), [(0, 1), (7, 7), (20, 20), (5000, 20)])
def test_no_setting_puts_more_than_twenty_charges_under_way_at_once(core, settings_of, setting, window):
    settings_of(core, charges_in_flight=setting)
    assert work._window(core) == window


def test_a_declined_card_is_a_result_and_not_an_error(core, sandbox, wallet):
    wallet.card(JOHN)
    invoice = sandbox.unpaid_invoices(JOHN)[0]
    # The gateway's test terminal declines amounts that end in these cents: 15.00 less 9.95 is 5.05, "do not honor".
    core.host.client.post("admin/finance/payments", {
        "customer_id": JOHN, "invoice_id": int(invoice["id"]), "payment_type": 1, "date": "2026-01-01",
        "amount": "9.95", "comment": "cash"})
    run = started(core, customer_ids=(JOHN,))
    work.tick(core)
    assert results(core, run) == {"approved": (2, 19500), "declined": (1, 505)}
    assert sandbox.invoice(invoice["id"])["status"] == "not_paid"


def test_a_breaker_stops_the_run_and_leaves_its_items_to_be_resumed(core, sandbox, wallet, settings_of):
    wallet.card(JOHN)
    wallet.bank(OBRIEN)
    run = started(core)
    settings_of(core, charges_in_flight=1)
    good = core.settings.text("terminal_id")
    core.database.run(lambda session: _stop_terminal(session, good))
    work.tick(core)
    row = row_of(core, run)
    assert row.state == RunState.STOPPED
    assert "stopped" in row.stop_reason
    assert not sandbox.sales()
    assert {item.state for item in items_of(core, run)} == {"skip", "ready"}
    core.database.run(lambda session: _release(session, good))
    work.resume(core, run.id, "staff 1")
    work.tick(core)
    assert len(sandbox.sales()) == run.ready_count
    assert row_of(core, run).state == RunState.FINISHED


def _stop_terminal(session, terminal_id):
    from splynx_ippay.payments import breaker

    breaker.stop(session, terminal_id, "test", "a test")


def _release(session, terminal_id):
    from splynx_ippay.payments.models import Terminal

    session.delete(session.get(Terminal, (terminal_id, "test")))


def test_a_host_that_is_away_stops_the_run_and_says_so(core, sandbox, wallet, settings_of):
    wallet.card(JOHN)
    settings_of(core, charges_in_flight=1)
    run = started(core)
    sandbox.fault(server="host", kind="http_status", status=500, match={"path": "admin/finance/invoices"}, times=50)
    work.tick(core)
    assert row_of(core, run).state == RunState.STOPPED
    assert not sandbox.sales()
    sandbox.clear_faults()
    work.resume(core, run.id, "staff 1")
    work.tick(core)
    assert row_of(core, run).state == RunState.FINISHED
    # The one whose attempt was given up unsent keeps it, for ever; the others were charged.
    assert results(core, run)["never_sent"][0] == 1
    assert len(sandbox.sales()) == run.ready_count - 1


def test_a_gateway_that_cannot_be_reached_three_times_stops_the_run_unsent(core, sandbox, wallet, settings_of):
    wallet.card(JOHN)
    wallet.card(OBRIEN)
    settings_of(core, charges_in_flight=1)
    run = started(core)
    sandbox.fault(server="gateway", kind="refuse", seconds=60)
    try:
        work.tick(core)
    finally:
        sandbox.control("DELETE", "faults", server="host")
    assert row_of(core, run).state == RunState.STOPPED
    assert results(core, run)["never_sent"][0] == 3
    assert results(core, run)["waiting"][0] == 2
    assert not sandbox.sales()


def test_a_lost_answer_is_unknown_in_the_result_and_never_charged_again(core, sandbox, wallet, settings_of):
    wallet.card(ASHLEY)
    run = started(core)
    sandbox.fault(server="gateway", kind="drop_after", match={"type": "SALE"}, times=1)
    work.tick(core)
    assert results(core, run)["unknown"] == (1, 10000)
    core.database.run(lambda session: session.execute(
        update(Run).where(Run.id == run.id).values(state=RunState.RUNNING)))
    work.tick(core)
    assert len(sandbox.sales()) == 1


def test_a_stopped_run_charges_nothing_until_it_is_resumed(core, sandbox, wallet):
    wallet.card(JOHN)
    run = started(core)
    work.stop(core, run.id, "staff 1")
    work.tick(core)
    assert not sandbox.sales()
    with pytest.raises(BadInput):
        work.stop(core, run.id, "staff 1")
    work.resume(core, run.id, "staff 2")
    with pytest.raises(BadInput):
        work.resume(core, run.id, "staff 2")
    work.tick(core)
    assert len(sandbox.sales()) == 3


def test_a_worker_that_is_told_to_end_claims_nothing_more(core, sandbox, wallet):
    wallet.card(JOHN)
    run = started(core)
    ending = threading.Event()
    ending.set()
    work.execute(core, run.id, ending)
    work.tick(core, ending)
    assert not sandbox.sales()
    assert row_of(core, run).state == RunState.RUNNING


def test_two_workers_on_one_run_charge_every_item_once(core, sandbox, wallet):
    wallet.card(JOHN)
    wallet.card(OBRIEN)
    wallet.card(ASHLEY)
    run = started(core)
    workers = [threading.Thread(target=work.execute, args=(core, run.id)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    work.tick(core)
    assert len(sandbox.sales()) == run.ready_count == 6
    assert row_of(core, run).state == RunState.FINISHED


def test_one_item_can_be_charged_by_its_number_and_only_once(core, sandbox, wallet):
    wallet.card(ASHLEY)
    run = started(core)
    item = next(item for item in items_of(core, run) if item.state == "ready")
    assert work.charge_item(core, item.id) is True
    assert work.charge_item(core, item.id) is False
    assert len(sandbox.sales()) == 1
    assert row_of(core, run).state == RunState.FINISHED


def test_an_item_leased_by_a_living_worker_is_left_to_it_and_by_a_dead_one_is_taken_over(core, sandbox, wallet):
    wallet.card(ASHLEY)
    run = started(core)
    elsewhere = "another-machine:4711:0123456789ab"
    core.database.run(lambda session: claims.claim(session, run.id, elsewhere, 5))
    work.tick(core)
    assert not sandbox.sales()
    assert row_of(core, run).state == RunState.RUNNING
    dead = f"{core.holder.rpartition(':')[0]}:{2**22 - 3}:0123456789ab"
    core.database.run(lambda session: session.execute(
        update(RunItem).where(RunItem.lease_holder == elsewhere).values(lease_holder=dead)))
    work.tick(core)
    assert len(sandbox.sales()) == 1


def test_an_expired_lease_is_free_by_the_databases_clock(core, sandbox, wallet):
    wallet.card(ASHLEY)
    run = started(core)
    core.database.run(lambda session: claims.claim(session, run.id, "another-machine:1:a", 5))
    core.database.run(lambda session: session.execute(update(RunItem).where(RunItem.run_id == run.id).values(
        lease_until=claims.database_now(session) - claims.LEASE)))
    work.tick(core)
    assert len(sandbox.sales()) == 1


def test_progress_is_one_grouped_query_and_counts_every_item(core, sandbox, wallet, counted_queries):
    sandbox.reset("month")
    wallet.cards_for(range(1, 11))
    run = make(core)
    with counted_queries(core) as seen:
        shown = work.progress(core, run.id)
    assert len(seen) == 2
    assert sum(share.count for share in shown.results.values()) == run.item_count
    assert (shown.percent, shown.done, shown.planned) == (0, 0, run.ready_count)
    sandbox.is_dirty = True


def test_the_result_in_sql_is_the_result_in_python(core, wallet):
    wallet.card(JOHN)
    run = started(core)
    work.tick(core)
    with core.database.read() as session:
        rows = session.execute(select(RunItem.state, Attempt.state, result_column())
                               .outerjoin(Attempt, Attempt.id == RunItem.attempt_id).where(RunItem.run_id == run.id))
        for item_state, attempt_state, in_sql in rows:
            assert in_sql == result_of(item_state, attempt_state)
            assert in_sql in RESULTS
