"""Asking many by mail: the page before it says who and why not, the press asks exactly them, once."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from splynx_ippay import audit
from splynx_ippay.asks import Ask, debts, failures
from splynx_ippay.base import clock
from splynx_ippay.base.money import Money
from splynx_ippay.notifications import OutboxMail
from splynx_ippay.payments import breaker, charge, states
from splynx_ippay.payments.models import Attempt, Door, Line, State
from splynx_ippay.payments.orders import Item, Order, SavedMethod, new_submission_key
from splynx_ippay.splynx.client import SplynxClient
from splynx_ippay.tasks import TASKS

JOHN, OBRIEN, ASHLEY, NORA = 1, 2, 3, 4


@pytest.fixture
def mailing(registered_core, sandbox, settings_of):
    settings_of(registered_core, smtp_host=sandbox.facts["smtp_host"], smtp_port=sandbox.facts["smtp_port"], smtp_tls="none",
                smtp_from="pay@north.example")
    return registered_core


@pytest.fixture
def decline(core, sandbox):
    """A refused charge of a document of the customer."""
    def refuse(customer_id, method, *, code="051", document="invoice", partner_id=1):
        if document == "invoice":
            row = sandbox.unpaid_invoices(customer_id)[0]
        else:
            row = next(one for one in sandbox.ledger()["host"]["requests"] if int(one["customer_id"]) == customer_id)
        sandbox.control("POST", "answers", {"type": "SALE", "action_code": code})
        cents = round(float(row["due" if document == "invoice" else "total"]) * 100)
        attempt = charge.take(core, Order(
            door=Door.RUN, customer_id=customer_id, partner_id=partner_id, source=SavedMethod(method.id), actor="run 1",
            items=(Item(document, int(row["id"]), row["number"], Money(cents, "USD")),), submission_key=new_submission_key()))
        assert attempt.state == "declined"
        return attempt, row

    return refuse


@pytest.fixture
def in_host(sandbox):
    """Staff change something in Splynx, with a key that may."""
    facts = sandbox.facts

    def call(verb, path, body=None):
        client = SplynxClient(facts["api_url"], facts["api_key"], facts["api_secret"], ca_file=facts["ca_file"] or None)
        return client.put(path, body) if verb == "PUT" else client.delete(path)

    return call


@pytest.fixture
def change(core):
    def write(row, **values):
        core.database.run(lambda session: session.execute(update(type(row)).where(type(row).id == row.id).values(**values)))

    return write


def rows(core, table):
    with core.database.read() as session:
        return list(session.scalars(select(table).order_by(table.id)))


def reasons(core):
    """By customer: why not, of everything on the list."""
    with core.database.read() as session:
        found = failures.page_of(session, since=clock.now() - timedelta(days=90), partner_id=None)[0]
    return {one.failure.attempt.customer_id: one.why_not for one in debts.examine(core, found)}


def ticked(page, *names):
    """The address of the page's question for the rows of these names."""
    ids = [match[1] for match in re.finditer(r'name="line" value="(\d+)" aria-label="Ask ([^"]+) about', page.text) if match[2] in names]
    return "/ippay/admin/failed/ask?whom=ticked&days=90&" + "&".join(f"line={one}" for one in ids)


def test_who_is_ticked_is_asked_once_and_the_list_says_when_and_by_whom(staff, mailing, give_card, decline, sandbox):
    _, invoice = decline(JOHN, give_card(JOHN))
    decline(ASHLEY, give_card(ASHLEY))
    page = staff.get("/ippay/admin/failed")
    assert page.says("Ask by mail for another card or account:", "Ask to update")
    question = staff.get(ticked(page, "John Sway"))
    assert question.says("Nothing is sent yet.", "1 mail", "John Sway", "customer1@mail.example", f"Invoice {invoice['number']}",
                         "There is not enough money available on this card", "/ippay/l/…", "Send 1 mail")
    assert not question.says("Ashley Miller")
    assert rows(mailing, OutboxMail) == []
    done = staff.submit(question, "/failed/ask")
    assert done.says("1 customer is asked by mail now.", "Asked by mail on")
    again = staff.submit(question, "/failed/ask")
    assert again.says("1 was left out: paid, asked or changed meanwhile.")
    ask, = rows(mailing, Ask)
    assert (ask.target, ask.stage, ask.why, ask.asked_by) == (f"debt:invoice:{invoice['id']}", "1", "soft", "staff 1 (Ada Min)")
    assert len(rows(mailing, OutboxMail)) == 1
    entry, = [one for one in rows(mailing, audit.Entry) if one.action == "ask"]
    assert (entry.key, entry.after) == ("failed", "1")
    assert entry.actor.startswith("staff 1")
    assert staff.get("/ippay/admin/audit").says("Customers asked by mail")
    head, *found = csv.reader(io.StringIO(staff.session.get(f"{staff.base_url}/ippay/admin/failed.csv").content.decode("utf-8-sig")))
    assert sorted(bool(dict(zip(head, row, strict=True))["Asked by mail"]) for row in found) == [False, True]


