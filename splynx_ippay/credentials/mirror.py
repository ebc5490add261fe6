"""Which customers' saved methods the host has yet to be shown: one row a customer, counted up with every change.

Written in the transaction of the change itself, so that no change is forgotten; told by ``payments.mirroring``.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import String, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from splynx_ippay.base.db import Row, UtcDateTime

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


class AccountMirror(Row):
    """What the host was told of a customer's saved methods: ``told`` lags behind ``wanted`` until it was."""

    __tablename__ = "account_mirror"

    customer_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    wanted: Mapped[int] = mapped_column(default=1)
    told: Mapped[int] = mapped_column(default=0)
    tries: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    problem: Mapped[str] = mapped_column(String(200), default="")


def mark(session: Session, customer_id: int) -> None:
    """The customer's methods changed."""
    counted = update(AccountMirror).where(AccountMirror.customer_id == customer_id).values(
        wanted=AccountMirror.wanted + 1, next_at=None).execution_options(synchronize_session=False)
    if session.execute(counted).rowcount:  # type: ignore[attr-defined]  # an UPDATE's result knows
        return
    try:
        with session.begin_nested():
            session.add(AccountMirror(customer_id=customer_id, wanted=1, told=0, tries=0))
    except IntegrityError:  # somebody else's change came first
        session.execute(counted)
