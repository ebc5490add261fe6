"""A Charge of outstanding balances: what its preview says of every customer, what it takes, and what it costs to make."""

from __future__ import annotations

import math
import threading
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, update

from splynx_ippay import credentials
from splynx_ippay.base import clock
from splynx_ippay.base.errors import AlreadyOpen, BadInput, HostRejected, HostUnavailable
from splynx_ippay.base.money import Money
from splynx_ippay.payments import charge
from splynx_ippay.payments.models import CustomerNote, Door
from splynx_ippay.payments.orders import Item, Order, SavedMethod, new_submission_key
from splynx_ippay.runs import plan as planning
from splynx_ippay.runs import work
from splynx_ippay.runs.filters import Filters
from splynx_ippay.runs.models import ItemState, Mode, Run, RunItem, RunState

JOHN, OBRIEN, ASHLEY, NORA, EMPTY = 1, 2, 3, 4, 5


def make(core, mode=Mode.BALANCES, **filters):
    return planning.plan(core, Filters(**filters), "staff 1", mode)


def started(core, mode=Mode.BALANCES, **filters):
    run = make(core, mode, **filters)
    return work.start(core, run.id, run.plan_hash, "staff 1")


def items_of(core, run):
    with core.database.read() as session:
        return {item.customer_id: item for item in session.scalars(
            select(RunItem).where(RunItem.run_id == run.id).order_by(RunItem.document_id))}


def reasons(core, run):
    return {customer_id: item.reason for customer_id, item in items_of(core, run).items()}


def debit(core, customer_id, cents):
    """A debt without an invoice."""
    core.host.client.post("admin/finance/transactions", {
        "customer_id": customer_id, "type": "debit", "category": 1, "description": "Repair", "date": "2026-11-22",
        "total": f"{cents // 100}.{cents % 100:02d}"})


def cash(core, customer_id, cents):
    """A payment that staff enter in the host; returns its id."""
    return core.host.client.post("admin/finance/payments", {
        "customer_id": customer_id, "payment_type": 1, "date": "2026-11-22", "amount": f"{cents / 100:.2f}", "comment": "cash"})["id"]


def owed(core, customer_id):
    return -Money.from_host(core.host.customer_billing(customer_id).deposit, "USD").cents


def pay(core, method, document, document_id, cents, door=Door.PORTAL):
    return charge.take(core, Order(
        door=door, customer_id=method.customer_id, partner_id=1, source=SavedMethod(method.id), actor="test",
        items=(Item(document, document_id, "", Money(cents, "USD")),), submission_key=new_submission_key()))


def test_an_invoice_of_10_and_a_debt_of_100_are_10_for_one_charge_and_100_for_the_other(core, sandbox, wallet):
    wallet.card(EMPTY)
    cash(core, EMPTY, 1500)  # of the 25.00 of the seed, 10.00 are left on the invoice
    debit(core, EMPTY, 9000)
    invoices, balances = make(core, Mode.INVOICES), make(core)
    (by_invoice,) = [item for item in items_of(core, invoices).values() if item.customer_id == EMPTY]
    by_balance = items_of(core, balances)[EMPTY]
    assert (by_invoice.document, by_invoice.amount_cents, by_invoice.state) == ("invoice", 1000, "ready")
    assert (by_balance.document, by_balance.document_id, by_balance.number) == ("balance", EMPTY, "")
    assert (by_balance.total_cents, by_balance.open_cents, by_balance.amount_cents) == (10000, 1000, 10000)
    assert (balances.mode, balances.total_cents, balances.open_cents, balances.ready_cents) == ("balances", 10000, 1000, 10000)
    work.start(core, balances.id, balances.plan_hash, "staff 1")
    work.tick(core)
    assert [sale["amount_cents"] for sale in sandbox.sales()] == [10000]
    assert owed(core, EMPTY) == 0
    assert sandbox.unpaid_invoices(EMPTY) == []


