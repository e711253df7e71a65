"""Copies under every name that the clouds have for them, what their services run and call, what holds a judged value
and is not known, who is let in. Each refusal has a benign twin.
"""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from components.policy import documents
from components.policy.model import ACCEPTED, UNKNOWN, Subject
from components.policy.rules import judge
from tests.residency_cases import ALLOWED
from tests.unit.components.policy.test_whole_plans import HOMES, judged, row


def found(world: str, kind: str, inputs: dict[str, Any], *, security: bool = False) -> set[tuple[str, str]]:
    subject = Subject(type=kind, name="thing", inputs=inputs, world=world, allowed=ALLOWED[world])
    return {(one.rule, one.property) for one in judge(subject, security=security)}


ACCELERATION = "alicloud:oss/bucketTransferAcceleration:BucketTransferAcceleration"
VAULT, SQL = "azure-native:recoveryservices:Vault", "azure-native:sql:Database"
COSMOS, ACCOUNT = "azure-native:cosmosdb:DatabaseAccount", "azure-native:storage:StorageAccount"
GALLERY, BACKUPS = "azure-native:compute:GalleryImageVersion", "azure-native:dataprotection:BackupVault"
HOME = {"location": "francecentral"}


def _kept(key: str, place: str) -> dict[str, Any]:
    return {"snapshotSchedulePolicy": {"snapshotProperties": {key: [place]}}, "region": "europe-west4"}


def _vault(word: str) -> dict[str, Any]:
    return {**HOME, "properties": {"redundancySettings": {"standardTierStorageRedundancy": word}}}


def _backups(word: str) -> dict[str, Any]:
    return {**HOME, "properties": {"storageSettings": [{"type": word, "datastoreType": "VaultStore"}]}}


def _dr(name: str) -> dict[str, Any]:
    backup = {"backupConfiguration": {"location": "europe-west4"}}
    replicas = {"replicationCluster": {"failoverDrReplicaName": name}} if name else {}
    return {"region": "europe-west4", "settings": backup, **replicas}


