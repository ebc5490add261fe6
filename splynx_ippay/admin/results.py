"""The result of a run: its items page by page, by result and by reason, and as a file for a spreadsheet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from flask_babel import gettext
from sqlalchemy import func, select

from splynx_ippay.admin import sheets
from splynx_ippay.base.money import Money
from splynx_ippay.payments.models import Attempt
from splynx_ippay.runs.models import Mode, Run, RunItem
from splynx_ippay.runs.progress import result_column, result_of
from splynx_ippay.runs.reasons import REASONS, RESULTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from splynx_ippay.payments.core import Core

PAGE = 100


class Row(NamedTuple):
    """One item and what is shown of its attempt."""

    item: RunItem
    result: str
    attempt_id: int | None
    transaction_id: str | None
    action_code: str | None
    response_text: str | None
    approval: str | None

    @property
    def amount(self) -> Money:
        """What the plan charges; for an item left alone, what is due."""
        return Money(self.item.amount_cents, self.item.currency)


@dataclass(frozen=True)
class Choice:
    """Which items to show: all, those of a reason ("" is "to be charged"), or of a result."""

    reason: str | None = None
    result: str | None = None
    page: int = 1

    def conditions(self, run_id: int) -> list[ColumnElement[bool]]:
        """As SQL."""
        wanted: list[ColumnElement[bool]] = [RunItem.run_id == run_id]
        if self.reason is not None:
            wanted.append(RunItem.reason == self.reason)
        if self.result is not None:
            wanted.append(result_column() == self.result)
        return wanted


_COLUMNS = (RunItem, Attempt.state, Attempt.id, Attempt.transaction_id, Attempt.action_code, Attempt.response_text,
            Attempt.approval)


def page_of(session: Session, run_id: int, choice: Choice) -> tuple[list[Row], bool]:
    """One page of items in order of document, and whether another follows. One query."""
    found = session.execute(
        select(*_COLUMNS).outerjoin(Attempt, Attempt.id == RunItem.attempt_id).where(*choice.conditions(run_id))
        .order_by(RunItem.document_id, RunItem.turn).offset((choice.page - 1) * PAGE).limit(PAGE + 1)).all()
    return [_row(*values) for values in found[:PAGE]], len(found) > PAGE


def reasons_of(session: Session, run_id: int) -> dict[str, tuple[int, int]]:
    """Count and cents by reason, "" for those to be charged; each debt once, whoever paid it in the end. One query."""
    rows = session.execute(select(RunItem.reason, func.count(), func.sum(RunItem.amount_cents))
                           .where(RunItem.run_id == run_id, RunItem.turn == 1).group_by(RunItem.reason))
    found = {reason: (count, int(cents)) for reason, count, cents in rows}
    return {reason: found[reason] for reason in ("", *REASONS) if reason in found}


def as_csv(core: Core, run_id: int) -> Iterator[str]:
    """The whole result as CSV, a piece at a time; UTF-8 with a mark, so that spreadsheets read names right."""
    with core.database.read() as session:
        is_balance = session.get_one(Run, run_id).mode == Mode.BALANCES
        before = ([gettext("Customer ID"), gettext("Customer"), gettext("Method"), gettext("Owed in Splynx"),
                   gettext("Of that open invoices")] if is_balance else
                  [gettext("Invoice"), gettext("Invoice ID"), gettext("Customer ID"), gettext("Customer"), gettext("Method"),
                   gettext("Total")])
        yield sheets.BOM + sheets.line([
            *before, gettext("Amount"), gettext("Currency"), gettext("Result"), gettext("Reason"), gettext("Detail"),
            gettext("Transaction ID"), gettext("Approval"), gettext("Code"), gettext("Answer")])
        found = session.execute(
            select(*_COLUMNS).outerjoin(Attempt, Attempt.id == RunItem.attempt_id).where(RunItem.run_id == run_id)
            .order_by(RunItem.document_id, RunItem.turn).execution_options(yield_per=500))
        for values in found:
            row = _row(*values)
            session.expunge(row.item)
            yield sheets.line(_cells(row))


def _cells(row: Row) -> list[str]:
    item = row.item
    before = [str(item.customer_id), item.customer_name, item.method_label, str(Money(item.total_cents, item.currency).decimal())]
    before = ([*before, str(Money(item.open_cents, item.currency).decimal())] if item.document == "balance"
              else [item.number, str(item.document_id), *before])
    return [*before, str(row.amount.decimal()), item.currency,
            gettext(RESULTS.get(row.result, row.result)), gettext(REASONS[item.reason]) if item.reason in REASONS else "",
            item.detail, row.transaction_id or "", row.approval or "", row.action_code or "", row.response_text or ""]


def _row(item: RunItem, attempt_state: str | None, *rest: str | int | None) -> Row:
    return Row(item, result_of(item.state, attempt_state), *rest)  # type: ignore[arg-type]  # the order of _COLUMNS
