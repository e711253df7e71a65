"""The rule table over the plans of stacks, before an engine starts: what the clouds' APIs refuse and the SDKs let pass;
and the verdicts on plans that are kept.

A plan takes as long as the program itself. So while the fleet, its export entries, the lock file, the program, what it
reads of the environment and the day are what they were, a stack without a fault is not planned again.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli import errors, files

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from cli.app import App
    from cli.stacks import Stack
    from components.errors import Problem

Rows = list[dict[str, Any]]
_ROOT = Path(__file__).resolve().parents[1]
_PROGRAM = ("cli", "components", "stacks")
# What a program reads of the environment; beside it whatever the fleet names as ${VARIABLE}.
_READ = re.compile(r"TWAIN_|ARM_SUBSCRIPTION_ID$|PULUMI_(BACKEND_URL|HOME)$")
_SECRET = re.compile(r"PASS|SECRET|TOKEN|CREDENTIAL|KEY", re.IGNORECASE)
_NAMED = re.compile(r"\$\{(\w+)")


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


def replaced(app: App, stack: str, rows: Rows) -> list[str]:
    """What of a stack that is up would be replaced, in words; nothing where its state cannot be read."""
    from components.rules import judge

    try:
        deployed = (app.engine.export(stack).get("deployment") or {}).get("resources") or []
    except errors.TwainError:
        return []
    return [
        f"{stack}: {one.type} {one.name} would be replaced: {one.property} cannot change once it is made"
        for one in judge.replacements(rows, deployed)
    ]


class Verdicts:
    """The stacks whose plans were judged and found without a fault, while nothing that they are made of changes."""

    def __init__(self, app: App) -> None:
        self._app, self._program = app, _program()

    def open(self, stacks: Sequence[Stack]) -> list[Stack]:
        """Those of these stacks on which there is no verdict."""
        return [one for one in stacks if self._kept(one) != self._digest(one)]

    def keep(self, stack: Stack) -> None:
        """Remember that a stack's plan was without a fault."""
        files.write_private(self._place(stack), self._digest(stack))

    def _place(self, stack: Stack) -> Path:
        return self._app.home / "judged" / stack.name

    def _kept(self, stack: Stack) -> str:
        try:
            return self._place(stack).read_text(encoding="utf-8")
        except OSError:
            return ""

    def _digest(self, stack: Stack) -> str:
        from components.policy import exports
        from components.spec.lock import lock_dir

        fleet, declared = self._app.context.fleet, self._app.engine.env.get("TWAIN_LOCK_DIR")
        lock = (Path(declared) if declared else lock_dir(fleet)) / f"{stack.cell}.json"
        read = [fleet, lock, *sorted(exports.folder(fleet).glob("*"))]
        today = self._app.clock.now().date().isoformat()
        parts = [
            self._program,
            today,
            _environment(self._app.engine.env, fleet),
            [(str(path), _content(path)) for path in read],
        ]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _environment(env: Mapping[str, str], fleet: Path) -> list[tuple[str, str]]:
    try:
        named = set(_NAMED.findall(fleet.read_text(encoding="utf-8", errors="replace")))
    except OSError:
        named = set[str]()
    kept = (key for key in env if (key in named or _READ.match(key)) and not _SECRET.search(key))
    return [(key, env[key]) for key in sorted(kept)]


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
