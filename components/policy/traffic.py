"""Rules about what leaves a cloud account by other ways than a place: entries, resolvers, exports, keys, tags."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from components.clouds.hosted import REGIONAL_SKUS
from components.clouds.regions import WORLD_OF
from components.policy import hosts, kube, kube_objects
from components.policy.model import ACCEPTED, REFERENCE, Check, Subject, at, violation
from components.policy.places import leaves, walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from components.policy.model import Violation

# Entries and content networks that are everywhere at once.
_WORLDWIDE = (
    "alicloud:cdn/",
    "alicloud:dcdn/",
    "alicloud:esa/",
    "alicloud:scdn/",
    "alicloud:vod/",
    "azure-native:cdn:",
    "azure-native:frontdoor:",
    "azure-native:network:FrontDoor",
    "gcp:compute/backendBucket:",
    "gcp:compute/globalForwardingRule:",
    "gcp:networkservices/edgeCache",
)
# Answers to names, or routes of requests, that depend on where a client is or on what else is down.
_ROUTERS = (
    "alicloud:alidns/gtmInstance:",
    "alicloud:dns/gtmInstance:",
    "azure-native:network:Profile",
    "azure-native:trafficmanager:",
    "gcp:compute/globalNetworkEndpoint",
    "gcp:networkservices/serviceLbPolicies",
)
_LASTING_KEYS = (
    "alicloud:ram/accessKey:",
    "gcp:serviceaccount/key:",
    "gcp:storage/hmacKey:",
    "azure-native:batch:ApplicationPackage",
)
_BILL_EXPORTS = ("azure-native:costmanagement:Export", "azure-native:costmanagement:ScheduledAction", "alicloud:bss")
_COPIES = (
    "alicloud:ecs/imageCopy:",
    "alicloud:ecs/snapshotCopy:",
    "alicloud:hbr/replicationVault:",
    "alicloud:polardb/globalDatabaseNetwork:",
    "alicloud:rds/ddrInstance:",
    "alicloud:rds/instanceCrossBackupPolicy:",
    "alicloud:rds/rdsInstanceCrossBackupPolicy:",
    "alicloud:dts/",
    "azure-native:eventhub:DisasterRecoveryConfig",
    "azure-native:servicebus:DisasterRecoveryConfig",
    "azure-native:sql:FailoverGroup",
    "azure-native:sql:InstanceFailoverGroup",
    "azure-native:sql:ReplicationLink",
    "azure-native:redis:LinkedServer",
    "azure-native:storage:ObjectReplicationPolicy",
    "gcp:storage/transferJob:",
    "azure-native:recoveryservices:ReplicationPolicy",
)
_TAGS = ("tags", "labels", "resourceLabels", "userLabels")
_RESOLVERS = {
    "alicloud:vpc/dhcpOptionsSet:DhcpOptionsSet": ("domainNameServers",),
    "azure-native:network:VirtualNetwork": ("dhcpOptions", "dnsServers"),
}
_RESOLVING = (
    *("azure-native:dnsresolver:", "azure-native:network:ForwardingRule"),
    *("gcp:dns/policy:", "gcp:dns/managedZone:", "alicloud:pvtz/rule:"),
)
_SHIPPING = (
    "gcp:pubsub/subscription:",
    "alicloud:message/serviceSubscription:",
    "azure-native:eventgrid:EventSubscription",
)
# Services of somebody's that a cloud puts beside its own, and sends what it knows to.
_PARTNERS = tuple(
    f"azure-native:{name}:"
    for name in ("confluent", "datadog", "dynatrace", "elastic", "logz", "newrelic", "nginx", "purestorage", "qumulo")
)
_SCOPES = ("gcp:monitoring/metricsScope:", "gcp:monitoring/monitoredProject:")
_ADDRESS_KEYS = frozenset({"ipv4Address", "ipAddress", "ipv6Address", "ip"})
_REMOTE_WRITE = re.compile(r"(?m)^\s*-?\s*url:\s*[\"']?(?P<url>[^\s\"']+)")
_STACK = re.compile(r"^(?:[^/]+/){0,2}[a-z][a-z0-9-]*\.(?P<cell>[a-z][a-z0-9-]*)\.(?:infra|platform)$")


def references(subject: Subject) -> Iterator[Violation]:
    """RES-011: the outputs of another stack. Which world it is of says its cell or, without a fleet, a region in its
    name.
    """
    if subject.type != REFERENCE:
        return
    name = subject.inputs.get("name") or subject.name
    if not isinstance(name, str):
        yield violation(subject, "RES-011", "name", name, "which stack is read is not known.", allowed="a named stack")
        return
    match = _STACK.match(name)
    world = subject.cells.get(match["cell"]) if match is not None else None
    if world is None:
        world = _world_in(name, subject.world)
    if world is not None and world != subject.world:
        reason = f"that stack is of world {world}; state does not cross the border."
        yield violation(subject, "RES-011", "name", name, reason, allowed=f"stacks of world {subject.world}")


def _world_in(name: str, world: str) -> str | None:
    """The other world, when a stack's name holds one of its regions, or its own name as a word."""
    words = set(re.split(r"[./_]", name.lower()))
    other = {"cn": "row", "row": "cn"}[world]
    regions = {region for names in WORLD_OF.values() for region, of in names.items() if of == other}
    held = words & regions or any(re.search(rf"(?:^|[./_-]){re.escape(r)}(?:$|[./_-])", name.lower()) for r in regions)
    return other if held or other in words else None