# World, type, what is refused and by which rule, what is not.
COPIES: list[tuple[str, str, dict[str, Any], str, dict[str, Any]]] = [
    ("cn", ACCELERATION, {"bucket": "b", "enabled": True}, "RES-005", {"bucket": "b", "enabled": False}),
    ("cn", "alicloud:ecs/autoSnapshotPolicy:AutoSnapshotPolicy", {"targetCopyRegions": ["ap-southeast-1"]}, "RES-001",
     {"targetCopyRegions": []}),
    ("cn", "alicloud:ecs/autoSnapshotPolicy:AutoSnapshotPolicy", {"enableCrossRegionCopy": True}, "RES-005",
     {"enableCrossRegionCopy": False}),
    ("cn", "alicloud:hbr/policy:Policy", {"rules": [{"replicationRegionId": "ap-southeast-1"}]}, "RES-001",
     {"rules": [{"ruleType": "BACKUP"}]}),
    ("cn", "alicloud:polardb/backupPolicy:BackupPolicy", {"logBackupAnotherRegionRegion": "ap-southeast-1"}, "RES-001",
     {"backupRetentionPolicyOnClusterDeletion": "ALL"}),
    ("cn", "alicloud:polardb/backupPolicy:BackupPolicy", {"dataLevel2BackupAnotherRegionRegion": "eu-central-1"},
     "RES-001", {"dataLevel2BackupAnotherRegionRegion": ""}),
    ("cn", "alicloud:sls/collectionPolicy:CollectionPolicy", {"centralizeConfig": {"destRegion": "ap-southeast-1"}},
     "RES-001", {"centralizeConfig": {"destRegion": "cn-shanghai"}}),
    ("cn", "alicloud:mongodb/instance:Instance", {"zoneId": "cn-shanghai-b", "srcRegion": "ap-southeast-1"}, "RES-001",
     {"zoneId": "cn-shanghai-b"}),
    ("row", "gcp:spanner/instance:Instance", {"config": "nam-eur-asia1"}, "RES-002",
     {"config": "regional-europe-west4"}),
    ("row", "gcp:spanner/instance:Instance", {"config": "projects/p/instanceConfigs/regional-us-east4"}, "RES-002",
     {"config": "projects/p/instanceConfigs/regional-europe-west4"}),
    ("row", "gcp:firestore/database:Database", {"locationId": "nam5"}, "RES-002", {"locationId": "europe-west4"}),
    ("row", "gcp:appengine/application:Application", {"locationId": "us-central"}, "RES-002",
     {"locationId": "europe-west4"}),
    ("row", "gcp:compute/snapshot:Snapshot", {"storageLocations": ["us"]}, "RES-002",
     {"storageLocations": ["europe-west4"]}),
    ("row", "gcp:compute/image:Image", {"storageLocations": ["us"]}, "RES-002",
     {"storageLocations": ["europe-west4"]}),
    ("row", "gcp:compute/resourcePolicy:ResourcePolicy", _kept("storageLocations", "asia"), "RES-002",
     _kept("storageLocations", "europe-west4")),
    ("row", "gcp:pubsub/topic:Topic", {"messageStoragePolicy": {"allowedPersistenceRegions": ["us-central1"]}},
     "RES-001", {"messageStoragePolicy": {"allowedPersistenceRegions": ["europe-west4"]}}),
    ("row", "gcp:netapp/backupVault:BackupVault", {"location": "europe-west4", "backupRegion": "us-east4"}, "RES-001",
     {"location": "europe-west4", "backupVaultType": "IN_REGION"}),
    ("row", "gcp:sql/databaseInstance:DatabaseInstance", _dr("p:us-east4:x"), "RES-005", _dr("")),
    ("row", "gcp:bigquery/dataTransferConfig:DataTransferConfig", {"dataSourceId": "cross_region_copy"}, "RES-005",
     {"dataSourceId": "scheduled_query"}),
    ("row", COSMOS, {**HOME, "locations": [{"locationName": "East US"}]}, "RES-001",
     {**HOME, "locations": [{"locationName": "France Central"}], "backupPolicy": {"type": "Continuous"}}),
    ("row", GALLERY, {**HOME, "publishingProfile": {"targetRegions": [{"name": "East US"}]}}, "RES-001",
     {**HOME, "publishingProfile": {"targetRegions": [{"name": "francecentral"}]}}),
    ("row", VAULT, _vault("GeoRedundant"), "RES-005", _vault("ZoneRedundant")),
    ("row", VAULT, HOME, "RES-005", _vault("LocallyRedundant")),
    ("row", BACKUPS, _backups("GeoRedundant"), "RES-005", _backups("LocallyRedundant")),
    ("row", SQL, {**HOME, "requestedBackupStorageRedundancy": "Geo"}, "RES-005",
     {**HOME, "requestedBackupStorageRedundancy": "Zone"}),
    ("row", SQL, HOME, "RES-005", {**HOME, "requestedBackupStorageRedundancy": "Local"}),
    ("row", "azure-native:sql:FailoverGroup", {"partnerServers": []}, "RES-024", {}),
    ("row", ACCOUNT, {**HOME, "sku": {"name": "standard_grs"}}, "RES-005", {**HOME, "sku": {"name": "standard_zrs"}}),
    ("row", "azure-native:dbformysql:Server", {**HOME, "backup": {"geoRedundantBackup": "enabled"}}, "RES-005",
     {**HOME, "backup": {"geoRedundantBackup": "disabled"}}),
]  # fmt: skip


@pytest.mark.parametrize(("world", "kind", "bad", "rule", "good"), COPIES, ids=[f"{c[1]}-{c[3]}" for c in COPIES])
def test_a_copy_is_seen_by_any_name(world: str, kind: str, bad: Any, rule: str, good: Any) -> None:
    assert rule in {one for one, _ in found(world, kind, bad)}
    if good:
        assert found(world, kind, good) == set()


RUN, APP, FC = "gcp:cloudrunv2/service:Service", "azure-native:app:ContainerApp", "alicloud:fc/v3Function:V3Function"
ECI, RULE = "alicloud:eci/containerGroup:ContainerGroup", "alicloud:eventbridge/rule:Rule"
CN_IMAGE = "twain-cn-registry-vpc.cn-shanghai.cr.aliyuncs.com/twain/app:1"
ROW_IMAGE = "europe-west4-docker.pkg.dev/p/twain/app:1"
ABROAD, DING = "https://collect.example.com/v1", "https://oapi.dingtalk.com/robot"
OTEL = "OTEL_EXPORTER_OTLP_ENDPOINT"


