"""ACK as its API enforces it: managed clusters, node pools, the cluster-wide autoscaling engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.rules.checks import (
    objects,
    overlap_problems,
    strings,
)
from rehearsal.providers import alicloud_components, gateways
from rehearsal.providers.alicloud_net import SECURITY_GROUP, VSWITCH, by_urn, region_of
from rehearsal.providers.alicloud_nodes import images
from rehearsal.providers.clusters import ensure_cluster, minor_of, pool_of, remove_cluster, version_problems, whole
from rehearsal.providers.facts import ALICLOUD_MACHINES
from rehearsal.providers.model import Call, CloudRefusalError, Made, TypeSpec
from rehearsal.providers.rules import machine_problems
from rehearsal.providers.store import Pool, Resource, Taint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from components.rules.model import Problem

CLUSTER, NODE_POOL = "alicloud:cs/managedKubernetes:ManagedKubernetes", "alicloud:cs/nodePool:NodePool"
KEY, LOG_PROJECT = "alicloud:kms/key:Key", "alicloud:log/project:Project"
_ACCOUNT = "1000000000000001"


def _version(call: Call) -> Iterator[Problem]:
    yield from version_problems("version", call.text("version"), cloud="alicloud")


def _service_range(call: Call) -> Iterator[Problem]:
    vswitch = next((call.store.get_resource(value, type=VSWITCH) for value in strings(call.known("vswitchIds"))), None)
    vpc = call.store.get_resource(str(vswitch.inputs.get("vpcId"))) if vswitch else None
    if vpc is not None and call.text("serviceCidr"):
        yield from overlap_problems("serviceCidr", call.text("serviceCidr"), {vpc.id: str(vpc.inputs.get("cidrBlock"))})


def _cluster_outputs(call: Call, id_: str) -> dict[str, Any]:
    region = region_of(call)
    first = next(iter(strings(call.known("vswitchIds"))), "")
    vswitch = call.store.get_resource(first, type=VSWITCH)
    outputs: dict[str, Any] = {
        "vpcId": str(vswitch.inputs.get("vpcId")) if vswitch else "",
        "workerRamRoleName": f"KubernetesWorkerRole-{id_[:24]}",
        "slbId": f"lb-uf6{id_[-18:]}",
        "slbIntranet": "10.0.0.1",
        "securityGroupId": call.text("securityGroupId") or f"sg-uf6{id_[-18:]}",
        "version": call.text("version") or f"{minor_of('')}.1-aliyun.1",
    }
    if call.known("enableRrsa") is True:
        outputs["rrsaMetadata"] = {
            "enabled": True,
            "rrsaOidcIssuerUrl": f"https://oidc-ack-{region}.oss-{region}.aliyuncs.com/{id_}",
            "ramOidcProviderName": f"ack-rrsa-{id_}",
            "ramOidcProviderArn": f"acs:ram::{_ACCOUNT}:oidc-provider/ack-rrsa-{id_}",
        }
    return outputs


def _cluster_effect(call: Call, resource: Resource) -> dict[str, Any]:
    minor = minor_of(call.text("version"))
    brings = gateways.alicloud(alicloud_components.installed(call, resource))
    endpoint = ensure_cluster(call, resource, cloud="alicloud", region=region_of(call), minor=minor, brings=brings)
    connection = {
        "apiServerIntranet": endpoint.url,
        "serviceDomain": f"*.{resource.id}.{region_of(call)}.alicontainer.com",
    }
    added: dict[str, Any] = {"connections": [connection]}
    if call.known("skipSetCertificateAuthority") is not True:
        added["certificateAuthorities"] = [{"clusterCert": endpoint.ca}]
    return added


def _cluster_removal(resource: Resource, call: Call) -> None:
    if resource.inputs.get("deletionProtection") is True:
        message = (
            f"{resource.name} is protected against deletion; set deletion_protection to false and bring that up first"
        )
        raise CloudRefusalError(message)
    remove_cluster(resource, call)


def _machines(call: Call) -> Iterator[Problem]:
    for index, value in enumerate(strings(call.known("instanceTypes"))):
        path = f"instanceTypes[{index}]"
        yield from machine_problems(path, value, machines=ALICLOUD_MACHINES, region=region_of(call))


def _plane(call: Call) -> str:
    """The version of a pool's control plane; empty where its cluster is not known yet."""
    cluster = call.store.get_resource(call.text("clusterId"), type=CLUSTER)
    return str(cluster.outputs.get("version") or "") if cluster else ""


