"""Plans from the spec alone, of stacks that the engine cannot preview: a platform whose infra is not up, another
world's, a fleet that was never up.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli import errors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cli.engine import Engine

_ROOT = Path(__file__).resolve().parents[1]
# A plan takes seconds; a machine that does much else may give it little.
_PLAN_S = 600.0


def resources(engine: Engine, stack: str, *, fleet: Path) -> list[dict[str, Any]]:
    """What the program would register, with the engine's environment. Raises as `plan`."""
    return plan([stack], fleet=fleet, env=engine.env)


def plan(stacks: Sequence[str], *, fleet: Path, env: Mapping[str, str]) -> list[dict[str, Any]]:
    """What the program would register for stacks of one cloud, in a process of its own: the command line imports no
    cloud's SDK.

    Raises UsageError for a fleet that is wrong, DeadlineError, ResourceError.
    """
    from cli import engine as engines

    names = ", ".join(stacks)
    # The program beside this command line, whatever folder of the same name the shell stands in.
    command = [sys.executable, "-P", "-m", "stacks.planner", *stacks, "--fleet", str(fleet)]
    try:
        done = subprocess.run(
            command,
            env={**env, "PYTHONPATH": str(_ROOT)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PLAN_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        message = f"the plan of {names} took longer than {_PLAN_S:.0f} s."
        raise errors.DeadlineError(message) from error
    if done.returncode != 0:
        raise engines.failure(
            engines.Result(code=done.returncode, out=done.stdout, err=done.stderr), what=f"the plan of {names}"
        )
    return json.loads(done.stdout)["resources"]
