"""`twain stack` with an engine that plays what the real one says: exit codes, locks, copies of the state, waves."""

from __future__ import annotations

import fcntl
import json
import socket
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from cli import stack_copies

if TYPE_CHECKING:
    from pathlib import Path

ENGINE = """#!/bin/sh
cd "$(dirname "$0")/.."
echo "$*" >> calls
case "$*" in
  "stack ls --json") cat stacks.json ;;
  *"stack export"*) cat state.json ;;
  *"stack output"*) cat outputs.json ;;
  "stack init"*|"config set"*) ;;
  "cancel"*) rm -f fault ;;
  *) if [ -e fault ]; then cat fault >&2; exit 255; fi
     case "$*" in preview*) cat preview.json ;; *) echo done ;; esac ;;
esac
"""
OUTPUTS = {
    "cell": "eu-ams-1",
    "world": "row",
    "cloud": "gcp",
    "region": "europe-west4",
    "kubernetes_minor": "1.36",
    "cluster_endpoint": "https://127.0.0.1:1",
    "cluster_ca": "PEM",
    "cluster_exec": {"command": "gke-gcloud-auth-plugin", "args": [], "env": {}},
    "gpu_pools": [
        {
            "name": "gpu80g",
            "gpu_class": "gpu-80g",
            "instance_type": "a2-ultragpu-1g",
            "gpus_per_node": 1,
            "min": 0,
            "max": 4,
        }
    ],
    "network_id": "n",
}
PREVIEW = {
    "changeSummary": {"create": 2, "same": 1},
    "steps": [
        {"op": "create", "urn": "urn:pulumi:s::twain::twain:index:Cell$gcp:x/y:Network::net"},
        {"op": "same", "urn": "urn:pulumi:s::twain::pulumi:pulumi:Stack::s"},
    ],
}


@pytest.fixture
def engine(operator: Any) -> Any:
    """The operator with a workspace and a played engine. `fault` holds what it says before it fails."""
    home: Path = operator.home
    program = home / "bin" / "pulumi"
    program.write_text(ENGINE)
    program.chmod(0o755)
    (home / "workspace").mkdir()
    (home / "workspace" / "Pulumi.yaml").write_text("name: twain\n")
    for name, value in (("stacks", []), ("state", {"version": 3}), ("outputs", OUTPUTS), ("preview", PREVIEW)):
        (home / f"{name}.json").write_text(json.dumps(value))
    document = json.loads((home / "contexts.json").read_text())
    document["contexts"]["test"]["workspace"] = str(home / "workspace")
    (home / "contexts.json").write_text(json.dumps(document))
    return operator


def stacks(operator: Any, *names: str) -> None:
    entries = [{"name": name, "resourceCount": 3, "lastUpdate": None, "updateInProgress": False} for name in names]
    (operator.home / "stacks.json").write_text(json.dumps(entries))


def fault(operator: Any, text: str) -> None:
    (operator.home / "fault").write_text(text)


def calls(operator: Any) -> list[str]:
    log = operator.home / "calls"
    return log.read_text().splitlines() if log.exists() else []


def test_the_stacks_of_the_backend_are_listed(engine: Any) -> None:
    stacks(engine, "rehearsal.eu-ams-1.infra", "old")
    ran = engine.twain("stack", "list", "-o", "json")
    assert ran.code == 0, ran.err
    assert [(item["stack"], item["layer"], item["state"]) for item in ran.json["items"]] == [
        ("old", None, "foreign"),
        ("rehearsal.eu-ams-1.infra", "infra", "up"),
    ]


