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
FIXED_POOL_ZONES = frozenset({"azure"})
"""Clouds that refuse other zones for a pool that is there: it is made anew, and its nodes go with the old one."""
TAKES_SURGE = frozenset({"gcp", "azure"})
"""Clouds that are told how many machines more a pool may have while old ones are replaced. The others take one node at
a time, and one machine more is what an upgrade may need there."""
IMAGE_LABELS = ("kubernetes.azure.com/node-image-version", "cloud.google.com/gke-os-distribution")
"""Labels by which a cloud's nodes tell their image. One without any tells it in its own words (`osImage`)."""
DRIVER_LABELS = ("ack.aliyun.com/nvidia-driver-version", "cloud.google.com/gke-gpu-driver-version")
"""Labels by which a cloud's GPU nodes tell the driver that they were asked for."""
_VERSION = re.compile(r"\d{3}(\.\d{1,3}){1,2}")


@dataclass(frozen=True, kw_only=True)
class Driver:
    """How a cloud is told which driver its GPU nodes get. `words` maps the fleet's words to the cloud's; `pinned` is
    true where it takes a version too.
    """

    words: dict[str, str]
    pinned: bool
    reason: str
    # Versions that the cloud lists, newest first; those that its newest images are known to refuse; where that stands.
    listed: tuple[str, ...] = ()
    refused: frozenset[str] = frozenset()
    source: str = ""


DRIVERS: dict[str, Driver] = {
    # A pool without the label gets what the cloud tested with its minor. A version that ACK does not list is not
    # refused there: its default is installed instead, without a word.
    "alicloud": Driver(
        words={STABLE: ""},
        pinned=True,
        reason="ACK names no newest driver; it takes a version",
        listed=("570.169", "570.133.20", "550.163.01", "550.144.03", "550.90.07", "535.230.02", "535.161.07"),
        refused=frozenset(
            {
                *("535.129.03", "525.147.05", "515.105.01", "510.108.03", "535.54.03", "525.105.17", "515.86.01"),
                *("510.47.03", "470.161.03", "470.103.01", "470.82.01", "470.57.02", "460.91.03"),
            }
        ),
        source="help.aliyun.com, NVIDIA driver versions supported by ACK, for 1.28 and later, as of 2026-03-26",
    ),
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
    if _parts(driver) < LEAST_DRIVER:
        least = ".".join(map(str, LEAST_DRIVER))
        return f"engines' images need CUDA 12, and that a driver of {least} or later"
    if driver in known.refused:
        return "the newest images of its nodes do not load it, so that they do not join"
    # The list may have grown since it was read: what is newer than all of it is not known to be wrong.
    if known.listed and driver not in known.listed and _parts(driver) < _parts(known.listed[0]):
        return "ACK does not list it and would install its default instead, without a word"
    return None


def _parts(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def more_while_replaced(cloud: str, surge: int) -> int:
    """How many machines more a pool may have while its nodes are replaced."""
    return surge if cloud in TAKES_SURGE else 1


def instead(cloud: str) -> str:
    """What can be said to this cloud."""
    known = DRIVERS[cloud]
    return ", ".join((*known.words, *known.listed))
