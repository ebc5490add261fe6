"""Small line icons drawn for this sandbox, by the Font Awesome names entry points carry."""

from __future__ import annotations

from markupsafe import Markup

_SHAPES = {
    "credit-card": '<rect x="1.5" y="3.5" width="13" height="9" rx="1.2"/><path d="M1.5 6.5h13M3.5 10h4"/>',
    "info": '<circle cx="8" cy="8" r="6.5"/><path d="M8 7.2v4M8 4.6v.4"/>',
    "file": '<path d="M4 1.5h5l3 3v10H4zM9 1.5v3h3"/>',
    "download": '<path d="M8 2v8M4.8 7 8 10.2 11.2 7M2.5 13.5h11"/>',
    "check": '<path d="m2.5 8.5 3.5 3.5 7.5-8"/>',
    "view": '<path d="M6.5 3.5h-4v10h10v-4M9 2.5h4.5V7M13.5 2.5 7.5 8.5"/>',
    "send": '<path d="m1.8 2.5 12.4 5.5-12.4 5.5 2-5.5zM3.8 8h6"/>',
    "note": '<path d="M3.5 3.5h9v10h-9zM6 2h4v2.5H6zM5.5 8h5M5.5 10.5h3"/>',
    "edit": '<path d="m2.5 13.5 1-3.5 7.5-7.5 2.5 2.5L6 12.5zM9.5 4l2.5 2.5"/>',
    "delete": '<path d="M2.5 4.5h11M6 4.5v-2h4v2M4 4.5l.6 9h6.8l.6-9M6.7 7v4M9.3 7v4"/>',
    "dashboard": '<path d="M2 12a6.5 6.5 0 1 1 12 0M8 10l3-4"/>',
    "finance": '<rect x="2.5" y="2.5" width="11" height="11"/><path d="M2.5 6h11M6.2 6v7.5M9.8 6v7.5M2.5 9.8h11"/>',
    "transactions": '<path d="M2 5.5h11M10.5 3 13 5.5 10.5 8M14 10.5H3M5.5 8 3 10.5 5.5 13"/>',
    "list": '<path d="M5.5 4h9M5.5 8h9M5.5 12h9M2 4h.6M2 8h.6M2 12h.6"/>',
    "user": '<circle cx="8" cy="5" r="3"/><path d="M2.5 14c.6-3.6 2.6-5 5.5-5s4.900 1.400 5.500 5"/>',
    "reload": '<path d="M13 8a5 5 0 1 1-1.600-3.700M12.500 1.500v3.300H9.200"/>',
    "settings": '<path d="M2 4.500h6M11 4.500h3M2 11.500h3M8 11.500h6"/><circle cx="9.500" cy="4.500" r="1.500"/><circle cx="6.500" cy="11.500" r="1.500"/>',
    "logout": '<path d="M6.500 2.500h-4v11h4M6 8h8M11 5l3 3-3 3"/>',
    "message": '<rect x="1.500" y="3.500" width="13" height="9"/><path d="m1.500 4.500 6.500 4.500 6.500-4.500"/>',
    "ring": '<circle cx="8" cy="8" r="6.500"/><circle cx="8" cy="8" r="2.800"/><path d="m3.500 3.500 2.600 2.600M9.900 9.900l2.600 2.600M12.500 3.500 9.900 6.100M6.100 9.900l-2.600 2.600"/>',
    "dot": '<circle cx="8" cy="8" r="2.500"/>',
}
_OTHER_NAMES = {"credit-card-alt": "credit-card", "cc": "credit-card", "money": "finance", "bank": "finance", "refresh": "reload"}


def icon(name: str) -> Markup:
    """Return the drawing for a name (``fa-credit-card``, ``fas fa-credit-card``); unknown names get a dot."""
    bare = name.rsplit(maxsplit=1)[-1].removeprefix("fa-") if name else "dot"
    shape = _SHAPES.get(_OTHER_NAMES.get(bare, bare), _SHAPES["dot"])
    return Markup('<svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">{}</svg>').format(Markup(shape))  # noqa: S704
