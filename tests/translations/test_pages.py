"""The pages themselves, over real HTTP, after the setting was switched while everything runs: no English is left."""

import html
import re

import pytest

from splynx_ippay import notifications
from splynx_ippay.ippay.messages import BankAccount, Card
from splynx_ippay.payments import reconcile, saving
from splynx_ippay.payments.orders import Consent
from splynx_ippay.runs import work

from .conftest import catalogue_of

VISA = "4111111111111111"
CARD = {"source": "card", "number": VISA, "expiry": "12/30", "holder": "John Sway", "cvv": "123"}
BANK = {"source": "bank", "routing": "111000025", "account": "12345678", "account_again": "12345678", "kind": "CHECKING",
        "authorized": True}
MOST_PAGES = 60
LONG = 12  # shorter words may be a name, a code, or a word of the other language


def english_of(language):
    """The longest piece without a placeholder of every English text, unless a translation holds it too (names of menus)."""
    messages = [message for message in catalogue_of(language) if message.id]
    translated = " ".join(text for message in messages
                          for text in ([message.string] if isinstance(message.string, str) else message.string))
    for message in messages:
        for text in [message.id] if isinstance(message.id, str) else message.id:
            piece = max((part.strip() for part in re.split(r"%\(\w+\)s", text)), key=len)
            if len(piece) >= LONG and " " in piece and piece not in translated:
                yield piece


@pytest.fixture
def proves(language):
    """proves(page): the page is in the language, and nothing on it is an English text of the catalogue."""
    english = sorted(set(english_of(language)))
    assert len(english) > 300

    def check(page):
        assert f'<html lang="{language}"' in page.text, page.words[:300]
        seen = " ".join(html.unescape(page.text).replace("\u2019", "'").split())
        assert [piece for piece in english if piece in seen] == [], page.url
        return page

    return check


@pytest.fixture
def speak(settings_of, core, language):
    """Switch the language while everything runs; what people did before was in English."""
    return lambda: settings_of(core, language=language)


@pytest.fixture
def invoices(sandbox):
    """The numbers of the first customer's open invoices."""
    return [row["number"] for row in sandbox.unpaid_invoices(1)]


def pay(person, invoice, **fields):
    page = person.get(f"/ippay/pay-invoice?item_id={invoice}")
    return person.submit(page, "/ippay/pay-invoice", holding="source", **fields)


def crawl(person, proves, door, starts):
    """Open the pages of a door and everything they link to, each once, and prove every one that is a page of ours."""
    waiting, seen = list(starts), set()
    while waiting and len(seen) < MOST_PAGES:
        address = waiting.pop(0)
        place = re.sub(r"\d+", "1", address.partition("?")[0])
        if place in seen:
            continue
        seen.add(place)
        page = person.get(address)
        if "text/html" in page.headers["Content-Type"]:
            proves(page)
            waiting += [link.href.removeprefix(person.base_url) for link in page.sight.links
                        if link.href.removeprefix(person.base_url).startswith(door)]
    return seen


def test_the_portal_speaks_the_language(portal, proves, speak, invoices, settings_of, core):
    assert portal.get("/ippay/credentials").says("Add bank account")
    speak()
    proves(portal.get("/ippay/"))
    proves(portal.get("/ippay/credentials"))
    proves(portal.submit(portal.get("/ippay/credentials"), "/credentials/card", number=VISA, expiry="12/30", holder="John Sway"))
    page = proves(portal.submit(portal.get("/ippay/credentials"), "/credentials/bank", holder="John Sway",
                                **{key: value for key, value in BANK.items() if key != "source"}))
    removal = portal.click(page, "/remove")
    proves(removal)
    proves(portal.get(f"/ippay/pay-invoice?item_id={invoices[0]}"))
    proves(portal.get("/ippay/pay-invoice?item_id=0"))
    proves(portal.get("/ippay/nowhere"))
    assert len(crawl(portal, proves, "/ippay/", ["/ippay/", "/ippay/credentials"])) > 3
    settings_of(core, zip_code_option="1", payment_type="card")
    proves(portal.get("/ippay/credentials"))


def test_every_wrong_field_is_explained_in_the_language(portal, proves, speak, invoices):
    speak()
    for wrong in ({"number": "4111111111111112"}, {"number": "12"}, {"expiry": "13/30"}, {"expiry": "01/20"}, {"cvv": "1"},
                  {"holder": ""}, {"holder": "4111 1111"}, {"holder": "x" * 61}, {"number": "9999999999999995"}):
        page = proves(pay(portal, invoices[0], **(CARD | wrong)))
        assert page.status_code == 400
    for wrong in ({"routing": "1"}, {"account": "1"}, {"account_again": "2"}, {"authorized": False}):
        page = proves(pay(portal, invoices[0], holder="John Sway", **(BANK | wrong)))
        assert page.status_code == 400
    for amount in ("0", "1e3", "1.001", "0.50", "99999"):
        page = proves(portal.submit(portal.get("/ippay/"), "/ippay/", holding="amount", amount=amount, **CARD))
        assert page.status_code == 400


