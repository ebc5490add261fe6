"""What a preview says of every invoice, and what making it costs."""

from __future__ import annotations

import math
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from splynx_ippay.base import clock
from splynx_ippay.base.errors import BadInput, HostUnavailable
from splynx_ippay.base.money import Money
from splynx_ippay.payments import charge
from splynx_ippay.payments.models import Attempt, CustomerNote, Door
from splynx_ippay.payments.orders import Item, Order, SavedMethod, new_submission_key
from splynx_ippay.runs import plan as planning
from splynx_ippay.runs.filters import Filters
from splynx_ippay.runs.models import Run, RunItem, RunState

JOHN, OBRIEN, ASHLEY, NORA, EMPTY = 1, 2, 3, 4, 5


def make(core, **filters):
    return planning.plan(core, Filters(**filters), "staff 1")


def items_of(core, run):
    with core.database.read() as session:
        return list(session.scalars(select(RunItem).where(RunItem.run_id == run.id).order_by(RunItem.document_id)))


def reasons(core, run):
    """Customer and reason of every item, "" for those to be charged."""
    return {(item.customer_id, item.reason) for item in items_of(core, run)}


def pay(core, method, invoice, door=Door.STAFF, document="invoice"):
    cents = round(float(invoice.get("due", invoice["total"])) * 100)
    return charge.take(core, Order(
        door=door, customer_id=method.customer_id, partner_id=1, source=SavedMethod(method.id), actor="test",
        items=(Item(document, int(invoice["id"]), invoice["number"], Money(cents, "USD")),),
        submission_key=new_submission_key()))


def test_every_unpaid_invoice_is_planned_with_a_reason_or_to_be_charged(core, sandbox, wallet):
    wallet.card(JOHN)
    wallet.bank(OBRIEN)
    run = make(core)
    unpaid = sandbox.unpaid_invoices()
    items = items_of(core, run)
    assert [item.document_id for item in items] == sorted(int(row["id"]) for row in unpaid)
    assert reasons(core, run) == {(JOHN, ""), (OBRIEN, ""), (ASHLEY, "no_method"), (NORA, "no_method"), (EMPTY, "no_method")}
    ready = [item for item in items if item.state == "ready"]
    assert run.state == RunState.PREVIEWED
    assert (run.item_count, run.ready_count) == (len(items), len(ready))
    assert run.ready_cents == sum(item.amount_cents for item in ready)
    assert run.due_cents == round(sum(float(row["due"]) for row in unpaid) * 100)
    assert run.total_cents == round(sum(float(row["total"]) for row in unpaid) * 100)
    assert {item.method_label for item in ready} == {"Visa •••• 1111", "Bank account •••• 6789"}


def test_a_partly_paid_invoice_is_planned_with_what_is_left(core, wallet):
    wallet.card(OBRIEN)
    run = make(core, status="partial")
    (item,) = items_of(core, run)
    assert (item.total_cents, item.amount_cents, item.state) == (12000, 7000, "ready")


def test_a_preview_moves_no_money(core, sandbox, wallet):
    wallet.card(JOHN)
    sandbox.reset_counters()
    make(core)
    assert not sandbox.counters()["gateway"]
    assert not sandbox.sales()


@pytest.mark.parametrize(("change", "reason"), [
    ({"status": "disabled", "reason": "R02"}, "method_disabled"),
    ({"exp_year": 2020}, "method_expired"),
    ({"terminal_id": "OTHERTERM"}, "other_terminal"),
    ({"environment": "production"}, "other_terminal"),
    ({"is_default": False, "status": "disabled", "reason": "R02"}, "method_disabled"),
    ({"status": "removed"}, "no_method"),
])
def test_a_method_that_cannot_be_used_is_named_as_the_reason(core, wallet, change, reason):
    wallet.change(wallet.card(JOHN), **change)
    run = make(core, customer_ids=(JOHN,))
    assert reasons(core, run) == {(JOHN, reason)}
    assert run.ready_count == 0


@pytest.mark.parametrize(("settings", "reason"), [
    ({"maximum_amount": "10.00"}, "over_maximum"),
    ({"minimum_amount": "500.00"}, "under_minimum"),
    ({"payment_type": "bank"}, "instrument_off"),
])
def test_a_setting_that_forbids_a_charge_is_named_as_the_reason(core, wallet, settings_of, settings, reason):
    wallet.card(JOHN)
    settings_of(core, **settings)
    assert reasons(core, make(core, customer_ids=(JOHN,))) == {(JOHN, reason)}


