"""When a pod of a Node begins."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from rehearsal.agent import kubelet
from rehearsal.agent.nodes import Nodes
from rehearsal.kube.cellfile import Addresses

ADDRESSES = Addresses(block=7, index=0)
POD = {"metadata": {"uid": "u", "name": "p", "namespace": "n"}, "spec": {"nodeName": "gpu-1"}}


class Begun:
    """Stands for a pod's runner: what it was begun with."""

    def __init__(self, pod: dict[str, Any], _services: object, *, node: dict[str, Any], **_more: object) -> None:
        self.pod, self.node, self.uid = pod, node, pod["metadata"]["uid"]

    async def run(self) -> None:
        await asyncio.sleep(60)


def node(**status: Any) -> dict[str, Any]:
    return {"metadata": {"name": "gpu-1"}, "spec": {"podCIDR": ADDRESSES.pod_cidr(3)}, "status": status}


@pytest.mark.parametrize("known", [None, node(), node(conditions=[])])
def test_a_pod_begins_only_on_a_node_that_has_told_its_capacity(
    monkeypatch: pytest.MonkeyPatch, known: dict[str, Any] | None
) -> None:
    monkeypatch.setattr(kubelet, "PodRunner", Begun)
    site: Any = SimpleNamespace(addresses=ADDRESSES)
    nodes = Nodes(site, appeared=lambda _: None, vanished=lambda _: None)

    async def bound_too_early() -> dict[str, Any]:
        played = kubelet.Kubelet(SimpleNamespace(site=site), nodes, poke=lambda: None)  # type: ignore[arg-type]
        if known is not None:
            nodes.changed(known)
        played.changed(POD)
        played.node_appeared()
        assert played.runners == {}
        nodes.changed(node(capacity={"nvidia.com/gpu": "1"}))
        played.node_appeared()
        return played.runners["u"].node

    assert asyncio.run(bound_too_early())["status"]["capacity"] == {"nvidia.com/gpu": "1"}
