"""Azure disk encryption sets and storage lifecycle policies as ARM enforces them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.rules.model import Problem
from rehearsal.providers.azure_arm import child_of_group, location_of, resolve, system_data
from rehearsal.providers.azure_cluster import DISKS, IDENTITY, VAULT, identity_output
from rehearsal.providers.azure_rest import ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rehearsal.providers.model import Call, TypeSpec


def _key(call: Call) -> Iterator[Problem]:
    """The key's vault is kept after deletion, lies in the region, and is told by the key's address with a version."""
    url = call.known("activeKey.keyUrl")
    if not isinstance(url, str):
        return
    host, _, rest = url.partition("/keys/")
    vaults = call.store.list_resources(type=VAULT)
    vault = next((one for one in vaults if host == f"https://{one.name}.vault.azure.net"), None)
    if vault is None or not rest:
        yield Problem("activeKey.keyUrl", f"there is no key {url!r}")
        return
    if rest.count("/") != 1:
        yield Problem("activeKey.keyUrl", "must end in the key's version")
    if location_of(call) and vault.region != location_of(call):
        yield Problem("activeKey.keyUrl", f"the key lies in {vault.region}, the set in {location_of(call)}")
    properties = vault.inputs.get("properties")
    if not isinstance(properties, dict) or properties.get("enablePurgeProtection") is not True:
        yield Problem("activeKey.keyUrl", f"vault {vault.name} has no purge protection; disks need it")


def _outputs(call: Call, id_: str) -> dict[str, Any]:
    identity = identity_output(call, id_)
    answer: dict[str, Any] = {"provisioningState": "Succeeded", "previousKeys": [], "systemData": system_data()}
    return answer | ({"identity": identity} if identity else {})


def _of_account(call: Call) -> Iterator[Problem]:
    account = resolve(call, ACCOUNT, call.text("accountName"))
    if account and account.inputs.get("kind") == "FileStorage":
        yield Problem("accountName", f"account {account.name} holds files, which have no lifecycle")


DISK_TYPES: tuple[TypeSpec, ...] = (
    child_of_group(
        DISKS,
        "Microsoft.Compute/diskEncryptionSets",
        "diskEncryptionSetName",
        outputs=_outputs,
        parents=(("identity.userAssignedIdentities[]", IDENTITY),),
        rules=(_key,),
    ),
    child_of_group(
        "azure-native:storage:ManagementPolicy",
        "Microsoft.Storage/storageAccounts/managementPolicies",
        "managementPolicyName",
        inside=(("accountName", ACCOUNT),),
        outputs=lambda _call, _id: {"lastModifiedTime": system_data()["createdAt"]},
        located=False,
        rules=(_of_account,),
    ),
)