def test_a_cell_that_left_the_fleet_is_an_orphan_and_can_be_destroyed_by_name(engine: Any) -> None:
    gone = ("rehearsal.eu-old-1.platform", "rehearsal.eu-old-1.infra")
    stacks(engine, "rehearsal.eu-ams-1.infra", *gone, "other.eu-old-1.infra")
    found = {item["stack"]: item for item in engine.twain("stack", "list", "-o", "json").json["items"]}
    assert {name: found[name]["state"] for name in (*gone, "other.eu-old-1.infra")} == {
        gone[0]: "orphan",
        gone[1]: "orphan",
        "other.eu-old-1.infra": "foreign",
    }
    assert "twain stack destroy --cell eu-old-1" in engine.twain("stack", "list").out
    ran = engine.twain("stack", "destroy", "--cell", "eu-old-1", "-y", "-o", "json")
    assert ran.code == 0, ran.err
    assert [(item["stack"], item["state"]) for item in ran.json["items"]] == [(name, "destroyed") for name in gone]
    done = [line.split("--stack ")[1].split()[0] for line in calls(engine) if line.startswith("destroy")]
    assert done == list(gone)


@pytest.mark.parametrize(("args", "code"), [((), 2), (("--all", "--cell", "eu-ams-1"), 2), (("--cell", "atlantis"), 6)])
def test_what_is_to_be_destroyed_is_always_named(engine: Any, args: tuple[str, ...], code: int) -> None:
    stacks(engine, "rehearsal.eu-ams-1.infra")
    assert engine.twain("stack", "destroy", *args, "-y").code == code
    assert not any(line.startswith("destroy") for line in calls(engine))


def test_all_of_the_own_world_is_destroyed_platform_first(engine: Any) -> None:
    names = [f"rehearsal.{cell}.{layer}" for cell in ("eu-ams-1", "eu-par-1") for layer in ("infra", "platform")]
    stacks(engine, *names)
    ran = engine.twain("stack", "destroy", "--all", "-y", "-o", "json")
    assert ran.code == 0, ran.err
    layers = [item["layer"] for item in ran.json["items"]]
    assert layers == ["platform", "platform", "infra", "infra"]


def test_an_up_goes_infra_first_canary_alone_and_keeps_the_cells_facts(engine: Any) -> None:
    ran = engine.twain("stack", "up", "--canary", "eu-par-1", "-y", "-o", "json")
    assert ran.code == 0, ran.err
    waves = [line for line in ran.err.splitlines() if line.startswith("wave")]
    assert waves == [
        "wave 1: rehearsal.eu-par-1.infra",
        "wave 2: rehearsal.eu-ams-1.infra",
        "wave 3: rehearsal.eu-par-1.platform",
        "wave 4: rehearsal.eu-ams-1.platform",
    ]
    assert (engine.home / "cells" / "eu-ams-1.json").stat().st_mode & 0o777 == 0o600
    listed = engine.twain("cell", "list", "--cell", "eu-ams-1", "-o", "json").json["items"][0]
    assert (listed["state"], listed["endpoint"]) == ("known", "https://127.0.0.1:1")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--canary", "cn-sha-1", "--layer", "infra", "-y"), "it lies in world cn; this is of row"),
        (("--cell", "eu-par-1", "--canary", "eu-ams-1", "--dry-run"), "it is left out"),
    ],
)
def test_a_canary_that_is_not_among_the_cells_is_refused(engine: Any, args: tuple[str, ...], said: str) -> None:
    ran = engine.twain("stack", "up", *args)
    assert (ran.code, said in ran.err, "error CFG-SCOPE" in ran.err) == (2, True, True), ran.err
    assert not any(call.startswith("up") for call in calls(engine))
    assert engine.twain("stack", "up", "--cell", "eu-par-1", "--canary", "eu-par-1", "--dry-run").code == 0
    assert engine.twain("stack", "up", "--canary", "atlantis", "--dry-run").code == 6


def test_a_failing_canary_stops_all_others(engine: Any) -> None:
    fault(engine, "error: quota exceeded")
    ran = engine.twain("stack", "up", "-y", "-o", "json")
    assert ran.code == 4
    assert [item["state"] for item in ran.json["items"]] == ["failed", "skipped", "skipped", "skipped"]
    assert "quota exceeded" in ran.err


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("error: RES-003 bucket location EU", 5),
        ("error: SPEC-CIDR overlap", 2),
        ("error: incorrect passphrase", 3),
        ("error: no stack named 'rehearsal.eu-ams-1.infra' found", 6),
        ("error: something else", 4),
    ],
)
def test_what_the_engine_says_becomes_an_exit_code(engine: Any, words: str, code: int) -> None:
    fault(engine, words)
    assert engine.twain("stack", "preview", "--layer", "infra").code == code


