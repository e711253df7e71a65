"""A control plane, an engine, and a program whose inputs a test may change: for tests of the kubernetes provider."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from components.clouds.gateways import GROUPS
from rehearsal import tools
from rehearsal.engine.pulumi import Engine
from rehearsal.kube import controlplane
from rehearsal.kube.brought import Brought

STACK = "test.eu-ams-1.platform"
CELL = "eu-ams-1"
CHECKOUT = Path(__file__).resolve().parents[2]


class Bench:
    """One cell's control plane under `home`, and the stack of one program. `world` is what the program reads."""

    def __init__(self, home: Path, *, program: str, world: dict[str, Any], block: int) -> None:
        self.home, self.world = home, home / "row"
        self._declared = world
        self.program = home / "program"
        self.program.mkdir(parents=True)
        (self.program / "__main__.py").write_text(program)
        (home / "rehearsal.json").write_text(json.dumps({"name": "test", "block": block, "speed": 60}))
        found = tools.ensure(["pulumi", "kubectl"])
        self.kubectl_path = found["kubectl"].path
        self.engine = Engine(self.world, CHECKOUT, pulumi=found["pulumi"].path, program_dir=self.program)
        self.engine.prepare()
        controlplane.ensure(
            self.world,
            cell=CELL,
            cloud="gcp",
            region="europe-west4",
            minor="1.36",
            brings=Brought(definitions=GROUPS, gateway_class="gke-l7-rilb"),
        )
        self.kubeconfig = self.world / "cells" / CELL / "admin.kubeconfig"
        self.ask()
        self.engine.stack_init(STACK)

    def ask(self, **changes: Any) -> None:
        """Say what the program declares from now on."""
        asked = self._declared | {"kubeconfig": str(self.kubeconfig)} | changes
        (self.program / "world.json").write_text(json.dumps(asked))

    def kubectl(self, *args: str, stdin: str | None = None, check: bool = True) -> str:
        """What kubectl prints, its errors among it."""
        command = [str(self.kubectl_path), "--kubeconfig", str(self.kubeconfig), *args]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=check, timeout=60)
        return done.stdout + done.stderr
