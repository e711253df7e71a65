"""Which Kubernetes minors each cloud makes clusters of and takes them to, and which APIs each minor no longer serves.

Both are facts of a day, as their sources say; a calendar moves, and `AS_OF` is the day on which this one was read.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

AS_OF = "2026-08-24"
DATA = Path(__file__).with_name("data") / "kubernetes_removals.csv"
NODES_BACK = 3
"""How many minors the nodes may be behind their control plane (Kubernetes' version skew policy)."""


@dataclass(frozen=True, kw_only=True)
class Minor:
    """A minor of a cloud. `since` and `until` are the months in which the cloud began and ends to support it; None is
    unknown, never for ever.
    """

    minor: str
    since: str | None
    until: str | None

    def ended(self, day: date) -> bool:
        """Whether support is over on a day: it lasts to the end of its last month."""
        return self.until is not None and f"{day:%Y-%m}" > self.until


@dataclass(frozen=True, kw_only=True)
class Calendar:
    """What a cloud offers to new clusters and to upgrades, oldest first, and where that is written."""

    minors: tuple[Minor, ...]
    source: str

    def get(self, minor: str) -> Minor | None:
        """The minor, where it is offered."""
        return next((one for one in self.minors if one.minor == minor), None)

    @property
    def names(self) -> tuple[str, ...]:
        """The minors as words."""
        return tuple(one.minor for one in self.minors)


CALENDARS: dict[str, Calendar] = {
    # The three newest; each is supported for a year.
    "alicloud": Calendar(
        minors=(
            Minor(minor="1.34", since="2025-09", until="2026-09"),
            Minor(minor="1.35", since="2026-02", until="2027-02"),
            Minor(minor="1.36", since="2026-05", until="2027-05"),
        ),
        source="help.aliyun.com, support for Kubernetes versions of ACK",
    ),
    # The channel Regular; Stable is one minor behind.
    "gcp": Calendar(
        minors=(
            Minor(minor="1.33", since=None, until=None),
            Minor(minor="1.34", since=None, until=None),
            Minor(minor="1.35", since=None, until=None),
            Minor(minor="1.36", since=None, until=None),
        ),
        source="GKE release notes, available minor versions of the channel Regular",
    ),
    # The three newest that are generally available; what is older needs a plan of long-term support that we do not buy.
    "azure": Calendar(
        minors=(
            Minor(minor="1.34", since=None, until=None),
            Minor(minor="1.35", since="2026-04", until="2027-04"),
            Minor(minor="1.36", since=None, until=None),
        ),
        source="AKS release notes and its support policy N-2",
    ),
}


def number(minor: str) -> int:
    """36 of `1.36`."""
    return int(minor.partition(".")[2])


def step_problem(*, running: str, wanted: str) -> str | None:
    """Why a control plane cannot go from one minor to another, or None where it can (or stays)."""
    if number(wanted) < number(running):
        return f"Kubernetes {running} runs and no cloud takes a control plane back to {wanted}"
    if number(wanted) > number(running) + 1:
        return f"Kubernetes {running} runs and {wanted} skips 1.{number(running) + 1}: upgrades go minor by minor"
    return None


@dataclass(frozen=True, kw_only=True)
class Removal:
    """An API version of a kind that is no longer served from the minor `removed` on. `replacement` may be empty."""

    group: str
    version: str
    kind: str
    removed: str
    replacement: str

    @property
    def api_version(self) -> str:
        """`group/version`."""
        return f"{self.group}/{self.version}"


@cache
def removals() -> tuple[Removal, ...]:
    """Every removal from 1.33 on, in the order of the table. Its source is the lifecycle that Kubernetes' own types
    declare (module k8s.io/api v0.36.3).
    """
    with DATA.open(encoding="utf-8", newline="") as stream:
        return tuple(Removal(**row) for row in csv.DictReader(stream))


def removed_between(running: str, wanted: str) -> tuple[Removal, ...]:
    """What an upgrade takes away."""
    return tuple(one for one in removals() if number(running) < number(one.removed) <= number(wanted))
