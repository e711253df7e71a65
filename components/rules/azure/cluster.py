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
    peek,
    present,
    shape,
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


def _named(at: str, pool: Mapping[str, Any]) -> Iterator[Problem]:
    name = pool.get("name")
    if isinstance(name, str) and not re.fullmatch(POOL_NAME, name):
        words = "1 to 12 lower-case letters and digits, beginning with a letter"
        yield Problem(f"{at}name", f"{name!r} is no valid name: {words}")


def _sized(at: str, pool: Mapping[str, Any]) -> Iterator[Problem]:
    if not present(pool, "vmSize"):
        yield Problem(f"{at}vmSize", "is required by the API")


def _scaled(at: str, pool: Mapping[str, Any]) -> Iterator[Problem]:
    limits = [name for name in ("minCount", "maxCount") if present(pool, name)]
    if pool.get("enableAutoScaling") is True:
        for name in ("minCount", "maxCount"):
            if name not in limits:
                yield Problem(f"{at}{name}", "is required by the API with enableAutoScaling")
    elif limits:
        yield Problem(f"{at}enableAutoScaling", "must be true when minCount or maxCount is set")


def _ordered(at: str, pool: Mapping[str, Any]) -> Iterator[Problem]:
    low, high = pool.get("minCount"), pool.get("maxCount")
    if isinstance(low, int) and isinstance(high, int) and low > high:
        yield Problem(f"{at}minCount", f"is {low}, above maxCount ({high})")


def _system(at: str, pool: Mapping[str, Any]) -> Iterator[Problem]:
    if pool.get("mode") == "System" and 0 in (peek(pool, "minCount"), peek(pool, "count")):
        yield Problem(f"{at}minCount", "a System pool keeps at least one node")


def _spot(at: str, pool: Mapping[str, Any]) -> Iterator[Problem]:
    if pool.get("mode") == "System" and pool.get("scaleSetPriority") == "Spot":
        yield Problem(f"{at}scaleSetPriority", "a System pool cannot be Spot")


def _pods(at: str, pool: Mapping[str, Any]) -> Iterator[Problem]:
    pods = pool.get("maxPods")
    if isinstance(pods, int) and not 10 <= pods <= 250:
        yield Problem(f"{at}maxPods", f"{pods} lies outside 10 to 250")


def _counted(name: str) -> nodes.Of:
    def of(at: str, pool: Mapping[str, Any]) -> Iterator[Problem]:
        number = pool.get(name)
        if isinstance(number, int) and not 0 <= number <= _NODES:
            yield Problem(f"{at}{name}", f"must lie between 0 and {_NODES}, not {number}")

    return of


_POOL: tuple[nodes.Of, ...] = (
    *(_sized, _scaled, _ordered, _system, _spot, _pods),
    *map(_counted, ("count", "minCount", "maxCount")),
)
_POOL_FIX = f"give a size, 0 to {_NODES} nodes in order, 10 to 250 pods each; a System pool keeps a node and is no Spot"


def _taints(call: Inputs) -> Iterator[Problem]:
    for path, text in call.texts("nodeTaints"):
        if text.rpartition(":")[2] not in ("NoSchedule", "NoExecute", "PreferNoSchedule"):
            yield Problem(path, f"{text!r} must be key=value:NoSchedule (or NoExecute, PreferNoSchedule)")


def _local_accounts(call: Inputs) -> Iterator[Problem]:
    if call.known("disableLocalAccounts") is True and call.known("aadProfile.managed") is not True:
        yield Problem("aadProfile.managed", "must be true when local accounts are disabled, or nobody could sign in")


def _no_name(call: Inputs) -> Iterator[Problem]:
    place = "apiServerAccessProfile"
    if call.known(f"{place}.privateDNSZone") == "none" and (
        call.known(f"{place}.enablePrivateClusterPublicFQDN") is False
    ):
        yield Problem(f"{place}.privateDNSZone", "none together with a disabled public name leaves no name at all")


def _workloads(call: Inputs) -> Iterator[Problem]:
    identity = call.known("securityProfile.workloadIdentity.enabled")
    if identity is True and call.known("oidcIssuerProfile.enabled") is not True:
        yield Problem("oidcIssuerProfile.enabled", "must be true for workload identity")


def _overlay(call: Inputs) -> Iterator[Problem]:
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
            shape(
                _system_pool,
                *map(nodes.inside, (_named, *_POOL)),
                fix=f"have one pool of mode System; {_POOL_FIX}",
            ),
            shape(
                _local_accounts,
                _no_name,
                _workloads,
                _overlay,
                name="cluster shape",
                fix="set what the setting needs beside it",
            ),
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
            shape(_taints, *map(nodes.alone, _POOL), name="agent pool", fix=_POOL_FIX),
        ),
    ),
)
