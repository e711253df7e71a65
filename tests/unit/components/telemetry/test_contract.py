from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from components.telemetry.contract import (
    ContractError,
    Filtered,
    Leaf,
    contract_of,
    filter_rows,
    load_contract,
    violations,
)

CONTRACT = load_contract()
QUANTILE = {"value": 0.1, "low": 0.05, "high": 0.25}
QUANTILES = {"p50": QUANTILE, "p95": QUANTILE, "p99": {"value": None, "low": 2.5, "high": None}}
SLO = {"threshold": 1.0, "objective": 0.95, "low": 0.9, "high": 0.9}
LATENCY: dict[str, Any] = {
    "world": "cn", "cell": "cn-sha-1", "maison": "aurelia", "workload": "advisor", "model": "qwen3-32b",
    "window": {"from": "2026-11-20T10:00:00Z", "to": "2026-11-20T10:05:00.250Z"},
    "requests": 10, "tokens": {"prompt": 100, "generation": 200},
    "ttft": QUANTILES, "itl": QUANTILES, "e2e": QUANTILES, "queue": QUANTILES,
    "slo": {"ttft": SLO, "itl": SLO, "e2e": SLO, "queue": SLO}, "truncated": 0, "sampleAge": 3,
}  # fmt: skip
GPU: dict[str, Any] = {
    "world": "cn", "cell": "cn-sha-1", "gpuClass": "gpu-80g", "gpus": 4, "known": 4, "busy": 2, "util": 0.5,
    "memoryUsed": 1.0, "memoryTotal": 2.0, "power": 300.5, "sampleAge": 4,
}  # fmt: skip

KNOWN: dict[str, set[tuple[Any, ...]]] = {
    "latency": {("cn", "cn-sha-1", "aurelia", "advisor", "qwen3-32b")},
    "cost": {("cn", cell, maison) for cell in ("cn-sha-1", None) for maison in ("aurelia", "shared", None)},
    "workload": {("cn", "cn-sha-1", "aurelia")},
    **{kind: {("cn", "cn-sha-1")} for kind in ("gpu", "cell", "guarantee")},
}
COST: dict[str, Any] = {
    "world": "cn", "provider": "alicloud", "region": "cn-shanghai", "cell": "cn-sha-1", "maison": "aurelia",
    "currency": "CNY", "month": "2026-11", "billed": "12.30", "effective": None, "status": "provisional",
    "unpriced": 0, "resources": 4,
}  # fmt: skip
WORKLOAD: dict[str, Any] = {
    "world": "cn", "cell": "cn-sha-1", "maison": "aurelia", "name": "advisor", "revision": "c168cd8215ee",
    "desired": 2, "ready": 2, "image": None, "weights": None, "state": "ready",
}  # fmt: skip
CELL: dict[str, Any] = {
    "world": "cn", "cell": "cn-sha-1", "kubernetesMinor": "1.36", "gpus": {"gpu-80g": 4, "unknown": 1},
}  # fmt: skip
GUARANTEE: dict[str, Any] = {"world": "cn", "cell": "cn-sha-1", "capability": "gpu.class", "value": "gpu-80g/1"}
EVERY_KIND = {
    ("metrics", "latency"): LATENCY, ("metrics", "gpu"): GPU, ("cost", "cost"): COST, ("fleet", "workload"): WORKLOAD,
    ("fleet", "cell"): CELL, ("parity", "guarantee"): GUARANTEE,
}  # fmt: skip
# A customer's name in the form of a plain identifier: no pattern tells it from a declared one.
CUSTOMER = "wang-xiaoming"


def filtered(section: str, rows: Any) -> Filtered:
    return filter_rows(CONTRACT, section, rows, known=KNOWN)


def test_the_sections_are_exactly_the_four_of_the_design() -> None:
    assert set(CONTRACT.sections) == {"metrics", "cost", "fleet", "parity"}
    assert CONTRACT.sections["metrics"]["latency"].minimum == 10


def test_no_label_names_a_pod_a_node_or_a_person() -> None:
    labels = {name for kinds in CONTRACT.sections.values() for kind in kinds.values() for name in kind.labels}
    fields = {name for kinds in CONTRACT.sections.values() for kind in kinds.values() for name in kind.fields}
    assert not {"pod", "node", "gpu", "instance", "user", "adapter", "message", "reason"} & (labels | fields)


