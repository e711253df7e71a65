"""Workloads and what is said of them when something is missing: nothing is guessed, nothing that serves is lost."""

from __future__ import annotations

import json
import os
import signal
import ssl
import time
import urllib.request
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from rehearsal import traffic
from rehearsal.kube import processes
from rehearsal.providers.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from tests.integration.conftest import Ran, Stage

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "advisor.yaml"
CELLS = {"cn-sha-1": "cn", "eu-ams-1": "row", "eu-par-1": "row"}
PAR = "eu-par-1"


def changed(tmp_path: Path, *pairs: tuple[str, str]) -> Path:
    """The example with some of its text replaced."""
    text = EXAMPLE.read_text(encoding="utf-8")
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    path = tmp_path / "advisor.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def kubectl(stage: Stage, cell: str, *args: str) -> dict[str, Any]:
    admin = str(stage.cell(cell) / "admin.kubeconfig")
    return stage.shell(CELLS[cell], "kubectl", "--kubeconfig", admin, *args, "-o", "json").json


def answers(stage: Stage, cell: str) -> int:
    """The status of one question through the cell's gateway."""
    place = traffic.Place(home=stage.home, world=CELLS[cell], cell=cell)
    body = {"model": "qwen3-32b", "messages": [{"role": "user", "content": "?"}], "max_tokens": 8}
    request = urllib.request.Request(
        f"{place.url()}/aurelia/advisor/v1/chat/completions",
        data=json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {place.key('operator')}", "Content-Type": "application/json"},
    )
    context = ssl.create_default_context(cafile=str(place.ca_file))
    with urllib.request.urlopen(request, context=context, timeout=30) as response:
        return int(response.status)


