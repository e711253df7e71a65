"""What a cloud's machine looks like as a Kubernetes Node: names, labels, taints, capacity. No request is made here."""

from __future__ import annotations

import re
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rehearsal.providers.facts import Machine, machine

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rehearsal.kube.client import Object
    from rehearsal.providers.store import Pool

KUBELET_PORT = 10250
GPU_RESOURCE = "nvidia.com/gpu"
GPU_MODEL_ANNOTATION = "twain/gpu-model"
ZONE_LABEL = "topology.kubernetes.io/zone"
# Clouds that remove the Nodes of a zone when a pool leaves it. Others let them be until they go by themselves, or make
# the pool anew.
LEAVES_ZONES = frozenset({"gcp"})
_MAX_PODS = 110


# A Node of a size that the cloud's table does not know: a store of an older version, or a test's own.
_DEFAULT = Machine(cpus=8, memory_gib=32, regions=frozenset())
_DEFAULT_MODEL = "NVIDIA A100-SXM4-80GB"
_GKE_ACCELERATOR = {
    "NVIDIA A100-SXM4-40GB": "nvidia-tesla-a100",
    "NVIDIA A100-SXM4-80GB": "nvidia-a100-80gb",
    "NVIDIA H100 80GB HBM3": "nvidia-h100-80gb",
    "NVIDIA H200": "nvidia-h200-141gb",
    "NVIDIA L4": "nvidia-l4",
    "Tesla T4": "nvidia-tesla-t4",
}
_GPU_MEMORY_MIB = {"NVIDIA A100-SXM4-80GB": 81920, "NVIDIA A10": 23028, "Tesla T4": 15360}


def shape(pool: Pool) -> Machine:
    """What a machine of this pool offers."""
    found = machine(pool.cloud, pool.instance_type) or _DEFAULT
    return replace(found, gpu_model=_DEFAULT_MODEL) if pool.gpus and not found.gpu_model else found


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
        ZONE_LABEL: zone,
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
        labels["cloud.google.com/gke-os-distribution"] = "cos"
        if model:
            labels["cloud.google.com/gke-accelerator"] = _GKE_ACCELERATOR.get(model, "nvidia-gpu")
            labels["cloud.google.com/gke-accelerator-count"] = str(pool.gpus)
    else:
        labels["agentpool"] = pool.name
        labels["kubernetes.azure.com/agentpool"] = pool.name
        labels["kubernetes.azure.com/node-image-version"] = "AKSUbuntu-2204gen2containerd-202608.13.0"
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
