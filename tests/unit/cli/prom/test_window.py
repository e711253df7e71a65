from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.prom.window import Increase, RawSeries, Window, increases

POD = {"namespace": "maison-a", "pod": "p", "instance": "1", "job": "pods"}
START = "process_start_time_seconds"


def series(samples: list[tuple[float, float]], name: str = "x_total", **labels: str) -> RawSeries:
    return RawSeries(name, {**POD, **labels}, samples)


def one(found: list[Increase]) -> Increase:
    (single,) = found
    return single


def test_the_increase_is_the_value_in_force_at_the_end_minus_that_at_the_start() -> None:
    raw = series([(90, 4), (95, 5), (100, 6), (105, 9), (110, 20)])
    assert one(increases([raw], Window(97, 106))).value == 4


def test_a_sample_exactly_at_an_edge_is_in_force_there() -> None:
    raw = series([(100, 6), (105, 9), (110, 20)])
    assert one(increases([raw], Window(100, 110))).value == 14


def test_a_counter_that_falls_was_reset_and_counts_from_zero_again() -> None:
    raw = series([(90, 10), (100, 15), (105, 2), (110, 3)])
    found = one(increases([raw], Window(95, 110)))
    assert (found.value, found.resets) == (5 + 2 + 1, 1)


def test_a_restart_that_no_counter_shows_is_seen_by_the_start_marker() -> None:
    raw = series([(90, 10), (100, 10), (105, 40)])
    marker = series([(90, 1000), (100, 1000), (105, 1102)], START)
    found = one(increases([raw, marker], Window(95, 110)))
    assert (found.value, found.resets) == (40, 1)


def test_a_reset_of_one_series_counts_for_every_series_of_its_target() -> None:
    count = series([(90, 10), (105, 8)], "h_bucket", le="+Inf")
    low = series([(90, 5), (105, 7)], "h_bucket", le="0.1")
    other = RawSeries("h_bucket", {**POD, "pod": "q", "le": "0.1"}, [(90, 5), (105, 7)])
    found = {
        (item.labels["pod"], item.labels["le"]): item.value for item in increases([count, low, other], Window(95, 110))
    }
    assert found == {("p", "+Inf"): 8, ("p", "0.1"): 7, ("q", "0.1"): 2}


def test_a_process_that_began_inside_the_window_counts_from_zero() -> None:
    raw = series([(130, 7), (135, 9)])
    marker = series([(130, 120.5), (135, 120.5)], START)
    found = one(increases([raw, marker], Window(100, 200)))
    assert (found.value, found.origin) == (9, "zero")


def test_a_process_older_than_its_record_gives_a_lower_bound_and_says_so() -> None:
    raw = series([(130, 7000), (135, 7002)])
    marker = series([(130, 5.0), (135, 5.0)], START)
    found = one(increases([raw, marker], Window(100, 200), alive_before=True))
    assert (found.value, found.origin, found.truncated) == (2, "first", True)


def test_without_a_marker_a_target_that_a_living_server_had_not_seen_counts_from_zero() -> None:
    raw = series([(130, 7), (135, 9)])
    assert one(increases([raw], Window(100, 200), alive_before=True)).value == 9


def test_without_a_marker_and_with_a_server_as_young_nothing_is_assumed() -> None:
    raw = series([(130, 7000), (135, 7002)])
    found = one(increases([raw], Window(100, 200)))
    assert (found.value, found.truncated) == (2, True)


def test_a_label_value_that_occurs_for_the_first_time_counts_from_zero() -> None:
    old = series([(90, 50), (105, 60)], "done_total", reason="stop")
    new = series([(105, 3), (110, 4)], "done_total", reason="length")
    marker = series([(90, 5.0), (105, 5.0)], START)
    found = {item.labels["reason"]: item.value for item in increases([old, new, marker], Window(95, 120))}
    assert found == {"stop": 10, "length": 4}


def test_a_created_series_tells_the_birth_of_its_own_family() -> None:
    raw = series([(130, 7), (135, 9)], "x_total", model="m")
    created = series([(130, 121.0), (135, 121.0)], "x_created", model="m")
    process = series([(130, 5.0), (135, 5.0)], START)
    assert one(increases([raw, created, process], Window(100, 200))).value == 9


def test_a_pod_that_went_keeps_what_it_did_until_its_last_sample() -> None:
    raw = series([(90, 4), (105, 9)])
    found = one(increases([raw], Window(95, 200)))
    assert (found.value, found.last_at) == (5, 105)


def test_a_series_that_only_ended_before_the_window_did_nothing_in_it() -> None:
    assert one(increases([series([(50, 4), (60, 9)])], Window(95, 200))).value == 0


def test_values_that_are_not_finite_are_left_out() -> None:
    raw = series([(90, 4), (100, float("nan")), (105, 9), (107, float("inf"))])
    assert one(increases([raw], Window(95, 110))).value == 5


def test_a_window_must_begin_before_it_ends() -> None:
    with pytest.raises(ValueError, match="begin before"):
        Window(5, 5)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10_000), st.floats(5, 95), st.integers(1, 7))
def test_adjoining_windows_add_up_and_the_whole_equals_the_truth(seed: int, middle: float, interval: int) -> None:
    """A process with restarts, scraped every `interval`; each incarnation lives long enough and is idle at its end."""
    rng = random.Random(seed)
    events: list[float] = []
    restarts = [rng.uniform(28, 45), rng.uniform(60, 75)][: rng.randint(0, 2)]
    for begin, end in zip([0.0, *restarts], [*restarts, 100.0], strict=True):
        events += sorted(rng.uniform(begin, end - 2 * interval) for _ in range(rng.randint(0, 20)))
    samples, markers = [], []
    at = -20.0
    while at <= 100 + 2 * interval:
        begin = max([restart for restart in restarts if restart <= at], default=-50.0)
        samples.append((at, float(sum(begin <= event <= at for event in events))))
        markers.append((at, begin))
        at += interval
    raw = [series(samples), series(markers, START)]
    whole = one(increases(raw, Window(-10, 100 + 2 * interval))).value
    first, second = (
        one(increases(raw, Window(-10, middle))).value,
        one(increases(raw, Window(middle, 100 + 2 * interval))).value,
    )
    assert first + second == whole
    assert whole == len(events)
    assert first >= 0
    assert second >= 0
