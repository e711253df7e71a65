"""The spec's models: what a fleet, a workload and a waiver may say.

No field names a cloud's product; the typed blocks under `overrides` are the one exception. Models are frozen and refuse
unknown keys. Rules that need cloud facts (regions, SKUs, overlaps) live in `components.policy.spec_rules`, so that this
package stays free of them.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from components.spec.nodes import Nodes
from components.spec.types import (
    Amount,
    Cidr,
    Count,
    Currency,
    Digest,
    EachOnce,
    GroupName,
    KubernetesMinor,
    Name,
    OneOrMore,
    Owner,
    PoolName,
    Positive,
    Project,
    Reason,
    Region,
    Subscription,
)

Cloud = Literal["alicloud", "gcp", "azure"]
WorldName = Literal["cn", "row"]
Share = Literal["dedicated", "shared"]
Origin = Literal["none", "cn-personal", "row-personal", "unknown"]


class SpecModel(BaseModel):
    """Base of every model of the spec: frozen, strict about keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Money(SpecModel):
    """An amount in one currency. Amounts of different currencies never meet without a dated rate."""

    amount: Amount
    currency: Currency


class State(SpecModel):
    """Where the Pulumi state of a world lives. `${VAR}` in `backend` is expanded from the environment. `location` is
    the region that it lies in, where its address names none; `emulated` for the folder of a world that is played on
    one machine.
    """

    backend: str = Field(min_length=3)
    secrets_provider: str = Field(min_length=3)
    location: Region | None = None


class Groups(SpecModel):
    """The RBAC groups of a world's operators, as its clouds' identity services name them: who reads every cell and
    deploys into the maisons' namespaces (`sre`), and the identity with which the world's gate comes to its other cells.
    """

    sre: GroupName = "twain-sre"
    gate: GroupName = "twain-gate"


class Receiver(SpecModel):
    """Who is told of a world's alerts: a webhook at an address inside the world. `token` says that the caller shows a
    bearer token, which the cell's secret store keeps and no file of ours holds; an address that is itself a secret
    cannot be judged, so it holds no user, no query and no fragment. `told_by`: the Alertmanager of each `cell`, and
    the `cloud`'s own alerting, which speaks when the cell is dead.
    """

    name: Name
    url: str = Field(max_length=400, pattern=r"^https?://[^@?#\s]+$")
    severities: Annotated[tuple[Literal["page", "ticket"], ...], EachOnce] = Field(
        default=("page", "ticket"), min_length=1
    )
    told_by: Annotated[tuple[Literal["cell", "cloud"], ...], EachOnce] = Field(default=("cell",), min_length=1)
    token: bool = False


class RemoteWrite(SpecModel):
    """A store of metrics inside the world that each cell's Prometheus writes to as well; what an address may hold, and
    where its `token` is, as with a receiver of alerts.
    """

    url: str = Field(max_length=400, pattern=r"^https?://[^@?#\s]+$")
    token: bool = False


class World(SpecModel):
    """A jurisdiction: the regions that belong to it, its state, its registry, and the cell that holds its gate.
    `registry_location` is the region of a registry whose address names none.

    `access` says how an operator reaches HTTP services inside a cell: `pod-network` (pod addresses are routable from
    where operators work) or `api-proxy` (through the API server's service proxy).
    """

    name: WorldName
    regions: tuple[Region, ...] = Field(min_length=1)
    state: State
    registry: str = Field(min_length=3)
    registry_location: Region | None = None
    access: Literal["pod-network", "api-proxy"] = "api-proxy"
    gate_cell: Name
    groups: Groups = Groups()
    remote_write: RemoteWrite | None = None
    alerts: Annotated[tuple[Receiver, ...], Field(max_length=16)] = ()
    # By cloud, what its accounts hang from: the world's regions are made the only ones there.
    guard_rails: dict[Cloud, str] = {}


class Maison(SpecModel):
    """A tenant: namespace, GPU quota per cell, RBAC group and monthly budget."""

    name: Name
    rbac_group: GroupName
    gpu_quota: Count
    budget: Money


class Dataset(SpecModel):
    """What pods read and never write: a part of the weights bucket of every cell of its worlds.

    It is its maison's alone (`dedicated`), or its maison's and that of the `readers` that are named (`shared`).
    `origin` says where the data comes from; `unknown` is treated as the strictest.
    """

    name: Name
    maison: Name
    share: Share = "dedicated"
    readers: Annotated[tuple[Name, ...], EachOnce] = ()
    worlds: Annotated[tuple[WorldName, ...], EachOnce] = Field(min_length=1)
    origin: Origin = "unknown"

    @property
    def read_by(self) -> tuple[str, ...]:
        """The maisons whose pods read it."""
        return (self.maison, *self.readers)


