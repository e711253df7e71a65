"""Looking into a GCP project with `gcloud`. Quotas of Compute Engine only; those of other services are not asked.

One question makes what it asks for, where it is not there yet: the service agent of Cloud Storage, which costs nothing,
holds nothing and may do nothing until the cell grants it its key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from cli.check.certificates import pem
from cli.check.probe import Network, Offer, Quota
from cli.check.tool import NotAskedError
from components.clouds.needs import NEEDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cli.check.probe import Want
    from cli.check.tool import Tool

# What each accelerator counts against in a region. Those of later models are kept elsewhere, and stay unknown here.
_GPU_QUOTA = {
    "nvidia-tesla-t4": "NVIDIA_T4_GPUS",
    "nvidia-l4": "NVIDIA_L4_GPUS",
    "nvidia-tesla-a100": "NVIDIA_A100_GPUS",
    "nvidia-a100-80gb": "NVIDIA_A100_80GB_GPUS",
    "nvidia-h100-80gb": "NVIDIA_H100_GPUS",
}


@dataclass(frozen=True)
class Probe:
    """One project and region."""

    tool: Tool
    region: str
    project: str
    cluster_type: ClassVar[str] = "gcp:container/cluster:Cluster"

    def _ask(self, *args: str) -> Any:
        project = (f"--project={self.project}",) if self.project else ()
        return self.tool.ask(*args, *project, "--format=json")

    def identity(self) -> str:
        """The active account."""
        active = self.tool.ask("auth", "list", "--filter=status:ACTIVE", "--format=json")
        account = str(active[0]["account"]) if active else ""
        if not account:
            # The tool ends with 0 here; asking anything else says what is missing.
            self.tool.ask("projects", "list", "--limit=1", "--format=json")
        return f"{account} in project {self.project or 'of the tool'}"

    def services(self) -> frozenset[str]:
        """APIs that are enabled, and the service agent of Cloud Storage."""
        listed = self._ask("services", "list", "--enabled")
        on = frozenset(str(one["config"]["name"]) for one in listed) & set(NEEDS["gcp"].services)
        return on | set(NEEDS["gcp"].asked_for) if "storage.googleapis.com" in on and self._storage_agent() else on

    def _storage_agent(self) -> bool:
        project = (f"--project={self.project}",) if self.project else ()
        try:
            return "@gs-project-accounts." in self.tool.text("storage", "service-agent", *project)
        except NotAskedError:
            # Whoever runs the command of the fix reads the reason, and the other services are told all the same.
            return False

    def minors(self) -> frozenset[str]:
        """Of the channel that our clusters follow."""
        config = self._ask("container", "get-server-config", f"--location={self.region}")
        regular = next((one for one in config["channels"] if one["channel"] == "REGULAR"), {})
        return frozenset(".".join(str(version).split(".")[:2]) for version in regular.get("validVersions") or ())

    def offers(self, machines: Sequence[str]) -> Mapping[str, Offer]:
        """Machine types by zone."""
        wanted = " OR ".join(f"name={machine}" for machine in machines)
        listed = self._ask("compute", "machine-types", "list", f"--filter=({wanted}) AND zone~^{self.region}-")
        found: dict[str, Offer] = {}
        for one in listed:
            name, zone = str(one["name"]), str(one["zone"]).rsplit("/", 1)[-1]
            zones = found[name].zones if name in found else frozenset[str]()
            found[name] = Offer(zones=zones | {zone}, cpus=int(one["guestCpus"]))
        return found

    def quotas(self, wants: Sequence[Want], offers: Mapping[str, Offer]) -> list[Quota]:
        """GPUs by model, and the vCPUs of machines without GPUs (machines with GPUs have quotas of their own)."""
        described = self._ask("compute", "regions", "describe", self.region)
        known = {str(one["metric"]): one for one in described.get("quotas") or ()}
        needed: dict[str, float] = {}
        for want in wants:
            if want.gpus:
                name = _GPU_QUOTA.get(want.accelerator, f"GPUs of {want.accelerator}")
                needed[name] = needed.get(name, 0) + want.count * want.gpus
            else:
                cpus = offers[want.machine].cpus if want.machine in offers else None
                needed["CPUS"] = needed.get("CPUS", 0) + want.count * (cpus or 0)
        return [
            Quota(
                name=name,
                limit=float(known[name]["limit"]) if name in known else None,
                used=float(known[name]["usage"]) if name in known else None,
                needed=amount,
            )
            for name, amount in sorted(needed.items())
        ]

    def networks(self) -> list[Network]:
        """Subnetworks of the region, by their network."""
        listed = self._ask("compute", "networks", "subnets", "list", f"--regions={self.region}")
        found: dict[str, tuple[str, ...]] = {}
        for one in listed:
            name = str(one["network"]).rsplit("/", 1)[-1]
            more = (str(part["ipCidrRange"]) for part in one.get("secondaryIpRanges") or ())
            found[name] = (*found.get(name, ()), str(one["ipCidrRange"]), *more)
        return [Network(name=name, ranges=ranges) for name, ranges in sorted(found.items())]

    def addons(self, minor: str) -> frozenset[str] | None:
        """GKE's add-ons are part of the cluster: there is no list."""
        del minor
        return None

    def cluster_ca(self, cluster_id: str) -> str:
        """Out of the cluster's own description."""
        parts = cluster_id.split("/")
        project, location, name = parts[1], parts[3], parts[5]
        asked = ("container", "clusters", "describe", name, f"--location={location}", f"--project={project}")
        return pem(self.tool.ask(*asked, "--format=json")["masterAuth"]["clusterCaCertificate"])
