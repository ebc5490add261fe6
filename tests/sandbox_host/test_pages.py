"""The host's portal and admin as people see them: nothing of an add-on until it is registered, then what is switched on."""

import json
from pathlib import Path

import pytest

TWIG = """<div class="panel"><table>
{% for invoice in loader.getInvoices() %}{% if invoice.status != 'paid' %}
<tr><td>{{ invoice.number }}</td><td>{{ App.financeFormat(invoice.total, true) }}</td></tr>
{% endif %}{% endfor %}</table><p>Dear {{ customer.name }}, {{ loader.getRequests()|length }} proforma</p></div>"""
POINTS = (
    {"name": "menu", "title": "Some credentials", "place": "portal", "type": "menu_link", "root": "controllers\\portal\\FinanceController", "url": "/ippay/credentials"},
    {"name": "pay", "title": "Pay by Some", "place": "portal", "type": "action_link", "model": "Invoices", "url": "%2Fippay%2Fpay-invoice"},
    {"name": "payreq", "title": "Pay proforma by Some", "place": "portal", "type": "action_link", "model": "Requests", "url": "/ippay/pay-request"},
    {"name": "widget", "title": "Pay here", "place": "portal", "type": "code", "root": "controllers\\portal\\DashboardController", "code": TWIG},
    {"name": "charge", "title": "Charge by Some", "place": "admin", "type": "menu_link", "root": "controllers\\admin\\FinanceController", "url": "/ippay/admin/charge"},
    {"name": "adminpay", "title": "Pay by Some", "place": "admin", "type": "action_link", "model": "Invoices", "url": "/ippay/admin/pay"},
    {"name": "tab", "title": "Some tab", "place": "admin", "type": "tab", "root": "controllers\\admin\\CustomersController", "url": "/ippay/admin/customer"},
)
PORTAL_PAGES = ("dashboard", "finance/invoices", "finance/requests", "finance/payments/list", "finance/transactions", "finance/statements", "profile", "services")
ADMIN_PAGES = ("dashboard", "customers/list", "customers/view?id=1", "finance/invoices", "finance/invoices/charge", "finance/requests", "finance/payments", "finance/bank-statements", "config/modules", "config/api-keys", "config/hooks")


@pytest.fixture
def registered(box, cli):
    """A module with one entry point of every kind."""
    run = box.world.host.cli
    run(["add-or-get-module", "--name=some_addon", "--title=Some Billing Add-On", "--path=/var/www/splynx/addons/some"])
    for point in POINTS:
        done = run(["add-or-get-entry-point", "--module=some_addon", *(f"--{key}={value}" for key, value in point.items())])
        assert done["exit"] == 0, done
    return Path(box.ready["state_dir"]) / "splynx" / "addons" / "some"


def test_nobody_sees_anything_without_logging_in(browser):
    for path in ("/portal/dashboard", "/admin/dashboard", "/admin/config/modules", "/portal/finance/invoices"):
        answer = browser.get(path)
        assert "/login/?return=" in answer.url
        assert "Password" in answer.text


def test_a_wrong_password_is_told_and_a_stale_form_is_refused(browser):
    assert browser.log_in("portal", "000001", "wrong").status_code == 401
    assert browser.session.post(f"{browser.url}/portal/login/", data={"login": "a", "password": "b"}, timeout=20).status_code == 400


def test_login_goes_back_where_one_came_from_but_never_elsewhere(box, browser):
    john = box.ready["customers"][0]
    page = browser.get("/portal/finance/invoices")
    answer = browser.post("/portal/login/", page, login=john["login"], password=john["password"], **{"return": "/portal/finance/requests"})
    assert answer.url.endswith("/portal/finance/requests")
    browser.get("/portal/logout")
    page = browser.get("/portal/login/?return=//evil.example/")
    assert "evil" not in page.text
    answer = browser.post("/portal/login/", page, login=john["login"], password=john["password"], **{"return": "//evil.example/"})
    assert answer.url.endswith("/portal/dashboard")


