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
EXAMPLE = str(ROOT / "examples" / "advisor.yaml")
CONTRACT: dict[str, Any] = yaml.safe_load((ROOT / "components" / "telemetry" / "contract-v1.yaml").read_text())
# All that an intent and its outcome may say (DESIGN §5): a workload's own file, and states of it.
MAISONS = {"aurelia", "calisto"}
INTENT = {"action", "key", "workload"}
OUTCOME = {"id", "state", "cells"}
OUTCOME_OF_CELL = {"cell", "state", "revision", "desired", "ready", "error", "code"}
ENVELOPE = {"apiVersion", "kind", "contract", "world", "section", "partial", "errors", "suppressed", "dropped", "items"}
WORKLOAD = {"name", "maison", "worlds", "model", "engine", "gpu", "replicas", "rollout", "slo", "share", "readers"}
HEADERS = {
    "request": {"host", "accept", "user-agent", "authorization", "content-type", "content-length"},
    "answer": {"content-type", "content-length", "date", "server"},
}
ROUTES = re.compile(r"^(GET /v1/aggregates\?[\w=&%.:-]+|POST /v1/intents|GET /v1/intents/[0-9a-f-]{36}) HTTP/1\.1$")
# No type of the contract has room for a sentence.
WORD = re.compile(r"[\w.:/+-]{1,128}")


def strangers(section: str, item: Mapping[str, Any]) -> list[str]:
    """What an item says that the contract does not. Reads the contract's file; shares nothing with the gate."""
    spec = CONTRACT["sections"][section].get(item.get("kind"))
    if spec is None:
        return [f"kind {item.get('kind')!r}"]
    allowed = {"kind": [item["kind"]], "suppressed": [True, False], **spec["labels"]}
    if not item["suppressed"]:
        allowed |= spec["fields"]
    return list(_beyond(item, allowed, ""))


def _beyond(value: Mapping[str, Any], allowed: Mapping[str, Any], path: str) -> Iterator[str]:
    for name, inner in value.items():
        if name not in allowed:
            yield f"{path}{name}"
            continue
        shape = allowed[name]
        if isinstance(shape, str):
            shape = CONTRACT["shapes"].get(shape, shape)
        if shape == "gpuCounts":
            if not all(WORD.fullmatch(one) and type(count) is int for one, count in inner.items()):
                yield f"{path}{name}: not counts"
        elif isinstance(shape, dict) and isinstance(inner, dict):
            yield from _beyond(inner, shape, f"{path}{name}.")
        elif not _may_be(inner, shape):
            yield f"{path}{name}: {inner!r}"


def _may_be(value: object, shape: Any) -> bool:
    if isinstance(shape, list):
        return value in shape
    if not isinstance(shape, str):
        return False
    kind, _, nullable = shape.partition("|")
    if value is None:
        return nullable == "null"
    if kind in {"count", "number"}:
        return type(value) in ({int} if kind == "count" else {int, float})
    return isinstance(value, str) and WORD.fullmatch(value) is not None


def faults(record: Mapping[str, Any]) -> list[str]:
    """What one recorded message holds that may not cross."""
    head, _, body = record["text"].partition("\r\n\r\n")
    first, *lines = head.split("\r\n")
    document = json.loads(body) if body.strip() else {}
    headers = {line.partition(":")[0].lower() for line in lines}
    if record["kind"] == "request":
        found = [f"header {name}" for name in headers - HEADERS["request"]]
        found += [] if ROUTES.match(first) else [f"route {first}"]
        found += [f"intent {name}" for name in set(document) - INTENT]
        workload = document.get("workload") or {}
        # Maisons of the fleet, and nobody who could be called in a word of its own.
        found += [f"reader {name}" for name in set(workload.get("readers") or ()) - MAISONS]
        found += ["share"] if workload.get("share") not in (None, "dedicated", "shared") else []
        return found + [f"workload {name}" for name in set(workload) - WORKLOAD]
    assert document, record
    if unknown := headers - HEADERS["answer"]:
        return [f"header {name}" for name in unknown]
    if "items" in document:
        found = [f"envelope {name}" for name in set(document) - ENVELOPE]
        for item in document["items"]:
            found += strangers(document["section"], item)
        for error in document["errors"]:
            found += [f"error {name}" for name in set(error) - {"cell", "reason"}]
        return found
    if "error" in document:
        return [] if set(document) == {"error"} and set(document["error"]) == {"message"} else [f"refusal {document}"]
    found = [f"outcome {name}" for name in set(document) - OUTCOME]
    for cell in document["cells"]:
        found += [f"cell {name}" for name in set(cell) - OUTCOME_OF_CELL]
        # `rolled back` and `not sent` are the longest that a state says.
        found += [
            f"cell {name}: {said!r}" for name, said in cell.items() if not WORD.fullmatch(str(said).replace(" ", "-"))
        ]
    return found


