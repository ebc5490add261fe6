"""Steps of the installer and the staff: start, register, settings, charge everybody, and the books at the end."""

from __future__ import annotations

import csv
import html
import io
import re
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from splynx_ippay_sandbox.demo import people
from splynx_ippay_sandbox.demo.oracle import Disagreement, Oracle, cents, dollars
from splynx_ippay_sandbox.demo.pages import PageError

if TYPE_CHECKING:
    from splynx_ippay_sandbox.demo.browser import Page
    from splynx_ippay_sandbox.demo.pages import Form
    from splynx_ippay_sandbox.demo.tour import Tour

MODULE = "splynx_ippay_addon"


def start_sandbox(tour: Tour) -> None:
    """Both neighbours run; the host shows nothing of IpPay."""
    tour.facts = tour.programs.start_sandbox()
    tour.oracle = Oracle(tour.facts["host_url"])
    page = tour.customer(people.JOHN).get("/portal/dashboard")
    if "ippay" in page.text.lower():
        raise Disagreement("the host shows IpPay before anything was registered")
    tour.say(f"host {tour.facts['host_url']}, gateway {tour.facts['gateway_url']}; the portal shows nothing of IpPay")


def register(tour: Tour) -> None:
    """Key, tables, registration; afterwards the host shows what was registered."""
    tour.address = tour.programs.write_ini(tour.facts)
    tour.programs.run("make-key")
    tour.programs.run("migrate")
    tour.programs.run("register", "--api-domain", tour.facts["api_url"])
    page = tour.staff().get("/admin/config/modules")
    people.must_say(page, MODULE, "Splynx Ippay Billing Add-On")
    dashboard = tour.customer(people.JOHN).get("/portal/dashboard")
    dashboard.link("IpPay payment credentials")
    tour.say("splynx-ippay make-key, migrate, register: the module, its entry points and its API key are in Splynx")


def fill_settings(tour: Tour) -> None:
    """Terminal, reporting login, what may be paid with, the mail server: entered in the host's own form."""
    staff = tour.staff()
    page = staff.get(f"/admin/config/modules/{MODULE}")
    wishes = {
        "terminal_id": tour.facts["terminal_id"],
        "reporting_merchant_id": tour.facts["report_login"],
        "reporting_password": tour.facts["report_password"],
        "payment_type": "both",
        "environment": "test",
        "sandbox_host": True,
        "smtp_host": tour.facts["smtp_host"],
        "smtp_port": str(tour.facts["smtp_port"]),
        "smtp_tls": "none",
        "smtp_from": "billing@isp.example",
        "mail_contact": "Telephone +1 303 555 0100",
        "brand_name": "Front Range Internet",
    }
    form = _form_with(page, "terminal_id")
    answer = staff.submit(page, "", holding=_name_of(form, "terminal_id"),
                          **{_name_of(form, key): value for key, value in wishes.items()})
    people.must_say(answer)
    again = _form_with(staff.get(f"/admin/config/modules/{MODULE}"), "terminal_id")
    shown = next(control.value for control in again.fields if control.name == _name_of(again, "terminal_id"))
    tour.oracle.must_be("the Terminal ID in the host's form", tour.facts["terminal_id"], shown)
    tour.say(f"terminal {tour.facts['terminal_id']} with its reporting login, and a mail server, entered as staff would")


def _name_of(form: Form, key: str) -> str:
    """The form's own name of a setting: the key itself, or the key in brackets or after a dot."""
    for name in form.names():
        if name == key or name.endswith((f"[{key}]", f".{key}", f"__{key}")):
            return name
    raise PageError(f"the settings form has no field for {key}; it has {', '.join(form.names())}")


def _form_with(page: Page, key: str) -> Form:
    for form in page.forms:
        if any(name == key or name.endswith((f"[{key}]", f".{key}", f"__{key}")) for name in form.names()):
            return form
    raise PageError(f"{page!r} has no form with the setting {key}. It says: {page.words[:400]!r}")


def start_programs(tour: Tour) -> None:
    """The web program behind the host's address, and the worker."""
    tour.programs.serve(tour.address)
    tour.oracle.set_addon(tour.address)
    tour.programs.work()
    tour.say(f"splynx-ippay serve at {tour.address}, reached as {tour.facts['host_url']}/ippay; splynx-ippay worker")


def link_mails(tour: Tour) -> None:
    """The webhook and the snippets in the templates, as the page about payment links says; the next mail has a link."""
    staff = tour.staff()
    page = staff.click(staff.enter_frame(staff.get("/admin/add-on?point=ippay_charge_point")), "Payment links")
    secret, url = _told(page, r'id="hook-secret">([0-9a-f]{64})<'), _told(page, r">(http[^<]*/ippay/webhook)</code>")
    people.must_say(staff.submit(staff.get("/admin/config/hooks"), "/admin/config/hooks", title="IpPay links", url=url, secret=secret,
                                 events="invoice/create, invoice/edit, proforma/create, proforma/edit"), "The hook was created.")
    for kind in ("invoice", "proforma"):
        snippet = _told(page, rf'<textarea[^>]* id="snippet-{kind}"[^>]*>(.*?)</textarea>')
        body = f"<p>Hello {{{{ customer.name }}}}</p>\n{snippet}"
        people.must_say(staff.submit(staff.get("/admin/config/templates"), f"/admin/config/templates/{kind}", body=body),
                        "The template was saved.")
    tour.say("a webhook, and the snippet in the mail templates: whatever staff create and send now carries a signed link")


