"""GPU rows. The API server's nodes say which GPUs there are; Prometheus says what they do.

The universe is never taken from the exporter: an exporter that died leaves its GPUs in the list as `unknown` rows with
the reason and the age of the last sample, and no reading is ever filled with 0. The owner of a GPU is the pod that the
exporter names when the API server knows it as a pod with GPUs, else the only GPU pod of a node that can own it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cli.prom.client import selector
from cli.prom.series import GPU, GPU_LABELS, canonical_of, first_label, normalise, sample_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from cli.kube.decode import Node, Pod
    from cli.prom.client import PrometheusClient, Sample

CLASS_LABEL, UNKNOWN = "twain/gpu-class", "unknown"
BUSY = 0.01
"""A GPU above this utilisation is busy; below it, it is idle."""

_READINGS = ("util", "memory_used", "memory_free", "memory_reserved", "memory_total", "power", "temperature")
_HISTORY = "6h"
_STEP = "30s"
_RECENT = "2m"


@dataclass(frozen=True, kw_only=True)
class Owner:
    """The pod that a GPU is given to."""

    namespace: str
    pod: str
    maison: str = ""
    workload: str = ""


@dataclass(kw_only=True)
class GpuRow:
    """One GPU, or (`level` class) all GPUs of a class in another world's cell. Ratios 0..1, bytes, watts, seconds."""

    world: str
    cell: str
    gpu_class: str
    level: str = "gpu"
    node: str | None = None
    index: int | None = None
    model: str | None = None
    count: int = 1
    known: int = 0
    busy: int | None = None
    util: float | None = None
    memory_used: float | None = None
    memory_total: float | None = None
    power: float | None = None
    temperature: float | None = None
    owner: Owner | None = None
    idle_s: float | None = None
    sample_age_s: float | None = None
    state: str = "ok"
    reason: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The row as the command line prints it."""
        owner = self.owner
        return {
            "world": self.world,
            "cell": self.cell,
            "name": f"{self.node}/{self.index}" if self.level == "gpu" else self.gpu_class,
            "level": self.level,
            "node": self.node,
            "gpu": self.index,
            "model": self.model,
            "class": self.gpu_class,
            "count": self.count,
            "known": self.known,
            "busy": self.busy,
            "util": _rounded(self.util, 4),
            "memory": {"used": _whole(self.memory_used), "total": _whole(self.memory_total)},
            "power": _rounded(self.power, 1),
            "temperature": _rounded(self.temperature, 1),
            "owner": None
            if owner is None
            else {"namespace": owner.namespace, "pod": owner.pod, "maison": owner.maison, "workload": owner.workload},
            "idleFor": _rounded(self.idle_s, 0),
            "sampleAge": _rounded(self.sample_age_s, 3),
            "state": self.state,
            "reason": self.reason,
        }


@dataclass(slots=True)
class _Readings:
    model: str = ""
    values: dict[str, float] = field(default_factory=dict)
    ranks: dict[str, int] = field(default_factory=dict)
    owners: list[tuple[str, str]] = field(default_factory=list)


async def read(
    prometheus: PrometheusClient, nodes: Sequence[Node], pods: Sequence[Pod], *, world: str, cell: str, now: float
) -> list[GpuRow]:
    """The rows of one cell of our own world. Raises PrometheusError when its Prometheus gives no answer."""
    names = sample_names(_READINGS, GPU)
    # `timestamp` drops the name, so names are asked for one by one: two series of one GPU must not become the same.
    moments = " or ".join(f"timestamp({name})" for name in sample_names(("util", "memory_used"), GPU))
    present = await prometheus.instant(selector(names, {}), at=now)
    stamps = await prometheus.instant(moments, at=now)
    universe_rows = rows(nodes, pods, present, stamps, world=world, cell=cell, now=now)
    if any(row.state != "ok" for row in universe_rows):
        # Coarse for the whole history, fine for its end: an exporter may have lived for less than a coarse step.
        last = await prometheus.instant(f"max_over_time(({moments})[{_HISTORY}:{_STEP}])", at=now)
        last += await prometheus.instant(f"max_over_time(({moments})[{_RECENT}:1s])", at=now)
        _age_unknown(universe_rows, last, now=now)
    if any(row.state == "ok" and (row.util or 0.0) <= BUSY for row in universe_rows):
        await _idle(prometheus, universe_rows, now=now)
    return universe_rows


def rows(
    nodes: Sequence[Node],
    pods: Sequence[Pod],
    present: Iterable[Sample],
    stamps: Iterable[Sample],
    *,
    world: str,
    cell: str,
    now: float,
) -> list[GpuRow]:
    """One row for every GPU of every node, sorted by node and index. Pure."""
    readings = _readings(present)
    ages = {_place(one.labels): now - one.value for one in stamps}
    owners = {(pod.metadata.namespace, pod.metadata.name): pod for pod in pods if pod.gpus > 0}
    made: list[GpuRow] = []
    for node in sorted(nodes, key=lambda one: one.metadata.name):
        name = node.metadata.name
        for index in range(node.gpus):
            row = GpuRow(
                world=world, cell=cell, gpu_class=node.metadata.label(CLASS_LABEL, UNKNOWN), node=name, index=index
            )
            _fill(row, readings.get((name, str(index))), owners)
            row.sample_age_s = ages.get((name, str(index)))
            if row.owner is None:
                row.owner = _only_owner(node, pods)
            made.append(row)
    return made


def class_of_table(said: str) -> str:
    """The class that somebody says; `unknown` where the table has none of this name. Another world hears no more."""
    from components.clouds.gpu import CLASSES

    return said if said in CLASSES else UNKNOWN


def unknown_rows(nodes: Sequence[Node], pods: Sequence[Pod], *, world: str, cell: str, reason: str) -> list[GpuRow]:
    """Every GPU of the nodes as `unknown`: there are so many, and nothing else can be said."""
    made = rows(nodes, pods, (), (), world=world, cell=cell, now=0.0)
    for row in made:
        row.state, row.reason, row.sample_age_s = "unknown", reason, None
    return made


def by_class(found: Sequence[GpuRow]) -> list[GpuRow]:
    """One row per cell and class of the table: what may be said of another world's GPUs. Means over the GPUs that are
    known.
    """
    groups: dict[tuple[str, str, str], list[GpuRow]] = defaultdict(list)
    for row in found:
        groups[row.world, row.cell, class_of_table(row.gpu_class)].append(row)
    made: list[GpuRow] = []
    for (world, cell, gpu_class), part in sorted(groups.items()):
        known = [row for row in part if row.state == "ok"]
        utils = [row.util for row in known if row.util is not None]
        ages = [row.sample_age_s for row in known if row.sample_age_s is not None]
        made.append(
            GpuRow(
                world=world,
                cell=cell,
                gpu_class=gpu_class,
                level="class",
                count=len(part),
                known=len(known),
                busy=sum(value > BUSY for value in utils) if len(utils) == len(part) else None,
                util=sum(utils) / len(utils) if utils else None,
                memory_used=_sum(row.memory_used for row in part),
                memory_total=_sum(row.memory_total for row in part),
                power=_sum(row.power for row in part),
                sample_age_s=max(ages) if ages else None,
                state="ok" if len(known) == len(part) else "unknown",
                reason=None
                if len(known) == len(part)
                else f"{len(part) - len(known)} of {len(part)} GPUs give no sample",
            )
        )
    return made


def as_contract(row: GpuRow) -> dict[str, Any]:
    """A class row in the words of the telemetry contract, before its filter."""
    return {
        "world": row.world,
        "cell": row.cell,
        "gpuClass": row.gpu_class,
        "gpus": row.count,
        "known": row.known,
        "busy": row.busy,
        "util": _rounded(row.util, 4),
        "memoryUsed": _whole(row.memory_used),
        "memoryTotal": _whole(row.memory_total),
        "power": _rounded(row.power, 1),
        "sampleAge": _rounded(row.sample_age_s, 0),
    }


def from_contract(item: Mapping[str, Any]) -> GpuRow:
    """The class row that a gate's answer holds."""
    gpus, known = int(item["gpus"]), int(item["known"])
    return GpuRow(
        world=item["world"],
        cell=item["cell"],
        gpu_class=item["gpuClass"],
        level="class",
        count=gpus,
        known=known,
        busy=item["busy"],
        util=item["util"],
        memory_used=item["memoryUsed"],
        memory_total=item["memoryTotal"],
        power=item["power"],
        sample_age_s=item["sampleAge"],
        state="ok" if known == gpus else "unknown",
        reason=_missing(gpus, known),
    )


