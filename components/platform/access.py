"""Who may do what in a cell's cluster: the roles of the operators, of the gate and of the gate's callers.

What may be read of the whole cluster is one role; what may be written is another, which is bound in each maison's
namespace and nowhere else (`components.platform.tenants`), so that nobody who deploys workloads can make a pod beside
the platform's secrets. The fleet names the groups (`worlds.W.groups`); the cloud's identity service says who is in
them. Nobody but the platform engineer reads Secrets other than the gateway's keys, mints tokens (so grants gate tokens)
or binds roles; nobody at all may exec into a pod or impersonate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi_kubernetes as k8s

from components.platform import names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pulumi

    from components.platform.context import Context

SRE_ROLE = "twain-sre"
GATE_ROLE = "twain-gate"
GATE_CALLER_ROLE = "twain-gate-caller"
OPERATE_ROLE = "twain-operate"
OBSERVE_ROLE = "twain-observe"
LOGS_ROLE = "twain-logs"
SYSTEM_ROLE = "twain-system"

_API = "rbac.authorization.k8s.io"
_READ = ["get", "list", "watch"]
_WRITE = ["get", "list", "watch", "create", "update", "patch", "delete"]


def _rule(
    groups: list[str], resources: list[str], verbs: list[str], only: list[str] | None = None
) -> k8s.rbac.v1.PolicyRuleArgs:
    return k8s.rbac.v1.PolicyRuleArgs(api_groups=groups, resources=resources, verbs=verbs, resource_names=only)


def _read() -> list[k8s.rbac.v1.PolicyRuleArgs]:
    """The state of a cell: what runs, where, and what is wrong with it. No Secret, no log, no way into a pod."""
    return [
        _rule([""], ["nodes", "namespaces", "pods", "events", "resourcequotas", "services", "serviceaccounts"], _READ),
        _rule(["events.k8s.io"], ["events"], _READ),
        _rule(["apps"], ["deployments", "replicasets", "daemonsets", "statefulsets", "controllerrevisions"], _READ),
        _rule(["batch"], ["jobs"], _READ),
        _rule(["policy"], ["poddisruptionbudgets"], _READ),
        _rule(["networking.k8s.io"], ["networkpolicies"], _READ),
        _rule(["gateway.networking.k8s.io"], ["gateways", "gatewayclasses", "httproutes"], _READ),
        _rule(["inference.networking.k8s.io"], ["inferencepools"], _READ),
        _rule(["keda.sh"], ["scaledobjects", "scaledjobs"], _READ),
        _rule(["kueue.x-k8s.io"], ["clusterqueues", "localqueues", "resourceflavors", "workloads"], _READ),
        _rule(["authorization.k8s.io"], ["selfsubjectaccessreviews"], ["create"]),
    ]


def _operate() -> list[k8s.rbac.v1.PolicyRuleArgs]:
    """What it takes to deploy workloads into a namespace."""
    return [
        _rule(["apps"], ["deployments", "deployments/scale"], _WRITE),
        _rule([""], ["configmaps", "serviceaccounts", "services"], _WRITE),
        _rule(["policy"], ["poddisruptionbudgets"], _WRITE),
        _rule(["networking.k8s.io"], ["networkpolicies"], _WRITE),
        _rule(["gateway.networking.k8s.io"], ["httproutes"], _WRITE),
        _rule(["inference.networking.k8s.io"], ["inferencepools"], _WRITE),
        # Serve verbs take a Lease per workload, so that one operator changes it at a time.
        _rule(["coordination.k8s.io"], ["leases"], _WRITE),
    ]


def declare(context: Context, spaces: Mapping[str, pulumi.Resource]) -> None:
    """Declare the roles, and bind those that are of the whole cluster or of the platform's own namespaces."""
    after = list(spaces.values())
    reviews = [
        _rule(["authentication.k8s.io"], ["tokenreviews"], ["create"]),
        _rule(["authorization.k8s.io"], ["subjectaccessreviews"], ["create"]),
    ]
    calls = [
        _rule(["gate.twain"], ["aggregates"], ["get"]),
        _rule(["gate.twain"], ["intents"], ["create", "get"]),
    ]
    # Prometheus and the exporters are read through the API server; their ports are closed to the outside.
    proxies = [_rule([""], ["pods/proxy", "services/proxy"], ["get"])]
    for name, rules in (
        (SRE_ROLE, _read()),
        (GATE_ROLE, [*_read(), *reviews]),
        (GATE_CALLER_ROLE, calls),
        (OPERATE_ROLE, _operate()),
        (OBSERVE_ROLE, proxies),
        (LOGS_ROLE, [_rule([""], ["pods/log"], ["get"])]),
    ):
        k8s.rbac.v1.ClusterRole(
            name,
            metadata=k8s.meta.v1.ObjectMetaArgs(name=name, labels=context.labels),
            rules=rules,
            opts=context.options(depends_on=after),
        )
    for name, subjects in ((SRE_ROLE, [sre(context)]), (GATE_ROLE, gate(context))):
        k8s.rbac.v1.ClusterRoleBinding(
            name,
            metadata=k8s.meta.v1.ObjectMetaArgs(name=name, labels=context.labels),
            role_ref=k8s.rbac.v1.RoleRefArgs(api_group=_API, kind="ClusterRole", name=name),
            subjects=subjects,
            opts=context.options(depends_on=after),
        )
    _system(context, spaces)


