"""Each cloud's own FOCUS export, as its documentation and its known gaps describe it.

| | Alibaba Cloud | GCP | Azure |
|---|---|---|---|
| form | FOCUS 1.0, CSV, texts only | FOCUS 1.0 and typed extras, Parquet | FOCUS 1.2-preview, Parquet |
| month | UTC+8 | UTC | UTC |
| currency | CNY | USD | EUR |
| tags | JSON text | repeated record of key and value | JSON text |
| quirks | billing item codes | `x_Credits`, `x_Project` | no zone, no InvoiceId; lower-case ids; empty names |

`x_IsUnpriced` and `x_PriceBasis` are the rehearsal's own: no real cloud has them.
"""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from components.money.focus import COLUMNS, columns_of
from components.money.periods import bounds

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal

    from rehearsal.bills import Usage

_OWN = ("x_IsUnpriced", "x_PriceBasis")


@dataclass(frozen=True, kw_only=True)
class Charge:
    """One row of a bill before it takes a cloud's form. `cost` is None where there is no price."""

    usage: Usage
    start: datetime
    end: datetime
    quantity: Decimal
    unit_price: Decimal | None
    cost: Decimal | None


class Writer(Protocol):
    """One cloud's export: its file name and its bytes, the same bytes for the same charges."""

    account: ClassVar[str]
    suffix: ClassVar[str]

    def prefix(self, period: str) -> str:
        """The file name without content digest and suffix."""
        ...

    def render(self, charges: list[Charge], *, period: str) -> bytes:
        """The file's bytes."""
        ...


def _row(
    charge: Charge, *, period: str, provider: str, publisher: str, account: str, account_name: str
) -> dict[str, Any]:
    """The FOCUS columns that all three fill the same way; whatever is absent is null."""
    usage, meter = charge.usage, charge.usage.meter
    start, end = bounds(usage.cloud, period)
    unit = "Hours" if meter.unit == "hour" else "GB-Months"
    priced = charge.unit_price is not None
    currency = {"alicloud": "CNY", "gcp": "USD", "azure": "EUR"}[usage.cloud]
    noun = f"{usage.type} {usage.name}" if usage.name else usage.type
    text = f"{noun}: {meter.sku or meter.code} in {usage.region or 'no region'}"
    return {
        "AvailabilityZone": usage.zone or None,
        "BilledCost": charge.cost,
        "EffectiveCost": charge.cost,
        "ListCost": charge.cost,
        "ContractedCost": charge.cost,
        "BillingAccountId": account,
        "BillingAccountName": account_name,
        "BillingCurrency": currency,
        "BillingPeriodStart": start,
        "BillingPeriodEnd": end,
        "ChargePeriodStart": charge.start,
        "ChargePeriodEnd": charge.end,
        "ChargeCategory": "Usage",
        "ChargeDescription": text if priced else f"{text}; no price is known",
        "ChargeFrequency": "Usage-Based",
        "ConsumedQuantity": charge.quantity,
        "ConsumedUnit": unit,
        "ContractedUnitPrice": charge.unit_price,
        "ListUnitPrice": charge.unit_price,
        "PricingCategory": "Standard" if priced else None,
        "PricingQuantity": charge.quantity if priced else None,
        "PricingUnit": unit if priced else None,
        "InvoiceIssuerName": publisher,
        "ProviderName": provider,
        "PublisherName": publisher,
        "RegionId": usage.region or None,
        "RegionName": usage.region or None,
        "ResourceId": usage.id,
        "ResourceName": usage.name or None,
        "ResourceType": usage.type,
        "ServiceCategory": meter.category,
        "ServiceName": meter.service or usage.type,
        "ServiceSubcategory": meter.subcategory,
        "SkuId": meter.sku or None,
        "SkuPriceId": f"{meter.sku}/{usage.region}/ondemand" if priced else None,
        "SkuMeter": meter.code,
        "SubAccountId": usage.cell or None,
        "SubAccountName": usage.cell or None,
        "Tags": usage.tags,
        "x_IsUnpriced": not priced,
        "x_PriceBasis": usage.price.basis if usage.price is not None else None,
    }


