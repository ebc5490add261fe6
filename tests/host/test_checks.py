"""Each thing that can be wrong is broken alone; the checks must name exactly that one, in words that can be acted on."""

import threading
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from sqlalchemy import update

from splynx_ippay.base import clock
from splynx_ippay.base.crypto import KeyBox
from splynx_ippay.host.checks import CHECKS, Verdict, run_checks
from splynx_ippay.host.entry_points import ENTRY_POINTS
from splynx_ippay.host.host_cli import HostCli
from splynx_ippay.host.subject import Subject
from splynx_ippay.ippay.messages import Card
from splynx_ippay.notifications import OutboxMail, enqueue
from splynx_ippay.payments import breaker, saving
from splynx_ippay.payments.models import Lease

BY_ID = {check.id: check for check in CHECKS}


def add_lease(core, **columns):
    values = {"name": "booking", "holder": "w", "until": clock.now(), "ran_at": clock.now(), "problem": ""} | columns
    core.database.run(lambda session: session.merge(Lease(**values)))


@pytest.fixture
def healthy(registered_core, settings_of):
    """A set-up in which all is well."""
    settings_of(registered_core, bank_manual_routine="1")
    add_lease(registered_core)
    return registered_core


def examine(core, **deployment):
    """The results by id, of the deployment with some values replaced."""
    subject = Subject(replace(core.deployment, **deployment), core.settings)
    return {result.check.id: result for result in run_checks(subject)}


def only_wrong(results, check_id, verdict=Verdict.WRONG):
    """The one result that is not well; what builds on it may be left out."""
    bad = {name: result.verdict for name, result in results.items() if result.verdict is not Verdict.OK}
    assert bad.pop(check_id, None) is verdict, (check_id, bad)
    ground = {check_id}
    for check in CHECKS:
        if check.id in bad:
            assert bad[check.id] is Verdict.NOT_EXAMINED, (check.id, str(results[check.id]))
            assert ground & set(check.needs), (check.id, str(results[check.id]))
            ground.add(check.id)
    return results[check_id]


def test_where_all_is_well_every_check_says_so(healthy):
    assert {name: str(result) for name, result in examine(healthy).items() if result.verdict is not Verdict.OK} == {}


def test_a_running_core_is_examined_with_its_own_connections(healthy):
    results = run_checks(Subject.of(healthy))
    assert {result.verdict for result in results} == {Verdict.OK}


def test_ids_are_unique_and_every_ground_comes_before_what_stands_on_it():
    seen = set()
    for check in CHECKS:
        assert check.id not in seen
        assert set(check.needs) <= seen
        seen.add(check.id)
        assert check.wrong.endswith(".")
        assert check.mend


def test_a_key_file_of_another_database(healthy, tmp_path):
    """Also where it is a good one: what is saved cannot be opened by it."""
    card = Card(number="4111111111111111", exp_month=12, exp_year=2039, holder="Test Payer", postal_code="80202")
    saving.save(healthy, 1, 1, card, None)
    only_keys = examine(healthy)
    assert only_keys["key_file"].verdict is Verdict.OK
    KeyBox.create(tmp_path / "other")
    result = examine(healthy, key_file=tmp_path / "other")["key_file"]
    assert result.verdict is Verdict.WRONG
    assert result.wrong.endswith("this is not the key of this database: bring back the key file.")


def test_a_missing_key_file(healthy):
    healthy.deployment.key_file.unlink()
    result = only_wrong(examine(healthy), "key_file")
    assert "Saved cards and bank accounts cannot be opened: cannot read the key file" in result.wrong
    assert "splynx-ippay make-key" in result.mend
    assert "restore the key file from its own backup" in result.mend


def test_a_database_that_is_away(healthy, tmp_path):
    result = only_wrong(examine(healthy, database_url=f"sqlite:///{tmp_path}/none/x.sqlite3"), "database")
    assert result.wrong.startswith("The database cannot be used safely, so nothing is charged: ")
    assert "database_url" in result.mend


def test_a_database_of_another_version(healthy, tmp_path):
    result = only_wrong(examine(healthy, database_url=f"sqlite:///{tmp_path}/empty.sqlite3"), "tables")
    assert result.mend == "Run: splynx-ippay migrate"


