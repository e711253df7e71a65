"""One body over three clouds: what a cell promises, whatever its resources are called."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from components.base import Component
from components.clouds import labels
from components.clouds.accounts import ROLES
from components.clouds.profile import NAME_RULES
from components.network.plan import AddressPlan
from components.parity import state
from components.policy.access import KEYED
from components.policy.model import Subject, cloud_of
from components.policy.rules import judge
from components.spec.load import load_fleet
from stacks.exports import InfraExports
from tests.contract.cells import CELLS, FLEET, MAISONS, WORLDS, Infra, Made
from tests.contract.cells import spec as declared
from tests.recorder import Recorder, environment

if TYPE_CHECKING:
    from pathlib import Path

    from tests.recorder import Registered

TAGS = {"twain-fleet", "twain-world", "twain-cell", "twain-layer"}
REGISTRIES = {
    "alicloud": "alicloud:cr/registryEnterpriseInstance:RegistryEnterpriseInstance",
    "gcp": "gcp:artifactregistry/repository:Repository",
    "azure": "azure-native:containerregistry:Registry",
}
DATABASES = {
    "alicloud": "alicloud:rds/instance:Instance",
    "gcp": "gcp:sql/databaseInstance:DatabaseInstance",
    "azure": "azure-native:dbforpostgresql:Server",
}
CACHES = {
    "alicloud": "alicloud:redis/tairInstance:TairInstance",
    "gcp": "gcp:memorystore/instance:Instance",
    "azure": "azure-native:redisenterprise:RedisEnterprise",
}
KEYS = {
    "alicloud": "alicloud:kms/key:Key",
    "gcp": "gcp:kms/cryptoKey:CryptoKey",
    "azure": "azure-native:keyvault:Key",
}
NAMESPACE = "alicloud:cs/registryEnterpriseNamespace:RegistryEnterpriseNamespace"
SECRETS = "gcp:secretmanager/regionalSecret:RegionalSecret"
ACCOUNT, ENDPOINT = "azure-native:storage:StorageAccount", "azure-native:network:PrivateEndpoint"
# Physical names in a namespace that the cells of an account share.
PER_ACCOUNT = (
    *("trailName", "workspaceName", "accessGroupName", "bucketId", "azureMonitorWorkspaceName", "accountName"),
    *("instanceName", "repositoryId", "registryName", "secretId", "serverName", "roleName"),
)


def test_a_cell_has_the_same_components_on_every_cloud(cell: Made, cloud: str) -> None:
    components = Counter(r.type for r in cell[0].resources if r.type.startswith("twain:"))
    kinds = ("Network", "Key", "Cluster", "NodePool", "Bucket", "Identity", "FileShare", "Observability")
    more = ("ContainerRegistry", "SecretStore", "Database", "Cache", "Budget", "GuardRails", "AiPlatform")
    pools = len(declared(cloud).template.gpu_pools)
    expected = Counter(f"twain:index:{kind}" for kind in (*kinds, *more))
    assert components == expected | Counter({"twain:index:NodePool": pools})
    names = {r.name.removeprefix(CELLS[cloud]) for r in cell[0].resources if r.type.startswith("twain:")}
    assert names == {"", *(f"-{pool.name}" for pool in declared(cloud).template.gpu_pools)}


def test_the_outputs_are_the_list_that_others_read(cell: Made, cloud: str) -> None:
    outputs = cell[1]
    # The engine leaves out what is none; only an authority that nobody pinned may be.
    assert set(outputs) | {"cluster_ca"} == set(InfraExports.__dataclass_fields__)
    assert outputs["cell"] == CELLS[cloud]
    assert outputs["cluster_endpoint"].startswith("https://")
    assert outputs["cluster_exec"]["env"] == {"TWAIN_CELL": CELLS[cloud]}
    assert re.fullmatch(r"(oss|gs|az)://[a-z0-9/-]+", outputs["weights_bucket"]["url"])
    assert set(outputs["file_share"]) == {"server", "path", "nfs_version"}
    assert all(outputs["file_share"].values())
    assert outputs["logs"]["days"] == declared(cloud).template.observability.log_days
    assert outputs["logs"]["place"]
    # Alibaba Cloud tells the address to a look-up only, and programs hold none.
    assert outputs["prometheus_query"].startswith("https://") == (cloud != "alicloud")
    assert set(outputs["registry"]) == {"id", "address"}
    assert re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+(/[a-z0-9-]+)*", outputs["registry"]["address"])
    assert outputs["secret_store"]["endpoint"].startswith("https://")
    assert set(outputs["secret_store"]["references"]) == MAISONS
    assert set(outputs["database"]) == {"host", "port", "name", "users"}
    assert set(outputs["cache"]) == {"host", "port", "users"}
    assert outputs["cache"]["host"]
    assert outputs["cache"]["port"] == ("10000" if cloud == "azure" else "6379")
    assert outputs["database"]["host"]
    assert (outputs["database"]["port"], outputs["database"]["name"]) == ("5432", "twain")
    assert set(outputs["budget"]) == {"id", "limit", "maisons", "unwatched"}
    assert set(outputs["ai_platform"]) == {"id", "service", "endpoint", "hosted"}
    assert outputs["guard_rails"] == {"attached_to": "", "policies": []}
    assert [pool["name"] for pool in outputs["gpu_pools"]] == [pool.name for pool in declared(cloud).template.gpu_pools]
    pool = outputs["gpu_pools"][0]
    assert set(pool) == {"name", "gpu_class", "gpus_per_node", "min", "max", "instance_type", "zones"}
    json.dumps(outputs)


def test_the_outputs_hold_what_the_resources_guarantee(cell: Made, cloud: str) -> None:
    recorder, outputs = cell
    assert outputs["guarantees"] == state.infra(recorder.graph(), cloud)
    # What was asked for is one thing, what the cloud says of it another.
    assert outputs["guarantees"] == state.infra(recorder.answers(), cloud)
    # Of one of the devices no source gives a figure.
    unknown = {name for name, value in outputs["guarantees"].items() if value is None}
    assert unknown == ({"gpu.rate"} if cloud == "azure" else set())


def test_every_resource_keeps_the_rules_and_names_its_provider(cell: Made, cloud: str) -> None:
    allowed = frozenset(load_fleet(FLEET).worlds[WORLDS[cloud]].regions)  # pyright: ignore[reportArgumentType]
    for resource in cell[0].resources:
        for told in (resource.inputs, resource.said) if cloud_of(resource.type) is not None else ():
            subject = Subject(
                type=resource.type,
                name=resource.name,
                inputs=told,
                world=WORLDS[cloud],
                allowed=allowed,
                provider="placed" if resource.provider or resource.type.startswith("pulumi:providers:") else "none",
                # Where a key comes from only the program knows: its own guard has asked it, in the run behind this.
                traced=frozenset(KEYED.get(resource.type, ())[:1]),
            )
            assert [str(violation) for violation in judge(subject)] == []


def test_every_resource_that_takes_tags_has_the_four(cell: Made) -> None:
    # Node labels of Alibaba Cloud are a list under the same key; machines of GCP are labelled through their pool.
    tagged = 0
    for resource in cell[0].resources:
        machines = resource.said.get("nodeConfig", {}).get("resourceLabels")
        for tags in (*(resource.said.get(key) for key in ("tags", "labels", "resourceLabels")), machines):
            if isinstance(tags, dict):
                # What is one maison's alone says whose beside them.
                assert set(tags) - {"twain-maison"} == TAGS, resource
                assert labels.problems(tags) == []
                tagged += 1
    assert tagged >= 5


def test_every_physical_name_fits_its_cloud(cell: Made) -> None:
    checked = 0
    for resource in cell[0].resources:
        for (kind, key), rule in NAME_RULES.items():
            if resource.type == kind:
                assert rule.pattern.fullmatch(resource.inputs[key]), (resource.type, resource.inputs[key])
                checked += 1
    assert checked >= 10


def test_the_longest_names_fit_too(cloud: str, tmp_path: Path, infra: Infra) -> None:
    text = FLEET.read_text(encoding="utf-8")
    fleet, long = "f-23456789-123456789", f"c{'-1234567' * 2}-{cloud[:2]}"
    assert len(fleet) == 20
    text = text.replace("name: rehearsal", f"name: {fleet}").replace(CELLS[cloud], long)
    path = tmp_path / "fleet.yaml"
    path.write_text(text, encoding="utf-8")
    recorder, _ = infra(cloud, path, cell=long)
    test_every_physical_name_fits_its_cloud((recorder, {}))


def test_a_gpu_pool_starts_at_nothing_and_keeps_others_out(cell: Made, cloud: str) -> None:
    kinds = {
        "alicloud": "alicloud:cs/nodePool:NodePool",
        "gcp": "gcp:container/nodePool:NodePool",
        "azure": "azure-native:containerservice:AgentPool",
    }
    wanted = declared(cloud).template.gpu_pools[0]
    (pool,) = [r.said for r in cell[0].of(kinds[cloud]) if wanted.name in r.name]
    text = json.dumps(pool)
    assert "nvidia.com/gpu" in text
    assert "present" in text
    assert re.search(r"no_?schedule", text, re.IGNORECASE)
    bounds = {
        "alicloud": lambda: (pool["scalingConfig"]["minSize"], pool["scalingConfig"]["maxSize"]),
        "gcp": lambda: (pool["autoscaling"]["totalMinNodeCount"], pool["autoscaling"]["totalMaxNodeCount"]),
        "azure": lambda: (pool["minCount"], pool["maxCount"]),
    }
    assert bounds[cloud]() == (wanted.min, wanted.max)
    assert "twain/gpu-class" in text
    assert wanted.gpu_class in text


def test_a_changed_maximum_changes_one_resource_and_nothing_else(cloud: str, tmp_path: Path, infra: Infra) -> None:
    path = tmp_path / "fleet.yaml"
    path.write_text(FLEET.read_text(encoding="utf-8").replace("max: 4}", "max: 3}"), encoding="utf-8")
    account = tmp_path / "account"
    before, after = (infra(cloud, one, account=account)[0].graph() for one in (FLEET, path))
    changed = [old[1] for old, new in zip(before, after, strict=True) if old != new]
    assert changed == [f"{CELLS[cloud]}-gpu80g"]


@pytest.mark.parametrize("protect", [True, False])
def test_protection_is_what_the_fleet_says(cloud: str, tmp_path: Path, protect: bool, infra: Infra) -> None:
    path = tmp_path / "fleet.yaml"
    text = FLEET.read_text(encoding="utf-8").replace("protect: false", f"protect: {str(protect).lower()}")
    path.write_text(text, encoding="utf-8")
    recorder, _ = infra(cloud, path)
    if cloud == "azure":
        assert len(recorder.of("azure-native:authorization:ManagementLockByScope")) == (6 if protect else 0)
        return
    kind = {"alicloud": "alicloud:cs/managedKubernetes:ManagedKubernetes", "gcp": "gcp:container/cluster:Cluster"}[
        cloud
    ]
    assert recorder.one(kind).inputs["deletionProtection"] is protect
    bucket = {"alicloud": "alicloud:oss/bucket:Bucket", "gcp": "gcp:storage/bucket:Bucket"}[cloud]
    assert recorder.one(bucket).inputs["forceDestroy"] is not protect
    for files in recorder.of("gcp:filestore/instance:Instance"):
        assert files.inputs["deletionProtectionEnabled"] is protect
    for images in recorder.of("gcp:artifactregistry/repository:Repository"):
        assert images.inputs["deletionPolicy"] == ("PREVENT" if protect else "DELETE")
    for secret in recorder.of(SECRETS):
        assert secret.inputs["deletionProtection"] is protect
    for cache in recorder.of("gcp:memorystore/instance:Instance"):
        assert cache.inputs["deletionProtectionEnabled"] is protect
    database = recorder.one(DATABASES[cloud]).inputs
    assert database["deletionProtection"] is protect
    if cloud == "gcp":
        assert database["settings"]["deletionProtectionEnabled"] is protect
        assert database["settings"]["retainBackupsOnDelete"] is protect


@pytest.mark.parametrize("protect", [True, False])
def test_files_images_and_caches_that_their_cloud_would_delete_are_protected_by_the_engine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, protect: bool, infra: Infra
) -> None:
    plain, asked = Component.child, list[object]()

    def noted(self: Component[Any, Any], **options: Any) -> Any:
        asked.append(options.get("protect"))
        return plain(self, **options)

    monkeypatch.setattr(Component, "child", noted)
    path = tmp_path / "fleet.yaml"
    text = FLEET.read_text(encoding="utf-8").replace("protect: false", f"protect: {str(protect).lower()}")
    path.write_text(text, encoding="utf-8")
    infra("alicloud", path)
    assert [one for one in asked if one is not None] == ([True, True, True] if protect else [])


SHARES = {
    "alicloud": ("alicloud:nas/fileSystem:FileSystem", "capacity"),
    "gcp": ("gcp:filestore/instance:Instance", "fileShares"),
    "azure": ("azure-native:storage:FileShare", "shareQuota"),
}


def test_files_are_of_the_size_that_the_fleet_says_and_nobody_mounts_them_as_root(
    cloud: str, tmp_path: Path, infra: Infra
) -> None:
    path = tmp_path / "fleet.yaml"
    text = FLEET.read_text(encoding="utf-8").replace("    protect:", "    file_share: {size_gib: 2048}\n    protect:")
    path.write_text(text, encoding="utf-8")
    recorder, _ = infra(cloud, path)
    kind, key = SHARES[cloud]
    size = recorder.one(kind).inputs[key]
    assert (size["capacityGb"] if isinstance(size, dict) else size) == 2048
    everything = json.dumps(recorder.graph()).lower().replace("_", "")
    assert "rootsquash" in everything
    assert not re.search(r"norootsquash|nosquash", everything)


def test_only_the_ranges_of_nodes_and_pods_may_mount(cell: Made, cloud: str) -> None:
    """On Azure the one way in is the endpoint's subnet: there is no list to look at, so there must be no other way."""
    recorder, _ = cell
    plan = AddressPlan.of(load_fleet(FLEET).cell(CELLS[cloud]).cidr)
    if cloud == "azure":
        (account,) = [one for one in recorder.of(ACCOUNT) if one.inputs["kind"] == "FileStorage"]
        assert account.inputs["networkRuleSet"] == {"bypass": "None", "defaultAction": "Deny"}
        assert account.inputs["publicNetworkAccess"] == "Disabled"
        groups = [one.inputs["privateLinkServiceConnections"][0]["groupIds"] for one in recorder.of(ENDPOINT)]
        assert ["file"] in groups
        return
    rules = [one.inputs["sourceCidrIp"] for one in recorder.of("alicloud:nas/accessRule:AccessRule")]
    for instance in recorder.of("gcp:filestore/instance:Instance"):
        rules += [one for option in instance.inputs["fileShares"]["nfsExportOptions"] for one in option["ipRanges"]]
    assert sorted(rules) == sorted([plan.nodes, plan.pods])


