"""What a cloud's machine looks like as a Kubernetes Node: names, labels, taints, capacity. No request is made here."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rehearsal.kube.client import Object
    from rehearsal.providers.store import Pool

KUBELET_PORT = 10250
GPU_RESOURCE = "nvidia.com/gpu"
GPU_MODEL_ANNOTATION = "twain/gpu-model"
_MAX_PODS = 110


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What one machine offers: CPU cores, memory in GiB, GPU model as its driver names it (empty without)."""

    cpus: int
    memory_gib: int
    gpu_model: str = ""


# The sizes that the fleet's classes resolve to. A size that is not here gets the modest default below.
_SHAPES: dict[str, Shape] = {
    "ecs.g7.large": Shape(cpus=2, memory_gib=8),
    "ecs.g7.xlarge": Shape(cpus=4, memory_gib=16),
    "ecs.g7.2xlarge": Shape(cpus=8, memory_gib=32),
    "e2-standard-2": Shape(cpus=2, memory_gib=8),
    "e2-standard-4": Shape(cpus=4, memory_gib=16),
    "e2-standard-8": Shape(cpus=8, memory_gib=32),
    "Standard_D2ds_v5": Shape(cpus=2, memory_gib=8),
    "Standard_D4ds_v5": Shape(cpus=4, memory_gib=16),
    "Standard_D8ds_v5": Shape(cpus=8, memory_gib=32),
    "ecs.gn7e-c16g1.4xlarge": Shape(cpus=16, memory_gib=125, gpu_model="NVIDIA A100-SXM4-80GB"),
    "a2-ultragpu-1g": Shape(cpus=12, memory_gib=170, gpu_model="NVIDIA A100-SXM4-80GB"),
    "Standard_NC24ads_A100_v4": Shape(cpus=24, memory_gib=220, gpu_model="NVIDIA A100 80GB PCIe"),
    "ecs.gn7i-c8g1.2xlarge": Shape(cpus=8, memory_gib=30, gpu_model="NVIDIA A10"),
    "g2-standard-8": Shape(cpus=8, memory_gib=32, gpu_model="NVIDIA L4"),
    "Standard_NV36ads_A10_v5": Shape(cpus=36, memory_gib=440, gpu_model="NVIDIA A10-24Q"),
    "ecs.gn6i-c8g1.2xlarge": Shape(cpus=8, memory_gib=31, gpu_model="Tesla T4"),
    "n1-standard-8": Shape(cpus=8, memory_gib=30, gpu_model="Tesla T4"),
    "Standard_NC8as_T4_v3": Shape(cpus=8, memory_gib=56, gpu_model="Tesla T4"),
}
_DEFAULT = Shape(cpus=8, memory_gib=32)
_CLASS_MODELS = {"gpu-80g": "NVIDIA A100-SXM4-80GB", "gpu-24g": "NVIDIA A10", "gpu-16g": "Tesla T4"}
_GKE_ACCELERATOR = {
    "NVIDIA A100-SXM4-80GB": "nvidia-a100-80gb",
    "NVIDIA L4": "nvidia-l4",
    "Tesla T4": "nvidia-tesla-t4",
}
_GPU_MEMORY_MIB = {"NVIDIA A100-SXM4-80GB": 81920, "NVIDIA A10": 23028, "Tesla T4": 15360}


def shape(pool: Pool) -> Shape:
    """What a machine of this pool offers."""
    found = _SHAPES.get(pool.instance_type, _DEFAULT)
    if pool.gpus and not found.gpu_model:
        model = _CLASS_MODELS.get(pool.gpu_class or "", "NVIDIA A100-SXM4-80GB")
        return Shape(cpus=found.cpus, memory_gib=found.memory_gib, gpu_model=model)
    return found


def allocatable(pool: Pool) -> dict[str, float]:
    """What pods may use of one machine: cpu in cores, memory in bytes, GPUs and pods as counts."""
    offered = shape(pool)
    # Clouds keep a little back for the system; the figures are near what the three publish.
    result = {
        "cpu": offered.cpus - 0.1,
        "memory": (offered.memory_gib * 0.9) * 2**30,
        "pods": float(_MAX_PODS),
        "ephemeral-storage": 80.0 * 2**30,
    }
    if pool.gpus:
        result[GPU_RESOURCE] = float(pool.gpus)
    return result


def new_name(pool: Pool, *, cluster: str, region: str) -> str:
    """A machine name in the cloud's own shape; the suffix is random, so that no name ever returns."""
    suffix = secrets.token_hex(4)
    label = re.sub(r"[^a-z0-9-]+", "-", pool.name.lower()).strip("-")
    if pool.cloud == "alicloud":
        return f"{region}.i-{label}-{suffix}"
    if pool.cloud == "gcp":
        return f"gke-{cluster}-{label}-{suffix}"[:63].rstrip("-")
    return f"aks-{label.replace('-', '')}-vmss{suffix}"


