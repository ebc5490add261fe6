"""Bad input gets a clear error, and nothing is lost: the words the person reads, and the ledger that nothing moved twice."""

import re
import sqlite3
import threading
from contextlib import closing, contextmanager

import pytest

from splynx_ippay.host.host_cli import HostCli
from splynx_ippay_sandbox.demo.people import open_menu, saved

WRONG_CHECKSUM, WRONG_ROUTING = "4111111111111112", "111000026"
OUR_SIDE = "We cannot take payments at the moment because of a problem on our side"
HOST_AWAY = "The billing system does not answer"
ASKING = ("We are asking your bank", "Please do not pay again")


def raw_fields(page, where, **changes):
    """The form's fields as a dict, with some of them changed behind the browser's back."""
    return dict(page.form(where).values({})) | changes


def post_raw(person, page, where, **changes):
    return person.post(page.form(where).action, raw_fields(page, where, **changes), headers={"Referer": page.url})


# -- what a person types -----------------------------------------------------------------------------------------------

WRONG_CARDS = [
    ({"number": WRONG_CHECKSUM}, "This card number has a typing error"),
    ({"number": "4111"}, "Enter the card number, 13 to 19 digits"),
    ({"number": "４１１１１１１１１１１１１１１１"}, "Enter the card number, 13 to 19 digits"),
    ({"number": "9999999999999995"}, "This kind of card is not accepted"),
    ({"expiry": "01/20"}, "This card has expired"),
    ({"expiry": "13/30"}, "Enter the expiry date as on the card"),
    ({"expiry": "12/99"}, "Enter the expiry date as on the card"),
    ({"expiry": "1330"}, "Enter the expiry date as on the card"),
    ({"expiry": "930"}, "Enter the expiry date as on the card"),
    ({"cvv": "12"}, "Enter the security code of the card, 3 digits"),
    ({"cvv": "1２3"}, "Enter the security code of the card, 3 digits"),
    ({"holder": [""]}, "Enter the name on the card"),
    ({"holder": ["4111 1111 1111 1111"]}, "The name holds digits"),
]


def test_a_wrong_card_is_named_beside_its_field_and_nothing_reaches_the_gateway(town, portal):
    for fields, words in WRONG_CARDS:
        page = town.pay(portal, town.invoices()[0], **(town.card() | fields))
        assert page.status_code == 400, words
        assert page.says("Please correct this", words, "The numbers you entered were not kept")
        assert "aria-invalid" in page.text, words
        assert town.visa not in page.text, words
    assert town.calls() == {}
    assert town.nothing_moved()
    assert portal.submit(page, "/ippay/pay-invoice", **town.card()).says("approved")
    assert town.sales() == [("SALE", 1500)]


WRONG_ACCOUNTS = [
    ({"routing": WRONG_ROUTING}, "This routing number is not valid"),
    ({"routing": "11100002"}, "This routing number is not valid"),
    ({"account": "12"}, "Enter the account number, 4 to 17 digits"),
    ({"account": "１２３４５６７８"}, "Enter the account number, 4 to 17 digits"),
    ({"account_again": "12345679"}, "The two account numbers differ"),
    ({"holder": ["", ""]}, "Enter the name on the card or bank account"),
    ({"authorized": False}, "please tick the authorization"),
]


def test_a_wrong_bank_account_is_named_and_nothing_reaches_the_gateway(town, portal):
    for fields, words in WRONG_ACCOUNTS:
        page = town.pay(portal, town.invoices()[0], **(town.bank() | fields))
        assert page.status_code == 400, words
        assert page.says(words), words
        assert town.account not in page.text, words
    assert town.calls() == {}
    assert town.nothing_moved()


def test_a_card_that_only_the_gateway_finds_wrong_is_said_in_the_same_place(town, portal):
    town.sandbox.control("POST", "answers", {"type": "SALE", "action_code": "900", "err_msg": "Invalid card number.  "})
    page = town.pay(portal, town.invoices()[0], **town.card())
    assert page.says("declined", "The card number is not right", "Nothing was charged")
    assert portal.click(page, "Correct the details").form("/ippay/pay-invoice", holding="number")
    assert town.nothing_moved()


