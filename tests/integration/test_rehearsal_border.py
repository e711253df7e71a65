"""What crosses between the worlds, and that there is no other way across."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from rehearsal import border, processes, seal
from tests.integration.tokens import expired

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.integration.conftest import Stage

ROOT = Path(__file__).resolve().parents[2]
CONTRACT: dict[str, Any] = yaml.safe_load((ROOT / "components" / "telemetry" / "contract-v1.yaml").read_text())
# All that an intent and its outcome may say (DESIGN §5): a workload's own file, and states of it.
INTENT = {"action", "key", "workload"}
OUTCOME = {"id", "state", "cells"}
OUTCOME_OF_CELL = {"cell", "state", "revision", "desired", "ready", "error", "code"}
ENVELOPE = {"apiVersion", "kind", "contract", "world", "section", "partial", "errors", "suppressed", "dropped", "items"}
WORKLOAD = {"name", "maison", "worlds", "model", "engine", "gpu", "replicas", "rollout", "slo"}
HEADERS = {"host", "accept", "user-agent", "authorization", "content-type", "content-length"}
ROUTES = re.compile(r"^(GET /v1/aggregates\?[\w=&%.:-]+|POST /v1/intents|GET /v1/intents/[0-9a-f-]{36}) HTTP/1\.1$")


def strangers(section: str, item: Mapping[str, Any]) -> list[str]:
    """The paths of an item that the contract does not name. Reads the contract's file; shares nothing with the gate."""
    spec = CONTRACT["sections"][section].get(item.get("kind"))
    if spec is None:
        return [f"kind {item.get('kind')!r}"]
    allowed = {"kind": None, "suppressed": None, **spec["labels"], **spec["fields"]}
    return list(_beyond(item, allowed, ""))


def _beyond(value: Mapping[str, Any], allowed: Mapping[str, Any], path: str) -> Iterator[str]:
    for name, inner in value.items():
        if name not in allowed:
            yield f"{path}{name}"
            continue
        shape = allowed[name]
        if isinstance(shape, str):
            shape = CONTRACT["shapes"].get(shape.removesuffix("|null"), shape)
        if shape == "counts":
            if not all(isinstance(count, int) for count in inner.values()):
                yield f"{path}{name}: not counts"
        elif isinstance(inner, dict):
            yield from _beyond(inner, shape if isinstance(shape, dict) else {}, f"{path}{name}.")
        elif isinstance(inner, list):
            yield f"{path}{name}: a list"


def faults(record: Mapping[str, Any]) -> list[str]:
    """What one recorded message holds that may not cross."""
    head, _, body = record["text"].partition("\r\n\r\n")
    first, *lines = head.split("\r\n")
    document = json.loads(body) if body.strip() else {}
    if record["kind"] == "request":
        headers = {line.partition(":")[0].lower() for line in lines}
        found = [f"header {name}" for name in headers - HEADERS]
        found += [] if ROUTES.match(first) else [f"route {first}"]
        found += [f"intent {name}" for name in set(document) - INTENT]
        return found + [f"workload {name}" for name in set(document.get("workload") or {}) - WORKLOAD]
    if "items" in document:
        found = [f"envelope {name}" for name in set(document) - ENVELOPE]
        for item in document["items"]:
            found += strangers(document["section"], item)
        for error in document["errors"]:
            found += [f"error {name}" for name in set(error) - {"cell", "reason"}]
        return found
    if "error" in document:
        return [f"refusal {name}" for name in set(document) - {"error", "id", "message", "fix", "fields"}]
    found = [f"outcome {name}" for name in set(document) - OUTCOME]
    return found + [f"cell {name}" for cell in document.get("cells", ()) for name in set(cell) - OUTCOME_OF_CELL]


def messages(stage: Stage) -> list[dict[str, Any]]:
    return [one for one in border.records(stage.home) if one["kind"] in {"request", "answer", "withheld"}]


@pytest.fixture(scope="module")
def crossed(stage: Stage) -> list[dict[str, Any]]:
    """The record after both operators have asked for all that they can ask of the other world."""
    for world in ("cn", "row"):
        for asked in (
            ("status",), ("serve", "list"), ("serve", "plan", "-f", str(ROOT / "examples" / "advisor.yaml")),
            ("top", "gpu"), ("metrics", "latency"), ("metrics", "gpu"), ("parity", "check"), ("cost", "report"),
        ):  # fmt: skip
            ran = stage.operator(world, *asked)
            assert ran.code == 0, f"{world}: {asked}: {ran.out}{ran.err}"
    return messages(stage)


