"""The form made from a module's ``config/config.json``: what each input shows, and reading what was posted.

Values differing from the default partner are marked; encrypted values are never sent back to the browser.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from splynx_ippay_sandbox.host import addon_files
from splynx_ippay_sandbox.host.addon_files import COMMON, DEFAULT_PARTNER

if TYPE_CHECKING:
    from werkzeug.datastructures import MultiDict

    from splynx_ippay_sandbox.host.addon_files import Block, Item, Sections
    from splynx_ippay_sandbox.host.state import HostState

_PATTERNS = {
    "integer": (r"-?\d+", "must be a whole number"),
    "decimal": (r"-?\d+(\.\d+)?", "must be a number"),
    "numeric": (r"-?\d+(\.\d+)?", "must be a number"),
    "date": (r"\d{4}-\d\d-\d\d", "must be a date (YYYY-MM-DD)"),
    "datetime": (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?", "must be a date and time"),
}


def rows_of(
    state: HostState, block: Block, sections: Sections, partner: str, typed: MultiDict[str, str] | None
) -> list[dict[str, Any]]:
    """Return what the template needs for each visible input of a card."""
    rows = []
    for item in block.items:
        if item.hidden or (partner and not item.per_partner):
            continue
        value, differs = _value(item, sections, partner)
        hidden_value = item.type == "encrypted" and bool(value)
        if typed is not None and item.type != "encrypted":
            value = ",".join(typed.getlist(item.key))
        rows.append({
            "item": item, "value": "" if item.type == "encrypted" else value, "chosen": value.split(","), "differs": differs,
            "hidden_value": hidden_value, "choices": choices(state, item),
        })
    return rows


def choices(state: HostState, item: Item) -> dict[str, str]:
    """Return the options of a select: declared values, or the host's own rows for a relation."""
    relations = {
        "PaymentMethod": state.methods, "PaymentsMethodsSelect": state.methods, "Partner": state.partners,
        "Location": state.locations, "TransactionCategory": state.categories,
    }
    if item.relation in relations:
        return {str(row["id"]): row["name"] for row in relations[item.relation]}
    if item.relation == "PaymentAccount":
        return {str(account_id): kind["title"] for account_id, kind in state.registry.account_kinds.items()}
    return item.values


def read_form(
    state: HostState, blocks: tuple[Block, ...], sections: Sections, form: MultiDict[str, str], partner: str
) -> dict[str, str]:
    """Put the posted values into their sections; return the problems by key, and then change nothing."""
    problems: dict[str, str] = {}
    fresh: list[tuple[str, str, str]] = []
    for item in (item for block in blocks for item in block.items):
        if item.hidden or (partner and not item.per_partner):
            continue
        value = ",".join(form.getlist(item.key)).strip() if item.type != "boolean" else str(int(form.get(item.key) == "1"))
        if item.type == "encrypted" and (not value or item.key not in form):
            continue
        problem = _problem(state, item, value)
        if problem:
            problems[item.key] = f"{item.title} {problem}."
        section = COMMON if not item.per_partner else partner or DEFAULT_PARTNER
        fresh.append((section, item.key, addon_files.encrypt(state.settings_secret, value) if item.type == "encrypted" else value))
    if problems:
        return problems
    for section, key, value in fresh:
        _put(sections, section, key, value)
    return {}


def _put(sections: Sections, section: str, key: str, value: str) -> None:
    """Write a value; a partner's value that equals the default's is not an override."""
    default = sections.get(DEFAULT_PARTNER, {}).get(key, "")
    if section not in (COMMON, DEFAULT_PARTNER) and value in ("", default):
        sections.get(section, {}).pop(key, None)
        if section in sections and not sections[section]:
            del sections[section]
        return
    sections.setdefault(section, {})[key] = value


def _value(item: Item, sections: Sections, partner: str) -> tuple[str, bool]:
    if not item.per_partner:
        return sections.get(COMMON, {}).get(item.key, item.default), False
    default = sections.get(DEFAULT_PARTNER, {}).get(item.key, item.default)
    own = sections.get(partner, {}).get(item.key) if partner else None
    return (default, False) if own is None else (own, own != default)


def _problem(state: HostState, item: Item, value: str) -> str:
    if not value:
        return ""
    if item.type in ("select", "multipleSelect") or item.relation:
        options = choices(state, item)
        return "" if all(part in options for part in value.split(",")) else "has a value that is not in the list"
    pattern, words = _PATTERNS.get(item.type, ("", ""))
    return words if pattern and not re.fullmatch(pattern, value, re.ASCII) else ""
