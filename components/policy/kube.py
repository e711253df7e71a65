"""What rules see of a Kubernetes object: its kind, its labels, its pods, wherever in it they stand."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from components.policy import hosts
from components.policy.model import ACCEPTED, UNKNOWN, Subject, at, violation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from components.policy.model import Violation

# Kinds that run pods, and where in them the pod is described.
WORKLOADS: dict[str, tuple[str, ...]] = {
    "CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
    "DaemonSet": ("spec", "template", "spec"),
    "Deployment": ("spec", "template", "spec"),
    "Job": ("spec", "template", "spec"),
    "Pod": ("spec",),
    "ReplicaSet": ("spec", "template", "spec"),
    "ReplicationController": ("spec", "template", "spec"),
    "StatefulSet": ("spec", "template", "spec"),
}
# Kinds of Kubernetes itself that hold no pod and no template of one.
WITHOUT_PODS = (
    *(f"kubernetes:core/v1:{kind}" for kind in ("ConfigMap", "Secret", "Namespace", "Service", "LimitRange")),
    *("kubernetes:core/v1:PersistentVolume", "kubernetes:core/v1:ResourceQuota", "kubernetes:core/v1:Endpoints"),
    *("kubernetes:rbac.authorization.k8s.io/", "kubernetes:networking.k8s.io/", "kubernetes:storage.k8s.io/"),
    *("kubernetes:policy/", "kubernetes:scheduling.k8s.io/", "kubernetes:coordination.k8s.io/"),
)
_CONTAINERS = ("initContainers", "containers", "ephemeralContainers")


# Where a pipeline's step keeps its script.
_SCRIPTS = ("script", "source")
# Where the workflows and pipelines of other projects keep a container, or a list of them.
_STEPS = {
    "argoproj.io": ("container", "script", "sidecars", "initContainers"),
    "tekton.dev": ("steps", "sidecars", "stepTemplate"),
}
# Fields that hold an address of the node or of the pod. Labels and annotations hold whatever somebody wrote.
ADDRESSES = ("status.hostIP", "status.podIP")
WRITTEN = ("metadata.labels", "metadata.annotations")
# Addresses that hold a login: they are kept in a Secret as a whole, and judged where that is made.
WITH_LOGIN = r"^(?:REDIS|VALKEY|MILVUS|QDRANT|WEAVIATE|PGVECTOR|VECTOR_STORE|LMCACHE_REMOTE)_UR[LI]$"
# What stands before and behind a variable that is a host: before an @ it is a user, behind a slash a part of a path.
HEAD, TAIL = r"(?:^|//|@|dns:|[,; \t\r\n])", r"\.?(?::[0-9]*)?(?:$|[/?#,; \t\r\n])"
HEADED = HEAD + hosts.VARIABLE + TAIL
# What a text must not hold that is put into a destination: another one, or another host.
SPLITS = {False: r"[,; \t\r\n@]", True: r"[,; \t\r\n@/?#\\]"}


def _field(source: Any) -> Any:
    return at(source, "fieldRef", "fieldPath")


def _is_own(source: Any) -> bool:
    """Whether a value is filled in by Kubernetes itself, from what nobody writes."""
    if not hasattr(source, "get") or "fieldRef" not in source:
        return False
    field = _field(source)
    return not (isinstance(field, str) and field.startswith(WRITTEN))


@dataclass(frozen=True, kw_only=True)
class Container:
    """One container with its place in the object."""

    path: str
    body: Mapping[str, Any]

    @property
    def image(self) -> Any:
        """The image reference as it stands."""
        return self.body.get("image")

    def env(self) -> Iterator[tuple[str, str, Any]]:
        """(path, name, value) of each variable; UNKNOWN where the value comes from another object."""
        listed = self.body.get("env")
        if listed is UNKNOWN:
            yield f"{self.path}.env", "", UNKNOWN
        for index, entry in enumerate(listed if isinstance(listed, list | tuple) else ()):
            if not hasattr(entry, "get"):
                continue
            source = entry.get("valueFrom")
            own = source is None or _is_own(source)
            name = str(entry.get("name", ""))
            value = entry.get("value", "") if own else UNKNOWN
            if not own and at(source, "secretKeyRef") is not None and hosts.compiled(WITH_LOGIN).match(name):
                value = ACCEPTED
            yield f"{self.path}.env[{index}]", name, value

    def stands(self, value: str) -> bool:
        """Whether the variables that a destination is put together from leave its host as it is written: an address
        that Kubernetes itself fills in may be the host, anything else may stand before or behind it.
        """
        found = hosts.compiled(hosts.VARIABLE).findall(value)
        if not found:
            return True
        own = False
        for entry in items(self.body.get("env")):
            name = str(entry.get("name")) if hasattr(entry, "get") else ""
            if f"$({name})" not in value:
                continue
            field, text = _field(entry.get("valueFrom")), entry.get("value")
            splits = isinstance(text, str) and hosts.compiled(SPLITS["@" in value]).search(text) is not None
            if field in ADDRESSES:
                own = True
            elif splits or re.search(rf"{HEAD}\$\({re.escape(name)}\){TAIL}", value):
                return False
        return own or hosts.compiled(HEADED).search(value) is None

    def words(self) -> str:
        """Command and arguments in one line."""
        said = [word for key in ("command", "args") for word in strings(self.body.get(key))]
        said += [self.body[key] for key in _SCRIPTS if isinstance(self.body.get(key), str)]
        return " ".join(said)


@lru_cache(maxsize=4096)
def kind_of(token: str) -> tuple[str, str]:
    """API group (empty for the core) and kind of a type token `kubernetes:GROUP/VERSION:KIND`."""
    _, _, rest = token.partition(":")
    api, _, kind = rest.rpartition(":")
    group = api.rpartition("/")[0]
    # The engine's patches of an object are of types of their own.
    return ("" if group == "core" else group), (kind.removesuffix("Patch") or kind)


def token_of(manifest: Mapping[str, Any]) -> str:
    """The type token of a manifest."""
    version = str(manifest.get("apiVersion") or "")
    return f"kubernetes:{version if '/' in version else f'core/{version}'}:{manifest.get('kind')}"


def strings(value: Any) -> list[str]:
    """The strings of a list; nothing for what is no list."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list | tuple) else []