@pytest.mark.parametrize("days", [200, 365])
def test_logs_are_kept_as_long_as_the_fleet_says(cloud: str, tmp_path: Path, days: int, infra: Infra) -> None:
    path = tmp_path / "fleet.yaml"
    old = "    observability: {"
    path.write_text(FLEET.read_text(encoding="utf-8").replace(old, f"{old}log_days: {days}, "), encoding="utf-8")
    recorder, outputs = infra(cloud, path)
    keys = ("retentionPeriod", "controlPlaneLogTtl", "retentionDays", "retentionInDays")
    found = {str(resource.inputs[key]) for resource in recorder.resources for key in keys if key in resource.inputs}
    assert found == {str(days)}
    assert outputs["logs"]["days"] == days


def test_what_an_account_has_only_one_of_is_declared_by_one_cell(cloud: str, tmp_path: Path, infra: Infra) -> None:
    text = FLEET.read_text(encoding="utf-8")
    block = re.search(rf"    - name: {CELLS[cloud]}\n(?:      .*\n)+", text)
    assert block is not None
    sister = (
        block[0].replace(CELLS[cloud], "sister-1").replace(load_fleet(FLEET).cell(CELLS[cloud]).cidr, "10.0.0.0/14")
    )
    path = tmp_path / "fleet.yaml"
    path.write_text(text.replace(block[0], block[0] + sister), encoding="utf-8")
    single = {"gcp:projects/iAMAuditConfig:IAMAuditConfig", "azure-native:monitor:SubscriptionDiagnosticSetting"}
    first = {r.type for r in infra(cloud, path)[0].resources}
    second, _ = infra(cloud, path, cell="sister-1")
    assert bool(first & single) == (cloud != "alicloud")
    assert {r.type for r in second.resources} & single == set()
    # What every cell declares for itself must not collide with the other's.
    account = tmp_path / "account"
    names = [infra(cloud, path, cell=name, account=account)[0] for name in (CELLS[cloud], "sister-1")]
    mine, other = ({r.inputs.get(key) for r in one.resources for key in PER_ACCOUNT} - {None} for one in names)
    assert mine & other == set()


