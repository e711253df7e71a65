"""Ten mistakes of programs that are not ours, through every enforcer that can see them: the same rule ids, and nothing
is made. Six are resources of clouds, four are objects of Kubernetes.

The program under tests/strangers uses the plain SDKs. Plain `pulumi up` with the guard of our own programs put before
it; the policy pack on the real engine; `twain residency check` on the engine's plan. A cell's real API server is asked
in `test_ten_violations_in_cells.py`.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from rehearsal import tools
from rehearsal.engine.pulumi import Engine
from rehearsal.providers.store import Store

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "tests" / "strangers" / "ten"
REGIONS = {"cn": ["cn-beijing", "cn-shanghai"], "row": ["europe-west4", "francecentral"]}
# World and name -> the rule that refuses it, by hand.
TEN = {
    ("row", "photos"): "RES-002",
    ("row", "ring"): "RES-001",
    ("row", "letters"): "RES-027",
    ("row", "analytics-identity"): "RES-001",
    ("cn", "videos"): "RES-005",
    ("cn", "profiles"): "RES-021",
    ("cn", "hub-image"): "RES-023",
    ("cn", "model-abroad"): "RES-028",
    ("row", "proxied"): "RES-029",
    ("row", "traced"): "RES-017",
}
OBJECTS: dict[str, list[dict[str, Any]]] = json.loads((PROGRAM / "objects.json").read_bytes())
GUARDED = """
import runpy
from components.policy.decide import Border
from stacks.guard import Guard
Guard(Border(world={world!r}, allowed=frozenset({regions!r}))).register()
runpy.run_path({program!r}, run_name="__main__")
"""
# How the engine names what a policy refused, and how ours is named in the words of a program that was stopped.
_BY_PACK = re.compile(r"(RES-\d+)\s+\(\S+: ([\w-]+)\)")
_BY_GUARD = re.compile(r"(RES-\d+) \S+ '([\w-]+)'")


class Shop:
    """The program of one world on an engine with emulated clouds of its own, with and without the guard before it."""

    def __init__(self, folder: Path, world: str) -> None:
        self.world, self.folder = world, folder / world
        guarded = self.folder / "guarded"
        guarded.mkdir(parents=True)
        words = {"world": world, "regions": REGIONS[world], "program": str(PROGRAM / "__main__.py")}
        (guarded / "__main__.py").write_text(GUARDED.format(**words))
        self.plain = self._engine("plain", PROGRAM)
        self.guarded = self._engine("guard", guarded)

    def _engine(self, name: str, program: Path) -> Engine:
        world = self.folder / name / "rehearsal" / self.world
        engine = Engine(world, ROOT, pulumi=tools.ensure(["pulumi"])["pulumi"].path, program_dir=program)
        engine.prepare()
        return engine

    def up(self, engine: Engine, *extra: str, case: str | None = None) -> subprocess.CompletedProcess[str]:
        """Plain `pulumi up`: it previews first."""
        stack = f"ten.{case or 'all'}.infra"
        engine.stack_init(stack)
        config = [word for setting in self.config(case) for word in ("--config", setting)]
        return engine.up(stack, extra=[*config, *extra], check=False, preview_first=True)

    def config(self, case: str | None = None) -> list[str]:
        return [f"world={self.world}", *([f"case={case}"] if case else [])]

    def made(self, engine: Engine) -> list[str]:
        """What the emulated clouds hold."""
        return [row.name for row in Store.open(engine.workspace.world_dir).list_resources()]


@pytest.fixture(scope="module")
def shops(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Shop]:
    """One per world."""
    folder = tmp_path_factory.mktemp("ten")
    return {world: Shop(folder, world) for world in REGIONS}


def expected(world: str) -> set[tuple[str, str]]:
    return {(rule, name) for (of, name), rule in TEN.items() if of == world}


def test_the_table_holds_six_of_clouds_and_four_of_kubernetes() -> None:
    objects = {(world, body["metadata"]["name"]) for world, bodies in OBJECTS.items() for body in bodies}
    assert objects < set(TEN)
    assert (len(TEN), len(objects)) == (10, 4)


def test_plain_up_is_stopped_by_the_program_and_makes_nothing(shops: dict[str, Shop]) -> None:
    def stopped(world: str, case: str) -> tuple[int, set[tuple[str, str]], str]:
        done = shops[world].up(shops[world].guarded, case=case)
        words = done.stdout + done.stderr
        return done.returncode, set(_BY_GUARD.findall(words)), words

    with ThreadPoolExecutor(2) as pool:
        ran = dict(zip(TEN, pool.map(lambda key: stopped(*key), TEN), strict=True))
    for (world, case), (code, found, words) in ran.items():
        assert code != 0, (case, words)
        assert found == {(TEN[world, case], case)}, (case, words)
    assert [shop.made(shop.guarded) for shop in shops.values()] == [[], []]


def packed(folder: Path, world: str) -> list[str]:
    """The options that put the policy pack over a run."""
    asked = folder / "pack.json"
    asked.write_text(json.dumps({"border": {"world": world, "regions": REGIONS[world]}}))
    return ["--policy-pack", str(ROOT / "components" / "policy" / "pack"), "--policy-pack-config", str(asked)]


@pytest.mark.parametrize("world", REGIONS)
def test_the_policy_pack_refuses_them_all_in_one_plain_up(shops: dict[str, Shop], world: str) -> None:
    shop = shops[world]
    done = shop.up(shop.plain, *packed(shop.folder, world))
    words = done.stdout + done.stderr
    assert done.returncode != 0, words
    assert set(_BY_PACK.findall(words)) == expected(world), words
    assert "mandatory" in words
    assert shop.made(shop.plain) == []


def test_the_policy_pack_lets_a_good_program_pass_and_traces_what_is_not_known_yet(tmp_path: Path) -> None:
    """The bucket's key is not known in a preview: it is judged by the key that it comes from."""
    program, pulumi = ROOT / "tests" / "strangers" / "gcp", tools.ensure(["pulumi"])["pulumi"].path
    engine = Engine(tmp_path / "rehearsal" / "row", ROOT, pulumi=pulumi, program_dir=program)
    engine.prepare()
    engine.stack_init("shop")
    refused: dict[str, set[tuple[str, str]]] = {}
    for case in ("good", "key-abroad"):
        done = engine.preview("shop", extra=["--config", f"case={case}", *packed(tmp_path, "row")], check=False)
        words = done.stdout + done.stderr
        refused[case] = set(_BY_PACK.findall(words))
        assert (done.returncode == 0) == (not refused[case]), words
        assert "twain-residency" in words
    assert refused["good"] == set()
    assert {("RES-001", "ring"), ("RES-004", "photos")} <= refused["key-abroad"]


@pytest.mark.parametrize("world", REGIONS)
def test_residency_check_refuses_them_all_in_the_engines_plan(shops: dict[str, Shop], world: str) -> None:
    shop = shops[world]
    stack = "ten.plan.infra"
    shop.plain.stack_init(stack)
    config = [word for setting in shop.config() for word in ("--config", setting)]
    plan = shop.folder / "plan.json"
    plan.write_text(shop.plain.preview(stack, extra=["--json", *config]).stdout)
    regions = [word for region in REGIONS[world] for word in ("--region", region)]
    command = ["residency", "check", "-f", str(plan), "--world", world, *regions, "-o", "json"]
    done = subprocess.run(
        [sys.executable, "-m", "cli.main", *command], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    items = json.loads(done.stdout)["items"]
    assert {(item["rule"], item["resource"].split("'")[1]) for item in items} == expected(world), items
    assert done.returncode == 5
