"""`twain status`: what is unknown is called so, one dead cell stops no row, all within the deadline."""

from __future__ import annotations

import time
from typing import Any

import pytest


def node(api: Any, name: str, *, ready: bool = True, gpus: int = 1) -> None:
    status = {
        "allocatable": {"nvidia.com/gpu": str(gpus)},
        "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
    }
    api.put(f"/api/v1/nodes/{name}", {"kind": "Node", "status": status})


def test_a_cell_that_answers_is_counted_and_its_silent_prometheus_is_unknown(row: Any) -> None:
    operator, ams, _ = row
    node(ams, "n1")
    node(ams, "n2", ready=False)
    ran = operator.twain("status", "--cell", "eu-ams-1", "-o", "json")
    assert ran.code == 13
    (item,) = ran.json["items"]
    assert item["api"] == "up"
    assert item["nodes"] == {"ready": 1, "total": 2}
    assert item["gpus"] == {"present": 2, "wanted": 0, "max": 4}
    assert item["workloads"] == {"ready": 0, "desired": 0, "count": 0}
    assert item["prometheus"] == {"state": "unknown", "sampleAge": None, "targetsUp": None, "targetsDown": None}
    assert "no sample was ever seen from here" in ran.json["errors"][0]["message"]


def test_a_cell_that_does_not_answer_has_nothing_that_could_be_read_as_zero(row: Any) -> None:
    operator, _, _ = row
    operator.cell("eu-par-1", "http://127.0.0.1:9")
    ran = operator.twain("status", "--world", "row", "-o", "json")
    assert ran.code == 13
    ams, par = ran.json["items"]
    assert ams["api"] == "up"
    assert par["api"] == "unreachable"
    assert par["nodes"] is par["gpus"] is par["workloads"] is par["kubernetes"] is None
    assert par["reasons"] == ["no connection to 127.0.0.1:9: Connection refused."]
    table = operator.twain("status", "--world", "row").out
    assert "0/0" not in next(line for line in table.splitlines() if "eu-par-1" in line)


def test_a_silent_cell_costs_no_more_than_the_deadline_and_the_others_are_shown(row: Any) -> None:
    operator, _, par = row
    par.answers.append(lambda _r: "hang")
    started = time.monotonic()
    ran = operator.twain("status", "--world", "row", "--timeout", "600ms", "-o", "json")
    assert time.monotonic() - started < 2.6
    assert ran.code == 13
    assert [item["api"] for item in ran.json["items"]] == ["up", "unreachable"]


def test_on_a_terminal_rows_are_printed_as_they_come_the_slow_one_last(row: Any) -> None:
    operator, ams, _ = row
    ams.answers.append(lambda _r: "hang")
    ran = operator.twain("status", "--world", "row", "--timeout", "600ms", tty=True, env={"NO_COLOR": "1"})
    rows = [line for line in ran.out.splitlines() if line.startswith("row")]
    assert ["eu-par-1" in rows[0], "eu-ams-1" in rows[1]] == [True, True]


def test_the_other_world_without_a_token_reads_unreachable_and_ends_with_3(row: Any) -> None:
    operator, _, _ = row
    ran = operator.twain("status", "-o", "json")
    assert ran.code == 3
    cn = ran.json["items"][0]
    assert (cn["cell"], cn["via"], cn["api"], cn["gpus"]) == ("cn-sha-1", "gate", "unreachable", None)


@pytest.mark.parametrize("hostile", ["\x1b]0;owned\x07", "\u202egnp"])
def test_what_a_cell_says_cannot_drive_the_terminal(row: Any, hostile: str) -> None:
    operator, ams, _ = row
    ams.answers.append(
        lambda r: (
            (200, {}, b'{"major":"1","minor":"36%s"}' % hostile.encode("unicode_escape").replace(b"\\x", b"\\u00"))
            if r.path == "/version"
            else None
        )
    )
    ran = operator.twain("status", "--cell", "eu-ams-1")
    assert "\x1b" not in ran.out
    assert "\u202e" not in ran.out
    assert "eu-ams-1" in ran.out


def test_an_unknown_cell_ends_with_6_and_names_those_that_exist(operator: Any) -> None:
    ran = operator.twain("status", "--cell", "nowhere")
    assert ran.code == 6
    assert "it has cn-sha-1, eu-ams-1, eu-par-1." in ran.err
