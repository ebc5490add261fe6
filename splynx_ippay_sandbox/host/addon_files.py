"""The files of an add-on's folder: ``config/config.json`` (what the settings form asks) and ``config/config.ini.php``.

Values are kept as the host's documentation shows: a first line that stops PHP, then INI sections ``[common]``,
``[default_partners_settings]`` and one per partner id. What the form does not know stays in the file.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

COMMON = "common"
DEFAULT_PARTNER = "default_partners_settings"
ENCRYPTED_MARK = "encrypted:"
_PARTNER_BLOCKS = ("per_partner_options", "partners_settings", DEFAULT_PARTNER)
_LINE = re.compile(r'([\w.\-\[\]]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|(.*))\Z')
_HEAD = "; <?php exit(); ?>\n; Settings of the add-on, written by Splynx. Change them in Config / Integrations / Modules list.\n"

Sections = dict[str, dict[str, str]]


@dataclass(frozen=True, slots=True)
class Item:
    """One setting of the form."""

    key: str
    title: str
    description: str
    type: str
    default: str
    values: dict[str, str]
    relation: str
    hidden: bool
    per_partner: bool


@dataclass(frozen=True, slots=True)
class Block:
    """One card of the form."""

    name: str
    title: str
    items: tuple[Item, ...]

    @property
    def has_partners(self) -> bool:
        """Tell whether any setting of the card differs by partner."""
        return any(item.per_partner for item in self.items)


def read_blocks(folder: Path) -> tuple[Block, ...]:
    """Return the cards declared in ``config/config.json``; none if there is no such file. Raises ValueError."""
    path = folder / "config" / "config.json"
    if not path.is_file():
        return ()
    declared = json.loads(path.read_text(encoding="utf-8"))
    return tuple(
        Block(name, str(block.get("title", name)), tuple(_item(name, key, raw, block) for key, raw in _items(block)))
        for name, block in declared.get("blocks", {}).items()
    )


def _items(block: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    items = block.get("items", {})
    if isinstance(items, list):
        return [(str(item.get("name", item.get("key"))), item) for item in items]
    return list(items.items())


def _item(block_name: str, key: str, raw: dict[str, Any], block: dict[str, Any]) -> Item:
    values = raw.get("values", {})
    pairs = values.items() if isinstance(values, dict) else ((value, value) for value in values)
    default = raw.get("default", "")
    return Item(
        key=key, title=str(raw.get("title", key)), description=str(raw.get("description", "")), type=str(raw.get("type", "string")),
        default={True: "1", False: "0"}.get(default, str(default)) if isinstance(default, bool) else str(default),
        values={str(value): str(title) for value, title in pairs}, relation=str(raw.get("relation", "")).rsplit("\\", 1)[-1],
        hidden=bool(raw.get("hidden")),
        per_partner=block_name in _PARTNER_BLOCKS or bool(block.get("per_partner")) or bool(raw.get("per_partner")),
    )


def read_values(folder: Path) -> Sections:
    """Return the kept values by section."""
    path = folder / "config" / "config.ini.php"
    sections: Sections = {}
    if not path.is_file():
        return sections
    current: dict[str, str] = {}
    for raw in path.read_text(encoding="utf-8").splitlines():
        line = raw.strip()
        if line.startswith("[") and line.endswith("]"):
            current = sections.setdefault(line[1:-1], {})
            continue
        match = None if line.startswith(";") else _LINE.match(line)
        if match:
            current[match[1]] = re.sub(r"\\(.)", r"\1", match[2]) if match[2] is not None else match[3].strip()
    return sections


def write_values(folder: Path, sections: Sections) -> None:
    """Write the values, whole file or nothing."""
    path = folder / "config" / "config.ini.php"
    path.parent.mkdir(parents=True, exist_ok=True)
    order = sorted(sections, key=lambda name: (name != COMMON, name != DEFAULT_PARTNER, name.zfill(9)))
    text = _HEAD
    for name in order:
        text += f"\n[{name}]\n" + "".join(f"{key} = {_quoted(value)}\n" for key, value in sections[name].items())
    fresh = path.with_name(f".config.{secrets.token_hex(4)}")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)


def set_value(folder: Path, key: str, value: str, partner: str = "") -> None:
    """Write one setting into the section it belongs to; ``partner`` is an id, or empty for the default."""
    item = find_item(folder, key)
    section = partner or (DEFAULT_PARTNER if item is not None and item.per_partner else COMMON)
    sections = read_values(folder)
    sections.setdefault(section, {})[key] = value
    write_values(folder, sections)


def find_item(folder: Path, key: str) -> Item | None:
    """Return the declared setting of that key, or None."""
    return next((item for block in read_blocks(folder) for item in block.items if item.key == key), None)


def encrypt(secret: bytes, text: str) -> str:
    """Hide a value of type ``encrypted``; the host's own format is unknown, this one is the sandbox's."""
    salt = secrets.token_bytes(16)
    return ENCRYPTED_MARK + base64.b64encode(salt + _mask(secret, salt, text.encode())).decode()


def decrypt(secret: bytes, hidden: str) -> str:
    """Return the text of a hidden value."""
    raw = base64.b64decode(hidden.removeprefix(ENCRYPTED_MARK))
    return _mask(secret, raw[:16], raw[16:]).decode()


def _mask(secret: bytes, salt: bytes, text: bytes) -> bytes:
    stream = b"".join(hmac.new(secret, salt + bytes([block]), hashlib.sha256).digest() for block in range(len(text) // 32 + 1))
    return bytes(left ^ right for left, right in zip(text, stream, strict=False))


def _quoted(value: str) -> str:
    if re.fullmatch(r"-?\d{1,9}", value, re.ASCII):
        return value
    clean = " ".join(value.splitlines()).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{clean}"'
