"""Rules about where things lie (RES).

A place is looked for in the whole tree of inputs: under a closed list of keys, in resource names as GCP writes them,
and in ARNs as Alibaba Cloud writes them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from components.clouds.regions import WORLD_OF
from components.policy import place_keys
from components.policy.access import KEYED
from components.policy.model import ACCEPTED, UNKNOWN, Check, Subject, Violation, at, cloud_of, violation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# Azure numbers the zones of a region; a number says nothing about the region.
_ZONE_NUMBERS = frozenset({"1", "2", "3"})
_ZONE_KEY = re.compile(r"[zZ]ones?$")
# Types whose place the cloud or the provider would choose when it is left out: the key that must be there.
_NEEDED = {
    "pulumi:providers:alicloud": "region",
    "pulumi:providers:gcp": "region",
    "pulumi:providers:azure-native": "location",
    "alicloud:actiontrail/trail:Trail": "trailRegion",
    "alicloud:nas/fileSystem:FileSystem": "zoneId",
    "alicloud:rds/instance:Instance": "zoneId",
    "alicloud:redis/tairInstance:TairInstance": "zoneId",
    "alicloud:vpc/switch:Switch": "zoneId",
    "gcp:artifactregistry/repository:Repository": "location",
    # Left out, it is the multi-region US.
    "gcp:bigquery/dataset:Dataset": "location",
    "gcp:vertex/aiEndpoint:AiEndpoint": "location",
    "gcp:compute/router:Router": "region",
    "gcp:compute/routerNat:RouterNat": "region",
    "gcp:compute/subnetwork:Subnetwork": "region",
    "gcp:container/cluster:Cluster": "location",
    "gcp:container/nodePool:NodePool": "location",
    "gcp:filestore/instance:Instance": "location",
    "gcp:kms/keyRing:KeyRing": "location",
    "gcp:logging/projectBucketConfig:ProjectBucketConfig": "location",
    "gcp:memorystore/instance:Instance": "location",
    "gcp:networkconnectivity/serviceConnectionPolicy:ServiceConnectionPolicy": "location",
    "gcp:secretmanager/regionalSecret:RegionalSecret": "location",
    "gcp:sql/databaseInstance:DatabaseInstance": "region",
    "gcp:storage/bucket:Bucket": "location",
    "azure-native:cognitiveservices:Account": "location",
    "azure-native:containerregistry:Registry": "location",
    "azure-native:containerservice:ManagedCluster": "location",
    "azure-native:dbforpostgresql:Server": "location",
    "azure-native:keyvault:Vault": "location",
    "azure-native:managedidentity:UserAssignedIdentity": "location",
    "azure-native:alertsmanagement:PrometheusRuleGroup": "location",
    "azure-native:monitor:ActionGroup": "location",
    "azure-native:monitor:AzureMonitorWorkspace": "location",
    "azure-native:monitor:DataCollectionEndpoint": "location",
    "azure-native:monitor:DataCollectionRule": "location",
    "azure-native:network:NatGateway": "location",
    "azure-native:network:NetworkSecurityGroup": "location",
    "azure-native:network:PrivateEndpoint": "location",
    "azure-native:network:PublicIPAddress": "location",
    "azure-native:network:VirtualNetwork": "location",
    "azure-native:operationalinsights:Workspace": "location",
    "azure-native:redisenterprise:RedisEnterprise": "location",
    "azure-native:resources:ResourceGroup": "location",
    "azure-native:storage:StorageAccount": "location",
}
# What says by its name where data are sent: without a known origin nobody can say where.
_SINKS = tuple(
    f"gcp:logging/{name[0].lower()}{name[1:]}:{name}"
    for name in ("ProjectSink", "FolderSink", "OrganizationSink", "BillingAccountSink")
)
_SENT_TO = {"alicloud:actiontrail/trail:Trail": "slsProjectArn", **dict.fromkeys(_SINKS, "destination")}
# Names, lists and conditions, not places: a DNS zone, a private one and its like are visible in one network, an alert's
# condition. Azure files them under "Global".
_PLACELESS = frozenset(
    {
        "azure-native:dns:Zone",
        # It watches the subscription's log, which no region has.
        "azure-native:monitor:ActivityLogAlert",
        "azure-native:monitor:MetricAlert",
        "azure-native:monitor:PrivateLinkScope",
        "azure-native:privatedns:PrivateZone",
        "azure-native:privatedns:VirtualNetworkLink",
    }
)
# Modules and types that join networks. Cells are never joined, across the border least of all.
_LINKS = (
    *("alicloud:cen/", "alicloud:expressconnect/", "alicloud:ga/", "alicloud:vpc/peerConnection", "alicloud:vpn/"),
    *("azure-native:network:VirtualNetworkGateway", "azure-native:network:VirtualNetworkPeering"),
    *("azure-native:network:VirtualHub", "gcp:compute/networkPeering", "gcp:compute/vPN", "gcp:compute/vpn"),
    *("gcp:compute/haVpn", "gcp:compute/interconnect"),
)
_GCP_ZONE = re.compile(r"^(?P<region>[a-z]+-[a-z]+\d+)-[a-z]$")
_ALI_ZONE = re.compile(r"^(?P<region>[a-z0-9-]+?)(?:-[a-z]|(?<=\d)[a-z])$")
# How a policy of an organisation names a region with its zones.
_GCP_GROUP = re.compile(r"in:(?P<place>.+)-locations")
# Pools of identities are filed under "global" and are no place: who somebody is.
_GCP_PATH = re.compile(
    r"(?:^|/)(?:locations|regions|zones)/(?!global/(?:workloadIdentity|workforce)Pools/)(?P<place>[^/\s]+)"
)
_ALI_DOMAIN = re.compile(r"(?i)\.aliyuncs\.com")
_NOT_OF_HOST = re.compile(r"[^A-Za-z0-9_.-]")
_LONGEST_HOST = 253
_ALI_REGION = re.compile(
    "|".join(
        rf"(?<![a-z0-9]){re.escape(name)}(?![a-z0-9])" for name in sorted(WORLD_OF["alicloud"], key=len, reverse=True)
    )
)
_ALI_LINK = re.compile(r"\bcom\.aliyuncs\.privatelink\.(?P<place>[a-z0-9-]+)")
_ALI_ARN = re.compile(r"\bacs:[a-z0-9-]+:(?P<place>[a-z0-9-]+):")
# What every text has that one of the patterns above can match: most have none, and to ask for that costs a tenth.
_MARKS = {"gcp": re.compile("/"), "alicloud": re.compile(r"\.|acs:")}


def _everywhere(subject: Subject) -> Iterator[Violation]:
    """RES-001, RES-002, RES-004: every place that is named, wherever it stands."""
    cloud = cloud_of(subject.type)
    if cloud is None:
        return
    marks = _MARKS.get(cloud)
    other = place_keys.exceptions(subject.type)
    for path, key, value in leaves(subject):
        if key not in other and place_keys.holds_place(path, key):
            if not _is_filed_as_global(subject.type, path, value):
                yield from _place(subject, cloud, path, key, value)
        elif marks is not None and isinstance(value, str) and marks.search(value):
            yield from _named_inside(subject, cloud, path, value)


def _is_filed_as_global(kind: str, path: str, value: Any) -> bool:
    return kind in _PLACELESS and path == "location" and isinstance(value, str) and value.lower() == "global"


def states_place(subject: Subject) -> bool:
    """Whether a resource says by itself where it lies."""
    return any(
        key in place_keys.OWN and value not in (None, "") and place_keys.holds_place(path, key)
        for path, key, value in leaves(subject)
    )


def leaves(subject: Subject) -> list[tuple[str, str, Any]]:
    """Every leaf of the inputs, found once for all checks."""
    if "leaves" not in subject.memo:
        subject.memo["leaves"] = walk(subject.inputs)
    return subject.memo["leaves"]


def walk(value: Any, path: str = "") -> list[tuple[str, str, Any]]:
    """Every leaf as (path, nearest key, value); a list's items carry the key of the list."""
    found: list[tuple[str, str, Any]] = []
    _gather(value, path, "", found)
    return found