IMPOSSIBLE_AMOUNTS = [
    ("0", "more than zero"), ("0.00", "more than zero"), ("-5", "in digits"), ("+5", "in digits"), ("1.005", "too many decimals"),
    ("10000.01", "The largest payment here is $10,000.00"), ("99999999999", "in digits"), ("0.99", "The smallest payment here is $1.00"),
    ("1e3", "in digits"), ("２５", "in digits"), ("٢٥", "in digits"), ("1,000.00", "in digits"), ("NaN", "in digits"),
    ("0x10", "in digits"), ("", "in digits"), ("25.00 USD", "in digits"),
]


def test_an_impossible_amount_is_refused_in_words_and_stays_in_its_field(town, john):
    for typed, words in IMPOSSIBLE_AMOUNTS:
        page = town.top_up(john, typed)
        assert page.status_code == 400, typed
        assert page.says(words), typed
        assert next(field.value for field in page.form("/ippay/", holding="amount").fields if field.name == "amount") == typed
    assert town.calls() == {}
    assert town.nothing_moved()
    assert john.submit(page, "/ippay/", holding="amount", amount="25.00").says("approved")
    assert town.sales() == [("SALE", 2500)]


def test_the_amount_of_an_invoice_cannot_be_edited(town, john):
    page = town.dialog(john, town.invoices()[0])
    answer = post_raw(john, page, "/ippay/pay-invoice", amount_cents="1")
    assert answer.status_code == 400
    assert answer.says("changed on the way", "Nothing was charged")
    assert town.nothing_moved()


# -- documents and methods that are not this person's -------------------------------------------------------------------

def test_an_unknown_document_is_said_in_plain_words(town, portal):
    for number in ("999999999999", "", "0", "' OR '1'='1", "<script>", "../../etc", "x" * 500, "２０２"):
        for path in ("/ippay/pay-invoice", "/ippay/pay-request"):
            page = portal.get(path, params={"item_id": number})
            assert page.status_code == 404, number
            assert page.says("We could not find this among your documents", "Nothing was paid"), number
            assert "<script>" not in page.text
    assert town.nothing_moved()


def test_a_foreign_invoice_looks_like_none_also_when_its_form_is_stolen(town, john, browser_of):
    foreign = town.invoices(town.obrien)[0]
    page = john.get(f"/ippay/pay-invoice?item_id={foreign['number']}")
    assert page.status_code == 404
    assert page.says("We could not find this among your documents")
    assert "O'Brien" not in page.text
    obrien = browser_of(2)
    town.save_card(obrien)
    stolen = raw_fields(town.dialog(obrien, foreign), "/ippay/pay-invoice")
    mine = town.dialog(john, town.invoices()[0])
    stolen["csrf_token"] = raw_fields(mine, "/ippay/pay-invoice")["csrf_token"]
    answer = john.post(f"/ippay/pay-invoice?item_id={foreign['number']}", stolen, headers={"Referer": mine.url})
    assert answer.status_code == 400
    assert answer.says("changed on the way", "Nothing was charged")
    assert town.nothing_moved()


def test_another_customers_method_is_refused_with_the_same_words_as_one_that_is_gone(town, john, browser_of):
    obrien = browser_of(2)
    page = town.save_card(obrien)
    foreign = saved(town.dialog(obrien, town.invoices(town.obrien)[0]).form("/ippay/pay-invoice"))
    form = town.dialog(john, town.invoices()[0])
    words = []
    for method in (foreign, "method:99999"):
        answer = post_raw(john, form, "/ippay/pay-invoice", source=method)
        assert answer.status_code == 400
        assert answer.says("This saved method cannot be used any more. Please choose another one.")
        words.append(re.sub(r"\d+", "", answer.words))
    assert words[0] == words[1]
    number = foreign.removeprefix("method:")
    assert john.get(f"/ippay/credentials/{number}/remove").says("This was removed already.")
    token = raw_fields(page, "/credentials/card")["csrf_token"]
    for action in ("remove", "default"):
        john.post(f"/ippay/credentials/{number}/{action}", {"csrf_token": token})
    assert open_menu(obrien, "IpPay payment credentials").says("1111", "Default")
    assert town.nothing_moved()


def test_a_way_to_pay_that_does_not_exist_is_asked_for_again(town, john):
    page = town.dialog(john, town.invoices()[0])
    for source in ("", "method:", "method:-1", "method:1e3", "method:１", "cash", "method:" + "9" * 40):
        answer = post_raw(john, page, "/ippay/pay-invoice", source=source)
        assert answer.status_code == 400, source
        assert answer.says("Choose how you want to pay."), source
    assert town.nothing_moved()


