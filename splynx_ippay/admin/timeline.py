"""The history of a payment as sentences: when, what, who, how much; the mails about it stand in the same list.

Reads events and mails, never writes one. Must never say more than they do: every kind of event has its row in
admin/event_words.py, and what a state means is the words' of words.STATES.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, NamedTuple

from flask_babel import gettext as _

from splynx_ippay.admin import decision_words, words
from splynx_ippay.admin.event_words import ANSWERS, EVENTS, FACTS, MAIL_SIGNS, MAIL_STATES
from splynx_ippay.base.money import Money
from splynx_ippay.checkout.formats import money
from splynx_ippay.letters.kinds import KINDS, REASONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from splynx_ippay.notifications import OutboxMail
    from splynx_ippay.payments.models import Attempt, Event


class Entry(NamedTuple):
    """One event or mail as people read it. ``sign`` colours the line beside it; ``facts`` are label and value."""

    at: datetime
    sentence: str
    facts: list[tuple[str, str]]
    sign: str


def of(attempt: Attempt, events: Iterable[Event], mails: Iterable[OutboxMail]) -> list[Entry]:
    """Events and mails of an attempt in order of time."""
    entries = [entry_of(attempt, event) for event in events] + [_of_mail(mail) for mail in mails]
    return sorted(entries, key=operator.attrgetter("at"))


def entry_of(attempt: Attempt, event: Event) -> Entry:
    """One event of an attempt in words."""
    data: dict[str, Any] = event.data
    sentence, told = _SENTENCES.get(event.kind, _plain)(attempt, event.kind, data)
    return Entry(event.at, sentence, list(_facts(attempt, data, told)), _sign(event.kind, data))


def _plain(_attempt: Attempt, kind: str, data: dict[str, Any]) -> tuple[str, set[str]]:
    sentence = words.say(EVENTS, kind)
    if data.get("to") in words.STATES:
        sentence += " " + _("It is now: %(state)s.", state=words.say(words.STATES, data["to"]))
    return sentence, set()


def _intended(attempt: Attempt, kind: str, data: dict[str, Any]) -> tuple[str, set[str]]:
    documents = ", ".join(_document(text) for text in data.get("documents", []))
    amount = Money(int(data.get("amount_cents", attempt.amount_cents)), data.get("currency", attempt.currency))
    asked = _("%(who)s asked for %(amount)s for %(documents)s.", who=words.who(str(data.get("actor", attempt.actor))), amount=money(amount),
              documents=documents)
    return f"{asked} {words.say(EVENTS, kind)}", {"actor", "documents"}


def _answer(attempt: Attempt, kind: str, data: dict[str, Any]) -> tuple[str, set[str]]:
    if data.get("to") not in ANSWERS:
        return _plain(attempt, kind, data)
    why = words.why(attempt) if attempt.state == "declined" else str(data.get("reason", ""))
    said = ANSWERS[data["to"]]
    sentence = _(said, amount=money(attempt.amount), why=why)
    if data["to"] != "declined" and attempt.approval:
        sentence += " " + _("Approval %(approval)s.", approval=attempt.approval)
    return sentence, {"reason"}


def _returned(_attempt: Attempt, _kind: str, data: dict[str, Any]) -> tuple[str, set[str]]:
    reason = str(data.get("reason", ""))
    sentence = words.told(reason)
    return (words.say(EVENTS, "returned"), set()) if sentence == reason else (sentence + ".", {"reason"})


def _booking(attempt: Attempt, _kind: str, data: dict[str, Any]) -> tuple[str, set[str]]:
    sentence = words.say(words.BOOKINGS, str(data.get("to", ""))) + "."
    line = next((line for line in attempt.lines if line.position == data.get("line")), None)
    if line is None:
        return sentence, set()
    shown = f"{words.say(words.DOCUMENTS, line.document)} {line.number}".strip()
    return f"{sentence} {shown}, {money(Money(line.amount_cents, attempt.currency))}.", {"line"}


def _authorized(_attempt: Attempt, kind: str, data: dict[str, Any]) -> tuple[str, set[str]]:
    return f"{words.say(EVENTS, kind)} {data.get('text', '')}".strip(), set()


def _decision(attempt: Attempt, kind: str, data: dict[str, Any]) -> tuple[str, set[str]]:
    target, second = str(data.get("target", "")), str(data.get("second", ""))
    if not target:
        return _plain(attempt, kind, data)
    what, by = _decided(attempt, target, data), words.who(str(data.get("by", "")))
    if kind == "proposed":
        return _("%(who)s proposed: %(what)s. A second person must confirm.", who=by, what=what), {"by", "target"}
    if second:
        return _("%(who)s proposed and %(second)s confirmed: %(what)s.", who=by, second=words.who(second), what=what), {
            "by", "second", "target"}
    return _("%(who)s decided: %(what)s.", who=by, what=what), {"by", "target"}


def _decided(attempt: Attempt, target: str, data: dict[str, Any]) -> str:
    """What was chosen, in the words of the form; a line's target is what is to stand in Splynx."""
    if data.get("line"):
        return str(_(decision_words.LINE_ENDS[target][0])) if target in decision_words.LINE_ENDS else target
    return decision_words.end(attempt, target)[0] if target in words.STATES else target


_SENTENCES: dict[str, Callable[[Attempt, str, dict[str, Any]], tuple[str, set[str]]]] = {
    "intended": _intended, "answer": _answer, "returned": _returned, "booking": _booking, "authorized": _authorized,
    "proposed": _decision, "decision": _decision}


def _facts(attempt: Attempt, data: dict[str, Any], told: set[str]) -> list[tuple[str, str]]:
    found = []
    for key, label in FACTS.items():
        value = data.get(key)
        if key in told or value in (None, "", []) or (key == "line" and len(attempt.lines) == 1):
            continue
        shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        found.append((_(label), _READ.get(key, str)(shown)))
    return found


def _door(name: str) -> str:
    return words.say(words.DOORS, name)


def _evidence(name: str) -> str:
    return words.say(decision_words.EVIDENCE, name)


def _target(name: str) -> str:
    return words.say(words.BOOKINGS | words.STATES, name)


_READ: dict[str, Callable[[str], str]] = {
    "door": _door, "actor": words.who, "by": words.who, "second": words.who, "reason": words.told, "evidence": _evidence,
    "target": _target}


def _document(text: str) -> str:
    kind, _space, number = text.partition(" ")
    return f"{words.say(words.DOCUMENTS, kind)} {number}".strip()


def _sign(kind: str, data: dict[str, Any]) -> str:
    to = str(data.get("to", ""))
    if kind == "booking":
        return {"posted": "good", "review": "bad"}.get(to, "off")
    return words.SIGNS.get(to, "bad" if kind in {"late_evidence", "double_sale"} else "off")


def _of_mail(mail: OutboxMail) -> Entry:
    """A mail as it stands: what, whether it went out, to whom (masked), and why not."""
    kind = _(KINDS[mail.kind].title) if mail.kind in KINDS else mail.kind
    facts = [(_("State"), words.say(MAIL_STATES, mail.state)), (_("To"), mail.sent_to),
             (_("Why"), " ".join(filter(None, [words.say(REASONS, mail.reason), mail.detail and f"({mail.detail})"])))]
    return Entry(mail.state_at, _("Mail to the customer: %(kind)s", kind=kind), [fact for fact in facts if fact[1]],
                 MAIL_SIGNS.get(mail.state, "off"))
