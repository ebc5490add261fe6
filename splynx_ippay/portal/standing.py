"""How each saved method stands: whether it can be charged, and if not why. The templates say it and what mends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from splynx_ippay import credentials
from splynx_ippay.payments import refusals

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.orm import Session

    from splynx_ippay.base.settings import TerminalSettings
    from splynx_ippay.credentials import Method

# Standings of a method that the next charge would meet in vain, or nearly so.
WANTS_ANOTHER = frozenset({"withdrawn", "disabled", "unusable", "expired", "refused", "expiring"})


def standings(session: Session, methods: Sequence[Method], terminal: TerminalSettings, *, asks_zip: bool) -> dict[int, str]:
    """By method: withdrawn, disabled, unusable (another terminal), expired, refused, expiring, no_zip, or "" for well."""
    refused = refusals.refused_for_good(session, {method.customer_id for method in methods}, [method.id for method in methods])
    return {method.id: _standing(method, terminal, is_refused=method.id in refused, asks_zip=asks_zip) for method in methods}


def _standing(method: Method, terminal: TerminalSettings, *, is_refused: bool, asks_zip: bool) -> str:
    facts = (
        ("withdrawn", method.revoked_at is not None), ("disabled", method.status == "disabled"),
        ("unusable", (method.terminal_id, method.environment) != (terminal.terminal_id, terminal.environment)),
        ("expired", method.is_expired()), ("refused", is_refused), ("expiring", method.is_expiring()),
        ("no_zip", asks_zip and method.instrument == "card" and not method.postal_code),
    )
    return next((name for name, is_so in facts if is_so), "")


def default_wants_another(methods: Sequence[Method], stands: Mapping[int, str]) -> bool:
    """Whether what is charged first cannot be charged, or soon cannot: what is added now should take its place."""
    return any(method.is_default and stands[method.id] in WANTS_ANOTHER for method in methods)


def replacement(methods: Sequence[Method], stands: Mapping[int, str]) -> Method | None:
    """What could be charged instead of a default that wants another: the newest that stands well."""
    if not default_wants_another(methods, stands):
        return None
    default = next(method for method in methods if method.is_default)
    return credentials.next_default(default, [method for method in methods if stands[method.id] not in WANTS_ANOTHER])
