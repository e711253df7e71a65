"""GPU node pool of AKS, always a separate AgentPool. The driver is installed by AKS, the device plugin by us.

Deliberately not set: spot, MIG. Limits: a pool's name has 12 characters, its zones and machine cannot be changed.
"""

from __future__ import annotations

import pulumi_azure_native as azure

from components.clouds.node_images import DRIVERS
from components.nodepool.contract import TAINT_KEY, TAINT_VALUE, NodePool, NodePoolInputs, NodePoolOutputs

_DISK_GB = 300


class AzureNodePool(NodePool):
    """An AKS agent pool with GPUs."""

    def build(self, name: str, inputs: NodePoolInputs) -> NodePoolOutputs:
        """Declare the pool."""
        place, pool, nodes = inputs.place, inputs.pool, inputs.place.cell.template.nodes
        made = azure.containerservice.AgentPool(
            name,
            agent_pool_name=pool.name,
            resource_group_name=inputs.network.scope,
            resource_name_=inputs.cluster.cluster_name,
            mode="User",
            type="VirtualMachineScaleSets",
            vm_size=inputs.instance_type,
            os_type="Linux",
            os_sku="Ubuntu",
            os_disk_size_gb=_DISK_GB,
            enable_auto_scaling=True,
            count=pool.min,
            min_count=pool.min,
            max_count=pool.max,
            availability_zones=list(inputs.zones),
            vnet_subnet_id=inputs.network.node_subnets[0],
            enable_node_public_ip=False,
            enable_encryption_at_host=True,
            gpu_profile=azure.containerservice.GPUProfileArgs(driver=DRIVERS["azure"].words[nodes.driver]),
            scale_set_priority="Regular",
            scale_down_mode="Delete",
            orchestrator_version=place.cell.template.kubernetes_minor,
            upgrade_settings=azure.containerservice.AgentPoolUpgradeSettingsArgs(max_surge=str(nodes.surge)),
            node_labels={"twain/gpu-class": pool.gpu_class, "twain/pool": pool.name},
            node_taints=[f"{TAINT_KEY}={TAINT_VALUE}:NoSchedule"],
            security_profile=azure.containerservice.AgentPoolSecurityProfileArgs(
                # AKS: "To enable Secure Boot on GPU node pools, you need to skip installing the GPU driver" (Trusted
                # launch for AKS, limitations): the one that it installs is not signed for it.
                enable_secure_boot=False,
                enable_vtpm=True,
                ssh_access="Disabled",
            ),
            tags=place.tags,
            # `count` is the autoscaler's after creation. Other zones are refused for a pool that is there, and the
            # provider's schema does not say so: without this an `up` would fail in the middle.
            opts=self.child(ignore_changes=["count"], replace_on_changes=["availability_zones"]),
        )
        return NodePoolOutputs(pool_id=made.id)
