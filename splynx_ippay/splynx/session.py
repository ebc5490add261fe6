"""Who opened the add-on's page, as the host says. Owns the exchange of a session or a sash for an identity.

Must never believe an id that the browser sent: the only proof is the host's own answer. Session ids and sashes are
secrets and appear in no error or log.
"""

from __future__ import annotations

import base64
import binascii
import http
import json
import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from splynx_ippay.base.errors import HostRejected, HostUnavailable
from splynx_ippay.splynx.resources import PARTNERS
from splynx_ippay.splynx.values import read_id, read_number, read_text, unreadable

if TYPE_CHECKING:
    from splynx_ippay.splynx.client import SplynxClient

_log = logging.getLogger(__name__)

# PHP's session ids are [A-Za-z0-9,-]; more is allowed for other session stores, nothing that could end a header.
_SESSION_ID = re.compile(r"[A-Za-z0-9,._~+/=-]{8,256}", re.ASCII)
_SASH = re.compile(r"[A-Za-z0-9._~-]{8,256}", re.ASCII)
ADMINISTRATORS = "admin/administration/administrators"
_LONGEST_NAME = 50
# What the host answers to a session that is over or never was; 403 and 404 come from versions that say so differently.
_NO_SESSION = {400, 401, 403, 404, 422}


@dataclass(frozen=True, slots=True)
class Staff:
    """An administrator of the host. ``role`` and ``name`` are empty and ``partner_id`` None where the host did not tell."""

    id: int
    role: str
    partner_id: int | None
    name: str = ""


def customer_of_session(client: SplynxClient, session_id: str) -> int | None:
    """Return the id of the customer who is logged in to the portal with that session, at one call.

    None when it is nobody's or an administrator's. Raises HostUnavailable when the host does not tell.
    """
    return _person_of_session(client, session_id, "customer")


def staff_of_session(client: SplynxClient, session_id: str) -> Staff | None:
    """Return the administrator who is logged in with that session, at one call; role and partner stay unknown.

    None when it is nobody's or a customer's. Raises HostUnavailable when the host does not tell.
    """
    staff_id = _person_of_session(client, session_id, "admin")
    return None if staff_id is None else Staff(staff_id, "", None)


def staff_record(client: SplynxClient, staff_id: int) -> Staff | None:
    """Return an administrator with role, partner and name, at one call; None where our API key may not read administrators.

    Raises HostUnavailable when the host does not tell.
    """
    try:
        row = client.get(f"{ADMINISTRATORS}/{staff_id:d}")
    except HostRejected as error:
        if error.status not in _NO_SESSION:
            raise
        _log.warning("Splynx does not let our API key read administrators; run: splynx-ippay register")
        return None
    if read_id(row, "id") != staff_id:
        raise unreadable("id")
    name = " ".join((read_text(row, "name") or read_text(row, "login")).split())
    return Staff(staff_id, read_text(row, "role_name")[:64], read_number(row, "partner_id"), name[:_LONGEST_NAME])


def staff_of_sash(client: SplynxClient, sash: str) -> Staff | None:
    """Return the administrator whose page carries that sash, at one call of API 1.0; None when it is nobody's.

    Raises HostUnavailable, and HostRejected when the API key lacks a permission.
    """
    if not _SASH.fullmatch(sash):
        return None
    try:
        headers = client.headers_for_sash(PARTNERS, {"limit": 1}, sash)
    except HostRejected as error:
        if error.status != http.HTTPStatus.UNAUTHORIZED:
            raise
        _log.info("Splynx does not accept the sash of an admin page, or not our API key")
        return None
    staff_id = _whole(headers.get("spl-administrator-id", ""))
    if not staff_id:
        return None
    return Staff(staff_id, headers.get("spl-administrator-role", "")[:64],
                 _whole(headers.get("spl-administrator-partner", "")))


def _person_of_session(client: SplynxClient, session_id: str, kind: str) -> int | None:
    if not _SESSION_ID.fullmatch(session_id):
        return None
    try:
        token = client.sign_in_with_session(session_id)
    except HostRejected as error:
        if error.status not in _NO_SESSION:
            raise
        return None
    claims = _claims(token)
    return (_whole(str(claims.get("id", ""))) or None) if claims.get("sub") == kind else None


def _claims(token: str) -> dict[str, Any]:
    """Read a JWT that came from the host itself over our own connection, so that its signature proves nothing more."""
    parts = token.split(".")
    try:
        payload = parts[1] + "=" * (-len(parts[1]) % 4)
        claims = json.loads(base64.b64decode(payload, altchars=b"-_", validate=True))
    except (IndexError, ValueError, binascii.Error, RecursionError):
        claims = None
    if not isinstance(claims, dict):
        raise HostUnavailable("Splynx sent an access token that does not say whose it is.")
    return claims


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None  # noqa: PLR2004 -- fits 64 bits
