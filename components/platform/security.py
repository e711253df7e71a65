"""The security contexts of the platform's own pods: Pod Security `restricted` in every field, set explicitly."""

from __future__ import annotations

import pulumi_kubernetes as k8s

# Above 10000, so that it meets no user of a node.
UID = 10_001


def pod() -> k8s.core.v1.PodSecurityContextArgs:
    """The pod's context."""
    return k8s.core.v1.PodSecurityContextArgs(
        run_as_non_root=True,
        run_as_user=UID,
        run_as_group=UID,
        fs_group=UID,
        seccomp_profile=k8s.core.v1.SeccompProfileArgs(type="RuntimeDefault"),
    )


def container() -> k8s.core.v1.SecurityContextArgs:
    """The container's context."""
    return k8s.core.v1.SecurityContextArgs(
        allow_privilege_escalation=False,
        privileged=False,
        read_only_root_filesystem=True,
        capabilities=k8s.core.v1.CapabilitiesArgs(drop=["ALL"]),
    )


def pod_ip() -> k8s.core.v1.EnvVarArgs:
    """The pod's own address, so that a server binds to it alone."""
    return k8s.core.v1.EnvVarArgs(
        name="POD_IP",
        value_from=k8s.core.v1.EnvVarSourceArgs(
            field_ref=k8s.core.v1.ObjectFieldSelectorArgs(field_path="status.podIP")
        ),
    )


def http_probe(path: str, port: int, *, scheme: str = "HTTP", period: int = 5) -> k8s.core.v1.ProbeArgs:
    """A readiness or liveness probe over HTTP."""
    return k8s.core.v1.ProbeArgs(
        http_get=k8s.core.v1.HTTPGetActionArgs(path=path, port=port, scheme=scheme),
        period_seconds=period,
        timeout_seconds=3,
        failure_threshold=3,
    )
