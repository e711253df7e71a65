"""Alibaba Cloud flow logs, trails and Prometheus as their APIs enforce them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rehearsal.providers.alicloud_cluster import LOG_PROJECT
from rehearsal.providers.alicloud_net import NAME_PATTERN, NAME_WORDS, VPC, VSWITCH, region_of, tag_rules, with_prefix
from rehearsal.providers.facts import ALICLOUD_ZONES
from rehearsal.providers.model import Call, Made, TypeSpec
from rehearsal.providers.rules import between, derived, matches, needs, not_offered, one_of
from rehearsal.providers.sdktypes import Problem

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
        name="flowLogName",
        make=with_prefix("fl"),
        # A network is recorded once.
        key=lambda call: f"{call.text('resourceType')}/{call.text('resourceId')}",
        outputs=lambda call, id_: {"flowLogId": id_, "businessStatus": "Normal", "regionId": region_of(call)},
        immutable=frozenset(
            {"logStoreName", "projectName", "resourceId", "resourceType", "trafficPaths", "trafficType"}
        ),
        parents=(("projectName", LOG_PROJECT),),
        rules=(
            tag_rules,
            _captured,
            one_of("resourceType", ("NetworkInterface", "VSwitch", "VPC")),
            one_of("trafficType", ("All", "Allow", "Drop")),
            one_of("aggregationInterval", ("1", "5", "10")),
            one_of("status", ("Active", "Inactive")),
            matches("flowLogName", NAME_PATTERN, NAME_WORDS),
        ),
    ),
    TypeSpec(
        type_name="alicloud:actiontrail/trail:Trail",
        name="trailName",
        make=lambda call: Made(id=call.text("trailName"), region=region_of(call)),
        key=lambda call: call.text("trailName"),
        outputs=lambda call, _id: {"name": call.text("trailName"), "regionId": region_of(call)},
        immutable=frozenset({"isOrganizationTrail"}),
        rules=(
            _delivered,
            one_of("eventRw", ("Read", "Write", "All")),
            one_of("status", ("Enable", "Disable")),
            matches(
                "trailName", r"[a-z][a-z0-9_-]{5,35}", "6 to 36 lower-case letters, digits, _ and -, a letter first"
            ),
        ),
    ),
    TypeSpec(
        type_name=WORKSPACE,
        name="workspaceName",
        make=lambda call: Made(id=call.text("workspaceName"), region=region_of(call)),
        key=lambda call: call.text("workspaceName"),
        outputs=lambda call, _id: {"regionId": region_of(call)},
        planned=lambda call: {"workspaceName": call.text("workspaceName")},
        immutable=frozenset({"slsProject"}),
        parents=(("slsProject", LOG_PROJECT),),
        rules=(
            matches("workspaceName", r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", "3 to 63 lower-case letters, digits and -"),
        ),
    ),
    TypeSpec(
        type_name="alicloud:cms/prometheusInstance:PrometheusInstance",
        name="prometheusInstanceName",
        make=lambda call: Made(id=f"rw-{derived(call.urn, 'prometheus').replace('-', '')}", region=region_of(call)),
        key=lambda call: f"{call.text('workspace')}/{call.text('prometheusInstanceName')}",
        outputs=lambda call, _id: {"paymentType": "POSTPAY", "regionId": region_of(call)},
        immutable=frozenset({"workspace"}),
        parents=(("workspace", WORKSPACE),),
        rules=(
            needs("workspace"),
            one_of("storageDuration", (15, 30, 60, 90, 180)),
            between("archiveDuration", 60, 3650),
            matches("prometheusInstanceName", r".{1,128}", "1 to 128 characters"),
        ),
    ),
)
