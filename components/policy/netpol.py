"""What NetworkPolicies would let through between two pods, told from manifests alone. Pure.

Every doubt counts as a way: an `ipBlock` is taken to match a pod whose address is not known, and a port that is named
in a policy is taken to be any. Nodes and pods of the host's network are not seen here, as policies do not see them.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Manifest = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Pod:
    """One end of a connection: its namespace with labels, its own labels, its address where that is known."""

    namespace: str
    namespace_labels: Mapping[str, str]
    labels: Mapping[str, str] = field(default_factory=dict)
    address: str | None = None


def reaches(policies: Iterable[Manifest], source: Pod, target: Pod, *, port: int, protocol: str = "TCP") -> bool:
    """Whether the policies let `source` open a connection to a port of `target`."""
    found = [one for one in policies if one.get("kind") == "NetworkPolicy"]
    out = _one_way(found, source, target, "Egress", port=port, protocol=protocol)
    return out and _one_way(found, target, source, "Ingress", port=port, protocol=protocol)


def guards(policies: Iterable[Manifest], pod: Pod, direction: str) -> bool:
    """Whether any policy decides about this pod in a direction: without one, everything is let through."""
    return bool(_about(list(policies), pod, direction))


def selected(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """Whether a label selector matches. An empty one matches everything; an operator that is not known, too."""
    chosen = selector or {}
    if any(labels.get(key) != value for key, value in (chosen.get("matchLabels") or {}).items()):
        return False
    return all(_expression(one, labels) for one in chosen.get("matchExpressions") or ())


def _expression(one: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key, values = str(one.get("key")), one.get("values") or ()
    answers = {
        "In": labels.get(key) in values,
        "NotIn": labels.get(key) not in values,
        "Exists": key in labels,
        "DoesNotExist": key not in labels,
    }
    return answers.get(str(one.get("operator")), True)


def _about(policies: list[Manifest], pod: Pod, direction: str) -> list[Mapping[str, Any]]:
    """The specs of the policies that decide about a pod in a direction."""
    found: list[Mapping[str, Any]] = []
    for policy in policies:
        spec = policy.get("spec") or {}
        # Without types a policy is about what comes in, and about what goes out where it says so.
        types = spec.get("policyTypes") or (["Ingress", "Egress"] if spec.get("egress") else ["Ingress"])
        here = policy["metadata"].get("namespace") == pod.namespace
        if here and direction in types and selected(spec.get("podSelector"), pod.labels):
            found.append(spec)
    return found


def _one_way(policies: list[Manifest], pod: Pod, other: Pod, direction: str, *, port: int, protocol: str) -> bool:
    specs = _about(policies, pod, direction)
    if not specs:
        return True
    rules, peers = ("egress", "to") if direction == "Egress" else ("ingress", "from")
    return any(
        _ports(rule.get("ports"), port, protocol) and _peers(rule.get(peers), other, pod.namespace)
        for spec in specs
        for rule in spec.get(rules) or ()
    )


def _ports(ports: Any, port: int, protocol: str) -> bool:
    if not ports:
        return True
    for one in ports:
        wanted = one.get("port")
        if (one.get("protocol") or "TCP") != protocol:
            continue
        if not isinstance(wanted, int | float) or int(wanted) <= port <= int(one.get("endPort") or wanted):
            return True
    return False


def _peers(peers: Any, other: Pod, own_namespace: str) -> bool:
    return not peers or any(_peer(peer, other, own_namespace) for peer in peers)


def _peer(peer: Mapping[str, Any], other: Pod, own_namespace: str) -> bool:
    if peer.get("ipBlock"):
        return _block(peer["ipBlock"], other.address)
    if "namespaceSelector" in peer and peer["namespaceSelector"] is not None:
        here = selected(peer["namespaceSelector"], other.namespace_labels)
    else:
        here = other.namespace == own_namespace
    return here and selected(peer.get("podSelector"), other.labels)


def _block(block: Mapping[str, Any], address: str | None) -> bool:
    if address is None:
        return True
    where = ipaddress.ip_address(address)
    kept = [ipaddress.ip_network(one, strict=False) for one in block.get("except") or ()]
    return where in ipaddress.ip_network(block["cidr"], strict=False) and not any(where in one for one in kept)