class _Alicloud:
    """FOCUS 1.0 as CSV: UTF-8, comma, texts; a null is an empty field."""

    account: ClassVar[str] = "1000000000000001"
    suffix: ClassVar[str] = ".csv"
    _EXTRA: ClassVar[tuple[str, ...]] = (
        "x_BillingItemCode",
        "x_BillingItemName",
        "x_CommodityCode",
        "x_CommodityName",
        "x_InstanceID",
    )
    _COMMODITY: ClassVar[dict[str, str]] = {"Node": "ecs", "ManagedKubernetes": "csk", "Bucket": "oss"}

    def prefix(self, period: str) -> str:
        return f"alicloud-focus-{self.account}-{period}"

    def render(self, charges: list[Charge], *, period: str) -> bytes:
        names = [*(column.name for column in columns_of("1.0")), *self._EXTRA, *_OWN]
        out = io.StringIO()
        writer = csv.DictWriter(out, names, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        for charge in charges:
            row = _row(
                charge,
                period=period,
                provider="Alibaba Cloud",
                publisher="Alibaba Cloud",
                account=self.account,
                account_name="twain rehearsal",
            )
            meter, kind = charge.usage.meter, charge.usage.type
            row |= {
                "x_BillingItemCode": meter.code,
                "x_BillingItemName": meter.code.replace("_", " "),
                "x_CommodityCode": self._COMMODITY.get(kind, kind.lower()),
                "x_CommodityName": meter.service or kind,
                "x_InstanceID": charge.usage.id,
            }
            writer.writerow({name: _text(value) for name, value in row.items()})
        return out.getvalue().encode()


class _Gcp:
    """The FOCUS table as Parquet: exact decimals, UTC timestamps, records for tags, project and credits."""

    account: ClassVar[str] = "01A2B3-TWAIN0-C4D5E6"
    suffix: ClassVar[str] = ".parquet"

    def prefix(self, period: str) -> str:
        return f"gcp_billing_export_focus_{self.account.replace('-', '_')}-{period}"

    def render(self, charges: list[Charge], *, period: str) -> bytes:
        import pyarrow as pa

        rows: list[dict[str, Any]] = []
        for charge in charges:
            row = _row(
                charge,
                period=period,
                provider="Google Cloud",
                publisher="Google Cloud",
                account=self.account,
                account_name="twain rehearsal",
            )
            row["Tags"] = [{"key": key, "value": value} for key, value in sorted(charge.usage.tags.items())]
            row |= {
                "SubAccountId": "twain-row",
                "SubAccountName": "twain-row",
                "x_CostType": "regular",
                "x_Credits": [],
                # The table is in the account's own currency; the column is there and says so.
                "x_CurrencyConversionRate": None,
                "x_ExportTime": charge.end,
                "x_Location": {"location": charge.usage.region or None, "zone": charge.usage.zone or None},
                "x_Project": {"id": "twain-row", "name": "twain-row", "number": "100000000001"},
                "x_ServiceId": charge.usage.meter.code,
            }
            rows.append(row)
        pair = pa.struct([("key", pa.string()), ("value", pa.string())])
        fields = [
            (column.name, pa.list_(pair) if column.name == "Tags" else _arrow(pa, column.kind, scale=10))
            for column in columns_of("1.0")
        ]
        credit = pa.struct([("name", pa.string()), ("amount", pa.decimal128(38, 10))])
        fields += [
            ("x_CostType", pa.string()),
            ("x_Credits", pa.list_(credit)),
            ("x_CurrencyConversionRate", pa.decimal128(38, 10)),
            ("x_ExportTime", pa.timestamp("us", tz="UTC")),
            ("x_Location", pa.struct([("location", pa.string()), ("zone", pa.string())])),
            ("x_Project", pa.struct([("id", pa.string()), ("name", pa.string()), ("number", pa.string())])),
            ("x_ServiceId", pa.string()),
            *_own_fields(pa),
        ]
        return _parquet(pa, rows, fields)


class _Azure:
    """FOCUS 1.2-preview as Parquet, with the gaps that Microsoft states."""

    account: ClassVar[str] = "/providers/microsoft.billing/billingaccounts/90000001"
    suffix: ClassVar[str] = ".parquet"
    _ABSENT: ClassVar[frozenset[str]] = frozenset(
        {
            "AvailabilityZone",
            "CapacityReservationId",
            "CapacityReservationStatus",
            "CommitmentDiscountQuantity",
            "CommitmentDiscountUnit",
            "SkuPriceDetails",
        }
    )

    def prefix(self, period: str) -> str:
        return f"azure-focuscost-90000001-{period}"

    def render(self, charges: list[Charge], *, period: str) -> bytes:
        import pyarrow as pa

        rows: list[dict[str, Any]] = []
        for charge in charges:
            row = _row(
                charge,
                period=period,
                provider="Microsoft",
                publisher="Microsoft",
                account=self.account,
                account_name="twain rehearsal",
            )
            usage = charge.usage
            details = {"InstanceType": usage.meter.sku} if usage.type == "Node" else {}
            row |= {
                "BillingAccountType": "Billing Account",
                "PricingCurrency": "EUR",
                "PricingCurrencyEffectiveCost": charge.cost,
                "PricingCurrencyListUnitPrice": charge.unit_price,
                "PricingCurrencyContractedUnitPrice": charge.unit_price,
                "ResourceId": usage.id.lower(),
                "SubAccountId": "/subscriptions/00000000-0000-0000-0000-000000000001",
                "SubAccountName": "twain-row",
                "SubAccountType": "Subscription",
                "Tags": _json(usage.tags),
                # One of the stated gaps: the service's name is empty on some rows.
                "ServiceName": None if usage.type == "PublicIPAddress" else row["ServiceName"],
                "x_PricingBlockSize": 1,
                "x_ResourceGroupName": f"twain-{usage.cell}" if usage.cell else None,
                "x_SkuDetails": _json(details),
                "x_SkuOrderId": None,
            }
            rows.append(row)
        fields = [
            (column.name, _arrow(pa, column.kind, scale=18)) for column in COLUMNS if column.name not in self._ABSENT
        ]
        fields += [
            ("x_PricingBlockSize", pa.decimal128(38, 18)),
            ("x_ResourceGroupName", pa.string()),
            ("x_SkuDetails", pa.string()),
            ("x_SkuOrderId", pa.string()),
            *_own_fields(pa),
        ]
        return _parquet(pa, rows, fields)


WRITERS: dict[str, Writer] = {"alicloud": _Alicloud(), "gcp": _Gcp(), "azure": _Azure()}


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return _json(value)
    if hasattr(value, "strftime"):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    return format(value, "f") if hasattr(value, "quantize") else str(value)


def _json(value: dict[str, str]) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _arrow(pa: Any, kind: str, *, scale: int) -> Any:
    if kind == "decimal":
        return pa.decimal128(38, scale)
    return pa.timestamp("us", tz="UTC") if kind == "time" else pa.string()


def _own_fields(pa: Any) -> list[tuple[str, Any]]:
    return [("x_IsUnpriced", pa.bool_()), ("x_PriceBasis", pa.string())]


def _parquet(pa: Any, rows: list[dict[str, Any]], fields: list[tuple[str, Any]]) -> bytes:
    from pyarrow import parquet

    arrays = [pa.array([row.get(name) for row in rows], type=kind) for name, kind in fields]
    table = pa.Table.from_arrays(arrays, names=[name for name, _ in fields])
    out = io.BytesIO()
    parquet.write_table(table, out, compression="snappy")
    return out.getvalue()
