"""Which gateway an emulated cluster has, read off its declared inputs: the definitions that its cloud puts into it, and
the class that a controller of its cloud serves. What is not declared is not there.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from components.clouds.gateways import (
    ALICLOUD_CONTROLLER,
    ALICLOUD_DEFINITIONS,
    GATEWAY_API,
    IMPLEMENTATIONS,
    INFERENCE,
)
from components.rules.checks import not_offered, objects, strings
from components.rules.model import Problem
from rehearsal.kube.brought import NOTHING, Brought
from rehearsal.providers.clusters import minor_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from rehearsal.providers.model import Call

GCP_CHANNELS: Final = ("CHANNEL_EXPERIMENTAL", "CHANNEL_STANDARD")
# Revisions of the mesh add-on that can be installed, with the Kubernetes minors they are compatible with (Microsoft,
# support policy of the add-on, August 2026).
AZURE_REVISIONS: Final = {
    "asm-1-29": ("1.31", "1.32", "1.33", "1.34", "1.35", "1.36"),
    "asm-1-30": ("1.32", "1.33", "1.34", "1.35", "1.36"),
}
_REVISION: Final = re.compile(r"asm-(\d+)-(\d+)")


def alicloud(components: Collection[str]) -> Brought:
    """Of a cluster with these components installed."""
    if ALICLOUD_DEFINITIONS not in components:
        return NOTHING
    if ALICLOUD_CONTROLLER not in components:
        return Brought(definitions=(GATEWAY_API,))
    return Brought(definitions=(GATEWAY_API, INFERENCE), gateway_class=IMPLEMENTATIONS["alicloud"].gateway_class)


def gcp(call: Call, minor: str) -> Brought:
    """Of a cluster with a channel. InferencePool is among the definitions from 1.34 on."""
    if call.text("gatewayApiConfig.channel") not in GCP_CHANNELS:
        return NOTHING
    newer = tuple(int(part) for part in minor.split(".")) >= (1, 34)
    groups = (GATEWAY_API, INFERENCE) if newer else (GATEWAY_API,)
    return Brought(definitions=groups, gateway_class=IMPLEMENTATIONS["gcp"].gateway_class)


def azure(call: Call) -> Brought:
    """Of a cluster with a mesh: its controller, and no definitions."""
    meshed = call.text("serviceMeshProfile.mode") == "Istio"
    return Brought(gateway_class=IMPLEMENTATIONS["azure"].gateway_class) if meshed else NOTHING


def mesh_problems(call: Call) -> Iterator[Problem]:
    """What ARM refuses of a mesh profile, beside words that the SDK's own types refuse."""
    path = "serviceMeshProfile"
    revisions = strings(call.known(f"{path}.istio.revisions"))
    if len(revisions) > 2:
        yield Problem(f"{path}.istio.revisions", f"{len(revisions)} revisions; one, or two while it is upgraded")
    minor = minor_of(call.text("kubernetesVersion"))
    for index, revision in enumerate(revisions):
        at = f"{path}.istio.revisions[{index}]"
        if revision not in AZURE_REVISIONS:
            yield Problem(at, not_offered(revision, tuple(AZURE_REVISIONS), what="revision"))
        elif minor not in AZURE_REVISIONS[revision]:
            yield Problem(at, f"{revision} is not compatible with Kubernetes {minor}")
    numbers = [int(found[2]) for one in revisions if (found := _REVISION.fullmatch(one))]
    if len(numbers) == 2 and abs(numbers[0] - numbers[1]) != 1:
        yield Problem(f"{path}.istio.revisions", "two revisions must be consecutive")
    seen: list[str] = []
    for index, gateway in enumerate(objects(call.known(f"{path}.istio.components.ingressGateways"))):
        at, kind = f"{path}.istio.components.ingressGateways[{index}]", gateway.get("mode")
        if kind in seen:
            yield Problem(f"{at}.mode", f"there is one {kind} ingress gateway at most")
        seen.append(str(kind))
