"""The `platform` layer takes everything that it needs from outputs and the lock file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from components.errors import SpecError
from components.parity.state import PLATFORM
from components.spec.lock import CellLock, write_lock
from stacks import program
from tests.recorder import FLEET, PEM, Recorder, environment, run

if TYPE_CHECKING:
    from pathlib import Path

INFRA: dict[str, Any] = {
    "cloud": "gcp",
    "region": "europe-west4",
    "world": "row",
    "kubernetes_minor": "1.36",
    "cluster_endpoint": "https://10.68.0.2",
    "cluster_ca": None,
    "cluster_exec": {"command": "gke-gcloud-auth-plugin", "args": [], "env": {"TWAIN_CELL": "x"}},
    "gpu_pools": [
        {"name": "gpu80g", "gpu_class": "gpu-80g", "gpus_per_node": 1.0, "min": 0.0, "max": 4.0, "zones": []}
    ],
}


def platform(cell: str, locks: Path, *, fleet: Path = FLEET, **changes: Any) -> Recorder:
    """The platform of a cell, where every `infra` stack says the same, but for these changes."""
    references = {
        f"organization/twain/rehearsal.{name}.infra": {**INFRA, **changes, "cell": name}
        for name in ("cn-sha-1", "eu-ams-1", "eu-par-1")
    }
    world = "cn" if cell.startswith("cn") else "row"
    with environment(
        TWAIN_REHEARSAL_HOME="/nowhere", PULUMI_BACKEND_URL=f"file:///nowhere/{world}/state", TWAIN_LOCK_DIR=str(locks)
    ):
        recorder, _ = run(
            program.main,
            stack=f"rehearsal.{cell}.platform",
            recorder=Recorder(references=references),
            config={"fleet": str(fleet)},
        )
    return recorder


def test_the_kubeconfig_is_made_of_outputs_and_the_pinned_authority(tmp_path: Path) -> None:
    for cell in ("eu-ams-1", "eu-par-1"):
        write_lock(tmp_path, CellLock(cell=cell, discovered="now", source="test", facts={"cluster_ca": PEM}))
    provider = platform("eu-ams-1", tmp_path).one("pulumi:providers:kubernetes")
    config = yaml.safe_load(provider.inputs["kubeconfig"])
    assert config["clusters"][0]["cluster"]["server"] == "https://10.68.0.2"
    assert {"name": "TWAIN_CELL", "value": "eu-ams-1"} in config["users"][0]["user"]["exec"]["env"]


def test_the_gate_knows_the_other_cells_of_its_world_and_counts_are_whole(tmp_path: Path) -> None:
    recorder = platform("eu-ams-1", tmp_path, cluster_ca=PEM)
    (cells,) = [r for r in recorder.of("kubernetes:core/v1:ConfigMap") if r.name == "gate-cells"]
    assert set(cells.inputs["data"]) == {"eu-par-1.json"}
    facts = json.loads(cells.inputs["data"]["eu-par-1.json"])
    assert facts["ca"] == PEM
    assert str(facts["gpu_pools"][0]["max"]) == "4"


def test_an_authority_that_nobody_knows_is_an_error_that_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="CA of cell cn-sha-1 is not known"):
        platform("cn-sha-1", tmp_path)


PINNED = {"cluster_ca": PEM, "cluster_id": "c-old"}


@pytest.mark.parametrize(
    ("cell", "locked"), [("cn-sha-1", "cn-sha-1"), ("eu-ams-1", "eu-ams-1"), ("eu-ams-1", "eu-par-1")]
)
def test_a_cluster_that_is_not_the_pinned_one_is_refused_with_both_and_the_command(
    tmp_path: Path, cell: str, locked: str
) -> None:
    """A gate's cell reads the locks of the other cells of its world too."""
    for one in ("cn-sha-1", "eu-ams-1", "eu-par-1"):
        facts = PINNED if one == locked else {"cluster_ca": PEM}
        write_lock(tmp_path, CellLock(cell=one, discovered="2026-11-01", source="test", facts=facts))
    with pytest.raises(SpecError) as caught:
        platform(cell, tmp_path, cluster_id="c-new")
    (problem,) = caught.value.problems
    assert (problem.code, problem.path) == ("SPEC-LOCK", str(tmp_path / f"{locked}.json"))
    assert (problem.value, problem.where) == ("c-old", "facts.cluster_id")
    assert f"cluster of cell {locked} is c-new" in problem.message
    assert problem.fix.startswith(f"twain cell discover {locked} ")


@pytest.mark.parametrize("cluster", ["c-old", None])
def test_the_pinned_cluster_is_taken_and_one_that_an_older_program_brought_up_is_not_judged(
    tmp_path: Path, cluster: str | None
) -> None:
    write_lock(tmp_path, CellLock(cell="cn-sha-1", discovered="now", source="test", facts=PINNED))
    assert platform("cn-sha-1", tmp_path, cluster_id=cluster).one("pulumi:providers:kubernetes")


