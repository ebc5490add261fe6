"""Everything that happened to a payment, as one list for staff: its events and the mails about it."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask_babel import gettext

from splynx_ippay.admin import words
from splynx_ippay.checkout.marks import N_
from splynx_ippay.letters.kinds import KINDS, REASONS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from splynx_ippay.notifications import OutboxMail
    from splynx_ippay.payments.models import Event

MAIL_STATES = {
    "due": N_("Waits to be sent"), "sending": N_("The mail server has it"), "sent": N_("Sent"),
    "unsure": N_("Perhaps sent; it is not sent again"), "failed": N_("Not sent"), "skipped": N_("Not sent"),
}


@dataclass(frozen=True)
class Entry:
    """One thing that happened, in words: labels and values beside its title."""

    at: datetime
    title: str
    facts: list[tuple[str, str]]


def of(events: Iterable[Event], mails: Iterable[OutboxMail]) -> list[Entry]:
    """Events and mails in order of time."""
    entries = [Entry(event.at, words.say(words.EVENTS, event.kind), list(words.facts_of(event))) for event in events]
    return sorted(entries + [_of_mail(mail) for mail in mails], key=operator.attrgetter("at"))


def _of_mail(mail: OutboxMail) -> Entry:
    """A mail as it stands: what, whether it went out, to whom (masked), and why not."""
    kind = gettext(KINDS[mail.kind].title) if mail.kind in KINDS else mail.kind
    facts = [(gettext("State"), words.say(MAIL_STATES, mail.state)), (gettext("To"), mail.sent_to),
             (gettext("Why"), " ".join(filter(None, [words.say(REASONS, mail.reason), mail.detail and f"({mail.detail})"])))]
    return Entry(mail.state_at, gettext("Mail to the customer: %(kind)s", kind=kind), [fact for fact in facts if fact[1]])