def test_all_of_the_page_and_all_of_the_list_are_asked_at_one_press(staff, mailing, give_card, decline):
    for customer in (JOHN, ASHLEY):
        decline(customer, give_card(customer))
    for whom in ("page", "all"):
        assert staff.get(f"/ippay/admin/failed/ask?whom={whom}&days=90&page=1").says("2 mails", "Send 2 mails")
    assert staff.get("/ippay/admin/failed/ask?whom=page&days=90&page=9").says("Nothing was ticked")
    page = staff.submit(staff.get("/ippay/admin/failed/ask?whom=all&days=90"), "/failed/ask")
    assert page.says("2 mails to customers go out now.")
    later = staff.get("/ippay/admin/failed/ask?whom=all&days=90")
    assert later.says("2 get no mail", "The customer was asked less than three days ago.", "by Ada Min", "None of them gets a mail.")
    assert "Send" not in later.words


def test_after_the_pause_the_same_debt_is_asked_for_as_a_new_stage(mailing, give_card, decline, staff, sandbox):
    decline(JOHN, give_card(JOHN))
    for _ in range(2):
        staff.submit(staff.get("/ippay/admin/failed/ask?whom=all&days=90"), "/failed/ask")
        sandbox.jump(days=3)
        staff.get("/admin/dashboard")
    assert [ask.stage for ask in rows(mailing, Ask)] == ["1", "2"]
    assert [mail.key.rpartition("/")[2] for mail in rows(mailing, OutboxMail)] == ["1", "2"]


def test_each_who_gets_no_mail_has_the_reason_beside_the_name(staff, mailing, give_card, decline, sandbox, core, change):
    _, invoice = decline(JOHN, give_card(JOHN))
    core.host.client.post("admin/finance/payments", {
        "customer_id": JOHN, "invoice_id": int(invoice["id"]), "payment_type": 1, "date": "2026-01-01", "amount": invoice["due"],
        "comment": "cash"})
    decline(OBRIEN, give_card(OBRIEN))
    give_card(OBRIEN, number="5555555555554444", make_default=True)
    decline(ASHLEY, give_card(ASHLEY), code="906")
    assert reasons(core) == {JOHN: "paid", OBRIEN: "mended", ASHLEY: "our_side"}
    page = staff.get("/ippay/admin/failed/ask?whom=all&days=90")
    assert page.says("3 get no mail", "It was paid meanwhile", "The customer has changed what is charged since then. Charge it again.",
                     "The gateway refused our set-up")
    core.database.run(lambda session: breaker.stop(session, sandbox.facts["terminal_id"], "test", "a test"))
    other = declined_before(core, sandbox)
    assert reasons(core)[NORA] == "stopped"
    change(other, environment="production")
    assert reasons(core)[NORA] == "environment"
    change(other, customer_id=99_999)
    assert reasons(core)[99_999] == "gone"
    assert staff.get("/ippay/admin/failed/ask?whom=all&days=90").says("The customer is not in Splynx any more.", "99999")


def declined_before(core, sandbox):
    """A declined attempt of Nora's, as it stands in the books of before the terminal stopped."""
    invoice, now = sandbox.unpaid_invoices(NORA)[0], clock.now()
    attempt = Attempt(transaction_id="TEST00000000000001", submission_key="test", kind="sale", door="run", actor="run 1", customer_id=NORA,
                      partner_id=2, terminal_id=sandbox.facts["terminal_id"], environment="test", currency="USD", amount_cents=100,
                      instrument="card", brand="Visa", last_four="1111", state="declined", action_code="051",
                      created_at=now, send_by_at=now, state_at=now)
    line = Line(position=1, document="invoice", document_id=int(invoice["id"]), number=invoice["number"], amount_cents=100)
    attempt.lines.append(line)

    def write(session):
        session.add(attempt)
        session.flush()
        session.expunge_all()

    core.database.run(write)
    return attempt


