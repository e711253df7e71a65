"""A GPU pool lies in the zones that the fleet names for it: of the cell's, and in no others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from pulumi.runtime.proto import provider_pb2

from components.clouds import regions
from components.clouds.node_images import FIXED_POOL_ZONES
from rehearsal.providers.wire import encode
from tests import recorder as recording
from tests.contract.cells import CELLS, FLEET, Infra, Made
from tests.contract.cells import spec as declared

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.emulated import Emulated
    from tests.recorder import Recorder, Registered

POOLS = {
    "alicloud": "alicloud:cs/nodePool:NodePool",
    "gcp": "gcp:container/nodePool:NodePool",
    "azure": "azure-native:containerservice:AgentPool",
}
KEYS = {"alicloud": "vswitchIds", "gcp": "nodeLocations", "azure": "availabilityZones"}


def pool_of(recorder: Recorder, cloud: str) -> Registered:
    """The cell's only GPU pool."""
    (name,) = [pool.name for pool in declared(cloud).template.gpu_pools]
    (found,) = [one for one in recorder.of(POOLS[cloud]) if one.name == f"{CELLS[cloud]}-{name}"]
    return found


def zones_of(recorder: Recorder, cloud: str) -> list[str]:
    """Where the pool lies, as its cloud says: on Alibaba Cloud by its subnets, each of which lies in one zone."""
    said = pool_of(recorder, cloud).said[KEYS[cloud]]
    if cloud != "alicloud":
        return list(said)
    of = {one.id: one.said["zoneId"] for one in recorder.of("alicloud:vpc/switch:Switch")}
    return [of[one] for one in said]


def zones_of_cell(cloud: str) -> tuple[str, ...]:
    cell = declared(cloud).cell
    return regions.of_cell(cell.cloud, cell.region, cell.zones)


def in_zones(folder: Path, cloud: str, *zones: str) -> Path:
    """The fleet, with the cell's pool in these zones."""
    line, text = f"    - name: {CELLS[cloud]}\n", FLEET.read_text(encoding="utf-8")
    assert line in text
    pool = f"{{name: gpu80g, gpu_class: gpu-80g, max: 4, zones: {regions.written(zones)}}}"
    path = folder / "fleet.yaml"
    path.write_text(text.replace(line, f"{line}      template: {{gpu_pools: [{pool}]}}\n"), encoding="utf-8")
    return path


def test_a_pool_lies_in_all_zones_of_its_cell_unless_the_fleet_says_otherwise(cell: Made, cloud: str) -> None:
    recorder, outputs = cell
    (wanted,) = declared(cloud).template.gpu_pools
    assert zones_of(recorder, cloud) == list(wanted.within(zones_of_cell(cloud)))
    assert [pool["zones"] for pool in outputs["gpu_pools"]] == [zones_of(recorder, cloud)]


def test_a_pool_with_a_zone_of_its_own_lies_there_and_nothing_else_of_the_cell_changes(
    cloud: str, tmp_path: Path, infra: Infra, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cloud that refuses other zones for a pool makes it anew, and the engine is told so: the provider's schema does
    not tell it.
    """
    told: dict[str, list[str]] = {}
    register, fixed = recording.Monitor.RegisterResource, cloud in FIXED_POOL_ZONES

    def noted(self: recording.Monitor, request: Any) -> Any:
        told[request.name] = list(request.replaceOnChanges)
        return register(self, request)

    monkeypatch.setattr(recording.Monitor, "RegisterResource", noted)
    zone = zones_of_cell(cloud)[1]
    before, _ = infra(cloud, FLEET, account=tmp_path / "account")
    # The same account keeps its ids; a cloud that makes the pool anew refuses to have it there twice.
    account = tmp_path / ("another" if fixed else "account")
    after, outputs = infra(cloud, in_zones(tmp_path, cloud, zone), account=account)
    assert zones_of(after, cloud) == [zone]
    assert outputs["gpu_pools"][0]["zones"] == [zone]
    pool = pool_of(after, cloud)
    ((old, new),) = [(old, new) for old, new in zip(before.graph(), after.graph(), strict=True) if old != new]
    assert (new[:2], old[:2]) == ((pool.type, pool.name),) * 2
    assert {key for key in {*old[2], *new[2]} if old[2].get(key) != new[2].get(key)} == {KEYS[cloud]}
    request = provider_pb2.DiffRequest(
        urn=f"urn:pulumi:rehearsal.{CELLS[cloud]}.infra::twain::{pool.type}::{pool.name}",
        old_inputs=encode(old[2]),
        news=encode(new[2]),
    )
    (provider,) = cast("Emulated", after).providers.values()
    answer = provider.Diff(request, cast("Any", None))
    assert answer.changes == provider_pb2.DiffResponse.DIFF_SOME
    assert bool(answer.replaces) is fixed
    assert told[pool.name] == ([KEYS[cloud]] if fixed else [])
