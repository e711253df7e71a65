"""The control plane of an emulated cell, really run: bound to loopback, the same after any kill, gone when removed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from rehearsal.kube import cellfile, controlplane, exec_plugin, kwok, processes
from rehearsal.kube.cellfile import CellError
from rehearsal.kube.client import Access, ApiError, KubeClient, read_kubeconfig

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CELL = {"cell": "cn-sha-1", "cloud": "alicloud", "region": "cn-shanghai", "minor": "1.36"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    home = tmp_path_factory.mktemp("plane")
    (home / "rehearsal.json").write_text(json.dumps({"name": "test", "block": 240, "speed": 60}))
    yield home / "cn"
    controlplane.remove(home / "cn", cell="cn-sha-1")
    controlplane.remove(home / "row", cell="eu-ams-1")


@pytest.fixture(scope="module")
def plane(world: Path) -> controlplane.ControlPlane:
    return controlplane.ensure(world, **CELL)


def all_pids(world: Path) -> set[int]:
    status = controlplane.status(world, cell="cn-sha-1")
    return {*status.processes.values(), *([status.agent] if status.agent else [])}


def listening(pids: set[int]) -> list[str]:
    lines = subprocess.run(["ss", "-Hltnp"], capture_output=True, text=True, check=True).stdout.splitlines()
    return [line.split()[3] for line in lines if any(f"pid={pid}," in line for pid in pids)]


def test_nothing_of_a_cell_listens_outside_loopback(world: Path, plane: controlplane.ControlPlane) -> None:
    addresses = listening(all_pids(world))
    assert len(addresses) >= 5, addresses
    assert [address for address in addresses if not address.startswith("127.")] == []


def test_a_second_call_finds_the_same_control_plane(world: Path, plane: controlplane.ControlPlane) -> None:
    before = all_pids(world)
    assert controlplane.ensure(world, **CELL) == plane
    assert all_pids(world) == before


def test_killed_processes_come_back_on_the_same_data_and_port(world: Path, plane: controlplane.ControlPlane) -> None:
    access = read_kubeconfig(cellfile.folders(world, "cn-sha-1").admin_kubeconfig)

    async def make() -> None:
        async with KubeClient(access) as client:
            await client.create("/api/v1/namespaces", {"metadata": {"name": "kept"}})

    async def look() -> str:
        async with KubeClient(access) as client:
            return (await client.get("/api/v1/namespaces/kept"))["metadata"]["name"]

    asyncio.run(make())
    for pid in controlplane.status(world, cell="cn-sha-1").processes.values():
        os.kill(pid, signal.SIGKILL)
    assert controlplane.revive(world, cell="cn-sha-1") == plane
    assert controlplane.revive(world, cell="cn-bei-1") is None
    assert asyncio.run(look()) == "kept"
    assert controlplane.status(world, cell="cn-sha-1").up


def test_an_attempt_killed_half_way_is_cleaned_and_made_again(world: Path) -> None:
    row = world.parent / "row"
    facts = cellfile.reserve(row, cell="eu-ams-1", cloud="gcp", region="europe-west4", minor="1.36")
    place = cellfile.folders(row, "eu-ams-1")
    tools = controlplane.toolpaths.paths((*kwok.COMPONENTS, "kwokctl"))
    kwok.create(place, tools)  # and here the maker was killed: nothing was written down
    first = {process.pid for process in kwok.running(place).values()}
    assert len(first) == 4
    assert facts.state == "creating"
    made = controlplane.ensure(row, cell="eu-ams-1", cloud="gcp", region="europe-west4", minor="1.36")
    assert made.endpoint.startswith("https://127.0.0.1:")
    assert [pid for pid in first if processes.lookup(pid)] == []
    assert cellfile.read(row, "eu-ams-1") == replace(
        facts,
        state="ready",
        endpoint=made.endpoint,
        ca=made.ca_pem,
        admin_kubeconfig=str(place.admin_kubeconfig),
    )
    other = cellfile.read(world, "cn-sha-1")
    assert other is None or other.index != facts.index


def test_a_minor_that_is_not_built_is_refused_by_name(world: Path) -> None:
    with pytest.raises(CellError, match=r"1\.36.*not 1\.31"):
        controlplane.ensure(world, **(CELL | {"minor": "1.31"}))


def test_the_plugin_gives_a_short_lived_token_with_the_rights_of_the_identity(
    world: Path, plane: controlplane.ControlPlane
) -> None:
    def token(identity: str) -> str:
        environment = {"TWAIN_REHEARSAL_WORLD": str(world), "TWAIN_CELL": "cn-sha-1", "TWAIN_IDENTITY": identity}
        asked = exec_plugin.parse("ack-ram-tool", ["credential-plugin", "get-credential", "--cluster-id", "unknown"])
        return exec_plugin.credential(asked, environment)["status"]["token"]

    async def secrets(bearer: str) -> int:
        async with KubeClient(Access(server=plane.endpoint, ca_pem=plane.ca_pem, token=bearer)) as client:
            try:
                await client.get("/api/v1/secrets")
            except ApiError as error:
                return error.code
            return 200

    assert asyncio.run(secrets(token("platform-engineer"))) == 200
    assert asyncio.run(secrets(token("sre"))) == 403
    file = cellfile.folders(world, "cn-sha-1").root / "tokens" / "sre.json"
    assert file.stat().st_mode & 0o777 == 0o600


def test_the_plugin_gives_nothing_for_a_cell_of_another_world(world: Path, plane: controlplane.ControlPlane) -> None:
    environment = {"TWAIN_REHEARSAL_WORLD": str(world.parent / "row"), "TWAIN_CELL": "cn-sha-1"}
    with pytest.raises(CellError, match="world row has no cell cn-sha-1"):
        exec_plugin.credential(exec_plugin.parse("ack-ram-tool", ["credential-plugin", "get-credential"]), environment)


def test_the_audit_log_names_who_did_what(world: Path, plane: controlplane.ControlPlane) -> None:
    log = cellfile.folders(world, "cn-sha-1").audit
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    asked = [e for e in entries if e.get("objectRef", {}).get("subresource") == "token"]
    assert {e["objectRef"]["name"] for e in asked} >= {"sre", "platform-engineer"}
    assert {e["level"] for e in entries} == {"Metadata"}


def test_removing_leaves_no_process_and_no_key(world: Path, plane: controlplane.ControlPlane) -> None:
    pids = all_pids(world)
    assert len(pids) == 5
    controlplane.remove(world, cell="cn-sha-1")
    assert [pid for pid in pids if processes.lookup(pid)] == []
    place = cellfile.folders(world, "cn-sha-1")
    assert not place.kwok.exists()
    assert not place.admin_kubeconfig.exists()
    assert cellfile.read(world, "cn-sha-1") is None
    controlplane.remove(world, cell="cn-sha-1")
