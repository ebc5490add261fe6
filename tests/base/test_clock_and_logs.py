"""The one clock, and logs in which no card number can be read."""

import io
import logging
from datetime import UTC, datetime, timedelta

import pytest

from splynx_ippay.base import clock, logs

PAN, AMEX = "4111111111111111", "378282246310005"


@pytest.fixture
def clock_file(tmp_path, monkeypatch):
    monkeypatch.setenv(clock.CLOCK_FILE_VARIABLE, str(tmp_path / "clock"))
    return tmp_path / "clock"


def test_without_a_clock_file_it_is_the_machines_time(monkeypatch):
    monkeypatch.delenv(clock.CLOCK_FILE_VARIABLE, raising=False)
    assert not clock.is_moved()
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)
    assert clock.now().tzinfo is UTC


def test_a_clock_file_moves_the_time_at_once(clock_file):
    assert not clock.is_moved()  # named, but not there yet
    for content, seconds in (("", 0), ("3600\n", 3600), ("-60", -60)):
        clock_file.write_text(content)
        assert clock.offset() == timedelta(seconds=seconds)
        assert clock.is_moved() is bool(seconds)
    assert abs(clock.now() - datetime.now(UTC) + timedelta(seconds=60)) < timedelta(seconds=5)


@pytest.mark.parametrize("text", [
    PAN, f"card {PAN}.", "4111 1111 1111 1111", "4111-1111-1111-1111", f"<CardNum>{PAN}</CardNum>", f"n{PAN}x",
    repr(f"\n{PAN}"), f"\\u003e{PAN}", AMEX, f"{PAN}{PAN}", "0001234567", "111000025", f"'{PAN}'", f"a={PAN}&b", f"[{PAN},{AMEX}]"])
def test_a_number_of_a_card_or_account_is_struck_out(text):
    shown = logs.redact(text)
    assert not any(number in shown.replace(" ", "").replace("-", "") for number in (PAN, AMEX, "0001234567", "111000025"))
    assert "***" in shown


@pytest.mark.parametrize("text", [
    "2026-11-22 01:04:05,123 INFO x", "invoice 20260100", "attempt DADVCFPD2CEMY9E5Z3-1", "port 8097", "1500 cents",
    "2026-11-22T01:04:05", "K12345678B9"])
def test_what_staff_need_is_left_alone(text):
    assert logs.redact(text) == text


@pytest.mark.parametrize("text", [
    "sash=abc123", "?sash=abc123&x=1", "access_token=abc123)", '"password": "abc123"', "{'api_secret': 'abc123'}",
    "<Password>abc123</Password>", "<CVV2>abc123</CVV2>", "PHPSESSID=abc123; Path", "Authorization: abc123",
    "signature: abc123", "SECRET = abc123", "cvv=abc123"])
def test_the_value_of_a_secret_name_is_struck_out(text):
    assert "abc123" not in logs.redact(text)


def test_everything_that_is_logged_goes_through_the_filter(capfd):
    logs.configure("DEBUG")
    try:
        log = logging.getLogger("splynx_ippay.test")
        log.info("paying with %s", PAN)
        try:
            raise ValueError(f"echo {PAN} cvv=123")
        except ValueError:
            log.exception("failed")
        assert logging.getLogger("urllib3").level == logging.WARNING
    finally:
        logging.basicConfig(handlers=[logging.StreamHandler(io.StringIO())], force=True)
    shown = capfd.readouterr().err
    assert "paying with ***1111" in shown
    assert "Traceback" in shown
    assert PAN not in shown
    assert "cvv=123" not in shown