def test_a_method_of_another_terminal_is_not_offered_and_not_charged(town, john, settings_of):
    form = town.dialog(john, town.invoices()[0])
    settings_of(town.core, partner_id=1, terminal_id="NORTHTERM01")
    page = john.submit(form, "/ippay/pay-invoice")
    assert page.status_code == 400
    assert page.says("This saved method belongs to another account of ours. Please add it again.")
    assert not town.dialog(john, town.invoices()[0]).says("1111")
    assert open_menu(john, "IpPay payment credentials").says("It cannot be used any more with our present payment account")
    assert town.nothing_moved()


@pytest.mark.parametrize("door", ["portal", "link"])
def test_an_invoice_in_another_currency_than_the_terminals_is_not_charged(door, town, john, settings_of, run_program):
    invoice, person = town.invoices()[0], john
    where = "/ippay/pay-invoice" if door == "portal" else "/ippay/l/"
    form = (town.dialog(john, invoice) if door == "portal"
            else john.get(town.link(run_program, "invoice", invoice["id"])))
    settings_of(town.core, partner_id=1, currency="CAD")
    page = person.submit(form, where, source=town.first_saved(form))
    assert page.status_code == 400
    assert page.says("This document is in USD, but payments here are taken in CAD. Please contact us.")
    assert town.nothing_moved()


def test_a_partner_without_a_terminal_is_told_that_payments_are_not_ready(town, browser_of, settings_of, anybody, run_program):
    settings_of(town.core, terminal_id="")
    nora = browser_of(4)
    invoice = town.invoices(town.nora)[0]
    link = town.link(run_program, "invoice", invoice["id"])
    for page in (nora.get(f"/ippay/pay-invoice?item_id={invoice['number']}"), open_menu(nora, "IpPay payment credentials"),
                 anybody.get(link)):
        assert page.status_code == 503
        assert page.says("Payments are not ready here yet", "on our side. Nothing was charged", "contact us")
        assert "Terminal ID" not in page.text
    assert town.nothing_moved()


# -- forms that are old, replayed, forged -------------------------------------------------------------------------------

def test_a_form_that_stood_open_too_long_says_so_and_keeps_the_harmless_fields(town, john, sandbox):
    page = open_menu(john, "Add money by IpPay")
    fields = raw_fields(page, "/ippay/", amount="25.00", csrf_token="IjEi.aaaaaa.bbbbbbbb")
    answer = john.post("/ippay/", fields)
    assert answer.status_code == 400
    assert answer.says("This page was open too long", "Nothing was charged", "press the button once more")
    assert town.nothing_moved()
    fresh = john.get("/ippay/")
    assert next(field.value for field in fresh.form("/ippay/", holding="amount").fields if field.name == "amount") == "25.00"
    assert john.submit(fresh, "/ippay/").says("approved", "$25.00")
    assert town.sales() == [("SALE", 2500)]


def test_without_csrf_no_form_does_anything(town, john):
    for path in ("/ippay/", "/ippay/pay-invoice?item_id=1", "/ippay/credentials/card", "/ippay/credentials/bank",
                 "/ippay/credentials/1/remove", "/ippay/credentials/1/default", "/ippay/direct-pay-invoice?item_id=1", "/ippay/l/abc"):
        answer = john.post(path, {"number": town.mastercard, "expiry": "12/30", "holder": "X", "amount": "5.00", "source": "card"})
        assert answer.status_code == 400, path
        assert answer.says("This page was open too long", "Nothing was charged"), path
        assert town.mastercard not in answer.text, path
    assert open_menu(john, "IpPay payment credentials").says("1111")
    assert town.calls() == {}
    assert town.nothing_moved()


@pytest.mark.parametrize("change", ["", "x", "swap", "cut"])
def test_a_forged_note_of_a_form_is_refused(change, town, john):
    page = town.dialog(john, town.invoices()[0])
    real = raw_fields(page, "/ippay/pay-invoice")["offer"]
    other = raw_fields(open_menu(john, "Add money by IpPay"), "/ippay/")["offer"]
    offer = {"": "", "x": real[:-4] + "AAAA", "swap": other, "cut": real[:40]}[change]
    answer = post_raw(john, page, "/ippay/pay-invoice", offer=offer)
    assert answer.status_code == 400
    assert answer.says("This page was open too long", "Nothing was charged")
    assert town.nothing_moved()


