"""The Kubernetes minor that a control plane of the rehearsal emulates.

One set of programs is built. Those of Kubernetes play the three minors before their own too (`--emulated-version`):
APIs and features of a later minor are really not served. So an upgrade is a restart on the same data with another
argument, and the programs themselves stay what they are. `/version` tells both.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import yaml

from rehearsal import tools_table
from rehearsal.kube import kwok, processes
from rehearsal.kube.cellfile import CellError

if TYPE_CHECKING:
    from rehearsal.kube.cellfile import Folders

_FLAG = "--emulated-version="
_BACK = 3
"""How many minors before its own a program of Kubernetes plays (KEP-4330)."""


def built() -> str:
    """The minor of the programs themselves."""
    return ".".join(tools_table.TOOLS["kube-apiserver"].version.split(".")[:2])


def offered() -> tuple[str, ...]:
    """The minors that the programs play, oldest first."""
    major, _, own = built().partition(".")
    return tuple(f"{major}.{number}" for number in range(int(own) - _BACK, int(own) + 1))


def check(cell: str, minor: str) -> None:
    """Raise CellError for a minor that the programs cannot play."""
    if minor not in offered():
        message = (
            f"cell {cell}: the rehearsal runs Kubernetes {tools_table.TOOLS['kube-apiserver'].version} and plays "
            f"{offered()[0]} to {offered()[-1]}, not {minor}"
        )
        raise CellError(message)


def refusal(cell: str, *, running: str, wanted: str) -> str | None:
    """Why a cloud does not take a control plane from one minor to another, or None where it does."""
    old, new = (int(minor.partition(".")[2]) for minor in (running, wanted))
    if new < old:
        return f"cluster of {cell} runs Kubernetes {running}: a control plane is never taken back to {wanted}"
    if new > old + 1:
        return f"cluster of {cell} runs Kubernetes {running}: to {wanted} no minor is skipped; the next is 1.{old + 1}"
    return None


def arguments(minor: str) -> list[str]:
    """What each program of Kubernetes is started with, without its dashes, to play a minor."""
    return [f"{_FLAG.removeprefix('--')}{minor}"] if minor != built() else []


def declare(place: Folders, minor: str) -> bool:
    """Write the minor into the start arguments; whether that changed them. One step: a reader sees old or new."""
    file = place.cluster / "kwok.yaml"
    documents: list[dict[str, Any]] = list(yaml.load_all(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader))
    wanted = [f"--{argument}" for argument in arguments(minor)]
    changed = False
    # What the creation was asked for would be applied again over what stands in the list.
    for patch in documents[0].get("componentsPatches") or ():
        patch["extraArgs"] = [one for one in patch["extraArgs"] if f"--{one['key']}=" != _FLAG]
    for component in documents[0]["components"]:
        if component["name"].startswith("kube-"):
            kept = [argument for argument in component["args"] if not argument.startswith(_FLAG)]
            changed |= component["args"] != kept + wanted
            component["args"] = kept + wanted
    if changed:
        scratch = file.with_suffix(f".{os.getpid()}.tmp")
        scratch.write_text(yaml.dump_all(documents, Dumper=yaml.CSafeDumper, sort_keys=False), encoding="utf-8")
        scratch.replace(file)
    return changed


def played(place: Folders) -> set[str]:
    """The minors that the running processes of Kubernetes were started to play."""
    found: set[str] = set()
    for name, process in kwok.running(place).items():
        if name.startswith("kube-"):
            words = processes.arguments(process.pid)
            found.add(next((word.removeprefix(_FLAG) for word in words if word.startswith(_FLAG)), built()))
    return found
