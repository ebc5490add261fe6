"""What stands in mails about one payment. Owns that a mail says nothing the payment does not say when it goes out.

Read when the mail is sent, not when it became owed. Must never say more than ``payments.view`` says of the attempt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from splynx_ippay.base.setting_table import N_
from splynx_ippay.letters import Overtaken
from splynx_ippay.payments.models import Attempt
from splynx_ippay.payments.view import ending

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import Session

    from splynx_ippay.notifications import OutboxMail

Facts = dict[str, Any]

# What a line pays, and with what; brands are names. Msgids: the templates translate them.
_DOCUMENTS = {"invoice": N_("Invoice"), "proforma": N_("Proforma invoice"), "topup": N_("Money added to your account"),
              "fee": N_("Processing fee")}
_OTHER = N_("Payment")
_SOURCES = {"card": N_("Card"), "bank": N_("Bank account")}


def about(*endings: str) -> Callable[[Session, OutboxMail], Facts]:
    """The facts of the mail's attempt, while its ending (``payments.view``) is one of these; else Overtaken."""
    def facts(session: Session, mail: OutboxMail) -> Facts:
        attempt = session.get_one(Attempt, mail.attempt_id)
        if ending(attempt).name not in endings:
            raise Overtaken
        return {**of(attempt), **mail.values}

    return facts


def of(attempt: Attempt) -> Facts:
    """One payment, for templates: cents, ISO days and times, no address, no token."""
    is_card = attempt.instrument == "card"
    return {
        "cents": attempt.amount_cents, "currency": attempt.currency, "last_four": attempt.last_four,
        "source": attempt.brand if is_card and attempt.brand not in {"", "card"} else _SOURCES[attempt.instrument],
        "at": (attempt.answered_at or attempt.created_at).isoformat(), "approval": attempt.approval,
        "reference": attempt.reference,
        "lines": [{"label": _DOCUMENTS.get(line.document, _OTHER), "number": line.number, "cents": line.amount_cents}
                  for line in attempt.lines],
    }
