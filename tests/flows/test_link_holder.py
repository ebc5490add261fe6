"""Who holds a link and is not logged in: the four documented addresses, and signed links."""

from urllib.parse import quote

import pytest

from splynx_ippay_sandbox.demo.people import saved

ADDRESSES = {
    "direct-pay-invoice-by-id": ("invoice", "id"), "direct-pay-invoice": ("invoice", "number"),
    "direct-pay-proforma-by-id": ("proforma", "id"), "direct-pay-proforma": ("proforma", "number"),
}


def address(town, path, customer):
    document, key = ADDRESSES[path]
    row = (town.invoices if document == "invoice" else town.proformas)(customer)[0]
    return f"/ippay/{path}?item_id={quote(str(row[key]))}", row


def opened(person, where):
    """After the one press that shows number and amount."""
    return person.submit(person.get(where))


@pytest.mark.parametrize("path", ADDRESSES)
def test_each_documented_address_shows_a_button_then_the_amount_and_takes_a_new_card(path, town, anybody):
    where, row = address(town, path, town.ashley)
    page = anybody.get(where)
    assert page.says("Continue", "Nothing is paid by that")
    assert str(row["number"]) not in page.text
    assert town.calls("host") == {}
    page = anybody.submit(page)
    assert page.says(f"nvoice #{row['number']}", "Amount due", "$100.00" if "invoice" in path else "$200.00")
    assert "Ashley" not in page.text
    assert town.nothing_moved()
    page = anybody.submit(page, holding="number", **town.card(town.other_visa))
    assert page.says("approved", row["number"], "Receipt", "Visa •••• 1000")
    cents = 10000 if "invoice" in path else 20000
    assert town.sales() == [("SALE", cents)]
    assert [booked for _, booked in town.booked()] == [cents]
    assert opened(anybody, where).says("There is nothing to pay under this link.")


def test_a_bank_account_pays_by_an_unsigned_link_and_nothing_is_saved(town, anybody, browser_of):
    where, _ = address(town, "direct-pay-invoice", town.ashley)
    page = opened(anybody, where)
    assert "save" not in page.form(holding="number").names()
    page = anybody.submit(page, holding="routing", **town.bank())
    assert page.says("Your bank debit is on its way", "$100.00")
    assert town.sales() == [("CHECK", 10000)]
    assert opened(anybody, where).says("already being paid through a payment link", "Please do not pay again")
    assert not browser_of(3).get("/ippay/credentials").says("5678")


def test_missing_paid_and_deleted_are_one_sentence_and_looking_tells_nothing(town, anybody, sandbox):
    rows = sandbox.ledger()["host"]["invoices"]
    paid = next(row["id"] for row in rows if row["status"] == "paid")
    deleted = next(row["id"] for row in rows if str(row["deleted"]) == "1")
    pages = [opened(anybody, f"/ippay/direct-pay-invoice-by-id?item_id={item}")
             for item in (paid, deleted, "999999", "0", "-1", "1e3", "２", "", "%3Cb%3E", "x" * 200)]
    assert len({page.words for page in pages}) == 1
    assert pages[0].says("There is nothing to pay under this link.")
    assert {page.status_code for page in pages} == {200}
    assert town.nothing_moved()


def test_with_proof_a_saved_card_needs_the_portal_and_the_login_leads_there(town, john, anybody, sandbox):
    where, row = address(town, "direct-pay-invoice", town.john)
    page = opened(anybody, where)
    assert "1111" not in page.text
    assert not any(value.startswith("method:") for form in page.forms for field in form.fields for value in [field.value])
    login = anybody.click(page, "Log in to use your saved card")
    who = sandbox.facts["customers"][0]
    page = anybody.submit(login, "/portal/login", login=who["login"], password=who["password"])
    assert page.says(f"Invoice #{row['number']}", "Visa •••• 1111")
    assert anybody.submit(page, "/ippay/pay-invoice").says("approved")
    assert town.sales() == [("SALE", 1500)]


def test_a_saved_card_cannot_be_named_in_a_link_that_does_not_offer_it(town, john, anybody):
    where, _ = address(town, "direct-pay-invoice", town.john)
    page = opened(anybody, where)
    form = page.form(holding="number")
    for method in range(1, 4):
        fields = dict(form.values({})) | {"source": f"method:{method}"}
        answer = anybody.post(form.action, fields, headers={"Referer": page.url})
        assert answer.status_code == 400
        assert answer.says("Choose how you want to pay.")
    assert town.nothing_moved()


