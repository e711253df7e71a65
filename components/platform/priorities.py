"""Which pods give way when nodes are full: the cell's own services last, batch jobs first.

Serving pods keep the cluster's default of zero: among maisons nobody comes before anybody. A maison's quota
(`components.platform.tenants`) keeps it from the classes that could evict another's pods.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi_kubernetes as k8s

if TYPE_CHECKING:
    from components.platform.context import Context

PLATFORM = "twain-platform"
BATCH = "twain-batch"
# The two that Kubernetes brings would evict anything.
RESERVED = (PLATFORM, "system-cluster-critical", "system-node-critical")


def declare(context: Context) -> None:
    """Declare the classes. None of them is the default."""
    for name, value, policy, says in (
        (PLATFORM, 1_000_000, "PreemptLowerPriority", "The cell's own services: metrics, exporters, the gate."),
        (BATCH, -1_000, "Never", "Jobs that can wait: they evict nobody and give way to everybody."),
    ):
        k8s.scheduling.v1.PriorityClass(
            name,
            metadata=k8s.meta.v1.ObjectMetaArgs(name=name, labels=context.labels),
            value=value,
            global_default=False,
            preemption_policy=policy,
            description=says,
            opts=context.options(),
        )