def test_a_spool_folder_that_cannot_be_made(healthy, tmp_path):
    (tmp_path / "file").touch()
    result = only_wrong(examine(healthy, spool_dir=tmp_path / "file" / "spool"), "spool")
    assert "would be lost: NotADirectoryError" in result.wrong
    assert "named in spool_dir" in result.mend
    assert examine(healthy, spool_dir=tmp_path / "not" / "yet")["spool"].verdict is Verdict.OK


def test_a_broken_directory_of_banks_is_advice_and_stops_nothing(healthy, tmp_path, sandbox):
    assert examine(healthy, routing_directory=sandbox.facts["routing_directory"])["bank_names"].verdict is Verdict.OK
    (tmp_path / "banks").write_text("no directory\n")
    result = only_wrong(examine(healthy, routing_directory=str(tmp_path / "banks")), "bank_names", Verdict.ADVICE)
    assert "line 1 of the routing directory" in result.wrong
    assert "FedACH participant directory" in result.mend


def test_a_missing_api_key_and_an_address_without_its_slash(healthy, settings_of):
    settings_of(healthy, api_key="")
    assert "API key is empty" in only_wrong(examine(healthy), "api_settings").wrong
    settings_of(healthy, api_key="x", api_domain=healthy.settings.text("api_domain").rstrip("/"))
    result = only_wrong(examine(healthy), "api_settings")
    assert "end with a slash" in result.wrong
    assert "--api-domain" in result.mend


def test_a_key_splynx_refuses(healthy, settings_of):
    settings_of(healthy, api_secret="not-the-secret")
    result = only_wrong(examine(healthy), "splynx")
    assert result.wrong.startswith("Splynx cannot be asked: ")
    assert "not-the-secret" not in str(result)
    assert "Administration → API keys" in result.mend


def test_a_permission_that_was_taken_away(healthy):
    cli = HostCli(healthy.deployment.addon_cli)
    key_id = cli.run("add-or-get-api-key", title="Splynx Ippay Billing Add-On")
    rule = {"id": key_id, "controller": r"api\admin\finance\Payments", "action": "add"}
    cli.run("set-api-key-permission", **rule, rule="deny")
    try:
        result = only_wrong(examine(healthy), "permissions")
    finally:
        cli.run("set-api-key-permission", **rule, rule="allow")
    assert r"the API key may not: admin\finance\Payments add." in result.wrong
    assert "splynx-ippay register" in result.mend


def test_entry_points_that_are_missing_or_switched_off(healthy, fake_program):
    fake_program.answer(list_entry_points="\n".join(f"{point.name},1" for point in ENTRY_POINTS[2:]) + "\n"
                        + f"{ENTRY_POINTS[1].name},0")
    result = only_wrong(examine(healthy, addon_cli=fake_program.path), "entry_points")
    assert "missing: ippay_credentials_point; switched off: ippay_add_money_point" in result.wrong


@pytest.mark.parametrize("has_program", [True, False])
def test_where_splynx_cannot_list_entry_points_a_person_is_told_where_to_look(has_program, healthy, fake_program, tmp_path):
    fake_program.answer(refuse=["list-entry-points"])
    results = examine(healthy, addon_cli=fake_program.path if has_program else tmp_path / "none")
    assert results["entry_points"].verdict is Verdict.NOT_EXAMINED
    for point in ENTRY_POINTS:
        assert point.name in results["entry_points"].reason


def test_a_payment_method_that_is_gone(healthy, settings_of):
    settings_of(healthy, credit_card_payment_method="999")
    result = only_wrong(examine(healthy), "payment_methods")
    assert "Credit Card payment method is not chosen or is gone" in result.wrong


def test_no_payment_account_is_advice(healthy, settings_of):
    settings_of(healthy, payment_account="0")
    assert "payment account Ippay" in only_wrong(examine(healthy), "payment_account", Verdict.ADVICE).mend


def test_a_partner_without_a_terminal(healthy, settings_of):
    settings_of(healthy, partner_id=2, terminal_id=" ")
    result = only_wrong(examine(healthy), "terminal")
    assert "Some customers cannot pay: North: partner 2 has no Terminal ID" in result.wrong
    assert "Default" not in result.wrong


