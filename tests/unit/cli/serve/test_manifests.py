"""The manifests: whole objects against golden files, and the rules behind them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.fleet import FleetView
from cli.serve import manifests, targets
from cli.serve.manifests import CellTarget
from components.spec.load import load_workload
from components.spec.model import Workload

ROOT = Path(__file__).parents[4]
GOLDEN = ROOT / "tests" / "golden" / "serve"
CELLS = ("cn-sha-1", "eu-ams-1", "eu-par-1")


@pytest.fixture
def workload() -> Workload:
    return load_workload(ROOT / "examples" / "advisor.yaml")


def target(tmp_path: Path, cell: str = "eu-ams-1") -> CellTarget:
    fleet = FleetView.load(ROOT / "stacks" / "fleets" / "rehearsal.yaml", tmp_path)
    return targets.of_fleet(fleet, fleet.cell(cell))


def changed(workload: Workload, **changes: Any) -> Workload:
    return Workload.model_validate({**workload.model_dump(mode="json"), **changes})


def deployment(workload: Workload, aim: CellTarget) -> dict[str, Any]:
    return next(m for m in manifests.render(workload, aim) if m["kind"] == "Deployment")


@pytest.mark.parametrize("cell", CELLS)
def test_the_manifests_of_the_example_are_the_golden_ones(workload: Workload, tmp_path: Path, cell: str) -> None:
    """To accept a change: delete the file, run the test (it fails and writes it), read the difference, commit it."""
    rendered = json.dumps(manifests.render(workload, target(tmp_path, cell)), indent=1, sort_keys=True) + "\n"
    golden = GOLDEN / f"advisor.{cell}.json"
    if not golden.exists():
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(rendered)
        pytest.fail(f"{golden} was missing and has been written")
    assert rendered == golden.read_text()


def test_the_same_workload_differs_between_worlds_only_by_registry_and_labels(
    workload: Workload, tmp_path: Path
) -> None:
    cn, row = (json.dumps(deployment(workload, target(tmp_path, cell))["spec"]) for cell in ("cn-sha-1", "eu-ams-1"))
    swapped = cn.replace(
        "twain-cn-registry-vpc.cn-shanghai.cr.aliyuncs.com/twain", "europe-west4-docker.pkg.dev/twain-row/twain"
    )
    assert swapped.replace("cn-sha-1", "eu-ams-1").replace('"twain/world": "cn"', '"twain/world": "row"') == row


def test_grace_is_longer_than_the_pause_before_stop_and_the_drain(workload: Workload, tmp_path: Path) -> None:
    pod = deployment(workload, target(tmp_path))["spec"]["template"]["spec"]
    container = pod["containers"][0]
    drain = int(container["args"][container["args"].index("--shutdown-timeout") + 1])
    pause = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert drain == workload.rollout.drain_s
    assert pod["terminationGracePeriodSeconds"] > pause + drain


@given(size=st.integers(min_value=1, max_value=900), deadline=st.integers(min_value=10, max_value=86_400))
def test_a_healthy_start_is_never_reported_as_failed(size: int, deadline: int) -> None:
    base = load_workload(ROOT / "examples" / "advisor.yaml").model_dump(mode="json")
    base["model"]["weights"]["size_gib"] = size
    base["rollout"]["deadline_s"] = deadline
    workload = Workload.model_validate(base)
    aim = CellTarget(cell="c", world="row", cloud="gcp", region="r", registry="reg", pools=(), gpu_quota={})
    spec = deployment(workload, aim)["spec"]
    startup = spec["template"]["spec"]["containers"][0]["startupProbe"]
    budget = startup["periodSeconds"] * startup["failureThreshold"]
    assert budget >= manifests.startup_budget_s(workload)
    assert spec["progressDeadlineSeconds"] > manifests.startup_budget_s(workload)


@given(
    threshold=st.floats(min_value=0.0005, max_value=7680, allow_nan=False),
    metric=st.sampled_from(["ttft", "itl", "e2e", "queue"]),
)
def test_every_slo_threshold_is_a_bucket_edge_and_edges_rise(threshold: float, metric: str) -> None:
    base = load_workload(ROOT / "examples" / "advisor.yaml").model_dump(mode="json")
    base["slo"] = [{"metric": metric, "threshold_s": threshold, "objective": 0.9}]
    args = manifests.arguments(Workload.model_validate(base))
    edges = json.loads(args[args.index("--custom-histogram-buckets") + 1])[manifests.FAMILY[metric]]
    assert threshold in edges
    assert edges == sorted(set(edges))


def test_weights_are_a_local_path_and_no_hub_is_asked(workload: Workload, tmp_path: Path) -> None:
    pod = deployment(workload, target(tmp_path))["spec"]["template"]["spec"]
    container = pod["containers"][0]
    env = {entry["name"]: entry["value"] for entry in container["env"]}
    assert container["args"][0] == "/models/qwen3-32b"
    assert env["HF_HUB_OFFLINE"] == env["TRANSFORMERS_OFFLINE"] == env["VLLM_NO_USAGE_STATS"] == "1"
    reference = pod["volumes"][0]["image"]["reference"]
    assert reference.endswith(f"/models/qwen3-32b@{workload.model.weights.digest}")
    assert container["image"].endswith(f"@{workload.engine.digest}")


def test_the_pod_is_restricted_in_every_field(workload: Workload, tmp_path: Path) -> None:
    pod = deployment(workload, target(tmp_path))["spec"]["template"]["spec"]
    inner = pod["containers"][0]["securityContext"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert inner == {
        "allowPrivilegeEscalation": False,
        "privileged": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not {"hostNetwork", "hostIPC", "hostPID"} & set(pod)


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"replicas": 9}, True),
        ({"worlds": ["row"]}, True),
        ({"rollout": {"deadline_s": 60, "max_surge": 2, "max_unavailable": 1, "drain_s": 30}}, True),
        ({"rollout": {"drain_s": 31}}, False),
        ({"gpu": {"gpu_class": "gpu-80g", "count": 2}}, False),
        ({"slo": []}, False),
    ],
)
def test_the_revision_changes_exactly_when_the_pod_does(
    workload: Workload, tmp_path: Path, change: dict[str, Any], same: bool
) -> None:
    other = changed(workload, **change)
    aim = target(tmp_path)
    assert (manifests.revision(other) == manifests.revision(workload)) is same
    templates = [deployment(one, aim)["spec"]["template"] for one in (workload, other)]
    assert (templates[0] == templates[1]) is same


def test_the_operators_own_arguments_stay_and_ours_come_last(workload: Workload) -> None:
    engine = {**workload.engine.model_dump(mode="json"), "args": ["--port", "9999", "--max-model-len=4096"]}
    args = manifests.arguments(changed(workload, engine=engine))
    assert args[1:4] == ["--port", "9999", "--max-model-len=4096"]
    assert args.count("--max-model-len") == 0
    assert args[max(i for i, arg in enumerate(args) if arg == "--port") + 1] == "8000"


def test_covers_ignores_what_the_server_added_and_sees_what_a_hand_changed() -> None:
    wanted = {"spec": {"replicas": 2, "egress": [], "ports": [{"port": 1}]}}
    assert manifests.covers({"spec": {"replicas": 2, "ports": [{"port": 1, "protocol": "TCP"}]}, "status": {}}, wanted)
    assert not manifests.covers({"spec": {"replicas": 1, "ports": [{"port": 1}]}}, wanted)
    assert not manifests.covers({"spec": {"replicas": 2, "ports": [{"port": 1}, {"port": 2}]}}, wanted)
    assert not manifests.covers({"spec": {"replicas": 2, "ports": []}}, wanted)