def entries(subject: Subject) -> Iterator[Violation]:
    """RES-025 and RES-028: what is everywhere at once, and what chooses between places."""
    if subject.type.startswith(_WORLDWIDE):
        reason = "requests would enter, and answers be kept, wherever the cloud has a point of presence."
        yield violation(subject, "RES-025", "type", subject.type, reason, allowed="a regional entry")
    scope = at(subject.inputs, "loadBalancingScheme")
    if subject.type == "gcp:compute/backendService:BackendService" and scope in (None, "EXTERNAL", "EXTERNAL_MANAGED"):
        reason = "a global load balancer answers anywhere."
        yield violation(subject, "RES-025", "loadBalancingScheme", scope or "absent", reason, allowed="a regional one")


def routers(subject: Subject) -> Iterator[Violation]:
    """RES-028: answers that depend on where a client is."""
    if subject.type.startswith(_ROUTERS):
        reason = "it sends requests to whatever place it prefers."
        yield violation(subject, "RES-028", "type", subject.type, reason, allowed="a name with one answer")
    policy = at(subject.inputs, "routingPolicy")
    if subject.type == "gcp:dns/recordSet:RecordSet" and policy is not None and policy is not ACCEPTED:
        reason = "answers would depend on where the client is, or on what is down."
        yield violation(subject, "RES-028", "routingPolicy", "present", reason, allowed="absent")


def copies(subject: Subject) -> Iterator[Violation]:
    """RES-024: backups and copies that exist to be elsewhere."""
    if subject.type.startswith(_COPIES):
        reason = "it exists to keep data in a second place."
        yield violation(subject, "RES-024", "type", subject.type, reason, allowed="a backup in the same region")
    if subject.type == "alicloud:kvstore/instance:Instance":
        for key in ("globalInstance", "globalInstanceId"):
            value = subject.inputs.get(key)
            if value not in (None, False, "", "false"):
                yield violation(
                    subject, "RES-022", key, value, "the cache would be shared with other regions.", allowed="absent"
                )


def exports(subject: Subject) -> Iterator[Violation]:
    """RES-018: bills with the names of resources."""
    if subject.type.startswith(_BILL_EXPORTS):
        reason = "names, tags and users of resources would be copied to a place that nobody judges."
        yield violation(subject, "RES-018", "type", subject.type, reason, allowed="no export")


def keys(subject: Subject) -> Iterator[Violation]:
    """RES-019: credentials without an end."""
    if subject.type.startswith(_LASTING_KEYS):
        reason = "it opens the account from anywhere until somebody ends it."
        yield violation(subject, "RES-019", "type", subject.type, reason, allowed="workload identity")
    if subject.type.startswith("pulumi:providers:"):
        for key in ("secretKey", "clientSecret", "credentials"):
            value = subject.inputs.get(key)
            if value not in (None, ""):
                reason = "a key that does not expire stands in the program or in the state."
                yield violation(subject, "RES-019", key, "(not shown)", reason, allowed="an identity of the runner")


def _tagged(subject: Subject) -> list[tuple[str, Any]]:
    """What stands under each of the keys of tags, found once for both checks."""
    if "tags" not in subject.memo:
        inputs = subject.inputs
        held = [(key, inputs.get(key)) for key in _TAGS] + [
            ("settings.userLabels", at(inputs.get("settings"), "userLabels"))
        ]
        subject.memo["tags"] = [(key, value) for key, value in held if value is not None]
    return subject.memo["tags"]


def tags(subject: Subject) -> Iterator[Violation]:
    """RES-021 and RES-027: what tags say."""
    for key, held in _tagged(subject):
        for name, value in kube.pairs(held):
            yield from kube_objects.personal_in(subject, f"{key}[{name}]", value, key=name)


def origins(subject: Subject) -> Iterator[Violation]:
    """RES-021: the origin that a store's tags declare."""
    for key, declared in _tagged(subject):
        for name in ("twain-origin", "twain_origin", kube_objects.ORIGIN):
            value = at(declared, name)
            if value is not None and value is not ACCEPTED:
                held = dict(kube.pairs(declared))
                yield from kube_objects.origin_of(subject, f"{key}[{name}]", value, held=held)


