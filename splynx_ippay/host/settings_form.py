r"""The host's settings form of this add-on (``config/config.json``), made from the table in base/settings.py.

Owns the host's format (docs/WIRE.md: blocks of items keyed by name; ``per_partner_options`` is the block the host
stores per partner). Must hold no setting of its own. No item is of type ``encrypted``: how the host encrypts is not
public, and a value we cannot read is of no use.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from splynx_ippay.base.settings import BLOCKS, MODULE, SETTINGS

if TYPE_CHECKING:
    from pathlib import Path

    from splynx_ippay.base.settings import Setting

PARTNER_BLOCK = "per_partner_options"
# The card "Pay Setting" of the screens; Terminal ID is in it.
_SHOWN_WITH_PARTNERS = "pay_settings"
# The class of the host that fills the select (PaymentMethod seen in an add-on of the host, PaymentAccount by analogy).
_RELATION = "splynx\\helpers\\relationHelpers\\{}"
_FILE_MODE = 0o644


def build() -> dict[str, Any]:
    """The form as the host reads it; everything that may differ by partner stands in the one block made for that."""
    blocks: dict[str, Any] = {}
    for block, title in BLOCKS.items():
        is_partners = block == _SHOWN_WITH_PARTNERS
        items = {s.key: _item(s) for s in SETTINGS if (s.block == block and not s.per_partner) or (s.per_partner and is_partners)}
        if items:
            blocks[PARTNER_BLOCK if is_partners else block] = {"title": title, "items": items}
    return {"path": MODULE, "translate": True, "blocks": blocks}


def write(addon_dir: Path) -> bool:
    """Write ``<addon_dir>/config/config.json`` and tell whether that changed anything. Raises OSError."""
    target = addon_dir / "config" / "config.json"
    content = json.dumps(build(), ensure_ascii=False, indent=2) + "\n"
    if target.is_file() and target.read_text(encoding="utf-8") == content:
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    # Renamed into place: the host never reads half a form.
    draft = target.with_suffix(".json.new")
    draft.write_text(content, encoding="utf-8")
    draft.chmod(_FILE_MODE)
    draft.replace(target)
    return True


def _item(setting: Setting) -> dict[str, Any]:
    item: dict[str, Any] = {"title": setting.title, "description": setting.description, "default": setting.default}
    if setting.relation:
        return item | {"type": "select", "relation": _RELATION.format(setting.relation)}
    if setting.choices:
        return item | {"type": "select", "values": dict(setting.choices)}
    return item | {"type": "string" if setting.kind == "days" else setting.kind}