def test_the_endings_speak_the_language(portal, proves, speak, sandbox, invoices, core):
    speak()
    proves(pay(portal, invoices[0], **CARD))
    proves(portal.get(f"/ippay/pay-invoice?item_id={invoices[0]}"))
    declined = portal.get("/ippay/")
    proves(portal.submit(declined, "/ippay/", holding="amount", amount="20.51", **CARD))
    proves(portal.submit(portal.get("/ippay/"), "/ippay/", holding="amount", amount="30.00", holder="John Sway", **BANK))
    proves(portal.get("/ippay/"))
    sandbox.fault(server="gateway", kind="drop_after", match={"type": "SALE"}, times=1)
    unknown = proves(pay(portal, invoices[1], **CARD))
    proves(portal.get(f"/ippay/pay-invoice?item_id={invoices[1]}"))
    reconcile.tick(core)
    proves(portal.get(unknown.url))


def test_links_speak_the_language(anybody, proves, speak, invoices, sandbox):
    speak()
    for address in (f"/ippay/direct-pay-invoice?item_id={invoices[0]}", "/ippay/direct-pay-invoice?item_id=0"):
        page = proves(anybody.get(address))
        proves(anybody.submit(page))
    shown = anybody.submit(anybody.get(f"/ippay/direct-pay-invoice?item_id={invoices[0]}"))
    proves(anybody.submit(shown, holding="number", **CARD))
    proves(anybody.get("/ippay/l/nothing"))


def test_the_staffs_door_speaks_the_language(staff, proves, speak, invoices, core):
    card = Card(number=VISA, exp_month=12, exp_year=2039, holder="Test Payer", postal_code="80202")
    saving.save(core, 1, 1, card, None)
    account = BankAccount(routing="011401533", account="123456789", kind="CHECKING", holder="Test Payer")
    saving.save(core, 2, 1, account, Consent("test", "I agree.", "127.0.0.1"))
    speak()
    page = proves(staff.enter_frame(staff.get("/admin/add-on?point=ippay_charge_point")))
    proves(staff.submit(page, "/admin/charge", period_from="nothing", total="1e3", customer_ids="x"))
    preview = proves(staff.submit(staff.get("/ippay/admin/charge"), "/admin/charge", period_from="", period_to=""))
    proves(staff.submit(preview, "/start"))
    running = proves(staff.submit(preview, "/start", confirm="1"))
    work.tick(core)
    proves(staff.get(running.url))
    for address in ("/ippay/admin/", "/ippay/admin/payments/1", "/ippay/admin/runs/", "/ippay/admin/health",
                    f"/ippay/admin/pay-invoice?item_id={invoices[0]}", "/ippay/admin/pay-invoice?item_id=0"):
        proves(staff.get(address))
    assert len(crawl(staff, proves, "/ippay/admin/", ["/ippay/admin/"])) > 6
    columns = staff.session.get(f"{running.url}/result.csv", timeout=30).text.splitlines()[0]
    assert not {"Invoice", "Customer", "Amount", "Result"} & set(columns.lstrip("\ufeff").split(","))


def test_the_login_page_speaks_the_language(anybody, proves, speak):
    speak()
    for address in ("/ippay/credentials", "/ippay/admin/"):
        page = proves(anybody.get(address, headers={"Sec-Fetch-Dest": "iframe"}))
        assert page.status_code == 401


def test_the_mailed_code_speaks_the_language(language):
    mail = notifications.render("code", "anna@mail.example", language, name="Anna", what="2026", code="123456", minutes=15,
                                merchant="North")
    seen = html.unescape(mail.subject + mail.text + mail.html)
    assert [piece for piece in english_of(language) if piece in " ".join(seen.split())] == []
    assert "123456" in mail.text
    assert "123456" in mail.html


@pytest.mark.parametrize("kind", ["paid", "debit_received", "debit_paid", "debit_returned", "cancelled", "not_taken"])
def test_the_mails_about_a_payment_speak_the_language(language, kind):
    line = {"label": "Proforma invoice", "number": "7", "cents": 500, "rest_cents": 700}
    mail = notifications.render(
        kind, "anna@mail.example", language, name="Anna", merchant="", contact="", cents=500, currency="USD", source="Bank account",
        last_four="6789", at="2026-11-22T10:00:00+00:00", approval="123456", reference="ABC", is_topup=False, settled_on="2026-11-24", is_test=True,
        lines=[line], again=False, sent_on="2026-11-22", leaves_on="2026-11-23", final_on="2026-11-30", held_until="",
        returned_why="there was not enough money on the account.", authorized=["OK"], authorized_at="2026-11-22T10:00:00+00:00",
        why="", ending="")
    seen = " ".join(html.unescape(mail.subject + mail.text + mail.html).split())
    assert [piece for piece in english_of(language) if piece in seen] == []
    assert "November" not in seen
