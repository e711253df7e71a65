"""What a change of resources costs a month, at list prices: the difference between what was there and what would be.

Pure. A pool that grows and shrinks is a range, from all pools at their smallest to all at their largest. What has no
known price, or is billed by what is used, is listed as unpriced and is in no figure. Currencies are never added.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from components.money.money import exact_difference, exact_sum, times
from components.pricing import meters, pools

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from components.pricing.catalog import Catalog
    from components.pricing.model import Basis, Price, PriceKind

# The month that the clouds' own calculators price: 365 days of 24 hours, divided by 12.
HOURS: Final = 730
_TRUST: Final[dict[Basis, int]] = {"sourced": 0, "derived": 1, "synthetic": 2}
# The engine's marks of a value that is not known yet.
_NOT_KNOWN: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_MAKING: Final = ("create", "import")
_FREE_PACKAGES: Final = ("pulumi", "twain")
# What makes a cloud put something beside a cluster that it bills.
_OF_CLUSTERS: Final = {
    "Gateway": "the balancer that its controller makes",
    "PersistentVolumeClaim": "the volume that is made for it",
}


@dataclass(frozen=True, kw_only=True)
class Change:
    """A resource that would change: inputs before and after, None where there is none."""

    op: str
    type: str
    name: str
    old: Mapping[str, Any] | None
    new: Mapping[str, Any] | None


@dataclass(frozen=True, kw_only=True)
class Span:
    """Two figures of one thing: with every pool at its smallest and at its largest size."""

    least: Decimal
    most: Decimal


NOTHING: Final = Span(least=Decimal(0), most=Decimal(0))


@dataclass(frozen=True, kw_only=True)
class Line:
    """What one kind of thing in one resource costs more, or less, a month."""

    change: Change
    price: Price
    before: Span
    after: Span
    monthly: Span


@dataclass(frozen=True, kw_only=True)
class Unpriced:
    """What is billed, and by how much more is not known. `sku` is its name on a price list, None where it has none."""

    change: Change
    sku: str | None
    reason: str


@dataclass(frozen=True, kw_only=True)
class Total:
    """A sum over one currency. `basis` is that of its least trustworthy part, `as_of` the day of its oldest price."""

    currency: str
    monthly: Span
    basis: Basis
    as_of: str


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a change costs a month: no line and nothing unpriced means that it changes nothing that is billed."""

    lines: tuple[Line, ...] = ()
    unpriced: tuple[Unpriced, ...] = ()

    def __add__(self, other: Cost) -> Cost:
        return Cost(lines=(*self.lines, *other.lines), unpriced=(*self.unpriced, *other.unpriced))

    def totals(self) -> list[Total]:
        """One sum per currency, sorted."""
        found: list[Total] = []
        for currency in sorted({line.price.currency for line in self.lines}):
            lines = [line for line in self.lines if line.price.currency == currency]
            found.append(
                Total(
                    currency=currency,
                    monthly=Span(
                        least=exact_sum(line.monthly.least for line in lines),
                        most=exact_sum(line.monthly.most for line in lines),
                    ),
                    basis=max((line.price.basis for line in lines), key=lambda basis: _TRUST[basis]),
                    as_of=min(line.price.as_of for line in lines).isoformat(),
                )
            )
        return found


@dataclass
class _Held:
    """What a resource has of things that are billed: how many of each by (SKU, way of buying), and what cannot be
    counted.
    """

    counted: dict[tuple[str, PriceKind], Span] = field(default_factory=dict[tuple[str, "PriceKind"], Span])
    uncounted: list[tuple[str | None, str]] = field(default_factory=list[tuple[str | None, str]])

    def add(self, sku: str, kind: PriceKind, span: Span) -> None:
        had = self.counted.get((sku, kind), NOTHING)
        self.counted[sku, kind] = Span(least=had.least + span.least, most=had.most + span.most)


