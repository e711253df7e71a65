"""Azure identities, keys, storage, roles, locks and logs as ARM enforces them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rehearsal.providers import signing
from rehearsal.providers.azure_arm import TENANT, child_of_group, location_of, resolve, system_data
from rehearsal.providers.azure_cluster import IDENTITY, VAULT, identity_output
from rehearsal.providers.model import Call, Made, TypeSpec
from rehearsal.providers.rules import between, derived, matches, objects
from rehearsal.providers.sdktypes import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

ACCOUNT, WORKSPACE = "azure-native:storage:StorageAccount", "azure-native:operationalinsights:Workspace"
LOCK = "azure-native:authorization:ManagementLockByScope"
_GUID = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"


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


def _vault_shape(call: Call) -> Iterator[Problem]:
    if call.known("properties.enablePurgeProtection") is False:
        yield Problem(
            "properties.enablePurgeProtection", "cannot be set to false: leave it out, or set it to true for ever"
        )
    days = call.known("properties.softDeleteRetentionInDays")
    if isinstance(days, int) and not 7 <= days <= 90:
        yield Problem("properties.softDeleteRetentionInDays", f"{days} lies outside 7 to 90")
    if "--" in call.text("vaultName"):
        yield Problem("vaultName", "must not hold two dashes in a row")


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


def _storage_shape(call: Call) -> Iterator[Problem]:
    if call.known("encryption.keySource") == "Microsoft.Keyvault":
        if call.get("encryption.keyVaultProperties.keyName") is None:
            yield Problem("encryption.keyVaultProperties.keyName", "is required by the API with a key of your own")
        if call.get("identity") is None:
            yield Problem("identity", "is required by the API with a key of your own: the account reads the key by it")
    kind, sku = call.text("kind"), call.text("sku.name")
    if sku and (kind == "FileStorage") and not sku.startswith("Premium"):
        yield Problem("sku.name", f"{sku} is not for an account of kind FileStorage, which is always premium")
    nfs = call.known("enableNfsV3") is True or kind == "FileStorage"
    if call.known("enableHttpsTrafficOnly") is False and not nfs:
        yield Problem("enableHttpsTrafficOnly", "only an NFS account may do without")


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


def _diagnostic_shape(call: Call) -> Iterator[Problem]:
    targets = ("workspaceId", "storageAccountId", "eventHubAuthorizationRuleId", "marketplacePartnerId")
    if all(call.get(name) is None for name in targets):
        yield Problem("workspaceId", f"one of {', '.join(targets)} is required by the API")
    if not objects(call.known("logs")) and not objects(call.known("metrics")):
        yield Problem("logs", "at least one log or metric category is required by the API")


def _provisioned(_call: Call, _id: str) -> dict[str, Any]:
    return {"systemData": system_data()}


OTHER_TYPES: tuple[TypeSpec, ...] = (
    child_of_group(
        IDENTITY,
        "Microsoft.ManagedIdentity/userAssignedIdentities",
        "resourceName",
        outputs=_identity_outputs,
        rules=(matches("resourceName", r"[a-zA-Z0-9][\w-]{2,127}", "3 to 128 letters, digits, - and _"),),
    ),
    child_of_group(
        "azure-native:managedidentity:FederatedIdentityCredential",
        "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials",
        "federatedIdentityCredentialResourceName",
        inside=(("resourceName", IDENTITY),),
        outputs=_provisioned,
        located=False,
        rules=(
            matches(
                "federatedIdentityCredentialResourceName",
                r"[a-zA-Z0-9][\w-]{2,119}",
                "3 to 120 letters, digits, - and _",
            ),
            matches("issuer", r"https://.+", "an issuer's https URL"),
        ),
    ),
    child_of_group(
        VAULT,
        "Microsoft.KeyVault/vaults",
        "vaultName",
        outputs=_vault_outputs,
        rules=(
            _vault_shape,
            matches("vaultName", r"[a-zA-Z](?=.{2,23}$)[a-zA-Z0-9-]*[a-zA-Z0-9]", "3 to 24 letters, digits and -"),
            matches("properties.tenantId", _GUID, "a tenant's GUID"),
        ),
    ),
    child_of_group(
        "azure-native:keyvault:Key",
        "Microsoft.KeyVault/vaults/keys",
        "keyName",
        inside=(("vaultName", VAULT),),
        outputs=_key_outputs,
        immutable=frozenset({"properties.kty", "properties.keySize", "properties.curveName"}),
        located=False,
        rules=(
            signing.azure,
            matches("keyName", r"[a-zA-Z0-9-]{1,127}", "1 to 127 letters, digits and -"),
        ),
    ),
    child_of_group(
        ACCOUNT,
        "Microsoft.Storage/storageAccounts",
        "accountName",
        outputs=_storage_outputs,
        immutable=frozenset({"isHnsEnabled", "enableNfsV3", "encryption.requireInfrastructureEncryption", "kind"}),
        parents=(("identity.userAssignedIdentities[]", IDENTITY),),
        rules=(_storage_shape, matches("accountName", r"[a-z0-9]{3,24}", "3 to 24 lower-case letters and digits")),
    ),
    child_of_group(
        "azure-native:storage:BlobServiceProperties",
        "Microsoft.Storage/storageAccounts/blobServices",
        "blobServicesName",
        inside=(("accountName", ACCOUNT),),
        located=False,
        rules=(
            _blob_shape,
            between("deleteRetentionPolicy.days", 1, 365),
            between("containerDeleteRetentionPolicy.days", 1, 365),
        ),
    ),
    child_of_group(
        "azure-native:storage:BlobContainer",
        "Microsoft.Storage/storageAccounts/containers",
        "containerName",
        inside=(("accountName", ACCOUNT),),
        outputs=lambda _call, _id: {"leaseState": "Available", "leaseStatus": "Unlocked"},
        located=False,
        rules=(
            _blob_shape,
            matches(
                "containerName",
                r"(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]",
                "3 to 63 lower-case letters, digits and single -",
            ),
        ),
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
        rules=(
            between("retentionInDays", 7, 730),
            matches("workspaceName", r"[a-zA-Z0-9][a-zA-Z0-9-]{2,61}[a-zA-Z0-9]", "4 to 63 letters, digits and -"),
        ),
    ),
    TypeSpec(
        type_name="azure-native:authorization:RoleAssignment",
        name="roleAssignmentName",
        make=lambda call: Made(id=_assignment_id(call)),
        key=lambda call: _assignment_id(call).lower(),
        outputs=lambda call, id_: {
            "name": call.text("roleAssignmentName"),
            "type": "Microsoft.Authorization/roleAssignments",
            "systemData": system_data(),
            "createdBy": derived(id_, "creator"),
        },
        immutable=frozenset({"principalId", "roleDefinitionId", "scope", "principalType"}),
        rules=(
            _any_scope("scope"),
            matches("roleAssignmentName", _GUID, "a GUID"),
            matches("principalId", _GUID, "a principal's GUID"),
            matches(
                "roleDefinitionId",
                rf"(/subscriptions/[^/]+)?/providers/Microsoft\.Authorization/roleDefinitions/{_GUID}",
                "a role definition's full id",
            ),
        ),
    ),
    TypeSpec(
        type_name=LOCK,
        name="lockName",
        make=lambda call: Made(id=_lock_id(call)),
        key=lambda call: _lock_id(call).lower(),
        outputs=lambda call, _id: {
            "name": call.text("lockName"),
            "type": "Microsoft.Authorization/locks",
            "systemData": system_data(),
        },
        immutable=frozenset({"scope"}),
        rules=(_any_scope("scope"), matches("lockName", r"[\w.-]{1,90}", "1 to 90 letters, digits, _ . and -")),
    ),
    TypeSpec(
        type_name="azure-native:monitor:DiagnosticSetting",
        name="name",
        make=lambda call: Made(id=_diagnostic_id(call)),
        key=lambda call: _diagnostic_id(call).lower(),
        outputs=lambda call, _id: {
            "name": call.text("name"),
            "type": "Microsoft.Insights/diagnosticSettings",
            "systemData": system_data(),
        },
        immutable=frozenset({"resourceUri"}),
        parents=(("workspaceId", WORKSPACE), ("storageAccountId", ACCOUNT)),
        rules=(_any_scope("resourceUri"), _diagnostic_shape),
    ),
)