def messages(stage: Stage) -> list[dict[str, Any]]:
    return [one for one in border.records(stage.home) if one["kind"] in {"request", "answer", "withheld"}]


@pytest.fixture(scope="module")
def crossed(stage: Stage) -> list[dict[str, Any]]:
    """The record after both operators have asked for all that they can ask of the other world."""
    for world in ("cn", "row"):
        for asked in (
            ("status",), ("serve", "list"), ("serve", "get", "advisor"), ("serve", "plan", "-f", EXAMPLE),
            ("serve", "apply", "-f", EXAMPLE, "-y"), ("top", "gpu"), ("metrics", "latency"), ("metrics", "gpu"),
            ("parity", "check"), ("cost", "report"),
        ):  # fmt: skip
            ran = stage.operator(world, *asked)
            assert ran.code == 0, f"{world}: {asked}: {ran.out}{ran.err}"
    return messages(stage)


def test_only_contract_data_and_intents_crossed(crossed: list[dict[str, Any]]) -> None:
    sections = {json.loads(one["text"].partition("\r\n\r\n")[2] or "{}").get("section") for one in crossed}
    assert {"metrics", "cost", "fleet", "parity"} <= sections
    for way in (("cn", "row"), ("row", "cn")):
        asked = [one["text"] for one in crossed if one["kind"] == "request" and (one["from"], one["to"]) == way]
        for route in ("GET /v1/aggregates?", "POST /v1/intents ", "GET /v1/intents/"):
            assert any(text.startswith(route) for text in asked), (way, route)
        numbers = [(one["exchange"], one["kind"] == "request") for one in crossed if (one["from"], one["to"]) == way]
        assert len(numbers) == len(set(numbers)), "two answers stand under one number"
    assert [(one["exchange"], fault) for one in crossed for fault in faults(one)] == []


@pytest.mark.parametrize("label", ["pod", "node", "user", "prompt"])
def test_one_more_label_in_an_answer_is_found(crossed: list[dict[str, Any]], label: str) -> None:
    """The check above sees what it is for: a real answer with one key too many, at every depth."""
    answer = with_latency(crossed)
    for place in ((), ("ttft",), ("ttft", "p95")):
        document = body_of(answer)
        spot = next(item for item in document["items"] if item["kind"] == "latency")
        for step in place:
            spot = spot[step]
        spot[label] = "x"
        assert faults(with_body(answer, document)) == [".".join((*place, label))]


@pytest.mark.parametrize(
    ("name", "value"),
    [("model", "what the customer said"), ("requests", "12"), ("world", "elsewhere"), ("window", {"from": "a b"})],
)
def test_a_value_that_the_contract_has_no_room_for_is_found(
    crossed: list[dict[str, Any]], name: str, value: object
) -> None:
    answer = with_latency(crossed)
    document = body_of(answer)
    next(item for item in document["items"] if item["kind"] == "latency")[name] = value
    (fault,) = faults(with_body(answer, document))
    assert fault.startswith(name)


def with_latency(crossed: list[dict[str, Any]]) -> dict[str, Any]:
    """An answer that tells latencies, as it crossed."""
    return next(one for one in crossed if '"kind": "latency"' in one["text"] and '"ttft": {' in one["text"])


def body_of(record: Mapping[str, Any]) -> dict[str, Any]:
    return json.loads(record["text"].partition("\r\n\r\n")[2])


def with_body(record: Mapping[str, Any], document: object) -> dict[str, Any]:
    head = record["text"].partition("\r\n\r\n")[0]
    return {**record, "text": f"{head}\r\n\r\n{json.dumps(document)}"}


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
    found += [(name, token.encode()) for name, token in tokens_of(stage, world)]
    for path in folder.glob("cells/*/admin.kubeconfig"):
        user = yaml.safe_load(path.read_text())["users"][0]["user"]
        found.append((f"{path.parent.name} admin", user["client-key-data"].encode()))
    for path in folder.glob("cells/*/kwok/clusters/*/pki/*.key"):
        found.append((path.name, path.read_bytes().splitlines()[1]))
    assert all(len(value) >= 16 for _, value in found)
    return found


def tokens_of(stage: Stage, world: str) -> list[tuple[str, str]]:
    """(file, value) of every bearer token that a world's operator and exec plugins keep for its own cells."""
    places = [*stage.home.world(world).glob("cells/*/tokens/**/*"), *stage.home.operator(world).glob("tokens/**/*")]
    return [
        (path.name, token)
        for path in places
        if path.is_file()
        for token in re.findall(r"eyJ[\w-]+\.[\w-]+\.[\w-]+", path.read_text())
    ]


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


BOTH_WAYS = pytest.mark.parametrize(("world", "other"), [("row", "cn"), ("cn", "row")])


