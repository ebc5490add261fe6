"""Where entry points lead: menu links, dialogs and frames, with the addresses an add-on is opened under."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlencode

if TYPE_CHECKING:
    from splynx_ippay_sandbox.host.registry import EntryPoint
    from splynx_ippay_sandbox.host.state import HostState
    from splynx_ippay_sandbox.host.table import Row

_SECTIONS = ("Dashboard", "Customers", "Finance", "Administration", "Config", "Services", "Support")


@dataclass(frozen=True, slots=True)
class Link:
    """A link or icon the host shows for an entry point."""

    point: str
    title: str
    href: str
    icon: str
    size: str = "lg"


def section_of(point: EntryPoint) -> str:
    r"""Return the menu a point belongs to: ``controllers\\portal\\FinanceController`` is Finance."""
    name = point.root.replace("/", "\\").rsplit("\\", 1)[-1].removesuffix("Controller").capitalize()
    return name if name in _SECTIONS else "Finance"


def menu_links(state: HostState, place: str, partner_id: int = 0) -> dict[str, list[Link]]:
    """Return the registered menu links by section."""
    found: dict[str, list[Link]] = {}
    for point in state.registry.shown(place, "menu_link", partner_id):
        href = f"/{place}/add-on?{urlencode({'point': point.name})}"
        found.setdefault(section_of(point), []).append(Link(point.name, point.title, href, point.icon))
    return found


def action_links(state: HostState, place: str, model: str, number: str, partner_id: int = 0) -> list[Link]:
    """Return the icons beside a document (or customer), each opening a dialog for its number."""
    links = []
    for point in state.registry.shown(place, "action_link", partner_id, model):
        query = urlencode({"module": point.module, "name": point.name, "id": number})
        links.append(Link(point.name, point.title, f"/{place}/add-on--action-link-modal?{query}", point.icon, point.size))
    return links


def customer_tabs(state: HostState, customer: Row) -> list[Link]:
    """Return the tabs add-ons have on the customer's page in the admin."""
    return [
        Link(point.name, point.title, f"/admin/add-on?{urlencode({'point': point.name, 'customer_id': customer['id']})}", point.icon)
        for point in state.registry.shown("admin", "tab", customer["partner_id"])
    ]


def frame_url(point: EntryPoint, sash: str = "", **extra: str) -> str:
    """Return the address of the add-on's own page for a point (its url may be percent-encoded)."""
    url = unquote(point.url)
    if not url.startswith("/") or url.startswith("//"):
        url = "/" + url.lstrip("/")
    query = {**extra, **({"sash": sash} if sash else {})}
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}" if query else url


def dialog_url(point: EntryPoint, number: str, sash: str = "") -> str:
    """Return the address inside a dialog: the module, the model and the document's number."""
    return frame_url(point, sash, module=point.module, model=point.model, item_id=number)
