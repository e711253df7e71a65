"""One stack of one cell: check everything, put the guard before the first resource, then build the layer."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import pulumi

from stacks import guard, protection, settings

if TYPE_CHECKING:
    from stacks.settings import Settings


def main() -> None:
    """Run the program that the stack's name asks for."""
    run(settings.read())


def collect_rarely() -> None:
    """Have Python look for cycles every 100,000 objects and not every 700, for the rest of this process.

    A program lives for seconds and keeps nearly all that it makes: the search finds nothing, and took two fifths of a
    program for 75 maisons (bench/README.md, Programs).
    """
    gc.set_threshold(100_000, 50, 100)


def run(current: Settings) -> None:
    """Put the guard up and declare a layer. Each layer loads only what it needs."""
    seen: list[tuple[str, str, dict[str, Any]]] = []
    guard.install(current, watch=lambda kind, name, inputs: seen.append((kind, name, inputs)))
    protection.install(current)
    if current.layer == "infra":
        from stacks import infra

        declared: list[pulumi.Resource] = []
        pulumi.runtime.register_stack_transformation(lambda args: declared.append(args.resource))
        infra.build(current, seen, declared)
    else:
        from stacks import platform_layer

        platform_layer.build(current)
