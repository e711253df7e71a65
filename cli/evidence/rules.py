"""The rules that evidence tells of, with what each refuses. A test holds the list against the code, both ways."""

from __future__ import annotations

RULES: dict[str, str] = {
    "RES-001": "a place in another world, or outside the world's allow-list",
    "RES-002": "a place that the tables do not know, or that names more than one region",
    "RES-003": "a place that is absent, so that the cloud or the provider would choose",
    "RES-004": "a place that cannot be traced to a resource that was judged",
    "RES-005": "replication or acceleration beyond the region",
    "RES-006": "a link to another network",
    "SEC-001": "a public Kubernetes API",
    "SEC-002": "a store that could be made public",
    "SEC-003": "ingress from everywhere",
    "SEC-004": "no encryption with the cell's own key",
    "SEC-005": "a public address beside the way out",
    "SEC-006": "a store that answers without TLS",
    "SEC-007": "a database that takes connections without TLS",
    "SEC-008": "an alert that is sent to persons named in it",
}
"""Rules over resources. Those over a whole fleet (RES-010, the spec's own) are decided before there is a plan."""