def _gather(value: Any, path: str, key: str, found: list[tuple[str, str, Any]]) -> None:
    # Nearly all are texts, and asking any value for a name that it lacks is dear.
    if isinstance(value, str):
        found.append((path, key, value))
    elif hasattr(value, "items"):
        for name, item in value.items():
            _gather(item, f"{path}.{name}" if path else str(name), str(name), found)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            _gather(item, f"{path}[{index}]", key, found)
    else:
        found.append((path, key, value))


def region_of(cloud: str, value: str) -> str:
    """The region that a place names: itself, or the region of a zone."""
    if cloud == "azure":
        return value.lower().replace(" ", "")
    text = value.lower() if cloud == "gcp" else value.removeprefix("oss-")
    if text in WORLD_OF[cloud]:
        return text
    match = (_GCP_ZONE if cloud == "gcp" else _ALI_ZONE).match(text)
    return match["region"] if match else text


_PROVIDER_SHOWN = {"none": "absent", "unseen": "not in the graph"}


def _needed(subject: Subject) -> Iterator[Violation]:
    if subject.provider != "placed" and not subject.type.startswith("pulumi:providers:"):
        reason = "no provider was named, so the engine would make one that takes its region from its surroundings."
        if subject.provider == "unseen":
            reason = "the provider that it names is not in this graph, so nobody can say which region it has."
        yield violation(subject, "RES-003", "provider", _PROVIDER_SHOWN[subject.provider], reason)
    key = _NEEDED.get(subject.type)
    # What a default provider leaves open is asked of each resource under it.
    implicit = subject.type.startswith("pulumi:providers:") and subject.name.startswith("default")
    if key is not None and not implicit and subject.inputs.get(key) in (None, ""):
        yield violation(subject, "RES-003", key, "absent", "the cloud would choose a place by itself.")


