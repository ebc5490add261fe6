"""The whole way of a link: staff set it up once, Splynx makes an invoice and mails it, the customer clicks and pays."""

import io
import re
from html import unescape

import pytest
import zxingcpp
from PIL import Image


@pytest.fixture
def links_page(staff):
    """The page about payment links, opened from the add-on's page inside the host's admin."""
    page = staff.enter_frame(staff.get("/admin/add-on?point=ippay_charge_point"))
    return staff.click(page, "Payment links")


def area(page, name):
    return unescape(re.search(rf'<textarea[^>]* id="{name}"[^>]*>(.*?)</textarea>', page.text, re.DOTALL)[1])


@pytest.fixture
def set_up(staff, links_page):
    """The webhook and both templates as the links page says; taken back afterwards."""
    secret = re.search(r'id="hook-secret">([0-9a-f]{64})<', links_page.text)[1]
    url = re.search(r">(http[^<]*/ippay/webhook)</code>", links_page.text)[1]
    page = staff.submit(staff.get("/admin/config/hooks"), "/admin/config/hooks", title="IpPay links", url=url, secret=secret,
                        events="invoice/create, invoice/edit, proforma/create, proforma/edit")
    assert page.says("The hook was created.")
    for kind in ("invoice", "proforma"):
        page = staff.submit(staff.get("/admin/config/templates"), f"/admin/config/templates/{kind}",
                            body=f"<p>Hello {{{{ customer.name }}}}</p>{area(links_page, 'snippet-' + kind)}")
        assert page.says("The template was saved.")
    yield
    staff.submit(staff.get("/admin/config/hooks"), "/delete")


def make(staff, kind, customer_id, amount):
    page = staff.get(f"/admin/customers/view?id={customer_id}")
    page = staff.submit(page, f"/admin/documents/{kind}", holding="amount", amount=amount, send="1")
    assert page.says("was created", "was sent to")


@pytest.mark.parametrize(("kind", "words"), [("invoice", "Pay invoice"), ("proforma", "Pay proforma invoice")])
def test_the_link_in_the_mail_of_a_new_document_pays_it(*, kind, words, set_up, staff, sandbox, make_browser):
    make(staff, kind, 3, "42.00")
    mail, = sandbox.control("GET", "mails")["mails"]
    link, text = re.search(r'<a href="([^"]+)">([^<]+)</a>', mail["html"]).groups()
    rows = sandbox.ledger()["host"]["invoices" if kind == "invoice" else "requests"]
    document = rows[-1]
    assert text == f"{words} {document['number']} online"
    assert mail["to"] == "customer3@mail.example"
    holder = make_browser()
    page = holder.get(unescape(link))
    assert page.says(document["number"], "$42.00")
    assert sandbox.sales() == []
    page = holder.submit(page, "/ippay/l/", holding="number", source="card", number="4111111111111111", expiry="12/30",
                         holder="Ashley Miller", cvv="123")
    assert page.says("approved", "$42.00")
    sale, = sandbox.sales()
    assert (sale["amount_cents"], sale["order_number"]) == (4200, document["number"])
    paid = next(row for row in sandbox.ledger()["host"]["invoices" if kind == "invoice" else "requests"] if row["id"] == document["id"])
    assert paid["status"] == "paid"
    again = holder.get(unescape(link))
    assert again.says("is paid", "Receipt", document["number"])
    assert not any("number" in form.names() for form in again.forms)


def test_the_code_of_a_document_on_paper_leads_to_its_link(set_up, links_page, staff, sandbox, make_browser):
    """Staff paste the snippet for paper; what the template makes of it is fetched and read as a camera would."""
    staff.submit(staff.get("/admin/config/templates"), "/admin/config/templates/invoice",
                 body=f"<p>Invoice</p>{area(links_page, 'snippet-invoice')}{area(links_page, 'snippet-code')}")
    make(staff, "invoice", 3, "42.00")
    mail, = sandbox.control("GET", "mails")["mails"]
    link, = re.findall(r'<a href="([^"]+)"', mail["html"])
    picture, words = re.search(r'<img src="([^"]+)"[^>]* alt="([^"]+)"', mail["html"]).groups()
    answer = make_browser().get(unescape(picture)).response
    code, = zxingcpp.read_barcodes(Image.open(io.BytesIO(answer.content)).convert("L"))
    assert (code.text, words) == (unescape(link), "Scan to pay online")
    assert make_browser().get(code.text).says("$42.00")


def test_an_invoice_that_is_changed_keeps_the_link_of_its_mail_and_shows_the_new_amount(set_up, staff, sandbox, core, make_browser):
    make(staff, "invoice", 1, "10.00")
    mail, = sandbox.control("GET", "mails")["mails"]
    link = unescape(re.search(r'href="([^"]+)"', mail["html"])[1])
    document = sandbox.ledger()["host"]["invoices"][-1]
    core.host.client.put(f"admin/finance/invoices/{document['id']}", {"items": [{"description": "More", "quantity": 1, "price": "55.50"}]})
    assert make_browser().get(link).says("$55.50")
    assert sandbox.invoice(document["id"])["additional_attributes"]["ippay_link"] == link


def test_the_links_page_says_everything_staff_need_and_no_secret_to_others(links_page, staff, core, settings_of):
    assert links_page.says("Why a saved card needs a proof here", "direct-pay-invoice-by-id?item_id=", "direct-pay-invoice?item_id=",
                           "direct-pay-proforma-by-id?item_id=", "direct-pay-proforma?item_id=", "after a login or a mailed code",
                           "Splynx has not told of a document yet")
    assert "readonly" in links_page.text
    assert "direct-pay-invoice-by-id?item_id={{ invoice_id }}" in area(links_page, "snippet-unsigned")
    settings_of(core, roles_configure="nobody", links_in_documents="0")
    page = staff.get(links_page.url)
    assert page.says("Shown to those who may set up this add-on", "switched off in the settings")
    assert "hook-secret" not in page.text
