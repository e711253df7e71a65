"""What is one maison's, or shared with others that are named: datasets and workloads say it in the same words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator


class Shared(Protocol):
    """A thing of a maison that others may read."""

    @property
    def maison(self) -> str:
        """Whose it is."""
        ...

    @property
    def share(self) -> str:
        """`dedicated` or `shared`."""
        ...

    @property
    def readers(self) -> tuple[str, ...]:
        """The maisons that it is shared with."""
        ...


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What is wrong about one field of a thing."""

    field: str
    message: str
    value: str
    fix: str


def contradictions(thing: Shared, what: str) -> Iterator[Fault]:
    """What can be told from the thing alone: `what` it is, in a word."""
    for place, reader in enumerate(thing.readers):
        if reader == thing.maison:
            message, value = "it is its own maison's; a reader is another one.", reader
            yield Fault(field=f"readers[{place}]", message=message, value=value, fix="remove it")
    if thing.share == "dedicated" and thing.readers:
        message, value = f"it is dedicated to {thing.maison} and names readers.", ", ".join(thing.readers)
        yield Fault(field="readers", message=message, value=value, fix="say share: shared, or remove them")
    if thing.share == "shared" and not thing.readers:
        message = f"it is shared and names nobody: a {what} is never everybody's."
        yield Fault(field="share", message=message, value="shared", fix="name readers, or say share: dedicated")


def strangers(thing: Shared, known: Collection[str]) -> Iterator[Fault]:
    """The readers that are no maison of the fleet, which has those that are `known`."""
    fix = f"use one of {', '.join(sorted(known)) or 'none: the fleet has no maison'}"
    for place, reader in enumerate(thing.readers):
        if reader not in known and reader != thing.maison:
            message = f"the fleet has no maison {reader!r} that could read it."
            yield Fault(field=f"readers[{place}]", message=message, value=reader, fix=fix)
