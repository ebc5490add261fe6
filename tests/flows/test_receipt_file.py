"""The receipt as a file: the words of the page, in its language, for whoever may see the page, and nothing read on the way."""

import io
import os
import re
import subprocess
import sys
import threading
from html import unescape
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from PIL import Image
from pypdf import PdfReader

from splynx_ippay.base import pdf
from splynx_ippay.checkout import branding

SCRIPT = "<script>alert(1)</script> {{7*7}} \U0001f4b8 & Söhne"


def plain(words):
    """Without what a line break or a narrow space does to words."""
    return re.sub(r"\s+", "", words)


def read(answer):
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/pdf"), answer.text[:300]
    return PdfReader(io.BytesIO(answer.content))


def words_of(document):
    # Where a character beyond 16 bits is used, pypdf puts a NUL before every letter.
    return plain("".join(page.extract_text() for page in document.pages).replace("\0", ""))


def of_the_page(page):
    """Title, sentences and every row of the receipt, as the page has them."""
    shown = re.search(r'data-ending=.*?(?=<div class="buttons">)', page.text, re.DOTALL)[0]
    parts = re.findall(r"<(h1|h2|p|li|dt|dd)(?: [^>]*)?>(.*?)</\1>", shown, re.DOTALL)
    return [plain(unescape(re.sub(r"<[^>]+>", "", words))) for _tag, words in parts]


@pytest.mark.parametrize("language", ["en", "fr", "es"])
def test_the_file_has_the_words_of_the_page_in_its_language(language, town, john, settings_of, sandbox):
    settings_of(town.core, language=language)
    for page in (town.pay(john, town.invoices()[0]), town.pay(john, town.invoices()[1], **town.bank())):
        address = re.search(r'href="(/ippay/payments/\w+/receipt\.pdf)"', page.text)[1]
        document = read(john.get(address).response)
        words, (title, *expected) = words_of(document), of_the_page(page)
        assert title not in words  # "Success!" is for the screen; on paper stands "Receipt"
        assert plain("John Sway") in expected  # who paid
        assert len(expected) > 12
        assert [one for one in expected if one not in words] == []
        assert plain(document.metadata.title.rpartition(" ")[2]) == expected[-1]  # the reference
        assert document.metadata.author
        assert document.trailer["/Root"]["/Lang"] == language
        assert document.trailer["/Root"]["/MarkInfo"]["/Marked"]
        for secret in ("4111", "12/30", "2030", town.account, "123"):
            assert secret not in words.replace(plain(expected[-1]), ""), secret


def test_who_holds_a_link_gets_the_file_of_what_was_paid_and_a_changed_reference_gets_none(town, anybody, run_program, john, portal, browser_of):
    invoice = town.invoices(town.ashley)[0]
    link = town.link(run_program, "invoice", invoice["id"])
    page = anybody.submit(anybody.get(link), "/ippay/l/", holding="number", **town.card())
    address = re.search(r'href="(/ippay/paid/[\w.]+/receipt\.pdf)"', page.text)[1]
    answer = anybody.get(address).response
    words = words_of(read(answer))
    assert plain(invoice["number"]) in words
    assert "Customer" not in words  # who holds a link may be anybody
    assert re.fullmatch(r'attachment; filename="receipt-\w+\.pdf"', answer.headers["Content-Disposition"])
    assert answer.headers["Cache-Control"] == "no-store"
    assert address in anybody.get(link).text  # later, from the same link
    assert anybody.get(address.replace("/receipt", "0/receipt")).status_code == 404
    own = town.pay(john, town.invoices()[0])
    theirs = re.search(r'href="(/ippay/payments/\w+/receipt\.pdf)"', own.text)[1]
    assert browser_of(2).get(theirs).status_code == 404
    assert anybody.get(theirs).response.headers["Content-Type"] != "application/pdf"
    unsigned = anybody.submit(anybody.get(f"/ippay/direct-pay-invoice?item_id={invoice['number']}"))
    assert unsigned.says("There is nothing to pay")
    assert "receipt.pdf" not in unsigned.text


def test_what_is_not_paid_has_no_file(town, john):
    town.sandbox.control("POST", "answers", {"type": "SALE", "action_code": "005"})
    page = town.pay(john, town.invoices()[0], **town.card())
    assert page.says("declined")
    assert "receipt.pdf" not in page.text
    assert john.get(re.search(r"/ippay/payments/\w+", page.url)[0] + "/receipt.pdf").status_code == 404


