"""The dashboard widgets are Twig code that runs in the host; our sandbox runs it in Jinja2. Both must show the same."""

import json
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest
from jinja2 import Environment

from splynx_ippay.host.entry_points import ENTRY_POINTS

TWIG = Path("/usr/share/php/Twig/autoload.php")
INSTALL = "the widget runs in Debian's Twig: as root, apt-get install -y --no-install-recommends php-cli php-twig"
WIDGETS = {point.name: point for point in ENTRY_POINTS if point.template}

# Twig as the host's documentation describes its context; strict, so that a missing variable is an error.
PHP = """<?php
require '/usr/share/php/Twig/autoload.php';
class Loader {
    public function __construct(private array $given) {}
    public function getInvoices() { return $this->given['invoices']; }
    public function getRequests() { return $this->given['requests']; }
}
class App {
    public function financeFormat($value, $withCurrency = false) {
        return number_format((float) $value, 2, '.', '') . ($withCurrency ? ' $' : '');
    }
}
$given = json_decode(stream_get_contents(STDIN), true);
$twig = new \\Twig\\Environment(new \\Twig\\Loader\\ArrayLoader(['widget' => $given['code']]), ['strict_variables' => true]);
echo $twig->render('widget', ['customer' => $given['customer'], 'loader' => new Loader($given), 'App' => new App()]);
"""

INVOICES = [
    {"id": 1, "number": "202101039218", "total": 15, "due": 15, "status": "not_paid", "deleted": "0"},
    {"id": 2, "number": "202101039219", "total": "120.0000", "due": 70, "status": "not_paid"},
    {"id": 3, "number": "202101039220", "total": 75.5, "due": 75.5, "status": "paid", "deleted": "0"},
    {"id": 4, "number": "202101039221", "total": 9, "due": 9, "status": "not_paid", "deleted": "1"},
    {"id": 5, "number": "O'Brien & Søns <b>\"x\"", "total": 1, "due": 1, "status": "not_paid", "deleted": "0"},
    {"id": 6, "number": "202101039223", "total": 3, "due": 0, "status": "deleted", "deleted": "0"},
]
REQUESTS = [
    {"id": 7, "number": "2022000006", "total": 42, "status": "not_paid", "deleted": "0"},
    {"id": 8, "number": "2022000007", "total": 43, "status": "pending", "deleted": "0"},
]
CUSTOMER = {"id": 12, "login": "000012", "name": "O'Brien & Søns <b>"}


class Sight(HTMLParser):
    """Elements, attributes and words, so that two ways to write an apostrophe are the same."""

    def __init__(self, text):
        super().__init__()
        self.seen, self.words = [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, attrs))

    def handle_endtag(self, tag):
        self.seen.append(f"/{tag}")

    def handle_data(self, data):
        if data.strip():
            self.seen.append(data.split())
            self.words.append(data.strip())


class Loader:
    def __init__(self, invoices, requests):
        self._invoices, self._requests = invoices, requests

    def getInvoices(self):
        return self._invoices

    def getRequests(self):
        return self._requests


class App:
    def financeFormat(self, value, with_currency=False):
        return f"{float(value):.2f}" + (" $" if with_currency else "")


def in_jinja(code, invoices, requests):
    return Environment(autoescape=True).from_string(code).render(customer=CUSTOMER, loader=Loader(invoices, requests), App=App())


@pytest.fixture(scope="module")
def in_twig(tmp_path_factory):
    if shutil.which("php") is None or not TWIG.is_file():
        pytest.fail(INSTALL)
    script = tmp_path_factory.mktemp("twig") / "render.php"
    script.write_text(PHP, encoding="utf-8")

    def render(code, invoices, requests):
        given = {"code": code, "customer": CUSTOMER, "invoices": invoices, "requests": requests}
        done = subprocess.run(["php", "-d", "display_errors=stderr", str(script)], input=json.dumps(given), text=True,
                              capture_output=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    return render


@pytest.mark.parametrize("name", WIDGETS)
@pytest.mark.parametrize("documents", ["some", "none"])
def test_a_widget_is_the_same_in_twig_and_in_jinja2(in_twig, name, documents):
    given = (INVOICES, REQUESTS) if documents == "some" else ([], [])
    code = WIDGETS[name].code
    assert Sight(in_twig(code, *given)).seen == Sight(in_jinja(code, *given)).seen


def test_the_widget_lists_unpaid_invoices_with_number_due_sum_and_pay(in_twig):
    words = Sight(in_twig(WIDGETS["ippay_pay_on_dashboard"].code, INVOICES, REQUESTS)).words
    assert words == ["Pay your invoices by IpPay", "Number", "To pay", "Pay", "202101039218", "15.00 $", "Pay",
                     "202101039219", "70.00 $", "Pay", "O'Brien & Søns <b>\"x\"", "1.00 $", "Pay", "Pay several at once"]


def test_one_invoice_alone_is_not_paid_with_several(in_twig):
    code = WIDGETS["ippay_pay_on_dashboard"].code
    assert "Pay several at once" not in in_twig(code, [INVOICES[0], *INVOICES[2:4]], REQUESTS)
    link = next(dict(item[1]) for item in Sight(in_twig(code, INVOICES[:2], [])).seen
                if isinstance(item, tuple) and ("href", "/ippay/pay") in item[1])
    assert link["data-name"] in {point.name for point in ENTRY_POINTS}


def test_a_number_full_of_markup_stays_text_in_every_attribute(in_twig):
    html = in_twig(WIDGETS["ippay_pay_on_dashboard"].code, INVOICES, REQUESTS)
    links = [dict(item[1]) for item in Sight(html).seen if isinstance(item, tuple) and item[0] == "a" and "data-number" in dict(item[1])]
    assert [link["data-number"] for link in links] == ["202101039218", "202101039219", "O'Brien & Søns <b>\"x\""]
    assert all(set(link) == {"class", "data-name", "data-number", "aria-label", "href", "onclick"} for link in links)
    # The number never stands inside the script: it is read from the attribute.
    assert len({link["onclick"] for link in links}) == 1


def test_the_pay_link_of_an_invoice_opens_the_registered_dialog(in_twig):
    html = in_twig(WIDGETS["ippay_pay_on_dashboard"].code, INVOICES[:1], [])
    link = next(dict(item[1]) for item in Sight(html).seen if isinstance(item, tuple) and item[0] == "a")
    assert link["href"] == ("/portal/add-on--action-link-modal?module=splynx_ippay_addon&name=ippay_pay_invoice_point"
                            "&id=202101039218")
    assert "addon-entry-point" in link["class"]


def test_somebody_who_owes_nothing_is_told_so(in_twig):
    words = Sight(in_twig(WIDGETS["ippay_pay_on_dashboard"].code, [INVOICES[2]], [])).words
    assert words == ["Pay your invoices by IpPay", "You have no unpaid invoices."]
