"""List, then watch: every change until the deadline, without a gap and without polling."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from cli import errors
from cli.net import http

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from cli.kube.client import KubeClient
    from cli.net.http import Deadline

# A server that has nothing to tell sends a bookmark about once a minute; silence beyond this means a dead connection.
SILENCE_S = 90.0
_MAX_LINE = 4 << 20


async def watch(
    kube: KubeClient, path: str, *, params: dict[str, str], deadline: Deadline
) -> AsyncIterator[dict[str, Any]]:
    """Events `{type: ADDED|MODIFIED|DELETED|SYNCED, object}`. SYNCED ends the first list and each list after a gap.

    A watch that ends is resumed where it was; 410 Gone starts from a new list. Ends quietly at the deadline.
    """
    version = ""
    failures = 0
    while not deadline.passed:
        try:
            if not version:
                async for event in _list(kube, path, params, deadline):
                    version = event.pop("version", version)
                    yield event
            async for event in _follow(kube, path, {**params, "resourceVersion": version}, deadline):
                failures = 0
                kind, thing = event["type"], event["object"]
                if kind == "ERROR":
                    version = _after_error(kube, thing)
                    break
                version = str(thing.get("metadata", {}).get("resourceVersion") or version)
                if kind != "BOOKMARK":
                    yield event
        except (http.DeadlineExceeded, errors.DeadlineError):
            return
        except (http.HttpError, errors.PartialError):
            # The API server is away: what it says later counts, until the deadline.
            failures += 1
            await asyncio.sleep(min(deadline.left, 0.2 * 2 ** min(failures, 4)))


async def _list(
    kube: KubeClient, path: str, params: dict[str, str], deadline: Deadline
) -> AsyncIterator[dict[str, Any]]:
    body = await kube.get(path, params=params, deadline=deadline)
    for item in body.get("items") or []:
        yield {"type": "ADDED", "object": item}
    yield {"type": "SYNCED", "object": {}, "version": str(body.get("metadata", {}).get("resourceVersion") or "0")}


async def _follow(
    kube: KubeClient, path: str, params: dict[str, str], deadline: Deadline
) -> AsyncIterator[dict[str, Any]]:
    query = {**params, "watch": "true", "allowWatchBookmarks": "true"}
    headers = {"authorization": f"Bearer {await kube.token.get()}"}
    async with kube.http.stream("GET", path, params=query, headers=headers, deadline=deadline) as answer:
        if answer.status == 401:
            await kube.token.get(fresh=True)
            return
        if answer.status == 410:
            yield {"type": "ERROR", "object": {"code": 410}}
            return
        if answer.status != 200:
            message = f"the watch on {path} was answered with {answer.status}."
            raise errors.PartialError(message, where=kube.cell, id="KUBE-WATCH")
        async for line in _lines(answer, kube.http.url(path)):
            yield json.loads(line)


async def _lines(answer: http.StreamingAnswer, url: str) -> AsyncIterator[bytes]:
    buffer = b""
    chunks = answer.chunks()
    while True:
        try:
            async with asyncio.timeout(SILENCE_S):
                chunk = await anext(chunks)
        except StopAsyncIteration:
            return
        except TimeoutError as error:
            message = "the watch fell silent."
            raise http.ConnectionLost(message, url=url) from error
        buffer += chunk
        *lines, buffer = buffer.split(b"\n")
        if len(buffer) > _MAX_LINE:
            message = "one event is larger than 4 MiB."
            raise http.TooLarge(message, url=url)
        for line in lines:
            if line:
                yield line


def _after_error(kube: KubeClient, status: dict[str, Any]) -> str:
    """The version to go on from after an ERROR event: none (a new list) when it is gone."""
    if status.get("code") == 410:
        return ""
    message = f"the watch failed: {status.get('message') or status.get('code')}."
    raise errors.PartialError(message, where=kube.cell, id="KUBE-WATCH")
