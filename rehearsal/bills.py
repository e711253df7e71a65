"""Bills of the emulated clouds: lifetimes of resources and Nodes times list prices, as each cloud's own FOCUS export.

Rules, so that every figure can be computed again:

- One clock: wall time, as the world store recorded it. A lifetime begins at the whole second in which the thing was
  created and ends at the next whole second after it was deleted: a begun second counts.
- A charge covers at most one clock hour (UTC), clipped to the lifetime. Its quantity is `seconds / 3600`, rounded
  half-even to 10 decimals; its cost is quantity times list price, rounded alike. No discounts, no tax.
- Storage is billed by what lies in it. The emulated buckets hold no bytes, so their quantity, and with it their cost,
  is a true zero. A thing without a price is another matter: one row per month, costs empty, marked `x_IsUnpriced`.
- The invoice total is computed the other way round (whole life times price, then rounded to the cent), so that a
  tie-out compares two computations.

Emitting again changes a file only when its content changed; the new content has a new name, and the old file goes.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.money.lake import write_atomic
from components.money.money import divided, exact_sum, plain, times
from components.money.periods import bounds, containing, final_after
from components.pricing import meters
from components.pricing.catalog import load
from rehearsal import bills_native
from rehearsal.providers.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from components.pricing.catalog import Catalog
    from components.pricing.meters import Meter
    from components.pricing.model import Price

CELL_TAG, MAISON_TAG = "twain-cell", "twain-maison"
# What no pod's maison can be charged with yet: whole Nodes, clusters, networks.
SHARED = "shared"
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Something that existed for a while. `start` and `end` are whole seconds, UTC; `end` is clipped to the present."""

    cloud: str
    cell: str
    region: str
    zone: str
    id: str
    name: str
    type: str
    start: datetime
    end: datetime
    meter: Meter
    price: Price | None
    tags: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, kw_only=True)
class Bill:
    """One emitted month of one cloud. `total` is the exact sum of the file's BilledCost."""

    cloud: str
    period: str
    currency: str
    path: Path
    invoice: Path
    rows: int
    total: Decimal
    changed: bool


