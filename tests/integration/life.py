"""A stack of a small program on the real engine and an emulated cloud, and `twain` as its operator: no control plane.

The program is a stand-in for a cell's `infra`: a network, two subnets and a bucket, protected as its fleet says. What
the command line does with a stack does not depend on what the stack holds.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.stack_locks import alive
from rehearsal import tools
from rehearsal.engine.pulumi import Engine
from rehearsal.providers.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ROOT = Path(__file__).resolve().parents[2]
STACK, CELL = "test.cn-sha-1.infra", "cn-sha-1"
VPC, SUBNET, BUCKET = "alicloud:vpc/network:Network", "alicloud:vpc/switch:Switch", "alicloud:oss/bucket:Bucket"
PROGRAM = f"""
import pulumi
import pulumi_alicloud as alicloud
from components.spec.load import load_fleet

fleet = load_fleet(pulumi.Config("twain").require("fleet"))
protect = fleet.resolved("{CELL}").template.protect
cloud = pulumi.ResourceOptions(provider=alicloud.Provider("cloud", region="cn-shanghai"))
tags = {{"twain-cell": "{CELL}"}}
vpc = alicloud.vpc.Network("vpc", vpc_name="vpc-a", cidr_block="10.64.0.0/16", tags=tags, opts=cloud)
for index, cidr in enumerate(("10.64.0.0/20", "10.64.16.0/20")):
    alicloud.vpc.Switch(f"subnet-{{index}}", vswitch_name=f"subnet-{{index}}", vpc_id=vpc.id, cidr_block=cidr,
        zone_id="cn-shanghai-g", tags=tags, opts=cloud)
alicloud.oss.Bucket("weights", bucket="twain-test-weights", force_destroy=not protect, tags=tags,
    opts=pulumi.ResourceOptions.merge(cloud, pulumi.ResourceOptions(protect=protect or None)))
"""


class Ran:
    """How a command ended."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    def ended(self, code: int) -> Ran:
        assert self.code == code, f"ended with {self.code}, not {code}:\n{self.out[-3000:]}\n{self.err[-5000:]}"
        return self


class Life:
    """One world, one stack, any number of operators."""

    def __init__(self, folder: Path, *, protect: bool = False) -> None:
        self.folder = folder
        program = folder / "program"
        program.mkdir(parents=True)
        (program / "__main__.py").write_text(PROGRAM)
        self.fleet = folder / "fleet.yaml"
        self.declare(protect=protect)
        pulumi = tools.ensure(["pulumi"])["pulumi"].path
        self.engine = Engine(folder / "rehearsal" / "cn", ROOT, pulumi=pulumi, program_dir=program)
        self.engine.prepare()
        self.pulumi = pulumi
        self.store = Store.open(self.engine.workspace.world_dir)
        self.home = self.operator("one")
        self.started: list[subprocess.Popen[str]] = []

    def declare(self, *, protect: bool, cells: bool = True) -> None:
        """Write the fleet; without its Chinese cell the fleet keeps another in its place."""
        text = (ROOT / "stacks" / "fleets" / "rehearsal.yaml").read_text(encoding="utf-8")
        text = text.replace("name: rehearsal", "name: test", 1).replace("protect: false", f"protect: {protect}".lower())
        self.fleet.write_text(text if cells else text.replace(CELL, "cn-other-1"), encoding="utf-8")

    def operator(self, name: str, **env: str) -> Path:
        """The home of an operator; `env` stands in its context."""
        home = self.folder / name
        home.mkdir(mode=0o700)
        own = {**self.engine.env(), **env}
        own["PATH"] = os.pathsep.join([str(self.pulumi.parent), own["PATH"]])
        context = {
            "world": "cn",
            "identity": "ana",
            "fleet": str(self.fleet),
            "workspace": str(self.engine.workspace.directory),
            "env": own,
        }
        (home / "contexts.json").write_text(json.dumps({"current": "test", "contexts": {"test": context}}))
        return home

    def start(self, *args: str, home: Path | None = None, **more: Any) -> subprocess.Popen[str]:
        """`twain stack …`, begun, in a session of its own. Ctrl-C works there, also where a script in the background
        started us and had it ignored.
        """
        more.setdefault("preexec_fn", lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        env = {name: value for name, value in os.environ.items() if not name.startswith(("TWAIN_", "PULUMI_"))}
        env |= {"TWAIN_HOME": str(home or self.home), "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
        process = subprocess.Popen(
            [sys.executable, "-m", "cli.main", "stack", *args],
            env=env, cwd=self.folder, text=True, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more,
        )  # fmt: skip
        self.started.append(process)
        return process

    def close(self) -> None:
        """End what a failed test left running, the engines too."""
        lock = self.lock()
        if lock is not None and alive(lock["pid"]):
            os.kill(lock["pid"], signal.SIGKILL)
        for process in self.started:
            if process.poll() is None:
                process.kill()
                process.communicate()
        self.store.close()

    def twain(self, *args: str, home: Path | None = None, **more: Any) -> Ran:
        """`twain stack …`, to its end."""
        with self.start(*args, home=home, **more) as process:
            out, err = process.communicate(timeout=600)
        return Ran(process.returncode, out, err)

    def up(self, *args: str, home: Path | None = None, **more: Any) -> Ran:
        return self.twain("up", "--cell", CELL, "--layer", "infra", "-y", *args, home=home, **more)

    def begin_up(self, home: Path | None = None) -> subprocess.Popen[str]:
        return self.start("up", "--cell", CELL, "--layer", "infra", "-y", home=home)

    def hang(self, type_: str = VPC) -> None:
        """The cloud makes the next resource of this type and never answers."""
        self.store.add_fault("hang", match={"type": type_, "op": "create"})

    def stuck(self) -> bool:
        """Whether the network is made, its engine waits for the answer, and holds the lock."""
        rows = self.store.list_resources(type=VPC)
        return bool(self.lock()) and bool(rows) and rows[0].state == "live"

    def made(self) -> Mapping[str, str]:
        """What exists in the cloud, ids by name; made twice is an error."""
        rows = self.store.list_resources()
        assert len({row.name for row in rows}) == len(rows), [row.name for row in rows]
        return {row.name: row.id for row in rows}

    @property
    def state(self) -> Path:
        return self.engine.workspace.state_dir / ".pulumi" / "stacks" / "twain" / f"{STACK}.json"

    def latest(self) -> dict[str, Any]:
        """The state as its file has it."""
        return json.loads(self.state.read_text())["checkpoint"]["latest"] or {}

    def whole(self) -> bool:
        """Whether the state holds exactly what exists, and nothing is pending."""
        latest = self.latest()
        held = {r["id"] for r in latest.get("resources") or () if r.get("custom") and "pulumi:" not in r["type"]}
        return held == set(self.made().values()) and not latest.get("pending_operations")

    def lock(self) -> dict[str, Any] | None:
        """The engine's lock of the stack."""
        folder = self.engine.workspace.state_dir / ".pulumi" / "locks" / "organization" / "twain" / STACK
        for path in folder.glob("*.json"):
            try:
                return json.loads(path.read_text())
            except (OSError, ValueError):
                continue
        return None


def until(true: Callable[[], object], within_s: float = 240) -> None:
    """Wait for what no event tells."""
    ends = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < ends, "it did not happen within the time"
        time.sleep(0.05)


def gone(pid: int) -> bool:
    """Whether a process has ended."""
    return not alive(pid)
