"""A workload in a cell as Kubernetes objects. Pure: the same workload and cell give the same bytes.

The facts about vLLM that shape them (0.33): it listens only once the engine is built, so a start-up probe alone
bounds the start; on SIGTERM it drops what is in flight unless `--shutdown-timeout` says how long to wait; `/metrics`
and `/health` need no key, so a NetworkPolicy is not optional.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cli.serve import names, sharing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from components.spec.model import Workload

Manifest = dict[str, Any]

UID = 10_001
# Gateways learn of a leaving pod by watch; five seconds cover the slowest of them.
PRESTOP_S = 5
# Between the end of the drain and the kill: the engine frees the GPU.
TEARDOWN_S = 15
# A pod that crashes on its first real batch does so within this time, and then it never counted as available.
MIN_READY_S = 5
# Weights are read at 0.2 GiB/s at worst, after at most five minutes of image pull, compile and graph capture.
SLOWEST_GIB_PER_S = 0.2
START_BASE_S = 300

# vLLM 0.33's default bucket edges by family, and the family that each SLO metric is counted in.
EDGES: dict[str, tuple[float, ...]] = {
    "request_latency": (
        0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680,
    ),
    "time_to_first_token": (
        0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640,
        2560,
    ),
    "inter_token_latency": (
        0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80,
    ),
}  # fmt: skip
FAMILY = {
    "ttft": "time_to_first_token",
    "itl": "inter_token_latency",
    "e2e": "request_latency",
    "queue": "request_latency",
}


@dataclass(frozen=True, kw_only=True)
class Pool:
    """A GPU pool that a replica may land in; `max` counts nodes."""

    name: str
    gpu_class: str
    gpus_per_node: int
    max: int


@dataclass(frozen=True, kw_only=True)
class CellTarget:
    """What the manifests and the plan need to know of a cell. `gpu_quota` is per maison; an absent one is no limit."""

    cell: str
    world: str
    cloud: str
    region: str
    registry: str
    pools: tuple[Pool, ...]
    gpu_quota: dict[str, int]

    def max_gpus(self, gpu_class: str) -> int:
        """How many GPUs of a class the cell can grow to."""
        return sum(pool.max * pool.gpus_per_node for pool in self.pools if pool.gpu_class == gpu_class)


def revision(workload: Workload) -> str:
    """The revision of what a pod runs: 12 digits. Replicas, worlds, rollout knobs and the entry by which weights
    cross do not change it, so that scaling restarts nothing."""
    spec = {
        "name": workload.name,
        "maison": workload.maison,
        "model": workload.model.model_dump(mode="json", exclude={"export"}),
        "engine": workload.engine.model_dump(mode="json"),
        "gpu": workload.gpu.model_dump(mode="json"),
        "slo": [slo.model_dump(mode="json") for slo in workload.slo],
        "drain_s": workload.rollout.drain_s,
    }
    return _digest(spec)[:12]


def render(workload: Workload, target: CellTarget) -> list[Manifest]:
    """Every object of the workload in this cell, in the order in which they are applied."""
    objects = [
        _object(workload, target, "v1", "ServiceAccount", {"automountServiceAccountToken": False}),
        _object(workload, target, "networking.k8s.io/v1", "NetworkPolicy", {"spec": _network(workload)}),
        *_ways(workload, target),
        _object(workload, target, "policy/v1", "PodDisruptionBudget", {"spec": _disruption(workload)}),
        _object(workload, target, "inference.networking.k8s.io/v1", "InferencePool", {"spec": _pool(workload)}),
        _object(workload, target, "gateway.networking.k8s.io/v1", "HTTPRoute", {"spec": _route(workload)}),
        _object(workload, target, "apps/v1", "Deployment", {"spec": _deployment(workload, target)}),
    ]
    for manifest in objects:
        manifest["metadata"]["annotations"][names.MANIFEST_HASH] = _digest(manifest)[:16]
    return objects


def image(workload: Workload, registry: str) -> str:
    """The engine's image in the world's own registry, by tag and digest."""
    engine = workload.engine
    return f"{registry}/{engine.image}:{engine.tag}@{engine.digest}"


def startup_budget_s(workload: Workload) -> int:
    """The longest start of a pod that is still healthy."""
    return START_BASE_S + math.ceil(workload.model.weights.size_gib / SLOWEST_GIB_PER_S)


def buckets(workload: Workload) -> dict[str, list[float]]:
    """Bucket edges for every family that an SLO is counted in: the defaults, and each threshold as an edge."""
    edges: dict[str, set[float]] = {}
    for slo in workload.slo:
        family = FAMILY[slo.metric]
        edges.setdefault(family, set(EDGES[family])).add(slo.threshold_s)
    return {family: sorted(found) for family, found in sorted(edges.items())}


def arguments(workload: Workload) -> list[str]:
    """The arguments of `vllm serve`. Ours come last, because the last one counts."""
    own = list(workload.engine.args)
    args = [f"/models/{workload.model.weights.path.rsplit('/', 1)[-1]}", *own]
    if not any(arg.partition("=")[0] == "--max-model-len" for arg in own):
        args += ["--max-model-len", str(workload.model.context_length)]
    args += ["--served-model-name", workload.model.served_name]
    args += ["--port", str(names.PORT)]
    args += ["--tensor-parallel-size", str(workload.gpu.count)]
    args += ["--shutdown-timeout", str(workload.rollout.drain_s)]
    args += ["--disable-access-log-for-endpoints", "/health,/metrics"]
    found = buckets(workload)
    if found:
        args += ["--custom-histogram-buckets", json.dumps(found, separators=(",", ":"))]
    return args


def _labels(workload: Workload, target: CellTarget) -> dict[str, str]:
    return {
        names.APP: workload.name,
        names.MANAGED_BY: "twain",
        names.WORKLOAD: workload.name,
        names.MAISON: workload.maison,
        names.WORLD: target.world,
        names.CELL: target.cell,
    }


def _annotations(workload: Workload) -> dict[str, str]:
    slo = [{"metric": s.metric, "threshold_s": s.threshold_s, "objective": s.objective} for s in workload.slo]
    return {
        names.IMAGE_DIGEST: workload.engine.digest,
        names.WEIGHTS_DIGEST: workload.model.weights.digest,
        names.WEIGHTS_GIB: str(workload.model.weights.size_gib),
        names.MODEL: workload.model.name,
        names.SERVED_NAME: workload.model.served_name,
        names.LICENSE: workload.model.license,
        names.ORIGIN: workload.model.origin,
        **({names.EXPORT: workload.model.export} if workload.model.export is not None else {}),
        **({names.READERS: ",".join(readers)} if (readers := sharing.readers(workload)) else {}),
        names.SLO: json.dumps(slo, separators=(",", ":")),
    }


def _object(workload: Workload, target: CellTarget, version: str, kind: str, body: Manifest) -> Manifest:
    labels = _labels(workload, target)
    if kind == "Deployment":
        labels[names.REVISION] = revision(workload)
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": {
            "name": workload.name,
            "namespace": names.namespace(workload.maison),
            "labels": labels,
            "annotations": _annotations(workload) if kind == "Deployment" else {},
        },
        **body,
    }


def _ways(workload: Workload, target: CellTarget) -> list[Manifest]:
    """What a shared workload has beside the others, some of it in its readers' namespaces."""
    made: list[Manifest] = []
    for version, kind, place, spec in sharing.bodies(workload):
        one = _object(workload, target, version, kind, {"spec": spec})
        made.append({**one, "metadata": {**one["metadata"], **place}})
    return made


