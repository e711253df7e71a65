"""Pairs of plans: every difference that is planted is found, and none that is none."""

from __future__ import annotations

import random
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from components.parity import compare, state
from components.spec.load import load_fleet
from tests.unit.components.parity import plans
from tests.unit.components.parity.seeds import ALI_POOL, AZ_CLUSTER, AZ_POOL, GCP_CLUSTER, GCP_POOL, SEEDS, Seed

if TYPE_CHECKING:
    from collections.abc import Callable

TODAY = date(2026, 11, 20)
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
Verdicts = dict[str, compare.Verdict]


@cache
def untouched(cloud: str) -> dict[str, str | None]:
    return state.guarantees(plans.plan(cloud), cloud)


@cache
def fleet() -> Any:
    return load_fleet(plans.FLEET)


def verdicts(**changed: plans.Rows) -> Verdicts:
    """The verdicts on the three cells, some with other plans; `about` as the command line has it."""
    values = {cell: untouched(cloud) for cloud, cell in plans.CELLS.items()}
    about: dict[str, compare.About] = {}
    for cloud, rows in changed.items():
        values[plans.CELLS[cloud]] = state.guarantees(rows, cloud)
        about[plans.CELLS[cloud]] = compare.About(cloud=cloud, details=state.details(rows, cloud))
    found = compare.compare(values, fleet=fleet(), fleet_path=plans.FLEET, today=TODAY, about=about)
    return {one.capability: one for one in found}


@cache
def baseline() -> dict[str, str]:
    return {name: one.verdict for name, one in verdicts().items()}


def test_the_gaps_of_the_components_as_they_are_and_the_reason_of_each() -> None:
    gaps = {name: one for name, one in verdicts().items() if one.verdict == "gap"}
    assert set(gaps) == {"nodes.metadata", "registry.encryption"}
    assert "declared never on azure (no field" in (gaps["nodes.metadata"].reason or "")
    assert "declared planned on alicloud" in (gaps["registry.encryption"].reason or "")


@pytest.mark.parametrize("seed", SEEDS, ids=str)
def test_a_seeded_difference_is_found_where_it_is_and_nowhere_else(seed: Seed) -> None:
    rows = plans.plan(seed.cloud)
    seed.plant(rows)
    assert state.guarantees(rows, seed.cloud) == {**untouched(seed.cloud), **seed.expected}
    found = verdicts(**{seed.cloud: rows})
    for name, value in seed.expected.items():
        others = {untouched(cloud)[name] for cloud in plans.CELLS if cloud != seed.cloud} - {None}
        if value is None:
            # Where the others differ from each other there is a gap, whatever this one has.
            assert found[name].verdict == ("unknown" if len(others) < 2 else "gap")
            assert found[name].values[plans.CELLS[seed.cloud]] is None
        elif {value} == others:
            assert found[name].verdict == "equal"
        else:
            assert found[name].verdict == "gap"
            assert found[name].values[plans.CELLS[seed.cloud]] == value
            assert found[name].where
            assert found[name].fix
    rest = {name: one.verdict for name, one in found.items() if name not in seed.expected}
    assert rest == {name: one for name, one in baseline().items() if name not in seed.expected}


def test_at_least_twenty_of_the_seeds_on_each_cloud_are_gaps() -> None:
    for cloud in plans.CELLS:
        assert len([one for one in SEEDS if one.cloud == cloud and None not in one.expected.values()]) >= 20


def _each(token: str, path: str, value: Any) -> Callable[[plans.Rows], None]:
    return lambda rows: plans.put(rows, token, path, value)


def _gpus(**machines: Any) -> Callable[[plans.Rows], None]:
    """Another class on the GPU pool of whichever cloud the plan is of."""

    def change(rows: plans.Rows) -> None:
        for one in plans.of_type(rows, ALI_POOL):
            if one["nodePoolName"] != "system":
                one["instanceTypes"] = [machines["alicloud"]]
        for one in plans.of_type(rows, GCP_POOL):
            if one["name"] != "system":
                one["nodeConfig"]["machineType"] = machines["gcp"]
        for one in plans.of_type(rows, AZ_POOL):
            one["vmSize"] = machines["azure"]

    return change


