"""Charge, as staff see it: through the host's address, in a browser without JavaScript."""

from __future__ import annotations

import csv
import io
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import select, update

from splynx_ippay.runs import plan, work
from splynx_ippay.runs.filters import Filters
from splynx_ippay.runs.models import Run, RunItem

JOHN, OBRIEN, ASHLEY = 1, 2, 3


def preview(staff, **fields):
    page = staff.get("/ippay/admin/charge")
    assert page.status_code == 200, page.words
    return staff.submit(page, "/admin/charge", **({"period_from": "", "period_to": ""} | fields))


def test_the_entry_point_under_finance_opens_the_charge_page_without_its_sash(staff):
    page = staff.enter_frame(staff.get("/admin/add-on?point=ippay_charge_point"))
    assert page.says("Charge invoices", "Splynx's own Charge button", "does not use this add-on")
    assert "sash" not in page.url


def test_nobody_but_staff_opens_a_page_of_the_staff(browser_of, anybody):
    for person in (browser_of(1), anybody):
        for address in ("/ippay/admin/", "/ippay/admin/charge", "/ippay/admin/runs/", "/ippay/admin/health",
                        "/ippay/admin/pay-invoice?item_id=1", "/ippay/admin/payments/1"):
            page = person.get(address)
            assert "/admin/login" in page.url, address


def test_a_preview_shows_count_sums_and_a_reason_for_each_invoice_and_charges_nothing(staff, sandbox, give_card):
    give_card(JOHN)
    page = preview(staff)
    assert page.says("Preview of Charge", "Total sum", "Due sum", "Will be charged", "$210.00",
                     "The customer has no saved card or bank account", "O'Brien & Søns <b>")
    assert not sandbox.sales()


def test_the_reason_chosen_narrows_the_table(staff, give_card):
    give_card(JOHN)
    page = preview(staff)
    only = staff.click(page, "The customer has no saved card")
    assert only.says("O'Brien")
    assert not only.says("John Sway")
    ready = staff.click(page, "reason=ready")
    assert ready.says("John Sway")
    assert not ready.says("O'Brien")


def test_charging_needs_the_confirmation(staff, core, sandbox, give_card):
    give_card(JOHN)
    page = staff.submit(preview(staff), "/start")
    assert page.says("Please tick that you want to charge. Nothing was charged.")
    work.tick(core)
    assert not sandbox.sales()


def test_a_confirmed_charge_runs_shows_its_progress_and_ends_with_a_result(staff, core, sandbox, give_card):
    give_card(JOHN)
    running = staff.submit(preview(staff), "/start", confirm="1")
    assert running.says("The Charge has started.", "0 of 3 invoices")
    assert 'http-equiv="refresh"' in running.text
    part = staff.get(running.url + "/progress")
    assert part.says("0 of 3 invoices")
    work.tick(core)
    done = staff.get(running.url)
    assert done.says("Finished", "3 of 3 invoices", "100 %", "Taken: $210.00", "Approved")
    assert 'http-equiv="refresh"' not in done.text
    assert len(sandbox.sales()) == 3
    history = staff.get("/ippay/admin/runs/")
    assert history.says("Finished", "3 Approved, $210.00", "Ada Min")


def test_the_history_says_by_which_filters_a_charge_was_narrowed_and_nothing_of_the_others(staff, core):
    plan.plan(core, Filters(), "staff 1 (Ada Min)")
    assert not staff.get("/ippay/admin/runs/").says("Period:", "Customer payment type:")
    plan.plan(core, Filters(period_from=date(2026, 1, 1), period_to=date(2026, 1, 31), payment_type="bank", status="overdue",
                            total=Decimal(5), customer_ids=(JOHN, 2)), "staff 1 (Ada Min)")
    history = staff.get("/ippay/admin/runs/")
    assert history.says("Period: 2026-01-01 - 2026-01-31", "Customer payment type: Bank Account", "Status: Overdue", "Total: > 5",
                        "Customer ID: 1, 2", "manual", "Ada Min")
    assert not history.says("Partners:")


def test_a_plan_that_is_not_the_one_shown_is_refused(staff, core, sandbox, give_card):
    give_card(JOHN)
    page = preview(staff)
    core.database.run(lambda session: session.execute(
        update(RunItem).where(RunItem.state == "ready").values(amount_cents=RunItem.amount_cents + 1)))
    refused = staff.submit(page, "/start", confirm="1")
    assert refused.says("The plan is not the one you have seen. Please make a new preview.")
    work.tick(core)
    assert not sandbox.sales()


