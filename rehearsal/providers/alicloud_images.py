"""Alibaba Cloud Container Registry, Enterprise Edition, as its API enforces it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.rules.alicloud.images import NAMESPACES
from components.rules.model import Problem
from rehearsal.providers.alicloud_net import VPC, VSWITCH, region_of
from rehearsal.providers.model import Call, CloudRefusalError, Made, TypeSpec
from rehearsal.providers.rules import token

if TYPE_CHECKING:
    from collections.abc import Iterator


REGISTRY = "alicloud:cr/registryEnterpriseInstance:RegistryEnterpriseInstance"
NAMESPACE = "alicloud:cs/registryEnterpriseNamespace:RegistryEnterpriseNamespace"


def _instance_outputs(call: Call, _id: str) -> dict[str, Any]:
    domain = f"{call.text('instanceName')}-registry.{region_of(call)}.cr.aliyuncs.com"
    # The endpoint inside a VPC is told once a VPC is linked, by another look at the instance.
    closed = {"endpointType": "internet", "enable": False, "domains": [{"domain": domain, "type": "SYSTEM"}]}
    return {"regionId": region_of(call), "status": "RUNNING", "instanceEndpoints": [closed]}


def _namespace_id(call: Call) -> str:
    return f"{call.text('instanceId')}:{call.text('name')}"


def _namespace_outputs(call: Call, id_: str) -> dict[str, Any]:
    instance = call.store.get_resource(call.text("instanceId"), type=REGISTRY)
    if instance is not None:
        most = NAMESPACES.get(str(instance.inputs.get("instanceType")), 15)
        most += int(instance.inputs.get("namespaceQuota") or 0)
        there = [one for one in call.store.list_resources(type=NAMESPACE) if one.id.startswith(f"{instance.id}:")]
        if len({one.id for one in there} | {id_}) > most:
            message = f"NAMESPACE_QUOTA_EXCEEDED: {instance.id} holds {most} namespaces"
            raise CloudRefusalError(message)
    return {}


def _link_id(call: Call) -> str:
    return ":".join(call.text(path) for path in ("instanceId", "vpcId", "vswitchId", "moduleName"))


def _link_place(call: Call) -> Iterator[Problem]:
    vswitch, vpc = call.store.get_resource(call.text("vswitchId"), type=VSWITCH), call.known("vpcId")
    if vswitch is not None and isinstance(vpc, str) and vswitch.inputs.get("vpcId") != vpc:
        yield Problem("vswitchId", f"{vswitch.id} belongs to {vswitch.inputs.get('vpcId')}, not to {vpc}")


IMAGE_TYPES: tuple[TypeSpec, ...] = (
    TypeSpec(
        type_name=REGISTRY,
        make=lambda call: Made(id=f"cri-{token(16)}", region=region_of(call)),
        key=lambda call: call.text("instanceName"),
        outputs=_instance_outputs,
        planned=lambda call: {"instanceName": call.text("instanceName")},
    ),
    TypeSpec(
        type_name=NAMESPACE,
        make=lambda call: Made(id=_namespace_id(call), region=region_of(call)),
        key=_namespace_id,
        outputs=_namespace_outputs,
        parents=(("instanceId", REGISTRY),),
    ),
    TypeSpec(
        type_name="alicloud:cr/vpcEndpointLinkedVpc:VpcEndpointLinkedVpc",
        make=lambda call: Made(id=_link_id(call), region=region_of(call)),
        key=_link_id,
        outputs=lambda _call, _id: {"status": "RUNNING"},
        parents=(("instanceId", REGISTRY), ("vpcId", VPC), ("vswitchId", VSWITCH)),
        rules=(_link_place,),
    ),
)