def _selector(workload: Workload) -> dict[str, str]:
    return {names.WORKLOAD: workload.name}


def _network(workload: Workload) -> Manifest:
    """In: the cell's gateway, Prometheus, named readers, on the one port. Out: nothing; the weights are mounted."""
    system = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": names.SYSTEM_NAMESPACE}}}
    return {
        "podSelector": {"matchLabels": _selector(workload)},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"from": [system], "ports": [{"port": names.PORT, "protocol": "TCP"}]}, *sharing.ingress(workload)],
        "egress": [],
    }


def _disruption(workload: Workload) -> Manifest:
    # maxUnavailable and never minAvailable = replicas: that would block every node upgrade.
    return {"maxUnavailable": 1, "selector": {"matchLabels": _selector(workload)}}


def _pool(workload: Workload) -> Manifest:
    return {"selector": {"matchLabels": _selector(workload)}, "targetPorts": [{"number": names.PORT}]}


def _route(workload: Workload) -> Manifest:
    prefix = f"/{workload.maison}/{workload.name}"
    rewrite = {"type": "URLRewrite", "urlRewrite": {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}}}
    backend = {"group": "inference.networking.k8s.io", "kind": "InferencePool", "name": workload.name, "weight": 1}
    return {
        "parentRefs": [
            {
                "group": "gateway.networking.k8s.io",
                "kind": "Gateway",
                "name": names.GATEWAY,
                "namespace": names.SYSTEM_NAMESPACE,
            }
        ],
        "rules": [
            {
                "matches": [{"path": {"type": "PathPrefix", "value": f"{prefix}/"}}],
                "filters": [rewrite],
                "backendRefs": [backend],
            }
        ],
    }


