from __future__ import annotations

import asyncio
import itertools
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli import errors
from cli.prom.client import PrometheusClient, PrometheusError, quoted, selector, slices
from cli.prom.window import LOOKBACK_S, Window

if TYPE_CHECKING:
    from collections.abc import Mapping


class Server:
    """Holds samples of one counter and answers range selectors as Prometheus does: (at - range, at]."""

    def __init__(self, samples: list[tuple[float, float]], body: bytes | None = None) -> None:
        self.samples, self.body, self.asked = samples, body, []

    async def fetch(self, path: str, params: Mapping[str, str]) -> tuple[int, bytes]:
        assert path == "/api/v1/query"
        self.asked.append(params)
        if self.body is not None:
            return 200, self.body
        query, at = params["query"], float(params["time"])
        if query == "count(up)":
            return 200, _answer("vector", [{"metric": {}, "value": [at, "1"]}])
        length = float(query.rpartition("[")[2].removesuffix("ms]")) / 1000
        values = [[when, str(value)] for when, value in self.samples if at - length < when <= at]
        return 200, _answer(
            "matrix", [{"metric": {"__name__": "x_total", "pod": "p"}, "values": values}] if values else []
        )

    def increase(self, window: Window) -> float:
        found = asyncio.run(PrometheusClient(self.fetch, where="c").increases(["x_total"], window))
        return found[0].value if found else 0.0


def _answer(kind: str, result: list[dict[str, Any]], **more: Any) -> bytes:
    return json.dumps({"status": "success", "data": {"resultType": kind, "result": result}, **more}).encode()


def test_a_long_window_is_asked_for_in_slices_and_adds_up() -> None:
    server = Server([(at, float(at // 7)) for at in range(0, 20_000, 15)])
    assert server.increase(Window(1000, 19_000)) == 18990 // 7 - 990 // 7
    asked = [one["query"] for one in server.asked if one["query"] != "count(up)"]
    assert len(asked) == 10
    assert all(float(one.rpartition("[")[2].removesuffix("ms]")) <= (1800 + LOOKBACK_S) * 1000 for one in asked)


def test_slices_adjoin_and_cover_the_window() -> None:
    found = slices(Window(0, 5000))
    assert (found[0].start, found[-1].end, len(found)) == (0, 5000, 3)
    assert all(left.end == right.start for left, right in itertools.pairwise(found))


@pytest.mark.parametrize(
    "body",
    [
        b"<html>login</html>",
        b"",
        b'{"status":"error","errorType":"bad_data","error":"parse error"}',
        b'{"status":"success"}',
        b'{"status":"success","data":{"resultType":"scalar","result":[1,"2"]}}',
        b'{"status":"success","data":{"resultType":"matrix","result":[{"metric":{}}, 5]}}',
        _answer("vector", [], warnings=["a store gave no answer"]),
    ],
)
def test_what_is_no_whole_answer_is_an_error_that_names_the_cell(body: bytes) -> None:
    with pytest.raises(PrometheusError) as caught:
        Server([], body).increase(Window(0, 10))
    assert caught.value.where == "c"
    assert errors.exit_code(caught.value) == errors.PARTIAL


def test_notes_about_the_query_itself_are_no_warning() -> None:
    body = _answer("vector", [], infos=["metric might not be a counter"])
    assert asyncio.run(PrometheusClient(Server([], body).fetch, where="c").instant("up")) == []


def test_a_selector_names_all_metrics_once_and_its_labels() -> None:
    assert selector(["b", "a", "a"], {"workload": "+", "pod": 'p"} or up{x="'}) == (
        '{__name__=~"a|b",workload!="",pod="p\\"} or up{x=\\""}'
    )


@given(st.text())
def test_a_quoted_value_never_ends_its_literal(value: str) -> None:
    literal = quoted(value)
    inside = literal[1:-1]
    assert literal[0] == literal[-1] == '"'
    assert "\n" not in inside
    stripped = inside.replace("\\\\", "")
    assert '"' not in stripped.replace('\\"', "")
    assert not stripped.replace('\\"', "").replace("\\n", "").replace("\\r", "").endswith("\\")