def test_only_contract_data_and_intents_crossed(crossed: list[dict[str, Any]]) -> None:
    sections = {json.loads(one["text"].partition("\r\n\r\n")[2] or "{}").get("section") for one in crossed}
    assert {"metrics", "cost", "fleet", "parity"} <= sections
    assert {(one["from"], one["to"]) for one in crossed} == {("cn", "row"), ("row", "cn")}
    assert [(one["exchange"], fault) for one in crossed for fault in faults(one)] == []


@pytest.mark.parametrize("label", ["pod", "node", "user", "prompt"])
def test_one_more_label_in_an_answer_is_found(crossed: list[dict[str, Any]], label: str) -> None:
    """The check above sees what it is for: a real answer with one key too many, at every depth."""
    answer = next(
        one for one in crossed if '"section": "metrics"' in one["text"] and '"kind": "latency"' in one["text"]
    )
    head, _, body = answer["text"].partition("\r\n\r\n")
    for place in ((), ("ttft",), ("ttft", "p95")):
        document = json.loads(body)
        spot = next(item for item in document["items"] if item["kind"] == "latency")
        for step in place:
            spot = spot[step]
        spot[label] = "x"
        planted = {**answer, "text": f"{head}\r\n\r\n{json.dumps(document)}"}
        assert faults(planted) == [".".join((*place, label))]


def test_no_token_and_no_key_stands_in_the_record(stage: Stage, crossed: list[dict[str, Any]]) -> None:
    raw = b"".join(path.read_bytes() for path in stage.home.border.glob("*.jsonl"))
    assert raw.count(b"authorization: Bearer sha256:") >= len(crossed) / 4
    assert [name for name, secret in secrets_of(stage, "cn") + secrets_of(stage, "row") if secret in raw] == []


def secrets_of(stage: Stage, world: str) -> list[tuple[str, bytes]]:
    """(what, value) of everything that opens a door in a world, its gate tokens aside."""
    found: list[tuple[str, bytes]] = []
    folder = stage.home.world(world)
    found.append(("passphrase", (folder / "passphrase").read_bytes().strip()))
    for path in folder.glob("cells/*/secrets/keys.json"):
        found += [
            (f"{path.parent.parent.name} key {name}", key.encode())
            for name, key in json.loads(path.read_bytes()).items()
        ]
    for path in folder.glob("cells/*/tokens/**/*"):
        if path.is_file():
            found += [
                (path.name, token.encode()) for token in re.findall(r"eyJ[\w-]+\.[\w-]+\.[\w-]+", path.read_text())
            ]
    for path in folder.glob("cells/*/admin.kubeconfig"):
        user = yaml.safe_load(path.read_text())["users"][0]["user"]
        found.append((f"{path.parent.name} admin", user["client-key-data"].encode()))
    for path in folder.glob("cells/*/kwok/clusters/*/pki/*.key"):
        found.append((path.name, path.read_bytes().splitlines()[1]))
    assert all(len(value) >= 16 for _, value in found)
    return found


_WALK = """
import os, sys
for base, folders, files in os.walk(sys.argv[1]):
    for name in files:
        path = os.path.join(base, name)
        if os.path.islink(path):
            continue
        try:
            with open(path, "rb"):
                print(path)
        except OSError:
            pass
"""


@pytest.mark.parametrize(("world", "other"), [("row", "cn"), ("cn", "row")])
def test_a_shell_of_one_world_holds_no_key_to_the_other(stage: Stage, world: str, other: str) -> None:
    env = stage.shell(world, "env").out
    assert f"{stage.home.root}/{other}" not in env
    keys = secrets_of(stage, other)
    assert [name for name, value in keys if value.decode() in env] == []
    listed = stage.shell(world, "python3", "-c", _WALK, str(stage.home.root))
    readable = [Path(line) for line in listed.out.splitlines()]
    own = stage.home.world(world)
    assert own / "passphrase" in readable
    beyond = [path for path in readable if not path.is_relative_to(own)]
    if seal.version() == 0:
        pytest.skip("this kernel has no Landlock: the other world's folder is closed by its mode only")
    assert [path for path in beyond if path.is_relative_to(stage.home.world(other))] == []
    assert [path for path in beyond if path.is_relative_to(stage.home.border)] == []
    tokens = {path for path in readable if path.is_relative_to(own / "operator" / "gates")}
    assert {path.name for path in tokens} == {f"{other}.token"}
    for path in readable:
        raw = path.read_bytes() if path.stat().st_size < 1 << 26 else b""
        held = [name for name, value in keys if value in raw]
        assert held == [], f"{path} holds {held} of {other}"


