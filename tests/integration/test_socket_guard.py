"""During no command of the Chinese context is a connection tried to a host that the context does not name: seen in
Python by an audit hook, and in every child by the system calls that it makes. Planted ones are seen.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from tests.guarded_verbs import CELL, VERBS, Typed
from tests.socket_guard import PLANTED, TRACE, AllowList, Place, may_trace, traced

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.integration.conftest import Stage

ROOT = Path(__file__).resolve().parents[2]
REFUSED = may_trace()
_KNOCK = f"import socket; socket.create_connection(({PLANTED!r}, 9), 1)"
# Nothing of these is a shell: the connection is tried by the program itself, and by the engine's own child.
PLANTS = {
    "python": [sys.executable, "-c", _KNOCK],
    "a child of python": [sys.executable, "-c", f"import subprocess; subprocess.run({[sys.executable, '-c', _KNOCK]})"],
    "kubectl": ["kubectl", f"--server=https://{PLANTED}:9", "--request-timeout=5s", "get", "pods"],
    "pulumi": ["env", f"PULUMI_BACKEND_URL=http://{PLANTED}:9", "PULUMI_ACCESS_TOKEN=none", "pulumi", "stack", "ls"],
}  # fmt: skip


@dataclass
class Guarded:
    """What the commands of a world's operator tried."""

    folder: Path
    ended: dict[str, dict[str, Any]] = field(default_factory=dict)

    def heard(self, name: str) -> list[Place]:
        """By the audit hook."""
        record = self.folder / f"{name.replace(' ', '-')}.hook"
        return [Place(*json.loads(line)) for line in record.read_text().splitlines()]

    def traced(self, name: str) -> tuple[list[Place], set[Place]]:
        """By their system calls: what was tried, and where they listened themselves."""
        return traced((self.folder / f"{name.replace(' ', '-')}.trace").read_text(errors="replace"))


def under_guard(stage: Stage, folder: Path, rows: Sequence[Mapping[str, Any]]) -> Guarded:
    """Run these in a shell of the Chinese world; traced where this machine allows it."""
    order = folder / "order.json"
    order.write_text(json.dumps({"folder": str(folder), "tracer": [] if REFUSED else TRACE, "rows": rows}))
    ran = stage.shell("cn", sys.executable, str(ROOT / "tests" / "integration" / "guarded.py"), str(order), timeout=900)
    assert ran.code == 0, ran.out + ran.err
    return Guarded(folder, {row["name"]: row for row in json.loads((folder / "ended.json").read_bytes())})


@pytest.fixture(scope="module")
def guarded(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Guarded:
    """Every verb of the table, once."""
    folder = tmp_path_factory.mktemp("guarded")
    scratch = folder / "scratch"
    scratch.mkdir()
    known = json.loads((stage.home.operator("cn") / "contexts.json").read_bytes())
    context = known["contexts"][known["current"]]
    key = Ed25519PrivateKey.generate()
    whole = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (scratch / "key.pem").write_bytes(whole)
    (scratch / "key.pem").chmod(0o600)
    (scratch / "key.pub").write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    gate = scratch / "gate"
    gate.with_suffix(".crt").write_text(context["gates"]["row"]["ca_pem"])
    gate.with_suffix(".token").write_text(Path(context["gates"]["row"]["token_file"]).read_text())
    words = {"root": str(ROOT), "scratch": str(scratch), "gate": str(gate)}
    rows = [
        {"name": name, "args": [arg.format(**words) for arg in typed.args], "parallel": typed.parallel}
        for name, typed in VERBS.items()
        if isinstance(typed, Typed)
    ]
    return under_guard(stage, folder, rows)


@pytest.fixture(scope="module")
def allowed(stage: Stage, guarded: Guarded) -> AllowList:
    """The context's own, and the pods of the platform of its own cell: its fleet says that an operator reaches them."""
    assert guarded.ended
    ran = stage.shell("cn", "kubectl", "--context", CELL, "--namespace", "twain-system", "get", "pods", "-o", "json")
    pods = {
        Place(pod["status"]["podIP"], port["containerPort"])
        for pod in ran.items
        for container in pod["spec"]["containers"]
        for port in container.get("ports", ())
    }
    return AllowList(AllowList.of(stage.home.operator("cn")).places | pods)


def test_the_commands_of_the_table_do_what_they_are_for(guarded: Guarded) -> None:
    """A command that failed early would try nothing, and prove nothing."""
    assert set(guarded.ended) == {name for name, typed in VERBS.items() if isinstance(typed, Typed)}
    # 13: all were asked, and one was too busy to answer.
    assert [row for row in guarded.ended.values() if row["code"] not in {0, 13}] == []


def test_no_python_of_the_chinese_context_tries_a_host_beyond_its_list(
    stage: Stage, guarded: Guarded, allowed: AllowList
) -> None:
    tried = {name: guarded.heard(name) for name in guarded.ended}
    assert {name: found for name, places in tried.items() if (found := allowed.beyond(places))} == {}
    # The guard was there: the cell, and the other world's gate, were reached by the verb that asks them.
    assert set(tried["status"]) >= AllowList.of(stage.home.operator("cn")).places


@pytest.mark.skipif(bool(REFUSED), reason=f"children cannot be traced: {REFUSED}")
def test_no_child_of_the_chinese_context_tries_a_host_beyond_its_list(
    stage: Stage, guarded: Guarded, allowed: AllowList, tmp_path: Path
) -> None:
    planted = under_guard(stage, tmp_path, [{"name": name, "program": command} for name, command in PLANTS.items()])
    for name in PLANTS:
        tried, own = planted.traced(name)
        assert {one.host for one in allowed.beyond(tried, own=own)} == {PLANTED}, (name, planted.ended[name])
    beyond: dict[str, list[Place]] = {}
    children = 0
    for name in guarded.ended:
        tried, own = guarded.traced(name)
        children += len(set(tried) & own)
        if found := allowed.beyond(tried, own=own):
            beyond[name] = found
        # The two kinds of guard see the same process, so what one saw the other did.
        assert {one for one in guarded.heard(name) if one.port} <= set(tried), name
    assert beyond == {}
    # An engine and its plugins talk to each other on ports that they opened themselves.
    assert children > 4
