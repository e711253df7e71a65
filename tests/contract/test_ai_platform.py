"""One body over three clouds: what a cell's hook into its cloud's AI platform promises."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from components.clouds.hosted import model_studio
from tests.contract.cells import CELLS, Infra, Made
from tests.contract.cells import spec as declared
from tests.recorder import FLEET

if TYPE_CHECKING:
    from pathlib import Path

REGIONS = {"alicloud": "cn-shanghai", "azure": "francecentral"}
PLACES = {
    "alicloud": "alicloud:pai/workspaceWorkspace:WorkspaceWorkspace",
    "gcp": "gcp:vertex/aiEndpoint:AiEndpoint",
    "azure": "azure-native:cognitiveservices:Account",
}
SERVED = {"alicloud": "alicloud:pai/service:Service", "azure": "azure-native:cognitiveservices:Deployment"}


# What the fleet has to name for its cloud to serve a model.
MODELS = {
    "alicloud": '{ai_platform: {model: {name: text-embeddings, version: "1.0", gpu_class: gpu-24g}}}',
    "azure": '{ai_platform: {model: {publisher: OpenAI, name: text-embedding-3-large, version: "1"}}}',
}


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rehearsal's fleet with a model on each cloud that can be told to serve one."""
    text = FLEET.read_text(encoding="utf-8")
    for cloud, model in MODELS.items():
        place = f"      region: {REGIONS[cloud]}\n"
        assert place in text
        text = text.replace(place, f"{place}      template: {model}\n")
    path = tmp_path_factory.mktemp("fleet") / "fleet.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_cell_has_one_private_place_for_models_in_its_region(cell: Made, cloud: str) -> None:
    recorder, outputs = cell
    place = recorder.one(PLACES[cloud]).said
    region = declared(cloud).cell.region
    assert outputs["ai_platform"]["id"]
    if cloud == "gcp":
        assert (place["location"], place["region"]) == (region, region)
        joined = place["privateServiceConnectConfig"]
        assert joined == {"enablePrivateServiceConnect": True, "projectAllowlists": [place["project"]]}
        assert place["encryptionSpec"]["kmsKeyName"]
        assert re.fullmatch(r"[1-9]\d{0,9}", place["name"])
        assert "network" not in place
    if cloud == "azure":
        closed = place["properties"]
        assert place["location"] == region
        assert (closed["publicNetworkAccess"], closed["disableLocalAuth"]) == ("Disabled", True)
        assert closed["networkAcls"] == {"bypass": "None", "defaultAction": "Deny"}
        # An empty list lets nothing out.
        assert (closed["restrictOutboundNetworkAccess"], closed["allowedFqdnList"]) == (True, [])
        zones = {one.inputs["privateZoneName"] for one in recorder.of("azure-native:privatedns:PrivateZone")}
        words = ("cognitiveservices", "openai", "services.ai")
        assert {f"privatelink.{word}.azure.com" for word in words} <= zones
        (group,) = [
            one.inputs["privateDnsZoneConfigs"]
            for one in recorder.of("azure-native:network:PrivateDnsZoneGroup")
            if len(one.inputs["privateDnsZoneConfigs"]) == 3
        ]
        assert len({one["privateDnsZoneId"] for one in group}) == 3


@pytest.mark.parametrize("cloud", ["azure"])
def test_the_account_on_azure_has_a_key_of_the_size_that_it_takes_in_the_cell_s_vault(cell: Made, cloud: str) -> None:
    recorder = cell[0]
    keys = {one.name: one.inputs for one in recorder.of("azure-native:keyvault:Key")}
    mine = keys[f"{CELLS[cloud]}-ai-key"]
    assert mine["properties"]["keySize"] == 2048
    used = recorder.one(PLACES["azure"]).inputs["properties"]["encryption"]["keyVaultProperties"]
    assert used["keyName"] == mine["keyName"]
    assert re.fullmatch(r"[0-9a-f]{32}", used["keyVersion"])
    assert used["identityClientId"]


def test_a_model_on_azure_computes_in_the_account_s_region_and_does_not_upgrade_itself(
    serving: Path, infra: Infra
) -> None:
    recorder, outputs = infra("azure", serving)
    served = recorder.one(SERVED["azure"]).inputs
    assert served["sku"] == {"name": "Standard", "capacity": 1}
    assert served["properties"]["versionUpgradeOption"] == "NoAutoUpgrade"
    assert served["properties"]["model"] == {"format": "OpenAI", "name": "text-embedding-3-large", "version": "1"}
    assert outputs["ai_platform"]["service"]
    assert outputs["ai_platform"]["hosted"].startswith("https://")


def test_a_model_on_alibaba_cloud_comes_from_the_cell_s_registry_and_has_no_door_to_the_internet(
    serving: Path, infra: Infra
) -> None:
    recorder, outputs = infra("alicloud", serving)
    document = json.loads(recorder.one(SERVED["alicloud"]).inputs["serviceConfig"])
    (container,) = document["containers"]
    (switch,) = [one.id for one in recorder.of("alicloud:vpc/switch:Switch") if one.name.endswith("nodes-0")]
    (group,) = [one.id for one in recorder.of("alicloud:ecs/securityGroup:SecurityGroup") if one.name.endswith("ai")]
    assert container["image"] == f"{outputs['registry']['address']}/platform/text-embeddings:1.0"
    assert document["networking"] == {"disable_internet_endpoint": True}
    assert document["cloud"]["networking"] == {
        "vpc_id": recorder.one("alicloud:vpc/network:Network").id,
        "vswitch_id": switch,
        "security_group_id": group,
    }
    assert [one["type"] for one in document["cloud"]["computing"]["instances"]] == ["ecs.gn7i-c16g1.4xlarge"]
    assert re.fullmatch(r"[a-z][a-z0-9_]{2,62}", document["metadata"]["name"])
    # Computed in the scope "Chinese mainland".
    assert outputs["ai_platform"]["hosted"] == "https://dashscope.aliyuncs.com/compatible-mode/v1"


@pytest.mark.parametrize("cloud", SERVED)
def test_without_a_model_there_is_only_the_place_for_one(cell: Made, cloud: str) -> None:
    recorder, outputs = cell
    assert recorder.of(SERVED[cloud]) == []
    assert len(recorder.of(PLACES[cloud])) == 1
    assert outputs["ai_platform"]["service"] == ""


@pytest.mark.parametrize(
    ("world", "allowed", "host"),
    [
        ("cn", ("cn-beijing",), "dashscope.aliyuncs.com"),
        ("cn", ("cn-shanghai",), ""),
        ("row", ("ap-southeast-1",), "dashscope-intl.aliyuncs.com"),
        # What Frankfurt offers may compute in China.
        ("row", ("eu-central-1",), ""),
    ],
)
def test_a_hosted_model_is_named_only_where_it_computes_inside_the_world(
    world: str, allowed: tuple[str, ...], host: str
) -> None:
    found = model_studio(world, allowed)
    assert (found.split("/")[2] if found else "") == host
