"""`aliyun`: caller, service roles, versions, machines by zone, limits of vCPUs and GPUs, networks, a kubeconfig."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any

from rehearsal.cloudcli import aliyun_keys, aliyun_stores
from rehearsal.cloudcli.account import RefusedError
from rehearsal.cloudcli.options import read
from rehearsal.providers.alicloud_cluster import CLUSTER
from rehearsal.providers.alicloud_components import OFFERED
from rehearsal.providers.facts import ALICLOUD_MACHINES, ALICLOUD_ZONES, KUBERNETES_MINORS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rehearsal.cloudcli.account import Account
    from rehearsal.cloudcli.options import Asked

_VPC = "alicloud:vpc/network:Network"
_LIMIT, _USED = "max-postpaid-instance-vcpu-count", "used-postpaid-instance-vcpu-count"
_ROLES = (
    "AliyunCSDefaultRole",
    "AliyunCSManagedCsiRole",
    "AliyunCSManagedKubernetesRole",
    "AliyunCSManagedLogRole",
    "AliyunCSManagedNetworkRole",
    "AliyunECSDiskEncryptDefaultRole",
)


def answer(arguments: Sequence[str], account: Account) -> Any:
    """What a command prints as JSON. Raises RefusedError."""
    asked = read(arguments, bare=aliyun_stores.BARE)
    if account.declared.get("signed_out"):
        message = "ERROR: InvalidAccessKeyId.NotFound: Specified access key is not found."
        raise RefusedError(message)
    for words, work in _COMMANDS.items():
        if asked.words[: len(words)] == words:
            return work(asked, account)
    message = f"the rehearsal's aliyun does not play `aliyun {' '.join(asked.words)}`"
    raise RefusedError(message)


def _region(asked: Asked) -> str:
    region = asked.option("RegionId") or asked.option("Region") or asked.option("region_id")
    if region not in ALICLOUD_ZONES:
        message = f"ERROR: InvalidRegionId.NotFound: {region!r}"
        raise RefusedError(message)
    return region


def _roles(_asked: Asked, account: Account) -> Any:
    return {"Roles": {"Role": [{"RoleName": name} for name in _ROLES if not account.off(name)]}}


def _types(asked: Asked, _account: Account) -> Any:
    names = [value for name, value in asked.options.items() if name.startswith("InstanceTypes.")]
    listed = [
        {
            "InstanceTypeId": name,
            "CpuCoreCount": ALICLOUD_MACHINES[name].cpus,
            "GPUAmount": ALICLOUD_MACHINES[name].gpus,
        }
        for name in names
        if name in ALICLOUD_MACHINES
    ]
    return {"InstanceTypes": {"InstanceType": listed}}


def _available(asked: Asked, account: Account) -> Any:
    region, name = _region(asked), asked.option("InstanceType")
    machine = ALICLOUD_MACHINES.get(name)
    if machine is None or region not in machine.regions:
        return {"AvailableZones": {"AvailableZone": []}}
    out = ALICLOUD_ZONES[region] if account.barred(name) else account.barred_in(name)
    zones = [
        {"ZoneId": zone, "Status": "Available", "StatusCategory": "WithoutStock" if zone in out else "WithStock"}
        for zone in ALICLOUD_ZONES[region]
    ]
    return {"AvailableZones": {"AvailableZone": zones}}


def _attributes(asked: Asked, account: Account) -> Any:
    used = account.in_use(ALICLOUD_MACHINES, region=_region(asked))
    cpus = sum(count * ALICLOUD_MACHINES[name].cpus for name, count in used.items())
    values = {_LIMIT: account.limit(_LIMIT), _USED: cpus}
    items = [
        {"AttributeName": name, "AttributeValues": {"ValueItem": [{"Value": str(values[name])}]}}
        for option, name in asked.options.items()
        if option.startswith("AttributeName.") and name in values
    ]
    return {"AccountAttributeItems": {"AccountAttributeItem": items}}


def _gpu_quotas(asked: Asked, account: Account) -> Any:
    """The Quota Center: GPUs of a family of machines that are paid as they are used (`q_ecs_FAMILY_postpay_g`)."""
    code, region = asked.option("QuotaActionCode"), asked.option("Dimensions.1.Value")
    if asked.option("ProductCode") != "ecs-spec" or asked.option("Dimensions.1.Key") != "regionId":
        message = "ERROR: PARAMETER.ILLEGALL: the product and its dimension regionId are needed"
        raise RefusedError(message)
    if region not in ALICLOUD_ZONES:
        message = f"ERROR: InvalidRegionId.NotFound: {region!r}"
        raise RefusedError(message)
    if account.off("quotas"):
        message = "ERROR: NoPermission: You are not authorized to do this action. Action: quotas:ListProductQuotas"
        raise RefusedError(message)
    found = re.fullmatch(r"q_ecs_(gn\w+)_postpay_g", code)
    if found is None:
        return {"TotalCount": 0, "Quotas": []}
    used = sum(
        count * ALICLOUD_MACHINES[name].gpus
        for name, count in account.in_use(ALICLOUD_MACHINES, region=region).items()
        if name.startswith(f"ecs.{found[1]}-")
    )
    row = {
        "ProductCode": "ecs-spec",
        "QuotaActionCode": code,
        "Dimensions": {"regionId": region},
        "TotalQuota": account.limit(code),
        "TotalUsage": used,
    }
    return {"TotalCount": 1, "Quotas": [row]}


def _networks(asked: Asked, account: Account) -> Any:
    region = _region(asked)
    own = [
        {"VpcId": row.id, "VpcName": row.name, "CidrBlock": row.inputs.get("cidrBlock")}
        for row in account.live(_VPC, region=region)
    ]
    others = [
        {"VpcId": f"vpc-{name}", "VpcName": name, "CidrBlock": ranges[0]}
        for name, ranges in account.strangers().items()
    ]
    return {"Vpcs": {"Vpc": [*own, *others]}}


def _container_service(asked: Asked, account: Account) -> Any:
    path = asked.words[2] if len(asked.words) > 2 else ""
    if path == "/api/v1/metadata/versions":
        _region(asked)
        return [{"version": f"{minor}.1-aliyun.1", "creatable": True} for minor in KUBERNETES_MINORS["alicloud"]]
    if path == "/addons":
        return {"addons": [{"name": name} for name in OFFERED if not account.off(name)]}
    parts = path.strip("/").split("/")
    if len(parts) == 3 and parts[0] == "k8s" and parts[2] == "user_config":
        return _kubeconfig(parts[1], account)
    message = f"the rehearsal's aliyun does not play `aliyun cs GET {path}`"
    raise RefusedError(message)


def _kubeconfig(id_: str, account: Account) -> Any:
    record = next((one for one in account.store.clusters() if one.id == id_ and account.live(CLUSTER)), None)
    if record is None:
        message = f"ERROR: ErrorClusterNotFound: {id_}"
        raise RefusedError(message)
    ca = base64.b64encode(record.ca.encode()).decode()
    cluster = {"name": "kubernetes", "cluster": {"server": record.endpoint, "certificate-authority-data": ca}}
    # The real answer also holds a client key; nobody here may come to rely on it.
    return {"config": json.dumps({"apiVersion": "v1", "kind": "Config", "clusters": [cluster]})}


_COMMANDS: dict[tuple[str, ...], Callable[[Asked, Account], Any]] = {
    ("sts", "GetCallerIdentity"): lambda _asked, _account: {
        "AccountId": "1000000000000001",
        "Arn": "acs:ram::1000000000000001:user/operator",
        "IdentityType": "RAMUser",
    },
    ("ram", "ListRoles"): _roles,
    ("ecs", "DescribeInstanceTypes"): _types,
    ("ecs", "DescribeAvailableResource"): _available,
    ("ecs", "DescribeAccountAttributes"): _attributes,
    ("quotas", "ListProductQuotas"): _gpu_quotas,
    ("vpc", "DescribeVpcs"): _networks,
    ("cs", "GET"): _container_service,
    **aliyun_keys.COMMANDS,
    **aliyun_stores.COMMANDS,
}
