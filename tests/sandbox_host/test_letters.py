"""The host mails documents from templates, after it has told its hooks; the catcher shows what went out."""

import smtplib
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from splynx_ippay_sandbox.demo.browser import Browser

LINK_FIELD = ["--name=pay_link", "--title=Online payment", "--type=string", "--is_add=1"]


@pytest.fixture
def admin(fresh_sandbox):
    browser = Browser(fresh_sandbox.facts["host_url"])
    browser.login("admin", fresh_sandbox.facts["staff"]["login"], fresh_sandbox.facts["staff"]["password"])
    yield browser
    browser.session.close()


def mails(box):
    return box.control("GET", "mails")["mails"]


def test_a_document_made_by_hand_is_mailed_from_the_template_and_marked_as_sent(fresh_sandbox, admin):
    page = admin.get("/admin/customers/view?id=1")
    said = admin.submit(page, "/admin/documents/invoice", holding="amount", amount="12.50", send="1")
    assert said.says("was created", "was sent to customer1@mail.example")
    mail, = mails(fresh_sandbox)
    invoice = fresh_sandbox.ledger()["host"]["invoices"][-1]
    assert (invoice["total"], invoice["is_sent"]) == (12.5, "1")
    assert mail["subject"] == f"Invoice {invoice['number']}"
    assert f"(ID {invoice['id']})" in mail["html"]
    assert "12.50 $" in mail["html"]
    assert admin.get("/admin/mails").says(invoice["number"])
    assert admin.click(admin.get("/admin/mails"), "Show as HTML").says("Dear John Sway")


def test_the_send_button_of_a_list_and_the_control_room_mail_invoices_and_proformas(fresh_sandbox, admin):
    number = next(row["number"] for row in fresh_sandbox.ledger()["host"]["invoices"] if row["id"] == 2)
    admin.submit(admin.get(f"/admin/finance/invoices?number={number}"), "/admin/documents/invoice/2/send")
    fresh_sandbox.control("POST", "send_invoice", {"id": 1, "document": "proforma"})
    assert [mail["subject"].split()[0] for mail in mails(fresh_sandbox)] == ["Invoice", "Proforma"]
    events = [event["event"] for event in fresh_sandbox.control("GET", "events")["events"]]
    assert events == ["invoice/send", "proforma/send"]


def test_a_registered_additional_field_is_kept_merged_and_stands_in_the_mail(fresh_sandbox, admin):
    api = Api(fresh_sandbox)
    assert api.put("finance/invoices/2", additional_attributes={"pay_link": "https://too.early"}) == 202
    assert api.get("finance/invoices/2")["additional_attributes"] == {}
    for module in ("invoices", "requests"):
        fresh_sandbox.control("POST", "cli", {"argv": ["add-or-get-additional-field", f"--main_module={module}", *LINK_FIELD]})
    assert api.put("finance/invoices/2", additional_attributes={"pay_link": "https://pay.me/1", "other": "x"}) == 202
    assert api.put("finance/invoices/2", note="later") == 202
    assert api.put("finance/requests/1", additional_attributes={"pay_link": "https://pay.me/2"}) == 202
    assert api.get("finance/invoices/2")["additional_attributes"] == {"pay_link": "https://pay.me/1"}
    fresh_sandbox.control("POST", "send_invoice", {"id": 2})
    fresh_sandbox.control("POST", "send_invoice", {"id": 1, "document": "proforma"})
    first, second = mails(fresh_sandbox)
    assert 'href="https://pay.me/1"' in first["html"]
    assert 'href="https://pay.me/2"' in second["html"]


def test_a_template_of_staff_is_used_and_a_broken_one_is_told(fresh_sandbox, admin):
    page = admin.get("/admin/config/templates")
    admin.submit(page, "/admin/config/templates/invoice", subject="Pay {{ invoice_number }}",
                 body="<b>{{ loader.values.splynx_url }}/x?item_id={{ invoice_id }} {{ additional_attributes.none }}</b>")
    fresh_sandbox.control("POST", "send_invoice", {"id": 2})
    mail, = mails(fresh_sandbox)
    assert f"{fresh_sandbox.facts['host_url']}/x?item_id=2" in mail["html"]
    page = admin.submit(admin.get("/admin/config/templates"), "/admin/config/templates/invoice", body="{% broken")
    assert page.says("saved")
    said = admin.submit(admin.get("/admin/customers/view?id=1"), "/admin/documents/invoice", holding="amount", amount="1", send="1")
    assert said.says("The template cannot be rendered")
    assert len(mails(fresh_sandbox)) == 1


def test_the_events_of_a_new_document_are_delivered_before_its_mail(fresh_sandbox, admin):
    seen = []

    class Slow(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            threading.Event().wait(0.3)
            seen.append(len(mails(fresh_sandbox)))
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Slow)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        page = admin.submit(admin.get("/admin/config/hooks"), "/admin/config/hooks", title="Slow", events="proforma/create",
                            url=f"http://127.0.0.1:{server.server_port}/")
        admin.submit(admin.get("/admin/customers/view?id=1"), "/admin/documents/proforma", holding="amount", amount="5.00", send="1")
        assert (seen, len(mails(fresh_sandbox))) == ([0], 1)
        page = admin.submit(page, "/hooks/1/delete")
        assert page.says("No hooks")
    finally:
        server.shutdown()
        server.server_close()


def test_the_catcher_takes_a_login_and_refuses_one_domain(fresh_sandbox):
    facts = fresh_sandbox.facts
    with smtplib.SMTP(facts["smtp_host"], facts["smtp_port"], local_hostname="localhost", timeout=10) as server:
        server.login("user", "secret of the user")
        server.sendmail("a@b.example", ["c@d.example"], "Subject: hello\r\n\r\nwords")
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            server.sendmail("a@b.example", ["nobody@refused.example"], "Subject: hello\r\n\r\nwords")
    mail, = mails(fresh_sandbox)
    assert (mail["login"], mail["envelope_to"], mail["text"].strip()) == ("user", ["c@d.example"], "words")
    assert "secret of the user" not in str(mail)
    fresh_sandbox.reset()
    assert mails(fresh_sandbox) == []


class Api:
    """The host's API with the key of the ready line."""

    def __init__(self, box):
        self.box = box
        answer = box.session.post(f"{box.facts['api_url']}api/2.0/admin/auth/tokens", timeout=10, json={
            "auth_type": "api_key", "key": box.facts["api_key"], **signed(box)})
        assert answer.status_code == 201, answer.text
        self.headers = {"Authorization": f"Splynx-EA (access_token={answer.json()['access_token']})"}

    def get(self, path):
        return self.box.session.get(f"{self.box.facts['api_url']}api/2.0/admin/{path}", headers=self.headers, timeout=10).json()

    def put(self, path, **body):
        return self.box.session.put(f"{self.box.facts['api_url']}api/2.0/admin/{path}", headers=self.headers, json=body,
                                    timeout=10).status_code


def signed(box):
    import hashlib
    import hmac
    import time

    nonce = str(int(time.time() * 100))
    text = (nonce + box.facts["api_key"]).encode()
    return {"nonce": nonce, "signature": hmac.new(box.facts["api_secret"].encode(), text, hashlib.sha256).hexdigest().upper()}
