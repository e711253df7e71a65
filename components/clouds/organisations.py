"""How each cloud writes what its accounts hang from: the place where a guard rail is attached.

Sources: the providers' SDKs and the vendors' pages, August 2026.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from components.spec.model import Cell, Fleet


@dataclass(frozen=True, kw_only=True)
class Node:
    """A node above accounts: its pattern, and the pattern in words."""

    pattern: re.Pattern[str]
    words: str


NODES: dict[str, Node] = {
    "alicloud": Node(
        pattern=re.compile(r"r-[A-Za-z0-9]{6}|fd-[A-Za-z0-9]{10}|\d{16}"),
        words="a root folder (r-…), a folder (fd-…) or a member account of 16 digits",
    ),
    "gcp": Node(
        pattern=re.compile(r"(organizations|folders)/[1-9]\d{5,24}"), words="organizations/NUMBER or folders/NUMBER"
    ),
    "azure": Node(
        pattern=re.compile(r"[\w(][\w.()-]{0,88}[\w()-]|[\w(]"),
        words="the id of a management group, 1 to 90 letters, digits and _ - . ( )",
    ),
}


def speaks_for_node(fleet: Fleet, cell: Cell) -> bool:
    """Whether this cell declares the guard rail of its world on its cloud: the cell of the gate if it is on that cloud,
    else the first of the file. As with an account, a fleet that changes who that is must bring the old one up first.
    """
    sharing = [other.name for other in fleet.cells if (other.world, other.cloud) == (cell.world, cell.cloud)]
    gate = fleet.worlds[cell.world].gate_cell
    return cell.name == (gate if gate in sharing else sharing[0])
