"""What AKS refuses about the images, drivers and replacement of nodes.

Sources, read in November 2026: the reference of agent pools, and the notice on Azure Linux 2.0, whose node images were
removed on 31 March 2026.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from components.rules.checks import not_offered, shape
from components.rules.model import Check, Problem, Rule

_IMAGES: Final = ("Ubuntu", "Ubuntu2204", "AzureLinux", "AzureLinux3")
_GONE: Final = frozenset({"CBLMariner"})
_WINDOWS: Final = ("Windows2019", "Windows2022")
_DRIVERS: Final = ("Install", "None")
_COUNT: Final = re.compile(r"(\d+)%?")
# A pool by the path before its properties; one may also stand inside its cluster.
Of = Callable[[str, Mapping[str, Any]], Iterator[Problem]]


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


def _count(value: Any) -> int | None:
    found = _COUNT.fullmatch(value) if isinstance(value, str) else None
    return int(found[1]) if found else None


def _settings(pool: Mapping[str, Any]) -> Mapping[str, Any]:
    found = pool.get("upgradeSettings")
    return found if isinstance(found, dict) else {}


def _counted(key: str) -> Of:
    def of(at: str, pool: Mapping[str, Any]) -> Iterator[Problem]:
        value = _settings(pool).get(key)
        if isinstance(value, str) and _count(value) is None:
            yield Problem(f"{at}upgradeSettings.{key}", f"{value!r} is neither a count of nodes nor a percentage")

    return of


def _none_moves(at: str, pool: Mapping[str, Any]) -> Iterator[Problem]:
    settings = _settings(pool)
    # Left out, maxUnavailable is 0.
    if _count(settings.get("maxSurge")) == 0 and not _count(settings.get("maxUnavailable")):
        yield Problem(f"{at}upgradeSettings.maxSurge", "0 with no maxUnavailable: no node could be replaced")


def inside(of: Of) -> Check:
    """A check of pools that stand inside their cluster, each apart."""
    return lambda call: call.each("agentPoolProfiles", lambda path, pool: of(f"{path}.", pool))


def alone(of: Of) -> Check:
    """The same check of a pool that stands by itself."""
    return lambda call: of("", call.inputs)


# Name -> what to do about it, and the checks.
_ALL: Final[Mapping[str, tuple[str, tuple[Of, ...]]]] = {
    "image": (f"take one of {', '.join((*_IMAGES, *_WINDOWS))}; Windows needs osType Windows", (_image,)),
    "driver": (f"take {' or '.join(_DRIVERS)}", (_driver,)),
    "replacing": (
        "let at least one node move at once: a count, or a percentage",
        (_counted("maxSurge"), _counted("maxUnavailable"), _none_moves),
    ),
}
IN_CLUSTER: Final[tuple[Rule, ...]] = tuple(
    shape(*map(inside, checks), name=name, fix=fix) for name, (fix, checks) in _ALL.items()
)
IN_POOL: Final[tuple[Rule, ...]] = tuple(
    shape(*map(alone, checks), name=name, fix=fix) for name, (fix, checks) in _ALL.items()
)