def test_a_replayed_form_shows_what_came_of_it_the_first_time_for_every_ending(town, john):
    ok, no = town.dialog(john, town.invoices()[0]), open_menu(john, "Add money by IpPay")
    first = john.submit(ok, "/ippay/pay-invoice")
    for _ in range(3):
        assert john.submit(ok, "/ippay/pay-invoice").url == first.url
    declined = john.submit(no, "/ippay/", amount="20.51")
    again = john.submit(no, "/ippay/", amount="20.00")
    assert again.url == declined.url
    assert again.says("declined")
    assert town.sales() == [("SALE", 1500)]
    assert len(town.booked()) == 1
    assert town.calls() == {"SALE": 2}


def test_a_hundred_thousand_fields_and_a_megabyte_are_refused_in_words(town, john):
    page = town.dialog(john, town.invoices()[0])
    answer = post_raw(john, page, "/ippay/pay-invoice", number="4" * 1_000_000)
    assert answer.status_code in (400, 413)
    assert answer.says("Nothing was charged")
    assert town.nothing_moved()


# -- a gateway that answers strangely -----------------------------------------------------------------------------------

@pytest.mark.parametrize("kind", ["xml_bomb", "html", "garbage", "oversize", "half_answer", "reset", "echo"])
@pytest.mark.parametrize("booked", [True, False])
def test_an_answer_that_is_none_is_unknown_and_found_or_given_up_without_a_second_sale(kind, booked, town, john):
    if kind in {"half_answer", "reset", "echo"} and booked is (kind != "half_answer"):
        booked = kind == "half_answer"
    invoice = town.invoices()[0]
    town.sandbox.fault(server="gateway", kind=kind, match={"type": "SALE"}, times=1,
                       **({"booked": booked} if kind in {"xml_bomb", "html", "garbage", "oversize"} else {}))
    page = town.pay(john, invoice)
    assert page.says(*ASKING)
    assert town.dialog(john, invoice).says("already being paid")
    assert town.sales() == ([("SALE", 1500)] if booked else [])
    assert town.booked() == []
    town.sandbox.jump(seconds=120)
    town.tick()
    page = john.get(page.url)
    if booked:
        assert page.says("approved", "Receipt")
        assert town.booked() == [(int(invoice["id"]), 1500)]
    else:
        assert page.says(*ASKING)
        assert town.nothing_moved()
    assert len(town.sales()) == int(booked)


@pytest.mark.parametrize("kind", ["xml_bomb", "html", "garbage", "oversize", "half_answer", "reset", "drop_after", "echo"])
def test_card_details_without_a_clear_answer_are_neither_saved_nor_charged(kind, town, portal):
    town.sandbox.fault(server="gateway", kind=kind, match={"type": "TOKENIZE"}, times=1)
    page = town.pay(portal, town.invoices()[0], **town.card(), save=True)
    assert page.status_code in (400, 503)
    assert page.says("nothing was charged") or page.says("Nothing was charged")
    assert town.visa not in page.text
    assert town.nothing_moved()
    assert not open_menu(portal, "IpPay payment credentials").says("1111")
    assert portal.submit(page, "/ippay/pay-invoice", **town.card()).says("approved")
    assert town.sales() == [("SALE", 1500)]


def test_three_answers_that_are_none_stop_the_terminal_and_blame_nobody(town, john):
    town.sandbox.fault(server="gateway", kind="html", match={"type": "SALE"}, times=3)
    for amount in ("21.00", "22.00", "23.00"):
        page = town.pay(john, town.invoices()[0]) if amount == "21.00" else town.pay(john, town.invoices()[int(amount[1]) - 1])
        assert page.says(*ASKING)
    page = town.top_up(john, "25.00")
    assert page.status_code == 503
    assert page.says(OUR_SIDE, "there is nothing wrong with your card or account")
    assert town.nothing_moved()


# -- a host that answers strangely --------------------------------------------------------------------------------------

HOST_FAULTS = [
    *[{"kind": "http_status", "status": status} for status in (401, 403, 404, 422, 429, 500)],
    {"kind": "html"}, {"kind": "garbage"}, {"kind": "oversize"}, {"kind": "half_answer"}, {"kind": "drop_after"},
    {"kind": "delay", "seconds": 2.5},  # a time-out, for a host client in a hurry
]


@pytest.fixture
def hurried(town):
    """The same Splynx with a patience of one second instead of fifteen, so that a time-out does not take a test a minute."""
    town.core.host_seconds = 1.0
    return town


