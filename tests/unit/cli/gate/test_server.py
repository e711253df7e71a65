from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from cli import errors
from cli.gate import client
from cli.gate.auth import KEEP_S, Authenticator, RefusedError
from cli.net.http import Deadline, HttpClient, tls
from components.telemetry.contract import load_contract, violations

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from cli.context import GateAccess
    from tests.unit.cli.gate.conftest import World

SECRET = "canary-pod-7f9c"
EDGES = ("0.3", "0.5", "1", "+Inf")


def talk(world: World, work: Callable[[GateAccess], Coroutine[Any, Any, Any]]) -> Any:
    async def run() -> Any:
        async with world.running() as access:
            return await work(access)

    return asyncio.run(run())


def traffic(workload: str, requests: int, *, pod: str = SECRET) -> list[dict[str, Any]]:
    """Two samples per series: nothing, then `requests`, all of them in the bucket 0.3-0.5."""
    at = time.time() - 30
    base = {
        "namespace": "maison-aurelia", "pod": pod, "instance": f"127.1.1.2:8000-{workload}", "job": "pods",
        "node": "node-1", "workload": workload, "maison": "aurelia", "model_name": "qwen3-32b", "engine": "0",
        "adapter": "customer-name",
    }  # fmt: skip
    found = []
    for name in ("time_to_first_token", "inter_token_latency", "e2e_request_latency", "request_queue_time"):
        for edge in EDGES:
            last = "0" if edge == "0.3" else str(requests)
            labels = {**base, "__name__": f"vllm:{name}_seconds_bucket", "le": edge}
            found.append({"metric": labels, "values": [[at - 900, "0"], [at, last]]})
    for name, each in (("prompt_tokens_total", 100), ("generation_tokens_total", 10)):
        labels = {**base, "__name__": f"vllm:{name}"}
        found.append({"metric": labels, "values": [[at - 900, "0"], [at, str(requests * each)]]})
    return found


def test_the_metrics_section_holds_aggregates_and_nothing_of_pods_or_nodes(world: World) -> None:
    slo = json.dumps([{"metric": "ttft", "threshold_s": 0.5, "objective": 0.9}])
    world.deployment("advisor", annotations={"twain/slo": slo, "twain/served-name": "qwen3-32b"})
    world.matrix = traffic("advisor", 40)
    found = talk(world, lambda gate: client.get_aggregates(gate, "metrics"))
    (row,) = found.of_kind("latency")
    assert (row["requests"], row["tokens"]) == (40, {"prompt": 4000, "generation": 400})
    assert row["ttft"]["p95"] == {"value": pytest.approx(0.49), "low": 0.3, "high": 0.5}
    assert row["slo"]["ttft"] == {"threshold": 0.5, "objective": 0.9, "low": 1.0, "high": 1.0}
    assert violations(load_contract(), "metrics", found.items) == []
    assert SECRET not in json.dumps(found.items)
    assert "customer-name" not in json.dumps(found.items)


def test_a_group_of_fewer_than_ten_requests_is_suppressed_and_never_zero(world: World) -> None:
    world.deployment("advisor")
    world.deployment("quiet")
    world.matrix = [*traffic("advisor", 9), *traffic("quiet", 0)]
    found = talk(world, lambda gate: client.get_aggregates(gate, "metrics"))
    assert [(row["workload"], row["suppressed"], "requests" in row) for row in found.of_kind("latency")] == [
        ("advisor", True, False),
        ("quiet", True, False),
    ]
    assert found.suppressed == 2


def test_the_fleet_section_counts_gpus_per_class_and_names_no_node(world: World) -> None:
    world.deployment("advisor", replicas=3)
    world.api.put(
        f"/api/v1/nodes/{SECRET}",
        {
            "metadata": {"name": SECRET, "labels": {"twain/gpu-class": "gpu-80g"}},
            "status": {"allocatable": {"nvidia.com/gpu": "4"}},
        },
    )
    found = talk(world, lambda gate: client.get_aggregates(gate, "fleet"))
    (workload,) = found.of_kind("workload")
    (cell,) = found.of_kind("cell")
    assert (workload["desired"], workload["ready"], workload["state"]) == (3, 3, "ready")
    assert (cell["gpus"], cell["kubernetesMinor"]) == ({"gpu-80g": 4}, "1.36")
    assert violations(load_contract(), "fleet", found.items) == []
    assert SECRET not in json.dumps(found.items)


def test_parity_and_cost_come_from_what_the_cell_was_told_and_are_not_collected_without(world: World) -> None:
    empty = talk(world, lambda gate: client.get_aggregates(gate, "parity"))
    assert [(one.id, one.cell) for one in empty.errors] == [("GATE-NOTCOLLECTED", "cn-sha-1")]
    assert [one.id for one in talk(world, lambda gate: client.get_aggregates(gate, "cost")).errors] == [
        "GATE-NOTCOLLECTED"
    ]
    root = "/api/v1/namespaces/twain-system/configmaps"
    world.api.put(f"{root}/guarantees", {"data": {"kubernetes.minor": "1.36", "gpu.class": "gpu-80g/1"}})
    row = {
        "world": "cn", "provider": "alicloud", "region": "cn-shanghai", "cell": "cn-sha-1", "maison": None,
        "currency": "CNY", "month": "2026-11", "billed": "12.30", "effective": None, "status": "provisional",
        "unpriced": 0, "resources": 4, "resourceNames": [SECRET],
    }  # fmt: skip
    world.api.put(f"{root}/cost", {"data": {"cost.json": json.dumps({"items": [row]})}})
    parity = talk(world, lambda gate: client.get_aggregates(gate, "parity"))
    cost = talk(world, lambda gate: client.get_aggregates(gate, "cost"))
    assert {one["capability"]: one["value"] for one in parity.items} == {
        "gpu.class": "gpu-80g/1",
        "kubernetes.minor": "1.36",
    }
    assert [one["billed"] for one in cost.items] == ["12.30"]
    assert cost.dropped == 1
    assert SECRET not in json.dumps(cost.items)


