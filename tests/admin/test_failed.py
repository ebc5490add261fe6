"""The list of failed payments, which empties as people pay, and the page of a customer."""

from __future__ import annotations

import csv
import io

import pytest
from sqlalchemy import select

from splynx_ippay import audit
from splynx_ippay.base.money import Money
from splynx_ippay.payments import charge, states
from splynx_ippay.payments.models import CustomerNote, Door
from splynx_ippay.payments.orders import Item, Order, SavedMethod, new_submission_key

JOHN, ASHLEY, NORA = 1, 3, 4


@pytest.fixture
def pay(core, sandbox):
    """``pay(JOHN, method)``: charge an invoice of the customer whole, or a sum that the gateway refuses by its cents."""
    def take(customer_id, method, *, position=0, cents=None, partner_id=1):
        invoice = sandbox.unpaid_invoices(customer_id)[position]
        due = round(float(invoice["due"]) * 100)
        return charge.take(core, Order(
            door=Door.STAFF, customer_id=customer_id, partner_id=partner_id, source=SavedMethod(method.id), actor="test",
            items=(Item("invoice", int(invoice["id"]), invoice["number"], Money(cents or due, "USD")),),
            submission_key=new_submission_key())), invoice

    return take


@pytest.fixture
def decline(core, sandbox, pay):
    """A refused charge: the debt is made one whose cents the gateway refuses."""
    def refuse(customer_id, method, **more):
        invoice = sandbox.unpaid_invoices(customer_id)[0]
        due = round(float(invoice["due"]) * 100)
        if due % 100 != 5:
            core.host.client.post("admin/finance/payments", {
                "customer_id": customer_id, "invoice_id": int(invoice["id"]), "payment_type": 1, "date": "2026-01-01",
                "amount": f"{(due - 1005) / 100:.2f}", "comment": "cash"})
        attempt, invoice = pay(customer_id, method, **more)
        assert attempt.state == "declined"
        return attempt, invoice

    return refuse


def entries(core, action):
    with core.database.read() as session:
        return list(session.scalars(select(audit.Entry).where(audit.Entry.action == action)))


def test_a_refused_charge_is_listed_with_reason_tries_and_next_step(staff, give_card, decline):
    method = give_card(JOHN)
    attempt, invoice = decline(JOHN, method)
    decline(JOHN, method)
    page = staff.get("/ippay/admin/failed")
    assert page.says("John Sway", f"Invoice {invoice['number']}", "$10.05", "Visa •••• 1111", "005 Do not honor",
                     "Another method may work, or the same one later.")
    row = page.text[page.text.index("<tbody>"):page.text.index("</tbody>")]
    assert row.count("<tr>") == 1
    assert '<td data-label="Tries" class="num">2</td>' in row
    assert f"/ippay/admin/payments/{attempt.id + 1}" in row


def test_what_is_due_now_stands_beside_what_failed_where_it_is_another_sum(staff, core, give_card, decline):
    _, invoice = decline(JOHN, give_card(JOHN))
    assert not staff.get("/ippay/admin/failed").says("due now")
    core.host.client.post("admin/finance/payments", {
        "customer_id": JOHN, "invoice_id": int(invoice["id"]), "payment_type": 1, "date": "2026-01-01", "amount": "3.00", "comment": "cash"})
    page = staff.get("/ippay/admin/failed")
    assert page.says("$10.05 due now: $7.05")
    file = staff.session.get(page.link("Download the list (CSV)").href)
    row, = csv.DictReader(io.StringIO(file.content.decode("utf-8-sig")))
    assert (row["Amount"], row["Due now"]) == ("10.05", "7.05")


def test_who_pays_leaves_the_list(staff, core, sandbox, give_card, decline, pay):
    method = give_card(JOHN)
    _, invoice = decline(JOHN, method)
    assert staff.get("/ippay/admin/failed").says(invoice["number"])
    core.host.client.post("admin/finance/payments", {
        "customer_id": JOHN, "invoice_id": int(invoice["id"]), "payment_type": 1, "date": "2026-01-01", "amount": "0.05",
        "comment": "cash"})
    attempt, _ = pay(JOHN, method)
    assert attempt.state == "approved"
    assert staff.get("/ippay/admin/failed").says("No failed payment is open.")


def test_who_pays_in_cash_leaves_the_list_too(staff, core, give_card, decline):
    _, invoice = decline(JOHN, give_card(JOHN))
    core.host.client.post("admin/finance/payments", {
        "customer_id": JOHN, "invoice_id": int(invoice["id"]), "payment_type": 1, "date": "2026-01-01", "amount": "10.05",
        "comment": "cash"})
    page = staff.get("/ippay/admin/failed")
    assert page.says("No failed payment is open.", "1 more of this page was paid in Splynx in another way")


def test_without_the_host_our_own_books_are_shown(staff, sandbox, give_card, decline):
    _, invoice = decline(JOHN, give_card(JOHN))
    staff.get("/ippay/admin/failed")
    sandbox.fault(server="host", kind="http_status", status=500, match={"path": "admin/finance/invoices"}, times=20)
    assert staff.get("/ippay/admin/failed").says(invoice["number"])


