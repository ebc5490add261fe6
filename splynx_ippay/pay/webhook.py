"""Where the host's hook calls: proves, takes and answers. The work is ``links.webhook``.

The host sends no cookie and no CSRF token; the signature over the raw body is what lets a call in (``app`` exempts it).
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from flask import request

from splynx_ippay.base.errors import ConfigError, HostError
from splynx_ippay.links import webhook
from splynx_ippay.pay import bp, desk

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

_log = logging.getLogger(__name__)

SIGNATURE = "X-Splynx-Signature"
_LARGEST = 1024 * 1024  # an invoice with many items


@bp.post("/webhook")
def receive() -> ResponseReturnValue:
    """Answer 200 ok for what was taken or is none of ours, 403 without our signature, 503 for: send it again later."""
    request.max_content_length = _LARGEST
    core, body, plain = desk.the_core(), request.get_data(cache=False), {"Content-Type": "text/plain; charset=utf-8"}
    if not webhook.is_signed(core.box, body, request.headers.get(SIGNATURE, "")):
        return ("ok", 200, plain) if webhook.is_ping(body, request.mimetype) else ("the signature does not fit", 403, plain)
    try:
        webhook.take(core, body, request.mimetype)
    except (HostError, ConfigError) as error:
        _log.warning("an event of Splynx could not be carried out yet: %s", error)
        return "later", 503, plain
    return "ok", 200, plain
