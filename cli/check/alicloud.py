"""Looking into an Alibaba Cloud account with `aliyun`: vCPUs of all machines from ECS, GPUs by family from the Quota
Center.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from cli import errors
from cli.check.certificates import certificate
from cli.check.probe import Network, Offer, Quota
from components.clouds.needs import NEEDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cli.check.probe import Want
    from cli.check.tool import Tool

_LIMIT, _USED = "max-postpaid-instance-vcpu-count", "used-postpaid-instance-vcpu-count"
# The quota of GPUs that machines of a family count against when they are paid as they are used (ECS, limits, GPU and
# vGPU quotas; bare metal of a family counts with it). A family that is not here has a quota that nobody named.
_GPU_QUOTA = {
    "gn5": "q_ecs_gn5_postpay_g",
    "gn5i": "q_ecs_gn5_postpay_g",
    "gn6e": "q_ecs_gn6e_postpay_g",
    "gn6i": "q_ecs_gn6i_postpay_g",
    "gn6v": "q_ecs_gn6v_postpay_g",
    "gn7": "q_ecs_gn7v_postpay_g",
    "gn7e": "q_ecs_gn7e_postpay_g",
    "gn7ex": "q_ecs_gn7e_postpay_g",
    "gn7i": "q_ecs_gn7i_postpay_g",
    "gn7s": "q_ecs_gn7i_postpay_g",
    "gn8is": "q_ecs_gn8i_postpay_g",
    "gn8v": "q_ecs_gn8v_postpay_g",
}


@dataclass(frozen=True)
class Probe:
    """One account and region; the tool's profile decides which account."""

    tool: Tool
    region: str
    account: str
    cluster_type: ClassVar[str] = "alicloud:cs/managedKubernetes:ManagedKubernetes"

    def _ecs(self, action: str, *args: str) -> Any:
        return self.tool.ask("ecs", action, "--RegionId", self.region, *args)

    def identity(self) -> str:
        """The caller as the security token service sees it."""
        caller = self.tool.ask("sts", "GetCallerIdentity")
        return f"{caller['Arn']} in account {caller['AccountId']}"

    def services(self) -> frozenset[str]:
        """Roles that the services have been given."""
        listed = self.tool.ask("ram", "ListRoles", "--MaxItems", "1000")
        return frozenset(str(one["RoleName"]) for one in listed["Roles"]["Role"]) & set(NEEDS["alicloud"].services)

    def minors(self) -> frozenset[str]:
        """Versions of ACK that clusters can be made of."""
        path = "/api/v1/metadata/versions"
        listed = self.tool.ask("cs", "GET", path, "--Region", self.region, "--ClusterType", "ManagedKubernetes")
        return frozenset(
            ".".join(str(one["version"]).split(".")[:2]) for one in listed if one.get("creatable") is not False
        )

    def offers(self, machines: Sequence[str]) -> Mapping[str, Offer]:
        """Machine types with stock, by zone."""
        types = [word for number, name in enumerate(machines, 1) for word in (f"--InstanceTypes.{number}", name)]
        sizes = {
            str(one["InstanceTypeId"]): int(one["CpuCoreCount"])
            for one in self.tool.ask("ecs", "DescribeInstanceTypes", *types)["InstanceTypes"]["InstanceType"]
        }
        found: dict[str, Offer] = {}
        for machine in machines:
            zones = frozenset(self._zones(machine))
            if zones:
                found[machine] = Offer(zones=zones, cpus=sizes.get(machine))
        return found

    def _zones(self, machine: str) -> Iterator[str]:
        asked = ("--DestinationResource", "InstanceType", "--InstanceType", machine)
        answer = self._ecs("DescribeAvailableResource", *asked, "--InstanceChargeType", "PostPaid")
        for zone in (answer.get("AvailableZones") or {}).get("AvailableZone") or ():
            if zone.get("Status") == "Available" and zone.get("StatusCategory") != "WithoutStock":
                yield str(zone["ZoneId"])

    def quotas(self, wants: Sequence[Want], offers: Mapping[str, Offer]) -> list[Quota]:
        """vCPUs of all machines that are paid as they are used, and GPUs by family."""
        return [self._cpus(wants, offers), *self._gpus(wants)]

    def _cpus(self, wants: Sequence[Want], offers: Mapping[str, Offer]) -> Quota:
        names = ("--AttributeName.1", _LIMIT, "--AttributeName.2", _USED)
        listed = self._ecs("DescribeAccountAttributes", *names)["AccountAttributeItems"]["AccountAttributeItem"]
        values = {
            str(one["AttributeName"]): [float(item["Value"]) for item in one["AttributeValues"]["ValueItem"]]
            for one in listed
        }
        needed = sum(want.count * (offers[want.machine].cpus or 0) for want in wants if want.machine in offers)
        limit, used = values.get(_LIMIT), values.get(_USED)
        return Quota(
            name=_LIMIT, limit=limit[0] if limit else None, used=used[0] if used else None, needed=float(needed)
        )

    def _gpus(self, wants: Sequence[Want]) -> list[Quota]:
        needed: dict[str, float] = {}
        for want in wants:
            if want.gpus:
                family = want.machine.split(".")[1].partition("-")[0].removeprefix("ebm")
                name = _GPU_QUOTA.get(family, f"GPUs of {family}")
                needed[name] = needed.get(name, 0) + want.count * want.gpus
        return [self._gpu(name, amount) for name, amount in sorted(needed.items())]

    def _gpu(self, name: str, needed: float) -> Quota:
        """One quota of the Quota Center. Whoever may not ask it still learns of the others."""
        rows: list[dict[str, Any]] = []
        if name in _GPU_QUOTA.values():
            with contextlib.suppress(errors.TwainError):
                # Without the dimension it answers for a region of its own choice.
                place = ("--Dimensions.1.Key", "regionId", "--Dimensions.1.Value", self.region)
                asked = ("--ProductCode", "ecs-spec", "--QuotaActionCode", name, *place)
                rows = self.tool.ask("quotas", "ListProductQuotas", *asked).get("Quotas") or []
        mine = [
            row
            for row in rows
            if row.get("QuotaActionCode") == name and (row.get("Dimensions") or {}).get("regionId") == self.region
        ]
        limit, used = (mine[0].get("TotalQuota"), mine[0].get("TotalUsage")) if mine else (None, None)
        return Quota(
            name=name,
            limit=None if limit is None else float(limit),
            used=None if used is None else float(used),
            needed=needed,
        )

    def networks(self) -> list[Network]:
        """Networks of the region with all their ranges."""
        listed = self.tool.ask("vpc", "DescribeVpcs", "--RegionId", self.region, "--PageSize", "50")
        return [
            Network(
                name=str(one.get("VpcName") or one["VpcId"]),
                ranges=(
                    str(one["CidrBlock"]),
                    *map(str, (one.get("SecondaryCidrBlocks") or {}).get("SecondaryCidrBlock") or ()),
                ),
            )
            for one in listed["Vpcs"]["Vpc"]
        ]

    def addons(self, minor: str) -> frozenset[str] | None:
        """The container service's components for a version."""
        asked = ("--region_id", self.region, "--profile", "Default", "--cluster_version", f"{minor}.1-aliyun.1")
        listed = self.tool.ask("cs", "GET", "/addons", "--cluster_type", "ManagedKubernetes", *asked)
        return frozenset(str(one["name"]) for one in listed["addons"])

    def cluster_ca(self, cluster_id: str) -> str:
        """Out of a kubeconfig for a quarter of an hour: the client key in it is dropped at once."""
        path = f"/k8s/{cluster_id}/user_config"
        asked = ("--TemporaryDurationMinutes", "15", "--PrivateIpAddress", "true")
        return certificate(self.tool.ask("cs", "GET", path, *asked)["config"])