def until(true: Callable[[], bool], *, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "not so in time"
        time.sleep(0.5)


def by_cell(ran: Ran) -> dict[str, dict[str, Any]]:
    """The items by cell; of several workloads the example's."""
    return {item["cell"]: item for item in ran.items if item.get("workload") in {None, "advisor"}}


def test_both_worlds_serve_one_image_and_all_that_was_asked_for(stage: Stage) -> None:
    for world in ("cn", "row"):
        items = stage.operator(world, "serve", "list", "-o", "json").items
        assert {item["cell"]: item["world"] for item in items} == CELLS
        assert all(item["ready"] == item["desired"] == 2 for item in items)
        for key in ("image", "weights", "revision"):
            (one,) = {item[key] for item in items}
            assert one


def test_gpu_pools_began_empty_and_grew_for_the_pods(stage: Stage) -> None:
    for cell, world in CELLS.items():
        store = Store.open(stage.home.world(world))
        try:
            (pool,) = [one for one in store.pools(cell) if one.kind == "gpu"]
            grown = [node for node in store.nodes(cell, live=False) if node.pool == pool.name]
        finally:
            store.close()
        assert pool.min == 0
        workload = kubectl(stage, cell, "-n", "maison-aurelia", "get", "deployment", "advisor")
        asked = datetime.fromisoformat(workload["metadata"]["creationTimestamp"]).timestamp()
        assert len(grown) >= 2
        # Whole seconds in Kubernetes: no GPU node is older than the wish that it serves.
        assert all(node.created >= asked for node in grown)


def test_more_replicas_than_the_pools_can_hold_are_refused_before_anything_is_written(
    stage: Stage, tmp_path: Path
) -> None:
    def written() -> dict[str, int]:
        found = {cell: kubectl(stage, cell, "-n", "maison-aurelia", "get", "deployment", "advisor") for cell in CELLS}
        return {cell: one["metadata"]["generation"] for cell, one in found.items()}

    before = written()
    ran = stage.operator("row", "serve", "apply", "-f", str(changed(tmp_path, ("replicas: 2", "replicas: 7"))), "-y")
    assert ran.code == 4
    for cell in CELLS:
        assert f"cell {cell} can have at most 4 GPUs of class gpu-80g" in ran.err
    assert ran.err.count("3 missing") >= 3
    assert written() == before


def test_a_rollout_that_cannot_become_ready_ends_at_its_deadline_and_the_old_pods_serve_on(
    stage: Stage, tmp_path: Path
) -> None:
    wrong = changed(
        tmp_path, ("deadline_s: 900", "deadline_s: 25"), ('args: ["--max', 'args: ["--no-such-flag", "--max')
    )
    try:
        ran = stage.operator("row", "serve", "apply", "-f", str(wrong), "-y", "--cell", PAR, timeout=120)
        assert ran.code == 4
        assert "ROLL-DEADLINE" in ran.err
        for words in ("after 25 s", "pod advisor-", "container vllm", "CrashLoopBackOff", "The old pods still serve"):
            assert words in ran.err, ran.err
        assert answers(stage, PAR) == 200
        item = by_cell(stage.operator("row", "serve", "list", "-o", "json"))[PAR]
        assert (item["ready"], item["desired"], item["state"]) == (2, 2, "progressing")
    finally:
        back = stage.operator("row", "serve", "apply", "-f", str(EXAMPLE), "-y", "--cell", PAR)
    assert back.code == 0, back.err


@contextmanager
def still(pid: int) -> Generator[None]:
    """A process that stands still: it is there and answers nobody."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def running(stage: Stage, cell: str, program: str) -> int:
    """The process of a pod's program, by its arguments."""
    root = str(stage.cell(cell))
    everybody = {int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()}
    lines = {pid: processes.arguments(pid) for pid in everybody}
    found = [
        pid for pid, words in lines.items() if words and Path(words[0]).name == program and root in " ".join(words)
    ]
    assert len(found) == 1, found
    return found[0]


def test_a_prometheus_that_gives_no_answer_leaves_figures_unknown_and_never_zero(stage: Stage) -> None:
    stage.operator("row", "status")  # remembers when a sample was seen last
    with still(running(stage, PAR, "prometheus")):
        status = stage.operator("row", "status", "-o", "json", "--timeout", "4s")
        assert status.code == 13
        prometheus = by_cell(status)[PAR]["prometheus"]
        assert prometheus["state"] == "unknown"
        assert prometheus["sampleAge"] > 0
        top = stage.operator("row", "top", "gpu", "-o", "json", "--timeout", "4s")
        gpus = [item for item in top.items if item["cell"] == PAR]
        assert len(gpus) >= 2
        assert {(item["state"], item["util"]) for item in gpus} == {("unknown", None)}
        assert all(item["reason"] and "last sample" in item["reason"] for item in gpus)
        latency = by_cell(stage.operator("row", "metrics", "latency", "-o", "json", "--timeout", "4s"))
        assert (latency[PAR]["requests"], latency[PAR]["state"]) == (None, "unknown")
        assert latency[PAR]["ttft"]["p95"]["value"] is None
        assert latency[PAR]["reason"]
        assert latency["eu-ams-1"]["requests"] > 0
        table = stage.operator("row", "status", "--timeout", "4s").out
        assert "unknown" in next(line for line in table.splitlines() if PAR in line)
    until(lambda: stage.operator("row", "status").code == 0)


def test_an_exporter_that_is_gone_leaves_its_gpu_in_the_list_as_unknown(stage: Stage) -> None:
    namespace = ("-n", "gpu-monitoring")
    # A node selector that no node has: the daemon set takes its pods away, and keeps them away until it is put back.
    place = "/spec/template/spec/nodeSelector"
    daemon = kubectl(stage, PAR, *namespace, "get", "daemonsets")["items"][0]
    name, before = daemon["metadata"]["name"], daemon["spec"]["template"]["spec"].get("nodeSelector")
    patch = [{"op": "add", "path": place, "value": {**(before or {}), "twain/nowhere": "yes"}}]
    undo = [{"op": "replace", "path": place, "value": before}] if before else [{"op": "remove", "path": place}]

    def gpus() -> list[dict[str, Any]]:
        found = stage.operator("row", "top", "gpu", "-o", "json").items
        return [item for item in found if item["cell"] == PAR]

    there = {item["node"] for item in gpus()}
    kubectl(stage, PAR, *namespace, "patch", "daemonset", name, "--type", "json", "-p", json.dumps(patch))
    try:
        until(lambda: {item["state"] for item in gpus()} == {"unknown"})
        gone = gpus()
        # An idle node may go meanwhile; the two that serve stay.
        assert len(gone) >= 2
        assert {item["node"] for item in gone} <= there
        for item in gone:
            assert (item["util"], item["memory"]["used"] if isinstance(item.get("memory"), dict) else None) == (
                None,
                None,
            )
            assert item["sampleAge"] > 0
            assert item["reason"]
        shown = stage.operator("row", "metrics", "gpu", "--cell", PAR).out
        assert shown.count("unknown") >= 2
    finally:
        kubectl(stage, PAR, *namespace, "patch", "daemonset", name, "--type", "json", "-p", json.dumps(undo))
    until(lambda: {item["state"] for item in gpus()} == {"ok"})


@pytest.fixture(autouse=True, scope="module")
def _as_it_was(stage: Stage) -> Generator[None]:
    yield
    assert stage.operator("row", "serve", "list").code == 0
