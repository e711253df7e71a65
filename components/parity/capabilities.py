"""The closed list of capabilities that cells are compared by, and what a value of each means.

Values are short words, because they cross the border in the `parity` section of the telemetry contract.
"""

from __future__ import annotations

from dataclasses import dataclass

# What a cell answers when the capability has no object in it, such as GPU scaling without a GPU pool.
NOT_APPLICABLE = "n/a"


@dataclass(frozen=True, kw_only=True)
class Capability:
    """One thing that a cell guarantees. `field` is the place in the fleet that decides it, empty where no field
    does.
    """

    id: str
    source: str
    says: str
    field: str = ""


CAPABILITIES: tuple[Capability, ...] = (
    Capability(
        id="kubernetes.minor",
        source="ours",
        says="The minor version of the Kubernetes API, as declared to the cloud.",
        field="kubernetes_minor",
    ),
    Capability(
        id="api.private",
        source="ours",
        says="`private` when the Kubernetes API has no public address and no public name, else `public`.",
    ),
    Capability(
        id="secrets.encryption",
        source="ours",
        says="`customer-key` when Secrets in etcd are encrypted with the cell's own key, else `cloud-key`.",
    ),
    Capability(
        id="gpu.class",
        source="ours",
        says="CLASS/DEVICES of each GPU pool, as its machine really gives them, joined by `_`.",
        field="gpu_pools",
    ),
    Capability(
        id="gpu.scale_from_zero",
        source="ours",
        says="`yes` when every GPU pool has an autoscaler and may have no node, else `no`.",
        field="gpu_pools",
    ),
    Capability(
        id="bucket.public_access",
        source="ours",
        says="`blocked` when no setting of an object could make a bucket's content public, else `possible`.",
    ),
)
IDS = tuple(capability.id for capability in CAPABILITIES)
