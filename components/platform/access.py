"""Who may do what in a cell's cluster: cluster roles of the operators, of the gate and of the gate's callers.

The cloud's identity service binds its principals to these roles; the platform only says what each may do. Nobody but
the platform engineer reads Secrets other than the gateway's keys, mints tokens (so grants gate tokens) or binds roles;
nobody at all may exec into a pod or impersonate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi_kubernetes as k8s

from components.platform import names

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pulumi

    from components.platform.context import Context

SRE_ROLE = "twain-sre"
GATE_ROLE = "twain-gate"
GATE_CALLER_ROLE = "twain-gate-caller"

_READ = ["get", "list", "watch"]
_WRITE = ["get", "list", "watch", "create", "update", "patch", "delete"]


def _rule(groups: list[str], resources: list[str], verbs: list[str]) -> k8s.rbac.v1.PolicyRuleArgs:
    return k8s.rbac.v1.PolicyRuleArgs(api_groups=groups, resources=resources, verbs=verbs)


def _operate() -> list[k8s.rbac.v1.PolicyRuleArgs]:
    """What it takes to read a cell's state and to deploy workloads into it."""
    keys = k8s.rbac.v1.PolicyRuleArgs(
        api_groups=[""], resources=["secrets"], verbs=["get"], resource_names=[names.GATEWAY_KEYS_SECRET]
    )
    return [
        _rule([""], ["nodes", "namespaces", "pods", "events", "resourcequotas"], _READ),
        _rule(["events.k8s.io"], ["events"], _READ),
        _rule([""], ["pods/log"], ["get"]),
        # Prometheus and the exporters are read through the API server; their ports are closed to the outside.
        _rule([""], ["pods/proxy", "services/proxy"], ["get"]),
        _rule(["apps"], ["replicasets", "daemonsets", "statefulsets", "controllerrevisions"], _READ),
        _rule(["batch"], ["jobs"], _READ),
        _rule(["apps"], ["deployments", "deployments/scale"], _WRITE),
        _rule([""], ["configmaps", "serviceaccounts", "services"], _WRITE),
        _rule(["policy"], ["poddisruptionbudgets"], _WRITE),
        _rule(["networking.k8s.io"], ["networkpolicies"], _WRITE),
        _rule(["gateway.networking.k8s.io"], ["gateways", "gatewayclasses"], _READ),
        _rule(["gateway.networking.k8s.io"], ["httproutes"], _WRITE),
        _rule(["inference.networking.k8s.io"], ["inferencepools"], _WRITE),
        # Serve verbs take a Lease per workload, so that one operator changes it at a time.
        _rule(["coordination.k8s.io"], ["leases"], _WRITE),
        _rule(["authorization.k8s.io"], ["selfsubjectaccessreviews"], ["create"]),
        keys,
    ]


def declare(context: Context, spaces: Mapping[str, pulumi.Resource]) -> None:
    """Declare the roles."""
    after = list(spaces.values())
    reviews = [
        _rule(["authentication.k8s.io"], ["tokenreviews"], ["create"]),
        _rule(["authorization.k8s.io"], ["subjectaccessreviews"], ["create"]),
    ]
    calls = [
        _rule(["gate.twain"], ["aggregates"], ["get"]),
        _rule(["gate.twain"], ["intents"], ["create", "get"]),
    ]
    for name, rules in (
        (SRE_ROLE, _operate()),
        (GATE_ROLE, [*_operate(), *reviews]),
        (GATE_CALLER_ROLE, calls),
    ):
        k8s.rbac.v1.ClusterRole(
            name,
            metadata=k8s.meta.v1.ObjectMetaArgs(name=name, labels=context.labels),
            rules=rules,
            opts=context.options(depends_on=after),
        )
