"""What the host tells us by webhook. Owns reading, proving and remembering its events about documents.

Wire: docs/WIRE.md "webhooks". The body is believed only with the HMAC of the secret that ``register`` shows; what it
says about money is never used.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from sqlalchemy import delete, update

from splynx_ippay.base import clock
from splynx_ippay.base.db import get_or_add
from splynx_ippay.links import fields, signed
from splynx_ippay.links.models import HookEvent
from splynx_ippay.splynx.attributes import value_of

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from splynx_ippay.base.crypto import KeyBox
    from splynx_ippay.payments.core import Core

PATH = "/ippay/webhook"
EVENTS = ("invoice/create", "invoice/edit", "proforma/create", "proforma/edit")
KEEP_EVENTS = timedelta(days=14)
_PURPOSE = "webhook"
_DOCUMENTS = {"Invoices": "invoice", "ProformaInvoices": "proforma"}
_ACTIONS = frozenset({"create", "edit"})
_OPEN = frozenset({"", "not_paid", "pending"})
_LARGEST_ID = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Told:
    """One event about a document of ours; ``shown`` is its link field, None where the event does not tell."""

    document: str
    document_id: int
    is_open: bool
    shown: str | None


def secret_of(box: KeyBox) -> str:
    """The secret for the host's hook: derived from the key file, so that no database holds it."""
    return box.secret(_PURPOSE).hex()


def is_signed(box: KeyBox, body: bytes, signature: str) -> bool:
    """Whether ``X-Splynx-Signature`` (hex HMAC-SHA1 of the raw body) was made with our secret; constant time."""
    given = signature.strip().lower().encode("utf-8", "replace")
    return any(hmac.compare_digest(hmac.new(key.hex().encode(), body, hashlib.sha1).hexdigest().encode(), given)
               for key in box.secrets(_PURPOSE))


def is_ping(body: bytes, mimetype: str) -> bool:
    """Whether the host only asks if anybody is there; it does not always sign that."""
    return _read(body, mimetype).get("type") == "ping"


def take(core: Core, body: bytes, mimetype: str) -> None:
    """Do what a proven event asks for, once. Raises HostUnavailable, HostRejected, ConfigError: then it may come again."""
    told = read(body, mimetype)
    if told is None or not told.is_open or not fields.is_on(core):
        return
    digest = hashlib.sha256(body).hexdigest()
    target = signed.target_of(told.document, told.document_id)

    def receive(session: Session) -> bool:
        row = get_or_add(session, HookEvent(digest=digest, target=target, received_at=clock.now()), digest)
        return row.done_at is None

    def done(session: Session) -> None:
        session.execute(update(HookEvent).where(HookEvent.digest == digest).values(done_at=clock.now()))

    if core.database.run(receive):
        fields.fill(core, told.document, told.document_id, shown=told.shown)
        core.database.run(done)


def read(body: bytes, mimetype: str) -> Told | None:
    """The event if it is a document that was made or changed, else None."""
    said = _read(body, mimetype)
    data = said.get("data")
    if said.get("type") != "event" or not isinstance(data, dict):
        return None
    document = _DOCUMENTS.get(str(data.get("model", "")).replace("/", "\\").rsplit("\\", 1)[-1])
    row = data.get("attributes")
    if document is None or data.get("action") not in _ACTIONS or not isinstance(row, dict):
        return None
    number = str(row.get("id", ""))
    if not (number.isascii() and number.isdigit() and 0 < int(number[:11]) <= _LARGEST_ID) or data.get("result", "success") != "success":
        return None
    is_open = str(row.get("status") or "") in _OPEN and str(row.get("deleted") or "0") == "0"
    shown = value_of({"additional_attributes": data.get("attributes_additional")}, fields.FIELD)
    return Told(document, int(number), is_open, value_of(row, fields.FIELD) if shown is None else shown)


def forget_old(session: Session) -> None:
    """Drop events that no repeated delivery reaches any more."""
    session.execute(delete(HookEvent).where(HookEvent.received_at < clock.now() - KEEP_EVENTS))


def _read(body: bytes, mimetype: str) -> dict[str, Any]:
    """The body as nested values, {} for anything unreadable; the host sends JSON or a form."""
    try:
        if mimetype == "application/x-www-form-urlencoded":
            return _nest(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=5000))
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _nest(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """``data[attributes][id]=7`` as nested values, as PHP writes them."""
    root: dict[str, Any] = {}
    for name, value in pairs:
        path = name.replace("]", "").split("[")
        inner = root
        for part in path[:-1]:
            step = inner.setdefault(part, {})
            if not isinstance(step, dict):
                break
            inner = step
        else:
            inner.setdefault(path[-1], value)
    return root
