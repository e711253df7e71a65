"""ACK as its API enforces it: managed clusters, node pools, the cluster-wide autoscaling engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.clouds import limits
from components.rules.alicloud import nodes
from components.rules.alicloud.net import TAGS
from components.rules.checks import (
    between,
    cidr,
    conflicts,
    exactly_one,
    matches,
    min_not_above_max,
    needs,
    one_of,
    shape,
)
from components.rules.model import Inputs, Problem, TypeRules, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

# vSwitches of one cluster, one in each zone.
VSWITCHES = limits.ZONES["alicloud"]
_EFFECTS = ("NoSchedule", "NoExecute", "PreferNoSchedule")
# GiB of a system disk: the least of most kinds, the most of a basic disk, and of all others.
_LEAST, _BASIC, _MOST = 20, 500, 2048
_DISKS = ("cloud", "cloud_essd", "cloud_auto", "cloud_essd_entry", "cloud_ssd", "cloud_efficiency")
_SPECS = ("ack.standard", "ack.pro.small", "ack.pro.xlarge", "ack.pro.2xlarge", "ack.pro.4xlarge")


def _vswitch_ids(call: Inputs) -> Iterator[Problem]:
    for name in ("vswitchIds", "podVswitchIds", "workerVswitchIds"):
        for path, value in call.texts(name):
            if not value.startswith("vsw-"):
                yield Problem(path, f"{value!r} is no vSwitch id: it must match ^vsw-[a-z0-9]*$")


def _vswitches(call: Inputs) -> Iterator[Problem]:
    """How many there are is known before any of them is made."""
    given = call.get("vswitchIds")
    if isinstance(given, list) and not 1 <= len(given) <= VSWITCHES:
        yield Problem("vswitchIds", f"{len(given)} vSwitches; the API takes 1 to {VSWITCHES}")


def _encryption(call: Inputs) -> Iterator[Problem]:
    if call.get("encryptionProviderKey") is not None and call.known("disableEncryption") is not False:
        yield Problem("disableEncryption", "must be set to false, or encryptionProviderKey has no effect")


def _network_addon(call: Inputs) -> Iterator[Problem]:
    def of(_path: str, addon: dict[str, Any]) -> Iterator[Problem]:
        name = addon.get("name")
        if name == "terway-eniip" and call.get("podVswitchIds") is None:
            yield Problem("podVswitchIds", "is required by the API with the terway-eniip addon")
        if name == "flannel" and call.get("podCidr") is None:
            yield Problem("podCidr", "is required by the API with the flannel addon")

    yield from call.each("addons", of)


def _taints(call: Inputs) -> Iterator[Problem]:
    def of(path: str, taint: dict[str, Any]) -> Iterator[Problem]:
        effect = taint.get("effect")
        if isinstance(effect, str) and effect not in _EFFECTS:
            yield Problem(f"{path}.effect", f"{effect!r} is no taint effect")

    yield from call.each("taints", of)


def _scaled(call: Inputs) -> Iterator[Problem]:
    if call.known("scalingConfig.enable") is True:
        for path in ("scalingConfig.minSize", "scalingConfig.maxSize"):
            if call.get(path) is None:
                yield Problem(path, "is required by the API when scaling is enabled")


def _disk(call: Inputs) -> Iterator[Problem]:
    """ESSD AutoPL and the lowest level of ESSD begin at 1 GiB, the others at 20."""
    disk, kind = call.known("systemDiskSize"), call.get("systemDiskCategory")
    level = call.get("systemDiskPerformanceLevel")
    lowest = kind == "cloud_essd" and (level == "PL0" or isinstance(level, Unknown))
    small = lowest or kind == "cloud_auto" or isinstance(kind, Unknown)
    least, most = 1 if small else _LEAST, _BASIC if kind == "cloud" else _MOST
    if isinstance(disk, int) and not least <= disk <= most:
        yield Problem("systemDiskSize", f"{disk} GiB; the API takes {least} to {most}")


TYPES: tuple[TypeRules, ...] = (
    TypeRules(
        type_name="alicloud:cs/managedKubernetes:ManagedKubernetes",
        name="name",
        renamed=True,
        immutable=frozenset(
            {
                "apiAudiences",
                "autoMode",
                "clusterDomain",
                "ipStack",
                "nodeCidrMask",
                "podCidr",
                "profile",
                "proxyMode",
                "serviceAccountIssuer",
                "serviceCidr",
            }
        ),
        rules=(
            TAGS,
            needs("clusterSpec", "serviceCidr"),
            exactly_one("vswitchIds", "workerVswitchIds", "zoneIds"),
            matches("name", r"[a-zA-Z0-9\u4e00-\u9fff][\w-]{0,62}", "1 to 63 letters, digits, - and _"),
            one_of("clusterSpec", _SPECS),
            one_of("proxyMode", ("iptables", "ipvs", "nftables")),
            cidr("serviceCidr", shortest=12, longest=24),
            cidr("podCidr", shortest=12, longest=24),
            shape(_vswitch_ids, fix="give ids of vSwitches: vsw-…"),
            shape(_vswitches, fix=f"name 1 to {VSWITCHES} vSwitches, so one to {VSWITCHES} zones"),
            shape(_encryption, fix="set disableEncryption to false"),
            shape(_network_addon, fix="give pods their vSwitches with terway-eniip, their range with flannel"),
        ),
    ),
    TypeRules(
        type_name="alicloud:cs/nodePool:NodePool",
        name="nodePoolName",
        renamed=True,
        immutable=frozenset(
            {
                "autoMode",
                "cisEnabled",
                "clusterId",
                "deploymentSetId",
                "instanceMetadataOptions",
                "loginAsNonRoot",
                "nodeNameMode",
                "ramRoleName",
                "securityGroupId",
                "securityGroupIds",
                "securityHardeningOs",
                "socEnabled",
                "teeConfig",
                "type",
            }
        ),
        rules=(
            TAGS,
            needs("instanceTypes", "vswitchIds"),
            conflicts("scalingConfig", "desiredSize", "instances", "nodeCount"),
            between("scalingConfig.minSize", 0, 1000),
            between("scalingConfig.maxSize", 0, 1000),
            min_not_above_max("scalingConfig.minSize", "scalingConfig.maxSize"),
            one_of("scalingConfig.type", ("cpu", "gpu", "gpushare", "spot")),
            one_of("multiAzPolicy", ("PRIORITY", "COST_OPTIMIZED", "BALANCE")),
            one_of("systemDiskCategory", _DISKS),
            one_of("instanceChargeType", ("PostPaid", "PrePaid")),
            one_of("spotStrategy", ("NoSpot", "SpotWithPriceLimit", "SpotAsPriceGo")),
            matches("nodePoolName", r"[\w\u4e00-\u9fff-]{1,63}", "1 to 63 letters, digits, - and _"),
            shape(
                *(_taints, _scaled, _disk),
                name="pool shape",
                fix=f"taint with {', '.join(_EFFECTS)}; scale between two sizes; take a disk of a size that is sold",
            ),
            nodes.IMAGE,
        ),
    ),
    TypeRules(
        type_name="alicloud:cs/kubernetesAddon:KubernetesAddon",
        name="name",
        immutable=frozenset({"clusterId", "name"}),
        rules=(needs("clusterId"),),
    ),
    TypeRules(
        type_name="alicloud:cs/autoscalingConfig:AutoscalingConfig",
        immutable=frozenset({"clusterId"}),
        rules=(
            needs("clusterId"),
            one_of("scalerType", ("cluster-autoscaler", "goatscaler")),
            one_of("expander", ("least-waste", "random", "priority")),
        ),
    ),
)
