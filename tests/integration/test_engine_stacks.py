"""The real engine on a small program, with the real language host and an emulated cloud."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from rehearsal import tools
from rehearsal.engine.pulumi import Engine, EngineTimeoutError
from rehearsal.providers.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable

STACK = "test.cn-sha-1.infra"
VPC = "alicloud:vpc/network:Network"
CHECKOUT = Path(__file__).resolve().parents[2]
PROGRAM = """
import json, pathlib
import pulumi
import pulumi_alicloud as alicloud

world = json.loads(pathlib.Path(__file__).with_name("world.json").read_text())
cloud = pulumi.ResourceOptions(provider=alicloud.Provider("cloud", region=world["region"]))
tags = {"twain-cell": "cn-sha-1"}
vpc = alicloud.vpc.Network("vpc", vpc_name=world["name"], cidr_block="10.64.0.0/16", tags=tags,
    description=pulumi.Output.secret("a hushed word"), opts=cloud)
for index, cidr in enumerate(world["subnets"]):
    alicloud.vpc.Switch(f"subnet-{index}", vswitch_name=f"subnet-{index}", vpc_id=vpc.id, cidr_block=cidr,
        zone_id=world["zone"], description=world["note"], tags=tags, opts=cloud)
if world["foreign"]:
    alicloud.fc.Service("functions", name="functions", opts=cloud)
