"""Alibaba Cloud Container Registry, Enterprise Edition, as its API enforces it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rehearsal.providers.alicloud_net import VPC, VSWITCH, region_of, tag_rules
from rehearsal.providers.model import Call, CloudRefusalError, Made, TypeSpec
from rehearsal.providers.rules import matches, needs, one_of, token
from rehearsal.providers.sdktypes import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rehearsal.providers.model import Rule

REGISTRY = "alicloud:cr/registryEnterpriseInstance:RegistryEnterpriseInstance"
NAMESPACE = "alicloud:cs/registryEnterpriseNamespace:RegistryEnterpriseNamespace"
# Namespaces that an edition holds without more being bought.
_NAMESPACES = {"Basic": 15, "Economy": 15, "Standard": 15, "Advanced": 50}


def _steps(path: str, size: int) -> Rule:
    def rule(call: Call) -> Iterator[Problem]:
        value = call.known(path)
        if isinstance(value, int) and (value <= 0 or value % size):
            yield Problem(path, f"is sold in multiples of {size}, not {value}")

    return rule


def _paid(call: Call) -> Iterator[Problem]:
    kind = call.known("paymentType")
    if isinstance(kind, str) and kind != "Subscription":
        yield Problem("paymentType", f"{kind!r} is not sold: an instance is paid in advance (Subscription)")
    if call.known("renewalStatus") == "AutoRenewal" and call.get("renewPeriod") is None:
        yield Problem("renewPeriod", "is required by the API when renewalStatus is AutoRenewal")


def _stored(call: Call) -> Iterator[Problem]:
    own, default = call.get("customOssBucket"), call.known("defaultOssBucket")
    if default == "false" and own is None:
        yield Problem("customOssBucket", "is required by the API when defaultOssBucket is false")
    if default == "true" and own is not None:
        yield Problem("customOssBucket", "conflicts with defaultOssBucket true: never set both")


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
        most = _NAMESPACES.get(str(instance.inputs.get("instanceType")), 15)
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
        name="instanceName",
        make=lambda call: Made(id=f"cri-{token(16)}", region=region_of(call)),
        key=lambda call: call.text("instanceName"),
        outputs=_instance_outputs,
        planned=lambda call: {"instanceName": call.text("instanceName")},
        immutable=frozenset({"paymentType", "renewPeriod", "renewalStatus"}),
        rules=(
            tag_rules,
            _paid,
            _stored,
            needs("period"),
            _steps("period", 12),
            _steps("namespaceQuota", 5),
            _steps("repoQuota", 1000),
            one_of("instanceType", tuple(_NAMESPACES)),
            one_of("renewalStatus", ("AutoRenewal", "ManualRenewal")),
            one_of("imageScanner", ("ACR", "SAS", "DISABLE")),
            matches("instanceName", r"[a-z0-9][a-z0-9-]{1,28}[a-z0-9]", "3 to 30 lower-case letters, digits and -"),
        ),
    ),
    TypeSpec(
        type_name=NAMESPACE,
        name="name",
        make=lambda call: Made(id=_namespace_id(call), region=region_of(call)),
        key=_namespace_id,
        outputs=_namespace_outputs,
        immutable=frozenset({"instanceId"}),
        parents=(("instanceId", REGISTRY),),
        rules=(
            one_of("defaultVisibility", ("PUBLIC", "PRIVATE")),
            matches(
                "name",
                r"[a-z0-9][a-z0-9_.-]{0,118}[a-z0-9]",
                "2 to 120 lower-case letters, digits, _ - and ., not beginning or ending with one of the last three",
            ),
        ),
    ),
    TypeSpec(
        type_name="alicloud:cr/vpcEndpointLinkedVpc:VpcEndpointLinkedVpc",
        make=lambda call: Made(id=_link_id(call), region=region_of(call)),
        key=_link_id,
        outputs=lambda _call, _id: {"status": "RUNNING"},
        immutable=frozenset({"instanceId", "moduleName", "vpcId", "vswitchId"}),
        parents=(("instanceId", REGISTRY), ("vpcId", VPC), ("vswitchId", VSWITCH)),
        rules=(_link_place, one_of("moduleName", ("Registry", "Chart"))),
    ),
)
