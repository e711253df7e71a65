"""GKE on GCP: a regional private cluster on Dataplane V2, workload identity, application-layer secrets encryption.

Deliberately not set: inline `node_pools` (they fight with the separate pools), managed DCGM (ours is the same on all
clouds). Limits: GKE's deletion protection lives in the provider only; a cluster's name has at most 40 characters.
"""

from __future__ import annotations

import base64

import pulumi
import pulumi_gcp as gcp

from components.clouds import gateways
from components.clouds.gpu import cpu_machine
from components.cluster.contract import Cluster, ClusterInputs, ClusterOutputs
from components.network.plan import PODS_RANGE, SERVICES_RANGE

_SYSTEM_DISK_GB = 120
# Any time in the past: the exclusion has no end of its own.
_EXCLUDED_SINCE = "2026-01-01T00:00:00Z"


def _patches_only(images: str) -> gcp.container.ClusterMaintenancePolicyArgs:
    """The channel brings patches, at night; a minor version is a line of the fleet here as on every cloud, as long as
    the cloud supports the one that runs. Held images are kept from the nodes in the same way.
    """
    scope = "NO_MINOR_UPGRADES" if images == "automatic" else "NO_MINOR_OR_NODE_UPGRADES"
    return gcp.container.ClusterMaintenancePolicyArgs(
        daily_maintenance_window=gcp.container.ClusterMaintenancePolicyDailyMaintenanceWindowArgs(start_time="01:00"),
        maintenance_exclusions=[
            gcp.container.ClusterMaintenancePolicyMaintenanceExclusionArgs(
                exclusion_name="minor-is-a-line-of-the-fleet",
                start_time=_EXCLUDED_SINCE,
                exclusion_options=gcp.container.ClusterMaintenancePolicyMaintenanceExclusionExclusionOptionsArgs(
                    scope=scope, end_time_behavior="UNTIL_END_OF_SUPPORT"
                ),
            )
        ],
    )