def test_who_has_saved_a_method_is_looked_up_and_nobody_else_unless_named(core, sandbox, wallet):
    wallet.card(JOHN)
    wallet.bank(OBRIEN)
    assert reasons(core, make(core)) == {JOHN: "", OBRIEN: ""}
    named = make(core, customer_ids=(ASHLEY, JOHN, 9999))
    assert reasons(core, named) == {JOHN: "", ASHLEY: "no_method", 9999: "customer_gone"}
    assert not sandbox.sales()


@pytest.mark.parametrize(("filters", "expected"), [
    ({"payment_type": "bank"}, {OBRIEN}), ({"payment_type": "card"}, {JOHN, NORA}), ({"partner_ids": (2,)}, {NORA}),
    ({"location_id": 2}, {NORA}), ({"total_operator": ">", "total": Decimal(200)}, {JOHN}),
    ({"total_operator": "<", "total": Decimal(100)}, {NORA}), ({"total_operator": "=", "total": Decimal("169.99")}, {OBRIEN}),
    ({"partner_ids": (2,), "customer_ids": (JOHN, 9999)}, set())])
def test_filters_choose_customers_and_the_total_is_what_they_owe(core, wallet, filters, expected):
    wallet.card(JOHN)
    wallet.bank(OBRIEN)
    wallet.card(NORA, partner_id=2)
    assert set(items_of(core, make(core, **filters))) == expected


def test_every_reason_to_leave_a_balance_alone_is_named(core, sandbox, wallet, settings_of):
    john, ashley = wallet.card(JOHN), wallet.bank(ASHLEY)
    wallet.change(wallet.card(NORA, partner_id=2), exp_year=2020)
    wallet.card(OBRIEN)
    wallet.card(EMPTY)
    cash(core, EMPTY, 2500)
    pay(core, ashley, "topup", None, 500)
    core.host.client.put(f"admin/finance/invoices/{sandbox.unpaid_invoices(OBRIEN)[0]['id']}", {"status": "pending"})
    core.database.run(lambda session: session.add(CustomerNote(customer_id=JOHN, no_auto=True, reason="R01", since=clock.now())))
    run = make(core)
    assert reasons(core, run) == {JOHN: "customer_stopped", OBRIEN: "invoice_pending", ASHLEY: "debit_pending",
                                  NORA: "method_expired", EMPTY: "nothing_owed"}
    found = items_of(core, run)
    assert found[ASHLEY].detail.startswith("topup, ")
    assert found[ASHLEY].detail.endswith(" UTC, portal")
    assert found[OBRIEN].detail == sandbox.ledger()["host"]["invoices"][4]["number"]
    assert (run.ready_count, run.item_count) == (0, 5)
    core.database.run(lambda session: session.execute(update(CustomerNote).values(no_auto=False)))
    settings_of(core, maximum_amount="100.00")
    assert reasons(core, make(core, customer_ids=(JOHN,))) == {JOHN: "over_maximum"}
    settings_of(core, maximum_amount="", minimum_amount="500.00")
    assert reasons(core, make(core, customer_ids=(JOHN,))) == {JOHN: "under_minimum"}
    assert john.id == found[JOHN].method_id


def test_two_charges_never_plan_the_same_money_whichever_kind_they_are(core, wallet):
    wallet.card(JOHN)
    first = started(core, Mode.BALANCES)
    assert {item.reason for item in items_of(core, make(core, Mode.INVOICES, customer_ids=(JOHN,))).values()} == {"in_other_run"}
    assert reasons(core, make(core)) == {JOHN: "in_other_run"}
    work.stop(core, first.id, "staff 1")
    assert reasons(core, make(core)) == {JOHN: "in_other_run"}
    work.resume(core, first.id, "staff 1")
    work.tick(core)
    debit(core, JOHN, 700)
    assert reasons(core, make(core)) == {JOHN: ""}


def test_an_invoice_is_left_alone_by_the_other_charge_while_its_balance_is_on_its_way(core, wallet):
    wallet.bank(JOHN)
    started(core)
    work.tick(core)
    run = make(core, Mode.INVOICES, customer_ids=(JOHN,))
    with core.database.read() as session:
        held = set(session.scalars(select(RunItem.reason).where(RunItem.run_id == run.id)))
    assert held == {"debit_pending"}
    assert reasons(core, make(core)) == {JOHN: "debit_pending"}


