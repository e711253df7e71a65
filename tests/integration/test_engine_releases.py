"""Helm releases against a real control plane, driven by the real engine: a closed list, played by its definitions."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from components.platform import charts
from rehearsal import killpoints, tools, tools_go, tools_table
from rehearsal.kube import controlplane
from rehearsal.providers.store import Store
from tests.integration.kubebench import CELL, STACK, Bench

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REGISTRY = "oci://europe-west4-docker.pkg.dev/twain-row/twain/charts"
PROGRAM = """
import json, pathlib
import pulumi
import pulumi_kubernetes as k8s

world = json.loads(pathlib.Path(__file__).with_name("world.json").read_text())
cluster = k8s.Provider("cell", kubeconfig=pathlib.Path(world["kubeconfig"]).read_text())
options = pulumi.ResourceOptions(provider=cluster)
space = k8s.core.v1.Namespace("space", metadata={"name": "charts"}, opts=options)
for name, (chart, version) in world["charts"].items():
    release = k8s.helm.v3.Release(name, name=name, namespace="charts", chart=chart, version=version,
        values=world["values"], opts=pulumi.ResourceOptions(provider=cluster, depends_on=[space]))
    pulumi.export(name, release.status)
    if world["queue"] and name == "kueue":
        k8s.apiextensions.CustomResource("queue", api_version="kueue.x-k8s.io/v1beta1", kind="ClusterQueue",
            metadata={"name": "aurelia"}, spec=world["queue"],
            opts=pulumi.ResourceOptions(provider=cluster, depends_on=[release]))
"""
CHARTS = {"keda": [f"{REGISTRY}/keda", "2.21.0"], "kueue": [f"{REGISTRY}/kueue", "0.15.0"]}
QUEUE = {
    "namespaceSelector": {},
    "resourceGroups": [
        {
            "coveredResources": ["nvidia.com/gpu"],
            "flavors": [{"name": "gpu", "resources": [{"name": "nvidia.com/gpu", "nominalQuota": 8}]}],
        }
    ],
}
WORLD: dict[str, Any] = {"charts": CHARTS, "queue": QUEUE, "values": {"a": 1}}
SCALER = {
    "apiVersion": "keda.sh/v1alpha1",
    "kind": "ScaledObject",
    "metadata": {"name": "boutique", "namespace": "charts"},
    "spec": {
        "scaleTargetRef": {"name": "boutique"},
        "triggers": [{"type": "prometheus", "metadata": {"query": "up", "threshold": "5"}}],
    },
}


def settings_of(value: Any, path: str = "") -> Iterator[str]:
    """The paths of all settings, but for what stands beneath a text."""
    for key, inner in value.items():
        yield f"{path}{key}"
        if isinstance(inner, dict):
            yield from settings_of(inner, f"{path}{key}.")


def test_what_the_platform_sets_of_kueue_are_settings_of_that_very_chart(tmp_path: Path) -> None:
    (chart,) = [one for one in tools_table.CHARTS if one.name == "kueue"]
    go = tools._go(tools.cache_folder(), lambda _: None)  # pyright: ignore[reportPrivateUsage]
    module = tools_go.download(
        chart.crds.module, chart.crds.version, go=go, folder=tools_table.CRDS_FOLDER, temporary=tmp_path
    )
    own = yaml.safe_load((module / "charts" / "kueue" / "values.yaml").read_text(encoding="utf-8"))
    ours = charts.kueue_values("registry.example/twain")
    assert set(settings_of(ours)) <= set(settings_of(own))
    text = ours["managerConfig"]["controllerManagerConfigYaml"]
    named = set(yaml.safe_load(text))
    # What the project's own text leaves to a default stands there as a comment.
    theirs = own["managerConfig"]["controllerManagerConfigYaml"]
    assert [key for key in named if f"{key}:" not in theirs] == []
    about = yaml.safe_load((module / "charts" / "kueue" / "Chart.yaml").read_text(encoding="utf-8"))
    assert (about["version"], about["appVersion"]) == (chart.version, chart.app_version)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    home = tmp_path_factory.mktemp("engine-releases")
    try:
        yield Bench(home, program=PROGRAM, world=WORLD, block=243)
    finally:
        controlplane.remove(home / "row", cell=CELL)


@pytest.fixture
def installed(bench: Bench) -> Iterator[Bench]:
    """Both charts, as the first test of a random order finds them and the last one leaves them."""
    bench.ask()
    bench.engine.up(STACK)
    yield bench
    bench.ask()


def definitions(bench: Bench, group: str) -> set[str]:
    listed = bench.kubectl("get", "crd", "-o", "jsonpath={.items[*].metadata.name}").split()
    return {one for one in listed if one.endswith(group)}


def status(bench: Bench) -> dict[str, Any]:
    """What each release says of itself, by the program's exports."""
    return json.loads(bench.engine.run(["stack", "output", "--json"], stack=STACK).stdout)