pulumi.export("vpc", vpc.id)
pulumi.export("word", pulumi.Output.secret("another hushed word"))
"""
WORLD: dict[str, Any] = {
    "region": "cn-shanghai",
    "name": "vpc-a",
    "subnets": ["10.64.0.0/20", "10.64.16.0/20"],
    "zone": "cn-shanghai-g",
    "note": "first",
    "foreign": False,
}


class Bench:
    """A world with an engine and a program whose inputs a test may change."""

    def __init__(self, home: Path) -> None:
        self.program = home / "program"
        self.program.mkdir(parents=True)
        (self.program / "__main__.py").write_text(PROGRAM)
        self.engine = Engine(
            home / "rehearsal" / "cn",
            CHECKOUT,
            pulumi=tools.ensure(["pulumi"])["pulumi"].path,
            program_dir=self.program,
        )
        self.engine.prepare()
        self.ask()
        self.engine.stack_init(STACK)
        self.store = Store.open(self.engine.workspace.world_dir)

    def ask(self, **changes: Any) -> None:
        """Say what the program declares from now on."""
        (self.program / "world.json").write_text(json.dumps(WORLD | changes))

    def live(self) -> list[str]:
        return sorted(row.name for row in self.store.list_resources())

    def processes(self) -> list[str]:
        """Command lines of everything that runs with this world in its environment."""
        mark = f"TWAIN_REHEARSAL_WORLD={self.engine.workspace.world_dir}".encode()
        found: list[str] = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if mark in (folder / "environ").read_bytes().split(b"\0"):
                    found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
            except OSError:
                continue
        return found


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def until(true: Callable[[], object], *, within_s: float = 30) -> None:
    """Wait for what no event tells: a row in a file that another process writes, a process that ends by itself."""
    ends = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < ends, "it did not happen within the time"
        time.sleep(0.02)


def test_a_stack_comes_up_stays_as_its_cloud_has_it_and_goes(bench: Bench) -> None:
    bench.engine.up(STACK)
    assert bench.live() == ["subnet-0", "subnet-1", "vpc-a"]
    outputs = bench.engine.outputs(STACK)
    assert outputs["vpc"].startswith("vpc-uf6")
    assert outputs["word"] == "[secret]"
    refresh = ["refresh", "--yes", "--skip-preview", "--expect-no-changes"]
    assert bench.engine.run(refresh, stack=STACK).returncode == 0
    state = [path for path in bench.engine.workspace.state_dir.rglob("*") if path.is_file()]
    assert state
    assert [path for path in state if b"hushed" in path.read_bytes()] == []
    assert [path for path in state if path.stat().st_mode & 0o077] == []
    until(lambda: not bench.processes())
    bench.engine.destroy(STACK)
    assert bench.live() == []
    assert len(bench.store.list_resources(live=False)) == 3


def test_an_impossible_world_is_refused_with_every_violation_before_anything_is_made(bench: Bench) -> None:
    bench.ask(name="http://vpc", subnets=["10.64.0.0/30"], zone="cn-shanghai-z")
    result = bench.engine.up(STACK, check=False, preview_first=True)
    text = result.stdout + result.stderr
    assert result.returncode != 0
    assert "'http://vpc' is no valid name" in text
    assert bench.store.list_resources(live=False) == []
    bench.ask(subnets=["10.64.0.0/30"], zone="cn-shanghai-z")
    text = bench.engine.up(STACK, check=False, preview_first=True).stdout
    assert "10.64.0.0/30 has a /30 prefix" in text
    assert "'cn-shanghai-z' is no zone offered in cn-shanghai" in text
    assert bench.store.list_resources(live=False) == []


def test_an_unknown_region_is_refused_at_the_provider(bench: Bench) -> None:
    bench.ask(region="cn-shanghay")
    result = bench.engine.up(STACK, check=False, preview_first=True)
    assert result.returncode != 0
    assert "nearest: cn-shanghai" in result.stdout + result.stderr


def test_a_type_outside_the_table_is_refused_by_name(bench: Bench) -> None:
    bench.ask(foreign=True)
    result = bench.engine.preview(STACK, check=False)
    assert result.returncode != 0
    assert "does not know the type alicloud:fc/service:Service" in result.stdout + result.stderr


def test_what_may_change_is_updated_and_what_may_not_is_replaced(bench: Bench) -> None:
    bench.engine.up(STACK)
    before = {row.name: row.id for row in bench.store.list_resources()}
    bench.ask(note="second", subnets=["10.64.0.0/20", "10.64.32.0/20"])
    assert steps(bench) == {"subnet-0": "update", "subnet-1": "replace"}
    bench.engine.up(STACK)
    after = {row.name: row.id for row in bench.store.list_resources()}
    assert after["subnet-0"] == before["subnet-0"]
    assert after["subnet-1"] != before["subnet-1"]
    assert len(after) == 3


def steps(bench: Bench) -> dict[str, str]:
    plan = json.loads(bench.engine.preview(STACK, extra=["--json"]).stdout)
    return {
        step["urn"].rsplit("::", 1)[-1]: step["op"]
        for step in plan["steps"]
        if step["op"] not in ("same", "create-replacement", "delete-replaced")
    }


@pytest.mark.parametrize("kind", ["crash-before", "crash-between"])
def test_a_provider_that_dies_while_creating_leaves_nothing_twice(bench: Bench, kind: Any) -> None:
    bench.store.add_fault(kind, match={"type": VPC, "op": "create"})
    assert bench.engine.up(STACK, check=False).returncode != 0
    (left,) = bench.store.list_resources()
    bench.engine.up(STACK)
    (vpc,) = bench.store.list_resources(type=VPC)
    assert vpc.id == left.id == bench.engine.outputs(STACK)["vpc"]
    assert len(bench.store.list_resources(live=False)) == 3


def test_an_engine_killed_before_it_writes_its_state_is_made_good_by_the_next(bench: Bench) -> None:
    bench.store.add_fault("hang", match={"type": VPC, "op": "create"})
    engine = subprocess.Popen(
        [
            str(tools.ensure(["pulumi"])["pulumi"].path),
            "up",
            "--yes",
            "--skip-preview",
            "--non-interactive",
            "--stack",
            STACK,
        ],
        cwd=bench.engine.workspace.directory,
        env=bench.engine.env(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until(lambda: [row for row in bench.store.list_resources() if row.state == "live"])
    os.kill(engine.pid, signal.SIGKILL)
    engine.wait()
    until(lambda: not bench.processes())
    assert bench.engine.outputs(STACK) == {}
    (left,) = bench.store.list_resources()
    bench.engine.up(STACK)
    assert bench.engine.outputs(STACK)["vpc"] == left.id
    assert len(bench.store.list_resources(live=False)) == 3
    bench.engine.destroy(STACK)
    assert bench.live() == []


def test_an_engine_that_takes_too_long_is_stopped_with_all_that_it_started(bench: Bench) -> None:
    bench.store.add_fault("hang", match={"type": VPC, "op": "create"})
    with pytest.raises(EngineTimeoutError, match="longer than 5 s"):
        bench.engine.run(["up", "--yes", "--skip-preview"], stack=STACK, timeout_s=5)
    until(lambda: not bench.processes())
    bench.engine.up(STACK)
    assert len(bench.store.list_resources(type=VPC, live=False)) == 1


def test_a_lock_of_a_living_engine_is_left_alone(bench: Bench) -> None:
    bench.store.add_fault("hang", match={"type": VPC, "op": "create"})
    engine = subprocess.Popen(
        [
            str(tools.ensure(["pulumi"])["pulumi"].path),
            "up",
            "--yes",
            "--skip-preview",
            "--non-interactive",
            "--stack",
            STACK,
        ],
        cwd=bench.engine.workspace.directory,
        env=bench.engine.env(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until(bench.store.list_resources)
    assert bench.engine.release_dead_locks(STACK) == 0
    engine.kill()
    engine.wait()
    assert bench.engine.release_dead_locks(STACK) == 1
    until(lambda: not bench.processes())
