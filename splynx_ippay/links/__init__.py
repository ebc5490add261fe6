"""Payment links. Owns who may open what, until when; how links get into the host's documents; codes that prove a person.

The four documented URLs (by id and by number) carry no signature and are told apart in ``pay``. A link never moves
money by being opened.
"""

from __future__ import annotations

from splynx_ippay.links.models import CurrentLink, HookEvent, Link, OneTimeCode
from splynx_ippay.links.signed import address_of, create, find, revoke, standing_of

__all__ = ["CurrentLink", "HookEvent", "Link", "OneTimeCode", "address_of", "create", "find", "revoke", "standing_of"]
