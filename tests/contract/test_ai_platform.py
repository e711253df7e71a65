"""One body over three clouds: what a cell's hook into its cloud's AI platform promises."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from components.clouds.hosted import model_studio
from stacks import program
from tests.recorder import FLEET, Recorder, environment, run

if TYPE_CHECKING:
    from pathlib import Path

CELLS = {"alicloud": "cn-sha-1", "gcp": "eu-ams-1", "azure": "eu-par-1"}
REGIONS = {"alicloud": "cn-shanghai", "azure": "francecentral"}
WORLDS = {"alicloud": "cn", "gcp": "row", "azure": "row"}
PLACES = {
    "alicloud": "alicloud:pai/workspaceWorkspace:WorkspaceWorkspace",
    "gcp": "gcp:vertex/aiEndpoint:AiEndpoint",
    "azure": "azure-native:cognitiveservices:Account",
}
SERVED = {"alicloud": "alicloud:pai/service:Service", "azure": "azure-native:cognitiveservices:Deployment"}
_MADE: dict[str, tuple[Recorder, dict[str, Any]]] = {}


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


def infra(cloud: str, fleet: Path = FLEET) -> tuple[Recorder, dict[str, Any]]:
    with environment(TWAIN_REHEARSAL_HOME="/nowhere", PULUMI_BACKEND_URL=f"file:///nowhere/{WORLDS[cloud]}/state"):
        return run(program.main, stack=f"rehearsal.{CELLS[cloud]}.infra", config={"fleet": str(fleet)})


def cell(cloud: str) -> tuple[Recorder, dict[str, Any]]:
    if cloud not in _MADE:
        _MADE[cloud] = infra(cloud)
    return _MADE[cloud]


@pytest.mark.parametrize("cloud", CELLS)
def test_a_cell_has_one_private_place_for_models_in_its_region(cloud: str) -> None:
    recorder, outputs = cell(cloud)
    place = recorder.one(PLACES[cloud]).inputs
    assert outputs["ai_platform"]["id"]
    if cloud == "gcp":
        assert (place["location"], place["region"]) == ("europe-west4", "europe-west4")
        joined = place["privateServiceConnectConfig"]
        assert joined == {"enablePrivateServiceConnect": True, "projectAllowlists": ["twain-rehearsal-row"]}
        assert place["encryptionSpec"]["kmsKeyName"]
        assert re.fullmatch(r"[1-9]\d{0,9}", place["name"])
        assert "network" not in place
    if cloud == "azure":
        closed = place["properties"]
        assert place["location"] == "francecentral"
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


def test_the_account_on_azure_has_a_key_of_the_size_that_it_takes_in_the_cell_s_vault() -> None:
    recorder, _ = cell("azure")
    keys = {one.name: one.inputs for one in recorder.of("azure-native:keyvault:Key")}
    mine = keys["eu-par-1-ai-key"]
    assert mine["properties"]["keySize"] == 2048
    used = recorder.one(PLACES["azure"]).inputs["properties"]["encryption"]["keyVaultProperties"]
    assert used["keyName"] == mine["keyName"]
    assert re.fullmatch(r"[0-9a-f]{32}", used["keyVersion"])
    assert used["identityClientId"]


def test_a_model_on_azure_computes_in_the_account_s_region_and_does_not_upgrade_itself(serving: Path) -> None:
    recorder, outputs = infra("azure", serving)
    served = recorder.one(SERVED["azure"]).inputs
    assert served["sku"] == {"name": "Standard", "capacity": 1}
    assert served["properties"]["versionUpgradeOption"] == "NoAutoUpgrade"
    assert served["properties"]["model"] == {"format": "OpenAI", "name": "text-embedding-3-large", "version": "1"}
    assert outputs["ai_platform"]["service"]
    assert outputs["ai_platform"]["hosted"].startswith("https://")


def test_a_model_on_alibaba_cloud_comes_from_the_cell_s_registry_and_has_no_door_to_the_internet(
    serving: Path,
) -> None:
    recorder, outputs = infra("alicloud", serving)
    document = json.loads(recorder.one(SERVED["alicloud"]).inputs["serviceConfig"])
    (container,) = document["containers"]
    assert container["image"] == f"{outputs['registry']['address']}/platform/text-embeddings:1.0"
    assert document["networking"] == {"disable_internet_endpoint": True}
    assert document["cloud"]["networking"] == {
        "vpc_id": "vpc-cnsha1network",
        "vswitch_id": "vsw-cnsha1nodes0",
        "security_group_id": "sg-cnsha1ai",
    }
    assert [one["type"] for one in document["cloud"]["computing"]["instances"]] == ["ecs.gn7i-c16g1.4xlarge"]
    assert re.fullmatch(r"[a-z][a-z0-9_]{2,62}", document["metadata"]["name"])
    # Computed in the scope "Chinese mainland".
    assert outputs["ai_platform"]["hosted"] == "https://dashscope.aliyuncs.com/compatible-mode/v1"


@pytest.mark.parametrize("cloud", SERVED)
def test_without_a_model_there_is_only_the_place_for_one(cloud: str) -> None:
    recorder, outputs = cell(cloud)
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
