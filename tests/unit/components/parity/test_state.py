"""What a resource graph guarantees, and that a missing setting counts as the cloud's unsafe default."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from components.parity.capabilities import IDS
from components.parity.state import guarantees

GOLDEN = Path(__file__).resolve().parents[3] / "golden" / "graphs"
CELLS = {"alicloud": "cn-sha-1", "gcp": "eu-ams-1", "azure": "eu-par-1"}
MIRRORED = {
    "kubernetes.minor": "1.36",
    "api.private": "private",
    "secrets.encryption": "customer-key",
    "gpu.class": "gpu-80g/1",
    "gpu.scale_from_zero": "yes",
    "bucket.public_access": "blocked",
}
Graph = list[tuple[str, str, dict[str, Any]]]


def graph(cloud: str) -> Graph:
    rows = json.loads((GOLDEN / f"{CELLS[cloud]}.json").read_text(encoding="utf-8"))
    return [(row["type"], row["name"], copy.deepcopy(row["inputs"])) for row in rows]


def changed(cloud: str, kind: str, *path: str, value: Any) -> dict[str, str | None]:
    rows = graph(cloud)
    touched = 0
    for token, _, inputs in rows:
        if token.endswith(kind):
            place: Any = inputs
            for step in path[:-1]:
                place = place[step]
            place[path[-1]] = value
            touched += 1
    assert touched
    return guarantees(rows, cloud)


@pytest.mark.parametrize("cloud", CELLS)
def test_each_cloud_gives_the_same_guarantees(cloud: str) -> None:
    assert guarantees(graph(cloud), cloud) == MIRRORED
    assert tuple(MIRRORED) == IDS


@pytest.mark.parametrize(
    ("cloud", "kind", "path", "value", "capability", "expected"),
    [
        ("alicloud", ":ManagedKubernetes", ["slbInternetEnabled"], None, "api.private", "public"),
        ("alicloud", ":ManagedKubernetes", ["version"], "1.35.2-aliyun.1", "kubernetes.minor", "1.35"),
        ("alicloud", ":ManagedKubernetes", ["disableEncryption"], True, "secrets.encryption", "cloud-key"),
        ("alicloud", ":ManagedKubernetes", ["encryptionProviderKey"], "", "secrets.encryption", "cloud-key"),
        ("alicloud", ":AutoscalingConfig", ["scaleUpFromZero"], False, "gpu.scale_from_zero", "no"),
        ("alicloud", ":BucketPublicAccessBlock", ["blockPublicAccess"], False, "bucket.public_access", "possible"),
        ("alicloud", ":Bucket", ["acl"], "public-read", "bucket.public_access", "possible"),
        ("gcp", ":Cluster", ["minMasterVersion"], "1.34", "kubernetes.minor", "1.34"),
        (
            "gcp",
            "container/cluster:Cluster",
            ["privateClusterConfig", "enablePrivateEndpoint"],
            False,
            "api.private",
            "public",
        ),
        (
            "gcp",
            "container/cluster:Cluster",
            ["databaseEncryption", "state"],
            "DECRYPTED",
            "secrets.encryption",
            "cloud-key",
        ),
        ("gcp", "storage/bucket:Bucket", ["publicAccessPrevention"], "inherited", "bucket.public_access", "possible"),
        ("azure", ":ManagedCluster", ["apiServerAccessProfile", "enablePrivateCluster"], None, "api.private", "public"),
        (
            "azure",
            ":ManagedCluster",
            ["securityProfile", "azureKeyVaultKms", "enabled"],
            False,
            "secrets.encryption",
            "cloud-key",
        ),
        ("azure", ":AgentPool", ["minCount"], 1, "gpu.scale_from_zero", "no"),
        ("azure", ":AgentPool", ["enableAutoScaling"], False, "gpu.scale_from_zero", "no"),
        ("azure", ":AgentPool", ["vmSize"], "Standard_NV36ads_A10_v5", "gpu.class", "gpu-24g/1"),
        ("azure", ":AgentPool", ["vmSize"], "Standard_Nobody_Knows", "gpu.class", None),
        ("azure", ":BlobContainer", ["publicAccess"], "Blob", "bucket.public_access", "possible"),
    ],
)
def test_a_changed_setting_changes_one_guarantee(
    cloud: str, kind: str, path: list[str], value: Any, capability: str, expected: str | None
) -> None:
    found = changed(cloud, kind, *path, value=value)
    assert found == MIRRORED | {capability: expected}


@pytest.mark.parametrize("cloud", CELLS)
def test_an_empty_graph_guarantees_nothing_and_claims_nothing(cloud: str) -> None:
    found = guarantees([], cloud)
    assert {found[name] for name in IDS if not name.startswith("gpu.")} == {None}
    assert {found["gpu.class"], found["gpu.scale_from_zero"]} == {"n/a"}


def test_an_exported_state_reads_like_a_graph_and_what_is_being_deleted_does_not_count() -> None:
    rows = [
        {"type": kind, "urn": f"urn:pulumi:s::twain::{kind}::{name}", "inputs": inputs}
        for kind, name, inputs in graph("azure")
    ]
    assert guarantees(rows, "azure") == MIRRORED
    for row in rows:
        row["delete"] = row["type"].endswith(":StorageAccount")
    assert guarantees(rows, "azure")["bucket.public_access"] is None
