"""What is planned to be charged from a saved method. Reads only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from splynx_ippay.runs.models import ItemState, Run, RunItem, RunState

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_MAY_STILL_CHARGE = (RunState.PLANNING, RunState.PREVIEWED, RunState.RUNNING, RunState.STOPPED)


def count_planned(session: Session, method_id: int) -> int:
    """How many invoices of runs that are prepared, under way or stopped would be charged from this method."""
    return session.scalar(select(func.count()).select_from(RunItem).join(Run, Run.id == RunItem.run_id).where(
        RunItem.method_id == method_id, RunItem.state == ItemState.READY, Run.state.in_(_MAY_STILL_CHARGE))) or 0
