"""What GKE refuses about the images, drivers and replacement of nodes.

Sources, read in November 2026: the reference of node pools (`UpgradeSettings`, `GpuDriverInstallationConfig`); Compute
Engine, "GPU machine types", for A3 High machines with fewer than eight GPUs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from components.rules.checks import not_offered, shape
from components.rules.model import Inputs, Problem, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

_IMAGES: Final = ("COS_CONTAINERD", "UBUNTU_CONTAINERD", "WINDOWS_LTSC_CONTAINERD")
# Nodes with the runtime of Docker, which GKE has taken away with 1.24.
_GONE: Final = frozenset({"COS", "UBUNTU"})
_DRIVERS: Final = ("DEFAULT", "LATEST", "INSTALLATION_DISABLED")
_STRATEGIES: Final = ("SURGE", "BLUE_GREEN", "SHORT_LIVED")
_AT_ONCE: Final = 20
_COUNTS: Final = ("upgradeSettings.maxSurge", "upgradeSettings.maxUnavailable")


# What is asked for otherwise than on demand. A reservation is taken as such a way: what it holds is not seen here.
_NOT_ON_DEMAND: Final = (
    *("nodeConfig.spot", "nodeConfig.preemptible", "nodeConfig.flexStart", "queuedProvisioning.enabled"),
    "nodeConfig.reservationAffinity",
)
_A3_IN_PARTS: Final = frozenset({"a3-highgpu-1g", "a3-highgpu-2g", "a3-highgpu-4g"})


def _on_demand(call: Inputs) -> Iterator[Problem]:
    machine = call.known("nodeConfig.machineType")
    if machine in _A3_IN_PARTS and not any(call.known(path) for path in _NOT_ON_DEMAND):
        yield Problem("nodeConfig.machineType", f"{machine} is sold as Spot or by Flex-start only")


def _image(call: Inputs) -> Iterator[Problem]:
    given = call.known("nodeConfig.imageType")
    # The API reads it without regard to case.
    kind = given.upper() if isinstance(given, str) else given
    if kind in _GONE:
        yield Problem("nodeConfig.imageType", f"{given} has the runtime of Docker, which went with Kubernetes 1.24")
    elif kind is not None and kind not in _IMAGES:
        yield Problem("nodeConfig.imageType", not_offered(str(given), _IMAGES, what="value"))


def _driver(call: Inputs) -> Iterator[Problem]:
    def of(path: str, entry: dict[str, Any]) -> Iterator[Problem]:
        config = entry.get("gpuDriverInstallationConfig")
        word = config.get("gpuDriverVersion") if isinstance(config, dict) else None
        if isinstance(word, str) and word not in _DRIVERS:
            place = f"{path}.gpuDriverInstallationConfig.gpuDriverVersion"
            yield Problem(place, not_offered(word, _DRIVERS, what="driver"))

    yield from call.each("nodeConfig.guestAccelerators", of)


def _strategy(call: Inputs) -> Iterator[Problem]:
    strategy = call.known("upgradeSettings.strategy")
    if strategy is not None and strategy not in _STRATEGIES:
        yield Problem("upgradeSettings.strategy", not_offered(str(strategy), _STRATEGIES, what="strategy"))
    if strategy == "BLUE_GREEN":
        for path in _COUNTS:
            if call.get(path) is not None:
                yield Problem(path, "is for the strategy SURGE alone")


def _negative(call: Inputs) -> Iterator[Problem]:
    for path in _COUNTS:
        number = call.get(path)
        if isinstance(number, int) and number < 0:
            yield Problem(path, "counts of nodes are not negative")


def _at_once(call: Inputs) -> Iterator[Problem]:
    given = [path for path in _COUNTS if call.get(path) is not None]
    numbers = [number for number in map(call.known, given) if isinstance(number, int)]
    if not given or len(numbers) < len(given) or call.known("upgradeSettings.strategy") == "BLUE_GREEN":
        return
    at_once = sum(numbers)
    if at_once == 0:
        yield Problem("upgradeSettings.maxSurge", "maxSurge and maxUnavailable cannot both be 0: nothing would move")
    if at_once > _AT_ONCE:
        yield Problem("upgradeSettings.maxSurge", f"{at_once} nodes at once; the API takes at most {_AT_ONCE}")


# What of a node's configuration replaces its pool; the machine, the disk and the image are updated in place.
NODE_IMMUTABLE: Final = frozenset(
    f"nodeConfig.{path}"
    for path in (
        *("advancedMachineFeatures.enableNestedVirtualization", "advancedMachineFeatures.threadsPerCore"),
        *("bootDiskKmsKey", "confidentialNodes.confidentialInstanceType", "enableConfidentialStorage"),
        *("ephemeralStorageConfig", "ephemeralStorageLocalSsdConfig", "flexStart", "guestAccelerators"),
        *("hostMaintenancePolicy", "localNvmeSsdBlockConfig", "localSsdCount", "localSsdEncryptionMode"),
        *("maxRunDuration", "metadata", "minCpuPlatform", "nodeGroup", "oauthScopes", "preemptible"),
        *("reservationAffinity", "secondaryBootDisks", "serviceAccount", "shieldedInstanceConfig"),
        *("soleTenantConfig.nodeAffinities", "spot"),
    )
)
RULES: Final[tuple[Rule, ...]] = (
    shape(_image, fix=f"take one of {', '.join(_IMAGES)}"),
    shape(_on_demand, name="sold on demand", fix="take a3-highgpu-8g, or set nodeConfig.spot or nodeConfig.flexStart"),
    shape(_driver, fix=f"take one of {', '.join(_DRIVERS)}"),
    shape(
        _strategy,
        _negative,
        _at_once,
        name="replacing",
        fix=f"with SURGE let 1 to {_AT_ONCE} nodes move at once; with BLUE_GREEN leave both counts out",
    ),
)