def test_a_row_as_the_contract_says_leaves_whole() -> None:
    found = filtered("metrics", [("latency", LATENCY), ("gpu", GPU)])
    assert (found.dropped, found.rejected, found.suppressed) == ({}, 0, 0)
    assert found.items[0] == {"kind": "latency", **LATENCY, "suppressed": False}
    assert violations(CONTRACT, "metrics", found.items) == []


def test_one_more_label_is_dropped_and_counted_at_every_depth() -> None:
    row = json.loads(json.dumps(LATENCY))
    row["pod"] = "p-1"
    row["ttft"]["p50"]["exemplar"] = "trace"
    row["Patient Müller"] = 1
    found = filtered("metrics", [("latency", row)])
    assert found.dropped == {"latency.pod": 1, "latency.ttft.p50.exemplar": 1, "latency.other": 1}
    assert found.items == [{"kind": "latency", **LATENCY, "suppressed": False}]


@pytest.mark.parametrize("requests", [0, 1, 9, None, 9.5, True, "40"])
def test_a_group_under_the_minimum_leaves_without_any_value(requests: object) -> None:
    found = filtered("metrics", [("latency", {**LATENCY, "requests": requests})])
    labels = {name: LATENCY[name] for name in ("world", "cell", "maison", "workload", "model")}
    assert found.items == [{"kind": "latency", **labels, "suppressed": True}]
    assert violations(CONTRACT, "metrics", found.items) == []


@pytest.mark.parametrize(
    "change",
    [
        {"world": "hk"},
        {"cell": "cn sha"},
        {"maison": "a" * 200},
        {"workload": "<script>"},
        {"model": "Customer: Mr. Wang"},
        {"requests": 2**60},
        {"window": {"from": "yesterday", "to": "2026-11-20T10:05:00Z"}},
        {"ttft": None},
        {"sampleAge": float("nan")},
        {"truncated": "content"},
    ],
)
def test_a_row_with_a_value_of_another_kind_does_not_leave(change: dict[str, Any]) -> None:
    found = filtered("metrics", [("latency", {**LATENCY, **change})])
    assert (found.items, found.rejected) == ([], 1)


@pytest.mark.parametrize("name", ["world", "cell", "maison", "workload", "model"])
def test_a_group_that_the_world_does_not_declare_does_not_leave_however_well_its_name_is_formed(name: str) -> None:
    row = {**LATENCY, name: "row" if name == "world" else "wang-13800138000"}
    found = filtered("metrics", [("latency", row)])
    assert (found.items, found.rejected) == ([], 1)


def test_each_kind_of_row_leaves_when_all_in_it_is_declared() -> None:
    assert set(EVERY_KIND) == {(section, kind) for section, kinds in CONTRACT.sections.items() for kind in kinds}
    for (section, kind), row in EVERY_KIND.items():
        found = filtered(section, [(kind, row)])
        assert found.items == [{"kind": kind, **row, "suppressed": False}]
        assert (found.rejected, found.refused) == (0, {})
        assert violations(CONTRACT, section, found.items) == []


@pytest.mark.parametrize(
    ("kind", "label"),
    [
        (kind, label)
        for (_, kind), row in EVERY_KIND.items()
        for label in ("cell", "maison", "gpuClass", "capability", "provider", "region")
        if label in row
    ],
)
def test_a_name_that_nobody_declared_leaves_in_no_kind_of_row_and_only_its_field_is_told(kind: str, label: str) -> None:
    section, row = next((at[0], row) for at, row in EVERY_KIND.items() if at[1] == kind)
    found = filtered(section, [(kind, {**row, label: CUSTOMER})])
    assert (found.items, found.rejected, found.refused) == ([], 1, {f"{kind}.{label}": 1})
    assert CUSTOMER not in repr(found)


@pytest.mark.parametrize("gpus", [{CUSTOMER: 4}, {"gpu-80g": 4, CUSTOMER: 0}, {"gpu-80g": -1}, {"gpu-80g": True}, []])
def test_gpus_are_counted_by_classes_of_the_table_and_by_nothing_else(gpus: Any) -> None:
    found = filtered("fleet", [("cell", {**CELL, "gpus": gpus})])
    assert (found.items, found.refused) == ([], {"cell.gpus": 1})
    assert CUSTOMER not in repr(found)


