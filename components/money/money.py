"""An amount in one currency, exact to the last digit."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow
from typing import TYPE_CHECKING

from components.money.errors import CurrencyMismatchError

if TYPE_CHECKING:
    from collections.abc import Iterable

# Digits after the point that the lake and converted figures keep. Cloud exports reach 18.
SCALE = 18
# Digits after the point of an amount that we compute ourselves: a price times a quantity, or a conversion.
COMPUTED_SCALE = 10

# Python's default context rounds silently at 28 digits. Sums must be exact, so rounding is an error here.
_EXACT = Context(prec=76, traps=[InvalidOperation, DivisionByZero, Overflow, Inexact])
# For products and quotients, which are rounded once, on purpose, afterwards.
_WIDE = Context(prec=76, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation, DivisionByZero, Overflow])


def exact_sum(values: Iterable[Decimal]) -> Decimal:
    """The sum with no rounding at all. Raises decimal.Inexact rather than lose a digit. An empty sum is 0."""
    total = Decimal(0)
    for value in values:
        total = _EXACT.add(total, value)
    return total


def exact_difference(left: Decimal, right: Decimal) -> Decimal:
    """`left` minus `right` with no rounding."""
    return _EXACT.subtract(left, right)


def times(left: Decimal, right: Decimal, *, scale: int = COMPUTED_SCALE) -> Decimal:
    """The product, rounded once, half-even, to `scale` digits after the point."""
    return _WIDE.multiply(left, right).quantize(Decimal(1).scaleb(-scale), context=_WIDE)


def divided(left: Decimal, right: Decimal, *, scale: int = COMPUTED_SCALE) -> Decimal:
    """The quotient, rounded once, half-even, to `scale` digits after the point."""
    return _WIDE.divide(left, right).quantize(Decimal(1).scaleb(-scale), context=_WIDE)


def plain(value: Decimal) -> str:
    """The number as finance writes it: no exponent, at least two decimals, no zeros beyond them, no thousands sign."""
    text = format(value, "f")
    whole, _, fraction = text.partition(".")
    text = f"{whole}.{fraction.rstrip('0').ljust(2, '0')}"
    return "0.00" if text == "-0.00" else text


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An amount of one currency. Adding two currencies raises: a total over currencies needs a dated rate."""

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        if type(self.amount) is not Decimal or not self.amount.is_finite():
            message = f"money must be a finite Decimal, not {self.amount!r}"
            raise TypeError(message)
        if len(self.currency) != 3 or not self.currency.isalpha() or not self.currency.isupper():
            message = f"{self.currency!r} is not an ISO 4217 code"
            raise ValueError(message)

    def __add__(self, other: Money) -> Money:
        return Money(_EXACT.add(self.amount, self._same(other).amount), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(_EXACT.subtract(self.amount, self._same(other).amount), self.currency)

    def __neg__(self) -> Money:
        return Money(-self.amount, self.currency)

    def __str__(self) -> str:
        return f"{plain(self.amount)} {self.currency}"

    def _same(self, other: Money) -> Money:
        if self.currency != other.currency:
            message = f"{self} and {other} cannot meet without a dated rate"
            raise CurrencyMismatchError(message)
        return other


def total(parts: Iterable[Money], *, currency: str) -> Money:
    """The exact sum of `parts`, all of which must be in `currency`. An empty sum is zero of that currency."""
    result = Money(Decimal(0), currency)
    for part in parts:
        result += part
    return result
