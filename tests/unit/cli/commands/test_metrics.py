from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from cli.collect import freshness
from cli.commands.metrics import quantile_text
from cli.commands.top import duration_text

FLEET = Path(__file__).parents[4] / "stacks" / "fleets" / "rehearsal.yaml"
PROXY = "/api/v1/namespaces/twain-system/services/prometheus:9090/proxy/api/v1/query"
SLO = '[{"metric":"ttft","threshold_s":0.5,"objective":0.9}]'


class Prometheus:
    """What a cell's Prometheus says through the API server's proxy."""

    def __init__(self, api: Any, *, requests: int = 40) -> None:
        self.requests, self.broken = requests, False
        api.answers.append(self.answer)
        api.put(
            "/apis/apps/v1/namespaces/maison-aurelia/deployments/advisor",
            {
                "kind": "Deployment",
                "metadata": {
                    "name": "advisor",
                    "labels": {"twain/workload": "advisor", "twain/maison": "aurelia"},
                    "annotations": {"twain/slo": SLO, "twain/served-name": "qwen3-32b"},
                },
                "spec": {"replicas": 1},
            },
        )
        labels = {"twain/gpu-class": "gpu-80g"}
        status = {"allocatable": {"nvidia.com/gpu": "1"}}
        api.put("/api/v1/nodes/n1", {"metadata": {"name": "n1", "labels": labels}, "status": status})

    def answer(self, request: Any) -> Any:
        if request.path != PROXY:
            return None
        if self.broken:
            return 503, {}, b"no endpoints available"
        query, now = request.query["query"], time.time()
        if query.endswith("ms]"):
            return self.json("matrix", self.series(now))
        if query.startswith("{"):
            found = [
                ({"__name__": "DCGM_FI_DEV_GPU_UTIL", "node": "n1", "gpu": "0"}, 50),
                ({"__name__": "DCGM_FI_DEV_FB_USED", "node": "n1", "gpu": "0"}, 1024),
            ]
        elif query.startswith("timestamp"):
            found = [({"node": "n1", "gpu": "0"}, now - 3)]
        else:
            found = [({}, now - 2 if "timestamp" in query else 1)]
        return self.json("vector", [{"metric": labels, "value": [now, str(value)]} for labels, value in found])

    def series(self, now: float) -> list[dict[str, Any]]:
        base = {
            "namespace": "maison-aurelia", "pod": "p", "instance": "i", "job": "pods", "workload": "advisor",
            "maison": "aurelia", "model_name": "qwen3-32b",
        }  # fmt: skip
        found = []
        for name in ("time_to_first_token", "inter_token_latency", "e2e_request_latency", "request_queue_time"):
            for edge, share in (("0.3", 0.0), ("0.5", 0.5), ("1", 1.0), ("+Inf", 1.0)):
                labels = {**base, "__name__": f"vllm:{name}_seconds_bucket", "le": edge}
                values = [[now - 1000, "0"], [now - 2, str(int(share * self.requests))]]
                found.append({"metric": labels, "values": values})
        return found

    def json(self, kind: str, result: list[Any]) -> tuple[int, dict[str, str], bytes]:
        body = json.dumps({"status": "success", "data": {"resultType": kind, "result": result}}).encode()
        return 200, {"content-type": "application/json"}, body


@pytest.fixture
def cells(row: Any, tmp_path: Path) -> tuple[Any, Prometheus, Prometheus]:
    """A row operator whose cells are reached through the API server, and the Prometheus of each."""
    operator, ams, par = row
    operator.fleet = tmp_path / "fleet.yaml"
    operator.fleet.write_text(FLEET.read_text().replace("pod-network", "api-proxy"))
    operator.write()
    return operator, Prometheus(ams), Prometheus(par, requests=20)


def test_rows_stand_in_the_order_of_the_fleet_with_counts_and_buckets(cells: Any) -> None:
    operator, _, _ = cells
    ran = operator.twain("metrics", "latency", "--world", "row", "-o", "json")
    assert ran.code == 0, ran.err
    assert [(item["cell"], item["requests"]) for item in ran.json["items"]] == [("eu-ams-1", 40), ("eu-par-1", 20)]
    assert ran.json["items"][0]["ttft"]["p50"] == {"value": 0.5, "low": 0.3, "high": 0.5}
    assert ran.json["items"][0]["slo"][0]["met"] is False
    assert ran.json["window"] == ran.json["items"][0]["window"]


