"""Card numbers, security codes and account numbers reach the gateway and nothing else: shown on programs as they run."""

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests

from splynx_ippay_sandbox.demo.browser import Browser
from splynx_ippay_sandbox.demo.pages import path_of
from splynx_ippay_sandbox.demo.people import open_menu

CARDS = ("4111111111111111", "5555555555554444", "378282246310005", "6011111111111117", "4000300020001000", "4012888888881881")
ACCOUNTS = ("12345678901234567", "88877766655544")
CODE, AMEX_CODE = "937", "9371"  # unusual, so that no other value is likely to be one
ROUTING = "111000025"
INI_SECRETS = ("api_secret", "reporting_password")


@pytest.fixture
def scan(pytestconfig):
    """The scanner's module, which is also the plugin that looks at everything after the run."""
    return pytestconfig.pluginmanager.get_plugin("tests.secrets_scan")


@pytest.fixture
def programs(registered_core, sandbox, free_port, tmp_path, wait_until):
    """``splynx-ippay serve`` and ``worker`` as programs with logs and a temporary folder of their own."""
    logs, scratch = tmp_path / "logs", tmp_path / "scratch"
    logs.mkdir()
    scratch.mkdir()
    environment = os.environ | {
        "SPLYNX_IPPAY_INI": str(registered_core.deployment.ini_file), "SPLYNX_IPPAY_LISTEN": f"127.0.0.1:{free_port}",
        "SPLYNX_IPPAY_TICK_SECONDS": "1", "SPLYNX_IPPAY_LOG_LEVEL": "DEBUG", "TMPDIR": str(scratch), "PYTHONUNBUFFERED": "1"}
    running = []
    for name in ("serve", "worker"):
        with (logs / f"{name}.log").open("w") as log:
            running.append(subprocess.Popen([sys.executable, "-m", "splynx_ippay", name], env=environment, stdout=log, stderr=log))
    with requests.Session() as session:
        session.trust_env = False
        wait_until(lambda: _is_well(session, free_port), seconds=60, what="the start of the web program")
    sandbox.set_addon(f"http://127.0.0.1:{free_port}")
    yield SimpleNamespace(folder=tmp_path, wait_until=wait_until)
    sandbox.set_addon(None)
    for process in running:
        process.terminate()
    for process in running:
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _is_well(session, port):
    try:
        return session.get(f"http://127.0.0.1:{port}/ippay/healthz", timeout=5).ok
    except requests.RequestException:
        return False


def person_of(sandbox, position, opened):
    browser, who = Browser(sandbox.facts["host_url"]), sandbox.facts["customers"][position - 1]
    browser.login("portal", who["login"], who["password"])
    opened.append(browser.session)
    return browser


def details(number):
    return {"source": "card", "number": number, "expiry": "12/30", "cvv": AMEX_CODE if number[0] == "3" else CODE, "holder": ["Pat Payer"]}


def account_details(number):
    return {"source": "bank", "routing": ROUTING, "account": number, "account_again": number, "kind": "CHECKING",
            "holder": ["", "Pat Payer"], "authorized": True}


