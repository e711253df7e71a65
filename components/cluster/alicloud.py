"""ACK Pro on Alibaba Cloud: private API server, Terway, RRSA, audit to a log project of the same region.

Deliberately not set: the arguments that write certificates into files or state; `version` channels (upgrades are a
fleet line). Limits: `slb_internet_enabled` and the service range are create-only, RRSA cannot be turned off. The
network add-on needs pod vSwitches in the zones of the nodes.
"""

from __future__ import annotations

import json

import pulumi
import pulumi_alicloud as alicloud

from components.clouds import gateways
from components.clouds.gpu import cpu_machine
from components.cluster.contract import Cluster, ClusterInputs, ClusterOutputs

_SYSTEM_DISK_GIB = 120
# Default 110 pods per node suit every add-on here; Terway turns network policies on by its own configuration.
_TERWAY = {"IPVlan": "false", "NetworkPolicy": "true", "ENITrunking": "true"}


class AlicloudCluster(Cluster):
    """A managed Pro cluster and its system pool."""

    def build(self, name: str, inputs: ClusterInputs) -> ClusterOutputs:
        """Declare the cluster."""
        logs = self._logs(name, inputs)
        cluster = self._control_plane(name, inputs, logs)
        self._system_pool(name, inputs, cluster)
        # The cluster's own list of components is read when it is made and never again; this one comes to old cells too.
        # Its version is what ACK offers to the cluster's minor. Definitions and objects stay when it goes.
        alicloud.cs.KubernetesAddon(
            f"{name}-gateway", cluster_id=cluster.id, name=gateways.ALICLOUD_CONTROLLER, opts=self.child()
        )
        alicloud.cs.AutoscalingConfig(
            f"{name}-autoscaling",
            cluster_id=cluster.id,
            scaler_type="cluster-autoscaler",
            scale_up_from_zero=True,
            scale_down_enabled=True,
            expander="least-waste",
            cool_down_duration="10m",
            unneeded_duration="10m",
            utilization_threshold="0.5",
            gpu_utilization_threshold="0.5",
            scan_interval="30s",
            skip_nodes_with_local_storage=False,
            skip_nodes_with_system_pods=True,
            opts=self.child(),
        )
        return ClusterOutputs(
            cluster_id=cluster.id,
            cluster_name=cluster.name,
            endpoint=cluster.connections.apply(lambda found: str(found[0].api_server_intranet)),
            ca=pulumi.Output.from_input(None),
            exec_command="ack-ram-tool",
            exec_args=cluster.id.apply(
                lambda id_: ["credential-plugin", "get-credential", "--cluster-id", id_, "--api-version", "v1"]
            ),
            issuer=cluster.rrsa_metadata.apply(lambda found: str(found.rrsa_oidc_issuer_url)),
            principal=cluster.rrsa_metadata.apply(lambda found: str(found.ram_oidc_provider_arn)),
            node_identity=pulumi.Output.from_input(""),
            logs=logs.project_name,
            gateway_class=gateways.IMPLEMENTATIONS["alicloud"].gateway_class,
        )

    def _logs(self, name: str, inputs: ClusterInputs) -> alicloud.log.Project:
        place = inputs.place
        project = alicloud.log.Project(
            f"{name}-logs",
            project_name=place.global_name("logs"),
            description=f"Audit and control-plane logs of cell {place.cell.cell.name}",
            tags=place.tags,
            opts=self.child(),
        )
        alicloud.log.Store(
            f"{name}-audit",
            logstore_name="audit",
            project_name=project.project_name,
            retention_period=place.cell.template.observability.log_days,
            auto_split=True,
            max_split_shard_count=16,
            enable_web_tracking=False,
            opts=self.child(),
        )
        return project

    def _control_plane(
        self, name: str, inputs: ClusterInputs, logs: alicloud.log.Project
    ) -> alicloud.cs.ManagedKubernetes:
        place, template = inputs.place, inputs.place.cell.template
        overrides = place.cell.cell.overrides
        spec = overrides.alicloud.cluster_spec if overrides and overrides.alicloud else "ack.pro.small"
        return alicloud.cs.ManagedKubernetes(
            f"{name}-cluster",
            name=place.name("cluster", limit=63),
            cluster_spec=spec,
            version=f"{template.kubernetes_minor}.1-aliyun.1",
            vswitch_ids=inputs.network.node_subnets,
            pod_vswitch_ids=inputs.network.pod_subnets,
            service_cidr=inputs.plan.services,
            proxy_mode="ipvs",
            ip_stack="ipv4",
            # The defaults of these three would give a public API, a second NAT gateway, and client keys in the state.
            slb_internet_enabled=False,
            new_nat_gateway=False,
            skip_set_certificate_authority=True,
            is_enterprise_security_group=True,
            encryption_provider_key=inputs.key.key_id,
            disable_encryption=False,
            enable_rrsa=True,
            deletion_protection=place.protect,
            audit_log_config=alicloud.cs.ManagedKubernetesAuditLogConfigArgs(
                enabled=True, sls_project_name=logs.project_name
            ),
            control_plane_log_components=["apiserver", "kcm", "scheduler", "ccm", "controlplane-events"],
            control_plane_log_project=logs.project_name,
            control_plane_log_ttl=str(template.observability.log_days),
            addons=[
                alicloud.cs.ManagedKubernetesAddonArgs(name="terway-eniip", config=json.dumps(_TERWAY)),
                alicloud.cs.ManagedKubernetesAddonArgs(name="ack-pod-identity-webhook"),
                alicloud.cs.ManagedKubernetesAddonArgs(name="ack-node-problem-detector"),
                alicloud.cs.ManagedKubernetesAddonArgs(name=gateways.ALICLOUD_DEFINITIONS),
            ],
            delete_options=[
                alicloud.cs.ManagedKubernetesDeleteOptionArgs(resource_type="SLB", delete_mode="delete"),
                alicloud.cs.ManagedKubernetesDeleteOptionArgs(resource_type="SLS_ControlPlane", delete_mode="retain"),
            ],
            tags=place.tags,
            opts=self.child(),
        )

    def _system_pool(self, name: str, inputs: ClusterInputs, cluster: alicloud.cs.ManagedKubernetes) -> None:
        place, pool = inputs.place, inputs.place.cell.template.system_pool
        nodes = inputs.place.cell.template.nodes
        alicloud.cs.NodePool(
            f"{name}-system",
            node_pool_name="system",
            cluster_id=cluster.id,
            vswitch_ids=inputs.network.node_subnets,
            instance_types=[cpu_machine(place.cloud, pool.size)],
            instance_charge_type="PostPaid",
            spot_strategy="NoSpot",
            multi_az_policy="BALANCE",
            image_type="AliyunLinux3ContainerOptimized",
            system_disk_category="cloud_essd",
            system_disk_size=_SYSTEM_DISK_GIB,
            system_disk_encrypted=True,
            system_disk_kms_key=inputs.key.key_id,
            security_hardening_os=False,
            install_cloud_monitor=False,
            internet_max_bandwidth_out=0,
            instance_metadata_options=alicloud.cs.NodePoolInstanceMetadataOptionsArgs(http_tokens="required"),
            scaling_config=alicloud.cs.NodePoolScalingConfigArgs(
                enable=True, min_size=pool.min, max_size=pool.max, type="cpu"
            ),
            management=alicloud.cs.NodePoolManagementArgs(
                enable=True,
                auto_repair=True,
                auto_upgrade=False,
                auto_vul_fix=nodes.images == "automatic",
                max_unavailable=1,
            ),
            labels=[alicloud.cs.NodePoolLabelArgs(key="twain/pool", value="system")],
            tags=place.tags,
            opts=self.child(),
        )
