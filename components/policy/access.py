"""Rules about who may reach things (SEC). A setting that is absent counts as the cloud's default, which is never
safe.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from components.policy.model import ACCEPTED, Check, Subject, Violation, at, violation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_OPEN = frozenset({"*", "internet", "any", "0.0.0.0", "::"})
# No range that belongs to anybody is wider than these bits say.
_WIDEST = {4: 8, 6: 16}
_EVERYBODY = ("allUsers", "allAuthenticatedUsers")
# Type -> (rule, path, wanted value, reason).
_MUST: dict[str, tuple[tuple[str, tuple[str, ...], object], ...]] = {
    "alicloud:cs/managedKubernetes:ManagedKubernetes": (
        ("SEC-001", ("slbInternetEnabled",), False),
        ("SEC-004", ("disableEncryption",), False),
    ),
    "gcp:container/cluster:Cluster": (
        ("SEC-001", ("privateClusterConfig", "enablePrivateEndpoint"), True),
        ("SEC-004", ("databaseEncryption", "state"), "ENCRYPTED"),
    ),
    "azure-native:containerservice:ManagedCluster": (
        ("SEC-001", ("apiServerAccessProfile", "enablePrivateCluster"), True),
        ("SEC-001", ("apiServerAccessProfile", "enablePrivateClusterPublicFQDN"), False),
        ("SEC-004", ("securityProfile", "azureKeyVaultKms", "enabled"), True),
    ),
    "alicloud:oss/bucketPublicAccessBlock:BucketPublicAccessBlock": (("SEC-002", ("blockPublicAccess",), True),),
    "alicloud:cs/nodePool:NodePool": (("SEC-004", ("systemDiskEncrypted",), True),),
    "gcp:storage/bucket:Bucket": (
        ("SEC-002", ("publicAccessPrevention",), "enforced"),
        ("SEC-002", ("uniformBucketLevelAccess",), True),
    ),
    "azure-native:storage:StorageAccount": (
        ("SEC-002", ("allowBlobPublicAccess",), False),
        ("SEC-002", ("publicNetworkAccess",), "Disabled"),
    ),
    "alicloud:cms/prometheusInstance:PrometheusInstance": (
        ("SEC-002", ("enableAuthFreeRead",), False),
        ("SEC-002", ("enableAuthFreeWrite",), False),
    ),
    "alicloud:log/store:Store": (("SEC-002", ("enableWebTracking",), False),),
    "alicloud:nas/fileSystem:FileSystem": (("SEC-004", ("encryptType",), 2),),
    "alicloud:nas/mountTarget:MountTarget": (("SEC-002", ("networkType",), "Vpc"),),
    "azure-native:monitor:AzureMonitorWorkspace": (("SEC-002", ("publicNetworkAccess",), "Disabled"),),
    "azure-native:monitor:DataCollectionEndpoint": (("SEC-002", ("networkAcls", "publicNetworkAccess"), "Disabled"),),
    "azure-native:monitor:PrivateLinkScope": (
        ("SEC-002", ("accessModeSettings", "ingestionAccessMode"), "PrivateOnly"),
        ("SEC-002", ("accessModeSettings", "queryAccessMode"), "PrivateOnly"),
    ),
    "azure-native:operationalinsights:Workspace": (
        ("SEC-002", ("publicNetworkAccessForIngestion",), "Disabled"),
        ("SEC-002", ("publicNetworkAccessForQuery",), "Disabled"),
    ),
    "alicloud:cs/registryEnterpriseNamespace:RegistryEnterpriseNamespace": (
        ("SEC-002", ("defaultVisibility",), "PRIVATE"),
    ),
    "alicloud:cs/registryEnterpriseRepo:RegistryEnterpriseRepo": (("SEC-002", ("repoType",), "PRIVATE"),),
    "azure-native:containerregistry:Registry": (
        ("SEC-002", ("adminUserEnabled",), False),
        ("SEC-002", ("anonymousPullEnabled",), False),
        ("SEC-002", ("publicNetworkAccess",), "Disabled"),
    ),
    "alicloud:rds/instance:Instance": (("SEC-007", ("sslAction",), "Open"),),
    "gcp:sql/databaseInstance:DatabaseInstance": (
        ("SEC-002", ("settings", "ipConfiguration", "ipv4Enabled"), False),
        # It would let whoever is authorised run SQL from outside the network.
        ("SEC-002", ("settings", "dataApiAccess"), "DISALLOW_DATA_API"),
        ("SEC-007", ("settings", "ipConfiguration", "sslMode"), "ENCRYPTED_ONLY"),
    ),
    "alicloud:redis/tairInstance:TairInstance": (
        ("SEC-002", ("vpcAuthMode",), "Open"),
        ("SEC-007", ("sslEnabled",), "Enable"),
    ),
    "gcp:memorystore/instance:Instance": (
        ("SEC-002", ("authorizationMode",), "IAM_AUTH"),
        ("SEC-007", ("transitEncryptionMode",), "SERVER_AUTHENTICATION"),
    ),
    "azure-native:redisenterprise:RedisEnterprise": (
        ("SEC-002", ("publicNetworkAccess",), "Disabled"),
        ("SEC-007", ("minimumTlsVersion",), "1.2"),
    ),
    "azure-native:redisenterprise:Database": (
        ("SEC-002", ("accessKeysAuthentication",), "Disabled"),
        ("SEC-007", ("clientProtocol",), "Encrypted"),
    ),
    "azure-native:dbforpostgresql:Server": (("SEC-002", ("network", "publicNetworkAccess"), "Disabled"),),
    "azure-native:cognitiveservices:Account": (
        ("SEC-002", ("properties", "publicNetworkAccess"), "Disabled"),
        ("SEC-002", ("properties", "disableLocalAuth"), True),
    ),
    "gcp:vertex/aiEndpoint:AiEndpoint": (
        ("SEC-002", ("privateServiceConnectConfig", "enablePrivateServiceConnect"), True),
    ),
    "azure-native:keyvault:Vault": (("SEC-002", ("properties", "publicNetworkAccess"), "Disabled"),),
    "azure-native:containerservice:AgentPool": (("SEC-004", ("enableEncryptionAtHost",), True),),
    "alicloud:ecs/eipAssociation:EipAssociation": (("SEC-005", ("instanceType",), "Nat"),),
}
# Type -> path of the customer's key, which must be there.
KEYED: dict[str, tuple[str, ...]] = {
    "alicloud:cs/managedKubernetes:ManagedKubernetes": ("encryptionProviderKey",),
    "gcp:container/cluster:Cluster": ("databaseEncryption", "keyName"),
    "azure-native:containerservice:ManagedCluster": ("securityProfile", "azureKeyVaultKms", "keyId"),
    "azure-native:compute:DiskEncryptionSet": ("activeKey", "keyUrl"),
    "alicloud:oss/bucket:Bucket": ("serverSideEncryptionRule", "kmsMasterKeyId"),
    "gcp:storage/bucket:Bucket": ("encryption", "defaultKmsKeyName"),
    "azure-native:storage:StorageAccount": ("encryption", "keyVaultProperties", "keyName"),
    "alicloud:nas/fileSystem:FileSystem": ("kmsKeyId",),
    "gcp:filestore/instance:Instance": ("kmsKeyName",),
    "azure-native:containerregistry:Registry": ("encryption", "keyVaultProperties", "keyIdentifier"),
    "gcp:artifactregistry/repository:Repository": ("kmsKeyName",),
    "azure-native:cognitiveservices:Account": ("properties", "encryption", "keyVaultProperties", "keyName"),
    "gcp:vertex/aiEndpoint:AiEndpoint": ("encryptionSpec", "kmsKeyName"),
    "gcp:secretmanager/regionalSecret:RegionalSecret": ("customerManagedEncryption", "kmsKeyName"),
    "alicloud:rds/instance:Instance": ("encryptionKey",),
    "gcp:sql/databaseInstance:DatabaseInstance": ("encryptionKeyName",),
    "azure-native:dbforpostgresql:Server": ("dataEncryption", "primaryKeyURI"),
    "gcp:memorystore/instance:Instance": ("kmsKey",),
    "azure-native:redisenterprise:RedisEnterprise": (
        *("encryption", "customerManagedKeyEncryption", "keyEncryptionKeyUrl"),
    ),
}
_REASONS = {
    "SEC-001": "the Kubernetes API must have no public address and no public name.",
    "SEC-002": "it must refuse public access whatever its policies say.",
    "SEC-003": "the whole internet would be let in.",
    "SEC-004": "it must be encrypted with the cell's own key.",
    "SEC-005": "nothing but the way out has a public address.",
    "SEC-006": "only a file share, which speaks no HTTP, may do without TLS.",
    "SEC-007": "a connection that is not encrypted must be refused.",
    "SEC-008": "alerts go to an object of the cloud that knows whom to tell, never to persons named here.",
}


def _must(subject: Subject) -> Iterator[Violation]:
    for rule, path, wanted in _MUST.get(subject.type, ()):
        value = at(subject.inputs, *path)
        if value != wanted or isinstance(value, bool) is not isinstance(wanted, bool):
            yield _found(subject, rule, ".".join(path), value, allowed=_text(wanted))
    keyed = KEYED.get(subject.type)
    if keyed is not None and not at(subject.inputs, *keyed):
        yield _found(subject, "SEC-004", ".".join(keyed), None, allowed="the cell's key")


def _databases(subject: Subject) -> Iterator[Violation]:
    """What a database or a cache lets in, and how."""
    inputs, kind = subject.inputs, subject.type
    if kind == "alicloud:rds/instance:Instance":
        if inputs.get("encryptionKey") in ("ServiceKey", "disabled"):
            yield _found(subject, "SEC-004", "encryptionKey", inputs.get("encryptionKey"), allowed="the cell's key")
        yield from _not_open(subject, "securityIps", inputs.get("securityIps") or [])
        yield from _hosts(subject)
    if kind == "alicloud:redis/tairInstance:TairInstance":
        allowed = inputs.get("securityIps")
        yield from _not_open(subject, "securityIps", allowed.split(",") if isinstance(allowed, str) else [])
    if kind in {"alicloud:rds/connection:Connection", "alicloud:kvstore/connection:Connection"}:
        yield _found(subject, "SEC-005", "type", kind, allowed="the address inside the VPC")
    if kind == "azure-native:dbforpostgresql:FirewallRule":
        yield _found(subject, "SEC-002", "type", kind, allowed="a subnet of its own")
    networks = at(inputs, "settings", "ipConfiguration", "authorizedNetworks")
    if kind == "gcp:sql/databaseInstance:DatabaseInstance" and isinstance(networks, list | tuple):
        for index, one in enumerate(networks):
            path = f"settings.ipConfiguration.authorizedNetworks[{index}].value"
            yield from _not_open(subject, path, [at(one, "value")])
    required = inputs.get("configurationName") == "require_secure_transport"
    if kind == "azure-native:dbforpostgresql:Configuration" and required and inputs.get("value") != "on":
        yield _found(subject, "SEC-007", "value", inputs.get("value"), allowed="on")


def _hosts(subject: Subject) -> Iterator[Violation]:
    """Without rules of its own an instance takes connections with and without TLS."""
    rows = subject.inputs.get("pgHbaConfs")
    if not isinstance(rows, list | tuple) or not rows:
        yield _found(subject, "SEC-007", "pgHbaConfs", None, allowed="rules of type hostssl")
        return
    for index, row in enumerate(rows):
        if at(row, "type") != "hostssl" and at(row, "method") != "reject":
            yield _found(subject, "SEC-007", f"pgHbaConfs[{index}].type", at(row, "type"), allowed="hostssl")
        if at(row, "method") in ("trust", "password"):
            yield _found(subject, "SEC-002", f"pgHbaConfs[{index}].method", at(row, "method"), allowed="md5")
        yield from _not_open(subject, f"pgHbaConfs[{index}].address", [at(row, "address")])


def _public(subject: Subject) -> Iterator[Violation]:
    inputs, kind = subject.inputs, subject.type
    acl = inputs.get("acl")
    if kind in {"alicloud:oss/bucket:Bucket", "alicloud:oss/bucketAcl:BucketAcl"} and acl not in (None, "private"):
        yield _found(subject, "SEC-002", "acl", acl, allowed="private")
    access = inputs.get("publicAccess")
    if kind == "azure-native:storage:BlobContainer" and access not in (None, "None"):
        yield _found(subject, "SEC-002", "publicAccess", access, allowed="None")
    plain = inputs.get("enableHttpsTrafficOnly") is not True and inputs.get("kind") != "FileStorage"
    if kind == "azure-native:storage:StorageAccount" and plain:
        yield _found(subject, "SEC-006", "enableHttpsTrafficOnly", inputs.get("enableHttpsTrafficOnly"), allowed="true")
    yield from _everybody(subject)
    if kind == "alicloud:cr/internetEndpoint:InternetEndpoint":
        yield _found(subject, "SEC-005", "type", kind, allowed="the endpoint inside the VPC")
    outside = at(inputs, "controlPlaneEndpointsConfig", "dnsEndpointConfig", "allowExternalTraffic")
    if kind == "gcp:container/cluster:Cluster" and outside not in (None, False):
        path = "controlPlaneEndpointsConfig.dnsEndpointConfig.allowExternalTraffic"
        yield _found(subject, "SEC-001", path, outside, allowed="false")


def _everybody(subject: Subject) -> Iterator[Violation]:
    """Rights that are given to everybody: one by one, as a list, or as a whole policy."""
    inputs, kind = subject.inputs, subject.type
    if kind.lower().endswith(("iammember", "iambinding")):
        members = inputs.get("members")
        for path, one in (
            ("member", inputs.get("member")),
            *((f"members[{index}]", one) for index, one in enumerate(members if isinstance(members, list) else ())),
        ):
            if one in _EVERYBODY:
                yield _found(subject, "SEC-002", path, one, allowed="a named identity")
    data = inputs.get("policyData")
    if kind.lower().endswith("iampolicy") and isinstance(data, str) and any(f'"{one}"' in data for one in _EVERYBODY):
        yield _found(subject, "SEC-002", "policyData", "everybody", allowed="named identities")
    policy = inputs.get("policy")
    if kind in _BUCKETS and policy not in (None, "", ACCEPTED):
        why = _lets_everybody(policy)
        if why is not None:
            yield _found(subject, "SEC-002", "policy", why, allowed="named identities")


def _lets_everybody(policy: Any) -> str | None:
    """How a bucket's policy lets everybody in; None when it does not. What cannot be read lets everybody in."""
    try:
        document = json.loads(policy) if isinstance(policy, str) else policy
    except ValueError:
        return "not JSON"
    statements = at(document, "Statement")
    if not isinstance(statements, list | tuple):
        return "no statements"
    for one in statements:
        principal = at(one, "Principal")
        named = principal if isinstance(principal, list | tuple) else [principal]
        if at(one, "Effect") != "Deny" and (principal is None or any(_is_anybody(who) for who in named)):
            return "Principal: *"
    return None