def test_a_card_without_zip_code_is_left_alone_when_the_setting_asks_for_one(core, wallet, settings_of):
    wallet.card(JOHN, postal_code="")
    assert reasons(core, make(core, customer_ids=(JOHN,))) == {(JOHN, "")}
    settings_of(core, zip_code_option=1)
    assert reasons(core, make(core, customer_ids=(JOHN,))) == {(JOHN, "no_zip")}


def test_a_partner_without_terminal_and_one_in_another_currency_are_left_alone(core, wallet, settings_of):
    wallet.card(NORA, partner_id=2)
    settings_of(core, partner_id=2, currency="CAD")
    assert reasons(core, make(core, customer_ids=(NORA,))) == {(NORA, "other_currency")}
    settings_of(core, partner_id=2, currency="USD", terminal_id="")
    assert reasons(core, make(core, customer_ids=(NORA,))) == {(NORA, "no_terminal")}


def test_a_customer_whose_automatic_charging_is_stopped_is_left_alone(core, wallet):
    wallet.card(JOHN)
    core.database.run(lambda session: session.add(CustomerNote(
        customer_id=JOHN, no_auto=True, reason="R01", since=clock.now())))
    run = make(core, customer_ids=(JOHN,))
    assert reasons(core, run) == {(JOHN, "customer_stopped")}
    assert items_of(core, run)[0].detail.startswith("R01 (")


def test_no_invoice_is_planned_while_a_proforma_of_the_customer_is_being_paid(core, sandbox, wallet):
    proforma = next(row for row in sandbox.ledger()["host"]["requests"]
                    if int(row["customer_id"]) == JOHN and row["status"] == "not_paid")
    attempt = pay(core, wallet.bank(JOHN), proforma, document="proforma")
    assert attempt.state == "accepted"
    found = items_of(core, make(core, customer_ids=(JOHN,)))
    assert {(item.reason, item.detail) for item in found} == {("proforma_pending", proforma["number"])}


def test_an_invoice_under_a_pending_bank_debit_is_never_planned_again(core, sandbox, wallet):
    invoice = sandbox.unpaid_invoices(JOHN)[0]
    pay(core, wallet.bank(JOHN), invoice)
    found = {item.document_id: item for item in items_of(core, make(core, customer_ids=(JOHN,), status="open"))}
    assert found[int(invoice["id"])].reason in {"debit_pending", "host_pending"}
    assert {item.reason for number, item in found.items() if number != int(invoice["id"])} == {""}


def test_an_invoice_whose_answer_was_lost_is_being_paid_and_says_since_when_and_by_whom(core, sandbox, wallet):
    method, invoice = wallet.card(JOHN), sandbox.unpaid_invoices(JOHN)[0]
    sandbox.fault(server="gateway", kind="drop_after", match={"type": "SALE"}, times=1)
    assert pay(core, method, invoice).state == "unknown"
    found = {item.document_id: item for item in items_of(core, make(core, customer_ids=(JOHN,)))}
    item = found[int(invoice["id"])]
    assert item.reason == "being_paid"
    assert item.detail.endswith("UTC, staff")


def test_a_method_the_bank_refused_for_good_is_left_alone(core, sandbox, wallet):
    method, invoice = wallet.card(JOHN), sandbox.unpaid_invoices(JOHN)[0]
    attempt = pay(core, method, invoice)

    def refuse(session):
        row = session.get(Attempt, attempt.id)
        row.state, row.action_code = "declined", "046"

    core.database.run(refuse)
    run = make(core, customer_ids=(JOHN,))
    assert {item.reason for item in items_of(core, run)} == {"hard_declined"}
    assert items_of(core, run)[0].detail.startswith("046 Closed account")


def test_an_invoice_held_by_an_unfinished_charge_is_left_to_it(core, wallet):
    wallet.card(JOHN)
    first = make(core, customer_ids=(JOHN,))
    core.database.run(lambda session: setattr(session.get(Run, first.id), "state", RunState.STOPPED))
    second = make(core, customer_ids=(JOHN,))
    assert {(item.reason, item.detail) for item in items_of(core, second)} == {("in_other_run", f"#{first.id}")}


