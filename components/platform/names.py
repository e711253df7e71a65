"""Names, labels and images that the platform, the command line and the gate share."""

from __future__ import annotations

SYSTEM_NAMESPACE = "twain-system"
GPU_NAMESPACE = "gpu-monitoring"
MAISON_PREFIX = "maison-"

PROMETHEUS = "prometheus"
PROMETHEUS_PORT = 9090
ALERTMANAGER = "alertmanager"
ALERTMANAGER_PORT = 9093
GATE = "gate"
GATE_PORT = 8443
GUARANTEES = "guarantees"
COST = "cost"
GATEWAY = "cell"
GATEWAY_PORT = 8443
GATEWAY_TLS_SECRET = "gateway-tls"  # noqa: S105 - the name of a Secret
GATEWAY_KEYS_SECRET = "gateway-keys"  # noqa: S105
REMOTE_WRITE_SECRET = "remote-write"  # noqa: S105
RECEIVERS_SECRET = "alert-receivers"  # noqa: S105
GATE_TLS_SECRET = "gate-tls"  # noqa: S105
GATE_TOKEN_AUDIENCE = "twain-gate"  # noqa: S105
DCGM_PORT = 9400
# Where a workload's engine answers.
ENGINE_PORT = 8000

LABEL_WORLD = "twain/world"
LABEL_CELL = "twain/cell"
LABEL_MAISON = "twain/maison"
LABEL_WORKLOAD = "twain/workload"
LABEL_REVISION = "twain/revision"
LABEL_GPU_CLASS = "twain/gpu-class"
LABEL_POOL = "twain/pool"

GPU_TAINT = "nvidia.com/gpu"

# Tags of the images that the platform runs, in each world's own registry. Digests come from the artefact ledger once
# it exists; until then a tag names the image.
IMAGES = {
    "prometheus": "v3.15.0",
    "alertmanager": "v0.31.1",
    "dcgm-exporter": "4.5.2-4.8.1-ubuntu22.04",
    "nvidia-device-plugin": "v0.17.4",
    "twain-gate": "0.1.0",
    "keda": "2.21.0",
    "keda-metrics-apiserver": "2.21.0",
    "keda-admission-webhooks": "2.21.0",
    "kueue": "v0.15.0",
}


def image(registry: str, name: str) -> str:
    """The reference of a platform image in a world's registry."""
    return f"{registry}/{name}:{IMAGES[name]}"


def maison_namespace(maison: str) -> str:
    """The namespace of a maison."""
    return f"{MAISON_PREFIX}{maison}"


def dataset_part(dataset: str) -> str:
    """The part of a bucket that holds a dataset; no maison's part begins so."""
    return f"data-{dataset}"
