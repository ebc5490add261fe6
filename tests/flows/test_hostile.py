"""Hostile people: card testers, scanners of mails, replays, swapped ids, forged tokens, markup and formulas.

Everything over real HTTP; a visitor's network is the loopback address the request comes from.
"""

import csv
import io
import re
import socket
from datetime import timedelta
from html.parser import HTMLParser
from urllib.parse import quote, urlsplit

import pytest
import requests
from sqlalchemy import func, select

from splynx_ippay.base.money import Money
from splynx_ippay.pay.limits import OPENINGS
from splynx_ippay.payments import limits, states
from splynx_ippay.payments.charge import take
from splynx_ippay.payments.limits import LimitHit
from splynx_ippay.payments.models import Attempt, Door, State
from splynx_ippay.payments.orders import Item, Order, SavedMethod, new_submission_key
from splynx_ippay_sandbox.demo.people import saved

NASTY = '"><script>alert(1)</script><img src=x onerror=alert(2)>\'{{7*7}}{%x%}=1+1 \U0001f4b8'
FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1")


class _From(requests.adapters.HTTPAdapter):
    """Requests that come from an address of our choice."""

    def __init__(self, address):
        self.address = address
        super().__init__()

    def init_poolmanager(self, *args, **kwargs):
        super().init_poolmanager(*args, source_address=(self.address, 0), **kwargs)


@pytest.fixture
def visitor(make_browser):
    """visitor("127.0.66.1"): somebody of that network, without a login."""
    def make(address):
        person = make_browser()
        person.session.mount("http://", _From(address))
        return person

    return make


def luhn(number):
    """A Visa number nobody has seen before."""
    body = f"40003{number:010d}"
    doubled = [int(digit) * 2 if position % 2 else int(digit) for position, digit in enumerate(reversed(body), start=1)]
    rest = sum(value - 9 if value > 9 else value for value in doubled) % 10
    return f"{body}{(10 - rest) % 10}"


def opened(person, document, *, by_id=False):
    """The form of an unsigned link, after Continue."""
    where = f"direct-pay-invoice-by-id?item_id={document['id']}" if by_id else f"direct-pay-invoice?item_id={document['number']}"
    return person.submit(person.get("/ippay/" + where))


class CardTesting:
    """Somebody with a list of stolen cards."""

    def __init__(self, town):
        self.town, self.used = town, 0

    def tries(self, person, page, form="", **more):
        """One more card, declined if it reaches the gateway; the page that came back, and whether it got that far."""
        self.town.sandbox.control("POST", "answers", {"type": "SALE", "action_code": "005"})
        self.used += 1
        before = self.town.calls().get("SALE", 0)
        answer = person.submit(page, form, holding="number", **(self.town.card(luhn(self.used)) | more))
        return answer, self.town.calls().get("SALE", 0) > before


# -- card testing --------------------------------------------------------------------------------------------------------

def test_cards_tested_on_links_stop_at_the_document_and_the_network_and_hinder_nobody_else(town, visitor, run_program):
    tester, target = CardTesting(town), town.invoices(town.ashley)[0]
    thief = visitor("127.0.66.1")
    for number in range(8):
        answer, sent = tester.tries(thief, opened(thief, target, by_id=bool(number % 2)))
        assert sent, number
        assert answer.says("declined")
    for person in (thief, visitor("127.0.67.1")):  # the number and the id are one debt, from wherever one comes
        for by_id in (True, False):
            answer, sent = tester.tries(person, opened(person, target, by_id=by_id))
            assert (answer.status_code, sent) == (429, False)
    others = [town.invoices(town.obrien)[0], *town.invoices(town.john)[:2]]
    sent = [tester.tries(thief, opened(thief, others[number % len(others)]))[1] for number in range(16)]
    assert sum(sent) == limits.DECLINES_BY_NETWORK - 8
    with town.core.database.read() as rows:
        assert rows.scalar(select(func.count()).select_from(LimitHit).where(LimitHit.bucket.like("declined:%"))) == 3 * limits.DECLINES_BY_NETWORK
    town.sandbox.control("POST", "reset", {"seed": "small"})
    payer = visitor("127.0.68.1")  # another network, another document; and the tested one by its signed link
    assert payer.submit(opened(payer, town.invoices(town.nora)[0]), holding="number", **town.card()).says("approved")
    link = town.link(run_program, "invoice", target["id"])
    assert payer.submit(payer.get(link), "/ippay/l/", holding="number", **town.card()).says("approved")


