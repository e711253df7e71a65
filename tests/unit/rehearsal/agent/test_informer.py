from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from rehearsal.agent.informer import Informer
from rehearsal.kube.client import ApiError


def item(name: str, version: str, uid: str = "") -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "n", "uid": uid or name, "resourceVersion": version}}


class Server:
    """Lists and event streams in the order in which they are asked for; a stream may end in an error."""

    def __init__(self, lists: list[list[dict[str, Any]]], streams: list[list[Any]]) -> None:
        self.lists, self.streams = lists, streams

    async def get(self, _path: str) -> dict[str, Any]:
        return {"items": self.lists.pop(0), "metadata": {"resourceVersion": "1"}}

    async def watch(self, _path: str, *, version: str):
        if not self.streams:
            await asyncio.Event().wait()
        for event in self.streams.pop(0):
            if isinstance(event, Exception):
                raise event
            yield event


def followed(server: Server, *, until: int) -> list[tuple[str, str]]:
    seen: list[tuple[str, str]] = []

    async def body() -> None:
        enough = asyncio.Event()

        def note(kind: str, thing: dict[str, Any]) -> None:
            seen.append((kind, f"{thing['metadata']['uid']}@{thing['metadata']['resourceVersion']}"))
            if len(seen) >= until:
                enough.set()

        informer = Informer(
            server,  # type: ignore[arg-type]
            "/pods",
            changed=lambda thing: note("changed", thing),
            gone=lambda thing: note("gone", thing),
        )
        task = asyncio.create_task(informer.run())
        async with asyncio.timeout(5):
            await enough.wait()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    asyncio.run(body())
    return seen


def test_an_expired_version_leads_to_a_fresh_list_and_what_it_no_longer_holds_is_gone() -> None:
    expired = ApiError(410, "Expired", "too old")
    server = Server(
        [[item("a", "1"), item("b", "1")], [item("b", "1"), item("c", "7")]],
        [[("MODIFIED", item("a", "5")), expired]],
    )
    assert followed(server, until=5) == [
        ("changed", "a@1"),
        ("changed", "b@1"),
        ("changed", "a@5"),
        ("gone", "a@5"),
        ("changed", "c@7"),
    ]


def test_a_name_that_came_back_is_first_gone_then_new() -> None:
    server = Server(
        [[item("a", "1", uid="old")]], [[("ADDED", item("a", "9", uid="new")), ("DELETED", item("a", "9", uid="new"))]]
    )
    assert followed(server, until=4) == [
        ("changed", "old@1"),
        ("gone", "old@1"),
        ("changed", "new@9"),
        ("gone", "new@9"),
    ]
