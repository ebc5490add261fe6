"""ZIP codes of saved cards, authorizations to print and to withdraw, and every mistake of a form at once."""

import pytest
from sqlalchemy import select

from splynx_ippay.credentials import Method
from splynx_ippay.payments import reconcile
from splynx_ippay.payments.models import Attempt


def stored(core):
    with core.database.read() as session:
        return list(session.scalars(select(Method).order_by(Method.id)))


def test_every_mistake_of_a_card_form_is_named_at_once_each_beside_its_field(portal, sandbox):
    page = portal.submit(portal.get("/ippay/credentials"), "/credentials/card", number="4111111111111112", expiry="13/30", holder="")
    assert page.status_code == 400
    assert page.says("This card number has a typing error", "Enter the expiry date", "Enter the name")
    for field in ("number", "expiry", "holder"):
        assert f'id="card-{field}-problem"' in page.text
        assert f'href="#card-{field}"' in page.text
    assert "TOKENIZE" not in sandbox.counters()["gateway"]


def test_every_mistake_of_a_bank_form_is_named_at_once(portal, add_bank):
    page = add_bank(portal, routing="111000026", account="12", holder="7", authorized=False)
    for field in ("routing", "account", "holder", "authorized"):
        assert f'id="bank-{field}-problem"' in page.text


def test_a_wrong_amount_and_a_wrong_card_are_named_together(portal, sandbox):
    page = portal.submit(portal.get("/ippay/"), "/ippay/", holding="amount", amount="1e3", source="card", number="4111",
                         expiry="12/30", holder="Jane Doe", cvv="12")
    assert page.says("Enter the amount in digits", "13 to 19 digits", "Enter the security code")
    assert page.text.index('href="#amount"') < page.text.index('href="#card-number"')


def test_the_zip_code_of_a_saved_card_is_added_in_place(john, settings_of, core):
    settings_of(core, zip_code_option="1")
    page = john.get("/ippay/credentials")
    assert page.says("The ZIP code is missing")
    page = john.submit(page, "/zip", postal_code="$$")
    assert page.status_code == 400
    card = stored(core)[0]
    assert f'aria-describedby="zip-{card.id}-problem"' in page.text
    assert f'href="#zip-{card.id}"' in page.text
    page = john.submit(page, "/zip", postal_code="80202")
    assert page.says("The ZIP code of Visa •••• 1111 was saved.")
    assert not page.says("The ZIP code is missing")
    assert stored(core)[0].postal_code == "80202"


def test_a_zip_code_cannot_be_put_on_a_foreign_card_or_a_bank_account(john, browser_of, add_bank, core, settings_of):
    other = browser_of(2)
    add_bank(other)
    card, bank = stored(core)
    token = other.get("/ippay/credentials").form("/credentials/card").values({})[0][1]
    for method in (card, bank):
        assert other.post(f"/ippay/credentials/{method.id}/zip", {"csrf_token": token, "postal_code": "80202"}).status_code == 400
    assert {method.postal_code for method in stored(core)} == {""}


def test_an_authorization_can_be_read_and_printed_with_version_time_and_address(portal, add_bank, core):
    page = add_bank(portal)
    method = stored(core)[0]
    page = portal.click(page, f"/credentials/{method.id}/authorization")
    assert page.says("Authorization of bank debits", "Bank account •••• 5678", "John Sway", method.consent_version, "127.0.0.1",
                     *method.consent_text.split("\n\n"))
    assert "data-print" in page.text
    assert "12345678" not in page.text


