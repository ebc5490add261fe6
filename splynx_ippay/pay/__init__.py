"""The link door: nobody is logged in here. Opening an address moves no money and, unsigned, tells nothing."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("pay", __name__, url_prefix="/ippay", template_folder="templates")


@bp.context_processor
def _door() -> dict[str, str]:
    return {"door": "pay"}


from splynx_ippay.pay import signed, unsigned, webhook  # noqa: E402, F401 - they register their routes on bp
