"""What goes wrong before anything is made: through the real commands, with the place, the reason, the fix, the code."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rehearsal import blocks, processes
from rehearsal.home import Home
from tests.integration.small import UP, WORLD, Small, error_of

if TYPE_CHECKING:
    from collections.abc import Iterator

FLEET = Path(__file__).resolve().parents[2] / "stacks" / "fleets" / "rehearsal.yaml"
TEXT = FLEET.read_text(encoding="utf-8")
BOMB = "\n".join(
    ['a0: &a0 ["x","x","x","x","x","x","x","x","x"]']
    + [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
)


def _with(*changes: tuple[str, str]) -> bytes:
    text = TEXT
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text.encode()


# name -> (content, code, error id, a word that is in the line of the file, words of the message)
FAULTS: dict[str, tuple[bytes, int, str, str, str]] = {
    "unknown field": (_with(("gpu_pools:", "gpu_pool:")), 2, "SPEC-UNKNOWN", "gpu_pool:", "did you mean 'gpu_pools'"),
    "region outside its world": (
        _with(("      region: cn-shanghai", "      region: cn-hongkong")), 5, "RES-001", "region: cn-hongkong",
        "cn-hongkong",
    ),
    "region on another continent": (
        _with(("      region: europe-west4", "      region: us-central1")), 5, "RES-001", "region: us-central1",
        "us-central1",
    ),
    "SKU not offered": (
        _with(
            ("[europe-west4, francecentral, swedencentral]", "[europe-north1, francecentral, swedencentral]"),
            ("      region: europe-west4", "      region: europe-north1"),
            ("europe-west4-docker.pkg.dev", "europe-north1-docker.pkg.dev"),
        ), 2, "SPEC-SKU", "- name: eu-ams-1", "gpu-80g is offered in europe-north1",
    ),
    "overlapping CIDRs": (
        _with(("cidr: 10.68.0.0/14", "cidr: 10.66.0.0/15")), 2, "SPEC-CIDR", "cidr: 10.66.0.0/15", "10.64.0.0/14",
    ),
    "duplicate cell": (
        _with(("    - name: eu-par-1", "    - name: eu-ams-1")), 2, "SPEC-DUPLICATE", "name: eu-ams-1", "eu-ams-1",
    ),
    "not UTF-8": (TEXT.encode("utf-16"), 2, "SPEC-UTF8", "", "UTF-8"),
    "no YAML": (b"kind: Fleet\nspec: [1, 2\n", 2, "SPEC-YAML", "", "YAML"),
    "YAML bomb": (BOMB.encode(), 2, "SPEC-ALIAS", "a0:", "alias"),
}  # fmt: skip


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Small]:
    """A rehearsal that is not meant to come up."""
    one = Small(Home(tmp_path / "home"))
    try:
        yield one
    finally:
        processes.stop_all(one.home.root)


def _preview(fleet: Path, folder: Path) -> tuple[int, str]:
    """`twain stack preview` by somebody whose context names this fleet, as the installed product runs it."""
    workspace, home = folder / "workspace", folder / "operator"
    workspace.mkdir()
    home.mkdir()
    (workspace / "Pulumi.yaml").write_text("name: twain\nruntime: python\n")
    context = {"world": WORLD, "identity": "sre", "fleet": str(fleet), "workspace": str(workspace), "env": {}}
    (home / "contexts.json").write_text(json.dumps({"current": "me", "contexts": {"me": context}}))
    return Small(Home(folder / "none")).twain("stack", "preview", env={"TWAIN_HOME": str(home)}, timeout=120)


@pytest.mark.parametrize("command", ["rehearse up", "stack preview"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_fleet_is_refused_with_place_reason_and_fix(
    small: Small, tmp_path: Path, fault: str, command: str
) -> None:
    content, code, identity, marked, reason = FAULTS[fault]
    fleet = tmp_path / "fleet.yaml"
    fleet.write_bytes(content)
    if command == "rehearse up":
        found, words = small.twain("rehearse", "up", "--no-traffic", "--fleet", str(fleet), timeout=120)
    else:
        found, words = _preview(fleet, tmp_path)
    assert found == code, words
    block = error_of(words, identity)
    assert reason in block
    assert "  fix    " in block
    lines = [f"{fleet}:{n}" for n, line in enumerate(content.split(b"\n"), 1) if marked and marked.encode() in line]
    assert any(place in block for place in lines or [str(fleet)]), block
    assert not small.home.root.exists()
    assert fleet.read_bytes() == content


@pytest.mark.parametrize("command", ["rehearse up", "stack preview"])
def test_a_fleet_that_is_not_there_is_named(small: Small, tmp_path: Path, command: str) -> None:
    fleet = tmp_path / "absent.yaml"
    if command == "rehearse up":
        code, words = small.twain("rehearse", "up", "--fleet", str(fleet), timeout=120)
    else:
        code, words = _preview(fleet, tmp_path)
    assert code == 2, words
    assert str(fleet) in error_of(words, "SPEC-FILE")
    assert not small.home.root.exists()


def test_every_fault_of_a_fleet_is_told_and_residency_decides_the_code(small: Small, tmp_path: Path) -> None:
    fleet = tmp_path / "fleet.yaml"
    fleet.write_bytes(
        _with(("      region: cn-shanghai", "      region: cn-hongkong"), ("cidr: 10.72.0.0/14", "cidr: 10.68.0.0/14"))
    )
    code, words = small.twain("rehearse", "up", "--fleet", str(fleet), timeout=120)
    assert code == 5, words
    assert "cn-hongkong" in error_of(words, "RES-001")
    assert "10.68.0.0/14" in error_of(words, "SPEC-CIDR")


def test_a_cell_that_the_fleet_has_not_is_not_found(small: Small) -> None:
    code, words = small.twain("rehearse", "up", "--cell", "cn-nowhere-1", timeout=120)
    assert code == 6, words
    assert "it has cn-sha-1, eu-ams-1, eu-par-1" in error_of(words, "REH-CELL")
    assert not small.home.root.exists()


def test_a_port_that_is_taken_is_named_with_its_owner(small: Small) -> None:
    small.home.root.mkdir(mode=0o700)
    block = blocks.claim(small.home)
    small.home.file.write_text(json.dumps({"name": small.home.name, "block": block, "speed": 60.0}))
    with socket.socket() as taken:
        taken.bind((f"127.{block}.32.10", 8443))
        taken.listen()
        code, words = small.twain(*UP, timeout=120)
    assert code == 4, words
    error = error_of(words, "REH-PORT")
    assert f"127.{block}.32.10:8443: process {os.getpid()} (" in error
    assert "  fix    " in error
    assert processes.find(small.home.root) == []
    small.down()


def test_a_failing_compiler_is_shown_with_its_words(small: Small, tmp_path: Path) -> None:
    go = tmp_path / "go" / "go"
    go.parent.mkdir()
    go.write_text(
        "#!/bin/sh\n"
        'case "$1" in\n'
        "env) echo go1.26.8 ;;\n"
        "list) ;;\n"
        "build) echo '# go.etcd.io/etcd/server/v3' >&2; echo './main.go:7:2: undefined: frobnicate' >&2; exit 1 ;;\n"
        "esac\n"
    )
    go.chmod(0o755)
    env = {"PATH": f"{go.parent}:/usr/bin:/bin", "TWAIN_TOOL_CACHE": str(tmp_path / "cache")}
    code, words = small.twain(*UP, env=env, timeout=300)
    assert code == 4, words
    error = error_of(words, "REH-TOOL")
    assert "./main.go:7:2: undefined: frobnicate" in error
    assert f"{go} build" in error
    assert "  fix    " in error
    failed = [line for line in small.journal() if line["event"] == "failed"]
    assert [line["step"] for line in failed] == ["tools"]
    small.down()


@pytest.mark.parametrize("verb", ["up", "down"])
def test_a_rehearsal_that_is_being_worked_on_is_locked(small: Small, verb: str) -> None:
    small.home.root.mkdir(mode=0o700)
    with (small.home.root / "lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        stream.write(str(os.getpid()))
        stream.flush()
        code, words = small.twain("rehearse", verb, timeout=120)
        assert code == 14, words
        error = error_of(words, "REH-LOCK")
        assert str(os.getpid()) in error
        assert "  fix    " in error
        assert [path.name for path in small.home.root.iterdir()] == ["lock"]


def test_an_interrupt_before_anything_is_up_ends_with_8(small: Small, tmp_path: Path) -> None:
    """A tool build that takes long is ended with what it started."""
    go, pid = tmp_path / "go" / "go", tmp_path / "pid"
    go.parent.mkdir()
    go.write_text(
        f'#!/bin/sh\ncase "$1" in\nenv) echo go1.26.8 ;;\nlist) ;;\nbuild) echo $$ >{pid}.new; mv {pid}.new {pid}; '
        f"exec sleep 600 ;;\nesac\n"
    )
    go.chmod(0o755)
    env = {"PATH": f"{go.parent}:/usr/bin:/bin", "TWAIN_TOOL_CACHE": str(tmp_path / "cache")}
    running = small.start(*UP, env=env)
    while not pid.exists() and running.poll() is None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            running.wait(0.1)
    os.killpg(running.pid, signal.SIGINT)
    _, words = running.communicate(timeout=120)
    assert running.returncode == 8, words
    assert processes.command(int(pid.read_text())) == ""
    small.down()