def test_withdrawing_stops_debits_and_the_record_stays_after_removal(portal, add_card, add_bank, core, sandbox):
    add_bank(portal)
    add_card(portal)
    bank, card = stored(core)
    assert bank.is_default
    page = portal.submit(portal.get(f"/ippay/credentials/{bank.id}/authorization"), "/revoke")
    assert page.says("is withdrawn. It is not debited any more.", "Withdrawn")
    bank, card = stored(core)
    assert (bank.status, bank.is_default, card.is_default, bank.revoked_by) == ("disabled", False, True, "customer 1")
    assert portal.get("/ippay/credentials").says("You withdrew the authorization for it.")
    assert f'value="method:{bank.id}"' not in portal.get("/ippay/").text
    page = portal.get("/ippay/")
    values = [(name, f"method:{bank.id}" if name == "source" else "30.00" if name == "amount" else value)
              for name, value in page.form("/ippay/", holding="amount").values({})]
    assert portal.post("/ippay/", values).says("This saved method cannot be used any more.")
    assert sandbox.sales() == []
    portal.submit(portal.get(f"/ippay/credentials/{bank.id}/remove"), "/remove")
    page = portal.click(portal.get("/ippay/credentials/authorizations"), f"/credentials/{bank.id}/authorization")
    assert page.says("Withdrawn", bank.consent_version, *bank.consent_text.split("\n\n"))
    assert not any("revoke" in (form.action or "") for form in page.forms)


def test_removing_an_account_withdraws_its_authorization(portal, add_bank, core):
    add_bank(portal)
    bank = stored(core)[0]
    portal.submit(portal.get(f"/ippay/credentials/{bank.id}/remove"), "/remove")
    gone = stored(core)[0]
    assert gone.revoked_at is not None
    assert gone.revoked_by == "customer 1"
    assert portal.get(f"/ippay/credentials/{bank.id}/authorization").says("Withdrawn")


def test_looking_at_an_authorization_withdraws_nothing_and_a_foreign_one_is_not_shown(portal, add_bank, browser_of, core):
    add_bank(portal)
    bank = stored(core)[0]
    portal.get(f"/ippay/credentials/{bank.id}/authorization")
    other = browser_of(2)
    page = other.get(f"/ippay/credentials/{bank.id}/authorization")
    assert page.says("There is no such authorization.")
    token = other.get("/ippay/credentials").form("/credentials/card").values({})[0][1]
    assert other.post(f"/ippay/credentials/{bank.id}/revoke", {"csrf_token": token}).says("was withdrawn already")
    assert stored(core)[0].status == "active"


def test_the_authorization_of_a_debit_that_saved_nothing_is_kept_with_the_payment(portal, pay_page, numbers, core, browser_of):
    shown = portal.get(pay_page)
    page = portal.submit(shown, "/ippay/pay-invoice", source="bank", routing=numbers.routing, account=numbers.account,
                         account_again=numbers.account, kind="CHECKING", holder="John Sway", authorized=True)
    record = portal.click(page, "/authorization")
    assert record.says("once, today or on the next banking day", "127.0.0.1", "$15.00", "•••• 5678", "John Sway")
    assert stored(core) == []
    assert browser_of(2).get(record.url).says("There is no such authorization.")


def test_a_debit_from_a_saved_account_leads_to_the_authorization_given_when_it_was_saved(portal, add_bank, core):
    add_bank(portal)
    page = portal.submit(portal.get("/ippay/"), "/ippay/", holding="amount", amount="30.00")
    assert portal.click(page, "/authorization").says(stored(core)[0].consent_version)
    reconcile.tick(core)
    with core.database.read() as session:
        assert session.scalars(select(Attempt)).one().method_id is not None


def test_removing_names_the_charges_that_are_planned_with_it(john, staff, sandbox, core):
    page = staff.submit(staff.enter_frame(staff.get("/admin/add-on?point=ippay_charge_point")), "/charge")
    assert "/runs/" in page.url
    method = stored(core)[0]
    question = john.get(f"/ippay/credentials/{method.id}/remove")
    assert question.says("are prepared with it", "please pay them yourself") or question.says("is prepared with it")


@pytest.mark.parametrize("path", ["/ippay/credentials/999/authorization", "/ippay/payments/NOSUCHPAYMENT00000/authorization"])
def test_an_authorization_that_is_not_there_says_so(portal, path):
    assert portal.get(path).says("There is no such authorization.", "You have not saved a bank account.")
