"""Azure identities, keys, storage, roles, locks and logs as ARM enforces them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.rules.azure.arm import in_group
from components.rules.checks import (
    between,
    matches,
    objects,
    shape,
)
from components.rules.model import Inputs, Problem, TypeRules

if TYPE_CHECKING:
    from collections.abc import Iterator

_SIGNS, _CURVES = frozenset({"sign", "verify"}), ("P-256", "P-256K", "P-384", "P-521")
_FILE_SKUS = ("Premium", "StandardV2")
_GUID = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"


def _purged(call: Inputs) -> Iterator[Problem]:
    if call.known("properties.enablePurgeProtection") is False:
        yield Problem(
            "properties.enablePurgeProtection", "cannot be set to false: leave it out, or set it to true for ever"
        )


def _kept(call: Inputs) -> Iterator[Problem]:
    days = call.known("properties.softDeleteRetentionInDays")
    if isinstance(days, int) and not 7 <= days <= 90:
        yield Problem("properties.softDeleteRetentionInDays", f"{days} lies outside 7 to 90")


def _dashes(call: Inputs) -> Iterator[Problem]:
    if "--" in call.text("vaultName"):
        yield Problem("vaultName", "must not hold two dashes in a row")


_ON_A_CURVE = ("EC", "EC-HSM")


def _curve(call: Inputs) -> Iterator[Problem]:
    kind, curve = call.known("properties.kty"), call.get("properties.curveName")
    if kind in _ON_A_CURVE:
        if call.known("properties.curveName") is not None and curve not in _CURVES:
            yield Problem("properties.curveName", f"{curve!r} is none of {', '.join(_CURVES)}")
    elif curve is not None:
        yield Problem("properties.curveName", f"a key of kind {kind} has no curve")


def _signing(call: Inputs) -> Iterator[Problem]:
    """A key on a curve signs and does nothing else."""
    if call.known("properties.kty") in _ON_A_CURVE:
        extra = sorted({text for _path, text in call.texts("properties.keyOps")} - _SIGNS)
        if extra:
            yield Problem("properties.keyOps", f"{', '.join(extra)}: a key on a curve takes sign and verify")


def _own_key(call: Inputs) -> Iterator[Problem]:
    if call.known("encryption.keySource") == "Microsoft.Keyvault":
        if call.get("encryption.keyVaultProperties.keyName") is None:
            yield Problem("encryption.keyVaultProperties.keyName", "is required by the API with a key of your own")
        if call.get("identity") is None:
            yield Problem("identity", "is required by the API with a key of your own: the account reads the key by it")


def _file_sku(call: Inputs) -> Iterator[Problem]:
    sku = call.text("sku.name")
    if call.text("kind") == "FileStorage" and sku and not sku.startswith(_FILE_SKUS):
        yield Problem("sku.name", f"{sku} is not for an account of kind FileStorage: it is premium, or StandardV2")


def _diagnostic_shape(call: Inputs) -> Iterator[Problem]:
    targets = ("workspaceId", "storageAccountId", "eventHubAuthorizationRuleId", "marketplacePartnerId")
    if all(call.get(name) is None for name in targets):
        yield Problem("workspaceId", f"one of {', '.join(targets)} is required by the API")


def _some_logs(call: Inputs) -> Iterator[Problem]:
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
            shape(
                *(_purged, _kept, _dashes),
                name="vault shape",
                fix="keep 7 to 90 days, leave purge protection on, and single dashes in the name",
            ),
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
            shape(_signing, _curve, fix=f"on a curve of {', '.join(_CURVES)} take sign and verify; elsewhere no curve"),
            matches("keyName", r"[a-zA-Z0-9-]{1,127}", "1 to 127 letters, digits and -"),
        ),
    ),
    in_group(
        "azure-native:storage:StorageAccount",
        "accountName",
        immutable=frozenset({"isHnsEnabled", "enableNfsV3", "encryption.requireInfrastructureEncryption", "kind"}),
        rules=(
            shape(
                *(_own_key, _file_sku),
                name="storage shape",
                fix="name the key and the identity that reads it; file shares take a premium or StandardV2 SKU",
            ),
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
                rf"(?i)(/subscriptions/[^/]+)?/providers/Microsoft\.Authorization/roleDefinitions/{_GUID}",
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
        rules=(shape(_diagnostic_shape, _some_logs, fix="name where it goes, and one category at least"),),
    ),
)