def test_the_session_id_changes_with_the_login(box, browser):
    browser.get("/portal/login/")
    before = browser.session.cookies["PHPSESSID"]
    john = box.ready["customers"][0]
    browser.log_in("portal", john["login"], john["password"])
    assert browser.session.cookies["PHPSESSID"] != before


def test_every_page_opens_and_names_no_add_on_before_one_is_registered(portal, admin):
    for side, pages, opened in (("portal", PORTAL_PAGES, portal), ("admin", ADMIN_PAGES, admin)):
        for path in pages:
            answer = opened.get(f"/{side}/{path}")
            assert answer.status_code == 200
            assert "ippay" not in answer.text.lower(), path
            assert "addon-entry-point" not in answer.text
    assert "No modules are installed" in admin.get("/admin/config/modules").text
    assert portal.get("/portal/nothing").status_code == 404
    assert admin.get("/admin/customers/view?id=99").status_code == 404
    assert portal.get("/portal/add-on?point=menu").status_code == 404


def test_the_portal_shows_own_documents_with_their_states(portal):
    page = portal.get("/portal/finance/invoices").text
    assert page.count('class="badge unpaid"') == 3
    assert page.count('class="badge paid"') == 1
    assert "99.99" not in page
    assert "15.00" in portal.get("/portal/finance/invoices?search=000002").text
    assert "-210.00" in portal.get("/portal/dashboard").text
    assert "O&#39;Brien" not in page


def test_names_are_escaped(box, browser):
    person = box.ready["customers"][1]
    page = browser.log_in("portal", person["login"], person["password"]).text
    assert "O&#39;Brien &amp; Søns &lt;b&gt;" in page
    assert "<b>!" not in page


def test_registered_points_appear_where_they_belong(registered, portal, admin):
    dashboard = portal.get("/portal/dashboard").text
    assert 'data-name="menu" href="/portal/add-on?point=menu"' in dashboard
    invoices = portal.get("/portal/finance/invoices").text
    assert invoices.count('data-name="pay"') == 4
    assert 'data-name="payreq"' not in invoices
    assert portal.get("/portal/finance/requests").text.count('data-name="payreq"') == 1
    finance = admin.get("/admin/finance/invoices").text
    assert 'data-name="charge"' in finance
    assert finance.count('data-name="adminpay"') == 9
    customer = admin.get("/admin/customers/view?id=1").text
    assert customer.count('data-name="adminpay"') == 4
    assert 'data-name="tab"' in customer


def test_a_menu_link_opens_the_add_on_in_a_frame(registered, portal):
    page = portal.get("/portal/add-on?point=menu").text
    assert '<iframe class="addon-frame page-frame" src="/ippay/credentials"' in page
    assert "Open in new window" in page
    assert "Reload" in page


def test_a_dialog_opens_the_add_on_with_the_number(registered, portal):
    page = portal.get("/portal/add-on--action-link-modal?module=some_addon&name=pay&id=202601000002").text
    assert 'src="/ippay/pay-invoice?module=some_addon&amp;model=Invoices&amp;item_id=202601000002"' in page
    assert "Some Billing Add-On" in page
    fragment = portal.get("/portal/add-on--action-link-modal?module=some_addon&name=pay&id=1", headers={"X-Requested-With": "XMLHttpRequest"}).text
    assert fragment.startswith('<div class="dialog')
    hostile = portal.get("/portal/add-on--action-link-modal?module=some_addon&name=pay&id=%22%3E%3Cscript%3E").text
    assert "<script>" not in hostile


def test_admin_frames_carry_the_sash_of_the_session(box, registered, admin):
    sash = next(session.sash for session in box.world.host.state.sessions.values() if session.admin_id)
    assert f'src="/ippay/admin/charge?sash={sash}"' in admin.get("/admin/add-on?point=charge").text
    assert f"item_id=5&amp;sash={sash}" in admin.get("/admin/add-on--action-link-modal?module=some_addon&name=adminpay&id=5").text
    assert f'src="/ippay/admin/customer?customer_id=3&amp;sash={sash}"' in admin.get("/admin/add-on?point=tab&customer_id=3").text


