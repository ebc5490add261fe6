"""Config of the admin: modules with their settings forms, entry points with switches, API keys, hooks.

The settings form knows no add-on: it is made from the module's own ``config/config.json``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, abort, redirect, request

from splynx_ippay_sandbox.host import addon_files, web
from splynx_ippay_sandbox.host.admin import page
from splynx_ippay_sandbox.host.settings_form import read_form, rows_of

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from splynx_ippay_sandbox.host.part import HostPart
    from splynx_ippay_sandbox.host.registry import Module


def blueprint(host: HostPart) -> Blueprint:
    """Return the blueprint under /admin/config."""
    pages = Blueprint("host_config", __name__, url_prefix="/admin/config")
    web.guard(pages, host, "admin")
    _add_modules(pages, host)
    _add_settings(pages, host)
    _add_points(pages, host)
    _add_keys_and_hooks(pages, host)
    return pages


def _module(host: HostPart, name: str) -> Module:
    module = host.state.registry.modules.get(name)
    if module is None:
        abort(404, "There is no such module.")
    return module


def _add_modules(pages: Blueprint, host: HostPart) -> None:
    @pages.get("/")
    @pages.get("/modules")
    def modules() -> str:
        with host.world.lock:
            return page(host, "modules", active="modules", modules=list(host.state.registry.modules.values()))

    @pages.post("/modules/<name>/main")
    def save_main(name: str) -> Response:
        with host.world.lock:
            module = _module(host, name)
            module.title = request.form.get("title", "").strip()[:64] or module.title
            module.portal_enabled = request.form.get("portal_enabled") == "1"
            web.say("Main information was saved.")
        return redirect(f"/admin/config/modules/{name}")

    @pages.post("/modules/<name>/delete")
    def delete(name: str) -> Response:
        host.cli(["delete-module", f"--name={_module(host, name).name}"])
        web.say("The module was deleted.")
        return redirect("/admin/config/modules")


def _add_settings(pages: Blueprint, host: HostPart) -> None:
    @pages.get("/modules/<name>")
    def settings(name: str) -> str:
        with host.world.lock:
            return _settings_page(host, _module(host, name), {})

    @pages.post("/modules/<name>")
    def save_settings(name: str) -> Response | tuple[str, int]:
        with host.world.lock:
            module, partner = _module(host, name), _partner(host)
            blocks = addon_files.read_blocks(module.folder)
            sections = addon_files.read_values(module.folder)
            problems = read_form(host.state, blocks, sections, request.form, partner)
            if problems:
                return _settings_page(host, module, problems), 422
            addon_files.write_values(module.folder, sections)
            web.say("Settings were saved.")
        return redirect(f"/admin/config/modules/{name}" + (f"?partner={partner}" if partner else ""))


def _partner(host: HostPart) -> str:
    partner = request.values.get("partner", "")
    known = partner.isascii() and partner.isdigit() and host.state.partners.find(int(partner)) is not None
    return partner if known else ""


def _settings_page(host: HostPart, module: Module, problems: dict[str, str]) -> str:
    partner, trouble = _partner(host), ""
    cards: list[tuple[addon_files.Block, list[dict[str, Any]]]] = []
    typed = request.form if problems else None
    try:
        sections = addon_files.read_values(module.folder)
        blocks = addon_files.read_blocks(module.folder)
        cards = [(block, rows_of(host.state, block, sections, partner, typed)) for block in blocks]
    except (ValueError, KeyError, AttributeError) as error:
        trouble = f"config/config.json cannot be read: {error}"
    return page(
        host, "module", active="modules", module=module, cards=cards, partner=partner, partners=host.state.partners.rows,
        problems=problems, trouble=trouble,
    )


def _add_points(pages: Blueprint, host: HostPart) -> None:
    def points_of(module: Module) -> list[Any]:
        return [point for point in host.state.registry.points.values() if point.module == module.name]

    @pages.get("/modules/<name>/entry-points")
    def entry_points(name: str) -> str:
        with host.world.lock:
            module = _module(host, name)
            return page(host, "entry_points", active="modules", module=module, points=points_of(module), partners=host.state.partners.rows)

    @pages.post("/modules/<name>/entry-points")
    def save_points(name: str) -> Response:
        with host.world.lock:
            module = _module(host, name)
            for point in points_of(module):
                point.enabled = request.form.get(f"{point.name}.enabled") == "1"
                point.title = request.form.get(f"{point.name}.title", "").strip() or point.title
                chosen = [int(value) for value in request.form.getlist(f"{point.name}.partners") if value.isdigit()]
                point.partners = () if len(chosen) == len(host.state.partners) else tuple(chosen)
            web.say("Entry points were saved.")
        return redirect(f"/admin/config/modules/{name}/entry-points")


def _add_keys_and_hooks(pages: Blueprint, host: HostPart) -> None:
    @pages.get("/api-keys")
    def api_keys() -> str:
        with host.world.lock:
            return page(host, "api_keys", active="api-keys", keys=list(host.state.registry.keys.values()))

    @pages.get("/hooks")
    def hooks() -> str:
        with host.world.lock:
            return page(host, "hooks", active="hooks", hooks=list(host.state.registry.hooks.values()), events=host.state.events[-30:][::-1])

    @pages.post("/hooks")
    def add_hook() -> Response:
        form = request.form
        events = tuple(part.strip() for part in form.get("events", "").split(",") if part.strip())
        if form.get("url", "").startswith(("http://", "https://")):
            with host.world.lock:
                host.state.registry.add_hook(form.get("title", "Hook"), form["url"], form.get("secret", ""), events)
            web.say("The hook was created.")
        else:
            web.say("The URL must start with http:// or https://.")
        return redirect("/admin/config/hooks")

    @pages.post("/hooks/<int:hook_id>/delete")
    def delete_hook(hook_id: int) -> Response:
        with host.world.lock:
            if host.state.registry.hooks.pop(hook_id, None) is None:
                abort(404, "There is no such hook.")
            web.say("The hook was deleted.")
        return redirect("/admin/config/hooks")
