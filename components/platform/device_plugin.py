"""NVIDIA's device plugin, on clouds whose GPU nodes come with a driver and without it: until it runs there, a node
offers no `nvidia.com/gpu` and nothing that asks for one is scheduled.

It registers with the kubelet of its node through a socket in a folder of the host, so it lives in the namespace that
allows that. GPUs are given out whole: no time-slicing, no MIG, the one way of sharing that all clouds can mirror.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi_kubernetes as k8s

from components.clouds import gpu
from components.platform import names, placement, priorities

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pulumi

    from components.platform.context import Context

NAME = "nvidia-device-plugin"
_FOLDER = "/var/lib/kubelet/device-plugins"


def declare(context: Context, spaces: Mapping[str, pulumi.Resource]) -> None:
    """Declare the DaemonSet where the cell's cloud brings none of its own."""
    if context.cell.cell.cloud in gpu.BRINGS_DEVICE_PLUGIN:
        return
    labels = {**context.labels, "app.kubernetes.io/name": NAME}
    k8s.apps.v1.DaemonSet(
        NAME,
        metadata=k8s.meta.v1.ObjectMetaArgs(name=NAME, namespace=names.GPU_NAMESPACE, labels=labels),
        spec=k8s.apps.v1.DaemonSetSpecArgs(
            selector=k8s.meta.v1.LabelSelectorArgs(match_labels={"app.kubernetes.io/name": NAME}),
            update_strategy=k8s.apps.v1.DaemonSetUpdateStrategyArgs(type="RollingUpdate"),
            template=k8s.core.v1.PodTemplateSpecArgs(
                metadata=k8s.meta.v1.ObjectMetaArgs(labels=labels), spec=_pod(context)
            ),
        ),
        opts=context.options(depends_on=[spaces[names.GPU_NAMESPACE]]),
    )


def _pod(context: Context) -> k8s.core.v1.PodSpecArgs:
    return k8s.core.v1.PodSpecArgs(
        automount_service_account_token=False,
        priority_class_name=priorities.PLATFORM,
        affinity=placement.on_gpu_nodes(),
        tolerations=placement.tolerations(),
        containers=[
            k8s.core.v1.ContainerArgs(
                name=NAME,
                image=names.image(context.cell.world.registry, NAME),
                env=[
                    k8s.core.v1.EnvVarArgs(name="MIG_STRATEGY", value="none"),
                    k8s.core.v1.EnvVarArgs(name="FAIL_ON_INIT_ERROR", value="true"),
                ],
                # Root, since the kubelet's folder is; no capability and no way to more.
                security_context=k8s.core.v1.SecurityContextArgs(
                    run_as_non_root=False,
                    run_as_user=0,
                    privileged=False,
                    allow_privilege_escalation=False,
                    read_only_root_filesystem=True,
                    capabilities=k8s.core.v1.CapabilitiesArgs(drop=["ALL"]),
                    seccomp_profile=k8s.core.v1.SeccompProfileArgs(type="RuntimeDefault"),
                ),
                resources=k8s.core.v1.ResourceRequirementsArgs(
                    requests={"cpu": "50m", "memory": "64Mi"}, limits={"memory": "64Mi"}
                ),
                volume_mounts=[k8s.core.v1.VolumeMountArgs(name="device-plugins", mount_path=_FOLDER)],
            )
        ],
        volumes=[
            k8s.core.v1.VolumeArgs(
                name="device-plugins",
                host_path=k8s.core.v1.HostPathVolumeSourceArgs(path=_FOLDER, type="Directory"),
            )
        ],
    )
