"""The rule table over the plans of stacks, before an engine starts: what the clouds' APIs refuse and the SDKs let pass;
and the verdicts on plans that are kept.

A plan takes as long as the program itself. So while the fleet, its export entries, the lock file, the program, the
engine's environment, the stack's last update and the day are what they were, a stack without a fault is not planned
again.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import sysconfig
from contextlib import suppress
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
_SECRET = re.compile(r"PASS|SECRET|TOKEN|CREDENTIAL|KEY", re.IGNORECASE)


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


def replaced(app: App, stack: str, rows: Rows) -> list[str] | None:
    """What of a stack that is up would be replaced, in words; None where its state cannot be read."""
    from components.rules import judge

    try:
        deployed = (app.engine.export(stack).get("deployment") or {}).get("resources") or []
    except errors.TwainError:
        return None
    return [
        f"{stack}: {one.type} {one.name} would be replaced: {one.property} cannot change once it is made"
        for one in judge.replacements(rows, deployed)
    ]


class Verdicts:
    """The stacks whose plans were judged and found without a fault, while nothing that they are made of changes.

    `listed` are the own world's stacks as the engine lists them. Where the folder cannot be written nothing is
    remembered; that costs a plan and nothing else.
    """

    def __init__(self, app: App, listed: Iterable[Mapping[str, Any]]) -> None:
        self._app = app
        self._standing = {str(entry["name"]): dict(entry) for entry in listed}
        self._same = _digest(_program(), *self._shared())
        self._read: dict[str, str] = {}

    def open(self, stacks: Sequence[Stack]) -> list[Stack]:
        """Those of these stacks on which there is no verdict."""
        # Read before the plan is made: what changes meanwhile is not judged by it.
        self._read = {one.name: self._of(one) for one in stacks}
        return [one for one in stacks if self._kept(one) != self._read[one.name]]

    def keep(self, stack: Stack) -> None:
        """Remember that a stack's plan was without a fault."""
        with suppress(errors.ResourceError):
            files.write_private(self._place(stack), self._read[stack.name])

    def _place(self, stack: Stack) -> Path:
        return self._app.home / "judged" / stack.name

    def _kept(self, stack: Stack) -> str:
        try:
            return self._place(stack).read_text(encoding="utf-8")
        except (OSError, ValueError):
            return ""

    def _shared(self) -> list[Any]:
        """What all stacks of a fleet are made of."""
        from components.policy import exports

        fleet = self._app.context.fleet
        read = [fleet, *sorted(exports.folder(fleet).glob("*"))]
        # The engine is handed a few names of the environment; of those that hold a secret no plan depends on the value.
        env = sorted((name, value) for name, value in self._app.engine.env.items() if not _SECRET.search(name))
        return [self._app.clock.now().date().isoformat(), env, [(str(path), _content(path)) for path in read]]

    def _of(self, stack: Stack) -> str:
        from components.spec.lock import lock_dir

        declared = self._app.engine.env.get("TWAIN_LOCK_DIR")
        lock = (Path(declared) if declared else lock_dir(self._app.context.fleet)) / f"{stack.cell}.json"
        return _digest(self._same, _content(lock), self._standing.get(stack.name))


def _digest(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()


def _content(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def _program() -> str:
    """The program by the age and size of its files, and the SDKs by their versions."""
    seen: list[tuple[str, int, int]] = []
    for folder in _PROGRAM:
        for place, inside, names in os.walk(_ROOT / folder):
            inside[:] = sorted(set(inside) - {"__pycache__"})
            for name in sorted(names):
                with suppress(FileNotFoundError):
                    status = Path(place, name).stat()
                    seen.append((f"{place}/{name}", status.st_mtime_ns, status.st_size))
    sdks = sorted(path.name for path in Path(sysconfig.get_path("purelib")).glob("pulumi*.dist-info"))
    return _digest(seen, sys.version, sdks)
