"""What a report is made of: items, services, unpriced things; read from the lake or from another world's gate."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Literal

from components.money.errors import MoneyError
from components.money.lake import status_of
from components.money.money import Money, plain

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from components.money.fx import Conversion, Rate
    from components.money.lake import Manifest

Origin = Literal["bills", "gate"]


class GateRowError(MoneyError):
    """A cost row that came through a gate is not what the contract says."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """One cell, maison and currency. `effective` and `resources` are None where the source does not say.

    `unpriced` counts resources that ran without a price: they are in no amount. `billed_in` is the reporting figure,
    None without a rate.
    """

    world: str
    provider: str
    region: str
    cell: str | None
    maison: str | None
    month: str
    billed: Money
    effective: Money | None
    status: str
    unpriced: int
    resources: int | None
    origin: Origin
    billed_in: Conversion | None = None
    effective_in: Conversion | None = None

    @property
    def nothing_priced(self) -> bool:
        """Whether nothing in it has a price: its sum is then not zero but unknown."""
        return bool(self.resources) and self.unpriced == self.resources

    def as_json(self, *, on: date) -> dict[str, Any]:
        """The item of `cost report`; amounts are texts, null where nothing in it has a price; `reporting` is null where
        no rate exists.
        """
        told = converted_json(self.billed_in, self.effective_in, on=on)
        if self.nothing_priced:
            told = None if told is None else {**told, "billed": None, "effective": None}
        return {
            "world": self.world,
            "provider": self.provider,
            "region": self.region,
            "cell": self.cell,
            "maison": self.maison,
            "currency": self.billed.currency,
            "billed": None if self.nothing_priced else plain(self.billed.amount),
            "effective": None if self.effective is None or self.nothing_priced else plain(self.effective.amount),
            "status": self.status,
            "unpriced": self.unpriced,
            "resources": self.resources,
            "month": self.month,
            "source": self.origin,
            "reporting": told,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """What one service of one cell cost; own world only."""

    world: str
    provider: str
    region: str
    cell: str | None
    category: str
    service: str
    kind: str
    basis: str | None
    billed: Money
    quantity: Decimal
    unit: str
    billed_in: Conversion | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Unpriced:
    """Resources of one kind that ran without a price. `kind` is None where the gate tells the number only."""

    world: str
    provider: str
    region: str
    cell: str | None
    kind: str | None
    service: str | None
    resources: int


_RESOURCE = """concat_ws('/', "ResourceType", coalesce("ResourceId", "SkuId", "ChargeDescription"))"""
_REGION = """coalesce("RegionId", 'global')"""


def items_of(connection: Any, manifest: Manifest, month: str) -> list[Item]:
    rows = connection.execute(
        f'SELECT "x_World", "x_Provider", {_REGION} AS region, "x_Cell", "x_Maison", "BillingCurrency",'  # noqa: S608
        ' coalesce(sum("BilledCost"), 0), coalesce(sum("EffectiveCost"), 0),'
        f' count(DISTINCT {_RESOURCE}) FILTER (WHERE "x_IsUnpriced"), count(DISTINCT {_RESOURCE})'
        " FROM charges GROUP BY 1, 2, 3, 4, 5, 6"
    ).fetchall()
    return [
        Item(
            world=world,
            provider=provider,
            region=region,
            cell=cell,
            maison=maison,
            month=month,
            billed=Money(Decimal(billed), currency),
            effective=Money(Decimal(effective), currency),
            status=status_of(manifest, world=world, provider=provider, period=month),
            unpriced=int(unpriced),
            resources=int(resources),
            origin="bills",
        )
        for world, provider, region, cell, maison, currency, billed, effective, unpriced, resources in rows
    ]


def services_of(connection: Any) -> list[Service]:
    rows = connection.execute(
        f'SELECT "x_World", "x_Provider", {_REGION} AS region, "x_Cell", "ServiceCategory",'  # noqa: S608
        """ coalesce("ServiceName", '(no service name)'), coalesce("SkuId", '-'), any_value("x_PriceBasis"),"""
        ' "BillingCurrency", coalesce(sum("BilledCost"), 0), coalesce(sum("ConsumedQuantity"), 0),'
        """ coalesce("ConsumedUnit", '-')"""
        ' FROM charges WHERE NOT "x_IsUnpriced" GROUP BY 1, 2, 3, 4, 5, 6, 7, 9, 12 ORDER BY ALL'
    ).fetchall()
    return [
        Service(
            world=world,
            provider=provider,
            region=region,
            cell=cell,
            category=category,
            service=service,
            kind=sku,
            basis=basis,
            billed=Money(Decimal(billed), currency),
            quantity=Decimal(quantity),
            unit=unit,
        )
        for world, provider, region, cell, category, service, sku, basis, currency, billed, quantity, unit in rows
    ]


def unpriced_of(connection: Any) -> list[Unpriced]:
    rows = connection.execute(
        f'SELECT "x_World", "x_Provider", {_REGION} AS region, "x_Cell", "ResourceType", "ServiceName",'  # noqa: S608
        f' count(DISTINCT {_RESOURCE}) FROM charges WHERE "x_IsUnpriced" GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY ALL'
    ).fetchall()
    names = ("world", "provider", "region", "cell", "kind", "service", "resources")
    return [Unpriced(**dict(zip(names, row, strict=True))) for row in rows]


def item_from_gate(row: Mapping[str, Any], *, month: str) -> Item:
    try:
        currency, effective = str(row["currency"]), row.get("effective")
        resources = row.get("resources")
        return Item(
            world=str(row["world"]),
            provider=str(row["provider"]),
            region=str(row["region"]),
            cell=row.get("cell"),
            maison=row.get("maison"),
            month=str(row.get("month", month)),
            billed=Money(Decimal(str(row["billed"])), currency),
            effective=None if effective is None else Money(Decimal(str(effective)), currency),
            status=str(row["status"]),
            unpriced=int(row["unpriced"]),
            resources=None if resources is None else int(resources),
            origin="gate",
        )
    except (KeyError, TypeError, ValueError, InvalidOperation) as error:
        message = f"a cost row from a gate is malformed: {error!r}"
        raise GateRowError(message) from error


def rate_json(rate: Rate, *, on: date) -> dict[str, Any]:
    return {
        "base": rate.base,
        "quote": rate.quote,
        "rate": format(rate.rate, "f"),
        "date": rate.day.isoformat(),
        "kind": rate.kind,
        "source": rate.source,
        "ageDays": (on - rate.day).days,
        "stale": rate.stale_on(on),
    }


def converted_json(billed: Conversion | None, effective: Conversion | None, *, on: date) -> dict[str, Any] | None:
    if billed is None:
        return None
    return {
        "currency": billed.money.currency,
        "billed": plain(billed.money.amount),
        "effective": None if effective is None else plain(effective.money.amount),
        # Null where the bill is in the reporting currency already.
        "rate": None if billed.rate is None else rate_json(billed.rate, on=on),
    }


def service_json(row: Service) -> dict[str, Any]:
    return {
        "world": row.world,
        "provider": row.provider,
        "region": row.region,
        "cell": row.cell,
        "category": row.category,
        "service": row.service,
        "sku": row.kind,
        "priceBasis": row.basis,
        "quantity": plain(row.quantity),
        "unit": row.unit,
        "currency": row.billed.currency,
        "billed": plain(row.billed.amount),
        "reportingBilled": None if row.billed_in is None else plain(row.billed_in.money.amount),
    }