def _known(value: Any) -> Any:
    """Inputs without what is not known yet."""
    if isinstance(value, dict):
        return {key: _known(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_known(item) for item in value]
    return None if value == _NOT_KNOWN else value


def _held(cloud: str, type_token: str, inputs: Mapping[str, Any] | None) -> _Held:
    held = _Held()
    package, _, rest = type_token.partition(":")
    if inputs is None or package in _FREE_PACKAGES:
        return held
    if package == "kubernetes":
        return _held_in_cluster(rest.rpartition(":")[2], inputs)
    for one in pools.machines(type_token, _known(inputs)):
        if one.sku is None:
            held.uncounted.append((None, "which machines it has is not known before it is made"))
        elif one.least is None or one.most is None:
            held.uncounted.append((one.sku, "how many machines it has is not known before it is made"))
        else:
            held.add(one.sku, one.kind, Span(least=Decimal(one.least), most=Decimal(one.most)))
    meter = meters.of_resource(cloud, type_token)
    if meter is None:
        return held
    if not meter.sku:
        held.uncounted.append((None, "no public price is known"))
    elif meter.unit == "hour":
        held.add(meter.sku, "ondemand", Span(least=Decimal(1), most=Decimal(1)))
    else:
        held.uncounted.append((meter.sku, "billed by what is kept in it"))
    return held


def _held_in_cluster(kind: str, inputs: Mapping[str, Any]) -> _Held:
    """An object in a cluster runs on machines that are billed already, but for what the cloud puts beside them."""
    spec = inputs.get("spec")
    what = _OF_CLUSTERS.get(kind)
    if kind == "Service" and isinstance(spec, dict) and spec.get("type") == "LoadBalancer":
        what = "the balancer that is made for it"
    return _Held(uncounted=[(None, f"no public price is known of {what}")] if what else [])


def cost(changes: Iterable[Change], *, cloud: str, region: str, catalog: Catalog) -> Cost:
    """What the changes of one stack cost a month, in the currency that the cloud bills. `region` is where it lies."""
    lines: list[Line] = []
    unpriced: list[Unpriced] = []
    for change in changes:
        before, after = _held(cloud, change.type, change.old), _held(cloud, change.type, change.new)
        for sku, kind in dict.fromkeys((*before.counted, *after.counted)):
            had, gets = before.counted.get((sku, kind), NOTHING), after.counted.get((sku, kind), NOTHING)
            if had == gets:
                continue
            price = _price(catalog, cloud=cloud, region=region, sku=sku, kind=kind)
            if price is None:
                unpriced.append(Unpriced(change=change, sku=sku, reason="no public price is known"))
            else:
                lines.append(_line(change, price, had, gets))
        # A thing that cannot be counted may cost more or less by any change of it: it is told once, never taken as 0.
        for sku, reason in dict.fromkeys((*after.uncounted, *before.uncounted)):
            unpriced.append(
                Unpriced(change=change, sku=sku, reason=_priced_by_use(catalog, cloud, region, sku, reason))
            )
    return Cost(lines=tuple(lines), unpriced=tuple(unpriced))


def _line(change: Change, price: Price, had: Span, gets: Span) -> Line:
    def monthly(before: Decimal, after: Decimal) -> Decimal:
        return times(exact_difference(after, before), times(price.price, Decimal(HOURS)))

    span = Span(least=monthly(had.least, gets.least), most=monthly(had.most, gets.most))
    return Line(change=change, price=price, before=had, after=gets, monthly=span)


def _price(catalog: Catalog, *, cloud: str, region: str, sku: str, kind: PriceKind) -> Price | None:
    """The price in the currency that the cloud bills, else in another that the list has: shown as such, never mixed."""
    first = meters.CURRENCY[cloud]
    for currency in (first, *sorted(set(meters.CURRENCY.values()) - {first})):
        found = catalog.find(cloud=cloud, region=region, sku=sku, currency=currency, price_kind=kind)
        if found is not None:
            return found
    return None


def _priced_by_use(catalog: Catalog, cloud: str, region: str, sku: str | None, reason: str) -> str:
    price = _price(catalog, cloud=cloud, region=region, sku=sku, kind="ondemand") if sku else None
    if price is None or price.unit != "gb-month":
        return reason
    return f"{reason}: {price.price} {price.currency} per GB a month"


def changes_of(steps: Sequence[Mapping[str, Any]]) -> list[Change]:
    """The changes that an engine's plan has, each resource once: a replacement is told in three steps."""
    ops: dict[str, list[str]] = {}
    sides: dict[str, dict[str, Mapping[str, Any]]] = {}
    for step in steps:
        op, urn = str(step.get("op")), str(step.get("urn"))
        if op in ("same", "read"):
            continue
        ops.setdefault(urn, []).append(op)
        for side in ("oldState", "newState"):
            state = step.get(side)
            if isinstance(state, dict) and isinstance(state.get("inputs"), dict):
                sides.setdefault(urn, {}).setdefault(side, state["inputs"])
    return [_change(urn, told, sides.get(urn, {})) for urn, told in ops.items()]


def _change(urn: str, told: Sequence[str], sides: Mapping[str, Mapping[str, Any]]) -> Change:
    op = "replace" if any("replace" in one for one in told) else told[0]
    # A plan that leaves a side out does not say that there is nothing.
    return Change(
        op=op,
        type=urn.split("::")[2].rsplit("$", 1)[-1],
        name=urn.rsplit("::", 1)[-1],
        old=sides.get("oldState", None if op in _MAKING else {}),
        new=None if op == "delete" else sides.get("newState", {}),
    )