def test_a_second_press_on_charge_starts_nothing_twice(staff, core, sandbox, give_card):
    give_card(JOHN)
    page = preview(staff)
    staff.submit(page, "/start", confirm="1")
    assert staff.submit(page, "/start", confirm="1").says("This Charge was started or discarded meanwhile.")
    work.tick(core)
    assert len(sandbox.sales()) == 3


def test_a_charge_can_be_stopped_and_resumed(staff, core, sandbox, give_card):
    give_card(JOHN)
    running = staff.submit(preview(staff), "/start", confirm="1")
    stopped = staff.submit(running, "/stop")
    assert stopped.says("Stopped", "stopped by staff 1 (Ada Min)")
    work.tick(core)
    assert not sandbox.sales()
    staff.submit(stopped, "/resume")
    work.tick(core)
    assert len(sandbox.sales()) == 3


def test_a_preview_can_be_discarded(staff, core):
    page = staff.get("/ippay/admin/charge")
    page = staff.submit(page, "/admin/charge", period_from="", period_to="")
    assert page.says("There is nothing to charge in this preview. The table says why.")
    assert staff.get("/ippay/admin/runs/").says("Preview, not started")


@pytest.mark.parametrize(("field", "value", "words"), [
    ("period_from", "31.01.2026", "Enter the day as year, month, day"),
    ("total", "1e3", "Enter the amount in digits"),
    ("total", "-5", "Enter the amount in digits"),
    ("customer_ids", "1; drop", "Enter IDs in digits, separated by comma."),
    ("customer_ids", "１", "Enter IDs in digits, separated by comma."),
    ("location_id", "x", "Enter IDs in digits"),
    ("status", "paid", "Choose one of the list."),
    ("payment_type", "cash", "Choose one of the list."),
])
def test_a_field_that_cannot_be_read_says_so_and_keeps_what_was_typed(staff, field, value, words):
    page = staff.get("/ippay/admin/charge")
    token = page.form("/admin/charge").values({})
    values = [(name, text) for name, text in (token.items() if isinstance(token, dict) else token) if name != field]
    answer = staff.session.post(page.form("/admin/charge").action, data=[*values, (field, value)])
    assert answer.status_code == 400
    assert words in answer.text.replace("&#39;", "'")


def test_a_period_that_ends_before_it_begins_is_refused(staff):
    page = preview(staff, period_from="2026-02-01", period_to="2026-01-01")
    assert page.status_code == 400
    assert page.says("The period ends before it begins.")


def test_a_host_that_is_away_is_told_in_words_and_leaves_no_run(staff, core, sandbox):
    page = staff.get("/ippay/admin/charge")
    sandbox.fault(server="host", kind="http_status", status=500, match={"path": "api/2.0/admin/finance/invoices"}, times=5)
    answer = staff.submit(page, "/admin/charge", period_from="", period_to="")
    assert answer.status_code == 503
    assert answer.says("Splynx gave no answer, so there is no preview")
    with core.database.read() as session:
        assert session.scalars(select(Run)).first() is None


def test_a_form_without_csrf_token_starts_nothing(staff, core, sandbox, give_card):
    give_card(JOHN)
    page = preview(staff)
    form = page.form("/start")
    answer = staff.post(form.action, {"plan_hash": "x", "confirm": "1"})
    assert answer.status_code == 400
    work.tick(core)
    assert not sandbox.sales()


def test_the_result_file_opens_in_a_spreadsheet_and_holds_no_formula(staff, core, sandbox, give_card):
    give_card(JOHN)
    page = preview(staff)
    core.database.run(lambda session: session.execute(update(RunItem).where(RunItem.customer_id == OBRIEN).values(
        customer_name='=HYPERLINK("http://bad.example")')))
    run_id = page.url.rpartition("/")[2]
    core.database.run(lambda session: session.execute(update(Run).values(state="running")))
    work.tick(core)
    answer = staff.get(f"/ippay/admin/runs/{run_id}/result.csv")
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert "attachment" in answer.headers["Content-Disposition"]
    body = answer.response.content
    assert body.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"))))
    assert len(rows) == 8
    assert sorted(row["Result"] for row in rows).count("Approved") == 3
    assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "-", "@"))]
    assert any(row["Customer"].startswith("'=HYPERLINK") for row in rows)


def test_no_page_of_a_charge_asks_the_database_once_a_row(staff, core, sandbox, give_card, counted_queries):
    sandbox.reset("month")
    sandbox.is_dirty = True
    staff.login("admin", staff.facts["login"], staff.facts["password"])
    page = preview(staff)
    for address in (page.url, page.url + "?page=2", page.url + "/progress", page.url + "/result.csv", "/ippay/admin/runs/"):
        with counted_queries(core) as seen:
            assert staff.get(address).status_code == 200
        assert len(seen) <= 8, (address, seen.statements)