def _run(image: str, url: str) -> dict[str, Any]:
    return {"location": "europe-west4", "template": {"containers": [{"image": image,
            "envs": [{"name": OTEL, "value": url}]}]}}  # fmt: skip


def _app(image: str, url: str) -> dict[str, Any]:
    env = [{"name": "OPENAI_API_BASE", "value": url}, {"name": "KEY", "secretRef": "key"}]
    return {**HOME, "template": {"containers": [{"image": image, "env": env}]}}


def _fc(image: str, url: str) -> dict[str, Any]:
    return {"customContainerConfig": {"image": image}, "environmentVariables": {OTEL: url}}


def _channel(url: str) -> dict[str, Any]:
    return {"type": "webhook_tokenauth", "labels": {"url": url}}


CALLS: list[tuple[str, str, dict[str, Any], set[str], dict[str, Any]]] = [
    ("cn", ECI, {"containers": [{"image": "docker.io/a/b"}]}, {"RES-023"}, {"containers": [{"image": CN_IMAGE}]}),
    ("cn", FC, _fc("docker.io/a/b", ABROAD), {"RES-023", "RES-017"}, _fc(CN_IMAGE, "http://10.64.3.4:4317")),
    ("row", RUN, _run(CN_IMAGE, "https://cn-shanghai.log.aliyuncs.com"), {"RES-023", "RES-017"},
     _run(ROW_IMAGE, "http://10.68.3.4:4317")),
    ("row", APP, _app(CN_IMAGE, "https://dashscope.aliyuncs.com"), {"RES-023", "RES-032"},
     _app(ROW_IMAGE, "https://models.francecentral.inference.ml.azure.com")),
    ("row", "azure-native:web:WebApp", {**HOME, "siteConfig": {"linuxFxVersion": f"DOCKER|{CN_IMAGE}"}}, {"RES-023"},
     {**HOME, "siteConfig": {"linuxFxVersion": "PYTHON|3.11"}}),
    ("cn", RULE, {"targets": [{"type": "http", "endpoint": ABROAD}]}, {"RES-017"},
     {"targets": [{"type": "acs.mns.queue", "endpoint": "acs:mns:cn-shanghai:1:/queues/q"}]}),
    ("cn", "alicloud:mns/topicSubscription:TopicSubscription", {"endpoint": ABROAD}, {"RES-017"},
     {"endpoint": "http://10.64.3.4:8080/in"}),
    ("cn", "alicloud:log/alert:Alert", {"notificationLists": [{"type": "Webhook", "serviceUri": ABROAD}]}, {"RES-014"},
     {"notificationLists": [{"type": "Webhook", "serviceUri": "https://relay.twain-system.svc/alerts"}]}),
    ("cn", "alicloud:cms/alarmContact:AlarmContact", {"channelsDingWebHook": ABROAD}, {"RES-014"}, {"describe": "x"}),
    ("row", "azure-native:monitor:ActionGroup", {**HOME, "webhookReceivers": [{"serviceUri": DING}]}, {"RES-014"},
     {**HOME, "webhookReceivers": [{"serviceUri": "https://relay.twain-system.svc/alerts"}]}),
    ("row", "gcp:monitoring/notificationChannel:NotificationChannel", _channel(DING), {"RES-014"},
     _channel("https://hook.europe-west4.run.app/alerts")),
    ("row", "gcp:monitoring/notificationChannel:NotificationChannel", {"type": "pagerduty"}, {"RES-014"},
     {"type": "pubsub", "labels": {"topic": "projects/p/topics/alerts"}}),
]  # fmt: skip


@pytest.mark.parametrize(("world", "kind", "bad", "rules", "good"), CALLS, ids=[c[1] for c in CALLS])
def test_what_a_service_runs_and_calls_is_judged(world: str, kind: str, bad: Any, rules: set[str], good: Any) -> None:
    assert {one for one, _ in found(world, kind, bad)} == rules
    assert found(world, kind, good) == set()


def test_a_hook_of_ones_own_can_be_declared() -> None:
    kind, inputs = "azure-native:monitor:ActionGroup", {**HOME, "webhookReceivers": [{"serviceUri": ABROAD}]}
    own = frozenset({"collect.example.com"})
    subject = Subject(type=kind, name="g", inputs=inputs, world="row", allowed=ALLOWED["row"], hosts=own)
    assert judge(subject, security=False) == []


POD_SPEC = {"containers": [{"name": "a", "image": CN_IMAGE}]}


