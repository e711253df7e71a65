"""What the nodes of a cell are made of, as their API server lists them."""

from __future__ import annotations

import asyncio
import json
from typing import Any, cast

import pytest

from cli.kube import minors


class Kube:
    """A cell whose nodes are these, in pages of two."""

    def __init__(self, *nodes: dict[str, Any]) -> None:
        self.nodes = nodes

    async def pages(self, _path: str, **_more: object) -> Any:
        for start in range(0, len(self.nodes), 2):
            yield json.dumps({"items": self.nodes[start : start + 2]}).encode()


def node(version: str = "v1.36.3", *, gpus: int = 0, image: str = "", **labels: str) -> dict[str, Any]:
    told = {"kubeletVersion": version, "osImage": image}
    capacity = {"cpu": "4", **({"nvidia.com/gpu": str(gpus)} if gpus else {})}
    return {"metadata": {"labels": labels}, "status": {"nodeInfo": told, "capacity": capacity}}


def made(*nodes: dict[str, Any]) -> dict[str, Any]:
    found = asyncio.run(minors.made(cast("Any", Kube(*nodes)), deadline=cast("Any", None)))
    running = minors.as_json(minors.Running(minor="1.36", program="1.36"), found)
    assert running is not None
    return {key: running[key] for key in ("nodes", "images", "drivers")}


def test_minors_images_and_drivers_are_counted_and_a_skew_shows() -> None:
    aks = {"kubernetes.azure.com/node-image-version": "AKSUbuntu-2204-202608.13.0"}
    gke = {"cloud.google.com/gke-os-distribution": "cos"}
    assert made(
        node("v1.35.9", **aks),
        node(image="Ubuntu 24.04", **gke),
        node(gpus=8, **gke, **{"cloud.google.com/gke-gpu-driver-version": "latest"}),
        node(gpus=1, image="Alibaba Cloud Linux 3", **{"ack.aliyun.com/nvidia-driver-version": "570.169"}),
        node(gpus=1, image="Alibaba Cloud Linux 3"),
    ) == {
        "nodes": {"1.35": 1, "1.36": 4},
        "images": {"AKSUbuntu-2204-202608.13.0": 1, "Alibaba Cloud Linux 3": 2, "cos": 2},
        "drivers": {"570.169": 1, "latest": 1, "unknown": 1},
    }


def test_what_a_node_does_not_tell_is_unknown_and_none_is_none() -> None:
    assert made(node("")) == {"nodes": {"unknown": 1}, "images": {"unknown": 1}, "drivers": {}}
    assert made() == {"nodes": {}, "images": {}, "drivers": {}}


@pytest.mark.parametrize(("found", "counted"), [(None, False), (minors.Made(), True)])
def test_nodes_that_nobody_asked_for_are_null_and_not_zero(found: minors.Made | None, counted: bool) -> None:
    told = minors.as_json(minors.Running(minor="1.36", program="1.36"), found)
    assert told is not None
    assert [told[key] is not None for key in ("nodes", "images", "drivers")] == [counted] * 3