def named(fault):
    return f"{fault['kind']} {fault.get('status', '')}".strip()


@pytest.mark.parametrize("fault", HOST_FAULTS, ids=named)
def test_a_host_that_fails_before_the_sale_means_that_nothing_was_charged(fault, hurried, town, john):
    invoice = town.invoices()[0]
    form = town.dialog(john, invoice)
    town.sandbox.fault(server="host", match={"path": "admin/finance/invoices"}, times=9, **fault)
    page = john.submit(form, "/ippay/pay-invoice")
    town.sandbox.clear_faults()
    assert page.status_code == 503
    assert page.says(HOST_AWAY, "Nothing was charged")
    assert town.calls().get("SALE", 0) == 0
    assert town.nothing_moved()
    assert town.pay(john, invoice).says("approved")
    assert town.sales() == [("SALE", 1500)]


@pytest.mark.parametrize("fault", HOST_FAULTS, ids=named)
def test_a_host_that_fails_after_the_sale_loses_nothing_and_books_once(fault, hurried, town, john):
    invoice = town.invoices()[0]
    form = town.dialog(john, invoice)
    times = 1 if fault["kind"] in {"delay", "drop_after", "half_answer"} else 3
    town.sandbox.fault(server="host", match={"method": "POST", "path": "admin/finance/payments"}, times=times, **fault)
    page = john.submit(form, "/ippay/pay-invoice")
    assert page.says("Success! Your payment was approved")
    assert page.says("It can take a few minutes until it is shown as paid. Please do not pay again.")
    town.sandbox.clear_faults()
    assert town.dialog(john, invoice).says("already being paid") or town.sandbox.invoice(invoice["id"])["status"] == "paid"
    for _ in range(6):
        town.sandbox.jump(seconds=400)
        town.tick("booking")
    assert town.sales() == [("SALE", 1500)]
    assert [cents for _, cents in town.booked()] == [1500]
    assert not john.get(page.url).says("It can take a few minutes")


def test_a_key_the_host_refuses_charges_nothing(town, john, settings_of):
    invoice = town.invoices()[0]
    form, secret = town.dialog(john, invoice), town.core.settings.text("api_secret")
    settings_of(town.core, api_secret="not-the-secret")
    page = john.submit(form, "/ippay/pay-invoice")
    assert page.status_code == 503
    assert page.says(HOST_AWAY, "Nothing was charged")
    assert "not-the-secret" not in page.text
    assert town.nothing_moved()
    settings_of(town.core, api_secret=secret)
    assert town.pay(john, invoice).says("approved")
    assert town.sales() == [("SALE", 1500)]


def test_a_permission_that_is_missing_delays_the_booking_and_loses_nothing(town, john):
    cli = HostCli(town.core.deployment.addon_cli)
    key_id = cli.run("add-or-get-api-key", title="Splynx Ippay Billing Add-On")
    rule = {"id": key_id, "controller": r"api\admin\finance\Payments", "action": "add"}
    cli.run("set-api-key-permission", **rule, rule="deny")
    try:
        page = town.pay(john, town.invoices()[0])
        assert page.says("approved", "It can take a few minutes")
        town.tick("booking")
        assert town.booked() == []
    finally:
        cli.run("set-api-key-permission", **rule, rule="allow")
    for _ in range(3):
        town.sandbox.jump(seconds=3600)
        town.tick("booking")
    assert town.sales() == [("SALE", 1500)]
    assert [cents for _, cents in town.booked()] == [1500]


def test_an_invoice_deleted_while_the_form_was_open_is_not_charged(town, john):
    invoice = town.invoices()[0]
    form = town.dialog(john, invoice)
    town.office.delete(f"admin/finance/invoices/{invoice['id']}")
    page = john.submit(form, "/ippay/pay-invoice")
    assert page.status_code == 409
    assert page.says("There is nothing left to pay on it") or page.says("cancelled")
    assert town.nothing_moved()


def test_a_payment_the_host_will_not_take_is_kept_for_a_person_and_not_charged_again(town, john, settings_of):
    invoice = town.invoices()[0]
    settings_of(town.core, credit_card_payment_method="999")
    page = town.pay(john, invoice)
    assert page.says("approved", "Please do not pay again")
    for _ in range(3):
        town.sandbox.jump(seconds=3600)
        town.tick("booking")
    assert town.sales() == [("SALE", 1500)]
    assert town.booked() == []
    asked = town.dialog(john, invoice)
    assert not any("source" in form.names() for form in asked.forms)
    assert asked.says("already being paid", "Please do not pay again")