def test_a_gateway_that_does_not_let_us_in(healthy, free_port):
    result = only_wrong(examine(healthy, gateway_url=f"http://127.0.0.1:{free_port}/ippay"), "gateway")
    assert "no connection" in result.wrong
    assert "ask IPpay to allow this server's public address" in result.mend


def test_a_gateway_that_answers_something_else(healthy, sandbox):
    sandbox.fault(server="gateway", kind="html", match={"type": "PING"}, times=9)
    assert "no answer of IPpay" in only_wrong(examine(healthy), "gateway").wrong
    sandbox.clear_faults()


def test_a_stopped_terminal(healthy):
    terminal = healthy.settings.text("terminal_id")
    healthy.database.run(lambda session: breaker.stop(session, terminal, "test", "code 906"))
    result = only_wrong(examine(healthy), "breaker")
    assert f"Nobody can pay on a terminal that was stopped: {terminal} since {clock.now():%Y-%m-%d}" in result.wrong
    assert result.mend.endswith(f"splynx-ippay release {terminal}")


def test_no_reporting_login_is_advice_and_a_wrong_one_is_wrong(healthy, settings_of):
    settings_of(healthy, reporting_password="wrong")
    result = only_wrong(examine(healthy), "reporting")
    assert "IPpay's reports cannot be read" in result.wrong
    settings_of(healthy, reporting_merchant_id="")
    results = examine(healthy)
    assert results["reporting_login"].verdict is Verdict.ADVICE
    assert "lost answers and returned bank debits need a person" in results["reporting_login"].wrong
    assert results["reporting"].verdict is Verdict.NOT_EXAMINED


def test_bank_debits_whose_returns_nobody_sees(healthy, settings_of):
    settings_of(healthy, reporting_merchant_id="", bank_manual_routine="0")
    result = examine(healthy)["bank_returns"]
    assert result.verdict is Verdict.WRONG
    assert "so they are switched off" in result.wrong
    settings_of(healthy, payment_type="card")
    assert examine(healthy)["bank_returns"].verdict is Verdict.OK


def test_production_with_other_chargers_unattested(healthy, settings_of):
    settings_of(healthy, environment="production")
    result = only_wrong(examine(healthy), "other_chargers")
    assert "could charge the same invoices" in result.wrong
    settings_of(healthy, other_chargers_off="1")
    assert examine(healthy)["other_chargers"].verdict is Verdict.OK


def test_a_test_terminal_on_a_splynx_that_is_no_sandbox(healthy, settings_of):
    settings_of(healthy, sandbox_host="0")
    assert "test payments are not booked" in only_wrong(examine(healthy), "test_payments", Verdict.ADVICE).wrong


def test_a_worker_that_does_not_run(healthy):
    add_lease(healthy, ran_at=clock.now() - timedelta(minutes=10))
    result = only_wrong(examine(healthy), "worker")
    assert "its last job started 10 minutes ago" in result.wrong
    assert "systemctl start splynx-ippay-worker" in result.mend
    add_lease(healthy, ran_at=None)
    assert "it has never run" in only_wrong(examine(healthy), "worker").wrong


def test_a_job_that_failed(healthy):
    add_lease(healthy, name="returns", problem="Splynx does not answer")
    assert "returns: Splynx does not answer" in only_wrong(examine(healthy), "jobs").wrong