def test_markup_emoji_and_long_names_are_words_and_the_logo_is_a_picture(town, portal, settings_of, core):
    name = SCRIPT + " " + "Donaudampfschiff" * 20
    settings_of(core, brand_name=name.replace('"', ""))
    town.office.put(f"admin/customers/customer/{town.john}", {"name": SCRIPT})
    page = portal.submit(portal.get("/ippay/"), "/ippay/", amount="25.00", **town.card(holder="Pat Payer"))
    address = re.search(r'href="(/ippay/payments/\w+/receipt\.pdf)"', page.text)[1]
    document = read(portal.get(address).response)
    words = words_of(document)
    assert plain("<script>alert(1)</script> {{7*7}}") in words
    assert words.count("Donaudampfschiff") >= 20
    assert "/JavaScript" not in str(document.trailer["/Root"])
    assert sum(len(one.images) for one in document.pages) == 0
    drawn = io.BytesIO()
    Image.new("RGB", (300, 80), "#7a1f5c").save(drawn, "PNG")
    branding.keep_picture(core.deployment, 0, "logo", drawn.getvalue())
    assert sum(len(one.images) for one in read(portal.get(address).response).pages) == 1


def test_a_page_that_names_a_file_or_an_address_gets_nothing_for_it(tmp_path):
    asked, secret = [], tmp_path / "secret.txt"
    secret.write_text("body::before { content: 'SECRET' }")

    class Door(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Door)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        there = f"http://127.0.0.1:{server.server_port}"
        html = (f'<link rel="stylesheet" href="{secret.as_uri()}"><link rel="stylesheet" href="{there}/a.css"><link rel="stylesheet" href="/given.css">'
                f'<link rel="attachment" href="{secret.as_uri()}"><img src="{there}/b.png"><img src="../../etc/passwd"><p>words</p>')
        made = pdf.make(html, {"/given.css": pdf.File(b"p::after { content: ' GIVEN' }", "text/css")})
    finally:
        server.shutdown()
        server.server_close()
    document = PdfReader(io.BytesIO(made))
    assert words_of(document) == "wordsGIVEN"
    assert asked == []
    assert b"SECRET" not in made
    assert list(document.attachments) == []


@pytest.fixture
def without_pango(tmp_path):
    """The environment of a machine whose system library is not there: the loader finds a broken one first."""
    folder = tmp_path / "lib"
    folder.mkdir()
    (folder / pdf.SYSTEM_LIBRARIES[0]).touch()
    return {"LD_LIBRARY_PATH": str(folder)}


def test_without_the_system_library_check_advises_the_command_and_no_file_is_offered(*, town, core, run_program, without_pango, free_port, wait_until,
                                                                                    tmp_path, sandbox, make_browser, portal):
    said = run_program(core, "check", check=False, environ=without_pango).stdout
    assert "Receipts as PDF" in said
    assert pdf.INSTALL in said
    assert pdf.INSTALL not in run_program(core, "check", check=False).stdout
    page = town.pay(portal, town.invoices()[0], **town.card())
    address = re.search(r'href="(/ippay/payments/\w+/receipt\.pdf)"', page.text)[1]
    ini = core.deployment.ini_file
    ini.write_text(re.sub("listen = .*", f"listen = 127.0.0.1:{free_port}", ini.read_text(encoding="utf-8")), encoding="utf-8")
    log = tmp_path / "serve.log"
    with log.open("w") as out:
        process = subprocess.Popen([sys.executable, "-m", "splynx_ippay.cli", "serve"], stdout=out, stderr=out,
                                   env=os.environ | without_pango | {"SPLYNX_IPPAY_INI": str(ini)})
    try:
        wait_until(lambda: "Listening" in log.read_text(), what="the start of the web program")
        sandbox.set_addon(f"http://127.0.0.1:{free_port}")
        again = portal.get(address.removesuffix("/receipt.pdf"))
        assert again.says("approved", "Receipt", "Print")
        assert "receipt.pdf" not in again.text
        assert portal.get(address).status_code == 404
    finally:
        process.terminate()
        process.wait(20)
    assert Path(log).read_text().count("Traceback") == 0