def _deployment(workload: Workload, target: CellTarget) -> Manifest:
    rollout = workload.rollout
    return {
        "replicas": workload.replicas,
        # The old ReplicaSets are the way back.
        "revisionHistoryLimit": 3,
        "minReadySeconds": MIN_READY_S,
        # Longer than the slowest healthy start, or a healthy rollout would be reported as failed.
        "progressDeadlineSeconds": max(rollout.deadline_s, startup_budget_s(workload) + 120),
        "selector": {"matchLabels": _selector(workload)},
        "strategy": {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxSurge": rollout.max_surge, "maxUnavailable": rollout.max_unavailable},
        },
        "template": {
            "metadata": {
                "labels": {**_labels(workload, target), names.REVISION: revision(workload)},
                "annotations": {
                    "prometheus.io/scrape": "true",
                    "prometheus.io/port": str(names.PORT),
                    names.WEIGHTS_DIGEST: workload.model.weights.digest,
                    names.WEIGHTS_GIB: str(workload.model.weights.size_gib),
                },
            },
            "spec": _pod(workload, target),
        },
    }


def _pod(workload: Workload, target: CellTarget) -> Manifest:
    shm = 2 if workload.gpu.count == 1 else 16
    weights = workload.model.weights
    return {
        "serviceAccountName": workload.name,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": PRESTOP_S + workload.rollout.drain_s + TEARDOWN_S,
        "nodeSelector": {names.GPU_CLASS: workload.gpu.gpu_class},
        "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": "topology.kubernetes.io/zone",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": _selector(workload)},
            }
        ],
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": UID,
            "runAsGroup": UID,
            "fsGroup": UID,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(workload, target, memory_gib=weights.size_gib + 8 * workload.gpu.count + shm)],
        "volumes": [
            # The weights are an artefact of the world's own registry: the node fetches and verifies them by digest.
            {
                "name": "weights",
                "image": {
                    "reference": f"{target.registry}/{weights.path}@{weights.digest}",
                    "pullPolicy": "IfNotPresent",
                },
            },
            {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": f"{shm}Gi"}},
            {"name": "scratch", "emptyDir": {"sizeLimit": "20Gi"}},
        ],
    }


def _container(workload: Workload, target: CellTarget, *, memory_gib: int) -> Manifest:
    gpus = str(workload.gpu.count)
    memory = f"{memory_gib}Gi"
    weights = workload.model.weights.path.rsplit("/", 1)[-1]
    return {
        "name": "vllm",
        "image": image(workload, target.registry),
        "imagePullPolicy": "IfNotPresent",
        "args": arguments(workload),
        "env": _environment(),
        "ports": [{"name": "http", "containerPort": names.PORT, "protocol": "TCP"}],
        "resources": {
            "requests": {"cpu": str(3 * workload.gpu.count), "memory": memory, "nvidia.com/gpu": gpus},
            "limits": {"memory": memory, "nvidia.com/gpu": gpus},
        },
        "startupProbe": _probe(period=10, timeout=5, failures=math.ceil(startup_budget_s(workload) / 10)),
        "readinessProbe": _probe(period=5, timeout=5, failures=3),
        # Never a generation: a busy engine would be killed for being busy.
        "livenessProbe": _probe(period=10, timeout=5, failures=3),
        "lifecycle": {"preStop": {"sleep": {"seconds": PRESTOP_S}}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "privileged": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "weights", "mountPath": f"/models/{weights}", "readOnly": True},
            {"name": "shm", "mountPath": "/dev/shm"},  # noqa: S108 - the pod's own, for tensors between its processes
            {"name": "scratch", "mountPath": "/scratch"},
        ],
    }


def _environment() -> list[dict[str, str]]:
    """No hub, no usage reports, caches where the read-only root file system lets them be."""
    values = {
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "VLLM_USE_MODELSCOPE": "false",
        "VLLM_NO_USAGE_STATS": "1",
        "DO_NOT_TRACK": "1",
        "PROMETHEUS_DISABLE_CREATED_SERIES": "true",
        "HOME": "/scratch",
        "TMPDIR": "/scratch",
        "XDG_CACHE_HOME": "/scratch/cache",
        "VLLM_CACHE_ROOT": "/scratch/vllm",
    }
    return [{"name": name, "value": value} for name, value in values.items()]


def _probe(*, period: int, timeout: int, failures: int) -> Manifest:
    return {
        "httpGet": {"path": "/health", "port": "http", "scheme": "HTTP"},
        "periodSeconds": period,
        "timeoutSeconds": timeout,
        "failureThreshold": failures,
    }


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def covers(live: object, wanted: object) -> bool:
    """Whether a live object already says everything that a manifest says; what the server added does not matter."""
    if isinstance(wanted, dict):
        return isinstance(live, dict) and all(
            covers(live[key], value) if key in live else not value and value in ([], {})
            for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        return _covers_list(live, wanted)
    return live == wanted


def _covers_list(live: object, wanted: Sequence[object]) -> bool:
    if not isinstance(live, list) or len(live) != len(wanted):
        # An empty list and an absent one are the same to the API server.
        return not wanted and not live
    return all(covers(mine, theirs) for mine, theirs in zip(live, wanted, strict=True))
