import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from splynx_ippay.base.errors import ConfigError, HostRejected
from splynx_ippay.base.settings import MODULE, MODULE_TITLE, Settings
from splynx_ippay.host import permissions
from splynx_ippay.host.entry_points import ENTRY_POINTS
from splynx_ippay.host.host_cli import COMMANDS
from splynx_ippay.host.register import Outcome, Registration
from splynx_ippay.splynx.client import SplynxClient
from splynx_ippay_sandbox.demo.browser import Browser

NOWHERE = "http://127.0.0.1:9/"  # nobody listens there


def texts(steps, outcome=None):
    return "\n".join(step.text for step in steps if outcome in (None, step.outcome))


def look(sandbox):
    """What customers and staff see of the add-on, page by page."""
    facts = sandbox.facts
    portal, admin = Browser(facts["host_url"]), Browser(facts["host_url"])
    portal.login("portal", facts["customers"][0]["login"], facts["customers"][0]["password"])
    admin.login("admin", facts["staff"]["login"], facts["staff"]["password"])
    pages = [portal.get(path).words for path in ("/portal/dashboard", "/portal/finance/invoices", "/portal/finance/requests")]
    hrefs = [link.href for path in ("/portal/finance/invoices", "/portal/finance/requests")
             for link in portal.get(path).sight.links]
    pages += [admin.get(path).words for path in ("/admin/config/modules", "/admin/finance/invoices")]
    portal.session.close()
    admin.session.close()
    return pages, hrefs


def host_files(deployment):
    return {path.name: path.read_bytes() for path in (deployment.addon_dir / "config").iterdir()}


def test_before_register_splynx_shows_nothing_and_afterwards_everything_and_twice_is_once(fresh_sandbox, fresh_deployment):
    before, _ = look(fresh_sandbox)
    assert "ippay" not in "".join(before).lower()
    first = Registration(fresh_deployment)
    first.register(fresh_sandbox.facts["api_url"])
    assert first.is_complete, texts(first.steps)
    pages, hrefs = look(fresh_sandbox)
    assert "Pay your invoices by IpPay" in pages[0]
    assert "IpPay payment credentials" in pages[0]
    assert any("name=ippay_pay_invoice_point" in href for href in hrefs)
    assert any("name=ippay_pay_request_point" in href for href in hrefs)
    assert MODULE in pages[3]
    assert MODULE_TITLE in pages[3]
    assert "Charge by IpPay" in pages[3]
    files = host_files(fresh_deployment)
    second = Registration(fresh_deployment)
    second.register()
    assert second.is_complete, texts(second.steps)
    assert (look(fresh_sandbox), host_files(fresh_deployment)) == ((pages, hrefs), files)
    assert "35 permissions of the API key, 0 of them new" in texts(second.steps)

    third = Registration(fresh_deployment)
    third.unregister()
    after, _ = look(fresh_sandbox)
    assert after == before
    settings = Settings.of(fresh_deployment)
    with pytest.raises(HostRejected):
        SplynxClient(settings.text("api_domain"), settings.text("api_key"), settings.text("api_secret")).permissions()
    assert "kept: the settings" in texts(third.steps)


def test_the_registered_key_may_do_what_the_table_says_and_nothing_else(registered_core):
    settings = registered_core.settings
    client = SplynxClient(settings.text("api_domain"), settings.text("api_key"), settings.text("api_secret"))
    granted = {name: actions for name, actions in client.permissions().items() if "allow" in actions.values()}
    assert permissions.missing(granted) == []
    allowed = {(name, action) for name, actions in granted.items() for action, rule in actions.items() if rule == "allow"}
    assert allowed == set(permissions.pairs())
    with pytest.raises(HostRejected) as refused:
        client.post("admin/finance/transaction-categories", {"name": "not ours to make"})
    assert refused.value.status == 403


def test_the_settings_are_filled_where_they_were_empty(registered_core):
    settings = registered_core.settings
    host = registered_core.host
    assert settings.integer("payment_account") > 0
    names = {method.id: method.name for method in host.payment_methods()}
    assert names[settings.integer("credit_card_payment_method")] == "Credit card"
    assert names[settings.integer("bank_account_payment_method")] == "Bank transfer"


def test_every_entry_point_is_sent_with_all_its_fields(fake_program, lone_deployment):
    Registration(lone_deployment).register(NOWHERE)
    sent = {dict(word[2:].split("=", 1) for word in words[1:])["name"]: words
            for words in fake_program.calls("add-or-get-entry-point")}
    assert list(sent) == [point.name for point in ENTRY_POINTS]
    for point in ENTRY_POINTS:
        for part in (f"--module={MODULE}", f"--place={point.place}", f"--type={point.type}", f"--url={point.url}",
                     f"--code={point.code}", "--enabled=1"):
            assert part in sent[point.name]


def test_only_commands_of_the_table_are_used_and_each_is_marked(fake_program, lone_deployment):
    Registration(lone_deployment).register(NOWHERE)
    Registration(lone_deployment).unregister()
    assert {words[0] for words in fake_program.calls()} <= set(COMMANDS)
    assert {command.source for command in COMMANDS.values()} == {"seen", "assumed"}


def test_the_api_secret_is_never_printed(fake_program, lone_deployment):
    for refused in ((), ("config-set",)):
        fake_program.answer(refuse=refused)
        registration = Registration(lone_deployment)
        registration.register(NOWHERE)
        assert "the-secret-nobody-may-see" not in "\n".join(map(str, registration.steps))


