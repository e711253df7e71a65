"""GPU node pool of ACK. The driver and the device plugin come with the cloud's GPU nodes.

Deliberately not set: spot, GPU sharing (`exclusive` is the only mode that means the same on all clouds), a desired
size: it must never stand beside the scaling configuration.
"""

from __future__ import annotations

import pulumi_alicloud as alicloud

from components.clouds.node_images import is_version
from components.nodepool.contract import TAINT_KEY, TAINT_VALUE, NodePool, NodePoolInputs, NodePoolOutputs

# Room for two images of an engine (about 20 GiB each) and a model's local copy of up to 200 GiB.
_SYSTEM_DISK_GIB = 300
DRIVER_LABEL = "ack.aliyun.com/nvidia-driver-version"


class AlicloudNodePool(NodePool):
    """An ACK node pool with GPUs."""

    def build(self, name: str, inputs: NodePoolInputs) -> NodePoolOutputs:
        """Declare the pool."""
        place, pool, nodes = inputs.place, inputs.pool, inputs.place.cell.template.nodes
        # A subnet lies in one zone here: that of a pool is said by its subnets.
        subnets = dict(zip(place.zones, inputs.network.node_subnets, strict=True))
        labels = {
            "twain/gpu-class": pool.gpu_class,
            "twain/pool": pool.name,
            "ack.node.gpu.schedule": "default",
            # Without it the cloud takes the driver that it has tested with the cluster's minor.
            **({DRIVER_LABEL: nodes.driver} if is_version(nodes.driver) else {}),
        }
        made = alicloud.cs.NodePool(
            name,
            node_pool_name=pool.name,
            cluster_id=inputs.cluster.cluster_id,
            vswitch_ids=[subnets[zone] for zone in inputs.zones],
            instance_types=[inputs.instance_type],
            instance_charge_type="PostPaid",
            spot_strategy="NoSpot",
            multi_az_policy="BALANCE",
            image_type="AliyunLinux3ContainerOptimized",
            system_disk_category="cloud_essd",
            system_disk_size=_SYSTEM_DISK_GIB,
            system_disk_encrypted=True,
            system_disk_kms_key=inputs.key.key_id,
            install_cloud_monitor=False,
            internet_max_bandwidth_out=0,
            instance_metadata_options=alicloud.cs.NodePoolInstanceMetadataOptionsArgs(http_tokens="required"),
            scaling_config=alicloud.cs.NodePoolScalingConfigArgs(
                enable=True, min_size=pool.min, max_size=pool.max, type="gpu"
            ),
            management=alicloud.cs.NodePoolManagementArgs(
                enable=True,
                auto_repair=True,
                auto_upgrade=False,
                auto_vul_fix=nodes.images == "automatic",
                # Patches alone: a restart would take a model's requests with it.
                auto_vul_fix_policy=alicloud.cs.NodePoolManagementAutoVulFixPolicyArgs(
                    restart_node=False, vul_level="asap"
                ),
                max_unavailable=1,
            ),
            labels=[alicloud.cs.NodePoolLabelArgs(key=key, value=value) for key, value in labels.items()],
            taints=[alicloud.cs.NodePoolTaintArgs(key=TAINT_KEY, value=TAINT_VALUE, effect="NoSchedule")],
            tags=place.tags,
            opts=self.child(),
        )
        return NodePoolOutputs(pool_id=made.node_pool_id)