def _readings(present: Iterable[Sample]) -> dict[tuple[str, str], _Readings]:
    """Values by (node, GPU index). MIG slices of one GPU share its place; the whole GPU's series wins."""
    found: dict[tuple[str, str], _Readings] = defaultdict(_Readings)
    for one in present:
        series = canonical_of(one.labels.get("__name__", ""))
        if series is None or one.labels.get("GPU_I_ID"):
            continue
        canonical, alias = series
        value = normalise(alias, one.value)
        if value is None:
            continue
        reading = found[_place(one.labels)]
        rank = canonical.aliases.index(alias)
        if rank <= reading.ranks.get(canonical.key, len(canonical.aliases)):
            reading.ranks[canonical.key] = rank
            reading.values[canonical.key] = value
        reading.model = reading.model or first_label(one.labels, GPU_LABELS["model"])
        pod = first_label(one.labels, GPU_LABELS["pod"])
        if pod:
            reading.owners.append((first_label(one.labels, GPU_LABELS["namespace"]), pod))
    return found


def _place(labels: Mapping[str, str]) -> tuple[str, str]:
    return first_label(labels, GPU_LABELS["node"]), first_label(labels, GPU_LABELS["gpu"])


def _fill(row: GpuRow, reading: _Readings | None, owners: Mapping[tuple[str, str], Pod]) -> None:
    if reading is None or not ({"util", "memory_used"} & set(reading.values)):
        row.state, row.reason = "unknown", "its exporter gives no sample"
        return
    values = reading.values
    row.known = 1
    row.model = reading.model or None
    row.util, row.power, row.temperature = values.get("util"), values.get("power"), values.get("temperature")
    row.memory_used = values.get("memory_used")
    row.memory_total = values.get("memory_total")
    if row.memory_total is None and row.memory_used is not None and "memory_free" in values:
        row.memory_total = row.memory_used + values["memory_free"] + values.get("memory_reserved", 0.0)
    row.busy = None if row.util is None else int(row.util > BUSY)
    for place in reading.owners:
        pod = owners.get(place)
        if pod is not None:
            row.owner = _owner(pod)
            break


