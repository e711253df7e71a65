"""Where the cells come from that the contract is asked of: one body, three clouds, three sources.

recorder    what the program registers, answered by a table (tests/recorder.py)
emulated    the same, answered by the emulated clouds: checked, created and read again (tests/emulated.py)
stack       a cell that is up: its state as the engine exports it, on whatever account the engine speaks to

TWAIN_TEST_STACKS=prod.eu-ams-1.infra,prod.cn-sha-1.infra    ask these cells and no others, at most one per cloud
TWAIN_TEST_FLEET=FILE                                        their fleet, else stacks/fleets/<env>.yaml
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.spec.load import load_fleet
from stacks import program
from tests.emulated import Emulated
from tests.recorder import FLEET as REHEARSAL
from tests.recorder import ROOT, Recorder, Registered, environment, run

if TYPE_CHECKING:
    from components.spec.model import ResolvedCell

Made = tuple[Recorder, dict[str, Any]]
Infra = Callable[..., Made]
ASKED = [one.strip() for one in os.environ.get("TWAIN_TEST_STACKS", "").split(",") if one.strip()]
SOURCES = ("stack",) if ASKED else ("recorder", "emulated")
_EXPORT_S = 300


def _fleet() -> Path:
    if not ASKED:
        return REHEARSAL
    given = os.environ.get("TWAIN_TEST_FLEET")
    return Path(given) if given else ROOT / "stacks" / "fleets" / f"{ASKED[0].split('.')[0]}.yaml"


FLEET = _fleet()
SPEC = load_fleet(FLEET)


def _cells() -> dict[str, str]:
    if not ASKED:
        return {"alicloud": "cn-sha-1", "gcp": "eu-ams-1", "azure": "eu-par-1"}
    names = [stack.split(".")[1] for stack in ASKED]
    found = {SPEC.cell(name).cloud: name for name in names}
    if len(found) != len(names):
        message = f"TWAIN_TEST_STACKS={','.join(ASKED)}: one cell per cloud, and each cell once"
        raise ValueError(message)
    return {str(cloud): name for cloud, name in found.items()}


CELLS = _cells()
WORLDS = {cloud: SPEC.cell(name).world for cloud, name in CELLS.items()}
MAISONS = {maison.name for maison in SPEC.maisons}
_MADE: dict[tuple[str, str], Made] = {}


def spec(cloud: str) -> ResolvedCell:
    """The cell of a cloud as its fleet declares it."""
    return SPEC.resolved(CELLS[cloud])


def infra(
    source: str,
    cloud: str,
    fleet: Path = REHEARSAL,
    *,
    cell: str = "",
    account: Path | None = None,
    stated: Mapping[str, Mapping[str, Any]] | None = None,
) -> Made:
    """Run the program of a cell's `infra` layer, answered by the recorder or by the emulated clouds. What was made in
    an `account` is there in the next run that names it; without one the account is new. `stated` are answers of a cloud
    that says something else, by type.
    """
    world = "cn" if cloud == "alicloud" else "row"
    stack = f"rehearsal.{cell or CELLS[cloud]}.infra"
    with (
        tempfile.TemporaryDirectory() as folder,
        environment(TWAIN_REHEARSAL_HOME="/nowhere", PULUMI_BACKEND_URL=f"file:///nowhere/{world}/state"),
    ):
        recorder = Recorder(stated=stated or {})
        if source == "emulated":
            recorder = Emulated(stated=stated or {}, world_dir=account or Path(folder) / world, stack=stack)
        return run(program.main, stack=stack, recorder=recorder, config={"fleet": str(fleet)})


def cell(source: str, cloud: str) -> Made:
    """The cell of a cloud, as its fleet has it. It is made, or exported, once."""
    key = (source, cloud)
    if key not in _MADE:
        _MADE[key] = exported(cloud) if source == "stack" else infra(source, cloud)
    return _MADE[key]


def exported(cloud: str) -> Made:
    """The state of a cell that is up. Secrets stay encrypted; nothing is changed."""
    (stack,) = [one for one in ASKED if one.split(".")[1] == CELLS[cloud]]
    done = subprocess.run(
        ["pulumi", "stack", "export", "--stack", stack],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=_EXPORT_S,
    )
    if done.returncode:
        message = f"{stack} cannot be read: {done.stderr.strip()}"
        raise RuntimeError(message)
    return of_state(json.loads(done.stdout))


def of_state(document: dict[str, Any]) -> Made:
    """The recorder's form of an exported state: every live resource, and the outputs of the stack."""
    recorder, outputs = Recorder(), dict[str, Any]()
    for row in document["deployment"].get("resources", []):
        if row["type"] == "pulumi:pulumi:Stack":
            outputs = row.get("outputs", {})
        elif not row.get("delete"):
            recorder.resources.append(
                Registered(
                    type=row["type"],
                    name=row["urn"].split("::")[3],
                    inputs=_own(row.get("inputs", {})),
                    provider=bool(row.get("provider")),
                    id=row.get("id", ""),
                    outputs=_own(row.get("outputs", {})),
                )
            )
    return recorder, outputs


def _own(value: Any) -> Any:
    """Without what the engine and the providers keep for themselves."""
    if isinstance(value, dict):
        return {key: _own(one) for key, one in value.items() if not key.startswith("__")}
    return [_own(one) for one in value] if isinstance(value, list) else value
