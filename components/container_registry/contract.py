"""The registry of a cell: images and weights that its nodes pull, in the cell's own region and network."""

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

# The part of the registry that no maison owns: what the platform itself runs.
PLATFORM = "platform"


@dataclass(frozen=True, kw_only=True)
class ContainerRegistryInputs:
    """The place, the network, the key, the cluster whose nodes pull, and the `parts` that images are filed under (one
    per maison; `PLATFORM` is always there).
    """

    place: Place
    network: NetworkOutputs
    key: KeyOutputs
    cluster: ClusterOutputs
    parts: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ContainerRegistryOutputs:
    """`address` is what the reference of an image begins with, `ADDRESS/PART/IMAGE`: a name of the cell's network."""

    registry_id: pulumi.Output[str]
    address: pulumi.Output[str]


class ContainerRegistry(Component[ContainerRegistryInputs, ContainerRegistryOutputs]):
    """A registry in one region, without replication, public access or anonymous pull.

    Minutes to create. The cell's nodes may pull from all of it, so a part is an order and no wall between maisons; who
    may push is granted outside of the program. Images are encrypted with the cell's key on GCP and Azure, with the
    service's own on Alibaba Cloud. A tag cannot be moved on GCP; elsewhere that is a setting of each repository, and
    only a digest holds. With `protect`, deletion is refused: in the provider on GCP, by a lock on Azure, by the engine
    on Alibaba Cloud.
    """

    kind = "ContainerRegistry"

    @abstractmethod
    def build(self, name: str, inputs: ContainerRegistryInputs) -> ContainerRegistryOutputs:
        """Declare the registry."""