def test_the_file_holds_what_the_page_shows_and_is_in_the_audit(staff, core, give_card, decline):
    _, invoice = decline(JOHN, give_card(JOHN))
    answer = staff.session.get(f"{staff.base_url}/ippay/admin/failed.csv", timeout=30)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="failed.csv"'
    head, row = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
    found = dict(zip(head, row, strict=True))
    assert (found["Number"], found["Amount"], found["Tries"], found["Reason"]) == (invoice["number"], "10.05", "1", "005 Do not honor")
    (entry,) = entries(core, "export")
    assert (entry.actor, entry.key, entry.address) == ("staff 1 (Ada Min)", "failed.csv", "127.0.0.1")


def test_the_result_of_a_charge_taken_out_is_in_the_audit(staff, core):
    from splynx_ippay.runs import plan
    from splynx_ippay.runs.filters import Filters

    run = plan.plan(core, Filters(), "staff 1")
    assert staff.get(f"/ippay/admin/runs/{run.id}/result.csv").status_code == 200
    assert [entry.key for entry in entries(core, "export")] == [f"charge-{run.id}.csv"]


def test_the_list_asks_neither_database_nor_host_once_a_row(staff, core, sandbox, give_card, decline, counted_queries):
    for customer, partner in ((JOHN, 1), (ASHLEY, 1), (NORA, 2)):
        decline(customer, give_card(customer, partner_id=partner), partner_id=partner)
    staff.get("/ippay/admin/failed")
    sandbox.reset_counters()
    with counted_queries(core) as seen:
        page = staff.get("/ippay/admin/failed")
    assert page.text.count('data-label="Tries"') == 3
    assert len(seen) <= 3, seen.statements
    assert sum(sandbox.counters()["host"].values()) <= 2


def test_the_page_of_a_customer_tells_what_a_charge_takes_apart_from_the_balance(staff, office, sandbox, give_card):
    give_card(JOHN)
    invoices = sandbox.unpaid_invoices(JOHN)
    office.post("admin/finance/transactions", {
        "customer_id": JOHN, "type": "debit", "category": 1, "description": "Repair", "date": "2026-11-22", "total": "90.00"})
    page = staff.get(f"/ippay/admin/customers/{JOHN}")
    words = " ".join(page.words.split())
    assert "Open invoices in Splynx $210.00 A Charge of open invoices takes $210.00" in words
    assert "Owed in Splynx, by the balance $300.00 A Charge of outstanding balances takes $300.00" in words
    assert page.says("John Sway", "two ways to ask for the same money", "Visa •••• 1111", "Default",
                     *[invoice["number"] for invoice in invoices])
    assert page.text.count("Will be charged") == len(invoices)


def test_a_customer_in_credit_is_said_to_owe_nothing(staff, office, give_card):
    give_card(JOHN)
    office.post("admin/finance/payments", {
        "customer_id": JOHN, "payment_type": 1, "date": "2026-11-22", "amount": "250.00", "comment": "cash"})
    page = staff.get(f"/ippay/admin/customers/{JOHN}")
    words = " ".join(page.words.split())
    assert "Owed in Splynx, by the balance $0.00 in credit: $40.00" in words
    assert "A Charge of outstanding balances takes The customer owes nothing" in words


def test_a_customer_without_method_has_a_reason_for_each_invoice(staff, sandbox):
    page = staff.get(f"/ippay/admin/customers/{ASHLEY}")
    assert page.says("The customer has no saved card or bank account", "Nothing is saved.", "No payment by IpPay yet.")
    assert "Will be charged" not in page.text


def test_stopped_automatic_charging_is_shown_with_its_reason_and_released_by_a_person(staff, core, give_card, sandbox):
    give_card(JOHN)
    core.database.run(lambda session: states.stop_automatic(session, JOHN, "R01 came back"))
    page = staff.get(f"/ippay/admin/customers/{JOHN}")
    assert page.says("Automatic charging of this customer is stopped", "R01 came back")
    assert "Will be charged" not in page.text
    after = staff.submit(page, "/automatic")
    assert after.says("goes on with the next Charge.", "Will be charged")
    with core.database.read() as session:
        assert session.get(CustomerNote, JOHN).no_auto is False
    (entry,) = entries(core, "automatic")
    assert (entry.actor, entry.key, entry.before) == ("staff 1 (Ada Min)", str(JOHN), "R01 came back")
    assert staff.submit(page, "/automatic").says("was not stopped.")
    assert len(entries(core, "automatic")) == 1


def test_a_customer_who_does_not_exist_has_no_page(staff):
    assert staff.get("/ippay/admin/customers/4711").status_code == 404


def test_an_entry_of_the_audit_cannot_be_changed_or_deleted(core):
    core.database.run(lambda session: audit.record(session, audit.Person("staff 1"), "export", "x.csv"))

    def change(session):
        session.get(audit.Entry, 1).actor = "nobody"

    for work in (change, lambda session: session.delete(session.get(audit.Entry, 1))):
        with pytest.raises(TypeError):
            core.database.run(work)
    assert [entry.actor for entry in entries(core, "export")] == ["staff 1"]