def resolvers(subject: Subject) -> Iterator[Violation]:
    """RES-026: whom a network asks for names."""
    path = _RESOLVERS.get(subject.type)
    if path is not None:
        value = at(subject.inputs, *path)
        for one in [value] if isinstance(value, str) else kube.items(value):
            for server in one.split(",") if isinstance(one, str) else [one]:
                yield from kube.sent(subject, "RES-026", ".".join(path), server, pattern=kube.sources(subject))
    if subject.type.startswith(_RESOLVING):
        for place, key, value in walk(subject.inputs):
            if key in _ADDRESS_KEYS and value:
                yield from kube.sent(subject, "RES-026", place, value, pattern=kube.sources(subject))


def models(subject: Subject) -> Iterator[Violation]:
    """RES-032: where a hosted model computes."""
    if subject.type == "azure-native:cognitiveservices:Deployment":
        name = at(subject.inputs, "sku", "name")
        if name is not ACCEPTED and name not in REGIONAL_SKUS:
            reason = "a deployment of this kind computes in whatever region has room."
            yield violation(subject, "RES-032", "sku.name", name or "absent", reason, allowed=", ".join(REGIONAL_SKUS))


def telemetry(subject: Subject) -> Iterator[Violation]:
    """RES-014: managed Prometheus that writes on, and boards."""
    text = subject.inputs.get("remoteWriteYaml")
    if subject.type.startswith("alicloud:arms/remoteWrite:"):
        if isinstance(text, str):
            for found in _REMOTE_WRITE.finditer(text):
                yield from kube.sent(subject, "RES-014", "remoteWriteYaml", found["url"])
        elif text is not ACCEPTED:
            yield from kube.sent(subject, "RES-014", "remoteWriteYaml", text if text is not None else 0)
    if subject.type.startswith(_SCOPES):
        reason = "another project would read this one's metrics."
        yield violation(subject, "RES-014", "type", subject.type, reason, allowed="no shared scope")


def shippers(subject: Subject) -> Iterator[Violation]:
    """RES-017: logs and events pushed to an address."""
    if subject.type.startswith(_SHIPPING):
        for path in (("pushConfig", "pushEndpoint"), ("endpoint",), ("destination", "endpointUrl")):
            yield from kube.sent(subject, "RES-017", ".".join(path), at(subject.inputs, *path))


def partners(subject: Subject) -> Iterator[Violation]:
    """RES-017: logs and metrics that a cloud hands over to somebody else's service."""
    reason = "logs and metrics would go to somebody else's service, wherever that is."
    if subject.type.startswith(_PARTNERS):
        yield violation(subject, "RES-017", "type", subject.type, reason, allowed="the cloud's own, in the region")
    partner = subject.inputs.get("marketplacePartnerId")
    if partner not in (None, "") and partner is not ACCEPTED:
        yield violation(subject, "RES-017", "marketplacePartnerId", partner, reason, allowed="a workspace of the cell")


def endpoints(subject: Subject) -> Iterator[Violation]:
    """RES-005: access points that are everywhere, wherever in a resource they are named."""
    for path, _, value in leaves(subject):
        if isinstance(value, str) and "oss-accelerate" in value and hosts.is_accelerated(hosts.host_of(value)):
            reason = "acceleration routes through access points outside the region."
            yield violation(subject, "RES-005", path, value, reason, allowed="the region's own endpoint")


CHECKS: tuple[Check, ...] = (
    Check(rules=("RES-005",), run=endpoints),
    Check(rules=("RES-014",), run=telemetry, types=("alicloud:arms/remoteWrite:", *_SCOPES)),
    Check(rules=("RES-017",), run=shippers, types=_SHIPPING),
    Check(rules=("RES-017",), run=partners, types=(*_PARTNERS, "azure-native:insights:", "azure-native:monitor:")),
    Check(rules=("RES-018",), run=exports, types=_BILL_EXPORTS),
    Check(rules=("RES-019",), run=keys, types=(*_LASTING_KEYS, "pulumi:providers:")),
    Check(rules=("RES-021",), run=origins),
    Check(rules=("RES-024", "RES-022"), run=copies, types=(*_COPIES, "alicloud:kvstore/instance:Instance")),
    Check(rules=("RES-025",), run=entries, types=(*_WORLDWIDE, "gcp:compute/backendService:BackendService")),
    Check(rules=("RES-026",), run=resolvers, types=(*_RESOLVERS, *_RESOLVING)),
    Check(rules=("RES-027",), run=tags),
    Check(rules=("RES-028",), run=routers, types=(*_ROUTERS, "gcp:dns/recordSet:RecordSet")),
    Check(rules=("RES-032",), run=models, types=("azure-native:cognitiveservices:Deployment",)),
)