def test_the_other_worlds_state_and_api_server_let_nobody_in(stage: Stage) -> None:
    state = f"file://{stage.home.world('cn')}/state"
    ran = stage.shell("row", "env", f"PULUMI_BACKEND_URL={state}", "pulumi", "stack", "ls")
    assert ran.code != 0
    assert "rehearsal.cn-sha-1" not in ran.out
    server = json.loads((stage.cell("cn-sha-1") / "cell.json").read_text())["endpoint"]
    token = (stage.home.operator("row") / "gates" / "cn.token").read_text().strip()
    asked = (
        "kubectl",
        "--kubeconfig",
        "/dev/null",
        "--server",
        server,
        "--insecure-skip-tls-verify",
        "get",
        "namespaces",
    )
    for credential in (("--token", token), ("--token", "x" * 40)):
        ran = stage.shell("row", *asked, *credential)
        assert ran.code != 0
        assert "Unauthorized" in ran.err or "must be logged in" in ran.err
    anonymous = stage.shell("row", *asked)
    assert anonymous.code != 0


def test_the_audit_log_names_no_identity_of_the_other_world(stage: Stage, crossed: list[dict[str, Any]]) -> None:
    assert crossed
    reviews = 0
    for line in (stage.cell("cn-sha-1") / "audit.log").read_text().splitlines():
        event = json.loads(line)
        reference = event.get("objectRef") or {}
        reviews += reference.get("resource") == "tokenreviews"
        name = event["user"].get("username", "")
        assert name or event["responseStatus"]["code"] == 401, event
        assert "row" not in name.split(":")[-1].split("-"), event
        assert "impersonatedUser" not in event
        assert all(address.startswith("127.") for address in event["sourceIPs"])
    assert reviews > 0


def test_nothing_listens_beyond_loopback(stage: Stage) -> None:
    sockets: dict[str, str] = {}
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            listening = fields[3] == ("0A" if table.startswith("tcp") else "07")
            if listening:
                sockets[fields[9]] = fields[1].partition(":")[0]
    heard = 0
    for process in processes.find(stage.home.root):
        try:
            links = [str(link.readlink()) for link in Path(f"/proc/{process.pid}/fd").iterdir()]
        except OSError:
            continue
        for inode in (found[1] for link in links if (found := re.fullmatch(r"socket:\[(\d+)\]", link))):
            if inode in sockets:
                heard += 1
                address = sockets[inode]
                # Little-endian words: 127.x.y.z ends with 7F; ::1 and ::ffff:127.x likewise by their last word.
                loopback = address == "0" * 24 + "01000000" or address[-8:].endswith("7F")
                assert loopback, f"{process.command} listens on {address}"
    assert heard > 10


def test_an_expired_gate_token_ends_with_3_and_says_what_to_do(stage: Stage) -> None:
    place = stage.home.operator("row") / "gates" / "cn.token"
    good = place.read_text()
    place.write_text(expired(stage.home.world("cn"), "cn-sha-1", good) + "\n")
    try:
        ran = stage.operator("row", "serve", "list", "-o", "json")
    finally:
        place.write_text(good)
    assert ran.code == 3, ran.out + ran.err
    assert {item["cell"] for item in ran.items} >= {"eu-ams-1", "eu-par-1"}
    assert "context grant" in ran.err
    assert stage.operator("row", "serve", "list").code == 0


def test_a_grant_opens_until_it_is_revoked(stage: Stage) -> None:
    short = stage.operator("cn", "context", "grant", "--to", "row-visitor", "--ttl", "5m", "-y")
    assert short.code == 2
    given = stage.operator("cn", "context", "grant", "--to", "row-visitor", "--ttl", "10m", "-y", "-o", "json")
    (item,) = given.items
    token = Path(item["tokenFile"])
    assert token.stat().st_mode & 0o777 == 0o600
    assert token.read_text().strip() not in given.out + given.err
    place = stage.home.operator("row") / "gates" / "cn.token"
    good = place.read_text()
    place.write_text(token.read_text())
    try:
        assert stage.operator("row", "serve", "list").code == 0
        assert stage.operator("cn", "context", "revoke", "--to", "row-visitor", "-y").code == 0
        # The gate keeps the answer of a review for ten seconds, as API servers do.
        deadline = time.monotonic() + 60
        while (code := stage.operator("row", "serve", "list").code) == 0 and time.monotonic() < deadline:
            time.sleep(1)
        assert code == 3
    finally:
        place.write_text(good)
    assert stage.operator("row", "serve", "list").code == 0