def _is_anybody(who: Any) -> bool:
    inner = list(who.values()) if isinstance(who, Mapping) else [who]
    return any("*" in (one if isinstance(one, list | tuple) else [one]) for one in inner)


def _persons(subject: Subject) -> Iterator[Violation]:
    """A budget that writes to people: their addresses would lie in the program and in its state."""
    inputs, path = subject.inputs, "allUpdatesRule.disableDefaultIamRecipients"
    default = at(inputs, "allUpdatesRule", "disableDefaultIamRecipients")
    if subject.type == "gcp:billing/budget:Budget" and default is not True:
        yield _found(subject, "SEC-008", path, default, allowed="true")
    if subject.type == "azure-native:consumption:Budget":
        told_when = inputs.get("notifications")
        for name, told in told_when.items() if isinstance(told_when, Mapping) else ():
            for key in ("contactEmails", "contactRoles"):
                if at(told, key):
                    yield _found(subject, "SEC-008", f"notifications.{name}.{key}", "named", allowed="an action group")


def _open_ingress(subject: Subject) -> Iterator[Violation]:
    inputs = subject.inputs
    lets_in = inputs.get("type") != "egress" and inputs.get("policy") != "drop"
    if subject.type == "alicloud:ecs/securityGroupRule:SecurityGroupRule" and lets_in:
        yield from _not_open(subject, "cidrIp", [inputs.get("cidrIp")])
        yield from _not_open(subject, "ipv6CidrIp", [inputs.get("ipv6CidrIp")])
    if subject.type == "alicloud:nas/accessRule:AccessRule":
        yield from _not_open(subject, "sourceCidrIp", [inputs.get("sourceCidrIp")])
        yield from _not_open(subject, "ipv6SourceCidrIp", [inputs.get("ipv6SourceCidrIp")])
    if subject.type == "gcp:filestore/instance:Instance":
        yield from _exported(subject)
    opens = inputs.get("direction", "INGRESS") == "INGRESS" and inputs.get("allows") is not None
    if subject.type == "gcp:compute/firewall:Firewall" and opens:
        ranges = inputs.get("sourceRanges") or []
        if not ranges and not inputs.get("sourceTags") and not inputs.get("sourceServiceAccounts"):
            yield _found(subject, "SEC-003", "sourceRanges", None, allowed="ranges of the cell")
        yield from _not_open(subject, "sourceRanges", ranges if isinstance(ranges, list | tuple) else [])
    if subject.type == "azure-native:network:NetworkSecurityGroup":
        for index, rule in enumerate(inputs.get("securityRules") or []):
            yield from _inbound(subject, f"securityRules[{index}]", rule)
    if subject.type == "azure-native:network:SecurityRule":
        yield from _inbound(subject, "", inputs)


