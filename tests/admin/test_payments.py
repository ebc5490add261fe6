"""One payment by staff, the list of payments, and what happened to one."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

from sqlalchemy import select, text

from splynx_ippay.admin import event_words, timeline, words
from splynx_ippay.base import clock
from splynx_ippay.base.money import Money
from splynx_ippay.letters import sending
from splynx_ippay.notifications import enqueue
from splynx_ippay.payments import breaker, charge, returns
from splynx_ippay.payments.decision_models import Standing
from splynx_ippay.payments.models import Attempt, Door, Event, Lease, Line, Terminal
from splynx_ippay.splynx.client import SplynxClient

JOHN, ASHLEY = 1, 3


def attempts(core):
    with core.database.read() as session:
        return list(session.scalars(select(Attempt).order_by(Attempt.id)))


def dialog(staff, sandbox, customer_id):
    """Through the card icon of the customer's billing page, as staff do."""
    number = sandbox.unpaid_invoices(customer_id)[0]["number"]
    return number, staff.get(f"/ippay/admin/pay-invoice?item_id={number}")


def test_the_icon_on_the_billing_page_opens_the_dialog(staff, give_card, sandbox):
    give_card(ASHLEY)
    page = staff.get(f"/admin/customers/view?id={ASHLEY}")
    shown = staff.enter_frame(staff.click(page, "ippay_admin_pay_invoice_point"))
    assert shown.says("Invoice #", "Invoice amount", "Invoice due", "Total to pay", "$100.00", "Credit Card",
                      "Cardholder name", "1111", "12-2039", "Pay by saved card")
    assert "sash" not in shown.url


def test_staff_charge_the_method_they_chose(staff, core, sandbox, give_card):
    give_card(JOHN)
    second = give_card(JOHN, number="5499740000000057")
    _, page = dialog(staff, sandbox, JOHN)
    form = next(form for form in page.forms if f"method:{second.id}" in str(form.values({})))
    answer = staff.session.post(form.action, data=form.values({}))
    assert "Success!" in answer.text
    assert "Your transaction has been successfully processed." in answer.text
    (attempt,) = attempts(core)
    assert (attempt.method_id, attempt.door, attempt.actor, attempt.state) == (second.id, "staff", "staff 1 (Ada Min)", "approved")
    assert len(sandbox.sales()) == 1


def test_the_second_press_shows_the_first_payment(staff, core, sandbox, give_card):
    give_card(JOHN)
    _, page = dialog(staff, sandbox, JOHN)
    first = staff.submit(page, "pay-invoice")
    second = staff.submit(page, "pay-invoice")
    assert first.url == second.url
    assert len(sandbox.sales()) == 1


def test_a_card_number_sent_to_the_staffs_door_is_not_taken(staff, core, sandbox, give_card):
    give_card(JOHN)
    _, page = dialog(staff, sandbox, JOHN)
    form = page.form("pay-invoice")
    answer = staff.post(form.action, dict(form.values({})) | {
        "source": "card", "number": "4111111111111111", "expiry": "12/39", "holder": "Ann", "cvv": "123"})
    assert answer.status_code == 400
    assert answer.says("Choose one of the saved methods. Nothing was charged.")
    assert not sandbox.sales()
    assert "4111111111111111" not in answer.text


def test_another_customers_method_is_refused(staff, core, sandbox, give_card):
    give_card(JOHN)
    foreign = give_card(ASHLEY)
    _, page = dialog(staff, sandbox, JOHN)
    answer = staff.submit(page, "pay-invoice", source=f"method:{foreign.id}")
    assert answer.status_code == 400
    assert answer.says("This saved method cannot be used any more")
    assert not sandbox.sales()


def test_an_edited_offer_is_refused(staff, sandbox, give_card):
    give_card(JOHN)
    _, page = dialog(staff, sandbox, JOHN)
    assert staff.submit(page, "pay-invoice", offer="k1:forged").status_code == 400
    assert staff.submit(page, "pay-invoice", amount_cents="1").status_code == 400
    assert not sandbox.sales()


def test_a_customer_without_saved_method_has_no_pay_button(staff, sandbox):
    _, page = dialog(staff, sandbox, JOHN)
    assert page.says("This customer has no saved card or bank account")
    assert not page.forms


