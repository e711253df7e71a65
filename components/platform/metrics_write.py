"""Where the Prometheus of a cell writes besides its own disk, as parts of its objects: the configuration's
`remote_write`, the account's annotation, what the pod mounts, the way out.

A store of the world is named in the fleet; the managed one of the cell's cloud is told by the cell's `infra` stack,
with a login that is no key wherever the cloud has one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pulumi_kubernetes as k8s

from components.clouds.pods import POD_IDENTITY, WRITES_TO
from components.errors import Problem, SpecError
from components.platform import names

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pulumi

    from components.platform.context import Context
    from components.spec.model import ResolvedCell

WRITER_DIR = "/etc/prometheus-remote-write"


@dataclass(frozen=True, kw_only=True)
class Written:
    """What the managed store asks for: the item of `remote_write`, and whether its login is a key pair."""

    target: Mapping[str, Any] = field(default_factory=dict[str, Any])
    keyed: bool = False


def is_managed(cell: ResolvedCell) -> bool:
    """Whether the cell's metrics are written to its cloud's managed Prometheus."""
    return cell.template.observability.metrics == "managed"


def read(cell: ResolvedCell, exported: Mapping[str, Any]) -> Written:
    """What the cell's `infra` stack says of the managed store. Raises SpecError when it says nothing yet."""
    target = exported.get("target")
    if not target or not target.get("url"):
        name = cell.cell.name
        raise SpecError(
            [
                Problem(
                    code="SPEC-METRICS",
                    path=name,
                    where="template.observability.metrics",
                    line=0,
                    message=f"the infra stack of cell {name} names no managed Prometheus: it was brought up before.",
                    value="managed",
                    fix=f"bring the cell's infra stack up first: twain stack up --cell {name}",
                )
            ]
        )
    return Written(target=target, keyed=bool(exported.get("keyed")))


def targets(cell: ResolvedCell, managed: Written | None) -> dict[str, Any]:
    """The `remote_write` of the configuration, or nothing. Pure."""
    found: list[dict[str, Any]] = []
    store = cell.world.remote_write
    if store is not None:
        world: dict[str, Any] = {"url": store.url, "name": "world", "follow_redirects": False}
        if store.token:
            world["authorization"] = {"type": "Bearer", "credentials_file": f"{WRITER_DIR}/token"}
        found.append(world)
    if managed is not None:
        own = {**managed.target, "name": "managed", "follow_redirects": False}
        if managed.keyed:
            own["basic_auth"] = {
                "username_file": f"{WRITER_DIR}/access-key-id",
                "password_file": f"{WRITER_DIR}/access-key-secret",
            }
        found.append(own)
    return {"remote_write": found} if found else {}


def mounts_secret(cell: ResolvedCell) -> bool:
    """Whether the pod needs the Secret: for a token of the world's store, or for a cloud that knows keys only."""
    store = cell.world.remote_write
    keyed = is_managed(cell) and WRITES_TO[cell.cell.cloud].keyed
    return keyed or (store is not None and store.token)


def bound_to(context: Context, exported: pulumi.Output[dict[str, Any]]) -> Any:
    """What binds the service account to the identity that writes; None where there is none."""
    if not is_managed(context.cell) or WRITES_TO[context.cell.cell.cloud].keyed:
        return None
    key = POD_IDENTITY[context.cell.cell.cloud].annotation
    return exported.apply(lambda found: {key: str(found.get("binding") or "")})


def pod_labels(cell: ResolvedCell) -> dict[str, str]:
    """Labels without which the cloud leaves the pod without an identity."""
    keyed = WRITES_TO[cell.cell.cloud].keyed
    return dict(POD_IDENTITY[cell.cell.cloud].pod_labels) if is_managed(cell) and not keyed else {}


def arguments(cell: ResolvedCell) -> list[str]:
    """What Prometheus is told beside its configuration, so that it sends what the store needs."""
    features = WRITES_TO[cell.cell.cloud].features if is_managed(cell) else ()
    return [f"--enable-feature={','.join(features)}"] if features else []


def way_out(context: Context, options: pulumi.ResourceOptions) -> None:
    """The way of Prometheus to the managed store and to its login, and of nobody else in the namespace."""
    if not is_managed(context.cell):
        return
    rules = [
        k8s.networking.v1.NetworkPolicyEgressRuleArgs(
            to=[
                k8s.networking.v1.NetworkPolicyPeerArgs(
                    ip_block=k8s.networking.v1.IPBlockArgs(cidr=way.cidr, except_=list(way.without) or None)
                )
            ],
            ports=[k8s.networking.v1.NetworkPolicyPortArgs(port=way.port, protocol="TCP")],
        )
        for way in WRITES_TO[context.cell.cell.cloud].ways
    ]
    k8s.networking.v1.NetworkPolicy(
        f"{names.PROMETHEUS}-writes",
        metadata=k8s.meta.v1.ObjectMetaArgs(
            name=f"{names.PROMETHEUS}-writes", namespace=names.SYSTEM_NAMESPACE, labels=context.labels
        ),
        spec=k8s.networking.v1.NetworkPolicySpecArgs(
            pod_selector=k8s.meta.v1.LabelSelectorArgs(match_labels={"app.kubernetes.io/name": names.PROMETHEUS}),
            policy_types=["Egress"],
            egress=rules,
        ),
        opts=options,
    )
