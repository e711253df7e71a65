"""Azure identities, keys, storage, roles, locks and logs as ARM enforces them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.rules.azure.arm import in_group
from components.rules.checks import (
    between,
    matches,
    objects,
    shape,
    strings,
)
from components.rules.model import Inputs, Problem, TypeRules

if TYPE_CHECKING:
    from collections.abc import Iterator

_SIGNS, _CURVES = frozenset({"sign", "verify"}), ("P-256", "P-256K", "P-384", "P-521")
_GUID = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"


def _vault_shape(call: Inputs) -> Iterator[Problem]:
    if call.known("properties.enablePurgeProtection") is False:
        yield Problem(
            "properties.enablePurgeProtection", "cannot be set to false: leave it out, or set it to true for ever"
        )
    days = call.known("properties.softDeleteRetentionInDays")
    if isinstance(days, int) and not 7 <= days <= 90:
        yield Problem("properties.softDeleteRetentionInDays", f"{days} lies outside 7 to 90")
    if "--" in call.text("vaultName"):
        yield Problem("vaultName", "must not hold two dashes in a row")


def _signing(call: Inputs) -> Iterator[Problem]:
    """A key on a curve signs and does nothing else."""
    kind, curve = call.known("properties.kty"), call.known("properties.curveName")
    allowed = call.known("properties.keyOps")
    if kind in {"EC", "EC-HSM"}:
        if curve is not None and curve not in _CURVES:
            yield Problem("properties.curveName", f"{curve!r} is none of {', '.join(_CURVES)}")
        extra = sorted(set(strings(allowed)) - _SIGNS)
        if extra:
            yield Problem("properties.keyOps", f"{', '.join(extra)}: a key on a curve takes sign and verify")
    elif curve is not None:
        yield Problem("properties.curveName", f"a key of kind {kind} has no curve")


def _storage_shape(call: Inputs) -> Iterator[Problem]:
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


def _diagnostic_shape(call: Inputs) -> Iterator[Problem]:
    targets = ("workspaceId", "storageAccountId", "eventHubAuthorizationRuleId", "marketplacePartnerId")
    if all(call.get(name) is None for name in targets):
        yield Problem("workspaceId", f"one of {', '.join(targets)} is required by the API")
    if not objects(call.known("logs")) and not objects(call.known("metrics")):
        yield Problem("logs", "at least one log or metric category is required by the API")


TYPES: tuple[TypeRules, ...] = (
    in_group(
        "azure-native:managedidentity:UserAssignedIdentity",
        "resourceName",
        rules=(matches("resourceName", r"[a-zA-Z0-9][\w-]{2,127}", "3 to 128 letters, digits, - and _"),),
    ),
    in_group(
        "azure-native:managedidentity:FederatedIdentityCredential",
        "federatedIdentityCredentialResourceName",
        inside=("resourceName",),
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
    in_group(
        "azure-native:keyvault:Vault",
        "vaultName",
        rules=(
            shape(_vault_shape),
            matches("vaultName", r"[a-zA-Z](?=.{2,23}$)[a-zA-Z0-9-]*[a-zA-Z0-9]", "3 to 24 letters, digits and -"),
            matches("properties.tenantId", _GUID, "a tenant's GUID"),
        ),
    ),
    in_group(
        "azure-native:keyvault:Key",
        "keyName",
        inside=("vaultName",),
        immutable=frozenset({"properties.kty", "properties.keySize", "properties.curveName"}),
        located=False,
        rules=(
            shape(_signing),
            matches("keyName", r"[a-zA-Z0-9-]{1,127}", "1 to 127 letters, digits and -"),
        ),
    ),
    in_group(
        "azure-native:storage:StorageAccount",
        "accountName",
        immutable=frozenset({"isHnsEnabled", "enableNfsV3", "encryption.requireInfrastructureEncryption", "kind"}),
        rules=(
            shape(_storage_shape),
            matches("accountName", r"[a-z0-9]{3,24}", "3 to 24 lower-case letters and digits"),
        ),
    ),
    in_group(
        "azure-native:storage:BlobServiceProperties",
        "blobServicesName",
        inside=("accountName",),
        located=False,
        rules=(
            between("deleteRetentionPolicy.days", 1, 365),
            between("containerDeleteRetentionPolicy.days", 1, 365),
        ),
    ),
    in_group(
        "azure-native:storage:BlobContainer",
        "containerName",
        inside=("accountName",),
        located=False,
        rules=(
            matches(
                "containerName",
                r"(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]",
                "3 to 63 lower-case letters, digits and single -",
            ),
        ),
    ),
    in_group(
        "azure-native:operationalinsights:Workspace",
        "workspaceName",
        rules=(
            between("retentionInDays", 7, 730),
            matches("workspaceName", r"[a-zA-Z0-9][a-zA-Z0-9-]{2,61}[a-zA-Z0-9]", "4 to 63 letters, digits and -"),
        ),
    ),
    TypeRules(
        type_name="azure-native:authorization:RoleAssignment",
        name="roleAssignmentName",
        immutable=frozenset({"principalId", "roleDefinitionId", "scope", "principalType"}),
        rules=(
            matches("roleAssignmentName", _GUID, "a GUID"),
            matches("principalId", _GUID, "a principal's GUID"),
            matches(
                "roleDefinitionId",
                rf"(/subscriptions/[^/]+)?/providers/Microsoft\.Authorization/roleDefinitions/{_GUID}",
                "a role definition's full id",
            ),
        ),
    ),
    TypeRules(
        type_name="azure-native:authorization:ManagementLockByScope",
        name="lockName",
        immutable=frozenset({"scope"}),
        rules=(matches("lockName", r"[\w.-]{1,90}", "1 to 90 letters, digits, _ . and -"),),
    ),
    TypeRules(
        type_name="azure-native:monitor:DiagnosticSetting",
        name="name",
        immutable=frozenset({"resourceUri"}),
        rules=(shape(_diagnostic_shape),),
    ),
)
