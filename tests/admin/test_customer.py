"""What staff do for a customer who asked: money added, a default chosen, a method removed, a part of an invoice paid."""

from __future__ import annotations

import hashlib
import html
import re
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select

from splynx_ippay import credentials
from splynx_ippay.base import clock
from splynx_ippay.base.money import Money
from splynx_ippay.payments import charge, states
from splynx_ippay.payments.models import Attempt, Door
from splynx_ippay.payments.orders import Item, Order, SavedMethod, new_submission_key

JOHN, ASHLEY = 1, 3
CUSTOMER = f"/ippay/admin/customers/{JOHN}"


def attempts(core):
    with core.database.read() as session:
        return list(session.scalars(select(Attempt).order_by(Attempt.id)))


def methods(core, customer_id=JOHN):
    with core.database.read() as session:
        return credentials.all_methods_of(session, customer_id)


@pytest.fixture
def adding(core, settings_of):
    """Staff may add money."""
    settings_of(core, staff_topup="1")


@pytest.fixture
def as_guest(app):
    """``as_guest(role="viewer")``: the browser of an administrator of that role and partner, as after a sash."""
    app.config["WTF_CSRF_ENABLED"] = False

    def browser(*, role="", partner_id=0):
        client = app.test_client()
        with client.session_transaction() as kept:
            kept["staff"] = {"id": 9, "role": role, "partner_id": partner_id, "host": hashlib.sha256(b"").hexdigest(),
                             "until": (clock.now() + timedelta(minutes=5)).isoformat()}
        return client

    return browser


def test_staff_add_no_money_until_the_setting_staff_topup_is_on(staff, core, settings_of, sandbox, give_card):
    give_card(JOHN)
    assert "/topup" not in staff.get(CUSTOMER).text
    page = staff.get(f"{CUSTOMER}/topup")
    assert page.status_code == 403
    assert page.says("The setting “Staff add money” is off. Nothing was charged.")
    settings_of(core, staff_topup="1")
    form = staff.get(f"{CUSTOMER}/topup")
    settings_of(core, staff_topup="0")
    assert staff.submit(form, "/topup", amount="25").status_code == 403
    assert not sandbox.sales()


def test_staff_add_money_with_the_method_they_chose_and_it_stands_on_the_account(staff, core, sandbox, give_card, give_bank, adding, settings_of, office):
    settings_of(core, card_fee_percent="3")
    give_bank(JOHN)
    card = give_card(JOHN)
    page = staff.click(staff.get(CUSTOMER), "/topup")
    assert page.says("Add money", "John Sway", "It pays no invoice by itself")
    done = staff.submit(page, "/topup", amount="25.50", source=f"method:{card.id}")
    assert done.says("Success!", "$25.50")
    assert [sale["amount_cents"] for sale in sandbox.sales()] == [2550]
    [attempt] = attempts(core)
    assert (attempt.door, attempt.actor, attempt.fee_cents, attempt.lines[0].document) == ("staff", "staff 1 (Ada Min)", 0, "topup")
    payment = office.get(f"admin/finance/payments/{attempt.lines[0].splynx_payment_id}")
    assert (int(payment["customer_id"]), Decimal(payment["amount"]), int(payment["invoice_id"] or 0)) == (JOHN, Decimal("25.5"), 0)
    assert staff.click(done, CUSTOMER).says("Money added")


def test_the_same_form_sent_twice_adds_money_once(staff, sandbox, give_card, adding):
    give_card(JOHN)
    page = staff.get(f"{CUSTOMER}/topup")
    first = staff.submit(page, "/topup", amount="25")
    assert staff.submit(page, "/topup", amount="25").url == first.url
    assert len(sandbox.sales()) == 1


@pytest.mark.parametrize(("amount", "words"), [
    ("", "amount"), ("0.50", "The smallest payment here is $1.00."), ("10000.01", "The largest payment here is $10,000.00."), ("much", "amount")])
def test_an_amount_that_cannot_be_added_is_said_beside_its_field_and_kept(staff, sandbox, give_card, adding, amount, words):
    give_card(JOHN)
    page = staff.submit(staff.get(f"{CUSTOMER}/topup"), "/topup", amount=amount)
    assert page.status_code == 400
    assert page.says("John Sway")
    problem = re.search(r'id="amount-problem">([^<]+)<', page.text)
    assert words in html.unescape(problem[1])
    assert f'name="amount" value="{amount}"' in page.text
    assert not sandbox.sales()


