"""Large fleets, made by rule: as many cells and maisons as a test or a measurement wants."""

from __future__ import annotations

import copy
from itertools import cycle
from typing import TYPE_CHECKING, Any

import yaml

from components.clouds import gpu, regions
from components.errors import NotSupportedError
from tests.recorder import FLEET

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_CLASS, _GPUS = "gpu-24g", 1
_TOGETHER = 24
_WORLDS = {"alicloud": "cn", "gcp": "row", "azure": "row"}
# Where the rehearsal's worlds keep their images; ours keep them where their first cell stands.
_HOMES = {"cn": "cn-shanghai", "row": "europe-west4"}
_SHORT = {"alicloud": "ali", "gcp": "gcp", "azure": "azu"}


def document(*, cells: int, maisons: int = 2) -> dict[str, Any]:
    """The rehearsal's fleet with `cells` cells in turn on each cloud and over its regions, and `maisons` maisons."""
    found = yaml.safe_load(FLEET.read_text(encoding="utf-8"))
    found["metadata"]["name"] = "generated"
    spec = found["spec"]
    spec["template"]["gpu_pools"] = [
        {"name": "gpu24g", "gpu_class": _CLASS, "gpus_per_node": _GPUS, "min": 0, "max": 4}
    ]
    spec["cells"] = made = list(_cells(cells))
    for world, one in spec["worlds"].items():
        own = [cell for cell in made if cell["world"] == world]
        one["regions"] = sorted({cell["region"] for cell in own})
        one["gate_cell"] = own[0]["name"]
        one["registry"] = one["registry"].replace(_HOMES[world], own[0]["region"])
    first = spec["maisons"][0]
    spec["maisons"] = [
        copy.deepcopy(first) | {"name": f"maison-{number:02}", "rbac_group": f"maison-{number:02}-engineers"}
        for number in range(1, maisons + 1)
    ]
    return found


def write(path: Path, *, cells: int, maisons: int = 2) -> Path:
    """The fleet as a file. Gives the path back."""
    path.write_text(yaml.safe_dump(document(cells=cells, maisons=maisons), sort_keys=False), encoding="utf-8")
    return path


def _cells(count: int) -> Iterator[dict[str, Any]]:
    places = {cloud: cycle(_regions(cloud)) for cloud in _WORLDS}
    for number, cloud in zip(range(count), cycle(_WORLDS), strict=False):
        yield {
            "name": f"{_SHORT[cloud]}-{number + 1:02}",
            "world": _WORLDS[cloud],
            "cloud": cloud,
            "region": next(places[cloud]),
            # From 10.4.0.0 on, each a /14: what a cell of full size takes.
            "cidr": f"10.{4 * (number + 1)}.0.0/14",
            # A project holds the log exclusions of ten cells; eight share one here.
            **({"overrides": {"gcp": {"project": f"twain-generated-{number // _TOGETHER}"}}} if cloud == "gcp" else {}),
        }


def _regions(cloud: str) -> list[str]:
    """Where the class is sold and the zones are known, in the world of the cloud."""
    sold = [region for region in gpu.regions_of(cloud, _CLASS, _GPUS) if _zoned(cloud, region)]
    return [region for region in sold if regions.world_of(cloud, region) == _WORLDS[cloud]]


def _zoned(cloud: str, region: str) -> bool:
    try:
        return bool(regions.zones(cloud, region))
    except NotSupportedError:
        return False
