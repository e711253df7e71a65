"""A cluster has of the Gateway API what was declared with it, asked of real API servers: nothing by itself, definitions
with a component or a channel, and a controller that makes its class once they are there and serves no other.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from components.clouds.gateways import GATEWAY_API, GROUPS
from components.platform.definitions import load
from rehearsal.kube import cellfile, controlplane
from rehearsal.kube.brought import Brought
from rehearsal.kube.client import ApiError, KubeClient, read_kubeconfig

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

NAME = "eu-par-1"
CELL = {"cell": NAME, "cloud": "azure", "region": "francecentral", "minor": "1.36"}
CLASSES = f"/apis/{GATEWAY_API}/v1/gatewayclasses"
GATEWAYS = f"/apis/{GATEWAY_API}/v1/namespaces/default/gateways"
POOLS = "/apis/inference.networking.k8s.io/v1/inferencepools"
_DEADLINE_S = 90.0


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    home = tmp_path_factory.mktemp("gateway")
    (home / "rehearsal.json").write_text(json.dumps({"name": "test", "block": 239, "speed": 60}))
    yield home / "row"
    controlplane.remove(home / "row", cell=NAME)


def asked(world: Path, work: Callable[[KubeClient], Awaitable[Any]]) -> Any:
    async def body() -> Any:
        access = read_kubeconfig(cellfile.folders(world, NAME).admin_kubeconfig)
        async with KubeClient(access) as client:
            return await work(client)

    return asyncio.run(body())


def served(world: Path, path: str) -> bool:
    async def look(client: KubeClient) -> bool:
        try:
            await client.get(path)
        except ApiError as error:
            # A definition that is new: its storage is being made.
            if error.code not in (404, 429):
                raise
            return False
        return True

    return asked(world, look)


def awaited(world: Path, path: str, ready: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The object, once it is as it shall be."""
    ends = time.monotonic() + _DEADLINE_S
    while time.monotonic() < ends:
        if served(world, path):
            found = asked(world, lambda client: client.get(path))
            if ready(found):
                return found
        time.sleep(0.3)
    pytest.fail(f"{path} did not become ready in {_DEADLINE_S:.0f} s")


def gateway(name: str, kind: str) -> dict[str, Any]:
    return {
        "apiVersion": f"{GATEWAY_API}/v1",
        "kind": "Gateway",
        "metadata": {"name": name},
        "spec": {"gatewayClassName": kind, "listeners": [{"name": "http", "port": 80, "protocol": "HTTP"}]},
    }


def test_a_cluster_has_what_was_declared_with_it_and_nothing_by_itself(world: Path) -> None:
    controlplane.ensure(world, **CELL)
    assert not served(world, CLASSES)
    assert not served(world, POOLS)

    # A controller without definitions, as a mesh is: nothing yet that could have a class.
    mesh = Brought(gateway_class="istio")
    controlplane.ensure(world, **CELL, brings=mesh)
    assert not served(world, CLASSES)

    # The platform's own definitions: a real API server takes them as they are in the tree.
    for one in load(GROUPS):
        path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{one['metadata']['name']}"
        asked(world, lambda client, path=path, one=one: client.apply(path, one, manager="test"))
    made = awaited(
        world,
        f"{CLASSES}/istio",
        lambda found: {one["type"]: one["status"] for one in found["status"]["conditions"]}.get("Accepted") == "True",
    )
    assert made["spec"]["controllerName"] == "istio.io/gateway-controller"
    awaited(world, POOLS, lambda _found: True)

    for name, kind in (("ours", "istio"), ("theirs", "ack-gateway")):
        asked(world, lambda client, name=name, kind=kind: client.create(GATEWAYS, gateway(name, kind)))
    awaited(world, f"{GATEWAYS}/ours", lambda found: bool((found.get("status") or {}).get("addresses")))
    theirs = asked(world, lambda client: client.get(f"{GATEWAYS}/theirs"))
    assert not theirs.get("status", {}).get("addresses")

    # Another implementation is declared: its Gateway is served, and the first one's no longer is.
    controlplane.bring(world, cell=NAME, brings=Brought(definitions=GROUPS, gateway_class="ack-gateway"))
    awaited(world, f"{GATEWAYS}/theirs", lambda found: bool((found.get("status") or {}).get("addresses")))
    facts = cellfile.read(world, NAME)
    assert facts is not None
    assert (facts.definitions, facts.gateway_class) == (GROUPS, "ack-gateway")


def test_nothing_is_installed_where_there_is_no_cluster(world: Path) -> None:
    with pytest.raises(cellfile.CellError, match="no cluster"):
        controlplane.bring(world, cell="eu-ams-1", brings=Brought(gateway_class="gke-l7-rilb"))
