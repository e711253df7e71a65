"""AKS as ARM enforces it: managed clusters with an inline system pool, and agent pools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.rules.checks import (
    networks,
    objects,
    overlap_problems,
    string_map,
    strings,
)
from components.rules.model import Problem
from rehearsal.providers import gateways
from rehearsal.providers.azure_arm import TENANT, child_of_group, location_of, resolve, zone_problems
from rehearsal.providers.azure_net import SUBNET, VNET
from rehearsal.providers.clusters import (
    ensure_cluster,
    minor_of,
    pool_of,
    refuse_newer_nodes,
    remove_cluster,
    version_problems,
    whole,
)
from rehearsal.providers.facts import AZURE_MACHINES, AZURE_REGIONS
from rehearsal.providers.model import CloudRefusalError
from rehearsal.providers.rules import derived, machine_problems
from rehearsal.providers.store import Pool, Taint

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rehearsal.providers.model import Call, Resource, TypeSpec

CLUSTER, AGENT_POOL = "azure-native:containerservice:ManagedCluster", "azure-native:containerservice:AgentPool"
# Described in `azure_disks`.
DISKS = "azure-native:compute:DiskEncryptionSet"
IDENTITY, VAULT = "azure-native:managedidentity:UserAssignedIdentity", "azure-native:keyvault:Vault"


def _system_pool(call: Call) -> Iterator[Problem]:
    profiles = call.known("agentPoolProfiles")
    pools = objects(profiles)
    for index, pool in enumerate(pools):
        path = f"agentPoolProfiles[{index}]"
        yield from _pool_problems(path, pool, region=location_of(call))


def _pool_problems(path: str, pool: Mapping[str, Any], *, region: str) -> Iterator[Problem]:
    at = f"{path}." if path else ""
    size = pool.get("vmSize")
    if isinstance(size, str):
        yield from machine_problems(f"{at}vmSize", size, machines=AZURE_MACHINES, region=region)
    yield from zone_problems(f"{at}availabilityZones", strings(pool.get("availabilityZones")), region=region)


def _version(call: Call) -> Iterator[Problem]:
    yield from version_problems("kubernetesVersion", call.text("kubernetesVersion"), cloud="azure")


def _cluster_ranges(call: Call) -> Iterator[Problem]:
    service, dns = call.text("networkProfile.serviceCidr"), call.text("networkProfile.dnsServiceIP")
    for network in networks([service]):
        if network.prefixlen < 12:
            yield Problem("networkProfile.serviceCidr", f"{service} is larger than the /12 that the API takes")
        for address in networks([f"{dns}/32"] if dns else []):
            if not address.subnet_of(network) or address.network_address == network.network_address + 1:
                yield Problem(
                    "networkProfile.dnsServiceIP", f"{dns} must lie in {service} and not be its first address"
                )
    pod = call.text("networkProfile.podCidr")
    yield from overlap_problems("networkProfile.serviceCidr", service, {"the pods": pod})
    subnet = next(
        (resolve(call, SUBNET, str(pool.get("vnetSubnetID"))) for pool in objects(call.known("agentPoolProfiles"))),
        None,
    )
    if subnet is None:
        return
    vnet = resolve(call, VNET, subnet.id.rsplit("/subnets/", 1)[0])
    for block in strings(vnet.inputs.get("addressSpace", {}).get("addressPrefixes")) if vnet else []:
        yield from overlap_problems("networkProfile.serviceCidr", service, {vnet.name if vnet else "": block})
        yield from overlap_problems("networkProfile.podCidr", pod, {vnet.name if vnet else "": block})


def identity_output(call: Call, id_: str) -> dict[str, Any] | None:
    """The identity as ARM gives it back: ids become a map to the identity's own ids."""
    identity = call.known("identity")
    if not isinstance(identity, dict):
        return None
    assigned = {}
    for user in strings(identity.get("userAssignedIdentities")):
        found = resolve(call, IDENTITY, user)
        outputs = found.outputs if found else {}
        assigned[user] = {
            "clientId": str(outputs.get("clientId", "")),
            "principalId": str(outputs.get("principalId", "")),
        }
    answer: dict[str, Any] = {"type": str(identity.get("type")), "principalId": "", "tenantId": TENANT}
    if "SystemAssigned" in str(identity.get("type")):
        answer["principalId"] = derived(id_, "principal")
    return answer | ({"userAssignedIdentities": assigned} if assigned else {})


def _cluster_outputs(call: Call, id_: str) -> dict[str, Any]:
    name, region = call.text("resourceName"), location_of(call)
    version = call.text("kubernetesVersion") or minor_of("")
    outputs: dict[str, Any] = {
        "provisioningState": "Succeeded",
        "currentKubernetesVersion": version if version.count(".") > 1 else f"{version}.1",
        "kubernetesVersion": version,
        "maxAgentPools": 100,
        "powerState": {"code": "Running"},
        "resourceUID": f"{sum(id_.encode()):024x}",
        "nodeResourceGroup": call.text("nodeResourceGroup") or f"MC_{call.text('resourceGroupName')}_{name}_{region}",
        "identityProfile": {
            "kubeletidentity": {
                "clientId": derived(id_, "client"),
                "objectId": derived(id_, "object"),
                "resourceId": f"{id_}-agentpool",
            }
        },
    }
    profiles = [
        dict(pool)
        | {"provisioningState": "Succeeded", "currentOrchestratorVersion": outputs["currentKubernetesVersion"]}
        for pool in objects(call.known("agentPoolProfiles"))
    ]
    outputs["agentPoolProfiles"] = profiles
    if call.known("oidcIssuerProfile.enabled") is True:
        issuer = f"https://{region}.oic.prod-aks.azure.com/{TENANT}/{outputs['resourceUID']}/"
        outputs["oidcIssuerProfile"] = {"enabled": True, "issuerURL": issuer}
    identity = identity_output(call, id_)
    return outputs | ({"identity": identity} if identity else {})


