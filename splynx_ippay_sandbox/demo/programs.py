"""The programs of the demo: the sandbox and the product's own commands, each with its log. Owns starting and ending.

The product is used as an administrator uses it, by its commands and its ini file; nothing of it is imported.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, Any

import requests

SECONDS_TO_START = 60.0
SECONDS_TO_END = 10.0


class ProgramError(AssertionError):
    """A program did not start, or ended with an error; the text holds the end of its output."""


class Programs:
    """Everything that runs during the demo, in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ini = folder / "splynx-ippay.ini"
        _empty(folder, (self.ini.name, "logs", "state"))
        (folder / "logs").mkdir(parents=True)
        self.clock_file = folder / "clock"
        self.environment = os.environ | {
            "SPLYNX_IPPAY_INI": str(self.ini),
            "SPLYNX_IPPAY_CLOCK_FILE": str(self.clock_file),
            "SPLYNX_IPPAY_TICK_SECONDS": "1",
            "PYTHONUNBUFFERED": "1",
        }
        self._running: list[subprocess.Popen[str]] = []

    def start_sandbox(self, *, seed: str = "small") -> dict[str, Any]:
        """Start both neighbours; returns the facts of the ready line."""
        process = self._start("sandbox", "splynx-ippay-sandbox", "--seed", seed, "--state", str(self.folder / "state"),
                              "--clock-file", str(self.clock_file), stdout=subprocess.PIPE)
        assert process.stdout is not None  # noqa: S101 - asked for three lines above
        readable, _, _ = select.select([process.stdout], [], [], SECONDS_TO_START)
        line = process.stdout.readline() if readable else ""
        if not line:
            raise ProgramError(f"the sandbox did not start: {self._end_of_log('sandbox')}")
        return dict(json.loads(line))

    def write_ini(self, facts: dict[str, Any]) -> str:
        """Write the machine's settings of the product; returns the address it will listen on."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            listen = f"127.0.0.1:{probe.getsockname()[1]}"
        lines = {
            "database_url": f"sqlite:///{self.folder / 'splynx-ippay.sqlite3'}",
            "key_file": self.folder / "keys", "spool_dir": self.folder / "spool", "listen": listen,
            "addon_dir": facts["addon_dir"], "addon_cli": facts["addon_cli"],
            "gateway_url": facts["gateway_url"], "report_url": facts["report_url"], "ca_file": facts["ca_file"] or "",
            "routing_directory": facts["routing_directory"], "log_file": self.folder / "logs" / "splynx-ippay.log",
        }
        self.ini.write_text("[splynx-ippay]\n" + "".join(f"{key} = {value}\n" for key, value in lines.items()),
                            encoding="utf-8")
        return f"http://{listen}"

    def run(self, *arguments: str) -> str:
        """Run ``splynx-ippay`` once and return what it printed; ProgramError when its status is not 0."""
        done = subprocess.run([_program("splynx-ippay"), *arguments], env=self.environment,  # noqa: S603 - our own
                              capture_output=True, text=True, timeout=120, check=False)
        if done.returncode != 0:
            raise ProgramError(f"splynx-ippay {' '.join(arguments)} ended with {done.returncode}: "
                               f"{(done.stdout + done.stderr)[-1500:]}")
        return done.stdout

    def serve(self, address: str) -> None:
        """Start the product's web program and wait until it says that it is well."""
        process = self._start("serve", "splynx-ippay", "serve")
        ends = time.monotonic() + SECONDS_TO_START
        while time.monotonic() < ends and process.poll() is None:
            try:
                if requests.get(f"{address}/ippay/healthz", timeout=5).ok:
                    return
            except requests.RequestException:
                pass
            time.sleep(0.1)
        raise ProgramError(f"splynx-ippay serve is not well: {self._end_of_log('serve')}")

    def work(self) -> None:
        """Start the product's worker."""
        self._start("worker", "splynx-ippay", "worker")

    def check_alive(self) -> None:
        """Raise ProgramError when one of the programs has ended by itself."""
        for process in self._running:
            if process.poll() is not None:
                name = str(process.args[-1]) if isinstance(process.args, list) else "a program"
                raise ProgramError(f"{name} ended with {process.returncode}; its log is in {self.folder / 'logs'}")

    def end(self) -> None:
        """End every program, the last started first."""
        for process in reversed(self._running):
            process.terminate()
            try:
                process.wait(SECONDS_TO_END)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()
        self._running.clear()

    def _start(self, name: str, program: str, *arguments: str, stdout: int | IO[str] | None = None) -> subprocess.Popen[str]:
        with (self.folder / "logs" / f"{name}.log").open("w", encoding="utf-8") as log:
            process = subprocess.Popen([_program(program), *arguments], env=self.environment, text=True,  # noqa: S603
                                       stdout=log if stdout is None else stdout, stderr=log)
        self._running.append(process)
        return process

    def _end_of_log(self, name: str) -> str:
        text = (self.folder / "logs" / f"{name}.log").read_text(encoding="utf-8", errors="replace")
        return text[-1500:] or "its log is empty"


def _empty(folder: Path, known: tuple[str, ...]) -> None:
    """Remove what an earlier demo left; ProgramError for a folder that is somebody else's."""
    if not folder.exists():
        return
    if any(folder.iterdir()) and not any((folder / name).exists() for name in known):
        raise ProgramError(f"{folder} holds something that no demo has made; name another folder")
    shutil.rmtree(folder)


def _program(name: str) -> str:
    """Where an installed command is: beside the interpreter, else on the PATH."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise ProgramError(f"the command {name} is not installed; run: make setup")
    return found
