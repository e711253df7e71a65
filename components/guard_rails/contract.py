"""The organisation's own word on regions: whoever creates something, with whatever tool, the cloud itself refuses a
place outside the world.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import pulumi

from components.base import Component, Place


@dataclass(frozen=True, kw_only=True)
class GuardRailsInputs:
    """The place, the node to attach to (empty: none, or another cell of the world declares it), and the `regions` of
    the cell's cloud that the world allows.
    """

    place: Place
    attach_to: str
    regions: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class GuardRailsOutputs:
    """`attached_to` as the fleet names it and the ids of what was attached there; both empty where this cell declares
    none.
    """

    attached_to: str
    policies: pulumi.Output[list[str]]


def none() -> GuardRailsOutputs:
    """The outputs of a cell that declares no guard rail."""
    return GuardRailsOutputs(attached_to="", policies=pulumi.Output.from_input([]))


class GuardRails(Component[GuardRailsInputs, GuardRailsOutputs]):
    """A policy on a folder, a management group or a directory that allows the world's regions and no other.

    It takes the rights of an organisation's administrator, and it holds for everything beneath the node, ours or not:
    so it is declared only where the fleet names a node, by one cell of each world and cloud. What exists already is
    left alone by all three clouds. It does not replace our own rules: those run before anything is created, and know
    keys, copies and links too.
    """

    kind = "GuardRails"

    @abstractmethod
    def build(self, name: str, inputs: GuardRailsInputs) -> GuardRailsOutputs:
        """Declare the policy."""
