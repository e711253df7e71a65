"""`gcloud`: project, APIs, versions, machine types, quotas, subnetworks, clusters."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any

from rehearsal.cloudcli import gcloud_keys, gcloud_stores, grammar
from rehearsal.cloudcli.account import RefusedError
from rehearsal.cloudcli.options import Plain, read
from rehearsal.providers.facts import GCP_MACHINES, GCP_ZONES, KUBERNETES_MINORS
from rehearsal.providers.gcp_cluster import CLUSTER
from rehearsal.providers.gcp_net import NETWORK, SUBNETWORK

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rehearsal.cloudcli.account import Account
    from rehearsal.cloudcli.options import Asked

_SERVICES = (
    "aiplatform", "artifactregistry", "billingbudgets", "cloudkms", "cloudresourcemanager", "compute", "container",
    "dns", "file", "iam", "iamcredentials", "logging", "memorystore", "monitoring", "networkconnectivity", "orgpolicy",
    "pubsub", "secretmanager", "servicenetworking", "sqladmin", "storage",
)  # fmt: skip
_GPU_QUOTA = {
    "NVIDIA L4": "NVIDIA_L4_GPUS",
    "NVIDIA A100-SXM4-40GB": "NVIDIA_A100_GPUS",
    "NVIDIA A100-SXM4-80GB": "NVIDIA_A100_80GB_GPUS",
    "NVIDIA H100 80GB HBM3": "NVIDIA_H100_GPUS",
}
_URL = "https://www.googleapis.com/compute/v1/projects/p"


def answer(arguments: Sequence[str], account: Account) -> Any:
    """What a command prints as JSON. Raises RefusedError."""
    asked = read(arguments, bare=frozenset({"enabled"}) | gcloud_stores.BARE)
    if account.declared.get("signed_out"):
        if asked.words == ("auth", "list"):
            return []
        message = "ERROR: You do not currently have an active account selected. Run: gcloud auth login"
        raise RefusedError(message)
    for words, work in _COMMANDS.items():
        if asked.words[: len(words)] == words:
            grammar.check("gcloud", words, asked)
            return work(asked, account)
    message = f"the rehearsal's gcloud does not play `gcloud {' '.join(asked.words)}`"
    raise RefusedError(message)


def _region(asked: Asked) -> str:
    region = asked.option("location") or asked.option("regions") or (asked.words[3] if len(asked.words) > 3 else "")
    if region not in GCP_ZONES:
        message = f"ERROR: (gcloud) Could not fetch resource: region {region!r} was not found"
        raise RefusedError(message)
    return region


def _services(_asked: Asked, account: Account) -> Any:
    names = [f"{name}.googleapis.com" for name in _SERVICES]
    return [{"config": {"name": name}, "state": "ENABLED"} for name in names if not account.off(name)]


def _storage_agent(_asked: Asked, account: Account) -> Any:
    """The command takes no format, and makes the agent where there is none."""
    if account.off("service agent of Cloud Storage"):
        message = "ERROR: (gcloud.storage.service-agent) HTTPError 403: caller does not have storage.buckets.create"
        raise RefusedError(message)
    return Plain("service-100000000001@gs-project-accounts.iam.gserviceaccount.com")


def _config(asked: Asked, _account: Account) -> Any:
    _region(asked)
    versions = [f"{minor}.1-gke.1000000" for minor in reversed(KUBERNETES_MINORS["gcp"])]
    return {"channels": [{"channel": "REGULAR", "validVersions": versions}], "validMasterVersions": versions}


def _machine_types(asked: Asked, account: Account) -> Any:
    text = asked.option("filter")
    names, regions = re.findall(r"name=([\w-]+)", text), re.findall(r"zone~\^([\w-]+?)-(?:\s|$)", text)
    found: list[dict[str, Any]] = []
    for name in names:
        machine = GCP_MACHINES.get(name)
        if machine is None or account.barred(name):
            continue
        for region in regions:
            if region in machine.regions:
                zones = [zone for zone in GCP_ZONES[region] if zone not in account.barred_in(name)]
                found += [{"name": name, "zone": f"{_URL}/zones/{zone}", "guestCpus": machine.cpus} for zone in zones]
    return found


def _quotas(asked: Asked, account: Account) -> Any:
    region = _region(asked)
    used: dict[str, int] = dict.fromkeys(["CPUS", *_GPU_QUOTA.values()], 0)
    for name, count in account.in_use(GCP_MACHINES, region=region).items():
        machine = GCP_MACHINES[name]
        metric = _GPU_QUOTA.get(machine.gpu_model, "") if machine.gpus else "CPUS"
        if metric:
            used[metric] += count * (machine.gpus or machine.cpus)
    quotas = [{"metric": name, "limit": account.limit(name), "usage": amount} for name, amount in used.items()]
    return {"name": region, "quotas": quotas}


def _subnets(asked: Asked, account: Account) -> Any:
    region = _region(asked)
    names = {row.id: row.name for row in account.live(NETWORK)}
    found: list[dict[str, Any]] = []
    for row in account.live(SUBNETWORK, region=region):
        network = str(row.inputs.get("network") or "")
        found.append(
            {
                "name": row.name,
                "network": f"{_URL}/global/networks/{names.get(network, network.rsplit('/', 1)[-1])}",
                "ipCidrRange": row.inputs.get("ipCidrRange"),
                "secondaryIpRanges": [
                    {"rangeName": part.get("rangeName"), "ipCidrRange": part.get("ipCidrRange")}
                    for part in row.inputs.get("secondaryIpRanges") or ()
                ],
            }
        )
    for name, ranges in account.strangers().items():
        url = f"{_URL}/global/networks/{name}"
        found += [{"name": name, "network": url, "ipCidrRange": text} for text in ranges]
    return found


def _cluster(asked: Asked, account: Account) -> Any:
    name = asked.words[3] if len(asked.words) > 3 else ""
    row = next((one for one in account.live(CLUSTER) if one.name == name), None)
    record = next((one for one in account.store.clusters() if row is not None and one.id == row.id), None)
    if record is None:
        message = f"ERROR: (gcloud.container.clusters.describe) ResponseError: code=404, message=Not found: {name}"
        raise RefusedError(message)
    ca = base64.b64encode(record.ca.encode()).decode()
    return {"name": name, "endpoint": record.endpoint, "masterAuth": {"clusterCaCertificate": ca}}


_COMMANDS: dict[tuple[str, ...], Callable[[Asked, Account], Any]] = {
    ("auth", "list"): lambda _asked, _account: [{"account": "operator@rehearsal.invalid", "status": "ACTIVE"}],
    ("services", "list"): _services,
    ("storage", "service-agent"): _storage_agent,
    ("container", "get-server-config"): _config,
    ("container", "clusters", "describe"): _cluster,
    ("compute", "machine-types", "list"): _machine_types,
    ("compute", "regions", "describe"): _quotas,
    ("compute", "networks", "subnets", "list"): _subnets,
    **gcloud_keys.COMMANDS,
    **gcloud_stores.COMMANDS,
}