def test_an_invoice_that_does_not_exist_and_one_that_is_paid_say_so(staff, sandbox, give_card):
    give_card(JOHN)
    assert staff.get("/ippay/admin/pay-invoice?item_id=nothing").says("There is no such document")
    number, page = dialog(staff, sandbox, JOHN)
    staff.submit(page, "pay-invoice")
    assert staff.get(f"/ippay/admin/pay-invoice?item_id={number}").says("Nothing is due on")
    assert staff.submit(page, "pay-invoice").says("Success!")


def test_a_proforma_is_paid_in_the_same_way(staff, core, sandbox, give_card):
    give_card(JOHN)
    request = next(row for row in sandbox.ledger()["host"]["requests"] if int(row["customer_id"]) == JOHN)
    page = staff.get(f"/ippay/admin/pay-request?item_id={request['number']}")
    assert page.says("Proforma invoice #", "$50.00")
    assert staff.submit(page, "pay-request").says("Success!")


def test_a_lost_answer_is_shown_as_unknown_and_the_page_looks_again(staff, core, sandbox, give_card):
    give_card(JOHN)
    number, page = dialog(staff, sandbox, JOHN)
    sandbox.fault(server="gateway", kind="drop_after", match={"type": "SALE"}, times=1)
    answer = staff.submit(page, "pay-invoice")
    assert answer.says("The outcome is not known yet", "Do not charge again")
    assert 'http-equiv="refresh"' in answer.text
    again = staff.get(f"/ippay/admin/pay-invoice?item_id={number}")
    assert again.says("is being paid", "by our staff")


def test_payments_are_found_by_customer_number_transaction_state_and_door(staff, core, sandbox, give_card):
    give_card(JOHN)
    give_card(ASHLEY)
    numbers = []
    for customer in (JOHN, ASHLEY):
        number, page = dialog(staff, sandbox, customer)
        staff.submit(page, "pay-invoice")
        numbers.append(number)
    first, second = attempts(core)
    for query, found, absent in (
            (f"q={JOHN}", first, second), (f"q={numbers[1]}", second, first),
            (f"q={first.transaction_id.lower()}", first, second)):
        page = staff.get(f"/ippay/admin/?{query}")
        assert page.says(found.transaction_id), query
        assert not page.says(absent.transaction_id), query
    for query in ("state=approved", "door=staff", "from=2020-01-01", "page=1", "state=nonsense", "page=x"):
        assert staff.get(f"/ippay/admin/?{query}").says(first.transaction_id, second.transaction_id), query
    for query in ("state=declined", "door=link", "to=2020-01-01", "q=%3Cscript%3E", "page=2"):
        assert staff.get(f"/ippay/admin/?{query}").says("No payment fits this search."), query


def test_payments_are_found_by_last_four_amount_and_name_as_a_customer_tells_them(staff, core, sandbox, give_card):
    give_card(JOHN)
    give_card(ASHLEY, number="5499740000000057")
    for customer in (JOHN, ASHLEY):
        staff.submit(dialog(staff, sandbox, customer)[1], "pay-invoice")
    first, second = attempts(core)
    for query, found, absent in (("1111", first, second), ("0057", second, first), ("15.00", first, second), ("%24100.00", second, first),
                                 ("John+Sway", first, second), ("sway", first, second), ("mil_er", None, second)):
        page = staff.get(f"/ippay/admin/?q={query}")
        assert found is None or page.says(found.transaction_id), query
        assert not page.says(absent.transaction_id), query
    for query in ("15", "15.01", "x", "Nobody+Known", "%25%25"):
        assert staff.get(f"/ippay/admin/?q={query}").says("No payment fits this search."), query
    assert first.transaction_id in staff.session.get(staff.get("/ippay/admin/?q=sway").link("Download the list (CSV)").href).text