def _exported(subject: Subject) -> Iterator[Violation]:
    """Without a list of ranges Filestore lets in the whole network, and whatever is joined to it."""
    path = "fileShares.nfsExportOptions"
    options = at(subject.inputs, "fileShares", "nfsExportOptions")
    ranges = [at(option, "ipRanges") for option in options] if isinstance(options, list | tuple) else []
    if not ranges or not all(ranges):
        yield _found(subject, "SEC-003", path, None, allowed="ranges of the cell")
    for index, found in enumerate(ranges):
        yield from _not_open(subject, f"{path}[{index}].ipRanges", found if isinstance(found, list | tuple) else [])


def _inbound(subject: Subject, path: str, rule: Any) -> Iterator[Violation]:
    said = [str(at(rule, key)).lower() for key in ("direction", "access")]
    if said == ["inbound", "allow"]:
        place = f"{path}.sourceAddressPrefix".lstrip(".")
        several = at(rule, "sourceAddressPrefixes")
        yield from _not_open(subject, place, [at(rule, "sourceAddressPrefix"), *(several or [])])


def _not_open(subject: Subject, path: str, values: Iterable[Any]) -> Iterator[Violation]:
    ranges: list[Any] = []
    for value in values:
        if not isinstance(value, str):
            continue
        with contextlib.suppress(ValueError):
            ranges.append(ipaddress.ip_network(value.strip(), strict=False))
        if value.strip().lower() in _OPEN:
            yield _found(subject, "SEC-003", path, value, allowed="a range of the cell")
    for version, bits in _WIDEST.items():
        # Halves of everything are everything.
        for one in ipaddress.collapse_addresses(one for one in ranges if one.version == version):
            if one.prefixlen < bits and not one.is_private:
                yield _found(subject, "SEC-003", path, str(one), allowed="a range of the cell")


