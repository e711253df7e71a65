"""Kubernetes upgrades on real control planes: a restart on the same data, at which APIs come and go."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from cli.check import upgrade
from cli.kube import minors
from cli.kube.client import KubeClient as OperatorsClient
from cli.kube.client import StaticToken
from cli.net import http
from cli.net.deadline import Deadline
from rehearsal.kube import cellfile, controlplane, emulate, exec_plugin, kwok
from rehearsal.kube.cellfile import CellError
from rehearsal.kube.client import ApiError, KubeClient, read_kubeconfig
from tests.integration.conftest import ROOT
from tests.integration.small import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAME = "eu-ams-1"
CELL = {"cell": NAME, "cloud": "gcp", "region": "europe-west4"}
_ADMISSION = "admissionregistration.k8s.io"
_MUTATING = f"/apis/{_ADMISSION}/v1/mutatingadmissionpolicies"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "rehearsal.json").write_text(json.dumps({"name": "test", "block": 245, "speed": 60}))
    yield tmp_path / "row"
    controlplane.remove(tmp_path / "row", cell=NAME)


def ask(world: Path, work: Any) -> Any:
    """What a coroutine function of the cloud's own client finds."""

    async def run() -> Any:
        async with KubeClient(read_kubeconfig(cellfile.folders(world, NAME).admin_kubeconfig)) as client:
            return await work(client)

    return asyncio.run(run())


def version(world: Path) -> minors.Running | None:
    return minors.of_version(json.dumps(ask(world, lambda client: client.get("/version"))).encode())


def code(world: Path, path: str) -> int:
    async def look(client: KubeClient) -> int:
        try:
            await client.get(path)
        except ApiError as error:
            return error.code
        return 200

    return ask(world, look)


def findings(world: Path, *, running: str, wanted: str) -> list[upgrade.Finding]:
    """What the operator's own check says of a cell."""
    plane = cellfile.read(world, NAME)
    assert plane is not None
    environment = {"TWAIN_REHEARSAL_WORLD": str(world), "TWAIN_CELL": NAME, "TWAIN_IDENTITY": "platform-engineer"}
    token = exec_plugin.credential(exec_plugin.parse("gke-gcloud-auth-plugin", []), environment)["status"]["token"]

    async def run() -> list[upgrade.Finding]:
        client = http.HttpClient(plane.endpoint, ssl_context=http.tls(plane.ca))
        async with OperatorsClient(NAME, client, StaticToken(token)) as kube:
            return await upgrade.live(kube, running=running, wanted=wanted, deadline=Deadline(30))

    return asyncio.run(run())


def test_a_control_plane_goes_up_minor_by_minor_on_its_own_data(world: Path) -> None:
    made = controlplane.ensure(world, **CELL, minor="1.33")
    assert version(world) == minors.Running(minor="1.33", program=emulate.built())
    for minor, reason in (("1.35", r"no minor is skipped; the next is 1\.34"), ("1.32", "plays 1.33 to 1.36")):
        with pytest.raises(CellError, match=reason):
            controlplane.ensure(world, **CELL, minor=minor)
    assert version(world) == minors.Running(minor="1.33", program=emulate.built())
    assert {finding.state for finding in findings(world, running="1.33", wanted="1.34")} == {"ok"}
    _use_a_beta(world)
    killed_on_the_way(world, "1.34")
    assert controlplane.revive(world, cell=NAME) is not None
    assert version(world) == minors.Running(minor="1.34", program=emulate.built())
    assert emulate.played(cellfile.folders(world, NAME)) == {"1.34"}
    assert code(world, f"/apis/{_ADMISSION}/v1beta1") == 404
    assert code(world, f"/apis/{_ADMISSION}/v1/validatingadmissionpolicies/old") == 200
    with pytest.raises(CellError, match=r"never taken back to 1\.33"):
        controlplane.ensure(world, **CELL, minor="1.33")
    controlplane.ensure(world, **CELL, minor="1.35")
    assert code(world, _MUTATING) == 404
    assert controlplane.ensure(world, **CELL, minor="1.36") == made
    assert version(world) == minors.Running(minor="1.36", program="1.36")
    assert code(world, _MUTATING) == 200


def killed_on_the_way(world: Path, minor: str) -> None:
    """An upgrade whose process is killed when the first programs are down."""
    script = (
        "import json,sys;from pathlib import Path;from rehearsal.kube import controlplane;"
        "controlplane.ensure(Path(sys.argv[1]), **json.loads(sys.argv[2]))"
    )
    command = [sys.executable, "-c", script, str(world), json.dumps({**CELL, "minor": minor})]
    place = cellfile.folders(world, NAME)
    with subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}) as process:
        assert until(lambda: len(kwok.running(place)) < len(kwok.COMPONENTS) or process.poll() is not None, 60)
        process.send_signal(signal.SIGKILL)


def _use_a_beta(world: Path) -> None:
    """An API in use that the next minor removes is found by object and by request; of other steps nothing is said."""
    _serve_betas(world, on=True)
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}
    old: dict[str, Any] = {
        "metadata": {"name": "old"},
        "spec": {"matchConstraints": {"resourceRules": [rule]}, "validations": [{"expression": "true"}]},
    }
    path = f"/apis/{_ADMISSION}/v1beta1/validatingadmissionpolicies"
    ask(world, lambda client: client.create(path, old))
    found = {finding.subject: finding for finding in findings(world, running="1.33", wanted="1.34")}
    written = found["ValidatingAdmissionPolicy old"]
    asked = found[f"validatingadmissionpolicies of {_ADMISSION}/v1beta1"]
    assert (written.state, asked.state) == ("failed", "failed")
    assert "v1beta1, which Kubernetes 1.34 no longer serves" in written.says
    assert {finding.state for finding in findings(world, running="1.34", wanted="1.35")} == {"ok"}
    _serve_betas(world, on=False)


def _serve_betas(world: Path, *, on: bool) -> None:
    """What a cloud may do for a customer who asks: serve a beta API that is off by default."""
    place = cellfile.folders(world, NAME)
    file = place.cluster / "kwok.yaml"
    documents = list(yaml.safe_load_all(file.read_text(encoding="utf-8")))
    (server,) = [one for one in documents[0]["components"] if one["name"] == "kube-apiserver"]
    kept = [argument for argument in server["args"] if not argument.startswith("--runtime-config")]
    server["args"] = [*kept, f"--runtime-config={_ADMISSION}/v1beta1=true"] if on else kept
    file.write_text(yaml.safe_dump_all(documents), encoding="utf-8")
    if on:
        kwok.start(place, controlplane.toolpaths.paths((*kwok.COMPONENTS, "kwokctl")))