def test_an_sre_may_not_bind_roles_or_mint_tokens_and_reads_no_secret_but_the_gateways_keys(tmp_path: Path) -> None:
    for cell in ("eu-ams-1", "eu-par-1"):
        write_lock(tmp_path, CellLock(cell=cell, discovered="now", source="test", facts={"cluster_ca": PEM}))
    recorder = platform("eu-ams-1", tmp_path)
    kinds = ("ClusterRole", "Role")
    roles = [one for kind in kinds for one in recorder.of(f"kubernetes:rbac.authorization.k8s.io/v1:{kind}")]
    assert {"twain-sre", "twain-gate", "twain-operate", "twain-system"} <= {one.name for one in roles}
    secrets: list[tuple[str, list[str], list[str]]] = []
    for role in roles:
        for rule in role.inputs["rules"]:
            assert "*" not in [*rule["verbs"], *rule["resources"], *rule["apiGroups"]]
            assert "rbac.authorization.k8s.io" not in rule["apiGroups"]
            assert not {"serviceaccounts/token", "pods/exec", "pods/attach", "nodes/proxy"} & set(rule["resources"])
            if "secrets" in rule["resources"]:
                secrets.append((role.name, rule["resourceNames"], rule["verbs"]))
    assert secrets == [("twain-system", ["gateway-keys"], ["get"])]


@pytest.mark.parametrize(("cell", "brought"), [("cn-sha-1", True), ("eu-ams-1", True), ("eu-par-1", False)])
def test_every_gpu_node_offers_its_gpus_by_its_cloud_s_plugin_or_by_ours(
    tmp_path: Path, cell: str, brought: bool
) -> None:
    sets = {r.name: r.inputs for r in platform(cell, tmp_path, cluster_ca=PEM).of("kubernetes:apps/v1:DaemonSet")}
    assert ("nvidia-device-plugin" not in sets) is brought
    if not brought:
        spec = sets["nvidia-device-plugin"]["spec"]["template"]["spec"]
        paths = [volume["hostPath"]["path"] for volume in spec["volumes"]]
        assert paths == ["/var/lib/kubelet/device-plugins"]
        assert spec["affinity"] == sets["dcgm-exporter"]["spec"]["template"]["spec"]["affinity"]
        assert spec["tolerations"][0]["key"] == "nvidia.com/gpu"
        assert spec["containers"][0]["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_the_exporter_asks_the_kubelet_which_pod_holds_a_gpu_and_its_namespace_allows_that(tmp_path: Path) -> None:
    recorder = platform("eu-ams-1", tmp_path, cluster_ca=PEM)
    (exporter,) = [r for r in recorder.of("kubernetes:apps/v1:DaemonSet") if r.name == "dcgm-exporter"]
    spec = exporter.inputs["spec"]["template"]["spec"]
    (volume,) = [one for one in spec["volumes"] if "hostPath" in one]
    (mount,) = [one for one in spec["containers"][0]["volumeMounts"] if one["name"] == volume["name"]]
    assert volume["hostPath"]["path"] == mount["mountPath"] == "/var/lib/kubelet/pod-resources"
    assert mount["readOnly"] is True
    # Folders of the host are for the one namespace that allows them.
    levels = {
        r.name: r.inputs["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
        for r in recorder.of("kubernetes:core/v1:Namespace")
    }
    assert {name for name, level in levels.items() if level != "restricted"} == {"gpu-monitoring"}
    for kind in ("DaemonSet", "Deployment"):
        for one in recorder.of(f"kubernetes:apps/v1:{kind}"):
            hosts = [v for v in one.inputs["spec"]["template"]["spec"].get("volumes", []) if "hostPath" in v]
            assert not hosts or one.inputs["metadata"]["namespace"] == "gpu-monitoring"


def test_what_the_cell_guarantees_stands_where_the_gate_reads_it(tmp_path: Path) -> None:
    known = {"api.private": "private", "gpu.class": None}
    recorder = platform("eu-ams-1", tmp_path, cluster_ca=PEM, guarantees=known)
    (written,) = [r for r in recorder.of("kubernetes:core/v1:ConfigMap") if r.name == "guarantees"]
    # What the infra stack tells, and what was declared here beside it; what is not known is left out.
    told = written.inputs["data"]
    assert (told["api.private"], "gpu.class" in told) == ("private", False)
    assert (told["tenant.isolation"], told["gateway.tls"], told["gang_scheduling"]) == ("isolated", "required", "queue")
    assert set(told) == {"api.private", *PLATFORM}
    assert written.inputs["metadata"]["namespace"] == "twain-system"
