"""The customer: saves cards and accounts, pays from lists and the widget, adds money, changes the default, removes."""

import pytest

from splynx_ippay_sandbox.demo.people import open_menu, saved


def test_a_card_and_an_account_are_saved_and_only_their_last_digits_come_back(town, portal):
    page = town.save_card(portal)
    assert page.says("The card was saved. Nothing was charged.", "•••• •••• •••• 1111", "Default")
    page = town.save_bank(portal)
    assert page.says("The bank account was saved. Nothing was charged.", "•••• 5678", town.routing, "Checking")
    assert town.visa not in page.text
    assert town.account not in page.text
    assert town.calls() == {"TOKENIZE": 2}
    assert town.nothing_moved()


def test_an_invoice_is_paid_from_the_list_with_what_is_saved_and_the_host_shows_it(town, john):
    invoice = town.invoices()[0]
    page = town.pay(john, invoice)
    assert page.says("Success! Your payment was approved", "You paid $15.00", "Receipt", "Paid to", "Customer", "John Sway", invoice["number"],
                     "Paid with", "Visa •••• 1111", "Approval code", "TEST", "Reference")
    assert town.sales() == [("SALE", 1500)]
    assert town.booked() == [(int(invoice["id"]), 1500)]
    assert town.sandbox.invoice(invoice["id"])["status"] == "paid"
    back = john.click(page, "Back to portal")
    assert back.url.endswith("/portal/finance/invoices")
    assert back.says(invoice["number"], "Paid")


@pytest.mark.parametrize("kind", ["card", "bank"])
def test_the_widget_leads_to_the_form_and_new_details_pay_and_can_be_kept(kind, town, portal, sandbox):
    invoice = town.invoices()[1]
    dashboard = portal.get("/portal/dashboard")
    assert dashboard.says("Pay your invoices by IpPay", invoice["number"], "120.00")
    frame = portal.enter_frame(portal.click(dashboard, f"ippay_pay_invoice_point&id={invoice['number']}"))
    assert frame.says(f"Invoice #{invoice['number']}", "Total to pay", "$120.00")
    page = portal.submit(frame, "/ippay/pay-invoice", **getattr(town, kind)(), save=True)
    if kind == "card":
        assert page.says("approved", "$120.00", invoice["number"])
        assert town.booked() == [(int(invoice["id"]), 12000)]
        assert invoice["number"] not in portal.get("/portal/dashboard").text
    else:
        assert page.says("Your bank debit is on its way", "$120.00", "What happens next", "Your order to the bank")
        assert town.booked() == []
    assert len(town.sales()) == 1
    assert open_menu(portal, "IpPay payment credentials").says("1111" if kind == "card" else "5678", "Default")


def test_a_proforma_is_paid_from_its_list_and_from_the_widget(town, john):
    proforma = town.proformas()[0]
    frame = john.enter_frame(john.click(john.get("/portal/dashboard"), f"ippay_pay_request_point&id={proforma['number']}"))
    assert frame.says(f"Proforma invoice #{proforma['number']}", "$50.00")
    page = john.submit(town.dialog(john, proforma, "requests"), "/ippay/pay-request")
    assert page.says("approved", "Proforma invoice", proforma["number"])
    assert town.sales() == [("SALE", 5000)]
    assert town.proformas() == []
    late = john.submit(frame, "/ippay/pay-request")
    assert late.says("There is nothing left to pay on it")
    assert town.sales() == [("SALE", 5000)]


def test_money_is_added_by_account_type_amount_and_add(town, john):
    town.save_bank(john)
    form = open_menu(john, "Add money by IpPay")
    assert form.says("Add money by IpPay", "Account type", "Amount", "Visa •••• 1111, 12/2030", "Bank account •••• 5678")
    assert [button.label for button in form.form("/ippay/", holding="amount").buttons] == ["Add"]
    page = town.top_up(john, "25.00", source=saved(form.form("/ippay/", holding="amount")))
    assert page.says("approved", "You added $25.00 to your account.", "Money added to your account", "$25.00")
    assert town.sales() == [("SALE", 2500)]
    assert town.booked() == [(None, 2500)]
    assert john.click(page, "Back to portal").says("25.00")
    again = town.top_up(john, "10", source=saved(form.form("/ippay/", holding="amount"), 1))
    assert again.says("Your bank debit is on its way", "$10.00")
    assert town.sales() == [("SALE", 2500), ("CHECK", 1000)]


def test_another_card_becomes_the_default_and_is_charged_first(town, john):
    page = town.save_card(john, town.mastercard)
    page = john.submit(page, "/default")
    assert page.says("Mastercard •••• 4444, 12/2030 is the default now.")
    invoice = town.invoices()[0]
    form = town.dialog(john, invoice)
    assert john.submit(form, "/ippay/pay-invoice").says("approved", "Mastercard •••• 4444")


def test_a_removed_card_is_confirmed_first_and_not_offered_any_more(town, john):
    page = open_menu(john, "IpPay payment credentials")
    asked = john.click(page, "Remove card")
    assert asked.says("Remove this card?", "What stops", "Invoices are then not charged automatically any more", "Keep it")
    assert john.click(asked, "Keep it").says("1111")
    page = john.submit(asked, "/remove")
    assert page.says("Visa •••• 1111 was removed and will not be charged any more.")
    form = town.dialog(john, town.invoices()[0])
    assert not form.says("Visa •••• 1111")
    again = john.submit(asked, "/remove")
    assert again.says("This was removed already.")


def test_two_people_with_strange_names_see_only_their_own(town, browser_of):
    obrien = browser_of(2)
    assert town.save_card(obrien, holder="O'Brien & Søns <b>").says("O'Brien & Søns <b>")
    ashley = browser_of(3)
    page = open_menu(ashley, "IpPay payment credentials")
    assert not page.says("1111")
    assert not any("/remove" in form.action for form in page.forms)


def test_a_minute_after_logging_out_of_the_portal_an_open_form_leads_to_the_login(town, john):
    form = town.dialog(john, town.invoices()[0])
    john.get("/portal/logout")
    town.sandbox.jump(seconds=61)  # the host is asked once a minute who somebody is
    page = john.submit(form, "/ippay/pay-invoice")
    assert "/portal/login" in page.url
    assert town.nothing_moved()


def test_who_is_not_logged_in_comes_back_to_the_page_after_the_login(town, anybody, sandbox):
    invoice = town.invoices()[0]
    page = anybody.get(f"/ippay/pay-invoice?item_id={invoice['number']}")
    assert "/portal/login" in page.url
    who = sandbox.facts["customers"][0]
    page = anybody.submit(page, "/portal/login", login=who["login"], password=who["password"])
    assert page.says(f"Invoice #{invoice['number']}", "$15.00")
