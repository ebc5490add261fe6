"""Money: cents in, cents out, and no way in for anything that is no amount."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from splynx_ippay.base.errors import BadInput
from splynx_ippay.base.money import Money, minor_units


def test_every_amount_under_a_thousand_comes_back_as_it_was_typed():
    for cents in range(1, 100_000):
        typed = f"{cents // 100}.{cents % 100:02d}"
        money = Money.parse(typed, "USD")
        assert money.cents == cents
        assert str(money.decimal()) == typed
        assert Money.from_host(typed + "00", "USD") == money


def test_a_json_number_is_read_by_its_shortest_text():
    for cents in range(1, 100_000):
        assert Money.from_host(cents / 100, "USD").cents == cents


@given(st.integers(min_value=-10**12, max_value=10**12), st.sampled_from(["USD", "JPY", "KWD"]))
def test_any_amount_survives_the_host(cents, currency):
    money = Money(cents, currency)
    assert Money.from_host(money.decimal(), currency) == money
    assert str(money).endswith(currency)


@pytest.mark.parametrize("typed", [
    "", " ", "0", "0.00", "-1", "+1", "-0.01", "1e3", "1E3", "0x10", "1_000", "1,000.00", "1.2.3", ".5", "5.", "25.001", "0.001",
    "\uff12\uff15", "２５.００", "٢٥", "25 00", "$25", "25 USD", "nan", "inf", "Infinity", "1/2", "²", "１", "1234567890", "\u0660"])
def test_what_is_no_amount_is_refused_with_a_sentence(typed):
    with pytest.raises(BadInput) as caught:
        Money.parse(typed, "USD", field="amount")
    assert caught.value.field == "amount"
    assert caught.value.message.endswith(".")


@pytest.mark.parametrize(("typed", "cents"), [("25", 2500), (" 25.5 ", 2550), ("25,50", 2550), ("0.01", 1),
                                              ("25.500", 2550), ("999999999", 99_999_999_900), ("007", 700)])
def test_what_people_type_is_understood(typed, cents):
    assert Money.parse(typed, "USD").cents == cents


def test_a_currency_has_its_own_decimals():
    assert (minor_units("USD"), minor_units("JPY"), minor_units("KWD")) == (2, 0, 3)
    assert Money.parse("250", "JPY").cents == 250
    assert Money.parse("1.234", "KWD").cents == 1234
    with pytest.raises(BadInput, match="JPY has 0"):
        Money.parse("2.5", "JPY")
    assert str(Money(1234, "KWD")) == "1.234 KWD"


@pytest.mark.parametrize("value", ["", "abc", None, [], {}, "1,5", "NaN", float("nan"), float("inf"), "-inf", True,
                                   "1e999999999", "1" * 60, Decimal("sNaN")])
def test_what_the_host_sends_that_is_no_amount_is_a_value_error(value):
    with pytest.raises(ValueError, match="not an amount"):
        Money.from_host(value, "USD")


def test_the_hosts_fourth_decimal_is_rounded_half_up():
    assert Money.from_host("363.0050", "USD").cents == 36301
    assert Money.from_host("363.0049", "USD").cents == 36300


def test_sums_and_comparisons_know_their_currency():
    five, seven = Money(500, "USD"), Money(700, "USD")
    assert five + seven == Money(1200, "USD")
    assert five - seven == Money(-200, "USD")
    assert five < seven
    assert five <= Money(500, "USD")
    assert bool(five)
    assert not Money.zero("USD")
    assert str(five - seven) == "-2.00 USD"
    for act in (lambda a, b: a + b, lambda a, b: a - b, lambda a, b: a < b, lambda a, b: a <= b):
        with pytest.raises(ValueError, match="do not mix"):
            act(five, Money(500, "EUR"))
