"""ACK as its API enforces it: managed clusters, node pools, the cluster-wide autoscaling engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    objects,
    one_of,
    shape,
    strings,
)
from components.rules.model import Inputs, Problem, TypeRules

if TYPE_CHECKING:
    from collections.abc import Iterator

_SPECS = ("ack.standard", "ack.pro.small", "ack.pro.xlarge", "ack.pro.2xlarge", "ack.pro.4xlarge")


def _vswitch_ids(call: Inputs) -> Iterator[Problem]:
    for name in ("vswitchIds", "podVswitchIds", "workerVswitchIds"):
        for index, value in enumerate(strings(call.known(name))):
            if not value.startswith("vsw-"):
                yield Problem(f"{name}[{index}]", f"{value!r} is no vSwitch id: it must match ^vsw-[a-z0-9]*$")
    given = call.known("vswitchIds")
    if isinstance(given, list) and not 1 <= len(given) <= 5:
        yield Problem("vswitchIds", f"{len(given)} vSwitches; the API takes 1 to 5")


def _encryption(call: Inputs) -> Iterator[Problem]:
    if call.get("encryptionProviderKey") is not None and call.known("disableEncryption") is not False:
        yield Problem("disableEncryption", "must be set to false, or encryptionProviderKey has no effect")


def _network_addon(call: Inputs) -> Iterator[Problem]:
    addons = call.known("addons")
    if not isinstance(addons, list):
        return
    names = [addon.get("name") for addon in objects(addons)]
    if "terway-eniip" in names and call.get("podVswitchIds") is None:
        yield Problem("podVswitchIds", "is required by the API with the terway-eniip addon")
    if "flannel" in names and call.get("podCidr") is None:
        yield Problem("podCidr", "is required by the API with the flannel addon")


def _pool_shape(call: Inputs) -> Iterator[Problem]:
    for index, taint in enumerate(objects(call.known("taints"))):
        effect = taint.get("effect")
        if isinstance(effect, str) and effect not in ("NoSchedule", "NoExecute", "PreferNoSchedule"):
            yield Problem(f"taints[{index}].effect", f"{effect!r} is no taint effect")
    if call.known("scalingConfig.enable") is True:
        for path in ("scalingConfig.minSize", "scalingConfig.maxSize"):
            if call.get(path) is None:
                yield Problem(path, "is required by the API when scaling is enabled")
    disk = call.known("systemDiskSize")
    if isinstance(disk, int) and not 20 <= disk <= 2048:
        yield Problem("systemDiskSize", f"{disk} GiB; the API takes 20 to 2048")


TYPES: tuple[TypeRules, ...] = (
    TypeRules(
        type_name="alicloud:cs/managedKubernetes:ManagedKubernetes",
        name="name",
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
            shape(_vswitch_ids),
            shape(_encryption),
            shape(_network_addon),
        ),
    ),
    TypeRules(
        type_name="alicloud:cs/nodePool:NodePool",
        name="nodePoolName",
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
                "nodePoolName",
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
            one_of(
                "systemDiskCategory", ("cloud_essd", "cloud_auto", "cloud_essd_entry", "cloud_ssd", "cloud_efficiency")
            ),
            one_of("instanceChargeType", ("PostPaid", "PrePaid")),
            one_of("spotStrategy", ("NoSpot", "SpotWithPriceLimit", "SpotAsPriceGo")),
            matches("nodePoolName", r"[\w\u4e00-\u9fff-]{1,63}", "1 to 63 letters, digits, - and _"),
            shape(_pool_shape),
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
