"""What can be said to each cloud about the images and GPU drivers of nodes, and what it would refuse.

No cloud lets a fleet name one build of an image: it says whether the cloud brings new ones, and how many machines more
it may take while it replaces the old ones. Drivers are a choice on two of three.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

STABLE, NEWEST = "stable", "newest"
LEAST_DRIVER = (525, 60, 13)
"""The oldest Linux driver on which a program of CUDA 12 starts (NVIDIA, CUDA release notes, table 2). Engines' images
are of CUDA 12 or later, so that a driver before this one starts none."""
CUDA_13_DRIVER = 580
"""The oldest branch for CUDA 13, of the same table. What an image needs only the image says."""
FIXED_SYSTEM_MACHINES = frozenset({"azure"})
"""Clouds that refuse another machine type for the system pool of a cluster that is up."""
_VERSION = re.compile(r"\d{3}(\.\d{1,3}){1,2}")


@dataclass(frozen=True, kw_only=True)
class Driver:
    """How a cloud is told which driver its GPU nodes get. `words` maps the fleet's words to the cloud's; `pinned` is
    true where it takes a version too.
    """

    words: dict[str, str]
    pinned: bool
    reason: str


DRIVERS: dict[str, Driver] = {
    # A pool without the label gets what the cloud tested with its minor. Which versions the label takes is a list of
    # the account's documentation; one that is not in it is refused there.
    "alicloud": Driver(words={STABLE: ""}, pinned=True, reason="ACK names no newest driver; it takes a version"),
    "gcp": Driver(
        words={STABLE: "DEFAULT", NEWEST: "LATEST"}, pinned=False, reason="GKE chooses the version by its image"
    ),
    "azure": Driver(words={STABLE: "Install"}, pinned=False, reason="AKS brings the driver with its node image"),
}


def is_version(driver: str) -> bool:
    """Whether this names a driver's version and no channel."""
    return _VERSION.fullmatch(driver) is not None


def driver_problem(cloud: str, driver: str) -> str | None:
    """Why a cloud cannot give its GPU nodes this driver, or why no engine would start on it; None where all is well."""
    known = DRIVERS[cloud]
    if not is_version(driver):
        return None if driver in known.words else known.reason
    if not known.pinned:
        return known.reason
    if tuple(int(part) for part in driver.split(".")) < LEAST_DRIVER:
        least = ".".join(map(str, LEAST_DRIVER))
        return f"engines' images need CUDA 12, and that a driver of {least} or later"
    return None


def instead(cloud: str) -> str:
    """What can be said to this cloud."""
    known = DRIVERS[cloud]
    return ", ".join((*known.words, *(("a version such as 570.172.08",) if known.pinned else ())))