def test_a_search_for_a_name_says_when_splynx_does_not_answer_or_knows_too_many(staff, core, office, sandbox):
    copies(core, 3)
    sandbox.fault(server="host", kind="drop_before", match={"path": "admin/customers/customer"}, times=9)
    page = staff.get("/ippay/admin/?q=sway")
    assert page.says("Splynx does not answer just now, so no customer's name was searched.", "No payment fits this search.")
    assert staff.get("/ippay/admin/payments.csv?q=sway").says("no customer's name was searched")
    sandbox.control("DELETE", "faults")
    for number in range(21):
        office.post("admin/customers/customer", {"name": f"Zoé Nemo {number}", "login": f"zoe{number}", "partner_id": 1, "location_id": 1})
    assert staff.get("/ippay/admin/?q=zo%C3%A9+nemo").says("More than 20 customers have such a name")


def test_the_list_says_what_it_adds_up_to_by_state_and_never_adds_what_is_not_taken(staff, core, sandbox, give_card, give_bank):
    give_card(JOHN)
    give_bank(ASHLEY)
    for customer in (JOHN, ASHLEY):
        staff.submit(dialog(staff, sandbox, customer)[1], "pay-invoice")
    page = staff.get("/ippay/admin/")
    assert page.says("Approved\n$15.00 in 1 payment", "Accepted, not settled yet\n$100.00 in 1 payment")
    assert not page.says("$115.00")
    narrow = staff.get(f"/ippay/admin/?q={JOHN}")
    assert narrow.says("$15.00 in 1 payment")
    assert not narrow.says("$100.00")
    assert staff.click(page, "Accepted, not settled yet").url.endswith("?state=accepted")


def test_the_file_holds_exactly_the_payments_found_and_no_cell_that_a_spreadsheet_runs(staff, core, sandbox, give_card):
    give_card(JOHN)
    give_card(ASHLEY)
    for customer in (JOHN, ASHLEY):
        staff.submit(dialog(staff, sandbox, customer)[1], "pay-invoice")
    first, second = attempts(core)
    facts = sandbox.facts
    SplynxClient(facts["api_url"], facts["api_key"], facts["api_secret"]).put(f"admin/customers/customer/{JOHN}", {"name": '=cmd|"/c calc"'})
    page = staff.get(f"/ippay/admin/?q={JOHN}&state=approved&from=2020-01-01&page=1")
    answer = staff.session.get(page.link("Download the list (CSV)").href)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="payments.csv"'
    header, row = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
    shown = dict(zip(header, row, strict=True))
    assert shown["Transaction ID"] == first.transaction_id != second.transaction_id
    assert (shown["Amount"], shown["Currency"], shown["Status"], shown["Who"]) == ("15.00", "USD", "Approved", "Ada Min")
    assert shown["Customer"] == "'=cmd|\"/c calc\""
    assert shown["Payment in Splynx"] == str(first.lines[0].splynx_payment_id)
    assert staff.get("/ippay/admin/audit?action=export").says("payments.csv", "Ada Min")


def test_an_empty_list_says_what_to_do(staff):
    assert staff.get("/ippay/admin/").says("No payment by IpPay yet.", "card icon", "Payment links")
    page = staff.get("/ippay/admin/?state=declined")
    assert staff.click(page, "Show all payments").url.endswith("/ippay/admin/")


def test_pages_of_a_search_keep_the_search(staff, core):
    copies(core, 60)
    page = staff.get("/ippay/admin/?state=approved&door=staff&from=2020-01-01")
    following = staff.click(page, "Next")
    assert {"state=approved", "door=staff", "from=2020-01-01", "page=2"} <= set(following.url.partition("?")[2].split("&"))
    assert staff.click(following, "Previous").says("Next")


def copies(core, count):
    """Payments that were approved long ago, as rows."""
    now = clock.now()

    def work(session):
        for number in range(count):
            session.add(Attempt(
                transaction_id=f"COPY{number:014d}", submission_key=f"copy-{number}", door="staff", actor="staff 1", customer_id=JOHN,
                partner_id=1, terminal_id="T", environment="test", kind="sale", instrument="card", amount_cents=100, currency="USD",
                state="approved", version=1, state_at=now, created_at=now, send_by_at=now,
                lines=[Line(position=1, document="topup", number="", amount_cents=100, booking="none", booking_version=1)]))

    core.database.run(work)