def test_money_of_a_maison_that_the_gate_was_not_told_of_is_kept_back_and_the_sum_says_that_it_is_not_whole(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    row = {
        "world": "cn", "provider": "alicloud", "region": "cn-shanghai", "cell": "cn-sha-1", "maison": "aurelia",
        "currency": "CNY", "month": "2026-11", "billed": "1", "effective": None, "status": "final", "unpriced": 0,
        "resources": 1,
    }  # fmt: skip
    rows = [row, {**row, "maison": "shared"}, {**row, "maison": SECRET}, {**row, "maison": SECRET, "month": "2026-10"}]
    told = {"data": {"cost.json": json.dumps({"items": rows})}}
    world.api.put("/api/v1/namespaces/twain-system/configmaps/cost", told)
    found = talk(world, lambda gate: client.get_aggregates(gate, "cost"))
    assert [one["maison"] for one in found.items] == ["aurelia", "shared"]
    assert found.dropped == 2
    (error,) = found.errors
    assert (error.id, error.fix) == ("GATE-REFUSED", "an operator of cn runs: twain cost publish")
    assert "cost.maison is not declared" in error.message
    # The gate's own log is read by people, too.
    assert "{'cost.maison': 2}" in caplog.text
    assert SECRET not in caplog.text


def test_a_cell_without_metrics_is_an_error_with_a_fixed_word_and_no_row(world: World) -> None:
    world.deployment("advisor")
    world.api.answers.insert(0, lambda request: (502, {}, SECRET.encode()) if "prometheus" in request.path else None)
    found = talk(world, lambda gate: client.get_aggregates(gate, "metrics"))
    assert found.of_kind("latency") == []
    assert [(one.id, one.cell) for one in found.errors] == [("GATE-CELL", "cn-sha-1")]
    assert SECRET not in found.errors[0].message


@pytest.mark.parametrize("change", [{"authenticated": False}, {"audiences": ()}, {"audiences": ("other",)}])
def test_a_token_that_the_api_server_does_not_know_for_this_audience_ends_with_3(
    world: World, change: dict[str, Any]
) -> None:
    for name, value in change.items():
        setattr(world, name, value)
    with pytest.raises(errors.AuthError) as caught:
        talk(world, lambda gate: client.get_aggregates(gate, "fleet"))
    assert errors.exit_code(caught.value) == errors.AUTH
    assert [request.path for request in world.api.requests if request.method == "GET"] == []


def test_a_caller_without_the_right_is_forbidden(world: World) -> None:
    world.allowed = ("aggregates/get",)
    talk(world, lambda gate: client.get_aggregates(gate, "fleet"))
    with pytest.raises(errors.AuthError, match="forbids"):
        talk(world, lambda gate: client.get_intent(gate, "12345678"))


def test_without_a_token_nothing_is_answered_but_the_health_of_the_gate(world: World) -> None:
    async def ask(gate: GateAccess) -> list[int]:
        context = tls(gate.ca())
        async with HttpClient(gate.url, ssl_context=context) as http:
            paths = ("/healthz", "/v1/aggregates?", "/v1/intents/12345678", "/", "/metrics")
            return [(await http.request("GET", path.rstrip("?"))).status for path in paths]

    assert talk(world, ask) == [200, 401, 401, 404, 404]
    assert world.reviews == []


def test_an_api_server_that_gives_no_answer_lets_nobody_in(world: World) -> None:
    world.api.answers.insert(0, lambda _request: "reset")
    with pytest.raises(client.NotSentError):
        talk(world, lambda gate: client.get_aggregates(gate, "fleet"))


def test_an_unknown_section_and_a_window_that_is_none_are_refused(world: World) -> None:
    with pytest.raises(errors.UsageError, match="no section 'logs'"):
        talk(world, lambda gate: client.get_aggregates(gate, "logs"))
    with pytest.raises(errors.UsageError, match="RFC 3339"):
        talk(world, lambda gate: client.get_aggregates(gate, "metrics", {"from": "yesterday"}))


def test_a_review_is_kept_for_ten_seconds_and_not_longer(world: World) -> None:
    now = 100.0

    async def run() -> None:
        nonlocal now
        async with world.kube() as kube:
            auth = Authenticator(kube, lambda: now)
            header = "Bearer the-gate-token"
            for _ in range(3):
                await auth.admit(header, resource="aggregates", verb="get", deadline=Deadline(5))
            assert world.reviews == ["token", "access"]
            now += KEEP_S - 0.1
            await auth.admit(header, resource="aggregates", verb="get", deadline=Deadline(5))
            assert len(world.reviews) == 2
            now += 0.2
            world.authenticated = False
            with pytest.raises(RefusedError):
                await auth.admit(header, resource="aggregates", verb="get", deadline=Deadline(5))

    asyncio.run(run())
    assert KEEP_S <= 10
