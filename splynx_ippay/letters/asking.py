"""What stands in mails that ask for something, and whether it is still to be asked when the mail goes out.

Owns the addresses they lead to: a signed link of the document, made into an address only here, and pages of the portal.
Must never ask for what was paid, replaced or typed in meanwhile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from splynx_ippay.asks import failures
from splynx_ippay.credentials import Method
from splynx_ippay.letters import Overtaken
from splynx_ippay.links import signed
from splynx_ippay.payments.models import Attempt

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from splynx_ippay.notifications import OutboxMail
    from splynx_ippay.payments.core import Core

_PORTAL = "/ippay/credentials"
_PAY = "/ippay/pay"


def debt(session: Session, mail: OutboxMail) -> dict[str, Any]:
    """A failed debt, while that failure is the newest and nothing of ours has paid since."""
    attempt = session.get_one(Attempt, mail.attempt_id)
    still = failures.of_attempt(session, attempt)
    if not any((line.document, line.document_id) == (mail.values["document"], mail.values["document_id"]) for line in still):
        raise Overtaken
    return dict(mail.values)


def debt_addresses(core: Core, session: Session, mail: OutboxMail) -> dict[str, str]:
    """The document's signed link; where it has none that opens, and for a balance, the portal's page of open invoices."""
    token = None
    if mail.values["document_id"] is not None:
        token = signed.standing_of(session, core.box, mail.values["document"], mail.values["document_id"])
    link = signed.address_of(core.settings, token) if token else _address(core, _PAY)
    return {"link": link, "portal": _address(core, _PORTAL)}


def zip_code(session: Session, mail: OutboxMail) -> dict[str, Any]:
    """Cards without ZIP code, while one of them lacks it."""
    for card in mail.values["cards"]:
        method = session.get_one(Method, card["id"])
        if method.status == "active" and not method.postal_code:
            return dict(mail.values)
    raise Overtaken


def expiry(session: Session, mail: OutboxMail) -> dict[str, Any]:
    """A card that expires, while it is the one that is charged and has no newer date."""
    method = session.get_one(Method, mail.values["method_id"])
    if method.status != "active" or not method.is_default or not (method.is_expiring() or method.is_expired()):
        raise Overtaken
    return dict(mail.values)


def portal(core: Core, _session: Session, _mail: OutboxMail) -> dict[str, str]:
    """Where the customer's cards and bank accounts are."""
    return {"portal": _address(core, _PORTAL)}


def _address(core: Core, path: str) -> str:
    return urljoin(core.settings.text("api_domain").strip(), path)
