"""What AKS refuses about the images, drivers and replacement of nodes.

Sources, read in November 2026: the reference of agent pools, and the notice on Azure Linux 2.0, whose node images were
removed on 31 March 2026.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from components.rules.checks import not_offered, objects, shape
from components.rules.model import Check, Inputs, Problem, Rule

_IMAGES: Final = ("Ubuntu", "Ubuntu2204", "AzureLinux", "AzureLinux3")
_GONE: Final = frozenset({"CBLMariner"})
_WINDOWS: Final = ("Windows2019", "Windows2022")
_DRIVERS: Final = ("Install", "None")
_COUNT: Final = re.compile(r"(\d+)%?")
# A pool by the path before its properties; one may also stand inside its cluster.
_Of = Callable[[str, Mapping[str, Any]], Iterator[Problem]]


def _image(at: str, pool: Mapping[str, Any]) -> Iterator[Problem]:
    sku = pool.get("osSKU")
    if sku in _GONE:
        yield Problem(f"{at}osSKU", f"{sku} is Azure Linux 2.0, whose node images were removed on 2026-03-31")
    elif sku in _WINDOWS:
        if pool.get("osType") != "Windows":
            yield Problem(f"{at}osSKU", f"{sku} needs osType Windows")
    elif isinstance(sku, str) and sku not in _IMAGES:
        yield Problem(f"{at}osSKU", not_offered(sku, (*_IMAGES, *_WINDOWS), what="image"))


def _driver(at: str, pool: Mapping[str, Any]) -> Iterator[Problem]:
    profile = pool.get("gpuProfile")
    word = profile.get("driver") if isinstance(profile, dict) else None
    if isinstance(word, str) and word not in _DRIVERS:
        yield Problem(f"{at}gpuProfile.driver", not_offered(word, _DRIVERS, what="driver"))


def _replacing(at: str, pool: Mapping[str, Any]) -> Iterator[Problem]:
    found = pool.get("upgradeSettings")
    settings: dict[str, Any] = found if isinstance(found, dict) else {}
    counts: dict[str, int] = {}
    for key in ("maxSurge", "maxUnavailable"):
        value = settings.get(key)
        number = _COUNT.fullmatch(value) if isinstance(value, str) else None
        if isinstance(value, str) and number is None:
            yield Problem(f"{at}upgradeSettings.{key}", f"{value!r} is neither a count of nodes nor a percentage")
        if number is not None:
            counts[key] = int(number[1])
    # Left out, maxUnavailable is 0.
    if counts.get("maxSurge") == 0 and not counts.get("maxUnavailable"):
        yield Problem(f"{at}upgradeSettings.maxSurge", "0 with no maxUnavailable: no node could be replaced")


def _inside(of: _Of) -> Check:
    def check(call: Inputs) -> Iterator[Problem]:
        for index, pool in enumerate(objects(call.known("agentPoolProfiles"))):
            yield from of(f"agentPoolProfiles[{index}].", pool)

    return check


def _alone(of: _Of) -> Check:
    return lambda call: of("", call.inputs)


_ALL: Final[Mapping[str, _Of]] = {"image": _image, "driver": _driver, "replacing": _replacing}
IN_CLUSTER: Final[tuple[Rule, ...]] = tuple(shape(_inside(of), name=name) for name, of in _ALL.items())
IN_POOL: Final[tuple[Rule, ...]] = tuple(shape(_alone(of), name=name) for name, of in _ALL.items())