def test_the_widget_is_the_registered_twig_code(registered, portal):
    page = portal.get("/portal/dashboard").text
    assert "15.00 $" in page
    assert "120.00 $" in page
    assert "45.00 $" not in page
    assert "Dear John Sway, 1 proforma" in page


def test_widget_code_that_is_broken_or_escapes_its_sandbox_shows_an_error_only(box, registered, portal):
    point = box.world.host.state.registry.points["some_addon", "widget"]
    for code in ("{% for %}", "{{ ''.__class__.__mro__ }}", "{{ loader._state.jwt_secret }}", "{{ 1 / 'a' }}"):
        point.code = code
        answer = portal.get("/portal/dashboard")
        assert answer.status_code == 200
        assert "Entry point widget:" in answer.text
        assert "Account balance" in answer.text


def test_a_point_switched_off_is_gone_and_its_page_refused(registered, portal, admin):
    page = admin.get("/admin/config/modules/some_addon/entry-points")
    assert page.text.count('class="toggle"') == len(POINTS)
    everything_but = {f"{point['name']}.enabled": "1" for point in POINTS if point["name"] not in ("menu", "charge")}
    partners = {f"{point['name']}.partners": ["1", "2"] for point in POINTS}
    admin.post("/admin/config/modules/some_addon/entry-points", page, **everything_but, **partners)
    assert 'data-name="menu"' not in portal.get("/portal/dashboard").text
    assert portal.get("/portal/add-on?point=menu").status_code == 404
    assert portal.get("/portal/add-on?point=charge").status_code == 404
    assert admin.get("/admin/add-on?point=charge").status_code == 404
    assert 'data-name="pay"' in portal.get("/portal/finance/invoices").text


def test_the_module_switch_closes_the_portal_but_not_the_admin(registered, portal, admin):
    page = admin.get("/admin/config/modules/some_addon")
    admin.post("/admin/config/modules/some_addon/main", page, title="Renamed", portal_enabled="0")
    assert "addon-entry-point" not in portal.get("/portal/finance/invoices").text
    assert "Dear John" not in portal.get("/portal/dashboard").text
    assert portal.get("/portal/add-on?point=menu").status_code == 404
    assert 'data-name="charge"' in admin.get("/admin/dashboard").text
    assert "Renamed" in admin.get("/admin/config/modules").text


def test_a_point_may_be_limited_to_partners(registered, box, portal):
    box.world.host.state.registry.points["some_addon", "menu"].partners = (2,)
    assert 'data-name="menu"' not in portal.get("/portal/dashboard").text
    assert portal.get("/portal/add-on?point=menu").status_code == 404


BLOCKS = {
    "api": {"title": "API settings", "items": {"api_domain": {"title": "API domain", "description": "with last slash"}, "internal": {"title": "Internal", "hidden": True}}},
    "common_settings": {"title": "Setting", "items": {
        "account": {"title": "Payment account", "type": "select", "relation": "splynx\\helpers\\relationHelpers\\PaymentAccount"},
        "method": {"title": "Card method", "type": "select", "relation": "PaymentMethod"},
        "kind": {"title": "Payment type", "type": "select", "values": {"card": "Credit Card", "bank": "Bank Account"}, "default": "card"},
        "kinds": {"title": "Kinds", "type": "multipleSelect", "values": {"a": "A", "b": "B", "c": "C"}},
        "days": {"title": "Days", "type": "integer", "default": 5}, "limit": {"title": "Limit", "type": "decimal"},
        "from": {"title": "From", "type": "date"}, "on": {"title": "On", "type": "boolean", "default": True},
        "words": {"title": "Words", "type": "textarea"}, "hidden_password": {"title": "Password", "type": "encrypted"}}},
    "per_partner_options": {"title": "Pay Setting", "items": {"terminal_id": {"title": "Terminal ID"}}},
}


