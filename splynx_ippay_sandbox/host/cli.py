"""The host's own command ``system/script/addon``: what it answers, one row a command.

Commands marked *seen* are called by public add-ons; the others are inferred from them by their naming. What is printed
is what an installer reads: an id, or ``key,secret``. A failure prints a sentence on the error stream and 0.
"""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import TYPE_CHECKING

from splynx_ippay_sandbox.host import addon_files
from splynx_ippay_sandbox.host.registry import ACTIONS, EntryPoint, Module, bare_controller

if TYPE_CHECKING:
    from collections.abc import Callable

    from splynx_ippay_sandbox.host.registry import ApiKey
    from splynx_ippay_sandbox.host.state import HostState

Options = dict[str, str]
_TRUE = ("1", "true", "yes", "enabled", "on")


class CliError(Exception):
    """The command cannot be done; the text says why."""


def run(state: HostState, argv: list[str]) -> dict[str, object]:
    """Run one command line (without the program's name): {"exit", "stdout", "stderr"}."""
    if not argv or argv[0] not in COMMANDS:
        return {"exit": 1, "stdout": "0\n", "stderr": f"Unknown command. Known are: {', '.join(COMMANDS)}\n"}
    try:
        return {"exit": 0, "stdout": f"{COMMANDS[argv[0]](state, _options(argv[1:]))}\n", "stderr": ""}
    except CliError as error:
        return {"exit": 1, "stdout": "0\n", "stderr": f"{error}\n"}


def _options(words: list[str]) -> Options:
    options: Options = {}
    for word in words:
        match = re.match(r"--([a-z_]+)(?:=(.*))?\Z", word, re.DOTALL)
        if match is None:
            raise CliError(f"Not an option: {word[:60]}")
        options[match[1]] = match[2] if match[2] is not None else "1"
    return options


def _needs(options: Options, *names: str) -> list[str]:
    missing = [f"--{name}" for name in names if not options.get(name)]
    if missing:
        raise CliError(f"Missing: {', '.join(missing)}")
    return [options[name] for name in names]


def _key(state: HostState, options: Options) -> ApiKey:
    (text,) = _needs(options, "id")
    key = state.registry.keys.get(int(text)) if text.isdigit() else None
    if key is None:
        raise CliError(f"There is no API key {text}.")
    return key


def _add_or_get_api_key(state: HostState, options: Options) -> int:
    (title,) = _needs(options, "title")
    found = next((key for key in state.registry.keys.values() if key.title == title), None)
    return (found or state.registry.add_key(title)).id


def _get_api_key_and_secret(state: HostState, options: Options) -> str:
    key = _key(state, options)
    return f"{key.key},{key.secret}"


def _api_key_white_list(state: HostState, options: Options) -> int:
    key = _key(state, options)
    addresses = tuple(part.strip() for part in options.get("list", "").split(",") if part.strip())
    try:
        [ipaddress.ip_network(address, strict=False) for address in addresses]
    except ValueError as error:
        raise CliError(str(error)) from None
    key.addresses = addresses
    return key.id


def _set_api_key_permission(state: HostState, options: Options) -> int:
    key = _key(state, options)
    controller, action, rule = _needs(options, "controller", "action", "rule")
    if rule not in ("allow", "deny") or action not in ACTIONS:
        raise CliError(f"The rule is allow or deny; the action is one of {', '.join(ACTIONS)}.")
    key.rules[bare_controller(controller), action] = rule
    return key.id


def _delete_api_key(state: HostState, options: Options) -> int:
    key = _key(state, options)
    if key is state.root_key:
        raise CliError("The key of the sandbox itself stays.")
    del state.registry.keys[key.id]
    return key.id


def _add_or_get_additional_field(state: HostState, options: Options) -> int:
    module, name, title, kind = _needs(options, "main_module", "name", "title", "type")
    fields = state.registry.additional_fields
    for field_id, field in fields.items():
        if (field["main_module"], field["name"]) == (module, name):
            return field_id
    field_id = len(fields) + 1
    fields[field_id] = {
        "main_module": module, "name": name, "title": title, "type": kind, "required": options.get("required", "0"),
        "is_add": options.get("is_add", "0"),
    }
    return field_id


def _config_set(state: HostState, options: Options) -> str:
    addon, key = _needs(options, "addon", "key")
    module, partner = _module(state, addon), options.get("partner", "")
    if partner and state.partners.find(int(partner) if partner.isdigit() else None) is None:
        raise CliError(f"There is no partner {partner}.")
    if not re.fullmatch(r"[A-Za-z]\w{0,63}", key, re.ASCII):
        raise CliError("A key is letters, digits and underscores.")
    item, value = addon_files.find_item(module.folder, key), options.get("value", "")
    if item is not None and item.type == "encrypted" and value:
        value = addon_files.encrypt(state.settings_secret, value)
    addon_files.set_value(module.folder, key, value, partner)
    return "1"


