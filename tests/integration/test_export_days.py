"""Export entries in the admission policies of a real API server: they count from their first day to their last, at the
moment of each request, with no `up` between.

The language of policies has no clock. What is asked here is that the stamps that stand in for one are the API server's
own: whatever a caller writes into them.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from components.policy import cel
from components.policy.decide import Border
from components.policy.model import Permit
from rehearsal.home import Home
from rehearsal.kube import cellfile, controlplane
from rehearsal.kube.client import ApiError, KubeClient, read_kubeconfig

if TYPE_CHECKING:
    from collections.abc import Iterator

CELL = {"cell": "eu-ams-1", "cloud": "gcp", "region": "europe-west4", "minor": "1.36"}
ADMISSION = "/apis/admissionregistration.k8s.io/v1"
MAPS = "/api/v1/namespaces/default/configmaps"
LONG_AGO = "2001-01-01T00:00:00Z"
# Today as this test began: the entries leave a day on both sides, so that midnight changes nothing.
TODAY = datetime.now(UTC).date()
DAYS = {
    "E-OVER": (TODAY - timedelta(days=30), TODAY - timedelta(days=2)),
    "E-NOW": (TODAY - timedelta(days=2), TODAY + timedelta(days=2)),
    "E-SOON": (TODAY + timedelta(days=2), TODAY + timedelta(days=30)),
}


def entry(name: str) -> Permit:
    since, until = DAYS[name]
    # `standing` is what the file said on the day of an `up`, which may be long ago.
    return Permit(id=name, origin="cn-personal", to="row", kind="weights", artefacts=frozenset({"acme/advisor"}),
                  standing="active", since=since, until=until)  # fmt: skip


def held(name: str, export: str, **more: Any) -> dict[str, Any]:
    notes = {"twain/origin": "cn-personal", "twain/export": export, "twain/model": "acme/advisor"}
    metadata = {"name": name, "namespace": "default", "annotations": notes, **more}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": "1"}}


def objects(policy: cel.Policy) -> tuple[dict[str, Any], dict[str, Any]]:
    """A policy and its binding, for one namespace."""
    rules = [
        {"apiGroups": [group], "apiVersions": ["*"], "operations": ["CREATE", "UPDATE"], "resources": list(kinds)}
        for group, kinds in policy.resources.items()
    ]
    only = {"matchLabels": {"kubernetes.io/metadata.name": "default"}}
    spec = {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": rules, "namespaceSelector": only},
        "variables": [{"name": name, "expression": one} for name, one in policy.variables.items()],
        "validations": [{"expression": one.cel, "message": one.message} for one in policy.expressions],
    }
    version = "admissionregistration.k8s.io/v1"
    return (
        {"apiVersion": version, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": policy.name}, "spec": spec},
        {"apiVersion": version, "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": policy.name},
         "spec": {"policyName": policy.name, "validationActions": ["Deny"]}},
    )  # fmt: skip


async def said(call: Any) -> str:
    """What the API server says to a request: nothing when it takes it."""
    try:
        await call
    except ApiError as error:
        return str(error)
    return ""


class Cell:
    """A control plane of its own, on which nothing else asks for anything."""

    def __init__(self, home: Home) -> None:
        self.home = home

    def run(self, work: Any) -> Any:
        async def inside() -> Any:
            access = read_kubeconfig(cellfile.folders(self.home.world("row"), "eu-ams-1").admin_kubeconfig)
            async with KubeClient(access) as kube:
                return await work(kube)

        return asyncio.run(inside())


@pytest.fixture(scope="module")
def cell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cell]:
    root = tmp_path_factory.mktemp("days")
    (root / "rehearsal.json").write_text(json.dumps({"name": "days", "block": 246, "speed": 60}))
    home = Home(root)
    with contextlib.ExitStack() as after:
        after.callback(controlplane.remove, home.world("row"), cell="eu-ams-1")
        controlplane.ensure(home.world("row"), **CELL)
        made = Cell(home)
        made.run(_install)
        yield made


async def _install(kube: KubeClient) -> None:
    """What was there before, then the policies; done once they are in force."""
    for name in DAYS:
        await kube.create(MAPS, held(f"old-{name.lower()}", name))
    await kube.create(MAPS, held("leaving", "E-OVER", finalizers=["twain.example/kept"]))
    border = Border(
        world="row", allowed=frozenset({"europe-west4"}), exports={name: entry(name) for name in DAYS}
    )  # fmt: skip
    for policy in cel.policies(border):
        made, binding = objects(policy)
        await kube.create(f"{ADMISSION}/validatingadmissionpolicies", made)
        await kube.create(f"{ADMISSION}/validatingadmissionpolicybindings", binding)
    for _ in range(120):
        if await said(kube.create(f"{MAPS}?dryRun=All", held("probe", "E-NOBODY"))):
            return
        await asyncio.sleep(0.5)
    pytest.fail("the policies never took effect")


def refused(answer: str) -> bool:
    """Refused by the rule, with its id; not by a fault of an expression."""
    assert not answer or "denied request: RES-021 " in answer, answer
    return bool(answer)


@pytest.mark.parametrize(("export", "expected"), [("E-NOW", False), ("E-OVER", True), ("E-SOON", True)])
def test_a_new_object_is_let_in_on_the_days_of_its_entry_and_cannot_say_that_it_is_older(
    cell: Cell, export: str, expected: bool
) -> None:
    forged = {"creationTimestamp": LONG_AGO, "managedFields": [_field(LONG_AGO)]}
    for more in ({}, forged):
        body = held("new", export, **more)
        answer = cell.run(lambda kube, body=body: said(kube.create(f"{MAPS}?dryRun=All", body)))
        assert refused(answer) is expected, answer


def _field(time: str) -> dict[str, Any]:
    owned = {"f:data": {"f:a": {}}}
    return {"manager": "Python", "operation": "Update", "apiVersion": "v1", "time": time, "fieldsType": "FieldsV1",
            "fieldsV1": owned}  # fmt: skip


@pytest.mark.parametrize(("export", "expected"), [("E-NOW", False), ("E-OVER", True), ("E-SOON", True)])
def test_a_change_is_let_in_by_the_day_of_the_change(cell: Cell, export: str, expected: bool) -> None:
    place = f"{MAPS}/old-{export.lower()}"
    patches: list[dict[str, Any]] = [
        {"data": {"a": "2"}},
        {"metadata": {"labels": {"more": "1"}}},
        {"data": {"a": "2"}, "metadata": {"creationTimestamp": LONG_AGO}},
        {"data": {"a": "2"}, "metadata": {"managedFields": [_field(LONG_AGO)]}},
    ]
    for patch in patches:
        answer = cell.run(lambda kube, patch=patch: said(kube.patch(f"{place}?dryRun=All", patch)))
        assert refused(answer) is expected, (patch, answer)


def test_who_wipes_the_stamps_is_let_in_by_no_entry(cell: Cell) -> None:
    wiped = {"data": {"a": "2"}, "metadata": {"managedFields": [{}]}}
    for export in DAYS:
        place = f"{MAPS}/old-{export.lower()}?dryRun=All"
        assert refused(cell.run(lambda kube, place=place: said(kube.patch(place, wiped)))), export


def test_what_is_on_its_way_out_may_go_though_its_entry_is_over(cell: Cell) -> None:
    async def leave(kube: KubeClient) -> tuple[str, str]:
        free = {"metadata": {"finalizers": None}}
        kept = await said(kube.patch(f"{MAPS}/leaving?dryRun=All", {**free, "data": {"a": "2"}}))
        await kube.delete(f"{MAPS}/leaving")
        return kept, await said(kube.patch(f"{MAPS}/leaving", free))

    kept, left = cell.run(leave)
    assert refused(kept)
    assert left == ""


def test_the_api_server_finds_no_fault_in_the_types(cell: Cell) -> None:
    async def warned(kube: KubeClient) -> list[Any]:
        for _ in range(60):
            found = (await kube.get(f"{ADMISSION}/validatingadmissionpolicies"))["items"]
            if found and all(one.get("status", {}).get("observedGeneration") for one in found):
                return [one["status"].get("typeChecking", {}).get("expressionWarnings") for one in found]
            await asyncio.sleep(0.5)
        return ["never checked"]

    assert set(cell.run(warned)) == {None}
