"""What import-linter cannot see: where in a file an import stands, and what a command really loads."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
REHEARSE = ROOT / "cli" / "commands" / "rehearse.py"
# Each of these costs between 50 ms and half a second to import.
HEAVY = ("pulumi", "grpc", "pydantic", "yaml", "kubernetes", "pandas", "duckdb", "aiohttp", "pyarrow", "cryptography")
PROBE = """
import json, sys
sys.argv = ["twain", *json.loads(sys.argv[1])]
from cli.main import entry
try:
    entry()
except SystemExit as end:
    code = end.code
sys.stderr.write("\\n" + json.dumps({"code": code, "modules": sorted({m.partition(".")[0] for m in sys.modules})}))
"""


def imports_of(file: Path) -> list[tuple[str, bool]]:
    """Every module that a file imports, and whether it is loaded as soon as the file is."""
    found: list[tuple[str, bool]] = []

    def walk(node: ast.AST, *, at_once: bool) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                found.extend((alias.name, at_once) for alias in child.names)
            elif isinstance(child, ast.ImportFrom) and child.module:
                found.append((child.module, at_once))
            elif isinstance(child, ast.Call) and ast.unparse(child.func).endswith("import_module") and child.args:
                # By name: `import_module("a.b")` or `import_module(f"a.{name}")`.
                name = ast.unparse(child.args[0]).lstrip("f").strip("'\"")
                found.append((name, at_once))
            lazy = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) or _only_for_types(child)
            walk(child, at_once=at_once and not lazy)

    walk(ast.parse(file.read_text(encoding="utf-8")), at_once=True)
    return found


def _only_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}


def root_of(module: str) -> str:
    return module.partition(".")[0]


def run_twain(*arguments: str) -> dict[str, object]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("TWAIN", "COV", "PYTEST"))}
    done = subprocess.run(
        [sys.executable, "-c", PROBE, json.dumps(arguments)],
        cwd=ROOT,
        env=environment | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stderr.splitlines()[-1])


def test_the_command_line_imports_the_rehearsal_in_one_file_and_only_inside_functions() -> None:
    users: dict[str, list[str]] = {}
    for file in (ROOT / "cli").rglob("*.py"):
        uses = [(module, at_once) for module, at_once in imports_of(file) if root_of(module) == "rehearsal"]
        if uses:
            users[str(file.relative_to(ROOT))] = [module for module, at_once in uses if at_once]
    assert users == {str(REHEARSE.relative_to(ROOT)): []}


@pytest.mark.parametrize("package", ["components", "stacks"])
def test_production_resources_do_not_know_the_rehearsal(package: str) -> None:
    texts = {file: file.read_text(encoding="utf-8") for file in (ROOT / package).rglob("*.py")}
    assert [str(file.relative_to(ROOT)) for file, text in texts.items() if "TWAIN_REHEARSAL" in text] == []


@pytest.mark.parametrize("arguments", [("--help",), ("status", "--help"), ("stack", "preview", "--help")])
def test_help_loads_no_heavy_library(arguments: tuple[str, ...]) -> None:
    seen = run_twain(*arguments)
    assert seen["code"] in (0, None)
    modules = seen["modules"]
    assert isinstance(modules, list)
    assert "cli" in modules
    assert sorted(set(modules) & set(HEAVY)) == []
