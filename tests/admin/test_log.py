"""The log in the admin: shared by processes, searchable, and without anything that looks like a card number."""

from __future__ import annotations

import dataclasses
import logging
import multiprocessing

import pytest

from splynx_ippay.base import logs

PAN, SPACED, ACCOUNT = "4111111111111111", "4111 1111 1111 1111", "123456789"


@pytest.fixture
def file(tmp_path):
    return tmp_path / "splynx-ippay.log"


@pytest.fixture
def reader(core, file, serving, sandbox, make_browser):
    """The administrator's browser on an add-on whose log is this file."""
    from splynx_ippay.app import create_app

    app = create_app(dataclasses.replace(core, deployment=dataclasses.replace(core.deployment, log_file=str(file))))
    with serving(app) as address:
        sandbox.set_addon(address)
        staff = make_browser()
        staff.login("admin", sandbox.facts["staff"]["login"], sandbox.facts["staff"]["password"])
        yield staff


def handler_of(file, **options):
    handler = logs.SharedFile(file, **options)
    handler.setFormatter(logs.RedactingFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    return handler


def record(level, text):
    return logging.LogRecord("splynx_ippay.test", level, "x.py", 1, text, None, None)


def test_a_card_number_appears_neither_in_the_file_nor_on_the_page(reader, file):
    handler_of(file).emit(record(logging.ERROR, f"echo <CardNum>{PAN}</CardNum> and {SPACED}, password=hunter2"))
    assert PAN not in file.read_text(encoding="utf-8")
    with file.open("a", encoding="utf-8") as around:  # past the handler, as another program might
        around.write(f"2026-01-01 10:00:00,000 ERROR other.library sent {PAN} {SPACED} account {ACCOUNT} cvv=123\n")
    page = reader.get("/ippay/admin/log")
    assert page.says("other.library", "***1111")
    for secret in (PAN, SPACED, ACCOUNT, "hunter2", "cvv=123"):
        assert secret not in page.text
    assert PAN not in reader.get(f"/ippay/admin/log?q={PAN}").text
    file.unlink()  # the scanner after the run would find what was written past the handler


def test_the_newest_record_comes_first_and_search_and_level_narrow(reader, file):
    handler = handler_of(file)
    for level, text in ((logging.INFO, "one was booked"), (logging.WARNING, "two is slow"), (logging.ERROR, "three failed\n  at line 7")):
        handler.emit(record(level, text))
    page = reader.get("/ippay/admin/log").text
    assert page.index("three failed") < page.index("two is slow") < page.index("one was booked")
    assert "at line 7" in page
    assert not reader.get("/ippay/admin/log?level=WARNING").says("one was booked")
    assert not reader.get("/ippay/admin/log?level=ERROR").says("two is slow")
    assert reader.get("/ippay/admin/log?q=SLOW").says("two is slow")
    assert reader.get("/ippay/admin/log?q=nothing-like-it&level=x").says("Nothing fits this search.")


def test_without_a_file_the_page_says_where_the_log_is(staff, core):
    assert staff.get("/ippay/admin/log").says("No log file is set", "journalctl", str(core.deployment.ini_file))


def test_a_file_that_is_gone_is_told_in_words(reader):
    assert reader.get("/ippay/admin/log").says("cannot be read (FileNotFoundError).")


def test_markup_in_the_log_is_shown_as_text(reader, file):
    handler_of(file).emit(record(logging.ERROR, "<script>alert(1)</script>"))
    page = reader.get("/ippay/admin/log").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_a_full_file_steps_aside_and_the_oldest_goes(file):
    handler = handler_of(file, most_bytes=200, keep=2)
    for number in range(20):
        handler.emit(record(logging.INFO, f"record {number:02d} " + "x" * 40))
    assert sorted(path.name for path in file.parent.glob("*.log*")) == [
        "splynx-ippay.log", "splynx-ippay.log.1", "splynx-ippay.log.2", "splynx-ippay.log.lock"]
    assert "record 19" in logs.read_back(file)[0].text
    assert len(logs.read_back(file)) > len(file.read_text(encoding="utf-8").splitlines())
    assert file.stat().st_mode & 0o007 == 0


def _write(path, name):
    handler = handler_of(path, most_bytes=4000, keep=50)
    for number in range(200):
        handler.emit(record(logging.INFO, f"{name} {number}"))


def test_two_processes_lose_no_record_while_the_file_steps_aside(file):
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write, args=(file, name)) for name in ("web", "worker")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    written = "".join(path.read_text(encoding="utf-8") for path in file.parent.glob("splynx-ippay.log*"))
    assert len(written.splitlines()) == 400
    assert {f"{name} {number}" for name in ("web", "worker") for number in range(200)} == {
        line.split("splynx_ippay.test ")[1] for line in written.splitlines()}


def test_the_programs_log_to_the_file_that_the_machines_own_file_names(core, file, run_program):
    done = run_program(core, "check", check=False, environ={"SPLYNX_IPPAY_LOG_FILE": str(file), "SPLYNX_IPPAY_LOG_LEVEL": "DEBUG"})
    assert done.returncode in {0, 1}
    assert file.exists()


def test_a_file_that_cannot_be_written_stops_nothing_and_is_told(core, tmp_path, run_program):
    away = tmp_path / "away" / "x.log"
    done = run_program(core, "settings", environ={"SPLYNX_IPPAY_LOG_FILE": str(away)})
    assert f"log_file {away} cannot be written" in done.stderr
    assert not away.exists()
