"""Intents to another world: one key until the outcome is known, whatever is cut and whenever."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from cli import errors
from cli.app import Clock
from cli.context import GateAccess
from cli.gate import client
from cli.journal import Journal
from cli.serve import remote

GATE = GateAccess(world="cn", url="https://127.0.0.1:9", token_file=Path("/nonexistent"))
DONE = {"cell": "cn-sha-1", "state": "done", "revision": "r", "desired": 2, "ready": 2, "error": None, "code": 0}


class Door:
    """Stands for the gate's client: says what it was told to say, and keeps the keys that it was sent."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sent: list[str] = []
        self.says: list[Any] = []
        self.asked: list[Any] = []
        monkeypatch.setattr(client, "send_intent", self.send_intent)
        monkeypatch.setattr(client, "get_intent", self.get_intent)
        monkeypatch.setattr(remote, "ASK_EVERY_S", 0.01)

    async def send_intent(self, _gate: GateAccess, *, key: str, action: str, workload: Any) -> client.IntentStatus:
        del action, workload
        self.sent.append(key)
        return self._answer(self.says.pop(0), key)

    async def get_intent(self, _gate: GateAccess, key: str) -> client.IntentStatus:
        return self._answer(self.asked.pop(0), key)

    @staticmethod
    def _answer(said: Any, key: str) -> client.IntentStatus:
        if isinstance(said, Exception):
            raise said
        return client.IntentStatus(id=key, state=said[0], cells=said[1])


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch) -> Door:
    return Door(monkeypatch)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal.jsonl", clock=Clock())


def send(journal: Journal, *, replicas: int = 2, wait_s: float = 0.2) -> list[Any]:
    body = {"maison": "aurelia", "name": "advisor", "replicas": replicas}
    intent = remote.Intent(world="cn", action="apply", workload=body, wait_s=wait_s)
    return asyncio.run(remote.carry_out(GATE, journal, intent))


def test_a_done_intent_gives_its_cells_and_the_next_one_has_a_new_key(door: Door, journal: Journal) -> None:
    door.says = [("done", [DONE]), ("done", [DONE])]
    (outcome,) = send(journal)
    assert (outcome.cell, outcome.state, outcome.ready, outcome.desired) == ("cn-sha-1", "done", 2, 2)
    send(journal)
    assert len(set(door.sent)) == 2


@pytest.mark.parametrize(
    ("failure", "state", "code"),
    [(client.NotSentError("away"), "not sent", 13), (errors.OutcomeUnknownError("cut"), "unknown", 16)],
)
def test_what_was_cut_is_sent_again_with_the_same_key(
    door: Door, journal: Journal, failure: Exception, state: str, code: int
) -> None:
    door.says = [failure, failure, ("done", [DONE])]
    for _ in range(2):
        (outcome,) = send(journal)
        assert (outcome.state, errors.exit_code(outcome.error)) == (state, code)
    assert send(journal)[0].state == "done"
    assert len(door.sent) == 3
    assert len(set(door.sent)) == 1


def test_another_wish_about_the_same_workload_supersedes_the_unsent_one(door: Door, journal: Journal) -> None:
    door.says = [client.NotSentError("away"), ("done", [DONE]), ("done", [DONE])]
    send(journal, replicas=2)
    send(journal, replicas=3)
    assert door.sent[0] != door.sent[1]
    assert [record["step"] for record in journal.of(door.sent[0])][-1] == "superseded"
    send(journal, replicas=2)
    assert len(set(door.sent)) == 3


def test_a_refusal_is_final_and_keeps_no_key(door: Door, journal: Journal) -> None:
    door.says = [errors.AuthError("expired"), ("done", [DONE])]
    (outcome,) = send(journal)
    assert (outcome.state, errors.exit_code(outcome.error)) == ("refused", 3)
    send(journal)
    assert len(set(door.sent)) == 2


def test_a_refusal_does_not_end_an_intent_that_may_have_arrived_before(door: Door, journal: Journal) -> None:
    """The answer was lost, then the token ran out: what the first run did there is as unknown as it was."""
    door.says = [errors.OutcomeUnknownError("cut"), errors.AuthError("expired"), ("done", [DONE])]
    send(journal)
    (outcome,) = send(journal)
    assert (outcome.state, errors.exit_code(outcome.error)) == ("unknown", 3)
    assert send(journal)[0].state == "done"
    assert len(set(door.sent)) == 1


@pytest.mark.parametrize("failure", [client.NotSentError("away."), errors.OutcomeUnknownError("cut.")])
def test_what_is_kept_is_told_with_its_key(door: Door, journal: Journal, failure: Exception) -> None:
    door.says = [failure]
    (outcome,) = send(journal)
    assert outcome.error.message.endswith(f" The intent is kept with key {door.sent[0]}.")


def test_an_intent_that_is_still_running_is_asked_about_until_it_is_done(door: Door, journal: Journal) -> None:
    door.says = [("accepted", [])]
    door.asked = [("running", []), errors.PartialError("cut for a moment"), ("done", [DONE])]
    assert send(journal, wait_s=5)[0].state == "done"


def test_an_intent_that_does_not_end_in_time_is_unknown_and_keeps_its_key(
    door: Door, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "MARGIN_S", 0.0)
    door.says = [("accepted", []), ("done", [DONE])]
    door.asked = [("running", [])] * 1000
    (outcome,) = send(journal, wait_s=0.1)
    assert (outcome.state, errors.exit_code(outcome.error)) == ("unknown", 16)
    assert send(journal)[0].state == "done"
    assert len(set(door.sent)) == 1


def test_a_cell_that_failed_inside_keeps_its_code_and_id(door: Door, journal: Journal) -> None:
    failed = {**DONE, "state": "failed", "ready": 0, "error": "ROLL-DEADLINE", "code": 4}
    door.says = [("done", [DONE, failed])]
    good, bad = send(journal)
    assert good.error is None
    assert (bad.state, bad.error.id, errors.exit_code(bad.error)) == ("failed", "ROLL-DEADLINE", 4)


def test_the_intent_is_on_disk_before_anything_is_sent(
    door: Door, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[str]] = []

    async def send_intent(_gate: GateAccess, *, key: str, **_: Any) -> client.IntentStatus:
        seen.append([record["step"] for record in journal.of(key)])
        return client.IntentStatus(id=key, state="done", cells=[DONE])

    monkeypatch.setattr(client, "send_intent", send_intent)
    send(journal)
    assert seen == [["intent"]]
