"""What keeps maisons apart, asked of the real API servers and read from the state that the engine really wrote.

Access control and quotas are enforced in a rehearsal and asked here. Network policies are stored and enforced by
nobody: they are evaluated in `tests/contract/test_tenants.py` only.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest

from components.clouds.pods import POD_IDENTITY, SERVICE_ACCOUNT
from components.policy import rbac
from components.policy.grants import Access
from components.spec.load import load_fleet
from rehearsal.kube.client import APPLY, ApiError, KubeClient, read_kubeconfig
from tests.recorder import FLEET

if TYPE_CHECKING:
    from rehearsal.kube.client import Access as KubeAccess
    from tests.integration.conftest import Stage

CELLS = {"cn-sha-1": ("cn", "alicloud"), "eu-ams-1": ("row", "gcp"), "eu-par-1": ("row", "azure")}
REGISTRIES = {name: world.registry for name, world in load_fleet(FLEET).worlds.items()}
MAISONS = ("aurelia", "calisto")
SPACES = ("maison-aurelia", "maison-calisto", "twain-system", "gpu-monitoring", "kube-system", "default", "")
REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
ASKED = (
    ("get", "", "secrets"),
    ("list", "", "secrets"),
    ("create", "", "pods"),
    ("get", "", "pods/log"),
    ("list", "", "pods"),
    ("patch", "", "configmaps"),
    ("create", "", "serviceaccounts/token"),
    ("create", "apps", "deployments"),
    ("delete", "networking.k8s.io", "networkpolicies"),
    ("create", "rbac.authorization.k8s.io", "rolebindings"),
)
OPERATORS = [rbac.Actor.account(f"twain-identity-{name}", name) for name in ("sre", "gate")]
TENANTS = [
    *(rbac.Actor.account(f"maison-{maison}", name) for maison in MAISONS for name in (SERVICE_ACCOUNT, "default")),
    *(rbac.Actor.member(f"{maison}-engineers") for maison in MAISONS),
]


@pytest.fixture(params=list(CELLS))
def cell(request: pytest.FixtureRequest) -> str:
    return request.param


def client(stage: Stage, cell: str) -> KubeClient:
    """As whoever made the cluster."""
    return KubeClient(_admin(stage, cell))


def _admin(stage: Stage, cell: str) -> KubeAccess:
    (file,) = stage.cell(cell).glob("**/admin.kubeconfig")
    return read_kubeconfig(file)


def test_the_api_server_answers_as_the_evaluation_of_its_objects_says(stage: Stage, cell: str) -> None:
    objects, answers = asyncio.run(_ask(stage, cell))
    told = {asked: bool(rbac.why_allowed(objects, *asked)) for asked in answers}
    assert {asked: answer for asked, answer in answers.items() if answer != told[asked]} == {}
    # Both answers occur, for operators and for tenants.
    for actors in (OPERATORS, TENANTS):
        assert {answer for (actor, _), answer in answers.items() if actor in actors} == {True, False}


def test_no_tenant_reads_another_and_no_operator_writes_beside_the_maisons(stage: Stage, cell: str) -> None:
    _, answers = asyncio.run(_ask(stage, cell))
    writes = {"create", "patch", "delete"}
    for (actor, request), allowed in answers.items():
        other = [one for one in MAISONS if one not in actor.user]
        if actor in TENANTS and allowed:
            assert request.namespace not in {f"maison-{one}" for one in other}, (actor, request)
            assert request.resource != "secrets"
        if actor in OPERATORS and request.verb in writes and allowed:
            published = (request.namespace, request.name) == ("twain-system", "cost")
            assert request.namespace.startswith("maison-") or published, (actor, request)


async def _ask(stage: Stage, cell: str) -> tuple[list[dict[str, Any]], dict[tuple[rbac.Actor, rbac.Request], bool]]:
    """The cell's objects of access control, and what its API server answers to every question."""
    actors = [*OPERATORS, *TENANTS]
    names = ("", "cost", "gateway-keys")
    requests = [
        rbac.Request(verb=verb, group=group, resource=resource, namespace=space, name="" if verb == "list" else name)
        for (verb, group, resource), space, name in product(ASKED, SPACES, names)
        if name in {"", {"secrets": "gateway-keys", "configmaps": "cost"}.get(resource)}
    ]
    many = asyncio.Semaphore(16)
    async with client(stage, cell) as kube:
        objects: list[dict[str, Any]] = []
        for plural in ("clusterroles", "clusterrolebindings", "roles", "rolebindings"):
            kind = {"cluster": "Cluster"}.get(plural[:7], "") + ("RoleBinding" if "binding" in plural else "Role")
            found = await kube.get(f"{RBAC}/{plural}")
            objects += [{**one, "kind": kind} for one in found["items"]]

        async def one(actor: rbac.Actor, request: rbac.Request) -> tuple[tuple[rbac.Actor, rbac.Request], bool]:
            async with many:
                review = await kube.create(REVIEWS, _review(actor, request))
            return (actor, request), bool(review["status"]["allowed"])

        answers = await asyncio.gather(*(one(*asked) for asked in product(actors, requests)))
    return objects, dict(answers)


