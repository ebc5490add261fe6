"""Saved cards without a ZIP code: whom to ask for it, as a page and as a file.

Staff never type it for a customer: the customer adds it in the portal, where the mail leads to.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote, urljoin

from flask import render_template, request, url_for
from flask_babel import gettext as _

from splynx_ippay import credentials
from splynx_ippay.admin import access, bp, rights, sheets
from splynx_ippay.asks import last_asks, zips
from splynx_ippay.base.errors import ConfigError, HostError
from splynx_ippay.checkout.pages import Checkout

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask.typing import ResponseReturnValue

    from splynx_ippay.credentials import Method
    from splynx_ippay.payments.core import Core
    from splynx_ippay.splynx.resources import Customer

PAGE = 80  # one host call for the names and addresses


@bp.get("/missing-zip")
def missing_zip() -> ResponseReturnValue:
    """The customers with an active card whose ZIP code is not known, and a mail to each."""
    core, page = access.core(), _page()
    found = _cards(core)
    shown = found[(page - 1) * PAGE:page * PAGE]
    people = _people(core, shown)
    with core.database.read() as session:
        asked = last_asks(session, [zips.target_of(card.customer_id) for card in shown])
    return render_template(
        "admin/missing_zip.html", cards=shown, people=people, count=len(found), page=page, more=len(found) > page * PAGE,
        is_asked=core.settings.flag("zip_code_option"), asked=asked, target_of=zips.target_of,
        can_ask=bool(shown) and rights.may(rights.Right.CHARGE), label_of=Checkout.label, tab="missing_zip",
        mails={customer.id: _mail(core, customer) for customer in people.values() if customer.email})


@bp.get("/missing-zip.csv")
def missing_zip_csv() -> ResponseReturnValue:
    """The same for a spreadsheet or a mail program, all of it."""
    core = access.core()
    return sheets.answer("missing-zip.csv", _lines(core, _cards(core)))


def _cards(core: Core) -> list[Method]:
    with core.database.read() as session:
        return credentials.cards_without_postal_code(session, environment=core.settings.choice("environment"),
                                                     partner_id=access.own_partner())


def _people(core: Core, cards: list[Method]) -> dict[int, Customer]:
    """Names and addresses; none where the host does not answer, for the list is of use without them."""
    try:
        return core.host.customers({card.customer_id for card in cards})
    except (HostError, ConfigError):
        return {}


def _address(core: Core) -> str:
    """Where the customer adds it."""
    return urljoin(core.settings.text("api_domain").strip(), url_for("portal.credentials"))


def _mail(core: Core, customer: Customer) -> str:
    """A mail, written as far as we can, that the staff's own mail program opens."""
    subject = _("The ZIP code of your saved card")
    body = _("Hello %(name)s,\n\nthe ZIP code of the card you saved with us is missing, so payments with it may be declined. "
             "Please add it here:\n%(address)s\n\nPlease do not send card numbers by e-mail.", name=customer.name,
             address=_address(core))
    return f"mailto:{quote(customer.email, safe='@')}?subject={quote(subject)}&body={quote(body)}"


def _lines(core: Core, cards: list[Method]) -> Iterator[str]:
    address = _address(core)
    yield sheets.BOM + sheets.line([_("Customer ID"), _("Customer"), _("E-mail"), _("Card"), _("Default"), _("Where to add it")])
    for start in range(0, len(cards), PAGE):
        part = cards[start:start + PAGE]
        people = _people(core, part)
        for card in part:
            person = people.get(card.customer_id)
            yield sheets.line([str(card.customer_id), person.name if person else "", person.email if person else "",
                               Checkout.label(card), _("yes") if card.is_default else _("no"), address])


def _page() -> int:
    text = request.args.get("page", "")
    return int(text) if re.fullmatch(r"[1-9][0-9]{0,4}", text, re.ASCII) else 1
