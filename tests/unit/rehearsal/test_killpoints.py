"""A kill point kills whom it names, at the one place it names."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from rehearsal import killpoints

ROOT = Path(__file__).parents[3]
URN = "urn:pulumi:rehearsal.cn-sha-1.infra::twain::twain:index:Network$alicloud:vpc/network:Network::cn-sha-1-network"
POINT = "create:alicloud:vpc/network:Network/cn-sha-1-network"
# The set-up holds the lock, starts an engine, and that starts a provider; each says how its child ended.
SETUP = """
import fcntl, os, subprocess, sys
home = os.environ["TWAIN_REHEARSAL_HOME"]
lock = open(home + "/lock", "w"); fcntl.flock(lock, fcntl.LOCK_EX); lock.write(str(os.getpid())); lock.flush()
engine = [sys.executable, "-c", os.environ["ENGINE"]]
done = subprocess.run(engine); print("setup saw", done.returncode, flush=True)
"""
ENGINE = """
import os, subprocess, sys
done = subprocess.run([sys.executable, "-c", os.environ["PROVIDER"]]); print("engine saw", done.returncode, flush=True)
"""
PROVIDER = f"""
from rehearsal import killpoints
killpoints.at_create({URN!r}, "before"); print("made", flush=True); killpoints.at_create({URN!r}, "after")
print("answered", flush=True)
"""


def _run(tmp_path: Path, point: str) -> tuple[int, list[str]]:
    env = {"TWAIN_REHEARSAL_HOME": str(tmp_path), "PYTHONPATH": str(ROOT), killpoints.VARIABLE: point}
    env |= {"ENGINE": ENGINE, "PROVIDER": PROVIDER}
    done = subprocess.run([sys.executable, "-c", SETUP], env=env, text=True, stdout=subprocess.PIPE, check=False)
    return done.returncode, done.stdout.splitlines()


@pytest.mark.parametrize(
    ("point", "code", "said"),
    [
        (f"{POINT}:before:provider", 0, ["engine saw -9", "setup saw 0"]),
        (f"{POINT}:after:provider", 0, ["made", "engine saw -9", "setup saw 0"]),
        (f"{POINT}:before:run", -9, []),
        (f"{POINT}:after:run", -9, ["made"]),
        (f"{POINT}:after:up", -9, ["made", "answered", "engine saw 0"]),
        (f"{POINT}-2:after:run", 0, ["made", "answered", "engine saw 0", "setup saw 0"]),
        ("step:x:after", 0, ["made", "answered", "engine saw 0", "setup saw 0"]),
        ("", 0, ["made", "answered", "engine saw 0", "setup saw 0"]),
    ],
)
def test_a_create_kills_whom_it_names(tmp_path: Path, point: str, code: int, said: list[str]) -> None:
    assert _run(tmp_path, point) == (code, said)


def test_the_points_of_a_run_are_both_sides_of_everything() -> None:
    assert killpoints.of_steps(["a", "b"]) == ["step:a:before", "step:a:after", "step:b:before", "step:b:after"]
    assert killpoints.of_creates([URN]) == [f"{POINT}:before", f"{POINT}:after"]
