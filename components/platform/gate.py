"""The gate of a world, in its gate cell: the one door through which the other world reads or asks.

Its identity may review tokens and operate workloads in the maisons' namespaces of this world's cells
(`components.platform.access`); its callers may only call it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi_kubernetes as k8s
import yaml

from components.platform import names, priorities, security

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pulumi

    from components.platform.context import Context

_CONFIG_DIR = "/etc/twain/gate"
_CELLS_DIR = "/etc/twain/cells"
_TLS_DIR = "/etc/twain/gate-tls"


def declare(context: Context, spaces: Mapping[str, pulumi.Resource]) -> None:
    """Declare the gate's identity, configuration and Deployment."""
    options = context.options(depends_on=[spaces[names.SYSTEM_NAMESPACE]])
    labels = {**context.labels, "app.kubernetes.io/name": names.GATE}
    meta = k8s.meta.v1.ObjectMetaArgs(name=names.GATE, namespace=names.SYSTEM_NAMESPACE, labels=labels)
    k8s.core.v1.ServiceAccount(names.GATE, metadata=meta, automount_service_account_token=False, opts=options)
    k8s.core.v1.ConfigMap(names.GATE, metadata=meta, data={"gate.yaml": configuration(context)}, opts=options)
    k8s.core.v1.ConfigMap(
        "gate-cells",
        metadata=k8s.meta.v1.ObjectMetaArgs(name="gate-cells", namespace=names.SYSTEM_NAMESPACE, labels=labels),
        data={f"{name}.json": facts for name, facts in sorted(context.sister_cells.items())},
        opts=options,
    )
    k8s.apps.v1.Deployment(
        names.GATE,
        metadata=meta,
        spec=k8s.apps.v1.DeploymentSpecArgs(
            replicas=1,
            selector=k8s.meta.v1.LabelSelectorArgs(match_labels={"app.kubernetes.io/name": names.GATE}),
            template=k8s.core.v1.PodTemplateSpecArgs(
                metadata=k8s.meta.v1.ObjectMetaArgs(labels=labels), spec=_pod(context)
            ),
        ),
        opts=options,
    )


def configuration(context: Context) -> str:
    """The text of gate.yaml."""
    cell = context.cell
    return yaml.safe_dump(
        {
            "world": cell.cell.world,
            "cell": cell.cell.name,
            "cloud": cell.cell.cloud,
            "region": cell.cell.region,
            "registry": cell.world.registry,
            "access": cell.world.access,
            "fleet": context.fleet.name,
            "gpu_pools": [pool.model_dump(mode="json", exclude={"zones"}) for pool in cell.template.gpu_pools],
            # The maisons that there are, and what each may ask for: the gate refuses before it writes.
            "gpu_quota": {maison.name: maison.gpu_quota for maison in context.fleet.maisons},
        },
        sort_keys=False,
    )


def _mount(name: str, path: str) -> k8s.core.v1.VolumeMountArgs:
    return k8s.core.v1.VolumeMountArgs(name=name, mount_path=path, read_only=True)


def _pod(context: Context) -> k8s.core.v1.PodSpecArgs:
    return k8s.core.v1.PodSpecArgs(
        service_account_name=names.GATE,
        automount_service_account_token=True,
        priority_class_name=priorities.PLATFORM,
        security_context=security.pod(),
        containers=[
            k8s.core.v1.ContainerArgs(
                name=names.GATE,
                image=names.image(context.cell.world.registry, "twain-gate"),
                args=[
                    f"--config={_CONFIG_DIR}/gate.yaml",
                    f"--cells={_CELLS_DIR}",
                    f"--tls={_TLS_DIR}",
                    "--journal=/var/lib/twain-gate",
                    f"--listen=$(POD_IP):{names.GATE_PORT}",
                ],
                env=[security.pod_ip(), k8s.core.v1.EnvVarArgs(name="TWAIN_IDENTITY", value="gate")],
                ports=[k8s.core.v1.ContainerPortArgs(name="https", container_port=names.GATE_PORT)],
                readiness_probe=security.http_probe("/healthz", names.GATE_PORT, scheme="HTTPS"),
                security_context=security.container(),
                resources=k8s.core.v1.ResourceRequirementsArgs(
                    requests={"cpu": "100m", "memory": "256Mi"}, limits={"memory": "256Mi"}
                ),
                volume_mounts=[
                    _mount("config", _CONFIG_DIR),
                    _mount("cells", _CELLS_DIR),
                    _mount("tls", _TLS_DIR),
                    k8s.core.v1.VolumeMountArgs(name="journal", mount_path="/var/lib/twain-gate"),
                ],
            )
        ],
        volumes=[
            k8s.core.v1.VolumeArgs(name="config", config_map=k8s.core.v1.ConfigMapVolumeSourceArgs(name=names.GATE)),
            k8s.core.v1.VolumeArgs(name="cells", config_map=k8s.core.v1.ConfigMapVolumeSourceArgs(name="gate-cells")),
            k8s.core.v1.VolumeArgs(
                name="tls", secret=k8s.core.v1.SecretVolumeSourceArgs(secret_name=names.GATE_TLS_SECRET)
            ),
            k8s.core.v1.VolumeArgs(name="journal", empty_dir=k8s.core.v1.EmptyDirVolumeSourceArgs()),
        ],
    )
