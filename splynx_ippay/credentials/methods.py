"""Saved cards and bank accounts: the rows, the default, consent and its withdrawal. Keeps token, brand, last four, expiry.

Must never hold a card number, a CVV or an account number. Every change is marked for the mirror in the host.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Boolean, Index, String, Text, select, update
from sqlalchemy.orm import Mapped, mapped_column

from splynx_ippay.base import clock
from splynx_ippay.base.db import Row, UtcDateTime, key_text
from splynx_ippay.base.errors import BadInput
from splynx_ippay.credentials import mirror
from splynx_ippay.credentials.forms import read_postal_code

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.orm import Session

GONE = "This saved method cannot be used any more. Please choose another one."


class Method(Row):
    """A saved card or bank account of a customer, on one terminal."""

    __tablename__ = "method"
    __table_args__ = (Index("method_by_customer", "customer_id", "status"), Index("method_by_token", "token_mark"))

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int]
    partner_id: Mapped[int]
    terminal_id: Mapped[str] = mapped_column(String(32))
    environment: Mapped[str] = mapped_column(String(12))
    instrument: Mapped[str] = mapped_column(String(4))  # card or bank
    token_cipher: Mapped[str] = mapped_column(Text, default="")  # "" once removed
    token_mark: Mapped[str] = mapped_column(key_text(32), default="")  # a keyed digest of it, to find it by
    brand: Mapped[str] = mapped_column(String(20), default="")
    last_four: Mapped[str] = mapped_column(String(4))
    exp_month: Mapped[int | None]
    exp_year: Mapped[int | None]
    holder: Mapped[str] = mapped_column(String(60))
    postal_code: Mapped[str] = mapped_column(String(12), default="")
    routing: Mapped[str] = mapped_column(String(9), default="")
    account_kind: Mapped[str] = mapped_column(String(20), default="")
    is_default: Mapped[bool] = mapped_column(Boolean, default=False)
    backup_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # since when the customer has it as the backup
    status: Mapped[str] = mapped_column(String(10), default="active")  # active, disabled, removed
    reason: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    consent_version: Mapped[str] = mapped_column(String(20), default="")
    consent_text: Mapped[str] = mapped_column(Text, default="")
    consent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    consent_address: Mapped[str] = mapped_column(String(45), default="")
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # the authorization to debit ended here
    revoked_by: Mapped[str] = mapped_column(String(80), default="")

    @property
    def label(self) -> str:
        """How people know it: "Visa •••• 4242" or "Bank account •••• 6789"."""
        return f"{self.brand or ('Card' if self.instrument == 'card' else 'Bank account')} •••• {self.last_four}"

    def is_expired(self) -> bool:
        """Whether the card's last month is over."""
        if self.exp_month is None or self.exp_year is None:
            return False
        today = clock.now()
        return (self.exp_year, self.exp_month) < (today.year, today.month)

    def is_expiring(self) -> bool:
        """Whether this is the card's last month."""
        today = clock.now()
        return (self.exp_year, self.exp_month) == (today.year, today.month)


def methods_of(session: Session, customer_id: int, *, terminal_id: str, environment: str) -> list[Method]:
    """The customer's usable methods on this terminal, default first, then newest."""
    return list(session.scalars(select(Method).where(
        Method.customer_id == customer_id, Method.status == "active", Method.terminal_id == terminal_id,
        Method.environment == environment).order_by(Method.is_default.desc(), Method.id.desc())))


def all_methods_of(session: Session, customer_id: int) -> list[Method]:
    """Everything not removed, disabled ones and those of other terminals included."""
    return list(session.scalars(select(Method).where(
        Method.customer_id == customer_id, Method.status != "removed").order_by(Method.is_default.desc(), Method.id.desc())))


def authorizations_of(session: Session, customer_id: int) -> list[Method]:
    """Every bank account the customer ever authorized debits from, removed ones included, newest first."""
    return list(session.scalars(select(Method).where(
        Method.customer_id == customer_id, Method.instrument == "bank", Method.consent_text != "")
        .order_by(Method.id.desc())))


def cards_without_postal_code(session: Session, *, environment: str, partner_id: int | None = None) -> list[Method]:
    """Active cards whose ZIP code is not known, by customer; ``partner_id`` None means all partners."""
    wanted = [Method.instrument == "card", Method.status == "active", Method.postal_code == "",
              Method.environment == environment]
    if partner_id is not None:
        wanted.append(Method.partner_id == partner_id)
    return list(session.scalars(select(Method).where(*wanted).order_by(Method.customer_id, Method.id)))