def _pool(call: Call, id_: str) -> Iterator[Pool]:
    cluster = call.store.get_resource(call.text("clusterId"), type=CLUSTER)
    vswitches = [call.store.get_resource(value, type=VSWITCH) for value in strings(call.known("vswitchIds"))]
    scaling = call.known("scalingConfig.enable") is True
    fixed = whole(int(call.text("desiredSize") or 0))
    yield pool_of(
        cell=cluster.cell if cluster else call.cell,
        cloud="alicloud",
        name=call.text("nodePoolName"),
        instance_type=next(iter(strings(call.known("instanceTypes"))), ""),
        smallest=whole(call.known("scalingConfig.minSize")) if scaling else fixed,
        largest=whole(call.known("scalingConfig.maxSize")) if scaling else fixed,
        zones=list(dict.fromkeys(vswitch.zone for vswitch in vswitches if vswitch)),
        labels={str(label["key"]): str(label.get("value", "")) for label in objects(call.known("labels"))},
        taints=[
            Taint(
                key=str(taint["key"]), value=str(taint.get("value", "")), effect=str(taint.get("effect", "NoSchedule"))
            )
            for taint in objects(call.known("taints"))
        ],
        resource=id_,
    )


def _cluster_id(call: Call) -> Made:
    import secrets

    return Made(id=f"c{secrets.token_hex(16)}", region=region_of(call))


def _pool_id(call: Call) -> Made:
    import secrets

    return Made(id=f"{call.text('clusterId')}:np{secrets.token_hex(16)}", region=region_of(call))


CLUSTER_TYPES: tuple[TypeSpec, ...] = (
    TypeSpec(
        type_name=CLUSTER,
        make=_cluster_id,
        key=lambda call: f"{region_of(call)}/{call.text('name')}",
        outputs=_cluster_outputs,
        effect=_cluster_effect,
        removal=_cluster_removal,
        planned=lambda call: {"name": call.text("name")},
        parents=(
            ("vswitchIds[]", VSWITCH),
            ("podVswitchIds[]", VSWITCH),
            ("securityGroupId", SECURITY_GROUP),
            ("encryptionProviderKey", KEY),
            ("controlPlaneLogProject", LOG_PROJECT),
            ("auditLogConfig.slsProjectName", LOG_PROJECT),
        ),
        rules=(
            _version,
            _service_range,
        ),
    ),
    TypeSpec(
        type_name=NODE_POOL,
        make=_pool_id,
        key=lambda call: f"{call.text('clusterId')}/{call.text('nodePoolName')}",
        outputs=lambda _call, id_: {"nodePoolId": id_.split(":", 1)[1], "scalingGroupId": f"asg-uf6{id_[-18:]}"},
        pools=_pool,
        parents=(("clusterId", CLUSTER), ("vswitchIds[]", VSWITCH), ("securityGroupIds[]", SECURITY_GROUP)),
        rules=(_machines, images(_plane)),
    ),
    TypeSpec(
        type_name="alicloud:cs/autoscalingConfig:AutoscalingConfig",
        make=lambda call: Made(id=call.text("clusterId"), region=region_of(call)),
        key=lambda call: call.text("clusterId") or by_urn(call),
        outputs=lambda _call, _id: {},
        parents=(("clusterId", CLUSTER),),
    ),
)
