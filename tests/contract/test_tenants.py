"""What keeps one maison from another, told from what a fleet of several maisons would make, on every cloud.

The rules of the clouds, of Kubernetes' access control, of its network policies and of its quotas are evaluated; nothing
is deployed, and in a rehearsal nothing enforces the network policies. Each promise is shown broken once, by changing
what is made, so that an evaluation that says yes to everything would be found.
"""

from __future__ import annotations

import copy
import json
import re
from dataclasses import dataclass
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest

from cli.serve.manifests import CellTarget, render
from components.clouds.pods import SERVICE_ACCOUNT
from components.network.plan import AddressPlan
from components.platform.names import SYSTEM_NAMESPACE, maison_namespace
from components.policy import netpol, quotas, rbac
from components.policy.grants import Access
from components.spec.load import load_fleet, load_workload
from stacks import program
from tests.recorder import FLEET, PEM, ROOT, Recorder, environment, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Manifests = list[dict[str, Any]]

CELLS = {"alicloud": "cn-sha-1", "gcp": "eu-ams-1", "azure": "eu-par-1"}
# One name begins like another, with and without a dash: what is told apart by a prefix must end it.
MAISONS = ("aurelia", "aurelia-2", "aurel", "calisto")
PAIRS = list(permutations(MAISONS, 2))
SRE = rbac.Actor.member("system:serviceaccounts:twain-identity-sre")
GATE = rbac.Actor.member("system:serviceaccounts:twain-identity-gate")
WRITES = ("create", "update", "patch", "delete")
PORT = 8000


@dataclass(frozen=True)
class Made:
    """What the fleet makes in one cell: cloud resources, outputs, objects of the cluster with one workload each."""

    cloud: str
    rows: list[dict[str, Any]]
    outputs: dict[str, Any]
    objects: Manifests

    def pod(self, maison: str, **labels: str) -> netpol.Pod:
        return self.at(maison_namespace(maison), {"twain/workload": "advisor", "twain/maison": maison, **labels})

    def at(self, namespace: str, labels: dict[str, str] | None = None) -> netpol.Pod:
        spaces = {one["metadata"]["name"]: one["metadata"]["labels"] for one in self.objects if _is(one, "Namespace")}
        own = {**spaces.get(namespace, {}), "kubernetes.io/metadata.name": namespace}
        first, _ = AddressPlan.of(load_fleet(FLEET).cell(CELLS[self.cloud]).cidr).pods.split("/")
        return netpol.Pod(namespace=namespace, namespace_labels=own, labels=labels or {}, address=first)

    def access(self, maison: str, account: str = SERVICE_ACCOUNT) -> Access:
        return Access(self.rows, self.cloud, namespace=maison_namespace(maison), account=account)

    def bucket(self, maison: str) -> tuple[str, str]:
        """(bucket, prefix) of a maison's part, by its URL; on Azure the id of its container."""
        url = self.outputs["weights_bucket"]["maisons"][maison]
        if self.cloud == "azure":
            name = url.rpartition("/")[2]
            kind = "azure-native:storage:BlobContainer"
            (found,) = [r["id"] for r in self.rows if r["type"] == kind and r["inputs"]["containerName"] == name]
            return found, ""
        bucket, _, prefix = url.partition("://")[2].partition("/")
        return bucket, prefix


def _is(one: dict[str, Any], kind: str) -> bool:
    return one.get("kind") == kind


_MADE: dict[str, Made] = {}


@pytest.fixture(params=list(CELLS))
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Made:
    return built(request.param, tmp_path)


def built(cloud: str, folder: Path) -> Made:
    """What the fleet makes in the cell of a cloud, made once."""
    if cloud not in _MADE:
        _MADE[cloud] = _make(cloud, folder)
    return _MADE[cloud]


