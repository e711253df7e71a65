"""The environment of a container, and single fields of a pod (the downward API)."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from components.errors import TwainLibraryError
from rehearsal.agent.rewrite import expand
from rehearsal.agent.scheduling import quantity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rehearsal.kube.client import Object


class ConfigError(TwainLibraryError):
    """A container cannot be set up: something that it refers to is missing or not supported here."""


def field(pod: Object, path: str, *, pod_ip: str, host_ip: str) -> str:
    """A field of a pod by its path. Raises ConfigError for one that the downward API does not have."""
    meta, spec = pod["metadata"], pod["spec"]
    simple = {
        "metadata.name": meta["name"],
        "metadata.namespace": meta["namespace"],
        "metadata.uid": meta["uid"],
        "spec.nodeName": spec.get("nodeName", ""),
        "spec.serviceAccountName": spec.get("serviceAccountName", "default"),
        "status.podIP": pod_ip,
        "status.podIPs": pod_ip,
        "status.hostIP": host_ip,
        "status.hostIPs": host_ip,
    }
    if path in simple:
        return simple[path]
    for kind in ("labels", "annotations"):
        values: Mapping[str, str] = meta.get(kind) or {}
        if path == f"metadata.{kind}":
            return "\n".join(f'{name}="{value}"' for name, value in sorted(values.items()))
        if path.startswith(f"metadata.{kind}['") and path.endswith("']"):
            return values.get(path[len(f"metadata.{kind}['") : -2], "")
    message = f"field {path} is not one of the downward API"
    raise ConfigError(message)


def resource_field(container: Object, reference: Mapping[str, Any]) -> str:
    """`limits.x` or `requests.x` of a container, divided and rounded up as the API says."""
    kind, _, name = reference["resource"].partition(".")
    resources = container.get("resources") or {}
    value = (resources.get(kind) or resources.get("limits") or {}).get(name, "0")
    divisor = quantity(reference.get("divisor") or "1") or 1.0
    return str(-int(-quantity(value) // divisor))


def data(item: Object) -> dict[str, bytes]:
    """The files of a ConfigMap or Secret."""
    if item.get("kind") == "Secret" or "type" in item:
        return {name: base64.b64decode(value) for name, value in (item.get("data") or {}).items()}
    result = {name: value.encode() for name, value in (item.get("data") or {}).items()}
    return result | {name: base64.b64decode(value) for name, value in (item.get("binaryData") or {}).items()}


def environment(
    pod: Object,
    container: Object,
    *,
    config_maps: Mapping[tuple[str, str], Object],
    secrets: Mapping[tuple[str, str], Object],
    pod_ip: str,
    host_ip: str,
) -> dict[str, str]:
    """The container's own variables, in the order of the specification. Raises ConfigError naming what is missing."""
    namespace = pod["metadata"]["namespace"]
    result: dict[str, str] = {}

    def source(kind: str, reference: Mapping[str, Any]) -> dict[str, bytes] | None:
        table = config_maps if kind == "configmap" else secrets
        item = table.get((namespace, reference["name"]))
        if item is None and not reference.get("optional"):
            message = f'{kind} "{reference["name"]}" not found'
            raise ConfigError(message)
        return None if item is None else data(item)

    for entry in container.get("envFrom") or []:
        prefix = entry.get("prefix", "")
        for kind, name in (("configmap", "configMapRef"), ("secret", "secretRef")):
            if name in entry:
                values = source(kind, entry[name]) or {}
                result |= {f"{prefix}{key}": value.decode() for key, value in values.items()}
    for entry in container.get("env") or []:
        origin = entry.get("valueFrom")
        if not origin:
            result[entry["name"]] = expand(entry.get("value", ""), result)
        elif "fieldRef" in origin:
            result[entry["name"]] = field(pod, origin["fieldRef"]["fieldPath"], pod_ip=pod_ip, host_ip=host_ip)
        elif "resourceFieldRef" in origin:
            result[entry["name"]] = resource_field(container, origin["resourceFieldRef"])
        else:
            kind, name = ("configmap", "configMapKeyRef") if "configMapKeyRef" in origin else ("secret", "secretKeyRef")
            values = source(kind, origin[name])
            key = origin[name]["key"]
            if values is not None and key in values:
                result[entry["name"]] = values[key].decode()
            elif not origin[name].get("optional"):
                message = f"couldn't find key {key} in {kind} {namespace}/{origin[name]['name']}"
                raise ConfigError(message)
    return result
