"""The cost report of one month: what each cell cost, in its own currency and in one, and what the figures leave out.

Nothing here adds two currencies. Figures of the operator's own world come from its lake, row by row; those of another
world come from its gate as rows of the telemetry contract, and say less: no services, no files, no invoice.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC
from typing import TYPE_CHECKING, Any

from components.money import rows as found
from components.money.money import exact_sum, plain
from components.money.periods import bounds, check
from components.money.rows import Item, Service, Unpriced
from components.money.tieout import TieOut, tie_out

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import date, datetime
    from decimal import Decimal

    from components.money.fx import Rate, Rates
    from components.money.lake import Entry, Lake, Manifest


@dataclass(frozen=True, kw_only=True)
class CostReport:
    """One month. `on` is the day whose rates were asked for: today, or the last day of a past month."""

    month: str
    currency: str
    now: datetime
    on: date
    items: tuple[Item, ...]
    services: tuple[Service, ...] = ()
    unpriced: tuple[Unpriced, ...] = ()
    tie_outs: tuple[TieOut, ...] = ()
    sources: tuple[Entry, ...] = ()
    rates_origin: str = ""
    absent_worlds: tuple[str, ...] = ()
    # A part of what was billed was left out on request: then no file's sum equals a total.
    narrowed: bool = False

    def only(self, keep: Callable[[str, str | None, str | None], bool]) -> CostReport:
        """The report of the items for which `keep(world, cell, maison)` holds; totals and sums follow.

        Tie-outs and files speak of whole accounts: they stay for worlds of which nothing was left out.
        """
        items = tuple(i for i in self.items if keep(i.world, i.cell, i.maison))
        cut = {i.world for i in self.items} - {i.world for i in items}
        cut |= {i.world for i in self.items if not keep(i.world, i.cell, i.maison)}
        if not cut:
            return self
        cells = {(i.world, i.cell) for i in items}
        return replace(
            self,
            items=items,
            # Services and unpriced things are known per cell, not per maison.
            services=tuple(s for s in self.services if s.world not in cut or (s.world, s.cell) in cells),
            unpriced=tuple(u for u in self.unpriced if u.world not in cut or (u.world, u.cell) in cells),
            tie_outs=tuple(t for t in self.tie_outs if t.world not in cut),
            sources=tuple(e for e in self.sources if e.world not in cut),
            narrowed=any(i.world in cut for i in items),
        )

    @property
    def rates(self) -> tuple[Rate, ...]:
        """The rates that made a figure of this report, each once."""
        used = {item.billed_in.rate for item in self.items if item.billed_in is not None}
        return tuple(sorted((r for r in used if r is not None), key=lambda r: (r.base, r.quote, r.day)))

    def totals(self) -> list[dict[str, Any]]:
        """Per currency: the exact sum of the items, and from how many bill files (null if any came by a gate)."""
        rows: list[dict[str, Any]] = []
        for currency in sorted({item.billed.currency for item in self.items}):
            mine = [item for item in self.items if item.billed.currency == currency]
            files = {entry.sha256 for entry in self.sources if currency in entry.billed}
            whole = not self.narrowed and all(item.origin == "bills" for item in mine)
            rows.append(
                {
                    "currency": currency,
                    "billed": plain(exact_sum(item.billed.amount for item in mine)),
                    "files": len(files) if whole else None,
                }
            )
        return rows

    def reporting(self) -> dict[str, Any]:
        """The whole in the reporting currency: the exact sum of the converted items, and what could not be converted.

        `complete` is false when an item has no rate, when a world is absent, or when something ran without a price.
        """
        converted = [item.billed_in.money.amount for item in self.items if item.billed_in is not None]
        left: dict[str, list[Decimal]] = {}
        for item in self.items:
            if item.billed_in is None:
                left.setdefault(item.billed.currency, []).append(item.billed.amount)
        unpriced = sum(item.unpriced for item in self.items)
        return {
            "currency": self.currency,
            "billed": plain(exact_sum(converted)) if converted else None,
            "complete": not left and not unpriced and not self.absent_worlds and bool(converted),
            "unconverted": [{"currency": c, "billed": plain(exact_sum(parts))} for c, parts in sorted(left.items())],
            "unpriced": unpriced,
            "absentWorlds": list(self.absent_worlds),
        }

    def coverage(self) -> list[dict[str, Any]]:
        """Per world and provider: how many resources on the bill have a price. Null where the source is silent."""
        rows: list[dict[str, Any]] = []
        for world, provider in sorted({(item.world, item.provider) for item in self.items}):
            mine = [item for item in self.items if (item.world, item.provider) == (world, provider)]
            counts = [item.resources for item in mine]
            known = sum(count for count in counts if count is not None) if None not in counts else None
            unpriced = sum(item.unpriced for item in mine)
            rows.append(
                {
                    "world": world,
                    "provider": provider,
                    "resources": known,
                    "priced": None if known is None else known - unpriced,
                    "unpriced": unpriced,
                }
            )
        return rows

    def as_json(self) -> dict[str, Any]:
        """Every part of the report; `items` and `totals` in the shape of `cost report -o json`."""
        return {
            "month": self.month,
            "generated": self.now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "items": [item.as_json(on=self.on) for item in self.items],
            "totals": self.totals(),
            "reporting": self.reporting(),
            "rates": [found.rate_json(rate, on=self.on) for rate in self.rates],
            "ratesFrom": self.rates_origin,
            "coverage": self.coverage(),
            "unpriced": [
                {
                    "world": row.world,
                    "provider": row.provider,
                    "region": row.region,
                    "cell": row.cell,
                    "resourceType": row.kind,
                    "service": row.service,
                    "resources": row.resources,
                }
                for row in self.unpriced
            ],
            "services": [found.service_json(row) for row in self.services],
            "tieOut": [row.as_json() for row in self.tie_outs],
            "sources": [_source_json(entry) for entry in self.sources],
        }


def build(
    *,
    lake: Lake | None,
    month: str,
    currency: str,
    rates: Rates,
    now: datetime,
    gate_rows: Iterable[Mapping[str, Any]] = (),
    absent_worlds: Iterable[str] = (),
) -> CostReport:
    """The report of a month from the own world's lake (or none) and from other worlds' gate rows.

    `absent_worlds` names worlds that should be in it and could not be asked. Raises GateRowError, LakeError.
    """
    check(month)
    last = (bounds("", month)[1]).date().toordinal() - 1
    today = now.astimezone(UTC).date()
    on = min(today, type(today).fromordinal(last))
    items: list[Item] = [
        found.item_from_gate(row, month=month) for row in gate_rows if row.get("month", month) == month
    ]
    unpriced = [
        Unpriced(
            world=item.world,
            provider=item.provider,
            region=item.region,
            cell=item.cell,
            kind=None,
            service=None,
            resources=item.unpriced,
        )
        for item in items
        if item.unpriced
    ]
    services: list[Service] = []
    manifest: Manifest | None = None
    if lake is not None:
        manifest = lake.manifest()
        connection = lake.connect(month)
        try:
            items = [*found.items_of(connection, manifest, month), *items]
            unpriced = [*found.unpriced_of(connection), *unpriced]
            services = found.services_of(connection)
        finally:
            connection.close()
    ordered = sorted(
        items, key=lambda i: (i.world, i.provider, i.region, i.cell or "", i.maison or "", i.billed.currency)
    )
    return CostReport(
        month=month,
        currency=currency,
        now=now,
        on=on,
        items=tuple(_with_rates(item, rates, currency, on) for item in ordered),
        services=tuple(_service_with_rate(row, rates, currency, on) for row in services),
        unpriced=tuple(unpriced),
        tie_outs=tuple(tie_out(manifest, month)) if manifest is not None else (),
        sources=manifest.current(month) if manifest is not None else (),
        rates_origin=rates.origin,
        absent_worlds=tuple(sorted(absent_worlds)),
    )


def contract_rows(report: CostReport, *, world: str) -> list[dict[str, Any]]:
    """The rows of the `cost` section of the telemetry contract: one world's items and nothing finer."""
    return [
        {
            "world": item.world,
            "provider": item.provider,
            "region": item.region,
            "cell": item.cell,
            "maison": item.maison,
            "currency": item.billed.currency,
            "month": item.month,
            "billed": plain(item.billed.amount),
            "effective": None if item.effective is None else plain(item.effective.amount),
            "status": item.status,
            "unpriced": item.unpriced,
            "resources": item.resources,
        }
        for item in report.items
        if item.world == world and item.origin == "bills"
    ]


def _with_rates(item: Item, rates: Rates, currency: str, on: date) -> Item:
    billed = rates.convert(item.billed, currency, on=on)
    effective = None if item.effective is None else rates.convert(item.effective, currency, on=on)
    return replace(item, billed_in=billed, effective_in=effective)


def _service_with_rate(row: Service, rates: Rates, currency: str, on: date) -> Service:
    return replace(row, billed_in=rates.convert(row.billed, currency, on=on))


def _source_json(entry: Entry) -> dict[str, Any]:
    return {
        "world": entry.world,
        "provider": entry.provider,
        "file": entry.source.rsplit("/", 1)[-1],
        "sha256": entry.sha256,
        "rows": entry.rows,
        "billed": [{"currency": c, "billed": amount} for c, amount in sorted(entry.billed.items())],
        "ingested": entry.ingested_at,
    }
