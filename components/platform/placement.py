"""Where what is of GPU nodes only runs: on all of them and on no other."""

from __future__ import annotations

import pulumi_kubernetes as k8s

from components.platform import names


def on_gpu_nodes() -> k8s.core.v1.AffinityArgs:
    """Nodes of any GPU pool, by the label that every cloud's pool gives them."""
    has_gpu = k8s.core.v1.NodeSelectorTermArgs(
        match_expressions=[k8s.core.v1.NodeSelectorRequirementArgs(key=names.LABEL_GPU_CLASS, operator="Exists")]
    )
    wanted = k8s.core.v1.NodeSelectorArgs(node_selector_terms=[has_gpu])
    return k8s.core.v1.AffinityArgs(
        node_affinity=k8s.core.v1.NodeAffinityArgs(required_during_scheduling_ignored_during_execution=wanted)
    )


def tolerations() -> list[k8s.core.v1.TolerationArgs]:
    """The taint that keeps others off these nodes."""
    return [k8s.core.v1.TolerationArgs(key=names.GPU_TAINT, operator="Exists", effect="NoSchedule")]