class SystemPool(SpecModel):
    """The pool for everything that needs no GPU. `size` is a neutral size that each cloud maps to a machine."""

    size: Literal["cpu-4", "cpu-8", "cpu-16"] = "cpu-4"
    min: Positive = 1
    max: Positive = 3


class GpuPool(SpecModel):
    """A pool of GPU nodes of one class. `min` and `max` count nodes per cell; a pool scales from zero. `zones` are some
    of its cell's, where a machine is sold in some of them only; none means all of them.
    """

    name: PoolName
    gpu_class: Name
    gpus_per_node: Positive = 1
    min: Count = 0
    max: Count
    zones: Annotated[tuple[str, ...], EachOnce, OneOrMore] | None = None

    def within(self, zones: tuple[str, ...]) -> tuple[str, ...]:
        """The zones that the pool spans in a cell of these zones, in the cell's order: another order is no change."""
        return zones if self.zones is None else tuple(zone for zone in zones if zone in self.zones)


class Bucket(SpecModel):
    """The object store for weights: versioned, private, encrypted; old versions go after `noncurrent_days`."""

    versioning: bool = True
    noncurrent_days: Positive = 30


class FileShare(SpecModel):
    """The shared file store for weights. Each cloud has sizes that it can be; not each lets it shrink."""

    size_gib: int = Field(default=1024, ge=1, le=1_000_000, strict=True)


class Observability(SpecModel):
    """Prometheus of the cell, and how long its logs are kept.

    China's Cybersecurity Law (article 21 of the text of 2016) asks for network logs of at least six months: so many are
    the default everywhere, and fewer are refused in `cn`. The upper bound is Azure's. `metrics`: they stay in the
    `cell`, or Prometheus writes them to the cloud's `managed` one in the region as well.
    """

    scrape_interval_s: Positive = 15
    retention_hours: Positive = 360
    log_days: int = Field(default=180, ge=30, le=730, strict=True)
    metrics: Literal["cell", "managed"] = "cell"


class Registry(SpecModel):
    """The cell's own registry. Where it is sold in advance only, it is made when the fleet has acknowledged that."""

    prepaid_acknowledged: bool = False


class Database(SpecModel):
    """The cell's PostgreSQL. `size` counts CPUs, with 4 GiB of memory each; disks are of sizes that every cloud has."""

    size: Literal["db-2", "db-4", "db-8"] = "db-2"
    storage_gib: Literal[32, 64, 128, 256, 512, 1024] = 128
    version: Literal["15", "16", "17"] = "17"
    # The lower bound is Azure's and RDS's default, the upper one Azure's.
    backup_days: int = Field(default=7, ge=7, le=35, strict=True)


class Cache(SpecModel):
    """The cell's cache. `size` counts the GiB that can be written, at least."""

    size: Literal["cache-4", "cache-8", "cache-32"] = "cache-4"


class HostedModel(SpecModel):
    """A model that the cloud's own AI platform serves, beside the cell's GPUs.

    On Azure it is one of the cloud's catalogue, by `publisher`, `name` and `version`, and `capacity` counts thousands
    of tokens a minute. On Alibaba Cloud it is the image `platform/NAME:VERSION` of the cell's registry on machines of
    `gpu_class`, and `capacity` counts them.
    """

    name: str = Field(max_length=63, pattern=r"^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$")
    version: str = Field(max_length=64, pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]*$")
    publisher: str = Field(default="", max_length=64, pattern=r"^[A-Za-z0-9 .-]*$")
    gpu_class: str = Field(default="", max_length=20, pattern=r"^[a-z0-9-]*$")
    capacity: Positive = 1


class AiPlatform(SpecModel):
    """The hook into the cloud's own AI platform. Without a model there is only the place for one, which is free."""

    model: HostedModel | None = None


class Platform(SpecModel):
    """What is installed in a cell as a chart: who scales pods by metrics, and who admits jobs within a quota."""

    autoscaler: Literal["keda", "none"] = "keda"
    queue: Literal["kueue", "none"] = "kueue"