def test_a_debit_that_may_be_presented_again_must_not_be_asked_for(staff, mailing, give_bank, core, sandbox):
    method, invoice = give_bank(JOHN), sandbox.unpaid_invoices(JOHN)[0]
    attempt = charge.take(core, Order(
        door=Door.RUN, customer_id=JOHN, partner_id=1, source=SavedMethod(method.id), actor="run 1",
        items=(Item("invoice", int(invoice["id"]), invoice["number"], Money(round(float(invoice["due"]) * 100), "USD")),),
        submission_key=new_submission_key()))
    assert attempt.state == "accepted"
    until = clock.now() + timedelta(days=10)

    def come_back(session):
        found = states.get_attempt(session, attempt.id)
        states.move(session, found, State.RETURNED, reason="R01", return_code="R01")
        for line in found.lines:
            line.hold_until = until

    core.database.run(come_back)
    assert reasons(core) == {JOHN: "returned_hold"}
    assert staff.get("/ippay/admin/failed/ask?whom=all&days=90").says("so it must not be paid in another way yet.", "None of them gets a mail.")
    core.database.run(lambda session: session.execute(update(Line).values(hold_until=None)))
    assert reasons(core) in ({JOHN: "being_paid"}, {JOHN: ""})


def test_a_returned_debit_after_its_hold_is_asked_for_in_the_banks_words(mailing, give_bank, core, sandbox, staff):
    method, invoice = give_bank(JOHN), sandbox.unpaid_invoices(JOHN)[0]
    attempt = charge.take(core, Order(
        door=Door.RUN, customer_id=JOHN, partner_id=1, source=SavedMethod(method.id), actor="run 1",
        items=(Item("invoice", int(invoice["id"]), invoice["number"], Money(round(float(invoice["due"]) * 100), "USD")),),
        submission_key=new_submission_key()))
    sandbox.control("POST", "returns", {"transaction_id": attempt.transaction_id, "code": "R02", "days": 2})
    sandbox.jump(days=3)
    for job in ("returns", "booking"):
        TASKS[job](core)
    page = staff.get("/ippay/admin/failed/ask?whom=all&days=90")
    assert page.says("Your bank sent back the debit from your bank account •••• 6789", "The reason: the account is closed.")


def test_a_failed_proforma_is_asked_for_with_its_own_link_and_left_out_once_gone(staff, mailing, give_card, decline, core, in_host):
    _, proforma = decline(JOHN, give_card(JOHN), document="proforma")
    page = staff.get("/ippay/admin/failed/ask?whom=all&days=90")
    assert page.says(f"Proforma invoice {proforma['number']}", "We could not take the payment of proforma invoice")
    in_host("DELETE", f"admin/finance/requests/{proforma['id']}")
    assert reasons(core) == {JOHN: "paid"}


def test_a_failed_balance_is_asked_for_with_what_the_host_shows_as_owed(staff, mailing, core, sandbox, give_card):
    now = clock.now()
    attempt = Attempt(transaction_id="TEST00000000000002", submission_key="test", kind="sale", door="run", actor="run 1", customer_id=JOHN,
                      partner_id=1, terminal_id=sandbox.facts["terminal_id"], environment="test", currency="USD", amount_cents=100,
                      instrument="card", brand="Visa", last_four="1111", state="declined", action_code="051",
                      created_at=now, send_by_at=now, state_at=now)
    attempt.lines.append(Line(position=1, document="balance", document_id=None, number="", amount_cents=100))
    core.database.run(lambda session: session.add(attempt))
    owed = -core.host.customer_billing(JOHN).deposit
    page = staff.get("/ippay/admin/failed/ask?whom=all&days=90")
    assert page.says("We could not charge your card Visa •••• 1111 for what is due.", f"Pay ${owed:.2f} now")
    staff.submit(page, "/failed/ask")
    assert [ask.target for ask in rows(core, Ask)] == [f"debt:balance:{JOHN}"]
    TASKS["mails"](core)
    mail, = sandbox.control("GET", "mails")["mails"]
    assert mail["subject"] == "Your payment did not go through"
    assert re.search(r"/ippay/pay\r?$", mail["text"], re.MULTILINE)
    assert staff.get("/ippay/admin/failed").says("John Sway")
    paid = charge.take(core, Order(door=Door.PORTAL, customer_id=JOHN, partner_id=1, source=SavedMethod(give_card(JOHN).id),
                                   actor="customer 1", items=(Item("topup", None, "", Money(500, "USD")),),
                                   submission_key=new_submission_key()))
    assert paid.state == "approved"
    assert not staff.get("/ippay/admin/failed").says("John Sway")


