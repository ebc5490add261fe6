"""Saved cards and bank accounts, as the customer sees them."""

import pytest
from sqlalchemy import select

from splynx_ippay.credentials import Method
from splynx_ippay.payments import updater


def stored(core):
    with core.database.read() as session:
        return list(session.scalars(select(Method).order_by(Method.id)))


def test_a_saved_card_shows_its_last_digits_and_moves_no_money(portal, add_card, sandbox, core):
    page = add_card(portal, "4111 1111 1111 1111")
    assert page.says("The card was saved. Nothing was charged.", "•••• •••• •••• 1111", "12-2030", "Visa")
    assert "4111111111111111" not in page.text
    assert sandbox.sales() == []
    method = stored(core)[0]
    assert method.consent_version.startswith("card-1-en-")
    assert "until I remove it" in method.consent_text
    assert method.consent_address == "127.0.0.1"


def test_saving_a_bank_account_keeps_the_text_that_was_shown(portal, add_bank, core):
    shown = portal.get("/ippay/credentials")
    page = add_bank(portal)
    assert page.says("The bank account was saved. Nothing was charged.", "•••• 5678")
    method = stored(core)[0]
    for paragraph in method.consent_text.split("\n\n"):
        assert paragraph in shown.words
    assert method.consent_at is not None
    assert method.consent_version.startswith("bank-1-en-")


def test_an_authorization_that_was_shown_in_other_words_has_to_be_read_again(portal, add_bank, core):
    page = add_bank(portal, consent_version="bank-0-en-00000000")
    assert page.status_code == 400
    assert page.says("The text of the authorization has changed")
    assert stored(core) == []


@pytest.mark.parametrize("typed", ["09/30", "9/30", "09/2030", "09-30", "09 30", "0930", "092030"])
def test_an_expiry_date_is_understood_as_people_type_it_also_without_a_slash(portal, core, typed):
    page = portal.submit(portal.get("/ippay/credentials"), "/credentials/card", number="4111111111111111", expiry=typed, holder="Jane Doe")
    assert page.says("The card was saved")
    assert [(card.exp_month, card.exp_year) for card in stored(core)] == [(9, 2030)]


@pytest.mark.parametrize(("field", "value", "words"), [
    ("number", "4111111111111112", "This card number has a typing error"),
    ("number", "", "13 to 19 digits"),
    ("number", "４１１１１１１１１１１１１１１１", "13 to 19 digits"),
    ("expiry", "01/20", "This card has expired"),
    ("expiry", "13/30", "Enter the expiry date"),
    ("holder", "", "Enter the name"),
    ("holder", "4111111111111111", "The name holds digits"),
])
def test_a_mistake_stands_next_to_its_field_and_nothing_is_asked_of_the_gateway(portal, sandbox, field, value, words):
    filled = {"number": "4111111111111111", "expiry": "12/30", "holder": "Jane Doe"} | {field: value}
    page = portal.submit(portal.get("/ippay/credentials"), "/credentials/card", **filled)
    assert page.status_code == 400
    assert page.words.count(words) == 2  # in the summary and beside the field
    assert f'id="card-{field}-problem"' in page.text
    assert f'aria-describedby="card-{field}-problem' in page.text
    assert 'role="alert"' in page.text
    assert "4111111111111111" not in page.text
    assert ('value="Jane Doe"' in page.text) == (field != "holder")
    assert "TOKENIZE" not in sandbox.counters()["gateway"]


@pytest.mark.parametrize(("field", "value", "words"), [
    ("routing", "111000026", "This routing number is not valid"),
    ("account_again", "12345679", "The two account numbers differ"),
    ("account", "12", "4 to 17 digits"),
    ("authorized", False, "Please tick the authorization to save this bank account."),
])
def test_a_mistake_in_a_bank_account_is_named_and_the_numbers_are_not_shown_again(*, portal, add_bank, sandbox, field, value, words):
    page = add_bank(portal, **{field: value})
    assert page.status_code == 400
    assert page.says(words)
    assert "12345678" not in page.text
    assert "TOKENIZE" not in sandbox.counters()["gateway"]


def test_the_first_is_the_default_and_one_press_makes_another_the_default(portal, add_card, numbers, core):
    add_card(portal)
    page = add_card(portal, numbers.amex)
    first, second = stored(core)
    assert (first.is_default, second.is_default) == (True, False)
    page = portal.submit(page, f"/credentials/{second.id}/default")
    assert page.says("American Express •••• 0005, 12/2030 is the default now.")
    assert [method.is_default for method in stored(core)] == [False, True]


def test_removing_says_what_stops_and_looking_removes_nothing(portal, add_card, add_bank, core):
    add_card(portal)
    page = add_bank(portal)
    card = stored(core)[0]
    question = portal.click(page, f"/credentials/{card.id}/remove")
    assert question.says("Remove this card?", "From now on Bank account •••• 5678 is charged instead.")
    assert stored(core)[0].status == "active"
    page = portal.submit(question, "/remove")
    assert page.says("Visa •••• 1111 was removed and will not be charged any more.")
    gone, bank = stored(core)
    assert (gone.status, gone.token_cipher, bank.is_default) == ("removed", "", True)
    assert gone.consent_text  # evidence stays


def test_removing_the_only_one_warns_that_invoices_have_to_be_paid_by_hand(portal, add_bank, core):
    page = add_bank(portal)
    question = portal.click(page, "/remove")
    assert question.says("It is the only one you have saved", "Your authorization to debit this account ends.")