def test_the_money_of_no_maison_and_of_no_cell_leaves() -> None:
    rows = [("cost", {**COST, "cell": cell, "maison": maison}) for cell in ("cn-sha-1", None)
            for maison in ("aurelia", "shared", None)]  # fmt: skip
    assert len(filtered("cost", rows).items) == len(rows)
    assert filtered("cost", [("cost", {**COST, "region": one}) for one in ("global", "unknown")]).rejected == 0


def test_a_contract_whose_cells_or_maisons_are_not_bounded_is_none() -> None:
    """So that a kind that is added one day cannot leave with a free one."""
    row = {"labels": {"world": ["cn"], "cell": "cell"}, "bounded": ["world"], "fields": {}, "aggregation": "x"}
    inside = {**row, "bounded": ["world", "cell"], "fields": {"by": {"whose": "maison"}}}
    for wrong in (row, inside):
        with pytest.raises(ContractError, match="`bounded` names"):
            contract_of({"version": "v1", "sections": {"fleet": {"cell": wrong}}})
    right = contract_of({"version": "v1", "sections": {"fleet": {"cell": {**row, "bounded": ["world", "cell"]}}}})
    assert right.sections["fleet"]["cell"].bounded == ("world", "cell")


def test_where_no_group_is_declared_nothing_leaves() -> None:
    found = filter_rows(CONTRACT, "metrics", [("latency", LATENCY), ("gpu", GPU)], known={})
    assert (found.items, found.rejected) == ([], 2)
    for kinds in CONTRACT.sections.values():
        for kind in kinds.values():
            assert kind.bounded[0] == "world"


def test_a_kind_of_another_section_does_not_leave() -> None:
    assert filtered("fleet", [("latency", LATENCY)]).items == []


def test_a_section_that_the_contract_lacks_is_an_error() -> None:
    with pytest.raises(ContractError, match="no section 'logs'"):
        filtered("logs", [])
    with pytest.raises(ContractError):
        load_contract("v999")
    with pytest.raises(ContractError):
        load_contract("../x")


def test_the_judge_finds_what_the_filter_would_have_kept_back() -> None:
    good = filtered("metrics", [("latency", LATENCY)]).items[0]
    assert violations(CONTRACT, "metrics", [{**good, "pod": "x"}]) == ["items[0].pod: not in the contract"]
    assert violations(CONTRACT, "metrics", [{**good, "requests": 3}])
    assert violations(CONTRACT, "metrics", [{**good, "kind": "pods"}])
    assert violations(CONTRACT, "metrics", [{key: value for key, value in good.items() if key != "suppressed"}])
    assert violations(CONTRACT, "metrics", [{**good, "suppressed": True}])


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["cn", "cn-sha-1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


def mutated(draw: st.DrawFn, value: Any) -> Any:
    """The value with parts replaced, removed and added at any depth."""
    if isinstance(value, dict) and draw(st.integers(0, 9)):
        made = {name: mutated(draw, part) for name, part in value.items() if draw(st.integers(0, 19))}
        made.update(
            draw(st.dictionaries(st.text(max_size=10) | st.sampled_from(["pod", "node"]), ANYTHING, max_size=2))
        )
        return made
    return draw(ANYTHING) if draw(st.integers(0, 9)) == 0 else value


@st.composite
def rows(draw: st.DrawFn) -> tuple[str, str, dict[str, Any]]:
    section = draw(st.sampled_from(sorted(CONTRACT.sections)))
    kind = draw(st.sampled_from([*CONTRACT.sections[section], "latency"]))
    base = draw(st.sampled_from([*EVERY_KIND.values(), {}]))
    row = mutated(draw, base)
    return section, kind, row if isinstance(row, dict) else {}


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows())
def test_whatever_goes_in_only_what_the_contract_names_comes_out(case: tuple[str, str, dict[str, Any]]) -> None:
    section, kind, row = case
    found = filtered(section, [(kind, row)])
    assert violations(CONTRACT, section, found.items) == []
    assert found.rejected + len(found.items) == 1
    json.dumps(found.items, allow_nan=False)
    assert all(len(key) < 100 for key in found.dropped)


def test_a_true_is_no_count_and_a_nan_no_number() -> None:
    assert not Leaf(type="count").accepts(True)
    assert not Leaf(type="number").accepts(float("inf"))
    assert Leaf(type="number", nullable=True).accepts(None)
    assert not Leaf(type="count").accepts(None)
