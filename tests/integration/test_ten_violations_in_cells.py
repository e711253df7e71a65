"""The four mistakes of `test_ten_violations.py` that are objects of Kubernetes: a cell's API server refuses them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from rehearsal.kube import cellfile
from rehearsal.kube.client import ApiError, KubeClient, read_kubeconfig
from tests.integration.test_ten_violations import OBJECTS, TEN

if TYPE_CHECKING:
    from tests.integration.conftest import Stage

CELLS = {"cn": "cn-sha-1", "row": "eu-ams-1"}


@pytest.mark.parametrize("world", CELLS)
def test_a_cells_api_server_refuses_the_four_with_the_same_ids(stage: Stage, world: str) -> None:
    folder = cellfile.folders(stage.home.world(world), CELLS[world])

    async def run() -> dict[str, str]:
        said: dict[str, str] = {}
        async with KubeClient(read_kubeconfig(folder.admin_kubeconfig)) as api:
            for body in OBJECTS[world]:
                place = f"/api/v1/namespaces/default/{body['kind'].lower()}s"
                name = body["metadata"]["name"]
                with pytest.raises(ApiError) as refused:
                    await api.create(place, body)
                said[name] = str(refused.value)
                with pytest.raises(ApiError) as absent:
                    await api.get(f"{place}/{name}")
                assert absent.value.code == 404
        return said

    for name, words in asyncio.run(run()).items():
        assert f"denied request: {TEN[world, name]} " in words, words
