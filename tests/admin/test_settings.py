"""The settings in our own pages: written to the host, secrets never shown, every change kept with who made it."""

from __future__ import annotations

import dataclasses

import pytest
from sqlalchemy import select

from splynx_ippay import audit
from splynx_ippay.base.setting_table import SETTINGS
from splynx_ippay.base.settings import Settings
from splynx_ippay.host import settings_writer
from splynx_ippay.host.host_cli import CommandFailed

SECRET = "s3cret-of-the-terminal"


def changes(core):
    with core.database.read() as session:
        return [(entry.key, entry.partner_id, entry.before, entry.after) for entry in session.scalars(
            select(audit.Entry).where(audit.Entry.action == "setting").order_by(audit.Entry.id))]


def save(staff, page=None, **fields):
    return staff.submit(page or staff.get("/ippay/admin/settings"), "/ippay/admin/settings", **fields)


def edited(staff, page, **fields):
    """The form with whatever somebody puts into it, also what it does not offer."""
    return staff.post("/ippay/admin/settings", dict(page.form("/ippay/admin/settings").values({})) | fields)


def test_the_page_shows_every_setting_of_the_table_and_no_secret(staff, core, settings_of):
    settings_of(core, gateway_password=SECRET)
    page = staff.get("/ippay/admin/settings")
    assert page.says(*[setting.title for setting in SETTINGS])
    assert page.says("It is set, and is never shown.")
    for key in ("gateway_password", "api_secret", "reporting_password"):
        assert core.settings.text(key) not in page.text


def test_a_saved_value_is_in_the_hosts_file_and_counts_at_once(staff, core):
    assert save(staff, maximum_amount="250.00", link_days="30").says("Saved. It counts from now on, without a restart.")
    assert (core.settings.text("maximum_amount"), core.settings.integer("link_days")) == ("250.00", 30)
    assert Settings.of(core.deployment).text("maximum_amount") == "250.00"
    assert changes(core) == [("maximum_amount", None, "", "250.00"), ("link_days", None, "", "30")]


def test_who_when_and_from_where_are_on_the_audit_page_with_before_and_after(staff, core, settings_of):
    settings_of(core, terminal_id="TERMINAL1")
    save(staff, terminal_id="TERMINAL2")
    page = staff.get("/ippay/admin/audit?q=terminal")
    assert page.says("staff 1 (Ada Min)", "127.0.0.1", "Setting", "terminal_id", "TERMINAL1", "TERMINAL2")
    assert staff.get("/ippay/admin/audit?q=nothing-like-it").says("Nothing fits this search.")
    assert staff.get("/ippay/admin/audit?action=export").says("Nothing fits this search.")
    assert staff.get("/ippay/admin/audit?action=setting").says("TERMINAL2")


def test_a_secret_is_written_kept_and_forgotten_without_ever_being_shown(staff, core):
    page = save(staff, gateway_password=SECRET)
    assert core.settings.text("gateway_password") == SECRET
    assert SECRET not in page.text
    save(staff, minimum_amount="2.00")
    assert core.settings.text("gateway_password") == SECRET
    save(staff, **{"clear-gateway_password": "1"})
    assert core.settings.text("gateway_password") == ""
    assert [change for change in changes(core) if change[0] == "gateway_password"] == [
        ("gateway_password", None, "", "***"), ("gateway_password", None, "***", "")]
    assert SECRET not in staff.get("/ippay/admin/audit").text


def test_what_was_left_as_shown_is_not_written_even_if_it_changed_meanwhile(staff, core, settings_of):
    page = staff.get("/ippay/admin/settings")
    settings_of(core, link_days="7")
    save(staff, page, minimum_amount="3.00")
    assert core.settings.integer("link_days") == 7
    assert [change[0] for change in changes(core)] == ["minimum_amount"]
    assert save(staff).says("Nothing was different, so nothing was saved.")


def test_a_flag_is_switched_on_and_off(staff, core):
    save(staff, zip_code_option="1")
    assert core.settings.flag("zip_code_option")
    page = staff.get("/ippay/admin/settings")
    form = dict(page.form("/ippay/admin/settings").values({}))
    form.pop("zip_code_option")
    staff.post("/ippay/admin/settings", form)
    assert not core.settings.flag("zip_code_option")


