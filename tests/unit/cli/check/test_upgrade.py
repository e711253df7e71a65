"""What stands against an upgrade, on a stub API server; the real ones are in tests/integration."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from cli import errors, upgrades
from cli.check import upgrade
from cli.kube import minors
from cli.kube.client import KubeClient, StaticToken
from cli.net.deadline import Deadline
from cli.net.http import HttpClient

GROUP = "admissionregistration.k8s.io"
OLD = {
    "metadata": {
        "name": "old",
        "managedFields": [{"manager": "helm", "apiVersion": f"{GROUP}/v1beta1", "time": "2026-01-01T00:00:00Z"}],
    }
}
NOTHING = "apiserver_request_total 1\n"
REQUESTED = (
    f'apiserver_requested_deprecated_apis{{group="{GROUP}",removed_release="1.34",'
    'resource="validatingadmissionpolicies",subresource="",version="v1beta1"} 1\n'
)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"major": "1", "minor": "36"}, "1.36"),
        ({"major": "1", "minor": "36+"}, "1.36"),
        ({"major": "1", "minor": "36", "emulationMajor": "1", "emulationMinor": "36"}, "1.36"),
        ({"major": "1", "minor": "36", "emulationMajor": "1", "emulationMinor": "34"}, "1.34 (emulated by 1.36)"),
        ({"major": "", "minor": "36"}, None),
        ({}, None),
    ],
)
def test_an_emulated_minor_is_never_told_as_a_real_one(answer: dict[str, str], words: str | None) -> None:
    found = minors.of_version(json.dumps(answer).encode())
    assert (found.words if found else None) == words


@pytest.mark.parametrize(
    ("running", "wanted", "state", "fix"),
    [
        ("1.35", "1.36", "ok", None),
        ("1.35", "1.35", "ok", None),
        ("1.36", "1.35", "failed", "set kubernetes_minor to 1.36"),
        ("1.34", "1.36", "failed", "set kubernetes_minor to 1.35"),
    ],
)
def test_a_control_plane_goes_one_minor_up_and_never_back(
    running: str, wanted: str, state: str, fix: str | None
) -> None:
    found = upgrade.step(running=running, wanted=wanted)
    assert (found.state, found.fix) == (state, fix)
    assert found.state == "ok" or found.code == errors.USAGE


def serve(api: Any, *, objects: list[Any], metrics: str, kubelets: tuple[str, ...] = ("v1.33.4",)) -> None:
    """An API server that serves admission policies, says who asked for what, and has nodes."""
    group = {"versions": [{"groupVersion": f"{GROUP}/v1"}]}
    kinds = {"resources": [{"kind": "ValidatingAdmissionPolicy", "name": "policies", "verbs": ["list"]}]}
    said: dict[str, tuple[str, bytes]] = {
        f"/apis/{GROUP}": ("application/json", json.dumps(group).encode()),
        f"/apis/{GROUP}/v1": ("application/json", json.dumps(kinds).encode()),
        f"/apis/{GROUP}/v1/policies": ("application/json", json.dumps({"items": objects, "metadata": {}}).encode()),
        "/metrics": ("text/plain", metrics.encode()),
        "/api/v1/nodes": (
            "application/json",
            json.dumps(
                {"metadata": {}, "items": [{"status": {"nodeInfo": {"kubeletVersion": one}}} for one in kubelets]}
            ).encode(),
        ),
    }

    def answer(request: Any) -> Any:
        found = said.get(request.path)
        return (200, {"content-type": found[0]}, found[1]) if found else None

    api.answers.append(answer)


def ask(api: Any, *, running: str = "1.33", wanted: str = "1.34") -> dict[str, upgrade.Finding]:
    async def run() -> list[upgrade.Finding]:
        async with KubeClient("eu-ams-1", HttpClient(api.url), StaticToken("t")) as kube:
            return await upgrade.live(kube, running=running, wanted=wanted, deadline=Deadline(5))

    return {finding.subject: finding for finding in asyncio.run(run())}


def test_who_wrote_through_a_removed_api_is_named_with_the_object(api: Any) -> None:
    serve(api, objects=[OLD, {"metadata": {"name": "new", "managedFields": []}}], metrics=NOTHING)
    found = ask(api)
    assert [subject for subject, one in found.items() if one.state != "ok"] == ["ValidatingAdmissionPolicy old"]
    assert "helm wrote it through" in found["ValidatingAdmissionPolicy old"].says


def test_who_asks_for_a_removed_api_is_found_without_any_object(api: Any) -> None:
    serve(api, objects=[], metrics=NOTHING + REQUESTED)
    assert [one.check for one in ask(api).values() if one.state == "failed"] == [upgrade.APIS]
    assert {one.state for one in ask(api, running="1.34", wanted="1.35").values()} == {"ok"}


def test_nodes_may_be_three_minors_behind_and_no_more(api: Any) -> None:
    serve(api, objects=[], metrics=NOTHING, kubelets=("v1.33.4", "v1.32.1"))
    assert ask(api, running="1.34", wanted="1.35")["kubelets"].state == "ok"
    assert ask(api, running="1.35", wanted="1.36")["kubelets"].state == "failed"


def test_what_cannot_be_asked_is_unknown_and_never_in_order(api: Any, status: Any) -> None:
    api.answers.append(lambda request: status(403, "Forbidden", "no") if request.path == "/metrics" else None)
    serve(api, objects=[], metrics=NOTHING)
    found = ask(api)
    assert found["requests"].state == "unknown"
    assert found["objects"].state == "ok"


def test_a_body_without_metrics_of_requests_says_nothing_about_them(api: Any) -> None:
    serve(api, objects=[], metrics="up 1\n")
    assert ask(api)["requests"].state == "unknown"


def test_every_reason_against_every_cell_is_raised_at_once() -> None:
    step = upgrade.step(running="1.36", wanted="1.34")
    silent = upgrade.unknown(upgrade.APIS, "API server", "does not answer")
    one, two = (
        upgrades.Upgrade(cell=cell, world="row", running="1.36", wanted="1.34", findings=findings)
        for cell, findings in (("a", (step,)), ("b", (step, silent)))
    )
    with pytest.raises(errors.Several) as caught:
        upgrades.refuse([one, two])
    assert [error.where for error in caught.value.errors] == ["a", "b", "b"]
    assert caught.value.exit_code == errors.USAGE
    upgrades.refuse([])
