"""What a cell leaves behind to be read: logs, metrics and the trail of who did what, all of it in the cell's region."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict

from components.base import Component, Place

if TYPE_CHECKING:
    import pulumi

    from components.cluster.contract import ClusterOutputs
    from components.key.contract import KeyOutputs
    from components.network.contract import NetworkOutputs


@dataclass(frozen=True, kw_only=True)
class ObservabilityInputs:
    """The place, the network, the key and the cluster.

    `for_account`: this cell also declares what its account, project or subscription has only one of
    (`components.clouds.accounts.speaks_for_account`); a second declaration would fight with the first.
    `writer`: the service account, as `NAMESPACE/NAME`, that writes metrics where they are managed.
    """

    place: Place
    network: NetworkOutputs
    key: KeyOutputs
    cluster: ClusterOutputs
    for_account: bool
    writer: str


class MetricsWrite(TypedDict, total=False):
    """How the cell's Prometheus writes to the managed one; nothing where metrics stay in the cell. `target` is the item
    of its `remote_write`, with address and login and never a key; `binding` the value of the annotation that binds the
    writer to its identity, empty where the login is a key pair (`keyed`), which lies in a Secret of the cluster and in
    no state.
    """

    target: pulumi.Output[dict[str, Any]]
    binding: pulumi.Output[str]
    keyed: bool


@dataclass(frozen=True, kw_only=True)
class ObservabilityOutputs:
    """`logs` is where the cluster's logs lie, as the cloud names it. `prometheus_query` is the base URL of the managed
    Prometheus, empty where the cloud tells it to a look-up only. `unwatched` names the alarms (`silent`, `audit`) that
    the cloud's own alerting does not watch, and why; `by_hand` is what a person does before anybody is told, empty
    where nothing is left. `metrics_write` is empty where metrics stay in the cell.
    """

    logs: pulumi.Output[str]
    prometheus_query: pulumi.Output[str]
    unwatched: dict[str, str]
    by_hand: str
    metrics_write: MetricsWrite


class Observability(Component[ObservabilityInputs, ObservabilityOutputs]):
    """Logs that are kept `observability.log_days`, a managed Prometheus, an audit trail.

    Where the cluster needs the place of its logs before it can be made, the cluster's component makes it and this one
    adds to it. Where the fleet names receivers for it, the cloud's own alerting tells them when no metric of the cell
    arrives any more and when the audit trail is changed: both also while the cell is dead. Destroying it destroys the
    logs with it; none of the three clouds keeps a copy for us.
    """

    kind = "Observability"

    @abstractmethod
    def build(self, name: str, inputs: ObservabilityInputs) -> ObservabilityOutputs:
        """Declare what collects and keeps."""