def readable(stage: Stage, world: str) -> list[Path]:
    """Every file of the rehearsal that a process in a world's shell can open."""
    listed = stage.shell(world, "python3", "-c", _WALK, str(stage.home.root))
    assert listed.code == 0, listed.err
    found = [Path(line) for line in listed.out.splitlines()]
    assert stage.home.world(world) / "passphrase" in found
    return found


@BOTH_WAYS
def test_a_shell_of_one_world_holds_no_key_to_the_other_but_the_gate_token(
    stage: Stage, world: str, other: str
) -> None:
    env = stage.shell(world, "env").out
    keys = secrets_of(stage, other)
    assert f"{stage.home.root}/{other}" not in env
    assert [name for name, value in keys if value.decode() in env] == []
    there = str(stage.home.world(other)).encode()
    foreign = [stage.home.world(other), stage.home.border]
    own = [path for path in readable(stage, world) if not any(path.is_relative_to(folder) for folder in foreign)]
    for path in own:
        try:
            raw = path.read_bytes()
        except FileNotFoundError:
            continue  # a pod's or a database's own, gone since
        held = [name for name, value in keys if value in raw]
        assert held == [], f"{path} holds {held} of {other}"
        assert there not in raw, f"{path} names the folder of {other}"
    gates = stage.home.operator(world) / "gates"
    assert {path for path in own if path.is_relative_to(gates)} == {gates / f"{other}.token"}


@pytest.mark.skipif(seal.version() == 0, reason="no Landlock in this kernel: only file modes close the other world")
def test_no_file_of_the_other_world_and_no_record_can_be_opened(stage: Stage) -> None:
    for world, other in (("row", "cn"), ("cn", "row")):
        found = readable(stage, world)
        for folder in (stage.home.world(other), stage.home.border):
            assert any(path.is_file() for path in folder.iterdir())
            assert [path for path in found if path.is_relative_to(folder)] == []
        state = f"PULUMI_BACKEND_URL=file://{stage.home.world(other)}/state"
        ran = stage.shell(world, "env", state, "pulumi", "stack", "ls")
        assert ran.code != 0
        assert "permission denied" in ran.err
        assert "rehearsal." not in ran.out


_KNOCK = """
import json, ssl, sys, urllib.error, urllib.request
context = ssl._create_unverified_context()
for token in json.load(sys.stdin):
    headers = {"authorization": f"Bearer {token}"} if token else {}
    request = urllib.request.Request(sys.argv[1], headers=headers)
    try:
        print(urllib.request.urlopen(request, context=context, timeout=30).status)
    except urllib.error.HTTPError as error:
        print(error.code)
"""


@BOTH_WAYS
def test_the_other_worlds_api_server_lets_nobody_in(stage: Stage, world: str, other: str) -> None:
    tokens = ["", (stage.home.operator(world) / "gates" / f"{other}.token").read_text().strip(), "x" * 40]
    tokens += [token for _, token in tokens_of(stage, world)]
    assert len(tokens) > 3
    up = list(stage.home.world(other).glob("cells/*/cell.json"))
    assert up
    for file in up:
        server = json.loads(file.read_text())["endpoint"]
        knock = ("python3", "-c", _KNOCK, f"{server}/api/v1/namespaces")
        ran = stage.shell(world, "sh", "-c", 'printf %s "$0" | "$@"', json.dumps(tokens), *knock)
        codes = [int(line) for line in ran.out.split()]
        assert codes[0] in {401, 403}, ran.err
        assert codes[1:] == [401] * (len(tokens) - 1), ran.err


def test_the_audit_log_names_no_identity_of_the_other_world(stage: Stage, crossed: list[dict[str, Any]]) -> None:
    """cn's own operator minted the gate's identities for row, and the gate has them reviewed. They do nothing else."""
    assert crossed
    engineer = "system:serviceaccount:twain-identity-platform-engineer:platform-engineer"
    reviews = 0
    for line in (stage.cell("cn-sha-1") / "audit.log").read_text().splitlines():
        event = json.loads(line)
        reference = event.get("objectRef") or {}
        reviews += reference.get("resource") == "tokenreviews"
        name = event["user"].get("username", "")
        assert name or event["responseStatus"]["code"] == 401, event
        assert "gate-row-" not in name, event
        assert "impersonatedUser" not in event
        assert all(address.startswith("127.") for address in event["sourceIPs"])
        if "gate-row-" in line:
            assert name == engineer, event
            assert reference["resource"] in {"serviceaccounts", "clusterrolebindings"}, event
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
                # Words of four bytes, each little-endian: 127.x.y.z ends with 7F, also behind ::ffff:.
                v4 = address if len(address) == 8 else address.removeprefix("0" * 16 + "FFFF0000")
                loopback = (len(v4) == 8 and v4.endswith("7F")) or address == "0" * 24 + "01000000"
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
