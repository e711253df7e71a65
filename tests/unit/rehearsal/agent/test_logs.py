from __future__ import annotations

import pytest

from rehearsal.agent import logs
from rehearsal.agent.logs import Asked, Clock


@pytest.mark.parametrize(
    ("data", "lines", "expected"),
    [
        (b"a\nb\nc\n", 2, b"b\nc\n"),
        (b"a\nb\nc", 1, b"c"),
        (b"a\nb\n", 5, b"a\nb\n"),
        (b"a\nb\n", 0, b""),
        (b"", 3, b""),
    ],
)
def test_the_tail_is_so_many_last_lines(data: bytes, lines: int, expected: bytes) -> None:
    assert data[logs.tail_offset(data, lines) :] == expected


def test_lines_carry_the_time_at_which_the_file_had_grown_past_them() -> None:
    clock = Clock()
    clock.note(2, 1_700_000_000.0)
    clock.note(4, 1_700_000_005.0)
    given = {"begin": 0, "clock": clock, "fallback": 1_700_000_009.0}
    lines = list(logs.stamped(b"a\nb\nc\n", asked=Asked(timestamps=True), **given))
    assert [line.split()[0][17:19] for line in lines] == [b"20", b"25", b"29"]
    later = list(logs.stamped(b"a\nb\nc\n", asked=Asked(since=1_700_000_004.0), **given))
    assert later == [b"b\n", b"c\n"]


def test_a_log_that_was_cut_starts_its_clock_anew() -> None:
    clock = Clock()
    clock.note(100, 1.0)
    clock.note(10, 2.0)
    assert clock.at(5, 9.0) == 2.0


def test_the_query_is_read_as_the_api_server_sends_it() -> None:
    asked = logs.parse({"follow": "true", "tailLines": "3", "sinceSeconds": "10", "limitBytes": "7"}, now=100.0)
    assert asked == Asked(follow=True, tail=3, since=90.0, limit=7)
    with pytest.raises(ValueError, match="invalid literal"):
        logs.parse({"tailLines": "x"}, now=0.0)
