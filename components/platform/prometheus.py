"""Prometheus of a cell: its configuration, its first rules, its pod.

Nothing leaves the cell but what the fleet asks to be written to a store of its world or to the cloud's managed
Prometheus in the cell's region; alerts go to the Alertmanager
beside it. External labels say which world and cell a series is of, and `honor_labels` is off, so that a target cannot
claim to be elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi_kubernetes as k8s
import yaml

from components.platform import metrics_write, names, priorities, security

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pulumi

    from components.platform.context import Context
    from components.spec.model import ResolvedCell

_CONFIG_DIR = "/etc/prometheus"


def declare(context: Context, spaces: Mapping[str, pulumi.Resource], exported: pulumi.Output[dict[str, Any]]) -> None:
    """Declare the service account, the configuration and the Deployment. `exported` is what the cell's `infra` stack
    says of the managed store.
    """
    options = context.options(depends_on=[spaces[names.SYSTEM_NAMESPACE]])
    _access(context, options, metrics_write.bound_to(context, exported))
    metrics_write.way_out(context, options)
    labels = {**context.labels, "app.kubernetes.io/name": names.PROMETHEUS}
    text: pulumi.Input[str] = configuration(context.cell)
    if metrics_write.is_managed(context.cell):
        text = exported.apply(lambda found: configuration(context.cell, metrics_write.read(context.cell, found)))
    data = {"prometheus.yml": text, "rules.yml": rules()}
    k8s.core.v1.ConfigMap(
        names.PROMETHEUS,
        metadata=k8s.meta.v1.ObjectMetaArgs(name=names.PROMETHEUS, namespace=names.SYSTEM_NAMESPACE, labels=labels),
        data=data,
        opts=options,
    )
    k8s.apps.v1.Deployment(
        names.PROMETHEUS,
        metadata=k8s.meta.v1.ObjectMetaArgs(name=names.PROMETHEUS, namespace=names.SYSTEM_NAMESPACE, labels=labels),
        spec=k8s.apps.v1.DeploymentSpecArgs(
            replicas=1,
            strategy=k8s.apps.v1.DeploymentStrategyArgs(type="Recreate"),
            selector=k8s.meta.v1.LabelSelectorArgs(match_labels={"app.kubernetes.io/name": names.PROMETHEUS}),
            template=k8s.core.v1.PodTemplateSpecArgs(
                metadata=k8s.meta.v1.ObjectMetaArgs(labels=labels | metrics_write.pod_labels(context.cell)),
                spec=_pod(context),
            ),
        ),
        opts=options,
    )
    # A world whose operators do not stand in the pods' network asks through the API server, which goes by a Service.
    k8s.core.v1.Service(
        names.PROMETHEUS,
        metadata=k8s.meta.v1.ObjectMetaArgs(name=names.PROMETHEUS, namespace=names.SYSTEM_NAMESPACE, labels=labels),
        spec=k8s.core.v1.ServiceSpecArgs(
            type="ClusterIP",
            selector={"app.kubernetes.io/name": names.PROMETHEUS},
            ports=[
                k8s.core.v1.ServicePortArgs(
                    name="http", port=names.PROMETHEUS_PORT, target_port=names.PROMETHEUS_PORT, protocol="TCP"
                )
            ],
        ),
        opts=options,
    )


def configuration(cell: ResolvedCell, managed: metrics_write.Written | None = None) -> str:
    """The text of prometheus.yml for a cell. Pure."""
    source = "__meta_kubernetes_pod_"

    def copy(label: str, target: str) -> dict[str, Any]:
        return {"source_labels": [source + label], "target_label": target}

    pods: dict[str, Any] = {
        "job_name": "pods",
        "honor_labels": False,
        "kubernetes_sd_configs": [{"role": "pod"}],
        "relabel_configs": [
            {"source_labels": [f"{source}annotation_prometheus_io_scrape"], "action": "keep", "regex": "true"},
            {"source_labels": [f"{source}phase"], "action": "drop", "regex": "Pending|Succeeded|Failed"},
            {
                "source_labels": [f"{source}ip", f"{source}annotation_prometheus_io_port"],
                "regex": "(.+);(\\d+)",
                "replacement": "$1:$2",
                "target_label": "__address__",
            },
            # One target per pod: discovery makes one per declared port, and they all get the address above.
            {"source_labels": [f"{source}container_init"], "action": "drop", "regex": "true"},
            {"source_labels": ["__meta_kubernetes_namespace"], "target_label": "namespace"},
            copy("name", "pod"),
            copy("node_name", "node"),
            copy("label_twain_workload", "workload"),
            copy("label_twain_maison", "maison"),
            copy("label_twain_revision", "revision"),
            copy("label_app_kubernetes_io_name", "app"),
        ],
    }
    interval = f"{cell.template.observability.scrape_interval_s}s"
    document = {
        "global": {
            "scrape_interval": interval,
            "scrape_timeout": interval,
            "evaluation_interval": interval,
            # Caps against a target that is broken or hostile: Prometheus has none by default.
            "body_size_limit": "32MB",
            "sample_limit": 50_000,
            "label_limit": 64,
            "external_labels": {"world": cell.cell.world, "cell": cell.cell.name},
        },
        "rule_files": [f"{_CONFIG_DIR}/rules.yml"],
        "alerting": {"alertmanagers": [_alertmanager()]},
        "scrape_configs": [pods],
        **metrics_write.targets(cell, managed),
    }
    return yaml.safe_dump(document, sort_keys=False)


def _alertmanager() -> dict[str, Any]:
    """Found as pods are, in this namespace only: nobody else may give itself out for it."""
    source = "__meta_kubernetes_pod_"
    return {
        "kubernetes_sd_configs": [{"role": "pod", "namespaces": {"names": [names.SYSTEM_NAMESPACE]}}],
        "relabel_configs": [
            {
                "source_labels": [f"{source}label_app_kubernetes_io_name", f"{source}container_port_number"],
                "action": "keep",
                "regex": f"{names.ALERTMANAGER};{names.ALERTMANAGER_PORT}",
            },
            {"source_labels": [f"{source}phase"], "action": "drop", "regex": "Pending|Succeeded|Failed"},
        ],
    }


def rules() -> str:
    """The text of the first rules: what is down, what waits, what the engines queue. Pure."""
    document = {
        "groups": [
            {
                "name": "twain",
                "rules": [
                    {
                        "record": "twain:requests_waiting",
                        "expr": "sum by (maison, workload) (vllm:num_requests_waiting)",
                    },
                    {
                        "alert": "TargetDown",
                        "expr": "up == 0",
                        "for": "2m",
                        "labels": {"severity": "ticket"},
                        "annotations": {"summary": "{{ $labels.namespace }}/{{ $labels.pod }} gives no metrics"},
                    },
                    {
                        "alert": "EngineQueueGrows",
                        "expr": "twain:requests_waiting > 10",
                        "for": "5m",
                        "labels": {"severity": "page"},
                        "annotations": {"summary": "{{ $labels.workload }} has more requests than its replicas serve"},
                    },
                ],
            }
        ]
    }
    return yaml.safe_dump(document, sort_keys=False)


def _access(context: Context, options: pulumi.ResourceOptions, annotations: Any) -> None:
    bound = k8s.meta.v1.ObjectMetaArgs(
        name=names.PROMETHEUS, namespace=names.SYSTEM_NAMESPACE, labels=context.labels, annotations=annotations
    )
    k8s.core.v1.ServiceAccount(names.PROMETHEUS, metadata=bound, automount_service_account_token=False, opts=options)
    k8s.rbac.v1.ClusterRole(
        f"twain-{names.PROMETHEUS}",
        metadata=k8s.meta.v1.ObjectMetaArgs(name=f"twain-{names.PROMETHEUS}", labels=context.labels),
        rules=[k8s.rbac.v1.PolicyRuleArgs(api_groups=[""], resources=["pods"], verbs=["get", "list", "watch"])],
        opts=options,
    )
    k8s.rbac.v1.ClusterRoleBinding(
        f"twain-{names.PROMETHEUS}",
        metadata=k8s.meta.v1.ObjectMetaArgs(name=f"twain-{names.PROMETHEUS}", labels=context.labels),
        role_ref=k8s.rbac.v1.RoleRefArgs(
            api_group="rbac.authorization.k8s.io", kind="ClusterRole", name=f"twain-{names.PROMETHEUS}"
        ),
        subjects=[
            k8s.rbac.v1.SubjectArgs(kind="ServiceAccount", name=names.PROMETHEUS, namespace=names.SYSTEM_NAMESPACE)
        ],
        opts=options,
    )


def _pod(context: Context) -> k8s.core.v1.PodSpecArgs:
    retention = context.cell.template.observability.retention_hours
    mounts = [
        k8s.core.v1.VolumeMountArgs(name="config", mount_path=_CONFIG_DIR, read_only=True),
        k8s.core.v1.VolumeMountArgs(name="data", mount_path="/prometheus"),
    ]
    volumes = [
        k8s.core.v1.VolumeArgs(name="config", config_map=k8s.core.v1.ConfigMapVolumeSourceArgs(name=names.PROMETHEUS)),
        k8s.core.v1.VolumeArgs(name="data", empty_dir=k8s.core.v1.EmptyDirVolumeSourceArgs()),
    ]
    if metrics_write.mounts_secret(context.cell):
        mounts.append(k8s.core.v1.VolumeMountArgs(name="writer", mount_path=metrics_write.WRITER_DIR, read_only=True))
        secret = k8s.core.v1.SecretVolumeSourceArgs(secret_name=names.REMOTE_WRITE_SECRET, default_mode=0o440)
        volumes.append(k8s.core.v1.VolumeArgs(name="writer", secret=secret))
    return k8s.core.v1.PodSpecArgs(
        service_account_name=names.PROMETHEUS,
        automount_service_account_token=True,
        priority_class_name=priorities.PLATFORM,
        security_context=security.pod(),
        termination_grace_period_seconds=30,
        containers=[
            k8s.core.v1.ContainerArgs(
                name=names.PROMETHEUS,
                image=names.image(context.cell.world.registry, names.PROMETHEUS),
                args=[
                    f"--config.file={_CONFIG_DIR}/prometheus.yml",
                    "--storage.tsdb.path=/prometheus",
                    f"--storage.tsdb.retention.time={retention}h",
                    f"--web.listen-address=$(POD_IP):{names.PROMETHEUS_PORT}",
                    *metrics_write.arguments(context.cell),
                ],
                env=[security.pod_ip()],
                ports=[k8s.core.v1.ContainerPortArgs(name="http", container_port=names.PROMETHEUS_PORT)],
                readiness_probe=security.http_probe("/-/ready", names.PROMETHEUS_PORT),
                liveness_probe=security.http_probe("/-/healthy", names.PROMETHEUS_PORT, period=10),
                security_context=security.container(),
                resources=k8s.core.v1.ResourceRequirementsArgs(
                    requests={"cpu": "200m", "memory": "1Gi"}, limits={"memory": "1Gi"}
                ),
                volume_mounts=mounts,
            )
        ],
        volumes=volumes,
    )