def test_fifty_payments_need_as_many_queries_as_five(staff, core, counted_queries):
    seen = {}
    for count in (5, 50):
        core.database.run(lambda session: session.execute(text("DELETE FROM line")) and session.execute(text("DELETE FROM attempt")))
        copies(core, count)
        for address in ("/ippay/admin/", "/ippay/admin/?q=sway", "/ippay/admin/?q=1.00", "/ippay/admin/payments.csv"):
            with counted_queries(core) as queries:
                assert staff.get(address).status_code == 200
            seen.setdefault(address, set()).add(len([one for one in queries.statements if "audit" not in one]))
    assert all(len(counts) == 1 for counts in seen.values()), seen


def test_a_payment_shows_every_event_as_a_sentence(staff, core, sandbox, give_card):
    give_card(JOHN)
    number, page = dialog(staff, sandbox, JOHN)
    done = staff.submit(page, "pay-invoice")
    detail = staff.click(done, "/ippay/admin/payments/")
    assert detail.says(f"Ada Min asked for $15.00 for Invoice {number}.", "The request went to the gateway.",
                       "The gateway approved $15.00. Approval", f"Recorded in Splynx. Invoice {number}, $15.00.", "John Sway")
    assert detail.link("The customer in Splynx").href.endswith(f"/admin/customers/view?id={JOHN}")
    assert detail.link("Payments in Splynx").href.endswith("/admin/finance/payments")
    for name in ("transaction-id", "approval", "ip-trans-id", "splynx-1"):
        assert f'data-copy="{name}"' in detail.text
    assert staff.get("/ippay/admin/payments/999").status_code == 404


def test_a_payment_shows_its_mails_with_whether_they_went_out_and_why_not(staff, core, sandbox, give_card, settings_of):
    give_card(JOHN)
    _, page = dialog(staff, sandbox, JOHN)
    staff.submit(page, "pay-invoice")
    [attempt] = attempts(core)
    address = f"/ippay/admin/payments/{attempt.id}"
    assert staff.get(address).says("Mail to the customer: Receipt", "Waits to be sent")
    sending.tick(core)
    assert staff.get(address).says("Not sent", "No mail server was set")
    settings_of(core, smtp_host=sandbox.facts["smtp_host"], smtp_port=sandbox.facts["smtp_port"], smtp_tls="none", smtp_from="pay@north.example")
    core.database.run(lambda session: [enqueue(session, kind=kind, key=kind, customer_id=JOHN, attempt_id=attempt.id) for kind in ("paid", "poem")])
    sending.tick(core)
    page = staff.get(address)
    assert page.says("Sent", "c***@m***.example", "Mail to the customer: poem", "does not know this kind of mail")
    assert "customer1@mail.example" not in page.text


def test_a_returned_debit_says_why_in_words_and_whom_to_ask(staff, core, sandbox, settings_of, give_bank):
    settings_of(core, gateway_contact="IPpay support, 555-0100")
    give_bank(ASHLEY)
    _, page = dialog(staff, sandbox, ASHLEY)
    staff.submit(page, "pay-invoice")
    assert not staff.get("/ippay/admin/payments/1").says("555-0100")
    sandbox.control("POST", "returns", {"transaction_id": attempts(core)[0].transaction_id, "code": "R01"})
    sandbox.jump(days=5)
    returns.tick(core)
    detail = staff.get("/ippay/admin/payments/1")
    assert detail.says("Came back from the bank R01 Insufficient funds", "The bank sent the debit back: R01 Insufficient funds.",
                       "Contact at IPpay: IPpay support, 555-0100")
    assert not detail.says("the bank returned the debit")


