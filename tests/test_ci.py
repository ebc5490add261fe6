"""What stands around the tests: a missing program stops the run with the command that installs it."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]


def ask_needs(folder, programs):
    """Run .ci/needs as an ordinary user on a machine that has only these programs."""
    folder.mkdir()
    for name, script in programs.items():
        (folder / name).write_text(f"#!/bin/bash\n{script}\n")
        (folder / name).chmod(0o755)
    return subprocess.run(["/bin/bash", ROOT / ".ci" / "needs"], env={"PATH": str(folder)}, capture_output=True, text=True,
                          timeout=60, check=False)


def test_a_missing_browser_stops_the_run_with_the_command_that_installs_it(tmp_path):
    done = ask_needs(tmp_path / "bin", {"id": "echo 1000", "perl": "exit 1", "php": "true", "unshare": "true"})
    assert done.returncode == 1
    command = next(line for line in done.stderr.splitlines() if "apt-get" in line)
    assert command.strip().startswith("sudo apt-get install --yes --no-install-recommends chromium")
    assert "libbusiness-onlinepayment-ippay-perl" in command
    assert "php-cli" not in command


def test_every_script_stops_at_its_first_error():
    for script in (ROOT / ".ci").iterdir():
        assert "set -euo pipefail" in script.read_text(encoding="utf-8"), script.name
        assert os.access(script, os.X_OK), script.name


def test_the_gate_runs_lint_tests_and_the_demo():
    steps = [line.removeprefix("step ") for line in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
             if line.startswith("step ")]
    assert {"make test", "make lint", "make demo ONCE=1"} <= set(steps)
