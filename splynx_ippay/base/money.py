"""Money: integer cents and a currency. Owns every conversion between text, Decimal and cents; a float never enters."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from splynx_ippay.base.errors import BadInput

# ISO 4217 minor units that are not two, as far as a Splynx installation is likely to meet them.
_MINOR_UNITS = {"JPY": 0, "KRW": 0, "CLP": 0, "PYG": 0, "UGX": 0, "KWD": 3, "BHD": 3, "OMR": 3, "TND": 3}
_TYPED = re.compile(r"[0-9]{1,9}([.,][0-9]+)?", re.ASCII)


def minor_units(currency: str) -> int:
    """How many decimals the currency has (ISO 4217)."""
    return _MINOR_UNITS.get(currency, 2)


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in the currency's smallest unit. Sums and comparisons of two currencies raise ValueError."""

    cents: int
    currency: str

    @classmethod
    def parse(cls, text: str, currency: str, *, field: str = "amount") -> Money:
        """Read what a person typed: ASCII digits and at most one decimal separator.

        Raises BadInput for anything else (signs, exponents, full-width digits, too many decimals, zero).
        """
        typed = text.strip()
        if not _TYPED.fullmatch(typed):
            raise BadInput(field, "Enter the amount in digits, for example 25.00.")
        value = Decimal(typed.replace(",", "."))
        scaled = value.scaleb(minor_units(currency))
        if scaled != scaled.to_integral_value():
            raise BadInput(field, "The amount has too many decimals; %(currency)s has %(count)s.",
                           currency=currency, count=minor_units(currency))
        if scaled <= 0:
            raise BadInput(field, "The amount must be more than zero.")
        return cls(int(scaled), currency)

    @classmethod
    def from_host(cls, value: object, currency: str) -> Money:
        """Read an amount of Splynx: decimal string ("363.0000"), integer, or JSON number.

        A JSON number is read through its shortest text, so 19.99 is 1999 cents. Raises ValueError when it is no amount.
        """
        try:
            scaled = Decimal(str(value)).scaleb(minor_units(currency))
            return cls(int(scaled.quantize(Decimal(1), rounding=ROUND_HALF_UP)), currency)
        except (ArithmeticError, ValueError) as error:  # NaN, infinity and 1e999999 each raise another one
            message = f"not an amount: {str(value)[:40]!r}"
            raise ValueError(message) from error

    @classmethod
    def zero(cls, currency: str) -> Money:
        """No money."""
        return cls(0, currency)

    def decimal(self) -> Decimal:
        """The amount as a Decimal with the currency's own number of decimals, for Splynx and for people."""
        return Decimal(self.cents).scaleb(-minor_units(self.currency)).quantize(
            Decimal(1).scaleb(-minor_units(self.currency)))

    def _same(self, other: Money) -> None:
        if self.currency != other.currency:
            message = f"{self.currency} and {other.currency} do not mix"
            raise ValueError(message)

    def __add__(self, other: Money) -> Money:
        """Sum in one currency."""
        self._same(other)
        return Money(self.cents + other.cents, self.currency)

    def __sub__(self, other: Money) -> Money:
        """Difference in one currency; may be negative."""
        self._same(other)
        return Money(self.cents - other.cents, self.currency)

    def __lt__(self, other: Money) -> bool:
        """Order in one currency."""
        self._same(other)
        return self.cents < other.cents

    def __le__(self, other: Money) -> bool:
        """Order in one currency."""
        self._same(other)
        return self.cents <= other.cents

    def __bool__(self) -> bool:
        """Whether it is any money at all."""
        return self.cents != 0

    def __str__(self) -> str:
        """For logs and plain texts: "45.00 USD". Pages format by language instead."""
        return f"{self.decimal()} {self.currency}"
