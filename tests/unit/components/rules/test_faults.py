"""What clouds take is not refused; what they refuse is told although something else is not known, or not understood."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from components.rules import judge, table
from components.rules.model import UNKNOWN_TEXT, Inputs, Problem, Rule, TypeRules
from tests.unit.components.rules.test_table import RULES, TYPES, resources
from tests.unit.components.rules.wrong import WRONG

SUBSCRIPTION = "/subscriptions/00000000-0000-4000-8000-000000000001"
GUID = "00000000-0000-4000-8000-000000000001"
SERVER = {"serverName": "abc", "resourceGroupName": "rg", "sourceServerResourceId": SUBSCRIPTION}
QUERY = {"query": "up", "duration": "90s", "evaluationInterval": "30s"}
POOL = {"name": "p", "cluster": "c", "autoscaling": {"totalMinNodeCount": 1, "totalMaxNodeCount": 2}}
ACK_POOL = {"nodePoolName": "p", "instanceTypes": ["x"], "vswitchIds": ["vsw-1"]}
OPEN = {"direction": "INGRESS", "sourceRanges": ["10.0.0.0/8"]}
MAP = {"k": "v"}


def told(token: str, inputs: dict[str, Any]) -> list[tuple[str, str]]:
    row = {"type": token, "urn": f"urn:pulumi:s::twain::{token}::n", "inputs": inputs}
    return [(one.property, one.reason) for one in judge.violations([row])]


def filestore(tier: str, size: int) -> dict[str, Any]:
    return {"name": "f", "tier": tier, "fileShares": {"name": "s", "capacityGb": size}}


TAKEN: list[tuple[str, dict[str, Any]]] = [
    *(
        ("azure-native:dbforpostgresql:Server", SERVER | {"createMode": mode})
        for mode in ("Replica", "PointInTimeRestore", "ReviveDropped", "GeoRestore")
    ),
    *(
        ("azure-native:storage:StorageAccount", {"accountName": "abcdef1", "resourceGroupName": "rg"} | more)
        for more in (
            {"kind": "FileStorage", "sku": {"name": "StandardV2_ZRS"}},
            {"kind": "FileStorage", "sku": {"name": "PremiumV2_LRS"}},
            {"kind": "StorageV2", "enableHttpsTrafficOnly": False},
        )
    ),
    (
        "azure-native:redisenterprise:RedisEnterprise",
        {
            "clusterName": "c",
            "sku": {"name": "ComputeOptimized_X700"},
            "encryption": {
                "customerManagedKeyEncryption": {"keyEncryptionKeyIdentity": {"identityType": "systemAssignedIdentity"}}
            },
        },
    ),
    (
        "azure-native:authorization:RoleAssignment",
        {
            "roleAssignmentName": GUID,
            "principalId": GUID,
            "roleDefinitionId": f"{SUBSCRIPTION}/providers/microsoft.authorization/roledefinitions/{GUID}",
        },
    ),
    *(
        ("gcp:filestore/instance:Instance", filestore(tier, size))
        for tier, size in (
            *(("BASIC_HDD", 12_001), ("BASIC_SSD", 20_001), ("ZONAL", 100), ("REGIONAL", 101), ("ENTERPRISE", 1280)),
            *(("ZONAL", 10_239), ("REGIONAL", 20_480), ("HIGH_SCALE_SSD", 12_800)),
        )
    ),
    *(
        (
            "gcp:servicenetworking/connection:Connection",
            {"network": "n", "service": "servicenetworking.googleapis.com", "reservedPeeringRanges": ["a"]}
            | {"deletionPolicy": policy},
        )
        for policy in ("ABANDON", "DELETE", "PREVENT", "REMOVE_PEERING")
    ),
    *(
        (
            "gcp:monitoring/alertPolicy:AlertPolicy",
            {"combiner": "OR", "conditions": [{"conditionPrometheusQueryLanguage": QUERY | {"duration": duration}}]},
        )
        for duration in ("0s", "90s")
    ),
    *(
        ("gcp:compute/subnetwork:Subnetwork", {"name": "s", "ipCidrRange": "10.0.0.0/24", "purpose": purpose})
        for purpose in ("PRIVATE_NAT", "PEER_MIGRATION")
    ),
    ("gcp:compute/subnetwork:Subnetwork", {"name": "s", "ipCidrRange": "100.64.0.0/20"}),
    ("gcp:sql/user:User", {"name": "a", "instance": "i", "type": "CLOUD_IAM_GROUP_USER"}),
    *(
        (
            "gcp:sql/databaseInstance:DatabaseInstance",
            {"name": "a", "databaseVersion": version}
            | {"settings": {"edition": "ENTERPRISE", "tier": "db-custom-2-8192"}},
        )
        for version in ("MYSQL_8_4", "SQLSERVER_2022_STANDARD", "POSTGRES_17")
    ),
    (
        "gcp:networkconnectivity/serviceConnectionPolicy:ServiceConnectionPolicy",
        {"name": "p", "location": "l", "network": "n", "pscConfig": {}, "serviceClass": "test-service-a3dfcx"},
    ),
    *(
        ("gcp:dns/recordSet:RecordSet", {"name": "a.b.", "managedZone": "z", "type": kind, "rrdatas": ["x"]})
        for kind in ("CAA", "HTTPS")
    ),
    (
        "gcp:monitoring/notificationChannel:NotificationChannel",
        {"type": "google_chat", "labels": {"space": "spaces/a"}, "displayName": "d"},
    ),
    ("gcp:container/nodePool:NodePool", POOL | {"nodeConfig": {"imageType": "WINDOWS_LTSC_CONTAINERD"}}),
    ("gcp:container/nodePool:NodePool", POOL | {"nodeConfig": {"imageType": "cos_containerd"}}),
    *(
        ("gcp:projects/iAMMember:IAMMember", {"project": "p", "role": "roles/x", "member": member})
        for member in (
            *("deleted:serviceAccount:a@b?uid=1", "projectOwner:p", "projectViewer:p", "principalSet://x/y"),
            *("user:a@b.c", "allUsers"),
        )
    ),
    (
        "gcp:storage/bucket:Bucket",
        {
            "name": "abc",
            "location": "EU",
            "encryption": {"defaultKmsKeyName": "projects/p/locations/europe/keyRings/r/cryptoKeys/k"},
        },
    ),
    *(("alicloud:kms/key:Key", {"keySpec": spec}) for spec in ("Aliyun_AES_128", "Aliyun_AES_192", "Aliyun_SM4")),
    *(
        ("alicloud:cs/nodePool:NodePool", ACK_POOL | {"imageType": kind})
        for kind in ("AliyunLinux4", "AliyunLinux4Arm64", "AliyunLinux4Security")
    ),
    ("alicloud:cs/nodePool:NodePool", ACK_POOL | {"systemDiskCategory": "cloud_auto", "systemDiskSize": 10}),
    *(
        ("alicloud:rds/instance:Instance", {"instanceStorage": 20} | more)
        for more in (
            {"engine": "MySQL", "engineVersion": "8.0"},
            {"engine": "MariaDB", "engineVersion": "10.3"},
            {"engine": "PostgreSQL", "engineVersion": "15.0", "category": "AlwaysOn"},
            {"engine": "MySQL", "engineVersion": "8.0", "category": "Finance"},
        )
    ),
    ("alicloud:nas/fileSystem:FileSystem", {"protocolType": "NFS", "storageType": "Agentic"}),
    (
        "alicloud:nas/fileSystem:FileSystem",
        {"fileSystemType": "cpfsse", "protocolType": "cpfs", "storageType": "advance_100"},
    ),
    ("alicloud:vpc/network:Network", {"vpcName": "v", "cidrBlock": "10.0.0.0/28"}),
    (
        "alicloud:ecs/securityGroupRule:SecurityGroupRule",
        {"type": "ingress", "ipProtocol": "icmpv6", "portRange": "-1/-1", "ipv6CidrIp": "::/0"},
    ),
    ("alicloud:ecs/eipAssociation:EipAssociation", {"instanceType": "IpAddress"}),
]
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("azure-native:dbforpostgresql:Server", {"serverName": "abc"}, "administratorLogin"),
    ("azure-native:dbforpostgresql:Server", {"serverName": "abc", "createMode": "Create"}, "administratorLogin"),
    (
        "azure-native:dbforpostgresql:Server",
        {"serverName": "abc", "createMode": "Replica"},
        "sourceServerResourceId",
    ),
    (
        "azure-native:redisenterprise:RedisEnterprise",
        {"clusterName": "c", "sku": {"name": "ComputeOptimized_X1000"}},
        "sku.name",
    ),
    ("gcp:filestore/instance:Instance", filestore("ENTERPRISE", 1100), "fileShares.capacityGb"),
    ("gcp:filestore/instance:Instance", filestore("ZONAL", 99), "fileShares.capacityGb"),
    ("gcp:filestore/instance:Instance", filestore("ZONAL", 11_000), "fileShares.capacityGb"),
    ("gcp:filestore/instance:Instance", filestore("HIGH_SCALE_SSD", 12_801), "fileShares.capacityGb"),
    ("gcp:projects/iAMMember:IAMMember", {"role": "roles/x", "member": "somebody"}, "member"),
    ("alicloud:vpc/network:Network", {"vpcName": "v", "cidrBlock": "10.0.0.0/29"}, "cidrBlock"),
    ("alicloud:vpc/network:Network", {"vpcName": "v", "cidrBlock": "100.64.0.0/16"}, "cidrBlock"),
    ("alicloud:vpc/natGateway:NatGateway", {"internetChargeType": "PayBySpec"}, "internetChargeType"),
    ("alicloud:rds/instance:Instance", {"engine": "PostgreSQL", "engineVersion": "8.0"}, "engineVersion"),
    (
        "alicloud:cs/nodePool:NodePool",
        ACK_POOL | {"systemDiskCategory": "cloud_ssd", "systemDiskSize": 10},
        "systemDiskSize",
    ),
]
# Where one value is not known, and a fault lies beside it.
BESIDE: list[tuple[str, dict[str, Any], str]] = [
    (
        "alicloud:oss/bucket:Bucket",
        {"serverSideEncryptionRule": {"sseAlgorithm": "AES256", "kmsMasterKeyId": UNKNOWN_TEXT}},
        "serverSideEncryptionRule.sseAlgorithm",
    ),
    (
        "alicloud:cs/nodePool:NodePool",
        {"taints": [{"effect": "Never"}], "systemDiskSize": UNKNOWN_TEXT},
        "taints[0].effect",
    ),
    ("alicloud:cs/nodePool:NodePool", {"taints": [{"effect": UNKNOWN_TEXT}], "systemDiskSize": 10}, "systemDiskSize"),
    (
        "alicloud:cs/nodePool:NodePool",
        {"taints": [{"effect": UNKNOWN_TEXT}, {"effect": "Never"}]},
        "taints[1].effect",
    ),
    ("alicloud:cs/managedKubernetes:ManagedKubernetes", {"vswitchIds": [UNKNOWN_TEXT] * 6}, "vswitchIds"),
    ("alicloud:cs/managedKubernetes:ManagedKubernetes", {"vswitchIds": []}, "vswitchIds"),
    (
        "alicloud:cs/managedKubernetes:ManagedKubernetes",
        {"vswitchIds": [UNKNOWN_TEXT, "subnet-1"]},
        "vswitchIds[1]",
    ),
    (
        "alicloud:rds/instance:Instance",
        {"instanceStorage": 22, "dbInstanceStorageType": UNKNOWN_TEXT},
        "instanceStorage",
    ),
    ("alicloud:vpc/network:Network", {"tags": {"acs:x": UNKNOWN_TEXT}}, "tags.acs:x"),
    ("gcp:compute/subnetwork:Subnetwork", {"labels": MAP, "secondaryIpRanges": [
        {"rangeName": "a", "ipCidrRange": UNKNOWN_TEXT}, {"rangeName": "a", "ipCidrRange": UNKNOWN_TEXT},
    ]}, "secondaryIpRanges[1].rangeName"),
    ("gcp:compute/subnetwork:Subnetwork", {"secondaryIpRanges": [
        {"rangeName": UNKNOWN_TEXT, "ipCidrRange": "10.0.0.0/30"},
    ]}, "secondaryIpRanges[0].ipCidrRange"),
    ("gcp:storage/bucket:Bucket", {"labels": {"UPPER": UNKNOWN_TEXT}}, "labels.UPPER"),
    ("azure-native:network:VirtualNetwork", {"tags": {"a/b": UNKNOWN_TEXT}}, "tags.a/b"),
    (
        "azure-native:consumption:Budget",
        {"notifications": {f"n{number}": UNKNOWN_TEXT for number in range(6)}},
        "notifications",
    ),
    (
        "azure-native:consumption:Budget",
        {"notifications": {"a": {"threshold": UNKNOWN_TEXT}, "b": {"threshold": 2000, "contactEmails": ["x"]}}},
        "notifications.b.threshold",
    ),
    (
        "azure-native:consumption:Budget",
        {"notifications": {"a": {"threshold": 2000, "contactGroups": [UNKNOWN_TEXT]}}},
        "notifications.a.threshold",
    ),
    ("gcp:sql/databaseInstance:DatabaseInstance", {
        "settings": {"diskSize": 5, "diskType": UNKNOWN_TEXT},
    }, "settings.diskSize"),
    ("gcp:monitoring/alertPolicy:AlertPolicy", {"notificationChannels": [UNKNOWN_TEXT] * 17}, "notificationChannels"),
    ("gcp:compute/firewall:Firewall", OPEN | {"allows": UNKNOWN_TEXT, "denies": UNKNOWN_TEXT}, "allows"),
]  # fmt: skip


@pytest.mark.parametrize(("token", "inputs"), TAKEN)
def test_what_the_cloud_takes_is_not_refused(token: str, inputs: dict[str, Any]) -> None:
    assert [one for one in told(token, inputs) if "is required by the API" not in one[1] or "while" in one[1]] == []


@pytest.mark.parametrize(("token", "inputs", "path"), REFUSED)
def test_what_the_cloud_refuses_is_told(token: str, inputs: dict[str, Any], path: str) -> None:
    assert path in [found for found, _ in told(token, inputs)]


@pytest.mark.parametrize(("token", "inputs", "path"), BESIDE)
def test_a_value_that_is_not_known_hides_no_fault_beside_it(token: str, inputs: dict[str, Any], path: str) -> None:
    assert path in [found for found, _ in told(token, inputs)]


def test_how_many_a_list_holds_that_is_not_known_itself_is_not_guessed() -> None:
    assert "vswitchIds" not in dict(
        told("alicloud:cs/managedKubernetes:ManagedKubernetes", {"vswitchIds": UNKNOWN_TEXT})
    )
    assert "sku.capacity" not in dict(told("azure-native:redisenterprise:RedisEnterprise", {"sku": UNKNOWN_TEXT}))


# Shapes that no reference describes at most places.
SHAPES: list[Any] = [["x"], [["x"]], {"a": ["b"]}, "x", 7, True, [], {}]


def _mutated(value: Any, shape: Any) -> list[Any]:
    """The inputs, with the shape in the place of each value in turn."""
    if isinstance(value, dict):
        inner = [{**value, key: one} for key, item in value.items() for one in (shape, *_mutated(item, shape))]
        return [copy.deepcopy(one) for one in inner]
    if isinstance(value, list):
        return [
            [*value[:index], one, *value[index + 1 :]]
            for index, item in enumerate(value)
            for one in (shape, *_mutated(item, shape))
        ]
    return []


def _cases() -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in resources():
        if table.of_type(row["type"]) is not None:
            found.setdefault(row["type"], []).append(row["inputs"])
    wrong = [(token, inputs) for (token, _name), inputs in WRONG.items()]
    for token, inputs in wrong:
        found.setdefault(token, []).append(inputs)
    return {token: [max(several, key=lambda one: len(str(one))), *several[-2:]] for token, several in found.items()}


CASES = _cases()


@pytest.mark.parametrize("declared", TYPES, ids=lambda one: one.type_name)
def test_no_shape_of_a_value_takes_the_judge_down(declared: TypeRules) -> None:
    token = declared.type_name
    for inputs in CASES.get(token, []):
        for shape in SHAPES:
            for changed in _mutated(inputs, shape):
                assert all(path and reason for path, reason in told(token, changed))


def test_a_rule_that_cannot_read_a_shape_says_so_and_the_others_speak(monkeypatch: pytest.MonkeyPatch) -> None:
    def first(call: Inputs) -> list[Problem]:
        return [Problem("name", f"is {call.text('name')}")]

    def broken(call: Inputs) -> list[Problem]:
        return [Problem("sizes", str(sum(call.known("sizes"))))]

    rules = (
        Rule(kind="shape", checks=(first, broken, first), facts={"name": "sizes"}, fix="do"),
        Rule(kind="shape", checks=(first,), facts={"name": "after"}, fix="do"),
    )
    declared = TypeRules(type_name="gcp:a/b:B", rules=rules)
    monkeypatch.setattr(table, "of_type", lambda _token: declared)
    row = {"type": "gcp:a/b:B", "urn": "urn:pulumi:s::t::gcp:a/b:B::n", "inputs": {"name": "x", "sizes": {"a": 1}}}
    found = judge.violations([row])
    assert [(one.property, one.fix) for one in found if one.property == "sizes"] == [
        ("sizes", "give it the shape that the type's reference describes")
    ]
    (said,) = [one.reason for one in found if one.property == "sizes"]
    assert "'shape: sizes' does not understand the shape" in said
    assert [one.property for one in found].count("name") == 3
    # A shape that only a value makes that is not known yet is no fault.
    unsure = {**row, "inputs": {"name": "x", "sizes": [UNKNOWN_TEXT, {}]}}
    assert [one.property for one in judge.violations([unsure])] == ["name"] * 3


def test_an_image_that_is_a_list_is_one_fault_and_no_crash() -> None:
    inputs = {"name": "p", "nodeConfig": {"imageType": ["x"], "taints": [{"effect": "Never"}]}}
    found = [path for path, _ in told("gcp:container/nodePool:NodePool", inputs)]
    assert found.count("nodeConfig.imageType") == 1
    assert "nodeConfig.taints[0].effect" in found


def test_every_rule_has_words_of_its_own_for_the_way_out() -> None:
    fixes = {rule.fix for _declared, rule in RULES if rule.kind == "shape"}
    assert "as the reason says" not in fixes
    assert len(fixes) > len([rule for _declared, rule in RULES if rule.kind == "shape"]) * 2 // 3


@pytest.mark.parametrize(
    ("token", "inputs", "reason"),
    [
        (
            "gcp:projects/iAMMember:IAMMember",
            {"member": "x", "role": "roles/x"},
            "'x' is not valid: it must be a member such as serviceAccount:NAME@PROJECT.iam.gserviceaccount.com",
        ),
        (
            "azure-native:authorization:RoleAssignment",
            {"roleAssignmentName": GUID, "principalId": "x"},
            "'x' is not valid: it must be a principal's GUID",
        ),
        (
            "alicloud:redis/tairInstance:TairInstance",
            {"maintainStartTime": "x"},
            "'x' is not valid: it must be a time such as 02:00Z",
        ),
        ("gcp:compute/network:Network", {"name": "X"}, "'X' is no valid name: 1 to 63"),
        ("gcp:compute/subnetwork:Subnetwork", {"name": "s"}, "is required by the API"),
    ],
)
def test_a_reason_says_what_the_value_must_be(token: str, inputs: dict[str, Any], reason: str) -> None:
    assert any(said.startswith(reason) for _path, said in told(token, inputs))
    assert not any("SDK" in said for _path, said in told(token, inputs))
