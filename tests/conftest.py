"""Fixtures every test may use: the sandbox as a program of its own, a core against it, the add-on behind the host's
address, and people with browsers. Real servers on free loopback ports; nothing of ours is patched.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests
from sqlalchemy import event

from splynx_ippay.base.crypto import KeyBox
from splynx_ippay.base.db import Database
from splynx_ippay.base.settings import Deployment, Settings
from splynx_ippay_sandbox.demo.browser import Browser

pytest_plugins = ["tests.secrets_scan"]  # after the run: no card or account number in what the programs wrote

GUARD = Path(__file__).with_name("guard")
CARD_METHOD, BANK_METHOD = 3, 2  # the sandbox host's "Credit card" and "Bank transfer"

# In this process and, through PYTHONPATH, in every Python program a test starts: no connection beyond this machine.
sys.path.insert(0, str(GUARD))
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(GUARD), os.environ.get("PYTHONPATH", "")]))
sys.modules.pop("sitecustomize", None)
__import__("sitecustomize").install()


def eventually(check, *, seconds=20.0, what="what was waited for"):
    """Call ``check`` until it returns something true; fail saying what did not happen."""
    ends = time.monotonic() + seconds
    while True:
        if result := check():
            return result
        if time.monotonic() > ends:
            pytest.fail(f"{what} did not happen within {seconds:g} s")
        time.sleep(0.05)


class SandboxHandle:
    """The running sandbox and its control room."""

    def __init__(self, ready, process):
        self.ready, self.process = SimpleNamespace(**ready), process
        self.facts = ready
        self.session = requests.Session()
        self.session.trust_env = False
        self.seed = "small"
        self.is_dirty = False

    def control(self, verb, path, body=None, server="host"):
        """One call of the control room; the answer's JSON. ``server`` picks the way in ("host" or "gateway")."""
        base = self.facts["host_url"] if server == "host" else self.facts["gateway_url"].removesuffix("/ippay")
        answer = self.session.request(verb, f"{base}/_sandbox/{path}", json=body, timeout=60,
                                      verify=self.facts["ca_file"] or True)
        assert answer.status_code < 300, f"{verb} {path}: {answer.status_code} {answer.text[:500]}"
        return answer.json()

    def ledger(self):
        """Everything really booked: {"gateway": {...}, "host": {...}}."""
        return self.control("GET", "ledger")

    def sales(self):
        """Money the gateway really took: SALE and CHECK rows that were not declined."""
        return [row for row in self.ledger()["gateway"]["transactions"]
                if row["type"] in ("SALE", "CHECK") and row["state"] != "declined"]

    def payments(self):
        """The host's payments that are not deleted."""
        return [row for row in self.ledger()["host"]["payments"] if str(row["deleted"]) == "0"]

    def invoice(self, invoice_id):
        """One invoice as the host has it."""
        return next(row for row in self.ledger()["host"]["invoices"] if int(row["id"]) == int(invoice_id))

    def fault(self, **wish):
        """Arm a fault: server=, kind=, match=, times= …; returns its id."""
        if wish.get("kind") == "refuse" and wish.get("server") == "host":
            return self.control("POST", "faults", wish, server="gateway")["id"]
        return self.control("POST", "faults", wish)["id"]

    def clear_faults(self):
        """Disarm everything, also when one of the servers refuses connections."""
        try:
            self.control("DELETE", "faults", server="gateway")
        except requests.ConnectionError:
            self.control("DELETE", "faults", server="host")

    def counters(self):
        """Calls by server and kind: {"gateway": {"SALE": 1}, "host": {"GET admin/finance/invoices": 2}}."""
        return self.control("GET", "counters")

    def reset_counters(self):
        """Count from zero."""
        self.control("DELETE", "counters")

    def jump(self, *, days=0, seconds=0):
        """Move the sandbox's clock, and ours with it."""
        self.is_dirty = True
        return self.control("POST", "clock", {"days": days} if days else {"seconds": seconds})["now"]

    def capture(self):
        """Every raw request body the gateway received."""
        return self.control("GET", "capture")["bodies"]

    def reset(self, seed="small"):
        """Start afresh; what is registered in the host stays."""
        self.clear_faults()
        self.control("POST", "reset", {"seed": seed})
        self.seed, self.is_dirty = seed, False

    def set_addon(self, url):
        """Where the host's reverse proxy finds the add-on."""
        self.control("POST", "addon", {"url": url})

    def unpaid_invoices(self, customer_id=None):
        """Invoices that can be paid, oldest id first."""
        return [row for row in self.ledger()["host"]["invoices"]
                if row["status"] == "not_paid" and str(row["deleted"]) == "0"
                and (customer_id is None or int(row["customer_id"]) == customer_id)]


