"""Assembles a kubeconfig from facts: a server, its CA, a credential plugin. It never holds a credential itself."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def assemble(*, cell: str, endpoint: str, ca_pem: str, exec_spec: Mapping[str, Any]) -> str:
    """The kubeconfig of a cell as YAML. `exec_spec` has `command`, `args` and `env` (name to value). Pure."""
    environment = {**dict(exec_spec.get("env") or {}), "TWAIN_CELL": cell}
    user = {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": exec_spec["command"],
            "args": list(exec_spec.get("args") or []),
            "env": [{"name": key, "value": value} for key, value in sorted(environment.items())],
            "interactiveMode": "Never",
            "provideClusterInfo": False,
        }
    }
    cluster = {
        "server": endpoint,
        "certificate-authority-data": base64.b64encode(ca_pem.encode()).decode(),
    }
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": cell, "cluster": cluster}],
            "users": [{"name": cell, "user": user}],
            "contexts": [{"name": cell, "context": {"cluster": cell, "user": cell}}],
            "current-context": cell,
        },
        sort_keys=False,
    )


def joined(configs: Iterable[str]) -> str:
    """One kubeconfig out of several, each cell a context of its own; the first one's is current. Pure."""
    parsed = [yaml.safe_load(text) for text in configs]
    whole: dict[str, Any] = {"apiVersion": "v1", "kind": "Config"}
    for part in ("clusters", "users", "contexts"):
        whole[part] = [entry for config in parsed for entry in config[part]]
    whole["current-context"] = parsed[0]["current-context"] if parsed else ""
    return yaml.safe_dump(whole, sort_keys=False)
