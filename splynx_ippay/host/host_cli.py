r"""The host's own command line program ``system/script/addon``: one table of its commands, one way to call it.

A command marked *seen* stands in a public add-on of the host; *assumed* ones follow the same naming and may be wrong
on a given version, so every one of them has words for doing the same by hand. Must never print or log a value.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from splynx_ippay.base.errors import AddOnError

if TYPE_CHECKING:
    from pathlib import Path

SECONDS = 60


class CommandFailed(AddOnError):
    """The host's program did not do it; the text names the command, never a value."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command: where it was learned, and the same done by hand."""

    source: Literal["seen", "assumed"]
    by_hand: str


COMMANDS: dict[str, Command] = {
    "add-or-get-api-key": Command("seen", "Administration → API keys → add a key with the title “{title}”."),
    "get-api-key-and-secret": Command("seen", "Note the key and the secret shown there."),
    "set-api-key-permission": Command("seen", "Allow the key, under Permissions: {controller} {action}."),
    "config-set": Command("seen", "Config → Integrations → Modules list → {addon} → Edit: set {key}."),
    "add-or-get-module": Command("assumed", "Config → Integrations → Install module: name “{name}”, title “{title}”, "
                                 "path {path}, type Add-on, entry points for the portal Enabled."),
    "add-or-get-entry-point": Command("assumed", "Config → Integrations → Modules list → {module} → Entry points → +: "
                                      "name {name}, title “{title}”, place {place}, type {type}, root {root}, "
                                      "model {model}, icon {icon}, size {size}, add-on URL {url}, Enabled."),
    "add-or-get-additional-field": Command("seen", "Config → System → Additional fields → {main_module} → +: name {name}, "
                                           "title “{title}”, type {type}."),
    "add-or-get-payment-account": Command("assumed", "Config → Finance → Payment accounts → +: title “{title}”, with "
                                          "the fields {fields}."),
    "add-or-get-payment-method": Command("assumed", "Config → Finance → Payment methods → add “{name}”."),
    "list-entry-points": Command("assumed", "Config → Integrations → Modules list → {module} → Entry points: all of "
                                 "them are listed and switched on."),
    "delete-entry-point": Command("assumed", "Config → Integrations → Modules list → {module} → Entry points: delete "
                                  "{name}."),
    "delete-module": Command("assumed", "Config → Integrations → Modules list: delete {name}."),
    "delete-api-key": Command("assumed", "Administration → API keys: delete the key with the title “{title}”."),
}


class HostCli:
    """Calls the host's program; each call is a process of its own, without a shell."""

    def __init__(self, program: Path) -> None:
        """``program`` need not exist: ask ``is_there`` first."""
        self._program = program

    def is_there(self) -> bool:
        """Whether the program can be run by us."""
        return self._program.is_file() and os.access(self._program, os.X_OK)

    def run(self, command: str, **options: str) -> str:
        """Run one command of the table and return what it printed. Raises CommandFailed."""
        if command not in COMMANDS:
            raise KeyError(command)
        arguments = [f"--{name}={value}" for name, value in options.items()]
        try:
            done = subprocess.run([str(self._program), command, *arguments],  # noqa: S603 - no shell, our own table
                                  capture_output=True, text=True, timeout=SECONDS, check=False, stdin=subprocess.DEVNULL)
        except subprocess.TimeoutExpired:
            raise CommandFailed(f"Splynx's program did not end {command} within {SECONDS} seconds") from None
        except (OSError, UnicodeDecodeError) as error:
            raise CommandFailed(f"Splynx's program could not run {command} ({type(error).__name__})") from None
        if done.returncode != 0:
            raise CommandFailed(f"Splynx's program refused {command} (exit status {done.returncode})")
        return done.stdout.strip()

    def number(self, command: str, **options: str) -> int:
        """Run a command that prints an id. Raises CommandFailed for anything but a number above zero."""
        text = self.run(command, **options)
        if not (text.isascii() and text.isdigit() and int(text) > 0):
            raise CommandFailed(f"Splynx's program answered {command} without an id")
        return int(text)
