"""AKS as ARM enforces it: managed clusters with an inline system pool, and agent pools."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from components.rules.azure import nodes
from components.rules.azure.arm import in_group
from components.rules.checks import (
    exactly_one,
    matches,
    needs,
    objects,
    shape,
    strings,
)
from components.rules.model import Inputs, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from components.rules.model import TypeRules

POOL_NAME = r"[a-z][a-z0-9]{0,11}"
# Microsoft Learn, quotas of AKS: nodes of one pool.
_NODES = 1000


def _system_pool(call: Inputs) -> Iterator[Problem]:
    pools = objects(call.known("agentPoolProfiles"))
    if call.known("agentPoolProfiles") is not None and not any(pool.get("mode") == "System" for pool in pools):
        yield Problem("agentPoolProfiles", "needs at least one pool with mode System")
    for index, pool in enumerate(pools):
        path = f"agentPoolProfiles[{index}]"
        yield from _pool(f"{path}.", pool)
        name = pool.get("name")
        if isinstance(name, str) and not re.fullmatch(POOL_NAME, name):
            words = "1 to 12 lower-case letters and digits, beginning with a letter"
            yield Problem(f"{path}.name", f"{name!r} is no valid name: {words}")


def _pool(at: str, pool: Mapping[str, Any]) -> Iterator[Problem]:
    if pool.get("vmSize") is None:
        yield Problem(f"{at}vmSize", "is required by the API")
    low, high = pool.get("minCount"), pool.get("maxCount")
    if pool.get("enableAutoScaling") is True:
        for name, value in (("minCount", low), ("maxCount", high)):
            if value is None:
                yield Problem(f"{at}{name}", "is required by the API with enableAutoScaling")
    elif low is not None or high is not None:
        yield Problem(f"{at}enableAutoScaling", "must be true when minCount or maxCount is set")
    if isinstance(low, int) and isinstance(high, int) and low > high:
        yield Problem(f"{at}minCount", f"is {low}, above maxCount ({high})")
    if pool.get("mode") == "System" and (low == 0 or pool.get("count") == 0):
        yield Problem(f"{at}minCount", "a System pool keeps at least one node")
    if pool.get("mode") == "System" and pool.get("scaleSetPriority") == "Spot":
        yield Problem(f"{at}scaleSetPriority", "a System pool cannot be Spot")
    pods = pool.get("maxPods")
    if isinstance(pods, int) and not 10 <= pods <= 250:
        yield Problem(f"{at}maxPods", f"{pods} lies outside 10 to 250")
    for name in ("count", "minCount", "maxCount"):
        nodes = pool.get(name)
        if isinstance(nodes, int) and not 0 <= nodes <= _NODES:
            yield Problem(f"{at}{name}", f"must lie between 0 and {_NODES}, not {nodes}")


def _agent_pool(call: Inputs) -> Iterator[Problem]:
    yield from _pool("", call.inputs)
    for index, text in enumerate(strings(call.known("nodeTaints"))):
        if text.rpartition(":")[2] not in ("NoSchedule", "NoExecute", "PreferNoSchedule"):
            yield Problem(
                f"nodeTaints[{index}]", f"{text!r} must be key=value:NoSchedule (or NoExecute, PreferNoSchedule)"
            )


def _cluster_shape(call: Inputs) -> Iterator[Problem]:
    if call.known("disableLocalAccounts") is True and call.known("aadProfile.managed") is not True:
        yield Problem("aadProfile.managed", "must be true when local accounts are disabled, or nobody could sign in")
    access = call.known("apiServerAccessProfile")
    if (
        isinstance(access, dict)
        and access.get("privateDNSZone") == "none"
        and access.get("enablePrivateClusterPublicFQDN") is False
    ):
        yield Problem(
            "apiServerAccessProfile.privateDNSZone", "none together with a disabled public name leaves no name at all"
        )
    identity = call.known("securityProfile.workloadIdentity.enabled")
    if identity is True and call.known("oidcIssuerProfile.enabled") is not True:
        yield Problem("oidcIssuerProfile.enabled", "must be true for workload identity")
    if call.known("networkProfile.networkPluginMode") == "overlay" and call.get("networkProfile.podCidr") is None:
        yield Problem(
            "networkProfile.podCidr", "is required here in overlay mode: left out, every cluster takes 10.244.0.0/16"
        )


TYPES: tuple[TypeRules, ...] = (
    in_group(
        "azure-native:containerservice:ManagedCluster",
        "resourceName",
        immutable=frozenset(
            {
                "dnsPrefix",
                "fqdnSubdomain",
                "nodeResourceGroup",
                "networkProfile.networkPlugin",
                "networkProfile.networkPluginMode",
                "networkProfile.serviceCidr",
                "networkProfile.dnsServiceIP",
                "networkProfile.outboundType",
                "networkProfile.podCidr",
                "apiServerAccessProfile.enablePrivateCluster",
                "apiServerAccessProfile.subnetId",
                "apiServerAccessProfile.privateDNSZone",
                "diskEncryptionSetID",
            }
        ),
        rules=(
            needs("identity", "agentPoolProfiles", "sku"),
            exactly_one("dnsPrefix", "fqdnSubdomain"),
            matches(
                "resourceName", r"[a-zA-Z0-9](?:[-_a-zA-Z0-9]{0,61}[a-zA-Z0-9])?", "1 to 63 letters, digits, - and _"
            ),
            matches("dnsPrefix", r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,52}[a-zA-Z0-9])?", "1 to 54 letters, digits and -"),
            *nodes.IN_CLUSTER,
            shape(_system_pool),
            shape(_cluster_shape),
        ),
    ),
    in_group(
        "azure-native:containerservice:AgentPool",
        "agentPoolName",
        inside=("resourceName",),
        immutable=frozenset(
            {
                "vmSize",
                "availabilityZones",
                "osDiskType",
                "osDiskSizeGB",
                "osSKU",
                "osType",
                "vnetSubnetID",
                "nodeTaints",
                "maxPods",
                "gpuInstanceProfile",
                "gpuProfile",
                "scaleSetPriority",
                "kubeletDiskType",
                "enableEncryptionAtHost",
                "enableFIPS",
                "enableNodePublicIP",
            }
        ),
        located=False,
        rules=(
            matches("agentPoolName", POOL_NAME, "1 to 12 lower-case letters and digits, beginning with a letter"),
            *nodes.IN_POOL,
            shape(_agent_pool),
        ),
    ),
)