class AlicloudOverrides(SpecModel):
    """What only Alibaba Cloud has. `kms_instance` is an instance of its KMS that somebody has bought in advance: only
    there can a key be made that signs. `metrics_write` is the address at which the cell's Prometheus instance takes
    remote write: its console tells it once the instance is there, and no resource does.
    """

    kms_instance: str = Field(default="", pattern=r"^(kst-[a-z0-9]{8,40})?$")
    cluster_spec: Literal["ack.pro.small", "ack.pro.xlarge", "ack.pro.2xlarge", "ack.pro.4xlarge"] = "ack.pro.small"
    metrics_write: str = Field(default="", max_length=400, pattern=r"^(https://[^@?#\s]+)?$")


class GcpOverrides(SpecModel):
    """What only GCP has. `bucket_location` says where the cell's buckets lie: its region, where its key lies, as no
    bucket takes a key from elsewhere. GCP knows multi-regions such as `EU` too, and the rules refuse them.
    """

    project: Project = ""
    bucket_location: str = Field(default="", max_length=40, pattern=r"^[A-Za-z0-9-]*$")


class AzureOverrides(SpecModel):
    """What only Azure has. `mesh_revisions` are the revisions of the add-on that implements the gateway, where they are
    not the ones that twain declares: two while it is upgraded, the old one and the next.
    """

    subscription: Subscription = ""
    mesh_revisions: tuple[Annotated[str, Field(pattern=r"^asm-1-[0-9]{2}$")], ...] = Field(default=(), max_length=2)


class Overrides(SpecModel):
    """Typed blocks for one cloud each; a block for a cloud that the cell is not on is refused by the spec check."""

    alicloud: AlicloudOverrides | None = None
    gcp: GcpOverrides | None = None
    azure: AzureOverrides | None = None


class Template(SpecModel):
    """What every cell of the fleet is."""

    kubernetes_minor: KubernetesMinor
    nodes: Nodes = Nodes()
    system_pool: SystemPool = SystemPool()
    gpu_pools: tuple[GpuPool, ...] = ()
    bucket: Bucket = Bucket()
    file_share: FileShare = FileShare()
    observability: Observability = Observability()
    registry: Registry = Registry()
    database: Database = Database()
    cache: Cache = Cache()
    ai_platform: AiPlatform = AiPlatform()
    platform: Platform = Platform()
    # Deletion protection, as far as each cloud has it. A fleet that is meant to be destroyed sets it to false.
    protect: bool = True


class TemplatePatch(SpecModel):
    """The parts of the template that one cell declares differently. Parity shows those that a capability is about."""

    kubernetes_minor: KubernetesMinor | None = None
    nodes: Nodes | None = None
    system_pool: SystemPool | None = None
    gpu_pools: tuple[GpuPool, ...] | None = None
    bucket: Bucket | None = None
    file_share: FileShare | None = None
    observability: Observability | None = None
    registry: Registry | None = None
    protect: bool | None = None
    database: Database | None = None
    cache: Cache | None = None
    ai_platform: AiPlatform | None = None
    platform: Platform | None = None


class CellBudget(SpecModel):
    """How a cell's cloud watches what the maisons may spend: `percent` of all their budgets is this cell's.

    `currency` is the one that the cell is billed in, `account` the billing account where the cloud asks for it, `since`
    the month of the first budget, `alerts` an object of the cloud that knows whom to tell; persons stay out of the
    fleet. `thresholds` are percent of the cell's part; Azure takes five, and one of them is the forecast's.
    """

    account: str = Field(default="", max_length=64, pattern=r"^[A-Za-z0-9-]*$")
    currency: Currency
    since: str = Field(pattern=r"^20\d\d-(0[1-9]|1[0-2])$")
    alerts: str = Field(min_length=3, max_length=400, pattern=r"^[^@\s]+$")
    percent: int = Field(default=100, ge=1, le=100, strict=True)
    thresholds: tuple[Annotated[int, Field(ge=1, le=1000, strict=True)], ...] = Field(
        default=(50, 80, 100), min_length=1, max_length=4
    )


class Cell(SpecModel):
    """One region on one cloud. Empty `zones` means: the first two zones that the facts list for the region."""

    name: Name
    world: WorldName
    cloud: Cloud
    region: Region
    cidr: Cidr
    zones: Annotated[tuple[str, ...], EachOnce] = ()
    budget: CellBudget | None = None
    template: TemplatePatch | None = None
    overrides: Overrides | None = None


class ResolvedCell(SpecModel):
    """A cell with its world and the template after its own differences."""

    cell: Cell
    world: World
    template: Template


