"""What a cell leaves behind to be read: logs, metrics and the trail of who did what, all of it in the cell's region."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

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
    """

    place: Place
    network: NetworkOutputs
    key: KeyOutputs
    cluster: ClusterOutputs
    for_account: bool


@dataclass(frozen=True, kw_only=True)
class ObservabilityOutputs:
    """`logs` is where the cluster's logs lie, as the cloud names it. `prometheus_query` is the base URL of the managed
    Prometheus, empty where the cloud tells it to a look-up only.
    """

    logs: pulumi.Output[str]
    prometheus_query: pulumi.Output[str]


class Observability(Component[ObservabilityInputs, ObservabilityOutputs]):
    """Logs that are kept `observability.log_days`, a managed Prometheus, an audit trail.

    Where the cluster needs the place of its logs before it can be made, the cluster's component makes it and this one
    adds to it. Destroying it destroys the logs with it; none of the three clouds keeps a copy for us.
    """

    kind = "Observability"

    @abstractmethod
    def build(self, name: str, inputs: ObservabilityInputs) -> ObservabilityOutputs:
        """Declare what collects and keeps."""
