"""A workload that is shared with a reader, on cells that are up: what the API servers hold is judged. The network of a
rehearsal enforces no policy.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from components.policy import netpol
from tests.integration.test_rehearsal_serving import CELLS, EXAMPLE, kubectl

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.integration.conftest import Stage

# A name of its own: the example serves other tests.
NAME, OWNER, READER, PORT = "stylist", "aurelia", "calisto", 8000
WORLD = "row"
OWN = [cell for cell, world in CELLS.items() if world == WORLD]
SHARED = "  share: shared\n  readers: [calisto]\n"


def written(tmp_path: Path, more: str) -> str:
    """The example under another name, in one world, with nothing running: a replica would need GPUs of others."""
    text = EXAMPLE.read_text(encoding="utf-8")
    for old, new in (
        ("name: advisor", f"name: {NAME}"),
        ("replicas: 2", "replicas: 0"),
        ("worlds: [cn, row]", "worlds: [row]"),
    ):
        assert old in text
        text = text.replace(old, new)
    assert "\nspec:\n" in text
    path = tmp_path / f"{NAME}.yaml"
    path.write_text(text.replace("\nspec:\n", f"\nspec:\n{more}"), encoding="utf-8")
    return str(path)


@pytest.fixture
def gone(stage: Stage) -> Iterator[None]:
    """Whatever a test leaves of the workload is taken away."""
    yield
    ran = stage.operator(WORLD, "serve", "delete", NAME, "--maison", OWNER, "--world", WORLD, "-y")
    assert ran.code == 0, ran.err


def applied(stage: Stage, file: str) -> list[dict[str, Any]]:
    ran = stage.operator(WORLD, "serve", "apply", "-f", file, "-y", "-o", "json")
    assert ran.code == 0, ran.err
    return ran.items


def policies(stage: Stage, cell: str) -> list[dict[str, Any]]:
    return kubectl(stage, cell, "get", "networkpolicies", "--all-namespaces")["items"]


def pod(stage: Stage, cell: str, maison: str, **labels: str) -> netpol.Pod:
    space = kubectl(stage, cell, "get", "namespace", f"maison-{maison}")["metadata"]
    return netpol.Pod(namespace=space["name"], namespace_labels=space["labels"], labels=labels)


def test_the_reader_gets_in_when_it_is_named_and_is_out_again_when_it_is_not(
    stage: Stage, tmp_path: Path, gone: None
) -> None:
    applied(stage, written(tmp_path, SHARED))
    for cell in OWN:
        found = policies(stage, cell)
        engine = pod(stage, cell, OWNER, **{"twain/workload": NAME})
        other = pod(stage, cell, OWNER, **{"twain/workload": "advisor"})
        client = pod(stage, cell, READER, app="agent")
        assert netpol.reaches(found, client, engine, port=PORT)
        assert not netpol.reaches(found, client, engine, port=22)
        assert not netpol.reaches(found, client, other, port=PORT)
        assert not netpol.reaches(found, engine, client, port=PORT)
        # The pods of its own maison come by the gateway as before.
        assert not netpol.reaches(found, pod(stage, cell, OWNER, app="agent"), engine, port=PORT)
        service = kubectl(stage, cell, "-n", f"maison-{OWNER}", "get", "service", NAME)
        assert service["spec"]["type"] == "ClusterIP"
    listed = stage.operator(WORLD, "serve", "get", NAME, "--world", WORLD, "-o", "json").items
    assert {item["cell"]: item["readers"] for item in listed} == {cell: [READER] for cell in OWN}
    assert [item["changed"] for item in applied(stage, written(tmp_path, SHARED))] == [[] for _ in OWN]

    applied(stage, written(tmp_path, ""))
    for cell in OWN:
        found = policies(stage, cell)
        engine = pod(stage, cell, OWNER, **{"twain/workload": NAME})
        assert not netpol.reaches(found, pod(stage, cell, READER, app="agent"), engine, port=PORT)
        assert not [one for one in found if one["metadata"]["name"] == f"asks.{OWNER}.{NAME}"]
        services = kubectl(stage, cell, "-n", f"maison-{OWNER}", "get", "services", "-l", f"twain/workload={NAME}")
        assert services["items"] == []


def test_both_ends_let_in_by_the_gate_of_the_other_world(stage: Stage, tmp_path: Path, gone: None) -> None:
    """The operator of China asks the gate of the other world, which makes the same objects."""
    ran = stage.operator("cn", "serve", "apply", "-f", written(tmp_path, SHARED), "-y", "-o", "json")
    assert ran.code == 0, ran.err
    for cell in OWN:
        engine = pod(stage, cell, OWNER, **{"twain/workload": NAME})
        assert netpol.reaches(policies(stage, cell), pod(stage, cell, READER, app="agent"), engine, port=PORT)
    # What a gate tells is the telemetry contract's: no word of whom it is shared with.
    beyond = stage.operator("cn", "serve", "get", NAME, "--world", WORLD, "-o", "json").items
    assert [item["readers"] for item in beyond] == [None for _ in OWN]


def test_the_readers_that_there_are_not_are_refused_with_all_else_and_nothing_is_made(
    stage: Stage, tmp_path: Path
) -> None:
    file = written(tmp_path, "  readers: [nobody, aurelia]\n")
    ran = stage.operator(WORLD, "serve", "apply", "-f", file, "-y")
    assert ran.code == 2
    for told in ("it is dedicated to aurelia", "a reader is another one", "no maison 'nobody'"):
        assert told in ran.err
    for cell in OWN:
        assert not [one for one in policies(stage, cell) if NAME in one["metadata"]["name"]]


@pytest.mark.parametrize("cell", CELLS)
def test_the_way_to_the_bucket_is_what_the_api_server_has(stage: Stage, cell: str) -> None:
    """What is named of the ranges where this cloud's bucket and its tokens are, and nothing else of the world."""
    found = policies(stage, cell)
    client = pod(stage, cell, READER, app="trainer")
    ways = [
        (block["ipBlock"]["cidr"], port["port"])
        for one in found
        if one["metadata"]["namespace"] == client.namespace
        for rule in one["spec"].get("egress") or ()
        for block in rule.get("to") or ()
        if "ipBlock" in block
        for port in rule["ports"]
    ]
    assert {port for _, port in ways} <= {443, 80, 8080}, json.dumps(found)[:500]
    assert 443 in {port for _, port in ways}
    for cidr, port in ways:
        inside = netpol.Pod(namespace="", namespace_labels={}, address=cidr.partition("/")[0])
        assert netpol.reaches(found, client, inside, port=port)
        assert not netpol.reaches(found, client, inside, port=22)
    world = netpol.Pod(namespace="", namespace_labels={}, address="8.8.8.8")
    assert not netpol.reaches(found, client, world, port=443)
    engine = pod(stage, cell, READER, **{"twain/workload": "advisor"})
    for cidr, port in ways:
        inside = netpol.Pod(namespace="", namespace_labels={}, address=cidr.partition("/")[0])
        assert not netpol.reaches(found, engine, inside, port=port)
