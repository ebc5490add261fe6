"""The installer: registers (twice), looks at what the host shows, checks every broken state, unregisters. Programs only."""

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from splynx_ippay_sandbox.demo.browser import Browser

MODULE = "splynx_ippay_addon"


@pytest.fixture
def machine(fresh_sandbox, tmp_path):
    """A machine with an ini file beside a Splynx in which nothing is registered; ``machine.run("check")``."""
    facts, ini = fresh_sandbox.facts, tmp_path / "splynx-ippay.ini"
    lines = {"database_url": f"sqlite:///{tmp_path}/addon.sqlite3", "key_file": tmp_path / "keys", "spool_dir": tmp_path / "spool",
             "addon_dir": facts["addon_dir"], "addon_cli": facts["addon_cli"], "gateway_url": facts["gateway_url"],
             "report_url": facts["report_url"]}

    def write(**changes):
        ini.write_text("[splynx-ippay]\n" + "".join(f"{key} = {value}\n" for key, value in (lines | changes).items()))

    def run(*words):
        done = subprocess.run([sys.executable, "-m", "splynx_ippay", *words], env=os.environ | {"SPLYNX_IPPAY_INI": str(ini)},
                              capture_output=True, text=True, timeout=120, check=False)
        assert "Traceback" not in done.stderr
        return done

    write()
    return SimpleNamespace(run=run, write=write, box=fresh_sandbox, facts=facts, folder=tmp_path)


@pytest.fixture
def person(machine):
    """A browser at the fresh host, logged in as customer or staff."""
    opened = []

    def log_in(door):
        browser = Browser(machine.facts["host_url"])
        who = machine.facts["customers"][0] if door == "portal" else machine.facts["staff"]
        browser.login(door, who["login"], who["password"])
        opened.append(browser)
        return browser

    yield log_in
    for browser in opened:
        browser.session.close()


def fill_in(browser, **values):
    """The host's own settings form, as staff use it."""
    page = browser.get(f"/admin/config/modules/{MODULE}")
    names = next(form for form in page.forms if any("terminal_id" in name for name in form.names())).names()
    fields = {next(name for name in names if name.endswith((f"[{key}]", key))): value for key, value in values.items()}
    return browser.submit(page, holding=next(iter(fields)), **fields)


def verdicts(output):
    """Title → verdict of the printed checks."""
    found = {}
    for line in output.splitlines():
        for verdict in ("OK", "ADVICE", "WRONG", "NOT EXAMINED"):
            if line.startswith(verdict.ljust(13)):
                found[line[13:].strip()] = verdict
    return found


def test_from_nothing_to_well_and_back_with_words_at_every_step(machine, person):
    portal, staff = person("portal"), person("admin")
    assert "ippay" not in portal.get("/portal/dashboard").text.lower()
    assert MODULE not in staff.get("/admin/config/modules").text
    bare = machine.run("check")
    assert bare.returncode == 1
    assert verdicts(bare.stdout)["Key file"] == "WRONG"
    assert "Run splynx-ippay make-key" in bare.stdout
    assert verdicts(bare.stdout)["Places in Splynx"] in {"WRONG", "NOT EXAMINED"}
    for words in (("make-key",), ("migrate",), ("register", "--api-domain", machine.facts["api_url"])):
        assert machine.run(*words).returncode == 0
    first = machine.box.ledger()["host"]["payment_accounts"]
    links = [link.href for link in portal.get("/portal/dashboard").sight.links if "ippay" in link.href]
    assert links
    assert staff.get("/admin/config/modules").says(MODULE, "Splynx Ippay Billing Add-On")
    entry_points = staff.get(f"/admin/config/modules/{MODULE}/entry-points").words
    again = machine.run("register", "--api-domain", machine.facts["api_url"])
    assert again.returncode == 0
    assert [link.href for link in portal.get("/portal/dashboard").sight.links if "ippay" in link.href] == links
    assert staff.get(f"/admin/config/modules/{MODULE}/entry-points").words == entry_points
    assert machine.box.ledger()["host"]["payment_accounts"] == first
    fill_in(staff, terminal_id=machine.facts["terminal_id"], reporting_merchant_id=machine.facts["report_login"],
            reporting_password=machine.facts["report_password"], sandbox_host=True)
    (machine.folder / "spool").mkdir(exist_ok=True)
    well = machine.run("check")
    assert {title: verdict for title, verdict in verdicts(well.stdout).items() if verdict not in {"OK", "ADVICE"}} == {"Worker": "WRONG"}
    assert "systemctl start splynx-ippay-worker" in well.stdout
    secrets = [machine.facts["report_password"], machine.facts["api_secret"]]
    assert not any(secret in done.stdout + done.stderr for done in (bare, again, well) for secret in secrets)
    fill_in(staff, terminal_id="NOSUCHTERM", reporting_password="wrong")
    machine.box.fault(server="host", kind="refuse", seconds=60)
    broken = machine.run("check")
    machine.box.clear_faults()
    assert broken.returncode == 1
    found = verdicts(broken.stdout)
    assert {title for title in ("IPpay answers", "IPpay's reports", "Splynx answers") if found[title] == "WRONG"} == {
        "IPpay answers", "IPpay's reports", "Splynx answers"}
    assert "Compare reporting login and password with IPpay's letter" in broken.stdout
    assert "Open the API domain in a browser on this machine" in broken.stdout
    machine.write(database_url=f"sqlite:///{machine.folder}/none/x.sqlite3")
    broken = machine.run("check")
    assert verdicts(broken.stdout)["Database"] == "WRONG"
    assert "so nothing is charged" in broken.stdout
    machine.write()
    for _ in range(2):
        assert machine.run("unregister").returncode == 0
        assert "ippay" not in portal.get("/portal/dashboard").text.lower()
