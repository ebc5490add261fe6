"""Signed links: /ippay/l/<token>. They open at once, and may use the saved method, which the payer chooses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response, render_template, request, url_for
from flask_babel import gettext as _

from splynx_ippay import links
from splynx_ippay.base.errors import LinkError
from splynx_ippay.checkout import branding, endings, receipts
from splynx_ippay.checkout.formats import day, money
from splynx_ippay.checkout.held import sentence_of
from splynx_ippay.checkout.merchant import merchant_name
from splynx_ippay.checkout.offers import Offer, StaleForm
from splynx_ippay.checkout.stale import kept_for
from splynx_ippay.links import qr
from splynx_ippay.pay import bp, desk

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from splynx_ippay.links import Link
    from splynx_ippay.payments.core import Core
    from splynx_ippay.payments.due import Debt


@bp.get("/l/<token>")
def link(token: str) -> ResponseReturnValue:
    """The document of a signed link, and how to pay it. Looking moves nothing."""
    core = desk.the_core()
    try:
        known = _find(core, token)
    except LinkError as error:
        return _refuse(error)
    debt = desk.find(core, known.document, document_id=known.document_id)
    if debt is None or debt.status == "deleted":
        return _refuse(LinkError("gone"))
    if debt.held is not None and debt.status == "open":
        return desk.held(known.document, debt.number, sentence_of(debt.held.who, debt.held.since, debt.held.target))
    if debt.status != "open" or not debt.due:
        return _paid(core, debt)
    return desk.form(core, desk.offer_of(core, known.document, debt), saved_allowed=True, can_save=True,
                     typed=kept_for(request.path))


@bp.post("/l/<token>")
def pay_link(token: str) -> ResponseReturnValue:
    """Pay it."""
    core = desk.the_core()
    try:
        known = _find(core, token)
        offer = Offer.of_form(core.box, request.form)
    except LinkError as error:
        return _refuse(error)
    except StaleForm:
        return desk.stale(url_for("pay.link", token=token))
    if (offer.document, offer.document_id) != (known.document, known.document_id):
        return desk.stale(url_for("pay.link", token=token))
    return desk.pay(core, offer, target=f"link:{known.code}", saved_allowed=True, can_save=True)


@bp.get("/l/<token>/qr.<any(png, svg):kind>")
def qr_code(token: str, kind: str) -> ResponseReturnValue:
    """The link as a picture, for invoices on paper; one query, no host call. Scanned, it is the link and nothing more."""
    core = desk.the_core()
    try:
        _find(core, token)
    except LinkError as error:
        return _refuse(error)
    address = links.address_of(core.settings, token)
    if kind == "png":
        return Response(qr.png(address), mimetype="image/png")
    return Response(qr.svg(address), mimetype="image/svg+xml")


def _find(core: Core, token: str) -> Link:
    with core.database.read() as rows:
        return links.find(rows, core.box, token)


def _refuse(error: LinkError) -> ResponseReturnValue:
    """A link that opens nothing, said kindly; 404 for one we never made, 410 for one that is over."""
    title, sentence = {
        "expired": (_("This link is too old"), _("It was good for a limited time only. Please ask us for a new one, or pay in the customer portal.")),
        "revoked": (_("This link was withdrawn"), _("Please ask us for a new one, or pay in the customer portal.")),
        "replaced": (_("There is a newer link"), _("This link was replaced by a newer one. Please use the link in our latest message, or pay in "
                                                   "the customer portal.")),
        "gone": (_("There is nothing to pay"), _("What this link was for has been cancelled or replaced.")),
    }.get(error.reason, (_("This link is not complete"), _("Please copy the whole address from our message, or press it there.")))
    return render_template("pay/over.html", heading=title, sentence=sentence), 404 if error.reason == "invalid" else 410


def _paid(core: Core, debt: Debt) -> str:
    attempt = desk.receipt_of(core, debt.document, debt.document_id)
    if attempt is None:
        return render_template("pay/already_paid.html", debt=debt)
    branding.show(attempt.partner_id)
    page = endings.page_of(attempt, None)
    if page.kind in {"approved", "settled"}:  # whoever comes back later asks when and how much, not whether it worked just now
        page.title = (_("Invoice #%(number)s is paid", number=debt.number) if debt.document == "invoice"
                      else _("Proforma invoice #%(number)s is paid", number=debt.number))
        page.sentences = [
            _("%(amount)s for %(what)s was paid here on %(day)s.", amount=money(attempt.amount), what=endings.what_for(attempt),
              day=day(attempt.answered_at or attempt.created_at)),
            _("There is nothing left to pay under this link. Thank you!")]
    return render_template("pay/already_paid.html", debt=debt, page=page, attempt=attempt,
                           source=endings.source_of(attempt), merchant=merchant_name(core, attempt.partner_id),
                           pdf=receipts.offer(page, url_for("pay.receipt", reference=desk.reference_of(core, attempt))))