def _same_machines(call: Call, resource: Resource) -> None:
    """An update that would give a pool another machine is refused; the cluster is not replaced for it."""
    before = {str(pool.get("name")): pool.get("vmSize") for pool in objects(resource.inputs.get("agentPoolProfiles"))}
    for index, pool in enumerate(objects(call.known("agentPoolProfiles"))):
        size = before.get(str(pool.get("name")), pool.get("vmSize"))
        if size != pool.get("vmSize"):
            message = (
                f"PropertyChangeNotAllowed: changing property 'properties.agentPoolProfiles[{index}].vmSize' "
                f"from {size} to {pool.get('vmSize')} is not allowed"
            )
            raise CloudRefusalError(message)


def _cluster_effect(call: Call, resource: Resource) -> dict[str, Any]:
    _same_machines(call, resource)
    minor = minor_of(call.text("kubernetesVersion"))
    endpoint = ensure_cluster(
        call, resource, cloud="azure", region=location_of(call), minor=minor, brings=gateways.azure(call)
    )
    private = call.known("apiServerAccessProfile.enablePrivateCluster") is True
    return {"fqdn": endpoint.host} | ({"privateFQDN": endpoint.host} if private else {})


def _cluster_pools(call: Call, id_: str) -> Iterator[Pool]:
    for pool in objects(call.known("agentPoolProfiles")):
        yield _pool(call, pool, name=str(pool.get("name")), cell=call.cell, region=location_of(call), resource=id_)


def _agent_pool_outputs(call: Call, _id: str) -> dict[str, Any]:
    cluster = resolve(call, CLUSTER, call.text("resourceName"))
    plane = str(cluster.inputs.get("kubernetesVersion") or "") if cluster else ""
    version = call.text("orchestratorVersion") or plane or minor_of("")
    refuse_newer_nodes(call.text("agentPoolName"), version=version, plane=plane or version)
    return {
        "provisioningState": "Succeeded",
        "currentOrchestratorVersion": version if version.count(".") > 1 else f"{version}.1",
        "nodeImageVersion": "AKSUbuntu-2204gen2containerd-202608.13.0",
    }


def _agent_pool(call: Call, id_: str) -> Iterator[Pool]:
    cluster = resolve(call, CLUSTER, call.text("resourceName"))
    cell = cluster.cell if cluster else call.cell
    region = cluster.region if cluster else ""
    yield _pool(call, call.inputs, name=call.text("agentPoolName"), cell=cell, region=region, resource=id_)


def _pool(_call: Call, pool: Mapping[str, Any], *, name: str, cell: str, region: str, resource: str) -> Pool:
    scaling = pool.get("enableAutoScaling") is True
    numbered = strings(pool.get("availabilityZones")) or list(AZURE_REGIONS.get(region, ())[:1])
    taints: list[Taint] = []
    for text in strings(pool.get("nodeTaints")):
        pair, _colon, effect = text.partition(":")
        key, _equals, value = pair.partition("=")
        taints.append(Taint(key=key, value=value, effect=effect))
    return pool_of(
        cell=cell,
        cloud="azure",
        name=name,
        instance_type=str(pool.get("vmSize")),
        smallest=whole(pool.get("minCount")) if scaling else whole(pool.get("count"), 1),
        largest=whole(pool.get("maxCount")) if scaling else whole(pool.get("count"), 1),
        # A Node's zone label is <region>-<number> on this cloud.
        zones=[f"{region}-{zone}" for zone in numbered],
        labels=string_map(pool.get("nodeLabels")),
        taints=taints,
        resource=resource,
    )


def _agent_pool_rules(call: Call) -> Iterator[Problem]:
    cluster = resolve(call, CLUSTER, call.text("resourceName"))
    yield from _pool_problems(
        "", call.inputs, region=cluster.region if cluster else str(call.config.get("location", ""))
    )


CLUSTER_TYPES: tuple[TypeSpec, ...] = (
    child_of_group(
        CLUSTER,
        "Microsoft.ContainerService/managedClusters",
        "resourceName",
        outputs=_cluster_outputs,
        effect=_cluster_effect,
        removal=remove_cluster,
        pools=_cluster_pools,
        planned=lambda call: {"name": call.text("resourceName")},
        parents=(
            ("identity.userAssignedIdentities[]", IDENTITY),
            ("agentPoolProfiles[].vnetSubnetID", SUBNET),
            ("diskEncryptionSetID", DISKS),
            ("apiServerAccessProfile.subnetId", SUBNET),
            ("securityProfile.azureKeyVaultKms.keyVaultResourceId", VAULT),
        ),
        rules=(
            _system_pool,
            _version,
            _cluster_ranges,
            gateways.mesh_problems,
        ),
    ),
    child_of_group(
        AGENT_POOL,
        "Microsoft.ContainerService/managedClusters/agentPools",
        "agentPoolName",
        inside=(("resourceName", CLUSTER),),
        outputs=_agent_pool_outputs,
        pools=_agent_pool,
        parents=(("vnetSubnetID", SUBNET),),
        located=False,
        rules=(_agent_pool_rules,),
    ),
)
