"""Formats: whole outputs, alignment, and what hostile names may do."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli import errors, output, text
from cli.console import Console, wants_color
from cli.output import Column, Report


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


def console(**env: str) -> Console:
    return Console(out=io.StringIO(), err=io.StringIO(), env=env)


def report(*items: dict[str, object], **more: object) -> Report:
    columns = (
        Column(title="NAME", key="name"),
        Column(title="N", key="n.deep", right=True),
        Column(title="W", key="w", wide=True),
    )
    return Report(kind="ThingList", items=list(items), columns=columns, **more)  # type: ignore[arg-type]


def test_a_table_aligns_chinese_by_what_a_terminal_draws() -> None:
    shown = output.render(
        report({"name": "顾问", "n": {"deep": 7}}, {"name": "advisor", "n": {"deep": 12}}), "table", console=console()
    )
    assert shown.split("\n") == ["NAME      N", "顾问      7", "advisor  12"]


def test_combining_marks_take_no_column() -> None:
    assert text.width("e\u0301") == 1
    assert text.width("顾") == 2
    assert text.width("ﾊ") == 1


def test_the_envelope_has_the_keys_of_the_design_in_their_order() -> None:
    error = errors.ErrorRow(id="NET-001", message="away", cell="a", fix="wait")
    found = report({"name": "x"}, errors=[error], extra={"window": {"from": None}})
    assert json.loads(output.render(found, "json", console=console())) == {
        "apiVersion": "twain/v1",
        "kind": "ThingList",
        "partial": True,
        "errors": [{"id": "NET-001", "cell": "a", "message": "away", "fix": "wait"}],
        "items": [{"name": "x"}],
        "window": {"from": None},
    }
    assert found.code == 13


def test_machine_formats_have_no_footer_and_empty_items_are_an_empty_list() -> None:
    found = report({"name": "x"}, footer=["1 thing"])
    for fmt in ("json", "yaml", "jsonl", "csv", "name"):
        assert "1 thing" not in output.render(found, fmt, console=console())  # type: ignore[arg-type]
    assert output.render(found, "table", console=console()).endswith("1 thing")
    assert json.loads(output.render(report(), "json", console=console()))["items"] == []


def test_what_is_missing_is_never_zero() -> None:
    column = Column(title="N", key="n", missing="unknown")
    assert column.cell({"n": None}) == "unknown"
    assert column.cell({}) == "unknown"
    assert column.cell({"n": 0}) == "0"


def test_nan_never_reaches_json() -> None:
    with pytest.raises(ValueError, match="JSON"):
        output.to_json({"x": float("nan")})


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]8;;http://evil\x07link\x1b]8;;\x07", "link"),
        ("a\x9b2Jb", "ab"),
        ("safe\u202eexe.txt", "safeexe.txt"),
        ("two\nlines", "two lines"),
        ("bell\x07", "bell"),
    ],
)
def test_escape_sequences_and_bidi_controls_do_not_reach_a_table(hostile: str, shown: str) -> None:
    assert output.render(report({"name": hostile}), "table", console=console()).split("\n")[1].strip().startswith(shown)


@given(st.text())
def test_a_cleaned_text_is_one_line_without_controls(value: str) -> None:
    cleaned = text.clean(value)
    assert not any(ord(char) < 32 or 0x7F <= ord(char) <= 0x9F for char in cleaned)
    assert "\u202e" not in cleaned


@given(st.text())
def test_json_keeps_the_data_and_writes_no_raw_control(value: str) -> None:
    written = output.to_json({"x": value}, indent=None)
    assert json.loads(written) == {"x": value}
    assert not any(0x7F <= ord(char) <= 0x9F or char == "\u202e" for char in written)


def test_a_spreadsheet_runs_no_formula_out_of_csv() -> None:
    rows = output.to_csv([{"name": "=HYPERLINK(1)", "n": -3, "t": "-3.5"}]).splitlines()
    assert rows == ["name,n,t", "'=HYPERLINK(1),-3,-3.5"]


def test_names_are_qualified_by_world_cell_and_maison() -> None:
    item = {"world": "cn", "cell": "cn-sha-1", "maison": "aurelia", "name": "advisor"}
    assert output.qualified(item) == "cn/cn-sha-1/aurelia/advisor"


def test_yaml_reads_back_as_the_envelope() -> None:
    import yaml

    found = report({"name": "顾问\u202e", "n": {"deep": 1}})
    written = output.render(found, "yaml", console=console())
    assert "\u202e" not in written
    assert yaml.safe_load(written) == json.loads(output.render(found, "json", console=console()))


def test_colours_follow_no_color_then_clicolor_force_then_the_terminal() -> None:
    assert wants_color({}, tty=True)
    assert not wants_color({}, tty=False)
    assert not wants_color({"NO_COLOR": "1", "CLICOLOR_FORCE": "1"}, tty=True)
    assert wants_color({"CLICOLOR_FORCE": "1"}, tty=False)
    assert not wants_color({"TERM": "dumb"}, tty=True)


def test_a_stream_without_unicode_gets_ascii() -> None:
    class Latin(io.StringIO):
        @property
        def encoding(self) -> str:  # type: ignore[override]
            return "ascii"

    stream = Latin()
    Console(out=stream, err=stream, env={}).data("2→3 … 顾")
    assert stream.getvalue() == "2->3 ... \\u987e\n"


def test_errors_go_to_stderr_and_data_to_stdout() -> None:
    target = console()
    error = errors.ErrorRow(id="NET-001", message="away\x1b[2J", cell="a", fix="wait")
    output.emit(report({"name": "x"}, errors=[error], next="twain status"), "table", console=target)
    assert target.out.getvalue() == "NAME  N\nx     -\n"  # type: ignore[attr-defined]
    assert target.err.getvalue() == (  # type: ignore[attr-defined]
        "note NET-001: away\n  where  a\n  fix    wait\nnext: twain status\n"
    )
