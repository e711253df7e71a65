"""Alibaba Cloud flow logs, trails and Prometheus as their APIs enforce them."""

from __future__ import annotations

from components.rules.alicloud.net import NAME_PATTERN, NAME_WORDS, TAGS
from components.rules.checks import (
    between,
    matches,
    needs,
    one_of,
)
from components.rules.model import TypeRules

TYPES: tuple[TypeRules, ...] = (
    TypeRules(
        type_name="alicloud:vpc/flowLog:FlowLog",
        name="flowLogName",
        renamed=True,
        immutable=frozenset(
            {"logStoreName", "projectName", "resourceId", "resourceType", "trafficPaths", "trafficType"}
        ),
        rules=(
            TAGS,
            one_of("resourceType", ("NetworkInterface", "VSwitch", "VPC")),
            one_of("trafficType", ("All", "Allow", "Drop")),
            one_of("aggregationInterval", ("1", "5", "10")),
            one_of("status", ("Active", "Inactive")),
            matches("flowLogName", NAME_PATTERN, NAME_WORDS),
        ),
    ),
    TypeRules(
        type_name="alicloud:actiontrail/trail:Trail",
        name="trailName",
        immutable=frozenset({"isOrganizationTrail", "name"}),
        rules=(
            one_of("eventRw", ("Read", "Write", "All")),
            one_of("status", ("Enable", "Disable")),
            matches(
                "trailName", r"[a-z][a-z0-9_-]{5,35}", "6 to 36 lower-case letters, digits, _ and -, a letter first"
            ),
        ),
    ),
    TypeRules(
        type_name="alicloud:cms/workspace:Workspace",
        name="workspaceName",
        immutable=frozenset({"slsProject"}),
        rules=(
            matches("workspaceName", r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", "3 to 63 lower-case letters, digits and -"),
        ),
    ),
    TypeRules(
        type_name="alicloud:cms/prometheusInstance:PrometheusInstance",
        name="prometheusInstanceName",
        renamed=True,
        immutable=frozenset({"workspace"}),
        rules=(
            needs("workspace"),
            one_of("storageDuration", (15, 30, 60, 90, 180)),
            between("archiveDuration", 60, 3650),
            matches("prometheusInstanceName", r".{1,128}", "1 to 128 characters"),
        ),
    ),
)
