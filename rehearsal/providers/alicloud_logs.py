"""Alibaba Cloud flow logs, trails and Prometheus as their APIs enforce them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.rules.checks import not_offered
from components.rules.model import Problem
from rehearsal.providers.alicloud_cluster import LOG_PROJECT
from rehearsal.providers.alicloud_net import VPC, VSWITCH, region_of, with_prefix
from rehearsal.providers.facts import ALICLOUD_ZONES
from rehearsal.providers.model import Call, Made, TypeSpec
from rehearsal.providers.rules import derived

if TYPE_CHECKING:
    from collections.abc import Iterator

STORE, WORKSPACE = "alicloud:log/store:Store", "alicloud:cms/workspace:Workspace"
_TARGETS = {"VPC": VPC, "VSwitch": VSWITCH}
_BOUND = ("slsProjectArn", "ossBucketName", "maxComputeProjectArn")


def _captured(call: Call) -> Iterator[Problem]:
    kind = _TARGETS.get(call.text("resourceType"))
    target = call.text("resourceId")
    if kind and target and call.store.get_resource(target, type=kind) is None and not call.will_exist(kind, target):
        yield Problem("resourceId", f"names {target!r}, and there is no such {call.text('resourceType')}")
    project, store = call.text("projectName"), call.text("logStoreName")
    there = call.store.get_resource(f"{project}:{store}", type=STORE) is not None or call.will_exist(STORE, store)
    if project and store and not there:
        yield Problem("logStoreName", f"there is no store {store!r} in project {project!r}")


def _delivered(call: Call) -> Iterator[Problem]:
    if all(call.get(path) is None for path in _BOUND):
        yield Problem("slsProjectArn", f"one of {', '.join(_BOUND)} is required by the API")
    region = call.known("trailRegion")
    places = {*ALICLOUD_ZONES, "All"}
    if isinstance(region, str) and region not in places:
        yield Problem("trailRegion", not_offered(region, places, what="region"))
    arn = call.known("slsProjectArn")
    if not isinstance(arn, str):
        return
    parts = arn.split(":")
    if len(parts) != 5 or parts[:2] != ["acs", "log"] or not parts[4].startswith("project/"):
        yield Problem("slsProjectArn", f"{arn!r} is no ARN such as acs:log:cn-shanghai:1000000000000001:project/NAME")
        return
    name = parts[4].removeprefix("project/")
    found = next(iter(call.store.find_by_name(LOG_PROJECT, name)), None)
    if found is None and not call.will_exist(LOG_PROJECT, name):
        yield Problem("slsProjectArn", f"there is no log project {name!r} in this account")
    if found is not None and found.region != parts[2]:
        yield Problem("slsProjectArn", f"project {name} lies in {found.region}, not in {parts[2]}")


LOG_TYPES: tuple[TypeSpec, ...] = (
    TypeSpec(
        type_name="alicloud:vpc/flowLog:FlowLog",
        make=with_prefix("fl"),
        # A network is recorded once.
        key=lambda call: f"{call.text('resourceType')}/{call.text('resourceId')}",
        outputs=lambda call, id_: {"flowLogId": id_, "businessStatus": "Normal", "regionId": region_of(call)},
        parents=(("projectName", LOG_PROJECT),),
        rules=(_captured,),
    ),
    TypeSpec(
        type_name="alicloud:actiontrail/trail:Trail",
        make=lambda call: Made(id=call.text("trailName"), region=region_of(call)),
        key=lambda call: call.text("trailName"),
        outputs=lambda call, _id: {"name": call.text("trailName"), "regionId": region_of(call)},
        rules=(_delivered,),
    ),
    TypeSpec(
        type_name=WORKSPACE,
        make=lambda call: Made(id=call.text("workspaceName"), region=region_of(call)),
        key=lambda call: call.text("workspaceName"),
        outputs=lambda call, _id: {"regionId": region_of(call)},
        planned=lambda call: {"workspaceName": call.text("workspaceName")},
        parents=(("slsProject", LOG_PROJECT),),
    ),
    TypeSpec(
        type_name="alicloud:cms/prometheusInstance:PrometheusInstance",
        make=lambda call: Made(id=f"rw-{derived(call.urn, 'prometheus').replace('-', '')}", region=region_of(call)),
        key=lambda call: f"{call.text('workspace')}/{call.text('prometheusInstanceName')}",
        outputs=lambda call, _id: {"paymentType": "POSTPAY", "regionId": region_of(call)},
        parents=(("workspace", WORKSPACE),),
    ),
)
