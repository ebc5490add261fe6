"""Links in the host's documents: the additional field ``ippay_link``, filled by events and by the sweep.

Owns when a link is written. Must never write twice for one event, nor because of the event its own writing causes.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy.exc import IntegrityError

from splynx_ippay.base import clock
from splynx_ippay.base.errors import HostRejected
from splynx_ippay.links import signed

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy.orm import Session

    from splynx_ippay.links.signed import Standing
    from splynx_ippay.payments.core import Core
    from splynx_ippay.splynx.attributes import Attributed

_log = logging.getLogger(__name__)

FIELD = "ippay_link"
FIELD_TITLE = "Payment link"
# The host's names for where an additional field belongs (docs/WIRE.md: inferred).
MAIN_MODULES = {"invoice": "invoices", "proforma": "requests"}
SWEEP_DAYS = 7
_MOST_A_SWEEP = 500
# A field that is empty again so soon after it was written tells of the time before the writing.
_JUST_WRITTEN = timedelta(minutes=1)
# A host that keeps showing nothing (the field is not registered) is not asked more often than this.
_WRITTEN_LATELY = timedelta(days=1)
_NOT_FOUND = 404


def is_on(core: Core) -> bool:
    """Whether links are written at all."""
    return core.settings.flag("links_in_documents")


def valid_for(core: Core) -> timedelta | None:
    """How long a link opens, by the settings; None for ever. Raises ConfigError."""
    days = core.settings.integer("link_days")
    return timedelta(days=days) if days > 0 else None


def fill(core: Core, document: str, document_id: int, *, shown: str | None) -> None:
    """Write the link of one document; ``shown`` is what the field holds by the event, None where it does not say.

    One host call, or none where the link stands there. Raises HostUnavailable, HostRejected, ConfigError.
    """
    standing = _ensure(core, document, [document_id], by="webhook").get(document_id)
    if standing is None:
        return
    address = signed.address_of(core.settings, standing.token)
    if shown != address:
        if standing.written_at is not None and (shown is None or standing.written_at > clock.now() - _JUST_WRITTEN):
            return
        try:
            core.host.put_additional_attributes(document, document_id, {FIELD: address})
        except HostRejected as error:
            if error.status == _NOT_FOUND:
                return
            raise
    elif standing.written_at is not None:
        return
    core.database.run(lambda session: signed.note_written(session, document, [document_id]))


def rewrite(core: Core, document: str, document_id: int, address: str) -> None:
    """Write a new link, or nothing, over one that opens nothing any more. Raises HostUnavailable, HostRejected."""
    if not is_on(core):
        return
    core.host.put_additional_attributes(document, document_id, {FIELD: address})
    core.database.run(lambda session: signed.note_written(session, document, [document_id]))


def sweep(core: Core) -> int:
    """Write the links of unpaid documents of the last days that have none, for events that never came; how many."""
    if not is_on(core):
        return 0
    since = (clock.now() - timedelta(days=SWEEP_DAYS)).date()
    written = 0
    for document in MAIN_MODULES:
        for page in core.host.unpaid_attribute_pages(document, FIELD, since):
            written += _fill_page(core, document, [one for one in page if not one.value][:_MOST_A_SWEEP - written])
            if written >= _MOST_A_SWEEP:
                return written
    return written


def _fill_page(core: Core, document: str, empty: list[Attributed]) -> int:
    """One transaction for all links of the page, one call a document, one transaction to note them."""
    if not empty:
        return 0
    standing = _ensure(core, document, [one.id for one in empty], by="sweep")
    lately = clock.now() - _WRITTEN_LATELY
    done: list[int] = []
    try:
        for document_id, link in standing.items():
            if link.written_at is None or link.written_at < lately:
                core.host.put_additional_attributes(document, document_id, {FIELD: signed.address_of(core.settings, link.token)})
                done.append(document_id)
    finally:
        if done:
            core.database.run(lambda session: signed.note_written(session, document, done))
            _log.info("wrote the links of %d documents (%s) for which no event had come", len(done), document)
    return len(done)


def _ensure(core: Core, document: str, document_ids: Collection[int], *, by: str) -> dict[int, Standing]:
    period = valid_for(core)

    def work(session: Session) -> dict[int, Standing]:
        return signed.ensure(session, core.box, document, document_ids, created_by=by, valid_for=period)

    try:
        return core.database.run(work)
    except IntegrityError:
        # Somebody else made one of them meanwhile; now it is there to be read.
        return core.database.run(work)
