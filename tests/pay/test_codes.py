"""A code by mail opens what is saved, on links anybody can guess; asking tells nothing about anybody."""

import re
import threading
from collections import Counter

import pytest
from sqlalchemy import select

from splynx_ippay.links import OneTimeCode, codes
from splynx_ippay.pay.limits import CODES
from splynx_ippay.splynx.client import SplynxClient

OWNER = 2
ASKED = "If we have an e-mail address on file, a code is on its way."


@pytest.fixture
def postbox(registered_core, sandbox, settings_of):
    """The mail settings point to the catcher; postbox() waits for one more mail and returns its code."""
    facts = sandbox.facts
    settings_of(registered_core, smtp_host=facts["smtp_host"], smtp_port=facts["smtp_port"], smtp_tls="none",
                smtp_from="Billing <billing@isp.example>")
    yield sandbox
    for thread in threading.enumerate():
        if thread.name == "code-mail":  # a mail under way must not arrive in the next test
            thread.join(20)


@pytest.fixture
def code_in(postbox, wait_until):
    def read(number=1):
        mails = wait_until(lambda: (found := mails_of(postbox)) and len(found) >= number and found, what=f"mail {number}")
        return code_of(mails[number - 1])

    return read


def code_of(mail):
    return re.search(r"^ {4}(\d{6})\s*$", mail["text"], re.MULTILINE)[1]


@pytest.fixture
def root(sandbox):
    """The host with a key that may do everything."""
    return SplynxClient(sandbox.facts["api_url"], sandbox.facts["api_key"], sandbox.facts["api_secret"])


def mails_of(sandbox):
    return sandbox.control("GET", "mails")["mails"]


@pytest.fixture
def owner(browser_of, web):
    """The owner of the invoice, who has saved a card."""
    person = browser_of(OWNER)
    person.submit(person.get("/ippay/credentials"), "/credentials/card", number="4111111111111111", expiry="12/30", holder="Owner Name")
    return person


def opened(anybody, invoice):
    return anybody.submit(anybody.get(f"/ippay/direct-pay-invoice?item_id={invoice['number']}"))


def asked(anybody, invoice):
    return ask_on(anybody, opened(anybody, invoice))


def ask_on(anybody, page):
    form = next(form for form in page.forms if any(button.label == "Send me a code" for button in form.buttons))
    return anybody.post(form.action, form.values({}, button="Send me a code"), headers={"Referer": page.url})


def type_in(anybody, page, code):
    return anybody.submit(page, holding="code", button="Continue", code=code)


def bare(page):
    """The page without what is new in every page: tokens and sealed notes (of one length)."""
    return re.sub(r'name="(csrf_token|offer|ticket)" value="[^"]+"', r"\1", page.text)


def test_a_code_from_the_mail_pays_with_the_saved_card(anybody, owner, invoice, postbox, code_in):
    page = asked(anybody, invoice)
    assert page.says(ASKED, "10 minutes")
    assert "mail.example" not in page.text
    code = code_in()
    mail, = mails_of(postbox)
    assert mail["envelope_to"] == ["customer2@mail.example"]
    assert mail["from"] == "billing@isp.example"
    assert mail["subject"] == "Your code to pay with your saved card or account"
    assert f"invoice #{invoice['number']}" in mail["text"]
    assert "O&#39;Brien &amp; Søns &lt;b&gt;" in mail["html"]
    page = type_in(anybody, page, f" {code[:3]} {code[3:]}")
    assert page.says("Visa •••• 1111", invoice["number"])
    assert "Owner Name" not in page.text
    assert anybody.submit(page, holding="amount_cents", source="method:1").says("approved")
    assert len(postbox.sales()) == 1


def test_the_proof_holds_for_this_document_and_a_quarter_of_an_hour(anybody, owner, invoice, postbox, code_in):
    other = postbox.unpaid_invoices(OWNER)[1]
    type_in(anybody, asked(anybody, invoice), code_in())
    assert opened(anybody, invoice).says("Visa •••• 1111")
    assert not opened(anybody, other).says("Visa •••• 1111")
    postbox.jump(seconds=15 * 60 + 1)
    page = opened(anybody, invoice)
    assert not page.says("Visa •••• 1111")
    assert page.says("Send me a code")


def test_a_wrong_code_opens_nothing_and_five_are_the_end(anybody, owner, invoice, postbox, code_in, registered_core):
    page = asked(anybody, invoice)
    code = code_in()
    wrong = f"{(int(code) + 1) % 10**6:06d}"
    for _ in range(codes.TRIES):
        page = type_in(anybody, page, wrong)
        assert page.status_code == 400
        assert page.says("This code does not fit")
        assert "1111" not in page.words
    assert type_in(anybody, page, code).says("This code does not fit"), "also the right one, after five"
    with registered_core.database.read() as session:
        row = session.scalars(select(OneTimeCode)).one()
    assert (row.tries, row.used_at) == (codes.TRIES, None)


def test_a_code_fits_once_and_for_its_own_document_only(anybody, make_browser, owner, invoice, postbox, code_in):
    stranger, third = make_browser(), make_browser()
    page = asked(anybody, invoice)
    code, ticket = code_in(), dict(page.form(holding="ticket").values({}))["ticket"]
    foreign = asked(stranger, postbox.unpaid_invoices(OWNER)[1])
    assert stranger.submit(foreign, holding="code", button="Continue", code=code, ticket=ticket).says("This code does not fit")
    assert type_in(anybody, page, code).says("Visa •••• 1111")
    assert third.submit(asked(third, invoice), holding="code", button="Continue", code=code, ticket=ticket).says("does not fit")


