"""The one clock. Owns what "now" is; nothing else in the add-on asks the machine.

For tests and the demo the clock can follow a file that holds a number of seconds to add, so that the sandbox, the
web process and the worker jump together. The file is named in the environment (``SPLYNX_IPPAY_CLOCK_FILE``), never
in a setting; with the production gateway a moved clock is refused by ``payments``.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

CLOCK_FILE_VARIABLE = "SPLYNX_IPPAY_CLOCK_FILE"


def offset() -> timedelta:
    """How far the clock is moved; zero unless the environment names a clock file."""
    name = os.environ.get(CLOCK_FILE_VARIABLE)
    if not name:
        return timedelta()
    try:
        return timedelta(seconds=int(Path(name).read_text(encoding="ascii").strip() or "0"))
    except FileNotFoundError:
        return timedelta()


def now() -> datetime:
    """The time in UTC, aware."""
    return datetime.now(UTC) + offset()


def is_moved() -> bool:
    """Whether a clock file moves the time: true only in tests and demos."""
    return offset() != timedelta()
