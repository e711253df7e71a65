"""Runs command lines of `twain` one after the other under the guard of their connections, inside a world's shell; those
that change nothing beside them. What each tried is written down; nothing is judged here.

    python tests/integration/guarded.py ORDER     a JSON file: {folder, tracer, rows: [{name, args, parallel}]}
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
UNDER_GUARD = [sys.executable, str(ROOT / "tests" / "socket_guard.py")]
LIMIT_S = 280


def run(order: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    """One command line: how it ended. Its attempts lie in `NAME.hook` and `NAME.trace`."""
    record = Path(order["folder"]) / row["name"].replace(" ", "-")
    tracer = [*order["tracer"], "-o", f"{record}.trace"] if order["tracer"] else []
    command = row.get("program") or [*UNDER_GUARD, f"{record}.hook", *row["args"]]
    began = time.monotonic()
    try:
        done = subprocess.run(
            [*tracer, *command], cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT_S,
            check=False,
        )  # fmt: skip
        code, told = done.returncode, (done.stdout + done.stderr)[-1500:]
    except subprocess.TimeoutExpired:
        # Those after it may undo what those before it did.
        code, told = -1, f"did not end within {LIMIT_S} s"
    return {"name": row["name"], "code": code, "seconds": round(time.monotonic() - began, 2), "told": told}


def main() -> None:
    order = json.loads(Path(sys.argv[1]).read_bytes())
    with ThreadPoolExecutor(1) as pool:
        beside = [pool.submit(run, order, row) for row in order["rows"] if row.get("parallel")]
        ended = [run(order, row) for row in order["rows"] if not row.get("parallel")]
        ended += [one.result() for one in beside]
    Path(order["folder"], "ended.json").write_text(json.dumps(ended), encoding="utf-8")


if __name__ == "__main__":
    main()