def pairs(value: Any) -> list[tuple[str, Any]]:
    """Keys and values of a mapping; nothing for what is none."""
    return [(str(key), inner) for key, inner in value.items()] if hasattr(value, "items") else []


def items(value: Any) -> list[Any]:
    """A list as it is; nothing for what is no list."""
    return list(value) if isinstance(value, list | tuple) else []


def pods(subject: Subject) -> list[tuple[str, Mapping[str, Any]]]:
    """Every description of a pod in an object, with its place: custom resources hold them in places of their own."""
    if "pods" not in subject.memo:
        subject.memo["pods"] = [] if subject.type.startswith(WITHOUT_PODS) else list(_pods(subject.inputs, ""))
    return subject.memo["pods"]


def _pods(inputs: Any, path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if hasattr(inputs, "items"):
        listed = inputs.get("containers")
        if isinstance(listed, list | tuple) and any(hasattr(one, "get") for one in listed):
            yield path, inputs
        for key, value in inputs.items():
            yield from _pods(value, f"{path}.{key}" if path else str(key))
    elif isinstance(inputs, list | tuple):
        for index, value in enumerate(inputs):
            yield from _pods(value, f"{path}[{index}]")


def containers(subject: Subject) -> list[Container]:
    """Every container of an object."""
    if "containers" not in subject.memo:
        subject.memo["containers"] = [
            Container(path=f"{path}.{key}[{index}]", body=body)
            for path, pod in pods(subject)
            for key in _CONTAINERS
            for index, body in enumerate(items(pod.get(key)))
            if hasattr(body, "get")
        ]
        group = kind_of(subject.type)[0]
        if group in _STEPS:
            subject.memo["containers"] += _steps(subject.inputs.get("spec"), "spec", _STEPS[group])
    return subject.memo["containers"]


def _steps(value: Any, path: str, keys: tuple[str, ...]) -> list[Container]:
    """The containers that are written one by one, or in lists of their own."""
    found: list[Container] = []
    for key, inner in pairs(value):
        place = f"{path}.{key}"
        if key in keys:
            listed = (
                [(place, inner)]
                if hasattr(inner, "get")
                else [(f"{place}[{n}]", one) for n, one in enumerate(items(inner))]
            )
            found += [Container(path=where, body=one) for where, one in listed if hasattr(one, "get")]
        elif key != "containers":
            found += _steps(inner, place, keys)
    for index, inner in enumerate(items(value)):
        found += _steps(inner, f"{path}[{index}]", keys)
    return found


def untraced(subject: Subject) -> Iterator[Violation]:
    """RES-004: a workload whose pods, or what places them, are not known yet."""
    _, kind = kind_of(subject.type)
    found: Any = subject.inputs
    path = ""
    for key in (*WORKLOADS.get(kind, ()), "containers") if kind in WORKLOADS else ():
        found = found.get(key) if hasattr(found, "get") else None
        path = f"{path}.{key}".lstrip(".")
        if found is UNKNOWN:
            yield violation(subject, "RES-004", path, found, "what would run cannot be traced to a judged resource.")
            return
    for container in containers(subject):
        for key in ("image", "env", "args", "command"):
            if container.body.get(key) is UNKNOWN:
                yield violation(
                    subject, "RES-004", f"{container.path}.{key}", UNKNOWN, "it cannot be traced to a judged resource."
                )


def receivers(subject: Subject) -> str:
    """The pattern of hosts that this subject may send data to."""
    return hosts.receivers(subject.world, subject.allowed, subject.hosts)


def sources(subject: Subject) -> str:
    """The pattern of hosts that this subject may fetch from."""
    return hosts.sources(subject.world, subject.allowed, subject.hosts)


def sent(subject: Subject, rule: str, path: str, value: Any, *, pattern: str | None = None) -> Iterator[Violation]:
    """A violation of `rule` unless a value names destinations of the world only. `pattern` defaults to `receivers`."""
    if value is ACCEPTED or value is None:
        return
    if not isinstance(value, str):
        reason = "it cannot be traced to anything that was judged."
        seen = value if value is UNKNOWN else f"({type(value).__name__})"
        yield violation(subject, rule, path, seen, reason, allowed=_inside(subject))
        return
    wanted = pattern if pattern is not None else receivers(subject)
    if hosts.inside(wanted, value):
        return
    reason = hosts.why(hosts.first_outside(wanted, value), subject.world)
    yield violation(subject, rule, path, hosts.shown(wanted, value), reason, allowed=_inside(subject))


def _inside(subject: Subject) -> str:
    return f"the cluster's own names, and endpoints of {', '.join(sorted(subject.allowed))}"


def allowed_hosts(subject: Subject) -> str:
    """The allowed set of a host, in words."""
    return _inside(subject)
