"""The root: fast paths, laziness, and the one boundary for errors."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import click
import pytest

from cli import main
from cli.lazy import load
from cli.table import TABLE, root_help

ROOT = Path(__file__).parents[3]
HEAVY = {
    "kubernetes",
    "pulumi",
    "grpc",
    "pydantic",
    "pandas",
    "duckdb",
    "pyarrow",
    "rich",
    "yaml",
    "rehearsal",
    "components",
}


def modules_after(*args: str) -> set[str]:
    """The modules that a process holds when a command has ended."""
    code = (
        "import sys, json, atexit\n"
        "atexit.register(lambda: sys.stderr.write('\\nMODULES ' + json.dumps(sorted(sys.modules))))\n"
        "from cli.main import entry\n"
        "sys.argv = ['twain'] + sys.argv[1:]\n"
        "entry()\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TWAIN_HOME": "/nonexistent/twain"}
    ran = subprocess.run(
        [sys.executable, "-c", code, *args], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    return set(json.loads(ran.stderr.rpartition("MODULES ")[2]))


def test_the_version_and_the_root_help_import_no_library_at_all() -> None:
    for args in (["--version"], ["--help"], []):
        loaded = modules_after(*args)
        assert not {"click", "asyncio", "ssl", "h11", "msgspec"} & loaded, args


@pytest.mark.parametrize(
    "args", [["serve", "--help"], ["completion", "bash"], ["status", "--help"], ["context", "list"], ["nonsense"]]
)
def test_help_and_completion_import_nothing_heavy(args: list[str]) -> None:
    loaded = modules_after(*args)
    tops = {name.partition(".")[0] for name in loaded}
    assert not HEAVY & tops
    assert "asyncio" not in tops


def test_a_status_imports_few_modules_and_none_of_the_heavy_ones(row: Any) -> None:
    operator, ams, _ = row
    operator.twain("cell", "list")  # warms the fleet's cache, as any earlier command does
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TWAIN_HOME": str(operator.home)}
    code = (
        "import sys, json\n"
        "from cli.main import run\n"
        "code = run(['status', '--world', 'row', '-o', 'json'])\n"
        "sys.stderr.write('\\nMODULES ' + json.dumps(sorted(sys.modules)))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    loaded = set(json.loads(ran.stderr.rpartition("MODULES ")[2]))
    assert ams.requests
    assert not HEAVY & {name.partition(".")[0] for name in loaded}
    assert len(loaded) <= 350


def test_when_the_first_connection_is_made_only_what_makes_it_is_loaded(row: Any) -> None:
    operator, ams, _ = row
    operator.twain("cell", "list")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TWAIN_HOME": str(operator.home)}
    code = (
        "import asyncio, json, sys\n"
        "real = asyncio.open_connection\n"
        "async def told(*args, **kwargs):\n"
        "    sys.stderr.write('\\nMODULES ' + json.dumps(sorted(sys.modules)) + '\\n')\n"
        "    return await real(*args, **kwargs)\n"
        "asyncio.open_connection = told\n"
        "from cli.main import run\n"
        "run(['status', '--world', 'row', '-o', 'json'])\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    first = next(line for line in ran.stderr.splitlines() if line.startswith("MODULES "))
    loaded = set(json.loads(first.removeprefix("MODULES ")))
    assert ams.requests
    assert not {"click", "h11", "msgspec", "datetime", "cli.output", "cli.kube.decode", "cli.collect"} & loaded
    assert len(loaded) <= 230


def test_every_name_of_the_table_is_in_the_root_help_and_has_one_line() -> None:
    text = root_help()
    for name, (place, line) in TABLE.items():
        assert f"  {name:<12}{line}" in text
        assert place.startswith("cli.commands.")
        assert line.endswith(".")


def test_help_by_click_and_the_fast_path_say_the_same(operator: Any, capsys: pytest.CaptureFixture[str]) -> None:
    ran = operator.twain("--help")
    assert ran.code == 0
    assert capsys.readouterr().out.strip() == root_help().strip()


def test_a_mistyped_noun_is_answered_with_the_nearest(operator: Any) -> None:
    ran = operator.twain("servee")
    assert ran.code == 2
    assert ran.err.startswith("error CFG-USAGE: there is no command 'servee'. Did you mean 'serve'?")


def test_a_bug_ends_with_255_a_report_id_and_a_report_without_values(
    operator: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_self: object) -> None:
        raise ZeroDivisionError("boom")

    monkeypatch.setattr("cli.context.ContextStore.names", broken)
    ran = operator.twain("context", "list")
    assert ran.code == 255
    assert ran.err.startswith("error BUG-")
    reports = list((operator.home / "reports").iterdir())
    assert len(reports) == 1
    assert reports[0].stem in ran.err
    assert "ZeroDivisionError" in reports[0].read_text()
    assert reports[0].stat().st_mode & 0o777 == 0o600


def test_an_interrupt_ends_with_8(operator: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_self: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("cli.context.ContextStore.names", interrupted)
    ran = operator.twain("context", "list")
    assert ran.code == 8
    assert "error USR-001: interrupted." in ran.err


def test_every_problem_of_a_fleet_is_printed_with_its_place(operator: Any, tmp_path: Path) -> None:
    fleet = tmp_path / "fleet.yaml"
    fleet.write_text("apiVersion: twain/v1\nkind: Fleet\nmetadata: {name: x}\nspec: {worldz: {}, cells: []}\n")
    operator.fleet = fleet
    operator.write()
    ran = operator.twain("cell", "list")
    assert ran.code == 2
    assert ran.err.count("error SPEC-") >= 2
    assert f"  where  {fleet}:" in ran.err


def test_options_are_the_same_on_every_reading_verb() -> None:
    for name in ("status", "serve"):
        command = load(TABLE[name])
        leaf = command.commands["list"] if isinstance(command, click.Group) else command
        options = {option for parameter in leaf.params for option in parameter.opts}
        assert {"--world", "--cell", "--maison", "-o", "--output", "--timeout", "--context", "--watch"} <= options


def test_context_can_be_given_before_the_noun_and_after_the_verb(operator: Any) -> None:
    for args in (("--context", "nobody", "cell", "list"), ("cell", "list", "--context", "nobody")):
        ran = operator.twain(*args)
        assert ran.code == 2
        assert "there is no context 'nobody'" in ran.err


def test_the_entry_prints_the_version_and_ends(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["twain", "--version"])
    with pytest.raises(SystemExit) as ended:
        main.entry()
    assert ended.value.code == 0
    assert capsys.readouterr().out == "twain 0.1.0\n"


@pytest.mark.parametrize("signal_name", ["SIGTERM", "SIGINT"])
def test_a_signal_ends_a_waiting_command_with_8(row: Any, signal_name: str) -> None:
    operator, ams, _ = row
    arrived = threading.Event()

    def hang(_request: Any) -> str:
        arrived.set()
        return "hang"

    ams.answers.append(hang)
    # As a terminal starts it: a job in the background of a script inherits that SIGINT is ignored.
    code = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    code += "from cli.main import entry; sys.argv = ['twain', *sys.argv[1:]]; entry()"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TWAIN_HOME": str(operator.home)}
    with subprocess.Popen(
        [sys.executable, "-c", code, "serve", "list", "--cell", "eu-ams-1", "--timeout", "30s"],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        try:
            assert arrived.wait(20)
            child.send_signal(getattr(signal, signal_name))
            _, err = child.communicate(timeout=20)
        finally:
            child.kill()
    assert (child.returncode, "error USR-001: interrupted." in err) == (8, True), err