def _place(subject: Subject, cloud: str, path: str, key: str, value: Any) -> Iterator[Violation]:
    if value is ACCEPTED or value is None or value == "":
        return
    if value is UNKNOWN or not isinstance(value, str):
        yield violation(subject, "RES-004", path, value, "the place cannot be traced to a judged resource.")
        return
    if cloud == "azure" and value in _ZONE_NUMBERS and _ZONE_KEY.search(key):
        return
    # Google writes a region or a zone also as the address of its page.
    yield from known_place(subject, cloud, path, value.rsplit("/", 1)[-1] if cloud == "gcp" else value)


def known_place(subject: Subject, cloud: str, path: str, value: Any) -> Iterator[Violation]:
    """RES-001 and RES-002 of one place."""
    if not isinstance(value, str):
        yield violation(subject, "RES-004", path, value, "the place cannot be traced to a judged resource.")
        return
    region = region_of(cloud, value)
    world = WORLD_OF[cloud].get(region)
    if world is None:
        reason = (
            "the tables do not know this as one single region; a multi-region is several, and so is a global place."
        )
        yield violation(subject, "RES-002", path, value, reason)
    elif world != subject.world:
        yield violation(subject, "RES-001", path, value, f"it lies in world {world}, the cell in {subject.world}.")
    elif region not in subject.allowed:
        reason = f"it is not in the allow-list of world {subject.world}."
        yield violation(subject, "RES-001", path, value, reason)


def _named_inside(subject: Subject, cloud: str, path: str, value: str) -> Iterator[Violation]:
    """Ids that hold a place: a key, a cluster or a repository of another region."""
    pattern = {"gcp": _GCP_PATH, "alicloud": _ALI_ARN}.get(cloud)
    for match in pattern.finditer(value) if pattern is not None else ():
        yield from known_place(subject, cloud, path, match["place"])
    for match in _ALI_LINK.finditer(value) if cloud == "alicloud" and ".privatelink." in value else ():
        yield from known_place(subject, cloud, path, match["place"])
    for match in _ALI_DOMAIN.finditer(value) if cloud == "alicloud" else ():
        # What a host can be of what stands before: a text may be long, and hosts are looked for in all of it.
        host = _NOT_OF_HOST.split(value[max(0, match.start() - _LONGEST_HOST) : match.start()])[-1]
        # The last region in a name is the endpoint's; one before it is part of somebody's own name.
        named = _ALI_REGION.findall(host.lower())
        if named:
            yield from known_place(subject, cloud, path, named[-1])