@contextmanager
def run_sandbox(folder, *arguments):
    """The sandbox as a program, ready to be asked; ended afterwards."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "splynx_ippay_sandbox", "--state", str(folder / "state"),
               "--clock-file", str(folder / "clock"), *arguments]
    with (folder / "sandbox.log").open("w+") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            readable, _, _ = select.select([process.stdout], [], [], 60)
            line = process.stdout.readline() if readable else ""
            if not line:
                log.seek(0)
                pytest.fail(f"the sandbox did not start:\n{log.read()[-3000:]}")
            handle = SandboxHandle(json.loads(line), process)
            yield handle
            handle.session.close()
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            process.stdout.close()


@pytest.fixture(scope="session")
def sandbox_server(tmp_path_factory):
    """One sandbox a worker; its clock is ours."""
    folder = tmp_path_factory.mktemp("sandbox")
    with run_sandbox(folder) as handle:
        os.environ["SPLYNX_IPPAY_CLOCK_FILE"] = str(folder / "clock")
        yield handle
        del os.environ["SPLYNX_IPPAY_CLOCK_FILE"]


@pytest.fixture
def sandbox(sandbox_server):
    """The sandbox with the small seed, no faults, counters at zero, the machine's own time."""
    sandbox_server.reset("small")
    sandbox_server.reset_counters()
    yield sandbox_server
    if sandbox_server.is_dirty:
        sandbox_server.reset("small")


@pytest.fixture
def fresh_sandbox(tmp_path):
    """A sandbox of this test alone, in which nothing is registered yet."""
    with run_sandbox(tmp_path / "fresh") as handle:
        yield handle


@pytest.fixture(scope="session")
def database_template(tmp_path_factory):
    """A SQLite file with the tables of this version, to be copied."""
    path = tmp_path_factory.mktemp("database") / "template.sqlite3"
    database = Database(f"sqlite:///{path}")
    database.upgrade()
    database.engine.dispose()  # the last connection to close moves the WAL into the file
    return path


@pytest.fixture
def database(database_template, tmp_path):
    """A fresh SQLite database with all tables."""
    path = tmp_path / "addon.sqlite3"
    shutil.copyfile(database_template, path)
    database = Database(f"sqlite:///{path}")
    yield database
    database.engine.dispose()


def write_settings(path, values, partners=None):
    """Write config.ini.php as the host does: a [common] section and one a partner; values are texts."""
    lines = ["; <?php exit(); ?>", "[common]", *[f'{key} = "{value}"' for key, value in values.items()]]
    for partner, own in (partners or {}).items():
        lines += [f"[{partner}]", *[f'{key} = "{value}"' for key, value in own.items()]]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def default_settings(sandbox):
    """The settings most tests want: the sandbox's address and root key, its terminal, reports, sandbox host."""
    facts = sandbox.facts
    common = {
        "api_domain": facts["api_url"], "api_key": facts["api_key"], "api_secret": facts["api_secret"],
        "payment_account": "1", "credit_card_payment_method": str(CARD_METHOD),
        "bank_account_payment_method": str(BANK_METHOD), "payment_type": "both", "language": "en",
        "payment_statement_grouping": "month", "environment": "test", "sandbox_host": "1",
    }
    partner = {"terminal_id": facts["terminal_id"], "currency": "USD",
               "reporting_merchant_id": facts["report_login"], "reporting_password": facts["report_password"]}
    return common, partner


