"""A workload that is shared with named readers, told from the objects that it would be made of on every cloud; and each
promise broken once. The rules of network policies are evaluated: in a rehearsal nothing enforces them.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from cli.serve.manifests import CellTarget, render
from components.platform.names import SYSTEM_NAMESPACE, maison_namespace
from components.policy import netpol
from components.spec.load import load_workload
from tests.contract.test_tenants import CELLS, MAISONS, PORT, Made, built
from tests.recorder import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Manifests = list[dict[str, Any]]

# aurelia shares one of its two workloads with calisto; the names of two others begin like its own.
OWNER, READER, SHARED, OWN = "aurelia", "calisto", "stylist", "advisor"


@pytest.fixture(params=list(CELLS))
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Made:
    whole = built(request.param, tmp_path)
    cell, world = CELLS[whole.cloud], "cn" if whole.cloud == "alicloud" else "row"
    workload = load_workload(ROOT / "examples" / "advisor.yaml").model_copy(
        update={"name": SHARED, "maison": OWNER, "share": "shared", "readers": (READER,)}
    )
    quota: dict[str, int] = dict.fromkeys(MAISONS, 1)
    target = CellTarget(
        cell=cell, world=world, cloud=whole.cloud, region="r", registry="registry.example", pools=(), gpu_quota=quota
    )
    objects = [*whole.objects, *render(workload, target)]
    return Made(cloud=whole.cloud, rows=whole.rows, outputs=whole.outputs, objects=objects)


def client(made: Made, maison: str) -> netpol.Pod:
    """A pod that is no engine."""
    return made.at(maison_namespace(maison), {"app": "agent", "twain/maison": OWNER})


def engine(made: Made, maison: str, workload: str) -> netpol.Pod:
    return made.at(maison_namespace(maison), {"twain/workload": workload, "twain/maison": maison})


def callers(made: Made, workload: str, objects: Manifests | None = None) -> set[str]:
    """The maisons of which a pod reaches a workload of the owner."""
    given = made.objects if objects is None else objects
    target = engine(made, OWNER, workload)
    return {one for one in MAISONS if netpol.reaches(given, client(made, one), target, port=PORT)}


def test_a_pod_of_the_named_reader_reaches_the_shared_workload_and_no_other_does(made: Made) -> None:
    assert callers(made, SHARED) == {READER}
    assert callers(made, OWN) == set()


def test_the_reader_reaches_that_port_of_that_workload_and_nothing_else(made: Made) -> None:
    source = client(made, READER)
    for port, protocol in ((22, "TCP"), (PORT, "UDP"), (443, "TCP")):
        assert not netpol.reaches(made.objects, source, engine(made, OWNER, SHARED), port=port, protocol=protocol)
    others = [made.at(maison_namespace(OWNER)), made.at(SYSTEM_NAMESPACE), engine(made, "aurelia-2", SHARED)]
    for target in others:
        assert not netpol.reaches(made.objects, source, target, port=PORT)
    # Nothing is opened the other way round, and no engine opens a connection, the reader's own included.
    assert not netpol.reaches(made.objects, engine(made, OWNER, SHARED), source, port=PORT)
    assert not netpol.reaches(made.objects, engine(made, READER, OWN), engine(made, OWNER, SHARED), port=PORT)


def test_a_pod_of_another_cell_is_no_reader_whatever_it_says(made: Made) -> None:
    """To a cluster a pod of another one is an address, and no rule names an address."""
    for labels in ({}, {"twain/maison": READER}):
        abroad = netpol.Pod(namespace="elsewhere", namespace_labels={}, labels=labels, address="10.200.0.7")
        assert not netpol.reaches(made.objects, abroad, engine(made, OWNER, SHARED), port=PORT)


def test_the_gateway_and_prometheus_still_come_in(made: Made) -> None:
    assert netpol.reaches(made.objects, made.at(SYSTEM_NAMESPACE), engine(made, OWNER, SHARED), port=PORT)


def test_the_shared_workload_has_an_address_and_the_dedicated_one_none(made: Made) -> None:
    (service,) = [
        one for one in made.objects if one["kind"] == "Service" and "twain/workload" in one["metadata"]["labels"]
    ]
    assert (service["metadata"]["namespace"], service["metadata"]["name"]) == (maison_namespace(OWNER), SHARED)
    assert service["spec"]["type"] == "ClusterIP"
    assert service["spec"]["selector"] == {"twain/workload": SHARED}
    # What the tests above ask is what a client would dial.
    assert [one["targetPort"] for one in service["spec"]["ports"]] == [PORT]


def test_the_owner_s_side_names_the_readers_alone(made: Made) -> None:
    """So that a policy which somebody adds to another maison's namespace opens nothing."""
    assert callers(made, SHARED, _planted(made.objects, _wide_out)) == {READER}


def _wide_in(one: dict[str, Any]) -> None:
    """Whoever is let in by name makes way for everybody who has a maison."""
    for rule in one["spec"].get("ingress") or ():
        for peer in rule["from"]:
            if "matchExpressions" in peer.get("namespaceSelector", {}):
                peer["namespaceSelector"] = {"matchExpressions": [{"key": "twain/maison", "operator": "Exists"}]}


def _wide_out(one: dict[str, Any]) -> None:
    """Every namespace lets its pods out to all others."""
    if one["metadata"]["name"] == "default-deny":
        one["spec"]["egress"].append({"to": [{"namespaceSelector": {}}]})


def _planted(objects: Manifests, *changes: Callable[[dict[str, Any]], None]) -> Manifests:
    found = copy.deepcopy(objects)
    for one in found:
        if one["kind"] == "NetworkPolicy":
            for change in changes:
                change(one)
    return found


def test_both_sides_must_be_open_and_either_alone_lets_nobody_else_in(made: Made) -> None:
    assert callers(made, SHARED, _planted(made.objects, _wide_in)) == {READER}
    assert callers(made, SHARED, _planted(made.objects, _wide_out)) == {READER}
    # Broken on both sides, and the evaluation finds everybody.
    assert callers(made, SHARED, _planted(made.objects, _wide_in, _wide_out)) == set(MAISONS)


@pytest.mark.parametrize("side", [maison_namespace(OWNER), maison_namespace(READER)])
def test_without_one_of_the_two_policies_the_reader_is_out(made: Made, side: str) -> None:
    kept = [
        one
        for one in made.objects
        if one["kind"] != "NetworkPolicy"
        or one["metadata"]["namespace"] != side
        or SHARED not in one["metadata"]["name"]
    ]
    found = callers(made, SHARED, kept)
    # Without the owner's policy the default of its namespace closes it again.
    assert found == set()
