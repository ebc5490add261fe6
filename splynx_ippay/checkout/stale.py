"""Forms that came too late. Owns what is kept of them for the fresh page: nothing of a card or an account.

What was typed waits in our signed session under the page's address, once, and is dropped when the page opens.
"""

from __future__ import annotations

from dataclasses import asdict

from flask import request, session

from splynx_ippay.checkout.payment import Typed

_KEY = "typed"
_LONGEST = 300  # of the page's address: all of a session has to fit into one cookie


def keep_typed() -> None:
    """Remember the harmless fields of the form that was refused, for the page it came from."""
    if len(request.full_path) > _LONGEST:
        return
    session[_KEY] = {"page": _page(request.full_path), "fields": asdict(Typed.read(request.form))}


def kept_for(page: str) -> Typed | None:
    """What was typed on this page before, once."""
    kept = session.get(_KEY)
    if not kept or kept.get("page") != _page(page):
        return None
    session.pop(_KEY)
    return Typed(**kept["fields"])


def _page(address: str) -> str:
    return address.rstrip("?")
