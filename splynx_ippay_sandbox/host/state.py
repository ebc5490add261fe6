"""The host's memory: tables, registrations, web sessions, sent events.

Owned by the world and used under ``world.lock``. Customers and finance are emptied by a new seed; what add-ons have
registered and the key of the ready line stay.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from splynx_ippay_sandbox.host import columns, letters
from splynx_ippay_sandbox.host.registry import Registry
from splynx_ippay_sandbox.host.table import Row, Table

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path
    from threading import Thread

ADDON_FOLDER = "splynx-ippay"


@dataclass(slots=True)
class WebSession:
    """A browser's session: who is logged in where, its CSRF token, one message to show."""

    id: str = field(default_factory=lambda: secrets.token_hex(13))
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    customer_id: int = 0
    admin_id: int = 0
    sash: str = ""
    last_login: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Refresh:
    """A refresh token: whose it is and until when."""

    subject: str
    person: int
    expires_at: float


class HostState:
    """Every table of the host and the few things that are not rows."""

    def __init__(self, now: Callable[[], datetime], state_dir: Path, url: str = "") -> None:
        self.now = now
        self.folder = state_dir / "splynx"
        self.addons_folder = self.folder / "addons"
        self.registry = Registry()
        self.root_key = self.registry.add_key("root", everything=True)
        self.jwt_secret = secrets.token_bytes(32)
        self.settings_secret = secrets.token_bytes(32)
        self.sessions: dict[str, WebSession] = {}
        self.refreshes: dict[str, Refresh] = {}
        self.withdrawn: set[str] = set()
        self.events: list[dict[str, Any]] = []
        self.spreads_payments = True  # a payment that names no document pays debits and invoices, oldest first, as documented
        self.muted = False  # while a seed is sown nothing is an event
        self.passwords: dict[tuple[str, str], tuple[int, str]] = {}
        self.statement_numbers: dict[str, int] = {}
        self.currency = {"code": "USD", "symbol": "$"}
        self.url = url
        self.templates = letters.defaults()
        self.deliveries: list[Thread] = []
        self._make_tables()

    def _make_tables(self) -> None:
        self.partners = Table("partners", columns.PARTNER)
        self.locations = Table("locations", columns.LOCATION)
        self.administrators = Table("administrators", columns.ADMINISTRATOR, ("login",))
        self.customers = Table("customers", columns.CUSTOMER, ("partner_id", "login", "status"))
        self.billing = Table("billing", columns.BILLING)
        self.accounts = Table("payment_accounts", columns.PAYMENT_ACCOUNT, ("customer_id", "account_id"))
        self.invoices = Table("invoices", columns.INVOICE, ("number", "customer_id", "status"))
        self.requests = Table("requests", columns.REQUEST, ("number", "customer_id", "status"))
        self.payments = Table("payments", columns.PAYMENT, ("field_1", "customer_id", "invoice_id", "request_id"))
        self.transactions = Table("transactions", columns.TRANSACTION, ("customer_id", "payment_id", "invoice_id"))
        self.categories = Table("transaction_categories", columns.CATEGORY)
        self.methods = Table("payment_methods", columns.PAYMENT_METHOD)
        self.statements = Table("statements", columns.STATEMENT, ("title",))
        self.records = Table("statement_records", columns.RECORD, ("bank_statements_process_id", "customer_id", "payment_id"))
        # How each payment was spread: payment id -> [(invoice id, cents)]. The API does not show it; the deletion needs it.
        self.allocations: dict[int, list[tuple[int, int]]] = {}

    def empty(self) -> None:
        """Forget customers, finance, sessions and events; keep keys, modules, entry points, methods and account kinds."""
        for table in (
            self.partners, self.locations, self.administrators, self.customers, self.billing, self.accounts, self.invoices,
            self.requests, self.payments, self.transactions, self.categories, self.statements, self.records,
        ):
            table.clear()
        self.allocations.clear()
        self.spreads_payments = True
        self.sessions.clear()
        self.events.clear()
        self.passwords.clear()
        self.statement_numbers.clear()
        self.templates = letters.defaults()
        for key in self.registry.keys.values():
            key.last_nonce = 0  # the clock may have been moved back, and nonces are made from it

    def stamp(self) -> str:
        """Return the host's time as its database writes it (UTC)."""
        return self.now().strftime("%Y-%m-%d %H:%M:%S")

    def today(self) -> str:
        """Return the host's date."""
        return self.now().date().isoformat()

    def ready(self) -> dict[str, Any]:
        """Return what the ready line says about the host."""
        by_person = {person: (login, password) for (kind, login), (person, password) in self.passwords.items() if kind == "customer"}
        first = [self.customers.rows[row_id] for row_id in sorted(by_person)[:5]]
        staff, second_staff = (
            {"login": login, "password": password, "id": staff_id}
            for (kind, login), (staff_id, password) in self.passwords.items() if kind == "admin"
        )
        return {
            "api_key": self.root_key.key,
            "api_secret": self.root_key.secret,
            "customers": [
                {"id": row["id"], "login": row["login"], "password": by_person[row["id"]][1], "name": row["name"]} for row in first
            ],
            "staff": staff,
            "second_staff": second_staff,
            "addon_cli": str(self.folder / "system" / "script" / "addon"),
            "addon_dir": str(self.addons_folder / ADDON_FOLDER),
        }

    def ledger(self) -> dict[str, list[Row]]:
        """Return everything really booked, deleted rows too, as the oracle of tests."""
        tables = {
            "payments": self.payments, "invoices": self.invoices, "requests": self.requests, "statements": self.statements,
            "statement_records": self.records, "payment_accounts": self.accounts, "transactions": self.transactions,
        }
        return {name: [table.show(row) for row in table] for name, table in tables.items()}

    def check_password(self, kind: str, login: str, password: str) -> int:
        """Return the id of the customer or administrator, or 0 if login and password do not fit."""
        person, expected = self.passwords.get((kind, login), (0, ""))
        fits = secrets.compare_digest(password.encode(), expected.encode())
        return person if fits and person else 0

    def admin_of_sash(self, sash: str) -> int:
        """Return the administrator whose session has this hash, or 0."""
        sessions = (session for session in self.sessions.values() if session.admin_id and session.sash)
        return next((session.admin_id for session in sessions if secrets.compare_digest(session.sash, sash)), 0)
