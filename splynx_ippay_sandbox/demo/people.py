"""Steps of the people who pay: customers in the portal and the holder of a link."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from splynx_ippay_sandbox.demo.oracle import Disagreement, cents, dollars
from splynx_ippay_sandbox.demo.pages import PageError, path_of

if TYPE_CHECKING:
    from splynx_ippay_sandbox.demo.browser import Browser, Page
    from splynx_ippay_sandbox.demo.oracle import Record
    from splynx_ippay_sandbox.demo.pages import Form
    from splynx_ippay_sandbox.demo.tour import Tour

# Numbers of the gateway's own test material; the tour prints their last four digits only.
VISA, OTHER_VISA = "4111111111111111", "4000300020001000"
ROUTING, ACCOUNT, OTHER_ACCOUNT = "111000025", "12345678", "98765432"
EXPIRY = "12/30"
JOHN, BUSINESS, ASHLEY, NORA = 1, 2, 3, 4


def must_say(page: Page, *words: str) -> Page:
    """The page, when it says these words; PageError with what it says instead."""
    if page.status_code != 200 or not page.says(*words):
        raise PageError(f"{page!r} should say {', '.join(map(repr, words))}. It says: {page.words[:700]!r}")
    return page


def open_menu(browser: Browser, words: str) -> Page:
    """Follow a menu link of the portal that the add-on has registered, into its frame."""
    return browser.enter_frame(browser.click(browser.get("/portal/dashboard"), words))


def open_dialog(browser: Browser, where: str, point: str, number: str) -> Page:
    """Press the card icon beside a document and look into the dialog."""
    page = browser.get(f"/portal/finance/{where}")
    for link in page.sight.links:
        if f"name={point}" in link.href and urlencode({"id": number}) in link.href:
            return browser.enter_frame(browser.get(link.href))
    raise PageError(f"{page!r} has no payment icon beside {number}")


def saved(form: Form, position: int = 0) -> str:
    """The value that picks a saved method: "method:7"."""
    offered = [choice for control in form.fields if control.name == "source"
               for choice in (control.options or [control.value]) if choice.startswith("method:")]
    if len(offered) <= position:
        raise PageError(f"the form {form.action} offers no saved method; it has {', '.join(form.names())}")
    return offered[position]


def add_card(browser: Browser, number: str, holder: str) -> Page:
    """Save a card on the credentials page."""
    page = open_menu(browser, "IpPay payment credentials")
    answer = browser.submit(page, "/credentials/card", number=number, expiry=EXPIRY, holder=holder,
                            **_if_there(page.form("/credentials/card"), cvv="123", postal_code="80202", authorized=True))
    return must_say(answer, number[-4:])


def add_bank(browser: Browser, holder: str, account: str = ACCOUNT) -> Page:
    """Save a bank account, with the authorization to debit it."""
    page = open_menu(browser, "IpPay payment credentials")
    answer = browser.submit(page, "/credentials/bank", routing=ROUTING, account=account, account_again=account,
                            kind="CHECKING", holder=holder, authorized=True)
    return must_say(answer, account[-4:])


def _if_there(form: Form, **fields: object) -> dict[str, object]:
    return {name: value for name, value in fields.items() if name in form.names()}


def save_methods(tour: Tour) -> None:
    """A card and a bank account; nothing is charged, and neither number is shown again."""
    tour.oracle.mark()
    browser, name = tour.customer(JOHN), tour.name(JOHN)
    add_card(browser, VISA, name)
    page = add_bank(browser, name)
    if VISA in page.text or ACCOUNT in page.text:
        raise Disagreement("the page shows a whole number")
    tour.oracle.must_be("money taken while saving", [], tour.oracle.new_sales())
    tour.say(f"{name} has saved a card ending {VISA[-4:]} and a bank account ending {ACCOUNT[-4:]}; nothing was charged")


def pay_invoice(tour: Tour) -> None:
    """Finance → Invoices → card icon → pay: one sale, one payment in the host, the invoice paid."""
    browser, oracle = tour.customer(JOHN), tour.oracle
    invoice = oracle.open_invoices(tour.customer_id(JOHN))[0]
    due = cents(invoice["due"])
    oracle.mark()
    page = open_dialog(browser, "invoices", "ippay_pay_invoice_point", invoice["number"])
    answer = browser.submit(page, "/ippay/pay-invoice", holding="source", source=saved(page.form("/ippay/pay-invoice")))
    sale = oracle.exactly_one_sale(due)
    oracle.exactly_one_payment(due, sale)
    oracle.invoice_becomes(int(invoice["id"]), "paid")
    must_say(answer, "approved")
    tour.kept["receipt"] = sale["transaction_id"]
    tour.say(f"invoice {invoice['number']}: {dollars(due)} by card, approval {sale['approval']}; paid in Splynx, once")


def receipt(tour: Tour) -> None:
    """The receipt of that payment reaches the mailbox, once, and staff of the sandbox can open it."""
    oracle, reference = tour.oracle, tour.kept["receipt"]
    oracle.eventually(lambda: bool(oracle.mails_about(reference)), "the receipt in the customer's mailbox")
    subjects = [mail["subject"] for mail in oracle.mails_about(reference)]
    mail = oracle.mails_about(reference)[0]
    oracle.must_be("mails about the payment", [mail["subject"]], subjects)
    staff = tour.staff()
    must_say(staff.get("/admin/mails"), mail["subject"], mail["to"])
    must_say(staff.get(f"/_sandbox/mails/{mail['id']}"), reference)
    tour.say(f"\"{mail['subject']}\" to {mail['to']}; caught, and to be read at /admin/mails")


def top_up(tour: Tour) -> None:
    """Add money: one sale, one payment on account."""
    browser, oracle = tour.customer(JOHN), tour.oracle
    oracle.mark()
    page = open_menu(browser, "Add money by IpPay")
    answer = browser.submit(page, "/ippay/", holding="amount", source=saved(page.form("/ippay/", holding="amount")),
                            amount="25.00")
    sale = oracle.exactly_one_sale(2500)
    payment = oracle.exactly_one_payment(2500, sale)
    if payment["invoice_id"]:
        raise Disagreement("the top-up was booked on an invoice")
    must_say(answer, "approved")
    tour.say("$25.00 added to the balance; one sale, one payment on account")


def link_pays(tour: Tour) -> None:
    """A signed link made by a command; its holder pays with a new card and without a login."""
    oracle = tour.oracle
    proforma = oracle.open_proformas(tour.customer_id(ASHLEY))[0]
    total = cents(proforma["total"])
    oracle.mark()
    link = next(word for word in tour.programs.run("link", "proforma", str(proforma["id"])).split() if "/ippay/l/" in word)
    tour.kept["link"] = link
    browser = tour.anybody()
    page = must_say(browser.get(path_of(link)), str(proforma["number"]))
    tour.oracle.must_be("money taken by opening a link", [], oracle.new_sales())
    form = page.form("/ippay/l/", holding="number")
    answer = browser.submit(page, "/ippay/l/", holding="number", number=OTHER_VISA, expiry=EXPIRY, holder="Pat Doe",
                            **_if_there(form, source="card", cvv="123", postal_code="80202"))
    sale = oracle.exactly_one_sale(total)
    oracle.exactly_one_payment(total, sale)
    oracle.eventually(lambda: oracle.proforma(int(proforma["id"]))["status"] == "paid", "the proforma becoming paid")
    must_say(answer, "approved")
    tour.say(f"{path_of(link)[:24]}… paid proforma {proforma['number']}: {dollars(total)} by a card ending {OTHER_VISA[-4:]}")


def decline(tour: Tour) -> None:
    """The test gateway declines by the cents: .51 is "insufficient funds"."""
    browser, oracle = tour.customer(JOHN), tour.oracle
    oracle.mark()
    before = len(oracle.declines())
    page = open_menu(browser, "Add money by IpPay")
    answer = browser.submit(page, "/ippay/", holding="amount", source=saved(page.form("/ippay/", holding="amount")),
                            amount="20.51")
    must_say(answer, "declined", "not enough money")
    oracle.must_be("declines at the gateway", before + 1, len(oracle.declines()))
    oracle.must_be("money taken by a declined card", [], oracle.new_sales())
    oracle.must_be("payments of a declined card", [], oracle.new_payments())
    tour.say(f"the page says: {_sentence(answer, 'not enough money')}")


def lost_answer(tour: Tour) -> None:
    """The gateway books and the answer never arrives: nobody pays twice, and the worker finds the sale."""
    browser, oracle = tour.customer(ASHLEY), tour.oracle
    invoice = oracle.open_invoices(tour.customer_id(ASHLEY))[0]
    due = cents(invoice["due"])
    oracle.mark()
    oracle.fault(server="gateway", kind="drop_after", match={"type": "SALE"}, times=1)
    page = open_dialog(browser, "invoices", "ippay_pay_invoice_point", invoice["number"])
    form = page.form("/ippay/pay-invoice", holding="number")
    answer = browser.submit(page, "/ippay/pay-invoice", holding="number", number=VISA, expiry=EXPIRY, holder="Ashley Miller",
                            **_if_there(form, source="card", cvv="123", postal_code="80202"))
    must_say(answer, "do not pay again")
    sale = oracle.exactly_one_sale(due)
    oracle.must_be("payments before the fate is known", [], oracle.new_payments())
    tour.say(f"the page says: {_sentence(answer, 'do not pay again')}")
    again = open_dialog(browser, "invoices", "ippay_pay_invoice_point", invoice["number"])
    if any("source" in form.names() for form in again.forms):
        raise Disagreement("the same invoice can be paid a second time while its fate is unknown")
    oracle.jump(seconds=120)
    found = browser.wait_for(path_of(answer.url), "approved", seconds=40)
    oracle.exactly_one_sale(due)
    oracle.exactly_one_payment(due, sale)
    oracle.invoice_becomes(int(invoice["id"]), "paid")
    tour.say(f"two minutes later the same page says: {_sentence(found, 'approved')}; one sale, one payment")


def five_days_later(tour: Tour) -> None:
    """The debits of the charge: the first settles and is posted, the second comes back R01."""
    oracle = tour.oracle
    debits: list[Record] = tour.kept["debits"]
    good, bad = debits[0], debits[1]
    for debit in (good, bad):  # news that are days old would not be mailed any more
        reference = str(debit["transaction_id"])
        oracle.eventually(lambda r=reference: bool(oracle.mails_about(r)), f"the mail that {reference} is on its way")  # type: ignore[misc]
    oracle.order_return(bad["transaction_id"], "R01")
    invoices = {int(row["id"]): row for row in oracle.open_invoices(tour.customer_id(BUSINESS))}
    pending = {cents(row["due"]): number for number, row in invoices.items()}
    tour.say(f"now: {oracle.jump(days=5)[:16].replace('T', ' ')} UTC")
    oracle.eventually(lambda: any(_names(row, good) for row in oracle.payments()), "the posting of the settled debit", 45)
    _wait_returned(tour, bad)
    oracle.eventually(lambda: not any(_names(row, bad) for row in oracle.payments()), "taking back what had settled before it came back")
    amount = int(good["amount_cents"])
    booked = [row for row in oracle.payments() if _names(row, good)]
    oracle.must_be("payments of the settled debit", [dollars(amount)], [dollars(cents(row["amount"])) for row in booked])
    oracle.invoice_becomes(int(booked[0]["invoice_id"]), "paid")
    tour.say(f"the debit of {dollars(amount)} has settled and is posted; its invoice is paid")
    oracle.must_be("payments of the returned debit", [], [row for row in oracle.payments() if _names(row, bad)])
    open_again = pending[int(bad["amount_cents"])]
    oracle.must_be("the invoice of the returned debit", "not_paid", oracle.invoice(open_again)["status"])
    tour.say(f"the debit of {dollars(int(bad['amount_cents']))} came back R01 (insufficient funds); its invoice is unpaid "
             "again, and waits while the bank may be asked once more")
    for debit, news in ((good, "has paid"), (bad, "came back")):
        reference = str(debit["transaction_id"])
        oracle.eventually(lambda r=reference, n=news: any(n in mail["subject"] for mail in oracle.mails_about(r)),  # type: ignore[misc]
                          f"the mail about the end of {reference}")
        told = [mail["subject"] for mail in oracle.mails_about(reference)]
        oracle.must_be("mails about a debit: that it is on its way first, its end last", [True, True],
                       ["on its way" in told[0], news in told[-1]])
    tour.say("each debit was told by mail: that it is on its way, and how it ended")


def _wait_returned(tour: Tour, bad: Record) -> None:
    """Staff see on the payment's own page that it came back, and why."""
    staff, reference = tour.staff(), str(bad["transaction_id"])
    tour.oracle.eventually(lambda: staff.click(staff.get("/ippay/admin/"), reference).says("came back", "R01"),
                           "the return R01 on the staff's page of the payment", 45)


def _names(payment: Record, sale: Record) -> bool:
    return str(payment["field_1"]).upper().startswith(str(sale["transaction_id"]).upper())


def _sentence(page: Page, words: str) -> str:
    """The line of the page that holds the words."""
    return next((line for line in page.words.split("\n") if words.lower() in line.lower()), "")
