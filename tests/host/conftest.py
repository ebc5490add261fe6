"""A deployment in a folder of its own, and a host's program whose answers a test chooses."""

import json
import os
import stat
import sys

import pytest

from splynx_ippay.base.settings import Deployment

# The host's program, told by a file what to refuse; it notes every call and keeps settings as the host does.
PROGRAM = """#!{python} -IS
import json, pathlib, sys
folder = pathlib.Path({folder!r})
words = sys.argv[1:]
with (folder / "calls.jsonl").open("a") as calls:
    calls.write(json.dumps(words) + "\\n")
answers = json.loads((folder / "answers.json").read_text())
command, options = words[0], dict(word[2:].split("=", 1) for word in words[1:])
if command in answers.get("refuse", []):
    print("Unknown command", file=sys.stderr)
    sys.exit(1)
if command == "config-set":
    path = folder / "addon" / "config" / "config.ini.php"
    lines = path.read_text().splitlines() if path.exists() else ["; <?php exit(); ?>", "[common]"]
    lines.append(options["key"] + ' = "' + options["value"] + '"')
    path.write_text("\\n".join(lines) + "\\n")
print(answers.get(command, "7"))
"""


class FakeProgram:
    """The program and what it was asked."""

    def __init__(self, folder):
        self.folder, self.path = folder, folder / "addon-program"
        self.path.write_text(PROGRAM.format(python=sys.executable, folder=str(folder)))
        self.path.chmod(self.path.stat().st_mode | stat.S_IXUSR)
        self.answer()

    def answer(self, refuse=(), **answers):
        """What to print for a command (underscores for dashes), and what to refuse."""
        given = {"get-api-key-and-secret": "the-key,the-secret-nobody-may-see"}
        given |= {name.replace("_", "-"): text for name, text in answers.items()} | {"refuse": list(refuse)}
        (self.folder / "answers.json").write_text(json.dumps(given))

    def calls(self, command=""):
        """The words of every call, of one command if named."""
        path = self.folder / "calls.jsonl"
        lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        return [words for words in lines if not command or words[0] == command]


@pytest.fixture
def fake_program(tmp_path):
    return FakeProgram(tmp_path)


@pytest.fixture
def lone_deployment(tmp_path):
    """No Splynx, no program, nothing made yet."""
    return Deployment(database_url=f"sqlite:///{tmp_path}/addon.sqlite3", key_file=tmp_path / "keys",
                      spool_dir=tmp_path / "spool", addon_dir=tmp_path / "addon", addon_cli=tmp_path / "addon-program",
                      ini_file=tmp_path / "splynx-ippay.ini")


@pytest.fixture
def fresh_deployment(fresh_sandbox, tmp_path):
    """A sandbox of this test alone in which nothing is registered."""
    facts = fresh_sandbox.facts
    (tmp_path / "spool").mkdir()
    return Deployment(database_url=f"sqlite:///{tmp_path}/addon.sqlite3", key_file=tmp_path / "keys",
                      spool_dir=tmp_path / "spool", addon_dir=os_path(facts["addon_dir"]),
                      addon_cli=os_path(facts["addon_cli"]), gateway_url=facts["gateway_url"],
                      report_url=facts["report_url"], ini_file=tmp_path / "splynx-ippay.ini")


def os_path(text):
    from pathlib import Path

    return Path(os.fspath(text))