@pytest.fixture
def form(registered):
    """The module's config.json with every type of setting."""
    (registered / "config").mkdir(parents=True, exist_ok=True)
    (registered / "config" / "config.ini.php").unlink(missing_ok=True)
    (registered / "config" / "config.json").write_text(json.dumps({"path": "some_addon", "translate": True, "blocks": BLOCKS}), encoding="utf-8")
    return registered / "config" / "config.ini.php"


GOOD = {"api_domain": "http://host/", "account": "1", "method": "3", "kind": "bank", "kinds": ["a", "c"], "days": "7", "limit": "1.50", "from": "2026-01-02", "on": "1", "words": "x", "hidden_password": "sesame", "terminal_id": "TESTTERMINAL"}


def test_the_form_is_made_from_config_json(form, admin):
    page = admin.get("/admin/config/modules/some_addon").text
    for words in ("API settings", "with last slash", "Direct debit", "Credit card", "Bank Account", "Terminal ID", 'value="5"'):
        assert words in page
    assert "Internal" not in page
    assert 'name="on" value="1" checked' in page


def test_saving_writes_config_ini_php(form, admin):
    page = admin.get("/admin/config/modules/some_addon")
    answer = admin.post("/admin/config/modules/some_addon", page, **GOOD)
    assert "Settings were saved." in answer.text
    assert "hidden encrypted value" in answer.text
    assert "sesame" not in answer.text
    text = form.read_text(encoding="utf-8")
    for line in ("; <?php exit(); ?>", 'api_domain = "http://host/"', 'kinds = "a,c"', "on = 1", "method = 3", 'terminal_id = "TESTTERMINAL"'):
        assert line in text.splitlines()
    assert "sesame" not in text
    hidden = next(line for line in text.splitlines() if line.startswith("hidden_password"))
    admin.post("/admin/config/modules/some_addon", page, **{**GOOD, "hidden_password": "", "on": ""})
    text = form.read_text(encoding="utf-8")
    assert hidden in text
    assert "on = 0" in text


def test_a_partner_overrides_only_what_differs(form, admin):
    page = admin.get("/admin/config/modules/some_addon")
    admin.post("/admin/config/modules/some_addon", page, **GOOD)
    page = admin.get("/admin/config/modules/some_addon?partner=2")
    assert "API domain" not in page.text
    answer = admin.post("/admin/config/modules/some_addon", page, terminal_id="NORTH", partner="2")
    assert "Terminal ID *" in answer.text
    assert '[2]\nterminal_id = "NORTH"' in form.read_text(encoding="utf-8")
    admin.post("/admin/config/modules/some_addon", page, terminal_id="TESTTERMINAL", partner="2")
    assert "[2]" not in form.read_text(encoding="utf-8")


@pytest.mark.parametrize(("field", "value"), [("days", "x"), ("limit", "1,5"), ("from", "tomorrow"), ("kind", "cash"), ("method", "99"), ("account", "99"), ("kinds", ["a", "z"])])
def test_a_value_that_does_not_fit_is_told_and_nothing_is_saved(form, admin, field, value):
    page = admin.get("/admin/config/modules/some_addon")
    answer = admin.post("/admin/config/modules/some_addon", page, **{**GOOD, field: value})
    assert answer.status_code == 422
    assert "Nothing was saved" in answer.text
    assert 'class="problem"' in answer.text
    assert not form.exists()


def test_a_broken_config_json_is_told(form, admin):
    form.with_name("config.json").write_text("{", encoding="utf-8")
    assert "config/config.json cannot be read" in admin.get("/admin/config/modules/some_addon").text


def test_the_charge_button_says_that_no_handler_is_installed(registered, admin):
    page = admin.get("/admin/finance/invoices/charge?status=not_paid").text
    assert "No external handler is installed" in page
    assert "Amount: <b>8</b>" in page


def test_finance_filters_narrow_the_list(admin, api):
    number = api.get("finance/invoices/2")["number"]
    assert admin.get(f"/admin/finance/invoices?number={number}").text.count("data-number=") == 1
    assert admin.get("/admin/finance/invoices?partner=2").text.count("data-number=") == 1
    assert admin.get("/admin/finance/invoices?status=deleted").text.count("data-number=") == 1
    day = api.get("finance/invoices/2")["date_created"]
    assert admin.get(f"/admin/finance/invoices?period={day}+-+{day}").text.count("data-number=") == 3


