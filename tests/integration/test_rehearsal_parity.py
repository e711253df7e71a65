"""Parity of cells that are really up: a difference is made in one of them, seen from both worlds, excused, put back."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from components.parity.capabilities import IDS
from tests.integration.conftest import ROOT
from tests.integration.fleets import Fleet, restore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.integration.conftest import Ran, Stage

CELL, OTHERS = "eu-par-1", ("cn-sha-1", "eu-ams-1")
# A second pool of another class, and a first one that never goes to zero: two capabilities in one change.
PATCH = """      template:
        gpu_pools:
          - {name: gpu80g, gpu_class: gpu-80g, gpus_per_node: 1, min: 1, max: 4}
          - {name: gpu16g, gpu_class: gpu-16g, gpus_per_node: 1, min: 0, max: 1}
"""
DIFFERENT = {"gpu.class": ("gpu-16g/1_gpu-80g/1", "gpu-80g/1"), "gpu.scale_from_zero": ("no", "yes")}
# What stands behind a class is named where classes differ.
BOARDS = {"gpu.class": " (NVIDIA A100 80GB PCIe, Tesla T4; the others: NVIDIA A100-SXM4-80GB)"}
# What one of the three clouds does not give: a gap that the rehearsal's own waivers declare.
DECLARED = ("nodes.metadata", "registry.encryption")
WAIVER = """apiVersion: twain/v1
kind: Waiver
metadata: {{id: W-{number}}}
spec:
  capability: {capability}
  cells: [{cell}]
  owner: platform engineering
  reason: the pilot of the smaller class runs here first
  until: {until}
