"""A rehearsal's life: from two clones at once, set up twice, killed, interrupted, ended by itself and by hand."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from rehearsal import background, ports, processes
from rehearsal.home import HOME_VARIABLE, Home
from tests.integration.small import CELL, ROOT, RUNNING, STACKS, UP, WORLD, Small, changes, until

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator

# The longest create of all, with everything killed at once; and a step whose work is done and not yet in the journal.
CREATE = "create:alicloud:cs/managedKubernetes:ManagedKubernetes/cn-sha-1-cluster:after:run"
STEP = f"step:discover.{CELL}:after"


@dataclass
class Seen:
    """What was seen while two rehearsals lived side by side; each test looks at one side of it."""

    blocks: list[int] = field(default_factory=list)
    running: list[Counter[str]] = field(default_factory=list)
    listening: list[set[str]] = field(default_factory=list)
    urns: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)
    first: dict[str, Any] = field(default_factory=dict)
    second: dict[str, Any] = field(default_factory=dict)
    other_after_down: dict[str, Any] = field(default_factory=dict)
    left_by_the_keeper: list[str] = field(default_factory=list)
    folder_kept: bool = False
    listening_at_last: list[str] = field(default_factory=list)
    trees: list[str] = field(default_factory=list)


def _clone(folder: Path) -> Path:
    """A checkout with the files of this one as they are now, all committed."""
    listed = _git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in filter(None, listed.split("\0")):
        source, target = ROOT / name, folder / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    _git(folder, "init", "--quiet")
    _git(folder, "add", "--all")
    _git(folder, "-c", "user.name=t", "-c", "user.email=t@localhost", "commit", "--quiet", "--message", "as it is")
    return folder


def _git(folder: Path, *args: str) -> str:
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return subprocess.run(["git", "-C", str(folder), *args], env=env, text=True, capture_output=True, check=True).stdout


def _rehearsal_of(clone: Path, state: Path) -> Small:
    extra = {"XDG_STATE_HOME": str(state)}
    asked = [sys.executable, "-c", "from rehearsal import home; print(home.current().root)"]
    env = Small(Home(state), clone, extra).env()
    root = subprocess.run(asked, cwd=clone, env=env, text=True, capture_output=True, check=True).stdout.strip()
    return Small(Home(Path(root)), clone, extra)


def _facts(small: Small) -> dict[str, Any]:
    """All that a second run must leave as it was."""
    home = small.home
    world = home.world(WORLD)
    # Not what the engine rewrites at each run with a new time in it, what is a log, and what is a measurement.
    moving = ("state/", "pulumi/logs/", "bills/", "operator/lake/", "operator/cost-report.html", "cloud.sqlite")
    moving += (f"cells/{CELL}/audit.log", f"cells/{CELL}/kwok/", f"cells/{CELL}/pods/", f"cells/{CELL}/agent.json")
    moving += ("operator/audit.jsonl",)
    files = {
        str(path.relative_to(world)): path.read_bytes()
        for path in world.rglob("*")
        if path.is_file() and not str(path.relative_to(world)).startswith(moving)
    }
    files |= {path.name: path.read_bytes() for path in (home.file, *home.bin.iterdir()) if not path.is_symlink()}
    pods = json.loads(small.kubectl("get", "pods,deployments,configmaps,secrets,namespaces", "-A", "-o", "json"))
    return {
        "files": files,
        "tools": {path.name: str(path.readlink()) for path in home.bin.iterdir() if path.is_symlink()},
        "processes": {(process.pid, process.started) for process in processes.find(home.root)},
        "resources": {stack: _resources(small.deployment(stack)) for stack in STACKS},
        "clouds": [(row.type, row.id, row.created, row.inputs, row.outputs) for row in small.clouds()],
        "objects": {
            (item["kind"], item["metadata"].get("namespace"), item["metadata"]["name"]): (
                item["metadata"]["uid"],
                item["metadata"].get("generation"),
                item.get("data"),
            )
            for item in pods["items"]
            # The month's figures so far are a measurement; the anchor of the audit log goes with the log.
            if item["metadata"]["name"] != "cost" and not item["metadata"]["name"].startswith("twain-audit-")
        },
        "changes": changes(small.home.world(WORLD)),
    }


def _resources(deployment: dict[str, Any]) -> list[dict[str, Any]]:
    """The resources of a state; what a resource depends on has no order."""
    found: list[dict[str, Any]] = []
    for resource in sorted(deployment["resources"], key=lambda resource: resource["urn"]):
        by_property = resource.get("propertyDependencies") or {}
        sets = {"dependencies": sorted(resource.get("dependencies") or ())}
        sets["propertyDependencies"] = {name: sorted(urns or ()) for name, urns in by_property.items()}
        found.append(resource | sets)
    return found


def _listening(small: Small) -> set[str]:
    own = ports.sockets_of(process.pid for process in processes.find(small.home.root))
    return {str(one) for one in ports.listeners() if one.inode in own}


def _own_keeper_for(small: Small, *, seconds: int) -> subprocess.Popen[bytes]:
    """The rehearsal's keeper as it is started, but with a short life."""
    (keeper,) = [one for one in processes.find(small.home.root) if "rehearsal.keeper" in one.command]
    os.kill(keeper.pid, signal.SIGTERM)
    assert until(lambda: not background.runs(small.home.root / "keeper.lock"), 20)
    command = [sys.executable, "-m", "rehearsal.keeper", str(small.home.root), "--lifetime", str(seconds)]
    log = (small.home.log / "keeper.log").open("ab")
    env = small.env() | {HOME_VARIABLE: str(small.home.root)}
    with log:
        return subprocess.Popen(command, cwd="/", env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    """Two clones, their rehearsals brought up at once; one ended by hand, one by its keeper."""
    folder = tmp_path_factory.mktemp("two")
    pair = [_rehearsal_of(_clone(folder / name / "twain"), folder / "state") for name in ("a", "b")]
    hand, keeper = pair
    saw = Seen()
    try:
        begun = [small.start(*UP) for small in pair]
        ended = [process.communicate(timeout=900) for process in begun]
        assert [process.returncode for process in begun] == [0, 0], ended
        for small in pair:
            small.settle()
            saw.blocks.append(small.home.block)
            saw.running.append(small.running())
            saw.listening.append(_listening(small))
        saw.urns = set(keeper.resources())
        saw.problems = [problem for small in pair for problem in small.problems(saw.urns)]
        saw.first = _facts(keeper)
        keeper.up()
        saw.second = _facts(keeper)
        hand.down()
        _, out = keeper.twain("rehearse", "shell", "--world", WORLD, "--", "twain", "cell", "list", "-o", "json")
        saw.other_after_down = {
            "ready": keeper.kubectl("get", "--raw", "/readyz"),
            "cells": out,
            "runs": keeper.running(),
        }
        ending = _own_keeper_for(keeper, seconds=5)
        assert ending.wait(timeout=180) == 0
        saw.left_by_the_keeper = list(keeper.everything())
        saw.folder_kept = (keeper.home.root / "journal.jsonl").exists()
        saw.listening_at_last = [str(one) for one in ports.listeners() if one.in_block(saw.blocks[1])]
        keeper.down()
        saw.trees = [_git(small.root, "status", "--porcelain") for small in pair]
        yield saw
    finally:
        for small in pair:
            processes.stop_all(small.home.root)
        shutil.rmtree(folder, ignore_errors=True)


def test_two_clones_have_their_own_addresses_ports_and_processes(seen: Seen) -> None:
    assert len(set(seen.blocks)) == 2
    assert seen.running == [RUNNING, RUNNING]
    assert all(seen.listening)
    assert seen.listening[0].isdisjoint(seen.listening[1])
    assert seen.problems == []


@pytest.mark.parametrize("what", ["files", "tools", "processes", "resources", "clouds", "objects", "changes"])
def test_a_second_run_changes_nothing(seen: Seen, what: str) -> None:
    assert seen.first[what]
    assert seen.second[what] == seen.first[what]


def test_ending_one_rehearsal_leaves_the_other_answering(seen: Seen) -> None:
    assert seen.other_after_down["ready"] == "ok"
    assert CELL in seen.other_after_down["cells"]
    assert seen.other_after_down["runs"] == RUNNING


def test_the_keeper_ends_everything_after_its_time_and_itself(seen: Seen) -> None:
    assert seen.left_by_the_keeper == []
    assert seen.listening_at_last == []
    assert seen.folder_kept


def test_the_working_trees_are_clean_afterwards(seen: Seen) -> None:
    assert seen.trees == ["", ""]


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Small]:
    """A rehearsal of its own, not yet up."""
    one = Small(Home(tmp_path / "home"))
    try:
        yield one
        one.down()
    finally:
        processes.stop_all(one.home.root)


@pytest.mark.parametrize("point", [STEP, CREATE])
def test_killed_at_a_point_and_run_again_it_converges(seen: Seen, small: Small, point: str) -> None:
    small.killed_at(point)
    small.up()
    assert small.problems(seen.urns) == []


def test_ctrl_c_ends_with_8_leaves_no_engine_and_the_next_run_goes_on(seen: Seen, small: Small) -> None:
    running = small.start(*UP)
    assert until(lambda: bool(processes.find(small.home.root, of_a_run=True)), 120)
    assert until(lambda: small.home.world(WORLD).is_dir() and (_rows(small) > 5 or running.poll() is not None), 120)
    os.killpg(running.pid, signal.SIGINT)
    _, words = running.communicate(timeout=180)
    assert running.returncode == 8, words[-3000:]
    assert "interrupted" in words
    assert processes.find(small.home.root, of_a_run=True) == []
    assert processes.engines(small.home.root) == []
    assert {event["event"] for event in small.journal() if event["step"] == STACKS[0]} <= {"begin", "failed"}
    small.up()
    assert small.problems(seen.urns) == []


def _rows(small: Small) -> int:
    return len(small.clouds()) if (small.home.world(WORLD) / "cloud.sqlite").exists() else 0
