"""One operator at a time on one workload in one cell: a Lease, renewed while work lasts, fenced by its
resourceVersion."""

from __future__ import annotations

import asyncio
import os
import socket
import uuid
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cli import errors
from cli.kube import kinds
from cli.kube.client import ConflictError
from cli.net.http import Deadline
from cli.serve import names

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from cli.kube.client import KubeClient

DURATION_S = 45
RENEW_S = 15
_VERSION = "coordination.k8s.io/v1"


def holder(identity: str) -> str:
    """Who holds: identity, user@host, process, and a word that tells two runs apart."""
    return f"{identity}/{_user()}@{socket.gethostname()}/{os.getpid()}/{uuid.uuid4().hex[:8]}"


def _user() -> str:
    """The name of this process's user; its number where it has none, as in a container."""
    return os.environ.get("USER") or str(os.getuid())


@asynccontextmanager
async def held(
    kube: KubeClient, *, namespace: str, workload: str, who: str, deadline: Deadline
) -> AsyncGenerator[Held, None]:
    """Hold the workload's lease for the time of the block. Raises LockHeldError naming holder and age."""
    lease = Held(kube, namespace, names.lease(workload), who)
    await lease.take(deadline)
    renewing = asyncio.create_task(lease.renew_forever())
    try:
        yield lease
    finally:
        renewing.cancel()
        await asyncio.gather(renewing, return_exceptions=True)
        await lease.release()


class Held:
    """A lease that we hold. `check` raises when we lost it meanwhile (fencing)."""

    def __init__(self, kube: KubeClient, namespace: str, name: str, who: str) -> None:
        self._kube, self._who = kube, who
        self._path = kinds.path(_VERSION, "Lease", name, namespace)
        self._collection = kinds.collection(_VERSION, "Lease", namespace)
        self._name, self._namespace = name, namespace
        self._lease: dict[str, Any] = {}
        self._lost: str | None = None

    async def take(self, deadline: Deadline) -> None:
        """Create the lease, or take over one that has expired or whose holder is a dead process of this host."""
        found = await self._kube.find(self._path, deadline=deadline)
        try:
            if found is None:
                self._lease = await self._kube.create(self._collection, self._body({}), deadline=deadline)
                return
            spec = found.get("spec") or {}
            other = str(spec.get("holderIdentity") or "")
            if other and not _expired(spec) and not _is_dead(other):
                raise self._held_by(other, spec)
            self._lease = await self._kube.replace(self._path, self._body(found["metadata"]), deadline=deadline)
        except ConflictError as error:
            current = await self._kube.find(self._path, deadline=deadline)
            spec = (current or {}).get("spec") or {}
            raise self._held_by(str(spec.get("holderIdentity") or "another operator"), spec) from error

    async def renew_forever(self) -> None:
        """Renew every 15 s. Losing the lease is remembered, not raised: `check` says so before the next write."""
        while True:
            await asyncio.sleep(RENEW_S)
            try:
                metadata = self._lease["metadata"]
                self._lease = await self._kube.replace(self._path, self._body(metadata), deadline=Deadline(5))
            except (ConflictError, errors.NotFoundError):
                self._lost = "another operator took it over"
                return
            except errors.TwainError:
                continue  # the API server is away; the lease still has two thirds of its time

    def check(self) -> None:
        """Raises LockHeldError when the lease is no longer ours."""
        if self._lost is not None:
            message = f"the lease {self._namespace}/{self._name} in cell {self._kube.cell} was lost: {self._lost}."
            raise errors.LockHeldError(message, where=self._kube.cell, fix="run the same command again")

    async def release(self) -> None:
        """Delete the lease when it is still ours; a failure leaves it to expire."""
        if self._lost is None and self._lease:
            uid = self._lease["metadata"].get("uid")
            try:
                await self._kube.delete(self._path, uid=uid, deadline=Deadline(5))
            except errors.TwainError:
                return

    def _body(self, metadata: dict[str, Any]) -> dict[str, Any]:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        kept = {key: metadata[key] for key in ("resourceVersion", "uid") if key in metadata}
        return {
            "apiVersion": _VERSION,
            "kind": "Lease",
            "metadata": {
                "name": self._name,
                "namespace": self._namespace,
                "labels": {names.MANAGED_BY: "twain"},
                **kept,
            },
            "spec": {"holderIdentity": self._who, "leaseDurationSeconds": DURATION_S, "renewTime": now},
        }

    def _held_by(self, other: str, spec: dict[str, Any]) -> errors.LockHeldError:
        age = _age_s(spec)
        since = f", renewed {age:.0f} s ago" if age is not None else ""
        message = f"{other} is changing {self._namespace}/{self._name} in cell {self._kube.cell}{since}."
        return errors.LockHeldError(message, where=self._kube.cell, fix="wait until it is done; a dead one expires")


def _age_s(spec: dict[str, Any]) -> float | None:
    try:
        return (datetime.now(UTC) - datetime.fromisoformat(str(spec["renewTime"]))).total_seconds()
    except (KeyError, ValueError, TypeError):
        return None


def _expired(spec: dict[str, Any]) -> bool:
    age = _age_s(spec)
    return age is None or age > float(spec.get("leaseDurationSeconds") or DURATION_S)


def _is_dead(other: str) -> bool:
    """Whether the holder is a process of this host and user that has ended."""
    parts = other.split("/")
    if len(parts) != 4 or parts[1] != f"{_user()}@{socket.gethostname()}" or not parts[2].isdigit():
        return False
    try:
        os.kill(int(parts[2]), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