def _add_or_get_module(state: HostState, options: Options) -> int:
    name, title, path = _needs(options, "name", "title", "path")
    if len(name) > 32 or len(title) > 64:
        raise CliError("A module's name has at most 32 characters, its title 64.")
    modules = state.registry.modules
    if name not in modules:
        modules[name] = Module(name, title, path, folder_of(state, path), options.get("type", "add-on"), options.get("root", ""))
    return list(modules).index(name) + 1


def folder_of(state: HostState, path: str) -> Path:
    """Return where the files of a module are: its path if that lies in the sandbox, else a folder of that name there."""
    asked = Path(path)
    if asked.is_absolute() and asked.resolve().is_relative_to(state.folder.resolve()):
        return asked
    return state.addons_folder / asked.name


def _module(state: HostState, name: str) -> Module:
    if name not in state.registry.modules:
        raise CliError(f"There is no module {name}.")
    return state.registry.modules[name]


def _add_or_get_entry_point(state: HostState, options: Options) -> int:
    module, name, title = _needs(options, "module", "name", "title")
    _module(state, module)
    place, kind = options.get("place", "portal"), options.get("type", "menu_link")
    if place not in ("portal", "admin") or kind not in ("menu_link", "code", "action_link", "tab"):
        raise CliError("The place is portal or admin; the type is menu_link, code, action_link or tab.")
    points = state.registry.points
    if (module, name) not in points:
        given = {field: options[field] for field in ("root", "model", "url", "icon", "code", "size") if options.get(field)}
        partners = tuple(int(part) for part in options.get("partners", "").split(",") if part.strip().isdigit())
        enabled = options.get("enabled", "1").lower() in _TRUE
        points[module, name] = EntryPoint(module, name, title, place, kind, enabled=enabled, partners=partners, **given)
    return list(points).index((module, name)) + 1


def _list_entry_points(state: HostState, options: Options) -> str:
    """Print ``name,1`` or ``name,0`` a line: shown or not, the module's own switch counted in."""
    (module,) = _needs(options, "module")
    _module(state, module)
    points = [point for point in state.registry.points.values() if point.module == module]
    return "\n".join(f"{point.name},{int(state.registry.is_shown(point))}" for point in points)


def _delete_entry_point(state: HostState, options: Options) -> str:
    module, name = _needs(options, "module", "name")
    if state.registry.points.pop((module, name), None) is None:
        raise CliError(f"There is no entry point {name}.")
    return "1"


def _delete_module(state: HostState, options: Options) -> str:
    (name,) = _needs(options, "name")
    _module(state, name)
    del state.registry.modules[name]
    for key in [key for key in state.registry.points if key[0] == name]:
        del state.registry.points[key]
    return "1"


def _add_or_get_payment_account(state: HostState, options: Options) -> int:
    (title,) = _needs(options, "title")
    kinds = state.registry.account_kinds
    for account_id, kind in kinds.items():
        if kind["title"] == title:
            return account_id
    account_id = max(kinds, default=0) + 1
    kinds[account_id] = {"title": title, "fields": [part.strip() for part in options.get("fields", "").split(",") if part.strip()]}
    return account_id


def _add_or_get_payment_method(state: HostState, options: Options) -> int:
    (name,) = _needs(options, "name")
    found = [row for row in state.methods if row["name"] == name]
    return int((found[0] if found else state.methods.insert({"name": name}))["id"])


COMMANDS: dict[str, Callable[[HostState, Options], object]] = {
    "add-or-get-api-key": _add_or_get_api_key,  # seen
    "get-api-key-and-secret": _get_api_key_and_secret,  # seen
    "api-key-white-list": _api_key_white_list,  # seen
    "set-api-key-permission": _set_api_key_permission,  # seen
    "add-or-get-additional-field": _add_or_get_additional_field,  # seen
    "config-set": _config_set,  # seen
    "add-or-get-module": _add_or_get_module,
    "add-or-get-entry-point": _add_or_get_entry_point,
    "add-or-get-payment-account": _add_or_get_payment_account,
    "add-or-get-payment-method": _add_or_get_payment_method,
    "list-entry-points": _list_entry_points,
    "delete-entry-point": _delete_entry_point,
    "delete-module": _delete_module,
    "delete-api-key": _delete_api_key,
}