def _system(context: Context, spaces: Mapping[str, pulumi.Resource]) -> None:
    """In the platform's own namespaces: what is published there, the keys of the gateway, and the month's cost."""
    everyone = [sre(context), *gate(context)]
    for space in (names.SYSTEM_NAMESPACE, names.GPU_NAMESPACE):
        after = [spaces[space]]
        bind(context, space, OBSERVE_ROLE, everyone, after=after)
        bind(context, space, LOGS_ROLE, [sre(context)], after=after)
    own = k8s.meta.v1.ObjectMetaArgs(name=SYSTEM_ROLE, namespace=names.SYSTEM_NAMESPACE, labels=context.labels)
    after = [spaces[names.SYSTEM_NAMESPACE]]
    k8s.rbac.v1.Role(
        SYSTEM_ROLE,
        metadata=own,
        rules=[
            _rule([""], ["configmaps"], _READ),
            _rule([""], ["configmaps"], ["create", "update", "patch"], [names.COST]),
            _rule([""], ["secrets"], ["get"], [names.GATEWAY_KEYS_SECRET]),
        ],
        opts=context.options(depends_on=after),
    )
    bind(context, names.SYSTEM_NAMESPACE, SYSTEM_ROLE, [sre(context)], kind="Role", after=after)
    k8s.rbac.v1.Role(
        f"{SYSTEM_ROLE}-gate",
        metadata=k8s.meta.v1.ObjectMetaArgs(
            name=f"{SYSTEM_ROLE}-gate", namespace=names.SYSTEM_NAMESPACE, labels=context.labels
        ),
        rules=[_rule([""], ["configmaps"], ["get"], [names.GUARANTEES, names.COST])],
        opts=context.options(depends_on=after),
    )
    bind(context, names.SYSTEM_NAMESPACE, f"{SYSTEM_ROLE}-gate", gate(context), kind="Role", after=after)


def sre(context: Context) -> k8s.rbac.v1.SubjectArgs:
    """The group of the world's SREs."""
    return group(context.cell.world.groups.sre)


def gate(context: Context) -> list[k8s.rbac.v1.SubjectArgs]:
    """The world's gate: its group, and in its own cell the service account that its pod has."""
    own = k8s.rbac.v1.SubjectArgs(kind="ServiceAccount", name=names.GATE, namespace=names.SYSTEM_NAMESPACE)
    return [group(context.cell.world.groups.gate), *([own] if context.is_gate_cell else [])]


def group(name: str) -> k8s.rbac.v1.SubjectArgs:
    """A group as a subject."""
    return k8s.rbac.v1.SubjectArgs(api_group=_API, kind="Group", name=name)


def bind(
    context: Context,
    namespace: str,
    role: str,
    subjects: list[k8s.rbac.v1.SubjectArgs],
    *,
    after: Sequence[pulumi.Resource],
    kind: str = "ClusterRole",
    name: str = "",
) -> None:
    """Bind a role in one namespace. The binding is called as the role, unless `name` says otherwise."""
    called = name or role
    k8s.rbac.v1.RoleBinding(
        f"{namespace}-{called}",
        metadata=k8s.meta.v1.ObjectMetaArgs(name=called, namespace=namespace, labels=context.labels),
        role_ref=k8s.rbac.v1.RoleRefArgs(api_group=_API, kind=kind, name=role),
        subjects=subjects,
        opts=context.options(depends_on=after),
    )