def get_own_method(session: Session, method_id: int, customer_id: int) -> Method:
    """The customer's own usable method; BadInput for a foreign, removed or disabled one (the same words for all)."""
    method = session.get(Method, method_id)
    if method is None or method.customer_id != customer_id or method.status != "active":
        raise BadInput("method", GONE)
    return method


def save(session: Session, method: Method) -> Method:
    """Keep a new method; it becomes the default if it is saved as such, or if nothing else could be charged."""
    others = session.scalars(select(Method).where(
        Method.customer_id == method.customer_id, Method.is_default.is_(True))).all()
    if not any(other.status == "active" and not other.is_expired() for other in others):
        method.is_default = True
    if method.is_default:
        for other in others:
            other.is_default = False
    session.add(method)
    session.flush()
    mirror.mark(session, method.customer_id)
    return method


def make_default(session: Session, method_id: int, customer_id: int) -> Method:
    """Charge this one from now on. Raises BadInput when it is not the customer's own."""
    method = get_own_method(session, method_id, customer_id)
    session.execute(update(Method).where(Method.customer_id == customer_id).values(is_default=False))
    method.is_default, method.backup_at, method.changed_at = True, None, clock.now()
    session.flush()
    mirror.mark(session, customer_id)
    return method


def set_backup(session: Session, method_id: int, customer_id: int, *, wanted: bool) -> Method:
    """Charge this one once where the default is declined in a Charge, or never; a customer has one at most.

    Raises BadInput when it is not the customer's own, or the default itself.
    """
    method = get_own_method(session, method_id, customer_id)
    if wanted and method.is_default:
        raise BadInput("method", GONE)
    session.execute(update(Method).where(Method.customer_id == customer_id).values(backup_at=None))
    method.backup_at, method.changed_at = clock.now() if wanted else None, clock.now()
    session.flush()
    return method


def set_postal_code(session: Session, method_id: int, customer_id: int, typed: str) -> Method:
    """Add the ZIP code to a saved card. Raises BadInput for what is no ZIP code, or no card of the customer's own."""
    postal_code = read_postal_code(typed, is_needed=True)
    method = get_own_method(session, method_id, customer_id)
    if method.instrument != "card":
        raise BadInput("method", GONE)
    method.postal_code, method.changed_at = postal_code, clock.now()
    session.flush()
    mirror.mark(session, customer_id)
    return method


def revoke(session: Session, method_id: int, customer_id: int, *, by: str) -> Method:
    """Withdraw the authorization to debit a bank account: nothing is debited any more; the record stays.

    Raises BadInput when it is not a usable bank account of the customer's own.
    """
    method = get_own_method(session, method_id, customer_id)
    if method.instrument != "bank":
        raise BadInput("method", GONE)
    now = clock.now()
    method.status, method.reason = "disabled", "the authorization was withdrawn"
    method.revoked_at, method.revoked_by, method.changed_at = now, by[:80], now
    _pass_default_on(session, method)
    mirror.mark(session, customer_id)
    return method


def remove(session: Session, method_id: int, customer_id: int, *, by: str = "") -> Method:
    """Forget the token, keep the consent; the newest that can be charged becomes the default."""
    method = session.get(Method, method_id)
    if method is None or method.customer_id != customer_id or method.status == "removed":
        raise BadInput("method", GONE)
    now = clock.now()
    method.status, method.token_cipher, method.token_mark, method.changed_at = "removed", "", "", now
    if method.consent_text and method.revoked_at is None:
        method.revoked_at, method.revoked_by = now, by[:80]
    _pass_default_on(session, method)
    mirror.mark(session, customer_id)
    return method


def _pass_default_on(session: Session, method: Method) -> None:
    """A method that is not used any more is no default; another takes its place, if one can."""
    was_default, method.is_default, method.backup_at = method.is_default, False, None
    session.flush()
    if was_default:
        rest = next_default(method, session.scalars(select(Method).where(Method.customer_id == method.customer_id)))
        if rest is not None:
            rest.is_default, rest.backup_at = True, None
            session.flush()


def next_default(method: Method, own: Iterable[Method]) -> Method | None:
    """Which of the customer's methods is charged once this one is gone: the newest that can be charged where it was."""
    usable = [one for one in own if one.id != method.id and one.status == "active" and not one.is_expired()
              and (one.terminal_id, one.environment) == (method.terminal_id, method.environment)]
    return max(usable, key=lambda one: one.id, default=None)


def disable(session: Session, method_id: int, reason: str) -> None:
    """Stop using a method after the bank said so; it stays visible with its reason, another becomes the default if one can."""
    method = session.get(Method, method_id)
    if method is not None and method.status == "active":
        method.status, method.reason, method.changed_at = "disabled", reason, clock.now()
        _pass_default_on(session, method)
        mirror.mark(session, method.customer_id)
