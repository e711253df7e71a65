from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from cli.collect import latency
from cli.collect.latency import Expected, SloShare, SloTarget
from cli.prom.window import Increase, Window

WINDOW = Window(1000.0, 1300.0)
POD = {
    "namespace": "maison-a",
    "pod": "p",
    "instance": "1",
    "job": "pods",
    "workload": "advisor",
    "maison": "a",
    "model_name": "m",
}


def histogram(name: str, buckets: dict[str, float], **labels: str) -> list[Increase]:
    return [
        Increase(f"{name}_bucket", {**POD, **labels, "le": edge}, value, last_at=1298.0)
        for edge, value in buckets.items()
    ]


def every(buckets: dict[str, float], **labels: str) -> list[Increase]:
    names = ("time_to_first_token", "inter_token_latency", "e2e_request_latency", "request_queue_time")
    found = [one for name in names for one in histogram(f"vllm:{name}_seconds", buckets, **labels)]
    return [
        *found,
        Increase("vllm:prompt_tokens_total", {**POD, **labels}, 100.0, last_at=1298.0),
        Increase("vllm:generation_tokens_total", {**POD, **labels}, 40.0, last_at=1298.0),
    ]


def rows(found: list[Increase], *expected: Expected) -> list[latency.LatencyRow]:
    return latency.rows(found, WINDOW, world="cn", cell="c", expected=expected, now=1300.0)


def test_pods_of_a_workload_are_one_row_and_models_are_two() -> None:
    buckets = {"0.5": 3.0, "1": 8.0, "+Inf": 10.0}
    found = rows([*every(buckets), *every(buckets, pod="q", instance="2"), *every(buckets, pod="r", model_name="n")])
    assert [(row.model, row.requests, row.prompt_tokens) for row in found] == [("m", 20, 200), ("n", 10, 100)]
    assert found[0].quantiles["ttft"]["p50"].low == 0.5


def test_the_row_has_the_keys_that_the_truth_has() -> None:
    (row,) = rows(every({"0.5": 3.0, "1": 8.0, "+Inf": 10.0}))
    item = row.as_json()
    assert item["window"] == {"from": "1970-01-01T00:16:40Z", "to": "1970-01-01T00:21:40Z"}
    assert item["tokens"] == {"prompt": 100, "generation": 40}
    assert item["ttft"]["p50"] == {"value": 0.7, "low": 0.5, "high": 1.0}
    assert item["ttft"]["p99"] == {"value": None, "low": 1.0, "high": None}
    assert item["sampleAge"] == 2.0


def test_no_request_is_zero_requests_and_no_quantile() -> None:
    (row,) = rows(every({"0.5": 0.0, "+Inf": 0.0}))
    assert (row.requests, row.state) == (0, "ok")
    assert row.as_json()["ttft"]["p50"] == {"value": None, "low": None, "high": None}


def test_an_expected_workload_without_samples_is_unknown_and_not_zero() -> None:
    (row,) = rows([], Expected(maison="a", workload="advisor", model="m", slo=latency.parse_slo(SLO)))
    item = row.as_json()
    assert (item["state"], item["requests"], item["tokens"]["prompt"]) == ("unknown", None, None)
    assert "no sample" in item["reason"]
    assert item["slo"][0]["met"] is None


def gone_before_the_window(found: list[Increase]) -> list[Increase]:
    return [dataclasses.replace(one, value=0.0, last_at=WINDOW.start - 20) for one in found]


def test_a_workload_that_was_gone_before_the_window_has_no_row() -> None:
    buckets = {"0.5": 3.0, "+Inf": 10.0}
    found = rows([*gone_before_the_window(every(buckets, workload="concierge")), *every(buckets)])
    assert [row.workload for row in found] == ["advisor"]


def test_an_expected_workload_whose_pods_were_gone_before_the_window_is_unknown_and_not_zero() -> None:
    (row,) = rows(gone_before_the_window(every({"0.5": 3.0, "+Inf": 10.0})), Expected(maison="a", workload="advisor"))
    assert (row.state, row.requests) == ("unknown", None)
    assert "no sample of it in the window" in (row.reason or "")


SLO = '[{"metric":"ttft","threshold_s":0.5,"objective":0.9},{"metric":"e2e","threshold_s":1.0,"objective":0.75}]'


