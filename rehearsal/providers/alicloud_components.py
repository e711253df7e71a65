"""Components of an ACK cluster: those that it is made with, and those that are installed afterwards."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

from components.clouds.gateways import ALICLOUD_CONTROLLER, ALICLOUD_DEFINITIONS
from components.rules.checks import not_offered, objects
from components.rules.model import Problem
from rehearsal.providers import gateways
from rehearsal.providers.clusters import bring_into
from rehearsal.providers.model import Call, CloudRefusalError, Made, TypeSpec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rehearsal.providers.store import Resource

CLUSTER: Final = "alicloud:cs/managedKubernetes:ManagedKubernetes"
COMPONENT: Final = "alicloud:cs/kubernetesAddon:KubernetesAddon"
# What the account's list of components has, as far as our cells ask for any of it.
OFFERED: Final = (
    ALICLOUD_CONTROLLER,
    "ack-node-problem-detector",
    "ack-pod-identity-webhook",
    "csi-plugin",
    ALICLOUD_DEFINITIONS,
    "terway-eniip",
)
# What a component needs in the cluster first.
_NEEDS: Final = {ALICLOUD_CONTROLLER: ALICLOUD_DEFINITIONS}


def installed(call: Call, cluster: Resource, *, made_with: Any = None) -> set[str]:
    """The components of a cluster: its list, as the call or its row has it, and those that have a row of their own."""
    listed = made_with if made_with is not None else call.known("addons")
    names = {str(one.get("name")) for one in objects(listed) if one.get("disabled") is not True}
    own = call.store.list_resources(type=COMPONENT, cloud="alicloud")
    return names | {one.name for one in own if one.state == "live" and one.inputs.get("clusterId") == cluster.id}


def _known(call: Call) -> Iterator[Problem]:
    name = call.known("name")
    if isinstance(name, str) and name not in OFFERED:
        yield Problem("name", not_offered(name, OFFERED, what="component"))


def _cluster(call: Call) -> Resource:
    found = call.store.get_resource(call.text("clusterId"), type=CLUSTER)
    if found is None:
        message = f"ErrorClusterNotFound: cluster {call.text('clusterId')} not found"
        raise CloudRefusalError(message)
    return found


def _install(call: Call, resource: Resource) -> dict[str, Any]:
    cluster = _cluster(call)
    others = installed(call, cluster, made_with=cluster.inputs.get("addons") or [])
    needed = _NEEDS.get(resource.name)
    if needed and needed not in others:
        message = f"{resource.name}: the component {needed} must be installed in the cluster first"
        raise CloudRefusalError(message)
    bring_into(call, cluster.cell, gateways.alicloud({*others, resource.name}))
    return {}


def _remove(resource: Resource, call: Call) -> None:
    """Its controller goes; definitions stay, with the objects that they define."""
    cluster = call.store.get_resource(str(resource.inputs.get("clusterId")), type=CLUSTER)
    if cluster is not None:
        others = installed(call, cluster, made_with=cluster.inputs.get("addons") or []) - {resource.name}
        # Where the cell itself is gone, so is what was in it.
        with contextlib.suppress(CloudRefusalError):
            bring_into(call, cluster.cell, gateways.alicloud(others))


COMPONENT_TYPES: tuple[TypeSpec, ...] = (
    TypeSpec(
        type_name=COMPONENT,
        make=lambda call: Made(id=f"{call.text('clusterId')}:{call.text('name')}"),
        key=lambda call: f"{call.text('clusterId')}/{call.text('name')}",
        outputs=lambda call, _id: {
            "canUpgrade": False,
            "nextVersion": "",
            "required": False,
            "version": call.text("version") or "v1.0.0",
            "config": call.text("config") or "{}",
        },
        effect=_install,
        removal=_remove,
        parents=(("clusterId", CLUSTER),),
        rules=(_known,),
    ),
)
