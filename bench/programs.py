"""What a program of `stacks/` costs: loading one cloud's SDK or all, and each resource beside plain SDK calls.

    python bench/programs.py [--rounds 10] [--maisons 75]

Starting: a process that loads the components of one cloud and the SDK's classes for all that they declare, against one
that does so for every cloud and the cluster. Resources: one `infra` program of a fleet with many maisons, run under the
SDK's own stand-in for the engine, against a program that registers the same resources with the same inputs by plain
calls of the SDK. The plain side gets every value as a constant, where ours wires outputs to inputs; so it does less
than a person's program would.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench import harness
from components.registry import CLOUDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pulumi

    from tests.recorder import Registered as Row

SDK = {
    "alicloud": "pulumi_alicloud",
    "gcp": "pulumi_gcp",
    "azure-native": "pulumi_azure_native",
    "kubernetes": "pulumi_kubernetes",
}
# Kinds that the cluster's SDK has no class for: those of custom resource definitions.
_UNTYPED = ("gateway.", "inference.")


def load(tokens: Path) -> None:
    """Import the components of the clouds that a file of type tokens names, and the SDK's class for each token."""
    from components import registry

    found = tokens.read_text(encoding="utf-8").split()
    packages = {token.partition(":")[0].partition("-")[0] for token in found}
    for component, cloud in registry.TABLE:
        if cloud in packages:
            registry.resolve(component, cloud)
    for token in found:
        sdk_class(token)


def sdk_class(token: str) -> tuple[Any, Any]:
    """The SDK's class of a type, and that of its arguments."""
    package, module, kind = token.split(":")
    name = module.partition("/")[0]
    if package == "kubernetes":
        # The group as the SDK names it: `rbac.authorization.k8s.io/v1` is its module rbac.v1.
        name = f"{name.partition('.')[0]}.{module.partition('/')[2]}"
    home = importlib.import_module(f"{SDK[package]}.{name}")
    # Where a nested type took the name already, the SDK calls the resource's own InitArgs.
    return getattr(home, kind), getattr(home, f"{kind}InitArgs", None) or getattr(home, f"{kind}Args")


def started(tokens: Path) -> float:
    """Seconds that a process takes to load what it needs to declare these types."""
    began = time.perf_counter()
    subprocess.run([sys.executable, __file__, "--load", str(tokens)], check=True, cwd=harness.ROOT)
    return time.perf_counter() - began


def run(program: Callable[[], None], *, stack: str, fleet: str, guarded: bool = True) -> tuple[float, list[Row]]:
    """Seconds of one program under the stand-in, and what it registered. All values are known, as after an `up`."""
    from tests import recorder

    class Unguarded(recorder.Recorder):
        def register_transform(self, transform: Any) -> None:
            """Take none: what the guard costs is left out."""

    gc.collect()
    usual = gc.get_threshold()
    kept = recorder.Recorder() if guarded else Unguarded()
    began = time.perf_counter()
    recorder.run(program, stack=stack, config={"fleet": fleet}, recorder=kept)
    taken = time.perf_counter() - began
    # A program may set it for the rest of its process; here the other side's comes next.
    gc.set_threshold(*usual)
    return taken, [row for row in kept.resources if sdk_has(row)]


def ours() -> None:
    """The program itself."""
    from stacks import program, settings

    program.collect_rarely()
    program.run(settings.read(check_state=False))


def registered(stack: str, fleet: str) -> list[Row]:
    """What our program of a stack registers of the SDKs, its provider first."""
    from tests import recorder

    kept = recorder.Recorder()
    recorder.run(ours, stack=stack, config={"fleet": fleet}, recorder=kept)
    provider = [row for row in kept.resources if row.type.startswith("pulumi:providers:")]
    return provider + [row for row in kept.resources if sdk_has(row)]


def plain(resources: list[Row], options: pulumi.ResourceOptions | None = None) -> Callable[[], None]:
    """A program that registers the same by plain calls of the SDK. What a cloud answers is taken from the resource
    that it is the answer about, as in anybody's program.
    """
    told: dict[str, str] = {}
    ids: dict[str, str] = {}
    calls: list[tuple[Any, str, dict[str, Any], dict[str, str], str]] = []
    for row in resources:
        cls, name, inputs = call(row)
        sources = {text: told[word] for text in strings(inputs) for word in told if word in text}
        sources |= {text: ids[text] for text in strings(inputs) if text in ids}
        calls.append((cls, name, inputs, sources, row.id))
        known = set(strings(row.inputs))
        told |= {text: row.id for text in {row.id, *strings(row.outputs)} - known if own_word(text)}
        names = [one for key, one in row.inputs.items() if key.lower().endswith("name") and isinstance(one, str)]
        ids |= {text: row.id for text in (row.id, *names) if text not in ids}

    def program() -> None:
        made: dict[str, Any] = {}
        for cls, name, inputs, sources, identifier in calls:
            given = {key: linked(value, sources, made) for key, value in inputs.items()} if sources else inputs
            made[identifier] = cls(name, opts=options, **given)

    return program