def _links(subject: Subject) -> Iterator[Violation]:
    if subject.type.startswith(_LINKS):
        reason = "it joins this network to another; cells are never joined."
        yield violation(subject, "RES-006", "type", subject.type, reason, allowed="no link")


def _copies(subject: Subject) -> Iterator[Violation]:
    """Replication, acceleration and redundancy that leave the region without naming another one."""
    inputs = subject.inputs
    for path, allowed, reason in _copy_settings(subject.type, inputs):
        yield violation(subject, "RES-005", path, _shown(inputs, path), reason, allowed=allowed)


_OPENING = ("gcp:orgpolicy/policy:Policy", "azure-native:authorization:PolicyAssignment")


def _opened(subject: Subject) -> Iterator[Violation]:
    """What an organisation's policy on places lets in: it holds for others' resources too."""
    cloud = cloud_of(subject.type)
    if cloud is None:
        return
    if subject.type == "gcp:orgpolicy/policy:Policy" and "resourceLocations" in str(subject.inputs.get("name")):
        for path, key, value in walk(subject.inputs):
            group = _GCP_GROUP.fullmatch(value) if isinstance(value, str) else None
            if key == "allowedValues" or "allowAll" in path:
                yield from _place(subject, cloud, path, key, group["place"] if group else str(value))
    if subject.type == "azure-native:authorization:PolicyAssignment":
        for path, key, value in walk(subject.inputs.get("parameters"), "parameters"):
            if "listOfAllowedLocations" in path:
                yield from _place(subject, cloud, path, key, value)


def _shown(inputs: Mapping[str, Any], path: str) -> object:
    return at(inputs, *path.split("."))


