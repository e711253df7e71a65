"""What is pinned in a cell's lock file, and what leaves it as it is."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from cli.check import cell as checking
from cli.check import certificates, discover
from cli.check.probe import Offer
from cli.check.tool import NotAskedError
from components.spec.load import load_fleet
from components.spec.lock import read_lock

FLEET = load_fleet(Path(__file__).resolve().parents[4] / "stacks" / "fleets" / "rehearsal.yaml")
PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
STACK = "rehearsal.cn-sha-1.infra"


class Account:
    """An account that answers, or one that cannot be asked."""

    cluster_type = "a:b:C"

    def __init__(self, *, silent: bool = False, ca: str = PEM) -> None:
        self.silent, self.ca = silent, ca

    def __getattr__(self, name: str) -> Any:
        def answer(*args: Any) -> Any:
            if self.silent:
                message = "aliyun is not on the PATH."
                raise NotAskedError(message, fix="install aliyun")
            if name == "minors":
                return frozenset({"1.36", "1.35"})
            if name == "offers":
                return {machine: Offer(zones=frozenset({"b", "a"})) for machine in args[0]}
            return self.ca

        return answer


def pin(tmp_path: Path, account: Account, *, up: bool = True, day: int = 1) -> dict[str, discover.Fact]:
    resources = [{"type": "a:b:C", "id": "c-1"}] if up else []
    engine = SimpleNamespace(names=lambda: [STACK], export=lambda _stack: {"deployment": {"resources": resources}})
    app: Any = SimpleNamespace(
        engine=engine,
        fleet=SimpleNamespace(name="rehearsal"),
        context=SimpleNamespace(env={"TWAIN_LOCK_DIR": str(tmp_path)}, fleet=tmp_path / "fleet.yaml"),
        clock=SimpleNamespace(now=lambda: datetime(2026, 11, day, tzinfo=UTC)),
    )
    subject = checking.Subject(fleet="rehearsal", cell=FLEET.resolved("cn-sha-1"))
    path, facts = discover.pin(app, subject, cast("Any", account))
    assert path == tmp_path / "cn-sha-1.json"
    return {fact.name: fact for fact in facts}


def test_facts_are_pinned_with_source_and_date_and_a_second_look_changes_nothing(tmp_path: Path) -> None:
    assert {fact.state for fact in pin(tmp_path, Account()).values()} == {"new"}
    lock = read_lock(tmp_path, "cn-sha-1")
    assert lock is not None
    assert (lock.cluster_ca, lock.facts["cluster_id"], lock.facts["kubernetes_minors"]) == (PEM, "c-1", "1.35,1.36")
    assert (lock.source, lock.discovered) == ("aliyun, alicloud cn-shanghai", "2026-11-01T00:00:00+00:00")
    before = (tmp_path / "cn-sha-1.json").read_bytes()
    assert {fact.state for fact in pin(tmp_path, Account(), day=2).values()} == {"same"}
    assert (tmp_path / "cn-sha-1.json").read_bytes() == before
    assert pin(tmp_path, Account(ca=PEM + "\n"), day=3)["cluster_ca"].state == "changed"
    assert [path.name for path in tmp_path.iterdir()] == ["cn-sha-1.json"]


def test_what_cannot_be_asked_keeps_what_was_pinned(tmp_path: Path) -> None:
    pin(tmp_path, Account())
    before = (tmp_path / "cn-sha-1.json").read_bytes()
    found = pin(tmp_path, Account(silent=True), day=2)
    assert {fact.state for fact in found.values()} == {"unknown"}
    assert found["cluster_ca"].fix == "install aliyun"
    assert (tmp_path / "cn-sha-1.json").read_bytes() == before


def test_of_a_cell_that_is_not_up_the_account_is_looked_into_all_the_same(tmp_path: Path) -> None:
    found = pin(tmp_path, Account(), up=False)
    assert found["cluster_ca"].state == "unknown"
    assert found["kubernetes_minors"].state == "new"
    lock = read_lock(tmp_path, "cn-sha-1")
    assert lock is not None
    assert lock.cluster_ca is None


def test_of_a_kubeconfig_nothing_but_the_certificate_is_kept() -> None:
    data = base64.b64encode(PEM.encode()).decode()
    text = f"clusters: [{{cluster: {{certificate-authority-data: {data}}}}}]\nusers: [{{user: {{client-key-data: x}}}}]"
    assert certificates.certificate(text) == PEM
    for wrong in (base64.b64encode(b"hello").decode(), "not base64"):
        with pytest.raises(ValueError, match=r"certificate|base64"):
            certificates.pem(wrong)
