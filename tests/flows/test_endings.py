"""Every way a payment can end has its own page, with words that are true about the money and a next step."""

import pytest

from splynx_ippay_sandbox.demo.people import open_menu

# The test gateway declines by the cents: amount, what the page says of the reason, what it offers next.
DECLINES = [
    ("20.51", "There is not enough money available on this card", "Use another card or account", True),
    ("20.05", "Your bank did not allow this payment", "Use another card or account", True),
    ("20.01", "Your bank wants to hear from you before it allows this payment", "Use another card or account", True),
    ("20.04", "Your bank did not allow this payment", "Use another card or account", False),
    ("20.41", "Your bank did not allow this payment", "Use another card or account", False),
    ("20.43", "Your bank did not allow this payment", "Use another card or account", False),
    ("20.54", "This card has expired", "Correct the details", False),
    ("20.61", "over a limit your bank has set", "Use another card or account", True),
    ("20.65", "used too often in a short time", "Use another card or account", True),
    ("20.82", "The security code does not fit this card", "Correct the details", False),
    ("20.57", "cannot be used for this payment", "Use another card or account", False),
]
SECRET_OF_THE_BANK = ("lost", "stolen", "pick up", "fraud", "restricted")


def lose_answer(town, kind="drop_after", wire="SALE"):
    town.sandbox.fault(server="gateway", kind=kind, match={"type": wire}, times=1)


def test_a_decline_says_why_that_nothing_was_charged_and_what_to_do(town, john):
    for place, (amount, reason, step, may_retry) in enumerate(DECLINES):
        if place == 5:  # ten tries with one card, and no more
            town.save_card(john, town.mastercard)
        page = town.top_up(john, amount)
        assert page.says("The payment was declined", reason, "Nothing was charged", "Reference", f"Code: 0{amount[-2:]}"), amount
        assert not any(page.says(word) for word in SECRET_OF_THE_BANK), amount
        assert page.link(step)
        assert any("Try again" in link.words for link in page.sight.links) is may_retry, amount
    assert town.nothing_moved()


def test_after_ten_declines_a_card_rests_and_the_page_says_so(town, john):
    for _ in range(10):
        assert town.top_up(john, "20.51").says("declined")
    page = town.top_up(john, "20.00")
    assert page.status_code == 429
    assert page.says("There were too many tries with this card or account", "Nothing was charged", "use another card or account")
    assert town.nothing_moved()
    assert john.submit(page, "/ippay/", holding="amount", **town.card(town.mastercard)).says("approved")


def test_after_a_decline_another_card_pays_the_same_invoice(town, john):
    invoice = town.invoices()[0]
    town.sandbox.control("POST", "answers", {"type": "SALE", "action_code": "051"})
    page = town.pay(john, invoice)
    assert page.says("declined", "not enough money", "Nothing was charged")
    fresh = john.click(page, "Use another card or account")
    assert fresh.says(f"Invoice #{invoice['number']}", "$15.00")
    page = john.submit(fresh, "/ippay/pay-invoice", **town.card(town.mastercard))
    assert page.says("approved", "Mastercard •••• 4444")
    assert town.sales() == [("SALE", 1500)]
    assert town.booked() == [(int(invoice["id"]), 1500)]


def test_a_lost_answer_refreshes_itself_until_the_worker_has_found_the_sale(town, john, wait_until):
    invoice = town.invoices()[0]
    lose_answer(town)
    page = town.pay(john, invoice)
    assert page.says("We are asking your bank", "We do not know yet", "Please do not pay again", "looks again every few seconds",
                     "Look again now")
    assert page.sight.refresh == page.url
    assert page.sight.frames == []
    assert town.booked() == []
    town.tick()
    assert john.get(page.url).says("We are asking your bank")
    town.sandbox.jump(seconds=120)
    town.tick()
    final = john.get(page.url)
    assert final.says("Success! Your payment was approved", "Receipt", invoice["number"])
    assert final.sight.refresh is None
    assert town.sales() == [("SALE", 1500)]
    assert town.booked() == [(int(invoice["id"]), 1500)]


