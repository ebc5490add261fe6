"""The staff's door: pages inside the host's admin. Everybody here is an administrator of the host.

No route of it takes a card or account number: staff charge what the customer has saved, and nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint

from splynx_ippay import auth

if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any

bp = Blueprint("admin", __name__, url_prefix="/ippay/admin", template_folder="templates")
bp.before_request(auth.require_staff)


def stamp(value: datetime) -> str:
    """Day and time in the order and zone the host's tables use."""
    return f"{value.astimezone():%Y-%m-%d %H:%M}"


@bp.context_processor
def _door() -> dict[str, Any]:
    return {"door": "admin", "stamp": stamp, "may": rights.may, "who": words.who}


from splynx_ippay.admin import rights, words  # noqa: E402 - rights asks which administrator, and of what partner

bp.before_request(rights.require_right)

from splynx_ippay.admin import (  # noqa: E402, F401 - they register their routes on bp
    asking,
    customers,
    decide,
    failed,
    health,
    links_page,
    log_page,
    methods,
    missing_zip,
    overview,
    pay,
    payments,
    runs,
    settings_page,
    topup,
)