def _make(cloud: str, folder: Path) -> Made:
    cell, world = CELLS[cloud], "cn" if cloud == "alicloud" else "row"
    fleet = folder / "fleet.yaml"
    text = FLEET.read_text(encoding="utf-8")
    block = re.search(r"    - name: calisto\n(?:      .*\n)+", text)
    assert block is not None
    more = "".join(block[0].replace("calisto", name) for name in ("aurelia-2", "aurel"))
    fleet.write_text(text.replace(block[0], block[0] + more), encoding="utf-8")
    config = {"fleet": str(fleet)}
    with environment(
        TWAIN_REHEARSAL_HOME="/nowhere", PULUMI_BACKEND_URL=f"file:///nowhere/{world}/state", TWAIN_LOCK_DIR=str(folder)
    ):
        infra, outputs = run(program.main, stack=f"rehearsal.{cell}.infra", config=config)
        found = {**outputs, "cluster_ca": PEM}
        sisters = {f"organization/twain/rehearsal.{one}.infra": {**found, "cell": one} for one in CELLS.values()}
        platform, _ = run(
            program.main,
            stack=f"rehearsal.{cell}.platform",
            recorder=Recorder(references=sisters),
            config=config,
        )
    # A chart is no object; what it makes is in the cluster only, and its namespace is closed like the others.
    kinds = [one for one in platform.resources if one.type.startswith("kubernetes:")]
    objects = [one.inputs for one in kinds if not one.type.startswith("kubernetes:helm.sh/")]
    for maison in MAISONS:
        objects += _workload(maison, cell, cloud, world)
    return Made(cloud=cloud, rows=infra.rows(), outputs=outputs, objects=objects)


def _workload(maison: str, cell: str, cloud: str, world: str) -> Manifests:
    workload = load_workload(ROOT / "examples" / "advisor.yaml").model_copy(update={"maison": maison})
    target = CellTarget(
        cell=cell, world=world, cloud=cloud, region="r", registry="registry.example", pools=(), gpu_quota={}
    )
    return render(workload, target)


# The clouds: buckets and secrets.


def test_a_pod_reads_its_own_part_of_the_bucket_and_its_own_secret(made: Made) -> None:
    for maison in MAISONS:
        bucket, prefix = made.bucket(maison)
        access = made.access(maison)
        assert len(access.identities) == 1
        assert access.reads_object(bucket, f"{prefix}weights/model.safetensors")
        assert access.decrypts(bucket)
        assert access.lists(bucket, prefix)
        assert access.reads_secret(made.outputs["secret_store"]["references"][maison])


def test_a_pod_reads_nothing_of_another_maison_s_bucket_part_or_secret(made: Made) -> None:
    assert _leaks(made) == []


def _leaks(made: Made) -> list[tuple[str, str, str]]:
    found: list[tuple[str, str, str]] = []
    for one, other in PAIRS:
        access = made.access(one)
        bucket, prefix = made.bucket(other)
        if access.reads_object(bucket, f"{prefix}weights/model.safetensors"):
            found.append((one, other, "object"))
        if access.lists(bucket, prefix):
            found.append((one, other, "listing"))
        if access.reads_secret(made.outputs["secret_store"]["references"][other]):
            found.append((one, other, "secret"))
    return found


def test_nobody_lists_the_whole_bucket_or_reads_what_is_the_cell_s_own(made: Made) -> None:
    for maison in MAISONS:
        access = made.access(maison)
        bucket, _ = made.bucket(maison)
        if made.cloud == "azure":
            bucket = bucket.rpartition("/")[0] + "/weights"
        assert not access.lists(bucket, "")
        assert not access.reads_object(bucket, "shared/model.safetensors")


def test_no_other_account_of_a_namespace_has_an_identity(made: Made) -> None:
    """Neither the namespace's default account nor that of a workload."""
    for account in ("default", "advisor"):
        assert made.access("aurelia", account).identities == frozenset()


def test_the_account_that_the_cloud_trusts_is_there_and_names_the_identity_of_its_maison(made: Made) -> None:
    told = made.outputs["workload_identity"]
    for maison in MAISONS:
        (account,) = [
            one["metadata"]
            for one in made.objects
            if _is(one, "ServiceAccount")
            and one["metadata"]["namespace"] == maison_namespace(maison)
            and one["metadata"]["name"] == told["service_account"]
        ]
        assert account["annotations"] == {told["annotation"]: told["maisons"][maison]["value"]}


def _policies_without_slash(rows: list[dict[str, Any]]) -> None:
    """The part of the bucket no longer ends: what begins like it is in it."""
    for row in rows:
        inputs = row["inputs"]
        for key in ("policyDocument", "condition"):
            if key in inputs:
                text = json.dumps(inputs[key]).replace("maison-aurel/", "maison-aurel")
                inputs[key] = json.loads(text)


