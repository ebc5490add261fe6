"""The last page of a payment. Owns its words and next steps for every ending; the templates only lay them out.

Must never say that money moved, or did not, beyond what ``payments.view`` says of the attempt.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flask_babel import gettext as _

from splynx_ippay.checkout import words
from splynx_ippay.checkout.formats import day, money
from splynx_ippay.ippay import return_words
from splynx_ippay.payments.view import debit_days, ending

if TYPE_CHECKING:
    from collections.abc import Callable

    from splynx_ippay.ippay.outcomes import Decline
    from splynx_ippay.payments.models import Attempt, Line

REFRESH_SECONDS = 5


@dataclass(frozen=True)
class Step:
    """A button: what it says and where it leads."""

    label: str
    address: str
    main: bool = False


@dataclass
class Page:
    """What an ending page shows. ``sign`` is good, bad or wait; ``refresh`` seconds until it looks again, 0 never."""

    kind: str
    title: str
    sentences: list[str]
    sign: str
    steps: list[Step] = field(default_factory=list)
    points: list[str] = field(default_factory=list)
    receipt: bool = False
    refresh: int = 0


def page_of(attempt: Attempt, pay_again: Callable[[str], str] | None) -> Page:
    """The page of an attempt; ``pay_again(source)`` is the address of the form with that source chosen, None if unknown."""
    seen = ending(attempt)
    kind = seen.name
    if seen.decline is not None:
        return _declined(kind, seen.decline, pay_again, attempt.instrument)
    if kind == "returned":
        return _returned(attempt, pay_again)
    if kind == "abandoned":
        again = [Step(_("Try again"), pay_again(""), main=True)] if pay_again else []
        return Page(kind, _("Nothing was charged"), [
            _("The payment was stopped before it reached the payment company. No money was taken."),
            _("You can try again now.")], "bad", again)
    return {"approved": _approved, "accepted": _accepted, "settled": _settled, "unknown": _unknown, "voided": _voided}.get(kind, _review)(attempt)


def what_for(attempt: Attempt) -> str:
    """What was paid: "invoice 2026010042", "adding money to your account", "3 items"."""
    if len(attempt.debts) > 1:
        return _("%(count)s items", count=len(attempt.debts))
    line = (attempt.debts or attempt.lines)[0]  # of a payment found again after a restore only the fee may be known
    return {"invoice": _("invoice %(number)s", number=line.number),
            "proforma": _("proforma invoice %(number)s", number=line.number)}.get(
                line.document, _("adding money to your account"))


def source_of(attempt: Attempt) -> str:
    """With what: "Visa •••• 4242", "Bank account •••• 6789"."""
    known = attempt.brand if attempt.instrument == "card" and attempt.brand not in {"", "card"} else ""
    return f"{known or (_('Card') if attempt.instrument == 'card' else _('Bank account'))} •••• {attempt.last_four}"


def took_effect(line: Line) -> bool:
    """Whether the host already shows the payment of this line."""
    return line.booking == "posted"


def _approved(attempt: Attempt) -> Page:
    sentences = [_("Your transaction has been successfully processed."),
                 _("You added %(amount)s to your account.", amount=money(attempt.debts[0].amount))
                 if [line.document for line in attempt.debts] == ["topup"] else
                 _("You paid %(amount)s for %(what)s.", amount=money(attempt.amount), what=what_for(attempt))]
    if not all(map(took_effect, attempt.lines)):
        sentences.append(_("It can take a few minutes until it is shown as paid. Please do not pay again."))
    return Page("approved", _("Success! Your payment was approved"), sentences, "good", receipt=True)


def _settled(attempt: Attempt) -> Page:
    return Page("settled", _("Success! Your bank has paid"), [
        _("The bank debit of %(amount)s for %(what)s went through.", amount=money(attempt.amount), what=what_for(attempt))],
        "good", receipt=True)


def _accepted(attempt: Attempt) -> Page:
    days = debit_days(attempt)
    return Page("accepted", _("Your bank debit is on its way"), [
        _("We have asked your bank for %(amount)s for %(what)s. You do not need to do anything, and please do not pay "
          "again.", amount=money(attempt.amount), what=what_for(attempt))], "wait", points=[
        _("%(day)s: the debit was accepted for sending.", day=day(days.sent_on)),
        _("About %(day)s: the money leaves your account. Please keep enough money on it.", day=day(days.leaves_on)),
        _("Until %(day)s: your bank may send the debit back, for example if there is not enough money. Then the amount is "
          "open again, and this page tells you.", day=day(days.final_on)),
    ], receipt=True)


def _unknown(attempt: Attempt) -> Page:
    return Page("unknown", _("We are asking your bank"), [
        _("We do not know yet whether the payment of %(amount)s went through. Please do not pay again.",
          amount=money(attempt.amount)),
        _("This page looks again every few seconds and shows the result by itself. You may also close it: if the payment "
          "went through, it will be shown among your payments; if not, nothing is taken.")],
        "wait", refresh=REFRESH_SECONDS)


def _review(attempt: Attempt) -> Page:
    return Page("review", _("We are checking this payment by hand"), [
        _("The payment company gave no clear answer about %(amount)s for %(what)s, so a person is looking into it. Please "
          "do not pay again.", amount=money(attempt.amount), what=what_for(attempt)),
        _("If money was taken, it counts for you; if not, you can pay later.")], "wait")


def _voided(attempt: Attempt) -> Page:
    return Page("voided", _("This payment was cancelled"), [
        _("The payment of %(amount)s for %(what)s was cancelled. The money is not taken, or goes back to where it came "
          "from.", amount=money(attempt.amount), what=what_for(attempt))], "bad")


def _declined(kind: str, row: Decline, pay_again: Callable[[str], str] | None, instrument: str) -> Page:
    if kind == "refused":
        return Page(kind, _("We cannot take payments at the moment"), [words.say(row.customer)], "bad")
    page = Page(kind, _("The payment was declined"), [words.say(row.customer)], "bad")
    if pay_again is None:
        return page
    if row.kind == "data":
        page.steps.append(Step(_("Correct the details"), pay_again(instrument), main=True))
        return page
    page.steps.append(Step(_("Use another card or account"), pay_again("card"), main=True))
    if row.kind != "hard":
        page.steps.append(Step(_("Try again"), pay_again("")))
    return page


def _returned(attempt: Attempt, pay_again: Callable[[str], str] | None) -> Page:
    held = max((line.hold_until for line in attempt.lines if line.hold_until is not None), default=None)
    page = Page("returned", _("Your bank sent the debit back"), [
        _("The debit of %(amount)s for %(what)s came back unpaid: %(reason)s", amount=money(attempt.amount),
          what=what_for(attempt), reason=words.say(return_words.why(attempt.return_code))),
        # Another payment while the bank may be asked once more would be taken twice.
        _("The amount is open again.") if held is None else
        _("Your bank may be asked for it once more until %(day)s. Please do not pay it in another way before that day; if "
          "you want to pay sooner, contact us.", day=day(held))], "bad")
    if pay_again is not None and held is None:
        page.steps.append(Step(_("Pay another way"), pay_again("card"), main=True))
    return page
