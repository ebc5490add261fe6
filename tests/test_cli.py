"""The command line as an installer uses it: real programs, a real sandbox."""

import os
import re
import signal
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import pytest
import requests

from splynx_ippay.base.settings import Deployment
from splynx_ippay.cli import main
from splynx_ippay.payments import breaker

CONFIG = Path(__file__).parent.parent / "config"

FRESH = """[splynx-ippay]
database_url = sqlite:///{folder}/data/addon.sqlite3
key_file = {folder}/keys
spool_dir = {folder}
addon_dir = {folder}/addon
addon_cli = {folder}/none
"""


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    """A machine with an ini file and nothing else."""
    ini = tmp_path / "splynx-ippay.ini"
    ini.write_text(FRESH.format(folder=tmp_path))
    monkeypatch.setenv("SPLYNX_IPPAY_INI", str(ini))
    return tmp_path


def run(capsys, *words):
    status = main(words)
    out, err = capsys.readouterr()
    return status, out, err


def test_a_program_started_without_its_ini_file_says_so_and_what_it_uses_instead(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SPLYNX_IPPAY_INI", str(tmp_path / "gone.ini"))
    monkeypatch.setenv("SPLYNX_IPPAY_DATABASE_URL", f"sqlite:///{tmp_path}/addon.sqlite3")
    monkeypatch.setenv("SPLYNX_IPPAY_KEY_FILE", str(tmp_path / "keys"))
    for command in ("serve", "worker", "check"):
        _, _, err = run(capsys, command)
        assert f"splynx-ippay: there is no {tmp_path}/gone.ini (named in SPLYNX_IPPAY_INI)" in err, command
        assert str(tmp_path / "keys") in err
    _, _, err = run(capsys, "settings")
    assert "there is no" not in err


def test_a_new_machine_is_told_step_by_step_what_is_missing(fresh, capsys):
    status, _, err = run(capsys, "link", "invoice", "1")
    assert (status, err.count("\n")) == (2, 1)
    assert "run: splynx-ippay make-key" in err
    status, out, _ = run(capsys, "make-key")
    assert status == 0
    assert "keep a copy" in out
    key = (fresh / "keys").read_text()
    status, out, _ = run(capsys, "make-key")
    assert "is there already and stays" in out
    assert (fresh / "keys").read_text() == key
    status, _, err = run(capsys, "link", "invoice", "1")
    assert status == 2
    assert "cannot be used (unable to open database file)" in err
    assert run(capsys, "migrate")[0] == 0
    assert run(capsys, "migrate")[0] == 0
    status, _, err = run(capsys, "link", "invoice", "1")
    assert status == 2
    assert "API domain, API key and API secret must be set" in err


@pytest.mark.parametrize(("line", "words"), [
    ("database_url = postgresql://x/y", "database_url must start with sqlite:/// or mysql+pymysql://"),
    ("database_url = nonsense", "database_url must start with sqlite:/// or mysql+pymysql://"),
    ("databse_url = sqlite:///x", "unknown setting 'databse_url'"),
    ("no section", "line 1: a [section] is missing"),
])
def test_a_wrong_ini_file_is_one_plain_sentence(line, words, fresh, capsys):
    (fresh / "keys").write_text("")
    run(capsys, "make-key")
    (fresh / "keys").unlink()
    run(capsys, "make-key")
    ini = fresh / "splynx-ippay.ini"
    ini.write_text(line if line == "no section" else
                   "\n".join(row for row in ini.read_text().splitlines() if "database_url" not in row) + f"\n{line}\n")
    status, _, err = run(capsys, "link", "invoice", "1")
    assert (status, err.count("\n")) == (2, 1), err
    assert words in err
    assert "Traceback" not in err


def test_the_password_of_the_database_is_not_shown(fresh, capsys, free_port):
    run(capsys, "make-key")
    ini = fresh / "splynx-ippay.ini"
    ini.write_text(ini.read_text().replace(f"sqlite:///{fresh}/data/addon.sqlite3",
                                           f"mysql+pymysql://user:hush-hush@127.0.0.1:{free_port}/x"))
    status, out, err = run(capsys, "link", "invoice", "1")
    assert status == 2
    assert "user:***@127.0.0.1" in err
    assert "hush-hush" not in out + err
    assert "hush-hush" not in "".join(run(capsys, "check")[1:])


def test_settings_are_listed_with_secrets_starred(core, run_program):
    done = run_program(core, "settings")
    assert f"terminal_id = {core.settings.text('terminal_id')}" in done.stdout
    assert "api_secret = ***" in done.stdout
    assert "gateway_password = (not set)" in done.stdout
    for key in ("api_secret", "reporting_password"):
        assert core.settings.text(key) not in done.stdout + done.stderr


def test_an_override_is_shown_with_its_file(core, run_program):
    ini = core.deployment.ini_file
    ini.write_text(ini.read_text() + "[settings]\nlanguage = fr\n")
    assert f"language = fr   (from {ini})" in run_program(core, "settings").stdout


def test_a_link_is_made_for_days_or_for_ever_and_revoked(core, sandbox, run_program):
    from splynx_ippay import links

    invoice = sandbox.unpaid_invoices()[0]["id"]
    url = run_program(core, "link", "invoice", invoice, "--days", "3").stdout.strip()
    head = core.settings.text("api_domain") + "ippay/l/"
    assert url.startswith(head)
    token = url.removeprefix(head)
    with core.database.read() as session:
        link = links.find(session, core.box, token)
    assert (link.document, link.document_id, (link.expires_at - link.created_at).days) == ("invoice", invoice, 3)
    assert link.created_by.startswith("command line (")
    forever = run_program(core, "link", "invoice", invoice, "--days", "0").stdout.strip()
    with core.database.read() as session:
        assert links.find(session, core.box, forever.removeprefix(head)).expires_at is None
    replaced = run_program(core, "link", "revoke", token, check=False)
    assert (replaced.returncode, "replaced by a newer one" in replaced.stderr) == (1, True)
    assert "revoked" in run_program(core, "link", "revoke", forever).stdout
    again = run_program(core, "link", "revoke", forever, check=False)
    assert (again.returncode, "revoked already" in again.stderr) == (1, True)
    forged = run_program(core, "link", "revoke", "x" + token, check=False)
    assert (forged.returncode, "no such link" in forged.stderr) == (1, True)


def test_a_link_to_a_proforma_and_to_nothing(core, sandbox, run_program):
    request = next(row for row in sandbox.ledger()["host"]["requests"] if row["status"] == "not_paid")
    assert "/ippay/l/" in run_program(core, "link", "proforma", request["id"]).stdout
    for words, sentence in (
        (("invoice", "99999"), "Splynx has no invoice with the id 99999"),
        (("proforma", "99999"), "Splynx has no proforma with the id 99999"),
        (("invoice", sandbox.unpaid_invoices()[0]["id"], "--days", "-1"), "--days must be 0 (for ever) or more"),
    ):
        done = run_program(core, "link", *words, check=False)
        assert (done.returncode, sentence in done.stderr) == (1, True), done.stderr
    deleted = [row for row in sandbox.ledger()["host"]["invoices"] if str(row["deleted"]) == "1" or row["status"] == "deleted"]
    done = run_program(core, "link", "invoice", deleted[0]["id"], check=False)
    assert done.returncode == 1


def test_release_needs_a_ping_that_succeeds(core, sandbox, run_program):
    terminal = core.settings.text("terminal_id")
    core.database.run(lambda session: breaker.stop(session, terminal, "test", "code 906"))
    sandbox.fault(server="gateway", kind="http_status", status=500, times=1)
    done = run_program(core, "release", terminal, check=False)
    assert done.returncode == 1
    assert "splynx-ippay: " in done.stderr
    assert "may charge again" in run_program(core, "release", terminal).stdout
    with core.database.read() as session:
        breaker.guard(session, terminal, "test")
    done = run_program(core, "release", "NOSUCH", check=False)
    assert (done.returncode, "no partner has the Terminal ID 'NOSUCH'" in done.stderr) == (2, True)


def test_register_without_the_hosts_program_prints_the_steps_and_fails(fresh, capsys):
    status, out, _ = run(capsys, "register", "--api-domain", "http://127.0.0.1:9/")
    assert status == 1
    assert "BY HAND" in out
    assert "not everything could be registered" in out


def test_check_says_what_is_wrong_and_ends_with_1(fresh, capsys):
    status, out, _ = run(capsys, "check")
    assert status == 1
    assert "WRONG        Key file" in out
    assert "→ Run splynx-ippay make-key" in out


def test_usage_errors_end_with_2_and_name_the_commands(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["nonsense"])
    assert ended.value.code == 2
    assert "register" in capsys.readouterr().err


def test_output_that_nobody_reads_to_the_end_is_no_error(core):
    environment = os.environ | {"SPLYNX_IPPAY_INI": str(core.deployment.ini_file)}
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([sys.executable, "-m", "splynx_ippay", "settings"], env=environment, stdout=writer,
                          stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")


def test_serve_answers_under_ippay_and_ends_on_sigterm(core, free_port, wait_until):
    environment = os.environ | {"SPLYNX_IPPAY_INI": str(core.deployment.ini_file),
                                "SPLYNX_IPPAY_LISTEN": f"127.0.0.1:{free_port}"}
    process = subprocess.Popen([sys.executable, "-m", "splynx_ippay", "serve"], env=environment, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    session = requests.Session()
    session.trust_env = False

    def answers():
        try:
            return session.get(f"http://127.0.0.1:{free_port}/ippay/direct-pay-invoice?item_id=1", timeout=10)
        except requests.ConnectionError:
            return None

    try:
        page = wait_until(answers, seconds=60, what="the first page")
        assert page.status_code == 200
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=60)
    finally:
        session.close()
        if process.poll() is None:
            process.kill()
            process.communicate()
    assert process.returncode == 0, log
    assert "item_id" not in log, "addresses are not logged"


def test_serve_refuses_to_start_without_a_key(fresh, capsys):
    status, _, err = run(capsys, "serve")
    assert (status, "make-key" in err) == (2, True)


def test_the_gunicorn_file_that_is_shipped_starts_the_same_application(core):
    environment = os.environ | {"SPLYNX_IPPAY_INI": str(core.deployment.ini_file)}
    done = subprocess.run([sys.executable, "-m", "gunicorn", "--check-config", "-c", str(CONFIG / "gunicorn.conf.py"),
                           "splynx_ippay.wsgi:app"], env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_the_ini_file_that_is_shipped_names_every_value_with_its_default(tmp_path):
    text = (CONFIG / "splynx-ippay.ini").read_text(encoding="utf-8")
    assert replace(Deployment.load({"SPLYNX_IPPAY_INI": str(CONFIG / "splynx-ippay.ini")}), ini_file=Path("x")) == \
        Deployment(ini_file=Path("x"))
    head = text.split("[settings]")[0]
    bare = tmp_path / "all.ini"
    bare.write_text("\n".join(line[1:] if re.match(r";[a-z_]+ =", line) else line for line in head.splitlines()))
    assert replace(Deployment.load({"SPLYNX_IPPAY_INI": str(bare)}), ini_file=Path("x")) == Deployment(ini_file=Path("x"))
    named = set(re.findall(r"^;([a-z_]+) =", head, re.MULTILINE))
    assert named == {field.name for field in fields(Deployment)} - {"overrides", "ini_file"}
