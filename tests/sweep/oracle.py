"""Every region that is known × every place of a resource × every origin, with the verdict that a person would give.

It reads `regions.csv`, `types.yaml` and `types.csv`, which are kept by hand with a source for each row, and imports
nothing of the product: what is wrong there cannot be wrong here for the same reason.
"""

from __future__ import annotations

import copy
import csv
import functools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

_HERE = Path(__file__).parent
WORLDS: Final = ("cn", "row")
CLOUDS: Final = ("alicloud", "gcp", "azure")
# Which world a jurisdiction belongs to. Hong Kong, Macao and Taiwan are outside the mainland's perimeter.
WORLD_OF: Final = {"mainland": "cn", "hong-kong": "row", "taiwan": "row", "row": "row", "several": None}
# A right place of each world and cloud, for what is not being varied. Google and Azure have none in China.
HOME: Final = {
    ("alicloud", "cn"): ("cn-shanghai", "cn-shanghai-b"),
    ("alicloud", "row"): ("eu-central-1", "eu-central-1a"),
    ("gcp", "row"): ("europe-west4", "europe-west4-a"),
    ("azure", "row"): ("francecentral", "1"),
    ("gcp", "cn"): ("europe-west4", "europe-west4-a"),
    ("azure", "cn"): ("francecentral", "1"),
}
KEYS: Final = {
    "alicloud": "acs:kms:{}:1:key/k",
    "gcp": "projects/p/locations/{}/keyRings/r/cryptoKeys/k",
    "azure": "https://v.vault.azure.net/keys/k",
}
_MADE: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


@dataclass(frozen=True, kw_only=True)
class Region:
    """One row of the table of regions: `source` is the cloud's own page that lists it, `dated` the day that stands on
    that page where one does, and `read` whether its text was read for this row or its address is known from elsewhere;
    `seen` is the day on which it was read, or `never`.
    """

    cloud: str
    region: str
    place: str
    jurisdiction: str
    zone: str
    known: bool
    source: str
    dated: str
    read: bool
    seen: str


@dataclass(frozen=True, kw_only=True)
class Combination:
    """One graph, the world that it is for, and whether it may be there."""

    world: str
    cloud: str
    type: str
    place: str
    region: str
    origin: str
    rows: list[dict[str, Any]]
    accept: bool

    def __str__(self) -> str:
        return f"{self.world} {self.type} {self.place} = {self.region}, origin {self.origin}: accept {self.accept}"


@functools.cache
def regions() -> tuple[Region, ...]:
    """The table of regions."""
    with (_HERE / "regions.csv").open(encoding="utf-8", newline="") as file:
        return tuple(_region(row) for row in csv.DictReader(file))


def _region(row: dict[str, str]) -> Region:
    known, read = (row.pop(key) == "yes" for key in ("known", "read"))
    return Region(**row, known=known, read=read)


@functools.cache
def pages() -> dict[str, tuple[str, bool, str]]:
    """The provider's page of each type, or the file of its inputs, whether it was read, and on which day."""
    with (_HERE / "types.csv").open(encoding="utf-8", newline="") as file:
        return {row["type"]: (row["source"], row["read"] == "yes", row["seen"]) for row in csv.DictReader(file)}


@functools.cache
def types() -> dict[str, Any]:
    """The table of types."""
    return yaml.safe_load((_HERE / "types.yaml").read_text(encoding="utf-8"))


def allowed(world: str) -> list[str]:
    """The allow-list of the sweep: every region of the table that is offered in a world."""
    return [one.region for one in regions() if one.known and WORLD_OF[one.jurisdiction] == world]


def combinations(clouds: tuple[str, ...] = CLOUDS) -> Iterator[Combination]:
    """All of them, or those of some clouds."""
    for world in WORLDS:
        for cloud in clouds:
            for place in types()["own"][cloud]:
                yield from _own(world, cloud, place)
        for kind in types()["elsewhere"]["provider"] if "alicloud" in clouds else ():
            yield from _of_provider(world, kind)
        for kind, key in types()["tagged"].items():
            if kind.partition(":")[0] in clouds:
                yield from _tagged(world, kind, key)


def _may(world: str, region: Region, origin: str) -> bool:
    return region.known and WORLD_OF[region.jurisdiction] == world and world in types()["origins"][origin]


