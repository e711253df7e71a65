from __future__ import annotations

import contextlib
import math
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from cli.prom.exposition import BadExpositionError, Parser, parse

FOREIGN = Path(__file__).resolve().parents[5] / "shared" / "data" / "expositions"

BODY = (
    "# HELP vllm:x_total Things. With \\n escapes.\n"
    "# TYPE vllm:x_total counter\n"
    'vllm:x_total{engine="0",model_name="qwen3-32b"} 12.0\n'
    'vllm:x_total{engine="1",model_name="qwen3-32b"} 3\n'
    "up 1 1795214460601\n"
)


def flat(body: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {(one.name, one.labels): value for one, value in parse(body).values.items()}


def test_names_labels_values_and_timestamps_are_read() -> None:
    found = parse(BODY)
    assert {(one.name, one.label("engine")): value for one, value in found.values.items()} == {
        ("vllm:x_total", "0"): 12.0,
        ("vllm:x_total", "1"): 3.0,
        ("up", ""): 1.0,
    }
    assert list(found.timestamps.values()) == [1795214460.601]
    assert found.types == {"vllm:x_total": "counter"}


@pytest.mark.parametrize("cut", [cut for cut in range(1, len(BODY)) if BODY[cut - 1] != "\n"])
def test_a_body_cut_inside_a_line_is_refused(cut: int) -> None:
    # A cut between two lines is for the transport to find: it knows how long the body should be.
    with pytest.raises(BadExpositionError):
        parse(BODY[:cut])


@pytest.mark.parametrize(
    "body",
    [
        "",
        "\n",
        "<!DOCTYPE html><html>sign in</html>\n",
        '{"error": "unauthorized"}\n',
        "up\n",
        "up one\n",
        "up 1_0\n",
        "up 1 2 3\n",
        "up 1 2.5\n",
        "up \u0661\n",
        'up{a="1"\n',
        'up{a="1} 1\n',
        "up{a=1} 1\n",
        'up{a="1",a="2"} 1\n',
        'up{a="1"b="2"} 1\n',
        "up{,} 1\n",
        '{a="1"} 1\n',
        "9up 1\n",
        'up{9a="1"} 1\n',
    ],
)
def test_what_is_no_exposition_is_refused(body: str) -> None:
    with pytest.raises(BadExpositionError):
        parse(body)


def test_bytes_that_are_not_utf8_are_refused() -> None:
    with pytest.raises(BadExpositionError, match="UTF-8"):
        parse(b'up{a="\xff"} 1\n')


def test_the_first_of_two_equal_series_stands_and_the_other_is_counted() -> None:
    found = parse('x{a="1",b="2"} 1\nx{b="2",a="1"} 5\nx{b="2",a="1",} 6\n')
    assert list(found.values.values()) == [1.0]
    assert found.duplicates == 2


def test_not_a_number_is_kept_and_counted() -> None:
    found = parse("a NaN\nb +Inf\nc -Inf\nd 1e400\ne -0\n")
    values = {one.name: value for one, value in found.values.items()}
    assert found.nans == 1
    assert math.isnan(values["a"])
    assert (values["b"], values["c"], values["d"]) == (math.inf, -math.inf, math.inf)


def test_escapes_blanks_trailing_commas_and_braces_in_values_are_read() -> None:
    body = 'x { a = "q\\"\\\\\\n}" , b="# {",} 1\n'
    (key,) = flat(body)
    assert key == ("x", (("a", 'q"\\\n}'), ("b", "# {")))


def test_quoted_utf8_names_are_read() -> None:
    assert flat('{"températures",ort="Köln"} 3\n') == {("températures", (("ort", "Köln"),)): 3.0}


def test_exemplars_of_openmetrics_are_left_out() -> None:
    body = '# TYPE x counter\nx_total{a="# {"} 5 # {trace="}1"} 0.7 123\nx_created 1.5 1.25\n# EOF\n'
    found = parse(body)
    assert {one.name: value for one, value in found.values.items()} == {"x_total": 5.0, "x_created": 1.5}
    assert list(found.timestamps.values()) == [1.25]


def test_labels_of_a_known_series_are_the_same_object_on_the_next_scrape() -> None:
    parser = Parser()
    first, second = parser.parse(BODY), parser.parse(BODY.replace("12.0", "13.0"))
    assert [id(one) for one in first.values] == [id(one) for one in second.values]
    assert max(second.values.values()) == 13.0


NAMES = st.from_regex(r"[a-zA-Z_:][a-zA-Z0-9_:]{0,12}", fullmatch=True)
LABELS = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_]{0,8}", fullmatch=True).filter(lambda name: not name.startswith("__"))
VALUES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12) | st.sampled_from(
    ['"', "\\", "\n", "}", "{,", ' # {a="1"} 2', "\\n"]
)
NUMBERS = st.floats() | st.integers(-(10**20), 10**20).map(float)


def quoted(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


@st.composite
def expositions(draw: st.DrawFn) -> str:
    lines: list[str] = []
    seen: set[tuple[str, frozenset[tuple[str, str]]]] = set()
    for _ in range(draw(st.integers(1, 12))):
        name = draw(NAMES)
        labels = draw(st.dictionaries(LABELS, VALUES, max_size=4))
        identity = (name, frozenset(labels.items()))
        if identity in seen:
            continue
        seen.add(identity)
        inside = ",".join(f'{key}="{quoted(value)}"' for key, value in labels.items())
        comma = draw(st.sampled_from(["", ","])) if labels else ""
        head = f"{name}{{{inside}{comma}}}" if labels or draw(st.booleans()) else name
        stamp = f" {draw(st.integers(0, 2**41))}" if draw(st.booleans()) else ""
        lines.append(f"{head} {draw(NUMBERS)!r}{stamp}\n")
    return "".join(lines)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(expositions())
def test_the_reference_parser_reads_the_same(body: str) -> None:
    # A metric per name without a TYPE line: the reference gives every sample back under its own name.
    expected = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(body)
        for sample in family.samples
    }
    found = flat(body)
    assert found.keys() == expected.keys()
    for key, value in found.items():
        assert value == expected[key] or (math.isnan(value) and math.isnan(expected[key]))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=200) | st.binary(max_size=200))
def test_anything_else_is_read_or_refused_and_never_crashes(body: str | bytes) -> None:
    with contextlib.suppress(BadExpositionError):
        parse(body)


@pytest.mark.skipif(not FOREIGN.is_dir(), reason="expositions of other projects are not on this machine")
@pytest.mark.parametrize(
    "name", ["vllm-v1-0.11-qwen1.5-full", "sglang-0.3-gemma2-docs", "dcgm-a-a100-idle", "node-exporter-freebsd"]
)
def test_expositions_made_by_others_read_as_the_reference_parser_reads_them(name: str) -> None:
    body = (FOREIGN / f"{name}.prom").read_text()
    # Without TYPE lines: the reference renames samples of counters that lack `_total`, which is not what was sent.
    body = "".join(f"{line}\n" for line in body.split("\n") if line and not line.startswith("# TYPE"))
    expected = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(body)
        for sample in family.samples
    }
    found = flat(body)
    assert found.keys() == expected.keys()
    assert all(value == expected[key] or math.isnan(value) for key, value in found.items())
