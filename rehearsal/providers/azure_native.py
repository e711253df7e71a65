"""The emulated Azure: the provider's entry, and what its subscription refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rehearsal.providers.azure_account import ACCOUNT_TYPES
from rehearsal.providers.azure_ai import AI_TYPES
from rehearsal.providers.azure_alarms import ALARM_TYPES
from rehearsal.providers.azure_arm import resolve
from rehearsal.providers.azure_caches import CACHE_TYPES
from rehearsal.providers.azure_cluster import CLUSTER_TYPES
from rehearsal.providers.azure_databases import DATABASE_TYPES
from rehearsal.providers.azure_disks import DISK_TYPES
from rehearsal.providers.azure_files import FILE_TYPES
from rehearsal.providers.azure_images import IMAGE_TYPES
from rehearsal.providers.azure_logs import LOG_TYPES
from rehearsal.providers.azure_net import NETWORK_TYPES
from rehearsal.providers.azure_private import PRIVATE_TYPES
from rehearsal.providers.azure_rest import LOCK, OTHER_TYPES
from rehearsal.providers.facts import AZURE_REGIONS
from rehearsal.providers.framework import CloudProvider
from rehearsal.providers.model import Call, Cloud, CloudRefusalError
from rehearsal.providers.rules import not_offered
from rehearsal.providers.sdktypes import Problem
from rehearsal.providers.serving import serve, world_dir

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rehearsal.providers.store import Resource


def check_config(config: Mapping[str, Any]) -> Iterator[Problem]:
    """A location must exist."""
    location = config.get("location")
    if isinstance(location, str) and location.lower() not in AZURE_REGIONS:
        yield Problem("location", not_offered(location, AZURE_REGIONS, what="location"))


def refuse_locked(resource: Resource, call: Call) -> None:
    """A lock on a resource, or on anything around it, keeps it from being deleted."""
    if resource.type == LOCK:
        return
    for lock in call.store.list_resources(type=LOCK):
        scope = str(lock.inputs.get("scope", "")).lower()
        if f"{resource.id.lower()}/".startswith(f"{scope}/"):
            message = (
                f"ScopeLocked: {resource.id} cannot be deleted, {lock.name} on {lock.inputs.get('scope')} forbids it"
            )
            raise CloudRefusalError(message)


def _stock_out(call: Call) -> str:
    return (
        f"AllocationFailed: {call.text('vmSize') or call.type_name} cannot be had in the zones asked for at the moment"
    )


CLOUD = Cloud(
    name="azure",
    package="azure-native",
    types={
        spec.type_name: spec
        for spec in (
            *NETWORK_TYPES,
            *PRIVATE_TYPES,
            *CLUSTER_TYPES,
            *OTHER_TYPES,
            *FILE_TYPES,
            *LOG_TYPES,
            *ALARM_TYPES,
            *IMAGE_TYPES,
            *DATABASE_TYPES,
            *CACHE_TYPES,
            *ACCOUNT_TYPES,
            *AI_TYPES,
            *DISK_TYPES,
        )
    },
    resolve=resolve,
    check_config=check_config,
    stock_out_message=_stock_out,
    refuse_delete=refuse_locked,
)


def main() -> int:
    """Serve until the engine stops us."""
    provider = CloudProvider(CLOUD, world_dir=world_dir())
    return serve(provider, cancelled=provider.cancelled)