def _renamed(rows: plans.Rows) -> None:
    for row in rows:
        row["urn"] += "-2"
        for key in ("tags", "labels", "resourceLabels"):
            if isinstance(row["inputs"].get(key), dict):
                row["inputs"][key] = {"owner": "somebody"}


def _shuffled(rows: plans.Rows) -> None:
    random.Random(7).shuffle(rows)


def _floats(rows: plans.Rows) -> None:
    """Numbers as the engine hands them over."""

    def change(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: change(item) for key, item in value.items()}
        if isinstance(value, list):
            return [change(item) for item in value]
        return float(value) if isinstance(value, int) and not isinstance(value, bool) else value

    for row in rows:
        row["inputs"] = change(row["inputs"])


def _unknown_references(rows: plans.Rows) -> None:
    """References to what is yet to be made, as in a plan of a fresh stack."""
    for token, path in (
        ("alicloud:cs/managedKubernetes:ManagedKubernetes", "encryptionProviderKey"),
        (ALI_POOL, "systemDiskKmsKey"),
        (GCP_CLUSTER, "databaseEncryption.keyName"),
        (GCP_POOL, "nodeConfig.bootDiskKmsKey"),
        (AZ_CLUSTER, "securityProfile.azureKeyVaultKms.keyId"),
    ):
        if plans.of_type(rows, token):
            plans.put(rows, token, path, UNKNOWN)


# What two cells may differ in without being unlike in what they guarantee.
TWINS: dict[str, tuple[tuple[str, ...], Callable[[plans.Rows], None]]] = {
    "T4 by two clouds": (
        ("alicloud", "azure"),
        _gpus(alicloud="ecs.gn6i-c4g1.xlarge", gcp="", azure="Standard_NC4as_T4_v3"),
    ),
    "A10, L4 and A10": (
        ("alicloud", "gcp", "azure"),
        _gpus(alicloud="ecs.gn7i-c16g1.4xlarge", gcp="g2-standard-8", azure="Standard_NV36ads_A10_v5"),
    ),
    "other names and tags": (("alicloud", "gcp", "azure"), _renamed),
    "another order": (("alicloud", "gcp", "azure"), _shuffled),
    "numbers as floats": (("alicloud", "gcp", "azure"), _floats),
    "keys that are yet to be made": (("alicloud", "gcp", "azure"), _unknown_references),
    "another patch of the version": (
        ("alicloud",),
        _each("alicloud:cs/managedKubernetes:ManagedKubernetes", "version", "1.36.9-aliyun.4"),
    ),
    "a whole version": (("azure",), _each(AZ_CLUSTER, "kubernetesVersion", "1.36.2")),
    "another size of the control plane": (
        ("alicloud",),
        _each("alicloud:cs/managedKubernetes:ManagedKubernetes", "clusterSpec", "ack.pro.4xlarge"),
    ),
    "another address range": (("alicloud",), _each("alicloud:vpc/network:Network", "cidrBlock", "10.200.0.0/16")),
    "another region": (("gcp",), _each(GCP_CLUSTER, "location", "europe-west1")),
    "a larger pool": (("azure",), _each(AZ_POOL, "maxCount", 40)),
    "larger disks": (("gcp",), _each(GCP_POOL, "nodeConfig.diskSizeGb", 900)),
    "another image of the nodes": (("gcp",), _each(GCP_POOL, "nodeConfig.imageType", "UBUNTU_CONTAINERD")),
    "zero nodes by zone": (
        ("gcp",),
        lambda rows: plans.put(
            rows, GCP_POOL, "autoscaling", {"minNodeCount": 0}, where=lambda one: "gpu" in one["name"]
        ),
    ),
    "another engine of network policies": (("azure",), _each(AZ_CLUSTER, "networkProfile.networkPolicy", "calico")),
    "policies without dataplane v2": (
        ("gcp",),
        lambda rows: plans.of_type(rows, GCP_CLUSTER)[0].update(
            datapathProvider="LEGACY_DATAPATH", networkPolicy={"enabled": True}
        ),
    ),
    "the whole audit log": (
        ("azure",),
        _each("azure-native:monitor:DiagnosticSetting", "logs", [{"category": "kube-audit", "enabled": True}]),
    ),
    "versions kept for another time": (
        ("alicloud",),
        _each("alicloud:oss/bucket:Bucket", "lifecycleRules", [{"enabled": True, "noncurrentVersionExpirations": []}]),
    ),
    "one level of Pod Security below": (
        ("alicloud", "gcp", "azure"),
        lambda rows: plans.put(
            rows, "kubernetes:core/v1:Namespace", "metadata.labels", {"pod-security.kubernetes.io/enforce": "baseline"},
            where=lambda one: one["metadata"]["name"] == "twain-system",
        ),
    ),
    "another address of the engine's image": (
        ("alicloud", "gcp", "azure"),
        lambda rows: plans.put(
            rows, "kubernetes:apps/v1:Deployment", "spec.template", _elsewhere,
            where=lambda one: one["metadata"]["name"] == "advisor",
        ),
    ),
    "more replicas": (
        ("alicloud", "gcp", "azure"),
        lambda rows: plans.put(rows, "kubernetes:apps/v1:Deployment", "spec.replicas", 7),
    ),
    "things that nothing is promised of": (
        ("alicloud", "gcp", "azure"),
        lambda rows: plans.add(rows, "random:index/randomId:RandomId", {"byteLength": 4}),
    ),
}  # fmt: skip


