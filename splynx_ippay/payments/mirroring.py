"""Showing staff in the host what a customer has saved: masked fields of the customer's payment account there.

Must never write a token, a card number or an account number: only what ``_FACTS`` names can be mapped to a field.
"""

from __future__ import annotations

import logging
import re
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import or_, select, update

from splynx_ippay import credentials
from splynx_ippay.base import clock
from splynx_ippay.base.errors import ConfigError, HostError
from splynx_ippay.credentials import AccountMirror, Method

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from splynx_ippay.payments.core import Core

log = logging.getLogger(__name__)

_BATCH = 100
_SOON, _LATEST = timedelta(minutes=1), timedelta(hours=6)
_FIELD = re.compile(r"field_([1-9]|10)")
_ACCOUNT_TYPES = {"CHECKING": "Checking", "SAVINGS": "Savings", "BUSINESS_CHECKING": "Business checking"}

# What a field may show, of the card ("card") or bank account ("bank") that would be charged first.
_FACTS: dict[str, tuple[str, Callable[[Method], str]]] = {
    "brand": ("card", lambda card: card.brand),
    "holder": ("card", lambda card: card.holder),
    "last_four": ("card", lambda card: card.last_four),
    "expiry": ("card", lambda card: f"{card.exp_month:02d}/{card.exp_year}" if card.exp_month else ""),
    "postal_code": ("card", lambda card: card.postal_code),
    "account": ("bank", lambda bank: f"****{bank.last_four}"),
    "routing": ("bank", lambda bank: bank.routing),
    "account_name": ("bank", lambda bank: bank.holder),
    "account_type": ("bank", lambda bank: _ACCOUNT_TYPES.get(bank.account_kind, "")),
}


def tick(core: Core) -> int:
    """Tell the host of every customer whose methods changed; returns how many were told.

    Does nothing while no payment account is chosen. Raises ConfigError for a field map that cannot be read.
    """
    account = core.settings.integer("payment_account")
    if not account:
        return 0
    fields = field_map(core)
    if not fields:
        return 0
    now = clock.now()
    with core.database.read() as session:
        due = session.scalars(
            select(AccountMirror).where(AccountMirror.told < AccountMirror.wanted,
                   or_(AccountMirror.next_at.is_(None), AccountMirror.next_at <= now))
            .order_by(AccountMirror.next_at, AccountMirror.customer_id).limit(_BATCH)).all()
    return sum(_tell(core, account, fields, row) for row in due)


def field_map(core: Core) -> dict[str, str]:
    """The setting as field → fact: ``field_3=last_four, field_4=expiry``. Raises ConfigError naming what is wrong."""
    found: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in core.settings.text("payment_account_fields").split(","))):
        field, _, fact = (part.strip() for part in pair.partition("="))
        if not _FIELD.fullmatch(field) or fact not in _FACTS or field in found:
            raise ConfigError(f"the setting 'Fields of the payment account' has {pair!r}; write for example "
                              f"field_3=last_four, each field once. Known: {', '.join(_FACTS)}")
        found[field] = fact
    return found


def shown(methods: Sequence[Method], fields: dict[str, str]) -> dict[str, str]:
    """What the host's fields show of these methods (default first, then newest); "" where there is none."""
    first: dict[str, Method] = {}
    for method in methods:
        if method.status == "active":
            first.setdefault(method.instrument, method)
    values = {}
    for field, fact in fields.items():
        kind, read = _FACTS[fact]
        values[field] = read(first[kind]) if kind in first else ""
    return values


def _tell(core: Core, account: int, fields: dict[str, str], row: AccountMirror) -> bool:
    with core.database.read() as session:
        methods = credentials.all_methods_of(session, row.customer_id)
    try:
        core.host.put_payment_account(row.customer_id, account, shown(methods, fields))
    except HostError as error:
        again = clock.now() + min(_LATEST, _SOON * 2 ** min(row.tries, 10))
        _note(core, row.customer_id, tries=row.tries + 1, next_at=again, problem=str(error)[:200])
        log.warning("customer %s: the payment account in Splynx was not updated: %s", row.customer_id, error)
        return False
    # A change meanwhile has counted ``wanted`` up beyond what was read: the next round tells it.
    _note(core, row.customer_id, told=row.wanted, tries=0, next_at=None, problem="")
    return True


def _note(core: Core, customer_id: int, **columns: object) -> None:
    core.database.run(lambda session: session.execute(
        update(AccountMirror).where(AccountMirror.customer_id == customer_id).values(**columns)))
