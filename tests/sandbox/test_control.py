"""The control room, the clock and the program."""

import json
import re
import select
import signal
import socket
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import requests

from splynx_ippay_sandbox import control as control_module
from splynx_ippay_sandbox import rooms
from splynx_ippay_sandbox.server import Sandbox


def test_calls_are_counted_by_kind_faulted_ones_included(box, gateway, control):
    gateway.sale("A1")
    control.fault("http_status")
    gateway.post(b"<ippay><TransactionType>SALE</TransactionType></ippay>")
    gateway.post(b"nonsense")
    gateway.session.get(gateway.ready["gateway_url"])
    gateway.report("ach", "2026-01-01T00:00:00", "2026-01-01T01:00:00")
    host = box.ready["host_url"]
    for path in (
        "/api/2.0/admin/finance/invoices/7",
        "/api/2.0/admin/finance/invoices?limit=2",
        "/api/1.0/admin/finance/invoices/8",
        f"/api/2.0/admin/auth/tokens/{'a' * 32}",
        "/portal/login",
    ):
        control.session.get(host + path, timeout=20)
    assert control("GET", "counters") == {
        "gateway": {"SALE": 2, "?": 1, "GET": 1, "report:ach": 1},
        "host": {
            "GET admin/finance/invoices/{id}": 2,
            "GET admin/finance/invoices": 1,
            "GET admin/auth/tokens/{id}": 1,
        },
    }
    assert control("DELETE", "counters") == {"gateway": {}, "host": {}}


def test_both_servers_have_the_same_control_room(gateway, control):
    gateway.sale("A1")
    ledgers = [control("GET", "ledger", through=name) for name in ("host", "gateway")]
    assert ledgers[0] == ledgers[1]
    assert set(ledgers[0]) == {"gateway", "host"}


def test_the_door_of_the_control_room_leads_to_every_room(box):
    base = box.ready["host_url"] + "/_sandbox/"
    page = requests.get(base, timeout=30).text
    for name in rooms.LOOK:
        assert f'href="{name}"' in page
        assert requests.get(base + name, timeout=30).ok, name
    source = Path(control_module.__file__).read_text()
    assert set(re.findall(r'@control\.get\("/(\w+)"', source)) <= rooms.LOOK.keys()
    for name in rooms.DO:
        assert requests.post(base + name, json={}, timeout=30).status_code not in {404, 405}, name


def test_a_reset_forgets_everything_but_the_addresses(gateway, control):
    gateway.sale("A1")
    control.fault("html")
    control.jump(days=3)
    control("POST", "gateway", {"enq": False})
    control("POST", "reset", {"seed": "small"})
    assert control.deals() == []
    assert control("GET", "faults")["faults"] == []
    assert control("GET", "clock")["offset_seconds"] == 0
    assert control("GET", "capture")["bodies"] == []
    assert control("GET", "gateway")["enq"] is True
    assert control("POST", "reset", {"seed": "nonsense"}, status=422)["error"]


def test_the_clock_jumps_and_is_told(control):
    before = datetime.fromisoformat(control("GET", "clock")["now"])
    after = datetime.fromisoformat(control.jump(days=5)["now"])
    assert timedelta(days=5) <= after - before < timedelta(days=5, minutes=1)
    assert control.jump(seconds=60)["offset_seconds"] == 5 * 86400 + 60
    assert after.utcoffset() == timedelta()


@pytest.mark.parametrize("wish", [{"weeks": 1}, {"days": "5"}, {"days": None}])
def test_a_jump_of_nonsense_is_refused(control, wish):
    assert control("POST", "clock", wish, status=422)["error"]
    assert control("POST", "clock", status=422)["error"]


def test_the_clock_is_mirrored_to_a_file_and_taken_up_again(tmp_path):
    clock_file = tmp_path / "clock"
    with Sandbox(state_dir=tmp_path / "state", clock_file=clock_file) as box:
        assert clock_file.read_text() == "0\n"
        box.world.clock.jump(days=2)
        assert clock_file.read_text() == "172800\n"
    with Sandbox(state_dir=tmp_path / "state", clock_file=clock_file) as box:
        assert box.world.clock.offset_seconds == 172800
        box.world.reset("small")
        assert clock_file.read_text() == "0\n"


def test_a_card_sale_settles_the_next_day(gateway, control):
    gateway.sale("A1")
    assert control.deals()[0]["state"] == "booked"
    control.jump(days=1)
    [row] = control.deals()
    assert row["state"] == "settled"
    assert row["settled_at"].endswith(("T05:00:00+00:00", "T06:00:00+00:00"))


def test_a_temporary_state_folder_is_removed_and_a_given_one_is_kept(tmp_path):
    with Sandbox() as box:
        own = box.state_dir
        assert own.is_dir()
    assert not own.exists()
    with Sandbox(state_dir=tmp_path / "kept"):
        pass
    assert (tmp_path / "kept").is_dir()


def test_the_program_prints_one_ready_line_and_ends_on_sigterm(tmp_path):
    command = [
        sys.executable,
        "-m",
        "splynx_ippay_sandbox",
        "--tls",
        "--state",
        str(tmp_path),
        "--clock-file",
        str(tmp_path / "clock"),
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert select.select([process.stdout], [], [], 60)[0], "it is ready within a minute"
        ready = json.loads(process.stdout.readline())
        assert {
            "host_url",
            "api_url",
            "api_key",
            "api_secret",
            "gateway_url",
            "report_url",
            "terminal_id",
            "report_login",
            "report_password",
            "customers",
            "staff",
            "ca_file",
            "addon_cli",
            "addon_dir",
            "state_dir",
            "pid",
        } <= set(ready)
        assert ready["pid"] == process.pid
        assert ready["gateway_url"].startswith("https://127.0.0.1:")
        assert ready["terminal_id"] == "TESTTERMINAL"
        assert Path(ready["ca_file"]).exists()
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=30)
        assert (process.returncode, out, err) == (0, "", "")
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def test_a_taken_port_is_told_with_status_2():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "-m", "splynx_ippay_sandbox", "--gateway-port", port],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 2
    assert "cannot listen" in done.stderr
    assert done.stdout == ""
