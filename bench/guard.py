"""What the guard costs: the rules beside registration, the hook in the program, a plan of 50,000 resources, checkov.

    python bench/guard.py [--rounds 5] [--resources 50000] [--checkov PATH] [--part rules --part large …]

Rules: the `infra` plan of a generated cell with about 300 resources is judged in this process, beside a program that
registers the same by plain SDK calls under the SDK's own stand-in for the engine. Engine: a program with 300 buckets
on the real engine and an emulated cloud, `pulumi preview` with the guard, without it, and with no bucket at all.
Large: the rows of that plan again and again, in one file, by `twain residency check` as a process, beside a process
that only parses the file. Manifests: the `platform` objects of the cell, by `twain residency check` and by checkov:
not the same rules, the same files. checkov is no dependency; its row needs `pip install 'checkov>=3.3,<3.4'`.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench import harness, programs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

# A program for this many maisons has about 300 resources in its infra stack.
MAISONS, CELLS = 42, 3
BUCKETS = 300
GOAL = 0.01
PARTS = ("rules", "engine", "large", "manifests")
PROGRAM = """
import pulumi
import pulumi_alicloud as alicloud

settings = pulumi.Config()
if settings.get_bool("guarded"):
    from components.policy.decide import Border
    from stacks.guard import Guard
    Guard(Border(world="cn", allowed=frozenset({"cn-shanghai"}))).register()
cloud = pulumi.ResourceOptions(provider=alicloud.Provider("cloud", region="cn-shanghai"))
key = alicloud.kms.Key("key", description="shop", pending_window_in_days=30, opts=cloud)
sealed = alicloud.oss.BucketServerSideEncryptionRuleArgs(sse_algorithm="KMS", kms_master_key_id=key.id)
for number in range(settings.require_int("buckets")):
    alicloud.oss.Bucket(f"bucket-{number}", bucket=f"acme-shop-photos-{number}", storage_class="Standard",
        redundancy_type="ZRS", tags={"maison": f"m{number}", "cost-centre": "4711", "twain-origin": "none"},
        server_side_encryption_rule=sealed, opts=cloud)
