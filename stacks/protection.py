"""Where the fleet asks for protection, the engine itself refuses to delete or replace what holds data or keys."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import pulumi

from components.policy.stores import is_store

if TYPE_CHECKING:
    from stacks.settings import Settings


def install(settings: Settings) -> None:
    """Mark every store as protected in the state. Must come before the first resource of the program."""
    if settings.cell.template.protect:
        pulumi.runtime.register_stack_transformation(_keep)


def _keep(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
    if not is_store(args.type_):
        return None
    options = copy.copy(args.opts)
    options.protect = True
    return pulumi.ResourceTransformationResult(props=args.props, opts=options)
