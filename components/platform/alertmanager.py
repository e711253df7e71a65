"""Alertmanager of a cell: it groups what Prometheus fires and tells the world's receivers, which lie inside the world.

One replica, no gossip: alerts of a cell stay in it but for what a receiver is told. A receiver's address stands in the
fleet, where it is judged; its bearer token stands in a Secret that the cell's secret store keeps, and in no state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pulumi_kubernetes as k8s
import yaml

from components.platform import names, priorities, security

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pulumi

    from components.platform.context import Context
    from components.spec.model import World

_CONFIG_DIR: Final = "/etc/alertmanager"
_RECEIVERS_DIR: Final = "/etc/alertmanager-receivers"
# Where an alert goes that nobody is told of: it shows in Alertmanager and nowhere else.
_NOBODY: Final = "nobody"


def declare(context: Context, spaces: Mapping[str, pulumi.Resource]) -> None:
    """Declare the configuration and the Deployment."""
    options = context.options(depends_on=[spaces[names.SYSTEM_NAMESPACE]])
    labels = {**context.labels, "app.kubernetes.io/name": names.ALERTMANAGER}
    meta = k8s.meta.v1.ObjectMetaArgs(name=names.ALERTMANAGER, namespace=names.SYSTEM_NAMESPACE, labels=labels)
    k8s.core.v1.ConfigMap(
        names.ALERTMANAGER, metadata=meta, data={"alertmanager.yml": configuration(context.cell.world)}, opts=options
    )
    k8s.apps.v1.Deployment(
        names.ALERTMANAGER,
        metadata=meta,
        spec=k8s.apps.v1.DeploymentSpecArgs(
            replicas=1,
            strategy=k8s.apps.v1.DeploymentStrategyArgs(type="Recreate"),
            selector=k8s.meta.v1.LabelSelectorArgs(match_labels={"app.kubernetes.io/name": names.ALERTMANAGER}),
            template=k8s.core.v1.PodTemplateSpecArgs(
                metadata=k8s.meta.v1.ObjectMetaArgs(labels=labels), spec=_pod(context)
            ),
        ),
        opts=options,
    )


def configuration(world: World) -> str:
    """The text of alertmanager.yml: each receiver is told of its severities, nobody of the rest. Pure."""
    told = [one for one in world.alerts if "cell" in one.told_by]
    routes: list[dict[str, Any]] = [
        {
            "receiver": one.name,
            "matchers": [f'severity=~"{"|".join(one.severities)}"'],
            # The next receiver is asked too: a page may be for two.
            "continue": True,
        }
        for one in told
    ]
    document = {
        "route": {
            "receiver": _NOBODY,
            "group_by": ["alertname", "cell", "maison", "workload"],
            "group_wait": "30s",
            "group_interval": "5m",
            "repeat_interval": "4h",
            "routes": routes,
        },
        "receivers": [
            {"name": _NOBODY},
            *({"name": one.name, "webhook_configs": [_webhook(one.name, one.url, token=one.token)]} for one in told),
        ],
        "inhibit_rules": [
            # What is paged for need not be a ticket too.
            {
                "source_matchers": ['severity="page"'],
                "target_matchers": ['severity="ticket"'],
                "equal": ["alertname", "cell", "maison", "workload"],
            }
        ],
    }
    return yaml.safe_dump(document, sort_keys=False)


def _webhook(name: str, url: str, *, token: bool) -> dict[str, Any]:
    client: dict[str, Any] = {"follow_redirects": False}
    if token:
        client["authorization"] = {"type": "Bearer", "credentials_file": f"{_RECEIVERS_DIR}/{name}"}
    return {"url": url, "send_resolved": True, "http_config": client}


def _pod(context: Context) -> k8s.core.v1.PodSpecArgs:
    mounts = [
        k8s.core.v1.VolumeMountArgs(name="config", mount_path=_CONFIG_DIR, read_only=True),
        k8s.core.v1.VolumeMountArgs(name="data", mount_path="/alertmanager"),
    ]
    volumes = [
        k8s.core.v1.VolumeArgs(
            name="config", config_map=k8s.core.v1.ConfigMapVolumeSourceArgs(name=names.ALERTMANAGER)
        ),
        # What is lost with the pod: silences, and who was told already, so that a receiver may be told again.
        k8s.core.v1.VolumeArgs(name="data", empty_dir=k8s.core.v1.EmptyDirVolumeSourceArgs()),
    ]
    if any(one.token and "cell" in one.told_by for one in context.cell.world.alerts):
        mounts.append(k8s.core.v1.VolumeMountArgs(name="receivers", mount_path=_RECEIVERS_DIR, read_only=True))
        secret = k8s.core.v1.SecretVolumeSourceArgs(secret_name=names.RECEIVERS_SECRET, default_mode=0o440)
        volumes.append(k8s.core.v1.VolumeArgs(name="receivers", secret=secret))
    return k8s.core.v1.PodSpecArgs(
        automount_service_account_token=False,
        priority_class_name=priorities.PLATFORM,
        security_context=security.pod(),
        termination_grace_period_seconds=30,
        containers=[
            k8s.core.v1.ContainerArgs(
                name=names.ALERTMANAGER,
                image=names.image(context.cell.world.registry, names.ALERTMANAGER),
                args=[
                    f"--config.file={_CONFIG_DIR}/alertmanager.yml",
                    "--storage.path=/alertmanager",
                    f"--web.listen-address=$(POD_IP):{names.ALERTMANAGER_PORT}",
                    # Empty: there is no second one to gossip with.
                    "--cluster.listen-address=",
                ],
                env=[security.pod_ip()],
                ports=[k8s.core.v1.ContainerPortArgs(name="http", container_port=names.ALERTMANAGER_PORT)],
                readiness_probe=security.http_probe("/-/ready", names.ALERTMANAGER_PORT),
                liveness_probe=security.http_probe("/-/healthy", names.ALERTMANAGER_PORT, period=10),
                security_context=security.container(),
                resources=k8s.core.v1.ResourceRequirementsArgs(
                    requests={"cpu": "50m", "memory": "128Mi"}, limits={"memory": "128Mi"}
                ),
                volume_mounts=mounts,
            )
        ],
        volumes=volumes,
    )
