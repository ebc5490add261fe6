"""Payment links for staff: what to paste into the host's mail templates, the addresses that work, the webhook.

Shows the webhook's secret to whoever may set the add-on up, and to nobody else. Makes and changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import render_template
from flask_babel import gettext as _
from sqlalchemy import func, select

from splynx_ippay.admin import access, bp
from splynx_ippay.admin.rights import Right, may
from splynx_ippay.host.document_links import webhook_address
from splynx_ippay.links import CurrentLink, HookEvent, fields, webhook

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

_SIGNED = '{%% if additional_attributes.%(field)s %%}<p><a href="{{ additional_attributes.%(field)s }}">%(words)s</a></p>{%% endif %%}'
# For the PDF of the document: the program that makes it fetches the picture by its address.
_CODE = ('{%% if additional_attributes.%(field)s %%}<p><img src="{{ additional_attributes.%(field)s }}/qr.png" width="140" height="140" '
         'alt="%(words)s"><br>%(words)s</p>{%% endif %%}')
_UNSIGNED = '<p><a href="{{ loader.values.splynx_url }}/ippay/direct-pay-invoice-by-id?item_id={{ invoice_id }}">%(words)s</a></p>'
# What stands behind them is what the host's templates call it, for invoices and proformas alike (docs/WIRE.md).
PATTERNS = tuple((document, by, f"direct-pay-{document}{'-by-id' if by == 'id' else ''}?item_id={{{{ invoice_{by} }}}}")
                 for document in ("invoice", "proforma") for by in ("id", "number"))


@bp.get("/links")
def links_page() -> ResponseReturnValue:
    """Everything about payment links on one page; two queries."""
    core = access.core()
    domain = core.settings.text("api_domain").strip().rstrip("/")
    with core.database.read() as session:
        written = session.scalar(select(func.count()).select_from(CurrentLink).where(CurrentLink.written_at.is_not(None)))
        told_at = session.scalar(select(func.max(HookEvent.received_at)))
    return render_template(
        "admin/links.html", tab="links", snippets=_snippets(), base=f"{domain}/ippay/", patterns=PATTERNS, written=written, told_at=told_at,
        is_on=fields.is_on(core), policy=core.settings.choice("unsigned_saved_method"), field=fields.FIELD,
        hook=webhook_address(domain), events=webhook.EVENTS,
        secret=webhook.secret_of(core.box) if may(Right.CONFIGURE) and access.own_partner() is None else "")


def _snippets() -> dict[str, str]:
    """Twig for the host's templates (docs/WIRE.md "templates"), its words in the language of the settings."""
    number = "{{ invoice_number }}"
    invoice, proforma = (_("Pay invoice %(number)s online", number=number), _("Pay proforma invoice %(number)s online", number=number))
    return {"invoice": _SIGNED % {"field": fields.FIELD, "words": invoice},
            "proforma": _SIGNED % {"field": fields.FIELD, "words": proforma},
            "code": _CODE % {"field": fields.FIELD, "words": _("Scan to pay online")}, "unsigned": _UNSIGNED % {"words": invoice}}