def test_money_is_added_with_saved_methods_of_that_customer_and_of_nobody_else(staff, core, sandbox, give_card, adding):
    give_card(JOHN)
    foreign = give_card(ASHLEY)
    own, other = staff.get(f"{CUSTOMER}/topup"), staff.get(f"/ippay/admin/customers/{ASHLEY}/topup")
    assert "•••• 1111" in own.text
    fields, strange = dict(own.form("/topup").values({"amount": "25"})), dict(other.form("/topup").values({"amount": "25"}))
    for sent, words in ((fields | {"source": f"method:{foreign.id}"}, "cannot be used any more"),
                        (fields | {"source": "card"}, "Choose one of the saved methods"), (strange, "This page was open too long")):
        answer = staff.post(f"{CUSTOMER}/topup", data=sent, headers={"Referer": own.url})
        assert (answer.status_code, answer.says(words)) == (400, True), words
    assert not sandbox.sales()


def test_without_a_method_that_can_be_charged_nothing_can_be_added(staff, core, give_card, adding):
    assert staff.get(f"{CUSTOMER}/topup").says("no saved card or bank account that can be charged here")


def test_money_whose_answer_was_lost_is_asked_for_and_not_taken_again(staff, core, sandbox, give_card, adding):
    give_card(JOHN)
    page = staff.get(f"{CUSTOMER}/topup")
    sandbox.fault(server="gateway", kind="drop_after", match={"type": "SALE"}, times=1)
    assert staff.submit(page, "/topup", amount="25").says("The outcome is not known yet", "Do not charge again")
    assert staff.get(CUSTOMER).says("Unknown, the gateway is being asked")
    assert len(sandbox.sales()) == 1


def test_nothing_is_added_while_the_whole_balance_is_being_taken(staff, core, sandbox, give_card, adding):
    card = give_card(JOHN)
    page = staff.get(f"{CUSTOMER}/topup")
    sandbox.fault(server="gateway", kind="drop_after", match={"type": "SALE"}, times=1)
    charge.take(core, Order(door=Door.RUN, customer_id=JOHN, partner_id=1, items=(Item("balance", None, "", Money(210_00, "USD")),),
                            source=SavedMethod(card.id), submission_key=new_submission_key(), actor="run 1"))
    answer = staff.submit(page, "/topup", amount="25")
    assert answer.status_code == 409
    assert answer.says("The account is being paid", "by the automatic charge", "Nothing was charged here.")
    assert [sale["amount_cents"] for sale in sandbox.sales()] == [210_00]


def test_staff_choose_the_default_and_the_page_says_who_did(staff, core, give_card):
    first, second = give_card(JOHN), give_card(JOHN, number="5499740000000057")
    page = staff.submit(staff.get(CUSTOMER), f"/methods/{second.id}/default")
    assert page.says("is the default now", "Default method chosen: Visa •••• 1111 → Mastercard •••• 0057", "Ada Min")
    assert [(one.id, one.is_default) for one in methods(core)] == [(second.id, True), (first.id, False)]
    assert staff.get("/ippay/admin/audit?action=default").says("Default method chosen", "Ada Min", "Mastercard •••• 0057")


def test_a_default_that_is_not_the_customers_own_is_not_chosen_and_nothing_is_noted(staff, core, give_card):
    give_card(JOHN)
    second = give_card(JOHN, number="5499740000000057")
    page = staff.get(CUSTOMER)
    core.database.run(lambda session: credentials.remove(session, second.id, JOHN))
    assert staff.submit(page, f"/methods/{second.id}/default").says("cannot be used any more")
    assert not staff.get(CUSTOMER).says("What staff changed")


def test_staff_read_what_stops_in_the_customers_own_words_and_it_really_stops(staff, portal, core, give_card, give_bank):
    give_card(JOHN)
    bank = give_bank(JOHN)
    address = f"{CUSTOMER}/methods/{bank.id}/remove"
    page = staff.click(staff.get(CUSTOMER), address)
    theirs = portal.get(f"/ippay/credentials/{bank.id}/remove")
    sentences = [html.unescape(one) for one in re.findall(r"<li>([^<]+)</li>", theirs.text.partition("What stops")[2])]
    assert len(sentences) >= 3
    assert page.says(*sentences)
    assert len(methods(core)) == 2
    after = staff.submit(page, "/remove")
    assert after.says("was removed and will not be charged any more", "Saved method removed", "Ada Min")
    assert [one.id for one in methods(core)] != [bank.id]
    with core.database.read() as session:
        gone = session.get(credentials.Method, bank.id)
    assert (gone.status, gone.token_cipher, gone.revoked_by) == ("removed", "", "staff 1 (Ada Min)")
    assert staff.get(address).says("This was removed already.")
    assert staff.submit(page, "/remove").says("This was removed already.")