def test_open_pays_with_the_saved_card_at_one_press_as_the_hosts_own_add_on_does(town, john, anybody, settings_of):
    settings_of(town.core, unsigned_saved_method="open")
    where, _ = address(town, "direct-pay-invoice-by-id", town.john)
    page = opened(anybody, where)
    assert page.says("Visa •••• 1111")
    assert "John Sway" not in page.text
    page = anybody.submit(page, holding="source", source=saved(page.form(holding="source")))
    assert page.says("approved")
    assert town.sales() == [("SALE", 1500)]


def test_off_neither_offers_nor_mentions_what_is_saved(town, john, anybody, settings_of):
    settings_of(town.core, unsigned_saved_method="off")
    where, _ = address(town, "direct-pay-invoice", town.john)
    page = opened(anybody, where)
    assert "1111" not in page.text
    assert not page.says("Log in")
    assert anybody.submit(page, holding="number", **town.card()).says("approved")


@pytest.mark.parametrize("document", ["invoice", "proforma"])
def test_a_signed_link_opens_at_once_and_pays_with_what_is_saved_at_one_press(document, town, john, anybody, run_program):
    row = (town.invoices if document == "invoice" else town.proformas)(town.john)[0]
    link = town.link(run_program, document, row["id"])
    page = anybody.get(link)
    assert page.says(row["number"], "Amount due", "Visa •••• 1111")
    assert town.nothing_moved()
    page = anybody.submit(page, "/ippay/l/", source=saved(page.form("/ippay/l/")))
    assert page.says("approved", "Receipt", row["number"])
    assert len(town.sales()) == len(town.booked()) == 1
    assert anybody.get(link).says("is paid", "was paid here on", "Receipt")
    again = anybody.get(page.url)
    assert again.says("approved", "Receipt")


def test_a_signed_link_takes_new_details_and_can_keep_them(town, anybody, run_program, browser_of):
    link = town.link(run_program, "invoice", town.invoices(town.ashley)[0]["id"])
    page = anybody.submit(anybody.get(link), "/ippay/l/", holding="number", **town.card(town.amex), save=True)
    assert page.says("approved", "American Express •••• 0005")
    assert browser_of(3).get("/ippay/credentials").says("0005", "Default")


def test_a_signed_link_that_is_withdrawn_too_old_or_forged_opens_nothing_and_says_why(town, anybody, run_program, sandbox):
    invoice = town.invoices(town.ashley)[0]
    link = town.link(run_program, "invoice", invoice["id"], "--days", "3")
    form = anybody.get(link)
    forged = anybody.get(link[:-2] + ("aa" if not link.endswith("aa") else "bb"))
    assert forged.status_code == 404
    assert forged.says("This link is not complete", "Nothing was charged")
    run_program(town.core, "link", "revoke", link)
    page = anybody.submit(form, "/ippay/l/", holding="number", **town.card())
    assert page.status_code == 410
    assert page.says("This link was withdrawn", "Please ask us for a new one")
    old = town.link(run_program, "invoice", invoice["id"], "--days", "3")
    sandbox.jump(days=4)
    page = anybody.get(old)
    assert page.status_code == 410
    assert page.says("This link is too old", "Please ask us for a new one")
    assert town.nothing_moved()


def test_looking_with_get_and_head_moves_nothing_whoever_looks(town, john, anybody, run_program, settings_of):
    settings_of(town.core, unsigned_saved_method="open")
    link = town.link(run_program, "invoice", town.invoices(town.john)[0]["id"])
    where, _ = address(town, "direct-pay-invoice", town.john)
    for one in (link, where):
        for _ in range(2):
            assert anybody.get(one).status_code == 200
            assert anybody.session.head(anybody.base_url + one, timeout=30).status_code == 200
    assert town.calls() == {}
    assert town.nothing_moved()


def test_guessing_numbers_is_stopped_with_words_and_without_touching_anybody_elses_link(town, anybody):
    for _ in range(30):
        last = opened(anybody, "/ippay/direct-pay-invoice?item_id=2021010")
    assert last.says("There is nothing to pay under this link.")
    page = opened(anybody, "/ippay/direct-pay-invoice?item_id=2021010")
    assert page.status_code == 429
    assert page.says("Please wait a little", "Nothing was charged")
    where, row = address(town, "direct-pay-invoice", town.ashley)
    assert opened(anybody, where).says(row["number"])
