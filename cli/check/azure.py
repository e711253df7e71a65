"""Looking into an Azure subscription with `az`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from cli.check.certificates import certificate
from cli.check.probe import Network, Offer, Quota
from components.clouds.needs import NEEDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cli.check.probe import Want
    from cli.check.tool import Tool


@dataclass(frozen=True)
class Probe:
    """One subscription and location."""

    tool: Tool
    region: str
    subscription: str
    cluster_type: ClassVar[str] = "azure-native:containerservice:ManagedCluster"

    def _ask(self, *args: str) -> Any:
        chosen = ("--subscription", self.subscription) if self.subscription else ()
        return self.tool.ask(*args, *chosen, "--output", "json")

    def identity(self) -> str:
        """Who, and in which subscription."""
        account = self._ask("account", "show")
        return f"{account['user']['name']} in subscription {account['id']} ({account['state']})"

    def services(self) -> frozenset[str]:
        """Resource providers that are registered."""
        listed = self._ask("provider", "list")
        on = {str(one["namespace"]) for one in listed if one.get("registrationState") == "Registered"}
        return frozenset(on & set(NEEDS["azure"].services))

    def minors(self) -> frozenset[str]:
        """Versions of AKS, previews left out."""
        listed = self._ask("aks", "get-versions", "--location", self.region)
        return frozenset(str(one["version"]) for one in listed["values"] if not one.get("isPreview"))

    def offers(self, machines: Sequence[str]) -> Mapping[str, Offer]:
        """Sizes that this subscription may order, without the zones that are restricted for it."""
        listed = self._ask("vm", "list-skus", "--location", self.region, "--resource-type", "virtualMachines")
        found: dict[str, Offer] = {}
        for one in listed:
            limits = one.get("restrictions") or []
            if one["name"] not in machines or any(limit.get("type") == "Location" for limit in limits):
                continue
            barred = {zone for limit in limits for zone in (limit.get("restrictionInfo") or {}).get("zones") or ()}
            zones = {zone for place in one.get("locationInfo") or () for zone in place.get("zones") or ()}
            sizes = {part["name"]: part["value"] for part in one.get("capabilities") or ()}
            cpus = int(sizes["vCPUs"]) if "vCPUs" in sizes else None
            offer = Offer(zones=frozenset(zones - barred), cpus=cpus, family=str(one.get("family") or ""))
            found[str(one["name"])] = offer
        return found

    def quotas(self, wants: Sequence[Want], offers: Mapping[str, Offer]) -> list[Quota]:
        """vCPUs by family."""
        listed = self._ask("vm", "list-usage", "--location", self.region)
        known = {str(one["name"]["value"]): one for one in listed}
        needed: dict[str, float] = {}
        for want in wants:
            offer = offers.get(want.machine)
            if offer is not None and offer.cpus is not None and offer.family:
                needed[offer.family] = needed.get(offer.family, 0) + want.count * offer.cpus
        return [
            Quota(
                name=family,
                limit=float(known[family]["limit"]) if family in known else None,
                used=float(known[family]["currentValue"]) if family in known else None,
                needed=amount,
            )
            for family, amount in sorted(needed.items())
        ]

    def networks(self) -> list[Network]:
        """Virtual networks of the location."""
        listed = self._ask("network", "vnet", "list")
        return [
            Network(name=str(one["name"]), ranges=tuple(map(str, one["addressSpace"]["addressPrefixes"])))
            for one in listed
            if one.get("location") == self.region
        ]

    def addons(self, minor: str) -> frozenset[str] | None:
        """AKS' add-ons are part of the cluster: there is no list by version."""
        del minor
        return None

    def cluster_ca(self, cluster_id: str) -> str:
        """Out of a kubeconfig with an exec plugin in it: no credential is asked for."""
        parts = cluster_id.strip("/").split("/")
        group, name = parts[3], parts[-1]
        asked = ("aks", "get-credentials", "--resource-group", group, "--name", name, "--format", "exec", "--file", "-")
        return certificate(self.tool.text(*asked))
