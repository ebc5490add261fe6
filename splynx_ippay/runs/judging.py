"""Whether one invoice or balance of a Charge is charged, or why not. Owns the order in which reasons are named; asks nobody.

Must never say READY for a debt that another payment holds or that has no usable method on its partner's terminal.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

from splynx_ippay.base.errors import ConfigError
from splynx_ippay.base.money import Money
from splynx_ippay.payments import balance
from splynx_ippay.payments.due import NOTHING, rest_of
from splynx_ippay.splynx.resources import NOT_PAID, PENDING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from splynx_ippay.base.settings import Settings, TerminalSettings
    from splynx_ippay.credentials import Method
    from splynx_ippay.runs.facts import Facts
    from splynx_ippay.runs.filters import Payer
    from splynx_ippay.splynx.resources import Invoice


def chargeable(invoice: Invoice, facts: Facts) -> Money:
    """What may be taken on an invoice, by the one rule of ``payments.due``."""
    return rest_of(facts.taken.get(("invoice", invoice.id), NOTHING), host_due=invoice.due, total=invoice.total)


@dataclass(frozen=True, slots=True)
class Account:
    """A customer's account as the host shows it: all that is owed, and what open invoices make up of it."""

    customer_id: int
    owed: Money
    open_due: Money
    pending: str = ""  # number of an invoice the host shows as pending

    @classmethod
    def of(cls, customer_id: int, owed: Money, invoices: Iterable[Invoice]) -> Account:
        """Put it together from the balance and the customer's invoices that are not paid."""
        invoices = list(invoices)
        pending = next((invoice.number for invoice in invoices if invoice.status == PENDING), "")
        return cls(customer_id, owed, Money(sum(invoice.due.cents for invoice in invoices), owed.currency), pending)


def chargeable_balance(account: Account, facts: Facts) -> Money:
    """What may be taken of a balance, by the one rule of ``payments.balance``."""
    return balance.rest_of(account.owed, facts.hidden.get(account.customer_id, 0))


@dataclass
class Rules:
    """The settings as one plan sees them: read once, so that every invoice is judged alike. Raises ConfigError."""

    settings: Settings
    currency: str = ""
    need_zip: bool = False
    has_backups: bool = False
    minimum: Money = field(init=False)
    maximum: Money = field(init=False)  # zero: none
    _terminals: dict[int, TerminalSettings | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.currency = self.settings.currency()
        self.need_zip = self.settings.flag("zip_code_option")
        self.has_backups = self.settings.flag("backup_method")
        self.minimum, self.maximum = self._limit("minimum_amount"), self._limit("maximum_amount")

    def _limit(self, key: str) -> Money:
        try:
            return Money.from_host(self.settings.text(key) or "0", self.currency)
        except ValueError:
            raise ConfigError(f"the setting {key!r} must be an amount, for example 25.00") from None

    def terminal(self, partner_id: int) -> TerminalSettings | None:
        """The partner's terminal, None when it has none."""
        if partner_id not in self._terminals:
            try:
                self._terminals[partner_id] = self.settings.terminal(partner_id)
            except ConfigError:
                self._terminals[partner_id] = None
        return self._terminals[partner_id]

    def objection(self, invoice: Invoice, payer: Payer | None, facts: Facts) -> tuple[str, str]:
        """The first reason (a key of SKIP_REASONS, and its detail) not to charge the invoice; empty: charge it."""
        return next(chain(self._of_invoice(invoice, facts),
                          self._of_payer(invoice.customer_id, payer, facts, chargeable(invoice, facts))), ("", ""))

    def methods_of(self, customer_id: int, payer: Payer | None, facts: Facts, *, is_charged: bool) -> dict[str, Any]:
        """The columns of an item that say what is charged, and what once if that is declined softly: the customer's choice."""
        method, backup = facts.methods.get(customer_id), facts.backups.get(customer_id)
        terminal = self.terminal(payer.partner_id) if payer else None
        if (not is_charged or not self.has_backups or backup is None or terminal is None
                or next(self._of_method(backup, terminal, facts), None)):
            backup = None
        return {"method_id": method.id if method else None, "method_label": method.label[:40] if method else "",
                "backup_method_id": backup.id if backup else None, "backup_label": backup.label[:40] if backup else ""}

    def objection_to_balance(self, account: Account | None, payer: Payer | None, facts: Facts) -> tuple[str, str]:
        """The same of a customer's balance; without an account the customer is gone."""
        if account is None:
            return "customer_gone", ""
        return next(chain(self._of_account(account, facts),
                          self._of_payer(account.customer_id, payer, facts, chargeable_balance(account, facts))), ("", ""))

    def _of_payer(self, customer_id: int, payer: Payer | None, facts: Facts, amount: Money) -> Iterator[tuple[str, str]]:
        if payer is None:
            yield "customer_gone", ""
            return
        terminal = self.terminal(payer.partner_id)
        if terminal is None:
            yield "no_terminal", ""
            return
        if terminal.currency != self.currency:
            yield "other_currency", terminal.currency
        if customer_id in facts.stopped:
            yield "customer_stopped", facts.stopped[customer_id]
        if customer_id in facts.proformas:
            yield "proforma_pending", facts.proformas[customer_id]
        method = facts.methods.get(customer_id)
        if method is None:
            fallen = facts.fallen.get(customer_id)
            yield ("no_method", "") if fallen is None else ("method_disabled", fallen)
            return
        yield from self._of_method(method, terminal, facts)
        if self.maximum and self.maximum < amount:
            yield "over_maximum", str(self.maximum)
        if amount < self.minimum:
            yield "under_minimum", str(self.minimum)

    def _of_invoice(self, invoice: Invoice, facts: Facts) -> Iterator[tuple[str, str]]:
        if invoice.status == PENDING:
            yield "host_pending", ""
        if invoice.deleted or invoice.status != NOT_PAID or invoice.due.cents <= 0:
            yield "nothing_due", ""
        keys = (f"invoice:{invoice.id}", f"customer:{invoice.customer_id}")
        yield from (facts.held[key] for key in keys if key in facts.held)
        if not chargeable(invoice, facts):
            yield "taken_already", ""
        yield from (("in_other_run", f"#{facts.elsewhere[key]}") for key in keys if key in facts.elsewhere)

    def _of_account(self, account: Account, facts: Facts) -> Iterator[tuple[str, str]]:
        if not account.owed:
            yield "nothing_owed", ""
        key = f"customer:{account.customer_id}"
        if held := facts.held.get(key):
            yield held.reason, held.detail
        if account.pending:
            yield "invoice_pending", account.pending
        if not chargeable_balance(account, facts):
            yield "taken_already", ""
        if run_id := facts.elsewhere.get(key):
            yield "in_other_run", f"#{run_id}"

    def _of_method(self, method: Method, terminal: TerminalSettings, facts: Facts) -> Iterator[tuple[str, str]]:
        if method.status != "active":
            yield "method_disabled", method.reason
        if (method.terminal_id, method.environment) != (terminal.terminal_id, terminal.environment):
            yield "other_terminal", ""
        if method.is_expired():
            yield "method_expired", f"{method.exp_month:02d}/{method.exp_year}"
        if method.instrument not in self.settings.instruments(terminal):
            yield "instrument_off", ""
        if method.id in facts.refused:
            yield "hard_declined", facts.refused[method.id]
        if self.need_zip and method.instrument == "card" and not method.postal_code:
            yield "no_zip", ""
