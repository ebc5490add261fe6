"""The card fee: how much it is, and where it may be taken. Owns the rule of the settings and its rounding.

Must never put a fee on a bank debit, nor on a payment whose payer was not shown the total before (docs/decisions/0021).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

from splynx_ippay.base.errors import FeeChanged
from splynx_ippay.base.money import Money
from splynx_ippay.payments.models import Door

if TYPE_CHECKING:
    from splynx_ippay.base.settings import Settings
    from splynx_ippay.payments.orders import Order

# Visa since 15 April 2023: the lower of 3 % and what the card costs the merchant; Mastercard allows 4 % (docs/WIRE.md).
MOST_PERCENT = 3
MOST_TAX_PERCENT = 100
# Where the payer sees the total before pressing. Staff and runs charge without the payer before the screen.
SHOWN_AT = frozenset({Door.PORTAL, Door.LINK})
_HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class Fee:
    """What a card pays on top. ``amount`` has its tax in it; ``name`` is empty for "Card fee" in the reader's language."""

    amount: Money
    tax: Money
    tax_percent: Decimal
    name: str = ""

    def terms(self) -> dict[str, str | int]:
        """What the payer agreed to, for the line; the settings may change before Splynx is told."""
        return {"name": self.name, "tax_percent": str(self.tax_percent), "tax_cents": self.tax.cents}


@dataclass(frozen=True, slots=True)
class CardFee:
    """The rule as the settings have it now: percent of the amount and a fixed part, no more than ``maximum``, then tax."""

    percent: Decimal
    fixed: Money
    maximum: Money
    tax_percent: Decimal
    name: str

    @classmethod
    def of(cls, settings: Settings, currency: str) -> CardFee:
        """Read the settings. Raises ConfigError for a percentage above the networks' limit, rather than charging it."""
        return cls(settings.percent("card_fee_percent", MOST_PERCENT), settings.money("card_fee_fixed", currency),
                   settings.money("card_fee_maximum", currency),
                   settings.percent("card_fee_tax_percent", MOST_TAX_PERCENT), settings.text("card_fee_name").strip()[:40])

    @property
    def is_on(self) -> bool:
        """Whether cards pay a fee at all."""
        return bool(self.percent or self.fixed)

    def on(self, amount: Money) -> Fee | None:
        """The fee for paying an amount by card; None where it comes to nothing, so that no line of 0.00 is shown.

        Each of fee and tax is rounded to the cent, half up.
        """
        net = _round(amount.cents * self.percent / _HUNDRED) + self.fixed.cents
        if self.maximum:
            net = min(net, self.maximum.cents)
        tax = _round(net * self.tax_percent / _HUNDRED)
        if not net or amount.cents <= 0:
            return None
        return Fee(Money(net + tax, amount.currency), Money(tax, amount.currency), self.tax_percent, self.name)


def agreed(settings: Settings, order: Order, instrument: str, amount: Money) -> Fee | None:
    """The fee to take with an order, None for none. ``amount`` is the sum of its items.

    Raises FeeChanged when it is not what the payer was shown (``order.card_fee``), and ConfigError.
    """
    if instrument != "card":
        return None
    fee = CardFee.of(settings, amount.currency).on(amount) if order.door in SHOWN_AT else None
    due = fee.amount if fee else Money.zero(amount.currency)
    if due != (order.card_fee or Money.zero(amount.currency)):
        raise FeeChanged(amount, due)
    return fee


def _round(cents: Decimal) -> int:
    return int(cents.quantize(Decimal(1), rounding=ROUND_HALF_UP))
