"""Rules that several types share: each looks at the inputs and yields what is wrong, never the first fault only."""

from __future__ import annotations

import difflib
import ipaddress
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from components.rules.model import Check, Inputs, Kind, Problem, Rule

Network = ipaddress.IPv4Network
_SHARED = Network("100.64.0.0/10")


def needs(*paths: str) -> Rule:
    """The API refuses the call without these, although the SDK's constructor does not ask for them."""

    def rule(call: Inputs) -> Iterator[Problem]:
        for path in paths:
            value = call.get(path)
            if value in (None, "", []):
                yield Problem(path, "is required by the API")

    return Rule(kind="required", checks=(rule,), paths=paths, fix="set it")


def exactly_one(*paths: str) -> Rule:
    """Exactly one of these must be given."""

    def rule(call: Inputs) -> Iterator[Problem]:
        given = [path for path in paths if call.get(path) is not None]
        if len(given) != 1:
            found = ", ".join(given) or "none"
            yield Problem(
                given[1] if given else paths[0], f"exactly one of {', '.join(paths)} must be set, found {found}"
            )

    return Rule(kind="exactly one of", checks=(rule,), paths=paths, fix="set one of them and leave the others out")


def conflicts(path: str, *others: str) -> Rule:
    """`path` excludes all others."""

    def rule(call: Inputs) -> Iterator[Problem]:
        if call.get(path) is not None:
            for other in others:
                if call.get(other) is not None:
                    yield Problem(other, f"conflicts with {path}: never set both")

    return Rule(kind="conflict", checks=(rule,), paths=(path, *others), fix="leave one of the two out")


def matches(path: str, pattern: str, text: str) -> Rule:
    """A known value must match the whole pattern; `text` says in words what it must be."""
    compiled = re.compile(pattern)
    said = "is no valid name" if path.lower().endswith("name") else "is not valid: it must be"

    def rule(call: Inputs) -> Iterator[Problem]:
        value = call.known(path)
        if isinstance(value, str) and not compiled.fullmatch(value):
            yield Problem(path, f"{value!r} {said}{':' if said.endswith('name') else ''} {text}")

    return Rule(kind="pattern", checks=(rule,), paths=(path,), facts={"pattern": pattern}, fix=f"give it {text}")


def one_of(path: str, allowed: Collection[Any]) -> Rule:
    """A known value must be in the closed list."""

    def rule(call: Inputs) -> Iterator[Problem]:
        value = call.known(path)
        if value is not None and value not in tuple(allowed):
            yield Problem(path, not_offered(value, allowed, what="value"))

    return Rule(
        kind="enum", checks=(rule,), paths=(path,), facts={"allowed": tuple(allowed)}, fix="take one of those offered"
    )


def between(path: str, low: int, high: int) -> Rule:
    """A known number must lie in the closed range."""

    def rule(call: Inputs) -> Iterator[Problem]:
        value = call.known(path)
        if isinstance(value, int | float) and not low <= value <= high:
            yield Problem(path, f"must lie between {low} and {high}, not {value}")

    return Rule(
        kind="range", checks=(rule,), paths=(path,), facts={"low": low, "high": high}, fix=f"take {low} to {high}"
    )


def min_not_above_max(low: str, high: str) -> Rule:
    """The lower bound of a scaling range must not exceed its upper bound."""

    def rule(call: Inputs) -> Iterator[Problem]:
        smallest, largest = call.known(low), call.known(high)
        if isinstance(smallest, int) and isinstance(largest, int) and smallest > largest:
            yield Problem(low, f"is {smallest}, above {high} ({largest})")

    return Rule(kind="order", checks=(rule,), paths=(low, high), fix=f"lower {low} or raise {high}")


def cidr(path: str, *, longest: int = 29, shortest: int = 8, shared: bool = True) -> Rule:
    """A known value must be a proper private IPv4 network with a prefix in the range; what carriers share
    (100.64.0.0/10) counts as private unless the cloud keeps it for itself.
    """

    def rule(call: Inputs) -> Iterator[Problem]:
        value = call.known(path)
        if isinstance(value, str):
            yield from cidr_problems(path, value, longest=longest, shortest=shortest, shared=shared)

    return Rule(
        kind="network", checks=(rule,), paths=(path,), fix=f"take a private network of /{shortest} to /{longest}"
    )


def cidr_problems(
    path: str, value: str, *, longest: int = 29, shortest: int = 8, private: bool = True, shared: bool = True
) -> Iterator[Problem]:
    """What is wrong with one network."""
    try:
        network = ipaddress.IPv4Network(value)
    except ValueError as error:
        yield Problem(path, f"{value!r} is no IPv4 network: {error}")
        return
    if not shortest <= network.prefixlen <= longest:
        yield Problem(path, f"{value} has a /{network.prefixlen} prefix; the cloud allows /{shortest} to /{longest}")
    if private and not network.is_private and not (shared and network.subnet_of(_SHARED)):
        yield Problem(path, f"{value} is no private range")


def networks(values: Iterable[Any]) -> list[Network]:
    """The values that are proper networks; the others are another rule's business."""
    found: list[Network] = []
    for value in values:
        if isinstance(value, str):
            try:
                found.append(ipaddress.IPv4Network(value))
            except ValueError:
                continue
    return found


def overlap_problems(path: str, value: str, others: Mapping[str, str]) -> Iterator[Problem]:
    """`others` maps the name of what holds a range to the range."""
    for mine in networks([value]):
        for holder, other in others.items():
            for network in networks([other]):
                if mine.overlaps(network):
                    yield Problem(path, f"{value} overlaps {other} of {holder}")


def not_offered(value: object, allowed: Collection[Any], *, what: str, where: str = "") -> str:
    """A sentence with the value, the nearest one that exists, and the list."""
    names = sorted(map(str, allowed))
    near = difflib.get_close_matches(str(value), names, n=1, cutoff=0.6)
    place = f" in {where}" if where else ""
    hint = f"; nearest: {near[0]}" if near else ""
    return f"{value!r} is no {what} offered{place}{hint}; offered: {', '.join(names[:12])}"


def shape(*checks: Check, fix: str, kind: Kind = "shape", name: str = "") -> Rule:
    """A rule of one type's own, on how its inputs fit together. Each check is judged apart: what one cannot know yet
    hides nothing that another finds. It is called after the first; `fix` says what to do about it.
    """
    known = name or getattr(checks[0], "__name__", "").strip("_").replace("_", " ")
    return Rule(kind=kind, checks=checks, facts={"name": known}, fix=fix)


def peek(item: Mapping[str, Any], name: str) -> Any:
    """A field of an object where it does not matter that its value may not be known yet."""
    return dict.get(item, name) if isinstance(item, dict) else item.get(name)


def present(item: Mapping[str, Any], name: str) -> bool:
    """Whether an object has a field, whatever its value is; that is known even where the value is not."""
    return peek(item, name) is not None


def strings(value: Any) -> list[str]:
    """The known strings of a list."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects of a list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def string_map(value: Any) -> dict[str, str]:
    """The known string values of a map."""
    return {name: item for name, item in value.items() if isinstance(item, str)} if isinstance(value, Mapping) else {}
