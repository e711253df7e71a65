"""What the changes of stacks cost a month: rows and lines of `twain stack preview`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.money.money import plain
from components.pricing import changes
from components.pricing.catalog import load

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from decimal import Decimal

    from cli.fleet import CellView
    from components.pricing.changes import Change, Cost, Line, Span, Total, Unpriced

_SHOWN = 6


def of_steps(cell: CellView, steps: Sequence[Mapping[str, Any]]) -> Cost:
    """Of the steps of an engine's plan."""
    return _cost(cell, changes.changes_of(steps))


def of_plan(cell: CellView, rows: Iterable[Mapping[str, Any]]) -> Cost:
    """Of a stack that is planned from the spec and has nothing yet."""
    return _cost(
        cell,
        [
            changes.Change(
                op="create",
                type=str(row["type"]),
                name=str(row["urn"]).rsplit("::", 1)[-1],
                old=None,
                new=row.get("inputs") or {},
            )
            for row in rows
        ],
    )


def _cost(cell: CellView, found: Sequence[Change]) -> Cost:
    return changes.cost(found, cloud=cell.cloud, region=cell.region, catalog=load())


def taken(items: Sequence[dict[str, Any]]) -> dict[str, Cost | None]:
    """The costs by stack, each replaced in its row by what JSON has of it."""
    costs = {str(item["stack"]): item["cost"] for item in items}
    for item in items:
        item["cost"] = None if item["cost"] is None else as_json(item["cost"])
    return costs


def as_json(cost: Cost) -> dict[str, Any]:
    """The cost of a stack's change, as `stack preview -o json` has it."""
    return {
        "hours": changes.HOURS,
        "priced": [_line(one) for one in cost.lines],
        "unpriced": [_unpriced(one) for one in cost.unpriced],
        "totals": [_total(one) for one in cost.totals()],
    }


def summary(costs: Mapping[str, Cost | None]) -> dict[str, Any]:
    """The envelope's `cost`, of all stacks by name. `unknown` are those of which nobody knows what would change."""
    whole = _whole(costs)
    return {
        "cost": {
            "hours": changes.HOURS,
            "totals": [_total(one) for one in whole.totals()],
            "unpriced": len(whole.unpriced),
            "unknown": [name for name, cost in costs.items() if cost is None],
        }
    }


def footer(costs: Mapping[str, Cost | None]) -> list[str]:
    """Lines for people: a stack each, all together where there are several, and what is in none of the figures."""
    told = {name: cost for name, cost in costs.items() if cost is not None and (cost.lines or cost.unpriced)}
    unknown = [name for name, cost in costs.items() if cost is None]
    if not told and not unknown:
        return []
    whole = _whole(costs)
    head = f"cost of the change, per month ({changes.HOURS} hours, list prices before tax):"
    lines = ["", head] if told else []
    width = max((len(name) for name in told), default=0)
    for name, cost in told.items():
        lines += [f"  {name:<{width}}  {words}" for words in _figures(cost)]
    if len(told) > 1:
        lines += [f"  {'all':<{width}}  {words}" for words in _figures(whole)]
    if whole.unpriced:
        lines.append(f"  not in it, as no price is known or it is billed by use: {_named(whole.unpriced)}")
    if any(line.price.basis == "synthetic" for line in whole.lines):
        lines.append("  synthetic: made up for the rehearsal, as no public source gives the price; for no budget")
    if unknown:
        lines.append(f"cost unknown: {len(unknown)} stacks of another world, whose state is not here")
    return lines


def _whole(costs: Mapping[str, Cost | None]) -> Cost:
    return sum((cost for cost in costs.values() if cost is not None), start=changes.Cost())


def _figures(cost: Cost) -> list[str]:
    totals = [f"{_range(one.monthly)} {one.currency}  {one.basis}, as of {one.as_of}" for one in cost.totals()]
    return totals or ["unknown" if cost.unpriced else "0.00"]


def _range(span: Span) -> str:
    """The one figure, or both: with every pool at its smallest size, and at its largest."""
    least, most = _signed(span.least), _signed(span.most)
    return least if least == most else f"{least} (pools at their smallest) to {most} (at their largest)"


def _signed(value: Decimal) -> str:
    """To the hundredth, for people; JSON has every digit."""
    shown = plain(round(value, 2))
    return shown if shown.startswith("-") else f"+{shown}"


def _named(unpriced: Sequence[Unpriced]) -> str:
    """How many, and of which types, most first."""
    counts: dict[str, int] = {}
    for one in unpriced:
        kind = one.change.type.rsplit(":", 1)[-1]
        counts[kind] = counts.get(kind, 0) + 1
    order = sorted(counts, key=lambda kind: (-counts[kind], kind))
    shown = [f"{kind} ({counts[kind]})" if counts[kind] > 1 else kind for kind in order[:_SHOWN]]
    more = [f"{len(order) - _SHOWN} more kinds"] if len(order) > _SHOWN else []
    return ", ".join([*shown, *more])


def _what(change: Change) -> dict[str, Any]:
    return {"op": change.op, "type": change.type, "name": change.name}


def _span(span: Span) -> dict[str, str]:
    return {"atSmallest": plain(span.least), "atLargest": plain(span.most)}


def _number(span: Span) -> dict[str, str]:
    return {"atSmallest": f"{span.least:f}", "atLargest": f"{span.most:f}"}


def _line(line: Line) -> dict[str, Any]:
    return {
        **_what(line.change),
        "sku": line.price.sku,
        "price": plain(line.price.price),
        "priceKind": line.price.price_kind,
        "currency": line.price.currency,
        "asOf": line.price.as_of.isoformat(),
        "basis": line.price.basis,
        "source": line.price.source,
        "before": _number(line.before),
        "after": _number(line.after),
        "monthly": _span(line.monthly),
    }


def _unpriced(one: Unpriced) -> dict[str, Any]:
    return {**_what(one.change), "sku": one.sku, "reason": one.reason}


def _total(total: Total) -> dict[str, Any]:
    return {
        "currency": total.currency,
        "monthly": _span(total.monthly),
        "basis": total.basis,
        "asOf": total.as_of,
    }