def _object(api: str, kind: str, **rest: Any) -> dict[str, Any]:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": "x", "namespace": "x"}, **rest}


HOLDERS: list[tuple[str, str, Any, str]] = [
    ("cn", "alicloud:oss/bucket:Bucket", lambda v: {"bucket": "x", "transferAcceleration": v}, "transferAcceleration"),
    ("row", ACCOUNT, lambda v: {**HOME, "kind": "StorageV2", "sku": v}, "sku"),
    ("cn", "kubernetes:core/v1:ConfigMap", lambda v: _object("v1", "ConfigMap", data=v), "data"),
    ("cn", "kubernetes:core/v1:Service", lambda v: _object("v1", "Service", spec=v), "spec"),
    ("cn", "kubernetes:networking.k8s.io/v1:NetworkPolicy",
     lambda v: _object("networking.k8s.io/v1", "NetworkPolicy", spec={"podSelector": {}, "egress": v}), "spec.egress"),
    ("cn", "kubernetes:apps/v1:Deployment",
     lambda v: _object("apps/v1", "Deployment", spec={"template": {"spec": {**POD_SPEC, "initContainers": v}}}),
     "spec.template.spec.initContainers"),
]  # fmt: skip


@pytest.mark.parametrize(("world", "kind", "make", "path"), HOLDERS, ids=[one[3] for one in HOLDERS])
def test_what_holds_a_judged_value_and_is_not_known_is_refused(world: str, kind: str, make: Any, path: str) -> None:
    assert ("RES-004", path) in found(world, kind, make(UNKNOWN))
    assert found(world, kind, make(ACCEPTED)) == set()


def test_a_secret_is_shown_to_nobody_and_is_no_unknown_place() -> None:
    body = _object("v1", "Secret", type="Opaque", data=UNKNOWN)
    assert found("cn", "kubernetes:core/v1:Secret", body) == set()


TWINS: list[tuple[str, str, dict[str, Any]]] = [
    ("cn", "alicloud:oss/bucket:Bucket", {"tags": {"zone": "dmz", "region": "emea", "location": "hq"}}),
    ("row", ACCOUNT, {**HOME, "sku": {"name": "Standard_ZRS"}, "tags": {"zone": "dmz", "tier": "geo"}}),
    ("row", "gcp:container/nodePool:NodePool",
     {"location": "europe-west4", "nodeConfig": {"labels": {"zone": "gpu", "location": "rack-1"}}}),
    ("row", "gcp:projects/iAMMember:IAMMember",
     {"member": "principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p.svc.id.goog/s/a"}),
    ("row", "azure-native:monitor:MetricAlert", {"location": "global", "scopes": ["/x"]}),
    ("row", "azure-native:dns:Zone", {"location": "Global", "zoneName": "x.example"}),
    ("row", "gcp:sql/databaseInstance:DatabaseInstance",
     {**_dr(""), "settings": {"backupConfiguration": {"location": "europe-west4"}, "timeZone": "UTC"}}),
]  # fmt: skip


@pytest.mark.parametrize(("world", "kind", "inputs"), TWINS, ids=[one[1] for one in TWINS])
def test_what_is_only_called_a_place_is_let_be(world: str, kind: str, inputs: dict[str, Any]) -> None:
    assert found(world, kind, inputs) == set()


def test_what_is_filed_as_global_may_lie_nowhere_else() -> None:
    alert = {"location": "global", "targetResourceRegion": "eastus"}
    assert found("row", "azure-native:monitor:MetricAlert", alert) == {("RES-001", "targetResourceRegion")}
    assert found("row", "azure-native:privatedns:PrivateZone", {"location": "eastus"}) == {("RES-001", "location")}


def _policy(principal: Any, effect: str = "Allow") -> dict[str, Any]:
    statement = {"Effect": effect, "Principal": principal, "Action": ["oss:GetObject"]}
    return {"bucket": "b", "policy": json.dumps({"Version": "1", "Statement": [statement]})}


