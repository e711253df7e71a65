"""Exchange rates as dated facts, each with its source. A missing rate is None: the amount stays as it was billed."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path

from components.money.errors import RateFileError
from components.money.money import Money, divided, times

DATA = Path(__file__).with_name("data") / "fx.csv"
COLUMNS = ("date", "base", "quote", "rate", "kind", "source", "note")
KINDS = ("daily", "month-average", "budget", "invoice", "illustrative")
# A rate older than this is still used, because an old dated rate says more than none, but every report calls it stale.
STALE_AFTER_DAYS = 45


@dataclass(frozen=True, kw_only=True, slots=True)
class Rate:
    """`rate` units of `quote` are worth one `base` on `day`, says `source`."""

    day: date
    base: str
    quote: str
    rate: Decimal
    kind: str
    source: str

    def stale_on(self, day: date) -> bool:
        """Whether the rate is older than `STALE_AFTER_DAYS` on that day."""
        return (day - self.day).days > STALE_AFTER_DAYS


@dataclass(frozen=True, kw_only=True, slots=True)
class Conversion:
    """A converted amount with the rate that made it. `rate` is None where the currency is the reporting currency."""

    money: Money
    rate: Rate | None


class Rates:
    """A table of rates. Both directions of a pair answer; no crossing through a third currency."""

    def __init__(self, rates: tuple[Rate, ...], *, origin: str) -> None:
        self.rates = tuple(sorted(rates, key=lambda rate: (rate.base, rate.quote, rate.day)))
        self.origin = origin

    def find(self, source: str, target: str, *, on: date) -> Rate | None:
        """The latest rate between two currencies dated on or before `on`, or None. A future rate is never used."""
        pair = {(source, target), (target, source)}
        usable = [rate for rate in self.rates if (rate.base, rate.quote) in pair and rate.day <= on]
        return max(usable, key=lambda rate: rate.day, default=None)

    def convert(self, money: Money, target: str, *, on: date) -> Conversion | None:
        """`money` in `target` at the latest rate on or before `on`, half-even to 10 decimals; None without a rate.

        The same currency converts to itself, unrounded and with no rate.
        """
        if money.currency == target:
            return Conversion(money=money, rate=None)
        rate = self.find(money.currency, target, on=on)
        if rate is None:
            return None
        amount = times(money.amount, rate.rate) if rate.base == money.currency else divided(money.amount, rate.rate)
        return Conversion(money=Money(amount, target), rate=rate)


def load(path: Path | None = None) -> Rates:
    """The rates in `path`, by default the shipped illustrative ones. A file given replaces them, nothing is merged.

    Raises RateFileError with every fault and its line, OSError when the file cannot be read.
    """
    chosen = DATA if path is None else path
    return parse(chosen.read_text(encoding="utf-8-sig"), origin="shipped, illustrative" if path is None else str(path))


def parse(text: str, *, origin: str) -> Rates:
    """Rates from the text of a CSV file; see `load` for errors."""
    reader = csv.DictReader(io.StringIO(text))
    if tuple(reader.fieldnames or ()) != COLUMNS:
        raise RateFileError([f"{origin}:1: the columns must be {','.join(COLUMNS)}"])
    faults: list[str] = []
    rates: list[Rate] = []
    seen: set[tuple[date, frozenset[str]]] = set()
    for line, row in enumerate(reader, start=2):
        try:
            rate = _rate({column: row.get(column) or "" for column in COLUMNS})
        except ValueError as error:
            faults.append(f"{origin}:{line}: {error}")
            continue
        key = (rate.day, frozenset((rate.base, rate.quote)))
        if key in seen:
            faults.append(f"{origin}:{line}: a second rate between {rate.base} and {rate.quote} for {rate.day}")
        seen.add(key)
        rates.append(rate)
    if faults:
        raise RateFileError(faults)
    return Rates(tuple(rates), origin=origin)


def _rate(row: dict[str, str]) -> Rate:
    try:
        value = Decimal(row["rate"])
    except InvalidOperation as error:
        message = f"rate {row['rate']!r} is not a decimal number"
        raise ValueError(message) from error
    if not value.is_finite() or value <= 0:
        message = f"rate {row['rate']!r} is not above zero"
        raise ValueError(message)
    for column in ("base", "quote"):
        code = row[column]
        if len(code) != 3 or not code.isalpha() or not code.isupper():
            message = f"{column} {code!r} is not an ISO 4217 code"
            raise ValueError(message)
    if row["base"] == row["quote"]:
        message = f"{row['base']} is rated against itself"
        raise ValueError(message)
    if row["kind"] not in KINDS:
        message = f"kind {row['kind']!r} is not one of {', '.join(KINDS)}"
        raise ValueError(message)
    if not row["source"]:
        message = "a rate needs a source"
        raise ValueError(message)
    return Rate(
        day=date.fromisoformat(row["date"]),
        base=row["base"],
        quote=row["quote"],
        rate=value,
        kind=row["kind"],
        source=row["source"],
    )
