"""What an administrator may see: those the host binds to one partner see and charge that partner's customers only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import abort, current_app

from splynx_ippay import auth

if TYPE_CHECKING:
    from splynx_ippay.payments.core import Core
    from splynx_ippay.runs.models import Run


def core() -> Core:
    """The core of this application."""
    found: Core = current_app.extensions["core"]
    return found


def own_partner() -> int | None:
    """The one partner this administrator is bound to, None for all (the host says 0, or nothing)."""
    return auth.staff().partner_id or None


def may_see_partner(partner_id: int) -> bool:
    """Whether customers of this partner are this administrator's business."""
    return own_partner() in {None, partner_id}


def may_see_run(run: Run) -> bool:
    """Whoever is bound to one partner sees the runs over exactly that partner."""
    return own_partner() is None or run.filters.get("partner_ids") == [own_partner()]


def only_for_all_partners() -> None:
    """End the request with 403 for whoever is bound to one partner."""
    if own_partner() is not None:
        abort(403)