def test_an_office_behind_one_address_pays_as_many_invoices_as_it_likes(town, visitor):
    office, paid = visitor("127.0.70.1"), 0
    for number in range(22):
        town.office.post("admin/finance/invoices", {
            "customer_id": town.ashley, "date_created": "2026-01-01", "items": [{"description": "x", "quantity": 1, "price": f"{30 + number}.00", "tax": 0}]})
    for invoice in town.invoices(town.ashley)[-22:]:
        paid += office.submit(opened(office, invoice), holding="number", **town.card()).says("approved")
    assert paid == 22


def test_thirty_declines_of_strangers_do_not_stop_a_signed_link_in_their_network_nor_a_payer_elsewhere(town, visitor, run_program):
    tester, thief = CardTesting(town), visitor("127.0.72.1")
    targets = [*town.invoices(town.john)[:3], town.invoices(town.obrien)[0]]
    tries = [tester.tries(thief, opened(thief, targets[number % 4]))[1] for number in range(30)]
    assert tries == [True] * limits.DECLINES_BY_NETWORK + [False] * (30 - limits.DECLINES_BY_NETWORK)
    refused = thief.submit(opened(thief, town.invoices(town.ashley)[0]), holding="number", **town.card())
    assert refused.status_code == 429
    assert refused.says("perhaps those of other people in your network", "Nothing was charged")
    town.sandbox.control("POST", "reset", {"seed": "small"})
    neighbour, elsewhere = visitor("127.0.72.9"), visitor("127.0.73.1")
    for invoice in (targets[0], town.invoices(town.ashley)[0]):
        link = town.link(run_program, "invoice", invoice["id"])
        assert neighbour.submit(neighbour.get(link), "/ippay/l/", holding="number", **town.card()).says("approved")
    assert elsewhere.submit(opened(elsewhere, town.invoices(town.nora)[0]), holding="number", **town.card()).says("approved")


