"""Reads the committed price list and answers look-ups. A missing price is None, never zero."""

from __future__ import annotations

import csv
import hashlib
import io
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar, cast, get_args

from components.pricing.model import Basis, Cloud, Price, PriceDataError, PriceKind, Unit, faults_of

if TYPE_CHECKING:
    from collections.abc import Mapping

DATA = Path(__file__).with_name("data") / "prices.csv"
COLUMNS = (
    "cloud",
    "region",
    "sku",
    "gpu",
    "gpu_count",
    "price_kind",
    "unit",
    "price",
    "currency",
    "as_of",
    "basis",
    "source",
    "note",
)

_Choice = TypeVar("_Choice", bound=str)


class Catalog:
    """A price list in memory. Look-ups are exact: another region, currency or kind is never offered instead."""

    def __init__(self, prices: tuple[Price, ...], *, digest: str, origin: str) -> None:
        self.prices = prices
        self.digest = digest
        self.origin = origin
        self._by_key = {row.key: row for row in prices}

    def find(
        self, *, cloud: str, region: str, sku: str, currency: str, price_kind: PriceKind = "ondemand"
    ) -> Price | None:
        """The price of one SKU in one region and currency, or None when the list has none (the thing is unpriced)."""
        return self._by_key.get((cloud, region, sku, currency, price_kind))


def load(path: Path | None = None) -> Catalog:
    """The catalogue in `path`, by default the shipped list.

    Raises PriceDataError with every fault (unreadable number, missing currency or date, broken rule), OSError when
    the file cannot be read. Repeated calls for the shipped list return the same object.
    """
    return _shipped() if path is None else parse(path.read_bytes(), origin=str(path))


@lru_cache(maxsize=1)
def _shipped() -> Catalog:
    return parse(DATA.read_bytes(), origin="components/pricing/data/prices.csv")


def parse(raw: bytes, *, origin: str) -> Catalog:
    """A catalogue from the bytes of a price file; see `load` for errors."""
    reader = csv.DictReader(io.StringIO(raw.decode("utf-8-sig")))
    if tuple(reader.fieldnames or ()) != COLUMNS:
        raise PriceDataError([f"{origin}: the columns must be {', '.join(COLUMNS)}"])
    faults: list[str] = []
    prices: list[Price] = []
    for line, row in enumerate(reader, start=2):
        try:
            prices.append(_price(row))
        except ValueError as error:
            faults.append(f"{origin}:{line}: {error}")
    faults.extend(f"{origin}: {fault}" for fault in faults_of(prices))
    if faults:
        raise PriceDataError(faults)
    return Catalog(tuple(prices), digest=hashlib.sha256(raw).hexdigest(), origin=origin)


def _price(row: Mapping[str, str | None]) -> Price:
    values = {column: row.get(column) for column in COLUMNS}
    missing = [column for column, value in values.items() if value is None]
    if missing:
        message = f"the row ends before {missing[0]}"
        raise ValueError(message)
    text = cast("dict[str, str]", values)
    price = _decimal(text["price"], what="price")
    try:
        as_of = date.fromisoformat(text["as_of"])
    except ValueError as error:
        message = f"as_of {text['as_of']!r} is not a day (YYYY-MM-DD); a price without a date is not used"
        raise ValueError(message) from error
    return Price(
        cloud=cast("Literal['alicloud', 'gcp', 'azure']", _one_of(text["cloud"], get_args(Cloud), what="cloud")),
        region=text["region"],
        sku=text["sku"],
        gpu=text["gpu"],
        gpu_count=_decimal(text["gpu_count"] or "0", what="gpu_count"),
        price_kind=cast("PriceKind", _one_of(text["price_kind"], get_args(PriceKind), what="price_kind")),
        unit=cast("Unit", _one_of(text["unit"], get_args(Unit), what="unit")),
        price=price,
        currency=text["currency"],
        as_of=as_of,
        basis=cast("Basis", _one_of(text["basis"], get_args(Basis), what="basis")),
        source=text["source"],
        note=text["note"],
    )


def _decimal(value: str, *, what: str) -> Decimal:
    try:
        number = Decimal(value)
    except InvalidOperation as error:
        message = f"{what} {value!r} is not a decimal number"
        raise ValueError(message) from error
    if not number.is_finite():
        message = f"{what} {value!r} is not a finite number"
        raise ValueError(message)
    return number


def _one_of(value: _Choice, allowed: tuple[str, ...], *, what: str) -> _Choice:
    if value not in allowed:
        message = f"{what} {value!r} is not one of {', '.join(allowed)}"
        raise ValueError(message)
    return value
