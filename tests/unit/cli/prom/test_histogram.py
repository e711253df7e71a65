from __future__ import annotations

import bisect
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.prom.histogram import EdgeMismatchError, Histogram, merge, nearest_rank, on_shared_edges

EDGES = (0.1, 0.5, 1.0, 2.5)


def made(values: list[float], edges: tuple[float, ...] = EDGES) -> Histogram:
    ordered = sorted(values)
    pairs = [(f"{edge}", float(bisect.bisect_right(ordered, edge))) for edge in edges]
    return Histogram.from_buckets([*pairs, ("+Inf", float(len(values)))])


def test_one_and_one_point_zero_are_the_same_edge() -> None:
    left = Histogram.from_buckets([("1", 3.0), ("+Inf", 4.0)])
    right = Histogram.from_buckets([("1.0", 1.0), ("+Inf", 1.0)])
    assert left.plus(right).counts == (4.0, 5.0)


def test_histograms_with_other_edges_are_not_added() -> None:
    with pytest.raises(EdgeMismatchError, match="only one side has"):
        merge([made([0.2]), made([0.2], (0.1, 0.5))])


def test_an_edge_given_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        Histogram.from_buckets([("1", 1.0), ("1.0", 2.0), ("+Inf", 2.0)])


def test_the_estimate_is_linear_inside_the_bucket_that_is_printed() -> None:
    found = made([0.2] * 10 + [0.7] * 10).quantile(0.75)
    assert (found.low, found.high) == (0.5, 1.0)
    assert found.value == pytest.approx(0.75)


def test_the_first_bucket_says_at_most_and_gives_no_number() -> None:
    found = made([0.01, 0.02]).quantile(0.5)
    assert (found.value, found.low, found.high, found.note) == (None, 0.0, 0.1, "first-bucket")


def test_the_last_bucket_says_above_and_gives_no_number() -> None:
    found = made([9.0, 9.0]).quantile(0.5)
    assert (found.value, found.low, found.high, found.note) == (None, 2.5, None, "open-bucket")


def test_an_empty_histogram_has_no_quantile_and_no_share() -> None:
    assert made([]).quantile(0.5).note == "empty"
    assert made([]).share_under(0.5) is None


@pytest.mark.parametrize(
    "buckets",
    [
        [("0.1", 5.0), ("0.5", 3.0), ("+Inf", 5.0)],
        [("0.1", 1.0), ("0.5", 3.0)],
        [("0.1", 1.0), ("+Inf", math.nan)],
    ],
)
def test_a_histogram_that_falls_or_has_no_end_is_invalid_and_never_a_number(buckets: list[tuple[str, float]]) -> None:
    histogram = Histogram.from_buckets(buckets)
    found = histogram.quantile(0.5)
    assert (found.value, found.low, found.high, found.note) == (None, None, None, "invalid")
    assert histogram.share_under(0.5) is None


def test_the_share_under_an_edge_is_exact_and_between_edges_a_range() -> None:
    histogram = made([0.2, 0.3, 0.7, 3.0])
    exact = histogram.share_under(0.5)
    between = histogram.share_under(0.8)
    assert exact is not None
    assert between is not None
    assert (exact.low, exact.high, exact.exact) == (0.5, 0.5, True)
    assert (between.low, between.high, between.exact) == (0.5, 0.75, False)


def test_the_rank_is_free_of_binary_fractions() -> None:
    assert [nearest_rank(q, 20) for q in (0.5, 0.95, 0.99)] == [10, 19, 20]
    assert all(nearest_rank(0.95, n) == -(-95 * n // 100) for n in range(1, 3000))
    assert all(nearest_rank(0.99, n) == -(-99 * n // 100) for n in range(1, 3000))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.floats(0, 4), min_size=1, max_size=200), st.sampled_from([0.5, 0.95, 0.99]))
def test_the_true_quantile_lies_in_the_printed_bucket(values: list[float], q: float) -> None:
    found = made(values).quantile(q)
    true = sorted(values)[nearest_rank(q, len(values)) - 1]
    assert found.low is not None
    assert found.low <= true
    assert found.high is None or true <= found.high
    assert found.value is None or found.low <= found.value <= (found.high or math.inf)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.floats(0, 4), max_size=30), min_size=1, max_size=6))
def test_merging_is_counting_all_values_at_once(parts: list[list[float]]) -> None:
    merged = merge(made(part) for part in parts)
    assert merged == made([value for part in parts for value in part])


@given(
    st.lists(st.sampled_from([0.1, 0.2, 0.5, 1.0, 2.0]), min_size=1, unique=True),
    st.lists(st.sampled_from([0.1, 0.3, 0.5, 1.0, 4.0]), min_size=1, unique=True),
    st.lists(st.floats(0, 5), max_size=40),
    st.lists(st.floats(0, 5), max_size=40),
)
def test_on_shared_edges_the_sum_counts_every_observation(
    left: list[float], right: list[float], seen: list[float], also: list[float]
) -> None:
    def of(edges: list[float], values: list[float]) -> Histogram:
        return Histogram.from_buckets(
            (repr(edge), float(sum(value <= edge for value in values))) for edge in [*edges, math.inf]
        )

    added = merge(on_shared_edges([of(left, seen), of(right, also)]))
    assert added is not None
    assert added == of(sorted(set(left) & set(right)), [*seen, *also])
