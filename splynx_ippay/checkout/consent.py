"""What a payer agrees to. Owns the authorization texts and their versions; the text kept is the text that was shown.

The version names the wording, the language and a digest of the whole text, so that a form that was shown with other
words is noticed. A bank debit by the web needs the payer's authorization in clear words, dated, kept and revocable
(Nacha, WEB entries).
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from flask_babel import gettext as _

from splynx_ippay.base.errors import BadInput
from splynx_ippay.base.marks import N_
from splynx_ippay.checkout.formats import language
from splynx_ippay.payments.orders import Consent

if TYPE_CHECKING:
    from collections.abc import Mapping

_BANK_WORDING, _CARD_WORDING = "bank-1", "card-1"


def bank_paragraphs(merchant: str, *, pays: bool) -> list[str]:
    """The authorization of bank debits; ``pays``: an amount is paid on this page, else the account is only saved."""
    first = _("I authorize %(merchant)s to debit the bank account entered here electronically, once, today or on the "
              "next banking day, for the amount I confirm on this page.", merchant=merchant) if pays else ""
    later = (_("If I tick that the account is saved, I also authorize %(merchant)s to debit it later for what I order "
               "to be paid from it and for invoices that are due.", merchant=merchant) if pays else
             _("I authorize %(merchant)s to debit the bank account entered here electronically for what I order to be "
               "paid from it and for invoices that are due.", merchant=merchant))
    return [text for text in (
        first, later,
        _("I am allowed to give this authorization for the account. If a debit comes back unpaid, it may be presented "
          "up to two more times for the same amount, and the invoice is open again."),
        _("The authorization is valid until I withdraw it: by removing the account here, or by telling %(merchant)s. "
          "A debit that is already on its way is not stopped by that.", merchant=merchant),
    ) if text]


def card_text(merchant: str) -> str:
    """What saving a card means."""
    return _("A saved card may be charged by %(merchant)s for what I order to be paid with it and for invoices that are "
             "due, until I remove it. The card number stays with the payment company; here only its last four digits are "
             "kept.", merchant=merchant)


def bank_version(merchant: str, *, pays: bool) -> str:
    """The version of the authorization as this page shows it."""
    return _version(_BANK_WORDING, "\n\n".join(bank_paragraphs(merchant, pays=pays)))


def bank_consent(form: Mapping[str, str], merchant: str, address: str, *, pays: bool) -> Consent:
    """The consent to a bank debit. Raises BadInput when the page showed other words than those of now."""
    text = "\n\n".join(bank_paragraphs(merchant, pays=pays))
    version = _version(_BANK_WORDING, text)
    if form.get("consent_version") != version:
        raise BadInput("authorized", N_("The text of the authorization has changed. Please read it again and tick it."))
    return Consent(version, text, address)


def card_consent(merchant: str, address: str) -> Consent:
    """The consent to keeping a card."""
    text = card_text(merchant)
    return Consent(_version(_CARD_WORDING, text), text, address)


def _version(wording: str, text: str) -> str:
    """At most 20 characters: the column's width."""
    return f"{wording}-{language()[:2]}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
