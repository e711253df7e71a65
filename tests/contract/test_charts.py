"""What is installed as a chart: from the cell's own registry, of one version, with images of that registry alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from components.platform import charts, names
from components.spec.load import load_fleet
from rehearsal import tools_table
from rehearsal.providers import kube_releases
from tests.contract import test_platform
from tests.recorder import FLEET, PEM, Recorder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RELEASE = "kubernetes:helm.sh/v3:Release"
QUEUE = "kubernetes:kueue.x-k8s.io/v1beta2:ClusterQueue"
CELLS = ("cn-sha-1", "eu-ams-1", "eu-par-1")
OFF = "    platform: {autoscaler: none, queue: none}\n"


def platform(cell: str, locks: Path, *, fleet: Path = FLEET) -> Recorder:
    return test_platform.platform(cell, locks, fleet=fleet, cluster_ca=PEM)


def images(value: Any) -> Iterator[str]:
    """Every repository that the values of a chart name, with its registry."""
    if isinstance(value, dict):
        if isinstance(value.get("repository"), str):
            yield f"{value['registry']}/{value['repository']}" if "registry" in value else value["repository"]
        for inner in value.values():
            yield from images(inner)


@pytest.mark.parametrize("cell", CELLS)
def test_charts_and_their_images_come_from_the_world_s_own_registry(tmp_path: Path, cell: str) -> None:
    fleet = load_fleet(FLEET)
    registry = fleet.resolved(cell).world.registry
    recorder = platform(cell, tmp_path)
    found = {one.name: one.inputs for one in recorder.of(RELEASE)}
    assert set(found) == {"keda", "kueue"}
    for name, inputs in found.items():
        assert inputs["chart"] == f"oci://{registry}/charts/{name}"
        assert "repositoryOpts" not in inputs
        assert not inputs["createNamespace"]
        named = list(images(inputs["values"]))
        assert named
        assert [one for one in named if not one.startswith(f"{registry}/")] == []
        # What the rehearsal plays is what the platform asks for.
        assert list(kube_releases.problems(inputs)) == []
    assert {one.name: one.version for one in tools_table.CHARTS} == charts.VERSIONS


@pytest.mark.parametrize("cell", CELLS)
def test_each_chart_has_a_namespace_of_its_own_that_denies_what_is_not_opened(tmp_path: Path, cell: str) -> None:
    recorder = platform(cell, tmp_path)
    levels = {
        one.inputs["metadata"]["name"]: one.inputs["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
        for one in recorder.of("kubernetes:core/v1:Namespace")
    }
    cidr = load_fleet(FLEET).cell(cell).cidr
    for release in recorder.of(RELEASE):
        space = release.inputs["namespace"]
        assert levels[space] == "restricted"
        policies = {
            one.inputs["metadata"]["name"]: one.inputs["spec"]
            for one in recorder.of("kubernetes:networking.k8s.io/v1:NetworkPolicy")
            if one.inputs["metadata"]["namespace"] == space
        }
        assert set(policies) == {"default-deny", "services"}
        assert policies["services"]["egress"] == [{"to": [{"ipBlock": {"cidr": cidr}}]}]


def test_each_maison_s_queue_admits_its_own_jobs_up_to_its_quota_and_borrows_from_nobody(tmp_path: Path) -> None:
    quotas = {names.maison_namespace(one.name): one.gpu_quota for one in load_fleet(FLEET).maisons}
    recorder = platform("eu-ams-1", tmp_path)
    queues = {one.inputs["metadata"]["name"]: one.inputs["spec"] for one in recorder.of(QUEUE)}
    assert set(queues) == set(quotas)
    for space, spec in queues.items():
        assert spec["namespaceSelector"] == {"matchLabels": {"kubernetes.io/metadata.name": space}}
        # Without a cohort there is nobody to lend or to take back from.
        assert not {"cohort", "cohortName"} & set(spec)
        (group,) = spec["resourceGroups"]
        (flavor,) = group["flavors"]
        (resource,) = flavor["resources"]
        assert (resource["name"], int(resource["nominalQuota"])) == ("nvidia.com/gpu", quotas[space])
    locals_ = recorder.of("kubernetes:kueue.x-k8s.io/v1beta2:LocalQueue")
    assert {one.inputs["metadata"]["namespace"]: one.inputs["spec"]["clusterQueue"] for one in locals_} == {
        space: space for space in quotas
    }


def test_only_jobs_of_maisons_that_name_a_queue_are_held_and_only_their_gpus_are_counted() -> None:
    values = charts.kueue_values("registry.example/twain")
    settings = yaml.safe_load(values["managerConfig"]["controllerManagerConfigYaml"])
    assert settings["manageJobsWithoutQueueName"] is False
    assert settings["managedJobsNamespaceSelector"]["matchExpressions"] == [
        {"key": "twain/maison", "operator": "Exists"}
    ]
    assert {"cpu", "memory"} <= set(settings["resources"]["excludeResourcePrefixes"])
    assert not "nvidia.com/gpu".startswith(tuple(settings["resources"]["excludeResourcePrefixes"]))


def test_a_fleet_that_wants_no_charts_has_nothing_of_them(tmp_path: Path) -> None:
    fleet = tmp_path / "fleet.yaml"
    fleet.write_text(FLEET.read_text().replace("    protect: false\n", f"    protect: false\n{OFF}"))
    recorder = platform("eu-ams-1", tmp_path, fleet=fleet)
    assert recorder.of(RELEASE) == []
    assert recorder.of(QUEUE) == []
    spaces = {one.inputs["metadata"]["name"] for one in recorder.of("kubernetes:core/v1:Namespace")}
    assert spaces == {"twain-system", "gpu-monitoring", "maison-aurelia", "maison-calisto"}
    (told,) = [one for one in recorder.of("kubernetes:core/v1:ConfigMap") if one.name == "guarantees"]
    assert told.inputs["data"]["gang_scheduling"] == told.inputs["data"]["robust_controller"] == "none"