def _own(world: str, cloud: str, place: dict[str, Any]) -> Iterator[Combination]:
    """A resource with a place of its own, under a provider at home."""
    path, kind = place["place"], place["type"]
    for region in (one for one in regions() if one.cloud == cloud):
        value = _value(place, region)
        for origin in types()["origins"] if place.get("tags") else ("none",):
            rows = _graph(world, cloud, place, value, origin)
            # Google and Azure have no region in China: whatever stands beside lies abroad too.
            may = _may(world, region, origin) or (value == place.get("filed") and world in types()["origins"][origin])
            accept = may and (cloud, world) not in {("gcp", "cn"), ("azure", "cn")}
            yield Combination(world=world, cloud=cloud, type=kind, place=path, region=str(value), origin=origin,
                              rows=rows, accept=accept)  # fmt: skip
    # Values that are no place at all. An optional one that is left out is the home's.
    for value in (None, "", _MADE):
        absent = value in (None, "")
        # A right names places and is none itself; what it is about lies elsewhere and is judged there.
        if (absent and not place.get("required")) or (place.get("rights") and not absent):
            continue
        rows = _graph(world, cloud, place, value, "none")
        yield Combination(world=world, cloud=cloud, type=kind, place=path, region=repr(value), origin="none", rows=rows,
                          accept=False)  # fmt: skip


def _value(place: dict[str, Any], region: Region) -> Any:
    form = place["form"]
    zone = region.zone or f"{region.region}-a"
    if form in ("region", "zone", "zones"):
        return {"region": region.region, "zone": zone, "zones": [zone]}[form]
    return form.format(region=region.region)


def _graph(world: str, cloud: str, place: dict[str, Any], value: Any, origin: str) -> list[dict[str, Any]]:
    home, zone = HOME[cloud, world]
    inputs = _filled(copy.deepcopy(place.get("base") or {}), home, zone, KEYS[cloud].format(home))
    _put(inputs, place["place"], value)
    if origin != "none":
        _put(inputs, f"{place['tags']}.twain-origin", origin)
    package = "azure-native" if cloud == "azure" else cloud
    provider = f"urn:pulumi:s::p::pulumi:providers:{package}::cloud"
    place_key = "location" if cloud == "azure" else "region"
    key = {"urn": provider, "type": f"pulumi:providers:{package}", "inputs": {place_key: home}}
    row = {"urn": f"urn:pulumi:s::p::{place['type']}::thing", "type": place["type"], "inputs": inputs}
    if place["type"].startswith("pulumi:providers:"):
        return [row]
    # A key of Azure names no region: it is traced to what makes it.
    edges = {name: [key["urn"]] for name in (place.get("base") or {})} if cloud == "azure" else {}
    return [key, {**row, "provider": f"{provider}::id", "propertyDependencies": edges}]


def _of_provider(world: str, kind: str) -> Iterator[Combination]:
    """A resource that lies where its provider is: what is refused is the provider."""
    cloud = "alicloud"
    for region in (one for one in regions() if one.cloud == cloud):
        urn = f"urn:pulumi:s::p::pulumi:providers:{cloud}::cloud"
        rows = [
            {"urn": urn, "type": f"pulumi:providers:{cloud}", "inputs": {"region": region.region}},
            {"urn": f"urn:pulumi:s::p::{kind}::thing", "type": kind, "inputs": {}, "provider": f"{urn}::id"},
        ]
        yield Combination(world=world, cloud=cloud, type=kind, place="(its provider)", region=region.region,
                          origin="none", rows=rows, accept=_may(world, region, "none"))  # fmt: skip


def _tagged(world: str, kind: str, key: str) -> Iterator[Combination]:
    """A resource without a place of its own that says an origin, under a provider at home."""
    cloud = kind.partition(":")[0]
    at_home = (cloud, world) not in {("gcp", "cn"), ("azure", "cn")}
    for origin in types()["origins"]:
        rows = _graph(world, cloud, {"type": kind, "place": "name", "tags": key}, "thing", origin)
        accept = at_home and world in types()["origins"][origin]
        yield Combination(world=world, cloud=cloud, type=kind, place="(its provider)", region="(home)", origin=origin,
                          rows=rows, accept=accept)  # fmt: skip


def _filled(value: Any, home: str, zone: str, key: str) -> Any:
    if isinstance(value, dict):
        return {name: _filled(inner, home, zone, key) for name, inner in value.items()}
    return {"HOME": home, "HOMEZONE": zone, "KEY": key}.get(value, value) if isinstance(value, str) else value


def _put(inputs: dict[str, Any], path: str, value: Any) -> None:
    *steps, last = path.split(".")
    held: Any = inputs
    for step in steps:
        following = held.get(step)
        held[step] = following if following is not None else {}
        held = held[step]
    held[last] = value