def test_numbers_of_one_issuer_tested_from_many_networks_stop_and_cards_of_others_pay(town, visitor):
    tester = CardTesting(town)
    targets = [*town.invoices(town.john), *town.invoices(town.obrien), *town.invoices(town.ashley)]
    for number in range(limits.DECLINES_BY_ISSUER):  # five from each network, six at each document
        person = visitor(f"127.0.{80 + number // 5}.1")
        assert tester.tries(person, opened(person, targets[number // 6]))[1], number
    stranger = visitor("127.0.99.1")
    answer, sent = tester.tries(stranger, opened(stranger, town.invoices(town.nora)[0]))
    assert (answer.status_code, sent) == (429, False)
    with town.core.database.read() as rows:
        assert not any("40003000" in bucket for bucket in rows.scalars(select(LimitHit.bucket)))
    town.sandbox.control("POST", "reset", {"seed": "small"})
    payer = visitor("127.0.99.2")
    assert payer.submit(opened(payer, town.invoices(town.nora)[0]), holding="number", **town.card(town.mastercard)).says("approved")


def test_people_behind_one_address_of_a_carrier_pay_one_after_another(town, visitor):
    """All but one opening of the hour are used up; each who pays makes room for the next, who only looks does not."""
    def crowd(rows):
        for _ in range(OPENINGS[1] - 1):
            limits.hit(rows, "link:open:net:127.0.74.0/24")

    town.core.database.run(crowd)
    for number, invoice in enumerate((*town.invoices(town.john)[:2], town.invoices(town.nora)[0])):
        payer = visitor(f"127.0.74.{number + 1}")
        page = opened(payer, invoice)
        for _ in range(3):  # mistakes are counted for the document alone
            page = payer.submit(page, holding="number", **town.card("4111111111111112"))
            assert page.says("This card number has a typing error")
        assert payer.submit(page, holding="number", **town.card()).says("approved")
    curious = visitor("127.0.74.77")
    assert opened(curious, town.invoices(town.ashley)[0]).status_code == 200
    assert opened(curious, town.invoices(town.ashley)[0]).status_code == 429
    with town.core.database.read() as rows:
        assert limits.count(rows, "link:open:net:127.0.74.0/24", timedelta(hours=1)) == OPENINGS[1]


def test_a_login_does_not_test_cards_and_other_customers_pay_on(town, portal, browser_of):
    tester = CardTesting(town)
    results = []
    for _ in range(limits.CARDS_BY_CUSTOMER + 2):
        page = portal.get("/ippay/")
        town.sandbox.control("POST", "answers", {"type": "SALE", "action_code": "005"})
        tester.used += 1
        before = town.calls().get("SALE", 0)
        answer = portal.submit(page, "/ippay/", amount="25.00", **town.card(luhn(tester.used)))
        results.append((answer.says("declined"), town.calls().get("SALE", 0) > before, answer.status_code))
    assert results == [(True, True, 200)] * limits.CARDS_BY_CUSTOMER + [(False, False, 429)] * 2
    assert town.calls()["TOKENIZE"] == limits.CARDS_BY_CUSTOMER
    saves = [town.save_card(portal, luhn(900 + number)).status_code for number in range(limits.SAVES_BY_CUSTOMER + 1)]
    assert saves == [200] * limits.SAVES_BY_CUSTOMER + [429]
    town.sandbox.control("POST", "reset", {"seed": "small"})
    other = browser_of(2)
    assert other.submit(other.get("/ippay/"), "/ippay/", amount="25.00", **town.card()).says("approved")


def test_a_storm_on_guessed_links_stops_there_and_nowhere_else(town, john, visitor, run_program):
    def storm(rows):
        for _ in range(limits.DECLINES_BY_CROWD):
            limits.note_decline(rows, limits.Crowd("link:guessed", "203.0.113.0/24"))

    town.core.database.run(storm)
    stranger, invoices = visitor("127.0.71.1"), town.invoices(town.john)
    page = stranger.submit(opened(stranger, invoices[0]), holding="number", **town.card())
    assert page.status_code == 429
    assert page.says("Nothing was charged")
    assert town.nothing_moved()
    link = town.link(run_program, "invoice", invoices[0]["id"])
    assert stranger.submit(stranger.get(link), "/ippay/l/", holding="number", **town.card()).says("approved")
    assert john.submit(john.get("/ippay/"), "/ippay/", amount="25.00", **town.card(town.mastercard)).says("approved")


def test_no_mailbox_is_flooded_with_codes_however_many_documents_are_asked_about(town, visitor, settings_of, sandbox, wait_until):
    settings_of(town.core, smtp_host=sandbox.facts["smtp_host"], smtp_port=sandbox.facts["smtp_port"], smtp_tls="none",
                smtp_from="Billing <billing@isp.example>")
    for number in range(2):
        town.office.post("admin/finance/invoices", {"customer_id": town.obrien, "date_created": "2026-01-01",
                                                    "items": [{"description": "x", "quantity": 1, "price": f"{30 + number}.00", "tax": 0}]})
    answers = []
    for position, invoice in enumerate(town.invoices(town.obrien)[:4]):
        person = visitor(f"127.0.8{position}.1")
        for _ in range(3):
            page = opened(person, invoice)
            form = next(form for form in page.forms if any(button.label == "Send me a code" for button in form.buttons))
            answers.append(person.post(form.action, form.values({}, button="Send me a code"), headers={"Referer": page.url}))
    assert len(answers) == 12
    assert len({(answer.status_code, answer.says("a code is on its way")) for answer in answers}) == 1
    wait_until(lambda: len(sandbox.control("GET", "mails")["mails"]) >= 5, what="five mails")
    assert len(sandbox.control("GET", "mails")["mails"]) == 5


# -- scanners of mails -----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("policy", ["proof", "open"])
def test_scanners_that_open_and_submit_whatever_they_find_pay_nothing(*, policy, town, john, anybody, run_program, settings_of):
    settings_of(town.core, unsigned_saved_method=policy)
    invoice = town.invoices(town.john)[0]
    addresses = [town.link(run_program, "invoice", invoice["id"]), f"/ippay/direct-pay-invoice?item_id={invoice['number']}",
                 f"/ippay/direct-pay-invoice-by-id?item_id={invoice['id']}"]
    for address in addresses:
        assert anybody.session.head(anybody.base_url + address, timeout=30).status_code == 200
        bare = requests.get(anybody.base_url + address, timeout=30)  # keeps no cookie
        token = re.search(r'name="csrf_token" value="([^"]+)"', bare.text)[1]
        assert requests.post(anybody.base_url + address, {"csrf_token": token}, timeout=30).status_code == 400
        page = anybody.get(address)
        for _ in range(4):  # every form of every page that comes, as it stands, with cookies
            for form in page.forms:
                page = anybody.post(form.action, form.values({}), headers={"Referer": page.url})
        assert ("1111" in page.text) == ("/l/" in address or policy == "open")  # what could have been used was offered
    assert town.nothing_moved()
    assert "SALE" not in town.calls()
    page = anybody.get(addresses[0])  # a person chooses and presses
    assert anybody.submit(page, "/ippay/l/", source=saved(page.form("/ippay/l/"))).says("approved")
    assert town.sales() == [("SALE", 1500)]


# -- replays and changed forms ---------------------------------------------------------------------------------------------

def test_money_forms_replayed_moved_or_changed_pay_once_or_not_at_all(town, john, browser_of, anybody, run_program):
    first, second = town.invoices(town.john)[:2]
    other = browser_of(2)
    pages = {
        "portal": john.get(f"/ippay/pay-invoice?item_id={first['number']}"), "topup": john.get("/ippay/"),
        "link": anybody.get(town.link(run_program, "invoice", first["id"])),
    }
    forms = {name: dict(next(form for form in page.forms if "offer" in form.names()).values({})) for name, page in pages.items()}
    fresh = {person: re.search(r'name="csrf_token" value="([^"]+)"', person.get("/ippay/").text)[1] for person in (john, other)}
    moved = [
        (other, f"/ippay/pay-invoice?item_id={first['number']}", forms["portal"]), (other, "/ippay/", forms["topup"] | {"amount": "25.00"}),
        (john, f"/ippay/pay-invoice?item_id={second['number']}", forms["portal"]),
        (john, "/ippay/pay-request?item_id=" + first["number"], forms["portal"]), (john, "/ippay/", forms["portal"] | {"amount": "25.00"}),
        (john, "/ippay/pay/selected", forms["portal"]),
    ]
    for change in ({"amount_cents": "1"}, {"amount_cents": ""}, {"submission_key": "x"}, {"offer": forms["portal"]["offer"][:-4]},
                   {"offer": forms["topup"]["offer"]}, {"offer": ""}, {"offer": "\x00\u20ac" * 40}, {"offer": "k:" + "A" * 5000}):
        moved.append((john, f"/ippay/pay-invoice?item_id={first['number']}", forms["portal"] | change))
    for person, where, form in moved:
        answer = person.post(where, form | {"csrf_token": fresh[person], "source": "method:1"})
        assert answer.status_code in {400, 404}, (where, answer.words[:200])
    assert town.nothing_moved()
    for _ in range(3):
        assert john.post(f"/ippay/pay-invoice?item_id={first['number']}", forms["portal"] | {"csrf_token": fresh[john]}).says("approved")
    anybody.post(urlsplit(pages["link"].url).path, forms["link"] | {"source": "method:1"})
    assert town.sales() == [("SALE", 1500)]


# -- swapped ids --------------------------------------------------------------------------------------------------------------

ODD = ("0", "999999", "2147483648", str(10**30), "1%00", "%E2%91%A0", "..%2f1", "%27%20OR%201=1--")


def addresses(app, door, **values):
    """Every address of a door with these values in its parameters, and (method, address) of it."""
    for rule in app.url_map.iter_rules():
        if rule.endpoint.partition(".")[0] in door:
            path = re.sub(r"<(?:\w+:)?(\w+)>", lambda found: str(values.get(found[1], values.get("any", "1"))), rule.rule)
            for method in sorted(rule.methods - {"HEAD", "OPTIONS"}):
                yield method, path, rule


def test_nobody_reaches_anything_of_another_customer_by_any_parameter(town, app, browser_of):
    owner, thief = browser_of(2), browser_of(1)
    town.save_bank(owner, holder="Secret Owner")
    town.save_card(owner, town.amex, holder="Secret Owner")
    invoice = town.invoices(town.obrien)[0]
    paid = town.pay(owner, invoice)
    assert paid.says("approved") or paid.says("on its way")
    transaction = town.sandbox.sales()[0]["transaction_id"]
    before = town.sales()
    token = re.search(r'name="csrf_token" value="([^"]+)"', thief.get("/ippay/").text)[1]
    for method_id in (1, 2):
        for verb, path, _ in addresses(app, {"portal"}, method_id=method_id, transaction_id=transaction):
            query = f"?item_id={quote(invoice['number'])}&pick=invoice-{invoice['id']}&source=method:{method_id}"
            answer = thief.get(path + query) if verb == "GET" else thief.post(path + query, {"csrf_token": token, "source": f"method:{method_id}"})
            assert answer.status_code < 500, (verb, path, answer.status_code)
            for secret in ("Secret Owner", transaction, "•••• 0005", "•••• 5678"):
                assert secret not in answer.text, (verb, path, secret)
    assert town.sales() == before
    listed = owner.get("/ippay/credentials")
    assert listed.says("0005", "5678")
    for odd in ODD:
        for verb, path, rule in addresses(app, {"portal", "admin", "pay"}, any=odd):
            if "<" in rule.rule:
                answer = thief.get(path) if verb == "GET" else thief.post(path, {"csrf_token": token})
                assert answer.status_code < 500, (verb, path, answer.status_code)
    for name in ("item_id", "source", "pick", "amount", "page", "lump", "sum-invoice-1"):
        for odd in ("\x00", "'", "1" * 3000, "\ud83d".encode("utf-8", "surrogatepass"), "-1", "[]", "%s%n", "../../etc/passwd"):
            for where in ("/ippay/", "/ippay/pay-invoice", "/ippay/pay-request", "/ippay/pay", "/ippay/pay/selected", "/ippay/credentials"):
                answer = thief.session.get(thief.base_url + where, params={name: odd}, timeout=30)
                assert answer.status_code < 500, (where, name, odd)


def test_a_partners_staff_reach_nothing_of_another_partner_by_any_parameter(town, app, browser_of, staff, sandbox):
    owner = browser_of(1)
    town.save_card(owner, holder="John Sway")
    invoices = town.invoices(town.john)
    attempt = take(town.core, Order(
        door=Door.STAFF, customer_id=town.john, partner_id=1, source=SavedMethod(1), actor="staff 1", submission_key=new_submission_key(),
        items=(Item("invoice", int(invoices[0]["id"]), invoices[0]["number"], Money(1500, "USD")),)))
    run = staff.submit(staff.get("/ippay/admin/charge"), "/ippay/admin/charge")
    run_id = int(urlsplit(run.url).path.rpartition("/")[2])
    form = dict(staff.get(f"/ippay/admin/pay-invoice?item_id={invoices[1]['number']}").form("pay-invoice").values({}))
    plan_hash = dict(run.form("/start").values({}))["plan_hash"]
    assert staff.get(f"/ippay/admin/payments/{attempt.id}").says("John Sway", "1111")  # what is looked for below is there
    town.office.put("admin/administration/administrators/1", {"partner_id": 2})
    try:
        sandbox.jump(seconds=31 * 60)  # who is asking is asked again
        token = re.search(r'name="csrf_token" value="([^"]+)"', staff.get("/ippay/admin/charge").text)[1]
        before = town.sales()
        for verb, path, rule in addresses(app, {"admin"}, attempt_id=attempt.id, run_id=run_id, customer_id=town.john):
            query = f"?item_id={invoices[1]['number']}&q={attempt.transaction_id}"
            body = form | {"csrf_token": token, "confirm": "1", "plan_hash": plan_hash, "partner_ids": "1", "partner": "1"}
            answer = staff.get(path + query) if verb == "GET" else staff.post(path + query, body)
            assert answer.status_code < 500, (verb, path)
            if "<" in rule.rule:
                assert answer.status_code == 404, (verb, path, answer.status_code)
            for secret in ("John Sway", f">{attempt.transaction_id}<", "•••• 1111"):
                assert secret not in answer.text, (verb, path, secret)
        town.tick("runs")
        assert town.sales() == before
    finally:
        town.office.put("admin/administration/administrators/1", {"partner_id": 0})


def test_tokens_of_links_and_endings_open_only_whole_and_unchanged(town, anybody, run_program):
    link = town.link(run_program, "invoice", town.invoices(town.ashley)[0]["id"])
    token = link.rpartition("/")[2]
    page = anybody.submit(anybody.get(link), "/ippay/l/", holding="number", **town.card())
    reference = urlsplit(page.url).path.rpartition("/")[2]
    code, _, signature = token.rpartition(".")
    for whole, door in ((token, "l"), (reference, "paid")):
        swapped = [whole[:-1], whole[1:], whole.upper(), whole.partition(".")[0], "." + whole.rpartition(".")[2], whole + "0", whole + ".",
                   f"{code}.{reference.rpartition('.')[2]}", f"{reference.rpartition('.')[0]}.{signature}", "x" * 3000, "%00", "\u00e9.\u00e9"]
        for changed in swapped:
            answer = anybody.get(f"/ippay/{door}/{quote(changed, safe='.%')}")
            assert answer.status_code == 404, (door, changed)
            assert not answer.says("$100.00")


# -- logins and sessions -------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("evil", ["https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)"])
def test_the_way_back_from_a_login_never_leaves_our_pages(anybody, evil):
    for headers in ({"Referer": evil}, {"Referer": evil, "Sec-Fetch-Dest": "iframe"}, {"Host": urlsplit(anybody.base_url).netloc, "Referer": evil}):
        for path in ("/ippay/credentials", "/ippay/admin/", "/ippay//evil.example/", "/ippay/%5c%5cevil.example"):
            answer = anybody.session.get(f"{anybody.base_url}{path}", params={"return": evil, "next": evil}, headers=headers,
                                         allow_redirects=False, timeout=30)
            where = answer.headers.get("Location", "/portal/login/")
            assert urlsplit(where).netloc in {"", urlsplit(anybody.base_url).netloc}, where
            assert re.match(r"/[^/\\]", urlsplit(where).path), where
            assert "return=%2Fippay%2F" in where or "return" not in where, where


def test_cookies_of_another_login_or_after_a_logout_open_nothing(town, staff, make_browser, browser_of, sandbox):
    framed = staff.enter_frame(staff.click(staff.get("/admin/finance/invoices"), "Charge by IpPay"))
    assert framed.status_code == 200
    ours = staff.session.cookies.get("splynx_ippay_session", path="/ippay")
    sash = next(frame for frame in staff.click(staff.get("/admin/finance/invoices"), "Charge by IpPay").sight.frames if "sash=" in frame)
    thief, customer = make_browser(), browser_of(1)
    for person in (thief, customer):  # our cookie counts only together with the host's own
        person.session.cookies.set("splynx_ippay_session", ours, path="/ippay")
        answer = person.session.get(person.base_url + "/ippay/admin/", allow_redirects=False, timeout=30)
        assert answer.headers["Location"].startswith("/admin/login/")
    for changed in (ours[:-2], ours.replace(".", "", 1), "e30." + ours.partition(".")[2], "{}"):
        thief.session.cookies.set("splynx_ippay_session", changed, path="/ippay")
        assert "/admin/login/" in thief.session.get(thief.base_url + "/ippay/admin/", allow_redirects=False, timeout=30).headers["Location"]
    staff.get("/admin/logout")
    sandbox.jump(seconds=61)
    late = make_browser().session.get(sash, allow_redirects=False, timeout=30)
    assert late.headers["Location"].startswith("/admin/login/")
    assert "/admin/login/" in staff.session.get(staff.base_url + "/ippay/admin/", allow_redirects=False, timeout=30).headers["Location"]
    assert town.nothing_moved()


def test_every_form_of_every_door_wants_its_own_visitors_token(app, town, john, staff, anybody):
    foreign = re.search(r'name="csrf_token" value="([^"]+)"', anybody.get("/ippay/direct-pay-invoice?item_id=1").text)[1]
    staff.enter_frame(staff.click(staff.get("/admin/finance/invoices"), "Charge by IpPay"))
    count = 0
    for verb, path, rule in addresses(app, {"portal", "admin", "pay"}):
        if verb != "POST" or rule.endpoint == "pay.receive":
            continue
        count += 1
        person = staff if rule.endpoint.startswith("admin.") else john
        for token in (None, "", "x", foreign):
            answer = person.post(path, {"source": "method:1", "amount": "25.00", "confirm": "1"} | ({} if token is None else {"csrf_token": token}))
            assert answer.status_code == 400, (path, token, answer.status_code)
            assert answer.says("This page was open too long"), path
    assert count > 20
    assert john.get("/ippay/credentials").says("1111")
    with town.core.database.read() as rows:
        assert rows.scalar(select(func.count()).select_from(Attempt)) == 0
    assert town.nothing_moved()
    for body in (b"", b"{}", b'{"type":"event"}', b"\xff" * 100):
        answer = anybody.session.post(anybody.base_url + "/ippay/webhook", data=body, headers={"X-Splynx-Signature": "0" * 40}, timeout=30)
        assert answer.status_code == 403


# -- what is stored in the host ----------------------------------------------------------------------------------------------

class Alive(HTMLParser):
    """Finds what a browser would run."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if tag == "script" and not (values.get("src") or "").startswith("/ippay/static/"):
            self.found.append((tag, attrs))
        self.found += [(tag, name) for name, value in attrs if name.startswith("on") or (value or "").strip().lower().startswith("javascript:")]
        if tag == "img" and values.get("src") == "x":
            self.found.append((tag, attrs))


def nothing_runs(page):
    """No element, attribute or template of what strangers have typed is alive."""
    assert Alive(page.text).found == [], page
    assert "'49{" not in page.text
    assert page.status_code < 500, page
    return True


@pytest.fixture
def nasty(town):
    """A customer and an invoice whose every text tries to do harm; what is due declines by its cents."""
    town.office.put("admin/customers/customer/1", {"name": NASTY, "street_1": NASTY, "city": NASTY, "zip_code": "<b>", "phone": NASTY})
    town.office.put("admin/customers/customer/4", {"name": "N" * 245 + "\U0001f4b8" * 10})
    for formula, amount in zip((*FORMULAS, NASTY[:40]), range(31, 38), strict=True):
        town.office.post("admin/finance/invoices", {
            "customer_id": town.john, "number": formula, "note": NASTY + "\U0001f4b8" + "x" * 10_000, "memo": NASTY,
            "date_created": "2026-01-01", "items": [{"description": NASTY, "quantity": 1, "price": f"{amount}.51", "tax": 0}]})
    return town.invoices(town.john)


def test_markup_and_formulas_of_the_host_are_words_on_every_page_and_in_every_file(nasty, town, app, portal, staff, anybody, run_program, browser_of):
    assert len({row["number"] for row in nasty} & set(FORMULAS)) >= 4
    town.save_card(portal, holder="=cmd()<script>alert(3)</script>")
    town.save_bank(portal, holder="@SUM'\"<b>")
    town.save_card(browser_of(4), town.other_visa, holder="Nora North")
    for invoice in nasty:
        for page in (portal.get("/ippay/pay-invoice?item_id=" + quote(invoice["number"])), staff.get("/ippay/admin/pay-invoice?item_id=" + quote(invoice["number"])),
                     anybody.get(town.link(run_program, "invoice", invoice["id"])) if invoice["number"] == NASTY[:40] else opened(anybody, invoice)):
            assert nothing_runs(page)
    dashboard = portal.get("/portal/dashboard")
    assert not [one for one in Alive(dashboard.text).found if "alert" in str(one)]
    run = staff.submit(staff.get("/ippay/admin/charge"), "/ippay/admin/charge", period_from="", period_to="")
    assert nothing_runs(run)
    staff.submit(run, "/start", confirm=True)
    town.tick("runs", "booking")
    assert staff.get("/ippay/admin/customers/1").says("<script>alert(1)</script>", "{{7*7}}")  # it is there, as words
    ids = {"attempt_id": 1, "run_id": 1, "customer_id": 1, "method_id": 1, "transaction_id": town.sandbox.ledger()["gateway"]["transactions"][-1]["transaction_id"]}
    seen = 0
    for verb, path, rule in [*addresses(app, {"admin"}, **ids), *addresses(app, {"admin"}, **(ids | {"customer_id": 4, "attempt_id": 2})), *addresses(app, {"portal"}, **ids)]:
        if verb == "GET":
            person = staff if rule.endpoint.startswith("admin.") else portal
            page = person.get(path + "?q=" + quote(NASTY[:40]) + "&action=" + quote(NASTY) + "&source=" + quote(NASTY) + "&page=" + quote(NASTY))
            if path.endswith(".csv"):
                harmless(page)
            else:
                assert nothing_runs(page)
            seen += page.status_code == 200
    assert seen > 25


def test_markup_that_staff_type_themselves_is_words_for_payers_and_for_other_staff(town, app, portal, staff, second_staff, settings_of, sandbox):
    """The name of the fee, and evidence and reason of a decision that a second person has to read."""
    settings_of(town.core, card_fee_percent="3", card_fee_name="<img src=x onerror=alert(9)>{{7*7}}")
    sandbox.control("POST", "gateway", {"penny_triggers": False})
    town.save_card(portal)
    page = portal.get("/ippay/pay-invoice?item_id=" + quote(town.invoices(town.john)[0]["number"]))
    assert page.says("<img src=x onerror=alert(9)>")
    assert nothing_runs(page)
    paid = portal.submit(page, "/ippay/pay-invoice")
    assert paid.says("approved", "<img src=x onerror=alert(9)>")
    assert nothing_runs(paid)
    town.core.database.run(lambda session: states.move(session, session.get_one(Attempt, 1), State.REVIEW, reason=NASTY))
    for line in (1, 2):
        assert nothing_runs(staff.get(f"/ippay/admin/payments/1?line={line}"))
    answer = staff.submit(staff.get("/ippay/admin/payments/1"), "/decide", target="voided", evidence="console",
                          reference=NASTY[:80], reason=NASTY[:400])
    assert answer.says("Decided", NASTY[:20])
    for person, address in ((staff, "/ippay/admin/payments/1"), (second_staff, "/ippay/admin/payments/1"), (staff, "/ippay/admin/review"),
                            (staff, "/ippay/admin/customers/1"), (portal, urlsplit(paid.url).path)):
        assert nothing_runs(person.get(address)), address


def harmless(page):
    """Every cell of a file is text for a spreadsheet."""
    assert page.status_code == 200
    rows = list(csv.reader(io.StringIO(page.response.content.decode("utf-8-sig"), newline="")))
    assert len({len(row) for row in rows}) == 1
    assert [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))] == []
    return len(rows)


# -- too much -------------------------------------------------------------------------------------------------------------------

def test_giant_and_slow_bodies_are_refused_and_others_are_served(app, serving, town, portal):
    long = "x" * 60_000
    token = re.search(r'name="csrf_token" value="([^"]+)"', portal.get("/ippay/").text)[1]
    for body in ({"csrf_token": token, "holder": long}, {"csrf_token": token, "submission_key": long}, [("csrf_token", token), *[("a", "")] * 15_000],
                 {"csrf_token": token, "source": "method:" + "9" * 50_000}):
        assert portal.post("/ippay/", body).status_code in {400, 413}
    files = {f"f{number}": (None, b"x") for number in range(300)}
    assert portal.session.post(portal.base_url + "/ippay/", data={"csrf_token": token}, files=files, timeout=30).status_code in {400, 413}
    with serving(app) as address:
        where = urlsplit(address)

        def stream(pieces):
            for _ in range(pieces):
                yield b"x" * 65_536

        try:
            answer = requests.post(address + "/ippay/direct-pay-invoice?item_id=1", data=stream(200), timeout=30)
            assert answer.status_code in {400, 413}
        except requests.ConnectionError:
            pass  # closed while we were still sending
        slow = []
        try:
            for _ in range(12):
                one = socket.create_connection((where.hostname, where.port), timeout=10)
                one.sendall(b"POST /ippay/l/x HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 60000\r\n\r\na")
                slow.append(one)
            assert requests.get(address + "/ippay/healthz", timeout=30).json() == {"status": "ok"}
        finally:
            for one in slow:
                one.close()
    assert portal.get("/ippay/?x=" + "y" * 3000).status_code == 200
    for address in ("/ippay/?x=" + "y" * 3500, "/ippay/direct-pay-invoice?item_id=1&x=" + "y" * 3500):
        answer = portal.post(address, {"source": "card"})  # a stale form is not kept with a giant address: the cookie has to fit
        assert answer.status_code == 400
        assert len(answer.headers.get("Set-Cookie", "")) < 2000
    assert town.nothing_moved()