"""


# Its own small process: what a child held at most counts from the size of its parent on.
MEASURED = """
import resource, subprocess, sys, time
began = time.perf_counter()
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
print(time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(done.returncode)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--resources", type=int, default=50_000)
    parser.add_argument("--part", action="append", choices=PARTS, help="only this; default: all")
    parser.add_argument("--checkov", help="the program; default: the one on the PATH")
    asked = parser.parse_args()
    from tests import generated_fleet

    os.environ["TWAIN_REHEARSAL_HOME"] = "/nowhere"
    on = harness.machine()
    print(harness.heading(on), flush=True)
    cell = generated_fleet.document(cells=CELLS)["spec"]["cells"][0]["name"]
    with tempfile.TemporaryDirectory(prefix="twb-") as place:
        folder = Path(place)
        fleet = str(generated_fleet.write(folder / "fleet.yaml", cells=CELLS, maisons=MAISONS))
        plan, platform = (planned(f"generated.{cell}.{layer}", fleet) for layer in ("infra", "platform"))
        few = min(asked.rounds, 3)
        measured: dict[str, Callable[[], dict[str, Any]]] = {
            "rules": lambda: rules(plan, f"generated.{cell}.infra", fleet, asked.rounds),
            "engine": lambda: engine(folder, few),
            "large": lambda: large(folder / "plan.json", plan, asked.resources, rounds=few),
            "manifests": lambda: manifests(folder, platform, asked.checkov, few),
        }
        figures = {part: measured[part]() for part in asked.part or PARTS}
    harness.append("guard", figures, on=on)


def planned(stack: str, fleet: str) -> list[dict[str, Any]]:
    """The rows of a plan."""
    from stacks.planner import plan

    return plan(stack, fleet)


def rules(plan: Sequence[Mapping[str, Any]], stack: str, fleet: str, rounds: int) -> dict[str, Any]:
    """Judging a plan, beside registering it; and the hook in the program, beside the program without it."""
    from components.policy.decide import Border, Graph
    from components.spec.load import load_fleet

    border = Border.of(load_fleet(fleet), "cn")
    _, rows = programs.run(programs.ours, stack=stack, fleet=fleet)
    plain = programs.plain(rows)

    def judged() -> float:
        graph = Graph(border)
        began = time.process_time()
        found = graph.judge(plan)
        taken = time.process_time() - began
        if found or graph.judged < len(rows):
            raise SystemExit(f"{len(found)} violations in {graph.judged} of {len(rows)} resources")
        return taken

    def registered(program: Callable[[], None], *, guarded: bool = True) -> float:
        began = time.process_time()
        programs.run(program, stack=stack, fleet=fleet, guarded=guarded)
        return time.process_time() - began

    cases = {
        "all rules": judged,
        "plain SDK calls": lambda: registered(plain),
        "ours, with the guard": lambda: registered(programs.ours),
        "ours, without it": lambda: registered(programs.ours, guarded=False),
    }
    print(f"\n{len(rows)} resources, processor time in this process:")
    taken = harness.interleaved(cases, rounds=rounds)
    found = harness.against(taken, "plain SDK calls")
    extra = [a - b for a, b in zip(taken["ours, with the guard"], taken["ours, without it"], strict=True)]
    hook = harness.spread([each / len(rows) for each in extra])
    alone = harness.ratio(taken["all rules"], taken["plain SDK calls"])
    print(f"all rules: {alone.value:.2%} of plain SDK calls ({alone.low:.2%} to {alone.high:.2%}), goal {GOAL:.0%}")
    print(f"the hook: {hook['median'] * 1e6:.0f} us per resource ({hook['min'] * 1e6:.0f} at least)")
    return {**found, "resources": len(rows), "hook": hook}


def engine(folder: Path, rounds: int) -> dict[str, Any]:
    """`pulumi preview` of many buckets on the real engine."""
    from rehearsal import tools
    from rehearsal.engine.pulumi import Engine

    program = folder / "program"
    program.mkdir()
    (program / "__main__.py").write_text(PROGRAM, encoding="utf-8")
    pulumi = tools.ensure(["pulumi"])["pulumi"].path
    made = Engine(folder / "rehearsal" / "cn", harness.ROOT, pulumi=pulumi, program_dir=program)
    made.prepare()
    made.stack_init("many")

    def preview(buckets: int, *, guarded: bool) -> float:
        config = ["--config", f"buckets={buckets}", "--config", f"guarded={str(guarded).lower()}"]
        began = time.perf_counter()
        made.preview("many", extra=config)
        return time.perf_counter() - began

    cases = {
        "with the guard": lambda: preview(BUCKETS, guarded=True),
        "without it": lambda: preview(BUCKETS, guarded=False),
        "no bucket, with the guard": lambda: preview(0, guarded=True),
        "no bucket, without it": lambda: preview(0, guarded=False),
    }
    print(f"\n{BUCKETS} buckets, `pulumi preview` on the real engine:")
    taken = harness.interleaved(cases, rounds=rounds)
    found = harness.against(taken, "without it")
    each = {
        name: harness.spread([(a - b) / BUCKETS for a, b in zip(taken[name], taken[f"no bucket, {name}"], strict=True)])
        for name in ("with the guard", "without it")
    }
    for name, spread in each.items():
        print(f"one bucket more, {name}: {spread['median'] * 1000:.2f} ms")
    return {**found, "buckets": BUCKETS, "each": each}


def large(path: Path, plan: Sequence[Mapping[str, Any]], resources: int, *, rounds: int) -> dict[str, Any]:
    """A file with many resources: seconds, and the most memory that the process held."""
    write(path, plan, resources)
    print(f"\n{resources} resources, {path.stat().st_size / 2**20:.0f} MiB of JSON, whole processes:")
    peaks: dict[str, int] = {}

    def whole(name: str, command: Sequence[str]) -> float:
        asked = [sys.executable, "-c", MEASURED, *command]
        done = subprocess.run(asked, cwd=harness.ROOT, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"{name} failed: {done.stdout[-500:]}{done.stderr[-2000:]}")
        seconds, kibibytes = done.stdout.split()
        peaks[name] = max(peaks.get(name, 0), int(kibibytes) // 1024)
        return float(seconds)

    check = [sys.executable, "-m", "cli.main", "residency", "check", "--world", "cn", "-f", str(path), "-o", "json"]
    parse = [sys.executable, "-c", "import json, sys; json.load(open(sys.argv[1], 'rb'))", str(path)]
    cases = {
        "twain residency check": lambda: whole("twain residency check", check),
        "json.load alone": lambda: whole("json.load alone", parse),
    }
    found = harness.against(harness.interleaved(cases, rounds=rounds), "json.load alone")
    for name, peak in peaks.items():
        print(f"{name:26}{peak:6} MiB at most")
    return {**found, "resources": resources, "peakMiB": peaks}


def write(path: Path, plan: Sequence[Mapping[str, Any]], resources: int) -> None:
    """A plan in the engine's own form: one cell after another, each with URNs of its own."""
    with path.open("w", encoding="utf-8") as file:
        file.write('{"steps": [')
        for number in range(resources):
            turn, row = divmod(number, len(plan))
            body = json.dumps(plan[row]).replace("urn:pulumi:", f"urn:pulumi:{turn}-")
            file.write(f'{"," if number else ""}{{"op": "create", "newState": {body}}}')
        file.write("]}")


def manifests(folder: Path, plan: Sequence[Mapping[str, Any]], checkov: str | None, rounds: int) -> dict[str, Any]:
    """The same Kubernetes objects by both tools, whole processes."""
    import yaml

    path = folder / "objects.yaml"
    objects = [row["inputs"] for row in plan if str(row["type"]).startswith("kubernetes:") and "kind" in row["inputs"]]
    known = [one for one in objects if "04da6b54-80e4-46f7-96ec-b56ff0331ba9" not in json.dumps(one)]
    path.write_text(yaml.safe_dump_all(known), encoding="utf-8")
    ours = [sys.executable, "-m", "cli.main", "residency", "check", "--world", "cn", "-f", str(path), "-o", "json"]
    cases: dict[str, Callable[[], float]] = {"twain residency check": lambda: ended(ours, codes=(0, 5))}
    program = checkov or shutil.which("checkov")
    if program:
        theirs = [program, "-f", str(path), "--framework", "kubernetes", "--skip-download", "--compact", "--quiet"]
        cases["checkov"] = lambda: ended([*theirs, "-o", "json"], codes=(0, 1))
    else:
        print("\ncheckov is not here: pip install 'checkov>=3.3,<3.4', then --checkov PATH")
    print(f"\n{len(known)} Kubernetes objects in one file, whole processes:")
    return {
        **harness.against(harness.interleaved(cases, rounds=rounds), "twain residency check"), "objects": len(known)
    }  # fmt: skip


def ended(command: Sequence[str], *, codes: tuple[int, ...]) -> float:
    """Seconds of a process that ends with one of these codes."""
    began = time.perf_counter()
    done = subprocess.run(command, cwd=harness.ROOT, capture_output=True, text=True, check=False)
    taken = time.perf_counter() - began
    if done.returncode not in codes:
        raise SystemExit(f"{command[0]} ended with {done.returncode}: {done.stdout[-1000:]}{done.stderr[-2000:]}")
    return taken


if __name__ == "__main__":
    main()
