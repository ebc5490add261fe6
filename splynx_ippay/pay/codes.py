"""A code by mail in front of a saved method, on links that anybody can guess.

The answer is the same whether or not there is an address: the same page, the same queries, the same call to the host. The
mail is written and sent beside the request, so that not even the time tells. Must never show an address or a name.
"""

from __future__ import annotations

import logging
import threading
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from flask import render_template, request, session
from flask_babel import gettext as _

from splynx_ippay import notifications
from splynx_ippay.base import clock
from splynx_ippay.base.errors import AddOnError
from splynx_ippay.checkout.formats import language
from splynx_ippay.checkout.merchant import merchant_name
from splynx_ippay.links import codes
from splynx_ippay.pay import limits
from splynx_ippay.payments.due import target_of

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from splynx_ippay.checkout.offers import Offer
    from splynx_ippay.links.codes import Issued
    from splynx_ippay.payments.core import Core
    from splynx_ippay.splynx.resources import Customer

_log = logging.getLogger(__name__)

PROVED_FOR = timedelta(minutes=15)
_KEY = "proved"  # in our session: the documents somebody has proved to own, with the end of each proof
_MOST_PROVED = 5
_LONGEST = 40


def can_ask(core: Core, policy: str) -> bool:
    """Whether codes are offered; says nothing about a document or a person."""
    return policy == "proof" and notifications.can_send(core.settings)


def is_proved(document: str, document_id: int | None) -> bool:
    """Whether this visitor has proved lately to own the document."""
    until = session.get(_KEY, {}).get(target_of(document, document_id, 0))
    return until is not None and datetime.fromisoformat(until) > clock.now()


def ask(core: Core, offer: Offer) -> str:
    """Make a code and mail it to the address on file, if there is one. Raises TooManyRequests."""
    target = _target(offer)
    limits.count_code(core, target)
    customer = core.host.get_customer(offer.customer_id)
    what = (_("invoice #%(number)s", number=offer.number) if offer.document == "invoice"
            else _("proforma invoice #%(number)s", number=offer.number))
    issued = core.database.run(lambda rows: codes.issue(rows, core.box, target))
    may_mail = limits.count_mail(core, offer.customer_id)
    words = {"tongue": language(), "what": what, "merchant": merchant_name(core, offer.partner_id)}
    if may_mail:  # else the same page, and no word: a full mailbox tells nothing about whose documents belong together
        threading.Thread(target=_mail, args=(core, customer, issued), kwargs=words, name="code-mail", daemon=True).start()
    return page(core, offer, issued.ticket)


def check(core: Core, offer: Offer) -> bool:
    """Whether the code of the form fits; the proof then stays in the session for a while. Raises TooManyRequests."""
    target = _target(offer)
    limits.count_code_check(core, target)
    ticket, typed = request.form.get("ticket", "")[:_LONGEST], request.form.get("code", "")[:_LONGEST]
    if not core.database.run(lambda rows: codes.check(rows, core.box, ticket, target, typed)):
        return False
    known = list(session.get(_KEY, {}).items())[-_MOST_PROVED + 1:]
    session[_KEY] = dict([*known, (target, (clock.now() + PROVED_FOR).isoformat())])
    return True


def again(core: Core, offer: Offer) -> ResponseReturnValue:
    """The page after a code that does not fit: no word about why."""
    return page(core, offer, request.form.get("ticket", "")[:_LONGEST],
                problem=_("This code does not fit, is too old, or was tried too often. Check it, or ask for a new one.")), 400


def page(core: Core, offer: Offer, ticket: str, problem: str = "") -> str:
    """Where the code is typed."""
    return render_template("pay/code.html", offer=offer, sealed=offer.seal(core.box), ticket=ticket, problem=problem,
                           digits=codes.DIGITS, minutes=int(codes.VALID_FOR.total_seconds() // 60))


def _target(offer: Offer) -> str:
    return target_of(offer.document, offer.document_id, offer.customer_id)


def _mail(core: Core, customer: Customer, issued: Issued, *, tongue: str, what: str, merchant: str) -> None:
    """In a thread of its own; nobody waits for it, so whatever goes wrong is logged."""
    address = notifications.address_in(customer.billing_email, customer.email)
    if not address:
        return
    try:
        mail = notifications.render("code", address, tongue, name=customer.name, code=issued.code, what=what, merchant=merchant,
                                    minutes=int(codes.VALID_FOR.total_seconds() // 60))
        notifications.send(core.settings, mail, ca_file=core.deployment.ca_file)
    except AddOnError as error:
        _log.error("a code could not be mailed: %s", error)
