"""The DCGM exporter on every GPU node, with our own list of counters.

It runs as root with SYS_ADMIN because the profiling counters need it, and asks the kubelet of its node which pod holds
which GPU, or its series would name no pod; that is why it has a namespace of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi_kubernetes as k8s

from components.platform import names, placement, priorities
from components.platform.security import http_probe, pod_ip

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pulumi

    from components.platform.context import Context

_NAME = "dcgm-exporter"
_POD_RESOURCES = "/var/lib/kubelet/pod-resources"

# The default set shows utilisation, not health: SM activity and the throttling and error counters are added.
_COUNTERS = """\
DCGM_FI_DEV_GPU_UTIL, gauge, GPU utilization (in %).
DCGM_FI_DEV_MEM_COPY_UTIL, gauge, Memory utilization (in %).
DCGM_FI_DEV_FB_USED, gauge, Framebuffer memory used (in MiB).
DCGM_FI_DEV_FB_FREE, gauge, Framebuffer memory free (in MiB).
DCGM_FI_DEV_FB_RESERVED, gauge, Framebuffer memory reserved (in MiB).
DCGM_FI_DEV_POWER_USAGE, gauge, Power draw (in W).
DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION, counter, Energy since boot (in mJ).
DCGM_FI_DEV_GPU_TEMP, gauge, GPU temperature (in C).
DCGM_FI_DEV_SM_CLOCK, gauge, SM clock frequency (in MHz).
DCGM_FI_DEV_XID_ERRORS, gauge, Value of the last XID error.
DCGM_FI_PROF_GR_ENGINE_ACTIVE, gauge, Ratio of time the graphics engine is active.
DCGM_FI_PROF_SM_ACTIVE, gauge, Ratio of cycles an SM has a warp assigned.
DCGM_FI_PROF_PIPE_TENSOR_ACTIVE, gauge, Ratio of cycles the tensor pipe is active.
DCGM_FI_PROF_DRAM_ACTIVE, gauge, Ratio of cycles the memory interface is active.
"""


def declare(context: Context, spaces: Mapping[str, pulumi.Resource]) -> None:
    """Declare the DaemonSet and its list of counters."""
    options = context.options(depends_on=[spaces[names.GPU_NAMESPACE]])
    labels = {**context.labels, "app.kubernetes.io/name": _NAME}
    k8s.core.v1.ConfigMap(
        f"{_NAME}-counters",
        metadata=k8s.meta.v1.ObjectMetaArgs(name=f"{_NAME}-counters", namespace=names.GPU_NAMESPACE, labels=labels),
        data={"counters.csv": _COUNTERS},
        opts=options,
    )
    k8s.apps.v1.DaemonSet(
        _NAME,
        metadata=k8s.meta.v1.ObjectMetaArgs(name=_NAME, namespace=names.GPU_NAMESPACE, labels=labels),
        spec=k8s.apps.v1.DaemonSetSpecArgs(
            selector=k8s.meta.v1.LabelSelectorArgs(match_labels={"app.kubernetes.io/name": _NAME}),
            template=k8s.core.v1.PodTemplateSpecArgs(
                metadata=k8s.meta.v1.ObjectMetaArgs(
                    labels=labels,
                    annotations={"prometheus.io/scrape": "true", "prometheus.io/port": str(names.DCGM_PORT)},
                ),
                spec=_pod(context),
            ),
        ),
        opts=options,
    )


def _pod(context: Context) -> k8s.core.v1.PodSpecArgs:
    return k8s.core.v1.PodSpecArgs(
        automount_service_account_token=False,
        priority_class_name=priorities.PLATFORM,
        affinity=placement.on_gpu_nodes(),
        tolerations=placement.tolerations(),
        containers=[
            k8s.core.v1.ContainerArgs(
                name="exporter",
                image=names.image(context.cell.world.registry, _NAME),
                args=["-f", "/etc/dcgm-exporter/counters.csv", "-a", f"$(POD_IP):{names.DCGM_PORT}"],
                env=[
                    pod_ip(),
                    k8s.core.v1.EnvVarArgs(name="DCGM_EXPORTER_KUBERNETES", value="true"),
                    k8s.core.v1.EnvVarArgs(
                        name="NODE_NAME",
                        value_from=k8s.core.v1.EnvVarSourceArgs(
                            field_ref=k8s.core.v1.ObjectFieldSelectorArgs(field_path="spec.nodeName")
                        ),
                    ),
                ],
                ports=[k8s.core.v1.ContainerPortArgs(name="metrics", container_port=names.DCGM_PORT)],
                readiness_probe=http_probe("/health", names.DCGM_PORT),
                security_context=k8s.core.v1.SecurityContextArgs(
                    run_as_non_root=False,
                    run_as_user=0,
                    allow_privilege_escalation=False,
                    capabilities=k8s.core.v1.CapabilitiesArgs(add=["SYS_ADMIN"]),
                    seccomp_profile=k8s.core.v1.SeccompProfileArgs(type="RuntimeDefault"),
                ),
                resources=k8s.core.v1.ResourceRequirementsArgs(
                    requests={"cpu": "50m", "memory": "256Mi"}, limits={"memory": "256Mi"}
                ),
                volume_mounts=[
                    k8s.core.v1.VolumeMountArgs(name="counters", mount_path="/etc/dcgm-exporter", read_only=True),
                    k8s.core.v1.VolumeMountArgs(name="pod-resources", mount_path=_POD_RESOURCES, read_only=True),
                ],
            )
        ],
        volumes=[
            k8s.core.v1.VolumeArgs(
                name="counters", config_map=k8s.core.v1.ConfigMapVolumeSourceArgs(name=f"{_NAME}-counters")
            ),
            k8s.core.v1.VolumeArgs(
                name="pod-resources",
                host_path=k8s.core.v1.HostPathVolumeSourceArgs(path=_POD_RESOURCES, type="Directory"),
            ),
        ],
    )