def test_a_code_ends_after_ten_minutes(anybody, owner, invoice, postbox, code_in):
    page = asked(anybody, invoice)
    code = code_in()
    postbox.jump(seconds=601)
    page = type_in(anybody, page, code)
    assert page.says("does not fit, is too old")
    page = anybody.submit(page, holding="code", button="Send a new code")
    assert type_in(anybody, page, code_in(2)).says("Visa •••• 1111")


def test_asking_costs_and_shows_the_same_with_and_without_an_address_and_a_method(
        anybody, owner, postbox, root, registered_core, counted_queries, wait_until):
    invoices = {"address and card": postbox.unpaid_invoices(OWNER)[0], "address only": postbox.unpaid_invoices(1)[0],
                "neither": postbox.unpaid_invoices(3)[0]}
    root.put("admin/customers/customer/3", {"email": "", "billing_email": ""})
    asked(anybody, postbox.unpaid_invoices(4)[0])  # names of partners and the like are remembered from now on
    seen = {}
    for name, invoice in invoices.items():
        page = opened(anybody, invoice)
        postbox.reset_counters()
        with counted_queries(registered_core) as queries:
            page = ask_on(anybody, page)
        calls = Counter(postbox.counters()["host"])
        seen[name] = (page.status_code, bare(page), len(page.response.content), tuple(sorted(calls.items())),
                      tuple(statement.split("(")[0] for statement in queries.statements))
    assert len(set(seen.values())) == 1, seen
    wait_until(lambda: len(mails_of(postbox)) == 3, what="the mails to those who have an address")


@pytest.mark.parametrize("address", ["", "nobody", "two words@x.y", "a@b", "x@y.z\r\nBcc: thief@evil.example"])
def test_an_address_that_is_none_gets_no_mail(*, address, anybody, invoice, postbox, root, wait_until):
    root.put("admin/customers/customer/2", {"email": "", "billing_email": address})
    assert asked(anybody, invoice).says(ASKED)
    assert asked(anybody, postbox.unpaid_invoices(1)[0]).says(ASKED)
    [mail] = wait_until(lambda: mails_of(postbox), what="the mail of the one after")
    assert mail["envelope_to"] == ["customer1@mail.example"]


def test_codes_are_limited_for_each_document_and_say_to_wait(anybody, invoice, postbox, wait_until):
    for _ in range(CODES[0]):
        assert asked(anybody, invoice).says(ASKED)
    by_id = anybody.submit(anybody.get(f"/ippay/direct-pay-invoice-by-id?item_id={invoice['id']}"))
    page = ask_on(anybody, by_id)
    assert page.status_code == 429
    assert page.says("Please wait a little")
    assert ask_on(anybody, opened(anybody, postbox.unpaid_invoices(1)[0])).says(ASKED)
    wait_until(lambda: len(mails_of(postbox)) == CODES[0] + 1, what="the mails of the codes that were allowed")


@pytest.mark.parametrize("policy", ["open", "off"])
def test_without_need_of_proof_there_are_no_codes(*, policy, anybody, invoice, postbox, registered_core, settings_of):
    page = opened(anybody, invoice)
    settings_of(registered_core, unsigned_saved_method=policy)
    assert not opened(anybody, invoice).says("Send me a code")
    assert not ask_on(anybody, page).says("a code is on its way")
    assert mails_of(postbox) == []


def test_without_a_mail_server_only_the_login_is_offered(anybody, invoice, registered_core):
    page = opened(anybody, invoice)
    assert page.says("Log in to use your saved card")
    assert not page.says("Send me a code")


def test_a_mail_server_that_is_away_is_told_to_the_log_and_to_nobody_else(anybody, invoice, postbox, registered_core, settings_of, caplog, wait_until):
    settings_of(registered_core, smtp_port="9")
    assert asked(anybody, invoice).says(ASKED)
    wait_until(lambda: "a code could not be mailed" in caplog.text, what="the log")
    assert "customer2@mail.example" not in caplog.text


def test_the_database_keeps_no_code(anybody, invoice, postbox, code_in, registered_core):
    asked(anybody, invoice)
    code = code_in()
    with registered_core.database.read() as session:
        row = session.scalars(select(OneTimeCode)).one()
    assert code not in (row.digest, row.ticket)
    assert len(row.digest) == 32
    assert code not in repr(codes.Issued(row.ticket, code))


def test_a_right_code_without_anything_saved_says_so(anybody, invoice, postbox, code_in):
    page = type_in(anybody, asked(anybody, invoice), code_in())
    assert page.says("The code is right", "No card or bank account is saved")


def test_a_changed_offer_or_no_token_asks_for_nothing(anybody, invoice, postbox):
    page = opened(anybody, invoice)
    form = next(form for form in page.forms if any(button.label == "Send me a code" for button in form.buttons))
    values = dict(form.values({}, button="Send me a code"))
    assert anybody.post(form.action, values | {"offer": values["offer"][:-4] + "AAAA"}).says("open too long")
    del values["csrf_token"]
    assert anybody.post(form.action, values).status_code == 400
    assert mails_of(postbox) == []
