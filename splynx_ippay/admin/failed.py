"""The list of failed payments, which empties as people pay, and the same as a file."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from flask import render_template, request
from flask_babel import gettext as _

from splynx_ippay.admin import access, bp, rights, sheets, words
from splynx_ippay.admin.payments import customer_names
from splynx_ippay.asks import debts, failures, last_asks
from splynx_ippay.base import clock
from splynx_ippay.base.errors import ConfigError, HostError
from splynx_ippay.base.money import Money
from splynx_ippay.checkout.endings import source_of
from splynx_ippay.ippay.declines import decline_for
from splynx_ippay.splynx.resources import NOT_PAID, InvoiceFilter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask.typing import ResponseReturnValue

    from splynx_ippay.asks import Ask
    from splynx_ippay.asks.failures import Failure
    from splynx_ippay.payments.core import Core

DAYS = (30, 90, 365)
_CALL = 80


@bp.get("/failed")
def failed() -> ResponseReturnValue:
    """Debts whose last payment failed and that are open still: reason in words, tries, next step."""
    core, days, page = access.core(), _days(), _page()
    with core.database.read() as session:
        found, more = failures.page_of(session, since=clock.now() - timedelta(days=days), partner_id=access.own_partner(), page=page)
    still, due = _still_open(core, found)
    names = customer_names(core, {failure.attempt.customer_id for failure in still})
    return render_template("admin/failed.html", found=still, due=due, asked=_asked(core, still), target_of=debts.target_of,
                           can_ask=bool(still) and rights.may(rights.Right.CHARGE), elsewhere=len(found) - len(still), more=more, page=page, days=days,
                           choices=DAYS, names=names, words=words, source_of=source_of, reason_of=reason_of,
                           next_step=next_step, money_of=Money, tab="failed")


@bp.get("/failed.csv")
def failed_csv() -> ResponseReturnValue:
    """The same for a spreadsheet, all of it."""
    return sheets.answer("failed.csv", _lines(access.core(), _days(), access.own_partner()))


def reason_of(failure: Failure) -> str:
    """Why, in staff words."""
    return words.why(failure.attempt) or failure.attempt.reason


def next_step(failure: Failure) -> str:
    """What staff can do now."""
    attempt = failure.attempt
    if attempt.state == "returned":
        held = failure.line.hold_until
        if held is not None and held > clock.now():
            return _("The bank may be asked once more until %(day)s. Wait until then.", day=held.astimezone().date().isoformat())
        return _("Agree with the customer how it will be paid, then let automatic charging go on.")
    kind = decline_for(attempt.action_code, attempt.brand, attempt.response_text).kind
    if kind == "configuration":
        return _("Nothing is wrong with the customer's method. See the page Is all well?")
    return words.say(words.NEXT_STEPS, kind) if kind in words.NEXT_STEPS else _("Look at the payment.")


def _still_open(core: Core, found: list[Failure]) -> tuple[list[Failure], dict[int, Money]]:
    """Without what was paid outside of IPpay, and what is due now by line: one host call a page; without its answer our books must do."""
    numbers = tuple(failure.line.number for failure in found if failure.line.document == "invoice")
    if not numbers:
        return found, {}
    try:
        invoices = {invoice.id: invoice for page in core.host.invoice_pages(
            InvoiceFilter(numbers=numbers), core.settings.currency()) for invoice in page}
    except (HostError, ConfigError):
        return found, {}
    closed = {i for i, invoice in invoices.items() if invoice.deleted or invoice.status != NOT_PAID or not invoice.due}
    still = [failure for failure in found if failure.line.document != "invoice" or failure.line.document_id not in closed]
    return still, {failure.line.id: invoices[failure.line.document_id].due for failure in still
                   if failure.line.document == "invoice" and failure.line.document_id in invoices}


def _asked(core: Core, found: list[Failure]) -> dict[str, Ask]:
    """By debt: when the customer was last asked, and by whom."""
    with core.database.read() as session:
        return last_asks(session, [debts.target_of(failure) for failure in found])


def _lines(core: Core, days: int, partner_id: int | None) -> Iterator[str]:
    yield sheets.BOM + sheets.line([
        _("Document"), _("Number"), _("Customer ID"), _("Customer"), _("Amount"), _("Due now"), _("Currency"), _("Method"), _("Last try"),
        _("Tries"), _("Status"), _("Reason"), _("Next step"), _("Asked by mail"), _("Transaction ID")])
    with core.database.read() as session:
        for batch in failures.batches(session, since=clock.now() - timedelta(days=days), partner_id=partner_id, size=_CALL):
            still, due = _still_open(core, batch)
            names = customer_names(core, {failure.attempt.customer_id for failure in still})
            asked = last_asks(session, [debts.target_of(failure) for failure in still])
            for failure in still:
                yield sheets.line(_cells(failure, names, due.get(failure.line.id), asked.get(debts.target_of(failure))))
            session.expunge_all()


def _cells(failure: Failure, names: dict[int, str], due: Money | None, asked: Ask | None) -> list[str]:
    attempt, line = failure.attempt, failure.line
    return [words.say(words.DOCUMENTS, line.document), line.number, str(attempt.customer_id), names.get(attempt.customer_id, ""),
            str(Money(line.amount_cents, attempt.currency).decimal()), str(due.decimal()) if due else "", attempt.currency, source_of(attempt),
            f"{attempt.created_at.astimezone():%Y-%m-%d %H:%M}", str(failure.tries), words.say(words.STATES, attempt.state),
            reason_of(failure), next_step(failure), f"{asked.asked_at.astimezone():%Y-%m-%d %H:%M}" if asked else "", attempt.transaction_id]


def _days() -> int:
    text = request.args.get("days", "")
    return int(text) if text in set(map(str, DAYS)) else DAYS[1]


def _page() -> int:
    text = request.args.get("page", "")
    return int(text) if re.fullmatch(r"[1-9][0-9]{0,4}", text, re.ASCII) else 1
