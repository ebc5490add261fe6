"""What was mailed about one payment: for the staff's timeline and for the payer's own page. Reads rows, sends nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from splynx_ippay.notifications import MailState, OutboxMail

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

# Which mail says what a page says, by the page's ending (payments.view).
_KIND_OF = {"approved": "paid", "accepted": "debit_received", "settled": "debit_paid"}
# Why a mail does not go out that is ours to mend, and not about one customer.
_OURS = ("not_taken", "splynx_away", "our_fault", "interrupted")


def mails_about(session: Session, attempt_id: int) -> list[OutboxMail]:
    """Every mail that was owed about a payment, oldest first."""
    return list(session.scalars(select(OutboxMail).where(OutboxMail.attempt_id == attempt_id).order_by(OutboxMail.id)))


def confirmed_to(session: Session, attempt_id: int, ending: str) -> str:
    """The masked address to which the mail of this ending has gone out, "" when it has not."""
    return session.scalars(select(OutboxMail.sent_to).where(
        OutboxMail.attempt_id == attempt_id, OutboxMail.kind == _KIND_OF.get(ending, ""), OutboxMail.state == MailState.SENT)
        .order_by(OutboxMail.id.desc())).first() or ""


def troubles(session: Session, since: datetime) -> dict[str, int]:
    """How many mails have waited, failed or ended unsure since then for a reason that is ours to mend, by reason."""
    rows = session.execute(select(OutboxMail.reason, func.count()).where(
        OutboxMail.state.in_([MailState.DUE, MailState.FAILED, MailState.UNSURE]), OutboxMail.reason.in_(_OURS),
        OutboxMail.state_at > since).group_by(OutboxMail.reason))
    return {row[0]: row[1] for row in rows}
