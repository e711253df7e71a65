"""GKE as its API enforces it: clusters and node pools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.rules.checks import (
    cidr,
    conflicts,
    matches,
    min_not_above_max,
    needs,
    not_offered,
    one_of,
    present,
    shape,
)
from components.rules.gcp import nodes
from components.rules.gcp.net import LABELS
from components.rules.model import Inputs, Problem, TypeRules, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

EFFECTS = {"NO_SCHEDULE": "NoSchedule", "PREFER_NO_SCHEDULE": "PreferNoSchedule", "NO_EXECUTE": "NoExecute"}
_EXCLUSIONS = "maintenancePolicy.maintenanceExclusions"
_SCOPES = ("NO_UPGRADES", "NO_MINOR_UPGRADES", "NO_MINOR_OR_NODE_UPGRADES")


def _default_pool(call: Inputs) -> Iterator[Problem]:
    if call.known("removeDefaultNodePool") is True and call.get("initialNodeCount") is None:
        yield Problem("initialNodeCount", "is required by the API together with removeDefaultNodePool")


def _autopilot(call: Inputs) -> Iterator[Problem]:
    if call.known("enableAutopilot") is True and call.get("removeDefaultNodePool") is not None:
        yield Problem("removeDefaultNodePool", "conflicts with enableAutopilot")


def _exclusions(call: Inputs) -> Iterator[Problem]:
    """One end each; what keeps a minor version may last as long as its support, a stop of all upgrades 30 days."""

    def of(path: str, one: dict[str, Any]) -> Iterator[Problem]:
        options = one.get("exclusionOptions")
        if isinstance(options, Unknown):
            return
        given: dict[str, Any] = options if isinstance(options, dict) else {}
        if present(one, "endTime") == present(given, "endTimeBehavior"):
            yield Problem(f"{path}.endTime", "exactly one of endTime, exclusionOptions.endTimeBehavior must be set")
        scope = given.get("scope")
        if isinstance(scope, str) and scope not in _SCOPES:
            yield Problem(f"{path}.exclusionOptions.scope", not_offered(scope, _SCOPES, what="scope"))
        if present(given, "endTimeBehavior") and scope == "NO_UPGRADES":
            yield Problem(f"{path}.exclusionOptions.endTimeBehavior", "is not for a stop of all upgrades")

    yield from call.each(_EXCLUSIONS, of)


def _in_channel(call: Inputs) -> Iterator[Problem]:
    def of(path: str, one: dict[str, Any]) -> Iterator[Problem]:
        options = one.get("exclusionOptions")
        scope = options.get("scope") if isinstance(options, dict) else None
        if scope in _SCOPES[1:] and call.known("releaseChannel.channel") in (None, "UNSPECIFIED"):
            yield Problem(f"{path}.exclusionOptions.scope", f"{scope} is for a cluster in a release channel")

    yield from call.each(_EXCLUSIONS, of)


def _scaling(call: Inputs) -> Iterator[Problem]:
    if isinstance(call.get("autoscaling"), dict):
        scaling = call.entries("autoscaling")
        total = {"totalMinNodeCount", "totalMaxNodeCount"} & set(scaling)
        zonal = {"minNodeCount", "maxNodeCount"} & set(scaling)
        if total and zonal:
            yield Problem("autoscaling", "per-zone and total limits exclude each other: never set both")
        if not total and not zonal:
            yield Problem("autoscaling", "needs totalMinNodeCount and totalMaxNodeCount, or the per-zone pair")


def _taints(call: Inputs) -> Iterator[Problem]:
    def of(path: str, taint: dict[str, Any]) -> Iterator[Problem]:
        effect = taint.get("effect")
        if isinstance(effect, str) and effect not in EFFECTS:
            yield Problem(f"{path}.effect", f"{effect!r} is no effect of this API: {', '.join(EFFECTS)}")

    yield from call.each("nodeConfig.taints", of)


TYPES: tuple[TypeRules, ...] = (
    TypeRules(
        type_name="gcp:container/cluster:Cluster",
        name="name",
        immutable=frozenset(
            {
                "clusterAutoscaling.autoProvisioningDefaults.bootDiskKmsKey",
                "clusterIpv4Cidr",
                "confidentialNodes",
                "datapathProvider",
                "dataplaneOptimizationMode",
                "defaultMaxPodsPerNode",
                "description",
                "enableAutopilot",
                "enableKubernetesAlpha",
                "enableTpu",
                "initialNodeCount",
                "ipAllocationPolicy.clusterIpv4CidrBlock",
                "ipAllocationPolicy.clusterSecondaryRangeName",
                "ipAllocationPolicy.servicesIpv4CidrBlock",
                "ipAllocationPolicy.servicesSecondaryRangeName",
                "location",
                "masterAuth.clientCertificateConfig",
                "network",
                "networkingMode",
                "nodePools#",
                "privateClusterConfig.masterIpv4CidrBlock",
                "privateClusterConfig.privateEndpointSubnetwork",
                "project",
                "subnetwork",
                "tpuConfig.enabled",
                "tpuConfig.useServiceNetworking",
                "userManagedKeysConfig.aggregationCa",
                "userManagedKeysConfig.clusterCa",
                "userManagedKeysConfig.etcdApiCa",
                "userManagedKeysConfig.etcdPeerCa",
            }
        )
        | nodes.NODE_IMMUTABLE,
        rules=(
            LABELS,
            needs("network", "subnetwork", "ipAllocationPolicy"),
            matches("name", r"[a-z](?:[-a-z0-9]{0,38}[a-z0-9])?", "1 to 40 lower-case letters, digits and -"),
            one_of("datapathProvider", ("ADVANCED_DATAPATH", "LEGACY_DATAPATH", "DATAPATH_PROVIDER_UNSPECIFIED")),
            one_of("releaseChannel.channel", ("RAPID", "REGULAR", "STABLE", "EXTENDED", "UNSPECIFIED")),
            one_of("databaseEncryption.state", ("ENCRYPTED", "DECRYPTED", "ALL_OBJECTS_ENCRYPTION_ENABLED")),
            one_of("gatewayApiConfig.channel", ("CHANNEL_DISABLED", "CHANNEL_EXPERIMENTAL", "CHANNEL_STANDARD")),
            one_of("deletionPolicy", ("DELETE", "ABANDON", "PREVENT")),
            cidr("privateClusterConfig.masterIpv4CidrBlock", shortest=28, longest=28),
            shape(
                _default_pool,
                _autopilot,
                fix="count the first nodes where the default pool is removed; with Autopilot leave that out",
            ),
            shape(
                _exclusions,
                _in_channel,
                fix="give each exclusion one end and a scope that the cluster's release channel takes",
            ),
        ),
    ),
    TypeRules(
        type_name="gcp:container/nodePool:NodePool",
        name="name",
        immutable=frozenset(
            {
                "cluster",
                "initialNodeCount",
                "location",
                "maxPodsPerNode",
                "namePrefix",
                "networkConfig.acceleratorNetworkProfile",
                "networkConfig.additionalNodeNetworkConfigs",
                "networkConfig.additionalPodNetworkConfigs",
                "networkConfig.createPodRange",
                "networkConfig.podIpv4CidrBlock",
                "networkConfig.podRange",
                "networkConfig.subnetwork",
                "placementPolicy.policyName",
                "project",
                "queuedProvisioning",
            }
        )
        | nodes.NODE_IMMUTABLE,
        rules=(
            needs("nodeConfig"),
            conflicts("autoscaling", "nodeCount"),
            min_not_above_max("autoscaling.totalMinNodeCount", "autoscaling.totalMaxNodeCount"),
            min_not_above_max("autoscaling.minNodeCount", "autoscaling.maxNodeCount"),
            matches("name", r"[a-z](?:[-a-z0-9]{0,38}[a-z0-9])?", "1 to 40 lower-case letters, digits and -"),
            one_of("nodeConfig.workloadMetadataConfig.mode", ("GKE_METADATA", "GCE_METADATA")),
            one_of("autoscaling.locationPolicy", ("ANY", "BALANCED")),
            *nodes.RULES,
            shape(
                _scaling,
                _taints,
                fix=f"limit the pool in total or per zone; taint with {', '.join(EFFECTS)}",
            ),
        ),
    ),
)