@pytest.mark.parametrize(("filters", "customers"), [
    ({"partner_ids": (2,)}, {NORA}),
    ({"location_id": 2}, {NORA}),
    ({"customer_ids": (JOHN, ASHLEY)}, {JOHN, ASHLEY}),
    ({"total_operator": ">", "total": Decimal("99.99")}, {JOHN, OBRIEN, ASHLEY}),
    ({"total_operator": "<", "total": Decimal(26)}, {JOHN, EMPTY}),
    ({"total_operator": "=", "total": Decimal(65)}, {NORA}),
    ({"payment_type": "card"}, {JOHN}),
    ({"payment_type": "bank"}, {OBRIEN}),
    ({"status": "overdue"}, {OBRIEN, EMPTY}),
    ({"status": "partial"}, {OBRIEN}),
])
def test_each_filter_of_the_dialog_narrows_the_plan(core, wallet, filters, customers):
    wallet.card(JOHN)
    wallet.bank(OBRIEN)
    assert {item.customer_id for item in items_of(core, make(core, **filters))} == customers


def test_the_period_is_that_of_the_documents_date(core, sandbox):
    today = clock.now().date()
    run = make(core, period_from=today - timedelta(days=5), period_to=today - timedelta(days=3))
    wanted = {int(row["id"]) for row in sandbox.unpaid_invoices()
              if today - timedelta(days=5) <= date.fromisoformat(row["date_created"]) <= today - timedelta(days=3)}
    assert {item.document_id for item in items_of(core, run)} == wanted
    assert wanted


def test_filters_survive_the_way_into_the_row_and_back():
    filters = Filters(period_from=date(2026, 1, 1), period_to=date(2026, 1, 31), partner_ids=(1, 2), location_id=3,
                      payment_type="card", status="overdue", total_operator="<", total=Decimal("10.50"),
                      customer_ids=(7,), numbers=("2026010000001",))
    assert Filters.read(filters.data()) == filters
    assert Filters.read(Filters().data()) == Filters()


def test_the_hash_changes_with_any_item(core, wallet):
    wallet.card(JOHN)
    run = make(core, customer_ids=(JOHN,))
    with core.database.read() as session:
        assert planning.hash_of(session, run.id) == run.plan_hash

    def change(session):
        session.scalars(select(RunItem).where(RunItem.run_id == run.id)).first().amount_cents += 1

    core.database.run(change)
    with core.database.read() as session:
        assert planning.hash_of(session, run.id) != run.plan_hash


def test_a_host_that_goes_away_in_the_middle_leaves_no_half_plan(core, sandbox):
    sandbox.fault(server="host", kind="http_status", status=500, match={"path": "admin/customers/customer"}, times=9)
    with pytest.raises(HostUnavailable):
        make(core)
    with core.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Run)) == 0
        assert session.scalar(select(func.count()).select_from(RunItem)) == 0


def test_a_discarded_preview_leaves_its_line_in_the_history_and_no_items(core):
    run = make(core)
    planning.discard(core, run.id)
    assert not items_of(core, run)
    with pytest.raises(BadInput):
        planning.discard(core, run.id)


def test_a_plan_whose_process_died_is_swept(core):
    old = Run(state=RunState.PLANNING, created_by="staff 1", created_at=clock.now() - timedelta(hours=3))
    core.database.run(lambda session: session.add(old))
    planning.sweep(core)
    with core.database.read() as session:
        assert session.get(Run, old.id) is None


def test_a_preview_reads_each_page_and_each_eighty_customers_once(core, sandbox, wallet, counted_queries):
    sandbox.reset("month")
    invoices = sandbox.unpaid_invoices()
    customers = {int(row["customer_id"]) for row in invoices}
    wallet.cards_for(sorted(customers))
    sandbox.reset_counters()
    with counted_queries(core) as seen:
        run = make(core)
    calls = sandbox.counters()["host"]
    assert run.item_count == len(invoices) >= 300
    assert calls["GET admin/finance/invoices"] == math.ceil(len(invoices) / 500)
    assert calls["GET admin/customers/customer"] == math.ceil(len(customers) / 80)
    assert len(seen) <= 25, seen.statements
    sandbox.is_dirty = True
