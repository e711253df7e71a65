"""AKS on Azure: a private cluster on Azure CNI overlay with Cilium, Entra RBAC, no local accounts.

The system pool is inline, as AKS wants it. A change of its bounds is sent, and puts every pool of the cluster into
scaling for a while; its count is the autoscaler's, and its machine cannot be changed. Disks of all nodes are encrypted
with the cell's key. Deliberately not set: managed GPU pools (this API version has none; we install the device plugin).
Limits: AKS has no deletion protection, so a management lock stands in for it. The mesh add-on is there for its gateway
controller alone: no namespace asks for sidecars. Open until a real account was asked: whether its gateway's pods start
under Pod Security `restricted`, and whether it routes to an InferencePool, which Istio does by a switch of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_azure_native as azure

from components.clouds import gateways
from components.clouds.accounts import role_definition
from components.clouds.gpu import cpu_machine
from components.cluster.contract import Cluster, ClusterInputs, ClusterOutputs

if TYPE_CHECKING:
    from collections.abc import Mapping

_SYSTEM_DISK_GB = 128
# The application id of the AKS Entra server, the same in every tenant of the public cloud.
_AKS_SERVER_ID = "6dae42f8-4368-4678-94ff-3960e28e3630"


def _dns_address(service_range: str) -> str:
    """The tenth address of the service range: inside it and not its first."""
    base = service_range.partition("/")[0].rsplit(".", 1)[0]
    return f"{base}.10"


class AzureCluster(Cluster):
    """An AKS cluster with its system pool and its audit log."""

    def build(self, name: str, inputs: ClusterInputs) -> ClusterOutputs:
        """Declare the cluster."""
        user, grants = self._identity(name, inputs)
        disks = self._disks(name, inputs, user)
        cluster = self._control_plane(name, inputs, user, grants, disks)
        logs = self._audit(name, inputs, cluster)
        if inputs.place.protect:
            azure.authorization.ManagementLockByScope(
                f"{name}-cluster",
                lock_name=inputs.place.name("cluster"),
                scope=cluster.id,
                level="CanNotDelete",
                notes="twain: deletion protection of the cell's cluster",
                opts=self.child(),
            )
        issuer = cluster.oidc_issuer_profile.apply(lambda found: str(found.issuer_url) if found else "")
        return ClusterOutputs(
            cluster_id=cluster.id,
            cluster_name=cluster.name,
            endpoint=cluster.private_fqdn.apply(_url),
            ca=pulumi.Output.from_input(None),
            exec_command="kubelogin",
            exec_args=pulumi.Output.from_input(
                ["get-token", "--login", "workloadidentity", "--server-id", _AKS_SERVER_ID]
            ),
            issuer=issuer,
            principal=issuer,
            node_identity=cluster.identity_profile.apply(_kubelet),
            logs=logs.id,
            gateway_class=gateways.IMPLEMENTATIONS["azure"].gateway_class,
        )

    def _identity(
        self, name: str, inputs: ClusterInputs
    ) -> tuple[azure.managedidentity.UserAssignedIdentity, list[pulumi.Resource]]:
        """The control plane's own identity: it joins subnets, and asks the vault to wrap keys."""
        place = inputs.place
        user = azure.managedidentity.UserAssignedIdentity(
            f"{name}-control-plane",
            resource_name_=place.name("control-plane", limit=64),
            resource_group_name=inputs.network.scope,
            location=place.region,
            tags=place.tags,
            opts=self.child(),
        )
        wanted = {
            "network": ("Network Contributor", inputs.network.network_id),
            "crypto": ("Key Vault Crypto User", inputs.key.vault_id),
            # A private vault is reached by an endpoint that the control plane asks for.
            "vault": ("Key Vault Contributor", inputs.key.vault_id),
        }
        grants: list[pulumi.Resource] = [
            azure.authorization.RoleAssignment(
                f"{name}-control-plane-{purpose}",
                role_assignment_name=place.uuid(f"control-plane-{purpose}"),
                scope=scope,
                principal_id=user.principal_id,
                principal_type="ServicePrincipal",
                role_definition_id=scope.apply(lambda id_, role=role: role_definition(id_, role)),
                opts=self.child(),
            )
            for purpose, (role, scope) in wanted.items()
        ]
        return user, grants

    def _disks(
        self, name: str, inputs: ClusterInputs, user: azure.managedidentity.UserAssignedIdentity
    ) -> azure.compute.DiskEncryptionSet:
        """What encrypts the nodes' disks: it reads the cell's key by the key's own identity. The control plane may look
        at it, for the disks that it makes later.
        """
        place, compute = inputs.place, azure.compute
        disks = compute.DiskEncryptionSet(
            f"{name}-disks",
            disk_encryption_set_name=place.name("disks", limit=80),
            resource_group_name=inputs.network.scope,
            location=place.region,
            encryption_type=compute.DiskEncryptionSetType.ENCRYPTION_AT_REST_WITH_CUSTOMER_KEY,
            identity=compute.EncryptionSetIdentityArgs(
                type=compute.DiskEncryptionSetIdentityType.USER_ASSIGNED, user_assigned_identities=[inputs.key.user]
            ),
            active_key=compute.KeyForDiskEncryptionSetArgs(key_url=inputs.key.key_id),
            rotation_to_latest_key_version_enabled=True,
            tags=place.tags,
            opts=self.child(),
        )
        azure.authorization.RoleAssignment(
            f"{name}-control-plane-disks",
            role_assignment_name=place.uuid("control-plane-disks"),
            scope=disks.id,
            principal_id=user.principal_id,
            principal_type="ServicePrincipal",
            role_definition_id=disks.id.apply(lambda id_: role_definition(id_, "Reader")),
            opts=self.child(),
        )
        return disks

    def _control_plane(
        self,
        name: str,
        inputs: ClusterInputs,
        user: azure.managedidentity.UserAssignedIdentity,
        grants: list[pulumi.Resource],
        disks: azure.compute.DiskEncryptionSet,
    ) -> azure.containerservice.ManagedCluster:
        place, plan = inputs.place, inputs.plan
        service = azure.containerservice
        return service.ManagedCluster(
            f"{name}-cluster",
            resource_name_=place.name("cluster", limit=63),
            resource_group_name=inputs.network.scope,
            location=place.region,
            kubernetes_version=place.cell.template.kubernetes_minor,
            dns_prefix=place.name("aks", limit=54),
            node_resource_group=place.name("nodes-rg", limit=80),
            sku=service.ManagedClusterSKUArgs(name="Base", tier="Standard"),
            disk_encryption_set_id=disks.id,
            identity=service.ManagedClusterIdentityArgs(
                type=service.ResourceIdentityType.USER_ASSIGNED, user_assigned_identities=[user.id]
            ),
            enable_rbac=True,
            disable_local_accounts=True,
            aad_profile=service.ManagedClusterAADProfileArgs(
                managed=True, enable_azure_rbac=True, tenant_id=user.tenant_id
            ),
            public_network_access="Disabled",
            api_server_access_profile=service.ManagedClusterAPIServerAccessProfileArgs(
                enable_private_cluster=True,
                enable_private_cluster_public_fqdn=False,
                private_dns_zone="system",
                disable_run_command=True,
                enable_vnet_integration=True,
                subnet_id=inputs.network.control_plane_subnet,
            ),
            oidc_issuer_profile=service.ManagedClusterOIDCIssuerProfileArgs(enabled=True),
            security_profile=self._security(inputs),
            service_mesh_profile=self._mesh(inputs),
            network_profile=service.ContainerServiceNetworkProfileArgs(
                network_plugin="azure",
                network_plugin_mode="overlay",
                network_dataplane="cilium",
                network_policy="cilium",
                pod_cidr=plan.pods,
                service_cidr=plan.services,
                dns_service_ip=_dns_address(plan.services),
                outbound_type="userAssignedNATGateway",
                load_balancer_sku="standard",
            ),
            auto_upgrade_profile=service.ManagedClusterAutoUpgradeProfileArgs(
                upgrade_channel="none",
                node_os_upgrade_channel="NodeImage" if place.cell.template.nodes.images == "automatic" else "None",
            ),
            # One autoscaler serves all pools of the cluster.
            auto_scaler_profile=service.ManagedClusterPropertiesAutoScalerProfileArgs(
                expander="least-waste",
                scale_down_unneeded_time="10m",
                scale_down_delay_after_add="10m",
                skip_nodes_with_local_storage="false",
                skip_nodes_with_system_pods="true",
            ),
            node_resource_group_profile=service.ManagedClusterNodeResourceGroupProfileArgs(
                restriction_level="ReadOnly"
            ),
            azure_monitor_profile=service.ManagedClusterAzureMonitorProfileArgs(
                metrics=service.ManagedClusterAzureMonitorProfileMetricsArgs(enabled=True)
            ),
            agent_pool_profiles=[self._system_pool(inputs)],
            tags=place.tags,
            opts=self.child(depends_on=grants, ignore_changes=["agentPoolProfiles[0].count"]),
        )

    def _security(self, inputs: ClusterInputs) -> azure.containerservice.ManagedClusterSecurityProfileArgs:
        service = azure.containerservice
        return service.ManagedClusterSecurityProfileArgs(
            azure_key_vault_kms=service.AzureKeyVaultKmsArgs(
                enabled=True,
                key_id=inputs.key.key_id,
                key_vault_network_access="Private",
                key_vault_resource_id=inputs.key.vault_id,
            ),
            workload_identity=service.ManagedClusterSecurityProfileWorkloadIdentityArgs(enabled=True),
            image_cleaner=service.ManagedClusterSecurityProfileImageCleanerArgs(enabled=True, interval_hours=168),
        )

    def _mesh(self, inputs: ClusterInputs) -> azure.containerservice.ServiceMeshProfileArgs:
        """The controller of the gateway's class. Its own ingress gateways stay away: a Gateway is its own balancer."""
        overrides = inputs.place.cell.cell.overrides
        asked = overrides.azure.mesh_revisions if overrides and overrides.azure else ()
        service = azure.containerservice
        return service.ServiceMeshProfileArgs(
            mode=service.ServiceMeshMode.ISTIO,
            istio=service.IstioServiceMeshArgs(
                revisions=list(asked or gateways.AZURE_REVISIONS),
                components=service.IstioComponentsArgs(
                    ingress_gateways=[
                        service.IstioIngressGatewayArgs(enabled=False, mode=mode) for mode in ("External", "Internal")
                    ],
                ),
            ),
        )

    def _system_pool(self, inputs: ClusterInputs) -> azure.containerservice.ManagedClusterAgentPoolProfileArgs:
        place, pool = inputs.place, inputs.place.cell.template.system_pool
        return azure.containerservice.ManagedClusterAgentPoolProfileArgs(
            name="system",
            mode="System",
            type="VirtualMachineScaleSets",
            vm_size=cpu_machine(place.cloud, pool.size),
            os_type="Linux",
            os_sku="AzureLinux",
            os_disk_size_gb=_SYSTEM_DISK_GB,
            count=pool.min,
            min_count=pool.min,
            max_count=pool.max,
            enable_auto_scaling=True,
            availability_zones=list(place.zones),
            vnet_subnet_id=inputs.network.node_subnets[0],
            enable_node_public_ip=False,
            enable_encryption_at_host=True,
            node_labels={"twain/pool": "system"},
            security_profile=azure.containerservice.AgentPoolSecurityProfileArgs(
                enable_secure_boot=True, enable_vtpm=True, ssh_access="Disabled"
            ),
            upgrade_settings=azure.containerservice.AgentPoolUpgradeSettingsArgs(
                max_surge=str(place.cell.template.nodes.surge)
            ),
            tags=place.tags,
        )

    def _audit(
        self, name: str, inputs: ClusterInputs, cluster: azure.containerservice.ManagedCluster
    ) -> azure.operationalinsights.Workspace:
        place = inputs.place
        workspace = azure.operationalinsights.Workspace(
            f"{name}-logs",
            workspace_name=place.name("logs", limit=63),
            resource_group_name=inputs.network.scope,
            location=place.region,
            sku=azure.operationalinsights.WorkspaceSkuArgs(name="PerGB2018"),
            retention_in_days=place.cell.template.observability.log_days,
            public_network_access_for_ingestion="Disabled",
            public_network_access_for_query="Disabled",
            features=azure.operationalinsights.WorkspaceFeaturesArgs(disable_local_auth=True),
            tags=place.tags,
            opts=self.child(),
        )
        azure.monitor.DiagnosticSetting(
            f"{name}-audit",
            name=place.name("audit"),
            resource_uri=cluster.id,
            workspace_id=workspace.id,
            logs=[
                azure.monitor.DiagnosticsLogSettingsArgs(category=category, enabled=True)
                for category in ("kube-audit-admin", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
            ],
            opts=self.child(),
        )
        return workspace


def _kubelet(
    profile: Mapping[str, azure.containerservice.outputs.UserAssignedIdentityManagedClusterResponse] | None,
) -> str:
    """The identity that the cloud made for the nodes: it is the one that pulls images."""
    return str(profile["kubeletidentity"].object_id) if profile else ""


def _url(private_name: str) -> str:
    """The API's URL. A name that already has a port (an address in a test set-up) keeps it."""
    return f"https://{private_name}" if ":" in private_name else f"https://{private_name}:443"
