"""The types that are read out of the installed SDKs."""

from __future__ import annotations

import importlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from rehearsal.providers.sdktypes import SdkTypeError, SdkTypes
from rehearsal.providers.wire import UNKNOWN

if TYPE_CHECKING:
    from pathlib import Path

CLUSTER = "azure-native:containerservice:ManagedCluster"


@pytest.fixture(scope="module")
def azure(tmp_path_factory: pytest.TempPathFactory) -> SdkTypes:
    return SdkTypes("azure-native", cache_dir=tmp_path_factory.mktemp("types"))


def problems(sdk: SdkTypes, token: str, inputs: dict[str, Any]) -> dict[str, str]:
    return {problem.path: problem.reason for problem in sdk.table(token).check_inputs(inputs)}


def test_a_misspelt_name_is_refused_by_its_path_with_the_nearest_name(azure: SdkTypes) -> None:
    pool = {"name": "system", "vmSise": "Standard_D4ds_v5"}
    found = problems(azure, CLUSTER, {"resourceGroupName": "rg", "agentPoolProfiles": [pool], "dnsPrefx": "a"})
    assert set(found) == {"agentPoolProfiles[0].vmSise", "dnsPrefx"}
    assert "did you mean vmSize?" in found["agentPoolProfiles[0].vmSise"]
    assert "did you mean dnsPrefix?" in found["dnsPrefx"]


def test_what_is_required_is_asked_for_at_every_depth(azure: SdkTypes) -> None:
    found = problems(azure, CLUSTER, {"agentPoolProfiles": [{"mode": "System"}]})
    assert set(found) == {"resourceGroupName", "agentPoolProfiles[0].name"}


def test_a_wrong_type_says_what_was_found(azure: SdkTypes) -> None:
    found = problems(azure, CLUSTER, {"resourceGroupName": 3, "enableRBAC": "yes", "tags": ["a"]})
    assert found["resourceGroupName"] == "must be of type string, not number (3)"
    assert found["enableRBAC"].startswith("must be of type boolean")
    assert found["tags"].startswith("must be a map")


def test_a_word_outside_an_enumeration_is_refused(azure: SdkTypes) -> None:
    found = problems(azure, CLUSTER, {"resourceGroupName": "rg", "publicNetworkAccess": "Sometimes"})
    assert "Enabled" in found["publicNetworkAccess"]


def test_a_value_that_is_not_known_yet_fits_every_type(azure: SdkTypes) -> None:
    assert problems(azure, CLUSTER, {"resourceGroupName": UNKNOWN, "agentPoolProfiles": UNKNOWN}) == {}


def test_a_preview_shows_what_the_cloud_fills_in_as_unknown(azure: SdkTypes) -> None:
    table = azure.table(CLUSTER)
    shown = table.with_unknowns({"enabled": True}, table.outputs["oidcIssuerProfile"])
    assert shown == {"enabled": True, "issuerURL": UNKNOWN}


def test_a_type_that_the_sdk_lacks_is_an_error(azure: SdkTypes) -> None:
    with pytest.raises(SdkTypeError, match="no type"):
        azure.table("azure-native:containerservice:Nothing")


def test_the_second_reading_comes_from_the_cache_and_is_the_same(tmp_path: Path) -> None:
    first = SdkTypes("gcp", cache_dir=tmp_path).table("gcp:storage/bucket:Bucket")
    (file,) = (tmp_path / "sdktypes").glob("*/*.json")
    raw = json.loads(file.read_text())
    raw["secrets"].append("marker")
    file.write_text(json.dumps(raw))
    second = SdkTypes("gcp", cache_dir=tmp_path).table("gcp:storage/bucket:Bucket")
    assert second.secrets == first.secrets | {"marker"}
    assert second.inputs == first.inputs


# The SDK warns of its own old classes when a module of it is imported.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    ("package", "token", "module", "name"),
    [
        ("alicloud", "alicloud:cs/nodePool:NodePool", "pulumi_alicloud.cs", "NodePool"),
        ("azure-native", "azure-native:network:Subnet", "pulumi_azure_native.network", "Subnet"),
        ("gcp", "gcp:storage/bucket:Bucket", "pulumi_gcp.storage", "Bucket"),
    ],
)
def test_what_is_read_from_the_text_is_what_the_imported_class_says(
    tmp_path: Path, package: str, token: str, module: str, name: str
) -> None:
    table = SdkTypes(package, cache_dir=tmp_path).table(token)
    resource = getattr(importlib.import_module(module), name)
    properties = {
        getter.fget.__dict__.get("_pulumi_name")
        for getter in vars(resource).values()
        if isinstance(getter, property) and getter.fget is not None
    }
    assert set(table.outputs) == properties - {None}