def test_what_changed_since_the_preview_is_left_alone_and_listed(core, sandbox, wallet):
    methods = {customer: wallet.card(customer, partner_id=2 if customer == NORA else 1) for customer in (JOHN, OBRIEN, ASHLEY, NORA)}
    wallet.card(EMPTY)
    run = started(core)
    cash(core, JOHN, 1000)
    cash(core, OBRIEN, 16999)
    sandbox.fault(server="gateway", kind="drop_after", match={"type": "SALE"}, times=1)
    pay(core, methods[ASHLEY], "topup", None, 500)
    core.host.client.put(f"admin/finance/invoices/{sandbox.unpaid_invoices(NORA)[0]['id']}", {"status": "pending"})
    work.tick(core)
    found = items_of(core, run)
    assert {customer: (item.state, item.reason) for customer, item in found.items()} == {
        JOHN: ("drifted", "amount_changed"), OBRIEN: ("drifted", "already_paid"), ASHLEY: ("drifted", "opened_elsewhere"),
        NORA: ("drifted", "invoice_pending"), EMPTY: ("done", "")}
    assert found[JOHN].detail == "200.00 USD"
    assert found[ASHLEY].detail.endswith("UTC, portal")
    assert sorted(sale["amount_cents"] for sale in sandbox.sales()) == [500, 2500]


def test_a_customer_who_goes_between_two_questions_is_named_as_gone(core, sandbox, wallet):
    wallet.card(JOHN)
    sandbox.fault(server="host", kind="http_status", status=404, json=True, match={"path": "customer-billing"}, times=1)
    assert reasons(core, make(core)) == {JOHN: "customer_gone"}


@pytest.mark.parametrize(("status", "error"), [(403, HostRejected), (500, HostUnavailable)])
def test_a_host_that_tells_no_balance_leaves_no_half_preview(core, sandbox, wallet, status, error):
    wallet.card(JOHN)
    sandbox.fault(server="host", kind="http_status", status=status, json=status == 403, match={"path": "customer-billing"}, times=9)
    with pytest.raises(error):
        make(core)
    with core.database.read() as session:
        assert session.scalars(select(Run)).all() == []


def test_a_changed_plan_of_balances_is_not_started(core, wallet):
    wallet.card(JOHN)
    run = make(core)
    core.database.run(lambda session: session.execute(update(RunItem).values(amount_cents=1)))
    with pytest.raises(BadInput, match="new preview"):
        work.start(core, run.id, run.plan_hash, "staff 1")


def test_a_charge_of_balances_is_stopped_resumed_and_takes_nothing_twice(core, sandbox, wallet, settings_of, wait_until):
    settings_of(core, charges_in_flight=1)
    for customer in (JOHN, OBRIEN, ASHLEY, EMPTY):
        wallet.card(customer)
    run = started(core)
    sandbox.fault(server="gateway", kind="delay", seconds=0.4, times=9, match={"type": "SALE"})
    worker = threading.Thread(target=work.tick, args=(core,))
    worker.start()
    wait_until(sandbox.sales, what="the first sale")
    work.stop(core, run.id, "staff 1")
    worker.join(30)
    assert 1 <= len(sandbox.sales()) < 4
    work.tick(core)
    assert len(sandbox.sales()) < 4
    work.resume(core, run.id, "staff 1")
    sandbox.clear_faults()
    work.tick(core)
    assert work.progress(core, run.id).run.state == RunState.FINISHED
    assert sorted(sale["amount_cents"] for sale in sandbox.sales()) == [2500, 10000, 16999, 21000]


def test_a_worker_that_died_after_the_intent_charges_a_balance_no_second_time(core, sandbox, wallet):
    wallet.card(JOHN)
    run = started(core)
    sandbox.fault(server="gateway", kind="drop_after", match={"type": "SALE"}, times=1)
    work.tick(core)
    item = items_of(core, run)[JOHN]
    core.database.run(lambda session: session.execute(update(RunItem).values(state=ItemState.READY)))
    core.database.run(lambda session: session.execute(update(Run).values(state=RunState.RUNNING)))
    work.tick(core)
    again = items_of(core, run)[JOHN]
    assert (again.state, again.attempt_id) == ("done", item.attempt_id)
    assert len(sandbox.sales()) == 1