def test_no_number_and_no_security_code_is_anywhere_but_in_the_gateways_capture(programs, registered_core, sandbox, scan, run_program):
    secrets = scan.Secrets(CARDS, ACCOUNTS, (CODE, AMEX_CODE))
    opened, seen = [], []

    def tell(page):
        seen.append(page.text)
        return page

    def add(browser, amount, fields):
        return tell(browser.submit(open_menu(browser, "Add money by IpPay"), "/ippay/", holding="amount", amount=amount, **fields))

    john, obrien = person_of(sandbox, 1, opened), person_of(sandbox, 2, opened)
    # Saved, paid, declined, with every card; mistakes in every field; numbers typed where they do not belong.
    for number in CARDS:
        assert add(john, "21.00", details(number) | {"save": True}).says("approved")
    assert add(obrien, "20.51", details(CARDS[0])).says("declined")
    for number in ACCOUNTS:
        page = tell(obrien.submit(open_menu(obrien, "IpPay payment credentials"), "/credentials/bank", authorized=True,
                                  **{key: value for key, value in account_details(number).items() if key not in {"source", "holder", "authorized"}},
                                  holder="Pat Payer"))
        assert page.says(number[-4:])
    assert add(obrien, "22.00", account_details(ACCOUNTS[0]) | {"account_again": "1234"}).status_code == 400
    for field, value in (("expiry", "01/20"), ("cvv", CARDS[0]), ("holder", [CARDS[1]]), ("number", CARDS[0][:-1] + "2")):
        assert add(john, "21.00", details(CARDS[0]) | {field: value}).status_code == 400
    assert add(john, CARDS[2], details(CARDS[2])).status_code == 400
    # Answers that carry the request back, or none at all; a form from yesterday.
    for kind, wire in (("echo", "TOKENIZE"), ("echo", "SALE"), ("garbage", "TOKENIZE"), ("drop_after", "SALE"), ("reset", "TOKENIZE"),
                       ("half_answer", "CHECK")):
        sandbox.fault(server="gateway", kind=kind, match={"type": wire}, times=1)
        fields = account_details(ACCOUNTS[1]) if wire == "CHECK" else details(CARDS[3])
        add(person_of(sandbox, 3 if wire == "CHECK" else 1, opened), "23.00", fields)
        sandbox.clear_faults()
    tell(john.post("/ippay/", details(CARDS[1]) | {"amount": "5.00", "csrf_token": "old", "holder": "Pat Payer"}))
    tell(john.get("/ippay/"))
    tell(john.get(f"/ippay/pay-invoice?item_id={CARDS[4]}"))
    # A link, a bank debit, the worker at work, and an error of our own.
    invoice = sandbox.unpaid_invoices(3)[0]
    link = path_of(run_program(registered_core, "link", "invoice", invoice["id"]).stdout.strip())
    anybody = Browser(sandbox.facts["host_url"])
    opened.append(anybody.session)
    assert tell(anybody.submit(anybody.get(link), "/ippay/l/", holding="number", **details(CARDS[5]))).says("approved")
    with registered_core.database.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE attempt RENAME COLUMN brand TO brand_away")
    broken = tell(add(obrien, "24.00", details(CARDS[2])))
    assert broken.status_code in {500, 503}
    with registered_core.database.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE attempt RENAME COLUMN brand_away TO brand")
    sandbox.jump(seconds=200)
    programs.wait_until(lambda: len(sandbox.payments()) > len(CARDS), seconds=30, what="the worker's bookings")
    sandbox.jump(days=5)
    check = run_program(registered_core, "check", check=False)
    for session in opened:
        session.close()

    # The gateway did get everything: the scanner can see.
    capture = "\n".join(sandbox.capture())
    assert set(CARDS) | set(ACCOUNTS) <= set(secrets.find(capture))
    assert {f"CVV2 {CODE}", f"CVV2 {AMEX_CODE}"} <= set(secrets.find(capture))
    # And nobody else has any of it.
    database = Path(registered_core.database.url.removeprefix("sqlite:///"))
    kept = [database, *database.parent.glob(database.name + "-*"), *scan.files_below(programs.folder / "logs"), *scan.files_below(programs.folder / "scratch"),
            *scan.files_below(registered_core.spool), *scan.files_below(registered_core.deployment.addon_dir)]
    assert database.with_name(database.name + "-wal") in kept
    assert {path.name for path in kept} >= {"serve.log", "worker.log"}
    assert {str(path): found for path in kept if (found := secrets.find_in_file(path))} == {}
    assert secrets.find_in_tables(database) == []
    host = json.dumps(sandbox.ledger()["host"])
    told = json.dumps([sandbox.control("GET", path) for path in ("events", "counters", "mails")])
    for text in (host, told, check.stdout + check.stderr, *seen):
        assert secrets.find(text) == []
    logs = "".join((programs.folder / "logs" / f"{name}.log").read_text() for name in ("serve", "worker"))
    for key in INI_SECRETS:
        assert registered_core.settings.text(key) not in logs


def test_the_scanner_sees_what_it_is_looking_for_and_nothing_else(scan, tmp_path):
    secrets = scan.Secrets(CARDS, ACCOUNTS, (CODE,))
    for text in ("x4111111111111111y", "4111 1111 1111 1111", "4111-1111-1111-1111", "acct=12345678901234567", f"<CVV2>{CODE}</CVV2>",
                 f'"cvv": "{CODE}"', f"cvv={CODE}"):
        assert secrets.find(text), text
        assert secrets.find(text.encode()), text
    for text in ("4111111111111112", f"payment {CODE} of 2026", f"order {CODE}", "cvv: P", f"937 {CODE}"):
        assert secrets.find(text) == [], text
    (tmp_path / "wide").write_bytes("number 4111111111111111".encode("utf-16"))
    assert secrets.find_in_file(tmp_path / "wide") == ["4111111111111111"]
    path = tmp_path / "x.sqlite3"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE t (a, b)")
        database.execute("INSERT INTO t VALUES (?, ?)", (CODE, f'{{"x": "{CODE}"}}'))
        database.execute("INSERT INTO t VALUES (?, ?)", (int(CODE), f"order {CODE}"))
        database.commit()
    assert secrets.find_in_tables(path) == [("t", "a", "a security code"), ("t", "b", "a security code")]
