"""What the banks of saved cards told through the gateway: a new expiry, a new number, a closed account. One row a change.

Must never turn a newer expiry into an older one, change a card twice for one message, or show a token.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column

from splynx_ippay.base import clock
from splynx_ippay.base.db import Row, UtcDateTime, key_text
from splynx_ippay.credentials import mirror
from splynx_ippay.credentials.forms import brand_of
from splynx_ippay.credentials.methods import Method, disable

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from splynx_ippay.base.crypto import KeyBox

# Visa Account Updater's answers. A and V stand in IPpay's document; E, C and Q are inferred from Visa's (docs/WIRE.md).
CHANGES = frozenset({"A", "E", "V"})
CLOSES = {"C": "the card's bank says that the account is closed", "Q": "the card's bank asks to contact the cardholder"}
_MASKED = re.compile(r"([0-9]{6})[^0-9]{3,9}([0-9]{4})", re.ASCII)
_EXPIRY = re.compile(r"(0[1-9]|1[0-2])/([0-9]{2})", re.ASCII)


class MethodUpdate(Row):
    """One change of a saved card that its bank told: what staff and the customer are shown, and why a replay does nothing."""

    __tablename__ = "method_update"
    __table_args__ = (UniqueConstraint("method_id", "message"), Index("method_update_by_customer", "customer_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    method_id: Mapped[int] = mapped_column(ForeignKey("method.id"))
    customer_id: Mapped[int]
    message: Mapped[str] = mapped_column(key_text(32))  # a keyed digest: which message it was, without its tokens
    code: Mapped[str] = mapped_column(String(4))
    before: Mapped[str] = mapped_column(String(60))  # "Visa •••• 4242 01/27"
    after: Mapped[str] = mapped_column(String(60))  # "" where the card was closed
    told_at: Mapped[datetime] = mapped_column(UtcDateTime)
    applied_at: Mapped[datetime] = mapped_column(UtcDateTime)


@dataclass(frozen=True, slots=True)
class News:
    """What a bank tells of one card: texts as the report has them, "" where it has none; ``at`` aware."""

    terminal_id: str
    environment: str
    code: str
    at: datetime
    old_token: str = field(repr=False)
    new_token: str = field(default="", repr=False)
    masked: str = field(default="", repr=False)  # the new number, six and four digits
    expiry: str = ""  # MM/YY


def mark_of(box: KeyBox, token: str) -> str:
    """What a token is found by without being opened: a keyed digest, kept beside the encrypted token."""
    return box.sign("token mark", token.upper())


def apply(session: Session, box: KeyBox, news: News) -> int:
    """Change every saved card the news are about, each at most once; how many were changed."""
    marks = box.signatures("token mark", news.old_token.upper())
    about = session.scalars(select(Method).where(
        Method.token_mark.in_(marks), Method.terminal_id == news.terminal_id, Method.environment == news.environment,
        Method.instrument == "card", Method.status == "active").order_by(Method.id)).all()
    return sum(_apply(session, box, news, method) for method in about)


def _apply(session: Session, box: KeyBox, news: News, method: Method) -> bool:
    messages = box.signatures("card news", f"{news.code} {news.at.isoformat()} {news.old_token} {news.new_token} {news.expiry}")
    if news.at < method.created_at.replace(microsecond=0) or session.scalar(select(MethodUpdate.id).where(
            MethodUpdate.method_id == method.id, MethodUpdate.message.in_(messages))):
        return False  # the customer typed it in after that; or told before
    before, after = words_of(method), ""
    if news.code in CLOSES:
        disable(session, method.id, CLOSES[news.code])
    elif news.code in CHANGES and _change(box, news, method):
        after = words_of(method)
        method.changed_at = clock.now()
        mirror.mark(session, method.customer_id)
    else:
        return False
    session.add(MethodUpdate(method_id=method.id, customer_id=method.customer_id, message=messages[0], code=news.code,
                             before=before, after=after, told_at=news.at, applied_at=clock.now()))
    session.flush()
    return True


def _change(box: KeyBox, news: News, method: Method) -> bool:
    """Take over token, number and expiry as far as they are new; whether anything was."""
    is_new = False
    if news.new_token and news.new_token.upper() != news.old_token.upper():
        method.token_cipher, method.token_mark = box.encrypt(news.new_token), mark_of(box, news.new_token)
        is_new = True
        if masked := _MASKED.fullmatch(news.masked):
            digits = masked[1] + "0" * (len(news.masked) - 10) + masked[2]
            method.brand, method.last_four = brand_of(digits) or method.brand, masked[2]
    if shown := _EXPIRY.fullmatch(news.expiry):
        month, year = int(shown[1]), 2000 + int(shown[2])
        if (method.exp_year or 0, method.exp_month or 0) < (year, month):
            method.exp_month, method.exp_year = month, year
            is_new = True
    return is_new


def words_of(method: Method) -> str:
    """The card as its history names it: "Visa •••• 4242 01/27"."""
    expiry = f" {method.exp_month:02d}/{method.exp_year % 100:02d}" if method.exp_month and method.exp_year else ""
    return f"{method.label}{expiry}"


def updates_of(session: Session, customer_id: int) -> list[MethodUpdate]:
    """What banks told of a customer's cards, newest first."""
    return list(session.scalars(select(MethodUpdate).where(
        MethodUpdate.customer_id == customer_id).order_by(MethodUpdate.told_at.desc(), MethodUpdate.id.desc())))
