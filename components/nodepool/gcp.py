"""GPU node pool of GKE. The cloud installs the driver and the device plugin.

Deliberately not set: `node_count` (never beside autoscaling), per-zone limits (totals are what the fleet says), spot,
GPU sharing. The taint is the one that GKE adds to GPU pools by itself; it is declared all the same, so that it is
there in the plan and no default decides.
"""

from __future__ import annotations

import pulumi_gcp as gcp

from components.clouds.node_images import DRIVERS
from components.nodepool.contract import TAINT_KEY, TAINT_VALUE, NodePool, NodePoolInputs, NodePoolOutputs

_DISK_GB = 300


class GcpNodePool(NodePool):
    """A GKE node pool with GPUs."""

    def build(self, name: str, inputs: NodePoolInputs) -> NodePoolOutputs:
        """Declare the pool."""
        place, pool, nodes = inputs.place, inputs.pool, inputs.place.cell.template.nodes
        made = gcp.container.NodePool(
            name,
            name=pool.name,
            cluster=inputs.cluster.cluster_id,
            location=place.region,
            node_locations=list(inputs.zones),
            autoscaling=gcp.container.NodePoolAutoscalingArgs(
                total_min_node_count=pool.min, total_max_node_count=pool.max, location_policy="ANY"
            ),
            initial_node_count=0,
            management=gcp.container.NodePoolManagementArgs(auto_repair=True, auto_upgrade=True),
            upgrade_settings=gcp.container.NodePoolUpgradeSettingsArgs(
                strategy="SURGE", max_surge=nodes.surge, max_unavailable=0
            ),
            network_config=gcp.container.NodePoolNetworkConfigArgs(enable_private_nodes=True),
            node_config=gcp.container.NodePoolNodeConfigArgs(
                machine_type=inputs.instance_type,
                image_type="COS_CONTAINERD",
                disk_size_gb=_DISK_GB,
                disk_type="pd-ssd",
                boot_disk_kms_key=inputs.key.key_id,
                service_account=inputs.cluster.node_identity,
                oauth_scopes=["https://www.googleapis.com/auth/cloud-platform"],
                guest_accelerators=[
                    gcp.container.NodePoolNodeConfigGuestAcceleratorArgs(
                        type=inputs.accelerator,
                        count=pool.gpus_per_node,
                        gpu_driver_installation_config=(
                            gcp.container.NodePoolNodeConfigGuestAcceleratorGpuDriverInstallationConfigArgs(
                                gpu_driver_version=DRIVERS["gcp"].words[nodes.driver]
                            )
                        ),
                    )
                ],
                labels={"twain/gpu-class": pool.gpu_class, "twain/pool": pool.name},
                taints=[
                    gcp.container.NodePoolNodeConfigTaintArgs(key=TAINT_KEY, value=TAINT_VALUE, effect="NO_SCHEDULE")
                ],
                resource_labels=place.tags,
                metadata={"disable-legacy-endpoints": "true"},
                spot=False,
                shielded_instance_config=gcp.container.NodePoolNodeConfigShieldedInstanceConfigArgs(
                    enable_secure_boot=True, enable_integrity_monitoring=True
                ),
                workload_metadata_config=gcp.container.NodePoolNodeConfigWorkloadMetadataConfigArgs(
                    mode="GKE_METADATA"
                ),
                kubelet_config=gcp.container.NodePoolNodeConfigKubeletConfigArgs(
                    insecure_kubelet_readonly_port_enabled="FALSE"
                ),
            ),
            opts=self.child(),
        )
        return NodePoolOutputs(pool_id=made.id)