def cloud_labels(pool: Pool, *, zone: str, region: str, name: str) -> dict[str, str]:
    """The labels that this cloud puts on a Node by itself."""
    labels = {
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/os": "linux",
        "kubernetes.io/hostname": name,
        "node.kubernetes.io/instance-type": pool.instance_type,
        "topology.kubernetes.io/region": region,
        "topology.kubernetes.io/zone": zone,
    }
    model = shape(pool).gpu_model if pool.gpus else ""
    if pool.cloud == "alicloud":
        labels["alibabacloud.com/nodepool-id"] = pool.name
        if model:
            labels["aliyun.accelerator/nvidia_count"] = str(pool.gpus)
            labels["aliyun.accelerator/nvidia_name"] = model.replace(" ", "-")
            labels["aliyun.accelerator/nvidia_mem"] = f"{_GPU_MEMORY_MIB.get(model, 81920)}MiB"
    elif pool.cloud == "gcp":
        labels["cloud.google.com/gke-nodepool"] = pool.name
        if model:
            labels["cloud.google.com/gke-accelerator"] = _GKE_ACCELERATOR.get(model, "nvidia-gpu")
            labels["cloud.google.com/gke-accelerator-count"] = str(pool.gpus)
    else:
        labels["agentpool"] = pool.name
        labels["kubernetes.azure.com/agentpool"] = pool.name
        labels["kubernetes.azure.com/mode"] = "system" if pool.kind == "system" else "user"
        if model:
            labels["kubernetes.azure.com/accelerator"] = "nvidia"
    return labels


def labels(pool: Pool, *, zone: str, region: str, name: str) -> dict[str, str]:
    """All labels of a Node: the cloud's own and the pool's."""
    return cloud_labels(pool, zone=zone, region=region, name=name) | dict(pool.labels)


def taints(pool: Pool) -> list[dict[str, str]]:
    """The taints of a Node: the pool's, and the one that GKE adds to GPU pools by itself."""
    result = {(t.key, t.effect): {"key": t.key, "value": t.value, "effect": t.effect} for t in pool.taints}
    if pool.cloud == "gcp" and pool.gpus:
        own = {"key": GPU_RESOURCE, "value": "present", "effect": "NoSchedule"}
        result.setdefault((own["key"], own["effect"]), own)
    return list(result.values())


def node(pool: Pool, *, name: str, zone: str, region: str, pod_cidr: str) -> Object:
    """The Node object to create."""
    annotations = {"twain/pool": pool.name}
    if pool.gpus:
        annotations[GPU_MODEL_ANNOTATION] = shape(pool).gpu_model
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": labels(pool, zone=zone, region=region, name=name),
            "annotations": annotations,
        },
        "spec": {
            "podCIDR": pod_cidr,
            "podCIDRs": [pod_cidr],
            "providerID": f"{pool.cloud}://{region}/{zone}/{name}",
            "taints": taints(pool),
        },
    }


def pool_of(node: Object) -> str:
    """The pool of a Node that this cell's cloud made; empty for any other."""
    return node["metadata"].get("annotations", {}).get("twain/pool", "")


def status(pool: Pool, *, address: str, now: str, version: str) -> Object:
    """The status patch of a Ready Node."""
    offered = shape(pool)
    capacity: dict[str, Any] = {
        "cpu": str(offered.cpus),
        "memory": f"{offered.memory_gib}Gi",
        "pods": str(_MAX_PODS),
        "ephemeral-storage": "100Gi",
    }
    able: dict[str, Any] = {
        "cpu": f"{offered.cpus * 1000 - 100}m",
        "memory": f"{int(offered.memory_gib * 0.9 * 1024)}Mi",
        "pods": str(_MAX_PODS),
        "ephemeral-storage": "80Gi",
    }
    if pool.gpus:
        capacity[GPU_RESOURCE] = able[GPU_RESOURCE] = str(pool.gpus)
    return {
        "status": {
            "capacity": capacity,
            "allocatable": able,
            # No Hostname address: it would be preferred, and cost a real name look-up.
            "addresses": [{"type": "InternalIP", "address": address}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": KUBELET_PORT}},
            "nodeInfo": {
                "architecture": "amd64",
                "operatingSystem": "linux",
                "kubeletVersion": version,
                "kubeProxyVersion": "",
                "osImage": "rehearsal",
                "kernelVersion": "rehearsal",
                "containerRuntimeVersion": "rehearsal://1",
                "machineID": "",
                "systemUUID": "",
                "bootID": "",
            },
            **ready(now),
        }
    }


def ready(now: str) -> Object:
    """The condition that keeps a Node Ready."""
    condition = {
        "type": "Ready",
        "status": "True",
        "reason": "KubeletReady",
        "message": "the rehearsal's pod runner answers for this node",
        "lastHeartbeatTime": now,
    }
    return {"conditions": [condition]}


def lease(name: str, now_micro: str) -> Object:
    """The Lease without which a Ready Node is tainted unreachable after 42 s."""
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": name, "namespace": "kube-node-lease"},
        "spec": {"holderIdentity": name, "leaseDurationSeconds": 40, "renewTime": now_micro},
    }


def round_robin(zones: tuple[str, ...], used: Mapping[str, int], *, region: str) -> str:
    """The zone with the fewest machines of the pool; the first of equals."""
    if not zones:
        return region
    return min(zones, key=lambda zone: used.get(zone, 0))