def test_a_sale_that_never_arrived_ends_as_nothing_charged_once_the_reports_prove_it(town, john):
    invoice = town.invoices()[0]
    lose_answer(town, "drop_before")
    page = town.pay(john, invoice)
    assert page.says("We are asking your bank", "do not pay again")
    held = town.dialog(john, invoice)
    assert held.says("already being paid in the portal, since", "Please do not pay again")
    assert john.click(held, "Show that payment").says("We are asking your bank")
    town.sandbox.jump(seconds=60)
    assert town.pay(john, town.invoices()[1]).says("approved")  # a later sale of ours proves that the report is fresh
    town.sandbox.jump(days=2)
    town.tick()
    final = john.get(page.url)
    assert final.says("Nothing was charged", "No money was taken", "You can try again now")
    page = john.submit(john.click(final, "Try again"), "/ippay/pay-invoice")
    assert page.says("approved")
    assert sorted(town.sales()) == [("SALE", 1500), ("SALE", 12000)]


def test_an_answer_nobody_can_find_goes_to_a_person_and_the_page_says_so(town, john, settings_of):
    settings_of(town.core, reporting_merchant_id="", bank_manual_routine="1")
    lose_answer(town, "drop_before")
    page = town.pay(john, town.invoices()[0])
    town.sandbox.jump(days=2)
    town.tick()
    final = john.get(page.url)
    assert final.says("We are checking this payment by hand", "Please do not pay again",
                      "If money was taken, it counts for you; if not, you can pay later.")
    assert final.sight.refresh is None
    assert town.nothing_moved()


@pytest.mark.parametrize("what", ["invoice", "topup"])
def test_a_payment_that_never_left_says_that_nothing_was_taken_and_can_be_tried_again(what, town, john):
    form = town.dialog(john, town.invoices()[0]) if what == "invoice" else open_menu(john, "Add money by IpPay")
    where, fields = ("/ippay/pay-invoice", {}) if what == "invoice" else ("/ippay/", {"amount": "15.00"})
    town.sandbox.fault(server="gateway", kind="refuse", seconds=60)
    page = john.submit(form, where, **fields)
    assert page.says("Nothing was charged", "stopped before it reached the payment company", "No money was taken")
    town.sandbox.control("DELETE", "faults", server="host")
    assert town.nothing_moved()
    page = john.submit(john.click(page, "Try again"), where, **fields)
    assert page.says("approved")
    assert town.sales() == [("SALE", 1500)]


def test_new_details_that_could_not_be_sent_are_asked_for_again_and_nothing_is_kept(town, portal):
    form = town.dialog(portal, town.invoices()[0])
    town.sandbox.fault(server="gateway", kind="refuse", seconds=60)
    page = portal.submit(form, "/ippay/pay-invoice", **town.card(), save=True)
    assert page.status_code == 503
    assert page.says("The payment company could not be reached. Nothing was charged.")
    assert town.visa not in page.text
    town.sandbox.control("DELETE", "faults", server="host")
    assert not open_menu(portal, "IpPay payment credentials").says("1111")
    assert portal.submit(page, "/ippay/pay-invoice", **town.card()).says("approved")
    assert town.sales() == [("SALE", 1500)]
    assert open_menu(portal, "IpPay payment credentials").says("1111"), "the wish to save it was kept with the form"


def test_a_bank_debit_is_accepted_then_settles_and_the_same_page_follows(town, portal):
    town.save_bank(portal)
    invoice = town.invoices()[0]
    page = town.pay(portal, invoice)
    assert page.says("Your bank debit is on its way", "You do not need to do anything", "please do not pay again", "What happens next",
                     "the money leaves your account", "your bank may send the debit back", "Your order to the bank")
    assert page.sight.refresh is None
    assert town.booked() == []
    assert town.dialog(portal, invoice).says("already being paid")
    town.next_week()
    town.tick()
    assert portal.get(page.url).says("Success! Your bank has paid", "Receipt", "$15.00")
    assert town.booked() == [(int(invoice["id"]), 1500)]
    assert town.sandbox.invoice(invoice["id"])["status"] == "paid"


@pytest.mark.parametrize(("code", "reason"), [("R01", "not enough money on the account"), ("R02", "the account is closed"),
                                              ("R10", "not authorized")])
def test_a_debit_that_comes_back_says_why_and_that_the_amount_is_open_again(code, reason, town, portal):
    town.save_bank(portal)
    invoice = town.invoices()[0]
    page = town.pay(portal, invoice)
    town.next_week(code, town.sandbox.sales()[0]["transaction_id"])
    town.tick()
    town.tick()
    final = portal.get(page.url)
    assert final.says("Your bank sent the debit back", reason, "$15.00")
    assert town.sandbox.invoice(invoice["id"])["status"] == "not_paid"
    assert town.booked() == []
    if code == "R01":
        assert final.says("Your bank may be asked for it once more until", "Please do not pay it in another way before that day")
        assert not any("Pay another way" in link.words for link in final.sight.links)
        held = town.dialog(portal, invoice)
        assert not any("source" in form.names() for form in held.forms)
        assert held.says("Your bank sent the debit back", "may be asked for it once more")
        town.sandbox.jump(days=11)
        town.tick()
        final = portal.get(page.url)
    assert final.says("The amount is open again")
    again = portal.click(final, "Pay another way")
    assert portal.submit(again, "/ippay/pay-invoice", **town.card()).says("approved")
    assert town.booked() == [(int(invoice["id"]), 1500)]


