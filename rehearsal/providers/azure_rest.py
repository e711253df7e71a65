"""Azure identities, keys, storage, roles, locks and logs as ARM enforces them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.rules.model import Problem
from rehearsal.providers.azure_arm import TENANT, child_of_group, location_of, resolve, system_data
from rehearsal.providers.azure_cluster import IDENTITY, VAULT, identity_output
from rehearsal.providers.model import Call, Made, TypeSpec
from rehearsal.providers.rules import derived

if TYPE_CHECKING:
    from collections.abc import Iterator

ACCOUNT, WORKSPACE = "azure-native:storage:StorageAccount", "azure-native:operationalinsights:Workspace"
LOCK = "azure-native:authorization:ManagementLockByScope"


def _any_scope(path: str) -> Any:
    """The scope must be a subscription or a resource that exists."""

    def rule(call: Call) -> Iterator[Problem]:
        value = call.known(path)
        if not isinstance(value, str):
            return
        if value.count("/") == 2 and value.startswith("/subscriptions/"):
            return
        # A container's blobs and a key are addressed beneath a resource that we know.
        probe = value
        while probe.count("/") > 3:
            if resolve(call, "*", probe) is not None:
                return
            probe = probe.rsplit("/", 2)[0]
        if resolve(call, "*", probe) is None:
            yield Problem(path, f"{value!r} is no scope in this subscription")

    return rule


def _vault_outputs(call: Call, _id: str) -> dict[str, Any]:
    properties = dict(call.known("properties") or {})
    uri = f"https://{call.text('vaultName')}.vault.azure.net/"
    properties |= {"vaultUri": uri, "provisioningState": "Succeeded", "hsmPoolResourceId": ""}
    return {"properties": properties, "systemData": system_data()}


def _key_outputs(call: Call, id_: str) -> dict[str, Any]:
    base = f"https://{call.text('vaultName')}.vault.azure.net/keys/{call.text('keyName')}"
    version = derived(id_, "version").replace("-", "")
    vault = resolve(call, VAULT, call.text("vaultName"))
    on_curve = call.text("properties.kty").startswith("EC")
    return {
        "keyUri": base,
        "keyUriWithVersion": f"{base}/{version}",
        "kty": call.text("properties.kty") or "RSA",
        **({} if on_curve else {"keySize": call.known("properties.keySize") or 2048}),
        **({"curveName": call.text("properties.curveName") or "P-256"} if on_curve else {}),
        "location": vault.region if vault else "",
    }


def _identity_outputs(_call: Call, id_: str) -> dict[str, Any]:
    return {
        "clientId": derived(id_, "client"),
        "principalId": derived(id_, "principal"),
        "tenantId": TENANT,
        "systemData": system_data(),
    }


def _storage_outputs(call: Call, id_: str) -> dict[str, Any]:
    name = call.text("accountName")
    services = {
        service: f"https://{name}.{service}.core.windows.net/" for service in ("blob", "dfs", "file", "queue", "table")
    }
    outputs: dict[str, Any] = {
        "primaryEndpoints": services | {"web": f"https://{name}.z28.web.core.windows.net/"},
        "primaryLocation": location_of(call),
        "statusOfPrimary": "available",
        "provisioningState": "Succeeded",
        "creationTime": system_data()["createdAt"],
    }
    identity = identity_output(call, id_)
    return outputs | ({"identity": identity} if identity else {})


def _blob_shape(call: Call) -> Iterator[Problem]:
    if call.known("blobServicesName") not in (None, "default"):
        yield Problem("blobServicesName", "must be default")
    account = resolve(call, ACCOUNT, call.text("accountName"))
    public = call.known("publicAccess")
    if account and public not in (None, "None") and account.inputs.get("allowBlobPublicAccess") is False:
        yield Problem("publicAccess", f"{public} is refused: account {account.name} does not allow public access")


def _assignment_id(call: Call) -> str:
    return f"{call.text('scope')}/providers/Microsoft.Authorization/roleAssignments/{call.text('roleAssignmentName')}"


def _lock_id(call: Call) -> str:
    return f"{call.text('scope')}/providers/Microsoft.Authorization/locks/{call.text('lockName')}"


def _diagnostic_id(call: Call) -> str:
    return f"{call.text('resourceUri')}|{call.text('name')}"


def _provisioned(_call: Call, _id: str) -> dict[str, Any]:
    return {"systemData": system_data()}


OTHER_TYPES: tuple[TypeSpec, ...] = (
    child_of_group(
        IDENTITY,
        "Microsoft.ManagedIdentity/userAssignedIdentities",
        "resourceName",
        outputs=_identity_outputs,
    ),
    child_of_group(
        "azure-native:managedidentity:FederatedIdentityCredential",
        "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials",
        "federatedIdentityCredentialResourceName",
        inside=(("resourceName", IDENTITY),),
        outputs=_provisioned,
        located=False,
    ),
    child_of_group(
        VAULT,
        "Microsoft.KeyVault/vaults",
        "vaultName",
        outputs=_vault_outputs,
    ),
    child_of_group(
        "azure-native:keyvault:Key",
        "Microsoft.KeyVault/vaults/keys",
        "keyName",
        inside=(("vaultName", VAULT),),
        outputs=_key_outputs,
        located=False,
    ),
    child_of_group(
        ACCOUNT,
        "Microsoft.Storage/storageAccounts",
        "accountName",
        outputs=_storage_outputs,
        parents=(("identity.userAssignedIdentities[]", IDENTITY),),
    ),
    child_of_group(
        "azure-native:storage:BlobServiceProperties",
        "Microsoft.Storage/storageAccounts/blobServices",
        "blobServicesName",
        inside=(("accountName", ACCOUNT),),
        located=False,
        rules=(_blob_shape,),
    ),
    child_of_group(
        "azure-native:storage:BlobContainer",
        "Microsoft.Storage/storageAccounts/containers",
        "containerName",
        inside=(("accountName", ACCOUNT),),
        outputs=lambda _call, _id: {"leaseState": "Available", "leaseStatus": "Unlocked"},
        located=False,
        rules=(_blob_shape,),
    ),
    child_of_group(
        WORKSPACE,
        "Microsoft.OperationalInsights/workspaces",
        "workspaceName",
        outputs=lambda _call, id_: {
            "customerId": derived(id_, "customer"),
            "provisioningState": "Succeeded",
            "createdDate": system_data()["createdAt"],
        },
    ),
    TypeSpec(
        type_name="azure-native:authorization:RoleAssignment",
        make=lambda call: Made(id=_assignment_id(call)),
        key=lambda call: _assignment_id(call).lower(),
        outputs=lambda call, id_: {
            "name": call.text("roleAssignmentName"),
            "type": "Microsoft.Authorization/roleAssignments",
            "systemData": system_data(),
            "createdBy": derived(id_, "creator"),
        },
        rules=(_any_scope("scope"),),
    ),
    TypeSpec(
        type_name=LOCK,
        make=lambda call: Made(id=_lock_id(call)),
        key=lambda call: _lock_id(call).lower(),
        outputs=lambda call, _id: {
            "name": call.text("lockName"),
            "type": "Microsoft.Authorization/locks",
            "systemData": system_data(),
        },
        rules=(_any_scope("scope"),),
    ),
    TypeSpec(
        type_name="azure-native:monitor:DiagnosticSetting",
        make=lambda call: Made(id=_diagnostic_id(call)),
        key=lambda call: _diagnostic_id(call).lower(),
        outputs=lambda call, _id: {
            "name": call.text("name"),
            "type": "Microsoft.Insights/diagnosticSettings",
            "systemData": system_data(),
        },
        parents=(("workspaceId", WORKSPACE), ("storageAccountId", ACCOUNT)),
        rules=(_any_scope("resourceUri"),),
    ),
)