def test_without_an_address_or_a_mail_server_nobody_is_asked(staff, mailing, give_card, decline, core, settings_of, in_host):
    decline(JOHN, give_card(JOHN))
    in_host("PUT", f"admin/customers/customer/{JOHN}", {"email": "", "billing_email": "nobody"})
    assert reasons(core) == {JOHN: "no_address"}
    in_host("PUT", f"admin/customers/customer/{JOHN}", {"email": "john@home.example"})
    assert reasons(core) == {JOHN: ""}
    question = staff.get("/ippay/admin/failed/ask?whom=all&days=90")
    settings_of(core, smtp_host="")
    page = staff.get("/ippay/admin/failed/ask?whom=all&days=90")
    assert page.says("No mail server is set, so nobody can be asked.")
    assert "Send 1 mail" not in page.words
    staff.submit(question, "/failed/ask")
    assert rows(core, Ask) == []


def test_without_an_answer_of_splynx_nobody_is_asked(staff, mailing, give_card, decline, sandbox, core, change):
    decline(JOHN, give_card(JOHN))
    change(give_card(OBRIEN), postal_code="")
    questions = [staff.get("/ippay/admin/failed/ask?whom=all&days=90"), staff.get("/ippay/admin/missing-zip/ask?whom=all")]
    sandbox.fault(server="host", kind="http_status", status=500, match={"path": "admin/customers/customer"}, times=40)
    for question, form in zip(questions, ("/failed/ask", "/missing-zip/ask"), strict=True):
        assert staff.get(question.url.removeprefix(staff.base_url)).says("Splynx does not answer, so nobody was asked.")
        assert staff.submit(question, form).says("Splynx does not answer, so nobody was asked.")
    assert rows(core, Ask) == []


def test_whoever_may_not_charge_sees_no_boxes_and_may_not_ask(staff, mailing, give_card, decline, settings_of, core):
    decline(JOHN, give_card(JOHN))
    settings_of(core, roles_charge="nobody")
    page = staff.get("/ippay/admin/failed")
    assert page.says("John Sway")
    assert "Ask to update" not in page.words
    assert staff.get("/ippay/admin/failed/ask?whom=all").status_code == 403


def test_the_zip_list_asks_whom_it_shows_and_says_so_afterwards(staff, mailing, give_card, core, settings_of, change):
    for customer in (JOHN, ASHLEY):
        change(give_card(customer), postal_code="")
    page = staff.get("/ippay/admin/missing-zip")
    assert page.says("Ask by mail for the ZIP code:", "Ask for the ZIP code")
    assert staff.get("/ippay/admin/missing-zip/ask?whom=ticked").says("Nobody was ticked.")
    question = staff.get(f"/ippay/admin/missing-zip/ask?whom=ticked&customer={JOHN}&customer={JOHN}&customer=x")
    assert question.says("1 mail", "John Sway", "Visa •••• 1111", "Please add the ZIP code of your saved card")
    assert staff.submit(question, "/missing-zip/ask").says("1 customer is asked by mail now.", "Asked by mail on")
    everybody = staff.get("/ippay/admin/missing-zip/ask?whom=all")
    assert everybody.says("1 mail", "Ashley Miller", "1 gets no mail", "The customer was asked less than three days ago.")
    settings_of(core, smtp_host="")
    staff.submit(everybody, "/missing-zip/ask")
    assert len(rows(core, Ask)) == 1


def test_the_page_before_asking_costs_two_host_calls_however_many_rows(staff, mailing, give_card, decline, sandbox):
    for customer in (JOHN, OBRIEN, ASHLEY):
        decline(customer, give_card(customer))
    staff.get("/ippay/admin/failed/ask?whom=all&days=90")
    sandbox.reset_counters()
    assert staff.get("/ippay/admin/failed/ask?whom=all&days=90").says("3 mails")
    assert sum(sandbox.counters()["host"].values()) <= 2
