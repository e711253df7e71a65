"""What reaches a cluster: the real API servers of the rehearsal refuse each case that the table says they can see, with
the id of its rule, and take the benign twin.

The policies are those that the platform layer installed. Everything is asked for as a dry run, so nothing is left.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from components.policy import cel
from rehearsal.kube import cellfile
from rehearsal.kube.client import ApiError, KubeClient, read_kubeconfig
from tests import kube_cases, kube_told_cases, security_cases
from tests.residency_cases import CASES, Case

if TYPE_CHECKING:
    from tests.integration.conftest import Stage

CELLS = {"cn": "cn-sha-1", "row": "eu-ams-1"}
POLICIES = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"
# Kinds of other projects, whose definitions the cells lack: put there for this test.
EXTENSIONS = {
    "Prometheus": ("monitoring.coreos.com", "prometheuses"),
    "BackupStorageLocation": ("velero.io", "backupstoragelocations"),
}
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
LISTED = (*CASES, *kube_cases.CASES, *kube_told_cases.CASES, *security_cases.CASES)
SEEN = [case for case in LISTED if case.admission]
_PLURALS = {
    "Deployment": "deployments",
    "Pod": "pods",
    "Service": "services",
    "Secret": "secrets",
    "NetworkPolicy": "networkpolicies",
    "Ingress": "ingresses",
    "CronJob": "cronjobs",
}
# Kinds that lie in no namespace.
_CLUSTER = {
    "Namespace": "namespaces",
    "CustomResourceDefinition": "customresourcedefinitions",
    "ValidatingWebhookConfiguration": "validatingwebhookconfigurations",
    "MutatingWebhookConfiguration": "mutatingwebhookconfigurations",
}


def definition(kind: str) -> dict[str, Any]:
    group, plural = EXTENSIONS[kind]
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"plural": plural, "singular": kind.lower(), "kind": kind, "listKind": f"{kind}List"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": [version]},
    }


def address(body: dict[str, Any]) -> str:
    version, kind = body["apiVersion"], body["kind"]
    root = "/api/v1" if version == "v1" else f"/apis/{version}"
    if kind in _CLUSTER:
        return f"{root}/{_CLUSTER[kind]}?dryRun=All"
    plural = EXTENSIONS[kind][1] if kind in EXTENSIONS else _PLURALS[kind]
    return f"{root}/namespaces/default/{plural}?dryRun=All"


def client(stage: Stage, world: str) -> KubeClient:
    folder = cellfile.folders(stage.home.world(world), CELLS[world])
    return KubeClient(read_kubeconfig(folder.admin_kubeconfig))


async def answer(api: KubeClient, body: dict[str, Any]) -> str:
    """What the API server says to an object: nothing when it takes it. All are asked for in one namespace."""
    place = {} if body["kind"] in _CLUSTER else {"namespace": "default"}
    metadata = {key: value for key, value in body["metadata"].items() if key != "namespace"}
    try:
        await api.create(address(body), {**body, "metadata": {**metadata, **place}})
    except ApiError as error:
        return str(error)
    return ""


async def until(api: KubeClient, body: dict[str, Any], *, refused: bool) -> str:
    """The answer once it is the wanted one: definitions, and policies about them, take effect a moment after."""
    said = await answer(api, body)
    for _ in range(60):
        if bool(said) == refused and "404" not in said:
            return said
        await asyncio.sleep(0.5)
        said = await answer(api, body)
    return said


@pytest.mark.parametrize("world", CELLS)
def test_a_cell_refuses_what_a_rule_refuses_and_takes_the_twin(stage: Stage, world: str) -> None:
    cases = [case for case in SEEN if case.world == world]
    assert len(cases) >= 4

    async def run() -> list[tuple[Case, str, str]]:
        async with client(stage, world) as api:
            added = [kind for kind in EXTENSIONS if any(case.bad["kind"] == kind for case in cases)]
            try:
                for kind in added:
                    await api.create(CRDS, definition(kind))
                return [
                    (case, await until(api, case.bad, refused=True), await until(api, case.good, refused=False))
                    for case in cases
                ]
            finally:
                for kind in added:
                    await api.delete(f"{CRDS}/{definition(kind)['metadata']['name']}")

    for case, refused, taken in asyncio.run(run()):
        assert f"denied request: {case.rule} " in refused, (case.name, refused)
        assert taken == "", (case.name, taken)


def test_the_policies_are_whole_and_the_api_server_finds_no_fault_in_their_types(stage: Stage) -> None:
    async def run() -> None:
        async with client(stage, "cn") as api:
            for policy in (await api.get(POLICIES))["items"]:
                if policy["metadata"]["name"].startswith("twain-residency"):
                    assert policy["spec"]["failurePolicy"] == "Fail"
                    assert not policy["status"].get("typeChecking", {}).get("expressionWarnings"), policy["metadata"]
                    seen.add(policy["metadata"]["name"])

    seen: set[str] = set()
    asyncio.run(run())
    assert len(seen) == 3


def test_the_clusters_own_machinery_is_left_alone(stage: Stage) -> None:
    case = next(case for case in SEEN if case.rule == "RES-023" and case.world == "cn")

    async def run() -> str:
        async with client(stage, "cn") as api:
            body = {**case.bad, "metadata": {"name": "app", "namespace": cel.EXEMPT[-1]}}
            try:
                await api.create(f"/api/v1/namespaces/{cel.EXEMPT[-1]}/pods?dryRun=All", body)
            except ApiError as error:
                return str(error)
            return ""

    assert asyncio.run(run()) == ""