class OddHost(BaseHTTPRequestHandler):
    """A Splynx whose clock is wrong and which ignores filters; what it tells of permissions is a test's choice."""

    date = "Wed, 01 Jan 2020 00:00:00 GMT"
    payments = '[{"id":1,"customer_id":1,"payment_type":1,"amount":"5.00","field_1":"A-1","deleted":"0"}]'

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self._say(201, '{"access_token":"t","refresh_token":"r"}')

    def do_GET(self):
        self._say(200, type(self).payments)

    def do_HEAD(self):
        self._say(200, "")

    def _say(self, status, body):
        self.send_response_only(status)
        if self.date:
            self.send_header("Date", self.date)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def odd_host(healthy, settings_of):
    """Starts such a host; the settings point to it."""
    servers = []

    def start(**looks):
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("Odd", (OddHost,), looks))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        servers.append((server, thread))
        settings_of(healthy, api_domain=f"http://127.0.0.1:{server.server_port}/")
        return {result.check.id: result for result in run_checks(
            Subject(healthy.deployment, healthy.settings),
            [BY_ID[name] for name in ("api_settings", "splynx", "permissions", "clock", "field_filter")])}

    yield start
    for server, thread in servers:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_clock_that_differs_from_splynx(odd_host):
    result = odd_host()["clock"]
    assert result.verdict is Verdict.WRONG
    assert "it differs from Splynx's by " in result.wrong
    assert "timedatectl set-ntp true" in result.mend


def test_a_host_that_ignores_the_search_for_payments(odd_host):
    result = odd_host()["field_filter"]
    assert result.verdict is Verdict.WRONG
    assert "a payment could be booked twice" in result.wrong
    assert "Charge nothing until then" in result.mend


def test_what_a_host_does_not_tell_is_not_called_well(odd_host):
    results = odd_host(date="", payments="[]")
    for name, words in (("clock", "does not tell the time"), ("permissions", "did not tell what the API key may do"),
                        ("field_filter", "no payment yet to prove it with")):
        assert results[name].verdict is Verdict.NOT_EXAMINED
        assert words in results[name].reason


def test_mails_that_do_not_go_out_are_advice_and_those_a_customer_cannot_get_are_not(healthy, sandbox, settings_of):
    def owe(key, **columns):
        healthy.database.run(lambda session: enqueue(session, kind="ask_zip", key=key, customer_id=1))
        healthy.database.run(lambda session: session.execute(update(OutboxMail).where(OutboxMail.key == key).values(**columns)))

    owe("fine", state="sent")
    owe("no-address", state="failed", reason="no_address")
    owe("not-yet-tried", reason="")
    assert examine(healthy)["mails"].verdict is Verdict.OK
    owe("away", state="due", reason="not_taken")
    owe("dead", state="failed", reason="not_taken")
    owe("cut", state="unsure", reason="interrupted")
    found = only_wrong(examine(healthy), "mails", Verdict.ADVICE)
    assert "2x The mail server could not be reached or did not take it" in found.wrong
    assert "1x The worker ended" in found.wrong
    owe("old", state="failed", reason="our_fault", state_at=clock.now() - timedelta(days=2))
    assert "could not be written" not in str(examine(healthy)["mails"])


def test_a_moved_clock_with_real_money_at_stake(healthy, settings_of, tmp_path, monkeypatch):
    (tmp_path / "moved").write_text("3600")
    monkeypatch.setenv(clock.CLOCK_FILE_VARIABLE, str(tmp_path / "moved"))
    settings_of(healthy, environment="production", other_chargers_off="1")
    results = examine(healthy)
    assert "it is moved by a file named in SPLYNX_IPPAY_CLOCK_FILE" in results["clock"].wrong


def test_no_result_prints_a_secret(healthy, settings_of):
    settings_of(healthy, api_secret="hush-hush-1", reporting_password="hush-hush-2", gateway_password="hush-hush-3")
    assert "hush-hush" not in "\n".join(str(result) for result in examine(healthy).values())


def test_a_setting_that_cannot_be_read_is_named(healthy, settings_of):
    settings_of(healthy, minimum_amount="abc", link_days="soon")
    result = only_wrong(examine(healthy), "settings")
    assert "'Smallest payment' must be an amount" in result.wrong
    assert "'Signed links are valid for' must be a whole number" in result.wrong


def test_a_card_fee_that_could_not_be_booked_or_charged(healthy, settings_of):
    settings_of(healthy, card_fee_percent="3", card_fee_category="5")
    assert examine(healthy)["card_fee"].verdict is Verdict.OK
    settings_of(healthy, card_fee_category="77")
    assert "Splynx has no transaction category 77" in only_wrong(examine(healthy), "card_fee").wrong
    settings_of(healthy, card_fee_percent="3.2")
    assert "must be a number from 0 to 3" in only_wrong(examine(healthy), "card_fee").wrong
