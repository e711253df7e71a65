"""What a list price is, and the rules that shipped price data must keep."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from components.errors import TwainLibraryError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

Cloud = Literal["alicloud", "gcp", "azure"]
PriceKind = Literal["ondemand", "spot", "1y"]
Unit = Literal["hour", "gb-month"]
Basis = Literal["sourced", "derived", "synthetic"]

# A GPU that costs more than this many times the cloud's median for the same GPU is a typing error or a placeholder:
# public catalogues have shipped both.
OUTLIER_FACTOR = Decimal("2.5")


class PriceDataError(TwainLibraryError):
    """The price list breaks its own rules. Carries every broken rule, each with its row."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults: tuple[str, ...] = tuple(faults)
        super().__init__("\n".join(self.faults))


@dataclass(frozen=True, kw_only=True, slots=True)
class Price:
    """One list price.

    `price` is per `unit`, in `currency`, before tax. `as_of` is the day for which the source states it. `basis` says
    how far to trust it: `sourced` (as published), `derived` (computed from a published figure; `note` says how) or
    `synthetic` (no public source; made up for the rehearsal). `gpu_count` may be a fraction: a slice of a device.
    """

    cloud: Cloud
    region: str
    sku: str
    gpu: str
    gpu_count: Decimal
    price_kind: PriceKind
    unit: Unit
    price: Decimal
    currency: str
    as_of: date
    basis: Basis
    source: str
    note: str

    @property
    def key(self) -> tuple[str, str, str, str, str]:
        """What a look-up names; a list holds each key once."""
        return (self.cloud, self.region, self.sku, self.currency, self.price_kind)


def faults_of(prices: Iterable[Price]) -> list[str]:
    """Every broken rule of a price list, empty when all hold.

    Rules: price above zero, three-letter currency, source present, a synthetic or derived price explains itself, no key
    twice, spot and committed prices at most the on-demand price.
    """
    rows = list(prices)
    faults: list[str] = []
    seen: set[tuple[str, str, str, str, str]] = set()
    ondemand = {row.key[:4]: row.price for row in rows if row.price_kind == "ondemand"}
    for row in rows:
        name = " ".join(row.key)
        if row.price <= 0:
            faults.append(
                f"{name}: price {row.price} is not above zero; leave the row out and the resource is unpriced"
            )
        if len(row.currency) != 3 or not row.currency.isalpha() or not row.currency.isupper():
            faults.append(f"{name}: currency {row.currency!r} is not an ISO 4217 code")
        if not row.source:
            faults.append(f"{name}: no source")
        if row.basis != "sourced" and not row.note:
            faults.append(f"{name}: a {row.basis} price needs a note that says how it came about")
        if row.key in seen:
            faults.append(f"{name}: listed twice")
        seen.add(row.key)
        ceiling = ondemand.get(row.key[:4])
        if row.price_kind != "ondemand" and ceiling is not None and row.price > ceiling:
            faults.append(f"{name}: {row.price_kind} price {row.price} is above the on-demand price {ceiling}")
    return faults


def outliers(prices: Iterable[Price]) -> list[str]:
    """Sourced on-demand GPU prices farther than `OUTLIER_FACTOR` from the cloud's median for that GPU and currency."""
    groups: dict[tuple[str, str, str], list[Price]] = {}
    for row in prices:
        if row.gpu_count and row.price_kind == "ondemand" and row.basis == "sourced":
            groups.setdefault((row.cloud, row.gpu, row.currency), []).append(row)
    found: list[str] = []
    for group in groups.values():
        per_gpu = sorted(row.price / row.gpu_count for row in group)
        median = per_gpu[len(per_gpu) // 2]
        found.extend(
            f"{' '.join(row.key)}: {row.price / row.gpu_count} per GPU, median {median}"
            for row in group
            if not median / OUTLIER_FACTOR <= row.price / row.gpu_count <= median * OUTLIER_FACTOR
        )
    return found
