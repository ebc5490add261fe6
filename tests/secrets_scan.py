"""Looks for card numbers, security codes and account numbers where none may be: files, tables, texts.

``Secrets.find(text)`` names what it found. Numbers are looked for with and without separators. A security code has three
digits, so it is looked for by its name, and by itself only where a whole value of a table or of a JSON text is the code.
Used by tests/flows/test_secrets.py on one deployment, and at the end of a test run on everything the run has written.
"""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

# The test material of the networks, of the gateway and of ours: none of them may be kept by the product.
CARDS = ("4111111111111111", "4000300020001000", "4111111111111112", "5555555555554444", "378242246310005", "378282246310005",
         "6011111111111117", "4012888888881881", "4222222222222")
ACCOUNTS = ("12345678901234567", "88877766655544", "98765432109876", "12345678", "98765432")
_DIGITS = re.compile(r"[0-9](?:[ -]?[0-9]){7,}")
_NAMED_CODE = re.compile(r"(?i)(cvv2?|cvc2?|cid|cav2|security.?code)[\"'\s>:=\]\[]{1,6}([0-9]{3,4})\b")
_WIDE = re.compile(rb"(?:[0-9]\0){8,}")
_BIG = 64 * 1024 * 1024


class Secrets:
    """What to look for. ``codes`` are security codes chosen so that no other number is likely to be one."""

    def __init__(self, cards=CARDS, accounts=ACCOUNTS, codes=()):
        self.numbers = tuple(cards) + tuple(accounts)
        self.codes = tuple(codes)

    def find(self, text):
        """The numbers in a text or in bytes, and codes that are named as such."""
        words = text.decode("latin-1") if isinstance(text, bytes) else text
        runs = {re.sub(r"\D", "", match[0]) for match in _DIGITS.finditer(words)}
        found = [number for number in self.numbers if any(number in run for run in runs)]
        return found + [f"{match[1]} {match[2]}" for match in _NAMED_CODE.finditer(words)
                        if match[2] in self.codes or not self.codes]

    def find_in_file(self, path):
        """The same of a file's bytes, in UTF-8 and in UTF-16 as some programs keep texts."""
        content = Path(path).read_bytes()[:_BIG]
        wide = b" ".join(run.replace(b"\0", b"") for run in _WIDE.findall(content))
        return sorted({*self.find(content), *self.find(wide)})

    def find_in_tables(self, path):
        """Rows of a SQLite file whose value is a code, or holds a number; (table, column, what)."""
        found = []
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            for table in tables:
                rows = database.execute(f'SELECT * FROM "{table}"')
                columns = [column[0] for column in rows.description]
                for row in rows:
                    for column, value in zip(columns, row, strict=True):
                        text = value if isinstance(value, str) else ""
                        whole = text in self.codes or any(re.search(rf'[:\[,]\s*"?{code}"?\s*[,}}\]]', text) for code in self.codes)
                        found += [(table, column, what) for what in self.find(text)]
                        found += [(table, column, "a security code")] if whole else []
        return found


def files_below(folder):
    """Every ordinary file under a folder."""
    return [path for path in Path(folder).rglob("*") if path.is_file() and not path.is_symlink()]


def pytest_sessionfinish(session, exitstatus):
    """After the whole run: nothing that the programs under test wrote holds a card or account number."""
    base = getattr(session.config, "_tmp_path_factory", None)
    if base is None or getattr(base, "_basetemp", None) is None:
        return
    secrets = Secrets()
    written = [path for path in files_below(base.getbasetemp()) if _is_ours(path)]
    bad = {str(path): found for path in written if (found := secrets.find_in_file(path))}
    if bad:
        tell = session.config.get_terminal_writer().line
        for path, found in sorted(bad.items()):
            tell(f"\nA SECRET WAS WRITTEN to {path}: {', '.join(what[-4:].rjust(len(what), '*') for what in found)}", red=True)
        session.exitstatus = 1


def _is_ours(path):
    """Databases with their journals, spools, logs, mails: what the product and the sandbox write, not what tests prepare."""
    return path.suffix in {".sqlite3", ".log", ".json", ".eml", ".part"} or path.name.endswith(("-wal", "-shm")) or "spool" in path.parts