def lock_text(host: str, pid: int) -> str:
    return (
        f"error: the stack is currently locked by 1 lock(s).\n  file:///l.json: created by me@{host} (pid {pid}) at now"
    )


def test_a_lock_of_a_dead_process_of_this_host_is_taken_off_and_the_run_goes_on(engine: Any) -> None:
    fault(engine, lock_text(socket.gethostname(), 4_190_000))
    ran = engine.twain("stack", "up", "--cell", "eu-ams-1", "--layer", "infra", "-y")
    assert ran.code == 0, ran.err
    assert "cancel rehearsal.eu-ams-1.infra --yes --non-interactive" in calls(engine)


@pytest.mark.parametrize(("host", "pid"), [("elsewhere", 4_190_000), (socket.gethostname(), 1)])
def test_a_lock_of_another_host_or_a_living_process_stays_and_ends_with_14(engine: Any, host: str, pid: int) -> None:
    fault(engine, lock_text(host, pid))
    ran = engine.twain("stack", "up", "--cell", "eu-ams-1", "--layer", "infra", "-y")
    assert ran.code == 14
    assert f"me@{host} (pid {pid})" in ran.err
    assert not any(call.startswith("cancel") for call in calls(engine))


def test_two_at_once_on_one_stack_one_is_refused(engine: Any) -> None:
    folder = engine.home / "locks"
    folder.mkdir()
    with (folder / "rehearsal.eu-ams-1.infra.lock").open("w+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        held.write("4711 since now")
        held.flush()
        ran = engine.twain("stack", "up", "--cell", "eu-ams-1", "--layer", "infra", "-y")
    assert ran.code == 14
    assert "is being changed by process 4711" in ran.err


def test_copies_of_the_state_are_private_checksummed_and_ten_at_most(engine: Any) -> None:
    for number in range(10):
        stack_copies.keep(engine.home, "rehearsal.eu-ams-1.infra", json.dumps({"version": 3, "n": number}).encode())
    for number in (10, 11):
        (engine.home / "state.json").write_text(json.dumps({"version": 3, "n": number}))
        assert engine.twain("stack", "up", "--cell", "eu-ams-1", "--layer", "infra", "-y").code == 0
    copies = sorted((engine.home / "state" / "rehearsal.eu-ams-1.infra").glob("*.json"))
    assert len(copies) == 10
    assert json.loads(copies[-1].read_text())["n"] == 11
    assert copies[-1].stat().st_mode & 0o777 == 0o600
    import hashlib

    assert all(
        hashlib.sha256(path.read_bytes()).hexdigest().startswith(path.stem.rpartition("-")[2]) for path in copies
    )


def test_a_preview_counts_changes_and_names_resources(engine: Any) -> None:
    ran = engine.twain("stack", "preview", "--cell", "eu-ams-1", "-o", "json", "--exit-code")
    assert ran.code == 10
    infra, platform = ran.json["items"]
    assert infra["changes"] == {"create": 2, "update": 0, "replace": 0, "delete": 0, "same": 1}
    assert infra["resources"] == [{"op": "create", "type": "gcp:x/y:Network", "name": "net", "properties": []}]
    assert platform["source"] == "planned from spec"
    assert platform["changes"]["create"] == len(platform["resources"]) > 20
    assert {
        "op": "create",
        "type": "kubernetes:core/v1:Namespace",
        "name": "twain-system",
        "properties": [],
    } in platform["resources"]


def test_a_preview_names_what_would_change_under_the_table_and_what_is_lost_first(engine: Any) -> None:
    urn = "urn:pulumi:s::twain::x:index:Cell$gcp:x/y:Thing::"
    steps = [{"op": op, "urn": f"{urn}{op}d"} for op in ("create", "update", "replace", "delete", "same")]
    summary = {"create": 1, "update": 1, "replace": 1, "delete": 1, "same": 1}
    (engine.home / "preview.json").write_text(json.dumps({"changeSummary": summary, "steps": steps}))
    ran = engine.twain("stack", "preview", "--cell", "eu-ams-1", "--layer", "infra")
    assert ran.out.split("\n\n")[1].splitlines() == [
        "rehearsal.eu-ams-1.infra",
        "  delete   deleted  (gcp:x/y:Thing)",
        "  replace  replaced  (gcp:x/y:Thing)",
        "  create   created  (gcp:x/y:Thing)",
        "  update   updated  (gcp:x/y:Thing)",
    ]


POOL = "gcp:container/nodePool:NodePool"


def pool(most: int, machine: str = "a2-ultragpu-1g") -> dict[str, Any]:
    scaling = {"totalMinNodeCount": 0, "totalMaxNodeCount": most}
    return {"inputs": {"nodeConfig": {"machineType": machine}, "autoscaling": scaling}}


def test_a_preview_tells_what_the_change_costs_a_month_and_what_it_cannot_tell(engine: Any) -> None:
    urn = "urn:pulumi:s::twain::twain:index:Cell$"
    steps = [
        {"op": "update", "urn": f"{urn}{POOL}::gpu80g", "oldState": pool(4), "newState": pool(6)},
        {"op": "create", "urn": f"{urn}gcp:compute/routerNat:RouterNat::nat", "newState": {"inputs": {}}},
    ]
    (engine.home / "preview.json").write_text(json.dumps({"changeSummary": {"update": 1, "create": 1}, "steps": steps}))
    asked = ("stack", "preview", "--cell", "eu-ams-1", "--layer", "infra")
    found = engine.twain(*asked, "-o", "json").json
    (item,) = found["items"]
    (line,) = item["cost"]["priced"]
    price = Decimal(line["price"])
    assert (line["currency"], line["sku"], line["after"]) == (
        "USD",
        "a2-ultragpu-1g",
        {"atSmallest": "0", "atLargest": "6"},
    )
    assert (line["monthly"]["atSmallest"], Decimal(line["monthly"]["atLargest"])) == ("0.00", price * 2 * 730)
    (unpriced,) = item["cost"]["unpriced"]
    assert (unpriced["name"], unpriced["reason"]) == ("nat", "no public price is known")
    assert found["cost"]["totals"] == item["cost"]["totals"]
    assert (found["cost"]["unpriced"], found["cost"]["unknown"]) == (1, [])
    told = engine.twain(*asked).out
    assert f"+0.00 (pools at their smallest) to +{price * 2 * 730:.2f} (at their largest) USD" in told
    assert "no price is known or it is billed by use: RouterNat" in told


def test_all_is_every_stack_of_the_fleet_and_the_other_worlds_state_is_not_known(engine: Any) -> None:
    stacks(engine, "rehearsal.eu-ams-1.infra", "rehearsal.eu-par-1.infra")
    ran = engine.twain("stack", "preview", "--all", "-o", "json")
    assert ran.code == 0, ran.err
    found = {item["stack"]: item for item in ran.json["items"]}
    assert list(found) == [
        f"rehearsal.{cell}.{layer}" for layer in ("infra", "platform") for cell in ("cn-sha-1", "eu-ams-1", "eu-par-1")
    ]
    other = found["rehearsal.cn-sha-1.infra"]
    assert (other["source"], set(other["changes"].values())) == ("planned from spec", {None})
    assert {one["op"] for one in other["resources"]} == {"declared"}
    assert other["cost"] is None
    assert ran.json["cost"]["unknown"] == ["rehearsal.cn-sha-1.infra", "rehearsal.cn-sha-1.platform"]
    assert len(other["resources"]) > 20
    assert found["rehearsal.eu-ams-1.infra"]["changes"]["create"] == 2
    assert not any("cn-sha-1" in line for line in calls(engine))
    table = engine.twain("stack", "preview", "--all")
    assert "2 stacks of another world declare" in table.out
    assert engine.twain("stack", "preview", "--all", "--cell", "eu-ams-1").code == 2


def test_a_preview_leaves_the_settings_of_a_stack_that_is_set_to_another_fleet(engine: Any) -> None:
    stacks(engine, "rehearsal.eu-ams-1.infra")
    own = engine.home / "workspace" / "Pulumi.rehearsal.eu-ams-1.infra.yaml"
    own.write_text("encryptionsalt: v1:x\nconfig:\n  twain:fleet: /another.yaml\n")
    before = own.read_bytes()
    asked = ("stack", "preview", "--cell", "eu-ams-1", "--layer", "infra")
    assert engine.twain(*asked).code == 0
    assert own.read_bytes() == before
    (call,) = [line for line in calls(engine) if line.startswith("preview")]
    assert "--config-file" in call
    assert not any(line.startswith(("config set", "stack init")) for line in calls(engine))
    own.write_text(f"config:\n  twain:fleet: {engine.fleet}\n")
    assert engine.twain(*asked).code == 0
    assert "--config-file" not in [line for line in calls(engine) if line.startswith("preview")][-1]


def test_a_preview_without_changes_says_so(engine: Any) -> None:
    (engine.home / "preview.json").write_text(json.dumps({"changeSummary": {"same": 3}, "steps": []}))
    ran = engine.twain("stack", "preview", "--cell", "eu-ams-1", "--layer", "infra")
    assert ran.out.splitlines()[-1] == "nothing would change."
    assert "next:" not in ran.err


def test_a_residency_violation_in_the_fleet_ends_with_5_before_the_engine_starts(engine: Any, tmp_path: Path) -> None:
    fleet = yaml.safe_load(engine.fleet.read_text())
    fleet["spec"]["cells"][0].update(region="cn-hongkong")
    path = tmp_path / "fleet.yaml"
    path.write_text(yaml.safe_dump(fleet))
    document = json.loads((engine.home / "contexts.json").read_text())
    document["contexts"]["test"]["fleet"] = str(path)
    (engine.home / "contexts.json").write_text(json.dumps(document))
    ran = engine.twain("stack", "preview")
    assert ran.code == 5
    assert "error RES-" in ran.err
    assert not (engine.home / "calls").exists()


def test_another_worlds_stacks_are_refused(engine: Any) -> None:
    for args in (("preview", "--world", "cn"), ("preview", "--cell", "cn-sha-1"), ("env", "--world", "cn")):
        ran = engine.twain("stack", *args)
        assert ran.code == 5, args
        assert "error RES-STATE" in ran.err


def test_env_prints_shell_assignments_that_quote(engine: Any) -> None:
    document = json.loads((engine.home / "contexts.json").read_text())
    document["contexts"]["test"]["env"] |= {"PULUMI_HOME": "/a b'c", "SECRET": "x", "TWAIN_REHEARSAL_HOME": "/r"}
    (engine.home / "contexts.json").write_text(json.dumps(document))
    ran = engine.twain("stack", "env")
    assert "export PULUMI_HOME='/a b'\"'\"'c'" in ran.out.splitlines()
    assert "export PULUMI_BACKEND_URL=file:///r/row/state" in ran.out.splitlines()
    assert "SECRET" not in ran.out


@pytest.mark.parametrize("answer", ["done", "", "[]"])
def test_an_answer_that_cannot_be_read_is_unknown_and_never_clean(engine: Any, answer: str) -> None:
    stacks(engine, "rehearsal.eu-ams-1.infra")
    (engine.home / "preview.json").write_text(answer)
    (engine.home / "state.json").write_text(answer)
    program = (engine.home / "bin" / "pulumi").read_text()
    (engine.home / "bin" / "pulumi").write_text(program.replace("in preview*)", "in preview*|refresh*)"))
    looked = ("preview", "--layer", "infra", "--cell", "eu-ams-1")
    for args in (("drift", "--all"), ("drift", "--all", "--exit-code"), ("destroy", "--all", "-y"), looked):
        ran = engine.twain("stack", *args)
        assert (ran.code, "no drift found" in ran.out, "error STK-ANSWER" in ran.err) == (16, False, True), ran.err
    assert not any(call.startswith("destroy") for call in calls(engine))