def _roles_of_all(rows: list[dict[str, Any]]) -> None:
    """Every role is given to every identity of the cell."""
    who = "principalId"
    for row in [one for one in rows if "inference-aurelia" in str(one["inputs"].get(who))]:
        others = [one for one in rows if "inference-calisto" in str(one["inputs"].get(who))]
        rows += [{**other, "inputs": {**other["inputs"], who: row["inputs"][who]}} for other in others]


def _trust_all(rows: list[dict[str, Any]]) -> None:
    """Any service account of the cluster may take the role of a maison."""
    for row in rows:
        text = row["inputs"].get("assumeRolePolicyDocument")
        if text and "maison-calisto" in text:
            row["inputs"]["assumeRolePolicyDocument"] = text.replace('"oidc:sub"', '"oidc:ignored"')
        if row["type"].endswith("serviceaccount/iAMMember:IAMMember") and "calisto" in row["inputs"]["member"]:
            row["inputs"]["member"] = row["inputs"]["member"].partition("[")[0]


def _wide_secrets(rows: list[dict[str, Any]]) -> None:
    """The right to one secret becomes one to all: by wildcard, by project, by the whole vault."""
    for row in list(rows):
        inputs = row["inputs"]
        if "policyDocument" in inputs and "kms:" in inputs["policyDocument"]:
            inputs["policyDocument"] = re.sub(r"secret/[a-z0-9-]+", "secret/*", inputs["policyDocument"])
        if "secretId" in inputs and "member" in inputs:
            project = {"project": "p", "role": "roles/secretmanager.secretAccessor", "member": inputs["member"]}
            rows.append({"type": "gcp:projects/iAMMember:IAMMember", "inputs": project})
        if "/secrets/" in str(inputs.get("scope")):
            inputs["scope"] = inputs["scope"].partition("/secrets/")[0]


@pytest.mark.parametrize(
    ("cloud", "plant", "leak"),
    [
        ("alicloud", _policies_without_slash, ("aurel", "aurelia", "object")),
        ("gcp", _policies_without_slash, ("aurel", "aurelia", "object")),
        ("azure", _roles_of_all, ("aurelia", "calisto", "object")),
        ("alicloud", _trust_all, ("aurelia", "calisto", "secret")),
        ("gcp", _trust_all, ("aurelia", "calisto", "secret")),
        ("alicloud", _wide_secrets, ("aurelia", "calisto", "secret")),
        ("gcp", _wide_secrets, ("aurelia", "calisto", "secret")),
        ("azure", _wide_secrets, ("aurelia", "calisto", "secret")),
    ],
)
def test_a_grant_that_is_too_wide_is_found(
    tmp_path: Path, cloud: str, plant: Callable[[list[dict[str, Any]]], None], leak: tuple[str, str, str]
) -> None:
    if cloud not in _MADE:
        _MADE[cloud] = _make(cloud, tmp_path)
    whole = _MADE[cloud]
    rows = copy.deepcopy(whole.rows)
    plant(rows)
    assert leak in _leaks(Made(cloud=cloud, rows=rows, outputs=whole.outputs, objects=whole.objects))


# The network: endpoints.


def test_no_pod_reaches_an_endpoint_of_another_maison(made: Made) -> None:
    assert _reached(made, made.objects) == []


def _reached(made: Made, objects: Manifests) -> list[tuple[str, str]]:
    """Also a pod that claims to be of the other, by its labels, and one that no workload's policy is about."""
    found: list[tuple[str, str]] = []
    for one, other in PAIRS:
        forged = {"twain/maison": other, "app.kubernetes.io/name": "prometheus"}
        sources = (made.pod(one), made.pod(one, **forged), made.at(maison_namespace(one)))
        targets = (made.pod(other), made.at(maison_namespace(other)))
        ways = ((PORT, "TCP"), (53, "UDP"), (443, "TCP"))
        if any(
            netpol.reaches(objects, source, target, port=port, protocol=protocol)
            for source in sources
            for target in targets
            for port, protocol in ways
        ):
            found.append((one, other))
    return found


