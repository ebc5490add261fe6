"""How the partner looks who is paid: name, colour, titles, logo and icon of the pages customers see.

Owns the pictures' folder (beside the spool) and the colour's rule. Texts are settings; pictures are files, kept only if
their first bytes show a PNG, JPEG or WebP. Must never serve a picture that could hold a script, nor put a style into a page.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import Blueprint, Response, abort, current_app, g, request

from splynx_ippay.base import pdf
from splynx_ippay.base.errors import BadInput
from splynx_ippay.base.marks import N_
from splynx_ippay.checkout.formats import language

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask

    from splynx_ippay.base.settings import Deployment
    from splynx_ippay.payments.core import Core

bp = Blueprint("brand", __name__, url_prefix="/ippay/brand")

PICTURES = {"logo": 40_000, "icon": 16_000}  # bytes at most: a first visit stays light
LEAST_CONTRAST = 4.5  # WCAG 2.1, 1.4.3: text of normal size, here white on the colour
_TYPES = ((re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"), (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
          (re.compile(rb"RIFF....WEBP", re.DOTALL), "image/webp"))
_COLOR = re.compile(r"#[0-9a-fA-F]{6}", re.ASCII)
_FILE_MODE = 0o640


@dataclass(frozen=True)
class Brand:
    """What a page shows of one partner; ``partner_id`` 0 stands for all. Versions are "" where there is nothing."""

    partner_id: int
    name: str
    title: str
    style: str
    logo: str
    icon: str


def init_app(app: Flask) -> None:
    """Serve styles and pictures, and give the customers' pages their ``brand()``."""
    app.register_blueprint(bp)
    app.jinja_env.globals["brand"] = _brand_of_page


def show(partner_id: int) -> None:
    """From here on this page looks as the partner's; until then it looks as that of all."""
    g.brand_partner = partner_id


def name_of(core: Core, partner_id: int) -> str:
    """The name of the settings, "" where the host's shall do."""
    return core.settings.text("brand_name", partner_id).strip()


def check_color(key: str, value: str) -> None:
    """Raise BadInput for what is no colour, or too light for the white words on buttons."""
    if not value:
        return
    if not _COLOR.fullmatch(value):
        raise BadInput(key, N_("Enter the colour as # and six digits or letters a to f, for example #1a5fb4."))
    if (found := contrast(value)) < LEAST_CONTRAST:
        raise BadInput(key, N_("White words on this colour cannot be read well: the contrast is %(found)s to 1, and 4.5 to 1 is "
                               "needed. Please choose a darker one."), found=f"{found:.1f}")


def contrast(color: str) -> float:
    """The contrast of white on a colour, 1 to 21 (WCAG 2.1, relative luminance)."""
    def linear(part: str) -> float:
        value = int(part, 16) / 255
        return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4  # noqa: PLR2004 - of the formula

    red, green, blue = (linear(color[start:start + 2]) for start in (1, 3, 5))
    return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)


def keep_picture(deployment: Deployment, partner_id: int, kind: str, content: bytes) -> str:
    """Keep a logo or an icon, and return its digest. Raises BadInput, and OSError where the folder cannot be written."""
    if len(content) > PICTURES[kind]:
        raise BadInput(kind, N_("This picture is too large; %(most)s kB at most."), most=PICTURES[kind] // 1000)
    if _type_of(content) is None:
        raise BadInput(kind, N_("This is no picture that can be shown. PNG, JPEG and WebP can."))
    target = _path(deployment, partner_id, kind)
    target.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    draft = target.with_name(f".{kind}.{secrets.token_hex(4)}")
    draft.write_bytes(content)
    draft.chmod(_FILE_MODE)
    draft.replace(target)
    return _digest(content)


def drop_picture(deployment: Deployment, partner_id: int, kind: str) -> None:
    """Show it no more. Raises OSError."""
    _path(deployment, partner_id, kind).unlink(missing_ok=True)


def version_of(deployment: Deployment, partner_id: int, kind: str) -> str:
    """When exactly this partner's picture was kept, "" where there is none."""
    try:
        stat = _path(deployment, partner_id, kind).stat()
    except OSError:
        return ""
    return f"{stat.st_mtime_ns:x}-{stat.st_size:x}"


def read_picture(deployment: Deployment, address: str) -> pdf.File | None:
    """A picture by its address in a ``Brand``, for a PDF; None where it is gone."""
    partner_id, kind = address.partition("?")[0].split("/")[-2:]
    try:
        content = _path(deployment, int(partner_id), kind).read_bytes()
    except OSError:
        return None
    mimetype = _type_of(content)
    return pdf.File(content, mimetype) if mimetype else None


@bp.get("/<int:partner_id>.css")
def style(partner_id: int) -> Response:
    """The partner's colour, as a file: pages hold no style."""
    color = _color(_core(), partner_id)
    return _answer(_css(color), "text/css", _digest(_css(color)))


@bp.get("/<int:partner_id>/<any(logo, icon):kind>")
def picture(partner_id: int, kind: str) -> Response:
    """The logo or the icon."""
    deployment = _core().deployment
    found = read_picture(deployment, f"{partner_id}/{kind}") or abort(404)
    return _answer(found.content, found.mimetype, version_of(deployment, partner_id, kind))


def brand_of(core: Core, partner_id: int) -> Brand:
    """What is set for the partner, else for all. Two looks at the disk a picture, no query, no host call."""
    color = _color(core, partner_id)
    tongue = language()[:2]
    pictures = {}
    for kind in PICTURES:
        own = version_of(core.deployment, partner_id, kind)
        shared = own or version_of(core.deployment, 0, kind)
        pictures[kind] = f"/ippay/brand/{partner_id if own else 0}/{kind}?v={shared}" if shared else ""
    title = core.settings.text(f"brand_title_{tongue}", partner_id).strip() if tongue in {"en", "fr", "es"} else ""
    return Brand(partner_id, name_of(core, partner_id), title,
                 f"/ippay/brand/{partner_id}.css?v={_digest(_css(color))}" if color else "", pictures["logo"], pictures["icon"])


def _brand_of_page() -> Brand | None:
    """For the templates; staff see the host's own look."""
    if request.blueprint == "admin":
        return None
    return brand_of(_core(), g.get("brand_partner", 0))


def _color(core: Core, partner_id: int) -> str:
    """What the page can use: a value written past our settings page is checked, too."""
    value = core.settings.text("brand_color", partner_id).strip().lower()
    return value if _COLOR.fullmatch(value) and contrast(value) >= LEAST_CONTRAST else ""


def _css(color: str) -> bytes:
    if not color:
        return b""
    return (f".btn-go, .btn-go:hover, .btn-go:active, .btn-blue, .btn-blue:hover, .btn-blue:active {{ background: {color}; border-color: {color}; }}\n"
            f".option > .pick input {{ accent-color: {color}; }}\n"
            f".option:has(> .pick input:checked) {{ border-color: {color}; box-shadow: 0 0 0 1px {color}; }}\n"
            f".site {{ border-bottom: 3px solid {color}; }}\n").encode()


def _answer(content: bytes, mimetype: str, version: str) -> Response:
    g.asked_for_this_version = request.args.get("v") == version
    return Response(content, mimetype=mimetype)


def _type_of(content: bytes) -> str | None:
    return next((mimetype for shape, mimetype in _TYPES if shape.match(content)), None)


def _path(deployment: Deployment, partner_id: int, kind: str) -> Path:
    return deployment.spool_dir.parent / "brand" / str(int(partner_id)) / kind


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]


def _core() -> Core:
    core: Core = current_app.extensions["core"]
    return core
