from __future__ import annotations

import math

import prometheus_client
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.utils import floatToGoString

from rehearsal.programs.promtext import Family, number, render


@given(st.floats(allow_nan=False))
def test_numbers_are_written_as_the_client_library_writes_them(value: float) -> None:
    assert number(value) == floatToGoString(value)


def test_not_a_number_is_written_as_the_client_library_writes_it() -> None:
    assert number(math.nan) == floatToGoString(math.nan)


def test_an_exposition_is_byte_equal_to_the_client_library_s() -> None:
    registry = prometheus_client.CollectorRegistry()
    counter = prometheus_client.Counter("vllm:done", "Done \\ and\nso on.", ["model_name", "engine"], registry=registry)
    gauge = prometheus_client.Gauge("vllm:share", "A share.", ["engine"], registry=registry)
    histogram = prometheus_client.Histogram(
        "vllm:seconds", "Seconds.", ["engine", "model_name"], registry=registry, buckets=(0.3, 1, 7680)
    )
    ours = [
        Family("vllm:done", "counter", "Done \\ and\nso on."),
        Family("vllm:share", "gauge", "A share."),
        Family("vllm:seconds", "histogram", "Seconds."),
    ]
    labels = {"model_name": 'a"b\\c\nd', "engine": "0"}
    done, share = ours[0].value(labels), ours[1].value({"engine": "0"})
    seconds = ours[2].histogram(labels, (0.3, 1, 7680))
    for value in (0.1, 0.3, 0.30001, 5000000, 1e9):
        counter.labels(**labels).inc(value)
        histogram.labels(**labels).observe(value)
        done.add(value)
        seconds.observe(value)
    gauge.labels(engine="0").set(0.25)
    share.value = 0.25

    def stable(text: str) -> list[str]:
        return [line.rpartition(" ")[0] if "_created{" in line else line for line in text.splitlines()]

    assert stable(render(ours)) == stable(prometheus_client.generate_latest(registry).decode())


@pytest.mark.parametrize(("value", "bucket"), [(0.3, 0), (0.31, 1), (1.0, 1), (1.01, 2), (0.0, 0)])
def test_a_value_on_an_edge_belongs_to_that_edge(value: float, bucket: int) -> None:
    histogram = Family("x", "histogram", "x").histogram({}, (0.3, 1))
    histogram.observe(value)
    assert histogram.counts.index(1) == bucket
