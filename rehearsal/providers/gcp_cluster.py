"""GKE as its API enforces it: clusters and node pools."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from components.rules.checks import (
    not_offered,
    objects,
    string_map,
    strings,
)
from components.rules.gcp.cluster import EFFECTS
from components.rules.model import Problem
from rehearsal.providers import gateways, gcp_nodes
from rehearsal.providers.clusters import ensure_cluster, minor_of, pool_of, remove_cluster, version_problems, whole
from rehearsal.providers.facts import GCP_ACCELERATORS, GCP_MACHINES, GCP_ZONES
from rehearsal.providers.gcp_net import NETWORK, SUBNETWORK, find, project_of
from rehearsal.providers.gcp_rest import KEY
from rehearsal.providers.model import Call, CloudRefusalError, Made, TypeSpec
from rehearsal.providers.rules import machine_problems
from rehearsal.providers.store import Pool, Resource, Taint
from rehearsal.providers.wire import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

CLUSTER, NODE_POOL = "gcp:container/cluster:Cluster", "gcp:container/nodePool:NodePool"

# What this cloud puts on GPU nodes by itself.
_GPU_TAINT = Taint(key="nvidia.com/gpu", value="present", effect="NoSchedule")


def _location(call: Call) -> str:
    return call.text("location") or str(call.config.get("region", ""))


def _region(location: str) -> str:
    """`europe-west4` of itself or of its zone `europe-west4-a`."""
    return location if location in GCP_ZONES else location.rsplit("-", 1)[0]


def _place(call: Call) -> Iterator[Problem]:
    location = call.get("location")
    zones = [zone for each in GCP_ZONES.values() for zone in each]
    if location is None:
        yield Problem("location", "is required: a cluster without one would take the provider's zone")
    elif isinstance(location, str) and location not in GCP_ZONES and location not in zones:
        yield Problem("location", not_offered(location, [*GCP_ZONES, *zones], what="location"))


def _node_zones(call: Call) -> Iterator[Problem]:
    cluster = find_cluster(call, call.text("cluster"))
    region = _region(call.text("location") or (cluster.region if cluster else ""))
    for index, zone in enumerate(strings(call.known("nodeLocations"))):
        if region in GCP_ZONES and zone not in GCP_ZONES[region]:
            yield Problem(f"nodeLocations[{index}]", not_offered(zone, GCP_ZONES[region], what="zone", where=region))


def find_cluster(call: Call, value: str) -> Resource | None:
    """A cluster by id or by its bare name."""
    found = call.store.get_resource(value, type=CLUSTER)
    return found or next(iter(call.store.find_by_name(CLUSTER, value)), None)


def _key_place(call: Call) -> Iterator[Problem]:
    key, location = call.known("databaseEncryption.keyName"), call.text("location")
    if isinstance(key, str) and "/locations/" in key and location:
        where = key.split("/locations/", 1)[1].split("/", 1)[0]
        if where != _region(location):
            yield Problem(
                "databaseEncryption.keyName",
                f"the key lies in {where}, the cluster in {_region(location)}: they must be the same",
            )


def _version(call: Call) -> Iterator[Problem]:
    yield from version_problems("minMasterVersion", call.text("minMasterVersion"), cloud="gcp")


def _ranges(call: Call) -> Iterator[Problem]:
    subnet = find(call, SUBNETWORK, call.text("subnetwork"))
    if subnet is None:
        return
    known = {str(entry.get("rangeName")) for entry in objects(subnet.inputs.get("secondaryIpRanges"))}
    for name in ("clusterSecondaryRangeName", "servicesSecondaryRangeName"):
        value = call.known(f"ipAllocationPolicy.{name}")
        if isinstance(value, str) and value not in known:
            yield Problem(
                f"ipAllocationPolicy.{name}", not_offered(value, known, what="secondary range", where=subnet.name)
            )


def _cluster_outputs(call: Call, id_: str) -> dict[str, Any]:
    version = call.text("minMasterVersion") or f"{minor_of('')}.1-gke.1000000"
    labels = call.known("resourceLabels") or {}
    return {
        "selfLink": f"https://container.googleapis.com/v1/{id_}",
        "masterVersion": version if version.count(".") > 1 else f"{version}.1-gke.1000000",
        "project": project_of(call),
        "pulumiLabels": labels,
        "effectiveLabels": labels | {"goog-pulumi-provisioned": "true"},
        "labelFingerprint": f"{sum(id_.encode()):08x}",
        "servicesIpv4Cidr": call.text("ipAllocationPolicy.servicesIpv4CidrBlock"),
    }


def _cluster_effect(call: Call, resource: Resource) -> dict[str, Any]:
    minor = minor_of(call.text("minMasterVersion"))
    endpoint = ensure_cluster(
        call, resource, cloud="gcp", region=_region(_location(call)), minor=minor, brings=gateways.gcp(call, minor)
    )
    private = call.known("privateClusterConfig")
    added: dict[str, Any] = {
        "endpoint": endpoint.host,
        "masterAuth": {
            "clusterCaCertificate": base64.b64encode(endpoint.ca.encode()).decode(),
            "clientCertificateConfig": {"issueClientCertificate": False},
        },
    }
    if isinstance(private, dict):
        added["privateClusterConfig"] = private | {"privateEndpoint": endpoint.host}
    dns = call.known("controlPlaneEndpointsConfig.dnsEndpointConfig")
    if isinstance(dns, dict):
        config = call.known("controlPlaneEndpointsConfig")
        added["controlPlaneEndpointsConfig"] = config | {"dnsEndpointConfig": dns | {"endpoint": endpoint.host}}
    return added


def _cluster_removal(resource: Resource, call: Call) -> None:
    # The real provider protects by default: left out means True.
    if resource.inputs.get("deletionProtection") is not False:
        message = (
            f"{resource.name} is protected against deletion; set deletion_protection to false and bring that up first"
        )
        raise CloudRefusalError(message)
    remove_cluster(resource, call)


def _machine(call: Call) -> Iterator[Problem]:
    kind = call.known("nodeConfig.machineType")
    cluster = find_cluster(call, call.text("cluster"))
    region = _region(call.text("location") or (cluster.region if cluster else ""))
    if isinstance(kind, str):
        yield from machine_problems("nodeConfig.machineType", kind, machines=GCP_MACHINES, region=region)
        allowed = next(
            (value for prefix, value in GCP_ACCELERATORS.items() if kind.startswith(prefix)), frozenset[str]()
        )
        for index, entry in enumerate(objects(call.known("nodeConfig.guestAccelerators"))):
            path, wanted = f"nodeConfig.guestAccelerators[{index}]", entry.get("type")
            if isinstance(wanted, str) and wanted not in allowed:
                yield Problem(f"{path}.type", not_offered(wanted, allowed, what="accelerator", where=kind))
            facts = GCP_MACHINES.get(kind)
            if facts and facts.gpus and entry.get("count") != facts.gpus:
                yield Problem(f"{path}.count", f"{kind} has {facts.gpus} GPUs, not {entry.get('count')}")


def _node_version(call: Call) -> str:
    """New nodes come with the version of their control plane."""
    cluster = find_cluster(call, call.text("cluster"))
    asked = str(cluster.inputs.get("minMasterVersion") or "") if cluster else ""
    return asked if asked.count(".") > 1 else f"{minor_of(asked)}.1-gke.1000000"


def _pool(call: Call, id_: str) -> Iterator[Pool]:
    cluster = find_cluster(call, call.text("cluster"))
    region = cluster.region if cluster else ""
    zones = strings(call.known("nodeLocations")) or list(GCP_ZONES.get(region, ()))
    per_zone = call.known("autoscaling.maxNodeCount") is not None
    factor = len(zones) if per_zone else 1
    low = call.known(f"autoscaling.{'minNodeCount' if per_zone else 'totalMinNodeCount'}")
    high = call.known(f"autoscaling.{'maxNodeCount' if per_zone else 'totalMaxNodeCount'}")
    fixed = whole(call.known("nodeCount")) * len(zones)
    labels = string_map(call.known("nodeConfig.labels")) | gcp_nodes.labels(call)
    accelerators = sum(whole(entry.get("count")) for entry in objects(call.known("nodeConfig.guestAccelerators")))
    taints = [
        Taint(key=str(taint["key"]), value=str(taint["value"]), effect=EFFECTS.get(str(taint["effect"]), "NoSchedule"))
        for taint in objects(call.known("nodeConfig.taints"))
    ]
    if accelerators and not any(taint.key == _GPU_TAINT.key for taint in taints):
        taints.append(_GPU_TAINT)
    yield pool_of(
        cell=cluster.cell if cluster else call.cell,
        cloud="gcp",
        name=call.text("name"),
        instance_type=call.text("nodeConfig.machineType"),
        smallest=whole(low) * factor if call.get("autoscaling") else fixed,
        largest=whole(high) * factor if call.get("autoscaling") else fixed,
        zones=zones,
        labels=labels,
        taints=taints,
        resource=id_,
        accelerators=accelerators or None,
    )


def _cluster_id(call: Call) -> str:
    return f"projects/{project_of(call)}/locations/{_location(call)}/clusters/{call.text('name')}"


def _pool_id(call: Call) -> str:
    cluster = find_cluster(call, call.text("cluster"))
    return f"{cluster.id if cluster else _cluster_id(call)}/nodePools/{call.text('name')}"


CLUSTER_TYPES: tuple[TypeSpec, ...] = (
    TypeSpec(
        type_name=CLUSTER,
        make=lambda call: Made(id=_cluster_id(call), region=_region(_location(call))),
        key=_cluster_id,
        outputs=_cluster_outputs,
        effect=_cluster_effect,
        removal=_cluster_removal,
        planned=lambda call: (
            {"name": call.text("name"), "location": _location(call)}
            # The cloud fills these in; what was asked for is only a part of them.
            | dict.fromkeys(("masterAuth", "privateClusterConfig", "controlPlaneEndpointsConfig"), UNKNOWN)
        ),
        parents=(
            ("network", NETWORK),
            ("subnetwork", SUBNETWORK),
            ("databaseEncryption.keyName", KEY),
            ("nodeConfig.bootDiskKmsKey", KEY),
        ),
        rules=(
            _place,
            _node_zones,
            _key_place,
            _version,
            _ranges,
        ),
    ),
    TypeSpec(
        type_name=NODE_POOL,
        make=lambda call: Made(id=_pool_id(call), region=_region(call.text("location"))),
        key=_pool_id,
        outputs=lambda call, id_: {
            "project": project_of(call),
            "instanceGroupUrls": [],
            "managedInstanceGroupUrls": [],
            "version": call.text("version") or _node_version(call),
            "operation": f"operation-{sum(id_.encode())}",
        },
        pools=_pool,
        parents=(("cluster", CLUSTER), ("nodeConfig.bootDiskKmsKey", KEY)),
        rules=(
            _node_zones,
            _machine,
        ),
    ),
)