def test_a_workload_s_pod_takes_requests_from_the_gateway_and_metrics_are_scraped(made: Made) -> None:
    """So that the test above is not kept by a network in which nothing reaches anything."""
    for maison in MAISONS:
        assert netpol.reaches(made.objects, made.at(SYSTEM_NAMESPACE), made.pod(maison), port=PORT)
        assert not netpol.reaches(made.objects, made.at(SYSTEM_NAMESPACE), made.pod(maison), port=22)


def test_no_pod_of_a_maison_reaches_the_platform(made: Made) -> None:
    for maison in MAISONS:
        for space in (SYSTEM_NAMESPACE, "gpu-monitoring"):
            for port in (9090, 8443, 9400):
                assert not netpol.reaches(made.objects, made.pod(maison), made.at(space), port=port)


def test_every_namespace_is_closed_both_ways(made: Made) -> None:
    for one in made.objects:
        if _is(one, "Namespace"):
            for direction in ("Ingress", "Egress"):
                assert netpol.guards(made.objects, made.at(one["metadata"]["name"]), direction)


@pytest.mark.parametrize(
    "plant",
    [
        # The default policy of a namespace is gone on both sides, and what opens ways out, which closes the others.
        lambda objects: [one for one in objects if one["metadata"]["name"] not in ("default-deny", "bucket", "token")],
        # Both sides are opened to whatever has a maison.
        lambda objects: [*objects, *_opened(objects)],
    ],
)
def test_a_way_between_maisons_is_found(made: Made, plant: Callable[[Manifests], Manifests]) -> None:
    assert ("aurelia", "calisto") in _reached(made, plant(copy.deepcopy(made.objects)))


def _opened(objects: Manifests) -> Iterator[dict[str, Any]]:
    peer = {"namespaceSelector": {"matchExpressions": [{"key": "twain/maison", "operator": "Exists"}]}}
    for one in objects:
        if _is(one, "NetworkPolicy") and one["metadata"]["name"] == "default-deny":
            spec = {
                "podSelector": {},
                "policyTypes": ["Ingress", "Egress"],
                "ingress": [{"from": [peer]}],
                "egress": [{"to": [peer]}],
            }
            yield {**one, "metadata": {**one["metadata"], "name": "opened"}, "spec": spec}


def test_a_workload_s_selectors_stay_in_its_namespace_and_no_route_leads_to_another_maison(made: Made) -> None:
    assert _strays(made.objects) == []
    # A route of one maison that names another's pool, and the grant that would make it work.
    planted = copy.deepcopy(made.objects)
    route = next(
        one for one in planted if _is(one, "HTTPRoute") and one["metadata"]["namespace"] == maison_namespace("aurelia")
    )
    route["spec"]["rules"][0]["backendRefs"][0]["namespace"] = maison_namespace("calisto")
    assert _strays(planted) == []
    grant = {"kind": "ReferenceGrant", "metadata": {"name": "x", "namespace": maison_namespace("calisto")}}
    assert _strays([*planted, grant]) == [("maison-aurelia", "maison-calisto")]


def _strays(objects: Manifests) -> list[tuple[str, str]]:
    """(from, to) of routes whose backend lies in another namespace that grants it. Kubernetes' other selectors
    (Service, InferencePool, PodDisruptionBudget) have no field for a namespace.
    """
    granting = {one["metadata"]["namespace"] for one in objects if _is(one, "ReferenceGrant")}
    return [
        (own, there)
        for one in objects
        if _is(one, "HTTPRoute")
        for rule in one["spec"]["rules"]
        for backend in rule["backendRefs"]
        if (there := backend.get("namespace", own := one["metadata"]["namespace"])) != own and there in granting
    ]


# Kubernetes' access control: secrets and pods.


def test_no_account_and_no_engineer_of_a_maison_reads_another_s_objects(made: Made) -> None:
    asks = [("get", "secrets"), ("list", "secrets"), ("create", "pods"), ("get", "pods/log"), ("get", "configmaps")]
    for one, other in PAIRS:
        space = maison_namespace(other)
        actors = [rbac.Actor.account(maison_namespace(one), name) for name in (SERVICE_ACCOUNT, "default", "advisor")]
        actors.append(rbac.Actor.member("aurelia-engineers" if one == "aurelia" else f"{one}-engineers"))
        for actor in actors:
            for verb, resource in asks:
                asked = rbac.Request(verb=verb, resource=resource, namespace=space, name="any")
                assert rbac.why_allowed(made.objects, actor, asked) == [], (actor, asked)


