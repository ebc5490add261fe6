"""Who may import whom is written once, in .importlinter."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def lint_imports():
    program = Path(sys.executable).with_name("lint-imports")
    environment = {key: value for key, value in os.environ.items() if not key.startswith("COVERAGE")}
    return subprocess.run([program, "--no-cache", "--config", ROOT / ".importlinter"], cwd=ROOT, env=environment,
                          capture_output=True, text=True, timeout=120, check=False)


def test_imports_go_down_only_and_the_sandbox_stands_apart():
    done = lint_imports()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def test_a_worker_imports_no_web_framework():
    """Measured, not read: the modules that are really loaded."""
    code = ("import sys; import splynx_ippay.payments.charge, splynx_ippay.payments.reconcile, splynx_ippay.runs.work, "
            "splynx_ippay.links; print(sorted({m.partition('.')[0] for m in sys.modules} & {'flask', 'werkzeug', 'wtforms'}))")
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
