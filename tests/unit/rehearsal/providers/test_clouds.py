"""What the emulated clouds refuse, keep and answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pulumi.runtime.proto import provider_pb2

from rehearsal.providers.wire import UNKNOWN, Secret, decode, encode

if TYPE_CHECKING:
    from collections.abc import Callable

VPC, SWITCH = "alicloud:vpc/network:Network", "alicloud:vpc/switch:Switch"
NODE_POOL = "alicloud:cs/nodePool:NodePool"
GCP_NETWORK, GCP_SUBNET = "gcp:compute/network:Network", "gcp:compute/subnetwork:Subnetwork"
GCP_BUCKET, GCP_POOL = "gcp:storage/bucket:Bucket", "gcp:container/nodePool:NodePool"
GROUP, VNET, SUBNET = (
    "azure-native:resources:ResourceGroup",
    "azure-native:network:VirtualNetwork",
    "azure-native:network:Subnet",
)
ACCOUNT, LOCK = "azure-native:storage:StorageAccount", "azure-native:authorization:ManagementLockByScope"


def vpc(**more: Any) -> dict[str, Any]:
    return {"vpcName": "vpc-a", "cidrBlock": "10.64.0.0/16", "tags": {"twain-cell": "cn-sha-1"}} | more


def switch(vpc_id: str, **more: Any) -> dict[str, Any]:
    return {"vswitchName": "sw-a", "vpcId": vpc_id, "cidrBlock": "10.64.0.0/20", "zoneId": "cn-shanghai-g"} | more


def test_a_type_outside_the_table_is_refused_by_name(caller: Callable[[str], Any], refused: type[Exception]) -> None:
    with pytest.raises(refused, match="alicloud:fc/service:Service"):
        caller("alicloud").check("alicloud:fc/service:Service", {})


def test_all_violations_of_a_resource_come_at_once(caller: Callable[[str], Any]) -> None:
    bad = switch("vpc-none", cidrBlock="10.64.0.0/8", zoneId="cn-shanghai-z", vswitchNane="x")
    assert {path for path, _reason in caller("alicloud").check(SWITCH, bad)} == {
        "vswitchNane",
        "cidrBlock",
        "zoneId",
        "vpcId",
    }


def test_a_missing_name_is_refused_because_nothing_is_named_by_itself(caller: Callable[[str], Any]) -> None:
    assert ("vpcName", "is required: names are always explicit, none is made up") in caller("alicloud").check(
        VPC, {"cidrBlock": "10.0.0.0/16"}
    )


def test_what_is_not_known_yet_is_not_held_against_anybody(caller: Callable[[str], Any]) -> None:
    assert caller("alicloud").check(SWITCH, switch("x") | {"vpcId": UNKNOWN, "cidrBlock": UNKNOWN}) == []


def test_a_subnet_must_lie_in_its_network_and_beside_its_siblings(caller: Callable[[str], Any]) -> None:
    cloud = caller("alicloud")
    vpc_id, _outputs = cloud.create(VPC, vpc())
    cloud.create(SWITCH, switch(vpc_id), "one")
    outside = dict(cloud.check(SWITCH, switch(vpc_id, cidrBlock="10.65.0.0/20"), "two"))
    assert "does not lie inside 10.64.0.0/16" in outside["cidrBlock"]
    across = dict(cloud.check(SWITCH, switch(vpc_id, cidrBlock="10.64.8.0/21"), "two"))
    assert "overlaps 10.64.0.0/20 of vsw-" in across["cidrBlock"]
    assert cloud.check(SWITCH, switch(vpc_id, cidrBlock="10.64.16.0/20"), "two") == []


def test_a_machine_type_is_refused_where_it_is_not_offered(caller: Callable[[str], Any]) -> None:
    cloud = caller("alicloud")
    pool = {"clusterId": UNKNOWN, "nodePoolName": "p", "vswitchIds": [UNKNOWN]}
    wrong = dict(cloud.check(NODE_POOL, pool | {"instanceTypes": ["ecs.gn7e-c16g1.4xlarg"]}))
    assert "nearest: ecs.gn7e-c16g1.4xlarge" in wrong["instanceTypes[0]"]
    both = {"scalingConfig": {"enable": True, "minSize": 4, "maxSize": 2}, "desiredSize": "1"}
    found = dict(cloud.check(NODE_POOL, pool | {"instanceTypes": ["ecs.g7.xlarge"]} | both))
    assert set(found) == {"desiredSize", "scalingConfig.minSize"}


def test_an_answer_holds_what_came_in_and_what_the_cloud_adds(caller: Callable[[str], Any]) -> None:
    cloud = caller("alicloud")
    id_, outputs = cloud.create(VPC, vpc())
    assert id_.startswith("vpc-uf6")
    assert outputs["cidrBlock"] == "10.64.0.0/16"
    assert outputs["routeTableId"].startswith("vtb-")
    row = cloud.store.get_resource(id_)
    assert (row.cell, row.region, row.state) == ("cn-sha-1", "cn-shanghai", "live")


def test_a_cell_without_a_tag_is_read_from_the_stacks_name(caller: Callable[[str], Any]) -> None:
    cloud = caller("gcp")
    id_, _outputs = cloud.create(GCP_NETWORK, {"name": "net", "autoCreateSubnetworks": False})
    assert id_ == "projects/twain-test/global/networks/net"
    assert cloud.store.get_resource(id_).cell == "cn-sha-1"


def test_a_preview_creates_nothing_and_gives_no_id(caller: Callable[[str], Any]) -> None:
    cloud = caller("alicloud")
    id_, outputs = cloud.create(VPC, vpc(), preview=True)
    assert id_ == ""
    assert "routeTableId" not in outputs
    assert outputs["name"] == "vpc-a"
    assert cloud.store.list_resources() == []


def test_a_second_creation_by_the_same_declaration_makes_no_second_resource(caller: Callable[[str], Any]) -> None:
    cloud = caller("alicloud")
    first, _outputs = cloud.create(VPC, vpc())
    second, _outputs = cloud.create(VPC, vpc(description="again"))
    assert first == second
    (row,) = cloud.store.list_resources()
    assert row.inputs["description"] == "again"


def test_what_an_interrupted_run_left_is_not_adopted_where_it_can_never_become_what_is_asked(
    caller: Callable[[str], Any], refused: type[Exception]
) -> None:
    cloud = caller("alicloud")
    vpc_id, _outputs = cloud.create(VPC, vpc())
    cloud.create(SWITCH, switch(vpc_id))
    with pytest.raises(refused, match="other zoneId"):
        cloud.create(SWITCH, switch(vpc_id, zoneId="cn-shanghai-b"))


def test_a_worldwide_name_is_taken_for_everybody(caller: Callable[[str], Any], refused: type[Exception]) -> None:
    cloud = caller("gcp")
    bucket = {"name": "twain-weights", "location": "europe-west4"}
    cloud.create(GCP_BUCKET, bucket, "one")
    with pytest.raises(refused, match="exists already"):
        cloud.create(GCP_BUCKET, bucket, "two")


def test_a_parent_with_children_is_not_deleted(caller: Callable[[str], Any], refused: type[Exception]) -> None:
    cloud = caller("alicloud")
    vpc_id, _outputs = cloud.create(VPC, vpc())
    switch_id, _outputs = cloud.create(SWITCH, switch(vpc_id))
    with pytest.raises(refused, match=f"DependencyViolation.*{switch_id}"):
        cloud.delete(VPC, vpc_id)
    cloud.delete(SWITCH, switch_id)
    cloud.delete(VPC, vpc_id)
    cloud.delete(VPC, vpc_id)
    assert cloud.store.list_resources() == []


def test_what_is_gone_reads_as_gone(caller: Callable[[str], Any]) -> None:
    cloud = caller("alicloud")
    id_, _outputs = cloud.create(VPC, vpc())
    assert cloud.read(VPC, id_).id == id_
    cloud.store.delete_resource(VPC, id_)
    assert cloud.read(VPC, id_).id == ""


def test_an_update_keeps_id_and_birth(caller: Callable[[str], Any]) -> None:
    cloud = caller("alicloud")
    id_, before = cloud.create(VPC, vpc())
    cloud.store.update_resource(VPC, id_, inputs=vpc(), outputs=before | {"createTime": "2026-01-01T00:00:00Z"})
    after = cloud.update(VPC, id_, vpc(description="new"))
    assert after["description"] == "new"
    assert after["createTime"] == "2026-01-01T00:00:00Z"
    assert after["routeTableId"] == before["routeTableId"]


def test_pool_limits_and_the_machine_change_in_place_and_spot_replaces(caller: Callable[[str], Any]) -> None:
    cloud = caller("gcp")
    old = {"autoscaling": {"totalMaxNodeCount": 4}, "nodeConfig": {"machineType": "a2-ultragpu-1g"}}
    grown = {"autoscaling": {"totalMaxNodeCount": 6}, "nodeConfig": {"machineType": "a2-ultragpu-1g"}}
    other = {"autoscaling": {"totalMaxNodeCount": 4}, "nodeConfig": {"machineType": "a2-ultragpu-2g"}}
    spot = {"autoscaling": {"totalMaxNodeCount": 4}, "nodeConfig": {"machineType": "a2-ultragpu-1g", "spot": True}}
    assert not cloud.diff(GCP_POOL, old, grown).replaces
    assert list(cloud.diff(GCP_POOL, old, other).diffs) == ["nodeConfig"]
    assert not cloud.diff(GCP_POOL, old, other).replaces
    assert list(cloud.diff(GCP_POOL, old, spot).replaces) == ["nodeConfig.spot"]


def test_a_name_that_the_real_provider_changes_in_place_replaces_nothing(caller: Callable[[str], Any]) -> None:
    old, new = {"vpcName": "a", "cidrBlock": "10.0.0.0/16"}, {"vpcName": "b", "cidrBlock": "10.0.0.0/16"}
    answer = caller("alicloud").diff("alicloud:vpc/network:Network", old, new)
    assert (list(answer.diffs), list(answer.replaces)) == (["vpcName"], [])
    assert list(caller("gcp").diff("gcp:compute/network:Network", {"name": "a"}, {"name": "b"}).replaces) == ["name"]


def test_a_secret_input_comes_back_as_a_secret(caller: Callable[[str], Any]) -> None:
    _id, outputs = caller("alicloud").create(VPC, vpc(description=Secret("hush")))
    assert outputs["description"] == Secret("hush")


def test_what_the_sdk_marks_as_secret_is_secret(caller: Callable[[str], Any]) -> None:
    _id, outputs = caller("gcp").create(GCP_BUCKET, {"name": "twain-weights", "location": "europe-west4"})
    assert isinstance(outputs["pulumiLabels"], Secret)


def test_a_short_throttle_is_waited_out_and_a_long_one_is_an_error(
    caller: Callable[[str], Any], refused: type[Exception]
) -> None:
    cloud = caller("alicloud")
    cloud.store.add_fault("throttle", match={"type": VPC}, times=2)
    id_, _outputs = cloud.create(VPC, vpc())
    cloud.store.add_fault("throttle", match={"op": "delete"}, times=50)
    cloud.provider.cancelled.set()
    with pytest.raises(refused, match="Throttling: delete of vpc-a"):
        cloud.delete(VPC, id_)
    assert cloud.store.get_resource(id_) is not None


def test_a_parent_that_is_not_visible_yet_is_looked_for_and_then_named(
    caller: Callable[[str], Any], refused: type[Exception]
) -> None:
    cloud = caller("azure-native")
    cloud.create(GROUP, {"resourceGroupName": "rg"}, "rg")
    inputs = {
        "resourceGroupName": "rg",
        "virtualNetworkName": "net",
        "addressSpace": {"addressPrefixes": ["10.0.0.0/16"]},
    }
    find = {"op": "find", "type": GROUP, "name": "rg"}
    cloud.provider.cancelled.set()
    cloud.store.add_fault("not-yet-visible", match=find, times=5)
    with pytest.raises(refused, match=r"NotFound: create of net asked 5 times for rg"):
        cloud.create(VNET, inputs)
    assert cloud.store.list_resources(type=VNET) == []
    cloud.store.add_fault("not-yet-visible", match=find, times=4)
    cloud.create(VNET, inputs)
    assert len(cloud.store.list_resources(type=VNET)) == 1


@pytest.mark.parametrize(("kind", "word"), [("timeout", "timed out"), ("stock-out", "sold out")])
def test_an_injected_fault_makes_nothing(
    caller: Callable[[str], Any], refused: type[Exception], kind: Any, word: str
) -> None:
    cloud = caller("alicloud")
    cloud.store.add_fault(kind, match={"op": "create"})
    with pytest.raises(refused, match=word):
        cloud.create(VPC, vpc())
    assert cloud.store.list_resources() == []


def test_ranges_of_a_regional_subnetwork_are_checked_with_its_secondary_ones(caller: Callable[[str], Any]) -> None:
    cloud = caller("gcp")
    network, _outputs = cloud.create(GCP_NETWORK, {"name": "net"})
    one = {"name": "one", "network": network, "region": "europe-west4", "ipCidrRange": "10.68.0.0/20"}
    pods = [{"rangeName": "pods", "ipCidrRange": "10.68.8.0/21"}]
    assert (
        "overlaps 10.68.0.0/20"
        in dict(cloud.check(GCP_SUBNET, one | {"secondaryIpRanges": pods}))["secondaryIpRanges[0].ipCidrRange"]
    )
    cloud.create(GCP_SUBNET, one, "one")
    two = one | {"name": "two", "ipCidrRange": "10.68.0.0/22"}
    assert "overlaps 10.68.0.0/20 of one (primary)" in dict(cloud.check(GCP_SUBNET, two, "two"))["ipCidrRange"]


def test_a_bucket_outside_every_region_is_refused(caller: Callable[[str], Any]) -> None:
    found = dict(caller("gcp").check(GCP_BUCKET, {"name": "twain-weights", "location": "europe-west44"}))
    assert "nearest: europe-west4" in found["location"]


def test_a_child_of_a_group_that_is_not_there_is_refused(caller: Callable[[str], Any]) -> None:
    cloud = caller("azure-native")
    inputs = {
        "resourceGroupName": "rg",
        "virtualNetworkName": "vnet",
        "addressSpace": {"addressPrefixes": ["10.0.0.0/16"]},
    }
    assert "no such ResourceGroup" in dict(cloud.check(VNET, inputs))["resourceGroupName"]
    cloud.create(GROUP, {"resourceGroupName": "rg"}, "rg")
    assert cloud.check(VNET, inputs | {"resourceGroupName": "RG"}) == []


def test_a_subnet_is_found_by_names_and_checked_for_overlap(caller: Callable[[str], Any]) -> None:
    cloud = caller("azure-native")
    cloud.create(GROUP, {"resourceGroupName": "rg"}, "rg")
    space = {"addressSpace": {"addressPrefixes": ["10.72.0.0/16"]}}
    cloud.create(VNET, {"resourceGroupName": "rg", "virtualNetworkName": "vnet"} | space, "vnet")
    base = {"resourceGroupName": "rg", "virtualNetworkName": "vnet"}
    assert {row.cloud for row in cloud.store.list_resources()} == {"azure"}
    id_, outputs = cloud.create(SUBNET, base | {"subnetName": "a", "addressPrefix": "10.72.0.0/20"}, "a")
    assert id_.endswith("/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/vnet/subnets/a")
    assert outputs["name"] == "a"
    found = dict(cloud.check(SUBNET, base | {"subnetName": "b", "addressPrefix": "10.72.0.0/24"}, "b"))
    assert "overlaps 10.72.0.0/20 of a" in found["addressPrefix"]


def test_a_lock_keeps_everything_beneath_it(caller: Callable[[str], Any], refused: type[Exception]) -> None:
    cloud = caller("azure-native")
    group, _outputs = cloud.create(GROUP, {"resourceGroupName": "rg"}, "rg")
    account, _outputs = cloud.create(
        ACCOUNT,
        {
            "resourceGroupName": "rg",
            "accountName": "twainweights",
            "kind": "StorageV2",
            "sku": {"name": "Standard_ZRS"},
        },
        "account",
    )
    lock, _outputs = cloud.create(LOCK, {"scope": group, "level": "CanNotDelete", "lockName": "keep"}, "lock")
    with pytest.raises(refused, match="ScopeLocked"):
        cloud.delete(ACCOUNT, account, "account")
    cloud.delete(LOCK, lock, "lock")
    cloud.delete(ACCOUNT, account, "account")


def test_a_preview_knows_what_it_would_have_created_before(caller: Callable[[str], Any]) -> None:
    cloud = caller("azure-native")
    inputs = {
        "resourceGroupName": "rg",
        "virtualNetworkName": "vnet",
        "addressSpace": {"addressPrefixes": ["10.0.0.0/16"]},
    }
    _id, group = cloud.create(GROUP, {"resourceGroupName": "rg"}, "rg", preview=True)
    assert cloud.check(VNET, inputs | {"resourceGroupName": group["name"]}) == []
    assert (
        "no such ResourceGroup" in dict(cloud.check(VNET, inputs | {"resourceGroupName": "other"}))["resourceGroupName"]
    )


def test_every_cell_of_a_project_may_ask_for_a_services_account_and_gets_the_same(
    caller: Callable[[str], Any],
) -> None:
    cloud = caller("gcp")
    token, asked = "gcp:projects/serviceIdentity:ServiceIdentity", {"service": "container.googleapis.com"}
    emails = set()
    for cell in ("eu-ams-1", "eu-ams-2"):
        urn = cloud.urn(token, stack=f"test.{cell}.infra")
        request = provider_pb2.CreateRequest(urn=urn, properties=encode(asked))
        emails.add(decode(cloud.provider.Create(request, cloud.context).properties)["email"])
    assert len(emails) == 1
    assert len(cloud.store.list_resources(type=token)) == 2