def test_every_kind_of_event_and_every_return_of_a_customers_bank_has_words(app, core):
    from splynx_ippay.payments.returns import CUSTOMER_RETURNS

    assert words.RETURNS.keys() >= CUSTOMER_RETURNS
    source = "".join(path.read_text() for path in Path(returns.__file__).parent.glob("*.py"))
    kinds = set(re.findall(r'events\.record\(session, [\w.]+, "(\w+)"', source)) | set(re.findall(r'\bevent="(\w+)"', source))
    kinds |= {"proposed", "decision"} | {f"proposal_{standing}" for standing in set(Standing) - {Standing.OPEN, Standing.APPLIED}}
    assert len(kinds) > 12
    assert kinds <= event_words.EVENTS.keys()
    attempt = Attempt(state="approved", amount_cents=100, currency="USD", action_code="", approval="", reason="", actor="run 7", lines=[])
    with app.test_request_context():
        for kind in event_words.EVENTS:
            for data in ({}, {"to": "unknown", "origin": "intended", "reason": "x", "line": 3, "rows": ["a", "b"], "by": "link"},
                         {"target": "approved", "by": "Ada Min", "second": "Bo Tan"}, {"target": "posted", "by": "Ada Min", "line": 1},
                         {"target": "poem"}, {"target": "poem", "line": 1}):
                assert timeline.entry_of(attempt, Event(kind=kind, data=data, at=clock.now())).sentence, kind


def test_a_list_of_payments_does_not_ask_the_database_once_a_row(staff, core, sandbox, give_card, counted_queries):
    give_card(JOHN)
    for invoice in sandbox.unpaid_invoices(JOHN):
        staff.submit(staff.get(f"/ippay/admin/pay-invoice?item_id={invoice['number']}"), "pay-invoice")
    for address, limit in (("/ippay/admin/", 7), ("/ippay/admin/payments/1", 6)):
        with counted_queries(core) as seen:
            assert staff.get(address).status_code == 200
        assert len(seen) <= limit, (address, seen.statements)


def test_a_stopped_terminal_is_released_after_ippay_answered(staff, core, sandbox):
    terminal = core.settings.terminal(1)
    core.database.run(lambda session: breaker.stop(session, terminal.terminal_id, terminal.environment, "code 003"))
    page = staff.get("/ippay/admin/health")
    assert page.says("Stopped", "code 003", "Ask IPpay and charge again")
    sandbox.fault(server="gateway", kind="http_status", status=500, times=1)
    assert staff.submit(page, "/health/release").says("Charging stays stopped")
    assert staff.submit(page, "/health/release").says("IPpay answered; charging goes on.")
    with core.database.read() as session:
        row = session.get(Terminal, (terminal.terminal_id, terminal.environment))
        assert (row.stopped_at, row.released_by) == (None, "staff 1 (Ada Min)")


def test_the_health_page_shows_every_check(staff, core):
    page = staff.get("/ippay/admin/health")
    from splynx_ippay.host.checks import CHECKS

    assert page.status_code == 200
    assert page.says(*[check.title for check in CHECKS])


def test_the_health_page_says_in_one_line_whether_all_is_well_and_leads_to_what_is_not(staff, core, settings_of, sandbox):
    core.database.run(lambda session: session.add(
        Lease(name="booking", holder="w", until=clock.now(), ran_at=clock.now(), tries=0, problem="")))
    assert staff.get("/ippay/admin/health").says("Everything is well, looked at 2")
    settings_of(core, other_chargers_off="0", environment="production")
    terminal = core.settings.terminal(1)
    core.database.run(lambda session: breaker.stop(session, terminal.terminal_id, terminal.environment, "code 003"))
    page = staff.get("/ippay/admin/health")
    assert page.says("2 things need you")
    assert page.link("No other charger").href.endswith("#check-other_chargers")
    assert 'id="check-other_chargers"' in page.text
    assert page.link("Open the setting").href.endswith("/ippay/admin/settings#other_chargers_off")
    assert page.link("Charge again, on this page").href.endswith("#stopped")
    assert 'id="stopped"' in page.text


def test_every_check_leads_to_a_field_that_exists_or_to_the_log(staff, core):
    from splynx_ippay.admin.health import MENDED_IN_SETTINGS
    from splynx_ippay.host.checks import CHECKS

    assert MENDED_IN_SETTINGS.keys() <= {check.id for check in CHECKS}
    page = staff.get("/ippay/admin/settings")
    assert all(f'id="{field}"' in page.text for field in MENDED_IN_SETTINGS.values() if field)