def test_ten_thousand_invoices_are_shown_a_hundred_at_a_time(box, admin):
    box.world.reset("large")
    staff = box.ready["staff"]
    admin.log_in("admin", staff["login"], staff["password"])
    page = admin.get("/admin/finance/invoices?page=2").text
    assert page.count("data-number=") == 100
    assert "10000 entries, page 2 of 100" in page
    assert "4000 entries" in admin.get("/admin/customers/list").text


def test_staff_delete_a_payment_and_then_the_invoice(api, admin):
    payment_id = api.post("finance/payments", customer_id=1, payment_type=1, date="2026-01-01", amount="15.00", invoice_id=2).json()["id"]
    page = admin.get("/admin/finance/payments")
    assert "has payments" in admin.post("/admin/finance/invoices/2/delete", page).text
    assert "was deleted" in admin.post(f"/admin/finance/payments/{payment_id}/delete", page).text
    assert api.get("finance/invoices/2")["status"] == "not_paid"
    admin.post("/admin/finance/invoices/2/delete", page)
    assert api.get("finance/invoices/2")["status"] == "deleted"
    assert admin.post("/admin/finance/payments/999/delete", page).status_code == 404


def test_the_journal_is_shown_with_customers_and_payments(api, admin):
    statement = api.post("finance/bank-statements", title="IPpay 03/2026").json()["id"]
    payment_id = api.post("finance/payments", customer_id=1, payment_type=1, date="2026-01-01", amount="15.00", invoice_id=2).json()["id"]
    api.post("finance/bank-statements-records", bank_statements_process_id=statement, amount="15.00", status="processed", customer_id=1, payment_id=payment_id)
    assert "IPpay 03/2026" in admin.get("/admin/finance/bank-statements").text
    page = admin.get(f"/admin/finance/bank-statements/{statement}").text
    assert "Processed" in page
    assert api.get("finance/invoices/2")["number"] in page
    assert admin.get("/admin/finance/bank-statements/99").status_code == 404


def test_saved_payment_accounts_are_shown_to_staff(api, cli, admin):
    account = cli("add-or-get-payment-account", title="Ippay", fields="Token,Cardholder name")
    api.put(f"customers/customer-payment-accounts/1--{account}", field_2="J. Sway", field_5="80202")
    page = admin.get("/admin/customers/view?id=1").text
    for words in ("Ippay", "Cardholder name", "J. Sway", "Field #5"):
        assert words in page


def test_hooks_are_created_by_a_form(box, admin):
    page = admin.get("/admin/config/hooks")
    admin.post("/admin/config/hooks", page, title="Mine", url="http://127.0.0.1:9/", secret="s", events="invoice/pay, payment/add")
    hook = next(iter(box.world.host.state.registry.hooks.values()))
    assert hook.events == ("invoice/pay", "payment/add")
    assert "must start with http" in admin.post("/admin/config/hooks", page, title="Bad", url="ftp://x").text


def test_staff_and_customer_may_be_logged_in_in_one_browser(box, portal):
    staff = box.ready["staff"]
    portal.log_in("admin", staff["login"], staff["password"])
    assert "Welcome" in portal.get("/portal/dashboard").text
    portal.get("/admin/logout")
    assert "Welcome" in portal.get("/portal/dashboard").text
    assert "Password" in portal.get("/admin/dashboard").text


def test_every_static_file_is_served_and_nothing_comes_from_elsewhere(portal, admin):
    for opened, path in ((portal, "/portal/dashboard"), (admin, "/admin/dashboard")):
        page = opened.get(path).text
        assert "http://" not in page
        assert "https://" not in page
    for name in ("portal.css", "admin.css", "dialogs.js"):
        assert portal.get(f"/host-static/{name}").status_code == 200
