"""Rates are dated facts: the latest on or before the day, never a future one, never a guess."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from components.money import fx
from components.money.errors import RateFileError
from components.money.money import Money

HEAD = ",".join(fx.COLUMNS)
TABLE = fx.parse(f"{HEAD}\n2026-09-30,EUR,CNY,8.00,daily,bank,\n2026-10-30,EUR,CNY,10.00,daily,bank,\n", origin="t")


def test_the_latest_rate_on_or_before_the_day_is_used() -> None:
    found = [TABLE.find("CNY", "EUR", on=date(2026, month, day)) for month, day in ((9, 30), (10, 29), (10, 30))]
    assert [rate.rate if rate else None for rate in found] == [Decimal(8), Decimal(8), Decimal(10)]


def test_a_rate_of_a_later_day_is_never_used() -> None:
    assert TABLE.find("CNY", "EUR", on=date(2026, 9, 29)) is None
    assert TABLE.convert(Money(Decimal(8), "CNY"), "EUR", on=date(2026, 9, 29)) is None


def test_both_directions_of_a_pair_convert() -> None:
    there = TABLE.convert(Money(Decimal(80), "CNY"), "EUR", on=date(2026, 10, 1))
    back = TABLE.convert(Money(Decimal(10), "EUR"), "CNY", on=date(2026, 10, 1))
    assert there is not None
    assert back is not None
    assert there.money == Money(Decimal("10.0000000000"), "EUR")
    assert back.money.amount == 80
    assert there.rate is not None
    assert there.rate.source == "bank"


def test_a_currency_converts_to_itself_without_a_rate_and_unrounded() -> None:
    money = Money(Decimal("0.123456789012345678"), "EUR")
    same = TABLE.convert(money, "EUR", on=date(2020, 1, 1))
    assert same == fx.Conversion(money=money, rate=None)


def test_a_pair_without_a_rate_has_no_conversion_even_through_a_third_currency() -> None:
    assert TABLE.convert(Money(Decimal(1), "USD"), "EUR", on=date(2026, 11, 1)) is None
    assert TABLE.convert(Money(Decimal(1), "CNY"), "USD", on=date(2026, 11, 1)) is None


def test_an_old_rate_is_called_stale() -> None:
    rate = TABLE.find("CNY", "EUR", on=date(2026, 12, 31))
    assert rate is not None
    assert not rate.stale_on(date(2026, 12, 14))
    assert rate.stale_on(date(2026, 12, 15))


def test_the_shipped_rates_say_that_they_are_illustrative() -> None:
    shipped = fx.load().rates
    assert {rate.kind for rate in shipped} == {"illustrative"}
    assert all(rate.source for rate in shipped)
    assert {(rate.base, rate.quote) for rate in shipped} == {("EUR", "CNY"), ("EUR", "USD")}


def test_every_fault_of_a_file_is_reported_with_its_line() -> None:
    rows = [
        "2026-09-30,EUR,CNY,0,daily,b,",
        "2026-13-30,EUR,CNY,8,daily,b,",
        "2026-09-30,EUR,cny,8,daily,b,",
        "2026-09-30,EUR,EUR,8,daily,b,",
        "2026-09-30,EUR,CNY,8,guess,b,",
        "2026-09-30,EUR,CNY,8,daily,,",
        "2026-09-30,EUR,CNY,8,daily,b,",
        "2026-09-30,CNY,EUR,8,daily,b,",
    ]
    with pytest.raises(RateFileError) as caught:
        fx.parse("\n".join([HEAD, *rows]) + "\n", origin="r.csv")
    assert [fault.split(":")[1] for fault in caught.value.faults] == ["2", "3", "4", "5", "6", "7", "9"]


def test_a_file_given_replaces_the_shipped_rates() -> None:
    assert fx.parse(f"{HEAD}\n", origin="x").find("CNY", "EUR", on=date(2026, 11, 1)) is None
