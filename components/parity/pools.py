"""GPU pools as they are declared to a cloud, and what their machines really give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from components.clouds import gpu, gpu_rates
from components.parity.graph import NOT_APPLICABLE, dynamic_resources, every, minors, word

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from components.parity.graph import Fact, Graph, Inputs, Reader


OF_POOLS: Final = (
    "cluster_autoscaling", "disks.encryption", "gpu.class", "gpu.driver", "gpu.rate", "gpu.scale_from_zero",
    "gpu.sharing", "gpu.taint", "nodes.images", "nodes.metadata", "nodes.private",
)  # fmt: skip
"""The capabilities that are read from pools, on one cloud at least."""


@dataclass(frozen=True, kw_only=True)
class Pool:
    """A GPU pool. `minimum` is None when nothing scales it or it cannot be read; `gpus` is None where only the machine
    says it.
    """

    machine: str | None
    gpus: int | None = None
    scaled: Fact = False
    minimum: int | None = None
    exclusive: Fact = True
    tainted: Fact = False


@dataclass(frozen=True, kw_only=True)
class Nodes:
    """Every pool of a cell by its inputs, wherever it is declared: on its own or inside the cluster's own resource.
    `unread` says, for people, why there may be GPU pools beside them that nothing declares.
    """

    rows: Sequence[Inputs]
    unread: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Pools:
    """The GPU pools of a cell. `seen` says whether its cluster is in view; `engine` whether something scales them;
    `unread` why there may be others that cannot be seen.
    """

    cloud: str
    pools: Sequence[Pool]
    seen: bool
    engine: Fact = True
    from_zero: Fact = True
    unread: Sequence[str] = ()

    def word(self, facts: Sequence[Fact], *, yes: str, no: str) -> str | None:
        """The word for all pools: not applicable without one, unknown without a cluster. What cannot be seen may be
        otherwise: it leaves a known no, and nothing else.
        """
        if not self.pools:
            return NOT_APPLICABLE if self.seen and not self.unread else None
        return word(every([*facts, *(None for _ in self.unread)]), yes=yes, no=no)

    def classes(self) -> str | None:
        """The class that each machine meets by the facts: a label may say what it likes."""
        found: list[str | None] = []
        for pool in self.pools:
            facts = self._facts(pool)
            count = (pool.gpus if pool.gpus is not None else facts.gpus) if facts else 0
            joined = f"/{facts.interconnect}" if facts and count > 1 else ""
            found.append(f"{facts.gpu_class}/{count}{joined}" if facts else None)
        return self._joined(found)

    def rates(self) -> str | None:
        """Whether each machine's device does what its class promises in tokens/s; None without a figure."""
        return self._joined([self._rate(pool) for pool in self.pools])

    def scaling(self) -> str | None:
        """Whether every pool grows and shrinks with pending pods."""
        return self.word([self.engine, *(pool.scaled for pool in self.pools)], yes="gpu-pools", no="none")

    def empty(self) -> str | None:
        """Whether every pool may have no node and comes back from there."""
        at_zero: list[Fact] = [False if pool.scaled is False else _zero(pool) for pool in self.pools]
        return self.word([self.engine, self.from_zero, *at_zero], yes="yes", no="no")

    def sharing(self) -> str | None:
        """Whether each device is given to one pod whole."""
        return self.word([pool.exclusive for pool in self.pools], yes="exclusive", no="shared")

    def taints(self) -> str | None:
        """Whether every pool keeps off pods that ask for no GPU."""
        return self.word([pool.tainted for pool in self.pools], yes="tainted", no="open")

    def models(self) -> str | None:
        """The GPU models behind the classes, for people."""
        found = {facts.gpu_model for pool in self.pools if (facts := self._facts(pool))}
        return ", ".join(sorted(found)) or None

    def _rate(self, pool: Pool) -> str | None:
        facts = self._facts(pool)
        floor = gpu_rates.FLOORS.get(facts.gpu_class) if facts else None
        figure = gpu_rates.rate(facts.gpu_model) if facts else None
        if facts is None or floor is None or figure is None:
            return None
        held = "least" if figure.tokens_per_s >= floor else "below"
        return f"{facts.gpu_class}/{held}-{floor}"

    def _joined(self, found: Sequence[str | None]) -> str | None:
        if not found:
            return NOT_APPLICABLE if self.seen and not self.unread else None
        return None if None in found or self.unread else "_".join(sorted(one for one in found if one))

    def _facts(self, pool: Pool) -> gpu.Machine | None:
        known = gpu.MACHINES.get(self.cloud, ())
        # Azure takes the name of a size in any case.
        asked = (pool.machine or "").casefold()
        return next((one for one in known if one.instance_type.casefold() == asked), None)


def _zero(pool: Pool) -> Fact:
    return None if pool.minimum is None else pool.minimum == 0


def of_clusters(pools: Callable[[Graph], Pools], versions: Callable[[Graph], Sequence[object]]) -> dict[str, Reader]:
    """How what a cluster as a whole gives is read, on any cloud, from its pools and its version."""
    return {
        "dra_support": lambda graph: dynamic_resources(versions(graph)),
        "cluster_autoscaling": lambda graph: pools(graph).scaling(),
        "kubernetes.minor": lambda graph: minors(versions(graph)),
    }


def of_gpu_pools(pools: Callable[[Graph], Pools]) -> dict[str, Reader]:
    """How what GPU pools give is read, on any cloud."""
    return {
        "gpu.class": lambda graph: pools(graph).classes(),
        "gpu.rate": lambda graph: pools(graph).rates(),
        "gpu.scale_from_zero": lambda graph: pools(graph).empty(),
        "gpu.sharing": lambda graph: pools(graph).sharing(),
        "gpu.taint": lambda graph: pools(graph).taints(),
    }
