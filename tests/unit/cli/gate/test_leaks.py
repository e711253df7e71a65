"""What a gate lets out when the series behind it are hostile: over its own route, judged by a reader of its own.

`make test` runs a seeded sample; `make prove` more than 10,000 series, and writes `docs/proof/contract.json`.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from cli.net.http import HttpClient, tls
from tests.integration.test_rehearsal_border import CONTRACT, strangers
from tests.prove import proofs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.unit.cli.gate.conftest import World

EDGES = ("0.3", "0.5", "1", "+Inf")
CANARY = "canary4711"
LEAST = CONTRACT["sections"]["metrics"]["latency"]["minimum"]["least"]
# Shapes that a person's words take in a label, up to one that looks like an honest name.
DISGUISES = (
    CANARY,
    f"{CANARY}-wang",
    f"Mr {CANARY}",
    f"{CANARY}\n",
    f"user/{CANARY}",
    f"{CANARY}:v1",
    f"\u202e{CANARY}",
)
# Those that no pattern tells from a declared name.
WELL_FORMED = (CANARY, f"{CANARY}-wang", f"user/{CANARY}", f"{CANARY}.1")
# By hand, and not out of the tables that the gate reads.
DECLARED = {
    "cell": {"cn-sha-1", None}, "maison": {"aurelia", "calisto", "shared", None}, "gpuClass": {"gpu-80g", "unknown"},
    "capability": {"kubernetes.minor", "gpu.class"}, "provider": {"alicloud", "other"},
    "region": {"cn-shanghai", "global"},
}  # fmt: skip
COST = {
    "world": "cn", "provider": "alicloud", "region": "cn-shanghai", "cell": "cn-sha-1", "maison": "aurelia",
    "currency": "CNY", "month": "2026-11", "billed": "12.30", "effective": None, "status": "final", "unpriced": 0,
    "resources": 4,
}  # fmt: skip
HOSTILE = st.sampled_from(DISGUISES) | st.text(max_size=20).map(lambda text: f"{text}{CANARY}")
LABELS = st.sampled_from(
    ["pod", "node", "user", "adapter", "prompt", "instance", "running_lora_adapters", "engine", "namespace", "le2",
     "world", "cell", "customer", "__name", "exported_maison", "trace_id"]
)  # fmt: skip


def honest_or(value: str) -> st.SearchStrategy[str]:
    """Mostly what the world declares, sometimes a person's words, sometimes another honest-looking name."""
    return st.sampled_from([*[value] * 12, "concierge", "calisto", "", "qwen3-32b-fr", *DISGUISES])


SETS = st.fixed_dictionaries(
    {
        "workload": honest_or("advisor"),
        "maison": honest_or("aurelia"),
        "model": honest_or("qwen3-32b"),
        "requests": st.sampled_from([0, 1, LEAST - 1, LEAST, LEAST + 1, 400]),
        "more": st.dictionaries(LABELS, HOSTILE, max_size=4),
    }
)
ROWS = st.dictionaries(
    st.sampled_from(
        ["value", "month", "billed", "resourceNames", "owner", "cell", "maison", "provider", "world", "region", CANARY]
    ),
    HOSTILE
    | st.sampled_from(WELL_FORMED)
    | st.none()
    | st.integers()
    | st.lists(HOSTILE, max_size=2)
    | st.just("row")
    | st.just("cn-sha-1"),
    max_size=5,
)
CASES = st.fixed_dictionaries(
    {
        "section": st.sampled_from(["metrics", "metrics", "metrics", "metrics", "fleet", "cost", "parity"]),
        "sets": st.lists(SETS, min_size=1, max_size=4),
        "rows": st.lists(ROWS, max_size=3),
        "annotations": st.dictionaries(LABELS, HOSTILE, max_size=3),
        "planted": st.sampled_from(WELL_FORMED),
    }
)


