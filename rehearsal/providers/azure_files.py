"""Azure file shares as ARM enforces them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.rules.model import Problem
from rehearsal.providers.azure_arm import child_of_group, resolve
from rehearsal.providers.azure_rest import ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rehearsal.providers.model import Call, TypeSpec

SERVICE, SHARE = "azure-native:storage:FileServiceProperties", "azure-native:storage:FileShare"
_SMALLEST, _LARGEST = 100, 102_400


def _share(call: Call) -> Iterator[Problem]:
    nfs = call.known("enabledProtocols") == "NFS"
    size = call.known("shareQuota")
    account = resolve(call, ACCOUNT, call.text("accountName"))
    if account is None:
        return
    premium = account.inputs.get("kind") == "FileStorage"
    if nfs and not premium:
        yield Problem("enabledProtocols", f"NFS needs an account of kind FileStorage; {account.name} is another")
    if nfs and account.inputs.get("enableHttpsTrafficOnly") is not False:
        yield Problem("enabledProtocols", f"{account.name} takes encrypted traffic only, and NFS is not encrypted")
    smallest = _SMALLEST if premium else 1
    if isinstance(size, int) and not smallest <= size <= _LARGEST:
        yield Problem("shareQuota", f"must lie between {smallest} and {_LARGEST}, not {size}")
    tier = call.known("accessTier")
    if tier is not None and (tier == "Premium") is not premium:
        yield Problem("accessTier", f"{tier} is not for an account of kind {account.inputs.get('kind')}")


FILE_TYPES: tuple[TypeSpec, ...] = (
    child_of_group(
        SERVICE,
        "Microsoft.Storage/storageAccounts/fileServices",
        "fileServicesName",
        inside=(("accountName", ACCOUNT),),
        located=False,
    ),
    child_of_group(
        SHARE,
        "Microsoft.Storage/storageAccounts/shares",
        "shareName",
        inside=(("accountName", ACCOUNT),),
        outputs=lambda _call, _id: {"leaseState": "Available", "leaseStatus": "Unlocked"},
        located=False,
        rules=(_share,),
    ),
)
