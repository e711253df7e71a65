"""Azure disk encryption sets and storage lifecycle policies as ARM enforces them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rehearsal.providers.azure_arm import child_of_group, location_of, resolve, system_data
from rehearsal.providers.azure_cluster import DISKS, IDENTITY, VAULT, identity_output
from rehearsal.providers.azure_rest import ACCOUNT
from rehearsal.providers.rules import matches, needs, objects, one_of
from rehearsal.providers.sdktypes import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rehearsal.providers.model import Call, TypeSpec

_TYPES = (
    "EncryptionAtRestWithCustomerKey",
    "EncryptionAtRestWithPlatformAndCustomerKeys",
    "ConfidentialVmEncryptedWithCustomerKey",
)
_BLOBS = ("blockBlob", "appendBlob")


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


def _rules(call: Call) -> Iterator[Problem]:
    names: set[str] = set()
    for index, rule in enumerate(objects(call.known("policy.rules"))):
        path = f"policy.rules[{index}]"
        if rule.get("name") in names:
            yield Problem(f"{path}.name", f"there are two rules {rule.get('name')!r}")
        names.add(str(rule.get("name")))
        definition = rule.get("definition")
        actions = definition.get("actions") if isinstance(definition, dict) else None
        filters = definition.get("filters") if isinstance(definition, dict) else None
        if not actions:
            yield Problem(f"{path}.definition.actions", "at least one action is required by the API")
        kinds = filters.get("blobTypes") if isinstance(filters, dict) else None
        if not kinds or any(kind not in _BLOBS for kind in kinds):
            yield Problem(f"{path}.definition.filters.blobTypes", f"is required, of {', '.join(_BLOBS)}")


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
        immutable=frozenset({"encryptionType"}),
        parents=(("identity.userAssignedIdentities[]", IDENTITY),),
        rules=(
            _key,
            needs("identity", "activeKey.keyUrl"),
            one_of("encryptionType", _TYPES),
            matches("diskEncryptionSetName", r"[\w-]{1,80}", "1 to 80 letters, digits, _ and -"),
        ),
    ),
    child_of_group(
        "azure-native:storage:ManagementPolicy",
        "Microsoft.Storage/storageAccounts/managementPolicies",
        "managementPolicyName",
        inside=(("accountName", ACCOUNT),),
        outputs=lambda _call, _id: {"lastModifiedTime": system_data()["createdAt"]},
        located=False,
        rules=(_rules, _of_account, one_of("managementPolicyName", ("default",))),
    ),
)
