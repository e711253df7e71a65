"""What Kubernetes' role-based access control would answer, told from manifests alone. Pure.

Every doubt counts as a right: a role that is bound and not among the manifests lets its subjects do anything, unless it
is one of Kubernetes' own that is described here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    Manifest = Mapping[str, Any]

_EVERYTHING: Final = ({"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]},)
_READ: Final = ("get", "list", "watch")
# Kubernetes 1.36. A test compares it with what a real API server has.
VIEW: Final[dict[str, tuple[str, ...]]] = {
    "": (
        *("bindings", "configmaps", "endpoints", "events", "limitranges", "namespaces", "namespaces/status"),
        *("persistentvolumeclaims", "persistentvolumeclaims/status", "pods", "pods/log", "pods/status"),
        *("replicationcontrollers", "replicationcontrollers/scale", "replicationcontrollers/status"),
        *("resourcequotas", "resourcequotas/status", "serviceaccounts", "services", "services/status"),
    ),
    "apps": (
        *("controllerrevisions", "daemonsets", "daemonsets/status", "deployments", "deployments/scale"),
        *("deployments/status", "replicasets", "replicasets/scale", "replicasets/status", "statefulsets"),
        *("statefulsets/scale", "statefulsets/status"),
    ),
    "autoscaling": ("horizontalpodautoscalers", "horizontalpodautoscalers/status"),
    "batch": ("cronjobs", "cronjobs/status", "jobs", "jobs/status"),
    "discovery.k8s.io": ("endpointslices",),
    "events.k8s.io": ("events",),
    "extensions": (
        *("daemonsets", "daemonsets/status", "deployments", "deployments/scale", "deployments/status", "ingresses"),
        *("ingresses/status", "networkpolicies", "replicasets", "replicasets/scale", "replicasets/status"),
        "replicationcontrollers/scale",
    ),
    "networking.k8s.io": ("ingresses", "ingresses/status", "networkpolicies"),
    "policy": ("poddisruptionbudgets", "poddisruptionbudgets/status"),
    "resource.k8s.io": ("resourceclaims", "resourceclaims/status", "resourceclaimtemplates"),
}
_BUILT_IN: Final[dict[str, tuple[Mapping[str, Any], ...]]] = {
    "view": tuple({"apiGroups": [group], "resources": found, "verbs": _READ} for group, found in VIEW.items()),
}


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who asks: a user's name and groups."""

    user: str
    groups: frozenset[str] = frozenset()

    @classmethod
    def account(cls, namespace: str, name: str) -> Actor:
        """A service account, in the groups that Kubernetes puts it into."""
        own = {"system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated"}
        return cls(user=f"system:serviceaccount:{namespace}:{name}", groups=frozenset(own))

    @classmethod
    def member(cls, group: str) -> Actor:
        """A person of a group."""
        return cls(user=f"somebody of {group}", groups=frozenset({group, "system:authenticated"}))


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is asked. `resource` may be `pods/log`; an empty namespace means the whole cluster."""

    verb: str
    resource: str
    group: str = ""
    namespace: str = ""
    name: str = ""


def why_allowed(objects: Iterable[Manifest], actor: Actor, request: Request) -> list[str]:
    """The bindings by which the actor may; none: it may not."""
    found = list(objects)
    return sorted(
        _called(binding)
        for binding in found
        if binding.get("kind") in {"ClusterRoleBinding", "RoleBinding"}
        and _reaches(binding, request)
        and any(_means(subject, actor, binding) for subject in binding.get("subjects") or [])
        and any(_matches(rule, request) for rule in _rules(found, binding))
    )


def _called(binding: Manifest) -> str:
    metadata = binding["metadata"]
    return "/".join(part for part in (binding["kind"], metadata.get("namespace"), metadata["name"]) if part)


def _reaches(binding: Manifest, request: Request) -> bool:
    """A RoleBinding gives rights in its own namespace only."""
    return binding["kind"] == "ClusterRoleBinding" or binding["metadata"].get("namespace") == request.namespace


def _means(subject: Mapping[str, Any], actor: Actor, binding: Manifest) -> bool:
    kind, name = subject.get("kind"), str(subject.get("name"))
    if kind == "Group":
        return name in actor.groups
    if kind == "User":
        return name == actor.user
    space = subject.get("namespace") or binding["metadata"].get("namespace")
    return actor.user == f"system:serviceaccount:{space}:{name}"


def _rules(objects: list[Manifest], binding: Manifest) -> Iterator[Mapping[str, Any]]:
    role = binding["roleRef"]
    space = binding["metadata"].get("namespace") if role["kind"] == "Role" else None
    for one in objects:
        metadata = one.get("metadata") or {}
        if one.get("kind") == role["kind"] and metadata.get("name") == role["name"]:
            if role["kind"] == "Role" and metadata.get("namespace") != space:
                continue
            yield from one.get("rules") or ()
            return
    yield from _BUILT_IN.get(role["name"], _EVERYTHING) if role["kind"] == "ClusterRole" else _EVERYTHING


def _matches(rule: Mapping[str, Any], request: Request) -> bool:
    names = rule.get("resourceNames")
    return (
        _has(rule.get("apiGroups"), request.group)
        and (_has(rule.get("resources"), request.resource) or _sub(rule.get("resources"), request.resource))
        and _has(rule.get("verbs"), request.verb)
        and (not names or request.name in names)
    )


def _has(given: Any, wanted: str) -> bool:
    return bool(given) and ("*" in given or wanted in given)


def _sub(given: Any, wanted: str) -> bool:
    """`*/log` means the log of anything."""
    return bool(given) and "/" in wanted and f"*/{wanted.partition('/')[2]}" in given