def test_a_killed_release_is_taken_up_and_a_second_run_changes_nothing(bench: Bench) -> None:
    bench.engine.destroy(STACK)
    bench.ask()
    point = killpoints.of_creates([f"urn:pulumi:x::twain::kubernetes:helm.sh/v3:Release::{name}" for name in CHARTS])[0]
    os.environ[killpoints.VARIABLE] = f"{point}:provider"
    try:
        assert bench.engine.up(STACK, check=False).returncode != 0
    finally:
        del os.environ[killpoints.VARIABLE]
    bench.engine.up(STACK)
    assert bench.engine.preview(STACK, extra=["--expect-no-changes"], check=False).returncode == 0
    bench.engine.run(["refresh", "--yes", "--skip-preview", "--expect-no-changes"], stack=STACK)
    assert status(bench)["kueue"] == {
        "appVersion": "v0.15.0", "chart": "kueue", "name": "kueue", "namespace": "charts", "revision": 1,
        "status": "deployed", "version": "0.15.0",
    }  # fmt: skip
    assert len(definitions(bench, "kueue.x-k8s.io")) == 11


def test_objects_of_the_kinds_of_a_chart_are_judged_by_its_own_schema(installed: Bench) -> None:
    assert "aurelia" in installed.kubectl("get", "clusterqueues.kueue.x-k8s.io", "-o", "name")
    ask = ("apply", "--dry-run=server", "-f", "-")
    assert "boutique" in installed.kubectl(*ask, stdin=json.dumps(SCALER))
    wrong = SCALER | {"spec": {"scaleTargetRef": {"name": "boutique"}, "triggers": "prometheus"}}
    assert "spec.triggers" in installed.kubectl(*ask, stdin=json.dumps(wrong), check=False)
    # In the program too: the API server refuses it, and the preview says so.
    installed.ask(queue=QUEUE | {"queueingStrategy": "FirstComeFirstServed"})
    refused = installed.engine.preview(STACK, check=False)
    assert refused.returncode != 0
    assert 'queueingStrategy: Unsupported value: "FirstComeFirstServed"' in refused.stdout


@pytest.mark.parametrize(
    ("chart", "version", "says"),
    [
        (f"{REGISTRY}/grafana", "8.0.0", "the rehearsal plays no chart grafana: it plays keda 2.21.0, kueue 0.15.0"),
        (f"{REGISTRY}/keda", "2.20.0", "the rehearsal plays no version 2.20.0 of chart keda"),
    ],
)
def test_a_chart_off_the_list_is_refused_before_anything_is_made(
    bench: Bench, chart: str, version: str, says: str
) -> None:
    bench.ask(charts={"other": [chart, version]})
    try:
        refused = bench.engine.preview(STACK, check=False)
    finally:
        bench.ask()
    assert refused.returncode != 0
    assert says in refused.stdout


def test_other_values_are_another_revision_and_the_definitions_stay(installed: Bench) -> None:
    uid = ("get", "crd", "scaledobjects.keda.sh", "-o", "jsonpath={.metadata.uid}")
    definition, revision = installed.kubectl(*uid), status(installed)["keda"]["revision"]
    installed.ask(values={"a": 2})
    installed.engine.up(STACK)
    assert (installed.kubectl(*uid), status(installed)["keda"]["revision"]) == (definition, revision + 1)


def test_a_release_goes_with_its_own_definitions_and_another_one_takes_over_none(installed: Bench) -> None:
    installed.ask(charts={"kueue": CHARTS["kueue"], "second": CHARTS["keda"]})
    refused = installed.engine.up(STACK, check=False)
    assert refused.returncode != 0
    assert "cannot be imported into release charts/second" in refused.stdout
    assert len(definitions(installed, "keda.sh")) == 6
    installed.ask(charts={"kueue": CHARTS["kueue"]})
    installed.engine.up(STACK)
    assert definitions(installed, "keda.sh") == set()
    assert len(definitions(installed, "kueue.x-k8s.io")) == 11
    installed.engine.destroy(STACK)
    assert definitions(installed, "kueue.x-k8s.io") == set()
    assert definitions(installed, "gateway.networking.k8s.io")
    assert [row.name for row in Store.open(installed.world).list_resources(cloud="kubernetes")] == []
