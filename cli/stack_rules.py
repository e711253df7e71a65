"""The rule table over the plans of stacks, before an engine starts: what the clouds' APIs refuse and the SDKs let pass.

A plan takes as long as the program itself, so that a verdict is kept: while fleet, lock file and program are what they
were, a stack without a fault is not planned again.
"""

from __future__ import annotations

import hashlib
import json
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli import errors, files, planned

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from cli.app import App
    from cli.stacks import Stack
    from components.errors import Problem

Rows = list[dict[str, Any]]
AT_ONCE = 2
_ROOT = Path(__file__).resolve().parents[1]
_PROGRAM = ("components", "stacks")


def check(app: App, stacks: Sequence[Stack]) -> None:
    """Judge the plans of these stacks, and say what of theirs would be replaced. A stack whose plan cannot be made is
    left to the engine, which says why.

    Raises SpecError with every violation of all of them at once.
    """
    from components.errors import SpecError

    program = _program()
    digests = {one.name: _digest(app, one.cell, program) for one in stacks}
    open_ = [one for one in stacks if _kept(app.home, one.name) != digests[one.name]]
    cells: dict[str, list[Stack]] = {}
    for one in open_:
        cells.setdefault(one.cell, []).append(one)

    def plan(some: Sequence[Stack]) -> Rows | None:
        try:
            return planned.plan([one.name for one in some], fleet=app.context.fleet, env=app.engine.env)
        except errors.TwainError:
            return None

    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        plans = list(zip(cells.values(), pool.map(plan, cells.values()), strict=True))
    judged = [(one, _of_stack(rows, one.name)) for some, rows in plans if rows is not None for one in some]
    found = [problem for _one, rows in judged for problem in of_rows(rows)]
    if found:
        raise SpecError(found)
    existing = app.engine.names() if judged else ()
    for one, rows in judged:
        told = _replaced(app, one, rows) if one.world == app.context.world and one.name in existing else []
        for words in told:
            app.console.note(words)
        # What would be replaced is told each time.
        if not told:
            files.write_private(_place(app.home, one.name), digests[one.name])


def of_rows(rows: Iterable[Mapping[str, Any]]) -> list[Problem]:
    """The violations of planned resources, as problems of the fleet that asks for them. Pure."""
    from components.errors import Problem
    from components.rules import judge

    return [
        Problem(
            code="SPEC-RULE",
            path=f"{one.stack}: {one.type} {one.name}",
            where=one.property,
            line=0,
            message=f"{one.rule}: {one.property} {one.reason}.",
            value=one.value,
            fix=f"{one.fix} ({one.source})",
        )
        for one in judge.violations(rows)
    ]


def _replaced(app: App, stack: Stack, rows: Rows) -> list[str]:
    """What of a stack that is up would be replaced, in words; nothing where its state cannot be read."""
    from components.rules import judge

    try:
        deployed = (app.engine.export(stack.name).get("deployment") or {}).get("resources") or []
    except errors.TwainError:
        return []
    return [
        f"{stack.name}: {one.type} {one.name} would be replaced: {one.property} cannot change once it is made"
        for one in judge.replacements(rows, deployed)
    ]


def _of_stack(rows: Rows, stack: str) -> Rows:
    return [row for row in rows if row["urn"].startswith(f"urn:pulumi:{stack}::")]


def _place(home: Path, stack: str) -> Path:
    return home / "judged" / stack


def _kept(home: Path, stack: str) -> str:
    try:
        return _place(home, stack).read_text(encoding="utf-8")
    except OSError:
        return ""


def _digest(app: App, cell: str, program: str) -> str:
    """All that a plan is made of: the fleet, the pinned facts of the cell, the program."""
    from components.spec.lock import lock_dir

    declared = app.engine.env.get("TWAIN_LOCK_DIR")
    lock = (Path(declared) if declared else lock_dir(app.context.fleet)) / f"{cell}.json"
    parts = [program, str(app.context.fleet), *(_content(path) for path in (app.context.fleet, lock))]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _content(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def _program() -> str:
    """The program by the age and size of its files, and the SDKs by their versions."""
    seen: list[tuple[str, int, int]] = []
    for folder in _PROGRAM:
        for path in sorted((_ROOT / folder).rglob("*")):
            if path.suffix != ".pyc" and path.is_file():
                status = path.stat()
                seen.append((str(path.relative_to(_ROOT)), status.st_mtime_ns, status.st_size))
    sdks = sorted(path.name for path in Path(sysconfig.get_path("purelib")).glob("pulumi*.dist-info"))
    return hashlib.sha256(json.dumps([seen, sys.version, sdks]).encode()).hexdigest()