class GcpCluster(Cluster):
    """A GKE cluster and its system pool."""

    def build(self, name: str, inputs: ClusterInputs) -> ClusterOutputs:
        """Declare the cluster."""
        nodes = self._node_account(name, inputs)
        cluster = self._control_plane(name, inputs, nodes)
        self._system_pool(name, inputs, cluster, nodes)
        pool = inputs.network.scope.apply(lambda project: f"{project}.svc.id.goog")
        return ClusterOutputs(
            cluster_id=cluster.id,
            cluster_name=cluster.name,
            endpoint=cluster.endpoint.apply(lambda address: f"https://{address}"),
            ca=cluster.master_auth.apply(
                lambda found: base64.b64decode(found.cluster_ca_certificate or "").decode() or None
            ),
            exec_command="gke-gcloud-auth-plugin",
            exec_args=pulumi.Output.from_input(list[str]()),
            issuer=pool,
            principal=pool,
            node_identity=nodes.email,
            logs=pulumi.Output.from_input(""),
            gateway_class=gateways.IMPLEMENTATIONS["gcp"].gateway_class,
        )

    def _node_account(self, name: str, inputs: ClusterInputs) -> gcp.serviceaccount.Account:
        """Nodes run as an account of their own with three narrow roles, never as the project's default account."""
        place = inputs.place
        account = gcp.serviceaccount.Account(
            f"{name}-nodes",
            account_id=place.name("nodes", limit=30),
            display_name=f"Nodes of cell {place.cell.cell.name}",
            opts=self.child(),
        )
        for role in ("logging.logWriter", "monitoring.metricWriter", "artifactregistry.reader"):
            gcp.projects.IAMMember(
                f"{name}-nodes-{role}",
                project=inputs.network.scope,
                role=f"roles/{role}",
                member=account.email.apply(lambda email: f"serviceAccount:{email}"),
                opts=self.child(),
            )
        return account

    def _control_plane(
        self, name: str, inputs: ClusterInputs, nodes: gcp.serviceaccount.Account
    ) -> gcp.container.Cluster:
        place, plan = inputs.place, inputs.plan
        return gcp.container.Cluster(
            f"{name}-cluster",
            name=place.name("cluster", limit=40),
            location=place.region,
            node_locations=list(place.zones),
            network=inputs.network.network_id,
            subnetwork=inputs.network.node_subnets[0],
            networking_mode="VPC_NATIVE",
            datapath_provider="ADVANCED_DATAPATH",
            min_master_version=place.cell.template.kubernetes_minor,
            # Regular has the minors that the other clouds have. The exclusion leaves the minor to the fleet's line.
            release_channel=gcp.container.ClusterReleaseChannelArgs(channel="REGULAR"),
            initial_node_count=1,
            remove_default_node_pool=True,
            # The pool that is made and removed at once still needs an account that is not the default one, and the key.
            node_config=gcp.container.ClusterNodeConfigArgs(
                service_account=nodes.email, boot_disk_kms_key=inputs.key.key_id
            ),
            maintenance_policy=_patches_only(place.cell.template.nodes.images),
            deletion_protection=place.protect,
            enable_autopilot=False,
            enable_legacy_abac=False,
            enable_kubernetes_alpha=False,
            enable_shielded_nodes=True,
            enable_intranode_visibility=True,
            enable_l4_ilb_subsetting=True,
            ip_allocation_policy=gcp.container.ClusterIpAllocationPolicyArgs(
                cluster_secondary_range_name=PODS_RANGE,
                services_secondary_range_name=SERVICES_RANGE,
                stack_type="IPV4",
            ),
            private_cluster_config=gcp.container.ClusterPrivateClusterConfigArgs(
                enable_private_nodes=True,
                enable_private_endpoint=True,
                master_ipv4_cidr_block=plan.control_plane,
            ),
            # The cell's own range and nothing else; operators come in by the network, not by an exception here.
            master_authorized_networks_config=gcp.container.ClusterMasterAuthorizedNetworksConfigArgs(
                gcp_public_cidrs_access_enabled=False,
                private_endpoint_enforcement_enabled=True,
                cidr_blocks=[
                    gcp.container.ClusterMasterAuthorizedNetworksConfigCidrBlockArgs(
                        cidr_block=place.cell.cell.cidr, display_name="cell"
                    )
                ],
            ),
            control_plane_endpoints_config=gcp.container.ClusterControlPlaneEndpointsConfigArgs(
                dns_endpoint_config=gcp.container.ClusterControlPlaneEndpointsConfigDnsEndpointConfigArgs(
                    allow_external_traffic=False, enable_k8s_tokens_via_dns=False, enable_k8s_certs_via_dns=False
                ),
                ip_endpoints_config=gcp.container.ClusterControlPlaneEndpointsConfigIpEndpointsConfigArgs(enabled=True),
            ),
            anonymous_authentication_config=gcp.container.ClusterAnonymousAuthenticationConfigArgs(mode="LIMITED"),
            master_auth=gcp.container.ClusterMasterAuthArgs(
                client_certificate_config=gcp.container.ClusterMasterAuthClientCertificateConfigArgs(
                    issue_client_certificate=False
                )
            ),
            workload_identity_config=gcp.container.ClusterWorkloadIdentityConfigArgs(
                workload_pool=inputs.network.scope.apply(lambda project: f"{project}.svc.id.goog")
            ),
            database_encryption=gcp.container.ClusterDatabaseEncryptionArgs(
                state="ENCRYPTED", key_name=inputs.key.key_id
            ),
            logging_config=gcp.container.ClusterLoggingConfigArgs(
                enable_components=[
                    "SYSTEM_COMPONENTS",
                    "APISERVER",
                    "CONTROLLER_MANAGER",
                    "SCHEDULER",
                ]
            ),
            monitoring_config=gcp.container.ClusterMonitoringConfigArgs(
                enable_components=["SYSTEM_COMPONENTS"],
                managed_prometheus=gcp.container.ClusterMonitoringConfigManagedPrometheusArgs(enabled=True),
            ),
            gateway_api_config=gcp.container.ClusterGatewayApiConfigArgs(channel=gateways.GCP_CHANNEL),
            resource_labels=place.tags,
            # It says what the default pool was made with, which is gone.
            opts=self.child(ignore_changes=["nodeConfig"]),
        )

    def _system_pool(
        self,
        name: str,
        inputs: ClusterInputs,
        cluster: gcp.container.Cluster,
        nodes: gcp.serviceaccount.Account,
    ) -> None:
        place, pool = inputs.place, inputs.place.cell.template.system_pool
        gcp.container.NodePool(
            f"{name}-system",
            name="system",
            cluster=cluster.id,
            location=place.region,
            node_locations=list(place.zones),
            autoscaling=gcp.container.NodePoolAutoscalingArgs(
                total_min_node_count=pool.min, total_max_node_count=pool.max, location_policy="BALANCED"
            ),
            management=gcp.container.NodePoolManagementArgs(auto_repair=True, auto_upgrade=True),
            upgrade_settings=gcp.container.NodePoolUpgradeSettingsArgs(
                strategy="SURGE", max_surge=place.cell.template.nodes.surge, max_unavailable=0
            ),
            network_config=gcp.container.NodePoolNetworkConfigArgs(enable_private_nodes=True),
            node_config=gcp.container.NodePoolNodeConfigArgs(
                machine_type=cpu_machine(place.cloud, pool.size),
                image_type="COS_CONTAINERD",
                disk_size_gb=_SYSTEM_DISK_GB,
                disk_type="pd-balanced",
                boot_disk_kms_key=inputs.key.key_id,
                service_account=nodes.email,
                oauth_scopes=["https://www.googleapis.com/auth/cloud-platform"],
                labels={"twain/pool": "system"},
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
