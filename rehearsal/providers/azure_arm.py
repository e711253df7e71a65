"""How Azure names things: ARM ids, resource groups, locations, and what every ARM resource answers with."""

from __future__ import annotations

import datetime
import os
from typing import TYPE_CHECKING, Any

from components.rules.checks import not_offered
from components.rules.model import Problem
from rehearsal.providers.facts import AZURE_REGIONS
from rehearsal.providers.model import Call, Made, TypeSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rehearsal.providers.store import Resource

GROUP = "azure-native:resources:ResourceGroup"
TENANT = "11111111-2222-3333-4444-555555555555"
_EMULATED_SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
_API_VERSION = "2025-09-01"


def subscription(call: Call) -> str:
    """The provider's subscription, else the environment's, else the emulated account: the order of the real
    provider, whose last resort is the machine's signed-in account.
    """
    return str(call.config.get("subscriptionId") or os.environ.get("ARM_SUBSCRIPTION_ID") or _EMULATED_SUBSCRIPTION)


def group_of(call: Call) -> Resource | None:
    """The resource group that the call names."""
    wanted = call.text("resourceGroupName").lower()
    return next((item for item in call.store.list_resources(type=GROUP) if item.name.lower() == wanted), None)


def location_of(call: Call) -> str:
    """The resource's location, else the provider's, else its group's: the order in which the provider looks. Empty for
    what lies in no region and says `Global`, such as a private zone.
    """
    group = group_of(call)
    chosen = call.text("location") or str(call.config.get("location", "")) or (group.region if group else "")
    known = chosen.lower().replace(" ", "")
    return "" if known == "global" else known


def arm_id(call: Call, kind: str, *segments: str) -> str:
    """`/subscriptions/S/resourceGroups/RG/providers/KIND/…`; `kind` is `Microsoft.Network/virtualNetworks`."""
    provider, *types = kind.split("/")
    pairs = "/".join(f"{type_}/{name}" for type_, name in zip(types, segments, strict=True))
    group = f"/subscriptions/{subscription(call)}/resourceGroups/{call.text('resourceGroupName')}"
    return f"{group}/providers/{provider}/{pairs}"


def arm(kind: str, name: str, *, inside: tuple[str, ...] = ()) -> tuple[Callable[[Call], Made], Callable[[Call], str]]:
    """The `make` and `key` of an ARM type whose name is in input `name`, beneath the resources named by inputs
    `inside`."""

    def identify(call: Call) -> str:
        return arm_id(call, kind, *(call.text(path) for path in (*inside, name)))

    def make(call: Call) -> Made:
        return Made(id=identify(call), region=location_of(call))

    return make, lambda call: identify(call).lower()


def answered(call: Call, kind: str, name: str) -> dict[str, Any]:
    """What every ARM resource answers with."""
    return {"name": name, "type": kind, "azureApiVersion": _API_VERSION} | (
        {"location": location_of(call)} if location_of(call) else {}
    )


def system_data() -> dict[str, Any]:
    """Who made it, and when."""
    now = datetime.datetime.now(tz=datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"createdAt": now, "createdBy": "rehearsal", "createdByType": "Application"}


def location_rule(call: Call) -> Iterator[Problem]:
    """A location that exists; the provider may give it."""
    given = call.get("location")
    value = given if given is not None else call.config.get("location")
    if isinstance(value, str) and value.lower().replace(" ", "") not in AZURE_REGIONS:
        yield Problem("location", not_offered(value, AZURE_REGIONS, what="location"))


def zone_problems(path: str, zones: list[str], *, region: str) -> Iterator[Problem]:
    """Whether these zones exist in the region."""
    offered = AZURE_REGIONS.get(region)
    if offered is None:
        return
    for index, zone in enumerate(zones):
        if zone not in offered:
            yield Problem(f"{path}[{index}]", not_offered(zone, offered, what="zone", where=region))


def resolve(call: Call, type_: str, value: str) -> Resource | None:
    """By ARM id in any case, or by name inside the call's resource group."""
    wanted = value.lower().rstrip("/")
    live = call.store.list_resources(cloud="azure") if type_ == "*" else call.store.list_resources(type=type_)
    if wanted.startswith("/subscriptions/"):
        return next((item for item in live if item.id.lower() == wanted), None)
    if type_ == GROUP:
        return next((item for item in live if item.name.lower() == wanted), None)
    group = f"/resourcegroups/{call.text('resourceGroupName').lower()}/"
    return next((item for item in live if item.name.lower() == wanted and group in item.id.lower()), None)


def child_of_group(
    type_name: str,
    kind: str,
    name: str,
    *,
    inside: tuple[tuple[str, str], ...] = (),
    outputs: Callable[[Call, str], dict[str, Any]] = lambda _call, _id: {},
    parents: tuple[tuple[str, str], ...] = (),
    rules: tuple[Callable[[Call], Any], ...] = (),
    located: bool = True,
    typed: bool = True,
    **more: Any,
) -> TypeSpec:
    """A type that lies in a resource group. `inside` lists (input path, type) of the named resources around it; `typed`
    says whether the SDK has the ARM type among the outputs.
    """
    make, key = arm(kind, name, inside=tuple(path for path, _type in inside))

    def all_outputs(call: Call, id_: str) -> dict[str, Any]:
        common = answered(call, kind, call.text(name))
        if not located:
            common.pop("location", None)
        if not typed:
            common.pop("type", None)
        return common | outputs(call, id_)

    return TypeSpec(
        type_name=type_name,
        make=make,
        key=key,
        outputs=all_outputs,
        planned=more.pop("planned", lambda call: {"name": call.text(name)}),
        parents=(("resourceGroupName", GROUP), *inside, *parents),
        rules=((location_rule,) if located else ()) + rules,
        **more,
    )
