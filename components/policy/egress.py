"""Every host and range that a graph names as a place to send to or fetch from: what would leave, before it exists."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any

from components.clouds import buckets, pod_tokens, tokens
from components.policy import hosts, kube, kube_pods, kube_routes
from components.policy.decide import plain
from components.policy.model import Subject, at, is_judged

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from components.policy.decide import Border

# Public ranges that the platform itself lets pods out to.
_ABROAD = tuple(
    ipaddress.IPv4Network(text)
    for text in (buckets.GOOGLE, *(cidr for way in pod_tokens.WAYS.values() for cidr in way.ranges))
)
_URL = re.compile(r"\b[a-z][a-z0-9+.-]{1,20}://[^\s\"'<>\\,;`{}]+", re.IGNORECASE)


def of(resources: Iterable[Mapping[str, Any]], border: Border) -> list[dict[str, Any]]:
    """One row per host, the outside first: `host`, `kind` (image, endpoint, range), `lies` (a world, private, or
    unknown), `inside`, `uses`, `example`. A range is what a network policy lets pods out to.
    """
    found: dict[tuple[str, str], dict[str, Any]] = {}
    inside = hosts.compiled(rf"(?i)^(?:{hosts.sources(border.world, border.allowed, border.hosts)})$")
    for resource in resources:
        kind = tokens.plain(str(resource.get("type")))
        if not is_judged(kind, custom=resource.get("custom") is not False):
            continue
        name = f"{kind} {str(resource.get('urn', '')).rsplit('::', 1)[-1]!r}"
        inputs = plain(resource.get("inputs") or {}, judged=False)
        subject = Subject(type=kind, name=name, inputs=inputs, world=border.world, allowed=border.allowed)
        for host, use, path in _named(subject):
            lies = _range_lies(host) if use == "range" else _host_lies(host)
            known = lies == border.world if use == "range" else inside.match(host) is not None
            row = found.setdefault(
                (host, use),
                {
                    "host": host,
                    "kind": use,
                    "lies": lies,
                    "inside": lies == "private" or known,
                    "uses": 0,
                    "example": f"{name} {path}",
                },
            )
            row["uses"] += 1
    return sorted(found.values(), key=lambda row: (row["inside"], row["lies"] == "private", row["host"], row["kind"]))


def _host_lies(host: str) -> str:
    return "private" if hosts.is_private(host) else hosts.world_of(host) or "unknown"


def _range_lies(cidr: str) -> str:
    """Where all addresses of a range lie. Google's private address answers in Google's networks only; what gives out
    tokens of Azure's global cloud has no part in China.
    """
    if hosts.compiled(kube_routes.PRIVATE_RANGE).match(cidr):
        return "private"
    try:
        whole = ipaddress.ip_network(cidr, strict=False)
    except ValueError:
        return "unknown"
    return "row" if isinstance(whole, ipaddress.IPv4Network) and any(map(whole.subnet_of, _ABROAD)) else "unknown"


def _ranges(subject: Subject) -> Iterator[tuple[str, str, str]]:
    """What is let out by address. A rule without peers lets out to every address."""
    for index, rule in enumerate(kube.items(at(subject.inputs, "spec", "egress"))):
        peers = kube.items(at(rule, "to"))
        if not peers:
            yield "0.0.0.0/0", "range", f"spec.egress[{index}].to"
        for number, peer in enumerate(peers):
            cidr = at(peer, "ipBlock", "cidr")
            if isinstance(cidr, str) and cidr:
                yield cidr, "range", f"spec.egress[{index}].to[{number}].ipBlock.cidr"


def _named(subject: Subject) -> Iterator[tuple[str, str, str]]:
    """(host, kind of use, place) of everything that names a host."""
    if kube.kind_of(subject.type) == ("networking.k8s.io", "NetworkPolicy"):
        yield from _ranges(subject)
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
