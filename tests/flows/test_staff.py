"""Staff: one invoice from the customer's billing page; charge everybody, stop, resume, history and file; the list of payments."""

import csv
import io
import threading

import pytest

from splynx_ippay_sandbox.demo.pages import PageError


def billing_dialog(staff, customer, invoice):
    """Customers → billing → the card icon beside a document."""
    page = staff.get(f"/admin/customers/view?id={customer}")
    for link in page.sight.links:
        if "ippay_admin_pay_invoice_point" in link.href and invoice["number"] in link.href:
            return staff.enter_frame(staff.get(link.href))
    raise PageError(f"no payment icon beside {invoice['number']}")


def charge_page(staff):
    """Finance → Charge by IpPay."""
    return staff.enter_frame(staff.click(staff.get("/admin/finance/invoices"), "Charge by IpPay"))


def rows_of(staff, page):
    """The result file as dictionaries."""
    answer = staff.click(page, "result.csv")
    assert answer.headers["Content-Type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.response.content.decode("utf-8-sig"))))


@pytest.fixture
def savers(town, browser_of):
    """John and Nora have saved a card, O'Brien a bank account; the others nothing."""
    town.save_card(browser_of(1), holder="John Sway")
    town.save_bank(browser_of(2), holder="O'Brien & Søns")
    town.save_card(browser_of(4), town.other_visa, holder="Nora North")
    town.sandbox.reset_counters()


def test_one_invoice_is_paid_from_the_billing_page_and_can_be_looked_at(town, savers, staff):
    invoice = town.invoices()[0]
    page = billing_dialog(staff, town.john, invoice)
    assert page.says(f"Invoice #{invoice['number']}", "John Sway", "Total to pay", "$15.00", "Pay by saved card", "1111")
    assert "sash=" not in page.url
    page = staff.submit(page, "/ippay/admin/pay-invoice")
    assert page.says("$15.00", "Visa •••• 1111", "Approval")
    assert town.sales() == [("SALE", 1500)]
    assert town.booked() == [(int(invoice["id"]), 1500)]
    detail = staff.click(page, "All about this payment")
    assert detail.says("Approved", "John Sway", "TESTTERMINAL", "What Splynx was told", "Everything that happened", "Ada Min")
    assert town.sandbox.sales()[0]["transaction_id"] in detail.text
    assert staff.get(f"/ippay/admin/pay-invoice?item_id={invoice['number']}").says("Nothing is due")


def test_who_has_saved_nothing_has_no_button_and_an_unknown_number_says_so(town, staff):
    page = billing_dialog(staff, town.ashley, town.invoices(town.ashley)[0])
    assert page.says("This customer has no saved card or bank account")
    assert not any("/pay-invoice" in form.action for form in page.forms)
    page = staff.get("/ippay/admin/pay-invoice?item_id=999999")
    assert page.status_code == 404
    assert page.says("There is no such document", "Nothing was charged")


def test_a_decline_tells_staff_the_code_its_meaning_and_what_to_do(town, savers, staff):
    town.sandbox.control("POST", "answers", {"type": "SALE", "action_code": "041"})
    page = staff.submit(billing_dialog(staff, town.john, town.invoices()[0]), "/ippay/admin/pay-invoice")
    assert page.says("041 Lost card")
    assert town.nothing_moved()


def test_charge_previews_with_a_reason_for_each_and_then_charges_exactly_that(town, savers, staff):
    expected = [row for who in (town.john, town.nora) for row in town.invoices(who)]
    page = staff.submit(charge_page(staff), "/ippay/admin/charge")
    assert page.says("Preview of Charge", "Total sum", "Due sum", "Will be charged", "The customer has no saved card or bank account")
    assert town.nothing_moved()
    assert town.calls() == {}
    page = staff.submit(page, "/start", confirm=True)
    assert page.says("0 of 6 invoices")
    town.tick("runs")
    page = staff.get(page.url)
    assert page.says("Finished", "6 of 6 invoices", "100 %", "Approved", "Bank debit accepted")
    assert sorted(cents for kind, cents in town.sales() if kind == "SALE") == [1500, 6500, 7500, 12000]
    assert sorted(cents for kind, cents in town.sales() if kind == "CHECK") == [7000, 9999]
    assert sorted(town.booked()) == sorted((int(row["id"]), round(float(row["due"]) * 100)) for row in expected)
    rows = rows_of(staff, page)
    assert len(rows) == 7, "all but one that is older than the period the page opens with"
    assert sorted(row["Result"] for row in rows) == ["Approved"] * 4 + ["Bank debit accepted, not settled yet"] * 2 + ["Left alone by the plan"]
    assert {row["Approval"][:4] for row in rows if row["Result"] == "Approved"} == {"TEST"}
    history = staff.get("/ippay/admin/runs/")
    assert history.says("Ada Min", "Finished")
    again = staff.submit(charge_page(staff), "/ippay/admin/charge")
    assert again.says("There is nothing to charge in this preview", "A bank debit for it is pending")
    assert len(town.sales()) == 6


def test_balances_are_charged_apart_from_invoices_while_a_customer_pays_one_of_them(town, savers, staff, browser_of):
    """An invoice of 65.00 and 100.00 owed in all: each Charge says which it takes. Who pays meanwhile is left alone."""
    town.office.post("admin/finance/transactions", {
        "customer_id": town.nora, "type": "debit", "category": 1, "description": "Repair", "date": "2026-11-22", "total": "35.00"})
    invoices = staff.submit(charge_page(staff), "/ippay/admin/charge", customer_ids=str(town.nora))
    assert invoices.says("1 · $65.00")
    page = staff.submit(staff.click(charge_page(staff), "Outstanding balances"), "/ippay/admin/charge")
    assert page.says("Outstanding balances", "Nora North", "$100.00", "Of that open invoices", "$65.00", "3 · $479.99")
    page = staff.submit(page, "/start", confirm=True)
    john = browser_of(1)
    assert town.pay(john, town.invoices()[0]).says("Success")
    town.tick("runs")
    page = staff.get(page.url)
    assert page.says("Finished", "3 of 3 customers", "The amount due is not the one of the preview any more", "195.00 USD")
    assert sorted(town.sales()) == [("CHECK", 16999), ("SALE", 1500), ("SALE", 10000)]
    assert town.invoices(town.nora) == [], "the host put it on the repair and on the invoice"
    rows = rows_of(staff, page)
    assert {row["Customer"]: row["Result"] for row in rows} == {
        "John Sway": "Changed since the preview, not charged", "Nora North": "Approved",
        "O'Brien & Søns <b>": "Bank debit accepted, not settled yet"}
    obrien = browser_of(2)
    held = town.dialog(obrien, town.invoices(town.obrien)[0])
    assert held.says("already being paid")
    assert staff.get("/ippay/admin/runs/").says("Outstanding balances")


def test_every_door_says_that_the_whole_balance_is_being_taken_and_takes_nothing(town, staff, browser_of, anybody, run_program):
    john = browser_of(1)
    town.save_bank(john, holder="John Sway")
    page = staff.submit(staff.click(charge_page(staff), "Outstanding balances"), "/ippay/admin/charge")
    page = staff.submit(page, "/start", confirm=True)
    town.tick("runs")
    assert town.sales() == [("CHECK", 21000)]
    newer = town.office.post("admin/finance/invoices", {
        "customer_id": town.john, "date_created": "2026-11-22", "date_till": "2026-12-22",
        "items": [{"description": "Repair", "price": "35.00", "quantity": 1}]})
    newer = town.office.get(f"admin/finance/invoices/{int(newer['id'])}")
    whole = "All that is owed on the account is being paid by the automatic charge"
    assert town.dialog(john, town.invoices()[0]).says("being paid by the automatic charge")
    assert town.dialog(john, newer).says(whole)
    added = town.top_up(john, "20.00")
    assert added.status_code == 409
    assert added.says("Adding money has to wait", whole)
    assert anybody.get(town.link(run_program, "invoice", newer["id"])).says(whole)
    assert billing_dialog(staff, town.john, newer).says(whole)
    again = staff.submit(staff.click(charge_page(staff), "Outstanding balances"), "/ippay/admin/charge")
    assert again.says("A bank debit for it is pending", "balance", "There is nothing to charge in this preview")
    assert staff.get(f"/ippay/admin/customers/{town.john}").says("A bank debit for it is pending")
    assert len(town.sales()) == 1


def test_a_charge_is_stopped_while_it_runs_resumed_and_takes_nothing_twice(town, savers, staff, settings_of, wait_until):
    settings_of(town.core, charges_in_flight="1")
    town.sandbox.fault(server="gateway", kind="delay", seconds=0.4, times=20)
    page = staff.submit(staff.submit(charge_page(staff), "/ippay/admin/charge"), "/start", confirm=True)
    worker = threading.Thread(target=town.tick, args=("runs",))
    worker.start()
    wait_until(town.sales, what="the first charge")
    progress = staff.get(page.url.split("?")[0] + "/progress")
    assert progress.says("of 6 invoices")
    stopped = staff.submit(staff.get(page.url), "/stop")
    worker.join(30)
    assert stopped.says("Stopped", "stopped by staff 1 (Ada Min)")
    taken = town.sales()
    assert 1 <= len(taken) < 6
    town.tick()
    assert town.sales() == taken
    resumed = staff.submit(staff.get(page.url), "/resume")
    assert resumed.says("of 6 invoices")
    town.sandbox.clear_faults()
    town.tick()
    assert staff.get(page.url).says("Finished", "6 of 6 invoices")
    assert sorted(cents for _, cents in town.sales()) == [1500, 6500, 7000, 7500, 9999, 12000]


def test_a_charge_meets_declines_lost_answers_and_changed_amounts_and_reports_each(town, savers, staff, settings_of):
    settings_of(town.core, charges_in_flight="1")  # one after the other, so that the first is the one declined
    john = town.invoices()
    page = staff.submit(charge_page(staff), "/ippay/admin/charge", customer_ids=f"{town.john}")
    assert page.says("3")
    town.office.post("admin/finance/payments", {
        "customer_id": town.john, "invoice_id": int(john[2]["id"]), "payment_type": 1, "amount": "5.00",
        "date": town.sandbox.control("GET", "clock")["now"][:10]})
    town.sandbox.control("POST", "answers", {"type": "SALE", "action_code": "051"})
    town.sandbox.fault(server="gateway", kind="drop_after", match={"type": "SALE", "amount_cents": 12000}, times=1)
    page = staff.submit(page, "/start", confirm=True)
    town.tick("runs")
    page = staff.get(page.url)
    assert page.says("Declined", "Changed since the preview, not charged", "The amount due is not the one of the preview any more")
    town.sandbox.jump(seconds=200)
    town.tick()
    rows = {row["Invoice"]: row for row in rows_of(staff, staff.get(page.url))}
    assert [rows[row["number"]]["Result"] for row in john] == ["Declined", "Approved", "Changed since the preview, not charged"]
    assert town.sales() == [("SALE", 12000)]
    assert [cents for _, cents in town.booked() if cents != 500] == [12000]


def test_the_list_of_payments_finds_and_the_detail_shows_every_event(town, savers, staff, browser_of):
    john = browser_of(1)
    town.pay(john, town.invoices()[0])
    town.top_up(john, "20.51")
    page = staff.get("/ippay/admin/")
    assert page.says("Approved", "Declined", "John Sway", "$15.00", "$20.51")
    declined = staff.submit(page, "/ippay/admin/", holding="state", state="declined")
    assert declined.says("$20.51")
    assert not declined.says("$15.00")
    detail = staff.click(declined, "/payments/")
    assert detail.says("051 Insufficient funds", "Everything that happened", "customer 1")
    nothing = staff.submit(page, "/ippay/admin/", holding="q", q="no-such-thing")
    assert nothing.says("No payment fits this search.")


def test_no_page_of_the_staff_opens_for_a_customer_or_a_stranger(town, john, anybody):
    for path in ("/ippay/admin/", "/ippay/admin/charge", "/ippay/admin/runs/", "/ippay/admin/pay-invoice?item_id=1",
                 "/ippay/admin/health", "/ippay/admin/payments/1", "/ippay/admin/runs/1/result.csv"):
        for person in (john, anybody):
            assert "/admin/login" in person.get(path).url, path
            forged = person.get(path + ("&" if "?" in path else "?") + "sash=0123456789abcdef0123456789abcdef")
            assert "/admin/login" in forged.url, path