def test_a_program_imports_one_sdk_and_nothing_of_the_rehearsal_or_the_command_line(cloud: str) -> None:
    probe = (
        "import json, sys\n"
        "from stacks import program\n"
        "from tests.recorder import run\n"
        f"run(program.main, stack='rehearsal.{CELLS[cloud]}.infra', config={{'fleet': {str(FLEET)!r}}})\n"
        "print(json.dumps(sorted({m.partition('.')[0] for m in sys.modules})))\n"
    )
    with environment(TWAIN_REHEARSAL_HOME="/nowhere", PULUMI_BACKEND_URL=f"file:///nowhere/{WORLDS[cloud]}/state"):
        done = subprocess.run(
            [sys.executable, "-c", probe],
            cwd=FLEET.parents[2],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    assert done.returncode == 0, done.stderr
    loaded = set(json.loads(done.stdout))
    sdk = {"alicloud": "pulumi_alicloud", "gcp": "pulumi_gcp", "azure": "pulumi_azure_native"}[cloud]
    assert loaded & {"pulumi_alicloud", "pulumi_gcp", "pulumi_azure_native", "pulumi_kubernetes"} == {sdk}
    assert loaded & {"cli", "rehearsal", "dashboards"} == set()


def test_no_cloud_changes_a_minor_version_by_itself(cell: Made, cloud: str) -> None:
    """It is a line of the fleet. GKE must be in a channel, which then brings patches only."""
    recorder = cell[0]
    if cloud == "gcp":
        inputs = recorder.one("gcp:container/cluster:Cluster").said
        assert inputs["releaseChannel"] == {"channel": "REGULAR"}
        (kept,) = inputs["maintenancePolicy"]["maintenanceExclusions"]
        assert kept["exclusionOptions"] == {"scope": "NO_MINOR_UPGRADES", "endTimeBehavior": "UNTIL_END_OF_SUPPORT"}
    if cloud == "azure":
        inputs = recorder.one("azure-native:containerservice:ManagedCluster").said
        assert inputs["autoUpgradeProfile"]["upgradeChannel"] == "none"
    if cloud == "alicloud":
        assert "operationPolicy" not in recorder.one("alicloud:cs/managedKubernetes:ManagedKubernetes").inputs


def key_that_encrypts(recorder: Recorder, cloud: str) -> Registered:
    """The cell's own key, by its name: another one signs evidence."""
    (key,) = [one for one in recorder.of(KEYS[cloud]) if one.name == f"{CELLS[cloud]}-key"]
    return key


def test_every_node_s_disk_is_encrypted_with_the_cell_s_key(cell: Made, cloud: str) -> None:
    recorder = cell[0]
    if cloud == "azure":
        (disks,) = recorder.of("azure-native:compute:DiskEncryptionSet")
        key = key_that_encrypts(recorder, cloud)
        assert disks.inputs["activeKey"]["keyUrl"] == key.outputs["keyUriWithVersion"]
        cluster = recorder.one("azure-native:containerservice:ManagedCluster")
        assert cluster.inputs["diskEncryptionSetID"] == disks.id
        return
    pools = {"alicloud": "alicloud:cs/nodePool:NodePool", "gcp": "gcp:container/nodePool:NodePool"}[cloud]
    keys = [
        one.inputs.get("systemDiskKmsKey") or one.inputs["nodeConfig"]["bootDiskKmsKey"] for one in recorder.of(pools)
    ]
    if cloud == "gcp":
        keys.append(recorder.one("gcp:container/cluster:Cluster").inputs["nodeConfig"]["bootDiskKmsKey"])
    assert len(keys) == len(declared(cloud).template.gpu_pools) + (2 if cloud == "gcp" else 1)
    assert len(set(keys)) == 1
    assert keys[0]


def test_old_versions_in_the_bucket_go_after_as_many_days_as_the_fleet_says(cell: Made, cloud: str) -> None:
    kinds = {
        "alicloud": "alicloud:oss/bucket:Bucket",
        "gcp": "gcp:storage/bucket:Bucket",
        "azure": "azure-native:storage:ManagementPolicy",
    }
    text = json.dumps(cell[0].one(kinds[cloud]).inputs)
    found = re.findall(r'"(?:days|daysSinceNoncurrentTime|daysAfterCreationGreaterThan)": (\d+)', text, re.IGNORECASE)
    assert set(found) == {str(declared(cloud).template.bucket.noncurrent_days)}


@pytest.mark.parametrize("cloud", ["azure"])
def test_whatever_azure_closes_to_the_public_has_a_private_endpoint(cell: Made) -> None:
    recorder = cell[0]
    closed = {
        resource.name
        for resource in recorder.resources
        if resource.type in {ACCOUNT, REGISTRIES["azure"], CACHES["azure"]}
        and resource.inputs.get("publicNetworkAccess") == "Disabled"
    }
    reached = {
        resource.name.removesuffix("-endpoint") for resource in recorder.of("azure-native:network:PrivateEndpoint")
    }
    assert len(closed) == 4
    assert closed <= reached
    # The vault is named by the key's component, its endpoint by that of the secrets.
    groups = [one.inputs["privateLinkServiceConnections"][0]["groupIds"] for one in recorder.of(ENDPOINT)]
    assert ["vault"] in groups


def test_the_registry_is_closed_lies_in_the_region_and_is_encrypted_as_far_as_its_cloud_can(
    cell: Made, cloud: str
) -> None:
    inputs = cell[0].one(REGISTRIES[cloud]).said
    if cloud == "alicloud":
        # Sold in advance only, and never renewed by the program.
        assert (inputs["paymentType"], inputs["period"], inputs["renewalStatus"]) == (
            "Subscription",
            12,
            "ManualRenewal",
        )
        assert "password" not in inputs
        names = {one.inputs["name"] for one in cell[0].of(NAMESPACE)}
        assert names == {"platform", *(f"maison-{name}" for name in MAISONS)}
        assert {one.inputs["defaultVisibility"] for one in cell[0].of(NAMESPACE)} == {"PRIVATE"}
        link = cell[0].one("alicloud:cr/vpcEndpointLinkedVpc:VpcEndpointLinkedVpc").inputs
        (switch,) = [one.id for one in cell[0].of("alicloud:vpc/switch:Switch") if one.name.endswith("nodes-0")]
        assert (link["vpcId"], link["vswitchId"]) == (cell[0].one("alicloud:vpc/network:Network").id, switch)
        return
    assert inputs["location"] == load_fleet(FLEET).cell(CELLS[cloud]).region
    if cloud == "gcp":
        assert inputs["kmsKeyName"]
        assert inputs["dockerConfig"] == {"immutableTags": True}
        assert inputs["mode"] == "STANDARD_REPOSITORY"
        return
    closed = ("adminUserEnabled", "anonymousPullEnabled", "publicNetworkAccess", "networkRuleBypassOptions")
    assert [inputs[key] for key in closed] == [False, False, "Disabled", "None"]
    assert inputs["zoneRedundancy"] == "Enabled"
    # Without a version, so that a rotated key is taken up.
    assert re.fullmatch(
        r"https://[a-z0-9-]+\.vault\.azure\.net/keys/[a-z0-9-]+",
        inputs["encryption"]["keyVaultProperties"]["keyIdentifier"],
    )


def nodes(recorder: Recorder) -> str:
    """The account that the nodes of a cell on GCP run as."""
    (found,) = {pool.said["nodeConfig"]["serviceAccount"] for pool in recorder.of("gcp:container/nodePool:NodePool")}
    return found


def test_the_nodes_and_nobody_else_may_pull(cell: Made, cloud: str) -> None:
    """Alibaba Cloud has no grant here: its nodes ask for temporary tokens by an add-on in the cluster."""
    recorder = cell[0]
    if cloud == "gcp":
        (grant,) = recorder.of("gcp:artifactregistry/repositoryIamMember:RepositoryIamMember")
        assert grant.inputs["role"] == "roles/artifactregistry.reader"
        assert grant.inputs["member"] == f"serviceAccount:{nodes(recorder)}"
    if cloud == "azure":
        (grant,) = [
            one.inputs
            for one in recorder.of("azure-native:authorization:RoleAssignment")
            if one.inputs["roleDefinitionId"].endswith(ROLES["AcrPull"])
        ]
        cluster = recorder.one("azure-native:containerservice:ManagedCluster")
        assert grant["principalId"] == cluster.outputs["identityProfile"]["kubeletidentity"]["objectId"]
        assert grant["scope"] == recorder.one(REGISTRIES["azure"]).id


def test_secrets_have_a_place_a_reader_and_no_value(cell: Made, cloud: str) -> None:
    recorder, outputs = cell
    text = json.dumps(recorder.graph())
    assert not re.search(r"secretData|secretValue|SecretVersion", text)
    references = outputs["secret_store"]["references"]
    assert len(set(references.values())) == len(MAISONS)
    if cloud == "alicloud":
        policies = [
            one.inputs for one in recorder.of("alicloud:ram/policy:Policy") if "secret/" in json.dumps(one.inputs)
        ]
        statements = [one for policy in policies for one in json.loads(policy["policyDocument"])["Statement"]]
        wanted = [[f"acs:kms:{declared(cloud).cell.region}:*:secret/{one}"] for one in references.values()]
        assert sorted(one["Resource"] for one in statements) == sorted(wanted)
        actions = {action for one in statements for action in one["Action"]}
        assert actions == {"kms:GetSecretValue", "kms:DescribeSecret"}
    if cloud == "gcp":
        assert {one.inputs["location"] for one in recorder.of(SECRETS)} == {declared(cloud).cell.region}
        assert all(one.inputs["customerManagedEncryption"]["kmsKeyName"] for one in recorder.of(SECRETS))
        grants = recorder.of("gcp:secretmanager/regionalSecretIamMember:RegionalSecretIamMember")
        assert {one.inputs["role"] for one in grants} == {"roles/secretmanager.secretAccessor"}
        assert {one.inputs["secretId"] for one in grants} == set(references.values())
        assert len({one.inputs["member"] for one in grants}) == len(references)
    if cloud == "azure":
        grants = {
            one.inputs["principalId"]: one.inputs["scope"].rpartition("/secrets/")[2]
            for one in recorder.of("azure-native:authorization:RoleAssignment")
            if one.inputs["roleDefinitionId"].endswith(ROLES["Key Vault Secrets User"])
        }
        vault = outputs["secret_store"]["endpoint"]
        assert sorted(grants.values()) == sorted(one.rpartition("/")[2] for one in references.values())
        assert all(one.startswith(f"{vault}/secrets/") for one in references.values())


@pytest.mark.parametrize("cloud", ["gcp"])
def test_every_service_that_encrypts_with_the_key_on_gcp_may_use_it(cell: Made) -> None:
    """What is encrypted with a key that its service may not use is refused on creation."""
    recorder = cell[0]
    members = {
        one.inputs["member"].partition("@")[2] for one in recorder.of("gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember")
    }
    assert {
        f"gcp-sa-{one}.iam.gserviceaccount.com"
        for one in ("artifactregistry", "secretmanager", "cloud-sql", "memorystore")
    } <= members
    asked = {one.inputs["service"] for one in recorder.of("gcp:projects/serviceIdentity:ServiceIdentity")}
    services = ("artifactregistry", "secretmanager", "sqladmin", "memorystore")
    assert {f"{one}.googleapis.com" for one in services} <= asked


@pytest.mark.parametrize(("maisons", "bought"), [(14, None), (15, 5), (19, 5), (20, 10), (75, 65)])
def test_as_many_namespaces_are_bought_as_there_are_maisons_beyond_the_edition_s(
    tmp_path: Path, maisons: int, bought: int | None, infra: Infra
) -> None:
    text = FLEET.read_text(encoding="utf-8")
    block = re.search(r"    - name: calisto\n(?:      .*\n)+", text)
    assert block is not None
    more = "".join(block[0].replace("calisto", f"m{number}") for number in range(maisons - 2))
    path = tmp_path / "fleet.yaml"
    path.write_text(text.replace(block[0], block[0] + more), encoding="utf-8")
    recorder, _ = infra("alicloud", path)
    assert len(recorder.of(NAMESPACE)) == maisons + 1
    assert recorder.one(REGISTRIES["alicloud"]).inputs.get("namespaceQuota") == bought