def test_a_decline_tells_staff_the_code_and_what_to_do(staff, core, sandbox, give_card):
    give_card(JOHN)
    invoice = sandbox.unpaid_invoices(JOHN)[0]
    core.host.client.post("admin/finance/payments", {
        "customer_id": JOHN, "invoice_id": int(invoice["id"]), "payment_type": 1, "date": "2026-01-01",
        "amount": "9.95", "comment": "cash"})
    page = staff.get(f"/ippay/admin/pay-invoice?item_id={invoice['number']}")
    answer = staff.submit(page, "pay-invoice")
    assert answer.says("The payment was declined", "Nothing was charged.", "005 Do not honor", "Another method may work")
    assert staff.click(answer, "Back to the saved methods").says("Invoice #")


def test_a_stopped_terminal_is_named_to_staff_who_want_to_charge(staff, core, sandbox, give_card):
    give_card(JOHN)
    _, page = dialog(staff, sandbox, JOHN)
    terminal = core.settings.terminal(1)
    core.database.run(lambda session: breaker.stop(session, terminal.terminal_id, terminal.environment, "code 003"))
    answer = staff.submit(page, "pay-invoice")
    assert answer.status_code == 503
    assert answer.says("Nothing was charged: charging on terminal", "code 003")
    assert not sandbox.sales()


def test_an_amount_that_changed_while_the_dialog_was_open_is_shown_and_not_taken(staff, core, sandbox, give_card):
    give_card(JOHN)
    invoice = sandbox.unpaid_invoices(JOHN)[0]
    _, page = dialog(staff, sandbox, JOHN)
    core.host.client.post("admin/finance/payments", {
        "customer_id": JOHN, "invoice_id": int(invoice["id"]), "payment_type": 1, "date": "2026-01-01", "amount": "5.00",
        "comment": "cash"})
    answer = staff.submit(page, "pay-invoice")
    assert answer.status_code == 409
    assert answer.says("The amount due has changed to $10.00", "Nothing was charged")
    assert not sandbox.sales()
    assert staff.submit(answer, "pay-invoice").says("Success!")
    assert [sale["amount_cents"] for sale in sandbox.sales()] == [1000]


def test_every_ending_of_a_payment_has_its_words_for_staff(core):
    from splynx_ippay.admin.words import BOOKINGS, DOORS, ENDINGS, SIGNS, STATES
    from splynx_ippay.payments.models import Booking, Door, State
    from splynx_ippay.payments.view import ending

    for state in State:
        attempt = Attempt(state=state, instrument="card", action_code="003", brand="Visa", response_text="")
        if state != State.ACCEPTED:
            assert ending(attempt).name in ENDINGS
    assert ENDINGS.keys() >= {"accepted", "declined", "settled"}
    assert STATES.keys() == SIGNS.keys() == set(State)
    assert BOOKINGS.keys() == set(Booking)
    assert DOORS.keys() == set(Door)


def test_the_page_of_a_payment_with_a_fee_shows_it_apart_and_staff_never_charge_one(staff, core, sandbox, give_card, settings_of):
    settings_of(core, card_fee_percent="3")
    sandbox.control("POST", "gateway", {"penny_triggers": False})
    method = give_card(JOHN)
    attempt = charge.take(core, charge.Order(
        door=Door.PORTAL, customer_id=JOHN, partner_id=1, items=(charge.Item("topup", None, "", Money(30_00, "USD")),),
        source=charge.SavedMethod(method.id), submission_key=charge.new_submission_key(), actor="customer 1", card_fee=Money(90, "USD")))
    page = staff.get(f"/ippay/admin/payments/{attempt.id}")
    assert page.says("$30.90", "Card fee in it", "$0.90", f"(transaction {attempt.fee_line.splynx_transaction_id})", "Transaction in Splynx")
    assert staff.get("/ippay/admin/").says("Money added", "Card fee")
    [row] = csv.DictReader(io.StringIO(staff.get("/ippay/admin/payments.csv").response.content.decode("utf-8-sig")))
    assert (row["Amount"], row["Card fee"]) == ("30.90", "0.90")
    _, page = dialog(staff, sandbox, JOHN)
    assert not page.says("fee")
    staff.submit(page, "pay-invoice")
    assert [attempt.fee_cents for attempt in attempts(core)] == [90, 0]