def own_word(text: str) -> bool:
    """Whether a text is long and odd enough to be of one resource only, and no word of the API."""
    return len(text) >= 8 and not text.isalpha()


def strings(value: Any) -> Iterator[str]:
    """Every text inside an argument."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in [*value, *value.values()] if isinstance(value, dict) else value:
            yield from strings(one)


def linked(value: Any, sources: dict[str, str], made: dict[str, Any]) -> Any:
    """An argument in which what other resources tell is their output."""
    if isinstance(value, dict):
        late = next((made[sources[key]] for key in value if key in sources), None)
        if late is not None:
            return late.id.apply(lambda _: value)
        return {key: linked(one, sources, made) for key, one in value.items()}
    if isinstance(value, list):
        return [linked(one, sources, made) for one in value]
    if not isinstance(value, str) or value not in sources:
        return value
    own = made[sources[value]].id
    return own if value == sources[value] else own.apply(lambda _: value)


def sdk_has(row: Row) -> bool:
    """Whether a registration is of an SDK's resource: not one of our components, not a provider."""
    return not row.type.startswith(("pulumi:", "twain:"))


def call(row: Row) -> tuple[Any, str, dict[str, Any]]:
    """The SDK's class of a registration, its name and its arguments."""
    from pulumi._types import input_type_py_to_pulumi_names

    cls, arguments = sdk_class(row.type)
    names = {told: name for name, told in input_type_py_to_pulumi_names(arguments).items()}
    # What the SDK itself adds is no argument.
    inputs = {names[key]: value for key, value in row.inputs.items() if key in names}
    if "resource_name" in inputs:
        # Taken by the SDK for the logical name.
        inputs["resource_name_"] = inputs.pop("resource_name")
    return cls, row.name, inputs


def overhead(stack: str, fleet: str, rounds: int) -> dict[str, list[float]]:
    """Seconds per resource: ours, ours without the guard, plain."""
    _, rows = run(ours, stack=stack, fleet=fleet)
    other = plain(rows)
    _, again = run(other, stack=stack, fleet=fleet)
    if len(again) != len(rows):
        raise SystemExit(f"{stack}: the plain program registers {len(again)} resources, ours {len(rows)}")

    def cost(program: Callable[[], None], *, guarded: bool = False) -> float:
        return run(program, stack=stack, fleet=fleet, guarded=guarded)[0] / len(rows)

    cases = {
        f"ours, {len(rows)} resources": lambda: cost(ours, guarded=True),
        "without the guard": lambda: cost(ours),
        "plain SDK calls": lambda: cost(other),
    }
    return harness.interleaved(cases, rounds=rounds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--maisons", type=int, default=75)
    parser.add_argument("--load", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.load:
        load(asked.load)
        return
    from tests import generated_fleet

    os.environ["TWAIN_REHEARSAL_HOME"] = "/nowhere"
    on = harness.machine()
    print(harness.heading(on))
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        fleet = str(generated_fleet.write(folder / "fleet.yaml", cells=len(CLOUDS), maisons=asked.maisons))
        cells = {cell["cloud"]: cell["name"] for cell in generated_fleet.document(cells=len(CLOUDS))["spec"]["cells"]}
        figures: dict[str, Any] = {"maisons": asked.maisons, "start": starts(folder, fleet, cells, asked.rounds)}
        for cloud, cell in cells.items():
            print(f"\n{cloud}, one resource in a program for {asked.maisons} maisons:")
            found = overhead(f"generated.{cell}.infra", fleet, asked.rounds)
            figures[cloud] = harness.against(found, "plain SDK calls")["cases"]
    harness.append("programs", figures, on=on)


def starts(folder: Path, fleet: str, cells: dict[str, str], rounds: int) -> dict[str, Any]:
    """Loading what each cloud's program declares, and everything."""
    wanted = {cloud: tokens(f"generated.{cell}.infra", fleet) for cloud, cell in cells.items()}
    wanted["kubernetes"] = tokens(f"generated.{cells['alicloud']}.platform", fleet)
    wanted["all four SDKs"] = sorted(token for found in wanted.values() for token in found)
    cases: dict[str, Callable[[], float]] = {}
    for name, found in wanted.items():
        path = folder / f"{name}.txt"
        path.write_text("\n".join(found), encoding="utf-8")
        cases[f"start, {name}"] = lambda path=path: started(path)
    return harness.against(harness.interleaved(cases, rounds=rounds), "start, all four SDKs")["cases"]


def tokens(stack: str, fleet: str) -> list[str]:
    """The types that a program declares."""
    from stacks.planner import plan

    found = {row["type"] for row in plan(stack, fleet) if row["custom"] and not row["type"].startswith("pulumi:")}
    return sorted(token for token in found if not token.partition(":")[2].startswith(_UNTYPED))


if __name__ == "__main__":
    main()
