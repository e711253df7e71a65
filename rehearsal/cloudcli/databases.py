"""What the stand-ins of all three clouds do alike with databases, buckets and moments."""

from __future__ import annotations

import base64
import hashlib
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rehearsal.cloudcli.account import RefusedError
from rehearsal.providers import backups, objects
from rehearsal.providers.store import Resource

if TYPE_CHECKING:
    from rehearsal.cloudcli.account import Account


def iso(at: float) -> str:
    """A moment as the tools print it."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment(text: str) -> float:
    """A moment as the tools take it. Raises RefusedError."""
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError as error:
        message = f"ERROR: {text!r} is no time"
        raise RefusedError(message) from error


def held(account: Account, row: Resource) -> tuple[float, float] | None:
    """The window of a database's backups."""
    return backups.window(row, account.declared, now=time.time())


def restore(account: Account, row: Resource, new: Resource, point: float) -> Resource:
    """Begin a restore. Raises RefusedError."""
    made, why = backups.restore(account.store, row, account.declared, new=new, point=point)
    if made is None:
        message = f"ERROR: {why}"
        raise RefusedError(message)
    return made


def delete(account: Account, row: Resource) -> None:
    """Delete a database. Raises RefusedError."""
    refuse_if_undeletable(account, row.name)
    account.store.delete_resource(row.type, row.id)


def refuse_if_undeletable(account: Account, name: str) -> None:
    """Raise RefusedError where somebody has declared that nothing can be deleted today."""
    if account.declared.get("undeletable"):
        message = f"ERROR: {name} cannot be deleted: an operation is in progress"
        raise RefusedError(message)


def make_bucket(account: Account, type_: str, *, id_: str, name: str, region: str, key: str = "") -> None:
    """A new bucket of nobody's program, in the cell whose bucket lies in its region. Raises RefusedError."""
    existing = account.live(type_)
    if any(one.id == id_ for one in existing):
        message = f"ERROR: {name} exists already"
        raise RefusedError(message)
    place = str(account.declared.get("restore_elsewhere") or region)
    cell = next((one.cell for one in existing if one.region == region), "")
    account.store.put_resource(
        Resource(
            id=id_, cloud=account.cloud, type=type_, name=name, key=id_, cell=cell, region=place,
            inputs={"scratchKey": key}, created=time.time(),
        )
    )  # fmt: skip
    objects.empty(account.store, id_)


def drop_bucket(account: Account, type_: str, id_: str) -> None:
    """Delete a bucket with all that is in it. Raises RefusedError."""
    refuse_if_undeletable(account, id_.rsplit("/", 1)[-1])
    objects.empty(account.store, id_)
    account.store.delete_resource(type_, id_)


def copy(account: Account, source: str, target: str, *, key: str, number: int | None, target_key: str) -> None:
    """Copy one version of an object from bucket to bucket. Raises RefusedError."""
    if account.declared.get("restore_fails") and objects.latest(account.store, target):
        message = "ERROR: the service is busy, try later"
        raise RefusedError(message)
    found = objects.find(account.store, source, key, number)
    if found is None:
        message = f"ERROR: no such object: {key}"
        raise RefusedError(message)
    objects.put(
        account.store, target, target_key, found.content + ("~" if account.declared.get("restore_differs") else "")
    )


def content(path: str) -> str:
    """A file to be uploaded. Raises RefusedError."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        message = f"ERROR: {path} cannot be read as text"
        raise RefusedError(message) from error


def md5(text: str) -> str:
    """A checksum as Azure tells it."""
    return base64.b64encode(hashlib.md5(text.encode(), usedforsecurity=False).digest()).decode()