FIREWALL, NSG = "gcp:compute/firewall:Firewall", "azure-native:network:SecurityRule"
BINDING, OSS_POLICY = "gcp:storage/bucketIAMBinding:BucketIAMBinding", "alicloud:oss/bucketPolicy:BucketPolicy"
IN = {"direction": "Inbound", "access": "Allow", "priority": 100}
LET_IN: list[tuple[str, str, dict[str, Any], str, dict[str, Any]]] = [
    ("row", BINDING, {"members": ["user:a", "allUsers"]}, "SEC-002", {"members": ["serviceAccount:a"]}),
    ("row", "gcp:storage/bucketIAMPolicy:BucketIAMPolicy",
     {"policyData": '{"bindings":[{"members":["allUsers"],"role":"r"}]}'}, "SEC-002",
     {"policyData": '{"bindings":[{"members":["serviceAccount:a"],"role":"r"}]}'}),
    ("cn", OSS_POLICY, _policy(["*"]), "SEC-002", _policy(["123456"])),
    ("cn", OSS_POLICY, _policy("*"), "SEC-002", _policy("*", "Deny")),
    ("cn", OSS_POLICY, {"bucket": "b", "policy": "no json"}, "SEC-002", {"bucket": "b", "policy": ACCEPTED}),
    ("row", FIREWALL, {"allows": [{"protocol": "tcp"}]}, "SEC-003",
     {"allows": [{"protocol": "tcp"}], "sourceTags": ["nodes"]}),
    ("row", FIREWALL, {"allows": [{}], "sourceRanges": ["0.0.0.0/1", "128.0.0.0/1"]}, "SEC-003",
     {"allows": [{}], "sourceRanges": ["10.0.0.0/8", "35.191.0.0/16", "fd00::/8"]}),
    ("row", FIREWALL, {"allows": [{}], "sourceRanges": ["2000::/3"]}, "SEC-003",
     {"allows": [{}], "sourceRanges": ["10.0.0.0/9", "10.128.0.0/9"]}),
    ("row", NSG, {**IN, "sourceAddressPrefix": "internet"}, "SEC-003", {**IN, "sourceAddressPrefix": "10.0.0.0/8"}),
    ("row", NSG, {**IN, "direction": "inbound", "sourceAddressPrefix": "*"}, "SEC-003",
     {**IN, "access": "Deny", "sourceAddressPrefix": "*"}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("world", "kind", "bad", "rule", "good"), LET_IN, ids=[f"{c[1]}-{n}" for n, c in enumerate(LET_IN)]
)
def test_everybody_is_everybody_in_any_spelling(world: str, kind: str, bad: Any, rule: str, good: Any) -> None:
    assert rule in {one for one, _ in found(world, kind, bad, security=True)}
    assert not {one for one, _ in found(world, kind, good, security=True)} & {"SEC-002", "SEC-003"}


def _seconds(run: Any) -> float:
    """Of the processor, not of the clock: the machine may be busy."""
    before = time.process_time()
    run()
    return time.process_time() - before


def test_a_long_text_costs_no_more_than_its_length() -> None:
    text = "a" * 200_000 + "." + "b" * 200_000 + ".aliyuncs.com"
    assert _seconds(lambda: found("cn", "alicloud:oss/bucket:Bucket", {"bucket": text})) < 2
    inside = {"description": "x" * 100_000 + " oss-eu-central-1.aliyuncs.com"}
    assert {one for one, _ in found("cn", "alicloud:oss/bucket:Bucket", inside)} == {"RES-001"}


def test_many_keys_and_a_double_at_the_end_cost_linear_time() -> None:
    keys = "".join(f"  k{number}: 1\n" for number in range(16_000))
    raw = f"apiVersion: v1\nkind: ConfigMap\ndata:\n{keys}  k15999: 2\n".encode()

    def read() -> None:
        with pytest.raises(Exception, match="stands twice"):
            documents.read("x.yaml", raw=raw)

    assert _seconds(read) < 10


def test_json_of_more_values_than_memory_has_room_for_is_refused() -> None:
    with pytest.raises(Exception, match="DOC-SIZE"):
        documents.read("x.json", raw=b"[" + b"[]," * (documents.MAX_VALUES // 2 + 1) + b"[]]")


def test_a_mark_of_the_engine_for_a_whole_group_is_refused_in_a_plan() -> None:
    of, place = HOMES["alicloud"]
    home = row(of, "home", place)
    bucket = row("alicloud:oss/bucket:Bucket", "b", {"transferAcceleration": "e48ece36-62e2-4504-bad9-02848725956a"})
    said, _ = judged("cn", home, {**bucket, "provider": f"{home['urn']}::id"})
    assert ("RES-004", "transferAcceleration") in said
