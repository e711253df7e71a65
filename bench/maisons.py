"""A preview of a cell for 75 maisons beside plain SDK calls of as many resources, on the real engine.

    python bench/maisons.py [--rounds 5] [--maisons 75]

Nothing is up: each preview plans every resource of an `infra` stack, against the emulated clouds. The plain program
calls the SDK's classes with the arguments that ours ends up with; where an argument is another resource's id, it takes
it from that resource, as anybody's program would. Both load the same SDK; a preview of a program with no resource at
all is taken off neither.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench import harness, programs
from components.registry import CLOUDS

if TYPE_CHECKING:
    from rehearsal.engine.pulumi import Engine

GOAL = 1.10
CALLS = "calls.json"
PROGRAM = """import sys
from pathlib import Path
sys.path.insert(0, {root!r})
from bench import maisons
maisons.declare(Path(__file__).with_name({calls!r}))
"""


def declare(calls: Path) -> None:
    """The plain program: one call of the SDK for each row of a file of type, name and inputs."""
    import pulumi

    from tests.recorder import Registered

    rows = [Registered(**row) for row in json.loads(calls.read_text(encoding="utf-8"))]
    clouds = [row for row in rows if row.type.startswith("pulumi:providers:")]
    options = pulumi.ResourceOptions(provider=_provider(clouds[0])) if clouds else None
    programs.plain([row for row in rows if row not in clouds], options)()


def _provider(row: Any) -> Any:
    import importlib

    package = row.type.rpartition(":")[2]
    kind = importlib.import_module(programs.SDK[package]).Provider
    return kind(row.name, **{_snake(key): value for key, value in row.inputs.items() if key != "version"})


def _snake(key: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in key)


def engine(folder: Path, world: str, program: Path | None = None) -> Engine:
    """An engine with a backend of its own; the program is ours where none is given."""
    from rehearsal import tools
    from rehearsal.engine.pulumi import Engine

    pulumi = tools.ensure(["pulumi"])["pulumi"].path
    made = Engine(folder / "rehearsal" / world, harness.ROOT, pulumi=pulumi, program_dir=program)
    made.prepare()
    return made


def preview(ours: Engine, stack: str) -> tuple[float, int]:
    """Seconds of one `pulumi preview`, and how many resources of the cloud's SDK it would create."""
    began = time.perf_counter()
    result = ours.preview(stack, extra=["--json"])
    taken = time.perf_counter() - began
    steps = json.JSONDecoder().raw_decode(result.stdout[result.stdout.index("{") :])[0]["steps"]
    types = [step["newState"]["type"] for step in steps if step["op"] == "create"]
    return taken, sum(not one.startswith(("pulumi:", "twain:")) for one in types)


def compared(folder: Path, *, fleet: str, cell: str, world: str, rounds: int) -> dict[str, list[float]]:
    """Seconds per resource of both programs, taken in turn."""
    stack = f"generated.{cell}.infra"
    rows = programs.registered(stack, fleet)
    plain = folder / "plain"
    plain.mkdir(parents=True)
    (plain / "__main__.py").write_text(PROGRAM.format(root=str(harness.ROOT), calls=CALLS), encoding="utf-8")
    (plain / CALLS).write_text(json.dumps([vars(row) for row in rows]), encoding="utf-8")
    sides = {"ours": engine(folder / "a", world), "plain SDK calls": engine(folder / "b", world, plain)}
    counts: dict[str, int] = {}
    for name, side in sides.items():
        side.stack_init(stack)
        side.config_set("twain:fleet", fleet, stack=stack)
        counts[name] = preview(side, stack)[1]
    if len(set(counts.values())) != 1:
        raise SystemExit(f"{stack}: not as many resources: {counts}")
    many = counts["ours"]
    cases = {
        f"{name}, {many} resources": (lambda side=side: preview(side, stack)[0] / many) for name, side in sides.items()
    }
    return harness.interleaved(cases, rounds=rounds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--maisons", type=int, default=75)
    asked = parser.parse_args()
    from tests import generated_fleet

    os.environ["TWAIN_REHEARSAL_HOME"] = "/nowhere"
    on = harness.machine()
    print(harness.heading(on), flush=True)
    figures: dict[str, Any] = {"maisons": asked.maisons}
    with tempfile.TemporaryDirectory(prefix="twb-") as place:
        folder = Path(place)
        fleet = str(generated_fleet.write(folder / "fleet.yaml", cells=len(CLOUDS), maisons=asked.maisons))
        for cell in generated_fleet.document(cells=len(CLOUDS))["spec"]["cells"]:
            cloud = cell["cloud"]
            print(f"\n{cloud}, one resource in a preview for {asked.maisons} maisons:", flush=True)
            found = compared(folder / cloud, fleet=fleet, cell=cell["name"], world=cell["world"], rounds=asked.rounds)
            figures[cloud] = harness.against(found, next(name for name in found if name.startswith("plain")))["cases"]
    harness.append("maisons", figures, on=on)


if __name__ == "__main__":
    main()
