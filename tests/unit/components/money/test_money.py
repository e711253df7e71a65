"""Amounts are exact, and currencies do not mix."""

from __future__ import annotations

from decimal import Decimal, Inexact
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.money.errors import CurrencyMismatchError
from components.money.money import Money, divided, exact_difference, exact_sum, plain, times, total

AMOUNTS = st.decimals(min_value=-(10**18), max_value=10**18, allow_nan=False, allow_infinity=False, places=18)


def test_adding_two_currencies_raises() -> None:
    with pytest.raises(CurrencyMismatchError, match="dated rate"):
        _ = Money(Decimal(1), "CNY") + Money(Decimal(1), "EUR")
    with pytest.raises(CurrencyMismatchError):
        _ = Money(Decimal(1), "CNY") - Money(Decimal(1), "EUR")
    with pytest.raises(CurrencyMismatchError):
        total([Money(Decimal(1), "USD")], currency="EUR")


def test_a_float_is_no_money() -> None:
    with pytest.raises(TypeError):
        Money(0.1, "EUR")  # pyright: ignore[reportArgumentType]
    with pytest.raises(TypeError):
        Money(Decimal("NaN"), "EUR")
    with pytest.raises(ValueError, match="ISO 4217"):
        Money(Decimal(1), "eur")


def test_a_sum_keeps_the_digits_that_python_s_own_context_would_round_away() -> None:
    large, small = Decimal(12345678901234567890), Decimal("0.000000000000000001")
    assert large + small == large  # what the default context does
    assert str(exact_sum([large, small])) == "12345678901234567890.000000000000000001"


def test_a_sum_that_cannot_be_exact_raises() -> None:
    with pytest.raises(Inexact):
        exact_sum([Decimal("1e60"), Decimal("1e-60")])


@given(st.lists(AMOUNTS, max_size=40))
def test_the_sum_of_the_parts_is_the_total_exactly(parts: list[Decimal]) -> None:
    whole = total((Money(part, "CNY") for part in parts), currency="CNY")
    assert Fraction(whole.amount) == sum((Fraction(part) for part in parts), Fraction(0))
    assert exact_difference(whole.amount, exact_sum(parts)) == 0


@given(AMOUNTS)
def test_the_printed_number_is_the_number(value: Decimal) -> None:
    assert Decimal(plain(value)) == value
    assert "e" not in plain(value).lower()


@pytest.mark.parametrize(
    ("value", "text"),
    [("1E+3", "1000.00"), ("0.1000", "0.10"), ("-0.00", "0.00"), ("1.23456", "1.23456"), ("8E-7", "0.0000008")],
)
def test_numbers_are_written_plainly(value: str, text: str) -> None:
    assert plain(Decimal(value)) == text


def test_products_and_quotients_are_rounded_once_half_even() -> None:
    assert times(Decimal("0.00000000005"), Decimal(1)) == Decimal("0E-10")
    assert times(Decimal("0.00000000015"), Decimal(1)) == Decimal("2E-10")
    assert divided(Decimal(1), Decimal(3)) == Decimal("0.3333333333")
