"""Files that are too large, cut off or hostile, given to `twain residency check` as a process: a clear error or a
verdict, within a bound of processor time and memory that the kernel keeps.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[4]
POD = "apiVersion: v1\nkind: Pod\nmetadata: {{name: p{}}}\nspec: {{containers: [{{name: c, image: nginx}}]}}\n"
# Far above what is needed on any machine (a tenth, at most), far below what a file that grows would take.
PROCESSOR_S, MEMORY_BYTES = 300, 3 << 29


def plan(count: int) -> str:
    kind = "gcp:storage/bucket:Bucket"
    rows = (
        {"urn": f"urn:pulumi:s::p::{kind}::b{number}", "type": kind, "custom": True,
         "provider": "urn:pulumi:s::p::pulumi:providers:gcp::cloud::id",
         "inputs": {"name": f"b{number}", "location": "EU" if number == 7 else "EUROPE-WEST4"}}
        for number in range(count)
    )  # fmt: skip
    return json.dumps({"steps": [{"op": "create", "newState": row} for row in rows]})


def bomb() -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    return "\n".join(lines)


# What -> (content, world, exit code, what is said: an error's id, or a rule and how often).
CASES: dict[str, tuple[Callable[[], str | bytes], str, int, str | tuple[str, int]]] = {
    "fifty thousand resources": (lambda: plan(50_000), "row", 5, ("RES-002", 1)),
    "a plan that was cut off": (lambda: plan(50)[:-9], "row", 2, "DOC-JSON"),
    "ten thousand documents": (lambda: "---\n".join(map(POD.format, range(10_000))), "cn", 5, ("RES-023", 10_000)),
    "aliases that explode": (bomb, "cn", 2, "DOC-ALIAS"),
    "another encoding": (lambda: POD.format("é").encode("latin-1"), "cn", 2, "DOC-UTF8"),
}


def _bounded() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_S, PROCESSOR_S))


@pytest.mark.parametrize("what", CASES)
def test_bad_input_is_told_within_bounds(tmp_path: Path, what: str) -> None:
    made, world, code, said = CASES[what]
    content = made()
    file = tmp_path / "file"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    command = [sys.executable, "-m", "cli.main", "residency", "check", "-f", str(file), "--world", world, "-o", "json"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, preexec_fn=_bounded,
        env={**os.environ, "TWAIN_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == code, done.stderr[-3000:]
    assert "Traceback" not in done.stderr
    if isinstance(said, str):
        assert said in done.stderr
        assert str(file) in done.stderr
    else:
        items = json.loads(done.stdout)["items"]
        assert [item["rule"] for item in items] == [said[0]] * said[1]
