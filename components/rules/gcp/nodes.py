"""What GKE refuses about the images, drivers and replacement of nodes.

Sources, read in November 2026: the reference of node pools (`UpgradeSettings`, `GpuDriverInstallationConfig`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from components.rules.checks import not_offered, objects, shape
from components.rules.model import Inputs, Problem, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

_IMAGES: Final = ("COS_CONTAINERD", "UBUNTU_CONTAINERD")
# Nodes with the runtime of Docker, which GKE has taken away with 1.24.
_GONE: Final = frozenset({"COS", "UBUNTU"})
_DRIVERS: Final = ("DEFAULT", "LATEST", "INSTALLATION_DISABLED")
_STRATEGIES: Final = ("SURGE", "BLUE_GREEN")
_AT_ONCE: Final = 20
_COUNTS: Final = ("upgradeSettings.maxSurge", "upgradeSettings.maxUnavailable")


def _image(call: Inputs) -> Iterator[Problem]:
    kind = call.known("nodeConfig.imageType")
    if kind in _GONE:
        yield Problem("nodeConfig.imageType", f"{kind} has the runtime of Docker, which went with Kubernetes 1.24")
    elif kind is not None and kind not in _IMAGES:
        yield Problem("nodeConfig.imageType", not_offered(str(kind), _IMAGES, what="value"))


def _driver(call: Inputs) -> Iterator[Problem]:
    for index, entry in enumerate(objects(call.known("nodeConfig.guestAccelerators"))):
        config = entry.get("gpuDriverInstallationConfig")
        word = config.get("gpuDriverVersion") if isinstance(config, dict) else None
        if isinstance(word, str) and word not in _DRIVERS:
            path = f"nodeConfig.guestAccelerators[{index}].gpuDriverInstallationConfig.gpuDriverVersion"
            yield Problem(path, not_offered(word, _DRIVERS, what="driver"))


def _replacing(call: Inputs) -> Iterator[Problem]:
    strategy = call.known("upgradeSettings.strategy")
    if strategy is not None and strategy not in _STRATEGIES:
        yield Problem("upgradeSettings.strategy", not_offered(str(strategy), _STRATEGIES, what="strategy"))
    given = [path for path in _COUNTS if call.get(path) is not None]
    if strategy == "BLUE_GREEN":
        for path in given:
            yield Problem(path, "is for the strategy SURGE alone")
        return
    numbers = [number for number in map(call.known, given) if isinstance(number, int)]
    if not given or len(numbers) < len(given):
        return
    if min(numbers) < 0:
        yield Problem(given[0], "counts of nodes are not negative")
    at_once = sum(numbers)
    if at_once == 0:
        yield Problem("upgradeSettings.maxSurge", "maxSurge and maxUnavailable cannot both be 0: nothing would move")
    if at_once > _AT_ONCE:
        yield Problem("upgradeSettings.maxSurge", f"{at_once} nodes at once; the API takes at most {_AT_ONCE}")


RULES: Final[tuple[Rule, ...]] = (shape(_image), shape(_driver), shape(_replacing))
