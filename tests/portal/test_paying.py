"""Paying an invoice, a proforma, a top-up in the portal; every ending in its own words."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from sqlalchemy import select

from splynx_ippay.base.money import Money
from splynx_ippay.ippay.messages import Card
from splynx_ippay.letters import sending
from splynx_ippay.payments import balance, charge, reconcile, returns, saving, states
from splynx_ippay.payments.models import Attempt, State
from splynx_ippay.splynx.resources import PaymentDraft


def attempts(core):
    with core.database.read() as session:
        return list(session.scalars(select(Attempt).order_by(Attempt.id)))


def pay_elsewhere(core, invoice, cents):
    core.host.post_payment(PaymentDraft(customer_id=int(invoice["customer_id"]), amount=Money(cents, "USD"), date=date.today(),
                                        payment_type=1, invoice_id=int(invoice["id"]), comment="cash", field_1="", field_2=""))


def test_a_saved_card_pays_at_one_press_with_a_receipt(john, pay_page, invoice, sandbox):
    page = john.get(pay_page)
    assert page.says(f"Invoice #{invoice['number']}", "Total amount", "$15.00", "Visa •••• 1111")
    page = john.submit(page, "/ippay/pay-invoice")
    assert page.says("approved", "Your transaction has been successfully processed.", "Receipt", "$15.00", invoice["number"],
                     "Visa •••• 1111", "Approval code", "Reference")
    assert "/ippay/payments/" in page.url
    assert "12-2030" not in page.words  # a receipt shows no expiry
    [sale] = sandbox.sales()
    assert sale["approval"] in page.words
    assert sandbox.invoice(invoice["id"])["status"] == "paid"
    assert len(sandbox.payments()) == 1 + 2  # the seed holds two


def test_a_charge_by_saved_method_is_one_gateway_call_and_few_host_calls(john, pay_page, sandbox):
    page = john.get(pay_page)
    sandbox.reset_counters()
    john.submit(page, "/ippay/pay-invoice")
    assert sandbox.counters()["gateway"] == {"SALE": 1}


def test_looking_never_moves_money(john, pay_page, sandbox, core):
    for path in (pay_page, "/ippay/", "/ippay/index", "/ippay/credentials"):
        john.get(path)
        john.session.head(john.base_url + path)
    assert sandbox.sales() == []
    assert attempts(core) == []


def test_a_new_card_pays_and_is_kept_only_when_ticked(portal, pay_page, numbers, core, sandbox):
    page = portal.get(pay_page)
    page = portal.submit(page, "/ippay/pay-invoice", holding="number", source="card", number=numbers.visa, expiry="12/30",
                         holder="John Sway", cvv="123")
    assert page.says("approved")
    assert not portal.get("/ippay/credentials").says("•••• 1111")
    page = portal.submit(portal.get("/ippay/"), "/ippay/", holding="amount", amount="25.00", source="card",
                         number=numbers.visa, expiry="12/30", holder="John Sway", cvv="123", save=True)
    assert page.says("approved", "Money added to your account")
    assert portal.get("/ippay/credentials").says("•••• 1111")
    assert len(sandbox.sales()) == 2


def test_a_new_bank_account_pays_with_its_authorization_kept_out_of_sight(portal, pay_page, invoice, numbers, sandbox):
    page = portal.submit(portal.get(pay_page), "/ippay/pay-invoice", source="bank", routing=numbers.routing,
                         account=numbers.account, account_again=numbers.account, kind="SAVINGS", holder="John Sway", authorized=True)
    assert page.says("Your bank debit is on its way", "please do not pay again", "What happens next", "may send the debit back",
                     "•••• 5678")
    assert sandbox.invoice(invoice["id"])["status"] != "paid"
    again = portal.get(pay_page)
    assert not any("source" in form.names() for form in again.forms)
    assert portal.click(again, "/ippay/payments/").says("Your bank debit is on its way")


def test_a_proforma_is_paid_once(john, sandbox):
    proforma = next(row for row in sandbox.ledger()["host"]["requests"] if int(row["customer_id"]) == 1)
    path = f"/ippay/pay-request?item_id={proforma['number']}"
    page = john.submit(john.get(path), "/ippay/pay-request")
    assert page.says("approved", proforma["number"])
    assert john.get(path).says("There is nothing left to pay on it.")
    assert len(sandbox.sales()) == 1


def test_a_top_up_is_booked_on_the_account(john, sandbox):
    page = john.submit(john.get("/ippay/index"), "/ippay/", amount="25.00")
    assert page.says("approved", "Money added to your account", "Back to portal")
    assert page.link("Back to portal").attributes["target"] == "_top"
    assert [row["invoice_id"] for row in sandbox.payments()][-1] in (None, 0, "0", "")


@pytest.mark.parametrize(("typed", "words"), [
    ("0", "more than zero"), ("-5", "in digits"), ("1e3", "in digits"), ("1.005", "too many decimals"), ("２５", "in digits"),
    ("", "in digits"), ("10001", "The largest payment here is $10,000.00"), ("0.50", "The smallest payment here is $1.00"),
])
def test_impossible_amounts_are_refused_in_words_and_kept_in_the_field(john, sandbox, typed, words):
    page = john.submit(john.get("/ippay/"), "/ippay/", amount=typed)
    assert page.status_code == 400
    assert page.says(words)
    assert f'value="{typed}"' in page.text
    assert 'aria-describedby="amount-problem' in page.text
    assert sandbox.sales() == []
    page = john.submit(page, "/ippay/", amount="25.00")
    assert page.says("approved")


@pytest.mark.parametrize(("amount", "words", "button"), [
    ("20.51", "There is not enough money available on this card", "source=card"),
    ("20.05", "Your bank did not allow this payment", "source=card"),
])
def test_a_decline_says_why_and_what_to_do_next(john, sandbox, amount, words, button):
    page = john.submit(john.get("/ippay/"), "/ippay/", amount=amount)
    assert page.says("The payment was declined", words, "Nothing was charged", "Reference")
    fresh = john.click(page, button)
    card = next(field for field in fresh.form("/ippay/").fields if field.name == "source" and field.value == "card")
    assert card.checked
    assert sandbox.sales() == []


def test_a_lost_answer_is_asked_for_and_the_same_page_becomes_the_receipt(john, pay_page, invoice, sandbox, core):
    sandbox.fault(server="gateway", kind="drop_after", match={"type": "SALE"}, times=1)
    page = john.submit(john.get(pay_page), "/ippay/pay-invoice")
    assert page.says("We are asking your bank", "do not pay again")
    assert page.sight.refresh == page.url
    held = john.get(pay_page)
    assert held.says("already being paid in the portal, since")
    assert not any("source" in form.names() for form in held.forms)
    sandbox.jump(seconds=120)
    reconcile.tick(core)
    page = john.get(page.url)
    assert page.says("approved", invoice["number"])
    assert page.sight.refresh is None
    assert len(sandbox.sales()) == 1


def test_a_gateway_out_of_reach_took_nothing_and_the_page_says_so(john, pay_page, sandbox):
    page = john.get(pay_page)
    sandbox.fault(server="gateway", kind="refuse", seconds=60)
    page = john.submit(page, "/ippay/pay-invoice")
    assert page.says("Nothing was charged", "No money was taken")
    sandbox.control("DELETE", "faults", server="host")  # the gateway itself hears nothing
    page = john.submit(john.click(page, "Try again"), "/ippay/pay-invoice")
    assert page.says("approved")
    assert len(sandbox.sales()) == 1


def test_a_changed_amount_is_shown_and_nothing_is_charged(john, pay_page, invoice, sandbox, core):
    page = john.get(pay_page)
    pay_elsewhere(core, invoice, 500)
    page = john.submit(page, "/ippay/pay-invoice")
    assert page.status_code == 409
    assert page.says("The amount due has changed to $10.00", "Nothing was charged")
    assert sandbox.sales() == []
    page = john.submit(page, "/ippay/pay-invoice")
    assert page.says("approved", "$10.00")
    assert [sale["amount_cents"] for sale in sandbox.sales()] == [1000]


def test_an_invoice_paid_meanwhile_is_not_paid_again(john, pay_page, invoice, sandbox, core):
    page = john.get(pay_page)
    pay_elsewhere(core, invoice, 1500)
    page = john.submit(page, "/ippay/pay-invoice")
    assert page.says("There is nothing left to pay on it.")
    assert john.get(pay_page).says("There is nothing left to pay on it.")
    assert sandbox.sales() == []


def test_a_form_sent_twice_shows_what_came_of_it_the_first_time(john, pay_page, sandbox):
    page = john.get(pay_page)
    first = john.submit(page, "/ippay/pay-invoice")
    second = john.submit(page, "/ippay/pay-invoice")
    assert second.url == first.url
    assert second.says("approved")
    assert len(sandbox.sales()) == 1


def test_ten_presses_at_once_are_one_sale(john, pay_page, sandbox):
    page = john.get(pay_page)
    with ThreadPoolExecutor(10) as pool:
        pages = list(pool.map(lambda _: john.submit(page, "/ippay/pay-invoice"), range(10)))
    assert {one.status_code for one in pages} == {200}
    assert len({one.url for one in pages}) == 1
    assert len(sandbox.sales()) == 1


def test_a_second_tab_learns_that_the_invoice_is_being_paid(john, pay_page, sandbox):
    here, there = john.get(pay_page), john.get(pay_page)
    sandbox.fault(server="gateway", kind="drop_after", match={"type": "SALE"}, times=1)
    john.submit(here, "/ippay/pay-invoice")
    page = john.submit(there, "/ippay/pay-invoice")
    assert page.status_code == 409
    assert page.says("already being paid in the portal", "Please do not pay again")
    assert len(sandbox.sales()) == 1


@pytest.mark.parametrize("number", ["999999", "", "' OR 1=1", "<b>"])
def test_an_unknown_invoice_is_said_in_plain_words(portal, number):
    page = portal.get("/ippay/pay-invoice", params={"item_id": number})
    assert page.status_code == 404
    assert page.says("We could not find this among your documents", "Nothing was paid")


def test_a_foreign_invoice_looks_like_none(portal, foreign_invoice):
    page = portal.get(f"/ippay/pay-invoice?item_id={foreign_invoice['number']}")
    assert page.status_code == 404
    assert page.words == portal.get("/ippay/pay-invoice?item_id=999999").words


def test_somebody_elses_saved_method_cannot_be_used(john, browser_of, sandbox, foreign_invoice, core):
    other = browser_of(2)
    page = other.get(f"/ippay/pay-invoice?item_id={foreign_invoice['number']}")
    values = dict(page.form("/ippay/pay-invoice").values({})) | {"source": "method:1"}
    answer = other.post(page.url, values)
    assert answer.status_code == 400
    assert answer.says("This saved method cannot be used any more")
    assert sandbox.sales() == []


@pytest.mark.parametrize("change", [{"offer": "k:nonsense"}, {"offer": ""}, {"amount_cents": "1"}, {"submission_key": "another"}])
def test_an_edited_form_is_refused_and_moves_nothing(john, pay_page, sandbox, change):
    page = john.get(pay_page)
    values = dict(page.form("/ippay/pay-invoice").values({})) | change
    answer = john.post(page.url, values)
    assert answer.status_code == 400
    assert answer.says("This page was open too long")
    assert sandbox.sales() == []


def test_somebody_elses_form_is_refused(john, browser_of, pay_page, sandbox):
    values = dict(john.get(pay_page).form("/ippay/pay-invoice").values({}))
    other = browser_of(2)
    token = dict(other.get("/ippay/").form("/ippay/").values({}))["csrf_token"]
    assert other.post(pay_page, values | {"csrf_token": token}).says("This page was open too long")
    assert sandbox.sales() == []


def test_somebody_elses_payment_cannot_be_looked_at(john, browser_of, pay_page):
    page = john.submit(john.get(pay_page), "/ippay/pay-invoice")
    assert browser_of(2).get(page.url).status_code == 404


def test_card_details_are_never_shown_again_after_a_mistake(portal, pay_page, numbers, sandbox):
    page = portal.submit(portal.get(pay_page), "/ippay/pay-invoice", source="card", number=numbers.visa, expiry="12/30",
                         holder="Jane Roe", cvv="12")
    assert page.status_code == 400
    assert page.says("Enter the security code of the card, 3 digits.")
    assert 'aria-describedby="card-cvv-problem' in page.text
    assert numbers.visa not in page.text
    assert "12/30" not in page.text
    assert 'value="Jane Roe"' in page.text
    assert sandbox.counters()["gateway"] == {}


def test_a_card_number_in_the_wrong_field_is_dropped(portal, numbers):
    page = portal.submit(portal.get("/ippay/"), "/ippay/", amount=numbers.visa, source="card", number="", expiry="", cvv="")
    assert page.status_code == 400
    assert numbers.visa not in page.text


def test_the_security_code_of_american_express_has_four_digits(portal, numbers):
    page = portal.submit(portal.get("/ippay/"), "/ippay/", amount="25.00", source="card", number=numbers.amex, expiry="12/30",
                         cvv="123", holder="Jane Roe")
    assert page.says("Enter the security code of the card, 4 digits.")


def test_a_stopped_terminal_tells_the_payer_that_it_is_our_side(john, pay_page, sandbox, core, settings_of):
    settings_of(core, terminal_id="NOTOURS")
    page = john.get(pay_page)
    page = john.submit(page, "/ippay/pay-invoice", source="card", number="4111111111111111", expiry="12/30", cvv="123",
                       holder="John Sway")
    assert page.says("because of a problem on our side", "Nothing was charged")
    assert not page.says("declined")
    assert sandbox.sales() == []


def test_an_answer_about_our_set_up_is_no_decline_and_stops_the_terminal(john, sandbox):
    page = john.submit(john.get("/ippay/"), "/ippay/", amount="20.03")  # the test gateway: invalid merchant
    assert page.says("We cannot take payments at the moment", "Nothing was charged", "nothing wrong with your card")
    assert not page.says("declined")
    page = john.submit(john.get("/ippay/"), "/ippay/", amount="25.00")
    assert page.says("because of a problem on our side")
    assert sandbox.sales() == []


def test_after_many_refusals_the_same_card_has_to_wait(john, sandbox):
    for _ in range(10):
        assert john.submit(john.get("/ippay/"), "/ippay/", amount="20.51").says("declined")
    page = john.submit(john.get("/ippay/"), "/ippay/", amount="25.00")
    assert page.status_code == 429
    assert page.says("too many tries", "Nothing was charged")
    assert sandbox.sales() == []


def test_a_returned_debit_says_so_and_offers_another_way(portal, add_bank, pay_page, sandbox, core):
    add_bank(portal)
    page = portal.submit(portal.get(pay_page), "/ippay/pay-invoice")
    transaction_id = page.url.rpartition("/")[2]
    sandbox.control("POST", "returns", {"transaction_id": transaction_id, "code": "R02"})
    sandbox.jump(days=5)
    returns.tick(core)
    page = portal.get(page.url)
    assert page.says("Your bank sent the debit back", "the account is closed", "The amount is open again")
    assert portal.click(page, "Pay another way").says("Total to pay")


def test_a_settled_debit_becomes_a_receipt(portal, add_bank, pay_page, sandbox, core):
    add_bank(portal)
    page = portal.submit(portal.get(pay_page), "/ippay/pay-invoice")
    sandbox.jump(days=5)
    returns.tick(core)
    assert portal.get(page.url).says("Your bank has paid", "Receipt")


def test_a_partner_without_a_terminal_says_that_payments_are_not_ready(portal, settings_of, core):
    settings_of(core, terminal_id="")
    page = portal.get("/ippay/")
    assert page.status_code == 503
    assert page.says("Payments are not ready here yet", "Nothing was charged")
    assert "Terminal ID" not in page.words  # for staff, not for customers


@pytest.mark.parametrize("fault", [{"kind": "http_status", "status": 500}, {"kind": "html"}, {"kind": "reset"}])
def test_a_host_that_does_not_answer_is_said_and_nothing_is_charged(john, pay_page, sandbox, fault):
    page = john.get(pay_page)
    sandbox.fault(server="host", match={"path": "admin/finance/invoices"}, times=10, **fault)
    answer = john.submit(page, "/ippay/pay-invoice")
    assert answer.status_code == 503
    assert answer.says("The billing system does not answer", "Nothing was charged")
    assert sandbox.sales() == []
    assert john.get(pay_page).says("The billing system does not answer")
    sandbox.clear_faults()
    assert john.submit(answer, "/ippay/pay-invoice").says("approved")


def test_the_language_of_the_settings_is_the_pages_language(john, settings_of, core):
    assert 'lang="en"' in john.get("/ippay/").text
    settings_of(core, language="fr")
    assert 'lang="fr"' in john.get("/ippay/").text
    settings_of(core, language="tlh")
    assert 'lang="en"' in john.get("/ippay/").text


def test_the_page_names_the_masked_address_once_its_mail_has_gone_out_and_not_before(john, pay_page, core, sandbox, settings_of):
    page = john.submit(john.get(pay_page), "/ippay/pay-invoice")
    assert not page.says("mailed")
    settings_of(core, smtp_host=sandbox.facts["smtp_host"], smtp_port=sandbox.facts["smtp_port"], smtp_tls="none", smtp_from="pay@north.example")
    assert sending.tick(core) == 1
    assert john.get(page.url).says("We have also mailed this to c***@m***.example.")
    core.database.run(lambda session: states.move(session, states.get_attempt(session, 1), State.REVIEW, reason="odd"))
    assert not john.get(page.url).says("mailed"), "the mail said something else"


def test_a_customer_sees_what_became_of_a_charge_of_the_whole_balance(portal, core, sandbox):
    method = saving.save(core, 1, 1, Card(number="4111111111111111", exp_month=12, exp_year=2034, holder="John Sway", postal_code="80202"), None)
    sandbox.control("POST", "answers", {"type": "SALE", "action_code": "051"})
    attempt = charge.take(core, charge.Order(
        door="run", customer_id=1, partner_id=1, actor="run 1", origin="RECURRING", source=charge.SavedMethod(method.id),
        items=(charge.Item("balance", None, "", balance.read_owed(core, 1, "USD")),), submission_key="balance-1"))
    page = portal.get(f"/ippay/payments/{attempt.transaction_id}")
    assert page.says("declined", "not enough money", "Back to portal")
    assert portal.click(page, "Use another card or account").status_code == 200
