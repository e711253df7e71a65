"""The outputs of an `infra` stack: one list for all clouds. `platform`, the command line and the gate read these
keys.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import pulumi

from components.clouds import gateways
from components.clouds.pods import POD_IDENTITY, SERVICE_ACCOUNT
from components.platform.names import maison_namespace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from components.ai_platform.contract import AiPlatformOutputs
    from components.bucket.contract import BucketOutputs
    from components.budget.contract import BudgetOutputs
    from components.cache.contract import CacheOutputs
    from components.cluster.contract import ClusterOutputs
    from components.container_registry.contract import ContainerRegistryOutputs
    from components.database.contract import DatabaseOutputs
    from components.file_share.contract import FileShareOutputs
    from components.guard_rails.contract import GuardRailsOutputs
    from components.identity.contract import IdentityOutputs
    from components.key.contract import KeyOutputs
    from components.network.contract import NetworkOutputs
    from components.observability.contract import ObservabilityOutputs
    from components.secret_store.contract import SecretStoreOutputs
    from components.spec.model import ResolvedCell


@dataclass(frozen=True, kw_only=True)
class InfraExports:
    """Every output, by its exported name. Nothing here is a secret: credentials are plugins, never values."""

    cell: str
    world: str
    cloud: str
    region: str
    kubernetes_minor: str
    cluster_id: pulumi.Output[str]
    cluster_name: pulumi.Output[str]
    cluster_endpoint: pulumi.Output[str]
    cluster_ca: pulumi.Output[str | None]
    cluster_exec: pulumi.Output[dict[str, Any]]
    gateway: dict[str, Any]
    gpu_pools: list[dict[str, Any]]
    system_pool: dict[str, Any]
    network_id: pulumi.Output[str]
    signing_key: pulumi.Output[str]
    weights_bucket: dict[str, Any]
    workload_identity: dict[str, Any]
    file_share: dict[str, Any]
    logs: dict[str, Any]
    prometheus_query: pulumi.Output[str]
    alarms: dict[str, Any]
    metrics_write: dict[str, Any]
    registry: dict[str, pulumi.Output[str]]
    secret_store: dict[str, Any]
    database: dict[str, Any]
    cache: dict[str, Any]
    budget: dict[str, Any]
    guard_rails: dict[str, Any]
    ai_platform: dict[str, pulumi.Output[str]]
    guarantees: pulumi.Output[dict[str, str | None]]

    def export(self) -> None:
        """Register all of them as outputs of the stack."""
        for field in fields(self):
            pulumi.export(field.name, getattr(self, field.name))


def collect(
    cell: ResolvedCell,
    *,
    network: NetworkOutputs,
    key: KeyOutputs,
    cluster: ClusterOutputs,
    gpu_pools: list[dict[str, Any]],
    bucket: BucketOutputs,
    datasets: Mapping[str, str],
    identity: IdentityOutputs,
    files: FileShareOutputs,
    observability: ObservabilityOutputs,
    images: ContainerRegistryOutputs,
    secrets: SecretStoreOutputs,
    database: DatabaseOutputs,
    cache: CacheOutputs,
    budget: BudgetOutputs,
    rails: GuardRailsOutputs,
    models: AiPlatformOutputs,
    guarantees: pulumi.Output[dict[str, str | None]],
) -> InfraExports:
    """The outputs of a cell's infra stack."""
    return InfraExports(
        cell=cell.cell.name,
        world=cell.cell.world,
        cloud=cell.cell.cloud,
        region=cell.cell.region,
        kubernetes_minor=cell.template.kubernetes_minor,
        cluster_id=cluster.cluster_id,
        cluster_name=cluster.cluster_name,
        cluster_endpoint=cluster.endpoint,
        cluster_ca=cluster.ca,
        cluster_exec=cluster.exec_args.apply(
            lambda args: {
                "command": cluster.exec_command,
                "args": args,
                "env": {"TWAIN_CELL": cell.cell.name},
            }
        ),
        gateway={
            "class": cluster.gateway_class,
            "definitions": list(gateways.brought(cell.cell.cloud, cell.template.kubernetes_minor)),
        },
        gpu_pools=gpu_pools,
        system_pool=cell.template.system_pool.model_dump(mode="json"),
        network_id=network.network_id,
        signing_key=key.signer,
        weights_bucket={
            "name": bucket.bucket_name,
            "url": bucket.url,
            "maisons": {maison: bucket.part_urls[maison_namespace(maison)] for maison in identity.identities},
            "datasets": {dataset: bucket.part_urls[part] for dataset, part in datasets.items()},
        },
        workload_identity={
            "annotation": identity.annotation,
            "service_account": SERVICE_ACCOUNT,
            "pod_labels": dict(POD_IDENTITY[cell.cell.cloud].pod_labels),
            "maisons": {
                maison: {"id": identity.identities[maison], "value": value}
                for maison, value in identity.annotation_values.items()
            },
        },
        file_share={"server": files.server, "path": files.path, "nfs_version": files.version},
        logs={"place": observability.logs, "days": cell.template.observability.log_days},
        prometheus_query=observability.prometheus_query,
        alarms={"unwatched": observability.unwatched, "by_hand": observability.by_hand},
        metrics_write=dict(observability.metrics_write),
        registry={"id": images.registry_id, "address": images.address},
        secret_store={"endpoint": secrets.endpoint, "references": secrets.references},
        database={"host": database.host, "port": database.port, "name": database.name, "users": database.users},
        cache={"host": cache.host, "port": cache.port, "users": cache.users},
        budget={
            "id": budget.budget_id,
            "limit": budget.limit,
            "maisons": {
                maison: {"id": id_, "limit": budget.maison_limits[maison]} for maison, id_ in budget.maison_ids.items()
            },
            "unwatched": budget.unwatched,
        },
        guard_rails={"attached_to": rails.attached_to, "policies": rails.policies},
        ai_platform={
            "id": models.platform_id,
            "service": models.service_id,
            "endpoint": models.endpoint,
            "hosted": models.hosted,
        },
        guarantees=guarantees,
    )
