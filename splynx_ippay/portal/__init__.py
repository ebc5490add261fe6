"""The customer's door: pages inside the host's portal. Everybody here is logged in; ids come from the login only."""

from __future__ import annotations

from flask import Blueprint

from splynx_ippay import auth
from splynx_ippay.checkout import branding

bp = Blueprint("portal", __name__, url_prefix="/ippay", template_folder="templates")
bp.before_request(auth.require_customer)


@bp.before_request
def _look() -> None:
    branding.show(auth.customer().partner_id)


@bp.context_processor
def _door() -> dict[str, str]:
    return {"door": "portal"}


from splynx_ippay.portal import (  # noqa: E402 - they register their routes on bp
    authorization_views,  # noqa: F401
    cart_views,  # noqa: F401
    credentials_views,  # noqa: F401
    pay_views,  # noqa: F401
)