def test_a_missed_slo_ends_with_11_only_when_asked(cells: Any) -> None:
    operator, _, _ = cells
    assert operator.twain("metrics", "latency", "--world", "row").code == 0
    assert operator.twain("metrics", "latency", "--world", "row", "--exit-code").code == 11


def test_a_prometheus_that_is_gone_leaves_unknown_rows_with_the_age_of_the_last_sample(cells: Any) -> None:
    operator, ams, _ = cells
    assert operator.twain("metrics", "latency", "--world", "row").code == 0
    seen = freshness.recall(operator.home, "eu-ams-1")
    assert seen is not None
    ams.broken = True
    ran = operator.twain("metrics", "latency", "--world", "row", "-o", "json")
    assert ran.code == 13
    gone, there = ran.json["items"]
    assert (gone["state"], gone["requests"], there["requests"]) == ("unknown", None, 20)
    assert gone["sampleAge"] is not None
    assert gone["sampleAge"] >= 2
    assert "the last sample seen is" in gone["reason"]
    assert [error["cell"] for error in ran.json["errors"]] == ["eu-ams-1"]
    table = operator.twain("metrics", "latency", "--world", "row")
    assert "unknown" in table.out
    gpus = operator.twain("top", "gpu", "--world", "row", "-o", "json")
    assert gpus.code == 13
    assert [(item["state"], item["util"]) for item in gpus.json["items"]] == [("unknown", None), ("ok", 0.5)]


def test_a_gate_that_cannot_be_reached_is_an_error_of_its_world_and_hides_nothing(cells: Any) -> None:
    operator, _, _ = cells
    token = operator.home / "gate-token"
    token.write_text("t")
    token.chmod(0o600)
    operator.gates = {"cn": {"url": "https://127.0.0.1:1", "token_file": str(token)}}
    operator.write()
    for verb in (("metrics", "latency"), ("top", "gpu"), ("metrics", "gpu")):
        ran = operator.twain(*verb, "-o", "json")
        assert ran.code == 13
        assert ran.json["partial"] is True
        assert [item["cell"] for item in ran.json["items"]] == ["eu-ams-1", "eu-par-1"]
        assert [(error["world"], error["id"]) for error in ran.json["errors"]] == [("cn", "GATE-UNREACHABLE")]


def test_every_gpu_of_the_own_world_is_a_row(cells: Any) -> None:
    operator, _, _ = cells
    began = time.time()
    ran = operator.twain("metrics", "gpu", "--world", "row", "-o", "json")
    took = time.time() - began
    assert ran.code == 0, ran.err
    assert [(item["cell"], item["name"], item["util"]) for item in ran.json["items"]] == [
        ("eu-ams-1", "n1/0", 0.5),
        ("eu-par-1", "n1/0", 0.5),
    ]
    # Three seconds old when it was answered; the age counts from when the command asked.
    assert 2.9 - took < ran.json["items"][0]["sampleAge"] <= 3.1 + took


@pytest.mark.parametrize(
    "bounds",
    [
        ("--since", "5m", "--from", "2026-11-20T10:00:00Z"),
        ("--from", "today"),
        ("--from", "2026-11-20T10:00:00Z", "--to", "2026-11-20T09:00:00Z"),
    ],
)
def test_a_window_that_is_none_is_a_usage_error(cells: Any, bounds: tuple[str, ...]) -> None:
    operator, _, _ = cells
    assert operator.twain("metrics", "latency", *bounds).code == 2


def test_a_quantile_is_read_with_its_bucket() -> None:
    assert quantile_text({"value": 0.41, "low": 0.25, "high": 0.5}) == "410 ms [0.25-0.5]"
    assert quantile_text({"value": None, "low": 0.0, "high": 0.3}) == "<= 300 ms"
    assert quantile_text({"value": None, "low": 7680.0, "high": None}) == "> 7680 s"
    assert quantile_text({"value": None, "low": None, "high": None}) == "-"


def test_durations_have_two_units() -> None:
    assert [duration_text(seconds) for seconds in (3, 63, 3700)] == ["3s", "1m03s", "1h01m"]
