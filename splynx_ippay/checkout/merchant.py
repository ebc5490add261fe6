"""Who is paid. Owns the name receipts and authorizations show: that of the settings, else the host's, asked once a day."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from flask import current_app
from flask_babel import gettext as _

from splynx_ippay.base import clock
from splynx_ippay.base.errors import ConfigError, HostError
from splynx_ippay.checkout import branding

if TYPE_CHECKING:
    from flask import Flask

    from splynx_ippay.payments.core import Core

_FOR = timedelta(hours=24)


class _Names:
    """Partner names of one process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.until: datetime | None = None
        self.names: dict[int, str] = {}


def init_app(app: Flask) -> None:
    """Prepare the memory of names."""
    app.extensions["partner_names"] = _Names()


def merchant_name(core: Core, partner_id: int) -> str:
    """The partner's name; words that are true of every provider when the host does not tell, for a page must not fail."""
    return own_name(core, partner_id) or _("the internet provider")


def own_name(core: Core, partner_id: int) -> str:
    """The partner's name, "" where the host does not tell one."""
    memory: _Names = current_app.extensions["partner_names"]
    with memory.lock:
        fresh = memory.until is not None and memory.until > clock.now()
    if not fresh:
        try:
            names = {partner.id: partner.own_name for partner in core.host.partners()}
        except (HostError, ConfigError):
            names = memory.names
        with memory.lock:
            memory.names, memory.until = names, clock.now() + _FOR
    # The host is asked in any case: who measures us learns nothing about whose document it is.
    if brand := branding.name_of(core, partner_id):
        return brand
    return memory.names.get(partner_id, "")
