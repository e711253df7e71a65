"""The parts of living with stacks that need no engine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from cli import (
    cells,
    children,
    engine,
    errors,
    files,
    stack_copies,
    stack_files,
    stack_import,
    stack_lifts,
    stack_versions,
    stacks,
)
from cli.stacks import Stack, counted, run_waves

if TYPE_CHECKING:
    from pathlib import Path

NAME = "f.c-1.infra"


def stack(cell: str, layer: str = "infra") -> Stack:
    return Stack(name=f"f.{cell}.{layer}", cell=cell, world="row", layer=layer)


ALL = [stack(cell, layer) for layer in ("infra", "platform") for cell in ("a-1", "b-1", "c-1")]


def waved(failing: str) -> tuple[dict[str, str], list[errors.ErrorRow]]:
    def work(one: Stack) -> dict[str, Any]:
        if one.name == failing:
            raise errors.ResourceError("no quota")
        return {"stack": one.name, "state": "up"}

    rows, found = run_waves(ALL, work, canary=None, note=lambda _: None)
    return {row["stack"]: row["state"] for row in rows}, found


def test_the_others_of_a_failed_wave_complete_and_no_later_wave_begins() -> None:
    states, found = waved("f.b-1.infra")
    assert states == {
        "f.a-1.infra": "up",
        "f.b-1.infra": "failed",
        "f.c-1.infra": "up",
        **{f"f.{cell}.platform": "skipped" for cell in ("a-1", "b-1", "c-1")},
    }
    assert [(row.cell, row.message) for row in found] == [("b-1", "no quota")]


def test_a_failed_canary_stops_all() -> None:
    states, _ = waved("f.a-1.infra")
    assert list(states.values()).count("skipped") == 5


def test_never_more_than_two_at_once_and_infra_before_platform() -> None:
    guard, busy, most, order = threading.Lock(), 0, 0, []

    def work(one: Stack) -> dict[str, Any]:
        nonlocal busy, most
        with guard:
            busy += 1
            most = max(most, busy)
            order.append(one.layer)
        threading.Event().wait(0.01)
        with guard:
            busy -= 1
        return {"stack": one.name, "state": "up"}

    run_waves(ALL, work, canary="b-1", note=lambda _: None)
    assert most == stacks.AT_ONCE == 2
    assert order == ["infra"] * 3 + ["platform"] * 3


def test_what_a_run_did_is_read_out_of_its_last_words() -> None:
    words = "    + 2 created\n    ~ 1 updated\n    - 4 deleted\n    +-1 replaced\n    8 changes. 62 unchanged\n"
    assert counted(words) == {"create": 2, "update": 1, "delete": 4, "replace": 1, "same": 62}
    assert counted("nothing") == dict.fromkeys(stacks.CHANGES, 0)


def test_copies_are_rotated_and_the_same_content_is_kept_once(tmp_path: Path) -> None:
    for number in range(14):
        stack_copies.keep(tmp_path, NAME, b'{"n": %d}' % number)
        stack_copies.keep(tmp_path, NAME, b'{"n": %d}' % number)
    copies = stack_copies.found(tmp_path, NAME)
    assert len(copies) == stack_copies.KEPT
    assert all(copy.whole for copy in copies)
    assert copies[0].path.stat().st_mode & 0o777 == 0o600
    assert stack_copies.take(copies, "latest", NAME)[1] == {"n": 13}


@pytest.mark.parametrize("damage", [b"", b'{"n": 1', b'{"n": 2}', b"\xff\xfe"])
def test_a_damaged_copy_is_told_and_never_taken(tmp_path: Path, damage: bytes) -> None:
    stack_copies.keep(tmp_path, NAME, b'{"n": 0}')
    path = stack_copies.keep(tmp_path, NAME, b'{"n": 1}')
    path.write_bytes(damage)
    copies = stack_copies.found(tmp_path, NAME)
    assert [copy.whole for copy in copies] == [False, True]
    with pytest.raises(errors.ResourceError, match="does not have its checksum"):
        stack_copies.take(copies, path.stem, NAME)
    assert stack_copies.take(copies, "latest", NAME)[1] == {"n": 0}
    assert [" damaged" in line for line in stack_copies.told(copies, datetime.now(UTC))] == [True, False]


def test_no_copy_of_that_name(tmp_path: Path) -> None:
    with pytest.raises(errors.NotFoundError):
        stack_copies.take([], "latest", NAME)
    assert stack_copies.found(tmp_path, NAME) == []


def test_a_copy_on_a_full_disk_is_an_error_of_4_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = stack_copies.keep(tmp_path, NAME, b'{"n": 0}')

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(errors.ResourceError, match="No space left on device"):
        stack_copies.keep(tmp_path, NAME, b'{"n": 1}')
    assert [path.name for path in stack_copies.folder(tmp_path, NAME).iterdir()] == [kept.name]


@pytest.mark.parametrize(
    ("words", "id_", "code"),
    [
        ("error: failed to load checkpoint: place 1: unexpected end of JSON input", "STK-STATE", 4),
        ("error: The Pulumi CLI encountered a snapshot integrity error. This is a bug!", "STK-STATE", 4),
        ("error: write /s/.pulumi/stacks/x.json: no space left on device", "DSK-001", 4),
    ],
)
def test_what_the_engine_says_of_its_state_and_disk(words: str, id_: str, code: int) -> None:
    error = engine.failure(engine.Result(code=255, out=words, err=""), what="up of x")
    assert (error.id, error.code) == (id_, code)
    assert error.fix
    assert ("state repair" in error.fix) == ("integrity" in words)


def test_one_damaged_state_does_not_hide_the_other_stacks(tmp_path: Path) -> None:
    env = {"PULUMI_BACKEND_URL": f"file://{tmp_path}"}
    folder = tmp_path / ".pulumi" / "stacks" / "twain"
    folder.mkdir(parents=True)
    whole = {"checkpoint": {"latest": {"manifest": {"time": "2026-11-21T08:00:00Z"}, "resources": [{}, {}]}}}
    files.write_private(folder / "f.a-1.infra.json", json.dumps(whole))
    (folder / "f.b-1.infra.json").write_text("{")
    found = {entry["name"]: entry for entry in stack_files.stacks(env) or ()}
    assert found["f.a-1.infra"]["resourceCount"] == 2
    assert found["f.b-1.infra"]["resourceCount"] is None
    assert found["f.b-1.infra"]["damaged"]
    assert stack_files.stacks({"PULUMI_BACKEND_URL": "gs://bucket"}) is None


def test_skewed_versions_are_told_with_both() -> None:
    assert stack_versions.skew("gcp", have=["10.2.0", "9.0.0"], want="10.2.0") is None
    assert stack_versions.skew("gcp", have=[], want=None) is None
    told = stack_versions.skew("gcp", have=["9.0.0"], want="10.2.0")
    assert told is not None
    assert "10.2.0" in told
    assert "9.0.0" in told
    assert "not installed" in str(stack_versions.skew("gcp", have=[], want="10.2.0"))


def planned(name: str, type_: str, op: str = "create") -> dict[str, Any]:
    return {"op": op, "urn": f"urn:pulumi:s::twain::{type_}::{name}", "newState": {"custom": True, "type": type_}}


def test_an_import_finds_one_resource_or_says_which_there_are() -> None:
    bucket, account = "azure-native:storage:BlobContainer", "azure-native:storage:StorageAccount"
    steps = [planned("c-weights", bucket), planned("c-weights", account), planned("c-net", "x:y/z:Network")]
    assert stack_import.find(steps, "c-net", None, "s")["newState"]["type"] == "x:y/z:Network"
    assert stack_import.find(steps, "c-weights", bucket, "s")["newState"]["type"] == bucket
    with pytest.raises(errors.UsageError, match="2 resources") as caught:
        stack_import.find(steps, "c-weights", None, "s")
    assert bucket in str(caught.value.fix)
    with pytest.raises(errors.NotFoundError, match=r"c-weights \(azure-native:storage:BlobContainer\)"):
        stack_import.find(steps, "nope", None, "s")


def test_only_one_cell_of_a_fleet_is_unprotected() -> None:
    import yaml

    text = "spec:\n  template: {protect: true}\n  cells:\n  - {name: a-1, template: {bucket: {}}}\n  - {name: b-1}\n"
    document = yaml.safe_load(stack_lifts.unprotected(text, "a-1"))
    assert document["spec"]["cells"] == [{"name": "a-1", "template": {"bucket": {}, "protect": False}}, {"name": "b-1"}]
    assert document["spec"]["template"] == {"protect": True}


@pytest.mark.parametrize("content", ["", "{}", '{"cell": "a"}', "[]"])
def test_half_a_lift_is_an_error_and_not_a_lift(tmp_path: Path, content: str) -> None:
    (tmp_path / "lifts").mkdir()
    (tmp_path / "lifts" / "a-1.json").write_text(content)
    with pytest.raises(errors.UsageError, match="cannot be read"):
        stack_lifts.read(tmp_path, "a-1")
    assert stack_lifts.read(tmp_path, "b-1") is None


def test_outputs_that_are_incomplete_are_an_error_and_no_cell() -> None:
    with pytest.raises(errors.ResourceError, match="incomplete") as caught:
        cells.from_outputs({"cell": "a-1", "world": "row"}, ca_pem=None)
    assert caught.value.id == "STK-OUTPUTS"


PATIENT = """
import signal, sys
asked = []
def again(*_):
    asked.append(1)
    if len(asked) > 1:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        sys.exit(7)
    print("asked", flush=True)
signal.signal(signal.SIGINT, again)
print("ready", flush=True)
while True:
    signal.pause()
"""


def test_an_interrupt_reaches_every_engine_and_each_further_one_again() -> None:
    command = [sys.executable, "-c", PATIENT]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as one,
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as two,
        children.holding(one),
        children.holding(two),
    ):
        for words in ("ready\n", "asked\n"):
            for process in (one, two):
                assert process.stdout is not None
                assert process.stdout.readline() == words
            children.interrupt()
        assert (one.wait(60), two.wait(60)) == (7, 7)
    children.interrupt()