def _found(subject: Subject, rule: str, path: str, value: object, *, allowed: str) -> Violation:
    shown = "absent" if value is None else _text(value)
    return violation(subject, rule, path, shown, _REASONS[rule], allowed=allowed)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else value if isinstance(value, str) else repr(value)


_BUCKETS = ("alicloud:oss/bucket:Bucket", "alicloud:oss/bucketPolicy:BucketPolicy")
_LETTING_IN = (
    "alicloud:ecs/securityGroupRule:SecurityGroupRule",
    "alicloud:nas/accessRule:AccessRule",
    "gcp:filestore/instance:Instance",
    "gcp:compute/firewall:Firewall",
    "azure-native:network:NetworkSecurityGroup",
    "azure-native:network:SecurityRule",
)
_DATABASES = (
    "alicloud:rds/instance:Instance",
    "alicloud:redis/tairInstance:TairInstance",
    "alicloud:rds/connection:Connection",
    "alicloud:kvstore/connection:Connection",
    "azure-native:dbforpostgresql:FirewallRule",
    "gcp:sql/databaseInstance:DatabaseInstance",
    "azure-native:dbforpostgresql:Configuration",
)
CHECKS: tuple[Check, ...] = (
    Check(rules=("SEC-001", "SEC-002", "SEC-004", "SEC-005", "SEC-007"), run=_must, types=(*_MUST, *KEYED)),
    Check(rules=("SEC-003",), run=_open_ingress, types=_LETTING_IN),
    Check(rules=("SEC-002", "SEC-001", "SEC-005", "SEC-006"), run=_public),
    Check(rules=("SEC-007", "SEC-002", "SEC-003", "SEC-004", "SEC-005"), run=_databases, types=_DATABASES),
    Check(rules=("SEC-008",), run=_persons, types=("gcp:billing/budget:Budget", "azure-native:consumption:Budget")),
)