def test_two_workers_and_a_person_at_once_take_a_balance_once(core, sandbox, wallet):
    card = wallet.card(JOHN)
    run = started(core)
    invoice = sandbox.unpaid_invoices(JOHN)[0]
    outcomes = []

    def person():
        try:
            outcomes.append(pay(core, card, "invoice", int(invoice["id"]), 1500).state)
        except AlreadyOpen as error:
            outcomes.append(error.door)

    threads = [threading.Thread(target=work.execute, args=(core, run.id)) for _ in range(2)] + [threading.Thread(target=person)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    taken = sum(sale["amount_cents"] for sale in sandbox.sales())
    item = items_of(core, run)[JOHN]
    assert taken in ({1500} if item.state == "drifted" else {21000, 1500 + 19500}), (outcomes, item.reason)
    assert owed(core, JOHN) == 21000 - taken


def test_older_open_invoices_are_counted_at_one_call_and_only_where_the_answer_is_certain(core, sandbox, wallet):
    wallet.card(JOHN)
    today = clock.now().date()
    recent = today - timedelta(days=7)
    sandbox.reset_counters()
    with_period = make(core, Mode.INVOICES, period_from=recent)
    calls = sandbox.counters()["host"]["GET admin/finance/invoices"]
    older = [row for row in sandbox.unpaid_invoices() if row["date_created"] < recent.isoformat()]
    assert with_period.older_count == len(older) == 3
    sandbox.reset_counters()
    assert make(core, Mode.INVOICES).older_count is None
    assert calls == sandbox.counters()["host"]["GET admin/finance/invoices"] + 1
    assert make(core, Mode.INVOICES, period_from=recent, customer_ids=(JOHN,)).older_count == 0
    for more in ({"partner_ids": (1,)}, {"location_id": 1}, {"payment_type": "card"}, {"status": "partial"}, {"numbers": ("1",)},
                 {"customer_ids": tuple(range(1, 82))}):
        assert make(core, Mode.INVOICES, period_from=recent, **more).older_count is None, more
    assert make(core, period_from=recent).older_count is None


def test_a_preview_of_balances_asks_once_a_saver_and_twice_for_eighty(core, sandbox, wallet, counted_queries, record_property):
    sandbox.reset("month")
    sandbox.is_dirty = True
    wallet.cards_for(range(1, 171))
    sandbox.reset_counters()
    with counted_queries(core) as seen:
        run = make(core)
    calls = sandbox.counters()["host"]
    rounds = math.ceil(170 / 80)
    assert run.item_count == 170
    assert calls["GET admin/customers/customer-billing/{id}"] == 170
    assert calls["GET admin/customers/customer"] == rounds
    assert calls["GET admin/finance/invoices"] <= 2 * rounds
    assert len(seen) <= 12 * rounds + 8
    record_property("numbers", f"preview of 170 balances: {sum(calls.values())} calls to Splynx, {len(seen)} queries of our own")


def test_a_declined_balance_is_followed_by_the_backup_method_once(core, sandbox, wallet, settings_of):
    settings_of(core, backup_method="1")
    wallet.card(JOHN)
    bank = wallet.bank(JOHN)
    core.database.run(lambda session: credentials.set_backup(session, bank.id, JOHN, wanted=True))
    sandbox.control("POST", "answers", {"type": "SALE", "action_code": "051"})
    run = started(core)
    assert items_of(core, run)[JOHN].backup_method_id == bank.id
    work.tick(core)
    assert [(sale["type"], sale["amount_cents"]) for sale in sandbox.sales()] == [("CHECK", 21000)]
    with core.database.read() as session:
        found = [(item.turn, item.document, item.open_cents, item.state) for item in session.scalars(
            select(RunItem).where(RunItem.run_id == run.id).order_by(RunItem.turn))]
    assert found == [(1, "balance", 21000, "replaced"), (2, "balance", 21000, "done")]
