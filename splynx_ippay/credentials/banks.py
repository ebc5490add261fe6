"""Names of banks by routing number, from the Federal Reserve's FedACH directory where the installer put one.

Owns reading both forms of the file: records of 155 characters, and JSON ("fedACHParticipants"). The file is read when a
name is first asked for, and again after it changed. A name is comfort: a missing or broken file never stops a payer.
Source: FedACH directory file format, positions 1-9 routing number, 36-71 customer name.
"""

from __future__ import annotations

import json
import logging
import re
import threading
from array import array
from bisect import bisect_left
from pathlib import Path
from typing import TYPE_CHECKING, Any

from splynx_ippay.base.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

log = logging.getLogger(__name__)

# The real file has some 20,000 records: 3 MB as records, 8 MB as JSON.
MAX_BYTES = 32 * 1024 * 1024
_RECORD = re.compile(r"(?P<routing>\d{9})[OB ].{25}(?P<name>.{36}).{79,84}", re.ASCII)
_ROUTING = re.compile(r"\d{9}", re.ASCII)
_KEY = "fedACHParticipants"
# The directory shouts. Names people know otherwise than first letter large; two letters without a vowel stay large anyway.
_AS_KNOWN = {word.upper(): word for word in (
    "NA", "N.A.", "FCU", "CU", "FSB", "USA", "US", "U.S.", "USAA", "BMO", "UMB", "ESSA", "JPMorgan", "of", "the", "and", "for")}
_VOWEL = re.compile(r"[AEIOUY]")
_WORD = re.compile(r"[^\s,()/&-]+")


class RoutingDirectory:
    """The file at a path; "" is none. Safe to share between threads."""

    def __init__(self, path: str) -> None:
        """Nothing is read yet."""
        self._path = Path(path) if path else None
        self._stamp: tuple[int, int, int] | None = None
        self._lock = threading.Lock()
        self._numbers, self._places, self._names = array("I"), array("I"), list[str]()

    def find_name(self, routing: str) -> str | None:
        """The bank's name, "" where the directory does not list the number, None where there is no directory to ask."""
        if self._path is None:
            return None
        with self._lock:
            try:
                self._refresh(self._path)
            except ConfigError as error:
                log.warning("%s", error)
            if not self._numbers:
                return None
            wanted = int(routing) if _ROUTING.fullmatch(routing) else -1
            place = bisect_left(self._numbers, wanted) if wanted >= 0 else len(self._numbers)
            is_listed = place < len(self._numbers) and self._numbers[place] == wanted
            return self._names[self._places[place]] if is_listed else ""

    def examine(self) -> None:
        """Read the file now. Raises ConfigError saying what is wrong with it."""
        if self._path is not None:
            _read(self._path)

    def _refresh(self, path: Path) -> None:
        """Read the file if it is another than the last one looked at, broken ones included. Raises ConfigError."""
        try:
            stat = path.stat()
            stamp = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        except OSError:
            stamp = (0, 0, 0)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        self._numbers, self._places, self._names = array("I"), array("I"), []
        found = _read(path)
        places = {name: place for place, name in enumerate(sorted(set(found.values())))}
        self._numbers = array("I", sorted(found))
        self._places = array("I", (places[found[number]] for number in self._numbers))
        self._names = list(places)


def _read(path: Path) -> dict[int, str]:
    """Routing number → name. Raises ConfigError."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigError(f"the routing directory {path} is larger than {MAX_BYTES // 1024 // 1024} MB")
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the routing directory {path} cannot be read ({type(error).__name__})") from None
    rows = _of_json(path, text) if text.lstrip().startswith(("{", "[")) else _of_records(path, text)
    found = {int(routing): name for routing, name in rows}
    if not found:
        raise ConfigError(f"the routing directory {path} lists no bank")
    return found


def _of_records(path: Path, text: str) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        record = _RECORD.fullmatch(line)
        if record is None or not record["name"].strip():
            raise ConfigError(f"line {number} of the routing directory {path} is no record of 155 characters with a routing "
                              "number and a name")
        yield record["routing"], tidy(record["name"])


def _of_json(path: Path, text: str) -> Iterator[tuple[str, str]]:
    try:
        rows: Any = json.loads(text)
    except (ValueError, RecursionError):
        raise ConfigError(f"the routing directory {path} is no JSON") from None
    while isinstance(rows, dict):  # the list stands in an object of the same name, beside the answer's code
        rows = rows.get(_KEY)
    for number, row in enumerate(_rows(path, rows), 1):
        routing, name = (str(row.get(key, "")).strip() for key in ("routingNumber", "customerName"))
        if not _ROUTING.fullmatch(routing) or not name:
            raise ConfigError(f"entry {number} of the routing directory {path} has no routing number or no name")
        yield routing, tidy(name)


def _rows(path: Path, rows: Any) -> Iterable[dict[str, Any]]:
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ConfigError(f"the routing directory {path} holds no list {_KEY}")
    return rows


def tidy(name: str) -> str:
    """A name as people write it: "FIRST BANK OF THE WEST, NA" → "First Bank of the West, NA"."""
    words = " ".join(name.split())
    shown = _WORD.sub(_tidy_word, words) if words == words.upper() else words
    return shown[:1].upper() + shown[1:]


def _tidy_word(found: re.Match[str]) -> str:
    word = found[0]
    if word in _AS_KNOWN:
        return _AS_KNOWN[word]
    return word if len(word) <= 4 and not _VOWEL.search(word) else word.capitalize()  # noqa: PLR2004 - PNC, HSBC, TD
