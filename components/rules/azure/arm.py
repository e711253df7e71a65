"""What every type in a resource group of Azure has alike."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from components.rules.checks import shape
from components.rules.model import Inputs, Problem, Rule, TypeRules

if TYPE_CHECKING:
    from collections.abc import Iterator

# What most resources of a network may be called.
NAME = r"[a-zA-Z0-9](?:[\w.-]{0,78}\w)?"
NAME_WORDS = "1 to 80 letters, digits, _ . and -, beginning with a letter or digit"


def _tag_rule(call: Inputs) -> Iterator[Problem]:
    """At most 50 tags; none of `<>%&\\?/` in a key; keys differ in more than case."""
    tags = call.entries("tags")
    if len(tags) > 50:
        yield Problem("tags", f"{len(tags)} tags; a resource takes 50")
    if len({key.lower() for key in tags}) != len(tags):
        yield Problem("tags", "two keys differ in case only; this cloud takes them for one")
    for key, value in tags.items():
        if re.search(r"[<>%&\\?/]", key) or len(key) > 512:
            yield Problem(f"tags.{key}", "is no valid tag key: none of <>%&\\?/, at most 512 characters")
        if isinstance(value, str) and len(value) > 256:
            yield Problem(f"tags.{key}", f"{len(value)} characters; a tag's value takes 256")


TAGS = shape(_tag_rule, kind="labels", fix="shorten or rename it; of what the fleet names: fleet, world, cell")


def in_group(
    type_name: str,
    name: str,
    *,
    inside: tuple[str, ...] = (),
    immutable: frozenset[str] = frozenset(),
    located: bool = True,
    rules: tuple[Rule, ...] = (),
) -> TypeRules:
    """A type that lies in a resource group, `inside` the resources that these inputs name."""
    return TypeRules(
        type_name=type_name,
        name=name,
        immutable=immutable | {"resourceGroupName", *inside} | ({"location"} if located else set[str]()),
        rules=(TAGS, *rules),
    )
