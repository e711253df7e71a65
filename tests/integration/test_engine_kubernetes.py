"""The kubernetes provider against a real control plane, driven by the real engine."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from components.clouds.gateways import GROUPS
from rehearsal.kube import controlplane
from rehearsal.kube.brought import Brought
from rehearsal.providers.store import Store
from tests.integration.kubebench import STACK, Bench

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = """
import json, pathlib
import pulumi
import pulumi_kubernetes as k8s

world = json.loads(pathlib.Path(__file__).with_name("world.json").read_text())
cluster = k8s.Provider("cell", kubeconfig=pathlib.Path(world["kubeconfig"]).read_text())
options = pulumi.ResourceOptions(provider=cluster)
space = k8s.core.v1.Namespace("space", metadata={"name": world["namespace"]}, opts=options)
inside = {"namespace": space.metadata.name}
k8s.core.v1.ConfigMap("settings", metadata={"name": "settings", **inside}, data={"word": world["word"]}, opts=options)
k8s.core.v1.Secret("keys", metadata={"name": "keys", **inside}, string_data={"key": "a hushed word"}, opts=options)
forced = {"annotations": {"pulumi.com/patchForce": "true"}} if world["force"] else {}
k8s.apps.v1.Deployment("app", metadata={"name": "app", **inside, **forced}, spec={
    "replicas": world["replicas"],
    "selector": {"matchLabels": {"app": "app"}},
    "template": {
        "metadata": {"labels": {"app": "app"}},
        "spec": {"containers": [{"name": "app", "image": "example/unknown:1", "imagePullPolicy": world["pull"]}]},
    },
}, opts=options)
k8s.apiextensions.CustomResource("gate", api_version="gateway.networking.k8s.io/v1", kind="GatewayClass",
    metadata={"name": "test"}, spec={"controllerName": "example.org/test"}, opts=options)
"""
WORLD: dict[str, Any] = {"namespace": "engine", "word": "one", "replicas": 1, "force": False, "pull": "IfNotPresent"}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    home = tmp_path_factory.mktemp("engine-kube")
    try:
        yield Bench(home, program=PROGRAM, world=WORLD, block=241)
    finally:
        controlplane.remove(home / "row", cell="eu-ams-1")


def test_objects_of_every_sort_are_applied_and_nothing_changes_afterwards(bench: Bench) -> None:
    bench.engine.up(STACK)
    live = json.loads(bench.kubectl("get", "deployment", "app", "-n", "engine", "-o", "json", "--show-managed-fields"))
    managers = {entry["manager"] for entry in live["metadata"]["managedFields"] if entry["operation"] == "Apply"}
    assert managers == {"pulumi"}
    assert "test" in bench.kubectl("get", "gatewayclass", "-o", "name")
    assert bench.engine.preview(STACK, extra=["--expect-no-changes"], check=False).returncode == 0
    state = [path for path in bench.engine.workspace.state_dir.rglob("*") if path.is_file()]
    assert [
        path for path in state if b"hushed" in path.read_bytes() or b"YSBodXNoZWQgd29yZA" in path.read_bytes()
    ] == []


def test_a_change_behind_the_engines_back_shows_and_is_put_right(bench: Bench) -> None:
    bench.kubectl("patch", "configmap", "settings", "-n", "engine", "--patch", '{"data": {"word": "changed"}}')
    drifted = bench.engine.run(["refresh", "--yes", "--skip-preview", "--diff"], stack=STACK)
    assert "changed" in drifted.stdout
    bench.engine.up(STACK)
    assert bench.kubectl("get", "configmap", "settings", "-n", "engine", "-o", "jsonpath={.data.word}") == "one"


def test_a_field_that_another_manager_took_is_a_conflict_that_names_it(bench: Bench) -> None:
    bench.kubectl("scale", "deployment", "app", "-n", "engine", "--replicas=3")
    bench.ask(replicas=5)
    result = bench.engine.preview(STACK, check=False)
    assert result.returncode != 0
    assert 'conflict with "kubectl"' in result.stdout
    bench.ask(replicas=5, force=True)
    bench.engine.up(STACK)
    assert bench.kubectl("get", "deployment", "app", "-n", "engine", "-o", "jsonpath={.spec.replicas}") == "5"
    bench.ask()
    bench.engine.up(STACK)


def test_what_the_api_server_would_refuse_fails_the_preview(bench: Bench) -> None:
    bench.ask(pull="Perhaps")
    result = bench.engine.preview(STACK, check=False)
    assert result.returncode != 0
    assert "Unsupported value" in result.stdout
    bench.ask()


def test_a_config_map_is_replaced_and_a_deployment_is_updated(bench: Bench) -> None:
    bench.ask(word="two", replicas=2)
    plan = json.loads(bench.engine.preview(STACK, extra=["--json"]).stdout)
    operations = {step["urn"].rsplit("::", 1)[-1]: step["op"] for step in plan["steps"]}
    assert operations["app"] == "update"
    assert "replace" in operations["settings"]
    bench.ask()


def test_an_object_that_somebody_else_made_is_not_taken_over(bench: Bench) -> None:
    bench.kubectl("create", "namespace", "theirs")
    bench.ask(namespace="theirs")
    result = bench.engine.up(STACK, check=False)
    assert result.returncode != 0
    assert "exists already in cluster eu-ams-1 and was not made by this declaration" in result.stdout
    bench.ask()


def test_a_cluster_that_is_away_is_named(bench: Bench) -> None:
    controlplane.stop(bench.world, cell="eu-ams-1")
    bench.ask(replicas=4)
    result = bench.engine.up(STACK, check=False)
    assert result.returncode != 0
    assert "cluster eu-ams-1 is unreachable at https://127.0.0.1:" in result.stdout
    controlplane.ensure(
        bench.world,
        cell="eu-ams-1",
        cloud="gcp",
        region="europe-west4",
        minor="1.36",
        brings=Brought(definitions=GROUPS, gateway_class="gke-l7-rilb"),
    )
    bench.ask()


def test_everything_goes(bench: Bench) -> None:
    bench.engine.destroy(STACK)
    assert "engine" not in bench.kubectl("get", "namespaces", "-o", "name").replace("namespace/", "").split()
    assert [row.name for row in Store.open(bench.world).list_resources(cloud="kubernetes")] == []