def _review(actor: rbac.Actor, request: rbac.Request) -> dict[str, Any]:
    resource, _, sub = request.resource.partition("/")
    attributes = {"verb": request.verb, "group": request.group, "resource": resource, "subresource": sub}
    attributes |= {"namespace": request.namespace, "name": request.name}
    return {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": actor.user, "groups": sorted(actor.groups), "resourceAttributes": attributes},
    }


def test_an_sre_really_deploys_and_publishes_and_is_really_refused_beside_it(stage: Stage, cell: str) -> None:
    """With a token of its own, by the way that the verbs take: server-side apply, here without keeping anything."""

    async def tried() -> dict[str, str]:
        async with client(stage, cell) as kube:
            path = "/api/v1/namespaces/twain-identity-sre/serviceaccounts/sre/token"
            body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
            token = (await kube.create(path, body))["status"]["token"]
        access = replace(_admin(stage, cell), client_cert_pem="", client_key_pem="", token=token)
        answers: dict[str, str] = {}
        async with KubeClient(access) as kube:
            for space, name in (("maison-aurelia", "any"), ("twain-system", "cost"), ("twain-system", "any")):
                config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"a": "b"}}
                place = f"/api/v1/namespaces/{space}/configmaps/{name}"
                params = {"fieldManager": "test", "dryRun": "All", "force": "true"}
                try:
                    await kube.request("PATCH", place, params=params, body=config, content=APPLY)
                    answers[f"{space}/{name}"] = "applied"
                except ApiError as error:
                    answers[f"{space}/{name}"] = str(error.code)
        return answers

    wanted = {"maison-aurelia/any": "applied", "twain-system/cost": "applied", "twain-system/any": "403"}
    assert asyncio.run(tried()) == wanted


def test_what_is_known_of_kubernetes_own_role_of_readers_is_what_it_has(stage: Stage) -> None:
    async def rules() -> list[dict[str, Any]]:
        async with client(stage, "cn-sha-1") as kube:
            return (await kube.get(f"{RBAC}/clusterroles/view"))["rules"]

    found: dict[str, set[str]] = {}
    for rule in asyncio.run(rules()):
        assert set(rule["verbs"]) == {"get", "list", "watch"}
        for group in rule["apiGroups"]:
            found.setdefault(group, set()).update(rule["resources"])
    assert found == {group: set(resources) for group, resources in rbac.VIEW.items()}


def _pod(cell: str, space: str, *, priority: str = "", gpus: int = 0) -> dict[str, Any]:
    limits = {"nvidia.com/gpu": str(gpus)} if gpus else {}
    container = {
        "name": "c",
        "image": f"{REGISTRIES[CELLS[cell][0]]}/nothing:1",
        "resources": {"limits": limits},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    spec: dict[str, Any] = {
        "containers": [container],
        "automountServiceAccountToken": False,
        # Nobody ever starts it.
        "schedulerName": "nobody",
        "securityContext": {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}},
        **({"priorityClassName": priority} if priority else {}),
    }
    meta = {"generateName": "tenant-", "namespace": space}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}


