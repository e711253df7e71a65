"""Charts, queues and alerts of the cells that are up."""

from __future__ import annotations

import json
import time
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from components.spec.load import load_fleet
from tests.recorder import FLEET

if TYPE_CHECKING:
    from tests.integration.conftest import Stage

CELLS = {"cn-sha-1": "cn", "eu-ams-1": "row", "eu-par-1": "row"}
PATIENCE_S = 90.0


def kubectl(stage: Stage, cell: str, *args: str) -> Any:
    return json.loads(stage.shell(CELLS[cell], "kubectl", "--context", cell, *args, "-o", "json").out)


def address(stage: Stage, cell: str, app: str) -> str:
    selector = f"app.kubernetes.io/name={app}"
    (pod,) = kubectl(stage, cell, "get", "pods", "-n", "twain-system", "-l", selector)["items"]
    return pod["status"]["podIP"]


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


@pytest.mark.parametrize("cell", CELLS)
def test_each_maison_has_its_own_queue_and_borrows_from_none(stage: Stage, cell: str) -> None:
    queues = {one["metadata"]["name"]: one["spec"] for one in kubectl(stage, cell, "get", "clusterqueues")["items"]}
    quotas = {f"maison-{one.name}": one.gpu_quota for one in load_fleet(FLEET).maisons}
    assert set(quotas) <= set(queues)
    for name, quota in quotas.items():
        spec = queues[name]
        assert not spec.get("cohort")
        assert not spec.get("cohortName")
        (group,) = spec["resourceGroups"]
        assert [one["nominalQuota"] for one in group["flavors"][0]["resources"]] == [quota]
    spaces = kubectl(stage, cell, "get", "localqueues", "--all-namespaces")["items"]
    assert {one["metadata"]["namespace"]: one["spec"]["clusterQueue"] for one in spaces} == {n: n for n in quotas}


@pytest.mark.parametrize("cell", CELLS)
def test_prometheus_hands_its_alerts_to_the_alertmanager_of_its_own_cell(stage: Stage, cell: str) -> None:
    ends = time.monotonic() + PATIENCE_S
    while True:
        # Another test may have had the pods started anew, at another address.
        wanted = [f"http://{address(stage, cell, 'alertmanager')}:9093/api/v2/alerts"]
        found = get(f"http://{address(stage, cell, 'prometheus')}:9090/api/v1/alertmanagers")["data"]
        if [one["url"] for one in found["activeAlertmanagers"]] == wanted:
            return
        assert time.monotonic() < ends, found
        time.sleep(1)