def _copy_settings(kind: str, inputs: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    sku = at(inputs, "sku", "name")
    if kind == "alicloud:oss/bucket:Bucket" and at(inputs, "transferAcceleration", "enabled") not in (None, False):
        yield "transferAcceleration.enabled", "false", "acceleration routes through access points outside the region."
    if kind == "alicloud:oss/bucketReplication:BucketReplication":
        yield "destination", "no replication", "replication leaves the bucket's region."
    if kind == "gcp:storage/bucket:Bucket" and inputs.get("customPlacementConfig") is not None:
        yield "customPlacementConfig", "absent", "it places data in two regions."
    if kind == "gcp:secretmanager/secret:Secret":
        yield "replication", "a regional secret", "a global secret is replicated where the cloud likes."
    if kind == "gcp:filestore/instance:Instance" and inputs.get("initialReplication") is not None:
        yield "initialReplication", "absent", "files would be copied to an instance of another region."
    if kind in _SINKS and _placeless_sink(inputs.get("destination")):
        yield "destination", "a log bucket of the cell's region", "where logs would be copied to names no region."
    if kind == "azure-native:storage:StorageAccount" and _geo_redundant(sku):
        yield "sku.name", "Standard_LRS, Standard_ZRS, Premium_LRS, Premium_ZRS", "it copies data to another region."
    yield from _image_settings(kind, inputs)
    yield from _database_settings(kind, inputs)
    yield from _cache_settings(kind, inputs)


# Every type that `_copy_settings` asks for.
_COPYING = (
    "alicloud:cs/registryEnterpriseSyncRule:RegistryEnterpriseSyncRule",
    "alicloud:oss/bucket:Bucket",
    "alicloud:oss/bucketReplication:BucketReplication",
    "alicloud:rds/ddrInstance:DdrInstance",
    "alicloud:rds/rdsInstanceCrossBackupPolicy:RdsInstanceCrossBackupPolicy",
    "alicloud:redis/tairInstance:TairInstance",
    "azure-native:containerregistry:",
    "azure-native:dbforpostgresql:Server",
    "azure-native:redisenterprise:Database",
    "azure-native:storage:StorageAccount",
    "gcp:filestore/instance:Instance",
    *_SINKS,
    "gcp:memorystore/instance:Instance",
    "gcp:secretmanager/secret:Secret",
    "gcp:sql/databaseInstance:DatabaseInstance",
    "gcp:storage/bucket:Bucket",
)


def _placeless_sink(destination: Any) -> bool:
    # A bucket, a dataset, a topic or another project may lie anywhere; a log bucket says where it lies.
    return isinstance(destination, str) and _GCP_PATH.search(destination) is None


def _image_settings(kind: str, inputs: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    if kind == "alicloud:cs/registryEnterpriseSyncRule:RegistryEnterpriseSyncRule":
        yield "targetRegionId", "no synchronisation", "images would be copied to another region."
    if kind == "azure-native:containerregistry:Replication":
        yield "location", "no replication", "images would be copied to another region."
    exported = at(inputs, "policies", "exportPolicy", "status")
    if kind == "azure-native:containerregistry:Registry" and exported != "disabled":
        yield "policies.exportPolicy.status", "disabled", "images could be exported to a registry elsewhere."
    if kind in {"azure-native:containerregistry:ConnectedRegistry", "azure-native:containerregistry:ExportPipeline"}:
        yield "type", "no export", "images would be copied to a place that nobody judges."


def _database_settings(kind: str, inputs: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    place = "settings.backupConfiguration.location"
    if kind == "gcp:sql/databaseInstance:DatabaseInstance" and at(inputs, *place.split(".")) in (None, ""):
        yield place, "the cell's region", "left out, backups go to a multi-region."
    if kind == "alicloud:rds/rdsInstanceCrossBackupPolicy:RdsInstanceCrossBackupPolicy":
        yield "crossBackupRegion", "no copy", "backups would be copied to another region."
    if kind == "alicloud:rds/ddrInstance:DdrInstance":
        yield "type", "no restore from afar", "it is made from the backups of another region."
    if kind == "azure-native:dbforpostgresql:Server" and inputs.get("createMode") in ("GeoRestore", "Replica"):
        yield "createMode", "Create", "its data would come from, or go to, a server that may lie in another region."


def _cache_settings(kind: str, inputs: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    joined = {
        "alicloud:redis/tairInstance:TairInstance": "globalInstanceId",
        "azure-native:redisenterprise:Database": "geoReplication",
        "gcp:memorystore/instance:Instance": "crossInstanceReplicationConfig",
    }
    path = joined.get(kind, "")
    if path and inputs.get(path) is not None:
        yield path, "absent", "its content would be copied to a cache of another region."


def _sent(subject: Subject) -> Iterator[Violation]:
    """RES-004: where logs are sent is known, or comes from what was judged."""
    key = _SENT_TO.get(subject.type)
    if key is not None and subject.inputs.get(key) is UNKNOWN:
        reason = "nobody can say in which region it lies: it comes from no resource that was judged."
        yield violation(subject, "RES-004", key, UNKNOWN, reason, allowed="a place of the same graph, accepted")


def _keys(subject: Subject) -> Iterator[Violation]:
    """RES-004: a key of the customer lies where its resource lies. An id without a region is traced to the key."""
    path = KEYED.get(subject.type)
    value = at(subject.inputs, *path) if path is not None else None
    if path is None or value is None or value is ACCEPTED:
        return
    if isinstance(value, str) and (_GCP_PATH.search(value) or _ALI_ARN.search(value) or path[0] in subject.traced):
        return
    reason = "nobody can say in which region this key lies: it comes from no resource that was judged."
    shown = value if isinstance(value, str) or value is UNKNOWN else repr(type(value).__name__)
    yield violation(subject, "RES-004", ".".join(path), shown, reason, allowed="the key of the same graph, accepted")


def _geo_redundant(sku: Any) -> bool:
    # The SDK's enumerations are strings; what is no string cannot be judged and is refused.
    return sku is not None and (not isinstance(sku, str) or "G" in sku.upper().partition("_")[2])


CHECKS: tuple[Check, ...] = (
    Check(rules=("RES-003",), run=_needed),
    Check(rules=("RES-006",), run=_links, types=_LINKS),
    Check(rules=("RES-001", "RES-002", "RES-004"), run=_everywhere),
    Check(rules=("RES-004",), run=_keys, types=tuple(KEYED)),
    Check(rules=("RES-004",), run=_sent, types=tuple(_SENT_TO)),
    Check(rules=("RES-005",), run=_copies, types=_COPYING),
    Check(rules=("RES-001", "RES-002", "RES-004"), run=_opened, types=_OPENING),
)
