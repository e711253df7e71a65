"""Living with a stack on the real engine: killed, interrupted, refused, drifted, protected, damaged, taken over."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import shutil
import signal
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.life import BUCKET, CELL, STACK, SUBNET, VPC, Life, gone, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EVERYTHING = {"vpc-a", "subnet-0", "subnet-1", "twain-test-weights"}


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    made = Life(tmp_path)
    yield made
    made.close()


@pytest.fixture
def protected(tmp_path: Path) -> Iterator[Life]:
    """A stack that is up and protected."""
    made = Life(tmp_path, protect=True)
    try:
        made.up().ended(0)
        yield made
    finally:
        made.close()


@pytest.fixture
def up(life: Life) -> Life:
    life.up().ended(0)
    return life


def test_a_run_tells_what_it_changed_and_a_second_changes_nothing(life: Life) -> None:
    (row,) = life.up("-o", "json").ended(0).json["items"]
    assert row["changes"]["create"] == len(life.latest()["resources"])
    (row,) = life.up("-o", "json").ended(0).json["items"]
    assert {name: count for name, count in row["changes"].items() if count} == {"same": len(life.latest()["resources"])}
    assert set(life.made()) == EVERYTHING
    assert life.whole()


def test_a_killed_engine_leaves_a_lock_that_is_freed_and_a_create_that_is_not_made_twice(life: Life) -> None:
    life.hang()
    running = life.begin_up()
    until(life.stuck)
    lock = life.lock()
    assert lock is not None
    # A living owner is never overruled, and whoever looks meanwhile is told.
    told = life.twain("unlock", STACK, "-y", home=life.operator("two")).ended(14)
    assert f"process {lock['pid']} of {lock['username']} on this machine lives, running `pulumi up`" in told.err
    preview = life.twain("preview", "--cell", CELL, "--layer", "infra", "-o", "json", home=life.folder / "two")
    assert [item["moving"] for item in preview.ended(0).json["items"]] == [True]
    os.kill(lock["pid"], signal.SIGKILL)
    out, err = running.communicate(timeout=400)
    assert running.returncode == 4, out + err
    assert "begun and never answered: alicloud:vpc/network:Network vpc" in err
    assert [lock["owner"] for lock in life.twain("unlock", STACK, "-y", "-o", "json").ended(0).json["items"]] == [
        "dead"
    ]
    assert life.lock() is None
    before = life.made()
    life.up().ended(0)
    assert life.made()["vpc-a"] == before["vpc-a"]
    assert set(life.made()) == EVERYTHING
    assert life.whole()


def test_the_next_up_frees_a_dead_engines_lock_by_itself(life: Life) -> None:
    life.hang()
    running = life.begin_up()
    until(life.stuck)
    lock = life.lock()
    assert lock is not None
    running.kill()
    running.communicate()
    os.kill(lock["pid"], signal.SIGKILL)
    until(lambda: gone(lock["pid"]))
    life.up().ended(0)
    assert set(life.made()) == EVERYTHING
    assert life.whole()


@pytest.mark.parametrize(
    ("kind", "times", "words"),
    [
        ("stock-out", 1, ""),
        ("throttle", 5, "Throttling"),
        ("timeout", 1, "timed out"),
        ("crash-before", 1, ""),
        ("crash-between", 1, ""),
    ],
)
def test_a_create_that_fails_in_the_middle_ends_with_4_and_is_gone_on_with(
    life: Life, kind: Any, times: int, words: str
) -> None:
    life.store.add_fault(kind, match={"type": SUBNET, "op": "create", "name": "subnet-1"}, times=times)
    ran = life.up("-o", "json").ended(4)
    assert [(row["state"], row["changes"]["create"]) for row in ran.json["items"]] == [("failed", None)]
    assert words in ran.err
    before = life.made()
    assert "vpc-a" in before
    life.up().ended(0)
    assert set(life.made()) == EVERYTHING
    assert before.items() <= life.made().items()
    assert life.whole()


def test_what_is_not_visible_yet_is_looked_for_again_and_never_taken_for_gone(life: Life) -> None:
    life.store.add_fault("not-yet-visible", match={"op": "find", "type": VPC}, times=2)
    life.up().ended(0)
    assert set(life.made()) == EVERYTHING
    life.store.add_fault("not-yet-visible", match={"op": "find", "type": VPC}, times=5)
    before = life.state.read_bytes()
    told = life.twain("drift", "--all").ended(4)
    assert "NotFound: read of vpc-a asked 5 times for vpc-a" in told.err
    assert life.state.read_bytes() == before
    assert life.whole()


def test_a_parent_that_stays_invisible_fails_its_children_and_the_next_run_goes_on(life: Life) -> None:
    life.store.add_fault("not-yet-visible", match={"op": "find", "type": VPC}, times=10)
    ran = life.up("-o", "json").ended(4)
    assert "NotFound: create of" in ran.err
    before = life.made()
    assert "vpc-a" in before
    assert set(before) < EVERYTHING
    life.store.clear_faults()
    life.up().ended(0)
    assert set(life.made()) == EVERYTHING
    assert before.items() <= life.made().items()
    assert life.whole()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_lets_the_engine_write_its_state_and_ends_with_8(life: Life, number: signal.Signals) -> None:
    life.hang()
    running = life.begin_up()
    until(life.stuck)
    os.kill(running.pid, number)
    out, err = running.communicate(timeout=400)
    assert running.returncode == 8, out + err
    assert life.lock() is None
    life.up().ended(0)
    assert set(life.made()) == EVERYTHING
    assert life.whole()


def test_an_interrupted_engine_that_dies_is_named_with_what_was_under_way(life: Life) -> None:
    life.hang()
    running = life.begin_up()
    until(life.stuck)
    lock = life.lock()
    assert lock is not None
    # The engine does not listen, and is killed.
    os.kill(lock["pid"], signal.SIGSTOP)
    os.kill(running.pid, signal.SIGINT)
    os.kill(lock["pid"], signal.SIGKILL)
    out, err = running.communicate(timeout=400)
    assert running.returncode == 8, out + err
    assert "begun and never answered: alicloud:vpc/network:Network vpc" in err
    life.up().ended(0)
    assert life.whole()


def test_of_two_at_the_same_moment_one_changes_things(life: Life) -> None:
    life.operator("two")
    life.engine.stack_init(STACK)
    runs = [life.begin_up(home=life.home), life.begin_up(home=life.folder / "two")]
    ended = sorted((run.wait(timeout=600), run.communicate()[1]) for run in runs)
    codes = [code for code, _ in ended]
    assert codes[0] == 0, ended
    assert codes[1] in {0, 14}, ended
    assert set(life.made()) == EVERYTHING
    assert life.whole()


def test_drift_is_shown_by_resource_and_property_and_put_back_only_when_asked(up: Life) -> None:
    (vpc,) = up.store.list_resources(type=VPC)
    changed = {"cidrBlock": vpc.inputs["cidrBlock"], "description": "by hand"}
    up.store.update_resource(VPC, vpc.id, inputs={**vpc.inputs, **changed}, outputs={**vpc.outputs, **changed})
    (subnet,) = [row for row in up.store.list_resources(type=SUBNET) if row.name == "subnet-1"]
    up.store.delete_resource(SUBNET, subnet.id)
    before = up.state.read_bytes()
    ran = up.twain("drift", "--all", "--exit-code", "-o", "json").ended(10)
    assert [(row["resource"], row["property"], row["expected"], row["found"]) for row in ran.json["items"]] == [
        ("subnet-1", "(the resource)", subnet.id, None),
        ("vpc", "description", None, "by hand"),
    ]
    assert [(one["state"], one["differences"]) for one in ran.json["stacks"]] == [("drifted", 2)]
    assert up.state.read_bytes() == before
    # What is gone comes back only when a person asks for it.
    up.up().ended(0)
    assert set(up.made()) == EVERYTHING - {"subnet-1"}
    up.up("--refresh").ended(0)
    assert set(up.made()) == EVERYTHING
    up.twain("drift", STACK, "--exit-code").ended(0)
    assert up.whole()


def test_a_store_that_is_gone_is_never_made_anew(up: Life) -> None:
    (bucket,) = up.store.list_resources(type=BUCKET)
    up.store.delete_resource(BUCKET, bucket.id)
    ran = up.up("--refresh").ended(4)
    assert f"these hold data and are gone: weights ({bucket.id})" in ran.err
    assert set(up.made()) == EVERYTHING - {"twain-test-weights"}
    # Back from its backup, under its name.
    up.store.put_resource(replace(bucket, deleted=None, state="live"))
    up.up("--refresh").ended(0)
    assert up.whole()


def test_drift_of_a_cloud_that_does_not_answer_is_unknown_and_not_none(up: Life) -> None:
    up.store.add_fault("timeout", match={"type": VPC, "op": "read"})
    ran = up.twain("drift", STACK, "-o", "json").ended(4)
    assert [(one["state"], one["differences"]) for one in ran.json["stacks"]] == [("unknown", None)]
    assert ran.json["items"] == []


def test_a_protected_store_is_named_and_nothing_is_destroyed_until_it_is_unprotected(protected: Life) -> None:
    life = protected
    before = life.made()
    ran = life.twain("destroy", "--cell", CELL, "-y").ended(4)
    assert "error STK-PROTECTED" in ran.err
    assert "bucket weights (twain-test-weights; protected in the state)" in ran.err
    assert life.made() == before
    life.twain("unprotect", "--cell", CELL, "--reason", " ", "-y").ended(2)
    life.twain("unprotect", "--cell", CELL, "--reason", "closed by CHG-1", "-y").ended(0)
    assert life.made() == before
    (listed,) = life.twain("list", "-o", "json").ended(0).json["items"]
    assert (listed["lift"]["state"], listed["lift"]["reason"]) == ("lifted", "closed by CHG-1")
    told = [json.loads(line) for line in (life.home / "audit.jsonl").read_text().splitlines()]
    assert [(entry["verb"], entry.get("reason")) for entry in told if "unprotect" in entry["verb"]] == [
        ("stack unprotect", "closed by CHG-1")
    ]
    life.twain("destroy", "--cell", CELL, "-y").ended(0)
    assert life.made() == {}


def test_a_lift_ends_by_itself_and_an_up_protects_again(protected: Life) -> None:
    life = protected
    life.twain("unprotect", "--cell", CELL, "--reason", "x", "--for", "1s", "-y").ended(0)
    ran = life.twain("destroy", "--cell", CELL, "-y").ended(4)
    assert "was unprotected until" in ran.err
    assert set(life.made()) == EVERYTHING
    life.up().ended(0)
    assert [item["lift"] for item in life.twain("list", "-o", "json").ended(0).json["items"]] == [None]
    assert "protected in the state" in life.twain("destroy", "--cell", CELL, "-y").ended(4).err


def test_a_lift_that_was_killed_is_seen_and_gone_on_with(protected: Life) -> None:
    life = protected
    life.store.add_fault("throttle", match={"type": BUCKET, "op": "update"}, times=5)
    life.twain("unprotect", "--cell", CELL, "--reason", "x", "-y").ended(4)
    (listed,) = life.twain("list", "-o", "json").ended(0).json["items"]
    assert listed["lift"]["state"] == "lifting"
    assert "is protected" in life.twain("destroy", "--cell", CELL, "-y").ended(4).err
    life.twain("unprotect", "--cell", CELL, "--reason", "x", "-y").ended(0)
    life.twain("destroy", "--cell", CELL, "-y").ended(0)
    assert life.made() == {}


def test_a_cell_that_left_the_fleet_is_unprotected_from_the_fleet_that_it_came_from(protected: Life) -> None:
    life = protected
    life.declare(protect=True, cells=False)
    assert [item["state"] for item in life.twain("list", "-o", "json").ended(0).json["items"]] == ["orphan"]
    life.twain("destroy", "--cell", CELL, "-y").ended(4)
    life.twain("unprotect", "--cell", CELL, "--reason", "gone", "-y").ended(0)
    life.twain("destroy", "--cell", CELL, "-y").ended(0)
    assert life.made() == {}


@pytest.mark.parametrize("cut", [0, 700])
def test_a_damaged_state_is_refused_with_its_copies_and_one_is_taken_back(up: Life, cut: int) -> None:
    before, made = up.latest(), up.made()
    up.state.write_bytes(up.state.read_bytes()[:cut])
    ran = up.up().ended(4)
    assert "error STK-STATE" in ran.err
    assert "checksum right" in ran.err
    assert up.made() == made
    copies = up.twain("restore", STACK, "-o", "json").ended(0).json["items"]
    assert copies[0]["state"] == "whole"
    newest = up.home / "state" / STACK / f"{copies[0]['copy']}.json"
    content = newest.read_bytes()
    newest.write_bytes(content[:-20] + bytes([content[-20] ^ 1]) + content[-19:])
    assert "does not have its checksum" in up.twain("restore", STACK, "--copy", copies[0]["copy"], "-y").ended(4).err
    newest.write_bytes(content)
    assert hashlib.sha256(content).hexdigest()[:16] == copies[0]["copy"].rpartition("-")[2]
    up.twain("restore", STACK, "--copy", "latest", "-y").ended(0)
    assert [r["urn"] for r in up.latest()["resources"]] == [r["urn"] for r in before["resources"]]
    up.twain("drift", STACK, "--exit-code").ended(0)
    up.up().ended(0)
    assert up.made() == made


def test_a_state_whose_order_is_broken_is_kept_aside_and_the_repair_is_named(up: Life) -> None:
    document = json.loads(up.state.read_text())
    document["checkpoint"]["latest"]["resources"].reverse()
    up.state.write_text(json.dumps(document))
    broken = [entry["urn"] for entry in document["checkpoint"]["latest"]["resources"]]
    ran = up.up().ended(4)
    assert "state repair" in ran.err
    kept = max((up.home / "state" / STACK).glob("*.json"))
    assert [entry["urn"] for entry in json.loads(kept.read_text())["deployment"]["resources"]] == broken
    (whole,) = [one["copy"] for one in up.twain("restore", STACK, "-o", "json").json["items"] if one["resources"]][1:2]
    up.twain("restore", STACK, "--copy", whole, "-y").ended(0)
    up.up().ended(0)
    assert up.whole()


def test_a_wrong_passphrase_ends_with_3_changes_nothing_and_is_not_printed(up: Life) -> None:
    before, made = up.state.read_bytes(), up.made()
    wrong = up.folder / "wrong"
    wrong.write_text("canary-8c1f")
    home = up.operator("stranger", PULUMI_CONFIG_PASSPHRASE_FILE=str(wrong))
    for ran in (up.up(home=home), up.twain("destroy", "--cell", CELL, "-y", home=home)):
        assert ran.ended(3).err.count("canary-8c1f") + ran.out.count("canary-8c1f") == 0
    assert up.state.read_bytes() == before
    assert up.made() == made


def test_a_full_disk_ends_with_4_before_anything_is_changed(up: Life) -> None:
    before, made = up.state.read_bytes(), up.made()
    shutil.rmtree(up.home / "state")
    up.declare(protect=True)

    def no_room() -> None:
        # No file may grow to the size of a copy: the write fails as on a full disk, and nobody is killed.
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2048, 2048))

    ran = up.up(preexec_fn=no_room).ended(4)
    assert "error DSK-001" in ran.err
    assert up.state.read_bytes() == before
    assert up.made() == made
    assert not list((up.home / "state").rglob("*.tmp"))
    up.up().ended(0)
    assert up.whole()


def test_a_plugin_of_another_version_is_refused_with_both_before_anything_is_made(life: Life) -> None:
    other = life.folder / "plugins"
    shutil.copytree(life.engine.workspace.pulumi_home, other)
    (real,) = other.glob("plugins/resource-alicloud-v*[0-9]")
    real.rename(real.with_name("resource-alicloud-v3.99.0"))
    home = life.operator("skewed", PULUMI_HOME=str(other))
    ran = life.up(home=home).ended(2)
    assert "error CFG-PLUGIN" in ran.err
    assert real.name.rpartition("-v")[2] in ran.err
    assert "3.99.0" in ran.err
    assert life.made() == {}


def test_a_bucket_that_exists_is_taken_in_and_nothing_would_change_after_the_next_up(up: Life) -> None:
    (bucket,) = up.store.list_resources(type=BUCKET)
    up.twain("destroy", "--cell", CELL, "-y").ended(0)
    by_hand = {**bucket.inputs, "tags": {"made": "by-hand"}}
    up.store.put_resource(
        replace(
            bucket,
            deleted=None,
            state="live",
            urn="",
            parents=(),
            inputs=by_hand,
            outputs={**bucket.outputs, "tags": by_hand["tags"]},
        )
    )
    taken = up.up().ended(4)
    assert "exists already" in taken.err
    assert "'no-such' does not exist" in up.twain("import", "--cell", CELL, "weights", "no-such", "-y").ended(4).err
    (row,) = up.twain("import", "--cell", CELL, "weights", bucket.id, "-y", "-o", "json").ended(0).json["items"]
    assert (row["state"], row["properties"]) == ("imported", ["tags"])
    up.up().ended(0)
    up.twain("preview", "--cell", CELL, "--layer", "infra", "--exit-code").ended(0)
    assert up.made()["twain-test-weights"] == bucket.id
    again = up.twain("import", "--cell", CELL, "weights", bucket.id, "-y", "-o", "json").ended(0).json["items"]
    assert [one["state"] for one in again] == ["already"]
    unknown = up.twain("import", "--cell", CELL, "nope", "x", "-y").ended(6)
    assert "weights (alicloud:oss/bucket:Bucket; in the state already)" in unknown.err
    assert up.whole()