"""


@pytest.fixture(scope="module")
def changed(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """A fleet with one cell unlike the others, and that cell brought up from it by plain `pulumi up`."""
    stacks = [f"rehearsal.{CELL}.{layer}" for layer in ("infra", "platform")]
    fleet = Fleet(stage, tmp_path_factory.mktemp("changed"), more=PATCH)
    try:
        for stack in stacks:
            ran = fleet.pulumi("row", stack, "up", "--yes", "--skip-preview")
            assert ran.code == 0, ran.out + ran.err
        yield fleet
    finally:
        restore(stage, "row", *stacks)
        left = stage.operator("row", "parity", "check", "--exit-code")
        assert left.code == 0, left.out


def rows(ran: Ran) -> dict[str, dict[str, Any]]:
    return {row["capability"]: row for row in ran.items}


@pytest.mark.parametrize("world", ["row", "cn"])
def test_a_difference_that_was_really_made_is_a_gap_in_its_own_world_and_through_its_gate(
    changed: Fleet, world: str
) -> None:
    ran = changed.twain(world, "parity", "check", "--exit-code", "-o", "json")
    assert ran.code == 10
    assert (ran.json["partial"], ran.json["errors"]) == (False, [])
    found = rows(ran)
    assert tuple(found) == IDS
    for capability in DECLARED:
        assert found[capability]["verdict"] == "equivalent"
        assert found[capability]["waiver"].startswith("W-REHEARSAL-")
    # The platform's guarantees cross the border like the cloud's.
    assert {found[name]["verdict"] for name in ("tenant.isolation", "network.default_deny", "gateway.tls")} == {"equal"}
    assert {one["source"] for one in ran.json["sources"]} == {"state", "gate"}
    gaps = {capability for capability, row in found.items() if row["verdict"] == "gap"}
    assert gaps == set(DIFFERENT)
    place = f"{changed.path}:{changed.line('gpu_pools:')} (spec.cells[2].template.gpu_pools)"
    for capability, (odd, common) in DIFFERENT.items():
        row = found[capability]
        values = {value["cell"]: value["value"] for value in row["values"]}
        assert values == {CELL: odd, **dict.fromkeys(OTHERS, common)}
        assert row["reason"] == f"{CELL} has {odd}, the others {common}{BOARDS.get(capability, '')}"
        assert row["where"] == place
        assert row["fix"].startswith(f"make gpu_pools of {CELL} give {common}, or declare a waiver")


def test_without_the_flag_a_gap_is_printed_and_is_no_failure(changed: Fleet) -> None:
    ran = changed.twain("row", "parity", "check")
    assert ran.code == 0
    for capability, (odd, common) in DIFFERENT.items():
        assert (
            f"gap: {capability}\n  why    {CELL} has {odd}, the others {common}{BOARDS.get(capability, '')}\n"
            in ran.out
        )


@pytest.mark.parametrize(("days", "code"), [(7, 0), (-7, 10)])
def test_a_valid_waiver_excuses_the_gap_and_an_expired_one_does_not(
    changed: Fleet, tmp_path: Path, days: int, code: int
) -> None:
    until = (datetime.now(UTC) + timedelta(days=days)).date()
    for number, capability in enumerate(DIFFERENT):
        text = WAIVER.format(number=number, capability=capability, cell=CELL, until=until)
        (tmp_path / f"{number}.yaml").write_text(text, encoding="utf-8")
    ran = changed.twain("row", "parity", "check", "--waivers", str(tmp_path), "--exit-code", "-o", "json")
    assert ran.code == code
    for number, capability in enumerate(DIFFERENT):
        row = rows(ran)[capability]
        assert row["waiver"] == f"W-{number}"
        assert row["verdict"] == ("equivalent" if code == 0 else "gap")
        said = f"until {until}" if code == 0 else f"waiver W-{number} ran out on {until} (platform engineering)"
        assert said in row["reason"]


def test_a_waiver_for_one_difference_leaves_the_other_a_gap(changed: Fleet, tmp_path: Path) -> None:
    until = (datetime.now(UTC) + timedelta(days=7)).date()
    path = tmp_path / "one.yaml"
    path.write_text(WAIVER.format(number=1, capability="gpu.class", cell=CELL, until=until), encoding="utf-8")
    ran = changed.twain("row", "parity", "check", "--waivers", str(path), "--exit-code", "-o", "json")
    assert ran.code == 10
    verdicts = {capability: rows(ran)[capability]["verdict"] for capability in DIFFERENT}
    assert verdicts == {"gpu.class": "equivalent", "gpu.scale_from_zero": "gap"}


# No field of the fleet can make these: the components set them on every cloud, and the guard refuses what is weaker.
# So the difference is put where parity reads it, into the state of a cell.
HIDDEN: dict[str, tuple[str, Callable[[dict[str, Any]], object], str, str]] = {
    "kubernetes.minor": (
        "gcp:container/cluster:Cluster",
        lambda inputs: inputs.update(minMasterVersion=inputs["minMasterVersion"].replace("1.36", "1.35", 1)),
        "1.35",
        "1.36",
    ),
    "api.private": (
        "gcp:container/cluster:Cluster",
        lambda inputs: inputs["privateClusterConfig"].update(enablePrivateEndpoint=False),
        "public",
        "private",
    ),
    "secrets.encryption": (
        "gcp:container/cluster:Cluster",
        lambda inputs: inputs["databaseEncryption"].update(state="DECRYPTED"),
        "cloud-key",
        "customer-key",
    ),
    "bucket.public_access": (
        "gcp:storage/bucket:Bucket",
        lambda inputs: inputs.update(publicAccessPrevention="inherited"),
        "possible",
        "blocked",
    ),
}


def test_with_differences_in_a_cells_state_each_is_a_gap(stage: Stage, changed: Fleet, tmp_path: Path) -> None:
    cell, stack = "eu-ams-1", "rehearsal.eu-ams-1.infra"
    export = stage.shell("row", "pulumi", "stack", "export", "--stack", stack)
    assert export.code == 0
    original, altered = tmp_path / "original.json", tmp_path / "altered.json"
    original.write_text(export.out, encoding="utf-8")
    document = json.loads(export.out)
    for kind, change, _, _ in HIDDEN.values():
        (resource,) = [one for one in document["deployment"]["resources"] if one["type"] == kind]
        change(resource["inputs"])
    altered.write_text(json.dumps(document), encoding="utf-8")
    try:
        assert stage.shell("row", "pulumi", "stack", "import", "--stack", stack, "--file", str(altered)).code == 0
        ran = changed.twain("row", "parity", "check", "--exit-code", "-o", "json")
    finally:
        assert stage.shell("row", "pulumi", "stack", "import", "--stack", stack, "--file", str(original)).code == 0
    assert ran.code == 10
    found = rows(ran)
    assert {name for name, row in found.items() if row["verdict"] == "gap"} == {*HIDDEN, *DIFFERENT}
    place = f"{changed.path}:{changed.line(f'- name: {cell}')} (spec.cells[1])"
    for capability, (_, _, odd, common) in HIDDEN.items():
        row = found[capability]
        values = {value["cell"]: value["value"] for value in row["values"]}
        assert values == {"cn-sha-1": common, cell: odd, "eu-par-1": common}
        assert row["where"] == place
    assert stage.shell("row", "pulumi", "preview", "--expect-no-changes", "--stack", stack).code == 0


def test_what_is_declared_and_what_is_deployed_guarantee_the_same(changed: Fleet) -> None:
    live, planned = (
        {
            row["capability"]: {one["cell"]: one["value"] for one in row["values"]}
            for row in changed.twain("row", "parity", "check", *more, "-o", "json").items
        }
        for more in ((), ("--planned",))
    )
    assert tuple(planned) == IDS
    assert {name for name in IDS if live[name] != planned[name]} == set()


def test_the_engines_own_preview_and_export_are_plans_of_a_stranger(stage: Stage, tmp_path: Path) -> None:
    stack = "rehearsal.eu-ams-1.infra"
    export, preview = tmp_path / "export.json", tmp_path / "preview.json"
    ran = stage.shell("row", "pulumi", "stack", "export", "--stack", stack)
    export.write_text(ran.out, encoding="utf-8")
    for more, code in ((("--show-sames",), 0), ((), 2)):
        ran = stage.shell("row", "pulumi", "preview", "--json", *more, "--stack", stack)
        assert ran.code == 0, ran.err
        preview.write_text(ran.out, encoding="utf-8")
        found = stage.operator("row", "parity", "diff", str(export), str(preview), "--exit-code", "-o", "json")
        assert found.code == code, found.err
        assert ("PLAN-SAMES" in found.err) is (code == 2)
    against = stage.operator("row", "parity", "diff", str(export), "eu-ams-1", "--exit-code", "-o", "json")
    assert against.code == 0, against.err
    assert rows(against)["api.private"]["verdict"] == "equal"


def test_a_deployed_workload_is_compared_in_its_own_world_by_its_objects_and_abroad_by_its_digests(
    stage: Stage,
) -> None:
    ran = stage.operator("row", "parity", "check", "--workload", str(ROOT / "examples" / "advisor.yaml"), "-o", "json")
    found = rows(ran)
    for name in ("image.digest", "model.weights"):
        values = {one["cell"]: one["value"] for one in found[name]["values"]}
        assert len(set(values.values())) == 1
        assert all(value.startswith("sha256/") for value in values.values())
    arguments = {one["cell"]: one["value"] for one in found["engine.arguments"]["values"]}
    assert arguments["cn-sha-1"] is None
    assert arguments["eu-ams-1"] == arguments["eu-par-1"] is not None
    assert found["engine.arguments"]["verdict"] == "unknown"
