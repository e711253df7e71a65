"""The gate as a process on a real API server, asked through the recorded border with the command line's own client."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cli import errors
from cli.context import GateAccess
from cli.gate import client
from components.clouds.gateways import GROUPS
from components.telemetry.contract import load_contract, violations
from rehearsal import border, secrets
from rehearsal.home import Home
from rehearsal.kube import cellfile, controlplane
from rehearsal.kube.brought import Brought
from rehearsal.kube.client import KubeClient, read_kubeconfig
from rehearsal.kube.waiting import wait_for
from tests.integration.tokens import expired

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
CELL: dict[str, Any] = {
    "cell": "cn-sha-1",
    "cloud": "alicloud",
    "region": "cn-shanghai",
    "minor": "1.36",
    "brings": Brought(definitions=GROUPS, gateway_class="ack-gateway"),
}
GATE_ADDRESS = "127.244.250.5"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
SYSTEM = "/api/v1/namespaces/twain-system"
READ = ["get", "list", "watch"]
RULES = {
    "twain-gate": [
        {"apiGroups": [""], "resources": ["nodes", "pods", "configmaps", "serviceaccounts", "services"], "verbs": READ},
        {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": READ},
        {"apiGroups": ["gateway.networking.k8s.io"], "resources": ["httproutes"], "verbs": READ},
        {"apiGroups": ["inference.networking.k8s.io"], "resources": ["inferencepools"], "verbs": READ},
        {"apiGroups": ["policy"], "resources": ["poddisruptionbudgets"], "verbs": READ},
        {"apiGroups": ["networking.k8s.io"], "resources": ["networkpolicies"], "verbs": READ},
        {"apiGroups": ["authentication.k8s.io"], "resources": ["tokenreviews"], "verbs": ["create"]},
        {"apiGroups": ["authorization.k8s.io"], "resources": ["subjectaccessreviews"], "verbs": ["create"]},
    ],
    "twain-gate-caller": [
        {"apiGroups": ["gate.twain"], "resources": ["aggregates"], "verbs": ["get"]},
        {"apiGroups": ["gate.twain"], "resources": ["intents"], "verbs": ["create", "get"]},
    ],
}


@dataclass
class Border:
    """A gate behind a recorder, and the tokens of its callers."""

    crossing: border.Crossing
    folder: Path
    tokens: dict[str, str]
    process: subprocess.Popen[bytes]

    def gate(self, token: str = "caller") -> GateAccess:
        file = self.folder / f"{token}.token"
        file.write_text(self.tokens[token])
        file.chmod(0o600)
        raw = self.crossing.gate(file)
        return GateAccess(world="cn", url=raw["url"], ca_pem=raw["ca_pem"], token_file=file)

    def ask(self, section: str, token: str = "caller") -> client.Aggregates:
        return asyncio.run(client.get_aggregates(self.gate(token), section))

    def delete(self, key: str) -> client.IntentStatus:
        workload = {"maison": "aurelia", "name": "advisor"}
        return asyncio.run(client.send_intent(self.gate(), key=key, action="delete", workload=workload))

    def records(self) -> list[dict[str, Any]]:
        return list(border.records(self.crossing.home))


@pytest.fixture(scope="module")
def border_of_cn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Border]:
    root = tmp_path_factory.mktemp("border")
    (root / "rehearsal.json").write_text(json.dumps({"name": "test", "block": 244, "speed": 60}))
    home = Home(root)
    with contextlib.ExitStack() as after:
        # Registered before each part is made: a set-up that fails half-way leaves nothing either.
        after.callback(controlplane.remove, home.world("cn"), cell="cn-sha-1")
        plane = controlplane.ensure(home.world("cn"), **CELL)
        crossing = border.Crossing(home=home, caller="row", world="cn", cell="cn-sha-1")
        secrets.ensure(home.cell("cn", "cn-sha-1"), cell="cn-sha-1", gateway_addresses=[])
        tokens = asyncio.run(_install(home))
        tokens["expired"] = expired(home.world("cn"), "cn-sha-1", tokens["caller"])
        process = _start_gate(root, plane, tokens["gate"], crossing.secrets)
        after.callback(process.wait, 10)
        after.callback(process.terminate)
        after.callback(border.stop, crossing)
        border.start(crossing)
        yield Border(crossing, root, tokens, process)


async def _install(home: Home) -> dict[str, str]:
    access = read_kubeconfig(cellfile.folders(home.world("cn"), "cn-sha-1").admin_kubeconfig)
    async with KubeClient(access) as kube:
        for name in ("twain-system", "maison-aurelia"):
            await kube.apply(f"/api/v1/namespaces/{name}", _object("v1", "Namespace", name), manager="test")
        for name, rules in RULES.items():
            role = {**_object("rbac.authorization.k8s.io/v1", "ClusterRole", name), "rules": rules}
            await kube.apply(f"{RBAC}/clusterroles/{name}", role, manager="test")
        tokens = {}
        for name, role in (("gate", "twain-gate"), ("caller", "twain-gate-caller"), ("stranger", None)):
            account = _object("v1", "ServiceAccount", name)
            await kube.apply(f"{SYSTEM}/serviceaccounts/{name}", account, manager="test")
            if role is not None:
                binding = {
                    **_object("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", name),
                    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
                    "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": "twain-system"}],
                }
                await kube.apply(f"{RBAC}/clusterrolebindings/{name}", binding, manager="test")
            audiences = {"gate": None, "caller": ["twain-gate"], "stranger": ["twain-gate"]}[name]
            tokens[name] = await _token(kube, name, audiences)
        tokens["other-audience"] = await _token(kube, "caller", None)
        await kube.apply(
            f"{SYSTEM}/configmaps/guarantees",
            {
                **_object("v1", "ConfigMap", "guarantees"),
                "data": {"kubernetes.minor": "1.36", "api.private": "private"},
            },
            manager="test",
        )
        pod = {
            **_object("v1", "Pod", "gate-1", labels={"app.kubernetes.io/name": "gate"}),
            "spec": {"containers": [{"name": "gate", "image": "gate"}], "schedulerName": "nobody"},
        }
        # A pod needs its namespace's account, which the controllers make in their own time.
        await wait_for(kube, f"{SYSTEM}/serviceaccounts", "default", lambda found: found is not None, seconds=60)
        await kube.apply(f"{SYSTEM}/pods/gate-1", pod, manager="test")
        status = {"podIP": GATE_ADDRESS, "conditions": [{"type": "Ready", "status": "True"}]}
        await kube.patch(f"{SYSTEM}/pods/gate-1/status", {"status": status})
        return tokens


async def _token(kube: KubeClient, account: str, audiences: list[str] | None) -> str:
    spec: dict[str, Any] = {"expirationSeconds": 3600, **({"audiences": audiences} if audiences else {})}
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
    return (await kube.create(f"{SYSTEM}/serviceaccounts/{account}/token", body))["status"]["token"]


def _object(version: str, kind: str, name: str, labels: dict[str, str] | None = None) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "labels": labels or {}}}


def _start_gate(
    root: Path, plane: controlplane.ControlPlane, token: str, certificates: Path
) -> subprocess.Popen[bytes]:
    folder = root / "gate"
    account, tls = folder / "account", folder / "tls"
    for part in (account, tls):
        part.mkdir(parents=True)
    (account / "token").write_text(token)
    (account / "ca.crt").write_text(plane.ca_pem)
    shutil.copy(certificates / "gate.crt", tls / "tls.crt")
    shutil.copy(certificates / "gate.key", tls / "tls.key")
    (folder / "gate.yaml").write_text(
        json.dumps(
            {
                "world": "cn", "cell": "cn-sha-1", "cloud": "alicloud", "region": "cn-shanghai",
                "registry": "registry.example", "access": "pod-network", "gpu_pools": [],
            }
        )
    )  # fmt: skip
    host, _, port = plane.endpoint.removeprefix("https://").rpartition(":")
    command = [sys.executable, "-m", "cli.gate.server", f"--config={folder}/gate.yaml", f"--tls={tls}"]
    command += [f"--journal={folder}/journal", f"--listen={GATE_ADDRESS}:8443", f"--service-account={account}"]
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "KUBERNETES_SERVICE_HOST": host,
        "KUBERNETES_SERVICE_PORT": port,
    }
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stderr=log, stdout=log)
    until = time.monotonic() + 20
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex((GATE_ADDRESS, 8443)) == 0:
                return process
        time.sleep(0.05)
    process.kill()
    process.wait()
    pytest.fail((folder / "log").read_text())


def test_the_fleet_crosses_as_the_contract_says_and_is_recorded_byte_for_byte(border_of_cn: Border) -> None:
    found = border_of_cn.ask("fleet")
    assert found.errors == []
    assert [(item["kind"], item.get("kubernetesMinor")) for item in found.items] == [("cell", "1.36")]
    request, answer = border_of_cn.records()[-2:]
    assert (request["kind"], answer["kind"], request["from"], request["to"]) == ("request", "answer", "row", "cn")
    head, _, body = answer["text"].partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 200")
    document = json.loads(body)
    assert document["items"] == found.items
    assert violations(load_contract(), "fleet", document["items"]) == []


def test_what_a_cell_guarantees_crosses_as_words(border_of_cn: Border) -> None:
    found = border_of_cn.ask("parity")
    assert {item["capability"]: item["value"] for item in found.items} == {
        "api.private": "private",
        "kubernetes.minor": "1.36",
    }


def test_one_more_label_inside_is_dropped_at_its_source(border_of_cn: Border) -> None:
    """A row that the cell holds with a label too many: the gate drops and counts it, and it is not in the record."""
    row = {
        "world": "cn", "provider": "alicloud", "region": "cn-shanghai", "cell": "cn-sha-1", "maison": None,
        "currency": "CNY", "month": "2026-11", "billed": "12.30", "effective": None, "status": "provisional",
        "unpriced": 0, "resources": 4,
    }  # fmt: skip
    canary = "canary-customer-4711"
    asyncio.run(_publish_cost(border_of_cn, [row, {**row, "customer": canary}, {**row, "maison": f"{canary} said"}]))
    found = border_of_cn.ask("cost")
    assert found.items == [{"kind": "cost", "suppressed": False, **row}] * 2
    assert found.dropped == 2
    assert canary not in border_of_cn.crossing.path("jsonl").read_text()


async def _publish_cost(border_of_cn: Border, rows: list[dict[str, Any]]) -> None:
    folders = cellfile.folders(border_of_cn.crossing.home.world("cn"), "cn-sha-1")
    async with KubeClient(read_kubeconfig(folders.admin_kubeconfig)) as kube:
        told = {**_object("v1", "ConfigMap", "cost"), "data": {"cost.json": json.dumps({"items": rows})}}
        await kube.apply(f"{SYSTEM}/configmaps/cost", told, manager="test")


def test_every_answer_stands_under_the_number_of_its_request(border_of_cn: Border) -> None:
    sections = ["fleet", "parity"] * 6

    async def all_at_once() -> None:
        await asyncio.gather(*(client.get_aggregates(border_of_cn.gate(), section) for section in sections))

    before = len(border_of_cn.records())
    asyncio.run(all_at_once())
    seen = border_of_cn.records()[before:]
    kinds = [one["kind"] for one in seen]
    assert kinds.count("request") == kinds.count("answer") == len(sections)
    assert kinds != ["request", "answer"] * len(sections), "the requests were not open at once"
    asked = {one["exchange"]: one["text"] for one in seen if one["kind"] == "request"}
    for one in seen:
        if one["kind"] == "answer":
            section = json.loads(one["text"].partition("\r\n\r\n")[2])["section"]
            assert f"section={section} " in asked.pop(one["exchange"])
    assert asked == {}


def test_no_token_stands_in_the_record(border_of_cn: Border) -> None:
    border_of_cn.ask("fleet")
    raw = border_of_cn.crossing.path("jsonl").read_text()
    assert "Bearer sha256:" in raw or "bearer sha256:" in raw
    assert not any(token in raw for token in border_of_cn.tokens.values())


@pytest.mark.parametrize("token", ["expired", "other-audience"])
def test_a_token_that_is_expired_or_for_somebody_else_ends_with_3(border_of_cn: Border, token: str) -> None:
    with pytest.raises(errors.AuthError, match="does not accept") as caught:
        border_of_cn.ask("fleet", token)
    assert errors.exit_code(caught.value) == 3


def test_an_account_without_the_gate_s_verbs_is_forbidden(border_of_cn: Border) -> None:
    with pytest.raises(errors.AuthError, match="forbids"):
        border_of_cn.ask("fleet", "stranger")


def test_a_cut_border_refuses_and_an_intent_was_not_sent(border_of_cn: Border) -> None:
    border.set_mode(border_of_cn.crossing, "refuse")
    try:
        before = len(border_of_cn.records())
        for call in (lambda: border_of_cn.ask("fleet"), lambda: border_of_cn.delete("cut-border-1")):
            with pytest.raises(client.NotSentError):
                call()
        assert len(border_of_cn.records()) == before
    finally:
        border.set_mode(border_of_cn.crossing, "open")
    assert border_of_cn.ask("fleet").items


@pytest.mark.parametrize(("mode", "arrived"), [("drop-after-request", True), ("drop-before-gate", False)])
def test_an_intent_cut_after_it_left_is_unknown_and_sent_again_is_done_once(
    border_of_cn: Border, mode: str, arrived: bool
) -> None:
    key = f"unknown-{mode}"
    journal = border_of_cn.folder / "gate" / "journal" / "intents.jsonl"
    border.set_mode(border_of_cn.crossing, mode)
    try:
        with pytest.raises(errors.OutcomeUnknownError):
            border_of_cn.delete(key)
    finally:
        border.set_mode(border_of_cn.crossing, "open")
    assert (journal.exists() and key in journal.read_text()) == arrived
    status = border_of_cn.delete(key)
    for _ in range(100):
        if status.done:
            break
        time.sleep(0.1)
        status = asyncio.run(client.get_intent(border_of_cn.gate(), key))
    assert [(cell["cell"], cell["state"]) for cell in status.cells] == [("cn-sha-1", "done")]
    steps = [line for line in journal.read_text().splitlines() if key in line and '"step":"accepted"' in line]
    assert len(steps) == 1


def test_the_recorder_is_started_once_and_keeps_its_mode(border_of_cn: Border) -> None:
    pid = border.start(border_of_cn.crossing)
    assert border.start(border_of_cn.crossing) == pid
    assert border.mode(border_of_cn.crossing) == "open"
    with pytest.raises(ValueError, match="no mode"):
        border.set_mode(border_of_cn.crossing, "half-open")
