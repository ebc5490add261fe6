"""A receipt as a PDF: the receipt of the page, in the look of the partner, on paper.

Owns when it is offered and what is printed beside the page's own words. Who may have it, its door decides as for the page.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Response, abort, current_app, render_template, url_for
from flask_babel import gettext as _

from splynx_ippay.base import pdf
from splynx_ippay.checkout import branding, endings
from splynx_ippay.checkout.merchant import merchant_name

if TYPE_CHECKING:
    from splynx_ippay.payments.core import Core
    from splynx_ippay.payments.models import Attempt

_STYLE = "receipt.css"


def offer(page: endings.Page, where: str) -> str:
    """The address of a page's PDF, "" where there is none or none can be made here."""
    return where if page.receipt and not pdf.missing() else ""


def answer(core: Core, attempt: Attempt, *, payer: str = "") -> Response:
    """The PDF of a payment; 404 where its page has no receipt either. ``payer`` is the customer's name, "" where the door knows none."""
    page = endings.page_of(attempt, None)
    if not page.receipt or pdf.missing():
        abort(404)
    page.title = _("Receipt") if page.kind != "accepted" else _("Your order to the bank")
    branding.show(attempt.partner_id)
    look = branding.brand_of(core, attempt.partner_id)
    html = render_template("receipt.html", page=page, attempt=attempt, source=endings.source_of(attempt), look=look, payer=payer,
                           merchant=merchant_name(core, attempt.partner_id))
    files = {_path(url_for("static", filename=_STYLE)): pdf.File((Path(str(current_app.static_folder)) / _STYLE).read_bytes(), "text/css")}
    if look.logo and (logo := branding.read_picture(core.deployment, look.logo)):
        files[_path(look.logo)] = logo
    return Response(pdf.make(html, files), mimetype="application/pdf",
                    headers={"Content-Disposition": f'attachment; filename="receipt-{attempt.reference}.pdf"'})


def _path(where: str) -> str:
    return urlsplit(where).path