def test_an_engineer_of_a_maison_reads_its_own_workloads_and_no_secret(made: Made) -> None:
    engineer, space = rbac.Actor.member("aurelia-engineers"), maison_namespace("aurelia")
    assert rbac.why_allowed(made.objects, engineer, rbac.Request(verb="list", resource="pods", namespace=space))
    for verb in ("get", "list", "watch"):
        secrets = rbac.Request(verb=verb, resource="secrets", namespace=space)
        assert not rbac.why_allowed(made.objects, engineer, secrets)
    for verb in WRITES:
        assert not rbac.why_allowed(
            made.objects, engineer, rbac.Request(verb=verb, resource="deployments", group="apps", namespace=space)
        )


@pytest.mark.parametrize("actor", [SRE, GATE, rbac.Actor.account(SYSTEM_NAMESPACE, "gate")], ids=lambda one: one.user)
def test_whoever_deploys_workloads_writes_into_maisons_namespaces_and_nowhere_else(
    made: Made, actor: rbac.Actor
) -> None:
    assert _writes(made.objects, actor) == []


# What makes pods, what gives rights, and what opens ways.
_MAKERS = (
    *(("", one) for one in ("pods", "configmaps", "secrets", "serviceaccounts", "serviceaccounts/token", "services")),
    *(("apps", one) for one in ("deployments", "daemonsets", "statefulsets", "replicasets")),
    *(("batch", one) for one in ("jobs", "cronjobs")),
    *(("rbac.authorization.k8s.io", one) for one in ("roles", "rolebindings", "clusterroles", "clusterrolebindings")),
    ("networking.k8s.io", "networkpolicies"),
)
_ELSEWHERE = (SYSTEM_NAMESPACE, "gpu-monitoring", "kube-system", "default", "")


def _writes(objects: Manifests, actor: rbac.Actor) -> list[tuple[str, str, str]]:
    return [
        (verb, resource, space)
        for space in _ELSEWHERE
        for group, resource in _MAKERS
        for verb in WRITES
        if rbac.why_allowed(
            objects, actor, rbac.Request(verb=verb, resource=resource, group=group, namespace=space, name="any")
        )
    ]


def test_an_sre_deploys_reads_logs_and_publishes_the_month_s_cost(made: Made) -> None:
    """So that the test above is not kept by roles that allow nothing."""
    for maison in MAISONS:
        space = maison_namespace(maison)
        for actor in (SRE, GATE):
            deploy = rbac.Request(verb="create", resource="deployments", group="apps", namespace=space)
            assert rbac.why_allowed(made.objects, actor, deploy) == [f"RoleBinding/{space}/twain-operate"]
        logs = rbac.Request(verb="get", resource="pods/log", namespace=space)
        assert rbac.why_allowed(made.objects, SRE, logs)
        assert not rbac.why_allowed(made.objects, GATE, logs)
    cost = rbac.Request(verb="patch", resource="configmaps", namespace=SYSTEM_NAMESPACE, name="cost")
    assert rbac.why_allowed(made.objects, SRE, cost)
    assert not rbac.why_allowed(made.objects, GATE, cost)
    keys = rbac.Request(verb="get", resource="secrets", namespace=SYSTEM_NAMESPACE, name="gateway-keys")
    assert rbac.why_allowed(made.objects, SRE, keys) == [f"RoleBinding/{SYSTEM_NAMESPACE}/twain-system"]
    assert not rbac.why_allowed(made.objects, GATE, keys)


def test_nobody_but_the_platform_engineer_reads_a_secret_of_a_maison(made: Made) -> None:
    for actor in (SRE, GATE):
        for space in (*map(maison_namespace, MAISONS), "kube-system", ""):
            for name in ("gateway-keys", "any"):
                asked = rbac.Request(verb="get", resource="secrets", namespace=space, name=name)
                assert not rbac.why_allowed(made.objects, actor, asked)


