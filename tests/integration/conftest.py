"""One rehearsal for the whole tier: three cells, two worlds, a workload, light traffic.

    TWAIN_TEST_REHEARSAL=DIR    use the rehearsal in DIR, made if it is not there, and leave it up: for work on a test

With two workers (`-n 2 --dist loadgroup`, as `make integration`) one has the shared rehearsal and the other what makes
its own; no file holds both. A test that changes the rehearsal puts it back. One that must end it, or breaks it for
good, makes its own.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from rehearsal import processes
from rehearsal.home import Home

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
UP_S = 900


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """Standard output as JSON; a failure shows what was printed instead."""
        try:
            return json.loads(self.out)
        except ValueError:
            pytest.fail(f"no JSON but (exit {self.code}):\n{self.out[-2000:]}\n{self.err[-4000:]}")

    @property
    def items(self) -> list[dict[str, Any]]:
        """The items of the envelope."""
        return self.json["items"]


@dataclass(frozen=True)
class Stage:
    """A rehearsal, and the command line on it."""

    home: Home

    def twain(self, *args: str, env: Mapping[str, str] | None = None, timeout: float = 300) -> Ran:
        """`twain …` as the person at the machine, outside of any world's shell."""
        return _run([sys.executable, "-m", "cli.main", *args], self._env(env), timeout=timeout, cwd=ROOT)

    def operator(self, world: str, *args: str, timeout: float = 300) -> Ran:
        """`twain …` as the operator of a world, through `twain rehearse shell`."""
        return self.shell(world, "twain", *args, timeout=timeout)

    def shell(self, world: str, *command: str, timeout: float = 300) -> Ran:
        """A command in `twain rehearse shell --world`."""
        return self.twain("rehearse", "shell", "--world", world, "--", *command, timeout=timeout)

    def checked(self, *args: str, timeout: float = 300) -> Ran:
        """`twain …` that must end with 0."""
        ran = self.twain(*args, timeout=timeout)
        assert ran.code == 0, f"twain {' '.join(args)} ended with {ran.code}:\n{ran.out[-3000:]}\n{ran.err[-6000:]}"
        return ran

    def cell(self, name: str) -> Path:
        """The folder of a cell."""
        (found,) = self.home.root.glob(f"*/cells/{name}")
        return found

    def _env(self, more: Mapping[str, str] | None) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("TWAIN_", "PULUMI_"))}
        if "TWAIN_TOOL_CACHE" in os.environ:
            kept["TWAIN_TOOL_CACHE"] = os.environ["TWAIN_TOOL_CACHE"]
        kept |= {"TWAIN_REHEARSAL_HOME": str(self.home.root), "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
        return kept | dict(more or {})


def _run(command: Sequence[str], env: Mapping[str, str], *, timeout: float, cwd: Path) -> Ran:
    done = subprocess.run(
        list(command), env=dict(env), cwd=cwd, text=True, capture_output=True, stdin=subprocess.DEVNULL,
        timeout=timeout, check=False,
    )  # fmt: skip
    return Ran(done.returncode, done.stdout, done.stderr)


def end(stage: Stage) -> None:
    """Take a rehearsal down; nothing of it may be left."""
    ran = stage.twain("rehearse", "down", timeout=120)
    left = processes.find(stage.home.root)
    processes.stop_all(stage.home.root)
    assert ran.code == 0, ran.err
    assert not left, left
    assert not stage.home.root.exists()


class ByRehearsal(LoadScopeScheduling):
    """Hands out tests so that all files that use the shared rehearsal go to one worker, each other file to any."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "stage" if _is_on_stage(ROOT / file) else file


@cache
def _is_on_stage(file: Path) -> bool:
    return re.search(r"\bstage\b", file.read_text(encoding="utf-8")) is not None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Both workers end at about the same time only if no file mixes the two: a test beside those on the shared
    rehearsal that makes its own would hold them up.
    """
    mixed = [
        item.nodeid
        for item in items
        if item.path.is_relative_to(HERE)
        and ("stage" in getattr(item, "fixturenames", ())) is not _is_on_stage(item.path)
    ]
    if mixed:
        message = "a file is on the shared rehearsal with all of its tests or with none: " + ", ".join(mixed)
        raise pytest.UsageError(message)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByRehearsal | None:
    """The scheduler of `--dist loadgroup`. Groups by mark do not reach the controller under pytest 9.2."""
    return ByRehearsal(config, log) if config.getvalue("dist") == "loadgroup" else None


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The shared rehearsal, up. Its teardown is a test of `down`."""
    kept = os.environ.get("TWAIN_TEST_REHEARSAL")
    shared = Stage(Home(Path(kept) if kept else tmp_path_factory.mktemp("shared") / "rehearsal"))
    try:
        if not (kept and shared.home.read() and processes.find(shared.home.root)):
            up = shared.twain("rehearse", "up", timeout=UP_S)
            assert up.code == 0, f"rehearse up ended with {up.code}:\n{up.out[-4000:]}\n{up.err[-8000:]}"
        yield shared
    finally:
        if not kept:
            end(shared)
