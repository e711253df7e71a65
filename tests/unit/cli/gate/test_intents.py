from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cli import errors
from cli.gate import client, intents
from cli.serve import apply
from components.spec.load import load_workload

if TYPE_CHECKING:
    from cli.context import GateAccess
    from cli.gate.client import IntentStatus
    from tests.unit.cli.gate.conftest import World

WORKLOAD = load_workload(Path(__file__).parents[4] / "examples" / "advisor.yaml").model_dump(mode="json")
KEY = "0f0e0d0c-0b0a-4908-8706-050403020100"


class Applies:
    """Stands where a cell is changed; counts, and can be held back."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.go = asyncio.Event()
        self.error: Exception | None = None

    async def __call__(self, kube: Any, workload: Any, target: Any, *, identity: str) -> apply.CellOutcome:
        self.calls.append(f"{workload.maison}/{workload.name}@{target.cell} by {identity}")
        await self.go.wait()
        if self.error is not None:
            raise self.error
        return apply.CellOutcome(
            cell=target.cell, world=target.world, state="done", revision="r1", desired=workload.replicas, ready=2
        )


@pytest.fixture
def applies(monkeypatch: pytest.MonkeyPatch) -> Applies:
    made = Applies()
    monkeypatch.setattr(apply, "apply_in_cell", made)
    return made


async def finished(gate: GateAccess, key: str = KEY) -> IntentStatus:
    async with asyncio.timeout(10):
        while True:
            found = await client.get_intent(gate, key)
            if found.done:
                return found
            await asyncio.sleep(0.02)


def send(gate: GateAccess, key: str = KEY, **workload: Any) -> Any:
    return client.send_intent(gate, key=key, action="apply", workload={**WORKLOAD, **workload})


def test_an_intent_is_carried_out_once_however_often_it_is_sent(world: World, applies: Applies) -> None:
    async def run() -> None:
        async with world.running() as gate:
            first, second = await send(gate), await send(gate)
            assert (first.state, second.id) in {("accepted", KEY), ("running", KEY)}
            applies.go.set()
            done = await finished(gate)
            third = await send(gate)
            assert third == done
            assert done.cells == [
                {
                    "cell": "cn-sha-1",
                    "state": "done",
                    "revision": "r1",
                    "desired": 2,
                    "ready": 2,
                    "error": None,
                    "code": 0,
                }
            ]

    asyncio.run(run())
    assert applies.calls == ["aurelia/advisor@cn-sha-1 by gate@cn"]


def test_it_is_on_disk_before_the_caller_is_told_and_names_the_caller(world: World, applies: Applies) -> None:
    async def run() -> str:
        async with world.running() as gate:
            await send(gate)
            return (world.folder / "intents.jsonl").read_text()

    journal = asyncio.run(run())
    assert KEY in journal
    assert "system:serviceaccount:twain-system:row-sre" in journal
    assert "the-gate-token" not in journal


def test_a_gate_that_was_killed_takes_up_what_it_had_accepted(world: World, applies: Applies) -> None:
    async def run() -> IntentStatus:
        async with world.running() as gate:
            await send(gate)
        assert not applies.go.is_set()
        applies.go.set()
        async with world.running() as gate:
            return await finished(gate)

    assert asyncio.run(run()).cells[0]["state"] == "done"
    assert len(applies.calls) == 2


def test_a_finished_intent_is_not_done_again_after_a_restart(world: World, applies: Applies) -> None:
    async def run() -> None:
        applies.go.set()
        async with world.running() as gate:
            await send(gate)
            before = await finished(gate)
        async with world.running() as gate:
            assert await client.get_intent(gate, KEY) == before
            assert await send(gate) == before

    asyncio.run(run())
    assert len(applies.calls) == 1


def test_a_key_cannot_be_used_for_something_else(world: World, applies: Applies) -> None:
    async def run() -> None:
        async with world.running() as gate:
            await send(gate)
            with pytest.raises(errors.UsageError, match="already used") as caught:
                await send(gate, replicas=3)
            assert caught.value.id == "GATE-409"

    asyncio.run(run())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"worlds": ["row"]}, "not for world cn"),
        ({"prompt": "content"}, "prompt"),
        ({"replicas": -1}, "replicas"),
        ({"model": {"name": "x"}}, "model"),
    ],
)
def test_a_workload_that_the_spec_does_not_know_is_refused_naming_the_field(
    world: World, applies: Applies, change: dict[str, Any], said: str
) -> None:
    async def run() -> None:
        async with world.running() as gate:
            with pytest.raises(errors.UsageError, match=said):
                await send(gate, **change)

    asyncio.run(run())
    assert applies.calls == []
    assert not (world.folder / "intents.jsonl").exists()


@pytest.mark.parametrize(
    "raw",
    [
        [],
        {},
        {"key": KEY, "action": "exec", "workload": {}},
        {"key": "../etc", "action": "apply", "workload": WORKLOAD},
        {"key": KEY, "action": "apply", "workload": WORKLOAD, "more": 1},
        {"key": KEY, "action": "delete", "workload": {"maison": "a", "name": "../b"}},
    ],
)
def test_what_is_no_intent_is_refused(world: World, raw: Any) -> None:
    with pytest.raises(intents.BadIntentError):
        world.gate().intents.accept(raw, caller="somebody")


def test_the_outcome_of_a_failure_is_an_id_and_a_code_and_no_words(world: World, applies: Applies) -> None:
    applies.go.set()
    applies.error = errors.ResourceError("pod secret-pod: prompt text", id="RUN-DEADLINE")

    async def run() -> IntentStatus:
        async with world.running() as gate:
            await send(gate)
            return await finished(gate)

    (cell,) = asyncio.run(run()).cells
    assert (cell["state"], cell["error"], cell["code"]) == ("failed", "RUN-DEADLINE", 4)
    assert "secret-pod" not in json.dumps(cell)


def test_a_bug_in_one_cell_leaves_that_cell_unknown(world: World, applies: Applies) -> None:
    applies.go.set()
    applies.error = RuntimeError("bug")

    async def run() -> IntentStatus:
        async with world.running() as gate:
            await send(gate)
            return await finished(gate)

    (cell,) = asyncio.run(run()).cells
    assert (cell["state"], cell["error"], cell["code"]) == ("unknown", "GATE-BUG", 16)


def test_an_id_that_the_gate_never_saw_is_not_found(world: World) -> None:
    async def run() -> None:
        async with world.running() as gate:
            with pytest.raises(errors.NotFoundError):
                await client.get_intent(gate, "never-seen-1")

    asyncio.run(run())