def whole_seconds(created: float, deleted: float | None, *, now: datetime) -> tuple[datetime, datetime]:
    """The billed lifetime: from the second of birth to the second after the end, or to now for what still lives."""
    present = now.astimezone(UTC).replace(microsecond=0)
    start = datetime.fromtimestamp(int(created), UTC)
    end = present if deleted is None else datetime.fromtimestamp(-int(-deleted // 1), UTC)
    return start, max(start, min(end, present))


def quantity(start: datetime, end: datetime) -> Decimal:
    """Hours between two whole seconds, half-even to 10 decimals."""
    return divided(Decimal(int((end - start).total_seconds())), Decimal(3600))


def hours(start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The clock hours that a lifetime touches, each clipped to it. An empty lifetime has none."""
    while start < end:
        edge = min(start.replace(minute=0, second=0) + _HOUR, end)
        yield start, edge
        start = edge


def usages(store: Store, *, now: datetime, catalog: Catalog) -> list[Usage]:
    """Everything that was ever billable in the world, ended things included, in a fixed order."""
    clusters = {cluster.cell: cluster for cluster in store.clusters(live=False)}
    found: list[Usage] = []
    for resource in store.list_resources(live=False):
        meter = meters.of_resource(resource.cloud, resource.type)
        if meter is None or resource.state == "creating" or resource.cloud not in meters.CURRENCY:
            continue
        region = resource.region or (clusters[resource.cell].region if resource.cell in clusters else "")
        start, end = whole_seconds(resource.created, resource.deleted, now=now)
        found.append(
            Usage(
                cloud=resource.cloud,
                cell=resource.cell,
                region=region,
                zone=resource.zone,
                id=resource.id,
                name=resource.name,
                type=resource.type.rsplit(":", 1)[-1],
                start=start,
                end=end,
                meter=meter,
                price=_price(catalog, resource.cloud, region, meter),
                tags=_tags(resource.cell),
            )
        )
    for node in store.nodes(live=False):
        cluster = clusters.get(node.cell)
        if cluster is None:
            continue
        meter = meters.of_node(cluster.cloud, node.instance_type, gpu=node.gpus > 0)
        start, end = whole_seconds(node.created, node.deleted, now=now)
        found.append(
            Usage(
                cloud=cluster.cloud,
                cell=node.cell,
                region=cluster.region,
                zone=node.zone,
                id=node.name,
                name=node.name,
                type="Node",
                start=start,
                end=end,
                meter=meter,
                price=_price(catalog, cluster.cloud, cluster.region, meter),
                tags={**_tags(node.cell), "twain-pool": node.pool},
            )
        )
    return sorted(found, key=lambda usage: (usage.cloud, usage.start, usage.type, usage.id))


def _tags(cell: str) -> dict[str, str]:
    return {CELL_TAG: cell, MAISON_TAG: SHARED} if cell else {MAISON_TAG: SHARED}


def _price(catalog: Catalog, cloud: str, region: str, meter: Meter) -> Price | None:
    return (
        catalog.find(cloud=cloud, region=region, sku=meter.sku, currency=meters.CURRENCY[cloud]) if meter.sku else None
    )


def charges(usage: Usage, start: datetime, end: datetime) -> Iterator[bills_native.Charge]:
    """The charges of one usage within a billing month: by the hour where metered by time, one row otherwise."""
    begin, finish = max(usage.start, start), min(usage.end, end)
    if begin >= finish:
        return
    hourly = usage.price is not None and usage.meter.unit == "hour"
    for first, last in hours(begin, finish) if hourly else ((begin, finish),):
        amount = quantity(first, last) if usage.meter.unit == "hour" else Decimal(0)
        price = usage.price.price if usage.price is not None else None
        yield bills_native.Charge(
            usage=usage,
            start=first,
            end=last,
            quantity=amount,
            unit_price=price,
            cost=None if price is None else times(price, amount),
        )


def emit(world_dir: Path, *, now: datetime, catalog: Catalog | None = None) -> list[Bill]:
    """Writes every month's bill and invoice of every cloud of a world into `world_dir/bills/`.

    Depends on nothing but the store, the price list and `now`. Safe to call at any time and by several processes.
    """
    chosen = load() if catalog is None else catalog
    store = Store.open(world_dir)
    try:
        everything = usages(store, now=now, catalog=chosen)
    finally:
        store.close()
    folder = world_dir / "bills"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    bills: list[Bill] = []
    with (folder / ".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        for cloud in meters.CURRENCY:
            mine = [usage for usage in everything if usage.cloud == cloud]
            for period in _months(cloud, mine):
                bill = _emit_month(folder, cloud, period, mine, now=now)
                if bill is not None:
                    bills.append(bill)
    return bills


def _months(cloud: str, mine: list[Usage]) -> list[str]:
    found: set[str] = set()
    for usage in mine:
        moment = usage.start
        while moment < usage.end:
            period = containing(cloud, moment)
            found.add(period)
            moment = bounds(cloud, period)[1]
    return sorted(found)


def _emit_month(folder: Path, cloud: str, period: str, mine: list[Usage], *, now: datetime) -> Bill | None:
    start, end = bounds(cloud, period)
    rows = [charge for usage in mine for charge in charges(usage, start, end)]
    if not rows:
        return None
    writer = bills_native.WRITERS[cloud]
    content = writer.render(rows, period=period)
    prefix = writer.prefix(period)
    path = folder / f"{prefix}-{hashlib.sha256(content).hexdigest()[:8]}{writer.suffix}"
    changed = not path.exists()
    if changed:
        # The old file goes first: two files of one month in the folder would be read as two parts of one export.
        for old in folder.glob(f"{prefix}-*{writer.suffix}"):
            old.unlink()
        write_atomic(path, content)
    currency = meters.CURRENCY[cloud]
    invoice = folder / f"{cloud}-{period}.invoice.json"
    body = _invoice(cloud, period, mine, now=now)
    text = (json.dumps(body, indent=2, sort_keys=True) + "\n").encode()
    if not invoice.exists() or invoice.read_bytes() != text:
        write_atomic(invoice, text)
        changed = True
    total = exact_sum(charge.cost for charge in rows if charge.cost is not None)
    return Bill(
        cloud=cloud,
        period=period,
        currency=currency,
        path=path,
        invoice=invoice,
        rows=len(rows),
        total=total,
        changed=changed,
    )


def _invoice(cloud: str, period: str, mine: list[Usage], *, now: datetime) -> dict[str, Any]:
    start, end = bounds(cloud, period)
    wide = Context(prec=60)
    total = Decimal(0)
    for usage in mine:
        seconds = int((min(usage.end, end) - max(usage.start, start)).total_seconds())
        if usage.price is not None and usage.meter.unit == "hour" and seconds > 0:
            total = wide.add(total, wide.divide(wide.multiply(usage.price.price, Decimal(seconds)), Decimal(3600)))
    return {
        "kind": "InvoiceTotal",
        "provider": cloud,
        "billingAccountId": bills_native.WRITERS[cloud].account,
        "period": period,
        "currency": meters.CURRENCY[cloud],
        "total": plain(total.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP, context=wide)),
        "status": "final" if now >= final_after(cloud, period) else "provisional",
        "basis": "whole lifetimes times list price, rounded to the cent; without what has no price",
    }


def main() -> None:
    """`python -m rehearsal.bills --world-dir DIR`: what a cloud's export job does, once."""
    parser = argparse.ArgumentParser(prog="rehearsal.bills", description="Write the bills of one world.")
    parser.add_argument("--world-dir", type=Path, required=True)
    emit(parser.parse_args().world_dir, now=datetime.now(UTC))


if __name__ == "__main__":
    main()