@pytest.mark.parametrize(("key", "value", "words"), [
    ("maximum_amount", "1e3", "Enter an amount in digits"), ("maximum_amount", "-1", "Enter an amount in digits"),
    ("maximum_amount", "1.234", "Enter an amount in digits"), ("link_days", "soon", "Enter a whole number."),
    ("link_days", "\uff11", "Enter a whole number."), ("currency", "dollar", "Enter three letters"),
    ("api_domain", "splynx.example.com", "the last slash"), ("language", "de", "Choose one of the list."),
    ("terminal_id", 'x"\ny = "z', "cannot be kept here"), ("smtp_user", "back\\slash", "cannot be kept here"),
    ("smtp_host", "x" * 501, "too long; 500 characters at most"),
    ("gateway_contact", "call 4111 1111 1111 1111", "This looks like a card number."),
])
def test_a_value_that_cannot_be_used_is_refused_next_to_its_field_and_nothing_is_saved(staff, core, key, value, words):
    page = edited(staff, staff.get("/ippay/admin/settings"), minimum_amount="9.00", **{key: value})
    assert page.status_code == 400
    assert page.says("Please correct the fields that are marked. Nothing was saved.", words)
    assert f'id="{key}-problem"' in page.text
    assert 'value="9.00"' in page.text
    assert core.settings.text("minimum_amount") == "1.00"
    assert changes(core) == []


def test_a_partners_own_value_stands_beside_that_of_all(staff, core):
    page = staff.get("/ippay/admin/settings?partner=2")
    assert page.says("As for all partners.", "North")
    assert not page.says("Smallest payment")
    save(staff, page, terminal_id="NORTH", currency="USD")
    assert core.settings.text("terminal_id", 2) == "NORTH"
    assert core.settings.text("terminal_id", 1) == core.settings.text("terminal_id")
    assert core.settings.text("terminal_id") != "NORTH"
    assert changes(core)[0][:2] == ("terminal_id", 2)
    assert staff.get("/ippay/admin/settings?partner=2").says("This partner's own.")
    assert staff.get("/ippay/admin/settings?partner=x").status_code == 404


def test_an_override_of_the_machines_own_file_is_shown_read_only_with_the_file(core, serving, sandbox, make_browser):
    from splynx_ippay.app import create_app

    deployment = dataclasses.replace(core.deployment, overrides={"maximum_amount": "77.00", "smtp_password": SECRET})
    app = create_app(dataclasses.replace(core, deployment=deployment, settings=Settings.of(deployment)))
    with serving(app) as address:
        sandbox.set_addon(address)
        staff = make_browser()
        staff.login("admin", sandbox.facts["staff"]["login"], sandbox.facts["staff"]["password"])
        page = staff.get("/ippay/admin/settings")
        assert page.says(f"Set in {deployment.ini_file} and changed only there.")
        assert 'id="maximum_amount" value="77.00" readonly' in page.text
        assert SECRET not in page.text
        answer = edited(staff, page, **{"maximum_amount": "1.00", "was-maximum_amount": "77.00"})
        assert answer.says("Nothing was different")
    assert changes(core) == []


def test_without_the_hosts_program_the_page_says_where_to_change_them(core, serving, sandbox, make_browser, tmp_path):
    from splynx_ippay.app import create_app

    app = create_app(dataclasses.replace(core, deployment=dataclasses.replace(core.deployment, addon_cli=tmp_path / "none")))
    with serving(app) as address:
        sandbox.set_addon(address)
        staff = make_browser()
        staff.login("admin", sandbox.facts["staff"]["login"], sandbox.facts["staff"]["password"])
        page = staff.get("/ippay/admin/settings")
        assert page.says("so nothing can be saved here", "Modules list")
        assert not page.says("Only what you changed")


def test_a_program_that_does_not_know_partners_spoils_nothing(core, tmp_path):
    """The real one may ignore --partner; this one does, and leaves the value of all partners as it was."""
    program = tmp_path / "addon"
    program.write_text('#!/bin/sh\nkept=""\nfor word in "$@"; do case "$word" in --partner=*) ;; *) kept="$kept $word" ;; esac; done\n'
                       f'exec {core.deployment.addon_cli} $kept\n', encoding="utf-8")
    program.chmod(0o755)
    deployment = dataclasses.replace(core.deployment, addon_cli=program)
    before = core.settings.text("terminal_id")
    with pytest.raises(CommandFailed, match="did not keep the setting terminal_id"):
        settings_writer.write(deployment, core.settings, "terminal_id", "NORTH", 2)
    assert (core.settings.text("terminal_id"), core.settings.own_text("terminal_id", 2)) == (before, None)


