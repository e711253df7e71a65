"""Prometheus' configuration, as it must read outside a cluster: paths under the pod's folder, and the pod's own service
account in place of in-cluster configuration.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import yaml

from rehearsal.agent import rewrite

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_ACCOUNT = "var/run/secrets/kubernetes.io/serviceaccount"


def account_kubeconfig(*, server: str, root: Path) -> dict[str, Any]:
    """A kubeconfig that uses the pod's service account, by file, so that renewed tokens are seen."""
    account = root / _ACCOUNT
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "cell", "cluster": {"server": server, "certificate-authority": str(account / "ca.crt")}}],
        "users": [{"name": "pod", "user": {"tokenFile": str(account / "token")}}],
        "contexts": [{"name": "cell", "context": {"cluster": "cell", "user": "pod"}}],
        "current-context": "cell",
    }


def patch(value: Any, *, kubeconfig: str, root: Path, mounts: Iterable[str]) -> Any:
    """The configuration with mount paths moved and Kubernetes discovery given its kubeconfig. Pure."""
    places = list(mounts)
    if isinstance(value, str):
        return rewrite.under_root(value, places, root)
    if isinstance(value, list):
        return [patch(item, kubeconfig=kubeconfig, root=root, mounts=places) for item in value]
    if not isinstance(value, dict):
        return value
    result = {key: patch(item, kubeconfig=kubeconfig, root=root, mounts=places) for key, item in value.items()}
    for entry in result.get("kubernetes_sd_configs") or []:
        if isinstance(entry, dict) and "api_server" not in entry and "kubeconfig_file" not in entry:
            entry["kubeconfig_file"] = kubeconfig
    return result


def localise(config: Path, *, root: Path, mounts: Iterable[str], server: str) -> Path:
    """Write the patched copy beside the original (relative paths in it keep their meaning) and return its path. A file
    that cannot be read is left to Prometheus, whose own words are the better error.
    """
    try:
        raw = yaml.safe_load(config.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError):
        return config
    kubeconfig = root / ".twain.kubeconfig"
    _write(kubeconfig, account_kubeconfig(server=server, root=root))
    target = config.with_name(f".twain-{config.name}")
    _write(target, patch(raw, kubeconfig=str(kubeconfig), root=root, mounts=mounts))
    return target


def _write(path: Path, value: Any) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        yaml.safe_dump(value, file)