def test_whom_the_rights_or_the_partner_do_not_let_changes_nothing(core, as_guest, settings_of, give_card, adding):
    method = give_card(JOHN)
    settings_of(core, roles_view="viewer", roles_charge="cashier")
    addresses = [("POST", f"{CUSTOMER}/methods/{method.id}/default"), ("GET", f"{CUSTOMER}/methods/{method.id}/remove"),
                 ("POST", f"{CUSTOMER}/methods/{method.id}/remove"), ("GET", f"{CUSTOMER}/topup")]
    viewer, elsewhere = as_guest(role="viewer"), as_guest(role="cashier", partner_id=2)
    for verb, address in addresses:
        assert viewer.open(address, method=verb).status_code == 403, address
        assert elsewhere.open(address, method=verb).status_code == 404, address
    shown = viewer.get(CUSTOMER).text
    assert "/topup" not in shown
    assert "/methods/" not in shown
    assert [one.status for one in methods(core)] == ["active"]


def test_the_customers_page_says_who_let_charges_go_on(staff, core, give_card):
    give_card(JOHN)
    core.database.run(lambda session: states.stop_automatic(session, JOHN, "R01 came back"))
    assert staff.submit(staff.get(CUSTOMER), "/automatic").says("Automatic charging: R01 came back → goes on", "Ada Min")


def test_staff_pay_a_part_of_an_invoice_where_parts_may_be_paid(staff, core, settings_of, sandbox, give_card):
    settings_of(core, part_payments="1", part_minimum="5.00")
    give_card(JOHN)
    invoice = sandbox.unpaid_invoices(JOHN)[0]
    address = f"/ippay/admin/pay-invoice?item_id={invoice['number']}"
    page = staff.get(address)
    assert page.says("How much of it to pay now", "a part of at least $5.00")
    assert staff.submit(page, "pay-invoice", amount="6").says("Success!", "$6.00")
    assert [sale["amount_cents"] for sale in sandbox.sales()] == [600]
    rest = staff.get(address)
    assert rest.says("$9.00")
    assert staff.submit(rest, "pay-invoice").says("Success!", "$9.00")
    assert staff.get(address).says("Nothing is due")


@pytest.mark.parametrize(("amount", "words"), [
    ("4.99", "The smallest part that can be paid is $5.00."), ("15.01", "Only $15.00 is due."), ("14.50", "Only $0.50 would be left"), ("x", "amount")])
def test_a_part_that_may_not_be_paid_is_said_beside_the_amount(staff, core, settings_of, sandbox, give_card, amount, words):
    settings_of(core, part_payments="1", part_minimum="5.00")
    give_card(JOHN)
    invoice = sandbox.unpaid_invoices(JOHN)[0]
    page = staff.submit(staff.get(f"/ippay/admin/pay-invoice?item_id={invoice['number']}"), "pay-invoice", amount=amount)
    assert page.status_code == 400
    assert words in html.unescape(re.search(r'id="amount-\d+-problem">([^<]+)<', page.text)[1])
    assert not sandbox.sales()


def test_without_the_setting_and_for_proformas_the_whole_is_paid_whatever_was_sent(staff, core, settings_of, sandbox, give_card):
    give_card(JOHN)
    invoice = sandbox.unpaid_invoices(JOHN)[0]
    page = staff.get(f"/ippay/admin/pay-invoice?item_id={invoice['number']}")
    assert 'name="amount"' not in page.text
    form = page.form("pay-invoice")
    smuggled = staff.post(form.action, data={**dict(form.values({})), "amount": "1.00"}, headers={"Referer": page.url})
    assert smuggled.says("Success!")
    settings_of(core, part_payments="1", part_minimum="1.00")
    proforma = next(row for row in sandbox.ledger()["host"]["requests"] if int(row["customer_id"]) == JOHN)
    assert 'name="amount"' not in staff.get(f"/ippay/admin/pay-request?item_id={proforma['number']}").text
    assert [sale["amount_cents"] for sale in sandbox.sales()] == [1500]