def series_of(one: dict[str, Any], number: int) -> list[dict[str, Any]]:
    """The series of one process that says about itself what it likes."""
    at = time.time() - 30
    base = {"pod": CANARY, "job": "pods", "node": f"node-{CANARY}", "engine": "0", **one["more"]}
    base |= {"instance": f"127.1.1.{number}:8000", "workload": one["workload"], "maison": one["maison"]}
    base["model_name"] = one["model"]
    found: list[dict[str, Any]] = []
    for name in ("time_to_first_token", "inter_token_latency", "e2e_request_latency", "request_queue_time"):
        for edge in EDGES:
            labels = {**base, "__name__": f"vllm:{name}_seconds_bucket", "le": edge}
            last = "0" if edge == "0.3" else str(one["requests"])
            found.append({"metric": labels, "values": [[at - 800, "0"], [at, last]]})
    for name in ("prompt_tokens_total", "generation_tokens_total", "lora_requests_info", CANARY):
        labels = {**base, "__name__": f"vllm:{name}"}
        found.append({"metric": labels, "values": [[at - 800, "0"], [at, "7"]]})
    return found


def put(world: World, case: dict[str, Any]) -> int:
    """Make the world say what the case says; returns how many series it has."""
    root = "/api/v1/namespaces/twain-system/configmaps"
    world.matrix = [one for number, each in enumerate(case["sets"]) for one in series_of(each, number)]
    world.deployment("advisor", annotations={f"x/{name}": value for name, value in case["annotations"].items()})
    # A Deployment that says of itself that it is somebody's.
    world.deployment("concierge", maison=case["planted"])
    cost = [COST, *({**COST, **row} for row in case["rows"])]
    world.api.put(f"{root}/cost", {"data": {"cost.json": json.dumps({"items": cost})}})
    told = {f"k{number}": value for number, row in enumerate(case["rows"]) for value in row.values()}
    # A guarantee is a word by the contract: here it is always more than one, or that of no capability.
    words = {name: f"{value} of {CANARY}" for name, value in told.items()}
    told = {"kubernetes.minor": "1.36", case["planted"].replace("/", "."): "yes", **words}
    world.api.put(f"{root}/guarantees", {"data": told})
    for name, label in (("a", "gpu-80g"), ("b", case["planted"])):
        labels = {"twain/gpu-class": label, "owner": CANARY}
        node = {"metadata": {"labels": labels, "name": f"node-{name}-{CANARY}"}}
        world.api.put(
            f"/api/v1/nodes/node-{name}-{CANARY}", {**node, "status": {"allocatable": {"nvidia.com/gpu": "4"}}}
        )
    return len(world.matrix)


class Tally:
    """What was tried and what came of it, for the record."""

    def __init__(self) -> None:
        self.cases = self.series = self.left = self.suppressed = self.withheld = 0


class Door:
    """A gate that listens, and a caller of its route that reads bytes and trusts nothing."""

    def __init__(self, world: World) -> None:
        self.world, self.loop = world, asyncio.new_event_loop()
        self._running = world.running()
        self.access = self.loop.run_until_complete(self._running.__aenter__())
        self.http = HttpClient(self.access.url, ssl_context=tls(self.access.ca_pem))

    def ask(self, section: str) -> tuple[dict[str, str], bytes]:
        headers = {"authorization": "Bearer the-gate-token"}
        answer = self.loop.run_until_complete(
            self.http.request("GET", "/v1/aggregates", params={"section": section}, headers=headers, deadline=30)
        )
        assert answer.status == 200, answer.body
        return answer.headers, answer.body

    def close(self) -> None:
        self.http.close()
        self.loop.run_until_complete(self._running.__aexit__(None, None, None))
        self.loop.close()


@pytest.fixture
def door(world: World) -> Iterator[Door]:
    opened = Door(world)
    yield opened
    opened.close()


def judge(case: dict[str, Any], headers: dict[str, str], body: bytes, tally: Tally) -> None:
    """Nothing that was planted is in the answer, and nothing else that the contract's file does not name."""
    assert CANARY not in body.decode()
    assert CANARY not in json.dumps(headers)
    document = json.loads(body)
    assert set(document) == {
        "apiVersion", "kind", "contract", "world", "section", "partial", "errors", "suppressed", "dropped", "items",
    }  # fmt: skip
    for item in document["items"]:
        assert strangers(case["section"], item) == [], item
        assert item["world"] == "cn"
        for label, names in DECLARED.items():
            assert label not in item or item[label] in names, item
        assert set(item.get("gpus", {}) if item["kind"] == "cell" else {}) <= DECLARED["gpuClass"]
        if item["kind"] == "latency":
            assert (item["maison"], item["workload"], item["model"]) == ("aurelia", "advisor", "qwen3-32b")
            assert item["suppressed"] or item["requests"] >= LEAST
        tally.left += not item["suppressed"]
        tally.suppressed += item["suppressed"]
    tally.withheld += document["dropped"]
    tally.cases += 1