def _owner(pod: Pod) -> Owner:
    return Owner(
        namespace=pod.metadata.namespace,
        pod=pod.metadata.name,
        maison=pod.metadata.label("twain/maison"),
        workload=pod.metadata.label("twain/workload"),
    )


def _only_owner(node: Node, pods: Sequence[Pod]) -> Owner | None:
    """The owner where only one is possible: a single pod of the node holds all of the node's GPUs."""
    holders = [
        pod
        for pod in pods
        if pod.spec.node_name == node.metadata.name and pod.gpus > 0 and pod.status.phase not in {"Succeeded", "Failed"}
    ]
    return _owner(holders[0]) if len(holders) == 1 and holders[0].gpus >= node.gpus else None


def _age_unknown(found: Sequence[GpuRow], last: Iterable[Sample], *, now: float) -> None:
    ages: dict[tuple[str, str], float] = {}
    for one in last:
        place = _place(one.labels)
        ages[place] = min(now - one.value, ages.get(place, float("inf")))
    for row in found:
        if row.state == "ok":
            continue
        age = ages.get((row.node or "", str(row.index)))
        row.sample_age_s = age
        if age is None:
            row.reason = f"no exporter gave a sample of it in {_HISTORY}"


async def _idle(prometheus: PrometheusClient, found: Sequence[GpuRow], *, now: float) -> None:
    """How long each idle GPU has been idle: since it was last busy, else since it was first seen in the history.
    The history has a point every `_STEP`; a GPU that is younger than its first point is idle since now.
    """
    parts = [f"({alias.name} * {alias.scale:g})" for alias in GPU["util"].aliases]
    util = f"({' or '.join(parts)})"
    busy = await prometheus.instant(f"max_over_time(timestamp({util} > {BUSY})[{_HISTORY}:{_STEP}])", at=now)
    first = await prometheus.instant(f"min_over_time(timestamp({util})[{_HISTORY}:{_STEP}])", at=now)
    since = {_place(one.labels): one.value for one in first}
    for one in busy:
        place = _place(one.labels)
        since[place] = max(one.value, since.get(place, 0.0))
    for row in found:
        if row.state == "ok" and row.util is not None and row.util <= BUSY:
            row.idle_s = max(0.0, now - since.get((row.node or "", str(row.index)), now))


def _missing(gpus: int, known: int) -> str | None:
    return None if known == gpus else f"{gpus - known} of {gpus} GPUs give no sample"


def _sum(values: Iterable[float | None]) -> float | None:
    """The sum; None as soon as one part is not known."""
    total = 0.0
    for value in values:
        if value is None:
            return None
        total += value
    return total


def _rounded(value: float | None, places: int) -> float | None:
    return None if value is None else round(value, places)


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)