@pytest.fixture
def core(sandbox, database, tmp_path):
    """A Core against the sandbox. ``configure(core, key=value)`` changes settings; the file is the host's own."""
    from splynx_ippay.payments.core import Core

    KeyBox.create(tmp_path / "keys")
    deployment = Deployment(
        database_url=database.url, key_file=tmp_path / "keys", spool_dir=tmp_path / "spool",
        addon_dir=Path(sandbox.facts["addon_dir"]), addon_cli=Path(sandbox.facts["addon_cli"]),
        gateway_url=sandbox.facts["gateway_url"], report_url=sandbox.facts["report_url"],
        ca_file=sandbox.facts["ca_file"] or "", ini_file=tmp_path / "splynx-ippay.ini")
    common, partner = default_settings(sandbox)
    write_settings(deployment.addon_dir / "config" / "config.ini.php", common, {"default_partners_settings": partner})
    write_ini(deployment)
    return Core(deployment=deployment, settings=Settings.of(deployment), database=database,
                box=KeyBox.load(deployment.key_file))


def write_ini(deployment, **more):
    """Write the machine's ini file, so that the programs (register, worker, …) see the same deployment."""
    names = ("database_url", "key_file", "spool_dir", "listen", "addon_dir", "addon_cli", "gateway_url", "report_url", "ca_file")
    values = {name: str(getattr(deployment, name)) for name in names} | {key: str(value) for key, value in more.items()}
    deployment.ini_file.write_text("[splynx-ippay]\n" + "".join(f"{key} = {value}\n" for key, value in values.items()),
                                   encoding="utf-8")


def configure(core, partner_id=None, **values):
    """Change settings as the host's form would; ``partner_id`` writes that partner's own section."""
    import configparser

    path = core.deployment.addon_dir / "config" / "config.ini.php"
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(path.read_text(encoding="utf-8"))
    sections = {name: {key: value.strip('"') for key, value in parser[name].items()} for name in parser.sections()}
    from splynx_ippay.base.settings import BY_KEY

    for key, value in values.items():
        shared = "default_partners_settings" if BY_KEY[key].per_partner else "common"
        sections.setdefault(str(partner_id) if partner_id else shared, {})[key] = str(value)
    write_settings(path, sections.pop("common"), sections)


def program(core, *arguments, check=True, environ=None):
    """Run ``splynx-ippay`` as a program against this core's deployment; the finished process."""
    environment = os.environ | {"SPLYNX_IPPAY_INI": str(core.deployment.ini_file)} | (environ or {})
    done = subprocess.run([sys.executable, "-m", "splynx_ippay.cli", *map(str, arguments)], env=environment,
                          capture_output=True, text=True, timeout=120, check=False)
    if check:
        assert done.returncode == 0, f"splynx-ippay {' '.join(map(str, arguments))}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


@pytest.fixture
def registered_core(core, sandbox, sandbox_server):
    """The same core after ``splynx-ippay register`` ran once against this host; it uses the key that was registered."""
    path = core.deployment.addon_dir / "config" / "config.ini.php"
    if not hasattr(sandbox_server, "registered"):
        wanted = path.read_text(encoding="utf-8")
        path.unlink()
        program(core, "register", "--api-domain", sandbox.facts["api_url"])
        fresh = Settings(path)
        sandbox_server.registered = {key: fresh.text(key) for key in (
            "api_domain", "api_key", "api_secret", "payment_account", "credit_card_payment_method",
            "bank_account_payment_method")}
        path.write_text(wanted, encoding="utf-8")
    configure(core, **{key: value for key, value in sandbox_server.registered.items() if value})
    sandbox.reset_counters()
    return core


