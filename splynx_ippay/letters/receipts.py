"""What stands in mails about one payment. Owns that a mail says nothing the payment does not say when it goes out.

Read when the mail is sent, not when it became owed. Must never say more than ``payments.view`` says of the attempt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from splynx_ippay.base.marks import N_
from splynx_ippay.credentials import Method
from splynx_ippay.ippay import return_words
from splynx_ippay.letters import Overtaken
from splynx_ippay.payments import view
from splynx_ippay.payments.models import Attempt, Event

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy.orm import Session

    from splynx_ippay.notifications import OutboxMail

Facts = dict[str, Any]

# What a line pays, and with what; brands are names. Msgids: the templates translate them.
_DOCUMENTS = {"invoice": N_("Invoice"), "proforma": N_("Proforma invoice"), "topup": N_("Money added to your account"),
              "balance": N_("Balance of your account"), "fee": N_("Card fee")}
_OTHER = N_("Payment")
_SOURCES = {"card": N_("Card"), "bank": N_("Bank account")}


def about(*endings: str) -> Callable[[Session, OutboxMail], Facts]:
    """The facts of the mail's attempt, while its ending (``payments.view``) is one of these; else Overtaken."""
    def facts(session: Session, mail: OutboxMail) -> Facts:
        attempt = session.get_one(Attempt, mail.attempt_id)
        seen = view.ending(attempt)
        if seen.name not in endings:
            raise Overtaken
        return {**of(attempt), **_of_a_debit(session, attempt), "ending": seen.name,
                "why": seen.decline.customer if seen.decline is not None else "", **mail.values}

    return facts


def of(attempt: Attempt) -> Facts:
    """One payment, for templates: cents, ISO days and times, no address, no token."""
    is_card = attempt.instrument == "card"
    return {
        "cents": attempt.amount_cents, "currency": attempt.currency, "last_four": attempt.last_four,
        "source": attempt.brand if is_card and attempt.brand not in {"", "card"} else _SOURCES[attempt.instrument],
        "at": (attempt.answered_at or attempt.created_at).isoformat(), "approval": attempt.approval if is_card else "",
        "reference": attempt.reference, "is_topup": all(line.document == "topup" for line in attempt.debts),
        "is_test": attempt.environment == "test", "settled_on": attempt.settled_on.isoformat() if attempt.settled_on is not None else "",
        # A fee's own name is free text, no msgid: it goes where numbers go, which are printed as they stand.
        "lines": [{"label": "" if line.fee_name else _DOCUMENTS.get(line.document, _OTHER), "number": line.fee_name or line.number,
                   "cents": line.amount_cents, "rest_cents": line.rest_cents} for line in attempt.lines],
    }


def _of_a_debit(session: Session, attempt: Attempt) -> Facts:
    """What only a bank debit has: its days, why it came back, what was authorized."""
    if attempt.instrument != "bank":
        return {}
    days = view.debit_days(attempt)
    held = max((line.hold_until for line in attempt.lines if line.hold_until is not None), default=None)
    authorization = _authorization(session, attempt)
    return {
        "sent_on": days.sent_on.isoformat(), "leaves_on": days.leaves_on.isoformat(), "final_on": days.final_on.isoformat(),
        "returned_why": return_words.why(attempt.return_code), "held_until": held.astimezone().date().isoformat() if held is not None else "",
        "authorized": authorization[0].split("\n\n") if authorization else [],
        "authorized_at": authorization[1].isoformat() if authorization else "",
    }


def _authorization(session: Session, attempt: Attempt) -> tuple[str, datetime] | None:
    """What was agreed to when it was pressed, else when the account was saved: text and time (Nacha wants the payer to have it)."""
    event = session.scalars(select(Event).where(Event.attempt_id == attempt.id, Event.kind == "authorized")).first()
    if event is not None:
        return event.data["text"], event.at
    method = session.get(Method, attempt.method_id or 0)
    if method is None or not method.consent_text or method.consent_at is None:
        return None
    return method.consent_text, method.consent_at