def test_an_slo_counts_requests_under_its_edge() -> None:
    expected = Expected(maison="a", workload="advisor", slo=latency.parse_slo(SLO))
    (row,) = rows(every({"0.5": 3.0, "1": 8.0, "+Inf": 10.0}), expected)
    assert [(one.target.metric, one.low, one.high, one.met) for one in row.slo] == [
        ("ttft", 0.3, 0.3, False),
        ("e2e", 0.8, 0.8, True),
    ]


def test_an_slo_between_two_edges_is_decided_only_where_the_range_decides_it() -> None:
    def met(low: float, high: float) -> bool | None:
        target = SloTarget(metric="ttft", threshold_s=0.6, objective=0.9)
        return SloShare(target=target, low=low, high=high).met

    assert (met(0.91, 0.99), met(0.5, 0.8), met(0.8, 0.95)) == (True, False, None)


def test_pods_with_other_edges_are_added_on_the_edges_they_share_and_the_row_says_so() -> None:
    """What a rollout that changes an SLO leaves in a window: the counts are exact, the buckets coarser."""
    old = every({"0.5": 3.0, "1": 8.0, "+Inf": 10.0})
    new = every({"0.7": 5.0, "1": 9.0, "+Inf": 10.0}, pod="q", instance="2")
    (row,) = rows([*old, *new])
    assert (row.state, row.requests) == ("ok", 20)
    assert (row.quantiles["ttft"]["p50"].low, row.quantiles["ttft"]["p50"].high) == (0.0, 1.0)
    assert any("edges they share" in note for note in row.notes)


def test_engines_that_name_a_series_differently_are_not_added_on_other_edges() -> None:
    other = [
        Increase(one.name.replace("vllm:", "sglang:"), one.labels, one.value, origin=one.origin, last_at=one.last_at)
        for one in every({"0.7": 3.0, "+Inf": 10.0}, pod="q", instance="2")
    ]
    (row,) = rows([*every({"0.5": 3.0, "+Inf": 10.0}), *other])
    assert (row.state, row.requests) == ("unknown", None)
    assert any("not merged" in note for note in row.notes)


def test_a_histogram_that_falls_gives_invalid_and_no_number() -> None:
    (row,) = rows(every({"0.5": 9.0, "1": 3.0, "+Inf": 10.0}))
    assert row.quantiles["ttft"]["p50"].note == "invalid"
    assert (row.requests, row.state) == (None, "unknown")


def test_an_old_name_beside_the_new_one_is_not_counted_twice() -> None:
    buckets = {"0.5": 3.0, "+Inf": 10.0}
    found = [*every(buckets), *histogram("vllm:time_per_output_token_seconds", buckets)]
    (row,) = rows(found)
    other = rows(every(buckets))[0]
    assert row.quantiles["itl"] == other.quantiles["itl"]
    assert not any("merged" in note for note in row.notes)


def test_a_lower_bound_is_said_to_be_one() -> None:
    found = every({"0.5": 3.0, "+Inf": 10.0})
    found = [Increase(one.name, one.labels, one.value, origin="first", last_at=one.last_at) for one in found]
    (row,) = rows(found)
    assert row.truncated == 1
    assert "lower bounds" in row.notes[0]


@pytest.mark.parametrize(
    "text", ["", "{}", "[1]", '[{"metric":"x","threshold_s":1,"objective":0.5}]', '[{"metric":"ttft"}]']
)
def test_annotations_that_are_no_slo_are_left_out(text: str) -> None:
    assert latency.parse_slo(text) == ()


def test_every_row_fits_the_telemetry_contract() -> None:
    from components.telemetry.contract import filter_rows, load_contract, violations

    expected = Expected(maison="a", workload="advisor", slo=latency.parse_slo(SLO))
    made: list[tuple[str, dict[str, Any]]] = [
        ("latency", row.as_contract()) for row in rows(every({"0.5": 3.0, "1": 8.0, "+Inf": 10.0}), expected)
    ]
    groups = {(row["world"], row["cell"], row["maison"], row["workload"], row["model"]) for _, row in made}
    found = filter_rows(load_contract(), "metrics", made, known={"latency": groups})
    assert (found.dropped, found.rejected, len(found.items)) == ({}, 0, 1)
    assert violations(load_contract(), "metrics", found.items) == []