def test_a_debit_under_way_is_not_stopped_and_the_page_says_so(portal, add_bank, core):
    page = add_bank(portal)
    portal.submit(portal.get("/ippay/"), "/ippay/", holding="amount", amount="30.00")
    question = portal.click(portal.get("/ippay/credentials"), "/remove")
    assert page.status_code == 200
    assert question.says("A payment from it is already on its way")


def test_a_foreign_method_can_be_neither_removed_nor_made_default(john, browser_of, core):
    other = browser_of(2)
    token = other.get("/ippay/credentials").form("/credentials/card").values({})[0][1]
    method = stored(core)[0]
    for action in ("remove", "default"):
        other.post(f"/ippay/credentials/{method.id}/{action}", {"csrf_token": token})
    assert other.get(f"/ippay/credentials/{method.id}/remove").says("This was removed already.")
    assert [(one.status, one.is_default) for one in stored(core)] == [("active", True)]


def test_a_fault_the_gateway_finds_stands_next_to_the_card_number(portal, add_card, sandbox):
    sandbox.fault(server="gateway", kind="http_status", match={"type": "TOKENIZE"}, status=500, times=1)
    page = add_card(portal)
    assert page.status_code == 503
    assert page.says("They were not saved and nothing was charged.")
    assert 'value="John Sway"' in page.text


def test_with_the_zip_option_a_card_without_zip_is_marked_and_new_ones_need_it(john, settings_of, core, add_card, numbers):
    settings_of(core, zip_code_option="1")
    page = john.get("/ippay/credentials")
    assert page.says("The ZIP code is missing")
    assert add_card(john, numbers.amex).says("Enter the ZIP code")
    assert add_card(john, numbers.amex, postal_code="80202").says("The card was saved")


@pytest.mark.parametrize(("allowed", "seen", "unseen"), [("card", "Credit Card", "Bank Account"), ("bank", "Bank Account", "Credit Card")])
def test_only_what_the_provider_takes_is_offered(*, portal, settings_of, core, allowed, seen, unseen):
    settings_of(core, payment_type=allowed)
    words = portal.get("/ippay/credentials").words.split("\n")
    assert seen in words
    assert unseen not in words


def test_a_name_with_markup_is_shown_as_it_is(browser_of, add_card):
    obrien = browser_of(2)
    page = add_card(obrien, holder="O'Brien & Søns <b>")
    assert "O&#39;Brien &amp; Søns &lt;b&gt;" in page.text
    assert page.says("O'Brien & Søns <b>")


def test_a_page_costs_at_most_two_host_calls_once_the_identity_is_known(john, pay_page, sandbox):
    for path in ("/ippay/credentials", "/ippay/", pay_page):
        sandbox.reset_counters()
        assert john.get(path).status_code == 200
        assert sum(sandbox.counters()["host"].values()) <= 2, path


def test_a_new_expiry_told_by_the_bank_is_shown_quietly(portal, add_card, sandbox, core, staff):
    add_card(portal, "4111111111111111")
    sandbox.control("POST", "updates", {"token_last4": "1111", "response_code": "E", "exp": "01/34"})
    sandbox.jump(days=1)
    assert updater.tick(core) == 1
    page = portal.get("/ippay/credentials")
    assert page.says("01-2034", "Your bank told us the new details on", "you need not do anything")
    page = staff.get(f"/ippay/admin/customers/{portal.facts['id']}")
    assert page.says("What the cards' banks told", "Visa •••• 1111 12/30 → Visa •••• 1111 01/34", "told by the card's bank on")
    sandbox.control("POST", "updates", {"token_last4": "1111", "response_code": "C"})
    sandbox.jump(days=1)
    assert updater.tick(core) == 1
    assert portal.get("/ippay/credentials").says("Your bank has stopped this")
    page = staff.get(f"/ippay/admin/customers/{portal.facts['id']}")
    assert page.says("Visa •••• 1111 01/34: not used any more, says the bank", "the card's bank says that the account is closed")


def test_one_press_makes_another_method_the_backup_and_one_takes_it_back(portal, add_card, add_bank, core, settings_of, staff):
    add_card(portal)
    assert "Use as backup" not in add_bank(portal).words
    settings_of(core, backup_method="1")
    bank = stored(core)[1]
    page = portal.get("/ippay/credentials")
    assert page.says("As backup it is charged once, instead of your default", "Use as backup")
    page = portal.submit(page, f"/credentials/{bank.id}/backup")
    assert page.says("Bank account •••• 5678 is the backup now.", "Backup", "this one is charged instead, once", "No backup any more")
    assert stored(core)[1].backup_at is not None
    seen = staff.get(f"/ippay/admin/customers/{portal.facts['id']}")
    assert seen.says("Backup")
    assert not seen.says("Usable")
    page = portal.submit(page, f"/credentials/{bank.id}/backup")
    assert page.says("Bank account •••• 5678 is not the backup any more.", "Use as backup")
    assert stored(core)[1].backup_at is None
    token = dict(portal.submit(page, f"/credentials/{bank.id}/default").form("/credentials/card").values({}))["csrf_token"]
    refused = portal.post(f"/ippay/credentials/{bank.id}/backup", {"csrf_token": token, "backup": "1"})
    assert refused.says("cannot be used any more")
    assert [method.backup_at for method in stored(core)] == [None, None]
