"""What an administrator of the host may do here: one table of routes, enforced before every one of them.

The host's roles are given rights in the settings. A route without a row is closed to everybody, so that a new page
cannot be forgotten. Must never look at anything a browser sent: the role is the host's own answer (auth.py).
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING

from flask import render_template, request
from flask_babel import gettext as _

from splynx_ippay import auth
from splynx_ippay.admin.access import core, own_partner
from splynx_ippay.base.marks import N_
from splynx_ippay.base.setting_table import BY_KEY

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue


class Right(StrEnum):
    """Four rights; whoever has one of the other three may look, too."""

    VIEW = "view"
    CHARGE = "charge"
    REFUND = "refund"
    CONFIGURE = "configure"


# By endpoint of the staff's blueprint.
RIGHT_OF: dict[str, Right] = {
    "payment_list": Right.VIEW, "payments_csv": Right.VIEW, "payment": Right.VIEW, "paid": Right.VIEW,
    "failed": Right.VIEW, "failed_csv": Right.VIEW,
    "overview": Right.VIEW, "customer": Right.VIEW, "customer_automatic": Right.CHARGE,
    "method_default": Right.CHARGE, "method_removal": Right.CHARGE, "method_remove": Right.CHARGE,
    "topup": Right.CHARGE, "topup_now": Right.CHARGE,
    "history": Right.VIEW, "run": Right.VIEW, "run_progress": Right.VIEW, "run_csv": Right.VIEW,
    "health": Right.VIEW, "release": Right.CONFIGURE, "links_page": Right.VIEW,
    "missing_zip": Right.VIEW, "missing_zip_csv": Right.VIEW,
    "ask_failed": Right.CHARGE, "ask_failed_now": Right.CHARGE, "ask_zip": Right.CHARGE, "ask_zip_now": Right.CHARGE,
    "settings": Right.CONFIGURE, "settings_save": Right.CONFIGURE, "settings_picture": Right.CONFIGURE,
    "audit_page": Right.CONFIGURE,
    "log": Right.CONFIGURE,
    "review": Right.VIEW, "payment_ask": Right.REFUND, "payment_decide": Right.REFUND, "line_decide": Right.REFUND,
    "decision_confirm": Right.REFUND, "decision_withdraw": Right.REFUND,
    "pay_invoice": Right.CHARGE, "pay_invoice_now": Right.CHARGE,
    "pay_request": Right.CHARGE, "pay_request_now": Right.CHARGE,
    "charge": Right.CHARGE, "preview": Right.CHARGE,
    "run_start": Right.CHARGE, "run_stop": Right.CHARGE, "run_resume": Right.CHARGE, "run_discard": Right.CHARGE,
}
_REFUSED = {
    Right.VIEW: N_("Your role in Splynx does not allow you to look at payments by IpPay."),
    Right.CHARGE: N_("Your role in Splynx does not allow you to charge customers here."),
    Right.REFUND: N_("Your role in Splynx does not allow you to give money back, or to decide what became of a payment."),
    Right.CONFIGURE: N_("Your role in Splynx does not allow you to set up this add-on."),
}
_EVERYBODY = "*"


def may(right: Right | str) -> bool:
    """Whether the administrator asking has a right; who is bound to one partner sets nothing up for all."""
    if right == Right.CONFIGURE and own_partner() is not None:
        return False
    wanted = [right] if right != Right.VIEW else [*Right]
    role = _plain(auth.staff().role)
    return any(bool({_EVERYBODY, role} & roles_with(Right(one))) for one in wanted)


def roles_with(right: Right) -> set[str]:
    """The roles the settings give a right, written as the host writes them: small letters, hyphens."""
    return {_plain(name) for name in core().settings.text(f"roles_{right}").split(",")} - {""}


def require_right() -> ResponseReturnValue | None:
    """For ``before_request``, after ``auth.require_staff``: 403 with words unless the route's right is there."""
    right = RIGHT_OF.get((request.endpoint or "").partition(".")[2])
    if right is not None and may(right):
        return None
    return render_template("admin/refused.html", sentence=_(_REFUSED[right]) if right else _("This page is open to nobody."),
                           bound=right == Right.CONFIGURE and own_partner() is not None, role=auth.staff().role,
                           setting=BY_KEY[f"roles_{right}"].title if right else ""), 403


def _plain(name: str) -> str:
    return name.strip() if name.strip() == _EVERYBODY else re.sub(r"[\s_-]+", "-", name.strip().casefold())
