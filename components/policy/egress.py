"""Every host and range that a graph names as a place to send to or fetch from: what would leave, before it exists."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from components.policy import hosts, kube, kube_pods
from components.policy.decide import plain
from components.policy.model import Subject, is_judged

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from components.policy.decide import Border

_URL = re.compile(r"\b[a-z][a-z0-9+.-]{1,20}://[^\s\"'<>\\,;`{}]+", re.IGNORECASE)


def of(resources: Iterable[Mapping[str, Any]], border: Border) -> list[dict[str, Any]]:
    """One row per host, the outside first: `host`, `kind` (image, endpoint), `lies` (a world, private, or unknown),
    `inside`, `uses`, `example`.
    """
    found: dict[tuple[str, str], dict[str, Any]] = {}
    inside = hosts.compiled(rf"(?i)^(?:{hosts.sources(border.world, border.allowed, border.hosts)})$")
    for resource in resources:
        kind = str(resource.get("type"))
        if resource.get("delete") or not is_judged(kind):
            continue
        name = f"{kind} {str(resource.get('urn', '')).rsplit('::', 1)[-1]!r}"
        inputs = plain(resource.get("inputs") or {}, judged=False)
        subject = Subject(type=kind, name=name, inputs=inputs, world=border.world, allowed=border.allowed)
        for host, use, path in _named(subject):
            row = found.setdefault(
                (host, use),
                {
                    "host": host,
                    "kind": use,
                    "lies": "private" if hosts.is_private(host) else hosts.world_of(host) or "unknown",
                    "inside": hosts.is_private(host) or inside.match(host) is not None,
                    "uses": 0,
                    "example": f"{name} {path}",
                },
            )
            row["uses"] += 1
    return sorted(found.values(), key=lambda row: (row["inside"], row["lies"] == "private", row["host"], row["kind"]))


def _named(subject: Subject) -> Iterator[tuple[str, str, str]]:
    """(host, kind of use, place) of everything that names a host."""
    if subject.type.startswith("kubernetes:"):
        for container in kube.containers(subject):
            if isinstance(container.image, str) and container.image:
                yield hosts.image_host(container.image), "image", f"{container.path}.image"
            for path, name, value in container.env():
                known = any(hosts.compiled(names).match(name) for _, names, _ in kube_pods.ENV)
                if known and isinstance(value, str) and value and "://" not in value:
                    yield hosts.host_of(value), "endpoint", f"{path} ({name})"
    for path, value in _strings(subject.inputs, ""):
        for found in _URL.finditer(value):
            host = hosts.host_of(found.group())
            if host and not found.group().lower().startswith(("urn:", "pvc:", "file:", "unix:")):
                yield host, "endpoint", path


def _strings(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _strings(inner, f"{path}[{index}]")
    else:
        for key, inner in kube.pairs(value):
            # Schemas and descriptions of custom resources are prose with links in it.
            if key not in {"openAPIV3Schema", "description", "annotations"}:
                yield from _strings(inner, f"{path}.{key}".lstrip("."))
