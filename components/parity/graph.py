"""A resource graph, and facts about its inputs that may be true, false or not known.

A graph is a list of resources, as `pulumi stack export` and the planner write them or as (type, name, inputs). Values
that the engine does not know yet, and secrets, are never read as a value: a fact that rests on one is None.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from components.clouds import tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    Inputs = Mapping[str, Any]
    Row = Mapping[str, Any] | tuple[str, str, Inputs]
    Fact = bool | None
    Reader = Callable[["Graph"], str | None]

NOT_APPLICABLE: Final = "n/a"
"""What a cell answers when the capability has no object in it, such as GPU scaling without a GPU pool."""

# The engine's marks of values that are not known yet: string, bool, number, array, asset, archive, object.
_UNKNOWN = frozenset(
    {
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)
_SECRET_TEXT = "[secret]"  # noqa: S105 - a mark, no secret
_SECRET_KEY = "4dabf18193072939515e22adb298388d"  # noqa: S105 - a mark, no secret
_PLAIN = (str, int, float, bool, dict, list, tuple, type(None))


class _Hidden:
    """A value that is there and cannot be read: not known yet, or secret."""

    def __repr__(self) -> str:
        return "not known"


HIDDEN: Final = _Hidden()


@dataclass(frozen=True, kw_only=True)
class Graph:
    """Resources by type: (logical name, inputs)."""

    by_type: Mapping[str, list[tuple[str, Inputs]]]

    @classmethod
    def of(cls, resources: Iterable[Row]) -> Graph:
        """A graph out of exported resources or of (type, name, inputs). What is marked for deletion is left out."""
        found: dict[str, list[tuple[str, Inputs]]] = {}
        for row in resources:
            if isinstance(row, tuple):
                kind, name, inputs = row
            elif row.get("delete"):
                continue
            else:
                kind, name = str(row.get("type", "")), str(row.get("urn", "")).rsplit("::", 1)[-1]
                inputs = row.get("inputs") or {}
            found.setdefault(tokens.plain(kind), []).append((name, inputs))
        return cls(by_type=found)

    def all(self, *kinds: str) -> list[Inputs]:
        """The inputs of every resource of these types."""
        return [inputs for kind in kinds for _, inputs in self.by_type.get(kind, [])]

    def like(self, package: str, kind: str) -> list[Inputs]:
        """The inputs of every resource of a package whose type ends so, whatever the API version between."""
        return [
            inputs
            for token, rows in self.by_type.items()
            if token.startswith(package) and token.rsplit(":", 1)[-1] == kind
            for _, inputs in rows
        ]

    def has(self, prefix: str) -> bool:
        """Whether any resource is of a type that begins so."""
        return any(kind.startswith(prefix) for kind in self.by_type)


def readable(value: Any) -> Any:
    """The value, or HIDDEN where the engine does not know it or keeps it secret."""
    if isinstance(value, str):
        return HIDDEN if value in _UNKNOWN or value == _SECRET_TEXT else value
    if isinstance(value, dict):
        return HIDDEN if _SECRET_KEY in value else value
    return value if isinstance(value, _PLAIN) else HIDDEN


def at(value: Any, *path: str) -> Any:
    """The value at a path of keys; None where it is absent, HIDDEN where it or a part before it cannot be read."""
    value = readable(value)
    for step in path:
        if value is HIDDEN:
            return HIDDEN
        value = readable(value.get(step)) if isinstance(value, dict) else None
    return value


def listed(value: Any, *path: str) -> list[Any] | None:
    """The list at a path, empty where it is absent; None where it cannot be read."""
    found = at(value, *path)
    if found is HIDDEN:
        return None
    return list(found) if isinstance(found, list | tuple) else []


def is_(value: Any, *wanted: object) -> Fact:
    """Whether a value is one of these; None where it cannot be read."""
    value = readable(value)
    if value is HIDDEN:
        return None
    return any(type(value) is type(one) and value == one for one in wanted)


def misses(expression: Any) -> Fact:
    """Whether an expression of PromQL has a value once metrics stop to arrive; None where it cannot be read."""
    return None if expression is HIDDEN else isinstance(expression, str) and "absent(" in expression


def given(value: Any) -> Fact:
    """Whether something is there: a reference to what is yet to be made counts."""
    value = readable(value)
    return value is HIDDEN or bool(value)


def every(facts: Iterable[Fact]) -> Fact:
    """True when all are; False when one is not, whatever the others; else None."""
    known = list(facts)
    if any(fact is False for fact in known):
        return False
    return None if any(fact is None for fact in known) else True


def some(facts: Iterable[Fact]) -> Fact:
    """True when one is; None when none is known to be and one is not known; else False."""
    known = list(facts)
    if any(fact is True for fact in known):
        return True
    return None if any(fact is None for fact in known) else False


def word(fact: Fact, *, yes: str, no: str) -> str | None:
    """A fact as the word of a capability; None stays None."""
    return None if fact is None else yes if fact else no


def whole(value: Any) -> int | None:
    """A count, however it is written (the engine hands every number over as a float); None where it is none."""
    value = readable(value)
    if isinstance(value, str) and value.isdigit():
        return int(value)
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def days(found: Iterable[int | None], *, longest: bool = False) -> str | None:
    """Days as a word, the least of several (the most with `longest`); None where one cannot be read."""
    known = list(found)
    if not known or any(one is None for one in known):
        return None
    numbers = [one for one in known if one is not None]
    return f"{max(numbers) if longest else min(numbers)}d"


def minor(version: Any) -> str | None:
    """`1.36` out of a version; None where there is none to read."""
    version = readable(version)
    return ".".join(version.split(".")[:2]) if isinstance(version, str) and version.count(".") else None


def minors(versions: Sequence[Any]) -> str | None:
    """The minor of every cluster, different ones joined by `_`."""
    found = {minor(version) for version in versions}
    return "_".join(sorted(one for one in found if one)) if found and None not in found else None


def drivers(found: Sequence[str | None], *, seen: bool, whole: bool = True) -> str | None:
    """One word for the drivers of all GPU pools; several are joined by `_`, as pools may differ. None where there may
    be pools that are not among them (`whole` is false).
    """
    if not found:
        return NOT_APPLICABLE if seen and whole else None
    return None if None in found or not whole else "_".join(sorted({str(one) for one in found}))


def dynamic_resources(versions: Sequence[Any]) -> str | None:
    """Whether every cluster's version serves dynamic resource allocation: from 1.34 on."""
    found = [minor(version) for version in versions]
    if not found or None in found:
        return None
    new = all(int(one.partition(".")[2]) >= 34 for one in found if one and one.partition(".")[2].isdigit())
    return "api" if new else "none"


def resources_in(facts: Sequence[Fact], *, seen: bool, yes: str, no: str) -> str | None:
    """The word for all resources of a kind. With none of them: not applicable in a cell that is in view (`seen`), not
    known in one that is not.
    """
    if not facts:
        return NOT_APPLICABLE if seen else None
    return word(every(facts), yes=yes, no=no)
