"""Saved methods the bank has refused for good. Reads only: what follows from it is for the doors and for runs to say."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import case, func, select

from splynx_ippay.credentials import Method
from splynx_ippay.ippay.declines import DECLINES
from splynx_ippay.payments.models import Attempt, State

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy.orm import Session

_HARD = tuple(code for code, decline in DECLINES.items() if decline.kind == "hard")


class Refusal(NamedTuple):
    """The gateway's code, and when it was said."""

    code: str
    at: datetime


def refused_for_good(session: Session, customer_ids: Collection[int], method_ids: Collection[int]) -> dict[int, Refusal]:
    """By method: its newest hard refusal, where no later approval contradicts it and its number is still that one. One query."""
    hard = case(((Attempt.state == State.DECLINED) & Attempt.action_code.in_(_HARD), Attempt.id))
    good = case((Attempt.state.in_([State.APPROVED, State.ACCEPTED]), Attempt.id))
    last = (select(func.max(hard).label("hard"), func.max(good).label("good"))
            .where(Attempt.customer_id.in_(customer_ids), Attempt.method_id.in_(method_ids))
            .group_by(Attempt.method_id).subquery())
    rows = session.execute(
        select(Attempt.method_id, Attempt.action_code, Attempt.state_at).join(last, last.c.hard == Attempt.id)
        .join(Method, Method.id == Attempt.method_id)
        .where((last.c.good.is_(None)) | (last.c.good < last.c.hard), Method.last_four == Attempt.last_four))
    return {method_id: Refusal(code, at) for method_id, code, at in rows if method_id is not None}