def run(door: Door, examples: int) -> Tally:
    tally = Tally()

    @seed(20261121)
    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(CASES)
    def tried(case: dict[str, Any]) -> None:
        tally.series += put(door.world, case)
        judge(case, *door.ask(case["section"]), tally)

    tried()
    # A filter that lets all or nothing out would prove nothing.
    assert min(tally.left, tally.suppressed, tally.withheld) > 0
    return tally


def test_of_hostile_series_nothing_beyond_the_contract_leaves_the_gate(door: Door) -> None:
    tally = run(door, 40)
    assert tally.series >= 800


@pytest.mark.parametrize("section", ["metrics", "fleet", "cost", "parity"])
def test_a_customers_name_where_a_maison_a_cell_or_a_class_stands_leaves_in_no_section(
    door: Door, section: str
) -> None:
    """Every kind of row at once, with names that are formed as declared ones are; what is declared still leaves."""
    mine = {"workload": "advisor", "maison": "aurelia", "model": "qwen3-32b", "requests": LEAST, "more": {}}
    rows = [{label: "wang-xiaoming"} for label in ("maison", "cell", "provider", "region")]
    case = {"section": section, "sets": [mine, {**mine, "maison": "wang-xiaoming"}, {**mine, "workload": "concierge",
            "maison": "wang-xiaoming"}], "rows": rows, "annotations": {}, "planted": "wang-xiaoming"}  # fmt: skip
    put(door.world, case)
    headers, body = door.ask(section)
    assert b"wang" not in body
    judge(case, headers, body, Tally())
    document = json.loads(body)
    kinds = {"metrics": {"latency"}, "fleet": {"workload", "cell"}, "cost": {"cost"}, "parity": {"guarantee"}}
    assert {item["kind"] for item in document["items"]} >= kinds[section]
    assert document["dropped"] > 0
    if section == "fleet":
        # A node of no known class counts all the same.
        assert next(one for one in document["items"] if one["kind"] == "cell")["gpus"] == {"gpu-80g": 4, "unknown": 4}
    if section == "cost":
        assert {error["reason"] for error in document["errors"]} == {
            "refused cost.cell", "refused cost.maison", "refused cost.provider", "refused cost.region",
        }  # fmt: skip


@pytest.mark.prove
def test_of_more_than_ten_thousand_series_nothing_beyond_the_contract_leaves_the_gate(door: Door) -> None:
    tally = run(door, 400)
    assert tally.series >= 10_000
    document = {
        "what": "hostile series, objects, cost rows behind a gate: what left held nothing beyond the contract's file",
        **proofs.commit(), "seed": 20261121,
        "cases": tally.cases, "series": tally.series, "rowsThatLeft": tally.left,
        "groupsSuppressed": tally.suppressed, "keysAndRowsWithheld": tally.withheld, "leaks": 0,
    }  # fmt: skip
    proofs.write("contract", document)


def test_the_judge_sees_a_leak(door: Door) -> None:
    """A gate whose filter was taken out is found by the very same judge."""
    case = {"section": "metrics", "sets": [{"workload": "advisor", "maison": "aurelia", "model": "qwen3-32b",
                                            "requests": 3, "more": {}}], "rows": [], "annotations": {},
            "planted": CANARY}  # fmt: skip
    put(door.world, case)
    headers, body = door.ask("metrics")
    judge(case, headers, body, Tally())
    document = json.loads(body)
    row = document["items"][0]
    assert row["suppressed"]
    for change in ({"pod": "p"}, {"suppressed": False, "requests": 3}, {"workload": CANARY}, {"model": "a b"},
                   {"maison": "nobody"}, {"cell": "cn-bei-9"}):  # fmt: skip
        leaked = {**document, "items": [{**row, **change}]}
        with pytest.raises((AssertionError, KeyError)):
            judge(case, headers, json.dumps(leaked).encode(), Tally())