@pytest.mark.parametrize("code", ["003", "058", "906", "925", "926"])
def test_a_refusal_of_our_set_up_never_blames_the_payer_and_stops_every_door(code, town, john, anybody, run_program):
    link = town.link(run_program, "invoice", town.invoices(town.ashley)[0]["id"]) if code == "906" else ""
    town.sandbox.control("POST", "answers", {"type": "SALE", "action_code": code})
    page = town.pay(john, town.invoices()[0])
    sentence = "there is nothing wrong with your card or account"
    assert page.says("We cannot take payments at the moment", "problem on our side", "Nothing was charged", sentence)
    assert not page.says("declined")
    second = town.pay(john, town.invoices()[1])
    assert second.status_code == 503
    assert second.says("problem on our side", sentence)
    assert not second.says("declined")
    if link:
        third = anybody.submit(anybody.get(link), "/ippay/l/", holding="number", **town.card())
        assert third.says("problem on our side", sentence)
        run_program(town.core, "release", town.sandbox.facts["terminal_id"])
        assert town.pay(john, town.invoices()[0]).says("approved")
        assert town.sales() == [("SALE", 1500)]
    else:
        assert town.nothing_moved()


def test_what_another_door_is_paying_cannot_be_paid_and_names_door_and_time(town, john, anybody, run_program):
    invoice = town.invoices()[0]
    link = town.link(run_program, "invoice", invoice["id"])
    at_the_link, in_the_portal = anybody.get(link), town.dialog(john, invoice)
    lose_answer(town)
    assert anybody.submit(at_the_link, "/ippay/l/", source=town.first_saved(at_the_link)).says("We are asking your bank")
    page = john.submit(in_the_portal, "/ippay/pay-invoice")
    assert page.status_code == 409
    assert page.says("It is already being paid through a payment link, since", "Please do not pay again")
    assert town.dialog(john, invoice).says("through a payment link, since")
    assert anybody.get(link).says("already being paid through a payment link, since")
    assert town.sales() == [("SALE", 1500)]


def test_an_amount_that_changed_is_shown_and_only_the_new_one_is_taken(town, john, anybody, run_program):
    invoice = town.invoices()[1]
    link = town.link(run_program, "invoice", invoice["id"])
    in_the_portal, at_the_link = town.dialog(john, invoice), anybody.get(link)
    town.office.post("admin/finance/payments", {
        "customer_id": town.john, "invoice_id": int(invoice["id"]), "payment_type": 1, "amount": "20.00",
        "date": town.sandbox.control("GET", "clock")["now"][:10]})
    for person, page, where in ((john, in_the_portal, "/ippay/pay-invoice"), (anybody, at_the_link, "/ippay/l/")):
        answer = person.submit(page, where, source=town.first_saved(page))
        assert answer.status_code == 409
        assert answer.says("The amount due has changed to $100.00", "Nothing was charged", "press the button again", "Pay $100.00")
        assert town.sales() == []
    assert john.submit(in_the_portal, "/ippay/pay-invoice").says("Nothing was charged"), "the old form shows its own outcome"
    assert anybody.submit(answer, "/ippay/l/").says("approved", "$100.00")
    assert town.sales() == [("SALE", 10000)]


def test_a_payment_of_somebody_else_shows_nothing(town, john, browser_of, anybody):
    page = town.pay(john, town.invoices()[0])
    stranger = browser_of(2).get(page.url)
    assert stranger.status_code == 404
    assert stranger.says("We could not find this among your documents")
    assert "/portal/login" in anybody.get(page.url).url
    assert anybody.get("/ippay/paid/ABCDEF0123456789XY.forged").status_code == 404


@pytest.mark.parametrize(("language", "amount"), [("fr", "15,00\u00a0$US"), ("es", "US$15.00")])
def test_the_endings_speak_the_language_of_the_settings(language, amount, town, john, settings_of):
    settings_of(town.core, language=language)
    page = town.pay(john, town.invoices()[0])
    assert f'lang="{language}"' in page.text
    assert amount in page.text
    assert town.sales() == [("SALE", 1500)]