def _elsewhere(template: Any) -> Any:
    engine = template["spec"]["containers"][0]
    engine["image"] = "registry.example/mirror/" + engine["image"].rsplit("/", 1)[-1]
    engine["args"] = [one.replace("qwen3-32b", "our-name") for one in engine["args"]]
    return template


@pytest.mark.parametrize("twin", TWINS)
def test_cells_that_differ_in_what_is_no_guarantee_have_no_gap(twin: str) -> None:
    clouds, change = TWINS[twin]
    changed = {cloud: plans.plan(cloud) for cloud in clouds}
    for rows in changed.values():
        change(rows)
    values = {cloud: state.guarantees(rows, cloud) for cloud, rows in changed.items()}
    others = {} if len(clouds) > 1 else {cloud: untouched(cloud) for cloud in plans.CELLS if cloud not in clouds}
    found = compare.compare(
        {plans.CELLS[cloud]: one for cloud, one in {**values, **others}.items()},
        fleet=fleet(), fleet_path=plans.FLEET, today=TODAY,
        about={plans.CELLS[cloud]: compare.About(cloud=cloud, details=state.details(rows, cloud))
               for cloud, rows in changed.items()},
    )  # fmt: skip
    gaps = {one.capability for one in found if one.verdict == "gap"}
    assert gaps <= {"nodes.metadata", "registry.encryption"}
    assert next(one for one in found if one.capability == "gpu.class").verdict in {"equal", "equivalent"}


def test_there_are_at_least_twenty_twins() -> None:
    assert len(TWINS) >= 20


def test_other_devices_of_one_class_are_equivalent_and_both_are_named() -> None:
    changed = {cloud: plans.plan(cloud) for cloud in plans.CELLS}
    for rows in changed.values():
        TWINS["A10, L4 and A10"][1](rows)
    found = verdicts(**changed)["gpu.class"]
    assert found.verdict == "equivalent"
    assert "NVIDIA L4" in (found.reason or "")
    assert "NVIDIA A10" in (found.reason or "")


def test_the_same_class_with_devices_joined_otherwise_is_a_gap() -> None:
    rows, other = plans.plan("alicloud"), plans.plan("azure")
    TWINS["T4 by two clouds"][1](rows)
    plans.put(
        rows, ALI_POOL, "instanceTypes", ["ecs.gn7e-c16g1.8xlarge"], where=lambda one: "gpu" in one["nodePoolName"]
    )
    plans.put(other, AZ_POOL, "vmSize", "Standard_NC48ads_A100_v4")
    found = verdicts(alicloud=rows, azure=other)["gpu.class"]
    assert found.verdict == "gap"
    assert found.values["cn-sha-1"] == "gpu-80g/2/nvlink"
    assert found.values["eu-par-1"] == "gpu-80g/2/pcie"
