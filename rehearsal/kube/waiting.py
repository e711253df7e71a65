"""Waiting for an object to become what one expects, by watching it."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from rehearsal.kube.client import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rehearsal.kube.client import KubeClient, Object


async def wait_for(
    client: KubeClient, collection: str, name: str, true: Callable[[Object | None], bool], *, seconds: float
) -> Object | None:
    """Return the object (None: it does not exist) as soon as `true` says so.

    Raises TimeoutError with what was seen last, ApiError, UnreachableError.
    """
    last: Object | None = None
    try:
        async with asyncio.timeout(seconds):
            while True:
                answer = await client.get(collection, fieldSelector=f"metadata.name={name}")
                last = answer["items"][0] if answer["items"] else None
                if true(last):
                    return last
                try:
                    version = answer["metadata"]["resourceVersion"]
                    events = client.watch(collection, version=version, fieldSelector=f"metadata.name={name}")
                    async with contextlib.aclosing(events):
                        async for kind, item in events:
                            if kind != "BOOKMARK":
                                last = None if kind == "DELETED" else item
                                if true(last):
                                    return last
                except ApiError as error:
                    if error.code != 410:
                        raise
    except TimeoutError as error:
        seen = "nothing" if last is None else str(last.get("status"))[:1500]
        message = f"{collection}/{name}: not so after {seconds:.0f} s; seen last: {seen}"
        raise TimeoutError(message) from error
