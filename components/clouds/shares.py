"""What size a cloud's shared file store can be, in GiB.

Sources: the providers' own documentation of extreme NAS, Filestore's tier REGIONAL and premium file shares, August
2026.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """From `smallest` to `largest`; above `stepped` only multiples of `step`."""

    smallest: int
    largest: int
    stepped: int = 0
    step: int = 1

    def takes(self, size_gib: int) -> bool:
        """Whether there is a share of this size."""
        stepped = size_gib > self.stepped and size_gib % self.step != 0
        return self.smallest <= size_gib <= self.largest and not stepped

    def __str__(self) -> str:
        """The sizes in words."""
        steps = f", above {self.stepped} in steps of {self.step}" if self.step > 1 else ""
        return f"{self.smallest} to {self.largest} GiB{steps}"


SIZES = {
    "alicloud": Sizes(smallest=100, largest=262_144),
    "gcp": Sizes(smallest=1024, largest=102_400, stepped=10_240, step=2560),
    "azure": Sizes(smallest=100, largest=102_400),
}