def test_a_right_that_reaches_the_platform_is_found(made: Made) -> None:
    subject = {"kind": "Group", "name": "system:serviceaccounts:twain-identity-sre"}
    wide = {
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "wide"},
        "roleRef": {"kind": "ClusterRole", "name": "twain-operate"},
        "subjects": [subject],
    }
    assert ("create", "deployments", SYSTEM_NAMESPACE) in _writes([*made.objects, wide], SRE)
    # A role that nobody described could say anything.
    unknown = {**wide, "roleRef": {"kind": "ClusterRole", "name": "edit"}}
    assert ("create", "secrets", "kube-system") in _writes([*made.objects, unknown], SRE)
    # A maison's readers are bound in all namespaces.
    everywhere = {
        **wide,
        "roleRef": {"kind": "ClusterRole", "name": "view"},
        "subjects": [{"kind": "Group", "name": "aurelia-engineers"}],
    }
    asked = rbac.Request(verb="get", resource="pods/log", namespace=maison_namespace("calisto"))
    engineer = rbac.Actor.member("aurelia-engineers")
    assert rbac.why_allowed([*made.objects, everywhere], engineer, asked) == ["ClusterRoleBinding/wide"]


# Quotas.


def test_a_maison_that_has_used_up_its_quota_is_refused_and_no_other_is(made: Made) -> None:
    full = {maison_namespace(one): quotas.Used(pods=10_000, gpus=10_000) for one in MAISONS}
    for one, other in PAIRS:
        used = {maison_namespace(one): full[maison_namespace(one)]}
        mine = quotas.Asked(namespace=maison_namespace(one), gpus=1)
        theirs = quotas.Asked(namespace=maison_namespace(other), gpus=1)
        assert len(quotas.refusals(made.objects, mine, used)) == 2
        assert quotas.refusals(made.objects, theirs, used) == []
    # Two maisons that share a namespace block each other.
    text = json.dumps(made.objects).replace("maison-calisto", "maison-aurelia")
    mixed = quotas.Asked(namespace=maison_namespace("aurelia"), gpus=5)
    assert quotas.refusals(json.loads(text), mixed, {}) == ["maison-aurelia/gpus: requests.nvidia.com/gpu"]


def test_no_pod_of_a_maison_takes_a_priority_by_which_it_would_evict_another_s(made: Made) -> None:
    for priority in ("twain-platform", "system-cluster-critical", "system-node-critical"):
        asked = quotas.Asked(namespace=maison_namespace("aurelia"), priority=priority)
        assert quotas.refusals(made.objects, asked, {}) == ["maison-aurelia/priority: pods"]
        without = [one for one in made.objects if one["metadata"].get("name") != "priority"]
        assert quotas.refusals(without, asked, {}) == []
    batch = quotas.Asked(namespace=maison_namespace("aurelia"), priority="twain-batch")
    assert quotas.refusals(made.objects, batch, {}) == []
    # No class but the platform's evicts anybody, and none is every pod's own.
    classes = [one for one in made.objects if _is(one, "PriorityClass")]
    assert [one["metadata"]["name"] for one in classes if one["preemptionPolicy"] != "Never"] == ["twain-platform"]
    assert not any(one["globalDefault"] for one in classes)


def test_no_maison_can_open_an_address_outside_the_cluster(made: Made) -> None:
    for maison in MAISONS:
        (hard,) = [
            one["spec"]["hard"]
            for one in made.objects
            if _is(one, "ResourceQuota")
            and one["metadata"]["namespace"] == maison_namespace(maison)
            and one["metadata"]["name"] == "gpus"
        ]
        assert (hard["services.loadbalancers"], hard["services.nodeports"]) == ("0", "0")


def test_a_role_that_may_not_decrypt_with_the_bucket_s_key_is_found(tmp_path: Path) -> None:
    made = _MADE.get("alicloud") or _make("alicloud", tmp_path)
    rows = json.loads(json.dumps(made.rows).replace("kms:Decrypt", "kms:DescribeKey"))
    access = Access(rows, "alicloud", namespace=maison_namespace("aurelia"), account=SERVICE_ACCOUNT)
    assert made.access("aurelia").decrypts(made.bucket("aurelia")[0])
    assert not access.decrypts(made.bucket("aurelia")[0])
