"""What an account can be asked before a cell is made in it, the same questions on every cloud."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

from cli.check.tool import Tool
from components.clouds.needs import NEEDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Cloud → the module with its `Probe`.
PROBES = {"alicloud": "cli.check.alicloud", "gcp": "cli.check.gcp", "azure": "cli.check.azure"}


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A machine type as this account may order it: zones as the cloud names them, vCPUs, and the name of its quota."""

    zones: frozenset[str]
    cpus: int | None = None
    family: str = ""


@dataclass(frozen=True, kw_only=True)
class Want:
    """So many machines of a type at most, with so many GPUs each; `accelerator` as the cloud names it, or empty. `pool`
    is the GPU pool that they are of (empty: the system pool), `zones` where it may have them.
    """

    machine: str
    count: int
    gpus: int = 0
    accelerator: str = ""
    pool: str = ""
    zones: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Quota:
    """A limit of this account in this region. None is unknown. `needed` is what the whole cell may grow to."""

    name: str
    limit: float | None
    used: float | None
    needed: float


@dataclass(frozen=True, kw_only=True)
class Network:
    """A network that exists, with its ranges as CIDR text."""

    name: str
    ranges: tuple[str, ...]


class Probe(Protocol):
    """One account and region. Every method only reads, and raises SignedOutError or NotAskedError where it learns
    nothing. `cluster_type` is what the engine calls a cluster of this cloud.
    """

    cluster_type: ClassVar[str]

    def identity(self) -> str:
        """Who is signed in to which account: ids, never a credential."""
        ...

    def services(self) -> frozenset[str]:
        """What of the needed services is switched on."""
        ...

    def minors(self) -> frozenset[str]:
        """Kubernetes minors that clusters can be made of in this region."""
        ...

    def offers(self, machines: Sequence[str]) -> Mapping[str, Offer]:
        """Which of these machine types this account may order, and where. One that is left out is not offered."""
        ...

    def quotas(self, wants: Sequence[Want], offers: Mapping[str, Offer]) -> list[Quota]:
        """The limits that these machines count against."""
        ...

    def networks(self) -> list[Network]:
        """Every network of the account in this region."""
        ...

    def addons(self, minor: str) -> frozenset[str] | None:
        """Names of the cluster add-ons that are offered for a minor; None where this cloud has no such list."""
        ...

    def cluster_ca(self, cluster_id: str) -> str:
        """The CA of a cluster as PEM. Raises ValueError or KeyError where the answer holds none."""
        ...


def tool_of(cloud: str, env: Mapping[str, str]) -> Tool:
    """The command line of a cloud."""
    return Tool(NEEDS[cloud].tool, env, NEEDS[cloud].sign_in)


def probe_of(cloud: str, *, region: str, account: str, env: Mapping[str, str]) -> Probe:
    """The probe of a cloud. `account` is the project or subscription of the fleet; empty means the tool's own."""
    return importlib.import_module(PROBES[cloud]).Probe(tool_of(cloud, env), region, account)
