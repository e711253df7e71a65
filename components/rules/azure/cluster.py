"""AKS as ARM enforces it: managed clusters with an inline system pool, and agent pools."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.rules.azure import nodes
from components.rules.azure.arm import in_group
from components.rules.checks import (
    exactly_one,
    matches,
    needs,
)

if TYPE_CHECKING:
    from components.rules.model import TypeRules

POOL_NAME = r"[a-z][a-z0-9]{0,11}"
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
        ),
    ),
)
