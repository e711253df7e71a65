"""Named points at which a run of `rehearse up` is killed, to see that the next one makes it good. For tests only.

`TWAIN_REHEARSAL_KILL_AT` holds one point:

    step:NAME:before|after                   a journal step: `up` kills itself
    create:TYPE/NAME:before|after:VICTIM     a cloud's resource: begun and not made, or made and not answered

and the victim of a create is `provider` (that process alone), `up` (the set-up alone: its engine lives on) or `run`
(all of them at once, as when the machine loses power).
"""

from __future__ import annotations

import fcntl
import os
import signal
from typing import TYPE_CHECKING

from rehearsal.home import HOME_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Literal

    Side = Literal["before", "after"]

VARIABLE = "TWAIN_REHEARSAL_KILL_AT"
SIDES: tuple[Side, ...] = ("before", "after")
VICTIMS = ("provider", "up", "run")


def of_steps(names: Iterable[str]) -> list[str]:
    """Both points of each journal step, in the order given."""
    return [f"step:{name}:{side}" for name in names for side in SIDES]


def of_creates(urns: Iterable[str]) -> list[str]:
    """Both points of each create, without their victim."""
    return [f"create:{_resource(urn)}:{side}" for urn in urns for side in SIDES]


def at_step(name: str, side: Side) -> None:
    """Called by `up` at both ends of a step."""
    if os.environ.get(VARIABLE) == f"step:{name}:{side}":
        os.kill(os.getpid(), signal.SIGKILL)


def at_create(urn: str, side: Side) -> None:
    """Called by a provider once a create is recorded, and again once it is done."""
    asked = os.environ.get(VARIABLE, "")
    if not asked.startswith("create:"):
        return
    point, _, victim = asked.rpartition(":")
    if point != f"create:{_resource(urn)}:{side}" or victim not in VICTIMS:
        return
    setup = _setting_up()
    if victim in ("up", "run") and setup is not None:
        os.kill(setup, signal.SIGKILL)
    if victim == "run":
        os.kill(os.getppid(), signal.SIGKILL)
    if victim != "up":
        os.kill(os.getpid(), signal.SIGKILL)


def _resource(urn: str) -> str:
    parts = urn.split("::")
    return f"{parts[2].split('$')[-1]}/{parts[-1]}"


def _setting_up() -> int | None:
    """The process that holds the rehearsal's lock, or None."""
    try:
        with open(os.path.join(os.environ[HOME_VARIABLE], "lock")) as stream:  # noqa: PTH118, PTH123 - no more to load
            try:
                fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(stream.read())
    except (OSError, KeyError, ValueError):
        return None
    return None