def test_a_program_that_refuses_leaves_both_steps_in_the_audit(app, core, serving, sandbox, make_browser, tmp_path):
    from splynx_ippay.app import create_app

    program = tmp_path / "addon"
    program.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    program.chmod(0o755)
    broken = create_app(dataclasses.replace(core, deployment=dataclasses.replace(core.deployment, addon_cli=program)))
    with serving(broken) as address:
        sandbox.set_addon(address)
        staff = make_browser()
        staff.login("admin", sandbox.facts["staff"]["login"], sandbox.facts["staff"]["password"])
        assert save(staff, minimum_amount="4.00").says("Splynx's program refused config-set")
    assert changes(core) == [("minimum_amount", None, "", "4.00"), ("minimum_amount", None, "4.00", "")]


def test_the_contact_at_ippay_is_at_hand_where_something_is_wrong(staff, core):
    save(staff, gateway_contact="IPpay support, 555-0100")
    for address in ("/ippay/admin/health", "/ippay/admin/settings"):
        assert staff.get(address).says("Contact at IPpay: IPpay support, 555-0100")


def test_releasing_a_terminal_is_in_the_audit(staff, core):
    from splynx_ippay.payments import breaker

    terminal = core.settings.terminal(1)
    core.database.run(lambda session: breaker.stop(session, terminal.terminal_id, terminal.environment, "code 003"))
    staff.submit(staff.get("/ippay/admin/health"), "/health/release")
    assert staff.get("/ippay/admin/audit?action=release").says(terminal.terminal_id, "staff 1 (Ada Min)", "Terminal released")


@pytest.mark.parametrize("typed", ["0", "7; 21", "soon", "32", "7,"])
def test_days_of_the_month_that_are_none_are_refused_beside_their_field(staff, typed):
    page = staff.submit(staff.get("/ippay/admin/settings"), "/admin/settings", holding="expiry_notice_days", expiry_notice_days=typed)
    assert page.says("Enter days of the month from 1 to 31, separated by commas, for example 7, 21.")


def test_days_of_the_month_are_kept_as_typed_and_may_be_none(staff, core):
    for typed in ("5,12 , 28", ""):
        staff.submit(staff.get("/ippay/admin/settings"), "/admin/settings", holding="expiry_notice_days", expiry_notice_days=typed)
        assert core.settings.text("expiry_notice_days") == typed


@pytest.mark.parametrize(("key", "value"), [("card_fee_percent", "3.01"), ("card_fee_tax_percent", "101")])
def test_a_fee_beyond_what_is_allowed_is_refused_in_words(staff, core, key, value):
    page = save(staff, **{key: value})
    assert page.status_code == 400
    assert page.says("Enter a percentage from 0 to", "do not allow it")
    assert core.settings.text(key) == "0"


def test_the_settings_of_the_fee_tell_of_the_law_before_anybody_switches_it_on(staff, core):
    page = staff.get("/ippay/admin/settings")
    assert page.says("Ask a lawyer first", "credit cards only", "Bank accounts, Charges and payments staff make never carry a fee")
    assert save(staff, card_fee_percent="2.9", card_fee_fixed="0.30").says("Saved.")
    assert core.settings.text("card_fee_percent") == "2.9"


def test_the_category_of_the_fee_is_chosen_by_its_name_in_splynx(staff, core, sandbox):
    page = staff.get("/ippay/admin/settings")
    assert '<option value="5" selected>Correction</option>' in page.text
    assert save(staff, page, card_fee_category="2").says("Saved.")
    assert core.settings.integer("card_fee_category") == 2
    sandbox.fault(server="host", kind="http_status", status=403, json=True, match={"path": "admin/finance/transaction-categories"})
    assert staff.get("/ippay/admin/settings").form("/ippay/admin/settings").values({"card_fee_category": "7"})
