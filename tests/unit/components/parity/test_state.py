"""How a resource graph is read: a missing setting counts as the cloud's unsafe default, one that cannot be read as
unknown.
"""

from __future__ import annotations

from typing import Any

import pytest

from components.parity import state
from components.parity.graph import HIDDEN, at, every, given, is_, some, whole
from components.parity.state import INFRA, PLATFORM, WORKLOAD, guarantees
from tests.unit.components.parity import plans

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:abc"}
CLUSTERS = {
    "alicloud": ("alicloud:cs/managedKubernetes:ManagedKubernetes", "slbInternetEnabled"),
    "gcp": ("gcp:container/cluster:Cluster", "privateClusterConfig"),
    "azure": ("azure-native:containerservice:ManagedCluster", "apiServerAccessProfile"),
}


@pytest.mark.parametrize("cloud", plans.CELLS)
def test_an_empty_graph_guarantees_nothing_and_claims_nothing(cloud: str) -> None:
    assert set(guarantees([], cloud).values()) == {None}
    assert tuple(guarantees([], cloud)) == (*INFRA, *PLATFORM, *WORKLOAD)


@pytest.mark.parametrize("cloud", plans.CELLS)
def test_a_cluster_without_a_setting_has_the_clouds_unsafe_default(cloud: str) -> None:
    token, _ = CLUSTERS[cloud]
    found = guarantees([(token, "cluster", {})], cloud)
    assert (found["api.private"], found["secrets.encryption"]) == ("public", "cloud-key")
    assert (found["identity.keyless"], found["network.policy"], found["audit.log"]) == ("none", "ignored", "off")
    assert found["kubernetes.minor"] is None
    assert {found["gpu.class"], found["gpu.scale_from_zero"], found["database.tls"]} == {"n/a"}
    assert {found[name] for name in PLATFORM} == {None}


@pytest.mark.parametrize("cloud", plans.CELLS)
@pytest.mark.parametrize("hidden", [UNKNOWN, "[secret]", SECRET, object()])
def test_a_setting_that_cannot_be_read_makes_its_capability_unknown_and_no_other(cloud: str, hidden: Any) -> None:
    rows = plans.plan(cloud)
    token, path = CLUSTERS[cloud]
    plans.put(rows, token, path, hidden)
    before, found = guarantees(plans.plan(cloud), cloud), guarantees(rows, cloud)
    assert {name for name in found if found[name] != before[name]} == {"api.private"}
    assert found["api.private"] is None


@pytest.mark.parametrize("cloud", plans.CELLS)
def test_a_second_cluster_that_is_weaker_makes_the_cell_weaker(cloud: str) -> None:
    rows = plans.plan(cloud)
    token, _ = CLUSTERS[cloud]
    plans.add(rows, token, {})
    assert guarantees(rows, cloud)["api.private"] == "public"


def test_a_known_no_outweighs_what_cannot_be_read() -> None:
    assert every([None, False, True]) is False
    assert every([None, True]) is None
    assert some([None, True]) is True
    assert some([None, False]) is None
    assert every([]) is True
    assert some([]) is False


def test_values_are_compared_as_what_they_are() -> None:
    assert is_(True, 1) is False
    assert is_(1, True) is False
    assert is_(None, None, "private") is True
    assert is_(UNKNOWN, "private") is None
    assert given(UNKNOWN) is True
    assert given("") is False
    assert given(SECRET) is True
    assert at({"a": SECRET}, "a", "ciphertext") is HIDDEN
    assert [whole(value) for value in (2.0, "30", True, "x", None)] == [2, 30, None, None, None]


def test_an_exported_state_reads_like_a_graph_and_what_is_being_deleted_does_not_count() -> None:
    rows = [
        {"type": row["type"], "urn": f"urn:pulumi:s::twain::{row['type']}::{number}", "inputs": row["inputs"]}
        for number, row in enumerate(plans.plan("azure"))
    ]
    assert guarantees(rows, "azure") == guarantees(plans.plan("azure"), "azure")
    for row in rows:
        row["delete"] = row["type"].endswith(":StorageAccount")
    found = guarantees(rows, "azure")
    assert {found["bucket.public_access"], found["bucket.encryption"], found["files.encryption"]} == {"n/a"}


@pytest.mark.parametrize(
    ("cloud", "extra"), [("gcp", "gcp:storage/bucket:Bucket"), ("alicloud", "alicloud:oss/bucket:Bucket")]
)
def test_one_open_bucket_beside_a_closed_one_opens_the_cell(cloud: str, extra: str) -> None:
    rows = plans.plan(cloud)
    plans.add(rows, extra, {})
    found = guarantees(rows, cloud)
    assert found["bucket.public_access"] == "possible"
    assert found["bucket.encryption"] == "cloud-key"
    assert found["bucket.versioning"] == "off"


def test_a_machine_that_nobody_knows_has_no_class() -> None:
    rows = plans.plan("azure")
    plans.put(rows, "azure-native:containerservice:AgentPool", "vmSize", "Standard_Nobody_Knows")
    assert guarantees(rows, "azure")["gpu.class"] is None


def test_without_a_cloud_only_what_is_in_the_cluster_is_known() -> None:
    rows = [row for row in plans.plan("gcp") if row["type"].startswith("kubernetes:")]
    found = guarantees(rows, None)
    assert {found[name] for name in INFRA} == {None}
    assert found["tenant.isolation"] == "isolated"
    assert state.clouds_of(rows) == ()


def test_a_group_that_is_bound_in_two_tenants_isolates_neither_and_a_rule_for_everybody_denies_nothing() -> None:
    token = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
    rows = plans.plan("gcp")
    wide = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"], "egress": [{}]}
    plans.put(rows, token, "spec", wide, where=lambda one: one["metadata"]["namespace"] == "maison-aurelia")
    found = guarantees(rows, "gcp")
    assert (found["network.default_deny"], found["tenant.isolation"]) == ("some", "partial")


_BOTH = {"policyTypes": ["Ingress", "Egress"]}


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({**_BOTH, "podSelector": {}, "ingress": [{}], "egress": [{}]}, ("some", "partial")),
        ({**_BOTH, "podSelector": {}, "egress": [{"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}]}, ("some", "partial")),
        ({**_BOTH, "podSelector": {}, "ingress": [{"from": [{"namespaceSelector": {}}]}]}, ("some", "partial")),
        (
            {"policyTypes": ["Ingress"], "podSelector": {"matchLabels": {"a": "b"}}, "ingress": [{}]},
            ("every-namespace", "partial"),
        ),
        (
            {
                "policyTypes": ["Egress"],
                "podSelector": {},
                "egress": [
                    {"to": [{"namespaceSelector": {}, "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}}}]},
                    {"to": [{"ipBlock": {"cidr": "10.9.0.0/24"}}]},
                ],
            },
            ("every-namespace", "isolated"),
        ),
    ],
)
def test_policies_add_up_so_that_one_more_can_undo_what_another_denies(
    spec: dict[str, Any], words: tuple[str, str]
) -> None:
    rows = plans.plan("gcp")
    more = {"metadata": {"name": "more", "namespace": "maison-aurelia"}, "spec": spec}
    plans.add(rows, "kubernetes:networking.k8s.io/v1:NetworkPolicy", more)
    found = guarantees(rows, "gcp")
    assert (found["network.default_deny"], found["tenant.isolation"]) == words
