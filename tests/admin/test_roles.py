"""The rights of roles: every route of the staff's door by every role, asked at its own address."""

from __future__ import annotations

import hashlib
import re
from datetime import timedelta
from pathlib import Path

import pytest

from splynx_ippay.admin.rights import RIGHT_OF, Right
from splynx_ippay.base import clock
from splynx_ippay.base.setting_table import BY_KEY
from splynx_ippay.base.settings import MODULE_TITLE
from splynx_ippay.host.host_cli import HostCli

ROLES = {"viewer": {Right.VIEW}, "cashier": {Right.VIEW, Right.CHARGE}, "refunder": {Right.VIEW, Right.REFUND},
         "installer": {Right.VIEW, Right.CONFIGURE}, "engineer": set()}
TEMPLATES = Path(__file__).parents[2] / "splynx_ippay/admin/templates/admin"


@pytest.fixture
def roles(core, settings_of):
    """The settings name four roles, one right each; the fifth is named nowhere."""
    settings_of(core, roles_view="viewer", roles_charge="Cashier", roles_refund=" refunder ", roles_configure="boss, INSTALLER")


@pytest.fixture
def as_role(app):
    """``as_role("viewer")``: the browser of an administrator of that role, as after a sash."""
    app.config["WTF_CSRF_ENABLED"] = False

    def browser(role):
        client = app.test_client()
        with client.session_transaction() as kept:
            kept["staff"] = {"id": 9, "role": role, "partner_id": 0, "host": hashlib.sha256(b"").hexdigest(),
                             "until": (clock.now() + timedelta(minutes=5)).isoformat()}
        return client

    return browser


@pytest.fixture
def forbidden(registered_core):
    """Take one permission from the add-on's key, as staff can in Splynx; given back afterwards."""
    program = HostCli(registered_core.deployment.addon_cli)
    key = str(program.number("add-or-get-api-key", title=MODULE_TITLE))
    taken = []

    def take(controller, action):
        taken.append((controller, action))
        program.run("set-api-key-permission", id=key, controller="api\\" + controller, action=action, rule="deny")

    yield take
    for controller, action in taken:
        program.run("set-api-key-permission", id=key, controller="api\\" + controller, action=action, rule="allow")


def routes(app):
    """Every route of the staff's door as (endpoint, method, address)."""
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("admin."):
            for method in rule.methods - {"HEAD", "OPTIONS"}:
                yield rule.endpoint.removeprefix("admin."), method, re.sub(r"<(?:int:)?\w+>", "1", rule.rule)


def is_refused(answer):
    return answer.status_code == 403 and "Your role does not allow this" in answer.text


def test_every_route_of_the_staff_has_a_right_and_every_right_a_route_or_none_yet(app):
    assert {endpoint for endpoint, _, _ in routes(app)} == RIGHT_OF.keys()
    assert all(f"roles_{right}" in BY_KEY for right in Right)


@pytest.mark.parametrize("role", ROLES)
def test_a_role_opens_what_its_rights_allow_and_nothing_else(app, as_role, roles, role):
    client = as_role(role)
    opened = {(endpoint, method): not is_refused(client.open(address, method=method)) for endpoint, method, address in routes(app)}
    assert opened == {(endpoint, method): RIGHT_OF[endpoint] in ROLES[role] for endpoint, method, _ in routes(app)}


def test_a_route_without_a_row_is_open_to_nobody(app, as_role):
    app.view_functions["admin.forgotten"] = lambda: "open"
    app.url_map.add(app.url_rule_class("/ippay/admin/forgotten", endpoint="admin.forgotten"))
    answer = as_role("super-administrator").get("/ippay/admin/forgotten")
    assert answer.status_code == 403
    assert "This page is open to nobody." in answer.text


def test_a_refusal_says_the_role_and_who_can_change_it_and_leads_to_what_is_open(as_role, roles):
    page = as_role("viewer").get("/ippay/admin/charge").text
    assert "Your role is “viewer”." in page
    assert "Roles that may charge" in page
    assert 'href="/ippay/admin/runs/"' in page
    assert 'href="/ippay/admin/charge"' not in page


def test_buttons_that_the_role_may_not_press_are_not_shown(core, as_role, roles, give_card):
    from splynx_ippay.runs import plan
    from splynx_ippay.runs.filters import Filters

    give_card(1)
    run = plan.plan(core, Filters(), "staff 1")
    assert "Confirm charge" in as_role("cashier").get(f"/ippay/admin/runs/{run.id}").text
    page = as_role("viewer").get(f"/ippay/admin/runs/{run.id}").text
    assert "Confirm charge" not in page
    assert "does not allow you to charge" in page


def test_a_role_may_be_written_as_splynx_shows_it(core, as_role, settings_of):
    settings_of(core, roles_view="nobody", roles_charge="Financial Manager", roles_configure="", roles_refund="")
    assert as_role("financial-manager").get("/ippay/admin/charge").status_code == 200
    assert is_refused(as_role("financial").get("/ippay/admin/charge"))


def test_a_star_opens_for_a_role_that_is_not_known_and_a_list_does_not(core, as_role, settings_of):
    settings_of(core, roles_view="*", roles_charge="super-administrator")
    unknown = as_role("")
    assert unknown.get("/ippay/admin/").status_code == 200
    refused = unknown.get("/ippay/admin/charge")
    assert is_refused(refused)
    assert "Splynx does not tell your role" in refused.text


def test_the_role_of_whoever_comes_by_the_hosts_cookie_is_asked_of_the_host(staff, core, settings_of):
    settings_of(core, roles_charge="super-administrator")
    assert staff.get("/ippay/admin/charge").status_code == 200
    settings_of(core, roles_charge="manager")
    assert staff.get("/ippay/admin/charge").status_code == 403


def test_where_the_host_tells_neither_role_nor_partner_nobodys_customers_are_shown(staff, sandbox, give_card, core, forbidden):
    give_card(1)
    number = sandbox.unpaid_invoices(1)[0]["number"]
    staff.submit(staff.get(f"/ippay/admin/pay-invoice?item_id={number}"), "pay-invoice")
    assert staff.get("/ippay/admin/").says("John Sway")
    forbidden(r"admin\administration\Administrators", "view")
    sandbox.jump(seconds=61)  # who is asking is asked again
    page = staff.get("/ippay/admin/")
    assert page.says("No payment by IpPay yet.")
    assert not page.says("John Sway")
    assert staff.get(f"/ippay/admin/pay-invoice?item_id={number}").status_code == 404


def test_no_form_of_the_staff_has_a_field_for_a_card_or_account_number():
    """F-59: what a form may send is a closed list; a new field has to be thought about here."""
    names = {name for template in TEMPLATES.glob("*.html")
             for name in re.findall(r'<(?:input|select|textarea)\b[^>]*?\bname="([^"]+)"', template.read_text(encoding="utf-8"))}
    assert names
    assert not names & {"number", "expiry", "cvv", "holder", "routing", "account", "account_again", "postal_code", "card", "pan"}
    for template in TEMPLATES.glob("*.html"):
        content = template.read_text(encoding="utf-8")
        assert "cc-number" not in content, template.name
        assert "_fields.html" not in content, template.name
        assert "_pay_form.html" not in content, template.name