def test_settings_chosen_by_staff_stay(fake_program, lone_deployment, tmp_path):
    ini = tmp_path / "addon" / "config" / "config.ini.php"
    ini.parent.mkdir(parents=True)
    ini.write_text('[common]\napi_domain = "http://127.0.0.1:9/"\napi_key = "their-key"\napi_secret = "x"\n'
                   'payment_account = "5"\ncredit_card_payment_method = "1"\nbank_account_payment_method = "1"\n')
    before = ini.read_text()
    registration = Registration(lone_deployment)
    registration.register()
    assert ini.read_text() == before
    assert fake_program.calls("config-set") == []
    assert "the settings name another key, which stays in use" in texts(registration.steps)


def test_a_value_of_the_ini_file_is_not_written_a_second_time(fake_program, lone_deployment, tmp_path):
    settings = Settings(tmp_path / "addon" / "config" / "config.ini.php", {"api_domain": "http://127.0.0.1:9/other/"})
    registration = Registration(lone_deployment, settings)
    registration.register(NOWHERE)
    assert "api_domain is set in" in texts(registration.steps)
    assert not [words for words in fake_program.calls("config-set") if "--key=api_domain" in words]


def test_without_the_hosts_program_every_step_is_printed_for_a_person(lone_deployment):
    registration = Registration(lone_deployment)
    registration.register(NOWHERE)
    assert not registration.is_complete
    by_hand = texts(registration.steps, Outcome.BY_HAND)
    for point in ENTRY_POINTS:
        assert point.name in by_hand
        assert point.url in by_hand
        assert point.code in by_hand
    for permission in permissions.PERMISSIONS:
        assert permission.controller in by_hand
    for words in ("Config → Integrations → Install module", MODULE, MODULE_TITLE, "Administration → API keys", "Ippay",
                  "set api_secret"):
        assert words in by_hand
    assert (lone_deployment.addon_dir / "config" / "config.json").is_file()
    registration = Registration(lone_deployment)
    registration.unregister()
    assert "Modules list: delete splynx_ippay_addon" in texts(registration.steps, Outcome.BY_HAND)
    assert not registration.is_complete


@pytest.mark.parametrize("refused", sorted(set(COMMANDS) - {"list-entry-points", "delete-entry-point", "delete-module",
                                                             "delete-api-key", "add-or-get-payment-method"}))
def test_a_command_the_host_does_not_know_is_told_with_the_way_by_hand_and_the_rest_goes_on(
        refused, fake_program, lone_deployment):
    fake_program.answer(refuse=[refused])
    registration = Registration(lone_deployment)
    registration.register(NOWHERE)
    assert not registration.is_complete
    failed = texts(registration.steps, Outcome.FAILED)
    assert f"refused {refused} (exit status 1)" in failed or "without a key" in failed
    assert fake_program.calls("add-or-get-payment-account"), "the steps after it are still tried"


@pytest.mark.parametrize("answer", ["", "0", "no", "-1", "１"])
def test_an_answer_that_is_no_id_is_not_taken_for_one(answer, fake_program, lone_deployment):
    fake_program.answer(add_or_get_api_key=answer, add_or_get_payment_account=answer)
    registration = Registration(lone_deployment)
    registration.register(NOWHERE)
    assert texts(registration.steps, Outcome.FAILED).count("without an id") == 2
    assert not fake_program.calls("get-api-key-and-secret")


@pytest.mark.parametrize("answer", ["", "only-a-key", "key,", ",secret"])
def test_half_a_key_is_not_stored(answer, fake_program, lone_deployment):
    fake_program.answer(get_api_key_and_secret=answer)
    registration = Registration(lone_deployment)
    registration.register(NOWHERE)
    assert "without a key and a secret" in texts(registration.steps, Outcome.FAILED)
    assert not [words for words in fake_program.calls("config-set") if "--key=api_key" in words]


@pytest.mark.parametrize("address", ["splynx.example.com/", "https://splynx.example.com", "ftp://x/"])
def test_an_api_domain_that_is_no_address_is_refused_before_anything_is_done(address, fake_program, lone_deployment):
    with pytest.raises(ConfigError, match="with the last slash"):
        Registration(lone_deployment).register(address)
    assert fake_program.calls() == []


def test_a_missing_api_domain_is_asked_for(fake_program, lone_deployment):
    registration = Registration(lone_deployment)
    registration.register()
    assert "--api-domain" in texts(registration.steps, Outcome.BY_HAND)
    assert registration.is_complete


class Forgetful(BaseHTTPRequestHandler):
    """A Splynx that ignores filters: every search finds the same payment."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self._say(201, '{"access_token":"t","refresh_token":"r","permissions":{}}')

    def do_GET(self):
        rows = '[{"id":1,"name":"Credit card","customer_id":1,"payment_type":1,"amount":"5.00","field_1":"A-1","deleted":"0"}]'
        self._say(200, rows)

    def _say(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def forgetful_host():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Forgetful)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_host_that_ignores_the_filter_is_found_out(forgetful_host, fake_program, lone_deployment):
    registration = Registration(lone_deployment)
    registration.register(forgetful_host)
    assert "Splynx ignores the filter by field_1" in texts(registration.steps, Outcome.FAILED)
    assert not registration.is_complete