@contextmanager
def serve(app):
    """A Flask app on a free loopback port, in a thread; yields its address."""
    from werkzeug.serving import make_server

    server = make_server("127.0.0.1", 0, app, threaded=True)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


@pytest.fixture
def app(registered_core):
    """The add-on's web application."""
    from splynx_ippay.app import create_app

    return create_app(registered_core)


@pytest.fixture
def web(app, sandbox):
    """The host's address, with the add-on behind /ippay: one origin, as in production."""
    with serve(app) as address:
        sandbox.set_addon(address)
        yield sandbox.facts["host_url"]
        sandbox.set_addon(None)


class Person(Browser):
    """A browser with what the tests know of its owner."""

    facts = None


@pytest.fixture
def browser_of(web, sandbox):
    """``browser_of(2)``: the browser of the second customer of the ready line, logged in at the portal."""
    made = []

    def log_in(position=1):
        person = Person(web)
        person.facts = sandbox.facts["customers"][position - 1]
        person.login("portal", person.facts["login"], person.facts["password"])
        made.append(person)
        return person

    yield log_in
    for person in made:
        person.session.close()


@pytest.fixture
def portal(browser_of):
    """The first customer, logged in at the portal."""
    return browser_of(1)


@pytest.fixture
def staff(web, sandbox):
    """An administrator, logged in; opens the add-on through the host's own frames, which carry the sash."""
    person = Person(web)
    person.facts = sandbox.facts["staff"]
    person.login("admin", person.facts["login"], person.facts["password"])
    yield person
    person.session.close()


@pytest.fixture
def second_staff(web, sandbox):
    """Another administrator, with another role, logged in."""
    person = Person(web)
    person.facts = sandbox.facts["second_staff"]
    person.login("admin", person.facts["login"], person.facts["password"])
    yield person
    person.session.close()


@pytest.fixture
def anybody(web):
    """Somebody from the street: no login."""
    person = Person(web)
    yield person
    person.session.close()


@pytest.fixture
def make_browser(web):
    """A function that opens one more browser without a login."""
    made = []

    def make():
        made.append(Person(web))
        return made[-1]

    yield make
    for person in made:
        person.session.close()


class Counted:
    """The statements a block sent to the database."""

    def __init__(self):
        self.statements = []

    def __len__(self):
        return len(self.statements)


@contextmanager
def count_queries(core):
    """``with count_queries(core) as seen: …; assert len(seen) <= 5``. PRAGMA, BEGIN and COMMIT are not counted."""
    seen = Counted()

    def note(_connection, _cursor, statement, _parameters, _context, _many):
        if not statement.upper().startswith(("PRAGMA", "BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")):
            seen.statements.append(statement)

    event.listen(core.database.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(core.database.engine, "before_cursor_execute", note)


@pytest.fixture
def counted_queries():
    """``count_queries`` for tests, which cannot import this file by name."""
    return count_queries


@pytest.fixture
def settings_of():
    """``configure`` for tests: settings_of(core, payment_type="card")."""
    return configure


@pytest.fixture
def run_program():
    """``program`` for tests: run_program(core, "link", "invoice", "8812")."""
    return program


@pytest.fixture
def wait_until():
    """``eventually`` for tests: wait_until(lambda: …, seconds=20, what="the posting")."""
    return eventually


@pytest.fixture
def serving():
    """``serve`` for tests: with serving(app) as address."""
    return serve


@pytest.fixture
def start_sandbox():
    """``run_sandbox`` for tests: with start_sandbox(tmp_path, "--tls") as box."""
    return run_sandbox


@pytest.fixture
def free_port():
    """A loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def pytest_terminal_summary(terminalreporter):
    """Numbers that tests have measured (record_property("numbers", text)), also from workers, are printed at the end."""
    told = [text for reports in terminalreporter.stats.values() for report in reports if getattr(report, "when", "") == "call"
            for name, text in report.user_properties if name == "numbers"]
    if told:
        terminalreporter.section("numbers")
        terminalreporter.write("\n".join(told) + "\n")
