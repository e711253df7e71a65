"""FOCUS 1.2: its columns, their types and since when they exist, and the columns that we add behind them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["string", "decimal", "time", "json", "flag", "integer"]
Level = Literal["mandatory", "conditional", "recommended", "custom"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """One column. `since` is the FOCUS version that brought it. `nullable` is the specification's word."""

    name: str
    kind: Kind
    level: Level
    nullable: bool
    since: str


def _columns(names: str, *, kind: Kind, level: Level, nullable: bool = True, since: str = "1.0") -> tuple[Column, ...]:
    return tuple(
        Column(name=name, kind=kind, level=level, nullable=nullable, since=since) for name in sorted(names.split())
    )


COLUMNS: tuple[Column, ...] = tuple(
    sorted(
        (
            *_columns(
                "BilledCost EffectiveCost ListCost ContractedCost", kind="decimal", level="mandatory", nullable=False
            ),
            *_columns("PricingQuantity", kind="decimal", level="mandatory"),
            *_columns("ListUnitPrice ContractedUnitPrice ConsumedQuantity", kind="decimal", level="conditional"),
            *_columns("CommitmentDiscountQuantity", kind="decimal", level="conditional", since="1.1"),
            *_columns(
                "PricingCurrencyContractedUnitPrice PricingCurrencyEffectiveCost PricingCurrencyListUnitPrice",
                kind="decimal",
                level="conditional",
                since="1.2",
            ),
            *_columns(
                "BillingPeriodStart BillingPeriodEnd ChargePeriodStart ChargePeriodEnd",
                kind="time",
                level="mandatory",
                nullable=False,
            ),
            *_columns("SkuPriceDetails", kind="json", level="conditional", since="1.1"),
            *_columns("Tags", kind="json", level="conditional"),
            *_columns(
                "BillingCurrency ChargeCategory ProviderName PublisherName InvoiceIssuerName BillingAccountId"
                " ServiceCategory ServiceName",
                kind="string",
                level="mandatory",
                nullable=False,
            ),
            *_columns("ChargeClass ChargeDescription PricingUnit BillingAccountName", kind="string", level="mandatory"),
            *_columns("ChargeFrequency AvailabilityZone", kind="string", level="recommended"),
            *_columns("ServiceSubcategory", kind="string", level="recommended", since="1.1"),
            *_columns("InvoiceId", kind="string", level="recommended", since="1.2"),
            *_columns(
                "PricingCategory SkuId SkuPriceId CommitmentDiscountCategory CommitmentDiscountId"
                " CommitmentDiscountName CommitmentDiscountStatus CommitmentDiscountType ConsumedUnit RegionId"
                " RegionName ResourceId ResourceName ResourceType SubAccountId SubAccountName",
                kind="string",
                level="conditional",
            ),
            *_columns(
                "CapacityReservationId CapacityReservationStatus CommitmentDiscountUnit SkuMeter",
                kind="string",
                level="conditional",
                since="1.1",
            ),
            *_columns(
                "BillingAccountType SubAccountType PricingCurrency", kind="string", level="conditional", since="1.2"
            ),
        ),
        key=lambda column: column.name,
    )
)
BY_NAME: dict[str, Column] = {column.name: column for column in COLUMNS}

# Ours, behind the specification's, prefixed as it asks.
CUSTOM: tuple[Column, ...] = (
    *_columns("x_Cell x_PriceBasis", kind="string", level="custom", since="1.2"),
    *_columns(
        "x_Maison x_Provider x_SourceFile x_SourceSha256 x_SourceSpecVersion x_World",
        kind="string",
        level="custom",
        nullable=False,
        since="1.2",
    ),
    *_columns("x_IngestedAt", kind="time", level="custom", nullable=False, since="1.2"),
    # A resource that ran and has no price. Its costs are null: not zero, and no total counts it.
    *_columns("x_IsUnpriced", kind="flag", level="custom", nullable=False, since="1.2"),
    # What the provider exported beyond FOCUS, kept as it came.
    *_columns("x_Native", kind="json", level="custom", since="1.2"),
    *_columns("x_SourceRow", kind="integer", level="custom", nullable=False, since="1.2"),
)
LAKE_COLUMNS: tuple[Column, ...] = (*COLUMNS, *CUSTOM)

# Exact decimals, wide enough for every export seen; never a float.
DUCKDB_TYPES: dict[Kind, str] = {
    "string": "VARCHAR",
    "decimal": "DECIMAL(38,18)",
    "time": "TIMESTAMP",
    "json": "VARCHAR",
    "flag": "BOOLEAN",
    "integer": "BIGINT",
}

CHARGE_CATEGORIES = frozenset({"Usage", "Purchase", "Tax", "Credit", "Adjustment"})


def columns_of(version: str) -> tuple[Column, ...]:
    """The columns that a FOCUS version has. `version` is "1.0", "1.1" or "1.2"."""
    return tuple(column for column in COLUMNS if column.since <= version)