def test_a_maison_at_its_quota_is_refused_and_the_other_is_served(stage: Stage, cell: str) -> None:
    """aurelia takes all GPUs that are left to it, by one pod that is never started."""

    async def tried() -> dict[str, str]:
        answers: dict[str, str] = {}
        held = ""
        async with client(stage, cell) as kube:
            pods = "/api/v1/namespaces/{}/pods"
            quota = await kube.get("/api/v1/namespaces/maison-aurelia/resourcequotas/gpus")
            key = "requests.nvidia.com/gpu"
            left = int(quota["status"]["hard"][key]) - int(quota["status"]["used"][key])
            try:
                if left:
                    made = await kube.create(pods.format("maison-aurelia"), _pod(cell, "maison-aurelia", gpus=left))
                    held = made["metadata"]["name"]
                for space in ("maison-aurelia", "maison-calisto"):
                    answers[space] = await _create(kube, _pod(cell, space, gpus=1))
            finally:
                if held:
                    await kube.delete(f"{pods.format('maison-aurelia')}/{held}")
        return answers

    answers = asyncio.run(tried())
    assert "exceeded quota: gpus" in answers["maison-aurelia"]
    assert answers["maison-calisto"] == ""


@pytest.mark.parametrize("priority", ["twain-platform", "system-node-critical"])
def test_a_maison_s_pod_with_a_priority_that_evicts_is_refused(stage: Stage, cell: str, priority: str) -> None:
    async def tried(name: str) -> str:
        async with client(stage, cell) as kube:
            return await _create(kube, _pod(cell, "maison-aurelia", priority=name))

    assert "exceeded quota: priority" in asyncio.run(tried(priority))
    assert asyncio.run(tried("twain-batch")) == ""


async def _create(kube: KubeClient, pod: dict[str, Any]) -> str:
    """Create a pod and delete it; what the API server said against it, or nothing."""
    place = f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods"
    try:
        made = await kube.create(place, pod)
    except ApiError as error:
        return str(error)
    await kube.delete(f"{place}/{made['metadata']['name']}")
    return ""


def test_the_grants_of_the_deployed_cell_keep_maisons_apart(stage: Stage, cell: str) -> None:
    world, cloud = CELLS[cell]
    ran = stage.shell(world, "pulumi", "stack", "export", "--stack", f"rehearsal.{cell}.infra")
    assert ran.code == 0, ran.err
    rows = json.loads(ran.out)["deployment"]["resources"]
    outputs = next(row["outputs"] for row in rows if row["type"] == "pulumi:pulumi:Stack")
    for maison in MAISONS:
        access = Access(rows, cloud, namespace=f"maison-{maison}", account=SERVICE_ACCOUNT)
        assert len(access.identities) == 1
        for whose in MAISONS:
            bucket, prefix = _part(rows, cloud, outputs["weights_bucket"]["maisons"][whose])
            own = whose == maison
            assert access.reads_object(bucket, f"{prefix}model") is own
            assert access.lists(bucket, prefix) is own
            assert access.reads_secret(outputs["secret_store"]["references"][whose]) is own

    async def accounts() -> dict[str, str]:
        found: dict[str, str] = {}
        async with client(stage, cell) as kube:
            for maison in MAISONS:
                path = f"/api/v1/namespaces/maison-{maison}/serviceaccounts/{SERVICE_ACCOUNT}"
                account = await kube.get(path)
                found[maison] = account["metadata"]["annotations"][POD_IDENTITY[cloud].annotation]
        return found

    told = outputs["workload_identity"]["maisons"]
    assert asyncio.run(accounts()) == {maison: told[maison]["value"] for maison in MAISONS}


def _part(rows: list[dict[str, Any]], cloud: str, url: str) -> tuple[str, str]:
    bucket, _, prefix = url.partition("://")[2].partition("/")
    if cloud != "azure":
        return bucket, prefix
    kind = "azure-native:storage:BlobContainer"
    (found,) = [row["id"] for row in rows if row["type"] == kind and row["inputs"]["containerName"] == prefix]
    return found, ""
