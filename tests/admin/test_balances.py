"""A Charge of outstanding balances, as staff see it: told apart from one of open invoices on every page."""

from __future__ import annotations

import csv
import io

import pytest

from splynx_ippay.runs import work

JOHN, OBRIEN, ASHLEY, NORA, EMPTY = 1, 2, 3, 4, 5


@pytest.fixture
def indebted(office, give_card):
    """The customer of the house rules: one open invoice of 10.00, and 100.00 owed in all. John owes his invoices."""
    give_card(EMPTY)
    give_card(JOHN)
    office.post("admin/finance/payments", {
        "customer_id": EMPTY, "payment_type": 1, "date": "2026-11-22", "amount": "15.00", "comment": "cash"})
    office.post("admin/finance/transactions", {
        "customer_id": EMPTY, "type": "debit", "category": 1, "description": "Repair", "date": "2026-11-22", "total": "90.00"})


def preview(staff, **fields):
    page = staff.click(staff.get("/ippay/admin/charge"), "Outstanding balances")
    return staff.submit(page, "/admin/charge", **fields)


def test_the_page_says_what_each_kind_of_charge_takes_with_an_example(staff):
    page = staff.get("/ippay/admin/charge")
    words = ("Open invoices", "Outstanding balances", "takes $10.00", "takes $100.00")
    assert page.says("Charge invoices", *words, "Invoice number", "Period")
    whole = staff.click(page, "Outstanding balances")
    assert whole.says("Charge outstanding balances", *words, "Owed in Splynx", "every customer with a saved card or bank account")
    assert not whole.says("Invoice number")
    assert not whole.says("Period")


def test_each_preview_shows_the_sum_it_takes_of_a_customer_with_an_invoice_of_10_and_a_debt_of_100(staff, indebted, sandbox):
    page = staff.get("/ippay/admin/charge")
    invoices = staff.submit(page, "/admin/charge", period_from="", period_to="", customer_ids=str(EMPTY))
    assert invoices.says("Open invoices", "1 · $10.00",
                         "What customers owe beyond their open invoices is not in this Charge")
    balances = preview(staff, customer_ids=str(EMPTY))
    assert balances.says("Outstanding balances", "Empty Pockets", "$100.00", "Of that open invoices", "$10.00", "1 · $100.00",
                         "the whole balance of the one customer below, $100.00")
    assert not sandbox.sales()


def test_a_charge_of_balances_runs_shows_its_progress_and_is_told_apart_in_history_and_file(staff, core, indebted, sandbox):
    page = preview(staff)
    assert page.says("2 · $310.00", "Owed in Splynx", "$220.00")
    running = staff.submit(page, "/start", confirm="1")
    assert running.says("The Charge has started.", "0 of 2 customers")
    work.tick(core)
    done = staff.get(running.url)
    assert done.says("Finished", "2 of 2 customers", "Taken: $310.00", "Outstanding balances")
    assert sorted(sale["amount_cents"] for sale in sandbox.sales()) == [10000, 21000]
    history = staff.get("/ippay/admin/runs/")
    assert history.says("Outstanding balances", "2 Approved, $310.00")
    rows = list(csv.DictReader(io.StringIO(staff.get(running.url + "/result.csv").response.content.decode("utf-8-sig"))))
    assert [(row["Customer ID"], row["Owed in Splynx"], row["Of that open invoices"], row["Amount"], row["Result"]) for row in rows] == [
        ("1", "210.00", "210.00", "210.00", "Approved"), ("5", "100.00", "10.00", "100.00", "Approved")]
    assert "Invoice ID" not in rows[0]
    payment = staff.click(done, "/admin/payments/")
    assert payment.says("Outstanding balance", "Recorded in Splynx")


def test_a_balance_left_alone_shows_what_is_owed_and_why(staff, core, indebted):
    page = preview(staff, customer_ids=f"{ASHLEY}, {EMPTY}")
    assert page.says("Ashley Miller", "$100.00", "The customer has no saved card or bank account")
    nobody = preview(staff, total="100000")
    assert nobody.says("No customer with a saved card or bank account fits these filters.")
    assert "what=balances" in nobody.text


def test_a_filter_that_cannot_be_read_keeps_the_kind_of_charge(staff):
    page = preview(staff, total="1e3")
    assert page.status_code == 400
    assert page.says("Charge outstanding balances", "Please correct the fields that are marked.")
    assert 'name="what" value="balances"' in page.text


def test_open_invoices_from_before_the_period_are_counted_in_the_preview(staff, core, sandbox):
    today = max(row["date_created"] for row in sandbox.unpaid_invoices())
    page = staff.submit(staff.get("/ippay/admin/charge"), "/admin/charge", period_from=today, period_to="")
    count = sum(row["date_created"] < today for row in sandbox.unpaid_invoices())
    assert page.says(f"{count} open invoices from before {today} are not in this Charge.")
    everything = staff.submit(staff.get("/ippay/admin/charge"), "/admin/charge", period_from="", period_to="")
    assert "not in this Charge." not in everything.words.replace("beyond their open invoices is not in this Charge", "")


def test_who_is_bound_to_a_partner_charges_the_balances_of_that_partner_only(staff, office, give_card, indebted):
    give_card(NORA, partner_id=2)
    office.put("admin/administration/administrators/1", {"partner_id": 2})
    page = preview(staff)
    assert page.says("Nora North")
    assert not page.says("John Sway")