@pytest.mark.parametrize("path", ["/ippay/credentials", "/ippay/", "/ippay/pay-invoice?item_id=1", "/ippay/direct-pay-invoice?item_id=1"])
def test_a_host_that_is_away_is_said_on_every_page(path, town, browser_of, anybody):
    john = browser_of(1)
    person = anybody if "direct" in path else john
    page = person.get(path)
    town.sandbox.fault(server="host", kind="http_status", status=500, match={"path": "/api/"}, times=50)
    town.sandbox.jump(seconds=61)
    page = person.submit(page) if "direct" in path else person.get(path)
    assert page.status_code == 503
    assert page.says(HOST_AWAY, "Nothing was charged", "try again in a few minutes")
    town.sandbox.clear_faults()
    assert town.nothing_moved()


# -- a database that is locked or away ----------------------------------------------------------------------------------

@contextmanager
def locked(core):
    """Another program holds the write lock of the database."""
    path = core.database.url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield other
        if other.in_transaction:
            other.execute("ROLLBACK")


def test_a_database_that_is_locked_for_a_moment_only_costs_time(town, john):
    form = town.dialog(john, town.invoices()[0])
    with locked(town.core) as other:
        timer = threading.Timer(1.5, lambda: other.execute("ROLLBACK"))
        timer.start()
        page = john.submit(form, "/ippay/pay-invoice")
        timer.join()
    assert page.says("approved")
    assert town.sales() == [("SALE", 1500)]


@contextmanager
def without(core):
    """The tables are gone: every statement fails at once."""
    from sqlalchemy import text

    names = ("attempt", "method")
    with core.database.engine.begin() as connection:
        for name in names:
            connection.execute(text(f"ALTER TABLE {name} RENAME TO {name}_away"))
    try:
        yield
    finally:
        with core.database.engine.begin() as connection:
            for name in names:
                connection.execute(text(f"ALTER TABLE {name}_away RENAME TO {name}"))


def test_a_database_that_is_away_charges_nothing_and_every_page_says_so(town, john, anybody, run_program):
    form = town.dialog(john, town.invoices()[0])
    link = town.link(run_program, "invoice", town.invoices()[0]["id"])
    with without(town.core):
        pressed = john.submit(form, "/ippay/pay-invoice")
        pages = [john.get("/ippay/credentials"), john.get("/ippay/"), anybody.get(link)]
    assert pressed.status_code == 503
    assert pressed.says("We cannot look at your payments at the moment", "it shows whether the payment went through",
                        "Nothing is ever taken twice")
    for page in pages:
        assert page.status_code == 503
        assert page.says("We cannot look at your payments at the moment", "Nothing was charged")
    assert town.calls() == {}
    assert town.nothing_moved()
    assert john.submit(form, "/ippay/pay-invoice").says("approved")
    assert town.sales() == [("SALE", 1500)]


def test_a_database_that_goes_away_during_the_sale_loses_no_answer(town, john, tmp_path):
    from datetime import timedelta

    town.core.keep_trying = timedelta(seconds=1)
    invoice = town.invoices()[0]
    form = town.dialog(john, invoice)
    town.sandbox.fault(server="gateway", kind="delay", seconds=2, match={"type": "SALE"}, times=1)
    pages = []
    thread = threading.Thread(target=lambda: pages.append(john.submit(form, "/ippay/pay-invoice")))
    thread.start()
    town_sold(town)
    with without(town.core):
        thread.join(60)
    assert pages[0].status_code == 503
    assert pages[0].says("If you were paying just now, please open the page again", "Nothing is ever taken twice")
    assert town.sales() == [("SALE", 1500)]
    assert list(town.core.spool.glob("*.json")), "the answer waits in a file"
    town.tick()
    assert town.booked() == [(int(invoice["id"]), 1500)]
    assert john.submit(form, "/ippay/pay-invoice").says("approved", "Receipt")
    assert town.sales() == [("SALE", 1500)]
    assert list(town.core.spool.glob("*.json")) == []


def town_sold(town):
    """Wait until the gateway has booked the sale; its answer is still on its way."""
    import time

    ends = time.monotonic() + 20
    while not town.sales():
        assert time.monotonic() < ends, "the sale did not reach the gateway"
        time.sleep(0.02)