class Fleet(SpecModel):
    """Worlds, one template, and the cells made from it."""

    name: Name
    reporting_currency: Currency = "EUR"
    worlds: dict[WorldName, World]
    maisons: tuple[Maison, ...] = ()
    datasets: tuple[Dataset, ...] = ()
    template: Template
    cells: tuple[Cell, ...] = Field(min_length=1)

    def cell(self, name: str) -> Cell:
        """The cell of this name. Raises KeyError with the names that exist."""
        for cell in self.cells:
            if cell.name == name:
                return cell
        message = f"no cell {name!r} in fleet {self.name!r}; it has {', '.join(c.name for c in self.cells)}"
        raise KeyError(message)

    def resolved(self, name: str) -> ResolvedCell:
        """The cell of this name with its world, and the template with the cell's own differences applied."""
        cell = self.cell(name)
        changes: dict[str, object] = {}
        if cell.template is not None:
            declared = cell.template.model_fields_set
            changes = {key: getattr(cell.template, key) for key in declared if getattr(cell.template, key) is not None}
        return ResolvedCell(cell=cell, world=self.worlds[cell.world], template=self.template.model_copy(update=changes))

    def datasets_of(self, world: str) -> tuple[Dataset, ...]:
        """The datasets that lie in the cells of one world, in the order of the file."""
        return tuple(dataset for dataset in self.datasets if world in dataset.worlds)

    def cells_of(self, world: str) -> tuple[Cell, ...]:
        """The cells of one world, in the order of the file."""
        return tuple(cell for cell in self.cells if cell.world == world)


class Weights(SpecModel):
    """A model's weights: a path in the cell's weights bucket, the digest of their manifest, their size."""

    path: str = Field(min_length=1, pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$")
    digest: Digest
    size_gib: Positive


class Model(SpecModel):
    """The model that a workload serves. `origin` says where the data behind it comes from, `export` by which entry its
    weights may cross the border.
    """

    name: str = Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$")
    served_name: str = Field(min_length=1, max_length=63, pattern=r"^[a-z0-9][a-z0-9._-]*$")
    license: str = Field(min_length=2, max_length=64)
    origin: Origin = "unknown"
    export: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,31}$")
    context_length: int = Field(ge=512, le=10_000_000, strict=True)
    weights: Weights


class Engine(SpecModel):
    """The serving engine: an image by name, tag and digest, and the arguments that are the operator's own."""

    name: Literal["vllm"]
    image: str = Field(min_length=1, max_length=128, pattern=r"^[a-z0-9][a-z0-9._/-]*$")
    tag: str = Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]*$")
    digest: Digest
    args: tuple[str, ...] = ()


class Gpu(SpecModel):
    """What one replica asks for: `count` devices of a class."""

    gpu_class: Name
    count: Positive = 1


class Rollout(SpecModel):
    """How a change is rolled out. 0 and 0 would never move, so that pair is refused by the spec check."""

    deadline_s: int = Field(default=1800, ge=10, le=86_400, strict=True)
    max_surge: Count = 1
    max_unavailable: Count = 0
    drain_s: int = Field(default=60, ge=1, le=3600, strict=True)


class Slo(SpecModel):
    """A promise: the share `objective` of requests lies at or under `threshold_s` seconds."""

    metric: Literal["ttft", "itl", "e2e", "queue"]
    threshold_s: float = Field(gt=0, le=7680)
    objective: float = Field(gt=0, lt=1)


class Workload(SpecModel):
    """An inference service, mirrored into worlds. Pods of its `readers` may ask it, in the cells that they are in."""

    name: Name
    maison: Name
    share: Share = "dedicated"
    readers: Annotated[tuple[Name, ...], EachOnce] = ()
    worlds: Annotated[tuple[WorldName, ...], EachOnce] = Field(min_length=1)
    model: Model
    engine: Engine
    gpu: Gpu
    replicas: Count
    rollout: Rollout = Rollout()
    slo: tuple[Slo, ...] = ()


class Waiver(SpecModel):
    """A declared difference between cells. It counts from `since` (where that is said) to the end of `until`; after
    that the difference is a gap again. With `value` it excuses that value only.
    """

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,31}$")
    capability: str = Field(min_length=3, max_length=64)
    cells: tuple[Name, ...] = Field(min_length=1)
    owner: Owner
    reason: Reason
    since: date | None = None
    until: date
    value: str | None = Field(default=None, min_length=1, max_length=128)
