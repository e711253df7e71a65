"""Alibaba Cloud's Platform for AI as its API enforces it: workspaces, and services of EAS."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from components.rules.checks import objects
from components.rules.model import Problem
from rehearsal.providers.alicloud_net import SECURITY_GROUP, VPC, VSWITCH, region_of
from rehearsal.providers.facts import ALICLOUD_MACHINES
from rehearsal.providers.model import Call, Made, TypeSpec
from rehearsal.providers.rules import machine_problems

if TYPE_CHECKING:
    from collections.abc import Iterator

WORKSPACE, SERVICE = "alicloud:pai/workspaceWorkspace:WorkspaceWorkspace", "alicloud:pai/service:Service"
_NETWORK: Final = {"vpc_id": VPC, "vswitch_id": VSWITCH, "security_group_id": SECURITY_GROUP}


def _service(call: Call) -> dict[str, Any]:
    text = call.known("serviceConfig")
    try:
        document = json.loads(text) if isinstance(text, str) else {}
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _part(document: dict[str, Any], *path: str) -> dict[str, Any]:
    value: Any = document
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def _document(call: Call) -> Iterator[Problem]:
    """The document is a text to the provider; the platform reads it."""
    path = "serviceConfig"
    if not isinstance(call.known(path), str):
        return
    document = _service(call)
    if not document:
        yield Problem(path, "is no JSON object")
        return
    metadata = _part(document, "metadata")
    name, instances = metadata.get("name"), metadata.get("instance", 1)
    if not isinstance(name, str) or not re.fullmatch(r"[a-z][a-z0-9_]{2,62}", name):
        yield Problem(path, f"metadata.name {name!r}: 3 to 63 lower-case letters, digits and _")
    if not isinstance(instances, int) or instances < 0:
        yield Problem(path, f"metadata.instance {instances!r}: a number of machines")
    if not objects(document.get("containers")) and not document.get("processor"):
        yield Problem(path, "needs containers with an image, or a processor")
    for container in objects(document.get("containers")):
        if not container.get("image"):
            yield Problem(path, "a container needs an image")
    machines = objects(_part(document, "cloud", "computing").get("instances"))
    if not machines and not metadata.get("resource"):
        yield Problem(path, "needs cloud.computing.instances, or a resource group in metadata.resource")
    for machine in machines:
        yield from machine_problems(path, str(machine.get("type")), machines=ALICLOUD_MACHINES, region=region_of(call))
    yield from _joined(call, _part(document, "cloud", "networking"))


def _joined(call: Call, network: dict[str, Any]) -> Iterator[Problem]:
    given = {key: network.get(key) for key in _NETWORK}
    if not any(given.values()):
        return
    for key, kind in _NETWORK.items():
        value = given[key]
        if not value:
            yield Problem("serviceConfig", f"cloud.networking.{key} is required with the other two")
        elif call.store.get_resource(str(value), type=kind) is None:
            yield Problem("serviceConfig", f"cloud.networking.{key} names {value!r}, and there is no such thing")
    vswitch = call.store.get_resource(str(given["vswitch_id"]), type=VSWITCH)
    if vswitch is not None and vswitch.inputs.get("vpcId") != given["vpc_id"]:
        yield Problem(
            "serviceConfig", f"{vswitch.id} belongs to {vswitch.inputs.get('vpcId')}, not to {given['vpc_id']}"
        )


def _service_name(call: Call) -> str:
    return str(_part(_service(call), "metadata").get("name", ""))


AI_TYPES: tuple[TypeSpec, ...] = (
    TypeSpec(
        type_name=WORKSPACE,
        make=lambda call: Made(id=str(100000 + sum(call.text("workspaceName").encode()) * 7), region=region_of(call)),
        key=lambda call: f"{region_of(call)}/{call.text('workspaceName')}",
        outputs=lambda _call, _id: {"status": "ENABLED"},
    ),
    TypeSpec(
        type_name=SERVICE,
        make=lambda call: Made(id=_service_name(call), region=region_of(call)),
        key=lambda call: f"{region_of(call)}/{_service_name(call)}",
        outputs=lambda call, _id: {"regionId": region_of(call), "status": "Running"},
        parents=(("workspaceId", WORKSPACE),),
        rules=(_document,),
    ),
)
