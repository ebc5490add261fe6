"""Logging. Owns the format and the last line of defence: what looks like a card or account number is struck out.

Nothing in the add-on logs card data on purpose; the filter is for what a library or a provider's text might carry.
"""

from __future__ import annotations

import fcntl
import logging
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

_log = logging.getLogger(__name__)

_MOST_BYTES, _KEEP = 5_000_000, 5
_READ_BYTES = 1_000_000
_FILE_MODE = 0o640
_BEGINNING = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)[,.]\d{3} ([A-Z]+) (\S+) (.*)")

# Nine digits and more, also with spaces or dashes between: account, routing and card numbers. Our own ids hold
# letters; a date with a time after it is left alone. Thirteen in a row are struck whatever stands beside them.
_DIGITS = re.compile(r"(?<![A-Za-z0-9])(?!\d{4}-\d\d-\d\d[ T]\d\d:)(?:\d[ -]?){8,}\d(?![A-Za-z0-9])|\d{13,}")
_SECRETS = re.compile(
    r"(?i)(sash|access_token|refresh_token|secret|password|signature|cvv2?|phpsessid|authorization)([\"']?\s*[=:>]\s*[\"']?)[^\s&;,)\"'<]+")


def redact(text: str) -> str:
    """The text without digit runs of nine and more (their last four stay) and without values of secret names."""
    text = _SECRETS.sub(r"\1\2***", text)
    return _DIGITS.sub(lambda match: "***" + re.sub(r"\D", "", match.group())[-4:], text)


class RedactingFormatter(logging.Formatter):
    """Formats a record, its exception included, and redacts the whole."""

    def format(self, record: logging.LogRecord) -> str:
        """One line (and a traceback, where there is one), redacted."""
        return redact(super().format(record))


class SharedFile(logging.Handler):
    """Appends to one file that web and worker share; at the size limit the file steps aside (file.1, file.2, …).

    Opened for every record under a lock between processes, so that nobody writes into a file that stepped aside.
    """

    def __init__(self, path: Path, *, most_bytes: int = _MOST_BYTES, keep: int = _KEEP) -> None:
        """Raises OSError where the file cannot be written."""
        super().__init__()
        self.path, self._most, self._keep = path, most_bytes, keep
        self._append("")

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        try:
            self._append(self.format(record) + "\n")
        except Exception:  # noqa: BLE001 - logging's own way: a full disk must not stop a payment
            self.handleError(record)

    def _append(self, text: str) -> None:
        with self.path.with_name(self.path.name + ".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if self.path.exists() and self.path.stat().st_size + len(text) > self._most:
                for number in range(self._keep, 0, -1):
                    older = self._aside(number - 1)
                    if older.exists():
                        older.replace(self._aside(number))
            opened = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, _FILE_MODE)
            try:
                os.write(opened, text.encode("utf-8", "replace"))
            finally:
                os.close(opened)

    def _aside(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}") if number else self.path


@dataclass(frozen=True, slots=True)
class Record:
    """One record read back, redacted once more. ``level`` is empty for what is not in our format."""

    at: str
    level: str
    logger: str
    text: str


def read_back(path: Path, *, least: str = "DEBUG", text: str = "", most: int = 200) -> list[Record]:
    """The newest records of the file (and of the one before it), newest first. Raises OSError when it cannot be read."""
    tail = _tail(path)
    older = path.with_name(path.name + ".1")
    if len(tail) < _READ_BYTES and older.exists():
        tail = _tail(older) + tail
    wanted, found = logging.getLevelNamesMapping()[least], []
    for record in reversed(_records(tail)):
        level = logging.getLevelNamesMapping().get(record.level, logging.INFO)
        if level >= wanted and text.casefold() in f"{record.at} {record.level} {record.logger} {record.text}".casefold():
            found.append(record)
        if len(found) == most:
            break
    return found


def _tail(path: Path) -> str:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _READ_BYTES))
        read = file.read(_READ_BYTES)
    return read.partition(b"\n")[2].decode("utf-8", "replace") if size > _READ_BYTES else read.decode("utf-8", "replace")


def _records(text: str) -> list[Record]:
    """Lines that do not begin a record (a traceback) belong to the one before."""
    found: list[list[str]] = []
    for line in redact(text).splitlines():
        if (begins := _BEGINNING.match(line)) is not None:
            found.append([*begins.groups()])
        elif found:
            found[-1][3] += "\n" + line
        elif line.strip():
            found.append(["", "", "", line])
    return [Record(*parts) for parts in found]


def configure(level: str = "INFO", file: str = "") -> None:
    """Log to standard error, where systemd and the demo look, and to a file where one is named."""
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    problem = ""
    if file:
        try:
            handlers.append(SharedFile(Path(file)))
        except OSError as error:
            problem = type(error).__name__
    for handler in handlers:
        handler.setFormatter(RedactingFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=level, handlers=handlers, force=True)
    logging.getLogger("urllib3").setLevel(logging.WARNING)  # it logs URLs
    if problem:
        _log.warning("log_file %s cannot be written (%s); there is no log in the admin", file, problem)
