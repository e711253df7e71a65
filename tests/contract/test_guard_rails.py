"""One body over three clouds: what an organisation is told by a cell."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from components.clouds.regions import WORLD_OF
from components.spec.load import load_fleet
from tests.contract.cells import CELLS, Infra
from tests.recorder import FLEET, Recorder

if TYPE_CHECKING:
    from pathlib import Path

NODES = {"alicloud": "fd-abcde12345", "gcp": "folders/123456789012", "azure": "twain-row"}
ALLOWED = {
    "alicloud": {"cn-shanghai", "cn-beijing", "cn-hangzhou"},
    "gcp": {"europe-west4"},
    "azure": {"francecentral", "swedencentral"},
}
KINDS = {
    "alicloud:resourcemanager/controlPolicy:ControlPolicy",
    "alicloud:resourcemanager/controlPolicyAttachment:ControlPolicyAttachment",
    "gcp:orgpolicy/policy:Policy",
    "azure-native:authorization:PolicyAssignment",
}


def railed(tmp_path: Path, *, protect: bool = False) -> Path:
    text = FLEET.read_text(encoding="utf-8").replace("protect: false", f"protect: {str(protect).lower()}")
    text = text.replace(
        "gate_cell: cn-sha-1", f"gate_cell: cn-sha-1\n      guard_rails: {{alicloud: {NODES['alicloud']}}}"
    ).replace(
        "gate_cell: eu-ams-1",
        f"gate_cell: eu-ams-1\n      guard_rails: {{gcp: {NODES['gcp']}, azure: {NODES['azure']}}}",
    )
    path = tmp_path / "fleet.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def allowed(cloud: str, recorder: Recorder) -> set[str]:
    """What the declared policies leave open, as regions."""
    if cloud == "alicloud":
        (policy,) = [one for one in recorder.resources if one.type.endswith(":ControlPolicy")]
        (statement,) = json.loads(policy.inputs["policyDocument"])["Statement"]
        assert (statement["Effect"], statement["Action"]) == ("Deny", "*")
        denied = {re.fullmatch(r"acs:\*:([a-z0-9-]+):\*:\*", arn)[1] for arn in statement["Resource"]}  # pyright: ignore[reportOptionalSubscript]
        return set(WORLD_OF["alicloud"]) - denied
    if cloud == "gcp":
        (rule,) = recorder.one("gcp:orgpolicy/policy:Policy").inputs["spec"]["rules"]
        return {one.removeprefix("in:").removesuffix("-locations") for one in rule["values"]["allowedValues"]}
    found = [one.inputs for one in recorder.of("azure-native:authorization:PolicyAssignment")]
    assert len({one["policyDefinitionId"] for one in found}) == 2
    assert {one["enforcementMode"] for one in found} == {"Default"}
    (places,) = {tuple(one["parameters"]["listOfAllowedLocations"]["value"]) for one in found}
    return set(places)


@pytest.mark.parametrize("cloud", CELLS)
def test_the_world_s_regions_of_this_cloud_and_no_other_are_allowed_on_the_node(
    cloud: str, tmp_path: Path, infra: Infra
) -> None:
    recorder, outputs = infra(cloud, railed(tmp_path))
    assert allowed(cloud, recorder) == ALLOWED[cloud]
    assert outputs["guard_rails"]["attached_to"] == NODES[cloud]
    assert outputs["guard_rails"]["policies"]
    assert NODES[cloud] in json.dumps([one.inputs for one in recorder.resources if one.type in KINDS])


@pytest.mark.parametrize("cloud", CELLS)
def test_another_cell_of_the_world_on_the_same_cloud_declares_none(cloud: str, tmp_path: Path, infra: Infra) -> None:
    fleet = railed(tmp_path)
    text = fleet.read_text(encoding="utf-8")
    block = re.search(rf"    - name: {CELLS[cloud]}\n(?:      .*\n)+", text)
    assert block is not None
    cidr = load_fleet(FLEET).cell(CELLS[cloud]).cidr
    sister = block[0].replace(CELLS[cloud], "sister-1").replace(cidr, "10.0.0.0/14")
    fleet.write_text(text.replace(block[0], block[0] + sister), encoding="utf-8")
    recorder, outputs = infra(cloud, fleet, cell="sister-1")
    assert {one.type for one in recorder.resources} & KINDS == set()
    assert outputs["guard_rails"] == {"attached_to": "", "policies": []}


def test_a_guard_rail_is_protected_as_the_cell_is(tmp_path: Path, infra: Infra) -> None:
    for protect, policy in ((True, "PREVENT"), (False, "DELETE")):
        recorder, _ = infra("gcp", railed(tmp_path, protect=protect))
        assert recorder.one("gcp:orgpolicy/policy:Policy").inputs["deletionPolicy"] == policy