def _told(page: Page, pattern: str) -> str:
    """What a page shows to be copied."""
    found = re.search(pattern, page.text, re.DOTALL)
    if found is None:
        raise PageError(f"{page!r} does not show {pattern}. It says: {page.words[:400]!r}")
    return html.unescape(found[1])


def charge_everybody(tour: Tour) -> None:
    """Two more customers save a method; preview, confirm, progress, result; every row against the ledger."""
    people.add_bank(tour.customer(people.BUSINESS), "OBrien and Soens", account=people.OTHER_ACCOUNT)
    people.add_card(tour.customer(people.NORA), people.OTHER_VISA, tour.name(people.NORA))
    oracle = tour.oracle
    with_card = [row for position in (people.JOHN, people.NORA) for row in oracle.open_invoices(tour.customer_id(position))]
    with_bank = oracle.open_invoices(tour.customer_id(people.BUSINESS))
    oracle.mark()
    page = _preview(tour, len(oracle.open_invoices()))
    oracle.must_be("money taken by a preview", [], oracle.new_sales())
    finished = _start(tour, page)
    sales = oracle.new_sales()
    oracle.must_be("cards charged", sorted(cents(row["due"]) for row in with_card),
                   sorted(int(row["amount_cents"]) for row in sales if row["type"] == "SALE"))
    oracle.must_be("bank debits sent", sorted(cents(row["due"]) for row in with_bank),
                   sorted(int(row["amount_cents"]) for row in sales if row["type"] == "CHECK"))
    for row in with_card:
        oracle.invoice_becomes(int(row["id"]), "paid")
    oracle.must_be("payments posted by the charge", sorted(cents(row["due"]) for row in with_card),
                   sorted(cents(row["amount"]) for row in oracle.new_payments()))
    tour.kept["debits"] = sorted((row for row in sales if row["type"] == "CHECK"), key=lambda row: -int(row["amount_cents"]))
    total = sum(int(row["amount_cents"]) for row in sales)
    tour.say(f"{len(sales)} charges, {dollars(total)}, each once: {len(with_card)} cards paid, {len(with_bank)} bank debits "
             "on their way")
    rows = list(csv.DictReader(io.StringIO(tour.staff().click(finished, "result.csv").text.removeprefix("\ufeff"))))
    oracle.must_be("rows of the result as CSV", tour.kept["previewed"], len(rows))
    tour.say(f"the history keeps it, with a result for each of the {len(rows)} invoices, also as CSV")


def _preview(tour: Tour, open_invoices: int) -> Page:
    """Finance → Charge by IpPay → Preview."""
    staff = tour.staff()
    page = staff.enter_frame(staff.click(staff.get("/admin/finance/invoices"), "Charge by IpPay"))
    page = staff.submit(page, "/ippay/admin/charge", period_from=(datetime.now(UTC) - timedelta(days=365)).date().isoformat())
    people.must_say(page)
    ends = time.monotonic() + 30
    while "planning" in page.words.lower() and not _can_start(page) and time.monotonic() < ends:
        time.sleep(0.3)
        page = staff.get(page.url)
    if not _can_start(page):
        raise PageError(f"{page!r} has nothing to confirm. It says: {page.words[:700]!r}")
    tour.kept["previewed"] = open_invoices
    chips = [link.words for link in page.sight.links if "reason=" in link.href]
    tour.say(f"preview of {open_invoices} open invoices: {'; '.join(chips)}")
    return page


def _can_start(page: Page) -> bool:
    return any("/start" in form.action for form in page.forms)


def _start(tour: Tour, page: Page) -> Page:
    """Confirm and follow the progress to the end."""
    staff, oracle = tour.staff(), tour.oracle
    expected = len(oracle.open_invoices(tour.customer_id(people.JOHN))
                   + oracle.open_invoices(tour.customer_id(people.NORA))
                   + oracle.open_invoices(tour.customer_id(people.BUSINESS)))
    page = staff.submit(page, "/start", confirm=True)
    seen = -1
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        done = len(oracle.new_sales())
        if done != seen:
            tour.progress(done, expected)
            seen = done
        page = staff.get(page.url)
        if page.says("finished"):
            return page
        time.sleep(0.2)
    raise PageError(f"the run did not finish within 60 s. It says: {page.words[:700]!r}")


def books_agree(tour: Tour) -> None:
    """Every sale of the gateway has exactly one payment in the host, of the same amount, and nothing else exists."""
    oracle = tour.oracle
    taken = {str(row["transaction_id"]).upper(): int(row["amount_cents"]) for row in oracle.sales() if row["state"] != "returned"}
    booked: dict[str, int] = {}
    for row in oracle.payments():
        if row["field_1"]:
            key = str(row["field_1"]).rpartition("-")[0].upper()
            booked[key] = booked.get(key, 0) + cents(row["amount"])
    oracle.must_be("payments in the host against sales at the gateway", taken, booked)
    tour.say(f"{len(taken)} sales, {dollars(sum(taken.values()))}; the same in Splynx; unexplained: $0.00")
